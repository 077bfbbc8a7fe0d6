// SPDX-License-Identifier: Apache-2.0
//
// The scripted adversary provider (tests/support) as a fixture, and connecting without a browser: a jar
// of cookies, the connect link's POST, the adversary's redirect, the callback. Each step can be taken
// alone, so that a test can change what lies between them.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ask } from './http.mjs';
import { BUILD, eventually, freePort, Program, run } from './process.mjs';
import { needBuild, Service, workspace } from './service.mjs';

export const CLIENT = { id: 'attack-client', secret: 'attack-secret-0123456789abcdef' };

export class Adversary {
	async start(settings = {}) {
		const binary = join(BUILD, 'tests/support/adversary');
		assert.ok(existsSync(binary), `${binary} is not there: run make first`);
		this.program = new Program(binary, ['--settings', JSON.stringify(settings), '--stdin', 'ignore']);
		this.url = await this.program.ready();
		this.control = await eventually('control port', () => this.program.lines
			.find((l) => l.startsWith('control '))?.slice('control '.length));
		return this;
	}

	async #tell(method, path, json) {
		const res = await ask(`${this.control}/_adversary/${path}`, { method, json });
		assert.equal(res.status, 200, `adversary ${path}: ${res.text}`);
		return res.body;
	}

	script(...rules) { return this.#tell('POST', 'script', { rules }); }

	config(settings) { return this.#tell('POST', 'config', settings); }

	reset(...what) { return this.#tell('POST', 'reset', what.length > 0 ? { what } : {}); }

	listen(open) { return this.#tell('POST', 'listen', { open }); }

	end(which) { return this.#tell('POST', 'end', which); }

	counters() { return this.#tell('GET', 'counters'); }

	async hits(endpoint) { return (await this.counters()).requests[endpoint] ?? 0; }

	async record(endpoint) {
		return (await this.#tell('GET', `record?limit=1000${endpoint ? `&endpoint=${endpoint}` : ''}`)).requests;
	}

	async grants(query = '') { return (await this.#tell('GET', `grants?limit=1000${query}`)).grants; }

	// Waits until so many requests reached the endpoint since the last reset.
	async wait(endpoint, hits = 1, ms = 5000) {
		const { reached, count } = await this.#tell('GET', `wait?endpoint=${endpoint}&hits=${hits}&timeout_ms=${ms}`);
		assert.ok(reached, `${endpoint} has had ${count} of ${hits} requests after ${ms} ms`);
	}

	stop() { return this.program.stop('SIGKILL'); }
}

export const sha256 = (text) => createHash('sha256').update(text).digest('hex');

export const bodyOf = (request) => Object.fromEntries(new URLSearchParams(request.body ?? ''));

export const headerOf = (request, name) => request.headers
	.find((h) => h.name.toLowerCase() === name)?.value;

// Rows of the service's database. Opened read-only, as an auditor would.
export async function rows(service, sql) {
	const { code, stdout, stderr } = await run('sqlite3',
		['-readonly', '-json', '-cmd', '.timeout 5000', join(service.dataDir, 'fiberwise.db'), sql]);
	assert.equal(code, 0, stderr);
	return stdout.trim() === '' ? [] : JSON.parse(stdout);
}

export const count = async (service, table, where = '1') => (await rows(service,
	`SELECT count(*) AS n FROM ${table} WHERE ${where}`))[0].n;

// What only a clock could do otherwise: changes rows of a running service.
export async function alter(service, sql) {
	const { code, stderr } = await run('sqlite3',
		['-cmd', '.timeout 5000', join(service.dataDir, 'fiberwise.db'), sql]);
	assert.equal(code, 0, stderr);
}

// Lets all pauses be over: of grants after a failure, of authenticators whose client was refused.
export const hurry = (service) => alter(service, `
	UPDATE oauth_token_grants SET refresh_due_at = min(refresh_due_at, 1), not_before = 0;
	UPDATE oauth_authenticators SET paused_until = 0`);

// One browser: keeps the cookies of the service.
export class Jar {
	cookies = new Map();

	async send(url, options = {}) {
		const cookie = [...this.cookies].map(([k, v]) => `${k}=${v}`).join('; ');
		const res = await ask(url, { ...options, headers: { ...(cookie ? { cookie } : {}), ...options.headers } });
		for (const line of [res.headers['set-cookie'] ?? []].flat()) {
			const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
			this.cookies.set(name, value);
		}
		return res;
	}

	get(url, headers) { return this.send(url, { headers }); }

	// A form of our own page, as a browser sends it.
	post(url, form = {}) { return this.send(url, { method: 'POST', form, headers: { 'sec-fetch-site': 'same-origin' } }); }
}

let serial = 0;

export async function register(service, adversary, extra = {}) {
	serial += 1;
	const { configuration, ...rest } = extra;
	return service.expect(201, 'POST', '/oauth/authenticators', {
		json: {
			name: `Adversary ${serial}`,
			authenticator_type: 'custom',
			client_id: CLIENT.id,
			client_secret: CLIENT.secret,
			authorize_url: `${adversary.url}/authorize`,
			token_url: `${adversary.url}/token`,
			scopes: ['a', 'b'],
			configuration: {
				issuer: adversary.url,
				iss_in_callback: true,
				userinfo_url: `${adversary.url}/userinfo`,
				revocation_url: `${adversary.url}/revoke`,
				...configuration,
			},
			...rest,
		},
	});
}

// From a new connect link to the provider's door: { link, authorize } with the URL that the browser is
// sent to, account added.
export async function leave(service, authenticator, {
	jar = new Jar(), user = `user-${serial}`, account = 'ann', ...more
} = {}) {
	const link = await service.expect(201, 'POST', '/credentials/connect-links',
		{ json: { authenticator: authenticator.id, user, return_to: '/ready', ...more } });
	const page = await jar.get(link.url);
	assert.equal(page.status, 200, page.text);
	const res = await jar.post(link.url);
	assert.equal(res.status, 303, res.text);
	const authorize = new URL(res.headers.location);
	const at = new URL(authorize);
	at.searchParams.set('login_hint', account);
	return { link, jar, user, account, authenticator, authorize: at.href, state: authorize.searchParams.get('state') };
}

// The provider's answer: the callback URL, not yet followed.
export async function consent(flow) {
	const res = await ask(flow.authorize);
	assert.equal(res.status, 302, res.text);
	return res.headers.location;
}

// Follows the callback; { status, location, connected, error }.
export async function comeBack(flow, callback, jar = flow.jar) {
	const res = await jar.get(callback);
	const location = res.headers.location ? new URL(res.headers.location, callback) : null;
	return {
		res, status: res.status, location,
		connected: location?.searchParams.get('connected'), error: location?.searchParams.get('error'),
	};
}

// The whole way; fails unless connected. Adds { callback, connection }.
export async function connect(service, authenticator, options) {
	const flow = await leave(service, authenticator, options);
	const callback = await consent(flow);
	const end = await comeBack(flow, callback);
	assert.equal(end.status, 303, end.res.text);
	assert.equal(end.connected, 'true', `${end.location}`);
	const state = await service.expect(200, 'GET', `/credentials/connect-links/${flow.link.id}`);
	return { ...flow, callback, connection: state.connection_id };
}

export const read = (service, flow, query = {}) => service.token(flow.connection, { user: flow.user, ...query });

// Reads until a token comes; anything but a token, a passing trouble or a lost connection fails.
export async function readThrough(service, flow, query = {}, ms = 20000) {
	const end = Date.now() + ms;
	for (;;) {
		const res = await read(service, flow, query).catch((e) => ({ status: 0, text: e.message }));
		if (res.status === 200) return res.body;
		assert.ok([0, 502, 503, 504].includes(res.status), `${flow.user}: ${res.status} ${res.text}`);
		assert.ok(Date.now() < end, `${flow.user}: no token within ${ms} ms, last ${res.status} ${res.text}`);
		await new Promise((done) => { setTimeout(done, 25); });
	}
}

export async function grantOf(service, flow) {
	const [row] = await rows(service, `SELECT g.grant_id, g.generation, g.is_revoked, g.status, g.cause, g.uncertain,
		g.intent_attempt, g.token_type, g.expires_at, g.scopes, hex(g.access_token) AS access_token,
		hex(g.refresh_token) AS refresh_token FROM oauth_token_grants g
		JOIN user_app_oauth_authentications c ON c.grant_id = g.grant_id WHERE c.auth_id = '${flow.connection}'`);
	return row;
}

// The service and an adversary beside it, in a directory of their own.
export async function makeArena(t, { settings = {}, env = {}, binary } = {}) {
	needBuild();
	const dir = workspace(t);
	const adversary = await new Adversary().start(settings);
	t.after(() => adversary.stop());
	const service = new Service(dir, await freePort(), env);
	if (binary) service.binary = binary;
	t.after(() => service.end());
	await service.start();
	return { dir, adversary, service };
}
