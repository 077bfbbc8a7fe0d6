// SPDX-License-Identifier: Apache-2.0
//
// The provider's few pages as text, and their style. Nothing is loaded from elsewhere and nothing is
// a script; every value that came from outside goes through `esc`.

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

export const esc = (text) => String(text).replace(/[&<>"']/g, (c) => ENTITIES[c]);

const SCOPE_WORDS = {
	openid: 'know who you are',
	email: 'see your e-mail address',
	profile: 'see your name',
	offline_access: 'stay connected when you are away',
};

export const STYLE = `
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --line: #d5dae2; --paper: #fff;
	--ground: #eef1f6; --accent: #0b6e57; --accent-ink: #fff; }
@media (prefers-color-scheme: dark) {
	:root { --ink: #e8ecf2; --soft: #9aa6b6; --line: #364152; --paper: #1b2230; --ground: #11161f;
		--accent: #35b795; --accent-ink: #06231b; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
	font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 26rem; margin: 8vh auto; padding: 2rem; background: var(--paper);
	border: 1px solid var(--line); border-radius: 12px; }
@media (max-width: 480px) {
	main { margin: 0; min-height: 100vh; border: 0; border-radius: 0; padding: 1.5rem 1.25rem; }
}
h1 { margin: 0 0 .25rem; font-size: 1.35rem; line-height: 1.25; overflow-wrap: anywhere; }
p { margin: .25rem 0 1rem; color: var(--soft); overflow-wrap: anywhere; }
.brand { font-size: .85rem; letter-spacing: .04em; text-transform: uppercase; margin-bottom: 1rem; }
.problem { color: #b3261e; }
@media (prefers-color-scheme: dark) { .problem { color: #ff8a80; } }
label { display: block; font-weight: 600; margin-top: 1rem; }
input { width: 100%; margin-top: .25rem; padding: .65rem .75rem; font: inherit; color: inherit;
	background: transparent; border: 1px solid var(--line); border-radius: 8px; }
ul { margin: .25rem 0 1.25rem; padding-left: 1.25rem; color: var(--soft); }
button { width: 100%; margin-top: .75rem; padding: .7rem 1rem; font: inherit; font-weight: 600;
	color: var(--ink); background: transparent; border: 1px solid var(--line); border-radius: 8px;
	cursor: pointer; overflow-wrap: anywhere; }
button.main { color: var(--accent-ink); background: var(--accent); border-color: var(--accent); }
input:focus-visible, button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
hr { border: 0; border-top: 1px solid var(--line); margin: 1.5rem 0 .75rem; }
`;

function page(title, body) {
	return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${esc(title)}</title>
<link rel="stylesheet" href="/practice.css">
</head>
<body><main>
<p class="brand">Practice provider</p>
${body}
</main></body>
</html>
`;
}

// client: its name; scopes: array; accounts: [{ sub, email }]; typed: what stands in the field.
export function signInPage({ action, client, scopes, accounts, typed, problem }) {
	const wishes = scopes.map((s) => `<li>${esc(SCOPE_WORDS[s] ?? s)}</li>`).join('\n');
	const known = accounts.map(({ sub, email }) => `<form method="post" action="${esc(action)}">
<button name="sub" value="${esc(sub)}">Continue as ${esc(email)}</button></form>`).join('\n');
	return page('Sign in', `<h1>${esc(client)} would like to connect</h1>
<p>It asks to:</p>
<ul>
${wishes}
</ul>
${problem ? `<p class="problem" role="alert">${esc(problem)}</p>` : ''}
<form method="post" action="${esc(action)}">
<label for="login">E-mail or name</label>
<input id="login" name="login" value="${esc(typed)}" required maxlength="200" autocomplete="username"
	autocapitalize="none" spellcheck="false">
<p>Any will do, there is no password: this provider runs on this machine, for practice only.</p>
<button class="main" name="answer" value="continue">Continue</button>
</form>
${known ? `<hr><p>Accounts used before</p>\n${known}` : ''}
<form method="post" action="${esc(action)}">
<button name="answer" value="cancel">Cancel</button>
</form>`);
}

export function problemPage(title, sentence, details = '') {
	return page(title, `<h1>${esc(title)}</h1>
<p>${esc(sentence)}</p>
${details ? `<p><code>${esc(details)}</code></p>` : ''}
<p>Go back to the app and start anew. If this comes again, the app sends something that this provider does not know:
compare its client id and redirect URI with what is registered here.</p>`);
}
