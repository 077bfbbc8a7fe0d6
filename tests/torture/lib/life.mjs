// SPDX-License-Identifier: Apache-2.0
//
// The life of two grants, one kept and one given back, told in steps that are repeated until they are
// done, whatever dies or fails meanwhile: connect, read, refresh, reject a token, disconnect. Then
// everything is killed and started again, and what was promised is held against what is there.
//
// A step that is neither done nor refused in time is a hang. An answer that is no success and no passing
// trouble (no connection, 502, 503, 504) is a violation, and so is the loss of a grant unless the fault
// lay where a loss cannot be helped (`lossy`): then it must be named.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
	alter, bodyOf, CLIENT, comeBack, consent, Jar, read, rows,
} from '../../e2e/lib/adversary.mjs';
import { kill } from '../../e2e/lib/chaos.mjs';
import { BUILD, run, sleep } from '../../e2e/lib/process.mjs';
import { sweep } from '../../e2e/lib/sweep.mjs';
import { judge, losses, tell } from '../invariants.mjs';
import { adversaryBooks, gather, settled, storedTokens } from './history.mjs';

const PATIENCE_MS = 12000;
const PASSING = [0, 502, 503, 504];
const ALL = { min_ttl: 86400 };

// A token of one second is refreshed by a read that wants all it can get once a tenth of it is gone.
const SHORT_S = 1;
const LONG_S = 3600;
const SHORT_MS = 130;
const lasts = (token) => Date.parse(token.expires_at) > Date.now() + 60000;

export class Life {
	constructor(house, { lossy = false, patience = PATIENCE_MS } = {}) {
		Object.assign(this, { house, lossy, patience });
		this.service = house.service;
		this.adversary = house.adversary;
		this.served = [];
		this.tokens = new Set();
		this.revoked = [];
		this.refusals = [];
		this.lost = new Set();
		this.passing = 0;
	}

	// Repeats `attempt` until it gives something true.
	async step(what, attempt) {
		const end = Date.now() + this.patience;
		for (;;) {
			if (!this.house.running) await this.house.revive();
			const done = await attempt().catch((e) => {
				if (e.code === 'ERR_ASSERTION') throw e;
				this.said = e.message;
				return undefined;
			});
			if (done) return done;
			this.passing += 1;
			assert.ok(Date.now() < end, `hang: ${what} is not done in ${this.patience} ms, last: ${this.said}`);
			await sleep(15);
		}
	}

	// The answer when it is one of `good`; nothing when the trouble may pass.
	passed(res, ...good) {
		if (good.includes(res.status)) return res;
		assert.ok(PASSING.includes(res.status), `${res.status} ${res.text}`);
		this.said = `${res.status} ${res.text}`;
		return undefined;
	}

	// A connect link, its page, the button: the way out to the provider, begun anew after any trouble.
	leave(user) {
		return this.step(`${user} leaves for the provider`, async () => {
			const made = this.passed(await this.service.api('POST', '/credentials/connect-links', {
				json: { authenticator: this.house.authenticator.id, user, return_to: '/ready' },
			}), 201);
			if (!made) return undefined;
			// An account of its own each time: an exchange that was lost leaves a grant at the provider that nobody has.
			const flow = { link: made.body, user, account: `${user}-${this.refusals.length}`, jar: new Jar() };
			if (!this.passed(await flow.jar.get(flow.link.url), 200)) return undefined;
			const res = this.passed(await flow.jar.post(flow.link.url), 303);
			if (!res) return undefined;
			const at = new URL(res.headers.location);
			at.searchParams.set('login_hint', flow.account);
			return { ...flow, authorize: at.href };
		});
	}

	// A browser that shows an error reloads the callback. One that is told "not connected" begins anew.
	connect(user) {
		return this.step(`${user} connects`, async () => {
			const flow = await this.leave(user);
			const callback = await consent(flow);
			const end = await this.step(`${user} comes back`, async () => {
				const back = await comeBack(flow, callback);
				return this.passed({ ...back, text: back.res.text }, 303) && back;
			});
			if (end.connected !== 'true') {
				this.refusals.push({ error: end.error, code: new URL(callback).searchParams.get('code') });
				return undefined;
			}
			const state = await this.step(`${user} asks for the connection`, async () => this.passed(
				await this.service.api('GET', `/credentials/connect-links/${flow.link.id}`), 200));
			return { ...flow, connection: state.body.connection_id };
		});
	}

	// A token, or null when the connection was found lost.
	async read(flow, query = {}) {
		const res = await this.step(`${flow.user} reads ${JSON.stringify(query)}`, async () => {
			const asked = Date.now();
			const answer = this.passed(await read(this.service, flow, query), 200, 409);
			return answer && { ...answer, asked };
		});
		if (res.status === 409) {
			assert.equal(res.body.error, 'needs_reauth', res.text);
			this.lost.add(flow.user);
			return null;
		}
		this.tokens.add(res.body.access_token);
		this.served.push({
			connection: flow.connection, fingerprint: res.body.fingerprint, asked_at: res.asked, at: Date.now(),
		});
		return res.body;
	}

	// Until the token is another one than `old`: an old one that lives may be served in a time of trouble.
	refreshed(flow, old, query) {
		return this.step(`${flow.user} gets a new token`, async () => {
			const token = await this.read(flow, query);
			if (token && token.access_token === old.access_token) this.said = 'the old token';
			return token === null ? { none: true } : token.access_token !== old.access_token && token;
		});
	}

	async reject(flow, token) {
		const res = await this.step(`${flow.user} rejects a token`, async () => this.passed(await this.service.api('POST',
			`/credentials/connections/${flow.connection}/token/rejected?user=${flow.user}`,
			{ json: { fingerprint: token.fingerprint } }), 200, 409));
		if (res.status === 409) this.lost.add(flow.user);
		return this.refreshed(flow, token, {});
	}

	async disconnect(flow) {
		await this.step(`${flow.user} disconnects`, async () => this.passed(await this.service.api('DELETE',
			`/credentials/connections/${flow.connection}?user=${flow.user}`), 200, 404));
		this.revokedAt = Date.now();
		const res = await this.step(`${flow.user} is disconnected`, async () => this.passed(await read(this.service, flow), 404, 200, 409));
		assert.equal(res.status, 404, `a disconnected account was answered ${res.status} ${res.text}`);
	}

	// All that is struck.
	async live() {
		await this.adversary.config({ access_ttl_s: SHORT_S });
		this.kept = await this.connect('kept');
		await this.adversary.config({ access_ttl_s: LONG_S });
		this.left = await this.connect('left');
		const first = await this.read(this.kept, { min_ttl: 0 });
		await this.read(this.left);
		await sleep(SHORT_MS);
		const second = first && !lasts(first) ? await this.refreshed(this.kept, first, ALL) : first;
		if (second && !second.none) await this.reject(this.kept, second);
		await this.disconnect(this.left);
		await this.told(false);
	}

	// All that must hold afterwards, whatever was struck.
	async outlive() {
		await this.house.raze();
		await this.house.start();
		await settled(this.service);
		const stored = await this.read(this.kept, { min_ttl: 0 });
		if (stored) await this.reject(this.kept, stored);
		await this.tellNow();
		const late = await this.step('the disconnected account is read', async () => this.passed(await read(this.service, this.left), 404));
		assert.equal(late.status, 404);
		await this.judge();
		await this.auditHolds();
		this.keepsSecrets(await this.secrets());
	}

	// In place of the wait between two tries: a clerk that starts looks at what is due. (Not before the start: whoever closes the
	// database as the last one would do what the service must be able to do, and take in the write-ahead log.)
	async tellNow() {
		await alter(this.service, 'UPDATE revocation_queue SET due_at = 1');
		if ((await rows(this.service, 'SELECT grant_id FROM revocation_queue')).length > 0) kill(this.house.pidOf('clerk'));
		await this.told(true);
	}

	async judge() {
		const flows = [this.kept, this.left];
		const history = await gather(this.service, {
			served: this.served,
			provider: await adversaryBooks(this.service, this.adversary, flows),
			stored: await storedTokens(this.service, [this.kept]),
			revoked: [{ grant_id: await this.grantOf(this.left), at: this.revokedAt }],
		});
		const broken = tell(judge(history));
		assert.ok(!broken, broken);
		const { named } = losses(history);
		assert.ok(this.lossy || named.length === 0, `a grant was lost: ${JSON.stringify(history.events)}`);
		// A consent that came to nothing is no loss where no code was sent: there is no grant to lose.
		const codes = new Set((await this.adversary.record('token')).map((request) => bodyOf(request).code));
		const spent = this.refusals.filter((refusal) => codes.has(refusal.code));
		assert.ok(this.lossy || spent.length === 0, `a consent was lost: ${spent.map((r) => r.error)}`);
		assert.ok(named.length + spent.length <= 1, 'one fault lost more than one grant');
		this.named = named.length + spent.length;
		this.unsent = this.refusals.length - spent.length;
	}

	async grantOf(flow) {
		const [row] = await rows(this.service,
			`SELECT grant_id FROM user_app_oauth_authentications WHERE auth_id = '${flow.connection}'`);
		return row.grant_id;
	}

	async auditHolds() {
		const res = await run(join(BUILD, 'fiberd'), ['audit', 'verify'],
			{ env: { FIBERWISE_DATA_DIR: this.service.dataDir }, cwd: this.service.dir });
		assert.equal(res.code, 0, `fiberd audit verify: ${res.stdout}${res.stderr}`);
	}

	async secrets() {
		const sent = (await this.adversary.record('token')).flatMap((request) => {
			const { code, code_verifier: verifier, refresh_token: refresh } = bodyOf(request);
			return [code, verifier, refresh];
		});
		const live = (await this.adversary.grants()).flatMap((grant) => grant.live.map((token) => token.refresh_token));
		return [...new Set([...sent, ...live, ...this.tokens, CLIENT.secret, this.service.adminKey])]
			.filter(Boolean).map((value) => ({ kind: 'secret', value }));
	}

	// What is left of it outside the database, which the tests of the store look at.
	keepsSecrets(secrets) {
		const texts = { log: this.house.log().join('\n') };
		this.house.output.forEach((program, i) => {
			texts[`output ${i}`] = program.errors;
		});
		assert.deepEqual(sweep(secrets, { dirs: [join(this.service.dataDir, 'spool'), join(this.service.dataDir, 'audit')], texts }).hits, []);
	}

	// The provider knows of the disconnect, or it is in the queue of those to be told.
	told(now) {
		return this.step('the provider is told of the disconnect', async () => {
			const open = (await rows(this.service, 'SELECT grant_id FROM revocation_queue')).length;
			const books = (await this.adversary.grants('&account=left')).filter((g) => g.ended === null);
			this.said = `${open} wait, ${books.length} live`;
			return now ? open === 0 && books.length === 0 : open > 0 || books.length === 0;
		});
	}
}
