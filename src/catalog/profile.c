/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a profile is when nothing is said, and what no profile may be: configuration must never choose what the protocol itself
 * sets (OA-07), nor write a header that frames or authenticates a request.
 */
#include "catalog/profile.h"

#include <string.h>

#include "base/mem.h"
#include "base/url.h"
#include "catalog/profile_members.h"

static const struct profile defaults = {
	.authorize_url = "",
	.token_url = "",
	.revoke_url = "",
	.issuer = "",
	.jwks_url = "",
	.auth = CLIENT_AUTH_BASIC,
	.rotation = ROTATION_U,
	.scope_separator = ' ',
	.bearer_names = "",
	.error_flag = "",
	.token_path = "",
	.identity_url = "",
	.identity_method = "GET",
	.identity_subject = "sub",
	.identity_label = "email",
	.answer_subject = "",
	.refresh_url = "",
	.identity_scheme = "Bearer",
	.identity_body = "",
	.answer_scope = "scope",
	.error_path = "error",
	.expires_path = "expires_in",
	.refresh_life_path = "",
};

const char *const profile_auth_words[] = {
	[CLIENT_AUTH_BASIC] = "client_secret_basic",
	[CLIENT_AUTH_POST] = "client_secret_post",
	[CLIENT_AUTH_NONE] = "none",
};
static const char *const rotation_names[ROTATION__COUNT] = {
	[ROTATION_U] = "U",   [ROTATION_R0] = "R0", [ROTATION_R1] = "R1",
	[ROTATION_R2] = "R2", [ROTATION_R3] = "R3", [ROTATION_R4] = "R4",
};
const char *const profile_ends_words[] = {[REVOKE_ENDS_GRANT] = "grant", [REVOKE_ENDS_TOKEN] = "token"};
const char *const profile_revoke_words[] = {
	[REVOKE_RFC7009] = "rfc7009", [REVOKE_GITHUB] = "github",		[REVOKE_BEARER] = "bearer",
	[REVOKE_JSON] = "json",	      [REVOKE_BEARER_DELETE] = "bearer_delete",
};
const char *const profile_pkce_words[] = {[PKCE_S256] = "S256", [PKCE_NONE] = "none"};
const char *const profile_encoding_words[] = {[TOKEN_FORM] = "form", [TOKEN_JSON] = "json"};
const char *const profile_renamable[] = {"client_id", "client_secret", "scope", "code", "redirect_uri", "refresh_token"};

const struct profile *profile_default(void)
{
	return &defaults;
}

const char *profile_rotation_name(enum rotation rotation)
{
	return rotation_names[(unsigned)rotation < ROTATION__COUNT ? rotation : ROTATION_U];
}

bool profile_rotation_from_name(struct slice name, enum rotation *ret)
{
	for (unsigned i = 0; i < ROTATION__COUNT; i++)
		if (slice_is(name, rotation_names[i])) {
			*ret = (enum rotation)i;
			return true;
		}
	return false;
}

const char *profile_auth_name(enum client_auth auth)
{
	return (unsigned)auth < CLIENT_AUTH__COUNT ? profile_auth_words[auth] : "";
}

bool profile_auth_from_name(struct slice name, enum client_auth *ret)
{
	for (unsigned i = 0; i < CLIENT_AUTH__COUNT; i++)
		if (slice_is(name, profile_auth_words[i])) {
			*ret = (enum client_auth)i;
			return true;
		}
	return false;
}

static void copy_pairs(struct profile_param *pairs, size_t count, struct arena *a)
{
	for (size_t i = 0; i < count; i++)
		pairs[i] = (struct profile_param){arena_strdup(a, pairs[i].name), arena_strdup(a, pairs[i].value)};
}

static void copy_list(struct profile_list *list, struct arena *a)
{
	for (size_t i = 0; i < list->count; i++)
		list->text[i] = arena_strdup(a, list->text[i]);
}

void profile_copy(const struct profile *from, struct arena *a, struct profile *ret)
{
	struct profile p = *from; /* identity_method is one of two literals */

#define X(name, alias, member) p.member = arena_strdup(a, p.member);
	PROFILE_TEXTS(X)
#undef X
	p.expires_path = arena_strdup(a, p.expires_path);
	p.refresh_life_path = arena_strdup(a, p.refresh_life_path);
	copy_pairs(p.authorize_param, p.param_count, a);
	copy_pairs(p.error_name, p.error_count, a);
#define X(name, member) copy_pairs(p.member.pair, p.member.count, a);
	PROFILE_PAIRS(X)
#undef X
#define X(name, member) copy_list(&p.member, a);
	PROFILE_LISTS(X)
#undef X
	*ret = p;
}

static bool is_one_of(struct slice text, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (slice_is_nocase(text, names[i]))
			return true;
	return false;
}

bool profile_param_reserved(struct slice name, struct slice value)
{
	static const char *const reserved[] = {
		"response_type", "client_id",	  "redirect_uri", "scope",	"state",    "code_challenge",
		"nonce",	 "request",	  "request_uri",  "login_hint", "code",	    "code_challenge_method",
		"code_verifier", "client_secret", "registration", "grant_type", "password", "client_assertion",
	};

	if (slice_is(name, "response_mode"))
		return !slice_is(value, "query");
	for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
		if (slice_is(name, reserved[i]))
			return true;
	return false;
}

static enum err check_url(const char *name, const char *text, struct url *ret_url, struct errinfo *ei)
{
	struct errinfo why = {0};

	*ret_url = (struct url){0};
	if (text[0] == '\0')
		return ERR_OK;
	if (url_parse(slice_from(text), ret_url, &why) != ERR_OK)
		return err_field(ei, name, "%s", why.detail);
	if (ret_url->fragment.p)
		return err_field(ei, name, "must have no fragment (RFC 6749 §3.1, §3.2)");
	return ERR_OK;
}

/* The names in a query as they are written; a percent-encoded name cannot hide because '%' is refused. */
static enum err check_query(struct slice query, struct errinfo *ei)
{
	struct slice pair, rest = query;

	while (slice_split(&rest, '&', &pair)) {
		size_t at = slice_index(pair, '=');
		struct slice name = slice_sub(pair, 0, at);

		if (slice_index(name, '%') < name.n || profile_param_reserved(name, slice_sub(pair, at + 1, pair.n)))
			return err_field(ei, "authorize_url",
					 "must not carry the parameter \"%.*s\": it is set for every request",
					 (int)(name.n < PROFILE_NAME_MAX_BYTES ? name.n : PROFILE_NAME_MAX_BYTES), name.p);
	}
	return ERR_OK;
}

static enum err check_params(const char *field, const struct profile_param *param, size_t count, struct errinfo *ei)
{
	for (size_t i = 0; i < count; i++)
		if (profile_param_reserved(slice_from(param[i].name), slice_from(param[i].value)))
			return err_field(ei, field, "must not hold \"%s\": it is set for every request", param[i].name);
	return ERR_OK;
}

/* RFC 9110 §5.6.2, and none of the headers that say where a request ends or who sends it. */
static bool is_header_name(struct slice name)
{
	static const char *const ours[] = {"authorization", "host", "connection", "cookie", "transfer-encoding", "expect", "upgrade",
					   "te", "trailer", "proxy-authorization", "proxy-connection", "accept-encoding", "accept"};

	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
			return false;
	}
	return name.n > 0 && !is_one_of(name, ours, ARRAY_LEN(ours)) && !(name.n >= 8 && slice_is_nocase(slice_sub(name, 0, 8), "content-"));
}

static enum err check_headers(const char *field, const struct profile_pairs *headers, struct errinfo *ei)
{
	for (size_t i = 0; i < headers->count; i++)
		if (!is_header_name(slice_from(headers->pair[i].name)))
			return err_field(ei, field, "must not hold \"%s\": that is no header that can be set here", headers->pair[i].name);
	return ERR_OK;
}

static enum err check_names(const struct profile_pairs *names, struct errinfo *ei)
{
	for (size_t i = 0; i < names->count; i++) {
		struct slice theirs = slice_from(names->pair[i].value);
		bool renamable = false;

		for (size_t k = 0; k < ARRAY_LEN(profile_renamable); k++)
			renamable = renamable || strcmp(names->pair[i].name, profile_renamable[k]) == 0;
		if (!renamable)
			return err_field(ei, "param_names", "can rename client_id, client_secret, scope, code, redirect_uri and refresh_token only");
		if (!theirs.n || profile_param_reserved(theirs, (struct slice){0}))
			return err_field(ei, "param_names", "gives %s a name that another parameter has", names->pair[i].name);
	}
	return ERR_OK;
}

/* They are handed out to whoever may read the connections: no token is among them, and no code. */
static enum err check_kept(const char *field, const struct profile_list *list, struct errinfo *ei)
{
	static const char *const secrets[] = {"access_token", "refresh_token", "id_token", "code", "state", "client_secret"};

	for (size_t i = 0; i < list->count; i++) {
		const char *dot = strrchr(list->text[i], '.');

		if (is_one_of(slice_from(dot ? dot + 1 : list->text[i]), secrets, ARRAY_LEN(secrets)))
			return err_field(ei, field, "must not hold \"%s\": what is kept here is shown, and that is a secret", list->text[i]);
	}
	return ERR_OK;
}

static enum err check_urls(const struct profile *p, struct errinfo *ei)
{
	struct url url;
	enum err e = check_url("authorize_url", p->authorize_url, &url, ei);

	if (!e)
		e = check_query(url.query, ei);
	if (!e)
		e = check_url("token_url", p->token_url, &url, ei);
	if (!e)
		e = check_url("refresh_url", p->refresh_url, &url, ei);
	if (!e)
		e = check_url("revoke_url", p->revoke_url, &url, ei);
	if (!e)
		e = check_url("identity_url", p->identity_url, &url, ei);
	if (!e)
		e = check_url("jwks_url", p->jwks_url, &url, ei);
	if (!e)
		e = check_url("issuer", p->issuer, &url, ei);
	if (!e && url.query.p)
		e = err_field(ei, "issuer", "must have no query (RFC 8414 §2)");
	return e;
}

enum err profile_check(const struct profile *p, struct errinfo *ei)
{
	enum err e = check_urls(p, ei);

	if (!e && p->iss_in_callback && p->issuer[0] == '\0')
		e = err_field(ei, "issuer", "is needed when iss_in_callback is true (RFC 9207 §2.4)");
	if (!e && p->pkce == PKCE_NONE && p->auth == CLIENT_AUTH_NONE)
		e = err_field(ei, "pkce", "must be S256 for a client without a secret: else whoever catches a code can use it (RFC 7636 §1)");
	if (!e)
		e = check_params("authorize_params", p->authorize_param, p->param_count, ei);
	if (!e)
		e = check_params("token_params", p->token_params.pair, p->token_params.count, ei);
	if (!e)
		e = check_params("refresh_params", p->refresh_params.pair, p->refresh_params.count, ei);
	if (!e)
		e = check_headers("token_headers", &p->token_headers, ei);
	if (!e)
		e = check_headers("identity_headers", &p->identity_headers, ei);
	if (!e)
		e = check_kept("keep_from_callback", &p->keep_from_callback, ei);
	if (!e)
		e = check_kept("keep_from_answer", &p->keep_from_answer, ei);
	return e ? e : check_names(&p->param_names, ei);
}
