/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metadata that an issuer publishes about itself. It is as good as the TLS connection it came over, and only for the issuer that was
 * asked: whoever could put another issuer's name or address into it would get that issuer's codes (RFC 8414 §6.2). Must never be
 * used to turn a protection off: what it says about PKCE is not read at all (OA-04).
 */
#include "oauth/discovery.h"

#include "base/mem.h"
#include "base/url.h"
#include "oauth/client_auth.h"

enum { LIST_MAX = 64 };

static bool is_safe(struct slice text, struct url *ret)
{
	return text.n <= PROFILE_TEXT_MAX && url_parse(text, ret, NULL) == ERR_OK && !ret->fragment.p &&
	       (ret->is_https || url_is_loopback(ret));
}

const char *discovery_url(const char *issuer, enum discovery_form form, struct arena *a)
{
	const char *url;
	struct slice path;
	struct url u;
	CLEANUP(buf_done) struct buf origin;

	buf_init(&origin, URL_MAX_BYTES);
	if (!is_safe(slice_from(issuer), &u) || u.query.p)
		return NULL;
	path = u.path;
	if (slice_ends(path, "/"))
		path.n--;
	url_put_origin(&origin, &u);
	if (form == DISCOVERY_OPENID) /* OIDC Discovery §4: behind the path; RFC 8414 §3: before it */
		url = arena_printf(a, "%s%.*s/.well-known/openid-configuration", buf_cstr(&origin), SLICE_ARG(path));
	else
		url = arena_printf(a, "%s/.well-known/oauth-authorization-server%.*s", buf_cstr(&origin), SLICE_ARG(path));
	return is_safe(slice_from(url), &u) ? url : NULL; /* an issuer may be so long that its metadata has no address */
}

void discovery_request(const char *url, const char *label, struct arena *a, struct fetch_request *ret)
{
	struct fetch_request r = {.attempt = "", .consumes = "", .method = "GET", .url = url, .body_cap = FETCH_METADATA_CAP};

	r.label = arena_strdup(a, label);
	client_auth_add_header(&r, "Accept", SLICE_LIT("application/json"));
	client_auth_add_header(&r, "User-Agent", SLICE_LIT("fiberwise/" FW_VERSION));
	*ret = r;
}

static enum err read_url(const struct jsonr *doc, const char *name, struct arena *a, const char **ret, struct errinfo *ei)
{
	const struct jsonr *v = jsonr_get(doc, name);
	struct url u;

	*ret = "";
	if (!v)
		return ERR_OK;
	if (!is_safe(jsonr_string(v), &u))
		return err_set(ei, ERR_INVALID, "the issuer's metadata has no usable https address as %s", name);
	*ret = arena_strndup(a, jsonr_string(v));
	return ERR_OK;
}

static enum err read_urls(const struct jsonr *doc, struct arena *a, struct discovery *d, struct errinfo *ei)
{
	const struct {
		const char *name, **to;
	} urls[] = {
		{"authorization_endpoint", &d->authorize_url}, {"token_endpoint", &d->token_url},
		{"revocation_endpoint", &d->revoke_url}, {"userinfo_endpoint", &d->userinfo_url},
		{"jwks_uri", &d->jwks_url}, {"pushed_authorization_request_endpoint", &d->par_url},
	};
	enum err e = ERR_OK;

	for (size_t i = 0; i < ARRAY_LEN(urls) && !e; i++)
		e = read_url(doc, urls[i].name, a, urls[i].to, ei);
	return e;
}

static bool lists(const struct jsonr *list, const char *word)
{
	for (size_t i = 0; i < jsonr_count(list) && i < LIST_MAX; i++)
		if (slice_is(jsonr_string(jsonr_at(list, i)), word))
			return true;
	return false;
}

/* RFC 8414 §2: not told means Basic. */
static void read_auth(const struct jsonr *doc, struct discovery *d)
{
	const struct jsonr *list = jsonr_get(doc, "token_endpoint_auth_methods_supported");

	d->auth_known = !list;
	d->auth = CLIENT_AUTH_BASIC;
	for (unsigned i = 0; !d->auth_known && i < CLIENT_AUTH__COUNT; i++) {
		d->auth = (enum client_auth)i;
		d->auth_known = lists(list, profile_auth_name(d->auth));
	}
}

static unsigned read_algs(const struct jsonr *doc)
{
	const struct jsonr *list = jsonr_get(doc, "id_token_signing_alg_values_supported");
	unsigned algs = 0;
	enum jws_alg alg;

	for (size_t i = 0; i < jsonr_count(list) && i < LIST_MAX; i++)
		if (jws_alg_find(jsonr_string(jsonr_at(list, i)), &alg))
			algs |= 1u << alg;
	return algs;
}

enum err discovery_parse(struct slice text, const char *issuer, struct arena *a, struct discovery *ret, struct errinfo *ei)
{
	CLEANUP(jsonr_free) struct jsonr *doc = NULL;
	struct discovery d = {.auth_known = false};
	enum err e = jsonr_parse(text, FETCH_METADATA_CAP, &doc, ei);

	if (e)
		return err_set(ei, ERR_INVALID, "the issuer's metadata is no JSON object of at most 512 KiB");
	if (!slice_is(jsonr_get_string(doc, "issuer"), issuer) || !issuer[0])
		return err_set(ei, ERR_INVALID, "the metadata is that of another issuer: it must name exactly the configured one (RFC 8414 §3.3)");
	e = read_urls(doc, a, &d, ei);
	if (e)
		return e;
	read_auth(doc, &d);
	d.id_token_algs = read_algs(doc);
	d.iss_in_callback = jsonr_is_true(jsonr_get(doc, "authorization_response_iss_parameter_supported"));
	d.par_required = jsonr_is_true(jsonr_get(doc, "require_pushed_authorization_requests"));
	*ret = d;
	return ERR_OK;
}
