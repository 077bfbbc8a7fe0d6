// SPDX-License-Identifier: Apache-2.0
//
// Providers that speak TLS, well or badly: an authority of our own, certificates by it, and a server that tells what an
// issuer tells of itself.

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';

const openssl = (...args) => execFileSync('openssl', args, { stdio: 'ignore' });

export class Authority {
	constructor(dir, name = 'authority') {
		this.dir = dir;
		this.key = join(dir, `${name}.key`);
		this.file = join(dir, `${name}.pem`);
		openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', this.key, '-out', this.file, '-subj', `/CN=${name}`);
	}

	// Its own, as a server that vouches for itself would show it.
	get own() { return { key: readFileSync(this.key), cert: readFileSync(this.file) }; }

	// { key, cert } for these names; `days` -1: it is over.
	issue(names, days = 2) {
		const at = join(this.dir, `${Math.random()}`);
		openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', `${at}.key`, '-out', `${at}.csr`, '-subj', `/CN=${names[0]}`,
			'-addext', `subjectAltName=${names.map((n) => `DNS:${n}`).join(',')}`);
		openssl('x509', '-req', '-in', `${at}.csr`, '-CA', this.file, '-CAkey', this.key, '-CAcreateserial', '-days', `${days}`,
			'-copy_extensions', 'copy', '-out', `${at}.pem`);
		return { key: readFileSync(`${at}.key`), cert: readFileSync(`${at}.pem`) };
	}
}

export const metadata = (issuer) => JSON.stringify({
	issuer, authorization_endpoint: `${issuer}/a`, token_endpoint: `${issuer}/t`, jwks_uri: `${issuer}/j`,
	response_types_supported: ['code'], code_challenge_methods_supported: ['S256'],
});

// Answers every request with its metadata, or as `answer(req, res, issuer)` does. { issuer, port, asked(), connections() }.
export async function startIssuer(t, { name = 'localhost', address = '127.0.0.1', port = 0, answer, ...tls }) {
	let asked = 0;
	let connections = 0;
	let issuer;
	const server = createServer(tls, (req, res) => {
		asked += 1;
		if (answer) answer(req, res, issuer);
		else res.setHeader('content-type', 'application/json').end(metadata(issuer));
	});
	server.on('connection', () => { connections += 1; });
	server.on('tlsClientError', () => {});
	server.listen(port, address);
	await once(server, 'listening');
	t.after(() => { server.closeAllConnections(); server.close(); });
	issuer = `https://${name}:${server.address().port}`;
	return { issuer, port: server.address().port, asked: () => asked, connections: () => connections };
}
