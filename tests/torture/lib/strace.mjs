// SPDX-License-Identifier: Apache-2.0
//
// strace beside a running role: it counts the system calls of a thread, or kills the process at the entry
// of the n-th of a kind, or lets that one fail. It is attached when the service is ready and to chosen
// threads only, because `when=` counts each thread and each kind of call by itself: with the whole tree
// traced "the third write" would strike every thread's third.
//
// A role's threads: "loop" is the first one, "store" the one that runs the database's jobs, "pool" the
// four of libuv that sync files beside the loop. The pool starts with its first job.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { eventually } from '../../e2e/lib/process.mjs';

const WITH_STORE = new Set(['clerk', 'worker']);

// Why strace cannot be used here, or nothing.
export function whyNot() {
	if (process.getuid() !== 0) return 'the roles are not dumpable, so only root may trace them';
	if (!(process.env.PATH ?? '').split(':').some((dir) => existsSync(`${dir}/strace`))) return 'strace is not there: tools/install torture';
	return undefined;
}

// { loop: [tid], store: [tid], pool: [tid, …] } of a role that is ready and has not been asked anything,
// or, to see its pool, has been.
export function threadsOf({ pid, role }) {
	const others = readdirSync(`/proc/${pid}/task`).map(Number).filter((tid) => tid !== pid).sort((a, b) => a - b);
	const store = WITH_STORE.has(role) ? others.splice(0, 1) : [];
	return { loop: [pid], store, pool: others };
}

class Tracer {
	constructor(file, child) {
		this.file = file;
		this.child = child;
		this.ended = once(child, 'exit');
		this.errors = '';
		child.stderr.on('data', (text) => { this.errors += text; });
	}

	lines() { return readFileSync(this.file, 'latin1').split('\n'); }

	// The call that was struck, as strace shows it; nothing when the point was not reached.
	struck() {
		return this.lines().find((line) => line.includes('(INJECTED)')) ?? this.lines().find((line) => line.includes('+++ killed by SIGKILL'));
	}

	async stop() {
		if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGTERM');
		await this.ended;
	}
}

// `calls` as strace's -e trace takes it; `inject` is what comes behind "inject=<struck>:". With `follow`
// threads that start later are traced too.
export async function attach(tids, { calls, struck = calls, inject, file, follow = false }) {
	const args = ['-s', '0', '-y', '-e', `trace=${calls}`, '-o', file,
		...(follow ? ['-f'] : []), ...(inject ? ['-e', `inject=${struck}:${inject}`] : []),
		...tids.flatMap((tid) => ['-p', `${tid}`])];
	const tracer = new Tracer(file, spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] }));
	await eventually(`strace ${args.join(' ')}`, () => {
		assert.ok(tracer.child.exitCode === null, `strace ended: ${tracer.errors}`);
		return tracer.errors.split('\n').filter((line) => /attached/.test(line)).length >= tids.length;
	}, 10000);
	return tracer;
}

// How often each thread made each call: Map of tid to Map of name to number. Written by one -f run.
export function countCalls(lines) {
	const counts = new Map();
	for (const line of lines) {
		const [, tid, name] = /^(?:\[pid\s+)?(\d+)\]?\s+(\w+)\(/.exec(line) ?? [];
		if (!name) continue;
		if (!counts.has(tid)) counts.set(tid, new Map());
		counts.get(tid).set(name, (counts.get(tid).get(name) ?? 0) + 1);
	}
	return counts;
}
