// SPDX-License-Identifier: Apache-2.0
//
// The one page that a person sees: who are you, and may this client connect? Its POST signs in and
// consents in one step. Each consent is a grant of its own: tokens of an earlier consent live and die
// apart from it.

import { randomBytes } from 'node:crypto';
import { signInPage } from './pages.mjs';

const MAX_BODY_BYTES = 8192;
const SHOWN_ACCOUNTS = 6;

async function readForm(req) {
	const parts = [];
	let size = 0;
	for await (const part of req) {
		size += part.length;
		if (size > MAX_BODY_BYTES) throw Object.assign(new Error('form is too large'), { status: 413 });
		parts.push(part);
	}
	return new URLSearchParams(Buffer.concat(parts).toString('utf8'));
}

// "Ada" becomes ada@example.com, so that there is always an e-mail claim to look at.
export function accountFor(state, typed) {
	const text = typed.trim().replace(/\s+/g, ' ');
	if (text === '' || text.length > 200 || /[\p{Cc}\p{Cf}<>"]/u.test(text)) return undefined;
	const [local] = text.split('@');
	const email = text.includes('@')
		? text.toLowerCase() : `${text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '.')}@example.com`;
	if (!/^[^@\s]+@[^@\s]+$/u.test(email)) return undefined;
	const found = Object.entries(state.accounts).find(([, a]) => a.email === email);
	if (found) {
		found[1].usedAt = Date.now();
		return found[0];
	}
	const sub = randomBytes(12).toString('hex');
	state.accounts[sub] = { email, name: local, usedAt: Date.now() };
	return sub;
}

function recentAccounts(state) {
	return Object.entries(state.accounts)
		.sort(([, a], [, b]) => b.usedAt - a.usedAt)
		.slice(0, SHOWN_ACCOUNTS)
		.map(([sub, { email }]) => ({ sub, email }));
}

async function grantFor(provider, interaction, accountId) {
	const { params } = interaction;
	const grant = new provider.Grant({ accountId, clientId: params.client_id });
	grant.addOIDCScope(params.scope ?? '');
	return grant.save();
}

async function show(res, provider, state, interaction, extra = {}) {
	const { params } = interaction;
	const client = await provider.Client.find(params.client_id);
	res.setHeader('Content-Type', 'text/html; charset=utf-8');
	res.end(signInPage({
		action: `/interaction/${interaction.uid}`,
		client: client?.clientName ?? params.client_id,
		scopes: (params.scope ?? '').split(' ').filter(Boolean),
		accounts: recentAccounts(state),
		typed: params.login_hint ?? 'you@example.com',
		...extra,
	}));
}

export async function handleInteraction(req, res, provider, state) {
	const interaction = await provider.interactionDetails(req, res);
	if (req.method === 'GET') return show(res, provider, state, interaction);
	if (req.method !== 'POST') {
		res.writeHead(405, { Allow: 'GET, POST' }).end();
		return undefined;
	}
	const form = await readForm(req);
	if (form.get('answer') === 'cancel') {
		return provider.interactionFinished(req, res, {
			error: 'access_denied', error_description: 'the user pressed Cancel',
		}, { mergeWithLastSubmission: false });
	}
	const chosen = form.get('sub');
	const typed = form.get('login') ?? '';
	const accountId = chosen && Object.hasOwn(state.accounts, chosen) ? chosen : accountFor(state, typed);
	if (!accountId) {
		res.statusCode = 422;
		return show(res, provider, state, interaction,
			{ typed, problem: 'Type a name, or an e-mail address such as ada@example.com.' });
	}
	state.accounts[accountId].usedAt = Date.now();
	const grantId = await grantFor(provider, interaction, accountId);
	return provider.interactionFinished(req, res,
		{ login: { accountId }, consent: { grantId }, select_account: {} });
}
