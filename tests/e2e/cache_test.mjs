// SPDX-License-Identifier: Apache-2.0
//
// Tokens that a worker has read before are answered from its memory: in the same words as at first, and never after a change
// that another worker has answered. Connections are kept open, so that a test knows which worker it asks.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { alter, connect, makeArena, register, rows } from './lib/adversary.mjs';
import { eventually, sleep } from './lib/process.mjs';

// One kept-open connection to a worker.
class Line {
	agent = new Agent({ keepAlive: true, maxSockets: 1 });

	constructor(service) { this.service = service; }

	ask(method, path, { key = this.service.adminKey, json, headers = {} } = {}) {
		const payload = json === undefined ? undefined : JSON.stringify(json);
		return new Promise((resolve, reject) => {
			const req = request(`${this.service.url}/api/v1${path}`, {
				method,
				agent: this.agent,
				headers: {
					...(key ? { authorization: `Bearer ${key}` } : {}),
					...(payload ? { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) } : {}),
					...headers,
				},
			}, (res) => {
				let text = '';
				res.setEncoding('utf8').on('data', (part) => { text += part; }).on('end', () => resolve({
					status: res.statusCode, headers: res.headers, text, body: text.startsWith('{') ? JSON.parse(text) : text,
				}));
			});
			req.on('error', reject);
			req.end(payload);
		});
	}

	token(flow, { query = `user=${flow.user}`, ...options } = {}) {
		return this.ask('GET', `/credentials/connections/${flow.connection}/token${query ? `?${query}` : ''}`, options);
	}

	close() { this.agent.destroy(); }
}

// Every audit record: { chain, ...record }.
function records(service) {
	const dir = join(service.dataDir, 'audit');
	return readdirSync(dir).filter((c) => !c.startsWith('.')).flatMap((chain) => readdirSync(join(dir, chain))
		.flatMap((file) => readFileSync(join(dir, chain, file), 'latin1').split('\n').filter((l) => l.replaceAll('\0', ''))
			.map((l) => ({ chain, ...JSON.parse(l) }))));
}

const recordOf = (service, res) => records(service).find((r) => r.request === res.headers['x-request-id']);

// A line to each of the two workers; the audit chain tells which one has answered.
async function lines(t, service, flow) {
	const found = new Map();
	for (let i = 0; i < 60 && found.size < 2; i += 1) {
		const line = new Line(service);
		const res = await line.token(flow);
		assert.equal(res.status, 200, res.text);
		const { chain } = recordOf(service, res);
		if (found.has(chain)) line.close();
		else found.set(chain, line);
	}
	assert.equal(found.size, 2, 'both workers were met');
	t.after(() => { for (const line of found.values()) line.close(); });
	return [...found.keys()].sort().map((chain) => found.get(chain));
}

async function world(t, { configuration, ...options } = {}) {
	const arena = await makeArena(t, options);
	const authenticator = await register(arena.service, arena.adversary, { configuration });
	const flow = await connect(arena.service, authenticator, { user: 'u1' });
	const [a, b] = await lines(t, arena.service, flow);
	return { ...arena, authenticator, flow, a, b };
}

async function served(line, flow, options) {
	const res = await line.token(flow, options);
	assert.equal(res.status, 200, res.text);
	return res;
}

// What lies behind the service's back is seen only by who asks the database.
const hide = (service, flow) => alter(service, `UPDATE user_app_oauth_authentications SET auth_status = 'pending'
	WHERE auth_id = '${flow.connection}'`);

test('the second read is answered from memory, in the same bytes and with the same record', async (t) => {
	const { service, adversary, flow, a } = await world(t,
		{ configuration: { keep_from_callback: ['iss'], keep_from_answer: ['token_type'] } });
	await hide(service, flow);
	const second = await served(a, flow);
	const again = await served(a, flow, { key: '', headers: { 'x-api-key': service.adminKey } });
	await alter(service, `UPDATE user_app_oauth_authentications SET auth_status = 'active' WHERE auth_id = '${flow.connection}'`);
	// An unusual form of the same question takes the long way.
	const long = await served(a, flow, { query: 'user=u1&nothing=1' });
	const bare = (res) => {
		const { date, 'x-request-id': id, ...headers } = res.headers;
		assert.ok(date && id);
		return { headers, text: res.text.replace(/"expires_in":\d+/, '"expires_in":N') };
	};
	assert.deepEqual(bare(second), bare(long));
	assert.deepEqual(bare(again), bare(long));
	assert.deepEqual(second.body.extra, { iss: adversary.url, token_type: long.body.extra.token_type });
	assert.ok(second.body.expires_in > 3500 && Math.abs(second.body.expires_in - long.body.expires_in) <= 2, second.text);
	const plain = (res) => {
		const { at, time, seq, prev, mac, request: id, ...rest } = recordOf(service, res);
		assert.ok(at && time && prev);
		return rest;
	};
	assert.deepEqual(plain(second), plain(long));
	assert.equal(plain(second).event, 'token_read');
	assert.equal(plain(second).connection, flow.connection);
});

test('who asks otherwise is answered otherwise', async (t) => {
	const { service, flow, a } = await world(t);
	const other = await connect(service, flow.authenticator, { user: 'u2', account: 'bob' });
	assert.equal((await served(a, flow)).body.extra, undefined, 'absent where nothing is kept');
	const is = async (status, options, method = 'GET') => {
		const at = `/credentials/connections/${options.ref ?? flow.connection}/token?${options.query ?? 'user=u1'}`;
		const res = await a.ask(method, at, options);
		assert.equal(res.status, status, `${method} ${at}: ${res.status} ${res.text}`);
		return res;
	};
	for (let round = 0; round < 2; round += 1) {
		await is(200, {});
		await is(401, { key: '' });
		await is(401, { key: service.adminKey.replace(/.$/, (c) => (c === '0' ? '1' : '0')) });
		await is(401, { headers: { authorization: 'Basic eDp5', 'x-api-key': service.adminKey } });
		await is(200, { key: service.adminKey, headers: { 'x-api-key': 'nonsense' } });
		await is(400, { query: 'user=u1&user=u1' });
		await is(400, { query: 'user=u1&user=u2' });
		await is(422, { query: 'user=' });
		await is(404, { query: 'user=u2' });
		await is(404, { query: 'user=nobody' });
		await is(404, { query: '' });
		await is(422, { query: 'user=u1&app_id=other' });
		await is(200, { query: 'user=u1&app_id=default' });
		await is(200, { query: 'user=%75%31' });
		await is(422, { query: 'user=u1&min_ttl=soon' });
		await is(422, { query: 'user=u1&min_ttl=86401' });
		await is(200, { query: 'user=u1&min_ttl=3000' });
		const head = await is(200, {}, 'HEAD');
		assert.equal(head.text, '');
		const theirs = await is(200, { ref: other.connection, query: 'user=u2' });
		assert.notEqual(theirs.body.access_token, (await is(200, {})).body.access_token);
	}
	const { key: narrow } = await service.expect(201, 'POST', '/user/api-keys', { json: { name: 'n', scopes: ['connections:read'] } });
	assert.ok(narrow);
	for (let round = 0; round < 2; round += 1) await is(403, { key: narrow });
});

test('min_ttl is judged against what is kept', async (t) => {
	const { adversary, flow, a } = await world(t, { settings: { access_ttl_s: 100 } });
	const first = await served(a, flow);
	await adversary.reset('record');
	assert.equal((await served(a, flow, { query: 'user=u1&min_ttl=80' })).body.access_token, first.body.access_token);
	assert.equal(await adversary.hits('token'), 0);
	await sleep(1100);
	// Nine tenths of its life at most are wanted, and after a second it still has more.
	assert.equal((await served(a, flow, { query: 'user=u1&min_ttl=86400' })).body.access_token, first.body.access_token);
	assert.equal(await adversary.hits('token'), 0);
});

test('a token that is nearly over is refreshed, and the new one is kept', async (t) => {
	const { service, adversary, flow, a, b } = await world(t, { settings: { access_ttl_s: 2 } });
	const anyLife = { query: 'user=u1&min_ttl=0' };
	const before = (await served(a, flow, anyLife)).body;
	await adversary.reset('record');
	await sleep(2100);
	const after = (await served(a, flow, anyLife)).body;
	assert.notEqual(after.access_token, before.access_token);
	for (const line of [a, b, a, b]) assert.equal((await served(line, flow, anyLife)).body.access_token, after.access_token);
	assert.equal(await adversary.hits('token'), 1);
	assert.equal(new Set(records(service).filter((r) => r.fingerprint === after.fingerprint && r.event === 'token_read')
		.map((r) => r.generation)).size, 1);
});

const ROUNDS = 60;

test('AP-07 a key is dead in every worker when its DELETE is answered', async (t) => {
	const { service, flow, a, b } = await world(t);
	for (let i = 0; i < ROUNDS; i += 1) {
		const [here, there] = i % 2 ? [a, b] : [b, a];
		const { id, key } = (await here.ask('POST', '/user/api-keys', { json: { name: `k${i}`, scopes: ['tokens:read'] } })).body;
		assert.ok(key);
		for (let n = 0; n < 3; n += 1) await served(there, flow, { key });
		const gone = await here.ask('DELETE', `/user/api-keys/${id}`);
		assert.equal(gone.status, 200, gone.text);
		const res = await there.token(flow, { key });
		assert.equal(res.status, 401, `round ${i}: ${res.text}`);
		await served(there, flow); // and nobody else is
	}
});

test('a key that is revoked while its read waits for the provider gets nothing', async (t) => {
	const { adversary, flow, a, b } = await world(t, { settings: { access_ttl_s: 2 } });
	const { id, key } = (await b.ask('POST', '/user/api-keys', { json: { name: 'k', scopes: ['tokens:read'] } })).body;
	await sleep(2100);
	await adversary.reset('record');
	await adversary.script({ endpoint: 'token', grant_type: 'refresh_token', delay_after_ms: 1500 });
	const reading = a.token(flow, { key, query: 'user=u1&min_ttl=0' });
	await adversary.wait('token');
	const gone = await b.ask('DELETE', `/user/api-keys/${id}`);
	assert.equal(gone.status, 200, gone.text);
	assert.equal((await reading).status, 401);
});

test('AP-07 a connection is dead in every worker when its DELETE is answered', async (t) => {
	const { service, authenticator, a, b } = await world(t);
	for (let i = 0; i < ROUNDS / 3; i += 1) {
		const [here, there] = i % 2 ? [a, b] : [b, a];
		const flow = await connect(service, authenticator, { user: `p${i}`, account: `acc${i}` });
		for (let n = 0; n < 3; n += 1) await served(there, flow);
		const gone = await here.ask('DELETE', `/credentials/connections/${flow.connection}?user=${flow.user}`);
		assert.equal(gone.status, 200, gone.text);
		const res = await there.token(flow);
		assert.equal(res.status, 404, `round ${i}: ${res.text}`);
	}
});

test('AP-07 an authenticator is off in every worker when its PATCH is answered', async (t) => {
	const { authenticator, flow, a, b } = await world(t);
	for (let i = 0; i < ROUNDS / 3; i += 1) {
		const [here, there] = i % 2 ? [a, b] : [b, a];
		const turn = async (on) => {
			const res = await here.ask('PATCH', `/oauth/authenticators/${authenticator.id}`, { json: { is_active: on } });
			assert.equal(res.status, 200, res.text);
		};
		for (let n = 0; n < 3; n += 1) await served(there, flow);
		await turn(false);
		assert.equal((await there.token(flow)).status, 404, `round ${i}`);
		await turn(true);
		await served(there, flow);
	}
});

test('after a refresh every worker hands out the next generation', async (t) => {
	const { flow, a, b } = await world(t);
	for (let i = 0; i < ROUNDS / 3; i += 1) {
		const [here, there] = i % 2 ? [a, b] : [b, a];
		for (let n = 0; n < 3; n += 1) await served(there, flow);
		const old = (await served(there, flow)).body;
		const res = await here.ask('POST', `/credentials/connections/${flow.connection}/token/rejected?user=${flow.user}`,
			{ json: { fingerprint: old.fingerprint } });
		assert.equal(res.status, 200, res.text);
		assert.notEqual((await served(there, flow)).body.access_token, old.access_token, `round ${i}`);
	}
});

test('a second account of the user makes a name ambiguous at once', async (t) => {
	const { service, authenticator, flow, a, b } = await world(t);
	const byName = (line) => line.ask('GET', `/credentials/connections/${encodeURIComponent(authenticator.name)}/token?user=u1`);
	for (const line of [a, b]) for (let n = 0; n < 3; n += 1) assert.equal((await byName(line)).status, 200);
	await connect(service, authenticator, { user: 'u1', account: 'zoe' });
	for (const line of [a, b]) assert.equal((await byName(line)).status, 409);
	await served(b, flow);
});

test('a dead role makes every worker look again', async (t) => {
	const { service, flow, a, b } = await world(t);
	await served(a, flow);
	await served(b, flow);
	await hide(service, flow);
	await served(a, flow);
	await served(b, flow);
	const { pid } = service.roles().find((r) => r.role === 'clerk');
	process.kill(pid, 'SIGKILL');
	for (const line of [a, b]) await eventually('a look into the database', async () => (await line.token(flow)).status === 409);
});

test('when a connection was last used is told in batches, once a minute', async (t) => {
	const { service, flow, a, b } = await world(t);
	const used = async () => (await rows(service, `SELECT last_used_at AS at FROM user_app_oauth_authentications
		WHERE auth_id = '${flow.connection}'`))[0].at;
	const began = Date.now();
	for (let i = 0; i < 50; i += 1) await served(i % 2 ? a : b, flow);
	const at = await eventually('the last use', async () => await used() || undefined);
	assert.ok(Math.abs(at - began) < 10000, `${at - began}`);
	await sleep(2500); // until the other worker has told it too
	// A minute passes; what a worker has kept is older than the row then, and is told again.
	await alter(service, 'UPDATE user_app_oauth_authentications SET last_used_at = last_used_at - 61000');
	for (const line of [a, b]) await served(line, flow);
	await sleep(2500);
	assert.equal(await used(), at - 61000, 'the workers told it a moment ago');
	await service.expect(200, 'PATCH', '/apps/default', { json: { name: 'Default' } }); // they look anew
	for (const line of [a, b]) await served(line, flow);
	await eventually('a later use', async () => await used() > at || undefined);
});

test('without a cache everything works, only slower', async (t) => {
	const { service, flow, a } = await world(t, { env: { FIBERWISE_CACHE_BYTES: '0' } });
	await served(a, flow);
	await hide(service, flow);
	assert.equal((await a.token(flow)).status, 409);
	const [{ n }] = await rows(service, 'SELECT count(*) AS n FROM oauth_token_grants');
	assert.equal(n, 1);
});
