/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose account was connected. An account is an issuer and a subject at it; an e-mail address is a
 * label for people and must never decide anything (ID-06). A claim counts only after every check of
 * OIDC Core §3.1.3.7 that needs no key has passed.
 */
#include "oauth/identity.h"

#include <string.h>

#include "base/mem.h"
#include "base/url.h"
#include "oauth/answer.h"
#include "oauth/client_auth.h"
#include "oauth/id_token.h"

enum { SUBJECT_MAX_BYTES = 255, LABEL_MAX_BYTES = 200, SKEW_S = 60 };

/* Far beyond any date, and far from overflowing when counted in milliseconds. */
#define TIME_MAX_S ((int64_t)1 << 40)

static enum err invalid(struct errinfo *ei, const char *what)
{
	return id_token_refuse(ei, what);
}

/* NumericDate (RFC 7519 §2): seconds, a fraction is cut off. */
static bool read_time(const struct jsonr *v, int64_t *ret_s)
{
	CLEANUP(buf_done) struct buf text;
	uint64_t seconds, fraction;
	size_t point;

	buf_init(&text, 64);
	if (jsonr_integer(v, ret_s))
		return *ret_s >= 0 && *ret_s <= TIME_MAX_S;
	if (jsonr_type(v) != JSONR_NUMBER)
		return false;
	jsonr_dump(v, &text);
	point = slice_index(buf_slice(&text), '.');
	if (!slice_to_u64(slice_sub(buf_slice(&text), 0, point), TIME_MAX_S, &seconds) ||
	    !slice_to_u64(slice_sub(buf_slice(&text), point + 1, text.n), UINT64_MAX, &fraction))
		return false;
	*ret_s = (int64_t)seconds;
	return true;
}

/* §3.1.3.7 items 3 to 5: ours, nobody else's, and issued to us (ID-02). */
static enum err check_audience(const struct jsonr *claims, const char *client_id, struct errinfo *ei)
{
	const struct jsonr *aud = jsonr_get(claims, "aud"), *azp = jsonr_get(claims, "azp");

	if (jsonr_type(aud) == JSONR_ARRAY) {
		for (size_t i = 0; i < jsonr_count(aud); i++)
			if (!slice_is(jsonr_string(jsonr_at(aud, i)), client_id))
				return invalid(ei, "aud names somebody else than our client id");
		if (jsonr_count(aud) == 0)
			return invalid(ei, "aud is empty");
	} else if (!jsonr_string(aud).n || !slice_is(jsonr_string(aud), client_id)) {
		return invalid(ei, "aud is not our client id");
	}
	if (azp && !slice_is(jsonr_string(azp), client_id))
		return invalid(ei, "azp is not our client id");
	return ERR_OK;
}

/* §3.1.3.7 items 9 and 10, RFC 7519 §4.1.5 (ID-03). */
static enum err check_times(const struct jsonr *claims, int64_t now_ms, struct errinfo *ei)
{
	const struct jsonr *nbf = jsonr_get(claims, "nbf");
	int64_t now_s = now_ms / 1000, exp, iat, from;

	if (!read_time(jsonr_get(claims, "exp"), &exp))
		return invalid(ei, "exp is missing or no time");
	if (exp + SKEW_S <= now_s)
		return invalid(ei, "it has expired, or this machine's clock is ahead");
	if (!read_time(jsonr_get(claims, "iat"), &iat))
		return invalid(ei, "iat is missing or no time");
	if (iat - SKEW_S > now_s)
		return invalid(ei, "it is from the future, or this machine's clock is behind");
	if (nbf && (!read_time(nbf, &from) || from - SKEW_S > now_s))
		return invalid(ei, "it is not valid yet");
	return ERR_OK;
}

static enum err check_claims(const struct profile *p, const struct jsonr *claims, const struct identity_expect *expect,
			     struct errinfo *ei)
{
	struct slice iss = jsonr_get_string(claims, "iss"), sub = jsonr_get_string(claims, "sub");
	struct slice nonce = jsonr_get_string(claims, "nonce");
	enum err e;

	if (iss.n == 0 || iss.n > PROFILE_TEXT_MAX || !slice_is_printable(iss))
		return invalid(ei, "iss is missing");
	if (p->issuer[0] && !slice_is(iss, p->issuer))
		return invalid(ei, "iss is not the authenticator's issuer");
	if (sub.n == 0 || sub.n > SUBJECT_MAX_BYTES || !slice_is_printable(sub))
		return invalid(ei, "sub is missing, or not at most 255 ASCII characters");
	e = check_audience(claims, expect->client_id, ei);
	if (!e)
		e = check_times(claims, expect->now_ms, ei);
	if (e)
		return e;
	if (expect->nonce && !secret_equal(expect->nonce, nonce.p ? nonce : SLICE_LIT("")))
		return invalid(ei, "nonce is not the one of this flow");
	return ERR_OK;
}

/* Controls of ASCII and Latin-1, line and paragraph separators, and what turns the writing direction. */
static bool is_invisible(struct slice character)
{
	const unsigned char *c = (const unsigned char *)character.p;

	if (character.n == 1)
		return c[0] < 0x20 || c[0] == 0x7F;
	if (character.n == 2)
		return (c[0] == 0xC2 && c[1] < 0xA0) || (c[0] == 0xD8 && c[1] == 0x9C);
	if (character.n == 3 && c[0] == 0xE2)
		return (c[1] == 0x80 && ((c[2] >= 0x8B && c[2] <= 0x8F) || (c[2] >= 0xA8 && c[2] <= 0xAE))) ||
		       (c[1] == 0x81 && c[2] >= 0xA0 && c[2] <= 0xAF);
	return character.n == 3 && c[0] == 0xEF && c[1] == 0xBB && c[2] == 0xBF;
}

static const char *clean_label(struct slice text, struct arena *a)
{
	CLEANUP(buf_done) struct buf out;
	size_t at = 0;

	buf_init(&out, LABEL_MAX_BYTES);
	while (at < text.n && out.n < LABEL_MAX_BYTES) {
		size_t n = 1;
		struct slice character;

		while (n < 4 && at + n < text.n && !slice_is_utf8(slice_sub(text, at, n)))
			n++;
		character = slice_sub(text, at, n);
		if (!slice_is_utf8(character) || out.n + n > LABEL_MAX_BYTES)
			break;
		if (!is_invisible(character))
			buf_put(&out, character);
		at += n;
	}
	return arena_strndup(a, slice_trim(buf_slice(&out)));
}

/* The first of several members that says something. */
static const char *label_of(const struct jsonr *doc, const char *paths, struct arena *a)
{
	struct slice rest = slice_from(paths), path;

	while (slice_split(&rest, ' ', &path)) {
		const struct jsonr *v = jsonr_path(doc, arena_strndup(a, path));
		const char *label = clean_label(jsonr_string(v), a);

		if (path.n && label[0])
			return label;
	}
	return "";
}

enum err identity_from_id_token(const struct profile *p, const struct secret *id_token,
				const struct identity_expect *expect, struct arena *a, struct identity *ret,
				struct errinfo *ei)
{
	struct id_token token;
	enum err e;

	if (!id_token_read(id_token, a, &token))
		return invalid(ei, "it is no signed JSON Web Token");
	e = check_claims(p, token.claims, expect, ei);
	if (e)
		return e;
	ret->issuer = arena_strndup(a, jsonr_get_string(token.claims, "iss"));
	ret->subject = arena_strndup(a, jsonr_get_string(token.claims, "sub"));
	ret->label = label_of(token.claims, "email preferred_username name", a);
	return ERR_OK;
}

/* A constant header's value, "{client_id}" in it replaced (Twitch's Client-Id). */
static struct slice header_value(const char *text, const char *client_id, struct arena *a)
{
	static const char place[] = "{client_id}";
	const char *at = strstr(text, place);

	if (!at)
		return slice_from(text);
	return slice_from(arena_printf(a, "%.*s%s%s", (int)(at - text), text, client_id, at + sizeof place - 1));
}

bool identity_request(const struct token_client *client, const struct secret *access_token, struct arena *a, struct fetch_request *ret)
{
	const struct profile *p = client->profile;
	struct fetch_request r = {.attempt = "", .consumes = "", .method = p->identity_method, .url = p->identity_url};

	if (!p->identity_url[0])
		return false;
	r.body_cap = FETCH_METADATA_CAP;
	r.label = arena_printf(a, "identity %s", client->label ? client->label : "");
	client_auth_add_header(&r, "Accept", SLICE_LIT("application/json"));
	client_auth_add_header(&r, "User-Agent", SLICE_LIT("fiberwise/" FW_VERSION));
	client_auth_add_header(&r, "Authorization", client_auth_token(p->identity_scheme, access_token, a));
	if (p->identity_body[0] && strcmp(p->identity_method, "POST") == 0) {
		client_auth_add_header(&r, "Content-Type", SLICE_LIT("application/json"));
		r.body = slice_from(p->identity_body);
	}
	for (size_t i = 0; i < p->identity_headers.count; i++)
		client_auth_add_header(&r, p->identity_headers.pair[i].name,
				       header_value(p->identity_headers.pair[i].value, client->client_id, a));
	*ret = r;
	return true;
}

/* Without an issuer of its own an account belongs to its token endpoint's origin. */
static const char *origin_of(const struct profile *p, struct arena *a)
{
	CLEANUP(buf_done) struct buf text;
	struct url url;

	buf_init(&text, URL_MAX_BYTES);
	if (p->issuer[0])
		return arena_strdup(a, p->issuer);
	if (url_parse(slice_from(p->token_url), &url, NULL) == ERR_OK)
		url_put_origin(&text, &url);
	return arena_strndup(a, buf_slice(&text));
}

void identity_begin(const struct profile *p, const char *subject, struct arena *a, struct identity *ret)
{
	*ret = (struct identity){.issuer = origin_of(p, a), .subject = arena_strdup(a, subject), .label = ""};
}

enum err identity_from_answer(const struct profile *p, struct slice body, struct arena *a, struct identity *io,
			      struct errinfo *ei)
{
	const struct jsonr *doc = body.n <= FETCH_METADATA_CAP ? answer_read(body, false, a) : NULL;
	bool known = io->subject && io->subject[0];
	struct answer_error why = {0};
	const char *label;
	CLEANUP(buf_done) struct buf subject;

	buf_init(&subject, SUBJECT_MAX_BYTES);
	if (doc)
		answer_error(p, doc, &why);
	if (!doc || why.code[0])
		return err_set(ei, ERR_UPSTREAM_DOWN, "the provider did not say whose account it is%s%s",
			       why.code[0] ? ": error " : "", why.code);
	if (p->identity_subject[0] && answer_text(doc, p->identity_subject, '/', SUBJECT_MAX_BYTES, &subject) &&
	    slice_is_utf8(buf_slice(&subject)) && *clean_label(buf_slice(&subject), a)) {
		if (known && slice_is(slice_from(p->identity_subject), "sub") &&
		    !slice_is(buf_slice(&subject), io->subject)) {
			err_code(ei, ERR_UPSTREAM_DENIED, "subject_mismatch");
			return err_set(ei, ERR_UPSTREAM_DENIED,
				       "the provider named two different accounts for one token (OIDC Core §5.3.2)");
		}
		if (!known)
			io->subject = arena_strndup(a, buf_slice(&subject));
	}
	label = label_of(doc, p->identity_label, a);
	if (label[0] || !io->label)
		io->label = label;
	if (!io->subject)
		io->subject = "";
	if (!io->issuer || !io->issuer[0])
		io->issuer = origin_of(p, a);
	return ERR_OK;
}
