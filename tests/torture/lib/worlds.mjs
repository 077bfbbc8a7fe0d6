// SPDX-License-Identifier: Apache-2.0
//
// A service with a crowd of connections at a provider that can say what it did: the scripted adversary,
// or the practice provider (npm oidc-provider, rotating) behind a gate. Both have inFlight() and books()
// by our grant ids.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { connect, Jar, makeArena, register } from '../../e2e/lib/adversary.mjs';
import { signIn, startPractice } from '../../e2e/lib/practice.mjs';
import { freePort } from '../../e2e/lib/process.mjs';
import { needBuild, registerPractice, Service, workspace } from '../../e2e/lib/service.mjs';
import { Gate } from './gate.mjs';
import { adversaryBooks, grantIds } from './history.mjs';

// What an authenticator has to say of such a provider; the adversary's window is 10 s unless told.
const rotationOf = ({ rotation, window_ms: window = 10000 }) => ({
	class: rotation, ...(rotation === 'R2' ? { window_s: Math.max(1, Math.floor(window / 1000)) } : {}),
});

// `named`: the authenticator says which rotation class its provider has; else that is unknown (U).
export async function atAdversary(t, { settings, connections, named = false, ...rest }) {
	const { service, adversary } = await makeArena(t, { settings: { record_requests: 0, ...settings }, ...rest });
	const made = await register(service, adversary, named ? { configuration: { rotation: rotationOf(settings) } } : {});
	const crowd = [];
	for (let i = 0; i < connections; i += 1) {
		crowd.push(await connect(service, made, { user: `u${i}`, account: `account-${i}` }));
	}
	return {
		service, adversary, crowd, authenticator: made,
		inFlight: async () => (await adversary.grants()).reduce((n, g) => n + g.in_flight, 0),
		books: async () => (await adversaryBooks(service, adversary, crowd)).map((book) => ({ rotation: settings.rotation, ...book })),
		calm: () => adversary.config({ access_ttl_s: 3600, delay_before_ms: 0, delay_after_ms: 0 }),
	};
}

async function connectAtPractice(service, user) {
	const link = await service.expect(201, 'POST', '/credentials/connect-links', { json: { authenticator: 'Practice', user, return_to: '/ready' } });
	const jar = new Jar();
	await jar.get(link.url);
	const away = await jar.post(link.url);
	const back = await jar.get(await signIn(away.headers.location, user));
	assert.equal(new URL(back.headers.location, service.url).searchParams.get('connected'), 'true', back.headers.location);
	const state = await service.expect(200, 'GET', `/credentials/connect-links/${link.id}`);
	return { user, connection: state.connection_id };
}

export async function atPractice(t, { connections, delay }) {
	needBuild();
	const dir = workspace(t);
	const practice = await startPractice(join(dir, 'practice'), { accessTokenSeconds: 600 });
	t.after(() => practice.stop('SIGKILL'));
	const gate = await new Gate((await practice.metadata()).token_endpoint, () => gate.pause()).start();
	gate.pause = () => 0;
	t.after(() => gate.stop());
	const service = new Service(dir, await freePort(), {});
	t.after(() => service.program?.stop('SIGKILL'));
	await service.start();
	await registerPractice(service, practice, { token_url: gate.url });
	const crowd = [];
	for (let i = 0; i < connections; i += 1) {
		crowd.push(await connectAtPractice(service, `u${i}`));
		crowd[i].family = gate.families.at(-1);
	}
	gate.pause = delay;
	return {
		service, practice, crowd,
		inFlight: async () => gate.inFlight,
		books: async () => {
			const ids = await grantIds(service);
			return crowd.map(({ connection, family }) => ({ grant_id: ids.get(connection), ...family, consumed: undefined }));
		},
		calm: async () => { gate.pause = () => 0; },
	};
}
