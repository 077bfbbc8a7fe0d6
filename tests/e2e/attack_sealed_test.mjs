// SPDX-License-Identifier: Apache-2.0
//
// Somebody can write the database, but has no key (SECURITY-CHECKLIST CR-01, CR-02): sealed values are swapped, cut,
// changed and put back while the service runs. Whatever was done, no token of another grant, app or time is handed out.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alter, connect, count, makeArena, read, register, rows } from './lib/adversary.mjs';
import { makeApp } from './lib/api.mjs';

// Without its memory the service looks at the row each time.
async function world(t) {
	const arena = await makeArena(t, { env: { FIBERWISE_CACHE_BYTES: '0' } });
	const authenticator = await register(arena.service, arena.adversary);
	const flows = [];
	for (const user of ['ann', 'bob']) flows.push(await connect(arena.service, authenticator, { user, account: user }));
	return { ...arena, authenticator, flows };
}

const idOf = async (service, flow) => (await rows(service,
	`SELECT grant_id FROM user_app_oauth_authentications WHERE auth_id = '${flow.connection}'`))[0].grant_id;

const column = (name, id) => `(SELECT ${name} FROM oauth_token_grants WHERE grant_id = '${id}')`;

// Changes the row of `flow`, wants a refusal that names no secret and an event, puts the row back, wants the token again.
async function refused({ service, tokens }, flow, set, why) {
	const id = await idOf(service, flow);
	const events = () => count(service, 'oauth_events', "kind = 'sealed_value_refused'");
	const before = await events();
	await alter(service, `CREATE TABLE kept AS SELECT * FROM oauth_token_grants WHERE grant_id = '${id}';
		UPDATE oauth_token_grants SET ${set} WHERE grant_id = '${id}'`);
	const res = await read(service, flow);
	assert.notEqual(res.status, 200, `${why}: ${res.text}`);
	assert.ok([409, 500].includes(res.status), `${why}: ${res.status} ${res.text}`);
	for (const token of tokens) assert.ok(!res.text.includes(token), why);
	assert.ok(await events() > before, `${why}: no event`);
	await alter(service, `DELETE FROM oauth_token_grants WHERE grant_id = '${id}';
		INSERT INTO oauth_token_grants SELECT * FROM kept; DROP TABLE kept`);
	assert.equal((await read(service, flow)).status, 200, `${why}: put back`);
}

test('CR-01 a sealed token that was moved, cut or changed is not opened', async (t) => {
	const { service, flows: [ann, bob], adversary } = await world(t);
	const tokens = [(await read(service, ann)).body.access_token, (await read(service, bob)).body.access_token];
	const at = { service, tokens };
	const other = await idOf(service, bob);
	const own = await idOf(service, ann);
	await refused(at, ann, `access_token = ${column('access_token', other)}`, 'the token of another grant');
	await refused(at, ann, `access_token = ${column('refresh_token', own)}`, 'the refresh token in place of the access token');
	await refused(at, ann, `access_token = ${column('refresh_token', other)}`, 'the refresh token of another grant');
	await refused(at, ann, 'access_token = substr(access_token, 1, length(access_token) - 1)', 'one byte less');
	await refused(at, ann, 'access_token = CAST(access_token || x\'00\' AS BLOB)', 'one byte more');
	await refused(at, ann, 'access_token = substr(access_token, 1, 8)', 'hardly anything');
	await refused(at, ann, `access_token = x'00'`, 'one zero');
	await refused(at, ann, `access_token = CAST('${tokens[1]}' AS BLOB)`, 'clear text');
	const [{ hex }] = await rows(service, `SELECT hex(access_token) AS hex FROM oauth_token_grants WHERE grant_id = '${own}'`);
	const bytes = Buffer.from(hex, 'hex');
	for (let i = 0; i < 40; i += 1) {
		const bit = Math.floor((i * bytes.length * 8) / 40) + (i % 8);
		const twisted = Buffer.from(bytes);
		twisted[bit >> 3] ^= 1 << (bit & 7);
		await refused(at, ann, `access_token = x'${twisted.toString('hex')}'`, `bit ${bit} of ${bytes.length * 8}`);
	}
	assert.equal(await adversary.hits('revoke'), 0);
	assert.ok(service.roles().length === 5 && service.program.running);
});

test('CR-01 neither does a token or client secret of another app open', async (t) => {
	const { service, adversary, flows: [ann] } = await world(t);
	const app = await makeApp(service, 'other');
	const theirs = await register(service, adversary, { app_id: app.id, client_secret: 'secret-of-the-other-app-77' });
	const link = await connect({
		...service, url: service.url, expect: (s, m, p, o) => service.expect(s, m, p, { key: app.key, ...o }),
	}, theirs, { user: 'eve', account: 'eve', app_id: app.id });
	const token = (await service.api('GET', `/credentials/connections/${link.connection}/token?user=eve`, { key: app.key })).body.access_token;
	assert.ok(token);
	await refused({ service, tokens: [token] }, ann,
		`access_token = ${column('access_token', await idOf(service, link))}`, 'the token of another app');
	// A client secret in another authenticator's row would be sent to that one's provider.
	await alter(service, `UPDATE oauth_authenticators SET client_secret = (SELECT client_secret FROM oauth_authenticators
		WHERE id = '${theirs.id}') WHERE id = '${ann.authenticator.id}'`);
	await adversary.reset('record');
	const res = await read(service, ann, { min_ttl: 86400 });
	assert.ok(!res.text.includes('secret-of-the-other-app-77'));
	for (const request of await adversary.record('token')) {
		assert.ok(!JSON.stringify(request).includes('secret-of-the-other-app-77'), 'another app\'s secret was sent');
	}
});

test('CR-02 a column that was put back to what it was is not opened', async (t) => {
	const { service, adversary, flows: [ann] } = await world(t);
	const id = await idOf(service, ann);
	const first = (await read(service, ann)).body;
	const row = async () => (await rows(service, `SELECT hex(access_token) AS a, hex(refresh_token) AS r, generation AS g
		FROM oauth_token_grants WHERE grant_id = '${id}'`))[0];
	const old = await row();
	await service.expect(200, 'POST', `/credentials/connections/${ann.connection}/token/rejected?user=ann`,
		{ json: { fingerprint: first.fingerprint } });
	const second = (await read(service, ann)).body;
	const now = await row();
	assert.ok(now.g > old.g && second.access_token !== first.access_token);
	const tokens = [first.access_token, second.access_token];
	await refused({ service, tokens }, ann, `access_token = x'${old.a}'`, 'the access token of before');
	await refused({ service, tokens }, ann, `generation = ${old.g}`, 'the generation of before');
	// The refresh token of before would be the end of a grant at a strict provider: it is not even sent.
	await alter(service, `UPDATE oauth_token_grants SET refresh_token = x'${old.r}' WHERE grant_id = '${id}'`);
	await adversary.reset('record');
	const res = await service.api('POST', `/credentials/connections/${ann.connection}/token/rejected?user=ann`,
		{ json: { fingerprint: second.fingerprint } });
	assert.ok(res.status >= 400, res.text);
	assert.equal(await adversary.hits('token'), 0, 'a refresh token of before was sent');
});
