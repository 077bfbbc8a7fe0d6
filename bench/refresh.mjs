// SPDX-License-Identifier: Apache-2.0
//
// Refreshes a second: many connections whose tokens live for a second, read one after the other by 64 clients, so that
// nearly every read needs a refresh. The provider is of class R4 and answers at once.

import assert from 'node:assert/strict';
import { load } from './lib/load.mjs';
import { usage } from './lib/processes.mjs';
import { round } from './lib/stats.mjs';
import { inWorld, manyConnections, tokenPath, withKey } from './lib/world.mjs';

const cpuByRole = (service, adversary) => new Map([
	...service.roles().map(({ pid, role }) => [`${role} ${pid}`, usage(pid)]),
	[`provider ${adversary.program.pid}`, usage(adversary.program.pid)],
]);

// CPU time and context switches for each refresh, by role.
function spent(before, after, refreshes) {
	const roles = {};
	for (const [key, now] of after) {
		const [role] = key.split(' ');
		const was = before.get(key);
		assert.ok(was, `a ${role} was started anew under load`);
		roles[role] ??= { cpu_us: 0, switches: 0 };
		roles[role].cpu_us += (now.cpuUs - was.cpuUs) / refreshes;
		roles[role].switches += (now.switches - was.switches) / refreshes;
	}
	return roles;
}

// Reads of the connections in turn, by 64 clients, and what the refreshes among them cost.
export async function measureRefreshes({ service, adversary }, flows, seconds) {
	const hits = await adversary.hits('token');
	const before = cpuByRole(service, adversary);
	const run = await load(withKey(service), flows.map(tokenPath), { seconds });
	const after = cpuByRole(service, adversary);
	const refreshes = await adversary.hits('token') - hits;
	assert.equal((await adversary.counters()).token_error ?? 0, 0, 'the provider refused a refresh');
	return {
		connections: flows.length, clients: 64, rate: refreshes / run.seconds, refreshes, reads: run.answered,
		p50_us: run.p50_us, p99_us: run.p99_us, roles: spent(before, after, refreshes),
	};
}

export async function refresh({ quick, say }) {
	return inWorld({ workers: 2, settings: { access_ttl_s: 1 } }, async (world) => {
		const flows = await manyConnections(world, quick ? 500 : 2000);
		const result = await measureRefreshes(world, flows, quick ? 4 : 15);
		say(`${result.connections} connections, 64 clients: ${round(result.rate)} refreshes/s (${result.refreshes} for ${result.reads} reads), `
			+ `p50 ${round(result.p50_us / 1000, 1)} ms, p99 ${round(result.p99_us / 1000, 1)} ms`);
		for (const [role, { cpu_us, switches }] of Object.entries(result.roles)) {
			say(`  ${role.padEnd(8)} ${round(cpu_us)} us CPU, ${round(switches, 1)} context switches a refresh`);
		}
		return result;
	});
}
