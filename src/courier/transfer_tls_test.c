/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SS-10: a farm of providers with bad TLS. Nothing of a request reaches any of them, and a good one is
 * spoken to only under the operator's CA file.
 */
#include "courier/transfer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "courier/testworld.h"

/* What a certificate of the farm is like; all zero is a good one for as.test. */
struct leaf {
	const char *name;	   /* NULL: as.test */
	long from_s, until_s;	   /* from now; 0, 0: an hour to both sides */
	bool self_signed, foreign; /* foreign: signed by a CA that nobody trusts */
};

static EVP_PKEY *ca_key, *foreign_key;
static X509 *ca, *foreign_ca;
static char ca_file[] = "/tmp/transfer_tls_test.XXXXXX";

static void add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(extension);
	assert_int_equal(X509_add_ext(cert, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static X509 *make_cert(const char *name, EVP_PKEY *key, const X509 *issuer, EVP_PKEY *issuer_key, long from_s,
		       long until_s)
{
	static long serial = 1;
	X509 *cert = X509_new();

	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
	X509_gmtime_adj(X509_getm_notBefore(cert), from_s);
	X509_gmtime_adj(X509_getm_notAfter(cert), until_s);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
				   0);
	X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert));
	if (issuer_key == key) {
		add_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
	} else {
		char san[128];

		snprintf(san, sizeof san, "DNS:%s", name);
		add_extension(cert, NID_subject_alt_name, san);
	}
	assert_true(X509_sign(cert, issuer_key, EVP_sha256()) > 0);
	return cert;
}

static char *pem_of(struct testworld *w, BIO *bio)
{
	char *text;
	long n = BIO_get_mem_data(bio, &text);
	char *copy = arena_strndup(w->arena, slice_make(text, (size_t)n));

	BIO_free(bio);
	return copy;
}

/* Starts a provider with that certificate in place of the plain one. */
static void serve(struct testworld *w, struct leaf l, int max_version)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	const char *name = l.name ? l.name : "as.test";
	long from_s = l.until_s ? l.from_s : -3600, until_s = l.until_s ? l.until_s : 3600;
	X509 *cert = l.self_signed ? make_cert(name, key, NULL, key, from_s, until_s)
		     : l.foreign   ? make_cert(name, key, foreign_ca, foreign_key, from_s, until_s)
				   : make_cert(name, key, ca, ca_key, from_s, until_s);
	BIO *cert_text = BIO_new(BIO_s_mem()), *key_text = BIO_new(BIO_s_mem());
	struct testserver_tls tls = {.max_version = max_version};

	PEM_write_bio_X509(cert_text, cert);
	PEM_write_bio_PrivateKey(key_text, key, NULL, NULL, 0, NULL, NULL);
	tls.cert_pem = pem_of(w, cert_text);
	tls.key_pem = pem_of(w, key_text);
	testserver_stop(&w->server);
	w->server = testserver_start(&tls);
	testworld_answer(w, TESTWORLD_OK);
	w->request.url = arena_printf(w->arena, "https://as.test:%u/token", testserver_port(w->server));
	X509_free(cert);
	EVP_PKEY_free(key);
}

static int setup(void **state)
{
	struct testworld *w;

	assert_int_equal(testworld_setup(state), 0);
	w = *state;
	transfers_free(&w->transfers);
	resolver_free(&w->resolver);
	testworld_open(w, "127.0.0.1/32", ca_file, 2000);
	return 0;
}

static void good_tls_is_spoken_to(void **state)
{
	static const int versions[] = {0, TLS1_3_VERSION, TLS1_2_VERSION};
	struct testworld *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		serve(w, (struct leaf){0}, versions[i]);
		testworld_run(w);
		assert_int_equal(w->answer.err, ERR_OK);
		assert_int_equal(w->answer.status, 200);
		assert_true(w->answer.complete);
		assert_true(slice_is(w->answer.body, "hello"));
		assert_int_equal(testserver_requests(w->server), 1);
	}
}

static void ss_10_bad_tls_gets_no_request(void **state)
{
	static const struct {
		const char *what;
		struct leaf leaf;
		int max_version;
	} cases[] = {
		{"expired", {.from_s = -7200, .until_s = -3600}, 0},
		{"not yet valid", {.from_s = 3600, .until_s = 7200}, 0},
		{"wrong name", {.name = "other.test"}, 0},
		{"name below ours", {.name = "x.as.test"}, 0},
		{"wildcard elsewhere", {.name = "*.as.test"}, 0},
		{"self-signed", {.self_signed = true}, 0},
		{"foreign CA", {.foreign = true}, 0},
		{"TLS 1.1", {0}, TLS1_1_VERSION},
		{"TLS 1.0", {0}, TLS1_VERSION},
	};
	struct testworld *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		serve(w, cases[i].leaf, cases[i].max_version);
		testworld_run(w);
		if (w->answer.err != ERR_UPSTREAM_DOWN || testserver_requests(w->server) != 0)
			fail_msg("%s: err %d, %d requests", cases[i].what, (int)w->answer.err,
				 testserver_requests(w->server));
		testworld_assert_unreachable(w, ERR_UPSTREAM_DOWN, false);
		assert_int_equal(testserver_connections(w->server), 1); /* no second try with less */
	}
}

/* The CA file takes the place of the system's list, so without it the same provider is a stranger. */
static void ss_10_the_system_does_not_know_our_ca(void **state)
{
	struct testworld *w = *state;

	transfers_free(&w->transfers);
	resolver_free(&w->resolver);
	testworld_open(w, "127.0.0.1/32", "", 2000);
	serve(w, (struct leaf){0}, 0);
	testworld_run(w);
	testworld_assert_unreachable(w, ERR_UPSTREAM_DOWN, false);
	assert_int_equal(testserver_requests(w->server), 0);
}

static void ss_10_plain_text_on_a_tls_port(void **state)
{
	struct testworld *w = *state;

	w->request.url = arena_printf(w->arena, "https://as.test:%u/token", testserver_port(w->server));
	testworld_script(w, (struct testserver_script){.no_read = true});
	testworld_run(w);
	testworld_assert_unreachable(w, ERR_UPSTREAM_DOWN, false);
	assert_int_equal(testserver_requests(w->server), 0);
}

/* An end that nobody signed may be a cut: only a close_notify or a length makes an answer whole. */
static void ss_10_truncation_is_noticed(void **state)
{
	static const char open_end[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello";
	struct testworld *w = *state;

	serve(w, (struct leaf){0}, 0);
	testworld_script(w, (struct testserver_script){.response = open_end, .n = sizeof open_end - 1});
	testworld_run(w);
	assert_int_equal(w->answer.status, 200);
	assert_true(w->answer.complete);
	testworld_script(
		w, (struct testserver_script){.response = open_end, .n = sizeof open_end - 1, .rude_tls = true});
	testworld_run(w);
	assert_int_equal(w->answer.err, ERR_OK);
	assert_int_equal(w->answer.status, 200);
	assert_false(w->answer.complete);
	assert_true(slice_is(w->answer.body, "hello"));
	testworld_script(w, (struct testserver_script){.response = TESTWORLD_OK,
						       .n = sizeof TESTWORLD_OK - 1,
						       .rude_tls = true});
	testworld_run(w);
	assert_true(w->answer.complete); /* its length was told */
}

static int make_farm(void **state)
{
	FILE *f;
	int fd;

	(void)state;
	ca_key = EVP_EC_gen("P-256");
	foreign_key = EVP_EC_gen("P-256");
	ca = make_cert("Test CA", ca_key, NULL, ca_key, -3600, 86400);
	foreign_ca = make_cert("Foreign CA", foreign_key, NULL, foreign_key, -3600, 86400);
	fd = mkstemp(ca_file);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f)
		return -1;
	PEM_write_X509(f, ca);
	return fclose(f);
}

static int end_farm(void **state)
{
	(void)state;
	unlink(ca_file);
	X509_free(ca);
	X509_free(foreign_ca);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(foreign_key);
	return 0;
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, testworld_teardown)
	const struct CMUnitTest tests[] = {
		TEST(good_tls_is_spoken_to),
		TEST(ss_10_bad_tls_gets_no_request),
		TEST(ss_10_the_system_does_not_know_our_ca),
		TEST(ss_10_plain_text_on_a_tls_port),
		TEST(ss_10_truncation_is_noticed),
	};
#undef TEST

	return cmocka_run_group_tests(tests, make_farm, end_farm);
}
