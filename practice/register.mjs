// SPDX-License-Identifier: Apache-2.0
//
// Makes the service and the practice provider know each other. `init` writes the provider's client
// (random id and secret) unless there is one; `register` puts the authenticator "Practice" into the
// service through its API unless it is there, and gives the provider its redirect URI. Both may be
// repeated. Secrets travel in files and request bodies only, never in arguments or the environment.

import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';

const NAME = 'Practice';

function writePrivate(file, value) {
	mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
	writeFileSync(`${file}.new`, `${JSON.stringify(value, null, '\t')}\n`, { mode: 0o600 });
	renameSync(`${file}.new`, file);
}

function readClients(file) {
	try {
		return JSON.parse(readFileSync(file, 'utf8'));
	} catch (e) {
		if (e.code === 'ENOENT') return undefined;
		throw new Error(`${file}: ${e.message}; move it away to begin anew`);
	}
}

export function initClients(file) {
	if (readClients(file)) return;
	writePrivate(file, [{
		client_id: `practice-${randomBytes(6).toString('hex')}`,
		client_secret: randomBytes(32).toString('base64url'),
		client_name: 'FiberWise on this machine',
		redirect_uris: [],
	}]);
}

async function call(base, key, method, path, body) {
	const res = await fetch(new URL(`/api/v1${path}`, base), {
		method,
		headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
		...(body ? { body: JSON.stringify(body) } : {}),
	});
	const answer = await res.json().catch(() => ({}));
	if (!res.ok) {
		throw new Error(`${method} ${path}: ${res.status} ${answer.error ?? ''} ${answer.detail ?? ''} ${answer.hint ?? ''}`
			+ (answer.fields ? ` ${JSON.stringify(answer.fields)}` : ''));
	}
	return answer;
}

// What the service is told about the provider; its port may be another than the template's.
export function authenticatorFor(client, metadata) {
	return {
		name: NAME,
		authenticator_type: 'practice',
		client_id: client.client_id,
		client_secret: client.client_secret,
		authorize_url: metadata.authorization_endpoint,
		token_url: metadata.token_endpoint,
		configuration: {
			issuer: metadata.issuer,
			userinfo_url: metadata.userinfo_endpoint,
			revocation_url: metadata.revocation_endpoint,
		},
	};
}

export async function register({ url, keyFile, clientsFile, issuer }) {
	const key = readFileSync(keyFile, 'utf8').trim();
	const clients = readClients(clientsFile);
	const [client] = clients;
	const metadata = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
	const list = await call(url, key, 'GET', '/oauth/authenticators?include_disabled=true');
	let authenticator = list.find((a) => a.name.toLowerCase() === NAME.toLowerCase());
	authenticator ??= await call(url, key, 'POST', '/oauth/authenticators', authenticatorFor(client, metadata));
	if (!client.redirect_uris.includes(authenticator.redirect_uri)) {
		client.redirect_uris.push(authenticator.redirect_uri);
		writePrivate(clientsFile, clients);
	}
}

async function main() {
	const { positionals: [what], values } = parseArgs({
		allowPositionals: true,
		options: {
			url: { type: 'string' },
			'key-file': { type: 'string' },
			clients: { type: 'string' },
			issuer: { type: 'string' },
		},
	});
	if (what === 'init') {
		initClients(values.clients);
	} else if (what === 'register') {
		await register({
			url: values.url, keyFile: values['key-file'], clientsFile: values.clients, issuer: values.issuer,
		});
	} else {
		throw new Error('say init or register');
	}
}

if (process.argv[1] === import.meta.filename) {
	process.umask(0o077);
	main().catch((e) => {
		process.stderr.write(`practice: ${e.message}\n`);
		process.exit(1);
	});
}
