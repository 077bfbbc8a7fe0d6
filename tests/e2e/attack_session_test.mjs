// SPDX-License-Identifier: Apache-2.0
//
// Sessions of the pages (SECURITY-CHECKLIST WB-01, WB-02): what a thief of the database has, what an id that somebody else
// chose is worth, and when one ends.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { alter, Jar, rows } from './lib/adversary.mjs';
import { startService, suiteScope } from './lib/api.mjs';
import { ask } from './lib/http.mjs';
import { run } from './lib/process.mjs';
import { PASSWORD } from './lib/service.mjs';
import { filesUnder } from './lib/sweep.mjs';

const scope = suiteScope();
let service;

before(async () => {
	service = await startService(scope);
	const jar = new Jar();
	const link = await service.adminLink();
	assert.equal((await jar.post(link, { password: PASSWORD, again: PASSWORD })).status, 303);
});
after(() => scope.end());

const signedIn = async (jar = new Jar()) => {
	const res = await jar.post(`${service.url}/login`, { name: 'admin', password: PASSWORD });
	assert.equal(res.status, 303, res.text);
	return { jar, res, name: [...jar.cookies.keys()].find((k) => /session/.test(k)) };
};
const valueOf = ({ jar, name }) => jar.cookies.get(name);
// Each time on a new connection, so that both workers are asked sooner or later.
const works = async (cookie) => {
	const seen = new Set();
	for (let i = 0; i < 12; i += 1) seen.add((await ask(`${service.url}/api/v1/user/profile`, { headers: { cookie } })).status);
	assert.equal(seen.size, 1, `the workers do not agree: ${[...seen]}`);
	return seen.has(200);
};
const withCookie = (session) => works(`${session.name}=${valueOf(session)}`);

test('WB-01 the session cookie: out of reach of scripts and other sites, 128 bits at least, and not in the database', async () => {
	const session = await signedIn();
	const [line] = session.res.headers['set-cookie'].filter((c) => c.startsWith(`${session.name}=`));
	assert.match(line, /; HttpOnly(;|$)/);
	assert.match(line, /; SameSite=Lax(;|$)/);
	assert.match(line, /; Path=\/(;|$)/);
	assert.doesNotMatch(line, /Domain=/i);
	const values = new Set();
	for (let i = 0; i < 20; i += 1) values.add(valueOf(await signedIn()));
	assert.equal(values.size, 20);
	for (const value of values) assert.ok(value.length >= 22, value);
	// Whoever reads all files of the service has no session: neither the cookie nor what is stored of it works as one.
	for (const file of filesUnder(service.dataDir).filter((f) => !f.endsWith('.sock'))) {
		const bytes = readFileSync(file);
		for (const value of values) assert.ok(!bytes.includes(value), `${file} holds a session`);
	}
	for (const row of await rows(service, 'SELECT session_hash FROM user_sessions')) {
		assert.ok(!await works(`${session.name}=${row.session_hash}`));
	}
	assert.ok(await withCookie(session));
});

test('WB-02 an id that somebody else chose is never made good by signing in', async () => {
	const { name } = await signedIn();
	const planted = 'A'.repeat(43);
	const jar = new Jar();
	jar.cookies.set(name, planted);
	const session = await signedIn(jar);
	assert.notEqual(valueOf(session), planted);
	assert.ok(!await works(`${name}=${planted}`));
	assert.ok(await withCookie(session));
});

test('WB-02 a new sign-in is a new id, and the one before is over in every worker', async () => {
	const first = await signedIn();
	const old = `${first.name}=${valueOf(first)}`;
	const second = await signedIn(first.jar);
	assert.notEqual(`${second.name}=${valueOf(second)}`, old);
	assert.ok(!await works(old));
	assert.ok(await withCookie(second));
});

test('WB-02 signing out ends it on the server: a kept cookie is worth nothing', async () => {
	const session = await signedIn();
	const cookie = `${session.name}=${valueOf(session)}`;
	const page = await session.jar.get(`${service.url}/settings/oauth-authenticators`);
	const [, token] = /name="form_token" value="([^"]+)"/.exec(page.text);
	assert.equal((await session.jar.post(`${service.url}/logout`, { form_token: 'x' })).status, 403, 'not by a form of another page');
	assert.ok(await works(cookie));
	assert.equal((await session.jar.post(`${service.url}/logout`, { form_token: token })).status, 303);
	assert.ok(!await works(cookie));
});

test('WB-02 a new password ends all sessions there were', async () => {
	const sessions = [await signedIn(), await signedIn()];
	const { code, stdout } = await run(service.binary, ['admin-link'], {
		cwd: service.dir, env: { FIBERWISE_DATA_DIR: service.dataDir, FIBERWISE_PUBLIC_URL: service.url, FIBERWISE_LISTEN: `127.0.0.1:${service.port}` },
	});
	assert.equal(code, 0, stdout);
	const link = /https?:\/\/\S+/.exec(stdout)[0];
	const jar = new Jar();
	assert.equal((await jar.post(link, { password: PASSWORD, again: PASSWORD })).status, 303);
	for (const session of sessions) assert.ok(!await withCookie(session));
	assert.equal((await new Jar().post(link, { password: PASSWORD, again: PASSWORD })).status >= 400, true, 'the link works once');
});

// Conditions for the rows of the last n sign-ins, the oldest first: how a cookie is hashed is the service's own matter.
const newest = async (n) => (await rows(service, `SELECT session_hash AS h FROM user_sessions ORDER BY created_at DESC, rowid DESC LIMIT ${n}`))
	.reverse().map(({ h }) => `session_hash = '${h}'`);

test('WB-02 nobody there for two hours, or twelve hours old: over', async () => {
	const idle = await signedIn();
	const old = await signedIn();
	const fresh = await signedIn();
	const [a, b] = await newest(3);
	const now = Date.now();
	await alter(service, `UPDATE user_sessions SET last_seen_at = ${now - 2 * 3600 * 1000 - 60000} WHERE ${a};
		UPDATE user_sessions SET created_at = ${now - 13 * 3600 * 1000}, expires_at = ${now - 1000} WHERE ${b}`);
	assert.ok(!await withCookie(idle));
	assert.ok(!await withCookie(old));
	assert.ok(await withCookie(fresh));
});

test('WB-02 the log has no session in it', async () => {
	const session = await signedIn();
	await withCookie(session);
	for (const file of filesUnder(join(service.dataDir, 'logs'))) assert.ok(!readFileSync(file, 'utf8').includes(valueOf(session)));
});
