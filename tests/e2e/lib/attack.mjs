// SPDX-License-Identifier: Apache-2.0
//
// What the attack tests share: one service and one adversary for all tests of a file (each registers
// authenticators of its own), and the sentences "it was refused" and "nothing happened".

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach } from 'node:test';
import { comeBack, count, makeArena } from './adversary.mjs';
import { freePort, sleep } from './process.mjs';
import { Service } from './service.mjs';
import { filesUnder } from './sweep.mjs';

export let arena;
export let service;
export let adversary;

const cleanups = [];

before(async () => {
	arena = await makeArena({ after: (fn) => cleanups.unshift(fn) });
	({ service, adversary } = arena);
});
after(async () => {
	// No attack has brought a role down: a restart would hide it.
	const deaths = readFileSync(join(service.dataDir, 'logs/oauth.log'), 'utf8').split('\n').filter((l) => l.includes('role_ended'));
	const { errors } = service.program;
	for (const fn of cleanups) await fn();
	assert.deepEqual(deaths, []);
	assert.equal(errors, '');
});
beforeEach(() => adversary.reset());

export const nothingLeftUs = async (why) => assert.equal(await adversary.hits('token'), 0,
	`${why}: requests reached the token endpoint`);

export const noGrant = async (authenticator, why) => assert.equal(
	await count(service, 'oauth_token_grants', `authenticator_id = '${authenticator.id}'`), 0, `${why}: a grant row exists`);

// An answer that belongs to no flow of this browser: an error page, not a redirect.
export async function refused(flow, callback, why, jar) {
	const end = await comeBack(flow, callback, jar);
	assert.equal(end.status, 400, `${why}: ${end.status} ${end.location}`);
	assert.equal(end.location, null, why);
	assert.match(end.res.headers['cache-control'] ?? '', /no-store/);
	return end;
}

export async function failed(flow, callback, code, why) {
	const end = await comeBack(flow, callback);
	assert.equal(end.status, 303, `${why}: ${end.res.text}`);
	assert.equal(end.connected, 'false', why);
	if (code) assert.equal(end.error, code, why);
	return end;
}

export function changed(url, change) {
	const u = new URL(url);
	change(u.searchParams);
	return u.href;
}

// A service of its own beside the common one.
export async function another(t, name, env) {
	const dir = join(arena.dir, name);
	mkdirSync(dir);
	const own = new Service(dir, await freePort(), env);
	t.after(() => own.end());
	return own.start();
}

export const tokenAnswer = (answer, more = {}) => ({ endpoint: 'token', answer, ...more });
export const refreshAnswer = (answer, more = {}) => tokenAnswer(answer, { grant_type: 'refresh_token', ...more });

// Short-lived tokens: nine tenths of the life is at most asked for, so 100 ms after issue a read with a
// large min_ttl refreshes.
export const SHORT = { access_ttl_s: 1 };
export const ALL = { min_ttl: 86400 };
export const age = () => sleep(150);

// All files of the data directory; a socket cannot be read.
export const sockets = () => filesUnder(service.dataDir).filter((f) => f.endsWith('control.sock'));
