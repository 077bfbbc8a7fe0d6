// SPDX-License-Identifier: Apache-2.0
//
// What was measured as a page for people (RESULTS.md) and as data (results.json).

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { round } from './lib/stats.mjs';

const us = (value) => `${round(value)} µs`;
const ms = (value, digits = 0) => `${round(value, digits)} ms`;
const mib = (kib) => `${round(kib / 1024, 1)} MiB`;

// [figure, goal, measured, reached?]
function figures({ read, half, memory, connect, refresh, start, slow, neighbour }) {
	const rows = [];
	for (const r of read) {
		rows.push([`token read against nginx, ${r.shape}`, '≥ 0.8 ×', `${r.ratio.toFixed(2)} × (${round(r.ours.rate)} and ${round(r.nginx.rate)} a second)`,
			r.ratio >= 0.8]);
	}
	const own = read[0].ours.cpu_us - read[0].nginx.cpu_us;
	rows.push(['CPU of a token read above that of nginx\'s bare answer', '≤ 2.5 µs',
		`${round(own, 1)} µs (${round(read[0].ours.cpu_us, 1)} and ${round(read[0].nginx.cpu_us, 1)})`, own <= 2.5]);
	rows.push([`p99 at half load while ${round(half.beside.flows_per_s)} flows and ${round(half.beside.refreshes_per_s)} refreshes a second run beside it`,
		'≤ 1 ms at 50 and 50', `${us(half.beside.beside.p99_us)} (p50 ${us(half.beside.beside.p50_us)}; without them ${us(half.beside.alone.p99_us)})`,
		half.beside.beside.p99_us <= 1000 && half.beside.flows_per_s > 45 && half.beside.refreshes_per_s > 45]);
	rows.push(['read of a valid token while its refresh is under way', 'no slower',
		`p50 ${us(half.refreshing.with.p50_us)}, else ${us(half.refreshing.without.p50_us)}`,
		half.refreshing.with.p50_us <= half.refreshing.without.p50_us * 1.1]);
	if (memory) {
		rows.push(['memory of all roles, idle (PSS)', '≤ 40 MB', mib(memory.idle_kib.all), memory.idle_kib.all * 1024 <= 40e6]);
		rows.push(['memory of a cached connection', `≤ 1 KB and its token (${memory.token_bytes} bytes)`,
			`${round(memory.bytes_per_connection)} bytes`, memory.bytes_per_connection <= 1024 + memory.token_bytes]);
	}
	rows.push([`start with ${start.grants} grants, to the first token read`, '≤ 1 s',
		`${ms(start.many_ms)} (${ms(start.cold_ms)} with nothing of the database in memory)`, start.many_ms <= 1000]);
	rows.push(['refreshes on demand, provider on the same machine', '≥ 2,000 a second', `${round(refresh.rate)} a second`, refresh.rate >= 2000]);
	const [few, many] = [start.refreshes_few, start.refreshes_many].map((r) => r.roles.clerk.cpu_us);
	rows.push(['cost of a refresh', 'grows with what is due, not with what is stored',
		`clerk's CPU ${us(many)} with ${start.grants} grants, ${us(few)} with ${start.originals}`, many <= few * 1.25]);
	rows.push(['connect flow, our share', '≤ 5 ms', `${ms(connect.both_ms, 1)} (p99 ${ms(connect.p99_ms, 1)}), the provider's part included`,
		connect.both_ms <= 5]);
	const worst = slow.crowds.reduce((a, b) => (b.ratio > a.ratio ? b : a));
	rows.push([`p99 of reads beside ${slow.clients} slow clients (${worst.kinds.join(', ')}: the worst crowd)`, '< 2 × that without them',
		`${worst.ratio.toFixed(2)} × (${us(worst.with_us)} and ${us(worst.without_us)})`, worst.ratio < 2]);
	const noisy = neighbour['other requests'];
	rows.push(['p99 of reads while another key asks three times of what it may', '< 1.1 × that without it',
		`${noisy.ratio.toFixed(2)} × (${us(noisy.beside_us)} and ${us(noisy.alone_us)})`, noisy.ratio < 1.1]);
	return rows;
}

const table = (head, rows) => [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const fullLoad = (read) => table(['shape', 'server', 'answers/s', 'p50', 'p99', 'CPU an answer', 'context switches an answer', 'bytes an answer'],
	read.flatMap((r) => ['ours', 'nginx'].map((who) => [r.shape, who, round(r[who].rate), us(r[who].p50_us), us(r[who].p99_us),
		`${round(r[who].cpu_us, 1)} µs`, round(r[who].switches, 3), r[who].answer_bytes])));

function halfLoad({ pinned, free, beside, refreshing }) {
	const row = (shape, who, rate, r) => [shape, who, round(rate), us(r.p50_us), us(r.p99_us), us(r.p999_us), us(r.own_late_p99_us)];
	return table(['shape', 'what', 'requests/s', 'p50', 'p99', 'p99.9', 'generator late, p99'], [
		...[pinned, free].flatMap((r) => [row(r.shape, 'ours', r.rate, r.ours), row(r.shape, 'nginx', r.rate, r.nginx)]),
		row(beside.shape, 'ours, alone', beside.rate, beside.alone),
		row(beside.shape, `ours, ${round(beside.flows_per_s)} flows/s and ${round(beside.refreshes_per_s)} refreshes/s beside`, beside.rate, beside.beside),
		row(refreshing.shape, 'ours, one token', refreshing.rate, refreshing.without),
		row(refreshing.shape, 'ours, its refresh under way', refreshing.rate, refreshing.with),
	]);
}

const memoryTable = (memory) => table(['PSS', ...Object.keys(memory.idle_kib)], [
	['idle, two workers', ...Object.values(memory.idle_kib).map(mib)],
	[`one worker, ${memory.connections} connections read, no cache`, ...Object.keys(memory.idle_kib).map((role) => mib(memory.uncached_kib[role]))],
	[`one worker, ${memory.connections} connections read and cached`, ...Object.keys(memory.idle_kib).map((role) => mib(memory.cached_kib[role]))],
]);

const refreshTable = (refresh) => table(['role', 'CPU a refresh', 'context switches a refresh'],
	Object.entries(refresh.roles).map(([role, r]) => [role, us(r.cpu_us), round(r.switches, 1)]));

function page(machine, parts) {
	const { read, half, memory, connect, refresh, start } = parts;
	return `# Results

Written by \`make bench\` on ${machine.date} UTC, commit ${machine.commit}. Do not edit.

${machine.cpu}, ${machine.cores} cores, ${machine.memory_gib} GiB; ${machine.distribution}, Linux ${machine.kernel}; data on ${machine.filesystem};
${machine.nginx}, ${machine.wrk}, SQLite ${machine.sqlite}. Build: ${machine.build}. Load average before the first run: ${round(machine.load_average, 2)}.

${table(['figure', 'goal', 'measured', 'verdict'], figures(parts).map(([what, goal, measured, met]) => [what, goal, measured, met ? 'reached' : '**missed**']))}

## How to read this

Load generator, provider and service share this machine, so a rate says what they did together. What holds elsewhere are the
ratios: both servers run in the same minute, in pairs whose order is swapped, and the median pair counts. The CPU of an answer
is the time that the workers' threads ran, divided by the answers; it is steadier than any rate. nginx answers a \`return 200\`
whose body has as many bytes as ours, with its own plain headers: ours carry the security headers of every answer and so more bytes, at
our own cost. A token read looks up the key and the connection and writes an audit record before it is answered. The same head
byte for byte is known again without parsing; the shape with trace ids shows a read that has to be parsed.

Full load is wrk: 64 connections that ask again as soon as they are answered, so its p50 and p99 are those of a full queue. Half load
is \`load.c\`: requests are due on a fixed schedule and their latency counts from that moment, so nothing that had to wait is left out;
"generator late" is how late it was itself, and belongs to the latencies beside it.

## Full load

Ratios of all pairs: ${read.map((r) => `${r.shape}: ${r.ratios.map((x) => x.toFixed(2)).join(', ')}`).join('; ')}.

${fullLoad(read)}

## Half load

${halfLoad(half)}

## Memory

${memory ? memoryTable(memory) : 'Not measured: only root may ask how much memory a role holds.'}

## Refreshes

${refresh.connections} connections whose tokens live a second, read in turn by ${refresh.clients} clients; provider of class R4 that answers at once.
${round(refresh.rate)} refreshes a second, p50 ${ms(refresh.p50_us / 1000, 1)}, p99 ${ms(refresh.p99_us / 1000, 1)}.

${refreshTable(refresh)}

## Start

${start.grants} grants, each with a user and a connection of its own: ${round(start.database_mb)} MB of database, multiplied by SQL from ${start.originals} true ones in ${round(start.seed_s)} s.
First token after ${ms(start.many_ms)}; with ${start.originals} grants after ${ms(start.few_ms)}.

## Connect

${connect.flows} flows one after the other: pressing Connect ${ms(connect.start_ms, 2)}, the callback with the code exchange and the account's name ${ms(connect.callback_ms, 2)}, median.
`;
}

export function write(folder, machine, parts) {
	writeFileSync(join(folder, 'results.json'), `${JSON.stringify({ machine, ...parts }, null, '\t')}\n`);
	writeFileSync(join(folder, 'RESULTS.md'), page(machine, parts));
}
