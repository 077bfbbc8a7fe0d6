// SPDX-License-Identifier: Apache-2.0
//
// The kill test can fail: the same load, the same kills and the same verdict over a build with seeded bugs
// (src/base/fault.h), each of which must be seen as what it is. FIBERWISE_FAULTY is that build's fiberd.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { seeded } from '../e2e/lib/chaos.mjs';
import { BUILD, ROOT } from '../e2e/lib/process.mjs';
import { endsSome } from './lib/endings.mjs';
import { tell } from './invariants.mjs';
import {
	FAULTY, nothingLost, R4, SEED, torture, verdict,
} from './lib/torture.mjs';
import { atAdversary } from './lib/worlds.mjs';

const breaks = (...invariants) => ({ found }) => {
	for (const invariant of invariants) assert.ok(found.some((f) => f.invariant === invariant), `${invariant} holds:\n${tell(found)}`);
};

const loses = ({ lost }) => assert.ok(lost.named.length + lost.silent.length > 0, 'it lost nothing');

const MUST_SEE = {
	courier_forget: [loses],
	intent_ignored: [breaks('I1'), loses],
	log_dropped: [breaks('I2'), loses],
	serve_unrecorded: [breaks('I2')],
	event_forgotten: [breaks('I4')],
	revoke_unwritten: [breaks('I5')],
};

const SEEN_ELSEWHERE = ['loss_unnamed', 'call_forbidden']; // by courier_test.mjs and sandbox_test.mjs

test('the build with faults has them, the other one does not', () => {
	assert.ok(existsSync(FAULTY), `${FAULTY} is not there: make build-faults/fiberd`);
	const faults = [...Object.keys(MUST_SEE), ...SEEN_ELSEWHERE];
	for (const fault of faults) {
		assert.ok(readFileSync(FAULTY).includes(fault), fault);
		assert.ok(!readFileSync(join(BUILD, 'fiberd')).includes(fault), fault);
	}
	const table = readFileSync(join(ROOT, 'src/base/fault.h'), 'utf8');
	assert.deepEqual([...table.matchAll(/\bX\(([a-z_]+_[a-z_]+)\)/g)].map((m) => m[1]).sort(), faults.sort());
});

for (const [fault, checks] of Object.entries(MUST_SEE)) {
	test(`with ${fault} the kill test fails (seed ${SEED})`, { timeout: 120000 }, async (t) => {
		const random = seeded(SEED);
		const world = await atAdversary(t, { connections: 12, settings: R4, binary: FAULTY, env: { FIBERD_FAULTS: fault } });
		// A stop in order leaves no log behind; what is dropped later is what came after.
		await world.service.stop();
		await world.service.start();
		const { between, revoked } = fault === 'revoke_unwritten' ? endsSome(world, { random, count: 4 }) : {};
		const load = await torture(world, { kills: 24, refreshes: 60, random, between });
		const result = await verdict(t, world, load, { revoked });
		for (const check of checks) check(result);
		assert.throws(() => nothingLost(result));
	});
}
