// SPDX-License-Identifier: Apache-2.0
//
// The practice provider as a program: options, loopback sockets, headers, stopping. Prints one line,
// `ready <issuer>`, when it can be asked. Must never listen beyond loopback.

import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { clientsFrom } from './clients.mjs';
import { handleInteraction } from './interaction.mjs';
import { problemPage, STYLE } from './pages.mjs';
import { KIND_NAMES, makeProvider } from './provider.mjs';
import { State } from './state.mjs';
import { Stats } from './stats.mjs';

const HELP = `practice provider: a certified OAuth server on this machine, to practise with

  node server.mjs [--port N] [--issuer URL] [--state FILE] [--clients FILE]

  --port     or PRACTICE_PORT     port on loopback (7002; 0: any free one)
  --issuer   or PRACTICE_ISSUER   its public name (http://localhost:<port>)
  --state    or PRACTICE_STATE    where it remembers (.fiberwise-core/practice/state.json)
  --clients  or PRACTICE_CLIENTS  JSON array of clients: client_id, client_secret, redirect_uris
                                  (.fiberwise-core/practice/clients.json)
  PRACTICE_ACCESS_TOKEN_SECONDS   life of an access token (120)
  PRACTICE_KIND                   strict, or for tests plain or hard (strict)
  PRACTICE_STATS=1                counters at /_practice/stats, for tests
`;

class Usage extends Error {}

function number(name, text, low, high) {
	const value = Number(text);
	if (!/^\d+$/.test(text) || value < low || value > high) {
		throw new Usage(`${name} is '${text}', but must be a whole number from ${low} to ${high}`);
	}
	return value;
}

function word(name, text, words) {
	if (!words.includes(text)) throw new Usage(`${name} is '${text}', but must be one of ${words.join(', ')}`);
	return text;
}

function readOptions() {
	let values;
	try {
		({ values } = parseArgs({
			options: {
				port: { type: 'string' },
				issuer: { type: 'string' },
				state: { type: 'string' },
				clients: { type: 'string' },
				help: { type: 'boolean' },
			},
		}));
	} catch (e) {
		throw new Usage(e.message);
	}
	const { env } = process;
	return {
		help: values.help,
		port: number('port', values.port ?? env.PRACTICE_PORT ?? '7002', 0, 65535),
		issuer: values.issuer ?? env.PRACTICE_ISSUER,
		state: values.state ?? env.PRACTICE_STATE ?? '.fiberwise-core/practice/state.json',
		clients: values.clients ?? env.PRACTICE_CLIENTS ?? '.fiberwise-core/practice/clients.json',
		accessTokenSeconds: number('PRACTICE_ACCESS_TOKEN_SECONDS',
			env.PRACTICE_ACCESS_TOKEN_SECONDS ?? '120', 1, 86400),
		kind: word('PRACTICE_KIND', env.PRACTICE_KIND ?? 'strict', KIND_NAMES),
		stats: env.PRACTICE_STATS === '1' ? new Stats() : undefined,
	};
}

function listen(server, port, host) {
	return new Promise((resolve, reject) => {
		server.once('error', reject);
		server.listen(port, host, () => resolve(server.address().port));
	});
}

// Browsers may take `localhost` for ::1 or for 127.0.0.1: listen on both where there is IPv6.
async function listenOnLoopback(handler, port) {
	const servers = [createServer(handler), createServer(handler)];
	const taken = await listen(servers[0], port, '127.0.0.1');
	try {
		await listen(servers[1], taken, '::1');
	} catch (e) {
		if (e.code === 'EADDRINUSE') throw e;
		servers.pop();
	}
	return { servers, port: taken };
}

// A form's answer leads through redirects to the client and from there to the client's own page.
const CONTENT_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
	+ "form-action 'self' https: http://127.0.0.1:* http://localhost:*";

function setHeaders(res) {
	res.setHeader('Content-Security-Policy', CONTENT_POLICY);
	res.setHeader('Referrer-Policy', 'no-referrer');
	res.setHeader('X-Content-Type-Options', 'nosniff');
	res.setHeader('Cache-Control', 'no-store');
}

function sendProblem(res, status, title, sentence) {
	if (res.headersSent) return res.destroy();
	res.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8' });
	return res.end(problemPage(title, sentence));
}

function makeHandler({ provider, state, stats, issuer }) {
	const callback = provider.callback();
	const { host } = new URL(issuer);
	return async (req, res) => {
		const path = req.url.split('?')[0];
		setHeaders(res);
		if (req.headers.host !== host) {
			return sendProblem(res, 421, 'Wrong name', `This provider is called ${issuer}.`);
		}
		stats?.countRequest(req.method, path);
		const figures = stats?.answer(path);
		if (figures) {
			res.setHeader('Content-Type', 'application/json');
			return res.end(JSON.stringify(figures));
		}
		if (path === '/practice.css') {
			res.setHeader('Content-Type', 'text/css; charset=utf-8');
			return res.end(STYLE);
		}
		if (path === '/') {
			return sendProblem(res, 200, 'Nothing to do here',
				'Applications send you to this provider when you connect an account.');
		}
		if (!path.startsWith('/interaction/')) return callback(req, res);
		try {
			return await handleInteraction(req, res, provider, state);
		} catch (e) {
			if (e.name !== 'SessionNotFound' && e.status !== 413) console.error('practice:', e);
			return sendProblem(res, e.status ?? 500, 'This page is over',
				'It was opened too long ago or answered already. Go back to the application and connect again.');
		}
	};
}

async function main() {
	const options = readOptions();
	if (options.help) {
		process.stdout.write(HELP);
		return;
	}
	let handler;
	const { servers, port } = await listenOnLoopback((req, res) => handler(req, res), options.port);
	const issuer = options.issuer ?? `http://localhost:${port}`;
	const state = new State(options.state);
	const provider = makeProvider({ ...options, issuer, state, clients: clientsFrom(options.clients) });
	provider.on('server_error', (_ctx, e) => console.error('practice:', e));
	options.stats?.watch(provider);
	handler = makeHandler({ provider, state, issuer, stats: options.stats });
	await state.flush();

	const stop = async () => {
		for (const server of servers) {
			server.close();
			server.closeIdleConnections();
		}
		setTimeout(() => servers.forEach((s) => s.closeAllConnections()), 1000).unref();
		await Promise.all(servers.map((s) => new Promise((done) => { s.once('close', done); })));
		await state.close();
		process.exit(0);
	};
	process.once('SIGTERM', stop);
	process.once('SIGINT', stop);
	process.stdout.write(`ready ${issuer}\n`);
}

process.umask(0o077);
main().catch((e) => {
	const sentence = e.code === 'EADDRINUSE'
		? `port ${e.port} is taken; stop what listens there, or choose another with --port` : e.message;
	process.stderr.write(`practice: ${sentence}\n`);
	process.exit(e instanceof Usage ? 2 : 1);
});
