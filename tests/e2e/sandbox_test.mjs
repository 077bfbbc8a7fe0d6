// SPDX-License-Identifier: Apache-2.0
//
// Every process of a running service is shut in, says so, and serves; switched off it says that too. What each role
// may do is tested in src/ipc/sandbox_test.c and sandbox_files_test.c; that the rest of these tests pass with the
// sandbox on shows that no role needs more.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect, makeArena, read, register } from './lib/adversary.mjs';
import {
	eventually, freePort, readProc, run,
} from './lib/process.mjs';
import { workspace } from './lib/service.mjs';

const FILTER = 'Seccomp:\t2'; // filters are on

const log = (service) => readFileSync(join(service.dataDir, 'logs/oauth.log'), 'utf8').trim().split('\n').map((l) => JSON.parse(l));
const told = (service) => log(service).filter((l) => l.event === 'sandbox');
const everybody = (service) => [service.program.pid, ...service.roles().map((r) => r.pid)];
const isFiltered = (pid) => readProc(pid, 'status').includes(FILTER);

// Whether this kernel has both, from the words of the supervisor.
function skipped(t, service) {
	const [{ without }] = told(service);
	if (without) t.skip(`nothing to see: ${without}`);
	return Boolean(without);
}

test('all five kinds of process are shut in, and the service serves', async (t) => {
	const { service, adversary } = await makeArena(t);
	if (skipped(t, service)) return;
	await eventually('all say so', () => told(service).length === everybody(service).length);
	for (const line of told(service)) {
		assert.equal(line.calls, 'on', line.role);
		assert.ok(line.landlock >= 1, line.role);
	}
	for (const pid of everybody(service)) assert.ok(isFiltered(pid), readProc(pid, 'cmdline'));
	const flow = await connect(service, await register(service, adversary), { user: 'u', account: 'a' });
	assert.equal((await read(service, flow)).status, 200);
	assert.equal((await read(service, flow, { min_ttl: 86400 })).status, 200);

	// The log changes hands under it, as logrotate does it; and a link is made on request.
	renameSync(join(service.dataDir, 'logs/oauth.log'), join(service.dataDir, 'logs/oauth.log.1'));
	process.kill(service.program.pid, 'SIGHUP');
	await eventually('a new log', () => existsSync(join(service.dataDir, 'logs/oauth.log')) && log(service).some((l) => l.event === 'log_reopened'));
	const link = await run(service.binary, ['admin-link'], { env: { FIBERWISE_DATA_DIR: service.dataDir }, cwd: service.dir });
	assert.match(link.stdout, /admin-link/, link.stderr);
	assert.equal(await service.stop(), 0);
	assert.deepEqual(log(service).filter((l) => l.event === 'sandbox_violation'), []);
});

test('FIBERWISE_SANDBOX=off: the log says so, and nobody is', async (t) => {
	const { service } = await makeArena(t, { env: { FIBERWISE_SANDBOX: 'off' } });
	await eventually('all say so', () => told(service).length === everybody(service).length);
	for (const line of told(service)) {
		assert.deepEqual([line.level, line.calls, line.landlock, line.without], ['warn', 'off', 0, 'FIBERWISE_SANDBOX=off']);
	}
	for (const pid of everybody(service)) assert.ok(!isFiltered(pid) || isFiltered(process.pid), readProc(pid, 'cmdline'));
});

// What a provider on the internet needs of the courier: a name looked up, a file of certificates, TLS.
test('the courier finds a provider by name and speaks TLS to it', async (t) => {
	const dir = workspace(t);
	const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
	execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert, '-subj', '/CN=localhost',
		'-addext', 'subjectAltName=DNS:localhost'], { stdio: 'ignore' });
	const port = await freePort();
	const issuer = `https://localhost:${port}`;
	let asked = 0;
	const provider = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (req, res) => {
		asked += 1;
		res.setHeader('content-type', 'application/json');
		res.end(JSON.stringify({
			issuer, authorization_endpoint: `${issuer}/a`, token_endpoint: `${issuer}/t`, jwks_uri: `${issuer}/j`,
			response_types_supported: ['code'], code_challenge_methods_supported: ['S256'],
		}));
	}).listen(port, '127.0.0.1');
	await once(provider, 'listening');
	t.after(() => { provider.closeAllConnections(); provider.close(); });

	const { service } = await makeArena(t, { env: { FIBERWISE_EGRESS_CA_FILE: cert } });
	const { token_url: url } = await service.expect(201, 'POST', '/oauth/authenticators', {
		json: { authenticator_name: 'TLS', authenticator_type: 'custom', configuration: { issuer }, client_id: 'x', client_secret: 'y', scopes: ['openid'] },
	});
	assert.equal(url, `${issuer}/t`);
	assert.ok(asked > 0);
	assert.deepEqual(log(service).filter((l) => l.event === 'sandbox_violation'), []);
});
