// SPDX-License-Identifier: Apache-2.0
//
// The API without a browser: the route table read from the source, the scripted adversary as provider,
// apps with keys of their own, a whole flow by plain requests, and what must hold for every answer.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { ask } from './http.mjs';
import { assertDescribed } from './openapi.mjs';
import { BUILD, eventually, freePort, Program, ROOT } from './process.mjs';
import { needBuild, PASSWORD, Service, workspace } from './service.mjs';

export const SCOPES = ['authenticators:read', 'authenticators:write', 'connections:read',
	'connections:write', 'tokens:read', 'audit:read', 'admin'];

// [{ method, path, who, scope }] of src/api/routes.c; a table that cannot be read fails the test.
export function readRoutes() {
	const source = readFileSync(join(ROOT, 'src/api/routes.c'), 'utf8');
	const rows = [...source.matchAll(/^\s*R\((\w+), "([^"]+)", \w+, (\w+), (\w+)\)/gm)]
		.map(([, method, path, who, scope]) => ({
			method, path, who, scope: scope === 'NOTHING' ? '' : scope.toLowerCase().replace('_', ':'), id: `${method} ${path}`,
		}));
	assert.ok(rows.length >= 30, 'the route table could not be read');
	for (const { scope } of rows) assert.ok(scope === '' || SCOPES.includes(scope), scope);
	return rows;
}

// One request as it is given, body and path untouched: { status, headers, rawHeaders, text, body }.
export function send(url, path, { method = 'GET', headers = {}, body } = {}) {
	const { hostname, port } = new URL(url);
	return new Promise((resolve, reject) => {
		const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
		const req = request({ hostname, port, path, method, agent: false, headers: { ...length, ...headers } }, (res) => {
			const parts = [];
			res.on('data', (part) => parts.push(part));
			res.on('error', reject);
			res.on('end', () => {
				const text = Buffer.concat(parts).toString('utf8');
				let parsed;
				if (/^application\/json/.test(res.headers['content-type'] ?? '') && text) parsed = JSON.parse(text);
				resolve({ status: res.statusCode, headers: res.headers, text, body: parsed, what: `${method} ${path}` });
			});
		});
		req.setTimeout(20000, () => req.destroy(new Error(`${method} ${path}: no answer in 20 s`)));
		req.on('error', reject);
		req.end(body);
	});
}

// A JSON object that names a member twice is taken apart differently by different readers.
export function assertNoDuplicateMembers(text) {
	const open = [];
	for (let i = 0; i < text.length; i++) {
		if (text[i] === '{' || text[i] === '[') open.push(text[i] === '{' ? new Set() : null);
		else if (text[i] === '}' || text[i] === ']') open.pop();
		else if (text[i] === '"') {
			let end = i + 1;
			while (text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
			const string = text.slice(i, end + 1);
			if (open.at(-1) && /^\s*:/.test(text.slice(end + 1))) {
				assert.ok(!open.at(-1).has(string), `${string} comes twice in ${text}`);
				open.at(-1).add(string);
			}
			i = end;
		}
	}
}

// What holds for every answer: security headers, no cache, no cookie unless it was asked for, a request id.
export function assertAnswer(res, { secrets = [] } = {}) {
	const { headers: h, what } = res;
	assert.equal(h['cache-control'], 'no-store', what);
	assert.equal(h['x-content-type-options'], 'nosniff', what);
	assert.match(h['content-security-policy'] ?? '', /default-src 'none'/, what);
	for (const part of ["object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", 'form-action ']) {
		assert.ok(h['content-security-policy'].includes(part) || part === "object-src 'none'", `${what}: CSP lacks ${part}`);
	}
	assert.ok(!/unsafe-inline|unsafe-eval/.test(h['content-security-policy']), what);
	assert.equal(h['cross-origin-opener-policy'], 'same-origin', what);
	assert.match(h['referrer-policy'] ?? '', /^(no-referrer|same-origin)$/, what);
	assert.match(h['x-request-id'] ?? '', /^[0-9a-f]{32}$/, what);
	assert.equal(h['access-control-allow-origin'], undefined, what);
	assert.equal(h.server, undefined, what);
	const all = res.text + JSON.stringify(h);
	for (const secret of secrets) assert.ok(!all.includes(secret), `${what}: the answer holds a secret`);
	if (res.body !== undefined) assertNoDuplicateMembers(res.text);
	if (res.status >= 400 && res.body !== undefined) assertError(res);
	assertDescribed(res);
	assert.ok(res.status < 500 || res.status === 501, `${what}: ${res.status} ${res.text}`);
}

function assertError({ body, headers, status, what, text }) {
	for (const name of ['error', 'detail', 'hint', 'request_id']) {
		assert.equal(typeof body[name], 'string', `${what}: ${name} in ${text}`);
		assert.notEqual(body[name], '', `${what}: ${name}`);
	}
	assert.equal(body.request_id, headers['x-request-id'], what);
	if (status === 401) assert.match(headers['www-authenticate'] ?? '', /^Bearer/, what);
	if (status === 429) assert.match(headers['retry-after'] ?? '', /^\d+$/, what);
	if (status === 422) {
		assert.equal(typeof body.fields, 'object', `${what}: ${text}`);
		assert.ok(Object.keys(body.fields).length > 0, `${what}: ${text}`);
		for (const why of Object.values(body.fields)) assert.ok(typeof why === 'string' && why !== '', text);
	} else {
		assert.equal(body.fields, undefined, `${what}: ${text}`);
	}
}

// The service with nothing but itself; `api` sends with the administrator's key unless told otherwise.
export async function startService(t, env = {}) {
	needBuild();
	const dir = workspace(t);
	const service = new Service(dir, await freePort(), { OAUTH_DEBUG: 'true', ...env });
	t.after(() => service.end());
	await service.start();
	return service;
}

// An app of its own with a key that has all scopes an app's key can have.
export async function makeApp(service, name, scopes = SCOPES) {
	const app = await service.expect(201, 'POST', '/apps', { json: { name } });
	const key = await service.expect(201, 'POST', `/apps/${app.id}/api-keys`, { json: { name: `${name} key`, scopes } });
	return { id: app.id, key: key.key, keyId: key.id };
}

// The administrator's cookie, by the link and its form.
export async function signIn(service) {
	const link = new URL(await service.adminLink());
	const res = await ask(link.href,
		{ method: 'POST', form: { password: PASSWORD, again: PASSWORD }, headers: { origin: service.url } });
	assert.equal(res.status, 303, res.text);
	return cookieOf(res);
}

const cookieOf = (res) => (res.headers['set-cookie'] ?? []).map((c) => c.split(';')[0]).join('; ');

export async function startAdversary(t, settings = {}) {
	const file = join(BUILD, 'tests/support/adversary');
	assert.ok(existsSync(file), `${file} is not there: build everything first`);
	const program = new Program(file, ['--stdin', 'ignore', '--settings', JSON.stringify(settings)]);
	t.after(() => program.stop('SIGKILL'));
	const url = await program.ready();
	const control = await eventually('control', () => program.lines.find((l) => l.startsWith('control ')));
	const base = control.slice('control '.length);
	return {
		url,
		configuration: { issuer: url, userinfo_url: `${url}/userinfo`, revocation_url: `${url}/revoke` },
		async control(method, path, json) {
			const res = await ask(`${base}/_adversary/${path}`, { method, json });
			assert.equal(res.status, 200, res.text);
			return res.body;
		},
	};
}

// A registration body for the adversary.
export const authenticatorAt = (provider, extra = {}) => ({
	name: 'Provider',
	authenticator_type: 'custom',
	client_id: 'client-of-the-tests',
	client_secret: 'canary-client-secret-5uHxw0',
	scopes: ['openid', 'read'],
	authorize_url: `${provider.url}/authorize`,
	token_url: `${provider.url}/token`,
	configuration: provider.configuration,
	...extra,
});

// A person's way through a connect link, by plain requests; resolves to the last redirect's URL.
export async function followLink(service, link, { account }) {
	const spent = await ask(link, { method: 'POST', form: {}, headers: { origin: service.url } });
	assert.equal(spent.status, 303, spent.text);
	const cookie = cookieOf(spent);
	const provider = await ask(`${spent.headers.location}&account=${encodeURIComponent(account)}`);
	assert.equal(provider.status, 302, provider.text);
	const back = await ask(provider.headers.location, { headers: { cookie } });
	assert.equal(back.status, 303, back.text);
	return new URL(back.headers.location, service.url);
}

export async function connect(service, { key, user, account, authenticator = 'Provider', ...more }) {
	const link = await service.expect(201, 'POST', '/credentials/connect-links',
		{ key, json: { authenticator, user, return_to: '/', ...more } });
	const end = await followLink(service, link.url, { account });
	assert.equal(end.searchParams.get('connected'), 'true', end.href);
	return link;
}

// Something to tidy up after a whole suite: hooks of suites have no `after` of their own. Last begun, first ended.
export function suiteScope() {
	const endings = [];
	return {
		after: (fn) => { endings.unshift(fn); },
		end: async () => { for (const fn of endings) await fn(); },
	};
}

// Returns a check that no role was restarted since, and that nothing was logged as an error.
export function watchHealth(service) {
	const before = JSON.stringify(service.roles());
	return () => {
		assert.ok(service.program.running, service.program.errors);
		assert.doesNotMatch(service.program.errors, /Sanitizer|runtime error|abort|assert/i);
		assert.equal(JSON.stringify(service.roles()), before, `a role was restarted\n${service.program.errors}`);
		const log = readFileSync(join(service.dataDir, 'logs/oauth.log'), 'utf8').trim().split('\n').map((l) => JSON.parse(l));
		assert.ok(log.some((record) => record.event === 'request'), 'the log holds the requests of this run');
		assert.deepEqual(log.filter((record) => record.level === 'error'), []);
	};
}
