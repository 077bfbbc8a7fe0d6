/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to a request before and after its handler. Must never let an unsafe request in by cookie
 * that another site may have sent (WB-03).
 */
#include "call/call.h"

#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "secret/apikey.h"
#include "secret/hash.h"

enum { BROWSER_COOKIE_LIFE_S = 400 * 24 * 60 * 60, COOKIE_MAX = 128 };

static bool is_unsafe(const struct call *c)
{
	return c->request->method != HTTP_M_GET && c->request->method != HTTP_M_HEAD && c->request->method != HTTP_M_OPTIONS;
}

struct slice call_cookie(const struct call *c, const char *plain, const char *host_only)
{
	struct slice value = request_cookie(c->request, c->core->public.is_https ? host_only : plain);

	return value.n <= COOKIE_MAX ? value : (struct slice){0};
}

struct slice call_session_cookie(const struct call *c)
{
	return call_cookie(c, "fw_session", "__Host-fw_session");
}

struct slice call_browser_cookie(const struct call *c)
{
	return call_cookie(c, "fw_browser", "__Host-fw_browser");
}

void call_set_cookie(struct call *c, const char *name, struct slice value, int64_t max_age_s)
{
	const struct cookie k = {.name = name, .value = value, .secure = c->core->public.is_https, .max_age_s = max_age_s};

	response_cookie(c->response, &k);
}

struct slice call_browser(struct call *c)
{
	CLEANUP(secret_free) struct secret *raw = NULL;
	struct slice value = call_browser_cookie(c);
	struct buf text;

	if (value.n >= ENCODE_B64URL_32)
		return value;
	raw = secret_random(32);
	buf_init(&text, 64);
	encode_base64url(&text, secret_expose(raw));
	value = arena_copy(c->arena, buf_slice(&text));
	buf_done(&text);
	call_set_cookie(c, "fw_browser", value, BROWSER_COOKIE_LIFE_S);
	return value;
}

void call_set_session(struct call *c, const struct secret *session)
{
	call_set_cookie(c, "fw_session", secret_expose(session), -1);
}

void call_clear_session(struct call *c)
{
	call_set_cookie(c, "fw_session", (struct slice){.p = "", .n = 0}, 0);
}

struct slice call_presented_key(const struct request *request, bool *ret_presented)
{
	struct slice auth = request_header(request, "authorization"), key = request_header(request, "x-api-key");

	*ret_presented = auth.p || key.p;
	if (auth.n > 7 && slice_is_nocase(slice_sub(auth, 0, 7), "bearer "))
		return slice_trim(slice_sub(auth, 7, auth.n));
	return auth.p ? (struct slice){.p = "", .n = 0} : slice_trim(key);
}

enum err call_count_address(struct quota *l, const struct request *request, struct errinfo *ei)
{
	return quota_take(l, QUOTA_ADDRESS, slice_make(request->peer_key, sizeof request->peer_key), (struct slice){0},
			  ei);
}

enum err call_admit(struct quota *l, const struct request *request, bool *ret_counted, struct errinfo *ei)
{
	char id[APIKEY_ID_BYTES];
	struct slice secret;
	bool presented;

	*ret_counted = apikey_parse(call_presented_key(request, &presented), id, &secret, NULL) != ERR_OK;
	return *ret_counted ? call_count_address(l, request, ei) : quota_check(l, QUOTA_KEY, slice_from(id), ei);
}

enum err call_count_connect(struct call *c, struct errinfo *ei)
{
	struct slice client = slice_make(c->request->peer_key, sizeof c->request->peer_key);

	return quota_take(c->quota, QUOTA_STARTS, client, (struct slice){0}, ei);
}

static enum err find_caller(struct call *c, const struct call_route *route, struct errinfo *ei)
{
	struct slice session = call_session_cookie(c);
	bool presented;
	struct slice key = call_presented_key(c->request, &presented);
	struct errinfo why = {0};
	enum err e = ERR_UNAUTHENTICATED;

	c->caller = (struct caller){.kind = CALLER_NOBODY, .key_id = "", .session_hash = "", .reach_app_id = "", .actor = "nobody"};
	if (presented)
		e = access_by_key(c->core, key, c->arena, &c->caller, &why);
	else if (session.n)
		e = access_by_session(c->core, session, c->arena, &c->caller, &why);
	else
		err_set(&why, e, "no API key and no session was sent");
	/* Who tries keys is counted by address, so that whoever has a valid one there is not held up. */
	if (e == ERR_UNAUTHENTICATED && presented && !c->is_counted && call_count_address(c->quota, c->request, ei))
		return ERR_LIMIT;
	if (!e || (e == ERR_UNAUTHENTICATED && route->who == CALL_ANYBODY))
		return ERR_OK;
	if (!why.hint[0])
		err_hint(&why, e, "Send an API key as \"Authorization: Bearer <key>\", or sign in at %s/login.", c->core->public_url);
	if (ei)
		*ei = why;
	return e;
}

static bool from_our_pages(const struct call *c)
{
	struct slice site = request_header(c->request, "sec-fetch-site"), origin = request_header(c->request, "origin");
	struct url u;

	/* Under our Referrer-Policy browsers send "Origin: null" with the forms of our own pages; Sec-Fetch-Site tells. */
	if (slice_is(origin, "null"))
		return slice_is(site, "same-origin");
	if (origin.p && (url_parse(origin, &u, NULL) || !url_same_origin(&u, &c->core->public)))
		return false;
	return slice_is(site, "same-origin") || (origin.p && !site.p);
}

static enum err check_who(const struct call *c, const struct call_route *route, struct errinfo *ei)
{
	if (is_unsafe(c) && c->caller.kind != CALLER_KEY && !from_our_pages(c)) {
		err_hint(ei, ERR_FORBIDDEN, "Scripts send an API key instead; browsers send this only from %s.", c->core->public_url);
		return err_set(ei, ERR_FORBIDDEN, "the request did not come from a page of this server");
	}
	if (route->who == CALL_KEY && c->caller.kind == CALLER_SESSION) {
		err_hint(ei, ERR_FORBIDDEN, "Make an API key and send it as a Bearer token.");
		return err_set(ei, ERR_FORBIDDEN, "a browser session may not do this; it needs an API key");
	}
	if (route->who == CALL_SESSION && c->caller.kind != CALLER_SESSION) {
		err_hint(ei, ERR_UNAUTHENTICATED, "Sign in at %s/login.", c->core->public_url);
		return err_set(ei, ERR_UNAUTHENTICATED, "this page needs a signed-in user");
	}
	return route->scope ? access_need(&c->caller, route->scope, ei) : ERR_OK;
}

static enum err read_body(struct call *c, const struct call_route *route, struct errinfo *ei)
{
	struct jsonr *doc;
	enum err e;

	if (route->page)
		return ERR_OK;
	/* Another site's form can send an empty body too, but never call it JSON (WB-03). */
	if (c->request->body.n == 0 && (c->caller.kind != CALLER_SESSION || !request_header(c->request, "content-type").p))
		return ERR_OK;
	if (!request_content_is(c->request, "application/json")) {
		err_hint(ei, ERR_INVALID, "Send the header Content-Type: application/json.");
		return err_set(ei, ERR_INVALID, "the body must be JSON");
	}
	if (c->request->body.n == 0)
		return ERR_OK;
	e = jsonr_parse(c->request->body, REQUEST_BODY_MAX, &doc, ei);
	if (e)
		return e;
	c->body = jsonr_in_arena(c->arena, doc);
	return jsonr_type(doc) == JSONR_OBJECT ? ERR_OK : err_set(ei, ERR_INVALID, "the body must be a JSON object");
}

/* What the request names as `field`: in the query, or else in its JSON body. */
static struct slice named(const struct call *c, const char *field)
{
	struct slice value = params_get(&c->query, field);

	return value.p || !c->body ? value : jsonr_get_string(c->body, field);
}

static enum err count_caller(struct call *c, struct errinfo *ei)
{
	if (c->caller.kind == CALLER_KEY)
		return quota_take(c->quota, QUOTA_KEY, slice_from(c->caller.key_id), (struct slice){0}, ei);
	if (c->caller.kind == CALLER_SESSION)
		return quota_take(c->quota, QUOTA_USER, slice_from(c->caller.owner.user_id), (struct slice){0}, ei);
	return ERR_OK;
}

/*
 * A key of one app counts for that app whatever it names, so that nobody uses up another's share. A key of the whole platform
 * counts for the app that it names.
 */
static enum err count_app_and_user(struct call *c, struct errinfo *ei)
{
	struct slice app = slice_from(c->caller.reach_app_id), user;
	enum err e;

	if (c->caller.kind != CALLER_KEY)
		return ERR_OK;
	if (!app.n)
		app = request_path_param(c->request, "app_id");
	if (!app.n)
		app = named(c, "app_id");
	if (!app.n)
		app = SLICE_LIT(CORE_DEFAULT_APP);
	e = quota_take(c->quota, QUOTA_APP, app, (struct slice){0}, ei);
	user = named(c, "user");
	return e || !user.n ? e : quota_take(c->quota, QUOTA_USER, user, app, ei);
}

enum err call_prepare(struct call *c, const struct call_route *route, struct errinfo *ei)
{
	bool first = !c->reply; /* the second run of a handler is the same request */
	enum err e = find_caller(c, route, ei);

	if (!e && first)
		e = count_caller(c, ei);
	if (!e)
		e = check_who(c, route, ei);
	if (!e)
		e = params_parse(c->request->query, c->arena, &c->query, ei);
	if (!e)
		e = read_body(c, route, ei);
	return e || !first ? e : count_app_and_user(c, ei);
}

const char *call_form_token(struct call *c)
{
	unsigned char key[HASH_SHA256_BYTES];
	char token[HASH_FINGERPRINT_BYTES];

	/* Derived from the cookie, so that there is nothing to store and another session's token does not fit. */
	hash_sha256(call_session_cookie(c), key);
	hash_fingerprint(key, SLICE_LIT("form token"), token);
	secret_wipe(key, sizeof key);
	return arena_strdup(c->arena, token);
}

enum err call_check_form(struct call *c, const struct params *form, struct errinfo *ei)
{
	CLEANUP(secret_free) struct secret *wanted = secret_new(slice_from(call_form_token(c)));

	if (secret_equal(wanted, params_get(form, "form_token")))
		return ERR_OK;
	err_hint(ei, ERR_FORBIDDEN, "Go back, load the page again and repeat it.");
	return err_set(ei, ERR_FORBIDDEN, "the form is from an older session");
}

enum err call_form(struct call *c, struct params *ret, struct errinfo *ei)
{
	if (!request_content_is(c->request, "application/x-www-form-urlencoded"))
		return err_set(ei, ERR_INVALID, "the body must be a form");
	return params_parse(c->request->body, c->arena, ret, ei);
}

struct jsonw call_json(struct call *c, int status)
{
	struct jsonw w;

	c->response->status = status;
	c->response->content_type = "application/json";
	jsonw_init(&w, &c->response->body);
	return w;
}

enum err call_text(const struct call *c, const char *field, size_t max, struct slice *ret, struct errinfo *ei)
{
	const struct jsonr *v = jsonr_get(c->body, field);

	*ret = (struct slice){0};
	if (jsonr_type(v) == JSONR_ABSENT || jsonr_type(v) == JSONR_NULL)
		return ERR_OK;
	if (jsonr_type(v) != JSONR_STRING)
		return err_field(ei, field, "must be a text");
	if (jsonr_string(v).n > max)
		return err_field(ei, field, "is longer than %zu bytes", max);
	*ret = jsonr_string(v);
	return ERR_OK;
}

/* One member a field, for its first fault: a name twice in an object is read differently by different readers. */
static void write_fields(struct jsonw *w, const struct errinfo *ei)
{
	jsonw_object(w, "fields");
	for (size_t i = 0; i < ei->field_count; i++) {
		bool told = false;

		for (size_t k = 0; k < i; k++)
			told = told || strcmp(ei->fields[k].name, ei->fields[i].name) == 0;
		if (!told)
			jsonw_string(w, ei->fields[i].name, ei->fields[i].why);
	}
	jsonw_object_end(w);
}

static const char *hint_of(const struct errinfo *ei)
{
	if (ei && ei->hint[0])
		return ei->hint;
	return ei && ei->field_count ? "Correct what \"fields\" names and send it again."
				     : "Tell the operator the request id: the log has it.";
}

void call_error_json(struct response *r, const char *request_id, enum err e, int status, const struct errinfo *ei)
{
	struct jsonw w;

	buf_reset(&r->body);
	r->status = status ? status : err_kind(e)->http_status;
	r->content_type = "application/json";
	jsonw_init(&w, &r->body);
	jsonw_object(&w, NULL);
	jsonw_string(&w, "error", err_wire_code(e, ei));
	jsonw_string(&w, "detail", ei && ei->detail[0] ? ei->detail : "the request could not be served");
	jsonw_string(&w, "hint", hint_of(ei));
	jsonw_string(&w, "request_id", request_id);
	if (ei && ei->cause[0])
		jsonw_string(&w, "cause", ei->cause);
	if (ei && ei->field_count)
		write_fields(&w, ei);
	jsonw_object_end(&w);
	if (ei && ei->retry_after_s) {
		char seconds[16];

		snprintf(seconds, sizeof seconds, "%u", ei->retry_after_s);
		response_header(r, "Retry-After", slice_from(seconds));
	}
	if (r->status == 401)
		response_header(r, "WWW-Authenticate", SLICE_LIT("Bearer"));
}
