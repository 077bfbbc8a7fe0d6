// SPDX-License-Identifier: Apache-2.0
//
// Measures what DESIGN §8 asks. Parts are named on the command line; without any, all of them run.

import { read } from './read.mjs';

const PARTS = { read };
const quick = Boolean(process.env.BENCH_QUICK);
const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(PARTS);

for (const name of wanted) {
	if (!PARTS[name]) {
		console.error(`bench: '${name}' is no part; there are ${Object.keys(PARTS).join(', ')}`);
		process.exit(2);
	}
}
for (const name of wanted) await PARTS[name]({ quick, say: (text) => console.log(text) });
