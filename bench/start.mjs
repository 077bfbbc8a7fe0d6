// SPDX-License-Identifier: Apache-2.0
//
// Start with a million grants: a few connections are made the true way, then SQL multiplies their rows under new ids. The
// copies are as large as the originals, but what is sealed in them was sealed for another row and would not open; the
// originals stay as they are and are what is read.

import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { ask } from '../tests/e2e/lib/http.mjs';
import { run } from '../tests/e2e/lib/process.mjs';
import { median, round } from './lib/stats.mjs';
import { measureRefreshes } from './refresh.mjs';
import { inWorld, manyConnections, tokenPath, withKey } from './lib/world.mjs';

async function sqlite(service, sql) {
	const { code, stdout, stderr } = await run('sqlite3', [join(service.dataDir, 'fiberwise.db')], { input: sql });
	assert.equal(code, 0, stderr);
	return stdout.trim();
}

// Every column of the table, those in `instead` by another expression; so a new column needs no change here.
async function columns(service, table, instead) {
	const names = (await sqlite(service, `SELECT name FROM pragma_table_info('${table}');`)).split('\n');
	for (const name of Object.keys(instead)) assert.ok(names.includes(name), `${table} has no column ${name}`);
	return { into: names.join(', '), from: names.map((name) => instead[name] ?? `t.${name}`).join(', ') };
}

// Copies users, grants and connections until there are `wanted` grants. Random ids, as the service makes them.
async function multiply(service, originals, wanted) {
	const users = await columns(service, 'users', { user_id: 'n.user_id', external_id: 'n.user_id' });
	const grants = await columns(service, 'oauth_token_grants', { grant_id: 'n.grant_id', user_id: 'n.user_id' });
	const connections = await columns(service, 'user_app_oauth_authentications',
		{ auth_id: 'n.auth_id', user_id: 'n.user_id', grant_id: 'n.grant_id', subject: 'n.auth_id' });
	const id = 'lower(hex(randomblob(16)))';
	await sqlite(service, `
		PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -2000000; PRAGMA temp_store = MEMORY; BEGIN;
		CREATE TEMP TABLE originals AS SELECT row_number() OVER () AS o, auth_id, user_id, grant_id FROM user_app_oauth_authentications;
		CREATE TEMP TABLE n AS WITH RECURSIVE i (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i WHERE i < ${wanted - originals})
			SELECT i % ${originals} + 1 AS o, ${id} AS user_id, ${id} AS grant_id, ${id} AS auth_id FROM i;
		INSERT INTO users (${users.into}) SELECT ${users.from} FROM n JOIN originals USING (o) JOIN users t ON t.user_id = originals.user_id;
		INSERT INTO oauth_token_grants (${grants.into}) SELECT ${grants.from}
			FROM n JOIN originals USING (o) JOIN oauth_token_grants t ON t.grant_id = originals.grant_id;
		INSERT INTO user_app_oauth_authentications (${connections.into}) SELECT ${connections.from}
			FROM n JOIN originals USING (o) JOIN user_app_oauth_authentications t ON t.auth_id = originals.auth_id;
		COMMIT; PRAGMA journal_mode = WAL;`);
	assert.equal(await sqlite(service, 'SELECT count(*) FROM oauth_token_grants;'), String(wanted));
}

// From starting the program to the first token read that was answered.
async function startMs(service, flow) {
	const { headers } = withKey(service);
	const began = performance.now();
	const started = service.start();
	started.catch(() => {});
	for (;;) {
		const res = await ask(service.url + tokenPath(flow), { headers }).catch(() => null);
		const ms = performance.now() - began;
		if (res?.status === 200) {
			await started;
			return ms;
		}
		assert.ok(ms < 60000, `no token within a minute of the start: ${res?.text}`);
		await new Promise((next) => { setTimeout(next, 2); });
	}
}

async function medianStart(service, flow, times, before = async () => {}) {
	const all = [];
	for (let i = 0; i < times; i += 1) {
		await service.stop();
		await before();
		all.push(await startMs(service, flow));
	}
	return median(all);
}

// Forgets what the kernel has of the file, so that the next reader goes to the disk.
const forget = (file) => run('dd', [`if=${file}`, 'iflag=nocache', 'count=0']);

export async function start({ quick, say }) {
	const originals = quick ? 100 : 500;
	const wanted = quick ? 100000 : 1000000;
	const times = quick ? 3 : 5;
	return inWorld({ workers: 2 }, async (world) => {
		const { service, adversary } = world;
		const database = join(service.dataDir, 'fiberwise.db');
		const [flow] = await manyConnections(world, 1); // its token lives on; those of the others are over in a second
		await adversary.config({ access_ttl_s: 1 });
		const flows = await manyConnections(world, originals);
		const refreshesFew = await measureRefreshes(world, flows, quick ? 2 : 6);
		const fewMs = await medianStart(service, flow, times);
		await service.stop();
		const began = performance.now();
		await multiply(service, originals + 1, wanted);
		const seedS = (performance.now() - began) / 1000;
		await service.start();
		const manyMs = await medianStart(service, flow, times);
		const coldMs = await medianStart(service, flow, times, () => forget(database));
		const refreshesMany = await measureRefreshes(world, flows, quick ? 2 : 6);
		const result = {
			grants: wanted, originals, database_mb: statSync(database).size / 1e6, seed_s: seedS,
			few_ms: fewMs, many_ms: manyMs, cold_ms: coldMs, refreshes_few: refreshesFew, refreshes_many: refreshesMany,
		};
		say(`start to the first token: ${round(fewMs)} ms with ${originals} grants, ${round(manyMs)} ms with ${wanted} `
			+ `(${round(coldMs)} ms when the database is not in memory); database ${round(result.database_mb)} MB, made in ${round(seedS, 1)} s`);
		say(`  clerk's CPU for a refresh: ${round(refreshesFew.roles.clerk.cpu_us)} us with ${originals} grants, `
			+ `${round(refreshesMany.roles.clerk.cpu_us)} us with ${wanted}`);
		return result;
	});
}
