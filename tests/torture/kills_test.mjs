// SPDX-License-Identifier: Apache-2.0
//
// kill -9 of clerk, worker, keeper and supervisor at random moments of refreshes on demand, at
// providers that end a grant at the first reuse of a refresh token. The provider's own books decide.
// FIBERWISE_SEED repeats the chances of a run, FIBERWISE_KILLS and FIBERWISE_REFRESHES its size. That this
// test can fail is shown by faults_test.mjs.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded, spooled } from '../e2e/lib/chaos.mjs';
import { eventually } from '../e2e/lib/process.mjs';
import { endsSome } from './lib/endings.mjs';
import {
	nothingLost, R4, ROLES, SEED, torture, verdict,
} from './lib/torture.mjs';
import { atAdversary, atPractice } from './lib/worlds.mjs';

const KILLS = Number(process.env.FIBERWISE_KILLS ?? 40);
const REFRESHES = Number(process.env.FIBERWISE_REFRESHES ?? 200);
const FEW = Math.ceil(KILLS / 5);

test(`R-01 the adversary, R4: ${REFRESHES} refreshes, ${KILLS} kills inside them (seed ${SEED})`, { timeout: 720000 }, async (t) => {
	const world = await atAdversary(t, { connections: 20, settings: R4 });
	const load = await torture(world, { kills: KILLS, refreshes: REFRESHES, random: seeded(SEED) });
	nothingLost(await verdict(t, world, load));
	assert.ok(load.inside >= KILLS, `only ${load.inside} kills fell into a refresh`);
	assert.ok(ROLES.every((role) => load.kills[role] > 0));
	// Also of those answers that were committed by a clerk which died before it released them.
	await eventually('every spool slot is free again', () => spooled(world.service) === 0);
	assert.ok(world.service.program.running);
});

for (const rotation of ['R0', 'R1', 'R2', 'R3']) {
	test(`R-01 the adversary, ${rotation}: ${FEW} kills inside refreshes (seed ${SEED})`, { timeout: 600000 }, async (t) => {
		const world = await atAdversary(t, { connections: 10, named: true, settings: { ...R4, rotation } });
		const load = await torture(world, { kills: FEW, refreshes: FEW, random: seeded(SEED + 3) });
		nothingLost(await verdict(t, world, load));
		assert.ok(load.inside >= FEW);
	});
}

test(`R-01 the practice provider: 200 refreshes, ${FEW} kills inside them (seed ${SEED})`, { timeout: 600000 }, async (t) => {
	const random = seeded(SEED + 1);
	const world = await atPractice(t, { connections: 20, delay: () => 10 + random() * 15 });
	const load = await torture(world, { kills: FEW, refreshes: 200, random, rejecting: true });
	nothingLost(await verdict(t, world, load, { rejecting: true }));
	assert.equal((await world.practice.stats()).families_revoked, 0);
	assert.ok(load.inside >= FEW);
});

test(`I5 disconnects among refreshes and ${FEW} kills: what was ended stays so, its provider is told (seed ${SEED})`, { timeout: 600000 }, async (t) => {
	const random = seeded(SEED + 2);
	const world = await atAdversary(t, { connections: 12, settings: R4 });
	const { between, revoked } = endsSome(world, { random, count: 6 });
	const load = await torture(world, { kills: FEW, refreshes: 60, random, between });
	assert.ok(revoked.length > 0);
	nothingLost(await verdict(t, world, load, { revoked }));
	const over = new Set(revoked.map(({ grant_id: id }) => id));
	await eventually('the provider was told of each', async () => (await world.books())
		.every((book) => (book.ended === 'revoked') === over.has(book.grant_id)), 40000);
});
