// SPDX-License-Identifier: Apache-2.0
//
// A gate before the token endpoint of a provider that keeps no books of its own: it delays each request
// on its way in and out, and counts by family of refresh tokens what came through. Whoever sent a request
// and died is not missed: the provider does the refresh all the same, as real ones do.

import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { sleep } from '../../e2e/lib/process.mjs';

async function bodyOf(stream) {
	const parts = [];
	for await (const part of stream) parts.push(part);
	return Buffer.concat(parts);
}

function forward(target, { headers, body }) {
	return new Promise((resolve, reject) => {
		const req = request(target, {
			method: 'POST', agent: false, headers: { ...headers, host: target.host, connection: 'close' },
		}, async (res) => resolve({ status: res.statusCode, type: res.headers['content-type'], body: await bodyOf(res) }));
		req.on('error', reject);
		req.end(body);
	});
}

export class Gate {
	families = [];

	#familyOf = new Map(); // refresh token, living or consumed, to its family

	constructor(target, delay) {
		this.target = new URL(target);
		this.delay = delay; // ms, asked for twice each request
	}

	async start() {
		this.server = createServer((req, res) => this.#pass(req, res).catch(() => res.destroy()));
		this.server.listen(0, '127.0.0.1');
		await once(this.server, 'listening');
		this.url = `http://127.0.0.1:${this.server.address().port}${this.target.pathname}`;
		return this;
	}

	get inFlight() { return this.families.reduce((n, f) => n + f.in_flight, 0); }

	async #pass(req, res) {
		const body = await bodyOf(req);
		const used = new URLSearchParams(body.toString()).get('refresh_token');
		const family = this.#familyOf.get(used) ?? { refreshes: 0, refused: 0, reuses: 0, in_flight: 0, max_in_flight: 0, ended: null };
		if (!this.families.includes(family)) this.families.push(family);
		if (used && family.consumed?.has(used)) family.reuses += 1;
		family.in_flight += 1;
		family.max_in_flight = Math.max(family.max_in_flight, family.in_flight);
		try {
			await sleep(this.delay());
			const answer = await forward(this.target, { headers: req.headers, body });
			this.#note(family, used, answer);
			await sleep(this.delay());
			res.writeHead(answer.status, { 'content-type': answer.type ?? 'text/plain', 'cache-control': 'no-store' });
			res.end(answer.body);
		} finally {
			family.in_flight -= 1;
		}
	}

	#note(family, used, answer) {
		if (answer.status !== 200) {
			family.refused += 1;
			if (used) family.ended = 'refused';
			return;
		}
		const next = JSON.parse(answer.body.toString()).refresh_token;
		if (used) {
			family.refreshes += 1;
			family.consumed = (family.consumed ?? new Set()).add(used);
		}
		this.#familyOf.set(next, family);
	}

	stop() {
		this.server.closeAllConnections();
		this.server.close();
	}
}
