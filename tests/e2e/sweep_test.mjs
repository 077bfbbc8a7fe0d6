// SPDX-License-Identifier: Apache-2.0
//
// LG-01 in small: after a run that used every kind of secret, with OAUTH_DEBUG=true, none of them is
// in the process list, the data directory, the log or the output. First the proof that the search
// would find them.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { launch, newPerson } from './lib/browser.mjs';
import { connectByLink, becomeAdministrator } from './lib/flows.mjs';
import { descendants, eventually, readProc, sleep } from './lib/process.mjs';
import { makeWorld, PASSWORD, workspace } from './lib/service.mjs';
import { filesUnder, sweep } from './lib/sweep.mjs';

const PLANTED = 'planted/marker+with=odd:bytes%and~length';

test('the search finds a planted secret in every shape and place', async (t) => {
	const dir = workspace(t);
	const secrets = [{ kind: 'planted', value: PLANTED }];
	mkdirSync(join(dir, 'deep'));
	const file = join(dir, 'deep', 'file');
	const shapes = {
		clear: PLANTED,
		percent: encodeURIComponent(PLANTED),
		hex: Buffer.from(PLANTED).toString('hex'),
		HEX: Buffer.from(PLANTED).toString('hex').toUpperCase(),
		base64: Buffer.from(PLANTED).toString('base64'),
		base64url: Buffer.from(PLANTED).toString('base64url'),
		'base64, one byte on': Buffer.from(`x${PLANTED}tail`).toString('base64'),
		'base64, two bytes on': Buffer.from(`xy${PLANTED}tail`).toString('base64url'),
	};
	for (const [shape, text] of Object.entries(shapes)) {
		writeFileSync(file, Buffer.concat([randomBytes(1000), Buffer.from(text), randomBytes(1000)]));
		assert.equal(sweep(secrets, { dirs: [dir] }).hits.length > 0, true, shape);
		assert.deepEqual(sweep(secrets, { dirs: [dir], except: [file] }).hits, []);
	}
	rmSync(file);
	assert.deepEqual(sweep(secrets, { dirs: [dir] }).hits, []);

	const inArguments = spawn('sleep', ['30'], { argv0: `sleep ${PLANTED}` });
	const inEnvironment = spawn('sleep', ['30'], { env: { ...process.env, X: PLANTED } });
	t.after(() => [inArguments, inEnvironment].forEach((p) => p.kill('SIGKILL')));
	await eventually('both programs run', () => readProc(inArguments.pid, 'cmdline').includes('30')
		&& readProc(inEnvironment.pid, 'cmdline').includes('30'));
	for (const { pid } of [inArguments, inEnvironment]) {
		assert.equal(sweep(secrets, { pids: [pid] }).hits.length, 1);
	}
	assert.equal(sweep(secrets, { texts: { output: `a ${PLANTED} b` } }).hits.length, 1);
});

test('LG-01 no secret of a full run is left anywhere', async (t) => {
	const { service, practice } = await makeWorld(t,
		{ accessTokenSeconds: 3, env: { OAUTH_DEBUG: 'true' } });
	const admin = await newPerson(await launch(t));
	const adminLink = await service.adminLink();
	await becomeAdministrator(admin.page, service);
	const visitor = await newPerson(admin.context.browser());
	const link = await connectByLink(visitor.page, service, { user: 'sweep-user', account: 'sweep' });
	await service.configureCli();

	const made = await service.expect(201, 'POST', '/apps/default/api-keys',
		{ json: { name: 'sweep', scopes: ['tokens:read', 'connections:read'] } });
	const appKey = made.key;
	assert.match(appKey, /^fw_/);

	const handedOut = [];
	for (let i = 0; i < 3; i++) {
		const res = await service.token('Practice', { user: 'sweep-user' });
		assert.equal(res.status, 200, res.text);
		handedOut.push({ kind: 'access token from the API', value: res.body.access_token });
		await sleep(1500);
	}
	await service.cli(['--debug', 'app', 'oauth', 'connections', '--user', 'sweep-user']);
	const cliDebug = await service.cli(['--debug', 'app', 'oauth', 'list-authenticators']);
	assert.equal(cliDebug.code, 0, cliDebug.stderr);

	const cookies = [...await admin.context.cookies(), ...await visitor.context.cookies()]
		.filter((c) => c.domain === '127.0.0.1' && c.value.length >= 16);
	assert.ok(cookies.length > 0, 'the pages set no cookie');
	const masterFile = join(service.dataDir, 'keys/master.key');
	const adminFile = join(service.dataDir, 'admin.key');
	const master = readFileSync(masterFile);
	const masterText = master.toString('latin1').trim();
	const fromProvider = await practice.secrets();
	for (const kind of ['access_token', 'refresh_token', 'code', 'code_verifier', 'state', 'id_token']) {
		assert.ok(fromProvider.some((s) => s.kind === kind), `the run used no ${kind}`);
	}
	const secrets = [
		...fromProvider,
		...handedOut,
		...cookies.map((c) => ({ kind: `cookie ${c.name}`, value: c.value })),
		{ kind: 'client secret', value: practice.client.client_secret },
		{ kind: 'password', value: PASSWORD },
		{ kind: 'admin key', value: service.adminKey },
		{ kind: 'admin key, secret part', value: secretPart(service.adminKey) },
		{ kind: 'app key', value: appKey },
		{ kind: 'app key, secret part', value: secretPart(appKey) },
		{ kind: 'link token', value: tokenOf(link.url) },
		{ kind: 'administrator\'s link', value: tokenOf(adminLink) },
		{ kind: 'master key', value: master },
		...(/^[0-9a-f]{64}$/i.test(masterText)
			? [{ kind: 'master key', value: Buffer.from(masterText, 'hex') }] : []),
		...(/^[\w+/-]{43}=?$/.test(masterText)
			? [{ kind: 'master key', value: Buffer.from(masterText, 'base64') }] : []),
	];

	const pids = [service.program.pid, ...descendants(service.program.pid)];
	const places = {
		dirs: [service.dataDir],
		except: [masterFile, adminFile],
		pids,
		texts: {
			'standard output': service.program.lines.filter((l) => !l.includes(adminLink)).join('\n'),
			'standard error': service.program.errors,
			'what the CLI printed': cliDebug.stdout + cliDebug.stderr,
		},
	};
	const running = sweep(secrets, places);
	assert.deepEqual(running.hits, []);
	assert.ok(filesUnder(service.dataDir).some((f) => f.endsWith('logs/oauth.log')), 'there is a log');
	assert.ok(readFileSync(join(service.dataDir, 'logs/oauth.log')).length > 0, 'which says something');
	assert.ok(pids.every((pid) => readProc(pid, 'cmdline')), 'command lines could be read');

	await service.stop();
	assert.deepEqual(sweep(secrets, { ...places, pids: [] }).hits, []);

	// The same search over the same places, with one file more.
	writeFileSync(join(service.dataDir, 'planted'), `x${secrets[0].value}`);
	assert.equal(sweep(secrets, { ...places, pids: [] }).hits.length > 0, true);
});

// fw_<public id>_<secret><checksum>; the secret itself may hold an underscore.
const secretPart = (key) => /^fw_[^_]+_(.{20,})$/.exec(key)[1];

function tokenOf(url) {
	const candidates = url.split(/[/?&=#]/).filter((part) => part.length >= 16);
	assert.ok(candidates.length > 0, `no token in ${url}`);
	return candidates.at(-1);
}
