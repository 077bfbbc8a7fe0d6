// SPDX-License-Identifier: Apache-2.0
//
// Other work while reads are measured: connect flows and refreshes, so many of each a second, begun on schedule whether
// or not the last one has ended. A refresh is made by reporting a token as rejected, which asks the provider at once.

import assert from 'node:assert/strict';
import { connect, read } from '../../tests/e2e/lib/adversary.mjs';

const EVERY_MS = 20;

export class Beside {
	done = { flows: 0, refreshes: 0 };

	begun = { flows: 0, refreshes: 0 };

	troubles = [];

	// flows: connections to refresh, none of them the one whose reads are measured.
	constructor(service, authenticator, flows, perSecond) {
		Object.assign(this, { service, authenticator, flows, perSecond });
	}

	start() {
		this.startedAt = performance.now();
		this.timer = setInterval(() => this.#begin(), EVERY_MS);
		return this;
	}

	#begin() {
		const due = Math.floor(((performance.now() - this.startedAt) / 1000) * this.perSecond);
		while (this.begun.flows < due) this.#watch('flows', this.#connectOnce(this.begun.flows));
		while (this.begun.refreshes < due) this.#watch('refreshes', this.#refreshOnce(this.begun.refreshes));
	}

	#watch(kind, work) {
		this.begun[kind] += 1;
		work.then(() => { this.done[kind] += 1; }, (e) => this.troubles.push(e.message));
	}

	#connectOnce(i) {
		return connect(this.service, this.authenticator, { user: `beside-${i}`, account: `beside-${i}` });
	}

	async #refreshOnce(i) {
		const flow = this.flows[i % this.flows.length];
		const { body } = await read(this.service, flow);
		await this.service.expect(200, 'POST', `/credentials/connections/${flow.connection}/token/rejected?user=${flow.user}`,
			{ json: { fingerprint: body.fingerprint } });
	}

	// What was really done a second; fails when something went wrong or fell far behind.
	async stop() {
		clearInterval(this.timer);
		const seconds = (performance.now() - this.startedAt) / 1000;
		const rates = { flows: this.done.flows / seconds, refreshes: this.done.refreshes / seconds };
		const end = performance.now() + 10000;
		const open = () => this.begun.flows + this.begun.refreshes - this.done.flows - this.done.refreshes - this.troubles.length;
		while (open() > 0 && performance.now() < end) await new Promise((next) => { setTimeout(next, 10); });
		assert.deepEqual(this.troubles.slice(0, 3), [], `${this.troubles.length} flows or refreshes went wrong`);
		assert.equal(open(), 0, 'flows or refreshes that never ended');
		return rates;
	}
}
