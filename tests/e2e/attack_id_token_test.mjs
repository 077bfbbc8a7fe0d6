// SPDX-License-Identifier: Apache-2.0
//
// ID tokens, the keys that sign them, and the metadata that leads to the keys (SECURITY-CHECKLIST §2). Each test has
// an adversary of its own: keys are remembered by issuer, and a test must not live on what another fetched.

import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import {
	Adversary, CLIENT, comeBack, connect, consent, count, grantOf, leave, read, register, rows,
} from './lib/adversary.mjs';
import { age, ALL, another, failed, noGrant, refreshAnswer, service, SHORT, tokenAnswer } from './lib/attack.mjs';
import { eventually } from './lib/process.mjs';

async function issuer(t, settings = {}) {
	const adversary = await new Adversary().start(settings);
	t.after(() => adversary.stop());
	const authenticator = await register(service, adversary, { scopes: ['openid', 'a'] });
	return { adversary, authenticator };
}

const b64 = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

const now = () => Math.floor(Date.now() / 1000);

// Each of these answers of the token endpoint is refused, and leaves neither grant nor connection.
async function allRefused({ adversary, authenticator }, answers, why) {
	for (const answer of answers) {
		await adversary.script(tokenAnswer(answer));
		const flow = await leave(service, authenticator);
		await failed(flow, await consent(flow), 'id_token_invalid', `${why}: ${JSON.stringify(answer)}`);
		await noGrant(authenticator, why);
	}
	assert.equal(await adversary.hits('userinfo'), 0, `${why}: the access token was used`);
	assert.equal(await count(service, 'user_app_oauth_authentications', `authenticator_id = '${authenticator.id}'`), 0);
	await adversary.script();
	await connect(service, authenticator, { user: `after ${why}` });
}

test('ID-01 a signature that is wrong, missing, or of another algorithm is refused', async (t) => {
	await allRefused(await issuer(t), [
		{ id_token: { signature: 'bad' } },
		{ id_token: { signature: 'empty' } },
		{ id_token: { signature: 'empty', header: { alg: 'none' } } },
		{ id_token: { header: { alg: 'none' } } },
		{ id_token: { header: { alg: 'nOnE' } } },
		{ id_token: { signature: 'hs256' } },
		{ id_token: { signature: 'hs256', header: { alg: 'RS256' } } },
		{ id_token: { header: { alg: 'RS512' } } },
		{ id_token: { header: { alg: 'PS256' } } },
		{ id_token: { header: { alg: 'ES256' } } },
		{ id_token: { header: { alg: null } } },
		{ id_token: { header: { crit: ['exp'], exp: 1 } } },
		{ id_token: { header: { crit: ['b64'], b64: false } } },
		{ set: { id_token: 'a.b.c' } },
		{ set: { id_token: '' } },
		{ set: { id_token: `${b64({ alg: 'RS256' })}.${b64({})}.AAAA.AAAA.AAAA` } },
	].filter((a) => a.set?.id_token !== ''), 'signature');
});

test('ID-01 a key that the token brings along is not looked at, and nobody is asked for it', async (t) => {
	const at = await issuer(t);
	const evil = await new Adversary().start();
	t.after(() => evil.stop());
	const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
	const own = publicKey.export({ format: 'jwk' });
	const forge = (header, claims) => {
		const input = `${b64({ alg: 'RS256', kid: 'adversary-1', ...header })}.${b64(claims)}`;
		return `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`;
	};
	for (const header of [{}, { jwk: own }, { jku: `${evil.url}/jwks` }, { x5u: `${evil.url}/jwks` }, { x5c: ['AAAA'] },
		{ kid: '../../etc/passwd' }, { kid: "' OR 1=1 --" }]) {
		const flow = await leave(service, at.authenticator);
		const claims = {
			iss: at.adversary.url, sub: 'ann', aud: 'attack-client', iat: now(), exp: now() + 600,
			nonce: new URL(flow.authorize).searchParams.get('nonce'),
		};
		await at.adversary.script(tokenAnswer({ set: { id_token: forge(header, claims) } }));
		await failed(flow, await consent(flow), 'id_token_invalid', JSON.stringify(header));
	}
	await noGrant(at.authenticator, 'foreign key');
	assert.equal((await evil.counters()).connections, 0);
});

test('ID-02 issuer and audience', async (t) => {
	const at = await issuer(t);
	await allRefused(at, [
		{ iss: null }, { iss: 'https://evil.test' }, { iss: `${at.adversary.url}/` }, { iss: at.adversary.url.toUpperCase() }, { iss: [at.adversary.url] },
		{ aud: null }, { aud: 'another' }, { aud: [] }, { aud: ['another'] }, { aud: ['attack-client', 'another'] }, { aud: '' },
		{ azp: 'another' }, { azp: null, aud: { a: 'attack-client' } },
	].map((claims) => ({ id_token: { claims } })), 'issuer and audience');
	await at.adversary.script(tokenAnswer({ id_token: { claims: { aud: ['attack-client'], azp: 'attack-client' } } }));
	await connect(service, at.authenticator, { user: 'audience as a list' });
});

test('ID-03 times and subject', async (t) => {
	const at = await issuer(t);
	await allRefused(at, [
		{ exp: null }, { exp: now() - 120 }, { exp: '9999999999' }, { exp: -1 }, { iat: null }, { iat: now() + 3600 }, { nbf: now() + 3600 },
		{ nbf: 'x' }, { sub: null }, { sub: '' }, { sub: 7 }, { sub: 'x'.repeat(256) }, { sub: 'ä' }, { sub: 'a\nb' },
	].map((claims) => ({ id_token: { claims } })), 'times and subject');
	for (const claims of [{ exp: now() - 30 }, { iat: now() + 30 }, { nbf: now() + 30 }, { sub: 'x'.repeat(255) }]) {
		await at.adversary.script({ endpoint: 'userinfo', answer: { set: { sub: claims.sub ?? 'ann' } } }, tokenAnswer({ id_token: { claims } }));
		await connect(service, at.authenticator, { user: `skew ${JSON.stringify(claims).slice(0, 20)}` });
	}
});

test('ID-05 at_hash is checked when it is there', async (t) => {
	const at = await issuer(t);
	await allRefused(at, [
		{ at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }, { at_hash: '' }, { at_hash: 7 }, { at_hash: ['x'] },
	].map((claims) => ({ id_token: { claims } })), 'at_hash');
	// The access token was replaced on its way.
	await at.adversary.script(tokenAnswer({ set: { access_token: 'at-of-somebody-else' } }));
	const flow = await leave(service, at.authenticator);
	await failed(flow, await consent(flow), 'id_token_invalid', 'another access token');
	await at.adversary.script(tokenAnswer({ id_token: { claims: { at_hash: null } } }));
	await connect(service, at.authenticator, { user: 'no at_hash' });
});

test('ID-06 two subjects with one e-mail address stay two accounts, one subject with two stays one', async (t) => {
	const { adversary, authenticator } = await issuer(t);
	const accounts = async () => rows(service, `SELECT issuer, subject, account FROM user_app_oauth_authentications
		WHERE authenticator_id = '${authenticator.id}' ORDER BY subject`);
	for (const sub of ['s-1', 's-2']) {
		await adversary.script({ endpoint: 'userinfo', answer: { set: { sub, email: 'one@mail.test' } } },
			tokenAnswer({ id_token: { claims: { sub, email: 'one@mail.test' } } }));
		await connect(service, authenticator, { user: 'two accounts' });
	}
	assert.deepEqual(await accounts(), ['s-1', 's-2'].map((subject) => ({ issuer: adversary.url, subject, account: 'one@mail.test' })));
	await adversary.script({ endpoint: 'userinfo', answer: { set: { sub: 's-1', email: 'new@mail.test' } } },
		tokenAnswer({ id_token: { claims: { sub: 's-1', email: 'new@mail.test' } } }));
	await connect(service, authenticator, { user: 'two accounts' });
	assert.deepEqual((await accounts()).map((a) => a.subject), ['s-1', 's-2']);
});

test('ID-08 a UserInfo answer about somebody else ends the sign-in', async (t) => {
	const { adversary, authenticator } = await issuer(t);
	for (const sub of ['bob', 'ANN', ' ann', 'ann ']) {
		await adversary.script({ endpoint: 'userinfo', answer: { set: { sub } } });
		const flow = await leave(service, authenticator);
		await failed(flow, await consent(flow), 'subject_mismatch', sub);
	}
	await noGrant(authenticator, 'ID-08');
});

test('ID-09 metadata of another issuer, too much of it, or a redirect: the code is not spent', async (t) => {
	const big = { kind: 'fill', bytes: 10 << 20, byte: ' ', prefix: '{"issuer":"', suffix: '"}' };
	const evil = await new Adversary().start();
	t.after(() => evil.stop());
	const cases = {
		'another issuer': [{ endpoint: 'discovery', answer: { set: { issuer: 'https://evil.test' } } }],
		'a slash more': [{ endpoint: 'discovery', answer: { suffix: '', set: { issuer: 'SELF/' } } }],
		'keys by http': [{ endpoint: 'discovery', answer: { set: { jwks_uri: 'http://192.0.2.1/keys' } } }],
		'no keys': [{ endpoint: 'discovery', answer: { remove: ['jwks_uri'] } }],
		'10 MiB': [{ endpoint: 'discovery', answer: { status: 200, generate: big } }],
		redirect: [{ endpoint: 'discovery', answer: { status: 302, location: `${evil.url}/.well-known/openid-configuration` } }],
		'redirected keys': [{ endpoint: 'jwks', answer: { status: 307, location: `${evil.url}/jwks` } }],
		'10 MiB of keys': [{ endpoint: 'jwks', answer: { status: 200, generate: big } }],
		'keys that are none': [{ endpoint: 'jwks', answer: { status: 200, body: '{"keys":7}' } }],
		'no answer': [{ endpoint: 'discovery', deliver: { bytes: 0 } }],
		'half an answer': [{ endpoint: 'jwks', deliver: { body_bytes: -20 } }],
	};
	for (const [why, rules] of Object.entries(cases)) {
		const { adversary, authenticator } = await issuer(t);
		await adversary.script(...JSON.parse(JSON.stringify(rules).replaceAll('SELF', adversary.url)));
		const flow = await leave(service, authenticator);
		await failed(flow, await consent(flow), 'keys_unavailable', why);
		assert.equal(await adversary.hits('token'), 0, `${why}: the code was spent`);
		await noGrant(authenticator, why);
	}
	assert.equal((await evil.counters()).connections, 0, 'a redirect was followed');
});

test('ID-10 keys are fetched once, also for those that come at once', async (t) => {
	const { adversary, authenticator } = await issuer(t);
	await adversary.script({ endpoint: 'discovery', delay_before_ms: 300 });
	await Promise.all(Array.from({ length: 8 }, (_, i) => connect(service, authenticator, { user: `at once ${i}` })));
	assert.deepEqual([await adversary.hits('discovery'), await adversary.hits('jwks')], [1, 1]);
	assert.equal(await adversary.hits('token'), 8);
});

test('ID-10 a key that was rolled over just before signing is found, by all who need it at once', async (t) => {
	const { adversary, authenticator } = await issuer(t);
	await connect(service, authenticator, { user: 'old key' });
	await adversary.config({ signing_key: 1 });
	await adversary.script({ endpoint: 'jwks', delay_before_ms: 300 });
	await Promise.all(Array.from({ length: 8 }, (_, i) => connect(service, authenticator, { user: `new key ${i}` })));
	assert.equal(await adversary.hits('jwks'), 2);
	// The one before is not taken any more.
	await adversary.script({ endpoint: 'jwks', answer: { status: 503 } });
	await adversary.config({ signing_key: 0 });
	const flow = await leave(service, authenticator);
	await failed(flow, await consent(flow), 'id_token_invalid', 'the old key');
	assert.equal(await adversary.hits('jwks'), 2);
});

test('ID-10 no kid and one key is fine; random kids cost one look in five minutes', async (t) => {
	const { adversary, authenticator } = await issuer(t);
	await adversary.script(tokenAnswer({ id_token: { header: { kid: null } } }));
	await connect(service, authenticator, { user: 'no kid' });
	assert.equal(await adversary.hits('jwks'), 1);
	for (let i = 0; i < 20; i += 1) {
		await adversary.script(tokenAnswer({ id_token: { header: { kid: `random-${i}` } } }));
		const flow = await leave(service, authenticator);
		await failed(flow, await consent(flow), 'id_token_invalid', `kid ${i}`);
	}
	assert.equal(await adversary.hits('token'), 21);
	assert.equal(await adversary.hits('jwks'), 2);
	await adversary.script();
	await connect(service, authenticator, { user: 'the right kid' });
});

// Tokens were issued, and nobody can tell just then whether they are genuine.
async function waitingAnswer(of, adversary) {
	const authenticator = await register(of, adversary, { scopes: ['openid', 'a'] });
	await connect(of, authenticator, { user: 'first' });
	await adversary.config({ signing_key: 2 });
	await adversary.script({ endpoint: 'jwks', answer: { status: 503 } });
	const flow = await leave(of, authenticator, { user: 'patient' });
	const callback = await consent(flow);
	const early = await comeBack(flow, callback);
	assert.equal(early.status, 503, `${early.location}`);
	assert.equal(await count(of, 'oauth_token_grants', `authenticator_id = '${authenticator.id}'`), 1, 'stored unverified');
	return { authenticator, flow, callback };
}

async function connectsAfterAll(of, adversary, { flow, callback }) {
	await adversary.script();
	await eventually('the waiting answer', async () => (await comeBack(flow, callback)).connected === 'true', 20000);
	assert.equal(await adversary.hits('token'), 2, 'each code once');
	const { connection_id: connection } = await of.expect(200, 'GET', `/credentials/connect-links/${flow.link.id}`);
	assert.equal((await read(of, { ...flow, connection })).status, 200);
}

test('ID-04 ID-10 an answer whose keys cannot be had just then is neither lost nor stored unverified', async (t) => {
	const adversary = await new Adversary().start();
	t.after(() => adversary.stop());
	await connectsAfterAll(service, adversary, await waitingAnswer(service, adversary));
});

test('ID-01 ID-10 kill -9 of clerk and courier while an answer waits for keys: it is verified and stored after all', async (t) => {
	const adversary = await new Adversary().start();
	t.after(() => adversary.stop());
	const own = await another(t, 'waiting', {});
	const waiting = await waitingAnswer(own, adversary);
	for (const { pid } of own.roles().filter((r) => r.role === 'clerk' || r.role === 'courier')) process.kill(pid, 'SIGKILL');
	await connectsAfterAll(own, adversary, waiting);
});

test('ID-01 ID-10 kill -9 of the clerk: its successor knows no keys, and verifies what it finds all the same', async (t) => {
	const adversary = await new Adversary().start();
	t.after(() => adversary.stop());
	const own = await another(t, 'killed', {});
	for (const [forged, user] of [[false, 'genuine'], [true, 'forged']]) {
		await adversary.reset();
		const authenticator = await register(own, adversary, { scopes: ['openid', 'a'] });
		await connect(own, authenticator, { user });
		// Slow enough that the clerk dies between sending the code and the answer.
		await adversary.script({ endpoint: 'token', delay_before_ms: 1000, ...(forged ? { answer: { id_token: { signature: 'bad' } } } : {}) });
		const flow = await leave(own, authenticator, { user });
		const callback = await consent(flow);
		const came = comeBack(flow, callback);
		await adversary.wait('token', 2);
		process.kill(own.roles().find((r) => r.role === 'clerk').pid, 'SIGKILL');
		await came;
		await eventually('an end', async () => (await comeBack(flow, callback)).status === 303, 20000);
		assert.equal((await comeBack(flow, callback)).connected, String(!forged), user);
		assert.equal(await adversary.hits('token'), 2, 'the code was sent once');
		assert.equal(await count(own, 'oauth_token_grants', `authenticator_id = '${authenticator.id}' AND is_revoked = 0`), 1);
	}
});

const byIssuer = (adversary, more = {}, configuration = {}) => service.api('POST', '/oauth/authenticators', {
	json: {
		name: `By issuer ${adversary.url} ${Math.random()}`, authenticator_type: 'custom', client_id: CLIENT.id, client_secret: CLIENT.secret,
		scopes: ['openid', 'a'], configuration: { issuer: adversary.url, ...configuration }, ...more,
	},
});

test('an authenticator with an issuer and no URLs is filled in from the metadata, and connects', async (t) => {
	const adversary = await new Adversary().start();
	t.after(() => adversary.stop());
	const { status, body: authenticator, text } = await byIssuer(adversary);
	assert.equal(status, 201, text);
	assert.equal(authenticator.authorize_url, `${adversary.url}/authorize`);
	assert.equal(authenticator.token_url, `${adversary.url}/token`);
	assert.equal(authenticator.configuration.identity_url, `${adversary.url}/userinfo`);
	assert.equal(authenticator.configuration.revoke_url, `${adversary.url}/revoke`);
	assert.equal(authenticator.configuration.iss_in_callback, true);
	assert.equal(await adversary.hits('discovery'), 1);
	const flow = await connect(service, authenticator, { user: 'by issuer' });
	assert.equal((await read(service, flow)).status, 200);
	const checked = await service.api('POST', '/oauth/authenticators/validate', {
		json: { name: 'x', authenticator_type: 'custom', client_id: 'c', client_secret: 's', scopes: ['openid'], configuration: { issuer: adversary.url } },
	});
	assert.equal(checked.body.token_url, `${adversary.url}/token`);
});

test('ID-09 registering by issuer: metadata that is not exactly that issuer\'s is refused as a whole', async (t) => {
	const adversary = await new Adversary().start();
	const evil = await new Adversary().start();
	t.after(() => adversary.stop());
	t.after(() => evil.stop());
	const discovery = (answer, more = {}) => [{ endpoint: 'discovery', ...(answer ? { answer } : {}), ...more }, { endpoint: 'other', answer: { status: 404 } }];
	const cases = {
		'another issuer': discovery({ set: { issuer: evil.url } }),
		'a slash more': discovery({ set: { issuer: `${adversary.url}/` } }),
		'no issuer': discovery({ remove: ['issuer'] }),
		'token endpoint by http': discovery({ set: { token_endpoint: 'http://192.0.2.7/token' } }),
		'no token endpoint': discovery({ remove: ['token_endpoint'] }),
		'our own address': discovery({ set: { token_endpoint: `${service.url}/token` } }),
		'insists on PAR': discovery({ raw: { require_pushed_authorization_requests: 'true' } }),
		'another client authentication': discovery({ raw: { token_endpoint_auth_methods_supported: '["tls_client_auth"]' } }),
		redirect: discovery({ status: 301, location: `${evil.url}/.well-known/openid-configuration` }),
		'10 MiB': discovery({ status: 200, generate: { kind: 'fill', bytes: 10 << 20, byte: ' ', prefix: '{"issuer":"', suffix: '"}' } }),
		'no answer': discovery(null, { deliver: { bytes: 0, then: 'rst' } }),
	};
	const before = await count(service, 'oauth_authenticators');
	for (const [why, rules] of Object.entries(cases)) {
		await adversary.script(...rules);
		const res = await byIssuer(adversary);
		assert.equal(res.status, 422, `${why}: ${res.text}`);
		assert.match(res.text, why === 'our own address' ? /token_url/ : /configuration\.issuer/, why);
	}
	for (const at of ['http://192.0.2.7', 'https://user@evil.test', 'javascript:alert(1)', 'https://127.1', `${adversary.url}?a=b`, 'not a url']) {
		const res = await byIssuer(adversary, {}, { issuer: at });
		assert.equal(res.status, 422, `${at}: ${res.text}`);
	}
	assert.equal(await count(service, 'oauth_authenticators'), before, 'one was registered');
	assert.equal((await evil.counters()).connections, 0, 'a redirect was followed');
});

test('OA-04 metadata without PKCE turns it off neither at registration nor later', async (t) => {
	const adversary = await new Adversary().start();
	t.after(() => adversary.stop());
	for (const answer of [{ remove: ['code_challenge_methods_supported'] }, { raw: { code_challenge_methods_supported: '["plain"]' } },
		{ raw: { code_challenge_methods_supported: '[]' } }]) {
		await adversary.script({ endpoint: 'discovery', answer });
		const { body: authenticator } = await byIssuer(adversary);
		const flow = await connect(service, authenticator, { user: `pkce ${JSON.stringify(answer)}` });
		const sent = new URL(flow.authorize).searchParams;
		assert.equal(sent.get('code_challenge_method'), 'S256');
		assert.match(sent.get('code_challenge'), /^[A-Za-z0-9_-]{43}$/);
	}
});

test('ID-07 an ID token of somebody else in a refresh answer: the tokens are kept sealed, and nobody gets them', async (t) => {
	const { adversary, authenticator } = await issuer(t, { ...SHORT, id_token_on_refresh: true });
	const same = await connect(service, authenticator, { user: 'the same' });
	await age();
	assert.equal((await read(service, same, ALL)).status, 200);
	// OIDC Core §12.2: neither nonce nor at_hash need be there again.
	await adversary.script(refreshAnswer({ id_token: { claims: { nonce: null, at_hash: null, aud: ['attack-client', 'more'] } } }));
	await age();
	assert.equal((await read(service, same, ALL)).status, 200);

	for (const claims of [{ sub: 'eve' }, { sub: null }, { iss: 'https://evil.test' }, { aud: 'another' }]) {
		const why = JSON.stringify(claims);
		await adversary.script();
		const flow = await connect(service, authenticator, { user: `swap ${why}` });
		const before = await grantOf(service, flow);
		await adversary.script(refreshAnswer({ id_token: { claims } }));
		await age();
		const res = await read(service, flow, ALL);
		assert.equal(res.status, 409, `${why}: ${res.text}`);
		assert.equal(res.body.cause, 'account_changed', why);
		assert.equal((await read(service, flow)).status, 409, `${why}: what was there before is not handed out either`);
		const after = await grantOf(service, flow);
		assert.equal(after.status, 'needs_reauth');
		assert.equal(after.generation, before.generation + 1, 'the new tokens are stored');
		assert.notEqual(after.refresh_token, before.refresh_token);
		const hits = await adversary.hits('token');
		await read(service, flow, ALL);
		assert.equal(await adversary.hits('token'), hits, `${why}: asked again`);
		// Connecting again is the way out.
		await adversary.script();
		const again = await connect(service, authenticator, { user: `swap ${why}` });
		assert.equal((await read(service, again)).status, 200);
	}
});

test('ID-01 ID-02 keys at an address of their own, without an issuer: the signature still decides, and the token names the issuer', async (t) => {
	const adversary = await new Adversary().start();
	t.after(() => adversary.stop());
	const authenticator = await register(service, adversary, {
		scopes: ['openid', 'a'], configuration: { issuer: '', iss_in_callback: false, jwks_url: `${adversary.url}/jwks` },
	});
	await allRefused({ adversary, authenticator }, [
		{ id_token: { signature: 'bad' } }, { id_token: { signature: 'hs256' } }, { id_token: { header: { alg: 'none' } } },
		{ id_token: { claims: { aud: 'another' } } }, { id_token: { claims: { nonce: 'another' } } },
	], 'own address');
	const tenant = `${adversary.url}/tenant-7`;
	await adversary.script(tokenAnswer({ id_token: { claims: { iss: tenant } } }));
	const flow = await connect(service, authenticator, { user: 'of a tenant' });
	const [{ issuer: named }] = await rows(service, `SELECT issuer FROM user_app_oauth_authentications WHERE auth_id = '${flow.connection}'`);
	assert.equal(named, tenant);
	assert.equal(await adversary.hits('discovery'), 0);
	// Where the keys are decides whom to believe: whoever changes it shows that the OAuth app is theirs (AP-06).
	const moved = await service.api('PATCH', `/oauth/authenticators/${authenticator.id}`, { json: { configuration: { jwks_url: 'https://keys.test/k' } } });
	assert.equal(moved.status, 422, moved.text);
	assert.match(moved.text, /client_secret/);
});

test('ID-01 an authenticator takes only the algorithms that it names', async (t) => {
	const adversary = await new Adversary().start();
	t.after(() => adversary.stop());
	const algs = (list) => register(service, adversary, { scopes: ['openid', 'a'], configuration: { id_token_algs: list } });
	const strict = await algs(['ES256', 'PS256']);
	const flow = await leave(service, strict);
	await failed(flow, await consent(flow), 'id_token_invalid', 'RS256 where ES256 and PS256 are taken');
	await noGrant(strict, 'algorithms');
	await connect(service, await algs(['RS256']), { user: 'algorithms' });
	for (const list of [['none'], ['HS256'], ['RS256', 'rs512'], 'RS256', ['']]) {
		const res = await service.api('POST', '/oauth/authenticators', {
			json: {
				name: `algs ${list}`, authenticator_type: 'custom', client_id: 'c', client_secret: 's', scopes: ['openid'],
				authorize_url: `${adversary.url}/authorize`, token_url: `${adversary.url}/token`, configuration: { issuer: adversary.url, id_token_algs: list },
			},
		});
		assert.equal(res.status, 422, `${list}: ${res.text}`);
	}
});

test('ID-01 ID-04 an ID token that was not asked for names nobody, and no keys are looked for', async (t) => {
	const adversary = await new Adversary().start();
	t.after(() => adversary.stop());
	const authenticator = await register(service, adversary, { scopes: ['a'] });
	for (const unasked of ['a.b.c', `${b64({ alg: 'none' })}.${b64({ iss: adversary.url, sub: 'mallory', aud: CLIENT.id })}.`]) {
		await adversary.script(tokenAnswer({ set: { id_token: unasked } }));
		const flow = await connect(service, authenticator, { user: `unasked ${unasked.length}`, account: 'alice' });
		assert.equal((await read(service, flow)).status, 200);
		const [{ subject }] = await rows(service, `SELECT subject FROM user_app_oauth_authentications WHERE auth_id = '${flow.connection}'`);
		assert.match(subject, /alice/);
	}
	assert.equal(await adversary.hits('discovery'), 0);
	assert.equal(await adversary.hits('jwks'), 0);
});
