// SPDX-License-Identifier: Apache-2.0
//
// Every template, against a provider that behaves as the template says and insists on it: register, connect, read, expire,
// refresh, revoke. All at once, in one service, since most of it is waiting for tokens to grow old.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { comeBack, consent, Jar } from './lib/adversary.mjs';
import { freePort, ROOT, sleep } from './lib/process.mjs';
import { needBuild, Service, workspace } from './lib/service.mjs';
import { suiteScope } from './lib/api.mjs';
import { Simulator } from './lib/simulator.mjs';

const LIFE_S = 4; // of an access token, so that one expires within the test
const CLIENT = { id: 'sim-client', secret: 'sim-secret:with%odd&signs=' };
const NEVER_HAD = ['custom', 'practice']; // no provider of its own; one that runs beside the service

const templates = readdirSync(join(ROOT, 'providers')).filter((f) => f.endsWith('.json') && f !== 'schema.json')
	.map((f) => JSON.parse(readFileSync(join(ROOT, 'providers', f), 'utf8'))).filter(({ type }) => !NEVER_HAD.includes(type));

// What an authorization request has to hold, exactly; true for a value of its own each time.
function wantedQuery(template, { profile, url, client }, redirectUri) {
	const wanted = {
		response_type: 'code', [profile.param_names.client_id ?? 'client_id']: client.id, [profile.param_names.redirect_uri ?? 'redirect_uri']: redirectUri,
		state: true, ...profile.authorize_params,
	};
	if (template.scopes.length) wanted[profile.param_names.scope ?? 'scope'] = template.scopes.join(profile.scope_separator);
	if (profile.pkce !== 'none') Object.assign(wanted, { code_challenge: true, code_challenge_method: 'S256' });
	if (template.scopes.includes('openid')) wanted.nonce = true;
	assert.ok(url);
	return wanted;
}

function assertQuery(actual, wanted) {
	assert.deepEqual(Object.keys(actual).sort(), Object.keys(wanted).sort());
	for (const [name, value] of Object.entries(wanted)) {
		if (value === true) assert.ok(actual[name].length >= 22, name);
		else assert.equal(actual[name], value, name);
	}
}

async function registered(service, template, simulator) {
	const authenticator = await service.expect(201, 'POST', '/oauth/authenticators', {
		json: { name: template.display_name, authenticator_type: template.type, client_id: CLIENT.id,
			...(template.profile.client_auth === 'none' ? {} : { client_secret: CLIENT.secret }),
			...simulator.endpoints, configuration: simulator.configuration },
	});
	assert.equal(authenticator.authenticator_type, template.type);
	assert.deepEqual(authenticator.scopes, template.scopes);
	return authenticator;
}

async function connected(service, authenticator, template, simulator) {
	const user = `user-of-${template.type}`;
	const jar = new Jar();
	const link = await service.expect(201, 'POST', '/credentials/connect-links', { json: { authenticator: authenticator.id, user, return_to: '/ready' } });
	const left = await jar.post(link.url);
	assert.equal(left.status, 303, left.text);
	const end = await comeBack({ jar }, await consent({ authorize: left.headers.location }));
	assert.equal(end.connected, 'true', `${end.location} ${simulator.problems.join('; ')}`);
	assertQuery(simulator.requests.authorize[0].query, wantedQuery(template, simulator, authenticator.redirect_uri));
	const [connection] = await service.expect(200, 'GET', `/credentials/connections?user=${user}`);
	return { user, connection, status: (await service.expect(200, 'GET', `/credentials/connect-links/${link.id}`)).status };
}

function assertExchange(template, { profile, requests, client }, redirectUri) {
	const name = (ours) => profile.param_names[ours] ?? ours;
	const { parameters } = requests.token[0];
	const inBody = profile.client_auth === 'client_secret_basic' ? [] : [name('client_id'), ...(profile.client_auth === 'none' ? [] : [name('client_secret')])];
	assert.equal(requests.token.length, 1);
	assert.deepEqual(Object.keys(parameters).sort(), ['grant_type', name('code'), name('redirect_uri'), ...(profile.pkce === 'none' ? [] : ['code_verifier']),
		...Object.keys(profile.token_params), ...inBody].sort());
	assert.equal(parameters[name('redirect_uri')], redirectUri);
	assert.ok(client);
}

function assertRefresh({ profile, requests }) {
	const name = (ours) => profile.param_names[ours] ?? ours;
	const inBody = profile.client_auth === 'client_secret_basic' ? [] : [name('client_id'), ...(profile.client_auth === 'none' ? [] : [name('client_secret')])];
	assert.equal(requests.refresh.length, 1, 'one refresh, no more');
	assert.deepEqual(Object.keys(requests.refresh[0].parameters).sort(), ['grant_type', name('refresh_token'),
		...(profile.refresh_sends_redirect_uri ? [name('redirect_uri')] : []), ...Object.keys(profile.refresh_params), ...inBody].sort());
}

function assertExtra(token, { profile }) {
	const kept = [...profile.keep_from_callback, ...profile.keep_from_answer];
	if (!kept.length) assert.equal(token.extra, undefined);
	else assert.deepEqual(token.extra, Object.fromEntries(kept.map((name) => [name, `kept-${name}`])));
}

// A token's life as the service knows it, by what the template says of the answer.
const lifeOf = ({ expires_in: e }) => (e.zero_is_never ? null : LIFE_S);

async function live(service, template) {
	const simulator = await new Simulator(template, { client: CLIENT, life: LIFE_S }).start();
	try {
		const authenticator = await registered(service, template, simulator);
		const { user, connection } = await connected(service, authenticator, template, simulator);
		assert.equal(connection.status, lifeOf(simulator.profile) === null ? 'active' : connection.status);
		assert.deepEqual(connection.missing_scopes, []);
		assertExchange(template, simulator, authenticator.redirect_uri);
		if (simulator.profile.identity_url) assert.equal(simulator.requests.identity.length, 1);

		const first = await service.expect(200, 'GET', `/credentials/connections/${connection.id}/token?user=${user}&min_ttl=0`);
		assert.equal(first.token_type, 'Bearer');
		assert.ok(simulator.accessTokens.has(first.access_token));
		assertExtra(first, simulator);
		if (lifeOf(simulator.profile) === null) {
			assert.equal(first.expires_in, null);
			await service.expect(200, 'POST', `/credentials/connections/${connection.id}/token/rejected?user=${user}`, { json: { fingerprint: first.fingerprint } });
		} else {
			assert.ok(first.expires_in <= LIFE_S && first.expires_in >= 0, `${first.expires_in}`);
			await sleep(LIFE_S * 1000 + 300);
		}
		const second = await service.expect(200, 'GET', `/credentials/connections/${connection.id}/token?user=${user}&min_ttl=0`);
		assert.notEqual(second.access_token, first.access_token);
		assert.ok(simulator.accessTokens.has(second.access_token));
		assertExtra(second, simulator);
		assertRefresh(simulator);

		await service.expect(200, 'DELETE', `/credentials/connections/${connection.id}?user=${user}`);
		if (simulator.profile.revoke_url) {
			for (let i = 0; i < 100 && !simulator.requests.revoke.length; i += 1) await sleep(50);
			assert.ok(simulator.requests.revoke.length > 0, 'the provider was told');
		} else {
			await sleep(200);
			assert.equal(simulator.requests.revoke.length, 0);
		}
		assert.deepEqual(simulator.problems, []);
		const sent = JSON.stringify(Object.values(simulator.requests).flat().map(({ path, query }) => [path, query]));
		assert.ok(!sent.includes(CLIENT.secret) && !/refresh-\d|access-\d/.test(sent), 'nothing secret in a URL');
	} finally {
		await simulator.stop();
	}
}

describe('every template', { concurrency: true }, () => {
	const scope = suiteScope();
	let service;

	before(async () => {
		needBuild();
		service = new Service(workspace(scope), await freePort());
		scope.after(() => service.program?.stop('SIGKILL'));
		await service.start();
	});
	after(() => scope.end());

	test('is one of at least forty-two', () => assert.ok(templates.length >= 42, `${templates.length}`));

	for (const template of templates) {
		if (template.requires?.length) {
			test(`${template.type}: registering says what is missing`, async () => {
				const res = await service.api('POST', '/oauth/authenticators',
					{ json: { name: template.display_name, authenticator_type: template.type, client_id: 'x', client_secret: 'y' } });
				assert.equal(res.status, 422, res.text);
			});
		} else {
			test(`${template.type}: connect, read, refresh, revoke`, () => live(service, template));
		}
	}
});
