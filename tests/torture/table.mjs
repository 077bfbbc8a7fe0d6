// SPDX-License-Identifier: Apache-2.0
//
// LIFECYCLE §2 for the real daemon: how many grants does a crash in mid-refresh cost, by rotation class, as
// it is and with the fault courier_forget, which makes a design of it in which nobody outlives the crash to
// bring the answer home. The provider takes 2 to 8 ms before and after its commit; each grant is hit at a
// moment from 0 to 22 ms after its client asked, several grants a crash; a crash is kill -9 of everything
// but the courier, then a restart at once. KILLS_EACH says how many grants are hit for a row (60).

import assert from 'node:assert/strict';
import { cpus, loadavg, release } from 'node:os';
import { killAll, seeded } from '../e2e/lib/chaos.mjs';
import { connect, read } from '../e2e/lib/adversary.mjs';
import { sleep } from '../e2e/lib/process.mjs';
import { losses } from './invariants.mjs';
import { gather, settled } from './lib/history.mjs';
import { probe } from './lib/load.mjs';
import { SEED } from './lib/torture.mjs';
import { atAdversary } from './lib/worlds.mjs';

const HITS = Number(process.env.KILLS_EACH ?? 60);
const AT_ONCE = 5;
const SPREAD_MS = 22;
const FAULTY = process.env.FIBERWISE_FAULTY;

const REAL = { design: 'as it is' };
const FORGET = { design: 'courier_forget', binary: FAULTY, env: { FIBERD_FAULTS: 'courier_forget' } };

// what LIFECYCLE §2 has for the row, as lost of 300
const ROWS = [
	{ name: 'R4 strict, reuse ends the grant', ...REAL, rotation: 'R4', simulated: 0 },
	{ name: 'R4 strict, reuse ends the grant', ...FORGET, rotation: 'R4', simulated: 180 },
	{ name: 'R3 strict', ...REAL, rotation: 'R3' },
	{ name: 'R3 strict', ...FORGET, rotation: 'R3', simulated: 178 },
	{ name: 'R2 grace 1 s', ...REAL, rotation: 'R2', window_ms: 1000 },
	{ name: 'R2 grace 1 s', ...FORGET, rotation: 'R2', window_ms: 1000, simulated: 0 },
	{ name: 'R2 grace 0.1 s', ...REAL, rotation: 'R2', window_ms: 100 },
	{ name: 'R2 grace 0.1 s', ...FORGET, rotation: 'R2', window_ms: 100, simulated: 178 },
	{ name: 'R1 old one lives until the new one is used', ...REAL, rotation: 'R1' },
	{ name: 'R1 old one lives until the new one is used', ...FORGET, rotation: 'R1', simulated: 0 },
	{ name: 'R0 not rotated', ...REAL, rotation: 'R0' },
	{ name: 'R0 not rotated', ...FORGET, rotation: 'R0' },
];

// What a test has of its runner: only what is to be done at the end.
function scope() {
	const todo = [];
	return { after: (fn) => todo.unshift(fn), end: async () => { for (const fn of todo) await fn(); } };
}

async function crash(world, random) {
	const { service, crowd } = world;
	const asking = crowd.map(async (flow) => {
		await sleep(random() * SPREAD_MS);
		await read(service, flow, { min_ttl: 86400 }).catch(() => null);
	});
	await sleep(SPREAD_MS);
	await killAll(service, { courier: false });
	await Promise.all(asking);
	await service.start();
	await settled(service);
	const { probes } = await probe(world);
	const history = await gather(service, { provider: await world.books(), probes });
	return losses(history);
}

async function row(t, { rotation, window_ms: window = 10000, binary, env }, random) {
	const world = await atAdversary(t, {
		connections: 0, named: true, binary, env,
		settings: { rotation, window_ms: window, access_ttl_s: 1, delay_before_ms: [2, 8], delay_after_ms: [2, 8], seed: SEED },
	});
	const lost = { named: new Set(), silent: new Set() };
	let hits = 0;
	for (let serial = 0; hits < HITS; hits += AT_ONCE) {
		// New grants each time, of an age at which reading one refreshes it.
		world.crowd.length = 0;
		for (let i = 0; i < AT_ONCE; i += 1, serial += 1) {
			world.crowd.push(await connect(world.service, world.authenticator, { user: `u${serial}`, account: `account-${serial}` }));
		}
		await sleep(120);
		const { named, silent } = await crash(world, random);
		for (const id of named) lost.named.add(id);
		for (const id of silent) lost.silent.add(id);
	}
	return { hits, named: lost.named.size, silent: lost.silent.size };
}

const percent = (n, of) => `${((100 * n) / of).toFixed(1)} %`;

assert.ok(FAULTY, 'FIBERWISE_FAULTY must name the fiberd of a build with faults');
console.log(`${cpus().length} cores, ${cpus()[0].model}, Linux ${release()}, load ${loadavg()[0].toFixed(1)}, seed ${SEED}\n`);
console.log('| provider class | design | hit | lost | | of these silent | simulation (§2) |');
console.log('|---|---|---|---|---|---|---|');
let silent = 0;
let lostAsItIs = 0;
let lostForgotten = 0;
const random = seeded(SEED);
for (const r of ROWS) {
	const t = scope();
	try {
		const found = await row(t, r, random);
		const lost = found.named + found.silent;
		silent += found.silent;
		if (r.design === REAL.design) lostAsItIs += lost;
		else lostForgotten += lost;
		console.log(`| ${r.name} | ${r.design} | ${found.hits} | ${lost} | ${percent(lost, found.hits)} | ${found.silent} | ${
			r.simulated === undefined ? '' : percent(r.simulated, 300)} |`);
	} finally {
		await t.end();
	}
}
console.log(`\n${lostAsItIs === 0 && silent === 0 ? 'No grant was lost as it is' : `${lostAsItIs} lost as it is, ${silent} silently`}.`);
if (lostForgotten === 0) console.log('But courier_forget lost none either, so this run shows nothing.');
process.exit(lostAsItIs === 0 && silent === 0 && lostForgotten > 0 ? 0 : 1);
