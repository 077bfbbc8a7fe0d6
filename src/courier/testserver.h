/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests: a provider of a few lines on a loopback port, in a thread of its own, that answers each
 * request with scripted bytes and counts what it saw. With a certificate it speaks TLS.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct testserver;

/* What happens to a connection once its request has been read. All zero: it is closed. */
struct testserver_script {
	const char *response; /* raw bytes; static or outliving the server */
	size_t n;
	int delay_ms;	/* before the answer */
	int drip_ms;	/* one byte, then this pause */
	bool hang;	/* says nothing until the server stops */
	bool reset;	/* ends with RST instead of FIN */
	bool no_read;	/* closes without reading */
	bool rude_tls;	/* closes without close_notify */
};

struct testserver_tls {
	const char *cert_pem, *key_pem; /* texts */
	int max_version;		/* 0, or TLS1_VERSION and so on */
};

struct testserver *testserver_start(const struct testserver_tls *tls);
void testserver_stop(struct testserver **sp);
uint16_t testserver_port(const struct testserver *s);
void testserver_script(struct testserver *s, const struct testserver_script *script);
int testserver_connections(struct testserver *s);
int testserver_requests(struct testserver *s);
/* The last request's bytes as text, valid until the next one. */
const char *testserver_last(struct testserver *s);
