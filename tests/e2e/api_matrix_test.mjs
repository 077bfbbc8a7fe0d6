// SPDX-License-Identifier: Apache-2.0
//
// Every API route against bad input. The routes come from src/api/routes.c: one without a case here
// fails. Two apps with a key each stand for two tenants (AP-02); what a field may hold is told per case.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
	assertAnswer, authenticatorAt, connect, makeApp, readRoutes, SCOPES, send, signIn, startAdversary, startService,
	suiteScope, watchHealth,
} from './lib/api.mjs';
import { PASSWORD } from './lib/service.mjs';

const BODY_MAX = 64 * 1024;
const CLIENT_SECRET = 'canary-client-secret-5uHxw0';
const routes = readRoutes();
let serial = 0;
const unique = (what) => `${what} ${++serial}`;
const text = (max, more = []) => ({ wrong: [5, true, [], {}, 'x'.repeat(max + 1), ...more] });
const url = { wrong: [5, [], 'javascript:alert(1)', 'http://example.com/x', 'https://example.com/#x', 'https://u:p@example.com/',
	'//example.com', 'https://', `https://example.com/${'x'.repeat(9000)}`] };
const required = (field) => ({ ...field, required: true });

const authenticatorFields = {
	name: text(100, ['a\nb', 'a\u007f', 'a\u202eb']),
	client_id: text(512, ['a\u0001', 'ü']),
	client_secret: text(4096, ['a\nb']),
	scopes: { wrong: [5, {}, [5], ['a"b'], ['x'.repeat(257)], Array.from({ length: 101 }, (_, i) => `s${i}`)] },
	authorize_url: url,
	token_url: url,
	redirect_uri: url,
	configuration: { wrong: [5, 'x', []] },
	...Object.fromEntries(['authorize_url', 'token_url', 'revoke_url', 'identity_url', 'issuer'].map((name) => [`configuration.${name}`,
		{ wrong: [5, [], {}, 'x', 'ü', 'javascript:alert(1)', 'https://a.test/#x', 'x'.repeat(3000)] }])),
	...Object.fromEntries(['bearer_names', 'error_flag', 'token_path', 'identity_subject', 'identity_label', 'answer_subject']
		.map((name) => [`configuration.${name}`, { wrong: [5, [], {}, 'ü', 'x'.repeat(3000)] }])),
	...Object.fromEntries(['iss_in_callback', 'scope_comma_in_answer', 'form_answers', 'token_type_optional']
		.map((name) => [`configuration.${name}`, { wrong: [5, 'true', [], {}] }])),
	...Object.fromEntries(['client_auth', 'rotation', 'revoke_style', 'revoke_ends', 'identity_method', 'scope_separator']
		.map((name) => [`configuration.${name}`, { wrong: [5, true, '', 'x', [], {}] }])),
	...Object.fromEntries(['authorize_params', 'error_names'].map((name) => [`configuration.${name}`,
		{ wrong: [5, 'x', [], { a: 5 }, { a: 'x'.repeat(300) }, Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`a${i}`, 'x']))] }])),
	is_active: { wrong: ['true', 1, []] },
};
const appIdField = { wrong: [5, true, [], {}, 'no-such-app', 'x'.repeat(3000), 'ü'.repeat(50)] };
const newAuthenticator = {
	body: (w) => authenticatorAt(w.provider, { name: unique('Made') }),
	fields: {
		...authenticatorFields,
		name: required(authenticatorFields.name),
		client_id: required(authenticatorFields.client_id),
		client_secret: required(authenticatorFields.client_secret),
		'configuration.variables': { wrong: [5, 'x', [], [[]], { a: 1 }, { 'no-such': 'x' }] },
		authenticator_type: required(text(100, ['no-such-type', 'ü'.repeat(100)])),
		app_id: appIdField,
	},
	owned: ['id', 'authenticator_id', 'created_at', 'updated_at', 'generation', 'status', 'paused_cause', 'paused_until'],
};
const changedAuthenticator = {
	body: () => ({ scopes: ['openid'] }),
	fields: { ...authenticatorFields, authenticator_type: { wrong: [5, 'google'] }, app_id: { wrong: [5, 'no-such-app'] } },
	owned: ['id', 'authenticator_id', 'created_at', 'updated_at', 'generation', 'status', 'paused_cause', 'paused_until'],
};
const appFields = {
	name: text(100, ['', 'a\nb']),
	return_to: { wrong: [5, 'https://a.test', {}, [5], ['http://a.test/'], ['https://a.test/?q'], Array(21).fill('https://a.test/')] },
};
const newKey = {
	body: () => ({ name: unique('key'), scopes: ['connections:read'] }),
	fields: { name: required(text(100, ['', 'a\nb'])),
		scopes: { wrong: [5, 'admin', {}, [5], ['no:scope'], ['ü'.repeat(100)], Array(500).fill('audit:read')] } },
	owned: ['id', 'key', 'app_id', 'created_at'],
};
const none = {};

const cases = {
	'GET /health': none,
	'GET /ready': none,
	'GET /api/v1/health': none,
	'GET /api/v1/ready': none,
	'POST /api/v1/oauth/authenticators': newAuthenticator,
	'POST /api/v1/oauth/authenticators/{app_id}': newAuthenticator,
	'POST /api/v1/oauth/authenticators/validate': newAuthenticator,
	'GET /api/v1/oauth/authenticators': none,
	'GET /api/v1/oauth/authenticators/{id}': none,
	'PATCH /api/v1/oauth/authenticators/{id}': changedAuthenticator,
	'PUT /api/v1/oauth/authenticators/{id}': changedAuthenticator,
	'DELETE /api/v1/oauth/authenticators/{id}': none,
	'GET /api/v1/oauth/templates': none,
	'GET /api/v1/oauth/templates/{type}': none,
	'POST /api/v1/credentials/connect-links': {
		body: () => ({ authenticator: 'Provider', user: 'u1', return_to: '/' }),
		fields: {
			authenticator: required(text(200, [''])),
			connection: text(200),
			user: text(200, ['', 'a\nb', '\u007f', 'a\u202eb']),
			return_to: text(2048, ['//evil.test', '/\\evil.test', 'https:evil.test', 'javascript:alert(1)', 'data:,x', 'https://evil.test/']),
			scopes: { wrong: [5, {}, [5], ['not-registered']] },
			expect_account: text(320, ['a\nb']),
			confirm: { wrong: ['true', 1, [], {}] },
			app_id: appIdField,
		},
		owned: ['id', 'url', 'status', 'expires_at'],
	},
	'GET /api/v1/credentials/connect-links/{id}': none,
	'POST /api/v1/credentials/connect-links/{id}/confirm': none,
	'GET /api/v1/credentials/connections': none,
	'GET /api/v1/credentials/oauth/connections': none,
	'DELETE /api/v1/credentials/connections/{ref}': none,
	'DELETE /api/v1/credentials/oauth/connections/{ref}': none,
	'POST /api/v1/apps/{app_id}/oauth/revoke/{ref}': none,
	'GET /api/v1/credentials/connections/{ref}/token': none,
	'POST /api/v1/credentials/connections/{ref}/token/rejected': { body: () => ({ fingerprint: 'of an old token' }),
		fields: { fingerprint: required(text(64, [''])) }, owned: [] },
	'GET /api/v1/apps/{app_id}/service-providers': none,
	'GET /api/v1/apps': none,
	'POST /api/v1/apps': { platform: true, body: () => ({ name: unique('App') }),
		fields: { ...appFields, name: required(appFields.name) }, owned: ['id', 'app_id', 'created_at', 'updated_at'] },
	'GET /api/v1/apps/{app_id}': none,
	'PATCH /api/v1/apps/{app_id}': { body: () => ({ return_to: ['https://a.test/'] }), fields: appFields,
		owned: ['id', 'app_id', 'created_at', 'updated_at'] },
	'GET /api/v1/apps/{app_id}/api-keys': none,
	'POST /api/v1/apps/{app_id}/api-keys': newKey,
	'DELETE /api/v1/apps/{app_id}/api-keys/{key}': none,
	'POST /api/v1/auth/login': { body: () => ({ name: 'admin', password: PASSWORD }),
		fields: { name: required(text(100, [''])), password: required(text(256, [''])) }, owned: [] },
	'POST /api/v1/auth/logout': none,
	'GET /api/v1/user/profile': none,
	'GET /api/v1/user/api-keys': none,
	'POST /api/v1/user/api-keys': newKey,
	'DELETE /api/v1/user/api-keys/{key}': none,
};

// How to make the object that a path parameter names, for one tenant; and one that nobody has.
const hex = (n) => Array.from({ length: n }, () => Math.floor(Math.random() * 16).toString(16)).join('');
const makers = {
	async authenticator(w, app) {
		const made = await w.service.expect(201, 'POST', '/oauth/authenticators',
			{ key: app.key, json: authenticatorAt(w.provider, { name: unique('Target') }) });
		return made.id;
	},
	async link(w, app) {
		return (await connect(w.service, { key: app.key, user: 'u1', account: unique('ada'), confirm: true })).id;
	},
	async connection(w, app) {
		const link = await connect(w.service, { key: app.key, user: 'u1', account: unique('ada') });
		return (await w.service.expect(200, 'GET', `/credentials/connect-links/${link.id}`, { key: app.key })).connection_id;
	},
	async key(w, app) {
		return (await w.service.expect(201, 'POST', `/apps/${app.id}/api-keys`,
			{ key: app.key, json: { name: unique('target'), scopes: [] } })).id;
	},
	app: async (w, app) => app.id,
};

function kindOf(route, param) {
	if (param === 'app_id') return 'app';
	if (param === 'ref') return 'connection';
	if (param === 'key') return 'key';
	if (param === 'id') return route.path.includes('connect-links') ? 'link' : 'authenticator';
	assert.equal(param, 'type', `${route.id}: say what {${param}} is`);
	return null;
}

const paramsOf = (route) => [...route.path.matchAll(/\{(\w+)\}/g)].map((m) => m[1]);

// The route's path with its own objects of `app`; `instead` puts other ids in.
async function pathOf(w, route, app, instead = {}) {
	let { path } = route;
	for (const param of paramsOf(route)) {
		const kind = kindOf(route, param);
		const value = instead[param] ?? (kind ? await makers[kind](w, app) : 'google');
		path = path.replace(`{${param}}`, value);
	}
	return route.path.includes('{ref}') ? `${path}?user=u1${route.path.includes('{app_id}') ? '' : `&app_id=${app.id}`}` : path;
}

const bearer = (key) => ({ authorization: `Bearer ${key}` });
const JSON_TYPE = { 'content-type': 'application/json' };

describe('every API route', () => {
	const w = {};
	const scope = suiteScope();

	before(async () => {
		w.service = await startService(scope);
		w.provider = await startAdversary(scope);
		w.cookie = await signIn(w.service);
		w.a = await makeApp(w.service, 'Tenant A');
		w.b = await makeApp(w.service, 'Tenant B');
		for (const app of [w.a, w.b]) {
			await w.service.expect(201, 'POST', '/oauth/authenticators', { key: app.key, json: authenticatorAt(w.provider) });
			await connect(w.service, { key: app.key, user: 'u1', account: 'first' });
		}
		await w.service.expect(201, 'POST', '/oauth/authenticators', { json: authenticatorAt(w.provider) });
		w.secrets = [w.a.key, w.b.key, w.service.adminKey, CLIENT_SECRET, PASSWORD, w.cookie.split('=')[1]];
		w.assertHealthy = watchHealth(w.service);
	});

	after(() => scope.end());

	// A request with what the route needs, unless told otherwise; every answer is looked at.
	async function call(route, { path, key = w.a.key, headers, json, body, method, secrets = w.secrets } = {}) {
		const res = await send(w.service.url, path ?? await pathOf(w, route, w.a), {
			method: method ?? route.method,
			headers: { ...(key ? bearer(key) : {}), ...(json !== undefined || body !== undefined ? JSON_TYPE : {}), ...headers },
			body: body ?? (json === undefined ? undefined : JSON.stringify(json)),
		});
		assertAnswer(res, { secrets });
		return res;
	}

	const asSession = (headers = { origin: w.service.url }) => ({ key: null, headers: { cookie: w.cookie, ...headers } });

	// Login is called by browsers without a key.
	const caller = (route) => {
		if (route.path === '/api/v1/auth/login') return { key: null, headers: { origin: w.service.url } };
		if (route.who === 'SESSION') return asSession();
		return cases[route.id].platform ? { key: w.service.adminKey } : {};
	};

	const withBody = () => routes.filter((route) => cases[route.id]?.body);
	const bodyOf = (route) => cases[route.id].body(w);

	test('has a case, and every case a route', () => {
		assert.deepEqual(routes.map((r) => r.id).sort(), Object.keys(cases).sort());
		for (const route of routes.filter((r) => cases[r.id].body)) assert.ok(cases[route.id].fields, route.id);
	});

	test('without a key, with a broken or a revoked one: 401', async () => {
		const dead = await makeApp(w.service, 'Short lived');
		await w.service.expect(200, 'DELETE', `/apps/${dead.id}/api-keys/${dead.keyId}`);
		const flipped = w.a.key.slice(0, -1) + (w.a.key.endsWith('A') ? 'B' : 'A');
		const broken = [{}, bearer('x'), bearer(''), bearer(dead.key), bearer(flipped), bearer(w.a.key.slice(0, -1)), bearer('x'.repeat(9000)),
			bearer(`${w.a.key} ${w.a.key}`), { authorization: `Basic ${btoa(`${w.a.key}:`)}` }, { authorization: w.a.key },
			{ 'x-api-key': 'x' }, { 'x-api-key': '' }, { authorization: 'Bearer x', 'x-api-key': w.a.key },
			{ cookie: 'fw_session=x' }, { cookie: `fw_session=${'x'.repeat(43)}` }];
		for (const route of routes.filter((r) => r.who !== 'ANYBODY')) {
			const path = await pathOf(w, route, w.a);
			for (const headers of broken) {
				const res = await call(route, { path, key: null, headers, json: cases[route.id].body ? bodyOf(route) : undefined });
				assert.equal(res.status, 401, `${route.id} ${JSON.stringify(headers).slice(0, 80)}: ${res.text}`);
				assert.equal(res.body.error, 'unauthenticated');
			}
		}
	});

	test('health needs no key', async () => {
		for (const route of routes.filter((r) => /health|ready/.test(r.path))) {
			for (const headers of [{}, { cookie: 'fw_session=x' }, { 'x-anything': 'x' }]) {
				const res = await call(route, { key: null, headers });
				assert.equal(res.status, 200);
				assert.equal(res.body.status, /health/.test(route.path) ? 'ok' : 'ready');
			}
		}
	});

	test('a key with every scope but the needed one: 403 that names it', async () => {
		for (const route of routes.filter((r) => r.scope)) {
			const scopes = SCOPES.filter((s) => s !== route.scope && s !== 'admin');
			const { key } = await w.service.expect(201, 'POST', `/apps/${w.a.id}/api-keys`, { json: { name: 'narrow', scopes } });
			const res = await call(route, { key, json: cases[route.id].body ? bodyOf(route) : undefined, secrets: [key, ...w.secrets] });
			assert.equal(res.status, 403, `${route.id}: ${res.text}`);
			assert.equal(res.body.error, 'forbidden');
			assert.ok(res.body.detail.includes(route.scope), res.text);
		}
	});

	test('a key with the needed scope alone is let in', async () => {
		for (const route of routes.filter((r) => r.who !== 'SESSION' && r.who !== 'ANYBODY')) {
			const { key } = await w.service.expect(201, 'POST', cases[route.id].platform ? '/user/api-keys' : `/apps/${w.a.id}/api-keys`,
				{ json: { name: 'just right', scopes: route.scope ? [route.scope] : [] } });
			const json = cases[route.id].body ? { ...bodyOf(route), ...(/api-keys/.test(route.path) ? { scopes: [] } : {}) } : undefined;
			const res = await call(route, { key, json });
			assert.ok(res.status === 200 || res.status === 201, `${route.id}: ${res.status} ${res.text}`);
		}
	});

	test('a session where only keys may: 403; a key where only sessions may: 401', async () => {
		for (const route of routes.filter((r) => r.who === 'KEY')) {
			assert.equal((await call(route, asSession())).status, 403, route.id);
		}
		for (const route of routes.filter((r) => r.who === 'SESSION')) {
			assert.equal((await call(route, {})).status, 401, route.id);
		}
	});

	test('WB-03: an unsafe method by cookie needs to come from our own pages', async () => {
		const own = w.service.url;
		const foreign = [{}, { origin: 'https://evil.test' }, { origin: 'null' }, { origin: `${own}.evil.test` }, { origin: own.replace('http:', 'https:') },
			{ origin: `${own}1` }, { origin: '' }, { origin: 'null', 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'cross-site' },
			{ 'sec-fetch-site': 'same-site' }, { 'sec-fetch-site': 'none' }, { origin: own, 'sec-fetch-site': 'cross-site' },
			{ origin: own, 'sec-fetch-site': 'same-site' }, { origin: 'https://evil.test', 'sec-fetch-site': 'same-origin' }, { referer: `${own}/` }];
		for (const route of routes.filter((r) => r.method !== 'GET')) {
			const json = cases[route.id].body ? bodyOf(route) : undefined;
			const path = await pathOf(w, route, w.a);
			for (const headers of foreign) {
				const res = await call(route, { path, key: null, headers: { cookie: w.cookie, ...headers }, json });
				assert.equal(res.status, 403, `${route.id} ${JSON.stringify(headers)}: ${res.text}`);
				assert.equal(res.headers['set-cookie'], undefined);
			}
			for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data; boundary=x']) {
				for (const body of ['', '{}']) {
					const res = await call(route, { path, key: null, body, headers: { cookie: w.cookie, origin: own, 'content-type': type } });
					assert.ok(route.who === 'KEY' ? res.status === 403 : res.status === 400, `${route.id} ${type} '${body}': ${res.status}`);
				}
			}
		}
	});

	test('our own pages may', async () => {
		for (const route of routes.filter((r) => r.method !== 'GET' && r.who !== 'KEY')) {
			for (const headers of [{ origin: w.service.url }, { 'sec-fetch-site': 'same-origin' },
				{ origin: w.service.url, 'sec-fetch-site': 'same-origin' }]) {
				const cookie = /logout/.test(route.path) ? await secondSession() : w.cookie;
				const path = (await pathOf(w, route, w.a)).replace('user=u1', 'x=1');
				const res = await call(route, { path, key: null, headers: { cookie, ...headers },
					json: cases[route.id].body ? withoutUser(bodyOf(route)) : undefined });
				assert.ok(res.status < 300 || (route.path.includes('{ref}') && res.status === 404), `${route.id}: ${res.status} ${res.text}`);
			}
		}
	});

	const withoutUser = ({ user, ...rest }) => rest;

	async function secondSession() {
		const res = await send(w.service.url, '/api/v1/auth/login', { method: 'POST',
			headers: { ...JSON_TYPE, origin: w.service.url }, body: JSON.stringify({ name: 'admin', password: PASSWORD }) });
		assert.equal(res.status, 200, res.text);
		const [cookie] = res.headers['set-cookie'];
		assert.match(cookie, /; HttpOnly; SameSite=Lax/);
		return cookie.split(';')[0];
	}

	test('AP-02: an id of somebody else answers like one that does not exist', async () => {
		for (const route of routes.filter((r) => paramsOf(r).some((p) => kindOf(r, p)))) {
			for (const param of paramsOf(route)) {
				const json = cases[route.id].body ? bodyOf(route) : undefined;
				const own = await pathOf(w, route, w.a, {});
				const theirs = await makers[kindOf(route, param)](w, w.b);
				const nobodys = hex(theirs.length);
				const answers = [];
				for (const id of [nobodys, theirs]) {
					const at = route.path.split('/').indexOf(`{${param}}`);
					const path = own.split('?')[0].split('/').with(at, id).join('/') + (own.includes('?') ? `?${own.split('?')[1]}` : '');
					const res = await call(route, { path, json });
					const { 'x-request-id': requestId, date, ...headers } = res.headers;
					assert.ok(requestId && date);
					answers.push({ status: res.status, headers, text: res.text.replaceAll(requestId, '-').replaceAll(id, 'ID') });
				}
				assert.deepEqual(answers[1], answers[0], `${route.id} {${param}}`);
				assert.ok([404, 422].includes(answers[0].status), `${route.id} {${param}}: ${answers[0].status}`);
				if (param !== 'app_id') assert.equal(answers[0].status, 404, route.id);
				const res = await call(route, { path: own, json });
				assert.ok(res.status < 300, `${route.id}: the same with an own id: ${res.status} ${res.text}`);
			}
		}
	});

	test('AP-02: so does an app_id in query and body', async () => {
		for (const route of routes.filter((r) => cases[r.id].fields?.app_id || /\/connections|authenticators$/.test(r.path))) {
			if (route.path.endsWith('{id}') || route.path.endsWith('validate') || route.path.endsWith('{app_id}')) continue;
			const answers = [];
			for (const id of [hex(w.b.id.length), w.b.id]) {
				const inBody = cases[route.id].body !== undefined;
				const path = (await pathOf(w, route, w.a, { ref: 'Provider' })).split('?')[0] + (inBody ? '' : `?app_id=${id}`);
				const res = await call(route, { path, json: inBody ? { ...bodyOf(route), app_id: id } : undefined });
				assert.equal(res.status, 422, `${route.id}: ${res.text}`);
				assert.deepEqual(Object.keys(res.body.fields), ['app_id']);
				answers.push(res.text.replaceAll(res.headers['x-request-id'], '-').replaceAll(id, 'ID'));
			}
			assert.equal(answers[1], answers[0], route.id);
		}
	});

	test('each field: missing, of a wrong type, too long', async () => {
		for (const route of withBody()) {
			const path = await pathOf(w, route, w.a);
			for (const [field, { required: isRequired, wrong }] of Object.entries(cases[route.id].fields)) {
				const [name, member] = field.split('.');
				const tries = wrong.map((value) => ({ ...bodyOf(route),
					[name]: member ? { ...bodyOf(route)[name], [member]: value } : value }));
				if (isRequired) {
					const { [field]: gone, ...rest } = bodyOf(route);
					tries.push(rest, { ...rest, [field]: null });
				}
				for (const json of tries) {
					const res = await call(route, { path, json, ...caller(route) });
					const said = `${route.id} ${field}: ${JSON.stringify(json[name])?.slice(0, 600)}: ${res.status} ${res.text}`;
					assert.equal(res.status, 422, said);
					assert.ok(Object.keys(res.body.fields).some((f) => f === field || f === (member ?? name) || f.startsWith(`${field}.`)), said);
					assert.equal(res.body.error, 'validation_failed', said);
				}
			}
		}
	});

	test('unknown fields are named, all of them, and not kept', async () => {
		const unknown = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`no_such_${i}`, `kept-${i}`]));
		for (const route of withBody()) {
			const res = await call(route, { json: { ...bodyOf(route), ...unknown }, ...caller(route) });
			assert.ok(res.status === 200 || res.status === 201, `${route.id}: ${res.text}`);
			assert.deepEqual(res.body.ignored?.toSorted(), Object.keys(unknown).toSorted(), `${route.id}: ${res.text}`);
			assert.ok(!res.text.includes('kept-'), res.text);
			const plain = await call(route, { json: bodyOf(route), ...caller(route) });
			assert.equal(plain.body.ignored, undefined, `${route.id}: ${plain.text}`);
		}
	});

	test('AP-04: fields that the server owns are refused', async () => {
		for (const route of withBody()) {
			const path = await pathOf(w, route, w.a);
			for (const field of cases[route.id].owned) {
				const res = await call(route, { path, json: { ...bodyOf(route), [field]: 'mine' }, ...caller(route) });
				assert.equal(res.status, 422, `${route.id} ${field}: ${res.text}`);
				assert.deepEqual(Object.keys(res.body.fields), [field], route.id);
			}
		}
	});

	test('what was read can be sent back unchanged', async () => {
		for (const route of routes.filter((r) => (r.method === 'PATCH' || r.method === 'PUT') && cases[r.id].body)) {
			const path = await pathOf(w, route, w.a);
			const read = await call(route, { path, method: 'GET' });
			const res = await call(route, { path, json: read.body });
			assert.equal(res.status, 200, `${route.id}: ${res.text}`);
			assert.equal(res.body.ignored, undefined, res.text);
			const { updated_at: before, ...was } = read.body;
			const { updated_at: after, ...is } = res.body;
			assert.ok(before && after);
			assert.deepEqual(is, was);
		}
	});

	test('bodies that are no JSON object', async () => {
		const bad = ['{', '[', '{}x', '{} {}', '[]', '[{}]', 'null', '5', '"x"', 'name=x', '{"name":"a","name":"b"}', '{"name":"\\u0000"}', '{"a":1e999}x',
			`${'['.repeat(40)}${']'.repeat(40)}`, `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`, '{"name":"\ud800"}', '{name:1}', '{\'a\':1}', '{"a":01}', '//\n{}',
			'\ufeff{}', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), '{"a":"\n"}', '{"a":NaN}', '{"a":1,}'];
		for (const route of routes.filter((r) => r.method !== 'GET')) {
			const path = await pathOf(w, route, w.a);
			for (const body of bad) {
				// A lone surrogate is replaced by node before it is sent, so that body is honest.
				if (body === '{"name":"\ud800"}') continue;
				const res = await call(route, { path, body, ...caller(route), headers: { ...JSON_TYPE, ...caller(route).headers } });
				assert.equal(res.status, 400, `${route.id} ${body}: ${res.status} ${res.text}`);
			}
		}
	});

	test('a body that is not called JSON', async () => {
		for (const route of withBody()) {
			const path = await pathOf(w, route, w.a);
			for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonp', 'text/json', '']) {
				const who = caller(route);
				const res = await call(route, { path, json: bodyOf(route), ...who, headers: { ...who.headers, 'content-type': type } });
				assert.equal(res.status, 400, `${route.id} '${type}': ${res.text}`);
				assert.match(res.body.hint, /application\/json/);
			}
			for (const type of ['application/json; charset=utf-8', 'Application/JSON', 'application/json;charset=UTF-8']) {
				const who = caller(route);
				const res = await call(route, { path, json: bodyOf(route), ...who, headers: { ...who.headers, 'content-type': type } });
				assert.ok(res.status < 300, `${route.id} ${type}: ${res.text}`);
			}
		}
	});

	test('DO-01: a body of 64 KiB is read, one byte more is 413', async () => {
		for (const route of withBody()) {
			for (const [size, good] of [[BODY_MAX - 1, true], [BODY_MAX, true], [BODY_MAX + 1, false]]) {
				const json = JSON.stringify(bodyOf(route));
				const res = await call(route, { body: json + ' '.repeat(size - Buffer.byteLength(json)), ...caller(route) });
				if (good) assert.ok(res.status < 300, `${route.id} ${size}: ${res.text}`);
				else assert.equal(res.status, 413, `${route.id} ${size}: ${res.text}`);
			}
		}
	});

	test('DO-01: paths and heads that are too long', async () => {
		for (const [path, headers, status] of [[`/api/v1/${'x'.repeat(8 * 1024)}`, {}, 414], [`/api/v1/apps?x=${'x'.repeat(8 * 1024)}`, {}, 414],
			['/api/v1/apps', { 'x-a': 'x'.repeat(15 * 1024), 'x-b': 'x'.repeat(2 * 1024) }, 431],
			['/api/v1/apps', Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`x-${i}`, 'x'])), 431]]) {
			const res = await send(w.service.url, path, { headers: { ...bearer(w.a.key), ...headers } });
			assertAnswer(res, { secrets: w.secrets });
			assert.equal(res.status, status, res.text);
		}
	});

	test('another method: 405 with what is allowed', async () => {
		const fits = (pattern, path) => {
			const [p, q] = [pattern.split('/'), path.split('?')[0].split('/')];
			return p.length === q.length && p.every((s, i) => s === q[i] || s.startsWith('{'));
		};
		for (const route of routes) {
			const path = await pathOf(w, route, w.a);
			const allowed = new Set(routes.filter((r) => fits(r.path, path)).map((r) => r.method));
			if (allowed.has('GET')) allowed.add('HEAD');
			for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD']) {
				if (allowed.has(method)) continue;
				const res = await call(route, { path, method });
				assert.equal(res.status, 405, `${method} ${path}: ${res.status}`);
				assert.deepEqual(res.headers.allow?.split(', ').toSorted(), [...allowed].sort(), `${method} ${path}`);
			}
			for (const method of ['TRACE', 'PROPFIND', 'LOCK']) {
				const res = await call(route, { path, method });
				assert.ok(res.status === 405 || res.status === 501, `${method}: ${res.status}`);
			}
		}
	});

	test('HEAD answers like GET, without a body', async () => {
		for (const route of routes.filter((r) => r.method === 'GET')) {
			const path = await pathOf(w, route, w.a);
			const get = await call(route, { path });
			const head = await call(route, { path, method: 'HEAD' });
			assert.equal(head.status, get.status, route.id);
			assert.equal(head.text, '');
			assert.equal(head.headers['content-type'], get.headers['content-type']);
			assert.equal((await call(route, { path, method: 'HEAD', key: 'x' })).status, route.who === 'ANYBODY' ? head.status : 401);
		}
	});

	test('queries that two readers could take differently: 400', async () => {
		for (const route of routes.filter((r) => r.who !== 'ANYBODY')) {
			const path = await pathOf(w, route, w.a);
			for (const query of ['user=a&user=b', 'app_id=%', 'app_id=%zz', 'user=%00', 'user=%ff', '=x', Array(33).fill(0).map((_, i) => `p${i}=1`).join('&')]) {
				const res = await call(route, { path: `${path.split('?')[0]}?${query}`, ...caller(route) });
				assert.equal(res.status, 400, `${route.id} ${query}: ${res.status} ${res.text}`);
			}
		}
	});

	test('paths that are no route: 404 in the same shape', async () => {
		for (const path of ['/api/v1', '/api/v1/nothing', '/api/v2/apps', '/api/v1/apps/x/y/z/w', '/api/v1/oauth', '/api/v1/apps/x/service-providers/y']) {
			for (const key of [w.a.key, null]) {
				const res = await send(w.service.url, path, { headers: key ? bearer(key) : {} });
				assertAnswer(res, { secrets: w.secrets });
				assert.equal(res.status, 404, path);
				assert.equal(typeof res.body.error, 'string', path);
			}
		}
		for (const path of ['/api/v1/../apps', '/api/v1/%2e%2e/apps', '/api/v1/apps/%00', '/api/v1/apps/%ff', '/api/v1/apps/%', '/api/v1/apps/a%0d%0ab']) {
			const res = await send(w.service.url, path, { headers: bearer(w.a.key) });
			assertAnswer(res, { secrets: w.secrets });
			assert.ok([400, 404].includes(res.status), `${path}: ${res.status}`);
		}
	});

	test('no role was restarted, nothing is logged as an error', () => w.assertHealthy());
});
