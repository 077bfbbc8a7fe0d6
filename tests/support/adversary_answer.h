/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One answer before it becomes bytes: status, header lines, and either named members (a JSON object,
 * a form, the query of a redirect) or a raw body; and how it is to be delivered.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"
#include "support/adversary_wire.h"

enum { ADVERSARY_MEMBERS_MAX = 48, ADVERSARY_HEADERS_MAX = 48 };

struct adversary_member {
	struct slice name;
	struct slice value; /* text as it is, or when !is_text JSON source, both unescaped on the way out */
	bool is_text;
};

enum adversary_form {
	ADVERSARY_JSON,	    /* members as an object; duplicates stay */
	ADVERSARY_FORM,	    /* application/x-www-form-urlencoded */
	ADVERSARY_SLACK,    /* {"ok":true,"authed_user":{members}} */
	ADVERSARY_CALLBACK, /* 302 to `location` with the members as query */
	ADVERSARY_BODY,	    /* `body` and `content_type` as they are */
};

struct adversary_answer {
	struct arena *arena; /* owns every text in here */
	int status;
	enum adversary_form form;
	struct adversary_member members[ADVERSARY_MEMBERS_MAX];
	size_t member_count;
	struct {
		struct slice name, value;
	} headers[ADVERSARY_HEADERS_MAX];
	size_t header_count;
	struct slice content_type;
	struct slice location;	/* of a callback, without its parameters */
	struct slice separator; /* between location and parameters; "?" when empty */
	struct slice suffix;	/* appended to the parameters as it is */
	struct adversary_wire body;
};

enum adversary_framing {
	ADVERSARY_BY_LENGTH,
	ADVERSARY_BY_CHUNKS,
	ADVERSARY_BY_CLOSE, /* neither; the end of the connection ends the body */
};

enum adversary_chunk_error {
	ADVERSARY_CHUNKS_FINE,
	ADVERSARY_CHUNK_BAD_SIZE,    /* "xyz" where the size belongs */
	ADVERSARY_CHUNK_HUGE_SIZE,   /* ffffffffffffffff and more */
	ADVERSARY_CHUNK_NO_CRLF,     /* no line end behind the data */
	ADVERSARY_CHUNK_NO_END,	     /* the last chunk is missing, then the end given by `then` */
	ADVERSARY_CHUNK_LONG_EXT,    /* an extension of 64 KiB */
	ADVERSARY_CHUNK_TRAILERS,    /* 1,000 trailer fields */
	ADVERSARY_CHUNK_WITH_LENGTH, /* Transfer-Encoding and Content-Length both (RFC 9112 §6.1) */
};

/* What happens to the connection behind the last byte sent. */
enum adversary_then {
	ADVERSARY_KEEP,	 /* as HTTP/1.1 says */
	ADVERSARY_CLOSE, /* FIN both ways, unannounced */
	ADVERSARY_RST,
	ADVERSARY_HALF_CLOSE, /* FIN of ours; what still comes is recorded and not answered */
	ADVERSARY_STALL,      /* stays open and says nothing more */
};

struct adversary_delivery {
	enum adversary_framing framing;
	enum adversary_chunk_error chunk_error;
	enum adversary_then then;
	struct slice content_length; /* n != 0: this instead of the right number */
	struct slice status_line;    /* n != 0: this instead of ours, without CRLF */
	struct slice raw;	     /* p != NULL: exactly these bytes and nothing of ours */
	int64_t interim_count;	     /* 1xx answers before the real one */
	int interim_status;
	int64_t flood_count; /* further header lines … */
	int64_t flood_bytes; /* … of that many bytes each */
	bool cut;	     /* send only `bytes` of all, counted from … */
	bool from_body;	     /* … the body's begin, else the head's */
	int64_t bytes;	     /* negative: that many less than all */
	int64_t bytes_per_s; /* 0: as fast as it goes */
};

/* The field's value becomes text or JSON source; the first member of that name, or a new one. */
void adversary_answer_set(struct adversary_answer *a, struct slice name, struct slice value, bool is_text);
/* As above, always a new member at the end, or in front. */
void adversary_answer_add(struct adversary_answer *a, struct slice name, struct slice value, bool is_text);
void adversary_answer_add_front(struct adversary_answer *a, struct slice name, struct slice value, bool is_text);
/* All members of that name. */
void adversary_answer_remove(struct adversary_answer *a, struct slice name);
/* The first of that name, or NULL. */
struct adversary_member *adversary_answer_find(struct adversary_answer *a, struct slice name);
void adversary_answer_header(struct adversary_answer *a, struct slice name, struct slice value);

/*
 * The bytes of the answer, in its arena. *ret_head_bytes tells where the body begins, *ret_close that
 * the connection must end behind it.
 */
void adversary_answer_render(struct adversary_answer *a, const struct adversary_delivery *delivery, bool keep_alive,
			     struct adversary_wire *ret_wire, uint64_t *ret_head_bytes, bool *ret_close);
