// SPDX-License-Identifier: Apache-2.0
//
// Measures what the service is meant to reach. Parts are named on the command line and print what they find; a whole run
// that is not the quick one writes RESULTS.md and results.json. All of it listens on loopback and is stopped at the end.

import { connect } from './connect.mjs';
import { half } from './half.mjs';
import { memory } from './memory.mjs';
import { neighbour } from './neighbour.mjs';
import { read } from './read.mjs';
import { refresh } from './refresh.mjs';
import { slow } from './slow.mjs';
import { start } from './start.mjs';
import { write } from './report.mjs';
import { describe, refuseSlowBuild } from './lib/machine.mjs';
import { round } from './lib/stats.mjs';

const PARTS = { read, half, memory, connect, refresh, start, slow, neighbour };
const quick = Boolean(process.env.BENCH_QUICK);
const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(PARTS);
const say = (text) => console.log(text);

for (const name of wanted) {
	if (!PARTS[name]) {
		console.error(`bench: '${name}' is no part; there are ${Object.keys(PARTS).join(', ')}`);
		process.exit(2);
	}
}
refuseSlowBuild();
const machine = await describe();
if (machine.load_average > 0.5) say(`The machine is not idle (load average ${round(machine.load_average, 2)}): trust ratios and CPU, not rates.`);
const found = {};
for (const name of wanted) {
	const began = performance.now();
	say(`\n${name}`);
	found[name] = await PARTS[name]({ quick, say });
	say(`(${round((performance.now() - began) / 1000)} s)`);
}
if (wanted.length === Object.keys(PARTS).length && (!quick || process.env.BENCH_OUT)) {
	write(process.env.BENCH_OUT ?? import.meta.dirname, machine, found);
	say(`\nWritten: ${process.env.BENCH_OUT ?? 'bench'}/RESULTS.md and results.json`);
}
