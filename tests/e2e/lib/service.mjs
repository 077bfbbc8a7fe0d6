// SPDX-License-Identifier: Apache-2.0
//
// fiberd as a fixture: a data directory of its own, a free port, the administrator's key and link, the
// API with a key, and the CLI with a home of its own.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { authenticatorFor } from '../../../practice/register.mjs';
import { ask } from './http.mjs';
import { startPractice } from './practice.mjs';
import {
	BUILD, commandLine, descendants, eventually, freePort, Program, run,
} from './process.mjs';

export const PASSWORD = 'correct horse battery staple 7';

// tools/coverage wants what each process counted, and a role in its sandbox can't write that.
const SANDBOX = process.env.FIBERWISE_COUNTED ? { FIBERWISE_SANDBOX: 'off' } : {};
// Tests knock faster than anybody should; those of the limits set their own.
const NO_RATES = {
	...Object.fromEntries(['KEY', 'APP', 'USER', 'ADDRESS'].map((name) => [`FIBERWISE_RATE_${name}`, '0'])),
	FIBERWISE_CONNECTS_PER_ADDRESS: '0',
};

export class Service {
	constructor(dir, port, env = {}) {
		this.dir = dir;
		this.port = port;
		this.url = `http://127.0.0.1:${port}`;
		this.dataDir = join(dir, 'data');
		this.env = env;
		this.binary = join(BUILD, 'fiberd');
	}

	async start(extra = {}) {
		this.program = new Program(this.binary, [], {
			cwd: this.dir,
			env: {
				FIBERWISE_LISTEN: `127.0.0.1:${this.port}`,
				FIBERWISE_PUBLIC_URL: this.url,
				FIBERWISE_DATA_DIR: this.dataDir,
				FIBERWISE_EGRESS_ALLOW: '127.0.0.0/8,::1/128',
				FIBERWISE_WORKERS: '2',
				...SANDBOX,
				...NO_RATES,
				...this.env,
				...extra,
			},
		});
		assert.equal(await this.program.ready(), this.env.FIBERWISE_PUBLIC_URL ?? this.url);
		return this;
	}

	// At the end of a test: at once, unless the processes have yet to write what they counted.
	end() { return this.program?.stop(process.env.FIBERWISE_COUNTED ? 'SIGTERM' : 'SIGKILL'); }

	get adminKey() { return readFileSync(join(this.dataDir, 'admin.key'), 'utf8').trim(); }

	// The administrator's link, which goes to standard output only.
	adminLink() {
		return eventually('sign-in link', () => this.program.lines
			.filter((l) => !l.startsWith('ready '))
			.map((l) => /https?:\/\/\S+/.exec(l)?.[0])
			.find(Boolean));
	}

	api(method, path, { key = this.adminKey, json, headers = {} } = {}) {
		return ask(`${this.url}/api/v1${path}`,
			{ method, json, headers: { ...(key ? { authorization: `Bearer ${key}` } : {}), ...headers } });
	}

	// Like api, but anything other than `status` fails the test with the server's own words.
	async expect(status, method, path, options) {
		const res = await this.api(method, path, options);
		assert.equal(res.status, status, `${method} ${path}: ${res.status} ${res.text}`);
		return res.body;
	}

	token(ref, query = {}) {
		const search = new URLSearchParams(query);
		return this.api('GET', `/credentials/connections/${encodeURIComponent(ref)}/token?${search}`);
	}

	// The running roles: [{ pid, role }], the supervisor not among them.
	roles() {
		return descendants(this.program.pid)
			.map((pid) => ({ pid, role: /\b(keeper|courier|clerk|worker)\b/.exec(commandLine(pid))?.[1] }))
			.filter(({ role }) => role);
	}

	async cli(args, input) {
		const home = join(this.dir, 'home');
		return run(join(BUILD, 'fiber'), args, { env: { HOME: home }, input, cwd: this.dir });
	}

	async configureCli() {
		const res = await this.cli(['account', 'add-config', '--name', 'e2e', '--api-key=-',
			'--base-url', this.url, '--set-default'], this.adminKey);
		assert.equal(res.code, 0, res.stderr);
	}

	stop(signal) { return this.program.stop(signal); }
}

export function needBuild() {
	for (const name of ['fiberd', 'fiber']) {
		assert.ok(existsSync(join(BUILD, name)), `${join(BUILD, name)} is not there: run make first`);
	}
}

export function workspace(t) {
	const dir = mkdtempSync(join(tmpdir(), 'fiberwise-e2e-'));
	t.after(() => { if (!process.env.KEEP) rmSync(dir, { recursive: true, force: true }); });
	return dir;
}

// A provider, the service, and the authenticator "Practice" between them.
export async function makeWorld(t, { accessTokenSeconds, env = {} } = {}) {
	needBuild();
	const dir = workspace(t);
	const practice = await startPractice(join(dir, 'practice'), { accessTokenSeconds });
	t.after(() => practice.stop('SIGKILL'));
	const service = new Service(dir, await freePort(), env);
	t.after(() => service.end());
	await service.start();
	const authenticator = await registerPractice(service, practice);
	return { dir, practice, service, authenticator };
}

export async function registerPractice(service, practice, extra = {}) {
	const authenticator = await service.expect(201, 'POST', '/oauth/authenticators',
		{ json: { ...authenticatorFor(practice.client, await practice.metadata()), ...extra } });
	practice.allowRedirect(authenticator.redirect_uri);
	return authenticator;
}
