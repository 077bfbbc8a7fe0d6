/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A provider's profile as JSON and back. What an authenticator's owner writes here steers requests
 * that carry secrets, so nothing is guessed: a member has an allowed form or is refused by name. Must
 * never let configuration choose what the protocol itself sets (OA-07).
 */
#include "catalog/profile.h"

#include <string.h>

#include "base/mem.h"
#include "base/url.h"

enum { NAME_MAX_BYTES = 64, VALUE_MAX_BYTES = 256 };

static const struct profile defaults = {
	.authorize_url = "",
	.token_url = "",
	.revoke_url = "",
	.issuer = "",
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
};

static const char *const auth_names[CLIENT_AUTH__COUNT] = {
	[CLIENT_AUTH_BASIC] = "client_secret_basic",
	[CLIENT_AUTH_POST] = "client_secret_post",
	[CLIENT_AUTH_NONE] = "none",
};
static const char *const rotation_names[ROTATION__COUNT] = {
	[ROTATION_U] = "U",   [ROTATION_R0] = "R0", [ROTATION_R1] = "R1",
	[ROTATION_R2] = "R2", [ROTATION_R3] = "R3", [ROTATION_R4] = "R4",
};
static const char *const ends_names[REVOKE_ENDS__COUNT] = {
	[REVOKE_ENDS_GRANT] = "grant",
	[REVOKE_ENDS_TOKEN] = "token",
};
static const char *const revoke_names[REVOKE__COUNT] = {
	[REVOKE_RFC7009] = "rfc7009",
	[REVOKE_GITHUB] = "github",
};

/* The members that are texts, and those that are true or false. */
static const struct member {
	const char *name, *alias;
	size_t offset;
} texts[] =
	{
		{"authorize_url", NULL, offsetof(struct profile, authorize_url)},
		{"token_url", NULL, offsetof(struct profile, token_url)},
		{"revoke_url", "revocation_url", offsetof(struct profile, revoke_url)},
		{"issuer", NULL, offsetof(struct profile, issuer)},
		{"bearer_names", NULL, offsetof(struct profile, bearer_names)},
		{"error_flag", NULL, offsetof(struct profile, error_flag)},
		{"token_path", NULL, offsetof(struct profile, token_path)},
		{"identity_url", "userinfo_url", offsetof(struct profile, identity_url)},
		{"identity_subject", NULL, offsetof(struct profile, identity_subject)},
		{"identity_label", NULL, offsetof(struct profile, identity_label)},
		{"answer_subject", NULL, offsetof(struct profile, answer_subject)},
},
  flags[] = {
	  {"iss_in_callback", NULL, offsetof(struct profile, iss_in_callback)},
	  {"scope_comma_in_answer", NULL, offsetof(struct profile, scope_comma_in_answer)},
	  {"form_answers", NULL, offsetof(struct profile, form_answers)},
	  {"token_type_optional", NULL, offsetof(struct profile, token_type_optional)},
};

const struct profile *profile_default(void)
{
	return &defaults;
}

static const char **text_at(struct profile *p, const struct member *m)
{
	return (const char **)(void *)((char *)p + m->offset);
}

static bool *flag_at(struct profile *p, const struct member *m)
{
	return (bool *)(void *)((char *)p + m->offset);
}

const char *profile_rotation_name(enum rotation rotation)
{
	return rotation_names[(unsigned)rotation < ROTATION__COUNT ? rotation : ROTATION_U];
}

static void copy_pairs(struct profile_param *pairs, size_t count, struct arena *a)
{
	for (size_t i = 0; i < count; i++)
		pairs[i] = (struct profile_param){arena_strdup(a, pairs[i].name), arena_strdup(a, pairs[i].value)};
}

void profile_copy(const struct profile *from, struct arena *a, struct profile *ret)
{
	struct profile p = *from; /* identity_method is one of two literals */

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		*text_at(&p, &texts[i]) = arena_strdup(a, *text_at(&p, &texts[i]));
	copy_pairs(p.authorize_param, p.param_count, a);
	copy_pairs(p.error_name, p.error_count, a);
	*ret = p;
}

const char *profile_auth_name(enum client_auth auth)
{
	return (unsigned)auth < CLIENT_AUTH__COUNT ? auth_names[auth] : "";
}

static bool index_of(struct slice text, const char *const *names, size_t count, size_t *ret)
{
	for (size_t i = 0; i < count; i++) {
		if (slice_is(text, names[i])) {
			*ret = i;
			return true;
		}
	}
	return false;
}

bool profile_auth_from_name(struct slice name, enum client_auth *ret)
{
	size_t i;

	if (!index_of(name, auth_names, CLIENT_AUTH__COUNT, &i))
		return false;
	*ret = (enum client_auth)i;
	return true;
}

bool profile_param_reserved(struct slice name, struct slice value)
{
	static const char *const reserved[] = {
		"response_type", "client_id",	  "redirect_uri", "scope",	"state",    "code_challenge",
		"nonce",	 "request",	  "request_uri",  "login_hint", "code",	    "code_challenge_method",
		"code_verifier", "client_secret", "registration", "grant_type", "password", "client_assertion",
	};
	size_t i;

	if (slice_is(name, "response_mode"))
		return !slice_is(value, "query");
	return index_of(name, reserved, ARRAY_LEN(reserved), &i);
}

static const struct jsonr *find(const struct jsonr *obj, const char *name, const char *alias)
{
	const struct jsonr *v = jsonr_get(obj, name);

	return v || !alias ? v : jsonr_get(obj, alias);
}

static enum err read_texts(const struct jsonr *obj, struct arena *a, struct profile *p, struct errinfo *ei)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const struct jsonr *v = find(obj, texts[i].name, texts[i].alias);
		struct slice text = jsonr_string(v);

		if (jsonr_type(v) == JSONR_ABSENT || jsonr_type(v) == JSONR_NULL)
			continue;
		if (!text.p || text.n > PROFILE_TEXT_MAX || !slice_is_printable(text))
			return err_field(ei, texts[i].name, "must be a text of at most %d printable ASCII characters",
					 PROFILE_TEXT_MAX);
		*text_at(p, &texts[i]) = arena_strndup(a, text);
	}
	return ERR_OK;
}

static enum err read_flags(const struct jsonr *obj, struct profile *p, struct errinfo *ei)
{
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		const struct jsonr *v = jsonr_get(obj, flags[i].name);

		if (jsonr_type(v) == JSONR_ABSENT || jsonr_type(v) == JSONR_NULL)
			continue;
		if (jsonr_type(v) != JSONR_BOOL)
			return err_field(ei, flags[i].name, "must be true or false");
		*flag_at(p, &flags[i]) = jsonr_is_true(v);
	}
	return ERR_OK;
}

/* A member that is one of a few words; absent and null leave `*io` as it is. */
static enum err read_word(const struct jsonr *v, const char *name, const char *const *names, size_t count, size_t *io,
			  struct errinfo *ei)
{
	CLEANUP(buf_done) struct buf allowed;

	buf_init(&allowed, VALUE_MAX_BYTES);
	if (jsonr_type(v) == JSONR_ABSENT || jsonr_type(v) == JSONR_NULL)
		return ERR_OK;
	if (index_of(jsonr_string(v), names, count, io))
		return ERR_OK;
	for (size_t i = 0; i < count; i++)
		buf_printf(&allowed, "%s%s", i ? ", " : "", names[i]);
	return err_field(ei, name, "must be one of: %s", buf_cstr(&allowed));
}

/* {"class": "R2", "window_s": 600}; the bare class for those that need no more. A class given without a window has none. */
static enum err read_rotation(const struct jsonr *obj, struct profile *p, struct errinfo *ei)
{
	const struct jsonr *v = jsonr_get(obj, "rotation"), *window = jsonr_get(v, "window_s");
	const struct jsonr *name = jsonr_type(v) == JSONR_OBJECT ? jsonr_get(v, "class") : v;
	bool has_window = jsonr_type(window) != JSONR_ABSENT && jsonr_type(window) != JSONR_NULL;
	int64_t window_s = 0;
	size_t i;

	if (jsonr_type(v) == JSONR_ABSENT || jsonr_type(v) == JSONR_NULL)
		return ERR_OK;
	if (!index_of(jsonr_string(name), rotation_names, ROTATION__COUNT, &i))
		return err_field(ei, "rotation", "must be an object whose \"class\" is one of: U, R0, R1, R2, R3, R4");
	if (has_window != (i == ROTATION_R2) ||
	    (has_window && (!jsonr_integer(window, &window_s) || window_s < 1 || window_s > PROFILE_WINDOW_MAX_S)))
		return err_field(ei, "rotation", "needs \"window_s\" with the class R2 and with no other: for how many seconds "
						 "(1 to %d) the old refresh token is still taken", PROFILE_WINDOW_MAX_S);
	p->rotation = (enum rotation)i;
	p->rotation_window_s = window_s;
	return ERR_OK;
}

static enum err read_words(const struct jsonr *obj, struct profile *p, struct errinfo *ei)
{
	static const char *const methods[] = {"GET", "POST"}, *const separators[] = {" ", ","};
	size_t auth = p->auth, ends = p->revoke_ends, style = p->revoke_style;
	size_t method = strcmp(p->identity_method, "POST") == 0, separator = p->scope_separator == ',';
	enum err e = read_word(find(obj, "client_auth", "token_endpoint_auth_method"), "client_auth", auth_names,
			       CLIENT_AUTH__COUNT, &auth, ei);

	if (!e)
		e = read_word(jsonr_get(obj, "revoke_ends"), "revoke_ends", ends_names, REVOKE_ENDS__COUNT, &ends, ei);
	if (!e)
		e = read_word(jsonr_get(obj, "revoke_style"), "revoke_style", revoke_names, REVOKE__COUNT, &style, ei);
	if (!e)
		e = read_word(jsonr_get(obj, "identity_method"), "identity_method", methods, 2, &method, ei);
	if (!e)
		e = read_word(jsonr_get(obj, "scope_separator"), "scope_separator", separators, 2, &separator, ei);
	if (e)
		return e;
	p->auth = (enum client_auth)auth;
	p->revoke_ends = (enum revoke_ends)ends;
	p->revoke_style = (enum revoke_style)style;
	p->identity_method = methods[method];
	p->scope_separator = separators[separator][0];
	return ERR_OK;
}

/* Who asks for another flow is told that there is none, instead of getting this one without a word (OA-07). */
static enum err check_flow(const struct jsonr *obj, struct errinfo *ei)
{
	static const char *const grants[] = {"authorization_code"}, *const responses[] = {"code"};
	size_t i;
	enum err e = read_word(jsonr_get(obj, "grant"), "grant", grants, 1, &i, ei);

	if (!e)
		e = read_word(jsonr_get(obj, "grant_type"), "grant_type", grants, 1, &i, ei);
	return e ? e : read_word(jsonr_get(obj, "response_type"), "response_type", responses, 1, &i, ei);
}

struct pairs {
	struct profile_param *to;
	size_t count, max;
	struct arena *a;
	bool bad;
};

static void take_pair(const char *key, const struct jsonr *value, void *arg)
{
	struct pairs *pairs = arg;
	struct slice name = slice_from(key), text = jsonr_string(value);

	if (!text.p || name.n == 0 || name.n > NAME_MAX_BYTES || text.n > VALUE_MAX_BYTES ||
	    !slice_is_printable(name) || !slice_is_printable(text) || pairs->count == pairs->max) {
		pairs->bad = true;
		return;
	}
	pairs->to[pairs->count++] = (struct profile_param){
		.name = arena_strndup(pairs->a, name),
		.value = arena_strndup(pairs->a, text),
	};
}

/* An object of texts; given at all it replaces what was there. */
static enum err read_pairs(const struct jsonr *obj, const char *name, struct arena *a, struct profile_param *to,
			   size_t max, size_t *io_count, struct errinfo *ei)
{
	const struct jsonr *v = jsonr_get(obj, name);
	struct pairs pairs = {.to = to, .max = max, .a = a};

	if (jsonr_type(v) == JSONR_ABSENT || jsonr_type(v) == JSONR_NULL)
		return ERR_OK;
	jsonr_each(v, take_pair, &pairs);
	if (jsonr_type(v) != JSONR_OBJECT || pairs.bad)
		return err_field(
			ei, name,
			"must be an object of at most %zu texts, names up to %d and values up to %d characters", max,
			NAME_MAX_BYTES, VALUE_MAX_BYTES);
	*io_count = pairs.count;
	return ERR_OK;
}

enum err profile_overlay(const struct jsonr *obj, struct arena *a, struct profile *io, struct errinfo *ei)
{
	struct profile p = *io;
	enum err e;

	if (jsonr_type(obj) != JSONR_OBJECT)
		return err_field(ei, "configuration", "must be an object");
	e = read_texts(obj, a, &p, ei);
	if (!e)
		e = read_flags(obj, &p, ei);
	if (!e)
		e = read_words(obj, &p, ei);
	if (!e)
		e = read_rotation(obj, &p, ei);
	if (!e)
		e = check_flow(obj, ei);
	if (!e)
		e = read_pairs(obj, "authorize_params", a, p.authorize_param, PROFILE_PARAMS_MAX, &p.param_count, ei);
	if (!e)
		e = read_pairs(obj, "error_names", a, p.error_name, PROFILE_ERRORS_MAX, &p.error_count, ei);
	if (e)
		return e;
	*io = p;
	return ERR_OK;
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
					 (int)(name.n < NAME_MAX_BYTES ? name.n : NAME_MAX_BYTES), name.p);
	}
	return ERR_OK;
}

enum err profile_check(const struct profile *p, struct errinfo *ei)
{
	struct url url;
	enum err e = check_url("authorize_url", p->authorize_url, &url, ei);

	if (!e)
		e = check_query(url.query, ei);
	if (!e)
		e = check_url("token_url", p->token_url, &url, ei);
	if (!e)
		e = check_url("revoke_url", p->revoke_url, &url, ei);
	if (!e)
		e = check_url("identity_url", p->identity_url, &url, ei);
	if (!e)
		e = check_url("issuer", p->issuer, &url, ei);
	if (!e && url.query.p)
		e = err_field(ei, "issuer", "must have no query (RFC 8414 §2)");
	if (!e && p->iss_in_callback && p->issuer[0] == '\0')
		e = err_field(ei, "issuer", "is needed when iss_in_callback is true (RFC 9207 §2.4)");
	for (size_t i = 0; !e && i < p->param_count; i++) {
		const struct profile_param *param = &p->authorize_param[i];

		if (profile_param_reserved(slice_from(param->name), slice_from(param->value)))
			e = err_field(ei, "authorize_params", "must not hold \"%s\": it is set for every request",
				      param->name);
	}
	return e;
}

enum err profile_parse(const struct jsonr *obj, struct arena *a, struct profile *ret, struct errinfo *ei)
{
	struct profile p = defaults;
	enum err e = profile_overlay(obj, a, &p, ei);

	if (!e)
		e = profile_check(&p, ei);
	if (e)
		return e;
	*ret = p;
	return ERR_OK;
}

static void write_pairs(struct jsonw *w, const char *key, const struct profile_param *pair, size_t count)
{
	jsonw_object(w, key);
	for (size_t i = 0; i < count; i++)
		jsonw_string(w, pair[i].name, pair[i].value);
	jsonw_object_end(w);
}

void profile_write(const struct profile *p, struct jsonw *w, const char *key)
{
	struct profile copy = *p;

	jsonw_object(w, key);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		jsonw_string(w, texts[i].name, *text_at(&copy, &texts[i]));
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		jsonw_bool(w, flags[i].name, *flag_at(&copy, &flags[i]));
	jsonw_string(w, "client_auth", profile_auth_name(p->auth));
	jsonw_object(w, "rotation");
	jsonw_string(w, "class", profile_rotation_name(p->rotation));
	if (p->rotation == ROTATION_R2)
		jsonw_integer(w, "window_s", p->rotation_window_s);
	jsonw_object_end(w);
	jsonw_string(w, "revoke_ends", ends_names[p->revoke_ends]);
	jsonw_string(w, "revoke_style", revoke_names[p->revoke_style]);
	jsonw_string(w, "identity_method", p->identity_method);
	jsonw_slice(w, "scope_separator", slice_make(&p->scope_separator, 1));
	write_pairs(w, "authorize_params", p->authorize_param, p->param_count);
	write_pairs(w, "error_names", p->error_name, p->error_count);
	jsonw_object_end(w);
}
