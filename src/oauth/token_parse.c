/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the token endpoint's answer, and what a failed one means for the grant. A definite no, a
 * "not now" and a "nobody knows" lead to different deeds, so they are told apart here and only here.
 * Must never take an answer for success that is not one (OA-19), nor a grant for dead without the
 * provider's own word for it (RF-06).
 */
#include "oauth/token.h"

#include <string.h>

#include "base/mem.h"
#include "oauth/answer.h"
#include "oauth/kept.h"
#include "oauth/scope.h"

enum { LIFE_MAX_S = 10 * 365 * 24 * 3600, SUBJECT_MAX_BYTES = 255, RETRY_AFTER_MAX_S = 3600 };

/* What each code of RFC 6749 §5.2 (and of those beside it) means. */
static const struct {
	const char *code;
	enum token_verdict verdict;
} verdicts[] = {
	{"invalid_grant", TOKEN_GRANT_DEAD},
	{"invalid_client", TOKEN_CLIENT_WRONG},
	{"unauthorized_client", TOKEN_CLIENT_WRONG},
	{"temporarily_unavailable", TOKEN_RETRY_LATER},
	{"slow_down", TOKEN_RETRY_LATER},
	{"server_error", TOKEN_AMBIGUOUS},
};

static const struct {
	const char *sentence, *hint;
} words[] = {
	[TOKEN_OK] = {"", ""},
	[TOKEN_GRANT_DEAD] = {"the provider no longer accepts this grant", "Connect the account again."},
	[TOKEN_CLIENT_WRONG] =
		{"the provider does not accept the authenticator's client id or secret",
		 "Compare client id, client secret and client authentication with the registration at the provider."},
	[TOKEN_RETRY_LATER] = {"the provider asks to try again later", "Nothing to do: it is tried again."},
	[TOKEN_AMBIGUOUS] = {"the provider's answer leaves open whether the request was carried out",
			     "Nothing to do: it is looked into."},
	[TOKEN_REFUSED] = {"the provider refused the request", "Check the authenticator's URLs and scopes."},
};

static bool has_word(const char *text, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcasestr(text, list[i]))
			return true;
	return false;
}

bool token_tells_reuse(const struct errinfo *said)
{
	static const char *const list[] = {"reuse", "already been used", "already used", "already_used", "used twice"};

	return said && (has_word(said->code, list, ARRAY_LEN(list)) || has_word(said->detail, list, ARRAY_LEN(list)));
}

bool token_tells_expiry(const struct errinfo *said)
{
	static const char *const codes[] = {"expired"};

	return said && has_word(said->code, codes, ARRAY_LEN(codes));
}

bool token_blames_request(const struct errinfo *said)
{
	static const char *const codes[] = {"invalid_request", "invalid_scope", "unsupported_grant_type", "unauthorized_client",
					    "invalid_target", "redirect_uri"};

	return said && has_word(said->code, codes, ARRAY_LEN(codes));
}

static enum token_verdict fail(enum token_verdict v, int status, const struct answer_error *why, struct errinfo *ei)
{
	err_set(ei, ERR_UPSTREAM_DOWN, "%s (HTTP status %d%s%s%s%s%s)", words[v].sentence, status,
		why->code[0] ? ", error " : "", why->code, why->text[0] ? ", \"" : "", why->text,
		why->text[0] ? "\"" : "");
	err_hint(ei, ERR_UPSTREAM_DOWN, "%s", words[v].hint);
	err_code(ei, ERR_UPSTREAM_DOWN, why->code);
	return v;
}

/* A 200 that says yes but cannot be used as it is. */
static enum token_verdict unusable(enum token_verdict v, const char *code, const char *what, struct errinfo *ei)
{
	err_set(ei, ERR_UPSTREAM_DOWN, "the provider answered 200, but %s", what);
	err_hint(ei, ERR_UPSTREAM_DOWN, "%s", words[v].hint);
	err_code(ei, ERR_UPSTREAM_DOWN, code);
	return v;
}

/* LIFECYCLE §4.6: only what was surely not processed may be asked again without a second thought. */
static enum token_verdict by_status(const struct fetch_answer *answer)
{
	switch (answer->status) {
	case 408: /* RFC 9110 §15.5.9: the request was not read to its end */
	case 421:
	case 425:
	case 429: return TOKEN_RETRY_LATER;
	case 401: /* RFC 6749 §5.2: 401 speaks of the client, never of the grant (OA-16) */ return TOKEN_CLIENT_WRONG;
	case 503: return answer->retry_after_s > 0 ? TOKEN_RETRY_LATER : TOKEN_AMBIGUOUS;
	default: break;
	}
	return answer->status >= 500 || (answer->status >= 200 && answer->status < 300) ? TOKEN_AMBIGUOUS
											: TOKEN_REFUSED;
}

static enum token_verdict by_error(const struct fetch_answer *answer, const struct answer_error *why)
{
	enum token_verdict v = answer->status == 200 ? TOKEN_REFUSED : by_status(answer);

	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
		if (strcmp(why->known, verdicts[i].code) != 0)
			continue;
		/* A broken server's word about a grant is no proof: only "later" is believed with a 5xx. */
		if (answer->status < 500 || verdicts[i].verdict == TOKEN_RETRY_LATER)
			v = verdicts[i].verdict;
	}
	return v;
}

/* Absent, null and "" leave NULL (RF-02); a text that cannot be a token is an error (RFC 6749 appendix A.12). */
static bool take_token(const struct jsonr *v, struct arena *a, struct secret **ret)
{
	struct slice text = jsonr_string(v);

	*ret = NULL;
	if (jsonr_type(v) == JSONR_ABSENT || jsonr_type(v) == JSONR_NULL)
		return true;
	if (!text.p || text.n > TOKEN_MAX_BYTES || !slice_is_printable(text))
		return false;
	if (text.n)
		*ret = secret_in_arena(a, secret_new(text));
	return true;
}

/* NULL for a type that nobody here understands (RFC 6749 §7.1, OA-14). */
static const char *canonical_type(const struct profile *p, const struct jsonr *v)
{
	struct slice type = jsonr_string(v), names = slice_from(p->bearer_names), name;

	if (jsonr_type(v) == JSONR_ABSENT || jsonr_type(v) == JSONR_NULL)
		return p->token_type_optional ? "Bearer" : NULL;
	if (slice_is_nocase(type, "Bearer"))
		return "Bearer";
	if (slice_is_nocase(type, "DPoP"))
		return "DPoP";
	while (type.n && slice_split(&names, ' ', &name))
		if (slice_eq_nocase(type, name))
			return "Bearer";
	return NULL;
}

/* A whole number, or plain digits in a text as many providers send it (RFC 6749 §5.1, OA-15). False for anything else. */
static bool whole_number(const struct jsonr *v, int64_t *ret)
{
	uint64_t digits;

	if (!slice_to_u64(jsonr_string(v), INT64_MAX, &digits))
		return jsonr_integer(v, ret);
	*ret = (int64_t)digits;
	return true;
}

/* A plain name is a member beside the tokens: elsewhere it is of another identity (Slack). A dotted path may lead there from the top. */
static const struct jsonr *find(const struct jsonr *top, const struct jsonr *doc, const char *path)
{
	const struct jsonr *v = path[0] ? jsonr_path(top, path) : NULL;

	return v || !strchr(path, '.') ? v : jsonr_path(doc, path);
}

static int64_t life_of(const struct profile *p, const struct jsonr *v)
{
	int64_t life;

	if (!whole_number(v, &life) || life < 0 || (life == 0 && !p->expires_zero_is_never))
		return p->expires_assumed_s ? p->expires_assumed_s : TOKEN_LIFE_UNKNOWN;
	if (life == 0)
		return TOKEN_LIFE_UNKNOWN; /* never: nothing to wait for */
	if (p->expires_in_ms)
		life = life / 1000 > 0 ? life / 1000 : 1;
	return life < LIFE_MAX_S ? life : LIFE_MAX_S;
}

/* Of the refresh token; nobody asks for less than "none is left". */
static int64_t refresh_life_of(const struct profile *p, const struct jsonr *top, const struct jsonr *doc)
{
	int64_t life;

	if (!p->refresh_life_path[0] || !whole_number(find(top, doc, p->refresh_life_path), &life) || life <= 0)
		return TOKEN_LIFE_UNKNOWN;
	return life < LIFE_MAX_S ? life : LIFE_MAX_S;
}

static const char *subject_of(const struct profile *p, const struct jsonr *doc, struct arena *a)
{
	CLEANUP(buf_done) struct buf text;

	buf_init(&text, SUBJECT_MAX_BYTES);
	if (!p->answer_subject[0] || !answer_text(doc, p->answer_subject, '/', SUBJECT_MAX_BYTES, &text) ||
	    !buf_ok(&text) || !slice_is_printable(buf_slice(&text)))
		return "";
	return arena_strndup(a, buf_slice(&text));
}

static enum token_verdict take_tokens(const struct profile *p, const struct jsonr *doc, struct arena *a,
				      struct token_answer *ret, struct errinfo *ei)
{
	const struct jsonr *top = p->token_path[0] ? jsonr_path(doc, p->token_path) : doc;
	const struct jsonr *id_token = jsonr_get(top, "id_token"), *scope = find(top, doc, p->answer_scope);
	struct token_answer t = {.subject = ""};

	if (!take_token(jsonr_get(top, "access_token"), a, &t.access_token) ||
	    !take_token(jsonr_get(top, "refresh_token"), a, &t.refresh_token) ||
	    !take_token(id_token ? id_token : jsonr_get(doc, "id_token"), a, &t.id_token))
		return unusable(TOKEN_AMBIGUOUS, "answer_unreadable",
				"a token in it is no text of printable ASCII, or too long", ei);
	if (!t.access_token)
		return unusable(TOKEN_AMBIGUOUS, "answer_unreadable", "without an access_token (RFC 6749 §5.1)", ei);
	t.token_type = canonical_type(p, jsonr_get(top, "token_type"));
	if (!t.token_type) {
		unusable(TOKEN_REFUSED, "token_type_unsupported",
			 jsonr_get(top, "token_type")
				 ? "with a token_type that is neither Bearer nor DPoP (RFC 6749 §7.1)"
				 : "without a token_type (RFC 6749 §5.1)",
			 ei);
		err_hint(ei, ERR_UPSTREAM_DOWN,
			 "If this provider's tokens are Bearer tokens nevertheless, set \"token_type_optional\": true "
			 "or \"bearer_names\" in the authenticator's configuration.");
		return TOKEN_REFUSED;
	}
	t.expires_in_s = life_of(p, find(top, doc, p->expires_path));
	t.refresh_life_s = refresh_life_of(p, top, doc);
	t.scopes = scope_from_answer(scope ? scope : jsonr_get(top, "scopes"), p->scope_comma_in_answer, a);
	t.subject = subject_of(p, doc, a);
	t.kept = kept_from_answer(p, doc, a);
	*ret = t;
	return TOKEN_OK;
}

enum token_verdict token_parse(const struct profile *p, const struct fetch_answer *answer, const struct secret *body,
			       struct arena *a, struct token_answer *ret, struct errinfo *ei)
{
	const struct jsonr *doc = answer->complete ? answer_read(secret_expose(body), p->form_answers, a) : NULL;
	struct answer_error why = {0};
	enum token_verdict v;

	err_clear(ei);
	if (doc)
		answer_error(p, doc, &why);
	if (answer->status == 200 && !why.code[0])
		return doc ? take_tokens(p, doc, a, ret, ei)
			   : unusable(TOKEN_AMBIGUOUS, "answer_unreadable",
				      answer->complete ? "not with a JSON object" : "the answer was cut off", ei);
	v = why.code[0] ? by_error(answer, &why) : by_status(answer);
	fail(v, answer->status, &why, ei);
	if (ei && answer->retry_after_s > 0)
		ei->retry_after_s = (unsigned)(answer->retry_after_s < RETRY_AFTER_MAX_S ? answer->retry_after_s
											 : RETRY_AFTER_MAX_S);
	return v;
}
