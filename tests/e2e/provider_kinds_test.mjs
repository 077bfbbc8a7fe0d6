// SPDX-License-Identifier: Apache-2.0
//
// A certified provider in three configurations: as it comes, with strict rotation, and with all that few insist on. The first
// two are used through discovery alone; the third is refused in words that say what is missing.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { comeBack, Jar } from './lib/adversary.mjs';
import { ask } from './lib/http.mjs';
import { signIn, startPractice } from './lib/practice.mjs';
import { freePort, sleep } from './lib/process.mjs';
import { needBuild, Service, workspace } from './lib/service.mjs';

const LIFE_S = 3;

async function world(t, kind, client = {}) {
	needBuild();
	const dir = workspace(t);
	const practice = await startPractice(join(dir, 'practice'), { kind, client, accessTokenSeconds: LIFE_S });
	t.after(() => practice.stop('SIGKILL'));
	const service = new Service(dir, await freePort());
	t.after(() => service.program?.stop('SIGKILL'));
	await service.start();
	return { service, practice };
}

const registration = ({ practice }, extra = {}) => ({
	name: 'Certified', authenticator_type: 'custom', client_id: practice.client.client_id, client_secret: practice.client.client_secret,
	scopes: ['openid', 'email', 'offline_access'], configuration: { issuer: practice.issuer, authorize_params: { prompt: 'consent' } }, ...extra,
});

async function connect(service, authenticator, user) {
	const jar = new Jar();
	const link = await service.expect(201, 'POST', '/credentials/connect-links', { json: { authenticator: authenticator.id, user, return_to: '/ready' } });
	const left = await jar.post(link.url);
	assert.equal(left.status, 303, left.text);
	const end = await comeBack({ jar }, await signIn(left.headers.location, user));
	assert.equal(end.connected, 'true', `${end.location}`);
}

for (const kind of ['plain', 'strict']) {
	test(`${kind}: discovered, connected, refreshed twice, disconnected`, async (t) => {
		const w = await world(t, kind);
		const { service, practice } = w;
		const authenticator = await service.expect(201, 'POST', '/oauth/authenticators', { json: registration(w) });
		assert.equal(authenticator.token_url, `${practice.issuer}/token`);
		practice.allowRedirect(authenticator.redirect_uri);
		await connect(service, authenticator, 'grace');
		const tokens = new Set();
		for (let i = 0; i < 3; i += 1) {
			const res = await service.token(authenticator.id, { user: 'grace', min_ttl: 0 });
			assert.equal(res.status, 200, res.text);
			tokens.add(res.body.access_token);
			const who = await practice.whoHas(res.body.access_token);
			assert.equal(who.body.email, 'grace@example.com', who.text);
			await sleep(LIFE_S * 1000 + 300);
		}
		assert.equal(tokens.size, 3, 'each read after the end of a token had a new one');
		await service.expect(200, 'DELETE', `/credentials/connections/${authenticator.id}?user=grace`);
	});
}

test('hard: PAR, DPoP and private_key_jwt are refused by name, not left out in silence', async (t) => {
	const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	const w = await world(t, 'hard', {
		token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256', kid: 'k' }] },
	});
	const { service, practice } = w;
	const metadata = await practice.metadata();
	assert.equal(metadata.require_pushed_authorization_requests, true);
	const byIssuer = await service.api('POST', '/oauth/authenticators', { json: registration(w) });
	assert.equal(byIssuer.status, 422, byIssuer.text);
	assert.match(byIssuer.text, /pushed authorization requests|PAR/);
	// Who says the addresses instead of the issuer gets as far as the provider, which says no; nothing is half connected.
	const byUrls = await service.expect(201, 'POST', '/oauth/authenticators', {
		json: registration(w, { authorize_url: metadata.authorization_endpoint, token_url: metadata.token_endpoint, configuration: { identity_url: metadata.userinfo_endpoint } }),
	});
	practice.allowRedirect(byUrls.redirect_uri);
	const jar = new Jar();
	const link = await service.expect(201, 'POST', '/credentials/connect-links', { json: { authenticator: byUrls.id, user: 'grace', return_to: '/ready' } });
	const left = await jar.post(link.url);
	const refused = await ask(left.headers.location);
	assert.ok(refused.status === 400 || /error=/.test(refused.headers.location ?? ''), `${refused.status} ${refused.text}`);
	assert.deepEqual(await service.expect(200, 'GET', '/credentials/connections?user=grace').catch(() => []), []);
});
