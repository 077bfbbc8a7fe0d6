// SPDX-License-Identifier: Apache-2.0
//
// The audit chains of a real service: every hand-out is recorded and found again by the token, chains survive kill -9,
// a cut-off end shows, and with a full disk no token leaves (LG-03, LG-04, LG-05).

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
	cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { launch, newPerson } from './lib/browser.mjs';
import { connectByLink } from './lib/flows.mjs';
import { BUILD, run, sleep } from './lib/process.mjs';
import { makeWorld } from './lib/service.mjs';

const FIBERD = join(BUILD, 'fiberd');

const audit = (service, what, input) => run(FIBERD, ['audit', what],
	{ env: { FIBERWISE_DATA_DIR: service.dataDir }, input, cwd: service.dir });

async function verified(service) {
	const res = await audit(service, 'verify');
	assert.equal(res.code, 0, res.stdout + res.stderr);
	return res.stdout;
}

// Every record of all chains, parsed: each line is one JSON object.
function records(service) {
	const dir = join(service.dataDir, 'audit');
	return readdirSync(dir).filter((c) => !c.startsWith('.')).flatMap((chain) => readdirSync(join(dir, chain)).flatMap((file) => readFileSync(
		join(dir, chain, file), 'latin1').split('\n').filter((l) => l.replaceAll('\0', '')).map((l) => JSON.parse(l))));
}

async function connected(t, options) {
	const world = await makeWorld(t, options);
	const { page } = await newPerson(await launch(t));
	await connectByLink(page, world.service, { user: 'u1', account: 'ada' });
	return world;
}

async function read(service) {
	const res = await service.token('practice', { user: 'u1' });
	assert.equal(res.status, 200, res.text);
	return res.body;
}

for (const sync of ['100ms', 'always']) {
	test(`every hand-out is recorded and found by its token (${sync})`, async (t) => {
		const { service } = await connected(t, { env: { FIBERWISE_AUDIT_SYNC: sync } });
		const token = await read(service);
		await Promise.all(Array.from({ length: 99 }, () => read(service)));

		const all = records(service);
		const reads = all.filter((r) => r.event === 'token_read');
		assert.equal(reads.length, 100, 'each answer has its record before it left');
		for (const r of reads) {
			assert.equal(r.fingerprint, token.fingerprint);
			assert.match(r.actor, /^key /);
			assert.equal(r.result, 'ok');
			for (const name of ['app', 'user', 'connection', 'grant', 'request']) assert.ok(r[name], name);
		}
		assert.equal(new Set(reads.map((r) => r.request)).size, 100);
		assert.ok(all.some((r) => r.by === 'clerk-0'), 'the clerk records the exchange');
		assert.ok(!JSON.stringify(all).includes(token.access_token));

		const where = await audit(service, 'where', `${token.access_token}\n`);
		assert.equal(where.code, 0, where.stderr);
		assert.equal(where.stdout.trim().split('\n').length, 100);
		assert.equal((await audit(service, 'where', 'another token')).code, 1);
		await verified(service);
	});
}

test('chains survive kill -9, and a cut-off or deleted one shows', async (t) => {
	const { service } = await connected(t);
	for (let i = 0; i < 5; i++) {
		for (let k = 0; k < 10; k++) await read(service);
		for (const { pid } of service.roles().filter(({ role }) => role === 'worker')) process.kill(pid, 'SIGKILL');
	}
	await read(service);
	assert.equal(records(service).filter((r) => r.event === 'token_read').length, 51);
	await sleep(1200); // the heads of the last workers
	await service.stop();
	assert.match(await verified(service), /worker-\d: ok, \d+ records from .* [1-9]\d* signed heads/);

	const chain = join(service.dataDir, 'audit', 'clerk-0');
	const segment = join(chain, '001.log');
	const bytes = readFileSync(segment);
	const defect = async (says) => {
		const res = await audit(service, 'verify');
		assert.equal(res.code, 1);
		assert.match(res.stdout, says);
	};
	truncateSync(segment, bytes.lastIndexOf('\n', bytes.length - 2) + 1);
	await defect(/clerk-0: DEFECT .*cut off/);
	writeFileSync(segment, bytes);
	const busiest = ['worker-0', 'worker-1'].map((name) => join(service.dataDir, 'audit', name, '001.log'))
		.sort((a, b) => readFileSync(b).length - readFileSync(a).length)[0];
	const reads = readFileSync(busiest, 'latin1');
	writeFileSync(busiest, reads.replace('"user":"', '"user":"x'), 'latin1');
	await defect(/worker-\d: DEFECT .*001\.log line \d+/);
	writeFileSync(busiest, reads, 'latin1');
	// The only record, or the last one: nothing follows that would tell a change from an end.
	writeFileSync(segment, bytes.toString('latin1').replaceAll('"user":"', '"user":"x'), 'latin1');
	await defect(/clerk-0: DEFECT /);
	renameSync(chain, join(service.dir, 'taken'));
	await defect(/clerk-0: DEFECT .*cut off/);
	renameSync(join(service.dir, 'taken'), chain);
	writeFileSync(segment, bytes);
	await verified(service);
});

const reads = (service) => records(service).filter((r) => r.event === 'token_read').length;

function fill(dir) {
	const filler = join(dir, '.filler');
	for (let n = 0; n < 1024; n++) {
		try {
			writeFileSync(filler, Buffer.alloc(4096), { flag: 'a' });
		} catch (e) {
			assert.equal(e.code, 'ENOSPC');
			return filler;
		}
	}
	return assert.fail('the file system never fills up');
}

// One read on a full disk: either it has its record, or nothing secret left. True: refused.
async function readOrRefused(service, secret) {
	const before = reads(service);
	const res = await service.token('practice', { user: 'u1' });
	if (res.status === 200) {
		assert.equal(reads(service), before + 1, 'no answer without its record');
		return false;
	}
	assert.equal(reads(service), before, 'a refused read leaves no record');
	assert.equal(res.status, 503, res.text);
	assert.equal(res.body.error, 'unavailable', res.text);
	for (const name of ['detail', 'hint', 'request_id']) assert.ok(res.body[name], `${name}: ${res.text}`);
	assert.ok(res.headers.get?.('retry-after') ?? res.headers['retry-after'], 'says when to come again');
	assert.match(res.body.detail, /audit/);
	assert.ok(!res.text.includes(secret), 'the token is in the refusal');
	assert.doesNotMatch(res.text, /access_token/);
	return true;
}

async function fullDisk(service, dir, secret) {
	await service.start();
	await read(service);
	const filler = fill(dir);
	let refused = 0;
	for (let i = 0; i < 200; i++) refused += await readOrRefused(service, secret);
	// A worker whose chain had room before the disk was full may write on; the others refuse.
	assert.ok(refused > 0, `${refused} of 200 were refused`);
	const before = records(service).length;
	const key = await service.api('POST', '/apps/default/api-keys', { json: { name: 'never' } });
	if (key.status === 201) assert.ok(records(service).length > before, 'no key without its record');
	else assert.equal(key.status, 503, key.text);
	assert.equal((await service.api('GET', '/health', { key: '' })).status, 200);
	rmSync(filler);
	await read(service);
	await service.stop();
	await verified(service);
}

test('LG-03 with a full disk no token leaves, and with room again it does', async (t) => {
	const { service } = await connected(t);
	const { access_token: secret } = await read(service);
	await service.stop();
	const dir = join(service.dataDir, 'audit');
	const old = join(service.dir, 'old');
	renameSync(dir, old);
	mkdirSync(dir, { mode: 0o700 });
	try {
		execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=0700', 'tmpfs', dir], { stdio: 'pipe' });
	} catch {
		t.skip('a small file system can be mounted by root only');
		return;
	}
	// Not in a hook: the one that removes the folder would come first.
	try {
		cpSync(old, dir, { recursive: true });
		await fullDisk(service, dir, secret);
	} finally {
		await service.stop('SIGKILL');
		execFileSync('umount', ['-l', dir]);
	}
});
