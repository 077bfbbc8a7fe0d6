// SPDX-License-Identifier: Apache-2.0
//
// How oidc-provider is set up here: authorization code with PKCE S256 always, refresh tokens that
// rotate at every use, revocation, our own page. Strict on purpose: what works against this provider
// works against the strict ones outside.

import Provider, { interactionPolicy } from 'oidc-provider';
import { makeAdapter } from './state.mjs';
import { problemPage } from './pages.mjs';

const DAY = 24 * 3600;

// Every run asks for the account, so a second account is one run away. The browser is therefore never
// sent our session cookie back (its path leads nowhere); the session lives in the state only.
const cookies = (keys) => ({
	keys,
	long: { signed: true, path: '/never' },
	short: { signed: true },
});

function policy() {
	const prompts = interactionPolicy.base();
	prompts.add(new interactionPolicy.Prompt({ name: 'select_account', requestable: true }), 0);
	return prompts;
}

async function renderError(ctx, out) {
	ctx.type = 'html';
	ctx.body = problemPage('This request was refused',
		out.error_description ?? 'The request could not be carried out.', out.error);
}

export function makeProvider({ issuer, state, clients, accessTokenSeconds }) {
	return new Provider(issuer, {
		adapter: makeAdapter(state, clients),
		jwks: state.jwks,
		cookies: cookies(state.cookieKeys),
		claims: {
			openid: ['sub'],
			email: ['email', 'email_verified'],
			profile: ['name'],
		},
		scopes: ['openid', 'email', 'profile', 'offline_access'],
		responseTypes: ['code'],
		conformIdTokenClaims: false,
		findAccount: (_ctx, sub) => {
			const account = state.accounts[sub];
			if (!account) return undefined;
			const { email, name } = account;
			return { accountId: sub, claims: () => ({ sub, email, email_verified: true, name }) };
		},
		features: {
			devInteractions: { enabled: false },
			rpInitiatedLogout: { enabled: false },
			resourceIndicators: { enabled: false },
			userinfo: { enabled: true },
			revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
		},
		interactions: { policy: policy(), url: (_ctx, { uid }) => `/interaction/${uid}` },
		pkce: { required: () => true },
		rotateRefreshToken: true,
		renderError,
		ttl: {
			AccessToken: accessTokenSeconds,
			AuthorizationCode: 60,
			IdToken: 600,
			Interaction: 3600,
			RefreshToken: 90 * DAY,
			Grant: 365 * DAY,
			Session: 3600,
		},
	});
}
