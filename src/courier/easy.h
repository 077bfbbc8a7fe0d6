/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's handle for one request, with every option that our rules ask for and nothing by default. */
#pragma once

#include <curl/curl.h>

#include "courier/egress.h"
#include "fetch/fetch.h"

struct easy {
	CURL *handle;
	CURLSH *names; /* its own, so that a pin never serves another request */
	struct curl_slist *headers, *pins;
};

struct easy_args {
	const struct fetch_request *request; /* its body is borrowed until easy_done() */
	const struct url *url;
	const struct egress_peer *peer; /* vetted; nothing else is connected to */
	size_t peer_count;
	const char *ca_file; /* NULL: the system's */
	int64_t connect_ms;
	char *error; /* CURL_ERROR_SIZE bytes */
	bool *closed_well; /* set when TLS was ended by the provider, not just cut */
	void *arg;	   /* for the callbacks, and the handle's CURLOPT_PRIVATE */
	curl_opensocket_callback open_socket;
	curl_prereq_callback before_request;
	curl_write_callback take_header, take_body;
};

/* False when libcurl refuses anything; easy_done() is due all the same. */
bool easy_init(struct easy *e, const struct easy_args *args);
/* Harmless when all zero. Wipes by way of libcurl's allocators. */
void easy_done(struct easy *e);
