// SPDX-License-Identifier: Apache-2.0
//
// LIFECYCLE: a disk that fails, and one that is full.
//
// R-05 needs a power cut: after kill -9 the kernel still has what the disk never got. So the database's log is cut
// back to where the failing thread stood at its last good sync, and nothing that was answered may be missing.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
	Adversary, connect, grantOf, read, readThrough, register,
} from '../e2e/lib/adversary.mjs';
import { freePort, sleep } from '../e2e/lib/process.mjs';
import { needBuild, Service, workspace } from '../e2e/lib/service.mjs';
import { injection } from './lib/faults.mjs';
import { House } from './lib/house.mjs';
import { Life } from './lib/life.mjs';
import { attach, threadsOf, whyNot } from './lib/strace.mjs';

const SYNCS = process.env.FIBERWISE_POINTS === 'all' ? 30 : 10;

// Where the log ended for the disk: at the first byte that the thread wrote into it since its last good sync.
function syncedLength(tracer) {
	let since = Infinity;
	for (const line of tracer.lines()) {
		const [, offset] = /pwrite64\(\d+<[^>]*-wal>, .*, (\d+)\) += \d/.exec(line) ?? [];
		if (offset) since = Math.min(since, Number(offset));
		else if (line.includes('(INJECTED)')) return since;
		else if (/fdatasync\(\d+<[^>]*-wal>\) += 0/.test(line)) since = Infinity;
	}
	return Infinity;
}

async function failSync(house, { role, n }) {
	await house.open();
	const pid = house.pidOf(role);
	const { store } = threadsOf({ pid, role });
	const tracer = await attach(store, {
		calls: 'pwrite64,fdatasync', struck: 'fdatasync', inject: injection({ n, fault: 'EIO' }), file: join(house.dir, 'sync'),
	});
	// Nobody is started again before the power is cut.
	process.kill(house.service.program.pid, 'SIGSTOP');
	let died = false;
	tracer.ended.then(() => {
		died = tracer.lines().some((line) => /killed by SIGABRT/.test(line));
		if (died) house.raze();
	});
	house.onRevive = () => {
		const length = syncedLength(tracer);
		if (length !== Infinity) truncateSync(join(house.service.dataDir, 'fiberwise.db-wal'), length);
		house.cut = length !== Infinity;
	};
	house.cut = false;
	const life = new Life(house);
	try {
		await life.live();
		await tracer.stop();
		// SQLite syncs the directory of a new log and goes on whatever comes of it.
		const struck = tracer.struck()?.includes('/data>)') === false;
		assert.ok(died || !struck, `the ${role} lived on after sync ${n} failed: ${tracer.struck()}`);
		await life.outlive();
		return { struck, cut: house.cut };
	} finally {
		await tracer.stop();
	}
}

test('R-05 a failed sync ends the role, and what was answered survives a power cut', { skip: whyNot() }, async (t) => {
	needBuild();
	const house = await new House(workspace(t), { settings: { rotation: 'R4' } }).build();
	t.after(() => house.close());
	const seen = { struck: 0, cut: 0 };
	for (const role of ['clerk', 'worker']) {
		for (let n = 1; n <= SYNCS; n += 1) {
			const { struck, cut } = await failSync(house, { role, n });
			seen.struck += struck ? 1 : 0;
			seen.cut += cut ? 1 : 0;
		}
	}
	t.diagnostic(JSON.stringify(seen));
	assert.ok(seen.struck >= SYNCS && seen.cut >= SYNCS / 2, JSON.stringify(seen));
});

// Leaves not one block.
function fill(dir) {
	const filler = join(dir, '.filler');
	for (let size = 65536; size >= 1;) {
		try {
			writeFileSync(filler, Buffer.alloc(size), { flag: 'a' });
		} catch (e) {
			assert.equal(e.code, 'ENOSPC');
			size = Math.floor(size / 2);
		}
	}
	return () => rmSync(filler);
}

const ALL = { min_ttl: 86400 };

// A service whose data directory is a file system of `size`, and an account with a token that is due.
async function inSmallSpace(t, size, work) {
	needBuild();
	const dir = workspace(t);
	const data = join(dir, 'data');
	mkdirSync(data, { mode: 0o700 });
	try {
		execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0700`, 'tmpfs', data], { stdio: 'pipe' });
	} catch {
		t.skip('a small file system can be mounted by root only');
		return;
	}
	const adversary = await new Adversary().start({ rotation: 'R4', access_ttl_s: 1 });
	const service = new Service(dir, await freePort(), { FIBERWISE_WORKERS: '1' });
	try {
		await service.start();
		const flow = await connect(service, await register(service, adversary), { user: 'ann', account: 'ann' });
		await readThrough(service, flow, ALL);
		await sleep(1100);
		const before = await adversary.hits('token');
		await work({ service, adversary, flow, data, before });
		const [book] = await adversary.grants();
		const row = await grantOf(service, flow);
		assert.deepEqual([book.reuses, book.refused, book.ended, row.status, row.generation, row.intent_attempt],
			[0, 0, null, 'active', book.refreshes + 1, '']);
	} finally {
		await service.stop('SIGKILL');
		await adversary.stop();
		execFileSync('umount', ['-l', data]);
	}
}

for (const size of ['3m', '4m']) {
	test(`R-06 with the disk full before it no request leaves (${size})`, async (t) => inSmallSpace(t, size, async ({
		service, adversary, flow, data, before,
	}) => {
		const free = fill(data);
		for (let i = 0; i < 5; i += 1) {
			const res = await read(service, flow, ALL);
			assert.equal(res.status, 503, res.text);
			assert.ok(!/"access_token"/.test(res.text), 'a refusal with a token');
		}
		assert.equal(await adversary.hits('token'), before, 'the provider was asked although nothing could be noted');
		free();
		await readThrough(service, flow, ALL);
		assert.equal(await adversary.hits('token'), before + 1);
	}));

	test(`R-06 with the disk full after it the answer is kept (${size})`, async (t) => inSmallSpace(t, size, async ({
		service, adversary, flow, data, before,
	}) => {
		await adversary.config({ delay_after_ms: 700, access_ttl_s: 600 });
		const waiting = read(service, flow, ALL);
		await adversary.wait('token', before + 1);
		const free = fill(data);
		const res = await waiting;
		assert.ok([200, 502, 503].includes(res.status), res.text);
		await service.stop('SIGKILL'); // the answer is nowhere but in the spool
		await sleep(300);
		free();
		await service.start();
		await readThrough(service, flow, {});
		assert.equal(await adversary.hits('token'), before + 1, 'the answer had to be asked for again');
	}));
}
