/* SPDX-License-Identifier: Apache-2.0 */
/* An issuer's metadata. Whatever address is taken from it is https or on this machine, and none is taken for another issuer. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/url.h"
#include "oauth/discovery.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_url(const char *text)
{
	struct url u;

	require(!text[0] || (url_parse(slice_from(text), &u, NULL) == ERR_OK && !u.fragment.p && (u.is_https || url_is_loopback(&u))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(16 << 20);
	struct slice text = slice_make(data, size);
	struct discovery d = {.token_url = NULL};
	const char *as_issuer = arena_strndup(a, slice_sub(text, 0, 4096)), *url;

	/* Nobody is believed for an issuer that the document does not name. */
	if (size == 0 || (!memmem(data, size, "never", 5) && !memchr(data, '\\', size)))
		require(discovery_parse(text, "https://never.example", a, &d, NULL) != ERR_OK && !d.token_url);
	if (discovery_parse(text, "https://as.example", a, &d, NULL) == ERR_OK) {
		check_url(d.authorize_url);
		check_url(d.token_url);
		check_url(d.revoke_url);
		check_url(d.userinfo_url);
		check_url(d.jwks_url);
		check_url(d.par_url);
		require(d.id_token_algs <= JWS_ALGS_ALL && (unsigned)d.auth < CLIENT_AUTH__COUNT);
	}
	for (int form = 0; form < DISCOVERY__COUNT; form++) {
		url = discovery_url(as_issuer, (enum discovery_form)form, a);
		require(!url || strstr(url, "/.well-known/"));
		if (url)
			check_url(url);
	}
	arena_free(&a);
	return 0;
}
