// SPDX-License-Identifier: Apache-2.0
//
// Slow clients beside others (DO-02): starts and ends the crowd of slow_clients.mjs, and compares what others wait with and without it.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { load } from '../../../bench/lib/load.mjs';
import { inPairs, median } from '../../../bench/lib/stats.mjs';
import { sleep } from './process.mjs';

// Resolves once so many are there, or no more come. { state, end() }; state is { open, opened } of a second ago.
export async function slowCrowd(url, { clients, kinds = ['headers', 'body', 'read'], perSecond = 1000 }) {
	const child = fork(new URL('slow_clients.mjs', import.meta.url).pathname,
		[new URL(url).port, clients, kinds.join(','), perSecond].map(String));
	const crowd = {
		state: { open: 0, opened: 0 },
		async end() {
			if (child.exitCode === null) {
				child.disconnect();
				await once(child, 'exit');
			}
		},
	};
	child.on('message', (state) => { crowd.state = state; });
	for (let i = 0; i < 100 && crowd.state.opened < clients; i += 1) await sleep(100);
	return crowd;
}

// The 99th percentile of `target` (as bench/lib/load.mjs takes it), without and with the crowd, in pairs: medians in microseconds.
export async function beside(target, path, crowd, { pairs, seconds, rate }) {
	const run = async () => (await load(target, [path], { seconds, rate, connections: 8 })).p99_us;
	const opened = [];
	const without = async () => { await sleep(500); return run(); };
	const with_ = async () => {
		const slow = await slowCrowd(target.url, crowd);
		const p99 = await run();
		opened.push(slow.state);
		await slow.end();
		await sleep(200);
		return p99;
	};
	const runs = await inPairs(pairs, without, with_);
	return {
		without_us: median(runs.map(([a]) => a)), with_us: median(runs.map(([, b]) => b)),
		ratio: median(runs.map(([a, b]) => b / a)), opened,
	};
}
