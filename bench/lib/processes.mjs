// SPDX-License-Identifier: Apache-2.0
//
// What the kernel says about processes: cores they may use, CPU time, context switches, memory.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { commandLine, descendants, readProc, run } from '../../tests/e2e/lib/process.mjs';

const running = new Set();

// Whatever ends this process, also a bug or Ctrl-C, ends the program too. `which` returns it, or nothing as long as there is none.
export function endWithUs(which) {
	if (running.size === 0) {
		process.on('exit', () => running.forEach((one) => one()?.running && one().child.kill('SIGTERM')));
		for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
	}
	running.add(which);
}

export const family = (pid) => [pid, ...descendants(pid)];

// All threads of a program and its children onto the given cores; what they start later stays there.
export async function pin(pid, cores) {
	for (const one of family(pid)) {
		const { code, stderr } = await run('taskset', ['-acp', cores, String(one)]);
		assert.equal(code, 0, stderr);
	}
}

const field = (text, name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);

// { cpuUs, switches } of a process so far, all its threads together: schedstat counts nanoseconds, not ticks.
export function usage(pid) {
	let cpuNs = 0;
	let switches = 0;
	for (const thread of readdirSync(`/proc/${pid}/task`)) {
		cpuNs += Number(readProc(pid, `task/${thread}/schedstat`).split(' ')[0]);
		const status = readProc(pid, `task/${thread}/status`);
		switches += field(status, 'voluntary_ctxt_switches') + field(status, 'nonvoluntary_ctxt_switches');
	}
	return { cpuUs: cpuNs / 1000, switches };
}

export const usageOf = (pids) => pids.map(usage)
	.reduce((a, b) => ({ cpuUs: a.cpuUs + b.cpuUs, switches: a.switches + b.switches }), { cpuUs: 0, switches: 0 });

// Proportional set size in KiB: memory shared by n processes counts one nth in each. `own`: only what is shared with nobody's file.
export function pssKiB(pid, own = false) {
	const rollup = readProc(pid, 'smaps_rollup');
	assert.match(rollup, /^Pss_Anon:/m, 'only root may ask how much memory a role holds (it is not dumpable)');
	return field(rollup, own ? 'Pss_Anon' : 'Pss');
}

export const workersOf = (pid) => descendants(pid).filter((one) => /worker/.test(commandLine(one)));
