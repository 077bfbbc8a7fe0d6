// SPDX-License-Identifier: Apache-2.0
//
// LIFECYCLE R-03: the n-th allocation of a role fails, once or from then on, while two accounts live their life.
// The role ends and is started again, or answers that it cannot now; nobody else is disturbed, nothing is lost.
// Everyday size: 60 allocations.
//
//   FIBERWISE_POINTS=all          every one (hours)
//   FIBERWISE_ALLOCATIONS=n       so many
//   FIBERWISE_SEED=n              the draw of an earlier run
//   FIBERWISE_ALLOCATION=clerk/1234/once[,…]   these alone: reproduces a finding

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import {
	existsSync, openSync, readSync, writeFileSync, writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { seeded } from '../e2e/lib/chaos.mjs';
import { BUILD } from '../e2e/lib/process.mjs';
import { needBuild, workspace } from '../e2e/lib/service.mjs';
import { House } from './lib/house.mjs';
import { Life } from './lib/life.mjs';

const SEED = Number(process.env.FIBERWISE_SEED ?? randomInt(1, 2 ** 31));
const SIZE = process.env.FIBERWISE_POINTS === 'all' ? Infinity : Number(process.env.FIBERWISE_ALLOCATIONS ?? 60);
const STARVED = join(BUILD, 'tests/torture/fiberd-starved');
const ROLES = ['supervisor', 'keeper', 'courier', 'clerk', 'worker'];

// The file that the program maps: struct order of starve.c.
class Order {
	constructor(dir) {
		writeFileSync(join(dir, 'starve'), Buffer.alloc(4096));
		this.fd = openSync(join(dir, 'starve'), 'r+');
	}

	give({ pid = 0, nth = 0, forever = false }) {
		const bytes = Buffer.alloc(32);
		bytes.writeUInt32LE(forever ? 1 : 0, 4);
		bytes.writeBigUInt64LE(BigInt(nth), 8);
		writeSync(this.fd, bytes, 0, 32, 0);
		bytes.writeUInt32LE(pid, 0);
		writeSync(this.fd, bytes, 0, 4, 0);
	}

	get seen() {
		const bytes = Buffer.alloc(32);
		readSync(this.fd, bytes, 0, 32, 0);
		return { count: Number(bytes.readBigUInt64LE(16)), failed: Number(bytes.readBigUInt64LE(24)) };
	}
}

async function lifeUnder(house, order, { role, nth, forever }) {
	order.give({});
	await house.open();
	order.give({ pid: house.pidOf(role), nth, forever });
	const life = new Life(house);
	await life.live();
	const { count, failed } = order.seen;
	order.give({});
	const deaths = house.deaths();
	// A request that finds no memory has failed as if the network had; whether the provider did it is not known then.
	life.lossy = role === 'courier';
	await life.outlive();
	return { count, failed, deaths: deaths.length, lost: life.named };
}

function draw(counts) {
	const random = seeded(SEED);
	if (SIZE === Infinity) {
		return counts.flatMap(({ role, count }) => Array.from({ length: count }, (_, i) => i + 1)
			.flatMap((nth) => [{ role, nth, forever: false }, { role, nth, forever: true }]));
	}
	return Array.from({ length: SIZE }, (_, i) => {
		const { role, count } = counts[i % counts.length];
		return { role, nth: 1 + Math.floor(random() * count), forever: random() < 0.5 };
	});
}

const name = ({ role, nth, forever }) => `${role}/${nth}/${forever ? 'forever' : 'once'}`;

function parse(text) {
	const [role, nth, how] = text.split('/');
	return { role, nth: Number(nth), forever: how === 'forever' };
}

const skip = !existsSync(STARVED) && `${STARVED} is not there: make torture-builds`;

test(`R-03 no allocation is the wrong one to fail (seed ${SEED})`, { skip, timeout: 86400000 }, async (t) => {
	needBuild();
	const dir = workspace(t);
	const order = new Order(dir);
	// The program maps a file that no role may open: here it goes without its sandbox.
	const house = new House(dir, { settings: { rotation: 'R4' }, env: { FIBERWISE_SANDBOX: 'off' }, binary: STARVED });
	t.after(() => house.close());
	await house.build();
	let points = process.env.FIBERWISE_ALLOCATION?.split(',').map(parse);
	if (!points) {
		const counts = [];
		for (const role of ROLES) counts.push({ role, count: (await lifeUnder(house, order, { role, nth: 0 })).count });
		t.diagnostic(JSON.stringify(counts));
		assert.ok(counts.every(({ role, count }) => role === 'supervisor' || count > 0));
		points = draw(counts.filter(({ count }) => count > 0));
	}
	const seen = { points: 0, failed: 0, deaths: 0, lost: 0 };
	const findings = [];
	for (const point of points) {
		seen.points += 1;
		try {
			const { failed, deaths, lost } = await lifeUnder(house, order, point);
			seen.failed += failed > 0 ? 1 : 0;
			seen.deaths += deaths;
			seen.lost += lost;
		} catch (e) {
			findings.push(name(point));
			t.diagnostic(`FINDING ${name(point)}: ${e.message.replace(/<!doctype.*<h1>/s, '')}`);
		}
	}
	t.diagnostic(JSON.stringify({ seed: SEED, ...seen, findings: findings.length }));
	assert.deepEqual(findings, []);
	assert.ok(seen.failed > 0.7 * seen.points, 'too few allocations were reached');
});
