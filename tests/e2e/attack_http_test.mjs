// SPDX-License-Identifier: Apache-2.0
//
// What arrives at the socket (SECURITY-CHECKLIST WB-04, WB-05, WB-08 to WB-10, DO-01, DO-04): bytes that two readers would
// take apart differently, line breaks where headers are made, paths that climb, and headers on every answer there is.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { assertAnswer, readRoutes, send, startService, suiteScope, watchHealth } from './lib/api.mjs';
import { ROOT } from './lib/process.mjs';
import { raw } from './lib/raw.mjs';
import { PASSWORD } from './lib/service.mjs';

const scope = suiteScope();
let service;
let healthy;

before(async () => {
	service = await startService(scope);
	healthy = watchHealth(service);
});
after(async () => {
	await send(service.url, '/health');
	healthy();
	await scope.end();
});

const HOST = 'Host: a.test\r\n';
const SMUGGLED = `GET /openapi.json HTTP/1.1\r\n${HOST}\r\n`;
const post = (headers, body = '') => `POST /login HTTP/1.1\r\n${HOST}${headers}\r\n${body}`;
const get = (headers, target = '/health', version = 'HTTP/1.1') => `GET ${target} ${version}\r\n${headers}\r\n`;

// Each is refused by one answer; what hangs behind it is not read as a request.
const AMBIGUOUS = {
	'length and chunks': post('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
	'chunks and length': post('Transfer-Encoding: chunked\r\nContent-Length: 4\r\n', '0\r\n\r\n'),
	'two lengths': post('Content-Length: 0\r\nContent-Length: 5\r\n'),
	'the same length twice': post('Content-Length: 0\r\nContent-Length: 0\r\n'),
	'a list of lengths': post('Content-Length: 0, 0\r\n'),
	'a length with a sign': post('Content-Length: +0\r\n'),
	'a negative length': post('Content-Length: -1\r\n'),
	'a length in hex': post('Content-Length: 0x0\r\n'),
	'a length beyond 64 bits': post('Content-Length: 18446744073709551616\r\n'),
	'an empty length': post('Content-Length:\r\n'),
	'another coding': post('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n'),
	'chunked twice': post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
	'xchunked': post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'),
	'identity': post('Transfer-Encoding: identity\r\n', '0\r\n\r\n'),
	'a blank before the colon': post('Content-Length : 0\r\n'),
	'a tab before the colon': post('Transfer-Encoding\t: chunked\r\n', '0\r\n\r\n'),
	'a folded line': post('Transfer-Encoding:\r\n chunked\r\n', '0\r\n\r\n'),
	'a line folded with a tab': post('X-A: 1\r\n\tb\r\n'),
	'a first line that is folded': `GET /health HTTP/1.1\r\n X: y\r\n${HOST}\r\n`,
	'bare LF': `GET /health HTTP/1.1\n${HOST.replace('\r', '')}\n`,
	'one bare LF': `GET /health HTTP/1.1\r\nHost: a.test\nX-A: b\r\n\r\n`,
	'bare CR in a value': get(`${HOST}X-A: a\rContent-Length: 5\r\n`),
	'NUL in a value': get(`${HOST}X-A: a\0b\r\n`),
	'NUL in a name': get(`${HOST}X\0A: b\r\n`),
	'no name': get(`${HOST}: b\r\n`),
	'no colon': get(`${HOST}just text\r\n`),
	'two hosts': get(`${HOST}Host: b.test\r\n`),
	'no host': get(''),
	'an empty host': get('Host:\r\n'),
	'a host with a path': get('Host: a.test/x\r\n'),
	'a host with a user': get('Host: u@a.test\r\n'),
	'absolute form': get(HOST, 'http://a.test/health'),
	'authority form': `CONNECT a.test:443 HTTP/1.1\r\n${HOST}\r\n`,
	'asterisk form': `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`,
	'a fragment in the target': get(HOST, '/health#x'),
	'a blank in the target': get(HOST, '/health x'),
	'a target of bytes': get(HOST, '/h\xe9alth'),
	'HTTP/0.9': 'GET /health\r\n\r\n',
	'HTTP/2.0': get(HOST, '/health', 'HTTP/2.0'),
	'HTTP/1.2': get(HOST, '/health', 'HTTP/1.2'),
	'http/1.1': get(HOST, '/health', 'http/1.1'),
	'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
	TRACE: `TRACE /health HTTP/1.1\r\n${HOST}\r\n`,
	TRACK: `TRACK /health HTTP/1.1\r\n${HOST}\r\n`,
	'a method of its own': `FROB /health HTTP/1.1\r\n${HOST}\r\n`,
	'a method in small letters': `get /health HTTP/1.1\r\n${HOST}\r\n`,
	'TLS': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
	'a chunk size in words': post('Transfer-Encoding: chunked\r\n', 'zz\r\n'),
	'a chunk size with a sign': post('Transfer-Encoding: chunked\r\n', '+1\r\na\r\n0\r\n\r\n'),
	'a chunk size with 0x': post('Transfer-Encoding: chunked\r\n', '0x1\r\na\r\n0\r\n\r\n'),
	'a huge chunk': post('Transfer-Encoding: chunked\r\n', 'ffffffffffffffff\r\na'),
	'a chunk beyond 64 bits': post('Transfer-Encoding: chunked\r\n', '10000000000000001\r\na\r\n0\r\n\r\n'),
	'a chunk that ends in LF': post('Transfer-Encoding: chunked\r\n', '1\na\n0\n\n'),
	'a chunk that is longer than it says': post('Transfer-Encoding: chunked\r\n', '1\r\nab\r\n0\r\n\r\n'),
};

for (const [what, bytes] of Object.entries(AMBIGUOUS)) {
	test(`WB-08 ${what}: refused, closed, and nothing behind it is answered`, async () => {
		const { text, closed, heads } = await raw(service.url, [bytes + SMUGGLED]);
		assert.equal(heads.length, 1, text.slice(0, 2000));
		assert.ok([400, 405, 501, 505].includes(heads[0]), text.slice(0, 300));
		assert.ok(closed, 'the connection stays open');
		assert.ok(!text.includes('"openapi"'), 'the smuggled request was answered');
	});
}

test('WB-08 what is right is answered, also in one byte a piece and behind each other', async () => {
	const one = await raw(service.url, [...`${get(`${HOST}Connection: close\r\n`)}`], { pauseMs: 1 });
	assert.deepEqual(one.heads, [200]);
	const three = await raw(service.url, get(HOST) + get(HOST) + get(`${HOST}Connection: close\r\n`));
	assert.deepEqual(three.heads, [200, 200, 200]);
	const chunks = await raw(service.url, `POST /api/v1/auth/login HTTP/1.1\r\n${HOST}Origin: ${service.url}\r\nContent-Type: application/json\r\nConnection: close\r\n`
		+ 'Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n');
	assert.equal(chunks.heads.length, 1);
	assert.ok([401, 422].includes(chunks.heads[0]), chunks.text);
});

const BREAKS = ['%0d%0aX-Injected:%201', '%0aX-Injected:%201', '%0dX-Injected:%201', '%e5%98%8a%e5%98%8dX-Injected:%201', '%00', '%c4%8d%c4%8aX-Injected:1'];

test('WB-09 no line break gets into a header, wherever it was put', async () => {
	const key = service.adminKey;
	const places = BREAKS.flatMap((b) => [
		`/${b}`, `/login?next=/${b}`, `/login?next=${b}`, `/connect/${b}`, `/admin-link/${b}`, `/static/${b}`, `/auth/callback/${b}?state=${b}&code=${b}`,
		`/auth/callback/x?error=${b}&error_description=${b}&state=${b}`, `/api/v1/credentials/auth/initiate/x?return_to=/${b}`,
		`/api/v1/credentials/auth/initiate/${b}?return_to=https://a.test/${b}`, `/api/v1/credentials/connections/${b}/token?user=${b}`,
		`/api/v1/apps/${b}`, `/connect/result?connected=false&error=${b}&error_description=${b}&authenticator=${b}`,
		`/settings/oauth-authenticators/${b}?connected=${b}`,
	]);
	for (const path of places) {
		for (const headers of [{}, { authorization: `Bearer ${key}` }]) {
			const res = await send(service.url, path, { headers });
			assert.equal(res.headers['x-injected'], undefined, path);
			assert.ok(!/[\r\n\0]/.test(Object.values(res.headers).join('')), `${path}: ${JSON.stringify(res.headers)}`);
			const { location } = res.headers;
			if (location) assert.match(location, /^\/(?![/\\])[\x21-\x7e]*$|^http:\/\/127\.0\.0\.1:\d+\/[\x21-\x7e]*$/, path);
		}
	}
	const link = await service.api('POST', '/credentials/connect-links',
		{ json: { authenticator: 'x', user: 'a\r\nX-Injected: 1', return_to: '/\r\nX-Injected: 1' } });
	assert.ok(link.status >= 400 && link.headers['x-injected'] === undefined);
});

test('WB-10 static files: nothing else than the files there are, in their own type', async () => {
	const right = await send(service.url, '/static/style.css');
	assert.equal(right.status, 200);
	assert.match(right.headers['content-type'], /^text\/css/);
	assert.match((await send(service.url, '/static/favicon.svg')).headers['content-type'], /^image\/svg\+xml/);
	const bad = ['/static/../static/style.css', '/static/..%2f..%2fetc/passwd', '/static/%2e%2e/%2e%2e/etc/passwd', '/static/..%5c..%5cetc',
		'/static/style.css%00.html', '/static/%00', '/static/.', '/static/..', '/static/', '/static', '/static/STYLE.CSS', '/static/style.css/',
		'/static/style.css/x', '/static/./style.css', '/static/style%2ecss/..', '/static/%252e%252e%252fetc%252fpasswd', '/static/etc/passwd',
		'/static//etc/passwd', '/static/\\..\\x', '/static/openapi.json', '/static/fiberwise.db', '/static/admin.key', '/..%2fadmin.key', '/.git/config'];
	for (const path of bad) {
		const res = await send(service.url, path);
		if (path === '/static/style.css/' || path === '/static/./style.css') {
			assert.ok([200, 400, 404].includes(res.status), path);
			continue;
		}
		assert.ok([400, 404].includes(res.status), `${path}: ${res.status}`);
		assert.ok(!/root:|\[core\]|SQLite/.test(res.text), path);
	}
	assert.equal((await send(service.url, '/static/style.css', { method: 'POST' })).status, 405);
});

// Every page's address, from the table that answers.
function readPages() {
	const source = readFileSync(join(ROOT, 'src/ui/routes.c'), 'utf8');
	const rows = [...source.matchAll(/^\s*R\((\w+), "([^"]+)", \w+, \w+\)/gm)].map(([, method, path]) => ({ method, path }));
	assert.ok(rows.length >= 20, 'the table of pages could not be read');
	return rows;
}

test('WB-04 the security headers are on every answer: each route and page, with and without a key, right and wrong', async () => {
	const bearer = { authorization: `Bearer ${service.adminKey}` };
	let looked = 0;
	const look = async (path, options) => {
		const res = await send(service.url, path, options);
		looked += 1;
		if (/^\/(static|docs|openapi)/.test(path) && res.status === 200) {
			assert.equal(res.headers['x-content-type-options'], 'nosniff', path);
			assert.match(res.headers['content-security-policy'], /default-src 'none'.*|frame-ancestors 'none'/, path);
		} else {
			assertAnswer(res);
		}
		assert.match(res.headers['content-security-policy'], /frame-ancestors 'none'/, path);
		assert.equal(res.headers['x-powered-by'], undefined);
		assert.equal(res.headers['strict-transport-security'], undefined, 'HSTS is of no use over http');
	};
	for (const { method, path } of [...readRoutes(), ...readPages()]) {
		const filled = path.replace(/\{\w+\}/g, 'no-such-thing');
		if (path.endsWith('/events')) continue;
		for (const headers of [{}, bearer, { cookie: 'fw_session=x' }]) {
			await look(filled, { method, headers });
			if (method !== 'GET') await look(filled, { method, headers: { ...headers, 'content-type': 'application/json' }, body: '{' });
		}
		await look(filled, { method: method === 'GET' ? 'DELETE' : 'GET' });
	}
	await look('/static/style.css');
	await look('/static/favicon.svg');
	await look('/no/such/page');
	await look('/%zz');
	await look(`/${'x'.repeat(9000)}`);
	await look('/login', { headers: { 'x-a': 'x'.repeat(20000) } });
	await look('/api/v1/auth/login', { method: 'POST', headers: { 'content-type': 'application/json' }, body: 'x'.repeat(65537) });
	assert.ok(looked > 200, `${looked}`);
	// What no page can be reached by still has them: the refusals of the parser.
	const { text } = await raw(service.url, 'GET /\n\n');
	assert.match(text, /x-content-type-options: nosniff/i);
	assert.match(text, /frame-ancestors 'none'/);
});

test('WB-04 WB-01 behind https every answer tells browsers to stay with it, and cookies are bound to this host', async (t) => {
	const secure = await startService(t, { FIBERWISE_PUBLIC_URL: 'https://tokens.example' });
	for (const path of ['/health', '/login', '/no/such', '/api/v1/user/profile', '/static/style.css']) {
		const { headers } = await send(secure.url, path);
		const [, age] = /^max-age=(\d+)/.exec(headers['strict-transport-security'] ?? '') ?? [];
		assert.ok(Number(age) >= 31536000, `${path}: ${headers['strict-transport-security']}`);
	}
	const link = new URL(await secure.adminLink());
	assert.equal(link.origin, 'https://tokens.example');
	const res = await send(secure.url, link.pathname, {
		method: 'POST', headers: { origin: 'https://tokens.example', 'content-type': 'application/x-www-form-urlencoded' },
		body: `password=${encodeURIComponent(PASSWORD)}&again=${encodeURIComponent(PASSWORD)}`,
	});
	assert.equal(res.status, 303, res.text);
	for (const cookie of res.headers['set-cookie']) {
		assert.match(cookie, /^__Host-[^;]+; /);
		assert.match(cookie, /; Secure(;|$)/);
		assert.match(cookie, /; HttpOnly(;|$)/);
		assert.match(cookie, /; SameSite=Lax(;|$)/);
		assert.match(cookie, /; Path=\/(;|$)/);
		assert.doesNotMatch(cookie, /Domain=/i);
	}
});

test('WB-05 another origin is told nothing and allowed nothing', async () => {
	const origins = ['https://evil.test', 'null', `${service.url}.evil.test`, service.url.replace('127', '127.0.0.1.evil.test:127'), 'http://127.0.0.1', 'file://'];
	const paths = ['/api/v1/credentials/connections', '/api/v1/user/profile', '/health', '/openapi.json', '/login', '/static/style.css'];
	for (const origin of origins) {
		for (const path of paths) {
			for (const headers of [{ origin }, { origin, authorization: `Bearer ${service.adminKey}` }]) {
				const res = await send(service.url, path, { headers });
				const preflight = await send(service.url, path, {
					method: 'OPTIONS', headers: { ...headers, 'access-control-request-method': 'DELETE', 'access-control-request-headers': 'authorization' },
				});
				for (const { headers: h } of [res, preflight]) {
					assert.deepEqual(Object.keys(h).filter((n) => n.startsWith('access-control-')), [], `${origin} ${path}`);
				}
				assert.ok(preflight.status >= 400, `${origin} ${path}: ${preflight.status}`);
			}
		}
	}
});
