// SPDX-License-Identifier: Apache-2.0
//
// The provider as a client sees it: the code flow with PKCE, rotation, what reuse does to a family,
// and that a restart forgets nothing. Each test has a provider process of its own on a free port.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';

const SERVER = join(import.meta.dirname, 'server.mjs');
const CLIENT = { client_id: 'tester', client_secret: 's:e c%ret+&=' };
const REDIRECT = 'http://127.0.0.1:1/auth/callback/x';

function writeClients(dir, uris) {
	writeFileSync(join(dir, 'clients.json'), JSON.stringify([{ ...CLIENT, redirect_uris: uris }]));
}

async function start(t, dir, { port = 0, env = {} } = {}) {
	const child = spawn(process.execPath,
		[SERVER, '--port', String(port), '--state', join(dir, 'state.json'),
			'--clients', join(dir, 'clients.json')],
		{ env: { ...env, PRACTICE_STATS: '1' }, stdio: ['ignore', 'pipe', 'pipe'] });
	let errors = '';
	child.stderr.on('data', (d) => { errors += d; });
	const lines = createInterface({ input: child.stdout });
	const printed = [];
	lines.on('line', (l) => printed.push(l));
	await Promise.race([once(lines, 'line'), once(child, 'exit')]);
	assert.match(printed[0] ?? errors, /^ready http:\/\/localhost:\d+$/);
	const issuer = printed[0].slice('ready '.length);
	const stop = async (signal = 'SIGTERM') => {
		if (child.exitCode === null && child.signalCode === null) {
			child.kill(signal);
			await once(child, 'exit');
		}
		return child.exitCode;
	};
	t.after(() => stop('SIGKILL'));
	return { issuer, port: Number(new URL(issuer).port), stop, printed, errors: () => errors };
}

function workspace(t) {
	const dir = mkdtempSync(join(tmpdir(), 'practice-'));
	t.after(() => rmSync(dir, { recursive: true, force: true }));
	writeClients(dir, [REDIRECT]);
	return dir;
}

// A browser as far as this flow needs one: follows redirects by hand and keeps cookies by path.
class Browser {
	cookies = new Map();

	async go(url, form) {
		const { pathname } = new URL(url);
		const cookie = [...this.cookies.values()]
			.filter((c) => pathname.startsWith(c.path)).map((c) => c.pair).join('; ');
		const res = await fetch(url, {
			redirect: 'manual',
			headers: cookie ? { cookie } : {},
			...(form ? { method: 'POST', body: new URLSearchParams(form) } : {}),
		});
		for (const line of res.headers.getSetCookie()) {
			const pair = line.split(';')[0];
			const path = /path=([^;]*)/i.exec(line)?.[1] ?? '/';
			this.cookies.set(`${pair.split('=')[0]} ${path}`, { pair, path });
		}
		return res;
	}
}

const challengeOf = (verifier) => createHash('sha256').update(verifier).digest('base64url');

function authorizeUrl(issuer, verifier, extra = {}) {
	const url = new URL('/auth', issuer);
	url.search = new URLSearchParams({
		client_id: CLIENT.client_id,
		response_type: 'code',
		redirect_uri: REDIRECT,
		scope: 'openid email profile offline_access',
		prompt: 'consent',
		state: 'state-1',
		nonce: 'nonce-1',
		code_challenge: challengeOf(verifier),
		code_challenge_method: 'S256',
		...extra,
	});
	return url.href;
}

// Walks through the page and returns the query of the redirect to the client.
async function authorize(browser, issuer, verifier, { answer = { login: 'ada' }, extra } = {}) {
	let res = await browser.go(authorizeUrl(issuer, verifier, extra));
	assert.equal(res.status, 303);
	const page = new URL(res.headers.get('location'), issuer).href;
	assert.match(page, /\/interaction\//);
	res = await browser.go(page, answer);
	assert.equal(res.status, 303, await res.clone().text());
	res = await browser.go(new URL(res.headers.get('location'), issuer).href);
	assert.equal(res.status, 303);
	const back = res.headers.get('location');
	assert.ok(back.startsWith(`${REDIRECT}?`), back);
	return Object.fromEntries(new URL(back).searchParams);
}

async function tokenRequest(issuer, form, { how = 'basic' } = {}) {
	const body = new URLSearchParams(form);
	const headers = {};
	if (how === 'basic') {
		const part = (v) => encodeURIComponent(v);
		headers.authorization = `Basic ${Buffer.from(
			`${part(CLIENT.client_id)}:${part(CLIENT.client_secret)}`).toString('base64')}`;
	} else {
		body.set('client_id', CLIENT.client_id);
		body.set('client_secret', CLIENT.client_secret);
	}
	const res = await fetch(new URL('/token', issuer), { method: 'POST', headers, body });
	return { status: res.status, ...(await res.json()) };
}

async function connect(issuer, options = {}) {
	const verifier = randomBytes(32).toString('base64url');
	const { code } = await authorize(new Browser(), issuer, verifier, options);
	return tokenRequest(issuer,
		{ grant_type: 'authorization_code', code, redirect_uri: REDIRECT, code_verifier: verifier }, options);
}

const refresh = (issuer, token, options) => tokenRequest(issuer,
	{ grant_type: 'refresh_token', refresh_token: token }, options);

const userinfo = (issuer, token) => fetch(new URL('/me', issuer),
	{ headers: { authorization: `Bearer ${token}` } });

const claimsOf = (idToken) => JSON.parse(Buffer.from(idToken.split('.')[1], 'base64url'));

const stats = async (issuer) => (await fetch(new URL('/_practice/stats', issuer))).json();

test('code flow with PKCE gives tokens, claims and iss', async (t) => {
	const { issuer, printed, errors } = await start(t, workspace(t));
	const verifier = randomBytes(32).toString('base64url');
	const answer = await authorize(new Browser(), issuer, verifier);
	assert.equal(answer.iss, issuer);
	assert.equal(answer.state, 'state-1');
	const tokens = await tokenRequest(issuer, {
		grant_type: 'authorization_code', code: answer.code, redirect_uri: REDIRECT, code_verifier: verifier,
	});
	assert.equal(tokens.status, 200);
	assert.equal(tokens.expires_in, 120);
	assert.ok(tokens.refresh_token);
	const claims = claimsOf(tokens.id_token);
	assert.equal(claims.email, 'ada@example.com');
	assert.equal(claims.nonce, 'nonce-1');
	const who = await (await userinfo(issuer, tokens.access_token)).json();
	assert.equal(who.email, 'ada@example.com');
	assert.equal(who.sub, claims.sub);
	assert.deepEqual(printed, [`ready ${issuer}`]);
	assert.equal(errors(), '');
});

test('both ways of client authentication work, a wrong secret does not', async (t) => {
	const { issuer } = await start(t, workspace(t));
	assert.equal((await connect(issuer, { how: 'basic' })).status, 200);
	assert.equal((await connect(issuer, { how: 'post' })).status, 200);
	const bad = await fetch(new URL('/token', issuer), {
		method: 'POST',
		body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x',
			client_id: CLIENT.client_id, client_secret: 'wrong' }),
	});
	assert.equal(bad.status, 401);
	assert.equal((await bad.json()).error, 'invalid_client');
});

test('no PKCE, plain PKCE, a wrong verifier and a used code are refused', async (t) => {
	const { issuer } = await start(t, workspace(t));
	for (const extra of [
		{ code_challenge: '', code_challenge_method: '' },
		{ code_challenge_method: 'plain' },
	]) {
		const url = new URL(authorizeUrl(issuer, 'v'.repeat(43), extra));
		for (const [k, v] of [...url.searchParams]) if (v === '') url.searchParams.delete(k);
		const res = await new Browser().go(url.href);
		assert.match(res.headers.get('location') ?? '', /error=invalid_request/);
	}
	const verifier = randomBytes(32).toString('base64url');
	const { code } = await authorize(new Browser(), issuer, verifier);
	const form = { grant_type: 'authorization_code', code, redirect_uri: REDIRECT };
	const wrong = await tokenRequest(issuer, { ...form, code_verifier: 'w'.repeat(43) });
	assert.equal(wrong.error, 'invalid_grant');
	const again = await authorize(new Browser(), issuer, verifier);
	const right = { ...form, code: again.code, code_verifier: verifier };
	const first = await tokenRequest(issuer, right);
	assert.equal(first.status, 200);
	assert.equal((await tokenRequest(issuer, right)).error, 'invalid_grant');
	assert.equal((await userinfo(issuer, first.access_token)).status, 401);
});

test('rotation: each refresh gives a new pair; reuse ends the family and no other', async (t) => {
	const { issuer } = await start(t, workspace(t));
	const one = await connect(issuer);
	const other = await connect(issuer);
	const two = await refresh(issuer, one.refresh_token);
	assert.equal(two.status, 200);
	assert.notEqual(two.refresh_token, one.refresh_token);
	assert.notEqual(two.access_token, one.access_token);
	const reuse = await refresh(issuer, one.refresh_token);
	assert.equal(reuse.status, 400);
	assert.equal(reuse.error, 'invalid_grant');
	assert.equal((await refresh(issuer, two.refresh_token)).error, 'invalid_grant');
	assert.equal((await userinfo(issuer, two.access_token)).status, 401);
	assert.equal((await refresh(issuer, other.refresh_token)).status, 200);
});

test('the same refresh token sent many times at once succeeds at most once', async (t) => {
	const { issuer } = await start(t, workspace(t));
	const { refresh_token: token } = await connect(issuer);
	const answers = await Promise.all(Array.from({ length: 12 }, () => refresh(issuer, token)));
	assert.ok(answers.filter((a) => a.status === 200).length <= 1);
	assert.ok(answers.every((a) => a.status === 200 || a.error === 'invalid_grant'));
	const { token: requests } = await stats(issuer);
	assert.equal(requests, 13);
});

test('no refresh token without offline_access or without consent', async (t) => {
	const { issuer } = await start(t, workspace(t));
	const plain = await connect(issuer, { extra: { scope: 'openid email' } });
	assert.equal(plain.status, 200);
	assert.equal(plain.refresh_token, undefined);
	const silent = await connect(issuer, { extra: { prompt: 'login' } });
	assert.equal(silent.status, 200);
	assert.equal(silent.refresh_token, undefined);
});

test('one browser can connect two accounts; the same name is the same subject', async (t) => {
	const { issuer } = await start(t, workspace(t));
	const browser = new Browser();
	const subjects = [];
	for (const login of ['ada', 'Grace Hopper', 'ada@example.com']) {
		const verifier = randomBytes(32).toString('base64url');
		const { code } = await authorize(browser, issuer, verifier,
			{ answer: { login }, extra: { prompt: 'consent select_account' } });
		const tokens = await tokenRequest(issuer,
			{ grant_type: 'authorization_code', code, redirect_uri: REDIRECT, code_verifier: verifier });
		subjects.push(claimsOf(tokens.id_token));
	}
	assert.equal(subjects[0].sub, subjects[2].sub);
	assert.notEqual(subjects[0].sub, subjects[1].sub);
	assert.equal(subjects[1].email, 'grace.hopper@example.com');
	const page = await (await browser.go(new URL(
		(await browser.go(authorizeUrl(issuer, 'v'.repeat(43)))).headers.get('location'), issuer).href)).text();
	assert.match(page, /Continue as grace\.hopper@example\.com/);
});

test('cancel sends access_denied; an empty or odd name is asked for again', async (t) => {
	const { issuer } = await start(t, workspace(t));
	const denied = await authorize(new Browser(), issuer, 'v'.repeat(43), { answer: { answer: 'cancel' } });
	assert.equal(denied.error, 'access_denied');
	assert.equal(denied.code, undefined);
	const browser = new Browser();
	const res = await browser.go(authorizeUrl(issuer, 'v'.repeat(43)));
	const page = new URL(res.headers.get('location'), issuer).href;
	for (const login of ['', '   ', 'a@', '@b', 'a@b@c', '<script>', 'x'.repeat(201), 'a\nb\u0000']) {
		const again = await browser.go(page, { login });
		assert.equal(again.status, 422, JSON.stringify(login));
		assert.doesNotMatch(await again.text(), /<script>/);
	}
	assert.equal((await new Browser().go(page)).status, 400);
});

test('revoking a refresh token ends its family', async (t) => {
	const { issuer } = await start(t, workspace(t));
	const tokens = await connect(issuer);
	const res = await fetch(new URL('/token/revocation', issuer), {
		method: 'POST',
		body: new URLSearchParams({ token: tokens.refresh_token, client_id: CLIENT.client_id,
			client_secret: CLIENT.client_secret }),
	});
	assert.equal(res.status, 200);
	assert.equal((await userinfo(issuer, tokens.access_token)).status, 401);
	assert.equal((await refresh(issuer, tokens.refresh_token)).error, 'invalid_grant');
	assert.equal((await stats(issuer)).revocation, 1);
});

test('a stop and a kill -9 keep tokens, accounts, keys; the file is private', async (t) => {
	const dir = workspace(t);
	const first = await start(t, dir);
	const tokens = await connect(first.issuer);
	const jwks = await (await fetch(new URL('/jwks', first.issuer))).json();
	assert.equal(await first.stop(), 0);
	assert.equal(statSync(join(dir, 'state.json')).mode & 0o777, 0o600);

	const second = await start(t, dir, { port: first.port });
	assert.equal(second.issuer, first.issuer);
	assert.equal((await userinfo(second.issuer, tokens.access_token)).status, 200);
	const next = await refresh(second.issuer, tokens.refresh_token);
	assert.equal(next.status, 200);
	await second.stop('SIGKILL');

	const third = await start(t, dir, { port: first.port });
	assert.deepEqual(await (await fetch(new URL('/jwks', third.issuer))).json(), jwks);
	assert.equal((await refresh(third.issuer, next.refresh_token)).status, 200);
	assert.equal((await refresh(third.issuer, next.refresh_token)).error, 'invalid_grant');
});

test('access tokens live as long as the environment says', async (t) => {
	const { issuer } = await start(t, workspace(t), { env: { PRACTICE_ACCESS_TOKEN_SECONDS: '1' } });
	const tokens = await connect(issuer);
	assert.equal(tokens.expires_in, 1);
	assert.equal((await userinfo(issuer, tokens.access_token)).status, 200);
	await new Promise((done) => { setTimeout(done, 2100); });
	assert.equal((await userinfo(issuer, tokens.access_token)).status, 401);
});

test('a redirect URI added to the clients file counts at once, an unknown one never', async (t) => {
	const dir = workspace(t);
	const { issuer } = await start(t, dir);
	const other = 'http://127.0.0.1:1/auth/callback/y';
	const ask = () => new Browser().go(authorizeUrl(issuer, 'v'.repeat(43), { redirect_uri: other }));
	const refused = await ask();
	assert.equal(refused.status, 400);
	assert.equal(refused.headers.get('location'), null);
	writeClients(dir, [REDIRECT, other]);
	assert.match((await ask()).headers.get('location'), /\/interaction\//);
});

test('pages load nothing from elsewhere and run no script; another Host is refused', async (t) => {
	const { issuer, port } = await start(t, workspace(t));
	const browser = new Browser();
	const res = await browser.go(authorizeUrl(issuer, 'v'.repeat(43)));
	const shown = await browser.go(new URL(res.headers.get('location'), issuer).href);
	const html = await shown.text();
	assert.match(html, /would like to connect/);
	assert.doesNotMatch(html, /<script|https?:\/\//);
	const policy = shown.headers.get('content-security-policy');
	assert.match(policy, /default-src 'none'/);
	assert.match(policy, /frame-ancestors 'none'/);
	assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 421);
});

test('a taken port is one clear line and exit 1; a broken state file too, left as it was', async (t) => {
	const dir = workspace(t);
	const { port } = await start(t, dir);
	const run = async (...args) => {
		const child = spawn(process.execPath, [SERVER, '--state', join(dir, 'other.json'),
			'--clients', join(dir, 'clients.json'), ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
		let text = '';
		child.stderr.on('data', (d) => { text += d; });
		const [code] = await once(child, 'close');
		return { code, text };
	};
	const taken = await run('--port', String(port));
	assert.equal(taken.code, 1);
	assert.match(taken.text, new RegExp(`^practice: port ${port} is taken[^\n]*\n$`));
	writeFileSync(join(dir, 'other.json'), '{"version":1');
	const broken = await run('--port', '0');
	assert.equal(broken.code, 1);
	assert.match(broken.text, /^practice: .*is not JSON[^\n]*\n$/);
	assert.equal(readFileSync(join(dir, 'other.json'), 'utf8'), '{"version":1');
	assert.equal((await run('--port', 'x')).code, 2);
});
