// SPDX-License-Identifier: Apache-2.0
//
// Counters and the list of secrets that this run handed out or saw, for tests: how often was the
// token endpoint asked, and does any of these values lie where it must not? Only when asked for
// (PRACTICE_STATS=1), and the server listens on loopback only.

export class Stats {
	counts = {
		authorization: 0, token: 0, authorization_code: 0, refresh_token: 0, refused: 0,
		revocation: 0, families_revoked: 0,
	};

	secrets = new Map();

	watch(provider) {
		const note = (kind, value) => { if (value) this.secrets.set(value, kind); };
		provider.on('access_token.saved', (t) => note('access_token', t.jti));
		provider.on('refresh_token.saved', (t) => note('refresh_token', t.jti));
		provider.on('authorization_code.saved', (t) => note('code', t.jti));
		provider.on('authorization.success', (ctx) => {
			note('state', ctx.oidc.params.state);
			note('nonce', ctx.oidc.params.nonce);
		});
		provider.on('grant.success', (ctx) => {
			this.counts[ctx.oidc.params.grant_type] += 1;
			note('code_verifier', ctx.oidc.params.code_verifier);
			note('id_token', ctx.body?.id_token);
		});
		provider.on('grant.error', () => { this.counts.refused += 1; });
		provider.on('grant.revoked', () => { this.counts.families_revoked += 1; });
	}

	countRequest(method, path) {
		if (method === 'POST' && path === '/token') this.counts.token += 1;
		if (method === 'POST' && path === '/token/revocation') this.counts.revocation += 1;
		if (method === 'GET' && path === '/auth') this.counts.authorization += 1;
	}

	answer(path) {
		if (path === '/_practice/stats') return this.counts;
		if (path === '/_practice/secrets') {
			return [...this.secrets].map(([value, kind]) => ({ kind, value }));
		}
		return undefined;
	}
}
