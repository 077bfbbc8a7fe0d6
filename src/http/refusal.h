/* SPDX-License-Identifier: Apache-2.0 */
/* Why a request is refused before anybody sees it: one table of kind, HTTP status and sentence. */
#pragma once

#include "base/err.h"

/* name, error kind, HTTP status, what a person reads */
#define REFUSALS(X) \
	X(NONE, OK, 0, "") \
	X(FIRST_BYTE, INVALID, 400, "this is not an HTTP/1.1 request") \
	X(LINE_END, INVALID, 400, "a line of the head does not end with CRLF") \
	X(REQUEST_LINE, INVALID, 400, "the request line is not 'METHOD /path HTTP/1.1'") \
	X(TARGET_FORM, INVALID, 400, "the request target must be a path that begins with '/'") \
	X(TARGET_BYTE, INVALID, 400, "the request target holds a character that must be percent-encoded") \
	X(TARGET_LONG, TOO_LARGE, 414, "the URL is longer than 8192 bytes") \
	X(PATH_ESCAPE, INVALID, 400, "the path holds a broken or forbidden percent-encoding") \
	X(PATH_DOTS, INVALID, 400, "the path holds a '.' or '..' segment") \
	X(PATH_DEEP, NOT_FOUND, 404, "nothing is served at a path of so many segments") \
	X(METHOD, INVALID, 501, "this method is not implemented here") \
	X(METHOD_BANNED, INVALID, 405, "TRACE and CONNECT are not served") \
	X(VERSION, INVALID, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here") \
	X(FOLDED, INVALID, 400, "a header line begins with a blank (folded headers are not taken)") \
	X(NAME, INVALID, 400, "a header's name is empty, holds a forbidden character or ends in a blank") \
	X(VALUE, INVALID, 400, "a header's value holds a control character") \
	X(HEAD_LARGE, TOO_LARGE, 431, "the headers are larger than 16384 bytes") \
	X(HEAD_MANY, TOO_LARGE, 431, "there are more than 64 headers") \
	X(HOST, INVALID, 400, "there must be exactly one Host header with a host name") \
	X(TWICE, INVALID, 400, "a header that may come once came twice") \
	X(LENGTH, INVALID, 400, "Content-Length must be one plain decimal number") \
	X(LENGTH_AND_CODING, INVALID, 400, "Content-Length and Transfer-Encoding exclude each other") \
	X(PADDED, INVALID, 400, "there are blanks behind the value of Content-Length or Transfer-Encoding") \
	X(CODING, INVALID, 501, "the only Transfer-Encoding taken is 'chunked', with HTTP/1.1") \
	X(EXPECT, INVALID, 417, "the only expectation met is '100-continue'") \
	X(BODY_LARGE, TOO_LARGE, 413, "the body is larger than 65536 bytes") \
	X(CHUNK, INVALID, 400, "the chunked body is malformed, or carries extensions or trailers") \
	X(PARSER, INVALID, 400, "the request is malformed") \
	X(HEAD_SLOW, TIMEOUT, 408, "the head of the request took too long to arrive") \
	X(BODY_SLOW, TIMEOUT, 408, "the body of the request took too long to arrive")

enum refusal {
#define X(name, kind, status, text) REFUSAL_##name,
	REFUSALS(X)
#undef X
		REFUSAL__COUNT
};

struct refusal_kind {
	enum err err;
	int status;
	const char *text;
};

/* Never NULL. */
const struct refusal_kind *refusal_kind(enum refusal r);
