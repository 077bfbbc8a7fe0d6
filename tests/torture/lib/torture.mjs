// SPDX-License-Identifier: Apache-2.0
//
// The kill test itself: a crowd that is refreshed on demand, roles that die in random order and at random
// moments of a refresh, and the verdict over what came of it.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { spooled } from '../../e2e/lib/chaos.mjs';
import { ROOT, sleep } from '../../e2e/lib/process.mjs';
import { gather, settled, storedTokens } from './history.mjs';
import { Load, probe } from './load.mjs';
import { judge, losses, tell } from '../invariants.mjs';

export const SEED = Number(process.env.FIBERWISE_SEED ?? randomInt(1, 2 ** 31));
// fiberd of the build with faults
export const FAULTY = process.env.FIBERWISE_FAULTY ?? join(ROOT, 'build-faults/fiberd');
export const ROLES = ['clerk', 'worker', 'keeper', 'supervisor'];
// Strict, and 20 to 50 ms of delay around its commit.
export const R4 = { rotation: 'R4', access_ttl_s: 1, delay_before_ms: [10, 25], delay_after_ms: [10, 25], seed: SEED };

const REFRESHES_MS = 600000;

export const sum = (books) => books.reduce((n, book) => n + book.refreshes, 0);

// Until there were so many kills inside refreshes, and so many refreshes. `between` runs after each kill.
export async function torture(world, { kills, refreshes, random, rejecting, between = async () => {} }) {
	const load = new Load(world, { rejecting }).start();
	const began = Date.now();
	while (load.alive && load.served.length < 2 * world.crowd.length) await sleep(20);
	for (let n = 0; load.inside < kills && n < kills * 2 && load.alive; n += 1) {
		// Each once in four, in random order: who dies twice in five seconds is restarted with a delay.
		if (n % ROLES.length === 0) load.order = ROLES.map((role) => [random(), role]).sort().map(([, role]) => role);
		await load.kill(load.order[n % ROLES.length], random() * 40);
		await between(load);
	}
	while (load.alive && sum(await world.books()) < refreshes && Date.now() - began < REFRESHES_MS) await sleep(200);
	await load.stop();
	await settled(world.service);
	return load;
}

// Everything known of a run that has ended, judged.
export async function verdict(t, world, load, { rejecting, revoked } = {}) {
	await world.calm();
	const last = await probe(world, { rejecting });
	const provider = await world.books();
	const history = await gather(world.service, {
		served: [...load.served, ...last.served],
		stored: await storedTokens(world.service, world.crowd),
		provider, probes: last.probes, revoked,
	});
	const lost = losses(history);
	t.diagnostic(JSON.stringify({
		seed: SEED, refreshes: sum(provider), ...load.summary,
		lost: { named: lost.named.length, silent: lost.silent.length }, spooled: spooled(world.service),
	}));
	return { history, provider, found: judge(history), lost, wrong: [...load.wrong, ...last.wrong] };
}

export function nothingLost({ history, provider, found, lost, wrong }) {
	assert.equal(tell(found), '');
	assert.deepEqual(wrong, []);
	assert.deepEqual(lost, { named: [], silent: [] });
	const grants = new Map(history.grants.map((g) => [g.grant_id, g]));
	for (const book of provider) {
		const { generation, is_revoked: over } = grants.get(book.grant_id);
		assert.equal(book.reuses, 0);
		if (over) continue;
		assert.equal(book.ended, null);
		assert.equal(book.refreshes + 1, generation, 'every refresh of the provider is stored, none was made twice');
	}
	assert.equal(history.events.filter((e) => e.kind === 'needs_reauth').length, 0);
}
