// SPDX-License-Identifier: Apache-2.0
//
// Every route: what it says to nobody, to a key that is none, to a key without the scope, and to a key of
// another app, for which somebody else's object must look like one that does not exist (AP-02 in small).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask } from './lib/http.mjs';
import { makeWorld } from './lib/service.mjs';

const NONE = '00000000000000000000000000000000';

// method, path, the scope it needs. {x} stands for what is put in by the test.
const routes = [
	['POST', '/oauth/authenticators', 'authenticators:write'],
	['POST', '/oauth/authenticators/{app}', 'authenticators:write'],
	['POST', '/oauth/authenticators/validate', 'authenticators:read'],
	['GET', '/oauth/authenticators', 'authenticators:read'],
	['GET', '/oauth/authenticators/{authenticator}', 'authenticators:read'],
	['PATCH', '/oauth/authenticators/{authenticator}', 'authenticators:write'],
	['PUT', '/oauth/authenticators/{authenticator}', 'authenticators:write'],
	['DELETE', '/oauth/authenticators/{authenticator}', 'authenticators:write'],
	['GET', '/oauth/templates', 'authenticators:read'],
	['GET', '/oauth/templates/google', 'authenticators:read'],
	['POST', '/credentials/connect-links', 'connections:write'],
	['GET', '/credentials/connect-links/{link}', 'connections:write'],
	['POST', '/credentials/connect-links/{link}/confirm', 'connections:write'],
	['GET', '/credentials/connections', 'connections:read'],
	['GET', '/credentials/oauth/connections', 'connections:read'],
	['DELETE', '/credentials/connections/{connection}', 'connections:write'],
	['DELETE', '/credentials/oauth/connections/{connection}', 'connections:write'],
	['POST', '/apps/{app}/oauth/revoke/{connection}', 'connections:write'],
	['GET', '/credentials/connections/{connection}/token', 'tokens:read'],
	['GET', '/apps/{app}/service-providers', 'connections:read'],
	['GET', '/apps', null],
	['POST', '/apps', 'admin'],
	['GET', '/apps/{app}', null],
	['PATCH', '/apps/{app}', 'admin'],
	['GET', '/apps/{app}/api-keys', 'admin'],
	['POST', '/apps/{app}/api-keys', 'admin'],
	['DELETE', '/apps/{app}/api-keys/{key}', 'admin'],
	['GET', '/user/profile', null],
	['GET', '/user/api-keys', 'admin'],
	['POST', '/user/api-keys', 'admin'],
	['DELETE', '/user/api-keys/{key}', 'admin'],
];
const fill = (path, values) => path.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const isUnsafe = (method) => method !== 'GET';
const bodyFor = (method) => (['POST', 'PATCH', 'PUT'].includes(method) ? {} : undefined);

function assertErrorShape(res, status, where) {
	assert.equal(res.status, status, `${where}: ${res.status} ${res.text}`);
	for (const member of ['error', 'detail', 'hint', 'request_id']) {
		assert.equal(typeof res.body[member], 'string', `${where}: ${member} in ${res.text}`);
	}
	assert.equal(res.headers['cache-control'], 'no-store', where);
}

// The same answer but for what is different in every answer and for the id itself.
const comparable = (res, id) => `${res.status} ${res.text.replace(/"request_id":"[^"]*"/, '').replaceAll(id, NONE)}`;

test('nobody, and keys that are none, get in nowhere', async (t) => {
	const { service, authenticator } = await makeWorld(t);
	const values = { app: 'default', authenticator: authenticator.id, link: NONE, connection: NONE, key: '0000000000000000' };

	for (const [method, path] of routes) {
		const where = `${method} ${path}`;
		const options = { json: bodyFor(method) };
		const nobody = await service.api(method, fill(path, values), { ...options, key: null });

		// without a key an unsafe request counts as a browser's, which did not come from our pages
		assert.ok([401, 403].includes(nobody.status), `${where}: ${nobody.status} ${nobody.text}`);
		if (!isUnsafe(method)) assertErrorShape(nobody, 401, where);
		for (const key of ['fw_x', 'api_', `fw_0123456789abcdef_${'A'.repeat(43)}a6bf93`, `${service.adminKey}x`, 'a b']) {
			assertErrorShape(await service.api(method, fill(path, values), { ...options, key }), 401, `${where} with ${key}`);
		}
	}
	assert.equal((await service.expect(200, 'GET', `/oauth/authenticators/${authenticator.id}`)).id, authenticator.id);
	assert.equal((await service.expect(200, 'GET', '/oauth/authenticators')).length, 1, 'nothing was made or deleted');
});

test('a key without the scope is told which one, and nothing happens', async (t) => {
	const { service, authenticator } = await makeWorld(t);
	const values = { app: 'default', authenticator: authenticator.id, link: NONE, connection: NONE, key: '0000000000000000' };

	for (const [method, path, scope] of routes) {
		if (!scope) continue;
		const others = ['authenticators:read', 'connections:read', 'audit:read'].filter((s) => s !== scope);
		const { key } = await service.expect(201, 'POST', '/apps/default/api-keys', { json: { name: 'narrow', scopes: others } });
		const res = await service.api(method, fill(path, values), { key, json: bodyFor(method) });

		assertErrorShape(res, 403, `${method} ${path}`);
		assert.match(res.text, new RegExp(scope), `${method} ${path} names the scope`);
	}
	assert.equal((await service.expect(200, 'GET', '/oauth/authenticators')).length, 1);
});

test('what belongs to another app looks like what does not exist', async (t) => {
	const { service, authenticator } = await makeWorld(t);
	const link = await service.expect(201, 'POST', '/credentials/connect-links',
		{ json: { authenticator: 'Practice', user: 'someone' } });
	const own = await service.expect(201, 'POST', '/apps/default/api-keys', { json: { name: 'of default' } });
	const app = await service.expect(201, 'POST', '/apps', { json: { name: 'another' } });
	const { key } = await service.expect(201, 'POST', `/apps/${app.id}/api-keys`, { json: { name: 'all', scopes: ['admin'] } });
	const theirs = { app: 'default', authenticator: authenticator.id, link: link.id, connection: authenticator.id, key: own.id };
	const none = { app: NONE, authenticator: NONE, link: NONE, connection: NONE, key: '0000000000000000' };

	for (const [method, path] of routes.filter(([, p]) => p.includes('{'))) {
		const name = /\{(\w+)\}(?!.*\{)/.exec(path)[1];
		const foreign = await service.api(method, fill(path, theirs), { key, json: bodyFor(method) });
		const missing = await service.api(method, fill(path, none), { key, json: bodyFor(method) });

		assert.ok([404, 422].includes(foreign.status), `${method} ${path}: ${foreign.status} ${foreign.text}`);
		if (!path.includes('{app}') || name === 'app') {
			assert.equal(comparable(foreign, theirs[name]).replaceAll('default', NONE), comparable(missing, NONE).replaceAll('default', NONE),
				`${method} ${path}`);
		}
	}
	for (const path of ['/oauth/authenticators?app_id=default', '/credentials/connections?app_id=default']) {
		assertErrorShape(await service.api('GET', path, { key }), 422, path);
	}
	const listed = await service.expect(200, 'GET', '/apps', { key });
	assert.deepEqual(listed.map((a) => a.id), [app.id]);
	const keys = await service.expect(200, 'GET', '/user/api-keys', { key });
	assert.ok(!keys.some((k) => k.id === own.id), 'a key of one app must not see the keys of another');
	assert.equal((await service.expect(200, 'GET', '/oauth/authenticators')).length, 1);
	assert.equal((await service.expect(200, 'GET', `/credentials/connect-links/${link.id}`)).status, 'waiting');
});

test('lists, aliases, health and old callback paths', async (t) => {
	const { service } = await makeWorld(t);

	for (const path of ['/health', '/ready', '/api/v1/health', '/api/v1/ready']) {
		assert.equal((await ask(service.url + path)).status, 200, path);
	}
	assert.deepEqual(await service.expect(200, 'GET', '/credentials/connections'), []);
	assert.deepEqual(await service.expect(200, 'GET', '/credentials/oauth/connections/'), []);
	const [provider] = await service.expect(200, 'GET', '/apps/default/service-providers');
	assert.equal(provider.name, 'practice');
	assert.equal(provider.connection_status, 'disconnected');
	const types = (await service.expect(200, 'GET', '/oauth/templates')).map((one) => one.type);
	for (const type of ['google', 'microsoft', 'github', 'slack', 'practice', 'custom']) assert.ok(types.includes(type), type);
	await service.expect(404, 'POST', '/apps/default/oauth/revoke/Practice');
	await service.expect(404, 'DELETE', '/credentials/oauth/connections/Practice');
	await service.expect(409, 'POST', `/credentials/connect-links/${(await service.expect(201, 'POST', '/credentials/connect-links',
		{ json: { authenticator: 'Practice' } })).id}/confirm`);
	for (const path of ['/auth/callback/x', '/api/v1/credentials/auth/callback/x', '/api/v1/oauth/callback/x',
		'/api/v1/credentials/oauth/callback/x']) {
		const res = await ask(`${service.url}${path}?code=c&state=${'s'.repeat(43)}`);

		assert.equal(res.status, 400, `${path}: ${res.status}`);
		assert.doesNotMatch(res.text, /s{43}/, 'the error page repeats nothing of the query');
	}
});

test('pages send those who are not signed in to the sign-in, and take no form from elsewhere', async (t) => {
	const { service } = await makeWorld(t);

	for (const path of ['/settings/oauth-authenticators', '/settings/oauth-authenticators/default',
		'/api/v1/credentials/auth/initiate/Practice', '/api/v1/credentials/auth/Practice']) {
		const res = await ask(service.url + path);

		assert.equal(res.status, 303, `${path}: ${res.status}`);
		assert.match(res.headers.location, /^\/login\?next=/);
	}
	assert.equal((await ask(`${service.url}/login?next=//evil.example/`)).status, 200);
	assert.equal((await ask(`${service.url}/static/style.css`)).status, 200);
	for (const path of ['/static/nothing', '/static/..%2f..%2fetc%2fpasswd', '/static/%2e%2e/x', '/nothing']) {
		assert.ok([400, 404].includes((await ask(service.url + path)).status), path);
	}
	for (const path of ['/login', '/logout', '/settings/oauth-authenticators/disconnect', '/api/v1/auth/login', '/api/v1/auth/logout',
		'/api/v1/credentials/auth/initiate/Practice', '/api/v1/credentials/auth/Practice', '/connect/x', '/admin-link/x']) {
		for (const headers of [{}, { origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' },
			{ 'sec-fetch-site': 'same-site', origin: service.url }, { origin: 'null' }]) {
			const json = path.startsWith('/api/v1/auth');
			const res = await ask(service.url + path, { method: 'POST', headers,
				...(json ? { json: { name: 'admin', password: 'x' } } : { form: { name: 'admin', password: 'x' } }) });

			assert.ok([401, 403].includes(res.status), `${path} ${JSON.stringify(headers)}: ${res.status}`);
			assert.equal(res.headers['set-cookie'], undefined, path);
		}
	}
});

test('AP-06: an endpoint changes only with the client secret, however the change is dressed', async (t) => {
	const { service, authenticator } = await makeWorld(t);
	const path = `/oauth/authenticators/${authenticator.id}`;
	const before = await service.expect(200, 'GET', path);
	const elsewhere = { token_url: 'https://evil.example/token' };

	for (const json of [
		elsewhere,
		{ authorize_url: 'https://evil.example/auth' },
		{ configuration: elsewhere },
		{ configuration: { revoke_url: 'https://evil.example/revoke' } },
		{ configuration: { identity_url: 'https://evil.example/me' } },
		{ configuration: { issuer: 'https://evil.example' } },
		{ ...elsewhere, client_secret: '' },
		{ ...elsewhere, client_secret: null },
		// no secret seems needed without client authentication; a second change could turn it on again
		{ ...elsewhere, configuration: { token_endpoint_auth_method: 'none' } },
	]) {
		const res = await service.api('PATCH', path, { json });

		assertErrorShape(res, 422, JSON.stringify(json));
		assert.ok(res.body.fields.client_secret, `${JSON.stringify(json)}: ${res.text}`);
		assert.deepEqual(await service.expect(200, 'GET', path), before, 'nothing was changed');
	}
	const changed = await service.expect(200, 'PATCH', path, { json: { ...elsewhere, client_secret: 'another secret' } });
	assert.equal(changed.token_url, elsewhere.token_url);
	assert.doesNotMatch(JSON.stringify(changed), /another secret/);
});
