// SPDX-License-Identifier: Apache-2.0
//
// Who may have what (SECURITY-CHECKLIST §6): keys, apps, users and what races between them.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
	CLIENT, connect, consent, comeBack, count, leave, read, register, rows,
} from './lib/adversary.mjs';
import { adversary, service } from './lib/attack.mjs';
import { makeApp, SCOPES } from './lib/api.mjs';
import { filesUnder } from './lib/sweep.mjs';

const RACES = Number(process.env.FIBERWISE_RACES ?? 150); // rounds of each kind; a round is several requests at once

// The service as one app's backend sees it.
const as = ({ id, key }) => ({
	expect: (status, method, path, options = {}) => service.expect(status, method, path,
		{ key, ...options, ...(options.json ? { json: { app_id: id, ...options.json } } : {}) }),
});

test('AP-01 the stored form of a key is none, and a key that is nearly right is none', async () => {
	const { id, key } = await service.expect(201, 'POST', '/user/api-keys', { json: { name: 'ap-01', scopes: ['connections:read'] } });
	const good = async (k) => (await service.api('GET', '/credentials/connections', { key: k })).status;
	assert.equal(await good(key), 200);
	const stored = JSON.stringify(await rows(service, 'SELECT * FROM api_keys')).toLowerCase();
	const [, publicId, secret] = /^fw_([^_]+)_(.+)$/.exec(key);
	for (const form of [secret, secret.slice(0, -6), createHash('sha256').update(key).digest('base64url').toLowerCase()]) {
		assert.ok(!stored.includes(form.toLowerCase()), 'the database holds the key itself');
	}
	// What the database holds is no key, alone or in a key's clothes.
	for (const row of await rows(service, 'SELECT * FROM api_keys')) {
		for (const value of Object.values(row).filter((v) => typeof v === 'string' && v.length > 8)) {
			for (const k of [value, `fw_${publicId}_${value}`, `api_${value}`]) assert.equal(await good(k), 401, k);
		}
	}
	for (const right of [0, 1, 20, 41, 42]) assert.equal(await good(nearly(key, right)), 401, `${right} characters are right`);
	assert.equal(nearly(key, 43), key, 'the checksum is as it is made here');
	for (let i = 0; i < key.length; i += 1) {
		const other = key[i] === 'a' ? 'b' : 'a';
		assert.equal(await good(key.slice(0, i) + other + key.slice(i + 1)), 401, `character ${i} changed`);
		assert.equal(await good(key.slice(0, i)), 401, `cut to ${i}`);
	}
	await service.expect(200, 'DELETE', `/user/api-keys/${id}`);
	assert.equal(await good(key), 401);
});

// That key with so many right characters of its secret, and a checksum that fits.
function nearly(key, right) {
	const secret = key.slice(20, -6);
	const text = key.slice(0, 20) + secret.slice(0, right) + [...secret.slice(right)].map((c) => (c === 'A' ? 'B' : 'A')).join('');
	return text + createHash('sha256').update(text).digest('hex').slice(0, 6);
}

// Each way round is asked for in turn, so that what the machine does meanwhile falls on both.
async function medians(ways, rounds) {
	const times = ways.map(() => []);
	for (let i = 0; i < rounds; i += 1) {
		for (let w = 0; w < ways.length; w += 1) {
			const at = (i + w) % ways.length;
			const began = process.hrtime.bigint();
			await ways[at]();
			times[at].push(Number(process.hrtime.bigint() - began) / 1000);
		}
	}
	return times.map((list) => list.sort((a, b) => a - b)[list.length >> 1]);
}

// (The comparison itself is sodium_memcmp over hashes, once for all bytes; make mutants takes it out.)
test('AP-01 how much of a key is right cannot be told by the time', async (t) => {
	const { key } = await service.expect(201, 'POST', '/user/api-keys', { json: { name: 'timed', scopes: ['connections:read'] } });
	const call = (k) => () => service.api('GET', '/credentials/connections', { key: k });
	const ways = [0, 1, 21, 42].map((right) => nearly(key, right));
	for (const k of ways) assert.equal((await call(k)()).status, 401, k);
	const times = await medians([...ways, nearly(`fw_${randomBytes(8).toString('hex')}${key.slice(19)}`, 42)].map(call), 400);
	t.diagnostic(JSON.stringify({ right: [0, 1, 21, 42, 'another id'], median_us: times.map(Math.round) }));
	assert.ok(Math.max(...times) < 1.25 * Math.min(...times), `${times} µs`);
});

test('AP-03 an app\'s key reads the grants of its own app only: 3 apps, 3 users, 3 authenticators', async () => {
	const apps = [];
	for (const name of ['one', 'two', 'three']) apps.push(await makeApp(service, `ap-03 ${name}`));
	const held = [];
	for (const app of apps) {
		for (let n = 0; n < 3; n += 1) {
			const authenticator = await register(service, adversary, { app_id: app.id, name: `provider ${n}` });
			for (const user of ['u1', 'u2', 'u3']) {
				const flow = await connect(as(app), authenticator, { user, account: `${app.id}-${n}-${user}` });
				held.push({ app, user, n, authenticator, connection: flow.connection });
			}
		}
	}
	assert.equal(held.length, 27);
	const tokens = new Map();
	for (const app of apps) {
		for (const { app: owner, user, n, authenticator, connection } of held) {
			for (const asked of ['u1', 'u2', 'u3']) {
				for (const ref of [connection, authenticator.id, `provider ${n}`]) {
					const res = await service.api('GET', `/credentials/connections/${encodeURIComponent(ref)}/token?user=${asked}`, { key: app.key });
					// A name is each app's own; an id leads to one connection only.
					const may = app === owner && asked === user;
					const named = ref === `provider ${n}` || (ref === authenticator.id && app === owner);
					if (may) assert.equal(res.status, 200, res.text);
					else if (!named) assert.equal(res.status, 404, `${res.status} ${res.text}`);
					if (res.status !== 200) continue;
					const whose = `${app.id} ${asked} ${n}`;
					tokens.set(res.body.access_token, (tokens.get(res.body.access_token) ?? new Set()).add(whose));
				}
			}
		}
	}
	assert.equal(tokens.size, 27, 'each app, user and authenticator has a token of its own');
	for (const whose of tokens.values()) assert.equal(whose.size, 1, [...whose].join(' and '));
});

test('AP-05 a client secret comes back from no route, and not its length either', async () => {
	const secrets = ['s', 'canary-short', `canary-long-${'x'.repeat(300)}`];
	const answers = [];
	for (const [i, secret] of secrets.entries()) {
		const made = await service.api('POST', '/oauth/authenticators', {
			json: {
				name: `ap-05 ${i}`, authenticator_type: 'custom', client_id: CLIENT.id, client_secret: secret, scopes: ['a'],
				authorize_url: `${adversary.url}/authorize`, token_url: `${adversary.url}/token`, configuration: { issuer: adversary.url },
			},
		});
		assert.equal(made.status, 201, made.text);
		const at = `/oauth/authenticators/${made.body.id}`;
		const all = [made, await service.api('GET', at), await service.api('GET', '/oauth/authenticators?include_disabled=true'),
			await service.api('PATCH', at, { json: { client_secret: `${secret}2`, name: `ap-05 ${i}` } }),
			await service.api('POST', '/oauth/authenticators/validate', { json: { ...made.body, client_secret: secret } }),
			await service.api('POST', '/oauth/authenticators', { json: { name: `ap-05 ${i}`, authenticator_type: 'custom', client_id: 'x', client_secret: secret } }),
			await service.api('GET', `/oauth/events?limit=50`)];
		for (const res of all) if (secret.length > 1) assert.ok(!res.text.includes(secret), res.text);
		const members = (o) => Object.keys(o).filter((name) => /secret/.test(name));
		assert.deepEqual([...members(made.body), ...members(all[1].body)], []);
		const got = { ...all[1].body };
		for (const name of ['id', 'authenticator_id', 'name', 'redirect_uri', 'created_at', 'updated_at']) delete got[name];
		answers.push(JSON.stringify(got));
	}
	assert.equal(new Set(answers).size, 1, 'the length of a secret shows');
	for (const file of filesUnder(join(service.dataDir, 'logs'))) {
		for (const secret of secrets.slice(1)) assert.ok(!readFileSync(file, 'utf8').includes(secret), file);
	}
});

test('AP-08 a token answer is not stored by anybody, holds what is documented, and is on record', async () => {
	const flow = await connect(service, await register(service, adversary), { user: 'ap-08' });
	const res = await read(service, flow);
	assert.equal(res.headers['cache-control'], 'no-store');
	assert.deepEqual(Object.keys(res.body).sort(), ['access_token', 'expires_at', 'expires_in', 'fingerprint', 'scopes', 'token_type']);
	const records = filesUnder(join(service.dataDir, 'audit')).filter((f) => f.endsWith('.log')).map((f) => readFileSync(f, 'latin1')).join('');
	assert.ok(records.includes(res.headers['x-request-id']), 'the record was there before the answer');
	assert.ok(!records.includes(res.body.access_token));
});

const at = (list) => Promise.all(list.map((fn) => fn()));

test(`AP-10 what ends is never handed out again, whoever asks in the same moment (${RACES} rounds)`, { timeout: 600000 }, async () => {
	const authenticator = await register(service, adversary);
	for (let i = 0; i < RACES; i += 1) {
		const flow = await connect(service, authenticator, { user: `race ${i}`, account: `race ${i}` });
		const kept = await service.expect(201, 'POST', '/user/api-keys', { json: { name: `race ${i}`, scopes: ['tokens:read'] } });
		const reading = (key) => () => service.api('GET', `/credentials/connections/${flow.connection}/token?user=${encodeURIComponent(flow.user)}`, { key });
		const ends = i % 2
			? () => service.api('DELETE', `/credentials/connections/${flow.connection}?user=${encodeURIComponent(flow.user)}`)
			: () => service.api('DELETE', `/user/api-keys/${kept.id}`);
		const [gone, ...raced] = await at([ends, ...Array.from({ length: 6 }, () => reading(kept.key))]);
		assert.equal(gone.status, 200, gone.text);
		for (const res of raced) assert.ok([200, 401, 404].includes(res.status), `${res.status} ${res.text}`);
		assert.equal((await reading(kept.key)()).status, i % 2 ? 404 : 401, `round ${i}`);
		if (i % 2) await service.expect(200, 'DELETE', `/user/api-keys/${kept.id}`);
	}
});

test('AP-10 one account that two browsers connect at once is one connection with one live grant', { timeout: 600000 }, async () => {
	const authenticator = await register(service, adversary);
	for (let i = 0; i < RACES / 10; i += 1) {
		const flows = [];
		for (let n = 0; n < 3; n += 1) flows.push(await leave(service, authenticator, { user: 'twin', account: 'twin' }));
		const callbacks = [];
		for (const flow of flows) callbacks.push(await consent(flow));
		const ends = await at(flows.map((flow, n) => () => comeBack(flow, callbacks[n])));
		for (const end of ends) assert.equal(end.connected, 'true', end.res.text);
	}
	const own = `authenticator_id = '${authenticator.id}'`;
	assert.equal(await count(service, 'user_app_oauth_authentications', own), 1);
	assert.equal(await count(service, 'oauth_token_grants', `${own} AND is_revoked = 0`), 1);
});

test('AP-10 a name is taken once, and a key is made once, however many ask', async () => {
	const body = {
		name: 'only one', authenticator_type: 'custom', client_id: CLIENT.id, client_secret: CLIENT.secret, scopes: ['a'],
		authorize_url: `${adversary.url}/authorize`, token_url: `${adversary.url}/token`, configuration: { issuer: adversary.url },
	};
	const made = await at(Array.from({ length: 12 }, () => () => service.api('POST', '/oauth/authenticators', { json: body })));
	assert.deepEqual(made.map((r) => r.status).sort(), [201, ...Array.from({ length: 11 }, () => 409)]);
	const { id } = made.find((r) => r.status === 201).body;
	const gone = await at(Array.from({ length: 6 }, () => () => service.api('DELETE', `/oauth/authenticators/${id}`)));
	assert.equal(gone.filter((r) => r.status === 200).length, 1, gone.map((r) => r.text).join('\n'));
	assert.ok(gone.every((r) => [200, 404].includes(r.status)));
	const app = await makeApp(service, 'rotation', SCOPES);
	const rotations = await at(Array.from({ length: 8 }, (_, n) => () => service.api('POST', `/apps/${app.id}/api-keys`,
		{ key: app.key, json: { name: `r${n}`, scopes: ['tokens:read'] } })));
	assert.equal(new Set(rotations.map((r) => r.body.key)).size, 8);
	for (const { body: { id: keyId, key } } of rotations) {
		assert.equal((await service.api('GET', '/credentials/connections', { key })).status, 403);
		await service.expect(200, 'DELETE', `/apps/${app.id}/api-keys/${keyId}`);
		assert.equal((await service.api('GET', '/credentials/connections', { key })).status, 401);
	}
});
