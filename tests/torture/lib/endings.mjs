// SPDX-License-Identifier: Apache-2.0
//
// Disconnects in the middle of everything: after a kill, now and then, one of the crowd.

import { ask } from '../../e2e/lib/http.mjs';
import { sleep } from '../../e2e/lib/process.mjs';
import { grantIds } from './history.mjs';

// { between, revoked }: `between` for torture(), `revoked` for judge(), filled while it runs.
export function endsSome({ service, crowd }, { random, count }) {
	const revoked = [];
	let ids;

	async function end(load, client) {
		const { flow } = client;
		for (let tries = 0; tries < 200; tries += 1) {
			const res = await ask(`${service.url}/api/v1/credentials/connections/${flow.connection}?user=${flow.user}`,
				{ method: 'DELETE', headers: { authorization: `Bearer ${service.adminKey}` } }).catch(() => ({ status: 0 }));
			// A repeated DELETE, whose first answer died with its worker, finds it ended.
			if (res.status === 200 || (res.status === 404 && tries > 0)) {
				revoked.push({ grant_id: ids.get(flow.connection), at: Date.now() });
				return;
			}
			await sleep(25);
		}
		load.wrong.push(`${flow.user}: DELETE was never answered`);
	}

	async function between(load) {
		ids ??= await grantIds(service);
		const open = load.clients.filter((client) => !client.ending);
		if (revoked.length >= count || open.length <= crowd.length - count || random() < 0.3) return;
		const client = open[Math.floor(random() * open.length)];
		client.ending = true; // "not found" is no wrong word to it from now on
		await end(load, client);
	}

	return { between, revoked };
}
