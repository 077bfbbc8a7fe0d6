// SPDX-License-Identifier: Apache-2.0
//
// What the practice provider remembers: its signing key, cookie keys, accounts and every record of
// oidc-provider, in one JSON file that only its owner can read. A change is on disk (written beside
// the file, then renamed over it) before the caller goes on, so a token that a client holds is known
// after a kill as well. Must never hand out a consumed refresh token or code a second time.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errors } from 'oidc-provider';

// A consumed refresh token is remembered this long, so that its reuse is noticed; with tokens of two
// minutes a connection leaves some seven hundred of them a day.
const CONSUMED_MEMORY_MS = 24 * 3600 * 1000;
const PRUNE_EVERY_MS = 60 * 1000;

function freshState() {
	const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
	const key = privateKey.export({ format: 'jwk' });
	return {
		version: 1,
		cookieKeys: [randomBytes(32).toString('base64url')],
		jwks: { keys: [{ ...key, kid: randomBytes(8).toString('hex'), use: 'sig', alg: 'RS256' }] },
		accounts: {},
		records: {},
	};
}

function readState(file) {
	let text;
	try {
		text = readFileSync(file, 'utf8');
	} catch (e) {
		if (e.code === 'ENOENT') return undefined;
		throw new Error(`cannot read ${file}: ${e.message}`);
	}
	let state;
	try {
		state = JSON.parse(text);
	} catch {
		throw new Error(`${file} is not JSON; move it away to begin with an empty provider`);
	}
	if (state?.version !== 1 || !state.jwks || !state.cookieKeys || !state.records || !state.accounts) {
		throw new Error(`${file} is not a state file of this version; move it away to begin with an empty provider`);
	}
	return state;
}

export class State {
	#file;
	#data;
	#dirty = false;
	#flushing;

	constructor(file) {
		this.#file = file;
		mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
		const found = readState(file);
		this.#data = found ?? freshState();
		if (!found) this.#dirty = true;
		this.pruner = setInterval(() => this.prune(), PRUNE_EVERY_MS).unref();
	}

	get jwks() { return this.#data.jwks; }
	get cookieKeys() { return this.#data.cookieKeys; }
	get records() { return this.#data.records; }
	get accounts() { return this.#data.accounts; }

	// Resolves when everything changed before the call is in the file. Callers that come while a write
	// runs share the next one.
	async commit() {
		this.#dirty = true;
		await this.flush();
	}

	async flush() {
		while (this.#dirty || this.#flushing) {
			this.#flushing ??= this.#write().finally(() => { this.#flushing = undefined; });
			await this.#flushing;
		}
	}

	async #write() {
		this.#dirty = false;
		const beside = `${this.#file}.new`;
		await writeFile(beside, JSON.stringify(this.#data), { mode: 0o600 });
		await rename(beside, this.#file);
	}

	prune(now = Date.now()) {
		for (const [key, record] of Object.entries(this.records)) {
			const consumedAt = (record.payload.consumed ?? Infinity) * 1000;
			if (record.expiresAt <= now || consumedAt + CONSUMED_MEMORY_MS <= now) {
				delete this.records[key];
				this.#dirty = true;
			}
		}
	}

	async close() {
		clearInterval(this.pruner);
		await this.flush();
	}
}

// oidc-provider's storage interface, one instance per model. Clients come from `clients`, a function
// that returns the registered ones; everything else from the state.
export function makeAdapter(state, clients) {
	return class Adapter {
		constructor(model) { this.model = model; }

		#key(id) { return `${this.model}:${id}`; }

		#live(key) {
			const record = state.records[key];
			return record && record.expiresAt > Date.now() ? record.payload : undefined;
		}

		async upsert(id, payload, expiresIn) {
			state.records[this.#key(id)] = {
				expiresAt: expiresIn ? Date.now() + expiresIn * 1000 : Number.MAX_SAFE_INTEGER,
				payload,
			};
			await state.commit();
		}

		async find(id) {
			if (this.model === 'Client') return clients().find((c) => c.client_id === id);
			return this.#live(this.#key(id));
		}

		async findByUid(uid) { return this.#search((p) => p.uid === uid); }

		async findByUserCode(userCode) { return this.#search((p) => p.userCode === userCode); }

		#search(matches) {
			const prefix = this.#key('');
			for (const key of Object.keys(state.records)) {
				const payload = key.startsWith(prefix) ? this.#live(key) : undefined;
				if (payload && matches(payload)) return payload;
			}
			return undefined;
		}

		// Two requests with one token can both have found it unused; the second to come here is the
		// reuse, and ends the family (RFC 9700 §4.14.2).
		async consume(id) {
			const payload = this.#live(this.#key(id));
			if (!payload || payload.consumed) {
				if (payload) await this.revokeByGrantId(payload.grantId);
				throw new errors.InvalidGrant('already used');
			}
			payload.consumed = Math.floor(Date.now() / 1000);
			await state.commit();
		}

		async destroy(id) {
			delete state.records[this.#key(id)];
			await state.commit();
		}

		async revokeByGrantId(grantId) {
			for (const [key, record] of Object.entries(state.records)) {
				if (record.payload.grantId === grantId) delete state.records[key];
			}
			await state.commit();
		}
	};
}
