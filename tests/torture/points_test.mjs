// SPDX-License-Identifier: Apache-2.0
//
// LIFECYCLE: the service is killed at the entry of its n-th system call, or that call
// fails, while an account is connected, refreshed, rejected and disconnected; then everything is killed,
// started again, and held against what was promised. Everyday size: 200 points.
//
//   FIBERWISE_POINTS=all|n   how many of them
//   FIBERWISE_SEED=n         the draw of an earlier run
//   FIBERWISE_POINT=clerk/store/fdatasync/3/EIO[,…]   these alone: reproduces a finding
//   FIBERWISE_LANES=n        so many side by side (2)

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { seeded } from '../e2e/lib/chaos.mjs';
import { ROOT, sleep } from '../e2e/lib/process.mjs';
import { needBuild, workspace } from '../e2e/lib/service.mjs';
import {
	injection, isKill, name, parse, pointsOf, sample,
} from './lib/faults.mjs';
import { House } from './lib/house.mjs';
import { Life } from './lib/life.mjs';
import { attach, countCalls, threadsOf, whyNot } from './lib/strace.mjs';

const SEED = Number(process.env.FIBERWISE_SEED ?? randomInt(1, 2 ** 31));
const SIZE = process.env.FIBERWISE_POINTS ?? '200';
const FAULTY = process.env.FIBERWISE_FAULTY ?? join(ROOT, 'build-faults/fiberd');
const LANES = Number(process.env.FIBERWISE_LANES ?? 2);
const ROLES = ['supervisor', 'keeper', 'courier', 'clerk', 'worker'];
const NETWORK = ['socket', 'connect', 'sendto', 'recvfrom', 'read', 'writev', 'epoll_ctl', 'epoll_wait'];

// What every thread of a role calls while the life is lived undisturbed.
async function count(house, role) {
	await house.open();
	const pid = house.pidOf(role);
	const { store } = threadsOf({ pid, role });
	const tracer = await attach([pid], { calls: 'all', follow: true, file: join(house.dir, 'count') });
	const life = new Life(house);
	await life.live();
	await tracer.stop();
	await life.outlive();
	const most = new Map();
	for (const [tid, calls] of countCalls(tracer.lines())) {
		const thread = Number(tid) === pid ? 'loop' : (Number(tid) === store[0] ? 'store' : 'pool');
		for (const [call, n] of calls) {
			const key = `${thread} ${call}`;
			most.set(key, Math.max(n, most.get(key) ?? 0));
		}
	}
	assert.ok(most.size > 0, `${role} made no call`);
	return [...most].map(([key, n]) => ({ role, thread: key.split(' ')[0], call: key.split(' ')[1], count: n }));
}

// What is struck; in the pool whichever thread comes to its n-th.
async function aim(house, point) {
	const pid = house.pidOf(point.role);
	if (point.thread === 'pool') {
		await new Life(house).connect('early');
		await sleep(150);
	}
	const tids = threadsOf({ pid, role: point.role })[point.thread];
	assert.ok(tids.length > 0, `the ${point.role} has no ${point.thread}`);
	return attach(tids, { calls: point.call, inject: injection(point), file: join(house.dir, 'strike') });
}

async function strike(house, point, seen) {
	await house.open();
	const tracer = await aim(house, point);
	const life = new Life(house);
	if (point.fault === 'KILLALL') tracer.ended.then(() => tracer.struck() && house.running && house.raze());
	try {
		await life.live();
		await tracer.stop();
		const deaths = house.deaths();
		// An answer that the courier took with it, or that never came to it, cannot be had again.
		life.lossy = point.fault === 'KILLALL' || deaths.includes('courier') ||
			 (point.role === 'courier' && NETWORK.includes(point.call));
		await life.outlive();
		seen.deaths += deaths.length;
		seen.lost += life.named;
		seen.unsent += life.unsent;
		seen.passing += life.passing;
	} finally {
		await tracer.stop();
		seen.points += 1;
		if (tracer.struck()) seen[isKill(point) ? 'killed' : 'failed'] += 1;
		else seen.missed += 1;
	}
}

async function makeHouses(t, n, options) {
	needBuild();
	const dir = workspace(t);
	const houses = [];
	for (let i = 0; i < n; i += 1) {
		const house = new House(join(dir, `${i}`), { settings: { rotation: 'R4' }, ...options });
		t.after(() => house.close());
		houses.push(await house.build());
	}
	return houses;
}

// Until all are struck, or `goOn` says that enough was found.
async function strikeAll(houses, points, goOn = () => true) {
	const seen = { points: 0, killed: 0, failed: 0, missed: 0, deaths: 0, lost: 0, unsent: 0, passing: 0 };
	const findings = [];
	const queue = [...points];
	await Promise.all(houses.map(async (house) => {
		for (let point = queue.shift(); point && goOn(findings); point = queue.shift()) {
			const began = Date.now();
			await strike(house, point, seen).catch((e) => {
				findings.push({ point: name(point), says: e.message.replace(/<!doctype.*<h1>/s, ''), ms: Date.now() - began });
			});
		}
	}));
	return { seen, findings };
}

test(`R-02, R-04 no system call is the wrong one to die at, or to fail (seed ${SEED})`, { skip: whyNot(), timeout: 86400000 }, async (t) => {
	const houses = await makeHouses(t, LANES);
	let points;
	if (process.env.FIBERWISE_POINT) {
		points = process.env.FIBERWISE_POINT.split(',').map(parse);
	} else {
		const counts = [];
		for (const role of ROLES) counts.push(...await count(houses[0], role));
		const all = pointsOf(counts, { all: SIZE === 'all' });
		points = SIZE === 'all' ? all : sample(all, Number(SIZE), seeded(SEED));
		t.diagnostic(`${points.length} of ${all.length} points, seed ${SEED}`);
	}
	const { seen, findings } = await strikeAll(houses, points);
	for (const { point, says, ms } of findings) t.diagnostic(`FINDING ${point} after ${ms} ms: ${says}`);
	t.diagnostic(JSON.stringify({ seed: SEED, ...seen, findings: findings.length }));
	assert.deepEqual(findings.map(({ point }) => point), []);
	assert.ok(seen.killed + seen.failed > 0.7 * seen.points, `${seen.missed} of ${seen.points} points were not reached`);
});

// The same points over the build with seeded bugs (src/base/fault.h): each must be seen as what it is.
const kills = (where, count) => Array.from({ length: count }, (_, i) => parse(`${where}/${i + 1}/KILL`));
const MUST_SEE = {
	courier_forget: { points: kills('clerk/loop/recvmsg', 12), says: /was lost|nobody said so/ },
	log_dropped: { points: kills('clerk/store/fdatasync', 4), says: /has no user of that id|I[23] / },
	event_forgotten: { points: kills('worker/loop/writev', 2), says: /I4 / },
	serve_unrecorded: { points: kills('worker/loop/writev', 2), says: /without an audit record/ },
};

for (const [fault, { points, says }] of Object.entries(MUST_SEE)) {
	test(`with ${fault} the points are not all well`, { skip: whyNot() ?? (!existsSync(FAULTY) && `${FAULTY} is not there`) }, async (t) => {
		const houses = await makeHouses(t, 1, { binary: FAULTY, env: { FIBERD_FAULTS: fault } });
		const { findings } = await strikeAll(houses, points, (found) => found.length === 0);
		assert.ok(findings.some((f) => says.test(f.says)), JSON.stringify(findings) || 'nothing was found');
	});
}
