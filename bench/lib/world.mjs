// SPDX-License-Identifier: Apache-2.0
//
// The service and the adversary provider for a measurement: started in a directory of its own on the disk of the
// build, stopped and removed at the end.

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Adversary, connect, register } from '../../tests/e2e/lib/adversary.mjs';
import { BUILD, freePort } from '../../tests/e2e/lib/process.mjs';
import { needBuild, Service } from '../../tests/e2e/lib/service.mjs';
import { endWithUs, pin } from './processes.mjs';

export const SCRATCH = join(BUILD, 'bench-scratch');

// Runs body(dir) in a fresh directory.
export async function inScratch(name, body) {
	const dir = join(SCRATCH, `${name}-${process.pid}`);
	mkdirSync(dir, { recursive: true });
	try {
		return await body(dir);
	} finally {
		rmSync(dir, { recursive: true, force: true });
	}
}

// Runs body({ dir, service, adversary }); cores: where the service may run, all its roles together.
export function inWorld({ workers, cores, settings = {}, env = {} }, body) {
	return inScratch('world', async (dir) => {
		needBuild();
		const adversary = await new Adversary().start({ record_requests: 0, ...settings });
		const service = new Service(dir, await freePort(), { FIBERWISE_WORKERS: String(workers), ...env });
		try {
			endWithUs(() => service.program);
			await service.start();
			if (cores) await pin(service.program.pid, cores);
			return await body({ dir, service, adversary });
		} finally {
			await service.program?.stop('SIGTERM').finally(() => service.program.stop('SIGKILL'));
			await adversary.stop();
		}
	});
}

export const tokenPath = ({ connection, user }) => `/api/v1/credentials/connections/${connection}/token?user=${user}`;

export const withKey = (service) => ({ url: service.url, headers: { authorization: `Bearer ${service.adminKey}` }, pid: service.program.pid });

// One connected account, as something that can be loaded: { url, headers, pid }.
export async function oneConnection({ service, adversary }) {
	const flow = await connect(service, await register(service, adversary));
	return { ...withKey(service), url: service.url + tokenPath(flow) };
}

// So many accounts, each of a user of its own: [{ connection, user, account, … }].
export async function manyConnections({ service, adversary }, count) {
	const authenticator = await register(service, adversary);
	const flows = [];
	let next = 0;
	const connectInTurn = async () => {
		while (next < count) {
			const i = next++;
			flows[i] = await connect(service, authenticator, { user: `user-${i}`, account: `account-${i}` });
		}
	};
	await Promise.all(Array.from({ length: 16 }, connectInTurn));
	return flows;
}
