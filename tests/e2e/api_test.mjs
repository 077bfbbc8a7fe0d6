// SPDX-License-Identifier: Apache-2.0
//
// The contract of the API, row by row, as existing clients use it; and a tenant who tries to get further
// than their app.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
	assertAnswer, authenticatorAt, connect, followLink, makeApp, SCOPES, send, signIn, startAdversary, startService,
	suiteScope, watchHealth,
} from './lib/api.mjs';
import { eventually } from './lib/process.mjs';

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const AUTHENTICATOR = ['app_id', 'authenticator_id', 'authenticator_type', 'authorize_url', 'client_id', 'configuration', 'created_at',
	'id', 'is_active', 'name', 'paused_cause', 'paused_until', 'redirect_uri', 'scopes', 'status', 'token_url', 'updated_at'];
const CONNECTION = ['account', 'app_id', 'authenticator_id', 'cause', 'cause_detail', 'connected_at', 'created_at', 'expires_at', 'id', 'last_used_at',
	'missing_scopes', 'name', 'provider_type', 'requested_scopes', 'scopes', 'status'];
const PROVIDER = ['authenticator_id', 'authenticator_type', 'connected_at', 'connection_status', 'display_name', 'is_active',
	'is_connected', 'name', 'provider_id', 'scopes'];
const namesOf = (object) => Object.keys(object).sort();
let serial = 0;
const unique = (what) => `${what} ${++serial}`;

// Bodies and queries of known names with odd values, the same again for the same seed (mulberry32).
function oddities(seed, authenticator) {
	let state = seed;
	const random = () => {
		state = (state + 0x6D2B79F5) | 0;
		let x = Math.imul(state ^ (state >>> 15), 1 | state);
		x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
		return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
	};
	const below = (n) => Math.floor(random() * n);
	const pick = (list) => list[below(list.length)];
	const members = [...Object.keys(authenticator.configuration), 'variables', 'token_endpoint_auth_method', 'userinfo_url', 'revocation_url'];
	const names = [...Object.keys(authenticator), 'authenticator_name', 'display_name', 'client_secret', 'auth_uri', 'token_uri', 'user', 'return_to',
		'authenticator', 'confirm', 'expect_account', 'fingerprint', 'x'.repeat(200)];
	const odd = [null, true, false, 0, -1, 1e308, 9007199254740993, '', ' ', 'a', 'x'.repeat(300), 'x'.repeat(9000), 'ü'.repeat(120), '\u202e', '😀'.repeat(60),
		'"\\/\b', [], {}, [[]], [null], ['a', 'a'], { a: { b: [] } }, 'https://a.test', 'https://a.test:99999/', 'http://127.0.0.1:1/', 'http://[::1]/',
		'https://a.test/?x=1', 'https://a.test/%zz', 'https://ä.test/', '/path', '//x', 'practice', 'google', 'slack', 'R4', 'none', ',', '%', '..', 'null'];
	const value = (depth = 0) => (depth < 2 && below(4) === 0
		? Object.fromEntries(Array.from({ length: below(4) }, () => [pick(members), value(depth + 1)])) : pick(odd));
	return {
		json(start) {
			const body = { ...start };
			for (let i = below(4); i > 0; i--) {
				if (below(2)) body[pick(names)] = value();
				else body.configuration = { ...body.configuration, [pick(members)]: value() };
			}
			return body;
		},
		query: () => Array.from({ length: below(3) }, () => `${pick(['user', 'app_id', 'status', 'min_ttl', 'include_disabled'])}=${
			encodeURIComponent(String(pick(odd)).slice(0, 500))}`).join('&'),
	};
}

describe('the API', () => {
	const w = {};
	const scope = suiteScope();

	before(async () => {
		w.service = await startService(scope);
		w.provider = await startAdversary(scope);
		w.assertHealthy = watchHealth(w.service);
	});

	after(() => scope.end());

	// An app with the authenticator "Provider"; expect() and api() speak with its key.
	async function tenant({ scopes = SCOPES, extra = {} } = {}) {
		const app = await makeApp(w.service, unique('App'), scopes);
		const expect = (status, method, path, options = {}) => w.service.expect(status, method, path, { key: app.key, ...options });
		const register = (more = {}) => expect(201, 'POST', '/oauth/authenticators', { json: authenticatorAt(w.provider, more) });
		const api = async (method, path, options = {}) => {
			const res = await w.service.api(method, path, { key: app.key, ...options });
			assertAnswer({ ...res, body: typeof res.body === 'object' ? res.body : undefined, what: `${method} ${path}` },
				{ secrets: [app.key, 'canary-client-secret-5uHxw0'] });
			return res;
		};
		const token = (ref, query) => expect(200, 'GET', `/credentials/connections/${ref}/token?${new URLSearchParams(query)}`);
		const connectUser = (user, account, more) => connect(w.service, { key: app.key, user, account, ...more });
		return { ...app, authenticator: await register(extra), expect, register, api, token, connectUser };
	}

	test('a key is taken in every form that clients send', async () => {
		const { key } = await makeApp(w.service, 'Key forms');
		const bare = key.replace(/^(api_)+/, '');
		const forms = [key, bare, `api_${bare}`, `api_api_${bare}`, `api_api_api_api_${bare}`];
		for (const form of forms) {
			for (const headers of [{ authorization: `Bearer ${form}` }, { authorization: `bearer ${form}` },
				{ authorization: `Bearer   ${form}  ` }, { 'x-api-key': form }, { 'X-API-KEY': form }]) {
				const res = await send(w.service.url, '/api/v1/user/profile', { headers });
				assert.equal(res.status, 200, JSON.stringify(headers));
				assert.ok(!res.text.includes(bare));
			}
		}
	});

	test('double and trailing slashes are tolerated', async () => {
		const t = await tenant();
		for (const path of ['/api/v1/oauth/authenticators/', '//api//v1//oauth//authenticators', '/api/v1//oauth/authenticators//',
			`/api/v1/oauth/authenticators/?app_id=${t.id}`, '/api/v1/oauth/authenticators?']) {
			const res = await send(w.service.url, path, { headers: { authorization: `Bearer ${t.key}` } });
			assert.equal(res.status, 200, path);
			assert.deepEqual(res.body.map((a) => a.id), [t.authenticator.id]);
		}
	});

	test('register: the answer, and the developer guide\'s bodies word for word', async () => {
		const t = await tenant();
		const guide = [{
			name: 'Google', authenticator_type: 'google', client_id: '123456789-abcdef.apps.googleusercontent.com',
			client_secret: 'GOCSPX-your-secret-here',
			scopes: ['openid', 'profile', 'email', 'https://www.googleapis.com/auth/gmail.readonly'],
			redirect_uri: 'https://your-app.com/auth/callback/google',
			authorize_url: 'https://accounts.google.com/o/oauth2/v2/auth', token_url: 'https://oauth2.googleapis.com/token',
		}, {
			name: 'Microsoft', authenticator_type: 'microsoft', client_id: '12345678-1234-1234-1234-123456789abc',
			client_secret: 'your-microsoft-secret', scopes: ['User.Read', 'Mail.Read', 'Calendars.Read'],
			redirect_uri: 'https://your-app.com/auth/callback/microsoft',
			authorize_url: 'https://login.microsoftonline.com/common/oauth2/v2.0/authorize',
			token_url: 'https://login.microsoftonline.com/common/oauth2/v2.0/token',
		}, {
			name: 'Custom Provider', authenticator_type: 'custom', client_id: 'your-custom-client-id',
			client_secret: 'your-custom-client-secret', scopes: ['custom:scope1', 'custom:scope2'],
			authorize_url: 'https://custom-provider.com/oauth/authorize', token_url: 'https://custom-provider.com/oauth/token',
			redirect_uri: 'https://your-app.com/auth/callback/custom',
		}];
		for (const json of guide) {
			const made = await t.expect(201, 'POST', '/oauth/authenticators', { json });
			assert.deepEqual(namesOf(made).filter((n) => n !== 'warnings'), AUTHENTICATOR);
			assert.equal(made.id, made.authenticator_id);
			assert.equal(made.app_id, t.id);
			assert.equal(made.is_active, true);
			for (const name of ['name', 'authenticator_type', 'client_id', 'scopes', 'redirect_uri', 'authorize_url', 'token_url']) {
				assert.deepEqual(made[name], json[name], name);
			}
			assert.match(made.created_at, RFC3339);
			assert.match(made.updated_at, RFC3339);
			assert.match(made.warnings.join(), /redirect_uri/);
			assert.ok(!JSON.stringify(made).includes(json.client_secret));
		}
		const [google] = guide;
		const again = await t.api('POST', '/oauth/authenticators', { json: { ...google, name: 'gOOgle', redirect_uri: '' } });
		assert.equal(again.status, 409, 'a name is taken in any case');
		assert.equal(again.body.error, 'conflict');
		// The API reference of the guide: with app_id in the body.
		const named = await w.service.expect(201, 'POST', '/oauth/authenticators', { json: {
			name: 'Google', authenticator_type: 'google', client_id: 'your-client-id', client_secret: 'your-client-secret',
			scopes: ['profile', 'email'], authorize_url: 'https://accounts.google.com/o/oauth2/v2/auth',
			token_url: 'https://oauth2.googleapis.com/token', redirect_uri: 'https://your-app.com/auth/callback/google',
			app_id: (await tenant()).id } });
		assert.notEqual(named.app_id, t.id);
	});

	test('register: what clients leave out, leave empty or call otherwise', async () => {
		const t = await tenant();
		const base = { client_id: 'c', client_secret: 's3cret-of-this-test' };
		const google = await t.expect(201, 'POST', '/oauth/authenticators', { json: { ...base, name: 'From template', authenticator_type: 'google',
			app_id: null, authorize_url: '', token_url: '', redirect_uri: '', scopes: null, configuration: null } });
		assert.equal(google.authorize_url, 'https://accounts.google.com/o/oauth2/v2/auth');
		assert.equal(google.token_url, 'https://oauth2.googleapis.com/token');
		assert.ok(google.scopes.includes('openid'));
		assert.equal(google.redirect_uri, `${w.service.url}/auth/callback/${google.id}`);
		const alias = await t.expect(201, 'POST', '/oauth/authenticators', { json: { ...base, display_name: 'By display name',
			authenticator_type: 'custom', auth_uri: 'https://p.test/a', token_uri: 'https://p.test/t', scopes: 'a, b c' } });
		assert.equal(alias.name, 'By display name');
		assert.equal(alias.authorize_url, 'https://p.test/a');
		assert.equal(alias.token_url, 'https://p.test/t');
		assert.deepEqual(alias.scopes, ['a', 'b', 'c']);
		const system = await t.expect(201, 'POST', `/oauth/authenticators/${t.id}`, { json: { ...base, system_name: 'by_system_name',
			authenticator_type: 'GitHub' } });
		assert.equal(system.name, 'by_system_name');
		assert.equal(system.authenticator_type, 'github');
		assert.equal(system.app_id, t.id);
		const open = await t.expect(201, 'POST', '/oauth/authenticators', { json: { name: 'Public', authenticator_type: 'custom', client_id: 'c',
			authorize_url: 'https://p.test/a', token_url: 'https://p.test/t', configuration: { token_endpoint_auth_method: 'none' } } });
		assert.equal(open.configuration.client_auth, 'none');
		const without = await w.service.expect(201, 'POST', '/oauth/authenticators',
			{ json: { ...base, name: unique('Default app'), authenticator_type: 'google' } });
		assert.equal(without.app_id, 'default');
	});

	test('OA-05: two authenticators share a redirect URI only with one provider', async () => {
		const t = await tenant();
		const other = await tenant();
		const shared = 'https://your-app.com/auth/callback/shared';
		const base = { authenticator_type: 'custom', client_id: 'c', client_secret: 's3cret', redirect_uri: shared,
			authorize_url: 'https://shared.test/a', token_url: 'https://shared.test/t' };
		await t.expect(201, 'POST', '/oauth/authenticators', { json: { ...base, name: 'first' } });
		await t.expect(201, 'POST', '/oauth/authenticators', { json: { ...base, name: 'second', token_url: 'https://shared.test/other' } });
		for (const tenantOf of [t, other]) {
			for (const change of [{ token_url: 'https://evil.test/t' }, { authorize_url: 'https://evil.test/a' }]) {
				const res = await tenantOf.api('POST', '/oauth/authenticators', { json: { ...base, name: 'mixed up', ...change } });
				assert.equal(res.status, 422, res.text);
				assert.match(res.body.fields.redirect_uri, /\/auth\/callback\/[0-9a-f]{32}/);
			}
		}
		// Nor when both come at once.
		const at = 'https://your-app.com/auth/callback/race';
		for (let i = 0; i < 5; i++) {
			const answers = await Promise.all([t, other, t, other].map((x, k) => x.api('POST', '/oauth/authenticators', { json: { ...base,
				name: unique('race'), redirect_uri: `${at}${i}`, authorize_url: `https://p${k}.test/a`, token_url: `https://p${k}.test/t` } })));
			assert.deepEqual(answers.map((a) => a.status).sort(), [201, 422, 422, 422]);
		}
	});

	test('list, read, change, delete an authenticator', async () => {
		const t = await tenant();
		const one = await t.expect(200, 'GET', `/oauth/authenticators/${t.authenticator.id}`);
		assert.deepEqual(one, t.authenticator);
		assert.deepEqual(await t.expect(200, 'GET', `/oauth/authenticators?app_id=${t.id}`), [one], 'a bare array of the same objects');
		const off = await t.expect(200, 'PATCH', `/oauth/authenticators/${one.id}`, { json: { is_active: false } });
		assert.equal(off.is_active, false);
		assert.deepEqual(await t.expect(200, 'GET', '/oauth/authenticators'), []);
		assert.deepEqual(await t.expect(200, 'GET', '/oauth/authenticators?include_disabled=false'), []);
		for (const yes of ['true', 'True', '1']) {
			assert.deepEqual(await t.expect(200, 'GET', `/oauth/authenticators?include_disabled=${yes}`), [off], yes);
		}
		const put = await t.expect(200, 'PUT', `/oauth/authenticators/${one.id}`, { json: { ...off, is_active: true, name: 'Renamed',
			scopes: ['openid'], client_secret: 'another-secret-of-this-test' } });
		assert.equal(put.name, 'Renamed');
		assert.deepEqual(put.scopes, ['openid']);
		assert.equal(put.id, one.id);
		assert.ok(!JSON.stringify(put).includes('another-secret'));
		await t.register({ name: 'Taken' });
		assert.equal((await t.api('PATCH', `/oauth/authenticators/${one.id}`, { json: { name: 'TAKEN' } })).status, 409);
		assert.equal((await t.api('PATCH', `/oauth/authenticators/${one.id}`, { json: { name: 'renamed' } })).status, 200);
		const gone = await t.expect(200, 'DELETE', `/oauth/authenticators/${one.id}`);
		assert.equal(gone.success, true);
		assert.equal(typeof gone.message, 'string');
		for (const method of ['GET', 'DELETE', 'PATCH']) {
			const json = method === 'PATCH' ? { name: 'x' } : undefined;
			assert.equal((await t.api(method, `/oauth/authenticators/${one.id}`, { json })).status, 404, method);
		}
		await t.register({ name: 'Renamed' });
	});

	test('AP-06: a new endpoint needs the client secret again, by whatever way', async () => {
		const t = await tenant();
		const path = `/oauth/authenticators/${t.authenticator.id}`;
		const evil = 'https://evil.test/x';
		const ways = [{ token_url: evil }, { authorize_url: evil }, { token_uri: evil }, { auth_uri: evil },
			...['token_url', 'authorize_url', 'revoke_url', 'revocation_url', 'identity_url', 'userinfo_url', 'issuer']
				.map((name) => ({ configuration: { [name]: evil } })),
			{ configuration: { token_endpoint_auth_method: 'none', token_url: evil } },
			{ configuration: { client_auth: 'none' }, token_url: evil }, { token_url: evil, client_secret: '' }, { token_url: evil, client_secret: null }];
		for (const json of ways) {
			const res = await t.api('PATCH', path, { json });
			assert.equal(res.status, 422, `${JSON.stringify(json)}: ${res.text}`);
			assert.ok(res.body.fields.client_secret, res.text);
		}
		// In two steps: first public, then somewhere else, then confidential again.
		await t.expect(200, 'PATCH', path, { json: { configuration: { client_auth: 'none' } } });
		assert.equal((await t.api('PATCH', path, { json: { token_url: evil } })).status, 422);
		const { updated_at: changed, ...is } = await t.expect(200, 'GET', path);
		const { updated_at: before_, ...was } = t.authenticator;
		assert.ok(changed && before_);
		assert.deepEqual({ ...is, configuration: { ...is.configuration, client_auth: 'client_secret_basic' } }, was);
	});

	test('a public client that becomes confidential needs a secret', async () => {
		const t = await tenant();
		const open = await t.register({ name: 'Open', client_secret: undefined, configuration: { ...w.provider.configuration, client_auth: 'none' } });
		const res = await t.api('PATCH', `/oauth/authenticators/${open.id}`, { json: { configuration: { client_auth: 'client_secret_post' } } });
		assert.equal(res.status, 422, res.text);
		assert.ok(res.body.fields.client_secret, res.text);
		await t.expect(200, 'PATCH', `/oauth/authenticators/${open.id}`, { json: { client_secret: 's3cret', configuration: { client_auth: 'client_secret_post' } } });
	});

	test('templates and validation', async () => {
		const t = await tenant();
		const all = await t.expect(200, 'GET', '/oauth/templates');
		const types = all.map((x) => x.type);
		assert.equal(new Set(types).size, types.length, 'each type once');
		for (const type of ['custom', 'github', 'google', 'microsoft', 'practice', 'slack', 'zoho']) assert.ok(types.includes(type), type);
		for (const template of all) assert.deepEqual(await t.expect(200, 'GET', `/oauth/templates/${template.type}`), template);
		assert.equal((await t.api('GET', '/oauth/templates/nothing')).status, 404);
		const good = await t.expect(200, 'POST', '/oauth/authenticators/validate',
			{ json: { name: 'x', authenticator_type: 'google', client_id: 'c', client_secret: 's3cret-of-this-test', typo: 1 } });
		assert.equal(good.valid, true);
		assert.deepEqual(good.ignored, ['typo']);
		assert.ok(!JSON.stringify(good).includes('s3cret-of-this-test'));
		assert.equal((await t.expect(200, 'GET', '/oauth/authenticators')).length, 1, 'nothing was stored');
		const bad = await t.api('POST', '/oauth/authenticators/validate', { json: { name: 5, authenticator_type: 'custom', authorize_url: 'http://x.test',
			token_url: 'ftp://x', redirect_uri: 'https://x.test/#f', scopes: [1], is_active: 'y', app_id: 'nope' } });
		assert.equal(bad.status, 422);
		assert.deepEqual(namesOf(bad.body.fields), ['app_id', 'authorize_url', 'client_id', 'client_secret', 'is_active', 'name', 'redirect_uri',
			'scopes', 'token_url'], 'every problem at once');
		const untyped = await t.api('POST', '/oauth/authenticators/validate', { json: {} });
		assert.deepEqual(namesOf(untyped.body.fields), ['authenticator_type', 'client_id', 'client_secret', 'name']);
	});

	test('connect links: made, looked at, followed, confirmed', async () => {
		const t = await tenant();
		const link = await t.expect(201, 'POST', '/credentials/connect-links', { json: { authenticator: 'pROVIDER', user: 'u1', return_to: '/settings',
			scopes: ['read'], expect_account: 'ada@adversary.test', confirm: true } });
		assert.match(link.url, new RegExp(`^${w.service.url}/connect/[\\w-]{43}$`));
		const life = Date.parse(link.expires_at) - Date.now();
		assert.ok(life > 590_000 && life <= 600_000, link.expires_at);
		const read = () => t.expect(200, 'GET', `/credentials/connect-links/${link.id}`);
		assert.equal((await read()).status, 'waiting');
		assert.equal((await read()).url, undefined, 'its URL is shown once');
		assert.equal((await t.api('POST', `/credentials/connect-links/${link.id}/confirm`)).status, 409);
		const end = await followLink(w.service, link.url, { account: 'ada' });
		assert.equal(end.pathname, '/settings');
		assert.equal(end.searchParams.get('connected'), 'true');
		assert.equal(end.searchParams.get('app_id'), t.id);
		assert.equal((await read()).status, 'connected');
		const [pending] = await t.expect(200, 'GET', '/credentials/connections?user=u1&status=pending');
		assert.equal(pending.status, 'pending');
		assert.equal((await t.api('GET', '/credentials/connections/provider/token?user=u1')).status, 409);
		await t.expect(200, 'POST', `/credentials/connect-links/${link.id}/confirm`);
		assert.equal((await t.api('POST', `/credentials/connect-links/${link.id}/confirm`)).status, 409, 'once');
		assert.deepEqual((await t.token('provider', { user: 'u1' })).scopes, ['read']);
		const wrong = await t.expect(201, 'POST', '/credentials/connect-links',
			{ json: { authenticator: 'Provider', user: 'u2', return_to: '/', expect_account: 'grace@adversary.test' } });
		assert.equal((await followLink(w.service, wrong.url, { account: 'eve' })).searchParams.get('connected'), 'false');
		const failed = await t.expect(200, 'GET', `/credentials/connect-links/${wrong.id}`);
		assert.equal(failed.status, 'failed');
		assert.equal(typeof failed.error, 'string');
		assert.deepEqual(await t.expect(200, 'GET', '/credentials/connections?user=u2'), []);
	});

	test('connections: the list, its aliases, the SDK\'s list, and every kind of ref', async () => {
		const t = await tenant();
		await t.connectUser('u1', 'ada');
		const [c] = await t.expect(200, 'GET', '/credentials/connections?user=u1');
		assert.deepEqual(namesOf(c), CONNECTION);
		assert.deepEqual([c.authenticator_id, c.provider_type, c.name, c.app_id, c.status, c.cause, c.account, c.scopes, c.missing_scopes],
			[t.authenticator.id, 'custom', 'Provider', t.id, 'active', null, 'ada@adversary.test', ['openid', 'read'], []]);
		for (const name of ['connected_at', 'created_at', 'expires_at']) assert.match(c[name], RFC3339, name);
		assert.deepEqual(await t.expect(200, 'GET', '/credentials/oauth/connections?user=u1'), [c]);
		assert.deepEqual(await t.expect(200, 'GET', `/credentials/connections?user=u1&app_id=${t.id}&status=active`), [c]);
		assert.deepEqual(await t.expect(200, 'GET', '/credentials/connections?user=u1&status=needs_reauth'), []);
		assert.equal((await t.api('GET', '/credentials/connections?user=u1&status=nonsense')).status, 422);
		const [p] = await t.expect(200, 'GET', `/apps/${t.id}/service-providers?user=u1`);
		assert.deepEqual(namesOf(p), PROVIDER);
		assert.deepEqual([p.name, p.display_name, p.is_connected, p.connection_status, p.connected_at], ['custom', 'Provider', true, 'connected', c.connected_at]);
		await t.register({ name: 'Second' });
		const two = await t.expect(200, 'GET', `/apps/${t.id}/service-providers?user=u1`);
		assert.deepEqual(two.map((x) => [x.name, x.connection_status]), [['Provider', 'connected'], ['Second', 'disconnected']]);
		for (const ref of [c.id, t.authenticator.id, 'Provider', 'pROVider', 'custom', 'CUSTOM']) {
			assert.equal((await t.token(ref, { user: 'u1' })).token_type, 'Bearer', ref);
		}
		await t.connectUser('u1', 'grace');
		for (const ref of [t.authenticator.id, 'provider', 'custom']) {
			const res = await t.api('GET', `/credentials/connections/${ref}/token?user=u1`);
			assert.equal(res.status, 409, ref);
			assert.equal(res.body.error, 'ambiguous');
			assert.ok(res.body.detail.includes(c.id), res.text);
		}
		const ways = [['DELETE', '/credentials/connections/'], ['DELETE', '/credentials/oauth/connections/'], ['POST', `/apps/${t.id}/oauth/revoke/`]];
		for (const [method, path] of ways) {
			const { connection_id: id } = await t.expect(200, 'GET', `/credentials/connect-links/${(await t.connectUser('u3', 'linus')).id}`);
			const gone = await t.expect(200, method, `${path}${id}?user=u3`);
			assert.equal(gone.success, true);
			assert.equal(typeof gone.message, 'string');
			assert.equal((await t.api(method, `${path}${id}?user=u3`)).status, 404);
			assert.deepEqual((await t.expect(200, 'GET', '/credentials/connections?user=u3&status=revoked')).map((x) => x.id), [id]);
		}
	});

	test('a disabled authenticator serves no token; its connection can still be ended', async () => {
		const t = await tenant();
		await t.connectUser('u1', 'ada');
		await t.expect(200, 'PATCH', `/oauth/authenticators/${t.authenticator.id}`, { json: { is_active: false } });
		assert.equal((await t.api('GET', '/credentials/connections/provider/token?user=u1')).status, 404);
		const [c] = await t.expect(200, 'GET', '/credentials/connections?user=u1');
		await t.expect(200, 'DELETE', `/credentials/connections/${c.id}?user=u1`);
		assert.deepEqual(await t.expect(200, 'GET', '/credentials/connections?user=u1'), []);
	});

	test('a token: its members, min_ttl, and reports of rejected ones', async () => {
		const t = await tenant();
		await t.connectUser('u1', 'ada');
		const read = await t.token('provider', { user: 'u1' });
		assert.deepEqual(namesOf(read), ['access_token', 'expires_at', 'expires_in', 'fingerprint', 'scopes', 'token_type']);
		assert.match(read.expires_at, RFC3339);
		assert.ok(Number.isInteger(read.expires_in) && read.expires_in > 3500);
		assert.match(read.fingerprint, /^[0-9a-f]{32}$/);
		assert.equal((await t.token('provider', { user: 'u1', min_ttl: 0 })).access_token, read.access_token);
		for (const wrong of ['', '-1', '1.5', 'x', '1e3', '99999999999999999999', ' 1']) {
			const res = await t.api('GET', `/credentials/connections/provider/token?user=u1&min_ttl=${encodeURIComponent(wrong)}`);
			assert.equal(res.status, 422, `'${wrong}': ${res.text}`);
			assert.deepEqual(namesOf(res.body.fields), ['min_ttl']);
		}
		const path = '/credentials/connections/provider/token/rejected?user=u1';
		const { token_success: before_ } = await w.provider.control('GET', 'counters');
		await Promise.all(Array.from({ length: 20 }, () => t.expect(200, 'POST', path, { json: { fingerprint: read.fingerprint } })));
		await t.expect(200, 'POST', path, { json: { fingerprint: read.fingerprint } });
		const { token_success: after_ } = await w.provider.control('GET', 'counters');
		assert.equal(after_ - before_, 1, 'one refresh for the burst, none for the old token');
		assert.notEqual((await t.token('provider', { user: 'u1' })).access_token, read.access_token);
	});

	test('apps and keys', async () => {
		const app = await w.service.expect(201, 'POST', '/apps', { json: { name: 'Ünï', return_to: ['https://a.test/x/'] } });
		assert.deepEqual(await w.service.expect(200, 'GET', `/apps/${app.id}`), app);
		assert.ok((await w.service.expect(200, 'GET', '/apps')).some((x) => x.id === app.id));
		const changed = await w.service.expect(200, 'PATCH', `/apps/${app.id}`, { json: { name: 'Other' } });
		assert.deepEqual([changed.name, changed.return_to], ['Other', ['https://a.test/x/']]);
		for (const base of [`/apps/${app.id}/api-keys`, '/user/api-keys']) {
			const made = await w.service.expect(201, 'POST', base, { json: { name: 'k', scopes: ['tokens:read'] } });
			const listed = (await w.service.expect(200, 'GET', base)).find((x) => x.id === made.id);
			const { key, ...rest } = made;
			assert.deepEqual(listed, rest, 'the value is shown once');
			await w.service.expect(403, 'GET', '/credentials/connections', { key });
			assert.equal((await w.service.expect(200, 'DELETE', `${base}/${made.id}`)).success, true);
			await w.service.expect(401, 'GET', '/apps', { key });
			await w.service.expect(404, 'DELETE', `${base}/${made.id}`);
		}
		const plain = await w.service.expect(201, 'POST', `/apps/${app.id}/api-keys`, { json: { name: 'no scopes named', scopes: null } });
		assert.ok(!plain.scopes.includes('admin'), 'what an app needs by default is not everything');
	});

	test('accounts: sign in, profile, sign out', async () => {
		const cookie = await signIn(w.service);
		const headers = { cookie, origin: w.service.url };
		const profile = await w.service.expect(200, 'GET', '/user/profile', { key: null, headers });
		assert.equal(profile.name, 'admin');
		assert.ok(!/hash|argon/.test(JSON.stringify(profile)));
		for (const [name, password] of [['admin', 'wrong password'], ['nobody', 'wrong password']]) {
			const res = await w.service.api('POST', '/auth/login', { key: null, headers: { origin: w.service.url }, json: { name, password } });
			assert.equal(res.status, 401);
			assert.equal(res.headers['set-cookie'], undefined);
			assert.equal(res.body.detail, 'the name or the password is wrong');
		}
		for (const path of ['/credentials/connections?user=u1', '/credentials/connections?user=', '/apps/default/service-providers?user=u1']) {
			await w.service.expect(403, 'GET', path, { key: null, headers });
		}
		await w.service.expect(403, 'POST', '/credentials/connect-links', { key: null, headers, json: { authenticator: 'x', user: 'u1' } });
		await w.service.expect(200, 'POST', '/auth/logout', { key: null, headers });
		await w.service.expect(401, 'GET', '/user/profile', { key: null, headers });
	});

	test('no app_id means the app default, or the one app that the key reaches', async () => {
		const t = await tenant();
		assert.equal((await t.expect(200, 'GET', '/oauth/authenticators'))[0].app_id, t.id);
		for (const a of await w.service.expect(200, 'GET', '/oauth/authenticators')) assert.equal(a.app_id, 'default');
		assert.equal((await t.api('GET', '/oauth/authenticators?app_id=default')).status, 422);
	});

	// From here on: a tenant with a key of one app, who wants more.

	test('hostile: no key makes a wider one, in scopes or reach', async () => {
		const t = await tenant();
		const other = await tenant();
		const { key } = await t.expect(201, 'POST', `/apps/${t.id}/api-keys`, { json: { name: 'narrow', scopes: ['admin'] } });
		const narrow = await t.expect(201, 'POST', `/apps/${t.id}/api-keys`, { json: { name: 'no admin', scopes: SCOPES.slice(0, -1) } });
		await t.expect(403, 'POST', `/apps/${t.id}/api-keys`, { key: narrow.key, json: { name: 'x', scopes: ['admin'] } });
		await t.expect(403, 'POST', '/user/api-keys', { key: narrow.key, json: { name: 'x', scopes: ['admin'] } });
		await t.expect(404, 'POST', `/apps/${other.id}/api-keys`, { key, json: { name: 'x', scopes: [] } });
		await t.expect(404, 'POST', '/apps/default/api-keys', { key, json: { name: 'x', scopes: [] } });
		await t.expect(403, 'POST', '/apps', { key, json: { name: 'x' } });
		const own = await t.expect(201, 'POST', '/user/api-keys', { key, json: { name: 'x' } });
		assert.equal(own.app_id, t.id, 'a key of one app makes keys of that app');
		assert.deepEqual((await t.expect(200, 'GET', '/apps', { key: own.key })).map((a) => a.id), [t.id]);
		for (const row of await t.expect(200, 'GET', '/user/api-keys', { key })) assert.equal(row.app_id, t.id);
		await t.expect(404, 'DELETE', `/user/api-keys/${other.keyId}`, { key });
		await t.expect(404, 'DELETE', `/apps/${t.id}/api-keys/${other.keyId}`, { key });
		await t.expect(404, 'DELETE', `/apps/${other.id}/api-keys/${other.keyId}`, { key });
		await other.expect(200, 'GET', '/apps');
	});

	test('hostile: keys without end would hide the others from their owner', async () => {
		const t = await tenant();
		const make = () => t.api('POST', '/user/api-keys', { json: { name: unique('key'), scopes: Array(100).fill('admin') } });
		const first = await make();
		assert.deepEqual(first.body.scopes, ['admin'], 'each scope once');
		const answers = [];
		for (let i = 0; i < 240; i += 8) answers.push(...await Promise.all(Array.from({ length: 8 }, make)));
		assert.ok(answers.every((r) => r.status === 201 || (r.status === 409 && r.body.error === 'limit_reached')));
		assert.equal(answers.at(-1).status, 409);
		assert.ok((await t.expect(200, 'GET', '/user/api-keys')).length >= 200);
		assert.ok((await w.service.expect(200, 'GET', '/user/api-keys')).some((k) => k.app_id === null));
	});

	test('hostile: user= reaches the users of the own app alone (AP-03)', async () => {
		const t = await tenant();
		const other = await tenant();
		await other.connectUser('u1', 'ada');
		await other.connectUser('only-there', 'grace');
		await t.connectUser('u1', 'eve');
		const [mine] = await t.expect(200, 'GET', '/credentials/connections?user=u1');
		const [theirs] = await other.expect(200, 'GET', '/credentials/connections?user=u1');
		assert.notEqual(mine.id, theirs.id);
		const admin = await w.service.expect(200, 'GET', '/user/profile');
		const tricks = ['only-there', 'U1', 'u1 ', ' u1', 'u1/', 'u1%', '%', '_', 'u', "u1' OR '1'='1", '*', '../u1', admin.id, admin.name, t.id,
			'u1\u0301', 'ｕ１', 'x'.repeat(3000), 'ü'.repeat(300), '\u202eu1', 'null', '0'];
		for (const user of tricks) {
			for (const path of ['/credentials/connections', '/credentials/connections/provider/token', `/apps/${t.id}/service-providers`]) {
				const res = await t.api('GET', `${path}?user=${encodeURIComponent(user)}`);
				assert.equal(res.status, 404, `${path} ${user.slice(0, 20)}: ${res.text}`);
			}
			assert.equal((await t.api('DELETE', `/credentials/connections/provider?user=${encodeURIComponent(user)}`)).status, 404);
		}
		// An id that came out empty is not the key's owner.
		for (const path of ['/credentials/connections?user=', '/credentials/connections?user', '/credentials/connections/provider/token?user=']) {
			const res = await t.api('GET', path);
			assert.equal(res.status, 422, `${path}: ${res.text}`);
			assert.deepEqual(namesOf(res.body.fields), ['user']);
		}
		for (const ref of [theirs.id, theirs.authenticator_id, other.authenticator.id]) {
			assert.equal((await t.api('GET', `/credentials/connections/${ref}/token?user=u1`)).status, 404);
			assert.equal((await t.api('DELETE', `/credentials/connections/${ref}?user=u1`)).status, 404);
		}
		const res = await t.api('POST', '/credentials/connect-links', { json: { authenticator: other.authenticator.id, user: 'u1', return_to: '/' } });
		assert.equal(res.status, 404, res.text);
		assert.equal((await t.api('POST', '/credentials/connect-links', { json: { authenticator: 'Provider', user: 'u1', app_id: other.id } })).status, 422);
		await other.token('provider', { user: 'u1' });
	});

	test('hostile: users are told apart byte by byte, however alike they look', async () => {
		const t = await tenant();
		const users = ['a', 'A', 'ä', 'a\u0308', 'a b', 'a+b', 'a%20b', 'x'.repeat(200), '\u200ba', "a'--", '{"a":1}', 'a&app_id=default'];
		for (const [i, user] of users.entries()) await t.connectUser(user, `account-${i}`);
		for (const [i, user] of users.entries()) {
			const list = await t.expect(200, 'GET', `/credentials/connections?user=${encodeURIComponent(user)}`);
			assert.deepEqual(list.map((c) => c.account), [`account-${i}@adversary.test`], user);
		}
	});

	test('hostile: two registrations of one name, two deletions, two disconnects at once', async () => {
		const t = await tenant();
		for (let i = 0; i < 5; i++) {
			const name = unique('Raced');
			const made = await Promise.all(Array.from({ length: 6 }, (_, k) => t.api('POST', '/oauth/authenticators',
				{ json: authenticatorAt(w.provider, { name: k % 2 ? name.toUpperCase() : name }) })));
			assert.deepEqual(made.map((r) => r.status).sort(), [201, 409, 409, 409, 409, 409]);
			const { id } = made.find((r) => r.status === 201).body;
			await connect(w.service, { key: t.key, user: 'u1', account: 'ada', authenticator: id });
			const ended = await Promise.all(Array.from({ length: 6 }, () => t.api('DELETE', `/credentials/connections/${id}?user=u1`)));
			assert.ok(ended.every((r) => r.status === 200 || r.status === 404), ended.map((r) => r.text).join());
			assert.ok(ended.some((r) => r.status === 200));
			const mixed = await Promise.all(Array.from({ length: 12 }, (_, k) => {
				const path = `/oauth/authenticators/${id}`;
				return k % 3 === 0 ? t.api('DELETE', path) : t.api(k % 3 === 1 ? 'GET' : 'PATCH', path, { json: k % 3 === 2 ? { scopes: [`s${k}`] } : undefined });
			}));
			const deleted = mixed.filter((r, k) => k % 3 === 0).map((r) => r.status).sort();
			assert.deepEqual(deleted, [200, 404, 404, 404]);
			assert.ok(mixed.every((r) => [200, 404, 409].includes(r.status)), mixed.map((r) => r.text).join());
		}
		const { id } = await t.expect(201, 'POST', `/apps/${t.id}/api-keys`, { json: { name: 'twice', scopes: [] } });
		const revoked = await Promise.all(Array.from({ length: 6 }, () => t.api('DELETE', `/apps/${t.id}/api-keys/${id}`)));
		assert.deepEqual(revoked.map((r) => r.status).sort(), [200, 404, 404, 404, 404, 404]);
		const users = await Promise.all(Array.from({ length: 6 }, () => t.api('POST', '/credentials/connect-links',
			{ json: { authenticator: 'Provider', user: 'born-once', return_to: '/' } })));
		assert.deepEqual(users.map((r) => r.status), Array(6).fill(201));
	});

	test('hostile: tokens are read while the connection or its authenticator goes', async () => {
		for (const way of ['connection', 'authenticator']) {
			const t = await tenant();
			// An account of its own: one that is connected elsewhere too is not revoked at the provider.
			await t.connectUser('u1', unique('alone'));
			const before_ = await t.token('provider', { user: 'u1' });
			const end = way === 'connection' ? t.api('DELETE', '/credentials/connections/provider?user=u1')
				: t.api('DELETE', `/oauth/authenticators/${t.authenticator.id}`);
			const reads = await Promise.all(Array.from({ length: 30 }, () => t.api('GET', '/credentials/connections/provider/token?user=u1')));
			assert.equal((await end).status, 200);
			for (const r of reads) assert.ok([200, 404, 409].includes(r.status), r.text);
			assert.equal((await t.api('GET', '/credentials/connections/provider/token?user=u1')).status, 404);
			const userinfo = () => fetch(`${w.provider.url}/userinfo`, { headers: { authorization: `Bearer ${before_.access_token}` } });
			await eventually('the provider was told', async () => (await userinfo()).status === 401);
		}
	});

	test('hostile: the largest registrations, and then many, are answered and never break the list', async () => {
		const t = await tenant();
		const quotes = (n) => '"'.repeat(n);
		const huge = { bearer_names: quotes(2048), error_flag: quotes(2048), token_path: quotes(2048), identity_subject: quotes(2048),
			identity_label: quotes(2048), answer_subject: quotes(2048),
			error_names: Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`e${i}`, quotes(256)])),
			authorize_params: Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`p${i}`, quotes(256)])) };
		const wide = Array.from({ length: 100 }, (_, i) => `${i}`.padStart(256, 's'));
		const tries = [{ configuration: huge }, { scopes: wide }, { configuration: { bearer_names: quotes(1500) }, scopes: wide.slice(0, 20) },
			{ authorize_url: `https://p.test/${'x'.repeat(1900)}`, token_url: `https://p.test/${'x'.repeat(1900)}`, client_id: 'x'.repeat(512),
				configuration: {} }];
		for (const extra of tries) {
			const made = await t.api('POST', '/oauth/authenticators', { json: authenticatorAt(w.provider, { name: unique('Huge'), ...extra }) });
			assert.ok(made.status === 201 || made.status === 422, made.text.slice(0, 300));
			if (made.status !== 201) continue;
			const { warnings, ...rest } = made.body;
			assert.deepEqual(await t.expect(200, 'GET', `/oauth/authenticators/${made.body.id}`), rest);
		}
		const fat = { scopes: wide.slice(0, 25), configuration: { ...w.provider.configuration, bearer_names: 'x'.repeat(2048), error_flag: 'x'.repeat(2048),
			identity_label: 'x'.repeat(2048) } };
		let last;
		for (let i = 0; i < 600 && last?.status !== 409; i += 8) {
			const batch = await Promise.all(Array.from({ length: 8 }, () => t.api('POST', '/oauth/authenticators',
				{ json: authenticatorAt(w.provider, { name: unique('Many'), ...fat }) })));
			for (const r of batch) assert.ok(r.status === 201 || r.status === 409, r.text.slice(0, 300));
			last = batch.at(-1);
		}
		assert.equal(last.status, 409, 'there is an end');
		assert.equal(last.body.error, 'limit_reached');
		const list = await t.expect(200, 'GET', '/oauth/authenticators');
		assert.ok(list.length >= 100);
		await t.expect(200, 'GET', `/apps/${t.id}/service-providers`);
		await t.connectUser('u1', 'ada');
		await t.token('provider', { user: 'u1' });
		await t.expect(200, 'DELETE', `/oauth/authenticators/${list.at(-1).id}`);
		await t.register({ name: 'Room again' });
	});

	// Found what no case had: a configuration whose variables were no object ended the worker.
	test('hostile: two thousand requests put together at random', async () => {
		const t = await tenant();
		await t.connectUser('u1', 'ada');
		const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
		const { json, query } = oddities(seed, t.authenticator);
		const writes = [['POST', '/oauth/authenticators'], ['POST', '/oauth/authenticators/validate'], ['PATCH', `/oauth/authenticators/${t.authenticator.id}`],
			['PUT', `/oauth/authenticators/${t.authenticator.id}`], ['POST', '/credentials/connect-links'], ['PATCH', `/apps/${t.id}`],
			['POST', `/apps/${t.id}/api-keys`], ['POST', '/credentials/connections/provider/token/rejected?user=u1']];
		const reads = ['/oauth/authenticators', '/credentials/connections', '/credentials/connections/provider/token', `/apps/${t.id}/service-providers`];
		const statuses = new Set();
		for (let i = 0; i < 2000; i += 8) {
			await Promise.all(Array.from({ length: 8 }, async (_, k) => {
				const [method, path] = k < 6 ? writes[(i + k) % writes.length] : ['GET', `${reads[(i / 8 + k) % reads.length]}?${query()}`];
				const body = method === 'GET' ? undefined : json(method === 'POST' && path.startsWith('/oauth') ? authenticatorAt(w.provider, { name: unique('odd') }) : {});
				const res = await t.api(method, path, { json: body }).catch((e) => {
					throw new Error(`seed ${seed}: ${method} ${path} ${JSON.stringify(body)?.slice(0, 2000)}: ${e.message}`);
				});
				statuses.add(res.status);
			}));
		}
		for (const status of [200, 201, 422]) assert.ok(statuses.has(status), `never ${status}: the requests are too odd or not odd enough`);
		for (const row of await t.expect(200, 'GET', '/oauth/authenticators?include_disabled=true')) {
			const { warnings, ...back } = await t.expect(200, 'PUT', `/oauth/authenticators/${row.id}`, { json: row });
			assert.deepEqual({ ...back, updated_at: '' }, { ...row, updated_at: '' });
		}
	});

	test('no role was restarted, nothing is logged as an error', () => w.assertHealthy());
});
