// SPDX-License-Identifier: Apache-2.0
//
// How oidc-provider is set up here: authorization code with PKCE S256 always, refresh tokens that
// rotate at every use, revocation, our own page. Strict on purpose: what works against this provider
// works against the strict ones outside. Tests have two other kinds beside `strict`: `plain`, which is
// oidc-provider as it comes, and `hard`, which insists on what few providers do.

import { randomBytes } from 'node:crypto';
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

const KINDS = {
	strict: { settings: { pkce: { required: () => true }, rotateRefreshToken: true } },
	plain: {},
	hard: {
		settings: { pkce: { required: () => true }, rotateRefreshToken: true, clientAuthMethods: ['private_key_jwt'] },
		features: (secret) => ({
			pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true },
			dPoP: { enabled: true, nonceSecret: secret, requireNonce: () => true },
		}),
	},
};
export const KIND_NAMES = Object.keys(KINDS);

export function makeProvider({ issuer, state, clients, accessTokenSeconds, kind = 'strict' }) {
	const { settings = {}, features = () => ({}) } = KINDS[kind];
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
			...features(randomBytes(32)),
		},
		interactions: { policy: policy(), url: (_ctx, { uid }) => `/interaction/${uid}` },
		...settings,
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
