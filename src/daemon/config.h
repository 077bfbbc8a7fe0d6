/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration: one table, read from the environment and a file, checked at start and immutable
 * from then on. The table is also the user's documentation (docs/configuration.md).
 */
#pragma once

#include <sys/socket.h>

#include "base/buf.h"
#include "base/err.h"
#include "ipc/ipc.h"

/*
 * key, name, default, roles that get it, allowed form, what it does. "<data dir>" and "<listen>" in a
 * default stand for the values of those keys, "<cores>" for the number of processor cores. A key stands
 * here only when something reads it.
 */
#define CONFIG_KEYS(X)                                                                                              \
	X(LISTEN, "FIBERWISE_LISTEN", "127.0.0.1:7001", 0,                                                          \
	  "an address and a port from 1 to 65535, such as 127.0.0.1:7001 or [::1]:7001",                            \
	  "Where the service listens. Put a TLS-terminating proxy in front of anything but loopback.")              \
	X(PUBLIC_URL, "FIBERWISE_PUBLIC_URL", "http://<listen>", IPC_STORE_ROLES,                                       \
	  "an https:// address without path, or an http:// one on loopback (127.0.0.1, [::1], localhost)",          \
	  "The address under which browsers and apps reach the service; callbacks and links are made from it.")     \
	X(DATA_DIR, "FIBERWISE_DATA_DIR", ".fiberwise-core", IPC_STORE_ROLES | IPC_SET(INIT) | IPC_SET(COURIER),    \
	  "a directory that belongs to the user who runs fiberd; it is made when missing",                          \
	  "Where everything lies that the service keeps. Locked while in use, readable by its owner only.")         \
	X(DATABASE, "FIBERWISE_DATABASE", "sqlite:<data dir>/fiberwise.db", IPC_STORE_ROLES | IPC_SET(INIT),        \
	  "sqlite:<path of a file>", "The database.")                                                               \
	X(MASTER_KEY_FILE, "FIBERWISE_MASTER_KEY_FILE", "<data dir>/keys/master.key",                               \
	  IPC_SET(KEEPER) | IPC_SET(INIT), "the path of a file that only its owner, the user who runs fiberd, may read", \
	  "The master key, 64 hex digits. Made at the first start; keep a copy apart from the database's: without " \
	  "it no stored token can be opened.")                                                                      \
	X(WORKERS, "FIBERWISE_WORKERS", "<cores>", 0, "a number from 1 to 64", "How many processes answer HTTP.")   \
	X(CACHE_BYTES, "FIBERWISE_CACHE_BYTES", "33554432", IPC_SET(WORKER), "a number from 0 to 17179869184",      \
	  "How much memory each of these processes may use to keep access tokens that were read lately; about a thousand bytes " \
	  "and the token's length for each. With 0 every read asks the database.")                                \
	X(TRUSTED_PROXIES, "FIBERWISE_TRUSTED_PROXIES", "", IPC_SET(WORKER),                                        \
	  "a list of CIDR, separated by commas, such as 127.0.0.1/32, 10.0.0.0/24; at most 64",                     \
	  "The proxies in front of the service. Of a request that comes from one, the client is the right-most address in "  \
	  "X-Forwarded-For (or Forwarded) that is none of them; of any other request these headers are not read. List only "  \
	  "proxies that set the header on every request. Empty: none, and all who come through a proxy share one address's limits.") \
	X(CONNECTIONS_PER_ADDRESS, "FIBERWISE_CONNECTIONS_PER_ADDRESS", "256", IPC_SET(WORKER), "a number from 1 to 1000000", \
	  "How many connections one client address (IPv6: one /64) may have open to each of the processes that answer HTTP. " \
	  "Trusted proxies and loopback may have more.")                                                            \
	X(CONNECTS_PER_ADDRESS, "FIBERWISE_CONNECTS_PER_ADDRESS", "1000", IPC_SET(WORKER), "a number from 0 to 1000000000", \
	  "How many connects one client address (IPv6: one /64) may have under way; half of them may begin at once. One that nobody goes " \
	  "on with ends after ten minutes. 0: no limit.")                                                           \
	X(RATE_READS, "FIBERWISE_RATE_READS", "250000", IPC_SET(WORKER), "a number from 0 to 1000000000",                \
	  "How many tokens a second one API key may read that are answered from memory; a second's worth may come at once. " \
	  "Beyond it, as with all limits: 429 with Retry-After. 0: no limit.")                                      \
	X(RATE_KEY, "FIBERWISE_RATE_KEY", "1000", IPC_SET(WORKER), "a number from 0 to 1000000000",                      \
	  "How many other requests a second one API key may make, reads of tokens that are not in memory among them; two seconds' " \
	  "worth may come at once. 0: no limit.")                                                                   \
	X(RATE_APP, "FIBERWISE_RATE_APP", "5000", IPC_SET(WORKER), "a number from 0 to 1000000000",                      \
	  "The same for all API keys of one app together. 0: no limit.")                                            \
	X(RATE_USER, "FIBERWISE_RATE_USER", "100", IPC_SET(WORKER), "a number from 0 to 1000000000",                     \
	  "How many requests a second may be made for one user: in their session, or by API keys that name them as user; five " \
	  "seconds' worth may come at once. 0: no limit.")                                                          \
	X(RATE_ADDRESS, "FIBERWISE_RATE_ADDRESS", "50", IPC_SET(WORKER), "a number from 0 to 1000000000",                \
	  "How many requests a second without a valid API key one client address (IPv6: one /64) may make; ten seconds' worth may " \
	  "come at once. A valid key is never held up by others at its address. /health and /ready are not counted. 0: no limit.") \
	X(EGRESS_ALLOW, "FIBERWISE_EGRESS_ALLOW", "", IPC_SET(COURIER),                                             \
	  "a list of CIDR[:port], separated by commas, such as 10.1.0.0/16:443, [::1]/128",                         \
	  "Private addresses at which providers may live all the same; http is allowed only to these. Empty: none.") \
	X(EGRESS_CA_FILE, "FIBERWISE_EGRESS_CA_FILE", "", IPC_SET(COURIER),                                         \
	  "the path of a file of certificates in PEM form, or empty",                                               \
	  "Whom the service believes when a provider shows its certificate. Empty: whom this machine believes.")    \
	X(TEMPLATE_DIR, "FIBERWISE_TEMPLATE_DIR", "", IPC_SET(WORKER), "the path of a directory, or empty",              \
	  "Templates of your own, *.json as providers/FORMAT.md has them: they add to those that come with the service, or take the place " \
	  "of one. A changed file counts from the next second on; a broken one is named in the log, and what it held before stays.") \
	X(AUDIT_SYNC, "FIBERWISE_AUDIT_SYNC", "100ms", IPC_STORE_ROLES, "100ms or always",                          \
	  "When audit records reach the disk. They are always written before the answer leaves, so a killed process loses none; " \
	  "after a power cut the last 100 ms may be missing. With always every answer waits for the disk.")       \
	X(LOG_FILE, "FIBERWISE_LOG_FILE", "<data dir>/logs/oauth.log", 0, "the path of a file",                     \
	  "The log, one JSON object a line. Reopened on SIGHUP.")                                                   \
	X(SANDBOX, "FIBERWISE_SANDBOX", "auto", IPC_CHILDREN, "auto, off or required",                                    \
	  "Whether each process shuts itself in: only its own files (Landlock) and its own system calls (seccomp). With auto " \
	  "it does what this kernel has, and the log says what is missing; with required the service does not start without.") \
	X(DEBUG, "OAUTH_DEBUG", "false", IPC_CHILDREN, "true or false", "More lines in the log; never a secret.")

enum config_key {
#define X(key, name, standard, roles, form, what) CONFIG_##key,
	CONFIG_KEYS(X)
#undef X
		CONFIG_KEY__COUNT
};

enum { CONFIG_WORKERS_MAX = 64 };

struct config;

struct config_args {
	const char *file; /* --config; NULL: fiberd.conf in the data directory, if there is one */
	char *const *env; /* NAME=value, NULL at the end */
};

/*
 * Reads and checks everything, touches nothing. ERR_CONFIG: the sentence names where it stands, the key, its
 * value and the allowed form; for an unknown key the nearest known one.
 */
enum err config_load(const struct config_args *args, struct config **ret_config, struct errinfo *ei);
void config_free(struct config **c);

/* The value as text, never NULL. */
const char *config_get(const struct config *c, enum config_key key);
/* By name, as a role gets it: the database as a path. "" when there is no such key. */
const char *config_path(const struct config *c, const char *name);
const char *config_name(enum config_key key);
/* "default", "environment", or "<file> line <n>". */
const char *config_source(const struct config *c, enum config_key key);
unsigned config_workers(const struct config *c);
/* The address of FIBERWISE_LISTEN; returns its length. */
socklen_t config_listen(const struct config *c, struct sockaddr_storage *ret_address);
/* Appends lines NAME=value of the keys that this role gets; FIBERWISE_DATABASE as the file's path. */
void config_put_role(const struct config *c, enum ipc_role role, struct buf *out);
/* Appends docs/configuration.md. */
void config_put_docs(struct buf *out);
