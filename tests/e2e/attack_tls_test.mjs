// SPDX-License-Identifier: Apache-2.0
//
// Providers whose TLS is not as it should be, and ports that answer oddly (SECURITY-CHECKLIST SS-08, SS-10). Asked by
// registering an issuer, which makes the courier fetch its metadata.

import assert from 'node:assert/strict';
import { get } from 'node:https';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { makeArena } from './lib/adversary.mjs';
import { suiteScope } from './lib/api.mjs';
import { freePort } from './lib/process.mjs';
import { Authority, metadata, startIssuer } from './lib/tls.mjs';

const scope = suiteScope();
let service;
let authority;
let stranger;
let dir;

before(async () => {
	const arena = await makeArena(scope);
	({ dir } = arena);
	authority = new Authority(arena.dir);
	stranger = new Authority(arena.dir, 'stranger');
	await arena.service.stop();
	arena.service.env = { FIBERWISE_EGRESS_CA_FILE: authority.file };
	service = await arena.service.start();
});
after(() => scope.end());

let serial = 0;
const register = (issuer) => service.api('POST', '/oauth/authenticators', {
	json: { name: `tls ${serial += 1}`, authenticator_type: 'custom', client_id: 'x', client_secret: 'y', scopes: ['openid'], configuration: { issuer } },
});

// What a tenant is told, without what it said itself.
const told = (res, issuer) => JSON.stringify({ status: res.status, ...res.body, request_id: '' }).replaceAll(issuer, 'ISSUER');

// Whoever looks at nothing gets an answer: what is refused is refused for what was looked at.
const careless = (at) => new Promise((resolve, reject) => {
	get(`${at.issuer}/`, { rejectUnauthorized: false, minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0', agent: false }, (res) => {
		res.resume().on('end', () => resolve(res.statusCode));
	}).on('error', reject);
});

async function refused(t, options, why) {
	const at = await startIssuer(t, options);
	let before = 0;
	if (!options.answer) {
		assert.equal(await careless(at), 200, why);
		before = 1;
	}
	const res = await register(at.issuer);
	assert.ok(res.status >= 400, `${why}: ${res.text}`);
	if (!options.answer) assert.equal(at.asked(), before, `${why}: a request was sent`);
	return told(res, at.issuer);
}

test('SS-10 chain, name, life and version of TLS: one thing wrong and nothing is sent', async (t) => {
	const good = await startIssuer(t, authority.issue(['localhost']));
	const fine = await register(good.issuer);
	assert.equal(fine.status, 201, fine.text);
	assert.ok(good.asked() > 0);
	const right = authority.issue(['localhost']);
	const old = { ciphers: 'DEFAULT@SECLEVEL=0' };
	const wrong = {
		'an authority that nobody knows': stranger.issue(['localhost']),
		'signed by itself': new Authority(dir, 'localhost').own,
		'another name': authority.issue(['other.test']),
		'a name that only begins like it': authority.issue(['localhost.other.test']),
		'a life that is over': authority.issue(['localhost'], -1),
		'TLS 1.0': { ...right, ...old, minVersion: 'TLSv1', maxVersion: 'TLSv1' },
		'TLS 1.1': { ...right, ...old, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' },
	};
	const words = new Set();
	for (const [why, tls] of Object.entries(wrong)) words.add(await refused(t, tls, why));
	assert.equal(words.size, 1, `a tenant is told apart what is wrong:\n${[...words].join('\n')}`);
	// TLS 1.2 and 1.3 are both fine.
	for (const version of ['TLSv1.2', 'TLSv1.3']) {
		const at = await startIssuer(t, { ...right, minVersion: version, maxVersion: version });
		assert.equal((await register(at.issuer)).status, 201, version);
	}
});

test('SS-10 an answer that is cut off without the end of TLS is no answer', async (t) => {
	const tls = authority.issue(['localhost']);
	const cut = (length) => (req, res, issuer) => {
		const body = metadata(issuer);
		res.socket.write(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n${length ? `Content-Length: ${body.length + 10}\r\n` : ''}Connection: close\r\n\r\n${body}`,
			() => { res.socket._parent ? res.socket._parent.destroy() : res.socket.destroySoon(); });
	};
	// Whole JSON has arrived in both cases; only how it ended says that somebody may have cut it.
	await refused(t, { ...tls, answer: cut(true) }, 'shorter than it said');
	const res = await refused(t, { ...tls, answer: (req, r, issuer) => { // no length: only the end of TLS says that this is all
		r.socket.write(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n${metadata(issuer)}`, () => r.socket._handle.close());
	} }, 'closed without close_notify');
	assert.ok(res);
});

test('SS-08 open, closed, silent or talking nonsense: a tenant cannot tell what is behind a port', async (t) => {
	const plain = (onConnection) => new Promise((resolve) => {
		const server = createServer(onConnection);
		server.listen(0, '127.0.0.1', () => resolve(server.address().port));
		t.after(() => server.close());
	});
	const sockets = [];
	t.after(() => { for (const socket of sockets) socket.destroy(); });
	const ports = {
		closed: await freePort(),
		'hangs up': await plain((socket) => socket.destroy()),
		'speaks SSH': await plain((socket) => { socket.on('error', () => {}); socket.end('SSH-2.0-OpenSSH_9.2\r\n'); }),
		'speaks HTTP': await plain((socket) => { socket.on('error', () => {}); socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'); }),
		'TLS, 404': (await startIssuer(t, { ...authority.issue(['localhost']), answer: (req, res) => { res.statusCode = 404; res.end('secret inside'); } })).port,
		'TLS, 500': (await startIssuer(t, { ...authority.issue(['localhost']), answer: (req, res) => { res.statusCode = 500; res.end('secret inside'); } })).port,
	};
	const words = new Map();
	for (const [what, port] of Object.entries(ports)) {
		const issuer = `https://localhost:${port}`;
		const res = await register(issuer);
		assert.ok(res.status >= 400 && !res.text.includes('secret inside'), `${what}: ${res.text}`);
		words.set(told(res, issuer), [...(words.get(told(res, issuer)) ?? []), what]);
	}
	assert.equal(words.size, 1, `told apart:\n${[...words].map(([text, what]) => `${what}: ${text}`).join('\n')}`);
});
