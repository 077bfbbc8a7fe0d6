// SPDX-License-Identifier: Apache-2.0
//
// nginx as a yardstick: `return 200` with a body of a given size, no log, no limit of requests per connection,
// its own plain headers.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, freePort, Program, run } from '../../tests/e2e/lib/process.mjs';
import { endWithUs } from './processes.mjs';
import { ask } from '../../tests/e2e/lib/http.mjs';

export const NGINX = ['/usr/sbin/nginx', '/usr/bin/nginx', '/usr/local/sbin/nginx'].find(existsSync) ?? 'nginx';

const configuration = (port, workers, body) => `
daemon off;
worker_processes ${workers};
pid nginx.pid;
error_log stderr error;
events { worker_connections 1024; }
http {
	access_log off;
	default_type application/json;
	keepalive_requests 1000000000;
	client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
	server {
		listen 127.0.0.1:${port}${workers > 1 ? ' reuseport' : ''};
		location / { return 200 '${body}'; }
	}
}
`;

export class Nginx {
	async start(dir, { workers, bodyBytes }) {
		const port = await freePort();
		mkdirSync(dir, { recursive: true });
		writeFileSync(join(dir, 'nginx.conf'), configuration(port, workers, JSON.stringify('x'.repeat(bodyBytes - 2))));
		this.url = `http://127.0.0.1:${port}`;
		endWithUs(() => this.program);
		this.program = new Program(NGINX, ['-p', dir, '-c', join(dir, 'nginx.conf')]);
		await eventually('nginx', () => {
			assert.ok(this.program.running, `nginx ended: ${this.program.errors}`);
			return ask(`${this.url}/`).then((res) => res.text.length === bodyBytes, () => false);
		});
		return this;
	}

	get pid() { return this.program.pid; }

	stop() { return this.program.stop('SIGTERM'); }

	static async version() { return (await run(NGINX, ['-v'])).stderr.trim().replace('nginx version: ', ''); }
}
