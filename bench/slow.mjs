// SPDX-License-Identifier: Apache-2.0
//
// Clients that are slow on purpose, 5,000 at a time, each kind by itself and all together (DO-02): what do others wait? Token reads by an
// open schedule, without and with the crowd in turn.

import { beside } from '../tests/e2e/lib/slow.mjs';
import { round } from './lib/stats.mjs';
import { inWorld, manyConnections, tokenPath, withKey } from './lib/world.mjs';

const CROWDS = [['headers'], ['body'], ['read'], ['headers', 'body', 'read']];

export async function slow({ quick, say }) {
	const clients = quick ? 500 : 5000;
	return inWorld({ workers: 2 }, async (world) => {
		const [flow] = await manyConnections(world, 1);
		const found = { clients, crowds: [] };
		for (const kinds of CROWDS) {
			const { without_us, with_us, ratio, opened } = await beside(withKey(world.service), tokenPath(flow), { clients, kinds },
				{ pairs: quick ? 1 : 5, seconds: quick ? 1 : 4, rate: 1000 });
			found.crowds.push({ kinds, without_us, with_us, ratio });
			say(`  ${kinds.join(', ').padEnd(20)} p99 ${round(without_us)} us without, ${round(with_us)} us with ${clients} of them `
				+ `(${round(ratio, 2)}x); came ${opened.map((s) => s.opened).join(', ')}`);
		}
		return found;
	});
}
