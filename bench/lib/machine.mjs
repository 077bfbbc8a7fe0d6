// SPDX-License-Identifier: Apache-2.0
//
// What a figure depends on: machine, versions, build. No names of hosts and no paths.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { join } from 'node:path';
import { BUILD, run } from '../../tests/e2e/lib/process.mjs';
import { Nginx } from './nginx.mjs';

async function firstLine(command, args) {
	const { stdout, stderr } = await run(command, args);
	return `${stdout}${stderr}`.trim().split('\n')[0];
}

function buildOption(name) {
	const options = JSON.parse(readFileSync(join(BUILD, 'meson-info/intro-buildoptions.json'), 'utf8'));
	return options.find((option) => option.name === name)?.value;
}

export function refuseSlowBuild() {
	assert.ok(['2', '3'].includes(buildOption('optimization')) && buildOption('b_sanitize') === 'none',
		'this build is not optimised, or has sanitizers: its figures would say nothing');
}

export async function describe() {
	const [, distribution] = /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'));
	const memoryKiB = Number(/^MemTotal:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))[1]);
	const changes = (await run('git', ['status', '--porcelain', '--untracked-files=no', '--', '.', ':!bench/RESULTS.md', ':!bench/results.json'])).stdout;
	return {
		date: new Date().toISOString().slice(0, 16).replace('T', ' '),
		commit: `${await firstLine('git', ['rev-parse', '--short', 'HEAD'])}${changes ? ' with changes' : ''}`,
		cpu: cpus()[0].model, cores: cpus().length, memory_gib: Math.round(memoryKiB / 2 ** 20),
		kernel: release(), distribution,
		filesystem: (await run('df', ['--output=fstype', BUILD])).stdout.trim().split('\n').at(-1),
		load_average: loadavg()[0],
		nginx: await Nginx.version(), wrk: (await firstLine('wrk', ['-v'])).replace(/ \[.*/, ''),
		sqlite: (await firstLine('sqlite3', ['--version'])).split(' ')[0],
		build: `-O${buildOption('optimization')}, hardened, asserts on, as ./run makes it`,
	};
}
