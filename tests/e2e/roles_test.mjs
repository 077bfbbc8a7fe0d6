// SPDX-License-Identifier: Apache-2.0
//
// The processes: each is named, a killed one is back and the next read works, and a service that was
// killed whole starts again with everything it had promised.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launch, newPerson } from './lib/browser.mjs';
import { connectByLink } from './lib/flows.mjs';
import { descendants, eventually, readProc, sleep } from './lib/process.mjs';
import { makeWorld } from './lib/service.mjs';

// A read that must refresh first, so that worker, clerk, courier and keeper all take part.
async function refreshingRead(service, practice) {
	const before = await practice.stats();
	const started = Date.now();
	const res = await service.token('practice', { user: 'u1' });
	const took = Date.now() - started;
	assert.equal(res.status, 200, res.text);
	const after = await practice.stats();
	assert.equal((await practice.whoHas(res.body.access_token)).status, 200);
	assert.ok(after.refresh_token > before.refresh_token, 'this read was meant to refresh');
	assert.equal(after.refused, 0);
	return took;
}

test('kill -9 of any one role while idle: the next read works within two seconds', async (t) => {
	const { service, practice } = await makeWorld(t, { accessTokenSeconds: 3 });
	const { page } = await newPerson(await launch(t));
	await connectByLink(page, service, { user: 'u1', account: 'ada' });
	const roles = service.roles();
	assert.deepEqual([...new Set(roles.map((r) => r.role))].sort(), ['clerk', 'courier', 'keeper', 'worker']);
	assert.equal(roles.filter((r) => r.role === 'worker').length, 2);

	for (const { pid, role } of roles) {
		await sleep(3500);
		process.kill(pid, 'SIGKILL');
		const took = await refreshingRead(service, practice);
		assert.ok(took < 2000, `after the ${role} was killed the read took ${took} ms`);
		await eventually(`a new ${role}`, () => {
			const now = service.roles();
			return now.length === roles.length && now.every((r) => r.pid !== pid);
		}, 2000);
	}
	assert.ok(service.program.running);
});

test('kill -9 of the supervisor: the others end, and a new start serves what was there', async (t) => {
	const { service, practice } = await makeWorld(t, { accessTokenSeconds: 3 });
	const { page } = await newPerson(await launch(t));
	await connectByLink(page, service, { user: 'u1', account: 'ada' });
	const orphans = descendants(service.program.pid);
	await service.stop('SIGKILL');
	await eventually('all roles have ended', () => orphans.every((pid) => !/fiberd/.test(readProc(pid, 'cmdline'))), 10000);
	await service.start();
	await sleep(3200);
	assert.ok(await refreshingRead(service, practice) < 2000);
});

test('SIGTERM ends every process', async (t) => {
	const { service } = await makeWorld(t);
	const pids = descendants(service.program.pid);
	assert.ok(pids.length >= 5);
	assert.equal(await service.stop(), 0, service.program.errors);
	await eventually('all have ended', () => pids.every((pid) => !/fiberd/.test(readProc(pid, 'cmdline'))), 2000);
});
