/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP client: what it does when the other side isn't who or what it should be. */
#include "cli/client.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/mem.h"
#include "cli/script.h"

/* A TLS server whose certificate nobody has signed but itself; it serves one connection. */
struct impostor {
	SSL_CTX *ctx;
	pthread_t thread;
	int listener;
	unsigned port;
	size_t bytes;	       /* of the request that it got to read */
	unsigned long refusal; /* why the handshake failed */
};

static void give_identity(SSL_CTX *ctx)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();

	assert_non_null(key);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)"localhost",
				   -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(cert));
	X509_set_pubkey(cert, key);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	assert_int_equal(SSL_CTX_use_certificate(ctx, cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void *serve(void *arg)
{
	struct impostor *s = arg;
	int fd = accept(s->listener, NULL, NULL);
	SSL *ssl = SSL_new(s->ctx);
	char bytes[4096];
	int n;

	SSL_set_fd(ssl, fd);
	/* With TLS 1.3 the client's refusal arrives after our half of the handshake, on the first read. */
	if (SSL_accept(ssl) == 1 && (n = SSL_read(ssl, bytes, sizeof bytes)) > 0)
		s->bytes = (size_t)n;
	s->refusal = ERR_peek_last_error();
	SSL_free(ssl);
	close(fd);
	return NULL;
}

static void start_impostor(struct impostor *s)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof at;

	*s = (struct impostor){.ctx = SSL_CTX_new(TLS_server_method())};
	give_identity(s->ctx);
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&at, n), 0);
	assert_int_equal(listen(s->listener, 4), 0);
	assert_int_equal(getsockname(s->listener, (struct sockaddr *)&at, &n), 0);
	s->port = ntohs(at.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void stop_impostor(struct impostor *s)
{
	pthread_join(s->thread, NULL);
	close(s->listener);
	SSL_CTX_free(s->ctx);
}

static enum err get(const char *root, struct jsonr **ret_doc, struct errinfo *ei)
{
	CLEANUP(secret_free) struct secret *key = secret_new(SLICE_LIT("canaryKEY"));
	CLEANUP(client_free) struct client *c = NULL;
	const struct client_args args = {.root = root, .instance = "test", .key = key};
	const struct client_call call = {.method = "GET", .path = "/x"};

	assert_int_equal(client_new(&args, &c, NULL), ERR_OK);
	return client_call(c, &call, ret_doc, ei);
}

/* RFC 6819 §4.1.1 in small: the key must not reach a server that only claims to be ours. */
static void untrusted_certificate_gets_no_request(void **state)
{
	struct errinfo ei = {0};
	struct jsonr *doc = NULL;
	struct impostor server;
	char root[64];

	(void)state;
	start_impostor(&server);
	snprintf(root, sizeof root, "https://localhost:%u", server.port);
	assert_int_equal(get(root, &doc, &ei), ERR_UPSTREAM_DOWN);
	stop_impostor(&server);
	assert_non_null(strstr(ei.detail, "can't be trusted"));
	assert_string_equal(ei.code, "server_unreachable");
	assert_null(doc);
	assert_int_equal(server.bytes, 0);
	assert_int_equal(ERR_GET_REASON(server.refusal), SSL_R_TLSV1_ALERT_UNKNOWN_CA);
}

static void the_key_goes_along_once(void **state)
{
	struct errinfo ei = {0};
	struct jsonr *doc = NULL;
	struct script *script = script_new();
	const char *found;
	char root[64];

	(void)state;
	script_reply(script, "GET /api/v1/x", 200, "", "{}");
	snprintf(root, sizeof root, "http://127.0.0.1:%u", script_port(script));
	assert_int_equal(get(root, &doc, &ei), ERR_OK);
	assert_int_equal(jsonr_type(doc), JSONR_OBJECT);
	found = strstr(script_request(script, 0)->head, "Authorization: Bearer canaryKEY\r\n");
	assert_non_null(found);
	assert_null(strstr(found + strlen("Authorization: Bearer canaryKEY"), "canaryKEY"));
	assert_null(strstr(script_request(script, 0)->line, "canaryKEY"));
	jsonr_free(&doc);
	script_free(&script);
}

static void an_endless_answer_is_cut(void **state)
{
	enum { MORE_THAN_ALLOWED = 9 * 1024 * 1024 };
	struct script *script = script_new();
	char *body = mem_calloc(MORE_THAN_ALLOWED + 1, 1), root[64];
	struct errinfo ei = {0};
	struct jsonr *doc = NULL;

	(void)state;
	memset(body, ' ', MORE_THAN_ALLOWED);
	script_reply(script, "GET /api/v1/x", 200, "", body);
	snprintf(root, sizeof root, "http://127.0.0.1:%u", script_port(script));
	assert_int_equal(get(root, &doc, &ei), ERR_TOO_LARGE);
	assert_non_null(strstr(ei.detail, "larger than 8388608 bytes"));
	assert_null(doc);
	script_free(&script);
	mem_free_str(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(untrusted_certificate_gets_no_request),
		cmocka_unit_test(the_key_goes_along_once),
		cmocka_unit_test(an_endless_answer_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
