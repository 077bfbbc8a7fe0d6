// SPDX-License-Identifier: Apache-2.0
//
// Processes that die, and chance that can be repeated.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, readProc } from './process.mjs';
import { filesUnder } from './sweep.mjs';

const SLOT = 65 * 4096; // of a spool file

// mulberry32
export function seeded(seed) {
	let a = seed;
	return () => {
		a = (a + 0x6D2B79F5) | 0;
		let t = Math.imul(a ^ (a >>> 15), 1 | a);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	};
}

export const kill = (pid) => { try { process.kill(pid, 'SIGKILL'); } catch (e) { if (e.code !== 'ESRCH') throw e; } };

// A process whose first thread is dead keeps its sockets until the last one is.
const threads = (pid) => { try { return readdirSync(`/proc/${pid}/task`).length; } catch { return 0; } };

export const gone = (pid) => !readProc(pid, 'stat') || (/ Z /.test(readProc(pid, 'stat')) && threads(pid) < 2);

export const pidOf = (service, role) => service.roles().find((r) => r.role === role)?.pid;

// Entries in the spools: answers that were not released.
export const spooled = (service) => filesUnder(join(service.dataDir, 'spool')).map((file) => readFileSync(file))
	.reduce((n, bytes) => n + Array.from({ length: bytes.length / SLOT }, (_, i) => bytes.readUInt32BE(i * SLOT))
		.filter((magic) => magic !== 0).length, 0);

// Everything of a service but the courier, or with it, at one moment.
export async function killAll(service, { courier }) {
	const roles = service.roles().filter(({ role }) => courier || role !== 'courier');
	const spared = courier ? undefined : pidOf(service, 'courier');
	kill(service.program.pid);
	for (const { pid } of roles) kill(pid);
	await service.program.ended;
	await eventually('all are gone', () => roles.every(({ pid }) => gone(pid)));
	return spared;
}
