// SPDX-License-Identifier: Apache-2.0
//
// Latency at half of the load that the service takes: both servers get the same number of requests a second, by an open
// schedule (load.c), so nothing that had to wait is left out. Then the service alone in turn with the service while
// connect flows and refreshes run beside the reads.

import { join } from 'node:path';
import { read, register } from '../tests/e2e/lib/adversary.mjs';
import { ask } from '../tests/e2e/lib/http.mjs';
import { Beside } from './lib/beside.mjs';
import { load } from './lib/load.mjs';
import { Nginx } from './lib/nginx.mjs';
import { pin } from './lib/processes.mjs';
import { inPairs, median, middle, round } from './lib/stats.mjs';
import { inWorld, manyConnections, tokenPath, withKey } from './lib/world.mjs';
import { wrk } from './lib/wrk.mjs';

const BESIDE_PER_S = 50;
const PINNED = { name: 'one worker on core 0, load on core 1', workers: 1, cores: '0', load: { cores: '1' }, wrk: { threads: 1, cores: '1' } };
const FREE = { name: 'two workers, no core given', workers: 2, load: {}, wrk: { threads: 2 } };

const line = (who, r) => `  ${who.padEnd(8)} p50 ${round(r.p50_us)} us  p99 ${round(r.p99_us)} us  p99.9 ${round(r.p999_us)} us  `
	+ `(own lateness p99 ${round(r.own_late_p99_us)} us)`;

const figures = ({ p50_us, p99_us, p999_us, own_late_p99_us }) => ({ p50_us, p99_us, p999_us, own_late_p99_us });

async function fullRate(target, shape, quick) {
	const runs = [];
	for (let i = 0; i < 3; i += 1) runs.push(await wrk(target, { ...shape.wrk, seconds: quick ? 1 : 2 }));
	return median(runs.map((r) => r.rate));
}

// Runs first(), second() in pairs and gives the medians of each.
async function compare(count, first, second) {
	const runs = await inPairs(count, first, second);
	return [0, 1].map((i) => middle(runs.map((pair) => figures(pair[i]))));
}

async function againstNginx(shape, world, ours, rate, { pairs, seconds }) {
	const { text } = await ask(ours.url, { headers: ours.headers });
	const nginx = await new Nginx().start(join(world.dir, 'nginx'), { workers: shape.workers, bodyBytes: Buffer.byteLength(text) });
	try {
		if (shape.cores) await pin(nginx.pid, shape.cores);
		const { pathname, search } = new URL(ours.url);
		const at = (target) => () => load(target, [pathname + search], { ...shape.load, rate, seconds });
		return await compare(pairs, at(ours), at(nginx));
	} finally {
		await nginx.stop();
	}
}

async function alone(shape, { pairs, seconds, quick, say }) {
	return inWorld(shape, async (world) => {
		const [flow] = await manyConnections(world, 1);
		const ours = { ...withKey(world.service), url: world.service.url + tokenPath(flow) };
		const rate = await fullRate(ours, shape, quick) / 2;
		const [us, nginx] = await againstNginx(shape, world, ours, rate, { pairs, seconds });
		say(`${shape.name}; ${round(rate)} requests/s`);
		say(line('ours', us));
		say(line('nginx', nginx));
		return { shape: shape.name, rate, ours: us, nginx };
	});
}

async function withCompany(shape, { pairs, seconds, quick, say }) {
	return inWorld(shape, async (world) => {
		const { service, adversary } = world;
		const [measured, ...others] = await manyConnections(world, 101);
		const authenticator = await register(service, adversary);
		const ours = { ...withKey(service), url: service.url + tokenPath(measured) };
		const rate = await fullRate(ours, shape, quick) / 2;
		const rates = [];
		const quietly = () => load(ours, [tokenPath(measured)], { ...shape.load, rate, seconds });
		const inCompany = async () => {
			const beside = new Beside(service, authenticator, others, BESIDE_PER_S).start();
			const run = await quietly();
			rates.push(await beside.stop());
			return run;
		};
		const [calm, busy] = await compare(pairs, quietly, inCompany);
		const beside = middle(rates);
		say(`${shape.name}; ${round(rate)} requests/s; beside them ${round(beside.flows)} flows/s and ${round(beside.refreshes)} refreshes/s`);
		say(line('alone', calm));
		say(line('beside', busy));
		return { shape: shape.name, rate, alone: calm, beside: busy, flows_per_s: beside.flows, refreshes_per_s: beside.refreshes };
	});
}

// The same token again and again, in turn with and without a refresh of it under way that lasts as long as the reads.
async function whileRefreshing(shape, { pairs, seconds, quick, say }) {
	return inWorld(shape, async (world) => {
		const { service, adversary } = world;
		const [flow] = await manyConnections(world, 1);
		const ours = { ...withKey(service), url: service.url + tokenPath(flow) };
		const rate = await fullRate(ours, shape, quick) / 2;
		const quietly = () => load(ours, [tokenPath(flow)], { ...shape.load, rate, seconds });
		const meanwhile = async () => {
			const { body } = await read(service, flow);
			const hits = await adversary.hits('token');
			await adversary.config({ delay_before_ms: seconds * 1000 + 300 });
			const refresh = service.expect(200, 'POST', `/credentials/connections/${flow.connection}/token/rejected?user=${flow.user}`,
				{ json: { fingerprint: body.fingerprint } });
			await adversary.wait('token', hits + 1);
			const run = await quietly();
			await refresh;
			return run;
		};
		const [calm, busy] = await compare(pairs, quietly, meanwhile);
		say(`${shape.name}; ${round(rate)} reads/s of one token, in turn with a refresh of it under way`);
		say(line('without', calm));
		say(line('with', busy));
		return { shape: shape.name, rate, without: calm, with: busy };
	});
}

export async function half({ quick, say }) {
	const size = { quick, say, pairs: quick ? 2 : 5, seconds: quick ? 1 : 3 };
	return {
		pinned: await alone(PINNED, size),
		free: await alone(FREE, size),
		beside: await withCompany(FREE, size),
		refreshing: await whileRefreshing(PINNED, size),
	};
}
