// SPDX-License-Identifier: Apache-2.0
//
// The practice provider as a fixture, with its counters and its list of what it handed out.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Jar } from './adversary.mjs';
import { ask } from './http.mjs';
import { Program, ROOT } from './process.mjs';

export async function startPractice(dir, { accessTokenSeconds = 120, port = 0, kind = 'strict', client: more = {} } = {}) {
	mkdirSync(dir, { recursive: true });
	const client = {
		client_id: 'e2e-client',
		client_secret: randomBytes(24).toString('base64url'),
		client_name: 'FiberWise under test',
		redirect_uris: [],
		...more,
	};
	const clientsFile = join(dir, 'clients.json');
	const writeClients = () => writeFileSync(clientsFile, JSON.stringify([client]), { mode: 0o600 });
	writeClients();
	const boot = async (atPort) => {
		const program = new Program(process.execPath,
			[join(ROOT, 'practice/server.mjs'), '--port', String(atPort),
				'--state', join(dir, 'state.json'), '--clients', clientsFile],
			{ env: { PRACTICE_STATS: '1', PRACTICE_ACCESS_TOKEN_SECONDS: String(accessTokenSeconds), PRACTICE_KIND: kind } });
		return { program, issuer: await program.ready() };
	};
	let { program, issuer } = await boot(port);
	return {
		get issuer() { return issuer; },
		get program() { return program; },
		client,
		allowRedirect(uri) {
			if (!client.redirect_uris.includes(uri)) client.redirect_uris.push(uri);
			writeClients();
		},
		stats: async () => (await ask(`${issuer}/_practice/stats`)).body,
		secrets: async () => (await ask(`${issuer}/_practice/secrets`)).body,
		whoHas: async (accessToken) => (await ask(`${issuer}/me`,
			{ headers: { authorization: `Bearer ${accessToken}` } })),
		metadata: async () => (await ask(`${issuer}/.well-known/openid-configuration`)).body,
		restart: async () => {
			await program.stop();
			({ program, issuer } = await boot(Number(new URL(issuer).port)));
		},
		stop: (signal) => program.stop(signal),
	};
}

// The one page of the practice provider, without a browser; returns the callback URL.
export async function signIn(authorize, account) {
	const jar = new Jar();
	let at = authorize;
	for (let hops = 0; hops < 8; hops += 1) {
		const res = await jar.get(at);
		if (res.status === 200) {
			const [, action] = /<form method="post" action="(\/interaction\/[^"]+)"/.exec(res.text);
			const done = await jar.post(new URL(action, at).href, { login: account, answer: 'continue' });
			at = new URL(done.headers.location, at).href;
		} else {
			assert.ok(res.headers.location, `${at}: ${res.status} ${res.text}`);
			at = new URL(res.headers.location, at).href;
		}
		if (new URL(at).searchParams.has('code')) return at;
	}
	throw new Error('the practice provider leads in circles');
}
