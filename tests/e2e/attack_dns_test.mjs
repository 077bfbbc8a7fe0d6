// SPDX-License-Identifier: Apache-2.0
//
// Names that lead where they must not (SECURITY-CHECKLIST SS-02, SS-03). The service, a name server that lies and all
// listeners live in a network of their own, in which one public address and many private ones are ours: a request that
// should not have been made would arrive.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeArena } from './lib/adversary.mjs';
import { suiteScope } from './lib/api.mjs';
import { startNameServer } from './lib/dns.mjs';
import { workspace } from './lib/service.mjs';
import { Authority, startIssuer } from './lib/tls.mjs';

const PUBLIC = '11.22.33.44';
const PORT = 8443; // one of the two that a public provider may have
const NAME_SERVER = '127.0.0.53';
const PRIVATE = ['127.0.0.1', '127.9.9.9', '10.1.2.3', '172.16.0.9', '192.168.7.7', '169.254.169.254', '100.64.0.5', '198.18.0.1', '192.0.2.1',
	'203.0.113.5', '192.88.99.1', '0.0.0.0', '::1', 'fd00::7', 'fe80::1', 'fd00:ec2::254', '::ffff:7f00:1', '::ffff:a01:203', '64:ff9b::7f00:1', '2002:7f00:1::'];

const scope = suiteScope();
let service;
let tls;
let lie = () => [];

function enterOwnNetwork() {
	const ip = (...args) => execFileSync('ip', args, { stdio: 'pipe' });
	ip('link', 'set', 'lo', 'up');
	for (const address of [PUBLIC, ...PRIVATE]) {
		// Those that a machine cannot have as its own can't be reached by mistake either.
		try { ip('addr', 'add', `${address}/${address.includes(':') ? 128 : 32}`, 'dev', 'lo'); } catch { /* 0.0.0.0, ::1 and mapped ones */ }
	}
	const dir = workspace(scope);
	writeFileSync(join(dir, 'resolv.conf'), `nameserver ${NAME_SERVER}\noptions timeout:1 attempts:1\n`);
	execFileSync('mount', ['--bind', join(dir, 'resolv.conf'), '/etc/resolv.conf']);
}

const inside = () => {
	before(async () => {
		enterOwnNetwork();
		await startNameServer(scope, NAME_SERVER, (...question) => lie(...question));
		const arena = await makeArena(scope);
		const authority = new Authority(arena.dir);
		tls = authority.issue(['provider.test', 'rebind.test', 'mixed.test', 'private.test']);
		await arena.service.stop();
		arena.service.env = { FIBERWISE_EGRESS_CA_FILE: authority.file, FIBERWISE_EGRESS_ALLOW: '' };
		service = await arena.service.start();
	});
	after(() => scope.end());

	let serial = 0;
	const register = (name, port) => service.api('POST', '/oauth/authenticators', {
		json: {
			name: `dns ${serial += 1}`, authenticator_type: 'custom', client_id: 'x', client_secret: 'y', scopes: ['openid'],
			configuration: { issuer: `https://${name}:${port}` },
		},
	});
	const onlyA = (addresses) => (name, type) => (type === 'A' ? addresses : []);

	test('SS-02 a name that leads to a public address is asked, so this test would see what is not', async (t) => {
		const at = await startIssuer(t, { ...tls, name: 'provider.test', address: PUBLIC, port: PORT });
		lie = onlyA([PUBLIC]);
		const res = await register('provider.test', at.port);
		assert.equal(res.status, 201, res.text);
		assert.ok(at.asked() > 0);
	});

	test('SS-02 a name that leads to an address that is not public: nothing connects', async (t) => {
		const at = await startIssuer(t, { ...tls, name: 'private.test', address: '::', port: PORT });
		for (const address of PRIVATE) {
			lie = (name, type) => (address.includes(':') === (type === 'AAAA') ? [address] : []);
			const began = Date.now();
			const res = await register('private.test', at.port);
			assert.ok(res.status >= 400, `${address}: ${res.text}`);
			assert.ok(!res.text.includes(address), res.text);
			assert.ok(Date.now() - began < 3000, `${address} was tried`);
			assert.equal(at.connections(), 0, `${address} was connected to`);
		}
	});

	test('SS-03 a name that is public when it is looked at and private when it is used', async (t) => {
		const outside = await startIssuer(t, { ...tls, name: 'rebind.test', address: PUBLIC, port: PORT });
		const within = await startIssuer(t, { ...tls, name: 'rebind.test', address: '127.0.0.1', port: outside.port });
		for (const turn of [1, 2, 3]) {
			// From some question on it is 127.0.0.1.
			const base = serial;
			let asked = 0;
			lie = (name, type) => {
				if (type !== 'A') return [];
				asked += 1;
				return asked >= turn ? ['127.0.0.1'] : [PUBLIC];
			};
			const res = await register('rebind.test', outside.port);
			assert.ok([201, 422, 502].includes(res.status), `${base}: ${res.status} ${res.text}`);
			assert.equal(within.connections(), 0, `turn ${turn}: the private address was connected to`);
		}
		// In turns, as fast as it goes.
		let n = 0;
		lie = (name, type) => (type === 'A' ? [(n += 1) % 2 ? PUBLIC : '127.0.0.1'] : []);
		await Promise.all(Array.from({ length: 30 }, () => register('rebind.test', outside.port)));
		assert.equal(within.connections(), 0);
		assert.ok(outside.connections() > 0, 'the public one was asked: this test could see it');
	});

	test('SS-03 one private address among public ones, or beside one of the other family', async (t) => {
		const outside = await startIssuer(t, { ...tls, name: 'mixed.test', address: PUBLIC, port: PORT });
		const within = await startIssuer(t, { ...tls, name: 'mixed.test', address: '127.0.0.1', port: outside.port });
		const six = await startIssuer(t, { ...tls, name: 'mixed.test', address: '::1', port: outside.port });
		const sets = [
			(name, type) => (type === 'A' ? [PUBLIC, '127.0.0.1'] : []), (name, type) => (type === 'A' ? ['127.0.0.1', PUBLIC] : []),
			(name, type) => (type === 'A' ? [PUBLIC] : ['::1']), (name, type) => (type === 'A' ? ['127.0.0.1'] : ['2a00:1::1']),
			(name, type) => (type === 'A' ? Array(30).fill('127.0.0.1').concat(PUBLIC) : ['::1']),
		];
		for (const set of sets) {
			lie = set;
			await register('mixed.test', outside.port);
			assert.equal(within.connections() + six.connections(), 0, `${set}`);
		}
	});
};

if (process.env.OWN_NETWORK) {
	inside();
} else {
	const able = spawnSync('unshare', ['-mn', 'true']).status === 0 && spawnSync('ip', ['-V']).status === 0;
	test('SS-02 SS-03 names that lie, in a network of their own', { skip: !able && 'only root can make a network', timeout: 120000 }, (t) => {
		const { NODE_TEST_CONTEXT: _, ...env } = process.env;
		const { status, stdout, stderr } = spawnSync('unshare', ['-mn', '--propagation', 'private', process.execPath, '--test-reporter=tap', import.meta.filename],
			{ env: { ...env, OWN_NETWORK: '1' }, encoding: 'utf8' });
		const passed = [...stdout.matchAll(/^ok \d+ - (.*)/gm)].map(([, name]) => name);
		for (const name of passed) t.diagnostic(name);
		assert.equal(status, 0, `${stdout}\n${stderr}`);
		assert.equal(passed.length, 4, stdout);
	});
}
