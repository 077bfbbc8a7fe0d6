// SPDX-License-Identifier: Apache-2.0
//
// Memory of all roles as proportional set size: idle after the start, after load on one connection, and after the worker
// has read many connections, so that what a cached connection costs is the difference.

import { eventually, sleep } from '../tests/e2e/lib/process.mjs';
import { read as readToken } from '../tests/e2e/lib/adversary.mjs';
import { load } from './lib/load.mjs';
import { pssKiB } from './lib/processes.mjs';
import { round } from './lib/stats.mjs';
import { inWorld, manyConnections, tokenPath, withKey } from './lib/world.mjs';

function pssByRole(service) {
	const roles = { supervisor: pssKiB(service.program.pid) };
	for (const { pid, role } of service.roles()) roles[role] = (roles[role] ?? 0) + pssKiB(pid);
	return { ...roles, all: Object.values(roles).reduce((a, b) => a + b, 0) };
}

const shown = (roles) => Object.entries(roles).map(([role, kib]) => `${role} ${round(kib / 1024, 1)}`).join(', ');

export async function memory({ quick, say }) {
	if (process.getuid() !== 0) {
		say('memory: only root may ask how much memory a role holds, because roles are not dumpable');
		return null;
	}
	const count = quick ? 200 : 2000;
	return inWorld({ workers: 2 }, async (world) => {
		const { service } = world;
		await sleep(1000);
		const fresh = pssByRole(service);
		const flows = await manyConnections(world, count);
		const token = (await readToken(service, flows[0])).body.access_token;
		await service.stop();
		await service.start({ FIBERWISE_WORKERS: '1' });
		await eventually('the roles', () => service.roles().length === 4);
		const readAll = (paths) => load(withKey(service), Array.from({ length: 5 }, () => paths).flat(), { seconds: 60, connections: 16, once: true });
		await readAll(flows.map(() => tokenPath(flows[0])));
		const one = pssByRole(service);
		await readAll(flows.map(tokenPath));
		const many = pssByRole(service);
		const result = {
			idle_kib: fresh, one_kib: one, many_kib: many, connections: count, token_bytes: token.length,
			bytes_per_connection: ((many.worker - one.worker) * 1024) / count,
		};
		say(`PSS in MiB, idle with 2 workers: ${shown(fresh)}`);
		say(`  1 worker that has read one connection ${5 * count} times: ${shown(one)}`);
		say(`  and then ${count} connections: ${shown(many)}; ${round(result.bytes_per_connection)} bytes a connection, its token has ${token.length}`);
		return result;
	});
}
