// SPDX-License-Identifier: Apache-2.0
//
// Refreshes on demand, and processes that die among them. Everything that a client was given is kept, for
// judge(). What a client may see of a dying service is trouble (no connection, 502 to 504), never a wrong
// word: `wrong` must stay empty.

import { gone, kill, pidOf } from '../../e2e/lib/chaos.mjs';
import { read } from '../../e2e/lib/adversary.mjs';
import { eventually, sleep } from '../../e2e/lib/process.mjs';

const NONE = { min_ttl: 0 };
const ALL = { min_ttl: 86400 };
const STALLED_MS = 15000;

// One client of one connection. It wants a fresh token each time: where tokens live for a second it asks
// for all of their life, elsewhere it says that the provider rejected the one it has (RF-07).
class Client {
	constructor(load, flow) {
		Object.assign(this, { load, flow });
	}

	async once() {
		const { service } = this.load.world;
		const askedAt = Date.now();
		const res = await read(service, this.flow, this.load.rejecting ? NONE : ALL).catch((e) => ({ status: 0, text: e.message }));
		if (!this.#isGood(res)) return;
		this.load.served.push({
			connection: this.flow.connection, fingerprint: res.body.fingerprint, asked_at: askedAt, at: Date.now(),
		});
		if (!this.load.rejecting) return;
		this.#isGood(await service.api('POST', `/credentials/connections/${this.flow.connection}/token/rejected?user=${this.flow.user}`,
			{ json: { fingerprint: res.body.fingerprint } }).catch((e) => ({ status: 0, text: e.message })));
	}

	#isGood(res) {
		if (res.status === 200) return true;
		if ([0, 502, 503, 504].includes(res.status)) {
			const what = res.body?.error ?? 'no connection';
			this.load.trouble[what] = (this.load.trouble[what] ?? 0) + 1;
		} else if (res.body?.error === 'needs_reauth' || (this.ending && res.status === 404)) {
			this.lost = true;
		} else {
			this.load.wrong.push(`${this.flow.user}: ${res.status} ${res.text}`);
			this.lost = true;
		}
		return false;
	}

	async run() {
		while (!this.load.stopped && !this.lost) {
			await this.once();
			await sleep(15);
		}
	}
}

export class Load {
	served = [];

	trouble = {};

	wrong = [];

	kills = {};

	inside = 0;

	downs = 0;

	constructor(world, { rejecting = false } = {}) {
		Object.assign(this, { world, rejecting });
	}

	start() {
		this.clients = this.world.crowd.map((flow) => new Client(this, flow));
		this.running = Promise.all(this.clients.map((client) => client.run()));
		return this;
	}

	async stop() {
		this.stopped = true;
		await this.running;
	}

	async #starts() {
		// As an init system would: again and again, until what the dead one held is free.
		const { service } = this.world;
		for (let tries = 0; ; tries += 1) {
			try {
				await service.start();
				return;
			} catch (e) {
				if (tries === 40) throw e;
				this.downs += 1;
				await service.program.stop('SIGKILL');
				await sleep(50);
			}
		}
	}

	// Kills a role (or 'supervisor') `after` ms into a moment in which a refresh is under way.
	async kill(role, after) {
		const { service, inFlight } = this.world;
		const pid = role === 'supervisor' ? service.program.pid : await eventually(`a ${role}`, () => pidOf(service, role), 15000);
		const end = Date.now() + STALLED_MS;
		while (await inFlight() === 0 && this.alive) {
			await sleep(5);
			if (Date.now() > end) this.wrong.push(`nothing was refreshed for ${STALLED_MS} ms`);
		}
		if (!this.alive) return;
		await sleep(after);
		if (await inFlight() > 0) this.inside += 1;
		kill(pid);
		this.kills[role] = (this.kills[role] ?? 0) + 1;
		if (role === 'supervisor') {
			await service.program.ended;
			await this.#starts();
		} else {
			await eventually('it is gone', () => gone(pid));
		}
	}

	// Whether anybody is still served: the test is over when nobody is, or when somebody got a wrong word.
	get alive() { return this.wrong.length === 0 && this.clients.some((c) => !c.lost); }

	get summary() {
		return {
			kills: this.kills, inside: this.inside, served: this.served.length, trouble: this.trouble,
			lost: this.clients.filter((c) => c.lost).length, starts_refused: this.downs,
		};
	}
}

// Asks each connection for one more refresh, with the token that is stored now: [{ grant_id, refreshed }].
export async function probe(world, { rejecting = false } = {}) {
	const before = await world.books();
	const load = new Load(world, { rejecting });
	const probes = [];
	load.clients = world.crowd.map((flow) => new Client(load, flow));
	for (const [i, client] of load.clients.entries()) {
		client.ending = true;
		const end = Date.now() + 20000;
		let book = before[i];
		while (!client.lost && book.refreshes === before[i].refreshes && Date.now() < end) {
			await client.once();
			book = (await world.books())[i];
			if (book.refreshes === before[i].refreshes) await sleep(50);
		}
		probes.push({ grant_id: book.grant_id, refreshed: book.refreshes > before[i].refreshes });
	}
	return { probes, served: load.served, wrong: load.wrong };
}
