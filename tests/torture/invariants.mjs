// SPDX-License-Identifier: Apache-2.0
//
// What must hold of a grant's life whatever was killed, and when (LIFECYCLE §4). judge() reads a history
// and names what does not hold; it asks nobody and waits for nothing, so a history can be kept, cut down
// and judged again. lib/history.mjs gathers one from a running service and its provider.
//
//   I1  at most one request in flight for a grant, and none sent twice without a reason on record
//   I2  served implies durable: a token that left is in the database, or older than the one there
//   I3  the token that the provider holds alive is in the database, or the loss was named
//   I4  the generations of a grant follow each other in its events without a gap
//   I5  what was revoked stays revoked
//
// A history is taken at rest, after the last restart:
//
//   grants    rows of oauth_token_grants: { grant_id, generation, status, cause, uncertain, is_revoked,
//             intent_attempt }
//   events    rows of oauth_events: { grant_id, kind, generation, cause, created_at }
//   audit     the records of hand-outs: { event: 'token_read', grant, generation, fingerprint }
//   served    what clients were given: { grant_id, fingerprint, asked_at, at }; `at` is when the answer came
//   stored    what a read that needs no refresh gives now: { grant_id, fingerprint }
//   provider  its books: { grant_id, rotation, refreshes, max_in_flight, reuses, ended }
//   probes    whether the provider took the stored refresh token: { grant_id, refreshed }. Where there is
//             none its count of refreshes decides, which is right for providers that rotate (R3, R4)
//   revoked   disconnects that were answered: { grant_id, at }
//
// All but `grants` and `events` may be missing: then nothing is said of what only they can tell.

const WRITES_TOKENS = new Set(['connected', 'refreshed']);

// After these the clerk does not know whether the provider did the refresh, so it may ask once more.
const AMBIGUOUS = new Set(['answer_lost', 'provider_unreadable', 'provider_unreachable']);

const TAKES_SPARES = new Set(['R0', 'R1', 'R2', 'R3']);

// Here a refresh whose answer died with the courier is repeated at once (LIFECYCLE §4.7), perhaps before the provider has ended it.
const REPEATS_AT_ONCE = new Set(['R0', 'R1', 'R2']);

const by = (list, key) => {
	const groups = new Map();
	for (const item of list ?? []) {
		if (!groups.has(item[key])) groups.set(item[key], []);
		groups.get(item[key]).push(item);
	}
	return groups;
};

function index(history) {
	const only = (list) => new Map((list ?? []).map((item) => [item.grant_id, item]));
	return {
		history,
		events: by(history.events, 'grant_id'),
		served: by(history.served, 'grant_id'),
		audit: by((history.audit ?? []).filter((r) => r.event === 'token_read'), 'grant'),
		grants: only(history.grants),
		stored: only(history.stored),
		provider: only(history.provider),
		probes: only(history.probes),
	};
}

const eventsOf = (at, grant) => at.events.get(grant.grant_id) ?? [];

function oneAtATime(at, grant, say) {
	const book = at.provider.get(grant.grant_id);
	if (!book) return;
	const lost = eventsOf(at, grant).some((e) => e.kind === 'refresh_failed' && e.cause === 'answer_lost');
	const most = lost && REPEATS_AT_ONCE.has(book.rotation) ? 2 : 1;
	if ((book.max_in_flight ?? 0) > most) say(`${book.max_in_flight} requests were in flight at once`);
	// A refusal makes the clerk try the token before (LIFECYCLE §4.8), but never where that would end the grant.
	const excused = eventsOf(at, grant).filter((e) => e.kind === 'refresh_failed'
		&& (AMBIGUOUS.has(e.cause) || (e.cause === 'provider_refused' && TAKES_SPARES.has(book.rotation)))).length;
	if ((book.reuses ?? 0) > excused) {
		say(`a consumed refresh token came back ${book.reuses} times, with ${excused} reasons on record`);
	}
}

function servedIsDurable(at, grant, say) {
	const written = new Set(eventsOf(at, grant).filter((e) => WRITES_TOKENS.has(e.kind)).map((e) => e.generation));
	const generationOf = new Map((at.audit.get(grant.grant_id) ?? []).map((r) => [r.fingerprint, r.generation]));
	const holder = new Map();
	const now = at.stored.get(grant.grant_id);
	for (const fingerprint of new Set((at.served.get(grant.grant_id) ?? []).map((s) => s.fingerprint))) {
		const generation = generationOf.get(fingerprint);
		if (generation === undefined) {
			say(`the token ${fingerprint} was served without an audit record`);
			continue;
		}
		if (generation > grant.generation) {
			say(`a token of generation ${generation} was served, the database has ${grant.generation}`);
		} else if (!written.has(generation)) {
			say(`a token of generation ${generation} was served, which no event wrote`);
		}
		if (holder.has(generation)) {
			say(`two tokens of generation ${generation} were served, ${holder.get(generation)} and ${fingerprint}`);
		}
		holder.set(generation, fingerprint);
		if (now && generation === grant.generation && now.fingerprint !== fingerprint) {
			say(`${fingerprint} was served as generation ${generation}, the database has ${now.fingerprint}`);
		}
	}
}

// Does the database hold the refresh token that the provider takes? undefined: nobody can tell.
function holdsLiveToken(at, grant) {
	const probe = at.probes.get(grant.grant_id);
	const book = at.provider.get(grant.grant_id);
	if (probe) return probe.refreshed;
	if (!book) return undefined;
	return !book.ended && book.refreshes + 1 === grant.generation;
}

function isNamed(at, grant) {
	const told = (kind) => eventsOf(at, grant).some((e) => e.kind === kind && e.cause !== '');
	if (grant.status === 'needs_reauth') return grant.cause !== '' && told('needs_reauth');
	return grant.uncertain === 1 && told('refresh_failed');
}

function liveTokenIsHeld(at, grant, say) {
	if (grant.is_revoked) return;
	if (grant.intent_attempt) say(`the attempt ${grant.intent_attempt} has no outcome`);
	if (holdsLiveToken(at, grant) === false && !isNamed(at, grant)) {
		const book = at.provider.get(grant.grant_id);
		const there = book ? `, the provider did ${book.refreshes} refreshes${book.ended ? ` and ended it (${book.ended})` : ''}` : '';
		say(`the provider's token is not in the database and nobody said so (generation ${grant.generation}, ${grant.status}${there})`);
	}
}

// The tokens that come while a grant is being ended are kept for its revocation only, without an event.
function generationsFollow(at, grant, say) {
	const written = eventsOf(at, grant).filter((e) => WRITES_TOKENS.has(e.kind)).map((e) => e.generation)
		.sort((a, b) => a - b);
	const wrong = written.findIndex((generation, i) => generation !== i + 1);
	if (wrong >= 0) say(`its events have generation ${written[wrong]} where ${wrong + 1} should be`);
	const last = written.length;
	if (wrong < 0 && grant.generation !== last && !(grant.is_revoked && grant.generation === last + 1)) {
		say(`its events end at generation ${last}, the database has ${grant.generation}`);
	}
}

function revokedStays(at, grant, say) {
	for (const { grant_id: id, at: when } of at.history.revoked ?? []) {
		if (id !== grant.grant_id) continue;
		if (!grant.is_revoked) say('it was revoked and is not any more');
		const late = (at.served.get(id) ?? []).filter((s) => s.asked_at > when).length;
		if (late > 0) say(`${late} tokens were served to requests that came after its revocation was answered`);
		if (eventsOf(at, grant).some((e) => e.kind === 'refreshed' && e.created_at > when)) say('it was refreshed after its revocation');
	}
}

const INVARIANTS = {
	I1: oneAtATime, I2: servedIsDurable, I3: liveTokenIsHeld, I4: generationsFollow, I5: revokedStays,
};

// Everything that does not hold: [{ invariant, grant_id, says }], [] when all is well.
export function judge(history) {
	const at = index(history);
	const found = [];
	for (const list of [at.served, at.provider, at.probes]) {
		for (const id of list.keys()) {
			if (!at.grants.has(id)) found.push({ invariant: 'I2', grant_id: id, says: 'it is not in the database at all' });
		}
	}
	for (const grant of history.grants) {
		for (const [invariant, holds] of Object.entries(INVARIANTS)) {
			holds(at, grant, (says) => found.push({ invariant, grant_id: grant.grant_id, says }));
		}
	}
	return found;
}

// Grants whose living token the database does not hold: { named, silent }, lists of grant ids.
export function losses(history) {
	const at = index(history);
	const lost = history.grants.filter((grant) => !grant.is_revoked && holdsLiveToken(at, grant) === false);
	const ids = (named) => lost.filter((grant) => isNamed(at, grant) === named).map((grant) => grant.grant_id);
	return { named: ids(true), silent: ids(false) };
}

export const tell = (found) => found.map((f) => `${f.invariant} ${f.grant_id}: ${f.says}`).join('\n');
