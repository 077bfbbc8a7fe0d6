// SPDX-License-Identifier: Apache-2.0
//
// Memory of all roles as proportional set size: idle after the start; after one worker has read many connections, without
// a cache and with one. What a cached connection costs is how much more the second half of them adds with a cache than
// without, so that neither SQLite's pages nor the empty tables count.

import { eventually, sleep } from '../tests/e2e/lib/process.mjs';
import { read as readToken } from '../tests/e2e/lib/adversary.mjs';
import { load } from './lib/load.mjs';
import { pssKiB, workersOf } from './lib/processes.mjs';
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
		const afterReading = async (env) => {
			await service.stop();
			await service.start({ FIBERWISE_WORKERS: '1', ...env });
			await eventually('the roles', () => service.roles().length === 4);
			const readFirst = (n) => load(withKey(service), Array.from({ length: 5 }, () => flows.slice(0, n).map(tokenPath)).flat(),
				{ seconds: 60, connections: 16, once: true });
			await readFirst(count / 2);
			const [worker] = workersOf(service.program.pid);
			const half = pssKiB(worker, true);
			await readFirst(count);
			return { roles: pssByRole(service), added: pssKiB(worker, true) - half };
		};
		const uncached = await afterReading({ FIBERWISE_CACHE_BYTES: '0' });
		const cached = await afterReading({});
		const result = {
			idle_kib: fresh, uncached_kib: uncached.roles, cached_kib: cached.roles, connections: count, token_bytes: token.length,
			bytes_per_connection: ((cached.added - uncached.added) * 1024) / (count / 2),
		};
		say(`PSS in MiB, idle with 2 workers: ${shown(fresh)}`);
		say(`  1 worker that has read ${count} connections, without a cache: ${shown(uncached.roles)}`);
		say(`  with it: ${shown(cached.roles)}; ${round(result.bytes_per_connection)} bytes a connection, its token has ${token.length}`);
		return result;
	});
}
