// SPDX-License-Identifier: Apache-2.0
//
// The judge itself: a good history passes, and each way of breaking an invariant is seen.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge, losses, tell } from './invariants.mjs';

// One grant, connected, refreshed twice, each of its tokens served.
function good() {
	const event = (kind, generation, at, cause = '') => ({ grant_id: 'g', kind, generation, cause, created_at: at });
	const record = (generation) => ({ event: 'token_read', grant: 'g', generation, fingerprint: `f${generation}` });
	const serve = (generation, at) => ({ grant_id: 'g', fingerprint: `f${generation}`, asked_at: at, at: at + 1 });
	return {
		grants: [{
			grant_id: 'g', generation: 3, status: 'active', cause: '', uncertain: 0, is_revoked: 0, intent_attempt: '',
		}],
		events: [event('connected', 1, 10), event('refreshed', 2, 20), event('refreshed', 3, 30)],
		audit: [record(1), record(2), record(3)],
		served: [serve(1, 11), serve(2, 21), serve(3, 31)],
		stored: [{ grant_id: 'g', fingerprint: 'f3' }],
		provider: [{ grant_id: 'g', refreshes: 2, max_in_flight: 1, reuses: 0, ended: null }],
		probes: [],
		revoked: [],
	};
}

function broken(change) {
	const history = good();
	change(history, history.grants[0], history.provider[0]);
	return history;
}

const lostAnswer = { grant_id: 'g', kind: 'refresh_failed', generation: 3, cause: 'answer_lost', created_at: 40 };
const refused = { ...lostAnswer, cause: 'provider_refused' };
const named = { grant_id: 'g', kind: 'needs_reauth', generation: 3, cause: 'rotation_response_lost', created_at: 50 };

const CASES = {
	I1: {
		'two requests at once': (h, g, p) => { p.max_in_flight = 2; },
		'two at once, no answer lost': (h, g, p) => { Object.assign(p, { max_in_flight: 2, rotation: 'R0' }); },
		'two at once, where that ends the grant': (h, g, p) => { Object.assign(p, { max_in_flight: 2, rotation: 'R4' }); h.events.push(lostAnswer); },
		'three at once': (h, g, p) => { Object.assign(p, { max_in_flight: 3, rotation: 'R0' }); h.events.push(lostAnswer); },
		'a consumed token came back': (h, g, p) => { p.reuses = 1; },
		'the token before, where that ends the grant': (h, g, p) => { Object.assign(p, { reuses: 1, rotation: 'R4' }); h.events.push(refused); },
		'twice, for one lost answer': (h, g, p) => { p.reuses = 2; h.events.push(lostAnswer); },
	},
	I2: {
		'served, then not in the database': (h) => h.audit.push({ event: 'token_read', grant: 'g', generation: 4, fingerprint: 'f4' })
			&& h.served.push({ grant_id: 'g', fingerprint: 'f4', asked_at: 41, at: 42 }),
		'served without a record': (h) => h.audit.pop(),
		'served another one than was stored': (h) => { h.stored[0].fingerprint = 'f9'; },
		'two tokens of one generation': (h) => h.audit.push({ event: 'token_read', grant: 'g', generation: 2, fingerprint: 'x2' })
			&& h.served.push({ grant_id: 'g', fingerprint: 'x2', asked_at: 22, at: 23 }),
		'of a grant that is gone': (h) => h.served.push({ grant_id: 'other', fingerprint: 'f1', asked_at: 1, at: 2 }),
	},
	I3: {
		'one more refresh at the provider': (h, g, p) => { p.refreshes = 3; },
		'ended by the provider': (h, g, p) => { p.ended = 'reuse'; },
		'the stored token is not taken': (h) => h.probes.push({ grant_id: 'g', refreshed: false }),
		'dead without an event': (h, g, p) => { p.ended = 'reuse'; g.status = 'needs_reauth'; g.cause = 'rotation_response_lost'; },
		'dead without a cause': (h, g, p) => { p.ended = 'reuse'; g.status = 'needs_reauth'; h.events.push({ ...named, cause: '' }); },
		'an attempt without an outcome': (h, g) => { g.intent_attempt = 'a'; },
	},
	I4: {
		'a gap': (h) => { h.events[2].generation = 4; h.grants[0].generation = 4; h.provider[0].refreshes = 3; },
		'one twice': (h) => h.events.push({ ...h.events[1] }),
		'the last one is missing': (h) => h.events.pop(),
	},
	I5: {
		'alive again': (h) => h.revoked.push({ grant_id: 'g', at: 35 }),
		'served afterwards': (h, g) => { g.is_revoked = 1; h.revoked.push({ grant_id: 'g', at: 30 }); },
		'refreshed afterwards': (h, g) => { g.is_revoked = 1; h.revoked.push({ grant_id: 'g', at: 29 }); },
	},
};

test('a good history holds', () => {
	assert.deepEqual(judge(good()), []);
	assert.deepEqual(losses(good()), { named: [], silent: [] });
});

test('a loss that was named is a loss, and no violation', () => {
	const dead = broken((h, g, p) => {
		Object.assign(p, { refreshes: 3, reuses: 1, ended: 'reuse' });
		Object.assign(g, { status: 'needs_reauth', cause: 'rotation_response_lost' });
		h.events.push(lostAnswer, named);
	});
	assert.equal(tell(judge(dead)), '');
	assert.deepEqual(losses(dead), { named: ['g'], silent: [] });
	const doubtful = broken((h, g, p) => { p.refreshes = 3; g.uncertain = 1; h.events.push(lostAnswer); });
	assert.equal(tell(judge(doubtful)), '');
	assert.deepEqual(losses(doubtful), { named: ['g'], silent: [] });
});

test('a lost answer is asked for again at once, where the class allows it', () => {
	assert.equal(tell(judge(broken((h, g, p) => { Object.assign(p, { max_in_flight: 2, rotation: 'R0' }); h.events.push(lostAnswer); }))), '');
});

test('the token before is tried after a refusal, where the class allows it', () => {
	assert.equal(tell(judge(broken((h, g, p) => { Object.assign(p, { reuses: 1, rotation: 'R3' }); h.events.push(refused); }))), '');
});

test('a silent loss is one', () => {
	assert.deepEqual(losses(broken((h, g, p) => { p.refreshes = 3; })), { named: [], silent: ['g'] });
});

test('a token of before a revocation, and the tokens kept for it, are in order', () => {
	assert.equal(tell(judge(broken((h, g) => {
		Object.assign(g, { is_revoked: 1, status: 'revoked', generation: 4 });
		h.revoked.push({ grant_id: 'g', at: 32 });
	}))), '');
});

for (const [invariant, ways] of Object.entries(CASES)) {
	for (const [what, change] of Object.entries(ways)) {
		test(`${invariant} is seen broken: ${what}`, () => {
			const found = judge(broken(change));
			assert.ok(found.some((f) => f.invariant === invariant), tell(found) || 'nothing was found');
			assert.ok(found.every((f) => f.says.length > 10 && f.grant_id));
		});
	}
}
