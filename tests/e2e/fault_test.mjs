// SPDX-License-Identifier: Apache-2.0
//
// Processes that die in the middle of refreshes and exchanges, one story each, against a provider that
// rotates strictly and ends a grant at the first reuse (class R4). The provider's own books decide: every
// answer it gave was stored (generation), none of its consumed tokens came back (reuses), every grant
// lives on. Random kills in number are in tests/torture/kills_test.mjs.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import {
	alter, comeBack, connect, consent, count, grantOf, leave, makeArena, read, readThrough, register, rows,
} from './lib/adversary.mjs';
import { gone, kill, killAll, pidOf, seeded, spooled } from './lib/chaos.mjs';
import { commandLine, eventually, sleep } from './lib/process.mjs';

const SEED = Number(process.env.FIBERWISE_SEED ?? randomInt(1, 2 ** 31));
const CONNECTIONS = 10;

// At most nine tenths of a token's life are asked for: with a life of one second, a token of more than
// 100 ms is refreshed on such a read.
const SHORT = { access_ttl_s: 1 };
const ALL = { min_ttl: 86400 };
const NONE = { min_ttl: 0 };

async function makeCrowd(t, settings, n = CONNECTIONS) {
	const world = await makeArena(t, { settings: { rotation: 'R4', ...settings } });
	const authenticator = await register(world.service, world.adversary);
	const crowd = [];
	for (let i = 0; i < n; i += 1) {
		crowd.push(await connect(world.service, authenticator, { user: `u${i}`, account: `account-${i}` }));
	}
	return { ...world, crowd };
}

// The provider's books against the database: nothing lost, nothing asked for twice.
async function everyGrantLives({ service, adversary, crowd }) {
	await sleep(150);
	for (const flow of crowd) {
		const before = (await adversary.grants(`&account=${flow.account}`))[0].refreshes;
		await readThrough(service, flow, ALL);
		await eventually(`${flow.user} can be refreshed`, async () => {
			await readThrough(service, flow, ALL);
			return (await adversary.grants(`&account=${flow.account}`))[0].refreshes > before;
		});
		const [grant] = await adversary.grants(`&account=${flow.account}`);
		const row = await grantOf(service, flow);
		assert.deepEqual({
			reuses: grant.reuses, refused: grant.refused, ended: grant.ended, at_once: Math.max(grant.max_in_flight, 1),
			status: row.status, stored: row.generation, intent: row.intent_attempt,
		}, {
			reuses: 0, refused: 0, ended: null, at_once: 1, status: 'active', stored: grant.refreshes + 1, intent: '',
		}, flow.user);
	}
}

test(`OA-18 kill -9 inside code exchanges: connected by one request each (seed ${SEED})`, async (t) => {
	const { service, adversary, crowd: [first] } = await makeCrowd(t, {}, 1);
	const random = seeded(SEED);
	await adversary.config({ delay_before_ms: 60, delay_after_ms: 60 });
	for (let n = 0; n < 12; n += 1) {
		const role = ['clerk', 'worker', 'keeper'][n % 3];
		const flow = await leave(service, first.authenticator, { user: `x${n}`, account: `x-${n}` });
		const callback = await consent(flow);
		const asked = await adversary.hits('token');
		const browser = comeBack(flow, callback).catch(() => ({ status: 0 }));
		await adversary.wait('token', asked + 1);
		await sleep(random() * 130);
		kill(pidOf(service, role));
		let end = await browser;
		// Whoever sees an error page or none at all reloads it.
		await eventually(`x${n} after the ${role}'s death`, async () => {
			if (end.status !== 303) end = await comeBack(flow, callback).catch(() => ({ status: 0 }));
			return end.status === 303;
		}, 40000);
		assert.equal(end.connected, 'true', `${role}: ${end.location}`);
		assert.equal(await adversary.hits('token') - asked, 1, `${role}: a code is sent once`);
	}
	assert.equal(await count(service, 'oauth_token_grants'), 13);
	assert.equal((await adversary.counters()).token_error, 0);
});

test('LIFECYCLE §4.7 after a lost answer a living token is served, and the risky retry waits', async (t) => {
	const { service, adversary, crowd: [flow] } = await makeCrowd(t, { access_ttl_s: 600 }, 1);
	await adversary.script({ endpoint: 'token', grant_type: 'refresh_token', delay_after_ms: 800 });
	await alter(service, 'UPDATE oauth_token_grants SET issued_at = issued_at - 100000, expires_at = expires_at - 100000');
	const { body: before } = await read(service, flow);
	const waiting = read(service, flow, ALL);
	await adversary.wait('token', 2);
	kill(pidOf(service, 'courier'));
	assert.equal((await waiting).body.access_token, before.access_token, 'it lives, so it is served');
	assert.equal((await grantOf(service, flow)).uncertain, 1);
	for (let i = 0; i < 5; i += 1) assert.equal((await read(service, flow, ALL)).body.access_token, before.access_token);
	assert.equal(await adversary.hits('token'), 2, 'no retry while it lives');
	assert.equal((await grantOf(service, flow)).status, 'active');
});

test('RF-04 a token that was answered is in the database after kill -9 of everything', async (t) => {
	const world = await makeCrowd(t, { access_ttl_s: 600 }, 3);
	const { service, adversary, crowd } = world;
	for (const flow of crowd) {
		await adversary.config({ access_ttl_s: 1 });
		await connect(service, flow.authenticator, { user: flow.user, account: flow.account });
		await sleep(150);
		await adversary.config({ access_ttl_s: 600 });
		const { body } = await read(service, flow, ALL);
		await killAll(service, { courier: true });
		const asked = await adversary.hits('token');
		await service.start();
		const again = await readThrough(service, flow, NONE);
		assert.equal(again.access_token, body.access_token);
		assert.equal(again.fingerprint, body.fingerprint);
		assert.equal(await adversary.hits('token'), asked, 'it needed no refresh');
	}
});

test('kill -9 of the idle courier: nothing is lost, the next refresh works', async (t) => {
	const world = await makeCrowd(t, SHORT, 3);
	for (let i = 0; i < 3; i += 1) {
		const pid = pidOf(world.service, 'courier');
		kill(pid);
		await eventually('a new courier', () => {
			const now = pidOf(world.service, 'courier');
			return now && now !== pid;
		});
		await everyGrantLives(world);
	}
	assert.equal((await world.adversary.counters()).token_error, 0);
});

test('kill -9 of the courier in flight: that one is named, everything else lives', async (t) => {
	const world = await makeCrowd(t, SHORT, 4);
	const { service, adversary, crowd } = world;
	const [unlucky, ...others] = crowd;
	await sleep(1050);
	await adversary.script({ endpoint: 'token', grant_type: 'refresh_token', hit: 1, delay_after_ms: 1500 });
	const waiting = read(service, unlucky);
	await adversary.wait('token', crowd.length + 1);
	await sleep(200);
	kill(pidOf(service, 'courier'));
	const res = await waiting;
	assert.equal(res.status, 502, res.text);
	assert.equal(res.body.error, 'answer_lost');
	const before = await grantOf(service, unlucky);
	assert.deepEqual([before.status, before.uncertain, before.generation], ['active', 1, 1]);
	assert.equal(await count(service, 'oauth_events', `grant_id = '${before.grant_id}' AND cause = 'answer_lost'`), 1);

	const book = async () => (await adversary.grants(`&account=${unlucky.account}`))[0];
	await eventually('the provider is done with it', async () => (await book()).in_flight === 0);
	// Within 5 s (LIFECYCLE §1, R-01b), asked or not.
	const end = await eventually('the one retry tells', async () => {
		const after = await read(service, unlucky);
		return after.status === 409 && after;
	});
	assert.deepEqual([end.body.error, end.body.cause], ['needs_reauth', 'rotation_response_lost']);
	const [view] = await service.expect(200, 'GET', `/credentials/connections?user=${unlucky.user}`);
	assert.deepEqual([view.status, view.cause], ['needs_reauth', 'rotation_response_lost']);
	const grant = await book();
	assert.deepEqual([grant.refreshes, grant.reuses, grant.max_in_flight], [1, 1, 1], 'one retry, not beside the first');
	await everyGrantLives({ ...world, crowd: others });
	assert.equal(await count(service, 'oauth_events', 'kind = \'needs_reauth\''), 1, 'nothing else is lost');
});

test('R-01b kill -9 of all but the courier while the provider delays: the spooled answer is taken in', async (t) => {
	const world = await makeCrowd(t, SHORT, 5);
	const { service, adversary, crowd } = world;
	for (const [delay, restart] of [[1500, 'before'], [300, 'after']]) {
		await sleep(1050);
		await adversary.config({ delay_after_ms: delay });
		const asked = await adversary.hits('token');
		const waiting = crowd.map((flow) => read(service, flow).catch(() => null));
		await adversary.wait('token', asked + crowd.length);
		const orphan = await killAll(service, { courier: false });
		await Promise.all(waiting);
		assert.match(commandLine(orphan), /courier/, 'the courier outlives the others');
		// Once the new start comes while the orphan still waits for the provider, once after it has ended.
		if (restart === 'after') {
			await eventually('the orphan has ended', () => gone(orphan), 8000);
			assert.equal(spooled(service), crowd.length, 'each answer waits in the spool');
		}
		await service.start();
		await adversary.config({ delay_after_ms: 0 });
		for (const flow of crowd) {
			await eventually(`${flow.user}: the spooled answer is stored`, async () => {
				const [grant] = await adversary.grants(`&account=${flow.account}`);
				return (await grantOf(service, flow)).generation === grant.refreshes + 1;
			}, 8000);
		}
		await eventually('the orphan has ended', () => gone(orphan), 8000);
		await everyGrantLives(world);
		assert.equal(spooled(service), 0, 'and was released when it was stored');
	}
	assert.equal((await adversary.counters()).token_error, 0);
});

test('R-01b kill -9 of everything, the courier too: what was in flight is named, all others live', async (t) => {
	const world = await makeCrowd(t, SHORT, 5);
	const { service, adversary, crowd } = world;
	const [unlucky, ...others] = crowd;
	await sleep(1050);
	await adversary.script({ endpoint: 'token', grant_type: 'refresh_token', hit: 1, delay_after_ms: 800 });
	const waiting = read(service, unlucky).catch(() => null);
	await adversary.wait('token', crowd.length + 1);
	await killAll(service, { courier: true });
	await waiting;
	await sleep(900);
	const began = Date.now();
	await service.start();
	await eventually('it is named', async () => (await count(service, 'oauth_events', 'cause = \'answer_lost\'')) === 1);
	const took = Date.now() - began;
	t.diagnostic(`named ${took} ms after the restart began`);
	assert.ok(took < 5000, `${took} ms`);
	assert.equal((await grantOf(service, unlucky)).uncertain, 1);
	const end = await eventually('a verdict', async () => {
		const res = await read(service, unlucky);
		return res.status === 409 && res;
	});
	assert.equal(end.body.error, 'needs_reauth');
	assert.equal((await grantOf(service, unlucky)).cause, 'rotation_response_lost');
	await everyGrantLives({ ...world, crowd: others });
	assert.equal((await rows(service, 'SELECT grant_id FROM oauth_events WHERE kind = \'needs_reauth\'')).length, 1);
});

test('RF-05 ended in mid-refresh, then kill -9 of the clerk: the provider is told of the new token', async (t) => {
	const { service, adversary, crowd: [flow] } = await makeCrowd(t, SHORT, 1);
	await sleep(1050);
	await adversary.config({ delay_after_ms: 700 });
	const waiting = read(service, flow).catch(() => null);
	await adversary.wait('token', 2);
	await service.expect(200, 'DELETE', `/credentials/connections/${flow.connection}?user=${flow.user}`);
	kill(pidOf(service, 'clerk'));
	await waiting;
	assert.equal((await read(service, flow)).status, 404);
	await eventually('the provider ended the grant', async () => (await adversary.grants())[0].ended === 'revoked', 8000);
	await eventually('the tokens are gone', async () => (await count(service, 'oauth_token_grants',
		'access_token IS NOT NULL OR refresh_token IS NOT NULL')) === 0);
	const [grant] = await adversary.grants();
	assert.deepEqual([grant.refreshes, grant.reuses, await adversary.hits('token')], [1, 0, 2]);
	assert.equal(await count(service, 'oauth_events', 'kind = \'revoked_at_provider\''), 1);
});

test('RF-08 a provider that is down at the disconnect is told when it is back, also by the clerk\'s successor', async (t) => {
	const { service, adversary, crowd: [flow, other] } = await makeCrowd(t, {}, 2);
	await adversary.listen(false);
	await service.expect(200, 'DELETE', `/credentials/connections/${flow.connection}?user=${flow.user}`);
	assert.equal((await read(service, flow)).status, 404, 'unreadable at once');
	await eventually('it is kept for later', async () => (await count(service, 'oauth_events', 'kind = \'revocation_delayed\'')) === 1);
	assert.equal(await adversary.hits('revoke'), 0);
	await adversary.listen(true);
	await alter(service, 'UPDATE revocation_queue SET due_at = 1'); // in place of half a minute
	kill(pidOf(service, 'clerk'));
	await adversary.wait('revoke', 2, 8000);
	assert.equal((await adversary.grants(`&account=${flow.account}`))[0].ended, 'revoked');
	await eventually('the tokens are gone', async () => (await count(service, 'oauth_token_grants',
		'is_revoked = 1 AND (access_token IS NOT NULL OR refresh_token IS NOT NULL)')) === 0);
	assert.equal(await count(service, 'oauth_events', 'kind = \'revoked_at_provider\''), 1);
	assert.equal(await count(service, 'revocation_queue'), 0);
	assert.equal((await adversary.grants(`&account=${other.account}`))[0].ended, null);
	assert.equal((await read(service, other)).status, 200);
});

test('SIGTERM in the middle of slow refreshes: the stop waits for them, nothing is lost', async (t) => {
	const world = await makeCrowd(t, SHORT, 5);
	const { service, adversary, crowd } = world;
	await sleep(1050);
	await adversary.config({ delay_after_ms: 1200 });
	const waiting = crowd.map((flow) => read(service, flow).catch(() => null));
	await adversary.wait('token', 2 * crowd.length);
	assert.equal(await service.stop(), 0);
	await Promise.all(waiting);
	await adversary.config({ delay_after_ms: 0 });
	await service.start();
	for (const flow of crowd) {
		await eventually(`${flow.user} has its answer`, async () => (await grantOf(service, flow)).generation === 2, 8000);
	}
	await everyGrantLives(world);
	assert.equal((await adversary.counters()).token_error, 0);
});
