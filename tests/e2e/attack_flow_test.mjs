// SPDX-License-Identifier: Apache-2.0
//
// The way to the provider and back: state, PKCE, mix-up, callbacks, connect links (SECURITY-CHECKLIST §1).
// Against the scripted adversary provider; each test says what must not have happened, too.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import {
	Adversary, alter, bodyOf, CLIENT, comeBack, connect, consent, count, Jar, leave, read, register, rows,
} from './lib/adversary.mjs';
import {
	adversary, another, changed, failed, noGrant, nothingLeftUs, refused, service, sockets,
} from './lib/attack.mjs';
import { ask } from './lib/http.mjs';
import { sweep } from './lib/sweep.mjs';

test('OA-01 a state is of one browser, one authenticator, one use, ten minutes', async () => {
	const here = await register(service, adversary);
	const there = await register(service, adversary);
	const flow = await leave(service, here);
	const callback = await consent(flow);

	assert.ok(Buffer.from(flow.state, 'base64url').length >= 16, '128 bits');
	await refused(flow, changed(callback, (p) => p.delete('state')), 'no state');
	const last = flow.state.at(-5) === 'A' ? 'B' : 'A';
	await refused(flow, changed(callback, (p) => p.set('state', flow.state.slice(0, -5) + last + flow.state.slice(-4))),
		'changed state');
	await refused(flow, callback, 'no cookie', new Jar());
	const thief = await leave(service, here, { account: 'thief' });
	await refused(flow, callback, 'the browser of another', thief.jar);
	await refused(flow, callback.replace(here.id, there.id), 'the path of another authenticator');
	await nothingLeftUs('OA-01');
	await noGrant(here, 'OA-01');

	await alter(service, 'UPDATE oauth_sessions SET expires_at = created_at WHERE claimed_at = 0');
	await refused(flow, callback, 'expired');
	await nothingLeftUs('expired');
	const life = await rows(service, 'SELECT max(expires_at - created_at) AS ms FROM oauth_sessions');
	assert.ok(life[0].ms <= 10 * 60 * 1000);
});

test('OA-01 a state that was used or failed gets no second exchange; two tabs both succeed', async () => {
	const authenticator = await register(service, adversary);
	const jar = new Jar();
	const one = await leave(service, authenticator, { jar, account: 'one', user: 'tabs' });
	const two = await leave(service, authenticator, { jar, account: 'two', user: 'tabs' });
	const [first, second] = [await consent(one), await consent(two)];
	for (const [flow, callback] of [[two, second], [one, first]]) {
		assert.equal((await comeBack(flow, callback)).connected, 'true');
	}
	assert.equal(await adversary.hits('token'), 2);
	// The same browser is led to the stored result; another gets nothing.
	const again = await comeBack(one, first);
	assert.equal(again.connected, 'true');
	await refused(one, first, 'replay from another browser', new Jar());
	assert.equal(await adversary.hits('token'), 2, 'a replayed state is not exchanged');

	const other = await leave(service, authenticator);
	const good = await consent(other);
	const error = changed(good, (p) => { p.delete('code'); p.set('error', 'access_denied'); });
	await failed(other, error, 'access_denied', 'the error');
	const late = await comeBack(other, good);
	assert.notEqual(late.connected, 'true', 'the state went with the error');
	assert.equal(await adversary.hits('token'), 2);
});

test('OA-02 PKCE S256 with a 43-character verifier that is nowhere but in the token request', async () => {
	const authenticator = await register(service, adversary);
	const flow = await connect(service, authenticator);
	const sent = new URL(flow.authorize).searchParams;
	const [request] = await adversary.record('token');
	const { code_verifier: verifier } = bodyOf(request);
	assert.equal(sent.get('code_challenge_method'), 'S256');
	assert.match(verifier, /^[A-Za-z0-9_-]{43}$/);
	assert.equal(sent.get('code_challenge'), createHash('sha256').update(verifier).digest('base64url'));
	assert.equal(sent.get('response_type'), 'code');
	for (const r of await adversary.record()) {
		assert.ok(!r.target.includes(verifier), 'verifier in a URL');
		assert.ok(!r.target.includes(CLIENT.secret), 'client secret in a URL');
	}
	const { hits, looked } = sweep([{ kind: 'verifier', value: verifier }, { kind: 'state', value: flow.state }],
		{ dirs: [service.dataDir], except: sockets() });
	assert.ok(looked > 0);
	assert.deepEqual(hits, []);
});

test('OA-03 an injected code fails at the provider that checks PKCE, and no grant comes of it', async () => {
	const authenticator = await register(service, adversary);
	const attacker = await leave(service, authenticator, { account: 'attacker' });
	const victim = await leave(service, authenticator, { account: 'victim' });
	const stolen = new URL(await consent(attacker)).searchParams.get('code');
	const callback = changed(await consent(victim), (p) => p.set('code', stolen));
	await failed(victim, callback, undefined, 'attacker\'s code with the victim\'s state');
	assert.equal(await adversary.hits('token'), 1);
	await noGrant(authenticator, 'injected code');
});

test('OA-03 OA-04 an authorization server that ignores PKCE: challenge and verifier are sent all the same, the nonce holds', async () => {
	await adversary.config({ pkce: 'ignore' });
	const authenticator = await register(service, adversary, { scopes: ['openid', 'a'] });
	const attacker = await leave(service, authenticator, { account: 'attacker' });
	const victim = await leave(service, authenticator, { account: 'victim' });
	const stolen = new URL(await consent(attacker)).searchParams.get('code');
	assert.ok(new URL(victim.authorize).searchParams.get('code_challenge'));
	await failed(victim, changed(await consent(victim), (p) => p.set('code', stolen)), 'id_token_invalid',
		'another flow\'s nonce');
	assert.ok(bodyOf((await adversary.record('token'))[0]).code_verifier);
	await noGrant(authenticator, 'injected code, no PKCE');
});

test('OA-05 mix-up: iss must be exactly the authenticator\'s issuer, and redirect URIs differ', async () => {
	const one = await register(service, adversary);
	const two = await register(service, adversary);
	assert.notEqual(one.redirect_uri, two.redirect_uri);
	const wrong = {
		'another issuer': (p) => p.set('iss', 'https://evil.test'),
		'slash at the end': (p) => p.set('iss', `${adversary.url}/`),
		'other case': (p) => p.set('iss', adversary.url.toUpperCase()),
		'missing although promised': (p) => p.delete('iss'),
		empty: (p) => p.set('iss', ''),
		'encoded twice': (p) => p.set('iss', encodeURIComponent(adversary.url)),
	};
	for (const [why, change] of Object.entries(wrong)) {
		const flow = await leave(service, one);
		await failed(flow, changed(await consent(flow), change), 'issuer_mismatch', why);
	}
	const twice = await leave(service, one);
	await refused(twice, changed(await consent(twice), (p) => p.append('iss', adversary.url)), 'iss twice');
	await nothingLeftUs('OA-05');
	await noGrant(one, 'OA-05');
});

test('OA-05 the attacker\'s provider never gets the honest provider\'s code', async (t) => {
	const evil = await new Adversary().start();
	t.after(() => evil.stop());
	const honest = await register(service, adversary);
	const bad = await register(service, evil);
	// RFC 9700 §4.4.1: the victim chooses the attacker's provider, which passes the request on to the honest one.
	const flow = await leave(service, bad);
	const forwarded = new URL(flow.authorize);
	const detour = new URL(`${adversary.url}/authorize`);
	detour.search = forwarded.search;
	const callback = await consent({ authorize: detour.href });
	assert.ok(callback.includes(bad.id));
	await failed(flow, callback, 'issuer_mismatch', 'the honest provider\'s answer at the attacker\'s flow');
	assert.equal(await evil.hits('token'), 0);
	await nothingLeftUs('mix-up');
	await noGrant(bad, 'mix-up');
	await noGrant(honest, 'mix-up');
});

test('OA-06 an endpoint changed while the browser was away gets no code', async (t) => {
	const evil = await new Adversary().start();
	t.after(() => evil.stop());
	const authenticator = await register(service, adversary);
	const flow = await leave(service, authenticator);
	const callback = await consent(flow);
	await service.expect(200, 'PATCH', `/oauth/authenticators/${authenticator.id}`,
		{ json: { token_url: `${evil.url}/token`, client_secret: CLIENT.secret } });
	await failed(flow, callback, 'authenticator_changed', 'PATCH in mid-flow');
	assert.equal((await evil.counters()).connections, 0);
	await nothingLeftUs('OA-06');
	await noGrant(authenticator, 'OA-06');
});

test('OA-07 tokens in the front channel are refused; no implicit, no password grant', async () => {
	const authenticator = await register(service, adversary);
	for (const name of ['access_token', 'id_token', 'refresh_token']) {
		const flow = await leave(service, authenticator);
		await refused(flow, changed(await consent(flow), (p) => p.set(name, 'x')), name);
		await refused(flow, changed(await consent(flow), (p) => { p.delete('code'); p.set(name, 'x'); }), `${name} alone`);
	}
	await nothingLeftUs('OA-07');
	for (const params of [{ response_type: 'token' }, { grant_type: 'password' }, { response_mode: 'fragment' }]) {
		const res = await service.api('POST', '/oauth/authenticators', {
			json: {
				name: 'implicit', authenticator_type: 'custom', client_id: 'c', client_secret: 's', scopes: ['a'],
				authorize_url: `${adversary.url}/authorize`, token_url: `${adversary.url}/token`,
				configuration: { authorize_params: params },
			},
		});
		assert.equal(res.status, 422, `${JSON.stringify(params)}: ${res.text}`);
	}
	for (const configuration of [{ grant: 'password' }, { grant_type: 'password' }, { response_type: 'token' }]) {
		const res = await service.api('POST', '/oauth/authenticators', {
			json: {
				name: 'password', authenticator_type: 'custom', client_id: 'c', client_secret: 's', scopes: ['a'],
				authorize_url: `${adversary.url}/authorize`, token_url: `${adversary.url}/token`, configuration,
			},
		});
		assert.equal(res.status, 422, `${JSON.stringify(configuration)}: ${res.text}`);
	}
});

test('OA-08 a malformed callback is 400 and spends nothing', async () => {
	const authenticator = await register(service, adversary);
	const flow = await leave(service, authenticator);
	const good = await consent(flow);
	const bad = {
		'code twice': `${good}&code=x`,
		'state twice': `${good}&state=${flow.state}`,
		NUL: `${good}&x=%00`.replace('code=', 'code=%00'),
		'bad percent-encoding': good.replace('code=', 'code=%zz'),
		'bad UTF-8': good.replace('code=', 'code=%ff%fe'),
		'code of 5 KiB': good.replace('code=', `code=${'a'.repeat(5 * 1024)}`),
		'33 more parameters': good + Array.from({ length: 33 }, (_, i) => `&p${i}=1`).join(''),
		'code and error': `${good}&error=access_denied`,
		'neither code nor error': changed(good, (p) => p.delete('code')),
	};
	for (const [why, url] of Object.entries(bad)) await refused(flow, url, why);
	await nothingLeftUs('OA-08');
	assert.equal((await comeBack(flow, good)).connected, 'true', 'none of them spent the state');
});

test('OA-09 a hostile error: the state is consumed, the words go nowhere but cleaned into our event', async () => {
	const authenticator = await register(service, adversary);
	const payloads = ['<script>alert(1)</script>', 'a\r\nSet-Cookie: x=1', '\u001b[31mred', '\u202Eevil', 'x'.repeat(3000)];
	for (const words of payloads) {
		const flow = await leave(service, authenticator);
		const callback = changed(await consent(flow), (p) => {
			p.delete('code');
			p.set('error', 'access_denied');
			p.set('error_description', words);
			p.set('error_uri', `${adversary.url}/other`);
		});
		const end = await comeBack(flow, callback);
		const whole = JSON.stringify(end.res.headers) + end.res.text;
		if (end.status === 303) assert.equal(end.error, 'access_denied');
		else assert.equal(end.status, 400);
		for (const part of ['<script>alert', 'Set-Cookie: x', '\u001b', '\u202E', 'xxxxxxxxxx', '%3Cscript', 'error_uri']) {
			assert.ok(!whole.includes(part), `${part} in the answer`);
		}
		assert.equal(end.res.headers['set-cookie'], undefined);
	}
	const evilCode = await leave(service, authenticator);
	const end = await comeBack(evilCode, changed(await consent(evilCode), (p) => {
		p.delete('code');
		p.set('error', '"><img src=x>');
	}));
	assert.equal(end.error, 'invalid_error');
	await nothingLeftUs('OA-09');
	assert.equal(await adversary.hits('other'), 0, 'error_uri was followed');
});

test('OA-10 the callback ends with 303 to a clean URL, no referrer, no store', async () => {
	const authenticator = await register(service, adversary);
	const flow = await leave(service, authenticator);
	const end = await comeBack(flow, await consent(flow));
	assert.equal(end.status, 303);
	assert.match(end.res.headers['referrer-policy'], /no-referrer/);
	assert.match(end.res.headers['cache-control'], /no-store/);
	assert.deepEqual([...end.location.searchParams.keys()].sort(), ['app_id', 'authenticator', 'connected']);
	for (const secret of ['code', 'state', 'iss']) assert.equal(end.location.searchParams.get(secret), null);
	assert.equal(end.res.text, '');
});

test('OA-11 our own URL is the configured one, whatever Host and forwarded headers say', async () => {
	const authenticator = await register(service, adversary);
	const link = await service.expect(201, 'POST', '/credentials/connect-links', {
		json: { authenticator: authenticator.id, user: 'host', return_to: '/ready' },
		headers: { 'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'https', forwarded: 'host=evil.test' },
	});
	assert.ok(link.url.startsWith(`${service.url}/connect/`));
	const res = await ask(link.url, {
		method: 'POST', form: {},
		headers: { host: 'evil.test', 'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'https', 'sec-fetch-site': 'same-origin' },
	});
	if (res.status === 303) {
		const sent = new URL(res.headers.location).searchParams.get('redirect_uri');
		assert.equal(sent, authenticator.redirect_uri);
	} else {
		assert.ok(res.status >= 400 && res.status < 500, `${res.status}`);
	}
	assert.ok(authenticator.redirect_uri.startsWith(`${service.url}/auth/callback/`));
	assert.ok(!JSON.stringify(res.headers).includes('evil.test'));
});

test('OA-12 return_to: what is not on the list is refused before anything starts', async () => {
	const authenticator = await register(service, adversary);
	await service.expect(200, 'PATCH', '/apps/default', { json: { return_to: ['https://good.example/app'] } });
	const bad = ['//evil.test', '/\\evil.test', 'https:evil.test', 'https://good.example@evil.test/app', 'https://good.example.evil.test/app',
		'javascript:alert(1)', 'data:text/html,x', 'https://good.example/\tapp', '/a\nb', '/%0d%0aSet-Cookie:x', '%2f%2fevil.test',
		'\\\\evil.test', 'https://good.example\\@evil.test/app', 'https://g\u043E\u043Ed.example/app', 'https://good.example/application',
		'https://good.example/app/../admin', 'https://good.example/app/%2e%2e/admin', 'http://good.example/app',
		'https://good.example:444/app', `/${'a'.repeat(65536)}`];
	for (const to of bad) {
		const res = await service.api('POST', '/credentials/connect-links',
			{ json: { authenticator: authenticator.id, user: 'r', return_to: to } });
		// A line end in percent-encoding stays what it is inside our own path: harmless.
		if (to.startsWith('/%0d')) {
			assert.ok([201, 422].includes(res.status));
		} else {
			assert.ok([400, 413, 422].includes(res.status), `${to.slice(0, 60)}: ${res.status}`);
		}
	}
	for (const to of ['https://good.example/app', 'https://good.example/app/x?y=1', '/ready']) {
		await service.expect(201, 'POST', '/credentials/connect-links',
			{ json: { authenticator: authenticator.id, user: 'r', return_to: to } });
	}
	const flow = await leave(service, authenticator, { return_to: '/%0d%0aSet-Cookie:x' }).catch(() => null);
	if (flow) assert.ok(!/[\r\n]/.test((await comeBack(flow, await consent(flow))).res.headers.location));
	assert.equal(await count(service, 'oauth_sessions', 'return_to LIKE \'%evil%\''), 0);
});

test('OA-20 a connect link: a GET spends nothing, a POST spends it once, from our page only', async () => {
	const authenticator = await register(service, adversary);
	const link = await service.expect(201, 'POST', '/credentials/connect-links',
		{ json: { authenticator: authenticator.id, user: 'the victim', return_to: '/ready' } });
	const scanner = new Jar();
	for (let i = 0; i < 3; i++) {
		const page = await scanner.get(link.url);
		assert.equal(page.status, 200);
		assert.match(page.text, /the victim/);
		assert.match(page.text, new RegExp(authenticator.name));
	}
	for (const headers of [{}, { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'none' }, { origin: 'https://evil.test' }, { origin: 'null' }]) {
		const res = await ask(link.url, { method: 'POST', form: {}, headers });
		assert.equal(res.status, 403, `${JSON.stringify(headers)}: ${res.status}`);
	}
	assert.equal((await service.expect(200, 'GET', `/credentials/connect-links/${link.id}`)).status, 'waiting');
	const spent = await Promise.all(Array.from({ length: 5 }, () => new Jar().post(link.url)));
	assert.equal(spent.filter((r) => r.status === 303).length, 1, 'spent once');
	assert.equal((await new Jar().get(link.url)).status, 404);
	assert.equal((await rows(service, `SELECT link_hash FROM connect_links WHERE link_id = '${link.id}'`)).length, 1);
	const token = link.url.split('/').pop();
	assert.equal(await count(service, 'connect_links', `link_hash = '${token}'`), 0, 'stored hashed');
	await nothingLeftUs('OA-20');
});

test('OA-20 the browser that returns is the one that left; expect_account and confirm hold', async () => {
	const authenticator = await register(service, adversary);
	// The attacker spends the link; the victim's browser brings the answer.
	const flow = await leave(service, authenticator, { account: 'victim' });
	const callback = await consent(flow);
	await refused(flow, callback, 'the victim\'s browser', new Jar());
	await nothingLeftUs('fixation');

	const wrong = await leave(service, authenticator, { account: 'mallory', user: 'e1', expect_account: 'ann@example.com' });
	await failed(wrong, await consent(wrong), 'wrong_account', 'expect_account');
	assert.equal((await service.token(authenticator.id, { user: 'e1' })).status, 404);

	const pending = await connect(service, authenticator, { user: 'p1', confirm: true });
	const before = await read(service, pending);
	assert.equal(before.status, 409);
	assert.equal(before.body.error, 'pending');
	assert.doesNotMatch(before.text, /access_token/);
	await service.expect(200, 'POST', `/credentials/connect-links/${pending.link.id}/confirm`, { json: {} });
	assert.equal((await read(service, pending)).status, 200);
});
