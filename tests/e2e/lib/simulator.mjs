// SPDX-License-Identifier: Apache-2.0
//
// A provider as its template describes it: what the template says is sent is insisted on, what it says is answered is answered
// so. A request that does not fit is refused and noted, so that a test can say what was wrong. Beside it stand the oddities that
// no template can say (ODDITIES).

import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { createServer } from 'node:http';

const CODES = { invalid_grant: 400, invalid_client: 401, invalid_request: 400 };

// type: what this provider does beside its template, for the tests to see that it does no harm.
const ODDITIES = {
	google: { refreshAnswerLacks: ['refresh_token'] },
	github: { errorStatus: 200 },
	github_app: { errorStatus: 200 },
	slack: { errorStatus: 200 },
	slack_user: { errorStatus: 200 },
	atlassian: { errorStatus: 403 },
	asana: { refreshAnswerLacks: ['refresh_token'], answer: { data: { id: 1, name: 'Ann' } } },
	figma: { refreshAnswerLacks: ['refresh_token'] },
	salesforce: { answer: { issued_at: '1700000000000', signature: 'x' } },
	stripe: { answer: { stripe_publishable_key: 'pk_test_x' } },
	twitch: { scopesAsArray: true },
};

const base64url = (value) => Buffer.from(value).toString('base64url');
const sha256 = (text) => createHash('sha256').update(text).digest();

function put(object, path, value) {
	const parts = path.split('.');
	const last = parts.pop();
	let at = object;
	for (const part of parts) at = (at[part] ??= {});
	if (at[last] === undefined) at[last] = value;
}

// The template's values where it is silent, as providers/FORMAT.md has them in brackets.
function withDefaults(profile) {
	return {
		client_auth: 'client_secret_basic', pkce: 'S256', token_encoding: 'form', scope_separator: ' ', answer_scope: 'scope',
		error_path: 'error', identity_method: 'GET', identity_scheme: 'Bearer', identity_subject: 'sub', identity_label: 'email',
		revoke_style: 'rfc7009', revoke_ends: 'grant', param_names: {}, error_names: {}, authorize_params: {}, token_params: {},
		refresh_params: {}, token_headers: {}, identity_headers: {}, keep_from_callback: [], keep_from_answer: [],
		...profile,
		expires_in: { path: 'expires_in', unit: 's', zero_is_never: false, assumed_s: 0, ...profile.expires_in },
		rotation: typeof profile.rotation === 'string' ? { class: profile.rotation } : profile.rotation ?? { class: 'U' },
	};
}

export class Simulator {
	requests = { authorize: [], token: [], refresh: [], identity: [], revoke: [] };

	problems = []; // what did not fit, in words

	constructor(template, { client, life }) {
		this.template = template;
		this.profile = withDefaults(template.profile);
		this.client = client;
		this.life = life; // seconds of an access token
		this.odd = ODDITIES[template.type] ?? {};
		this.codes = new Map();
		this.refreshTokens = new Map(); // token → { family, live, until }
		this.accessTokens = new Set();
		this.serial = 0;
		if (this.profile.issuer || this.profile.jwks_url) this.key = generateKeyPairSync('rsa', { modulusLength: 2048 });
	}

	async start() {
		this.server = createServer((req, res) => this.#take(req, res).catch((e) => {
			this.problems.push(String(e));
			res.writeHead(500).end();
		}));
		await new Promise((done) => { this.server.listen(0, '127.0.0.1', done); });
		this.url = `http://127.0.0.1:${this.server.address().port}`;
		return this;
	}

	stop() { return new Promise((done) => { this.server.close(done); this.server.closeAllConnections(); }); }

	// The template's own endpoints, here: everything else of an authenticator is as the template has it.
	get configuration() {
		const p = this.profile;
		return {
			...(p.refresh_url ? { refresh_url: `${this.url}/refresh` } : {}),
			...(p.revoke_url ? { revoke_url: `${this.url}/revoke` } : {}),
			...(p.identity_url ? { identity_url: `${this.url}/me` } : {}),
			...(p.issuer ? { issuer: this.url } : {}),
			...(p.jwks_url ? { jwks_url: `${this.url}/jwks` } : {}),
		};
	}

	get endpoints() { return { authorize_url: `${this.url}/authorize`, token_url: `${this.url}/token` }; }

	get subject() { return 'account-of-ann'; }

	// Ours is called `name`; what the provider calls it.
	name(name) { return this.profile.param_names[name] ?? name; }

	async #take(req, res) {
		const url = new URL(req.url, this.url);
		const parts = [];
		for await (const part of req) parts.push(part);
		const seen = { method: req.method, path: url.pathname, query: Object.fromEntries(url.searchParams), headers: req.headers, body: Buffer.concat(parts).toString() };
		const ways = { '/authorize': this.#authorize, '/token': this.#token, '/refresh': this.#token, '/me': this.#identity, '/revoke': this.#revoke,
			'/.well-known/openid-configuration': this.#metadata, '/jwks': this.#jwks };
		const way = ways[url.pathname] ?? (url.pathname.startsWith('/revoke/') ? this.#revoke : undefined);
		if (!way) return res.writeHead(404).end();
		return way.call(this, seen, (status, body, headers = { 'content-type': 'application/json' }) => res.writeHead(status, headers)
			.end(body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)));
	}

	#want(ok, problem) {
		if (!ok) this.problems.push(problem);
		return ok;
	}

	#authorize(seen, answer) {
		const { query } = seen;
		this.requests.authorize.push(seen);
		const code = `code-${randomBytes(12).toString('hex')}`;
		this.codes.set(code, query);
		const back = new URL(query[this.name('redirect_uri')]);
		back.searchParams.set('code', code);
		back.searchParams.set('state', query.state);
		if (this.profile.iss_in_callback) back.searchParams.set('iss', this.url);
		for (const name of this.profile.keep_from_callback) back.searchParams.set(name, `kept-${name}`);
		answer(302, '', { location: back.href });
	}

	#parameters(seen) {
		const type = seen.headers['content-type'] ?? '';
		if (this.profile.token_encoding === 'json') {
			this.#want(type.startsWith('application/json'), `a token request of type ${type}, not JSON`);
			try { return JSON.parse(seen.body); } catch { this.problems.push(`no JSON: ${seen.body}`); return {}; }
		}
		this.#want(type.startsWith('application/x-www-form-urlencoded'), `a token request of type ${type}, not a form`);
		return Object.fromEntries(new URLSearchParams(seen.body));
	}

	#clientFits(seen, body) {
		const { client_auth: way } = this.profile;
		const { authorization } = seen.headers;
		const [id, secret] = [body[this.name('client_id')], body[this.name('client_secret')]];
		if (way === 'client_secret_basic') {
			const wanted = `Basic ${Buffer.from(`${encodeURIComponent(this.client.id)}:${encodeURIComponent(this.client.secret)}`).toString('base64')}`;
			return this.#want(authorization === wanted && secret === undefined, 'client authentication: Basic is wanted, and nothing in the body');
		}
		return this.#want(authorization === undefined && id === this.client.id && (way === 'none' ? secret === undefined : secret === this.client.secret),
			`client authentication: ${way} is wanted, by the names ${this.name('client_id')} and ${this.name('client_secret')}`);
	}

	#token(seen, answer) {
		const body = this.#parameters(seen);
		const isRefresh = body.grant_type === 'refresh_token';
		this.requests[isRefresh ? 'refresh' : 'token'].push({ ...seen, parameters: body });
		this.#want(Object.keys(seen.query).length === 0, `a token request with a query: ${JSON.stringify(seen.query)}`);
		this.#want(seen.path === (isRefresh && this.profile.refresh_url ? '/refresh' : '/token'), `${body.grant_type} at ${seen.path}`);
		for (const [name, value] of Object.entries(this.profile.token_headers)) {
			this.#want(seen.headers[name.toLowerCase()] === value, `the header ${name} is ${seen.headers[name.toLowerCase()]}, not ${value}`);
		}
		for (const [name, value] of Object.entries(isRefresh ? this.profile.refresh_params : this.profile.token_params)) {
			this.#want(body[name] === value, `${name} is ${body[name]}, not ${value}`);
		}
		if (!this.#clientFits(seen, body)) return this.#refuse('invalid_client', answer);
		return isRefresh ? this.#refresh(body, answer) : this.#exchange(body, answer);
	}

	#exchange(body, answer) {
		const code = body[this.name('code')];
		const began = this.codes.get(code);
		this.codes.delete(code);
		if (!this.#want(began, `an unknown code ${code}`)) return this.#refuse('invalid_grant', answer);
		this.#want(body.grant_type === 'authorization_code', `grant_type ${body.grant_type}`);
		this.#want(body[this.name('redirect_uri')] === began[this.name('redirect_uri')], 'another redirect_uri than at the start');
		const verified = this.profile.pkce === 'none' ? body.code_verifier === undefined
			: began.code_challenge === sha256(body.code_verifier ?? '').toString('base64url');
		if (!this.#want(verified, 'the code_verifier')) return this.#refuse('invalid_grant', answer);
		return this.#issue({ scope: began[this.name('scope')] ?? '', family: `family-${++this.serial}`, nonce: began.nonce, first: true, refresh: this.#isOffline(began) }, answer);
	}

	// Whether this provider issues a refresh token for such a request.
	#isOffline(began) {
		const { offline } = this.template;
		if (offline?.scope) return (began[this.name('scope')] ?? '').split(this.profile.scope_separator).includes(offline.scope);
		if (offline?.param) return began[offline.param] === this.profile.authorize_params[offline.param];
		return true;
	}

	#refresh(body, answer) {
		const token = body[this.name('refresh_token')];
		const known = this.refreshTokens.get(token);
		const { class: rotation } = this.profile.rotation;
		if (!this.#want(known && known.until > Date.now(), `a refresh token that is unknown or over: ${token}`)) return this.#refuse('invalid_grant', answer);
		if (this.profile.refresh_sends_redirect_uri) this.#want(Boolean(body[this.name('redirect_uri')]), 'a refresh without redirect_uri');
		if (rotation === 'R3' || rotation === 'R4' || rotation === 'U') known.until = 0;
		if (rotation === 'R2') known.until = Date.now() + (this.profile.rotation.window_s ?? 0) * 1000;
		return this.#issue({ ...known, first: false, refresh: rotation !== 'R0' && !this.odd.refreshAnswerLacks?.includes('refresh_token') }, answer);
	}

	#issue({ scope, family, nonce, first, refresh }, answer) {
		const p = this.profile;
		const access = `access-${++this.serial}-${randomBytes(8).toString('hex')}`;
		const top = {};
		const t = p.token_path ? {} : top;
		if (p.token_path) put(top, p.token_path, t);
		this.accessTokens.add(access);
		if (p.error_flag) put(top, p.error_flag, true);
		t.access_token = access;
		if (p.bearer_names) t.token_type = p.bearer_names.split(' ')[0];
		else if (!p.token_type_optional) t.token_type = 'bearer';
		if (refresh) {
			t.refresh_token = `refresh-${this.serial}-${randomBytes(8).toString('hex')}`;
			this.refreshTokens.set(t.refresh_token, { scope, family, until: Infinity });
		}
		if (!p.expires_in.zero_is_never) put(t, p.expires_in.path, p.expires_in.unit === 'ms' ? this.life * 1000 : this.life);
		else put(t, p.expires_in.path, 0);
		const granted = scope.split(p.scope_separator).filter(Boolean);
		if (granted.length) put(t, p.answer_scope, this.odd.scopesAsArray ? granted : granted.join(p.scope_comma_in_answer ? ',' : ' '));
		for (const path of p.keep_from_answer) put(top, path, `kept-${path}`);
		for (const path of (p.answer_subject ?? '').split(' ').filter(Boolean)) put(top, path, this.subject);
		if (p.refresh_life?.path && refresh) put(t, p.refresh_life.path, 86400);
		if (first && this.key && granted.includes('openid')) t.id_token = this.#idToken(nonce);
		Object.assign(top, this.odd.answer);
		if (p.form_answers) return answer(200, new URLSearchParams(top).toString(), { 'content-type': 'application/x-www-form-urlencoded' });
		return answer(200, top);
	}

	#refuse(known, answer) {
		const p = this.profile;
		const theirs = Object.entries(p.error_names).find(([, standard]) => standard === known)?.[0] ?? known;
		const body = {};
		if (p.error_flag) put(body, p.error_flag, false);
		put(body, p.error_path, theirs);
		return answer(this.odd.errorStatus ?? CODES[known] ?? 400, body);
	}

	#identity(seen, answer) {
		const p = this.profile;
		this.requests.identity.push(seen);
		const [scheme, token] = (seen.headers.authorization ?? ' ').split(' ');
		this.#want(seen.method === p.identity_method, `identity by ${seen.method}`);
		this.#want(scheme === p.identity_scheme, `identity with the scheme ${scheme}`);
		this.#want(this.accessTokens.has(token), 'identity with an unknown token');
		this.#want(!p.identity_body || seen.body === p.identity_body, `identity with the body ${seen.body}`);
		for (const [name, value] of Object.entries(p.identity_headers)) {
			const wanted = value.replaceAll('{client_id}', this.client.id);
			this.#want(seen.headers[name.toLowerCase()] === wanted, `identity: the header ${name} is ${seen.headers[name.toLowerCase()]}, not ${wanted}`);
		}
		const body = {};
		if (p.error_flag) put(body, p.error_flag, true);
		for (const path of p.identity_subject.split(' ').filter(Boolean)) put(body, path, this.subject);
		for (const path of p.identity_label.split(' ').filter(Boolean)) put(body, path, 'ann@example.org');
		return answer(200, body);
	}

	#revoke(seen, answer) {
		const p = this.profile;
		this.requests.revoke.push(seen);
		const bearer = (seen.headers.authorization ?? '').replace(/^Bearer /, '');
		const known = (token) => this.refreshTokens.has(token) || this.accessTokens.has(token);
		const ways = {
			rfc7009: () => seen.method === 'POST' && known(new URLSearchParams(seen.body).get('token')),
			github: () => seen.method === 'DELETE' && seen.path === `/revoke/${this.client.id}/token` && known(JSON.parse(seen.body).access_token),
			bearer: () => seen.method === 'POST' && known(bearer),
			bearer_delete: () => seen.method === 'DELETE' && known(bearer),
			json: () => seen.method === 'POST' && known(JSON.parse(seen.body).token),
		};
		this.#want(ways[p.revoke_style](), `a revocation that is not ${p.revoke_style}: ${seen.method} ${seen.path} ${seen.body}`);
		this.#want(Object.keys(seen.query).length === 0, 'a revocation with a query');
		return p.error_flag ? answer(200, { [p.error_flag]: true }) : answer(200, {});
	}

	#metadata(seen, answer) {
		return answer(200, { issuer: this.url, authorization_endpoint: `${this.url}/authorize`, token_endpoint: `${this.url}/token`, jwks_uri: `${this.url}/jwks`,
			response_types_supported: ['code'], subject_types_supported: ['public'], id_token_signing_alg_values_supported: ['RS256'] });
	}

	#jwks(seen, answer) {
		return answer(200, { keys: this.key ? [{ ...this.key.publicKey.export({ format: 'jwk' }), kid: 'k1', use: 'sig', alg: 'RS256' }] : [] });
	}

	#idToken(nonce) {
		const now = Math.floor(Date.now() / 1000);
		const text = `${base64url(JSON.stringify({ alg: 'RS256', kid: 'k1' }))}.${base64url(JSON.stringify({ iss: this.url, sub: this.subject, aud: this.client.id,
			iat: now, exp: now + 300, ...(nonce ? { nonce } : {}), email: 'ann@example.org' }))}`;
		return `${text}.${sign('sha256', Buffer.from(text), this.key.privateKey).toString('base64url')}`;
	}
}
