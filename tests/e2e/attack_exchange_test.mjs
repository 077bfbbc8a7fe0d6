// SPDX-License-Identifier: Apache-2.0
//
// What a provider may answer to a code, and what comes of it (SECURITY-CHECKLIST §1, §2).
// Against the scripted adversary provider; each test says what must not have happened, too.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyOf, comeBack, connect, consent, count, headerOf, leave, read, register } from './lib/adversary.mjs';
import { adversary, failed, noGrant, service, tokenAnswer } from './lib/attack.mjs';

test('OA-13 granted scopes: missing is as requested, narrower is told, wider is recorded', async () => {
	const authenticator = await register(service, adversary);
	const shapes = [
		[{ remove: ['scope'] }, ['a', 'b'], []],
		[{ set: { scope: 'a' } }, ['a'], ['b']],
		[{ set: { scope: 'a b c' } }, ['a', 'b', 'c'], []],
	];
	for (const [answer, granted, missing] of shapes) {
		await adversary.script(tokenAnswer({ ...answer }));
		const flow = await connect(service, authenticator, { user: `scope-${granted.length}${missing.length}` });
		assert.equal(new URL(flow.authorize).searchParams.get('scope'), 'a b', 'only configured scopes are asked for');
		assert.deepEqual((await read(service, flow)).body.scopes, granted);
		const [view] = await service.expect(200, 'GET', `/credentials/connections?user=${flow.user}`);
		assert.deepEqual(view.missing_scopes, missing);
	}
	const wide = await service.api('POST', '/credentials/connect-links',
		{ json: { authenticator: authenticator.id, user: 'wide', scopes: ['a', 'admin'] } });
	assert.equal(wide.status, 422, wide.text);
});

test('what was not granted can be asked for again, of the same account only', async () => {
	const authenticator = await register(service, adversary);
	await adversary.script(tokenAnswer({ set: { scope: 'a' } }));
	const flow = await connect(service, authenticator, { user: 'again', account: 'ann' });
	const view = async () => (await service.expect(200, 'GET', '/credentials/connections?user=again'))[0];
	const before = await view();
	assert.deepEqual([before.requested_scopes, before.scopes, before.missing_scopes], [['a', 'b'], ['a'], ['b']]);
	await adversary.script();
	const link = { authenticator: undefined, connection: flow.connection, user: 'again' };
	const other = await leave(service, authenticator, { ...link, account: 'eve' });
	assert.equal((await comeBack(other, await consent(other))).connected, 'false', 'another account is refused');
	const same = await leave(service, authenticator, { ...link, account: 'ann' });
	assert.equal((await comeBack(same, await consent(same))).connected, 'true');
	const after = await view();
	assert.deepEqual([after.id, after.scopes, after.missing_scopes], [before.id, ['a', 'b'], []]);
	for (const [body, status] of [[{ connection: flow.connection, user: 'somebody-else' }, 404], [{ connection: 'none', user: 'again' }, 404],
		[{ connection: flow.connection, user: 'again', authenticator: 'other' }, 422]]) {
		assert.equal((await service.api('POST', '/credentials/connect-links', { json: { return_to: '/ready', ...body } })).status, status);
	}
});

test('OA-14 a token of an unknown type is never served', async () => {
	const authenticator = await register(service, adversary);
	for (const [type, kept] of [['mac', false], ['N_A', false], [null, false], ['bearer', true], ['BEARER', true]]) {
		const user = `type-${type}`;
		await adversary.script(tokenAnswer(type === null ? { remove: ['token_type'] } : { set: { token_type: type } }));
		const flow = await leave(service, authenticator, { user });
		const end = await comeBack(flow, await consent(flow));
		assert.equal(end.connected, String(kept), `${type}: ${end.location}`);
		if (!kept) {
			assert.equal((await service.token(authenticator.id, { user })).status, 404, type);
		} else {
			const { connection_id: connection } = await service.expect(200, 'GET', `/credentials/connect-links/${flow.link.id}`);
			assert.equal((await read(service, { ...flow, connection })).body.token_type, 'Bearer');
		}
	}
	assert.equal(await count(service, 'oauth_token_grants', `authenticator_id = '${authenticator.id}'`), 2);
});

test('OA-15 expires_in of every kind', async () => {
	const authenticator = await register(service, adversary);
	const cases = [
		[{ remove: ['expires_in'] }, null], [{ set: { expires_in: 0 } }, null], [{ set: { expires_in: -5 } }, null],
		[{ set: { expires_in: '3600' } }, 3600], [{ raw: { expires_in: '3599.5' } }, undefined],
		[{ raw: { expires_in: '1e309' } }, undefined], [{ raw: { expires_in: '9223372036854775808' } }, undefined],
		[{ set: { expires_in: 9007199254740991 } }, 315360000], [{ set: { expires_in: null } }, null],
		[{ set: { expires_in: { a: 1 } } }, null],
	];
	for (const [i, [answer, expected]] of cases.entries()) {
		await adversary.script(tokenAnswer(answer, { grant_type: 'authorization_code' }));
		const flow = await leave(service, authenticator, { user: `life-${i}` });
		const end = await comeBack(flow, await consent(flow));
		if (end.connected !== 'true') {
			assert.equal(expected, undefined, `${JSON.stringify(answer)}: ${end.location}`);
			continue;
		}
		const { connection_id: connection } = await service.expect(200, 'GET', `/credentials/connect-links/${flow.link.id}`);
		const { body } = await read(service, { ...flow, connection });
		assert.ok(body.access_token);
		if (expected === null || expected === undefined) {
			assert.equal(body.expires_in, null, JSON.stringify(answer));
			assert.equal(body.expires_at, null);
		} else {
			assert.ok(Math.abs(body.expires_in - expected) <= 2, `${JSON.stringify(answer)}: ${body.expires_in}`);
		}
	}
	assert.equal((await adversary.record('token')).filter((r) => bodyOf(r).grant_type === 'refresh_token').length, 0,
		'unknown is not "over": no refresh on read');
});

test('OA-16 Basic with form-encoded id and secret, one method, never in a URL', async () => {
	const secret = 'a:b%+&= é';
	const id = 'client:1 +%';
	for (const [client_auth, check] of [
		['client_secret_basic', (r) => {
			const [user, pass] = Buffer.from(headerOf(r, 'authorization').slice('Basic '.length), 'base64').toString().split(':');
			const decode = (s) => decodeURIComponent(s.replaceAll('+', ' '));
			assert.equal(decode(user), id);
			assert.equal(decode(pass), secret);
			assert.equal(bodyOf(r).client_secret, undefined);
		}],
		['client_secret_post', (r) => {
			assert.equal(headerOf(r, 'authorization'), undefined);
			assert.equal(bodyOf(r).client_id, id);
			assert.equal(bodyOf(r).client_secret, secret);
		}],
	]) {
		await adversary.reset();
		await adversary.config({ client_auth: client_auth === 'client_secret_basic' ? 'basic' : 'post', client_id: id, client_secret: secret });
		const authenticator = await register(service, adversary,
			{ client_id: id, client_secret: secret, configuration: { client_auth } });
		await connect(service, authenticator, { user: client_auth });
		const [request] = await adversary.record('token');
		check(request);
		for (const r of await adversary.record()) {
			assert.ok(!/a(:|%3A)b(%|%25)/i.test(r.target), 'secret in a URL');
		}
	}
});

test('OA-18 a code is sent once, also when the connection dies', async () => {
	const authenticator = await register(service, adversary);
	for (const rule of [
		{ endpoint: 'token', deliver: { bytes: 0 } },
		{ endpoint: 'token', commit: false, deliver: { bytes: 0, then: 'rst' } },
		{ endpoint: 'token', deliver: { body_bytes: 30 } },
		{ endpoint: 'token', answer: { status: 503 } },
		{ endpoint: 'token', answer: { status: 500 } },
	]) {
		await adversary.reset();
		await adversary.script(rule);
		const flow = await leave(service, authenticator);
		const callback = await consent(flow);
		await failed(flow, callback, undefined, JSON.stringify(rule));
		await failed(flow, callback, undefined, 'reloaded');
		assert.equal(await adversary.hits('token'), 1, JSON.stringify(rule));
	}
	await noGrant(authenticator, 'OA-18');
});

test('OA-18 callbacks that come at once are one exchange', async () => {
	const authenticator = await register(service, adversary);
	await adversary.config({ delay_before_ms: 300 });
	const flow = await leave(service, authenticator);
	const callback = await consent(flow);
	const ends = await Promise.all(Array.from({ length: 8 }, () => comeBack(flow, callback)));
	for (const end of ends) assert.equal(end.connected, 'true', end.res.text);
	assert.equal(await adversary.hits('token'), 1);
	assert.equal(await count(service, 'oauth_token_grants', `authenticator_id = '${authenticator.id}'`), 1);
});

test('OA-19 success is 200 with a JSON object that has an access_token; anything else is an error', async () => {
	const authenticator = await register(service, adversary);
	const bad = [
		{ style: 'github_error', error: 'bad_verification_code' },
		{ style: 'slack_error', error: 'invalid_code' },
		{ style: 'form' },
		{ style: 'slack' },
		{ status: 201 },
		{ remove: ['access_token'] },
		{ set: { access_token: '' } },
		{ set: { access_token: 7 } },
		{ set: { access_token: ['a'] } },
		{ body: '["at"]', status: 200 },
		{ body: 'null', status: 200 },
		{ body: '', status: 200 },
		{ body: '{"access_token":"a\\u0000b","token_type":"Bearer"}', status: 200 },
		{ body: '{"access_token":"one","access_token":"two","token_type":"Bearer"}', status: 200 },
		{ set: { error: 'server_error' } },
	];
	for (const answer of bad) {
		await adversary.script(tokenAnswer(answer));
		const flow = await leave(service, authenticator);
		await failed(flow, await consent(flow), undefined, JSON.stringify(answer));
	}
	await noGrant(authenticator, 'OA-19');
	await adversary.script(tokenAnswer({ style: 'form' }));
	const form = await register(service, adversary, { configuration: { form_answers: true } });
	await connect(service, form, { user: 'form' });
});

test('ID-04 a wrong or missing nonce: no token is stored', async () => {
	const authenticator = await register(service, adversary, { scopes: ['openid', 'a'] });
	for (const claims of [{ nonce: 'another' }, { nonce: null }, { nonce: '' }, { nonce: ['x'] }]) {
		await adversary.script(tokenAnswer({ id_token: { claims } }));
		const flow = await leave(service, authenticator);
		await failed(flow, await consent(flow), 'id_token_invalid', JSON.stringify(claims));
	}
	await noGrant(authenticator, 'ID-04');
	await adversary.reset('script');
	await connect(service, authenticator, { user: 'right nonce' });
});
