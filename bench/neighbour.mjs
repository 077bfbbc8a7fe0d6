// SPDX-License-Identifier: Apache-2.0
//
// A noisy neighbour (AP-09): one key asks for three times of what it may, without a pause. What do the token reads of another key wait?
// The neighbour idle, and at its limit, in turn.

import { makeApp } from '../tests/e2e/lib/api.mjs';
import { load } from './lib/load.mjs';
import { inPairs, median, round } from './lib/stats.mjs';
import { inWorld, manyConnections, tokenPath, withKey } from './lib/world.mjs';

const LIMIT = 1000; // FIBERWISE_RATE_KEY as it is by default
const TARGETS = { 'other requests': '/api/v1/credentials/connections' };

export async function neighbour({ quick, say }) {
	const seconds = quick ? 1 : 4;
	return inWorld({ workers: 2, env: { FIBERWISE_RATE_KEY: String(LIMIT) } }, async (world) => {
		const [flow] = await manyConnections(world, 1);
		const noisy = await makeApp(world.service, 'noisy');
		const ours = withKey(world.service);
		const read = async () => (await load(ours, [tokenPath(flow)], { seconds, rate: 500, connections: 4 })).p99_us;
		const found = {};
		for (const [name, path] of Object.entries(TARGETS)) {
			const shares = [];
			const beside = async () => {
				const theirs = load({ ...ours, headers: { authorization: `Bearer ${noisy.key}` } }, [path],
					{ seconds: seconds + 1, rate: 3 * LIMIT, connections: 8, mayFail: true });
				const p99 = await read();
				shares.push((await theirs).ok / (seconds + 1));
				return p99;
			};
			const runs = await inPairs(quick ? 1 : 7, read, beside);
			found[name] = {
				alone_us: median(runs.map(([a]) => a)), beside_us: median(runs.map(([, b]) => b)),
				ratio: median(runs.map(([a, b]) => b / a)), served_per_s: median(shares),
			};
			const { alone_us, beside_us, ratio, served_per_s } = found[name];
			say(`  ${name}: p99 ${round(alone_us)} us alone, ${round(beside_us)} us beside (${round(ratio, 2)}x); the neighbour was served ${round(served_per_s)} a second`);
		}
		return found;
	});
}
