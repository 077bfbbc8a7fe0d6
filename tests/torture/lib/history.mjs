// SPDX-License-Identifier: Apache-2.0
//
// A history for judge() (invariants.mjs), from a service at rest. The database is read as an auditor
// would, the audit chains from their files.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { read, rows } from '../../e2e/lib/adversary.mjs';
import { eventually } from '../../e2e/lib/process.mjs';

// What one audit chain or all of them hold, parsed. The last line of a killed process may be torn off.
export function auditRecords(service) {
	const dir = join(service.dataDir, 'audit');
	const lines = readdirSync(dir).filter((chain) => !chain.startsWith('.')).flatMap((chain) => readdirSync(join(dir, chain))
		.flatMap((file) => readFileSync(join(dir, chain, file), 'latin1').split('\n')));
	return lines.flatMap((line) => {
		const text = line.replaceAll('\0', '');
		try { return text ? [JSON.parse(text)] : []; } catch { return []; }
	});
}

export const grantRows = (service) => rows(service, `SELECT grant_id, generation, status, cause, uncertain, is_revoked,
	intent_attempt FROM oauth_token_grants ORDER BY grant_id`);

export const eventRows = (service) => rows(service, `SELECT grant_id, kind, generation, cause, created_at
	FROM oauth_events WHERE grant_id <> '' ORDER BY created_at, generation`);

// Waits until no attempt is open any more, as after the last restart of a test.
export const settled = (service, ms = 30000) => eventually('every attempt has its outcome', async () => (
	await grantRows(service)).every((g) => g.intent_attempt === ''), ms);

// connection id to the grant that it has now.
export async function grantIds(service) {
	const found = await rows(service, 'SELECT auth_id, grant_id FROM user_app_oauth_authentications');
	return new Map(found.map((row) => [row.auth_id, row.grant_id]));
}

// The adversary's books by our grant ids; flows: [{ connection, account }], an account has one grant.
export async function adversaryBooks(service, adversary, flows) {
	const ids = await grantIds(service);
	const books = new Map((await adversary.grants()).map((book) => [book.account, book]));
	return flows.map((flow) => {
		const { refreshes, max_in_flight: most, reuses, ended } = books.get(flow.account);
		return { grant_id: ids.get(flow.connection), refreshes, max_in_flight: most, reuses, ended };
	});
}

// The token that the database has, by a read that needs no refresh: only where tokens live for long.
export async function storedTokens(service, flows) {
	const ids = await grantIds(service);
	const stored = [];
	for (const flow of flows) {
		const res = await read(service, flow, { min_ttl: 0 });
		if (res.status === 200) stored.push({ grant_id: ids.get(flow.connection), fingerprint: res.body.fingerprint });
	}
	return stored;
}

// served: [{ connection, fingerprint, asked_at, at }], revoked: [{ grant_id, at }].
export async function gather(service, { served = [], ...rest } = {}) {
	const ids = await grantIds(service);
	return {
		grants: await grantRows(service),
		events: await eventRows(service),
		audit: auditRecords(service).filter((r) => r.event === 'token_read'),
		served: served.map(({ connection, ...s }) => ({ grant_id: ids.get(connection), ...s })),
		...rest,
	};
}
