// SPDX-License-Identifier: Apache-2.0
//
// Programs under test: started with a bare environment, their lines kept, ended with the test.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..', '..');
export const BUILD = process.env.FIBERWISE_BUILD ?? join(ROOT, 'build');

export const sleep = (ms) => new Promise((done) => { setTimeout(done, ms); });

// Asks `probe` again and again until it returns something true; fails with `what` after `ms`.
export async function eventually(what, probe, ms = 5000) {
	const end = Date.now() + ms;
	for (;;) {
		const value = await probe();
		if (value) return value;
		assert.ok(Date.now() < end, `${what}: not within ${ms} ms`);
		await sleep(50);
	}
}

export async function freePort() {
	const server = createServer();
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address();
	server.close();
	await once(server, 'close');
	return port;
}

// What a sanitizer says of a program that was built with one. It is said on standard error, by the roles too: they
// have no environment that could name a file.
export function assertNoReport(program) {
	assert.doesNotMatch(program.errors, /(Address|Leak|Memory|Thread)Sanitizer|runtime error: /);
}

// A program that prints `ready <url>` when it can be asked.
export class Program {
	lines = [];

	errors = '';

	constructor(command, args, { env = {}, cwd = ROOT } = {}) {
		this.child = spawn(command, args, {
			cwd, env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', 'pipe', 'pipe'],
		});
		this.ended = once(this.child, 'exit');
		this.ended.catch(() => {});
		this.closed = once(this.child, 'close'); // nobody who inherited its output is left
		createInterface({ input: this.child.stdout }).on('line', (line) => this.lines.push(line));
		this.child.stderr.on('data', (text) => { this.errors += text; });
	}

	get pid() { return this.child.pid; }

	get running() { return this.child.exitCode === null && this.child.signalCode === null; }

	async ready(ms = 20000) {
		const line = await eventually('ready', () => {
			const found = this.lines.find((l) => l.startsWith('ready '));
			assert.ok(found || this.running, `ended before it was ready:\n${this.lines.join('\n')}\n${this.errors}`);
			return found;
		}, ms);
		return line.slice('ready '.length);
	}

	async stop(signal = 'SIGTERM', ms = 15000) {
		if (this.running) {
			this.child.kill(signal);
			let late = false;
			const alarm = setTimeout(() => {
				late = true;
				this.child.kill('SIGKILL');
			}, ms);
			await this.ended;
			clearTimeout(alarm);
			assert.ok(!late, `process ${this.pid} did not end within ${ms} ms of ${signal}`);
		}
		assertNoReport(this);
		return this.child.exitCode;
	}
}

// Runs a program to its end.
export async function run(command, args, { env = {}, input = '', cwd = ROOT } = {}) {
	const child = spawn(command, args, { cwd, env: { PATH: process.env.PATH, ...env } });
	let stdout = '';
	let stderr = '';
	child.stdout.on('data', (text) => { stdout += text; });
	child.stderr.on('data', (text) => { stderr += text; });
	child.stdin.on('error', () => {});
	child.stdin.end(input);
	const [code] = await once(child, 'close');
	return { code, stdout, stderr };
}

export const readProc = (pid, name) => {
	try {
		return readFileSync(`/proc/${pid}/${name}`, 'latin1');
	} catch (e) {
		if (e.code === 'ENOENT' || e.code === 'ESRCH' || e.code === 'EACCES' || e.code === 'EPERM') return '';
		throw e;
	}
};

export const commandLine = (pid) => readProc(pid, 'cmdline').replaceAll('\0', ' ').trim();

// Pids of a process's children, and theirs.
export function descendants(pid) {
	const children = new Map();
	for (const entry of readdirSync('/proc')) {
		if (!/^\d+$/.test(entry)) continue;
		const parent = Number(readProc(entry, 'stat').replace(/^.*\) /s, '').split(' ')[1]);
		if (!children.has(parent)) children.set(parent, []);
		children.get(parent).push(Number(entry));
	}
	const found = [];
	for (const queue = [pid]; queue.length > 0;) {
		for (const child of children.get(queue.shift()) ?? []) {
			found.push(child);
			queue.push(child);
		}
	}
	return found;
}
