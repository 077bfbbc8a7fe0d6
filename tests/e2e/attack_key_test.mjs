// SPDX-License-Identifier: Apache-2.0
//
// The master key's file, and secrets in the memory of processes (SECURITY-CHECKLIST CR-03, CR-05, CR-06).

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
	chmodSync, chownSync, closeSync, copyFileSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, renameSync, rmSync, symlinkSync, writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect, makeArena, read, register } from './lib/adversary.mjs';
import { BUILD, eventually, freePort, readProc, run, sleep } from './lib/process.mjs';
import { Service, workspace } from './lib/service.mjs';

const ROOT_USER = process.getuid() === 0;
const STRANGER = 65534;

// All files below, by content; SQLite's index of its log is memory.
function picture(dir) {
	return readdirSync(dir, { withFileTypes: true, recursive: true }).filter((e) => e.isFile() && !e.name.endsWith('-shm'))
		.map((e) => join(e.parentPath ?? e.path, e.name)).sort()
		.map((file) => `${file} ${createHash('sha256').update(readFileSync(file)).digest('hex')}`);
}

// A start that must not be: one line that says why, exit 1, and nothing changed.
async function refused(service, says, env = {}) {
	const before = picture(service.dataDir);
	const { code, stdout, stderr } = await run(service.binary, [], {
		cwd: service.dir,
		env: { FIBERWISE_LISTEN: `127.0.0.1:${service.port}`, FIBERWISE_DATA_DIR: service.dataDir, ...env },
	});
	assert.deepEqual([code, stdout], [1, ''], stderr);
	assert.match(stderr, says);
	assert.equal(stderr.trim().split('\n').length, 1, stderr);
	assert.deepEqual(picture(service.dataDir), before);
}

async function connected(t) {
	const { service, adversary } = await makeArena(t);
	const flow = await connect(service, await register(service, adversary), { user: 'u', account: 'a' });
	const { body } = await read(service, flow);
	await service.stop();
	return { service, adversary, flow, token: body.access_token, key: join(service.dataDir, 'keys/master.key') };
}

test('CR-03 a missing or wrong master key: no start, a clear sentence, nothing touched; with the right one all is there', async (t) => {
	const { service, flow, token, key } = await connected(t);
	const good = readFileSync(key);
	const aside = join(service.dir, 'master.key.aside');

	renameSync(key, aside);
	await refused(service, /master key file .* is missing/);
	for (const [wrong, says] of [
		['0'.repeat(64), /the master key does not fit this database/],
		[`${good.toString().slice(0, 63)}\n`, /does not hold 64 hex digits/],
		['', /does not hold 64 hex digits/],
		[`${good.toString().trim()}00`, /does not hold 64 hex digits/],
	]) {
		writeFileSync(key, wrong, { mode: 0o600 });
		await refused(service, says);
		rmSync(key);
	}
	renameSync(aside, key);
	await service.start();
	assert.equal((await read(service, flow)).body.access_token, token);
});

test('CR-05 a key file with any bit for group or others, or that is no file of ours, is refused', async (t) => {
	const { service, key } = await connected(t);
	const aside = join(service.dir, 'aside');

	for (const bit of [0o040, 0o020, 0o010, 0o004, 0o002, 0o001]) {
		chmodSync(key, 0o600 | bit);
		await refused(service, /can be read by others .*chmod 600/);
	}
	chmodSync(key, 0o600);
	renameSync(key, aside);
	symlinkSync(aside, key);
	await refused(service, /is a symbolic link/);
	rmSync(key);
	execFileSync('mkfifo', ['-m', '600', key]);
	await refused(service, /is not a regular file/);
	rmSync(key);
	mkdirSync(key, 0o700);
	await refused(service, /master key file/);
	rmSync(key, { recursive: true });
	renameSync(aside, key);
	if (ROOT_USER) {
		chownSync(key, STRANGER, STRANGER);
		await refused(service, /belongs to user 65534, not to user 0/);
		chownSync(key, 0, 0);
	}
	await service.start();
});

test('CR-05 no key is taken from the environment, and the refusal does not repeat it', async (t) => {
	const { service } = await connected(t);
	const secret = 'f00d'.repeat(16);
	await refused(service, /there is no configuration key FIBERWISE_MASTER_KEY\b/, { FIBERWISE_MASTER_KEY: secret });
	const { stderr } = await run(service.binary, [], { cwd: service.dir, env: { FIBERWISE_DATA_DIR: service.dataDir, FIBERWISE_MASTER_KEY: secret } });
	assert.ok(!stderr.includes('f00d'), stderr);
});

// Where in the writable memory of a process `what` stands.
function findInMemory(pid, what) {
	const fd = openSync(`/proc/${pid}/mem`, 'r');
	const found = [];
	for (const line of readProc(pid, 'maps').split('\n')) {
		const [, from, to, name] = /^([0-9a-f]+)-([0-9a-f]+) rw\S* \S+ \S+ \S+\s*(.*)/.exec(line) ?? [];
		if (!from) continue;
		const bytes = Buffer.alloc(Number(BigInt(`0x${to}`) - BigInt(`0x${from}`)));
		let n = 0;
		try { n = readSync(fd, bytes, 0, bytes.length, BigInt(`0x${from}`)); } catch { /* never touched */ }
		for (let at = bytes.subarray(0, n).indexOf(what); at >= 0; at = bytes.subarray(0, n).indexOf(what, at + 1)) {
			found.push(`${name || 'anonymous'} at ${from}+${at.toString(16)}: ${JSON.stringify(bytes.subarray(at - 40, at + what.length + 8).toString('latin1'))}`);
		}
	}
	closeSync(fd);
	return found;
}

const everybody = (service) => [{ pid: service.program.pid, role: 'supervisor' }, ...service.roles()];

function holders(service, what) {
	return everybody(service).flatMap(({ pid, role }) => findInMemory(pid, what).map((where) => `${role}: ${where}`));
}

test('CR-06 a token that was disconnected is in no process\'s memory a second later', { skip: !ROOT_USER && 'only root can look' }, async (t) => {
	const { service, adversary } = await makeArena(t, { settings: { access_ttl_s: 10 } });
	const flow = await connect(service, await register(service, adversary), { user: 'u', account: 'a' });
	const first = (await read(service, flow)).body.access_token;
	assert.ok(holders(service, first).length > 0, 'the worker keeps what was read: this test can see it');
	await sleep(1100); // nine tenths of a life at most are asked for
	const second = (await read(service, flow, { min_ttl: 86400 })).body.access_token;
	assert.notEqual(second, first);
	await service.expect(200, 'DELETE', `/credentials/connections/${flow.connection}?user=u`);
	await eventually('the provider was told', async () => await adversary.hits('revoke') > 0);
	await sleep(1000);
	assert.deepEqual(holders(service, first), []);
	assert.deepEqual(holders(service, second), []);
	const key = Buffer.from(readFileSync(join(service.dataDir, 'keys/master.key'), 'latin1').trim(), 'hex');
	assert.deepEqual(holders(service, key), [], 'the master key itself: the keeper derives what it needs and wipes it');
	assert.deepEqual(holders(service, key.toString('hex')), []);
});

test('CR-06 no core, and no look into a role by another process of its user', { skip: !ROOT_USER && 'only root can be two users' }, async (t) => {
	const dir = workspace(t);
	const service = new Service(dir, await freePort(), {});
	t.after(() => service.program?.stop('SIGKILL'));
	chmodSync(dir, 0o755);
	service.dataDir = join(dir, 'own/data');
	mkdirSync(join(dir, 'own'));
	chownSync(join(dir, 'own'), STRANGER, STRANGER);
	copyFileSync(join(BUILD, 'fiberd'), join(dir, 'fiberd'));
	const asStranger = ['--reuid=65534', '--regid=65534', '--clear-groups'];
	writeFileSync(join(dir, 'start'), `#!/bin/sh\nexec setpriv ${asStranger.join(' ')} ${join(dir, 'fiberd')}\n`, { mode: 0o755 });
	service.binary = join(dir, 'start');
	await service.start();
	for (const { pid, role } of everybody(service)) {
		assert.match(readProc(pid, 'limits'), /Max core file size +0 +0 /, role);
		assert.match(readProc(pid, 'status'), /NoNewPrivs:\t1/, role);
		for (const file of ['mem', 'environ', 'maps']) {
			const look = await run('setpriv', [...asStranger, 'cat', `/proc/${pid}/${file}`]);
			assert.match(look.stderr, /Permission denied/, `${role} ${file}`);
		}
	}
	const [worker] = service.roles().filter(({ role }) => role === 'worker');
	process.kill(worker.pid, 'SIGABRT');
	await eventually('a new worker', () => service.roles().length === 5 && service.roles().every(({ pid }) => pid !== worker.pid));
	assert.deepEqual(readdirSync(join(dir, 'own'), { recursive: true }).filter((f) => /(^|\/)core(\.|$)/.test(f)), []);
});
