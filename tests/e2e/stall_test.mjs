// SPDX-License-Identifier: Apache-2.0
//
// A role that stands still for a while (a paused container, a machine under load) and goes on.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeWorld } from './lib/service.mjs';

test('a keeper that stood still is asked again once it goes on', async (t) => {
	const { service } = await makeWorld(t, { env: { FIBERWISE_WORKERS: '1' } });
	const { pid } = service.roles().find(({ role }) => role === 'keeper');

	process.kill(pid, 'SIGSTOP');
	t.after(() => { try { process.kill(pid, 'SIGCONT'); } catch { /* gone with the service */ } });
	const meanwhile = await service.api('POST', '/apps', { json: { name: 'meanwhile' } });
	assert.equal(meanwhile.status, 503, meanwhile.text);
	process.kill(pid, 'SIGCONT');
	await service.expect(201, 'POST', '/apps', { json: { name: 'afterwards' } });
	assert.deepEqual((await service.expect(200, 'GET', '/apps')).map((app) => app.name), ['default', 'afterwards']);
	assert.ok(service.roles().some((role) => role.pid === pid), 'the keeper was not started again');
});
