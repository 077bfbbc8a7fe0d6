/* SPDX-License-Identifier: Apache-2.0 */
/* An issuer's metadata (OIDC Discovery §3, RFC 8414 §2): where it is asked for, and what of it is used. */
#pragma once

#include "catalog/profile.h"
#include "fetch/fetch.h"
#include "oauth/jws.h"

/* Where an issuer may publish it, in the order in which it is looked for. */
enum discovery_form { DISCOVERY_OPENID, DISCOVERY_RFC8414, DISCOVERY__COUNT };

struct discovery {
	const char *authorize_url, *token_url, *revoke_url, *userinfo_url, *jwks_url, *par_url; /* "" not told */
	bool iss_in_callback, par_required;
	bool auth_known;      /* one of the ways to send the client's secret is one that we have: */
	enum client_auth auth;
	unsigned id_token_algs; /* set of enum jws_alg; 0: none that we know, or not told */
};

/* The address for that form; NULL when `issuer` is no https URL (http on loopback) without query and fragment. In the arena. */
const char *discovery_url(const char *issuer, enum discovery_form form, struct arena *a);
/* A GET of public JSON: metadata or keys. */
void discovery_request(const char *url, const char *label, struct arena *a, struct fetch_request *ret);
/*
 * Reads the document of that issuer. ERR_INVALID with what is wrong: no JSON object of at most 512 KiB, another `issuer`, character by
 * character (RFC 8414 §3.3; ID-09), or an address that is not https (http on loopback) or has a fragment. One bad address spoils all.
 */
enum err discovery_parse(struct slice text, const char *issuer, struct arena *a, struct discovery *ret, struct errinfo *ei);
