// SPDX-License-Identifier: Apache-2.0
//
// A service that is started hundreds of times from the same prepared data directory, the adversary
// provider beside it, and their end by kill -9. Each house has ports and directories of its own, so two
// can stand side by side.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import {
	mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import { Adversary, register } from '../../e2e/lib/adversary.mjs';
import { gone, kill } from '../../e2e/lib/chaos.mjs';
import { eventually, sleep } from '../../e2e/lib/process.mjs';
import { Service } from '../../e2e/lib/service.mjs';
import { filesUnder } from '../../e2e/lib/sweep.mjs';

const linkOf = (pid, name) => { try { return readlinkSync(`/proc/${pid}/${name}`); } catch { return ''; } };

// A free port that no connection of anybody else gets while the service is down: below the range the kernel takes those from.
async function steadyPort() {
	const port = randomInt(12000, 32000);
	const taken = createServer().listen(port, '127.0.0.1');
	try {
		await once(taken, 'listening');
	} catch (e) {
		assert.equal(e.code, 'EADDRINUSE');
		return steadyPort();
	}
	taken.close();
	await once(taken, 'close');
	return port;
}

// With the modes, which not every version of cpSync() keeps: the service refuses a directory that others may read.
const copyTree = (from, to) => execFileSync('cp', ['-a', from, to]);

export class House {
	// `settings` are the adversary's after every reset; `env` goes to the service, `binary` is its program.
	constructor(dir, { settings = {}, env = {}, binary } = {}) {
		this.dir = dir;
		this.binary = binary;
		this.settings = settings;
		this.env = { FIBERWISE_WORKERS: '1', ...env };
		this.prepared = join(dir, 'prepared');
		this.razing = Promise.resolve();
		this.known = new Set();
	}

	async build() {
		mkdirSync(this.dir, { recursive: true });
		this.adversary = await new Adversary().start();
		this.service = new Service(this.dir, await steadyPort(), this.env);
		this.service.binary = this.binary ?? this.service.binary;
		await this.service.start();
		this.authenticator = await register(this.service, this.adversary);
		await this.service.stop();
		this.empty = [...filesUnder(this.service.dataDir)].length;
		assert.ok(this.empty > 0);
		copyTree(this.service.dataDir, this.prepared);
		return this;
	}

	// As it was after build(), and running.
	async open() {
		if (this.running) await this.raze();
		this.onRevive = undefined;
		rmSync(this.service.dataDir, { recursive: true, force: true });
		copyTree(this.prepared, this.service.dataDir);
		await this.adversary.reset();
		await this.adversary.config(this.settings);
		this.output = [];
		await this.start();
	}

	async start() {
		await this.razing;
		await this.service.start().catch(async (e) => {
			await sleep(100); // its last words may still be on their way
			throw new Error(`it did not start: ${this.service.program.errors || e.message}`);
		});
		this.output.push(this.service.program);
		this.processes();
	}

	get running() { return this.service.program?.running ?? false; }

	pidOf(role) {
		return role === 'supervisor' ? this.service.program.pid : this.service.roles().find((r) => r.role === role)?.pid;
	}

	// Every process of the service, also those whose supervisor is gone: they work in its directory. One that is ending shows no
	// directory any more and still has its sockets, so those seen before count until they are gone.
	processes() {
		readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && linkOf(pid, 'cwd') === this.dir
			&& basename(linkOf(pid, 'exe')).startsWith('fiberd')).forEach((pid) => this.known.add(Number(pid)));
		for (const pid of this.known) if (gone(pid)) this.known.delete(pid);
		return [...this.known];
	}

	// kill -9 of all of it. The supervisor may be starting a role at this moment.
	raze() {
		this.razing = this.razing.then(() => this.#raze());
		return this.razing;
	}

	async #raze() {
		if (this.running) kill(this.service.program.pid);
		await eventually('all are gone', () => {
			const left = this.processes();
			left.forEach(kill);
			return left.length === 0;
		});
		await this.service.program.ended;
	}

	// After the supervisor's death: the roles end by themselves, a courier when it has nothing in flight.
	async revive() {
		await this.razing;
		this.onRevive?.();
		await eventually('the roles end without their supervisor', () => this.processes().length === 0, 10000);
		await this.start();
	}

	log() { return readFileSync(join(this.service.dataDir, 'logs/oauth.log'), 'utf8').split('\n').filter(Boolean); }

	// The roles that died since open(), each as often as it did.
	deaths() {
		return this.log().map((line) => JSON.parse(line))
			.filter(({ event, why }) => event === 'role_ended' && why !== 'exit code 0').map(({ of }) => of.split(' ')[0]);
	}

	async close() {
		if (this.running) await this.raze();
		await this.adversary?.stop();
	}
}
