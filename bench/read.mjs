// SPDX-License-Identifier: Apache-2.0
//
// Token read over keep-alive, in turn with nginx `return 200` whose body has the same size: first one worker each on
// core 0 and wrk on core 1, then two workers each and wrk wherever the kernel puts them, then with heads of which none is like
// the one before, so that each has to be parsed.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { ask } from '../tests/e2e/lib/http.mjs';
import { Nginx } from './lib/nginx.mjs';
import { pin } from './lib/processes.mjs';
import { inPairs, median, middle, round } from './lib/stats.mjs';
import { inWorld, oneConnection } from './lib/world.mjs';
import { wrk } from './lib/wrk.mjs';

const SHAPES = [
	{ name: 'one worker on core 0, wrk on core 1', workers: 1, cores: '0', load: { threads: 1, cores: '1' } },
	{ name: 'two workers, no core given', workers: 2, load: { threads: 2 } },
	{ name: 'one worker on core 0, each request with a trace id of its own', workers: 1, cores: '0', load: { threads: 1, cores: '1', traced: true } },
];

const line = (who, r) => `  ${who.padEnd(8)} ${round(r.rate)}/s  p50 ${round(r.p50_us)} us  p99 ${round(r.p99_us)} us  `
	+ `CPU ${round(r.cpu_us, 1)} us and ${round(r.switches, 2)} context switches an answer of ${r.answer_bytes} bytes`;

async function measure(shape, { pairs, seconds, say }) {
	return inWorld(shape, async (world) => {
		const ours = await oneConnection(world);
		const { status, text } = await ask(ours.url, { headers: ours.headers });
		assert.equal(status, 200, text);
		const nginx = await new Nginx().start(join(world.dir, 'nginx'),
			{ workers: shape.workers, bodyBytes: Buffer.byteLength(text) });
		try {
			if (shape.cores) await pin(nginx.pid, shape.cores);
			const load = (target, s = seconds) => () => wrk(target, { ...shape.load, seconds: s });
			await inPairs(1, load(ours, 1), load(nginx, 1)); // warm, not counted
			say(`${shape.name}; body ${Buffer.byteLength(text)} bytes`);
			const runs = await inPairs(pairs, load(ours), load(nginx));
			const ratios = runs.map(([a, b]) => a.rate / b.rate);
			const result = {
				shape: shape.name, body_bytes: Buffer.byteLength(text), ratio: median(ratios), ratios,
				ours: middle(runs.map(([a]) => a)), nginx: middle(runs.map(([, b]) => b)),
			};
			say(`  ratios   ${ratios.map((r) => r.toFixed(3)).join(' ')}  median ${result.ratio.toFixed(3)}`);
			say(line('ours', result.ours));
			say(line('nginx', result.nginx));
			return result;
		} finally {
			await nginx.stop();
		}
	});
}

export async function read({ quick, say }) {
	const results = [];
	for (const shape of SHAPES) {
		results.push(await measure(shape, { pairs: quick ? 3 : 9, seconds: quick ? 1 : 3, say }));
	}
	return results;
}
