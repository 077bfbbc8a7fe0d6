// SPDX-License-Identifier: Apache-2.0
//
// Where requests go and what is taken back (SECURITY-CHECKLIST §4).
// Against the scripted adversary provider; each test says what must not have happened, too.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { Adversary, CLIENT, comeBack, connect, consent, headerOf, leave, register } from './lib/adversary.mjs';
import {
	adversary, another, arena, failed, noGrant, nothingLeftUs, refused, service, tokenAnswer,
} from './lib/attack.mjs';

test('SS-01 SS-05 what is no plain https URL is refused at registration', async () => {
	const port = new URL(adversary.url).port;
	const bad = ['file:///etc/passwd', 'gopher://127.0.0.1/x', 'ftp://example.com/t', 'javascript:alert(1)', 'http://example.com/token',
		'https://user:pass@example.com/token', 'https://example.com/token#f', 'https://example.com\\@127.0.0.1/', 'https://exa mple.com/',
		'https://example.com/\u0000', '//example.com/token', 'token', `${service.url}/token`, 'https://', 'https://:443/',
		'https://[::1', `http://0x7f.1:${port}/token`, `http://2130706433:${port}/token`, `http://0177.0.0.1:${port}/token`];
	for (const url of bad) {
		for (const field of ['token_url', 'authorize_url']) {
			const res = await service.api('POST', '/oauth/authenticators', {
				json: {
					name: 'bad', authenticator_type: 'custom', client_id: 'c', client_secret: 's', scopes: ['a'],
					authorize_url: `${adversary.url}/authorize`, token_url: `${adversary.url}/token`, [field]: url,
				},
			});
			assert.ok([400, 422].includes(res.status), `${field} ${url}: ${res.status} ${res.text}`);
		}
	}
	assert.equal((await adversary.counters()).connections, 0);
});

test('SS-02 SS-09 without the operator\'s allow list private addresses are refused and nothing connects', async (t) => {
	const listener = createServer();
	let connections = 0;
	listener.on('connection', (socket) => { connections += 1; socket.destroy(); });
	await new Promise((done) => { listener.listen(0, '127.0.0.1', done); });
	t.after(() => listener.close());
	const { port } = listener.address();
	const strict = await another(t, 'strict', { FIBERWISE_EGRESS_ALLOW: '' });
	const hosts = ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '10.0.0.1', '192.168.0.1', '172.16.0.1',
		'169.254.169.254', '100.64.0.1', '0.0.0.0', '[fd00::1]', '[fe80::1]', '[64:ff9b::7f00:1]', '[2002:7f00:1::]', '198.18.0.1',
		'192.0.2.1', '224.0.0.1', '255.255.255.255', 'localhost.'];
	for (const host of hosts) {
		const made = await strict.api('POST', '/oauth/authenticators', {
			json: {
				name: `private ${host}`, authenticator_type: 'custom', client_id: CLIENT.id, client_secret: CLIENT.secret, scopes: ['a'],
				authorize_url: `${adversary.url}/authorize`, token_url: `https://${host}:${port}/token`,
				configuration: { issuer: adversary.url },
			},
		});
		if (made.status === 422) continue;
		assert.equal(made.status, 201, `${host}: ${made.text}`);
		const flow = await leave(strict, made.body, { user: host });
		const began = Date.now();
		const end = await comeBack(flow, await consent(flow));
		assert.equal(end.connected, 'false', host);
		assert.ok(Date.now() - began < 3000, `${host} was tried`);
		assert.equal(end.error, 'provider_unreachable', host);
	}
	const plain = await strict.api('POST', '/oauth/authenticators', {
		json: {
			name: 'plain', authenticator_type: 'custom', client_id: CLIENT.id, client_secret: CLIENT.secret, scopes: ['a'],
			authorize_url: `${adversary.url}/authorize`, token_url: `${adversary.url}/token`, configuration: { issuer: adversary.url },
		},
	});
	if (plain.status === 201) {
		const flow = await leave(strict, plain.body, { user: 'plain' });
		assert.equal((await comeBack(flow, await consent(flow))).connected, 'false');
	}
	assert.equal(connections, 0);
	await nothingLeftUs('SS-02');
	// A tenant cannot open the door: no such field.
	const tenant = await strict.api('POST', '/oauth/authenticators', {
		json: {
			name: 'opener', authenticator_type: 'custom', client_id: 'c', client_secret: 's', scopes: ['a'], egress_allow: '127.0.0.0/8',
			authorize_url: 'https://example.com/a', token_url: 'https://example.com/t',
		},
	});
	assert.equal(tenant.status, 201);
	assert.deepEqual(tenant.body.ignored, ['egress_allow']);
});

test('SS-04 redirects of the token endpoint are never followed', async (t) => {
	const evil = await new Adversary().start();
	t.after(() => evil.stop());
	const authenticator = await register(service, adversary);
	for (const status of [301, 302, 303, 307, 308]) {
		await adversary.script(tokenAnswer({ status, location: `${evil.url}/token` }));
		const flow = await leave(service, authenticator);
		await failed(flow, await consent(flow), undefined, `${status}`);
	}
	assert.equal(await adversary.hits('token'), 5);
	assert.equal((await evil.counters()).connections, 0);
	await noGrant(authenticator, 'SS-04');
	await adversary.script({ endpoint: 'userinfo', answer: { status: 302, location: `${evil.url}/userinfo` } });
	const flow = await leave(service, authenticator);
	await failed(flow, await consent(flow), undefined, 'userinfo');
	assert.equal((await evil.counters()).connections, 0);
});

test('SS-06 no proxy from the environment', async (t) => {
	const proxy = createServer();
	let connections = 0;
	proxy.on('connection', (socket) => { connections += 1; socket.destroy(); });
	await new Promise((done) => { proxy.listen(0, '127.0.0.1', done); });
	t.after(() => proxy.close());
	const at = `http://127.0.0.1:${proxy.address().port}`;
	const proxied = await another(t, 'proxied', {
		http_proxy: at, HTTP_PROXY: at, https_proxy: at, HTTPS_PROXY: at, all_proxy: at, ALL_PROXY: at, HOME: arena.dir,
	});
	await connect(proxied, await register(proxied, adversary), { user: 'direct' });
	assert.equal(connections, 0);
});

test('SS-07 an answer that is too long, too slow or packed ends the attempt, and the service lives on', async () => {
	const authenticator = await register(service, adversary);
	const big = [
		tokenAnswer({ generate: { kind: 'fill', bytes: 1073741824, prefix: '{"access_token":"', suffix: '"}' }, status: 200 }),
		tokenAnswer({ generate: { kind: 'nesting', depth: 100000 }, status: 200 }),
		tokenAnswer({ generate: { kind: 'gzip_bomb', bytes: 1073741824 }, status: 200 }),
		{ endpoint: 'token', deliver: { header_flood: 10000 } },
		{ endpoint: 'token', deliver: { header_flood: 50, header_flood_bytes: 4096 } },
		tokenAnswer({ size: { access_token: 300 * 1024 } }),
		{ endpoint: 'token', deliver: { content_length: '-1' } },
		{ endpoint: 'token', deliver: { chunk_error: 'bad_size' } },
		{ endpoint: 'token', deliver: { chunk_error: 'huge_size' } },
		{ endpoint: 'token', deliver: { raw_base64: Buffer.from('not http at all\r\n\r\n').toString('base64') } },
	];
	const pss = () => service.roles().filter(({ role }) => role === 'courier')
		.map(({ pid }) => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]))[0];
	const before = pss();
	for (const rule of big) {
		await adversary.script(rule);
		const flow = await leave(service, authenticator);
		const began = Date.now();
		await failed(flow, await consent(flow), undefined, JSON.stringify(rule).slice(0, 100));
		assert.ok(Date.now() - began < 10000, 'ended early');
	}
	await noGrant(authenticator, 'SS-07');
	assert.ok(pss() - before < 16 * 1024, `the courier grew by ${pss() - before} KiB`);
	assert.equal(headerOf((await adversary.record('token'))[0], 'accept-encoding'), 'identity');
	await adversary.reset('script');
	await connect(service, authenticator, { user: 'after all this' });
	assert.ok(service.program.running);
});

test('SS-07 an answer of one byte a second is given up, others are served meanwhile', async () => {
	const authenticator = await register(service, adversary);
	await adversary.script({ endpoint: 'token', client_id: 'slow', deliver: { bytes_per_s: 1 } });
	const slow = await register(service, adversary, { client_id: 'slow', configuration: { client_auth: 'client_secret_post' } });
	const flow = await leave(service, slow);
	const dripping = comeBack(flow, await consent(flow));
	await adversary.wait('token', 1);
	await connect(service, authenticator, { user: 'quick' });
	const end = await dripping; // the browser is told within 15 s; the attempt ends by its own clock
	assert.ok(end.status === 504 || end.status === 503 || end.connected === 'false', `${end.status}`);
	await noGrant(slow, 'drip');
});
