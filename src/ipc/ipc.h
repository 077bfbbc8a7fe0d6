/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages between roles over SOCK_SEQPACKET pairs: the table of who may send what to whom, and the
 * frame that carries one message.
 *
 * A frame is: kind u16, field count u16, flags u32, id u64, then per field type u8, length u32 and
 * the bytes (little endian). A frame has at most 128 KiB; a message with more goes as a sealed memfd
 * beside a frame with flag IPC_BODY_IN_MEMFD. A message whose kind is not in the table for this
 * sender and receiver, or whose fields do not fit the table, ends the connection.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#define IPC_ROLES(X)                       \
	X(SUPERVISOR, "supervisor")        \
	X(INIT, "init")                    \
	X(KEEPER, "keeper")                \
	X(COURIER, "courier")              \
	X(CLERK, "clerk")                  \
	X(WORKER, "worker")

enum ipc_role {
#define X(role, name) IPC_##role,
	IPC_ROLES(X)
#undef X
		IPC_ROLE__COUNT
};

const char *ipc_role_name(enum ipc_role role);

/* Sets of roles, for the table. */
#define IPC_SET(role) (1u << IPC_##role)
#define IPC_STORE_ROLES (IPC_SET(CLERK) | IPC_SET(WORKER))
#define IPC_CHILDREN (IPC_SET(INIT) | IPC_SET(KEEPER) | IPC_SET(COURIER) | IPC_SET(CLERK) | IPC_SET(WORKER))

/*
 * kind, senders, receivers, fields, how often on one connection. A letter a field: s text or bytes,
 * i int64, f file descriptor. Answers carry the id of what they answer. Field order is that of the
 * enums below.
 */
#define IPC_MESSAGES(X) \
	/* life of a role */ \
	X(START, IPC_SET(SUPERVISOR), IPC_CHILDREN, "siisfffff", ONCE) \
	X(READY, IPC_CHILDREN, IPC_SET(SUPERVISOR), "", ONCE) \
	X(FAILED, IPC_CHILDREN, IPC_SET(SUPERVISOR), "iss", ONCE) \
	X(SAY, IPC_CHILDREN, IPC_SET(SUPERVISOR), "s", OFTEN) \
	X(PEER, IPC_SET(SUPERVISOR), IPC_CHILDREN, "iif", OFTEN) \
	X(STOP, IPC_SET(SUPERVISOR), IPC_CHILDREN, "", ONCE) \
	X(LOG, IPC_SET(SUPERVISOR), IPC_CHILDREN, "f", OFTEN) \
	X(PING, IPC_SET(SUPERVISOR), IPC_CHILDREN, "", OFTEN) \
	X(PONG, IPC_CHILDREN, IPC_SET(SUPERVISOR), "", OFTEN) \
	X(BROKE, IPC_CHILDREN, IPC_SET(SUPERVISOR), "ii", OFTEN) \
	X(ADMIN_LINK, IPC_SET(SUPERVISOR), IPC_SET(WORKER), "", OFTEN) \
	X(ADMIN_LINKED, IPC_SET(WORKER), IPC_SET(SUPERVISOR), "is", OFTEN) \
	/* keys */ \
	X(NEW_KEY, IPC_STORE_ROLES, IPC_SET(KEEPER), "ssi", OFTEN) \
	X(UNWRAP, IPC_STORE_ROLES, IPC_SET(KEEPER), "ssis", OFTEN) \
	X(KEY, IPC_SET(KEEPER), IPC_STORE_ROLES, "isss", OFTEN) \
	X(OPEN_SPOOL, IPC_SET(CLERK), IPC_SET(KEEPER), "ss", OFTEN) \
	X(SPOOL_OPENED, IPC_SET(KEEPER), IPC_SET(CLERK), "iss", OFTEN) \
	X(SPOOL_KEYS, IPC_SET(KEEPER), IPC_SET(COURIER), "ss", ONCE) \
	/* requests to providers */ \
	X(FETCH, IPC_SET(CLERK), IPC_SET(COURIER), "isssissss", OFTEN) \
	X(FETCHED, IPC_SET(COURIER), IPC_SET(CLERK), "isssi", OFTEN) \
	X(JOIN, IPC_SET(CLERK), IPC_SET(COURIER), "s", OFTEN) \
	X(RELEASE, IPC_SET(CLERK), IPC_SET(COURIER), "s", OFTEN) \
	X(HOLDS, IPC_SET(COURIER), IPC_SET(CLERK), "s", OFTEN) \
	/* the life of grants */ \
	X(EXCHANGE, IPC_SET(WORKER), IPC_SET(CLERK), "ss", OFTEN) \
	X(EXCHANGED, IPC_SET(CLERK), IPC_SET(WORKER), "isssis", OFTEN) \
	X(REFRESH, IPC_SET(WORKER), IPC_SET(CLERK), "sii", OFTEN) \
	X(REFRESHED, IPC_SET(CLERK), IPC_SET(WORKER), "isssis", OFTEN) \
	X(REVOKE, IPC_SET(WORKER), IPC_SET(CLERK), "s", OFTEN) \
	X(DISCOVER, IPC_SET(WORKER), IPC_SET(CLERK), "s", OFTEN) \
	X(DISCOVERED, IPC_SET(CLERK), IPC_SET(WORKER), "isssiss", OFTEN) \
	X(USED, IPC_SET(WORKER), IPC_SET(CLERK), "is", OFTEN)

enum ipc_kind {
#define X(kind, from, to, fields, often) IPC_##kind,
	IPC_MESSAGES(X)
#undef X
		IPC_KIND__COUNT
};

enum {
	IPC_FIELDS_MAX = 9,
	IPC_FRAME_MAX = 128 * 1024,
	IPC_BODY_MAX = 1 << 20,           /* one encoded message, memfd included */
	IPC_ARENA_BYTES = IPC_BODY_MAX + 4096, /* what an arena must hold beside its other contents to receive one */
	IPC_HEAD_BYTES = 16,
};
/* Frame flags. */
enum { IPC_BODY_IN_MEMFD = 1 };

/*
 * START: what a role needs. `config` is lines "NAME=value\n" of only those keys that the role needs;
 * `slot` tells several workers apart; `workers` is their number; `instance` is random per start of the
 * supervisor; `log` is where log lines go; `socket` is the worker's listening socket, `stripes` the shared memory of the
 * roles with a store (store/stripes.h), `limits` that of the workers (base/buckets.h); for others each is /dev/null. `metrics` is
 * the memory in which all count (base/metrics.h).
 */
enum {
	IPC_START_CONFIG,
	IPC_START_SLOT,
	IPC_START_WORKERS,
	IPC_START_INSTANCE,
	IPC_START_LOG,
	IPC_START_SOCKET,
	IPC_START_STRIPES,
	IPC_START_LIMITS,
	IPC_START_METRICS,
};
/* FAILED: the kind of error and what a person reads; the role exits after it. */
enum { IPC_FAILED_ERR, IPC_FAILED_DETAIL, IPC_FAILED_HINT };
/* PEER: a new connection to that role and slot; the one before, if any, is read to its end first. */
enum { IPC_PEER_ROLE, IPC_PEER_SLOT, IPC_PEER_SOCKET };
/* BROKE: this partner sent what the table does not allow, the connection to it was closed; the pair is introduced anew. */
enum { IPC_BROKE_ROLE, IPC_BROKE_SLOT };
/* PING: is the loop of this role still turning? PONG: yes. */
/* LOG: the log file was opened anew; lines go there from now on. */
enum { IPC_LOG_FILE };
/* SAY: a line for the administrator's terminal only (the sign-in link), never for a log. ADMIN_LINKED: err, the link. */
enum { IPC_SAY_TEXT };
enum { IPC_ADMIN_LINKED_ERR, IPC_ADMIN_LINKED_TEXT };
/*
 * NEW_KEY: the keeper makes a data key with this id, app ("" platform) and epoch. UNWRAP: the same and
 * its wrapped form. KEY: error, sentence, wrapped form, clear bytes.
 */
enum { IPC_KEY_ID, IPC_KEY_APP, IPC_KEY_EPOCH, IPC_KEY_WRAPPED };
enum { IPC_KEY_ERR, IPC_KEY_DETAIL, IPC_KEY_WRAPPED_OUT, IPC_KEY_CLEAR };
/* OPEN_SPOOL: head and entry as FETCHED gave them. SPOOL_OPENED: error, sentence, the clear body. */
enum { IPC_OPEN_SPOOL_HEAD, IPC_OPEN_SPOOL_ENTRY };
enum { IPC_SPOOL_OPENED_ERR, IPC_SPOOL_OPENED_DETAIL, IPC_SPOOL_OPENED_BODY };
enum { IPC_SPOOL_KEYS_PUBLIC, IPC_SPOOL_KEYS_MAC };
/*
 * FETCH: a request to a provider (see fetch/fetch.h for the meaning of each part). FETCHED: error,
 * OAuth-free sentence, head (plain: status, attempt, …), body (sealed when the request yields tokens,
 * else clear), HTTP status. JOIN: the answer of this attempt, as FETCHED, or ERR_NOT_FOUND when the
 * courier knows nothing of it. RELEASE: forget this attempt. HOLDS: attempts whose outcome the courier keeps
 * while nobody has asked for it, 32 hex digits each, one after the other: ask for them or release them.
 */
enum {
	IPC_FETCH_FLAGS,
	IPC_FETCH_ATTEMPT,
	IPC_FETCH_METHOD,
	IPC_FETCH_URL,
	IPC_FETCH_BODY_CAP,
	IPC_FETCH_HEADERS,
	IPC_FETCH_BODY,
	IPC_FETCH_LABEL,
	IPC_FETCH_CONSUMES,
};
enum { IPC_FETCHED_ERR, IPC_FETCHED_DETAIL, IPC_FETCHED_HEAD, IPC_FETCHED_BODY, IPC_FETCHED_STATUS };
enum { IPC_JOIN_ATTEMPT };
enum { IPC_RELEASE_ATTEMPT };
enum { IPC_HOLDS_ATTEMPTS };
/* EXCHANGE: a claimed flow's id and its authorization code. EXCHANGED: error, wire code, sentence, hint. */
enum { IPC_EXCHANGE_FLOW, IPC_EXCHANGE_CODE };
/*
 * REFRESH: this grant's access token must have at least `min_life_ms` left, or be newer than generation
 * `newer_than` (-1: only life counts). REFRESHED: error, wire code, sentence, hint.
 */
enum { IPC_REFRESH_GRANT, IPC_REFRESH_MIN_LIFE_MS, IPC_REFRESH_NEWER_THAN };
enum { IPC_RESULT_ERR, IPC_RESULT_CODE, IPC_RESULT_DETAIL, IPC_RESULT_HINT, IPC_RESULT_RETRY_AFTER_S, IPC_RESULT_CAUSE };
/* REVOKE: a grant that was disconnected; the provider is to be told. No answer. */
enum { IPC_REVOKE_GRANT };
/* DISCOVER: this issuer's metadata is wanted. DISCOVERED: as REFRESHED, and behind it the document as it came. */
enum { IPC_DISCOVER_ISSUER };
enum { IPC_DISCOVERED_DOCUMENT = IPC_RESULT_CAUSE + 1 };
/* USED: tokens of these connections were read until that moment; ids, each ended by a newline. No answer. */
enum { IPC_USED_AT, IPC_USED_IDS };

struct ipc_field {
	struct slice bytes; /* s */
	int64_t number;     /* i */
	int fd;             /* f, else -1 */
};

struct ipc_message {
	enum ipc_kind kind;
	uint64_t id; /* 0: wants no answer */
	struct ipc_field field[IPC_FIELDS_MAX];
};

/* The field letters of a kind, and its name. "?" and "" for a number that is no kind. */
const char *ipc_fields(enum ipc_kind kind);
const char *ipc_kind_name(enum ipc_kind kind);
bool ipc_allowed(enum ipc_kind kind, enum ipc_role from, enum ipc_role to);
/* True for a kind that may come only once on one connection. */
bool ipc_once(enum ipc_kind kind);

/*
 * Encodes everything but descriptors. ERR_TOO_LARGE above IPC_BODY_MAX, ERR_INTERNAL for a message that
 * does not fit the table (our own bug).
 */
enum err ipc_encode(const struct ipc_message *m, struct buf *out);
/*
 * Decodes one frame; byte fields are views into `frame`. ERR_INVALID unless it fits the table exactly
 * for this sender and receiver. Descriptors are left at -1, ipc_receive() fills them in in order.
 */
enum err ipc_decode(struct slice frame, enum ipc_role from, enum ipc_role to, struct ipc_message *ret_message);

/* A connected pair for two roles: close-on-exec, not blocking, room for a whole frame. ERR_INTERNAL when out of descriptors. */
enum err ipc_pair(int ret_fds[2]);

/*
 * Sends one message on a descriptor; descriptors in it are duplicated by the kernel, the caller keeps
 * its own. ERR_BUSY when the socket's buffer is full (nothing was sent), ERR_INTERNAL when the peer is gone.
 */
enum err ipc_send(int fd, const struct ipc_message *m);
/* The same for a frame of ipc_encode() and the message's descriptors in order. */
enum err ipc_send_encoded(int fd, struct slice frame, const int *fds, size_t fd_count);
/*
 * Receives one message without waiting. Its bytes lie in the arena (wiped with it), which must have room
 * for IPC_ARENA_BYTES; its descriptors belong to the caller and are close-on-exec. ERR_BUSY: nothing
 * there; ERR_NOT_FOUND: end of file; ERR_INVALID: not allowed, close the connection.
 */
enum err ipc_receive(int fd, enum ipc_role from, enum ipc_role to, struct arena *a, struct ipc_message *ret_message);
/*
 * Sends and waits for the answer with the same id, for store threads, which speak to the keeper this
 * way. Ids rise from call to call: a lower one is the late answer of a call that was given up and is
 * dropped, any other is ERR_INVALID. ERR_TIMEOUT, ERR_INTERNAL (peer gone).
 */
enum err ipc_call(int fd, enum ipc_role self, enum ipc_role peer, const struct ipc_message *ask, int timeout_ms,
		  struct arena *a, struct ipc_message *ret_answer);
/* Closes the descriptors that came with a message and that nobody took. */
void ipc_close_fds(struct ipc_message *m);
