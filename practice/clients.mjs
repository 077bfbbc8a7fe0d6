// SPDX-License-Identifier: Apache-2.0
//
// The registered clients: a JSON array in a file that the caller writes, read again whenever it has
// changed, so that a redirect URI can be added while the provider runs. A broken file keeps the
// clients that were read before and says so on standard error.

import { readFileSync, statSync } from 'node:fs';

function check(client, at) {
	for (const name of ['client_id', 'client_secret']) {
		if (typeof client?.[name] !== 'string' || client[name] === '') {
			throw new Error(`client ${at}: ${name} must be a text that is not empty`);
		}
	}
	if (!Array.isArray(client.redirect_uris) || client.redirect_uris.some((u) => !URL.canParse(u))) {
		throw new Error(`client ${at}: redirect_uris must be an array of URLs`);
	}
	const method = client.token_endpoint_auth_method ?? 'client_secret_basic';
	return {
		client_id: client.client_id,
		client_secret: client.client_secret,
		client_name: typeof client.client_name === 'string' ? client.client_name : client.client_id,
		redirect_uris: client.redirect_uris,
		token_endpoint_auth_method: method,
		grant_types: ['authorization_code', 'refresh_token'],
		response_types: ['code'],
		...(client.jwks ? { jwks: client.jwks } : {}),
		scope: 'openid email profile offline_access',
	};
}

export function clientsFrom(file) {
	let stamp;
	let clients = [];
	return () => {
		try {
			const { mtimeMs, size, ino } = statSync(file);
			const now = `${mtimeMs}/${size}/${ino}`;
			if (now !== stamp) {
				const list = JSON.parse(readFileSync(file, 'utf8'));
				if (!Array.isArray(list)) throw new Error('must be an array of clients');
				clients = list.map(check);
				stamp = now;
			}
		} catch (e) {
			process.stderr.write(`practice: ${file}: ${e.message}\n`);
		}
		return clients;
	};
}
