/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store thread's connection to the keeper: a key source, and opening what the courier spooled. The loop hands in
 * a new connection when a keeper was (re)started; a call that meets a dead one waits a moment for its successor.
 */
#pragma once

#include "core/keys.h"
#include "ipc/ipc.h"

struct keeper_client;

struct keeper_client *keeper_client_new(enum ipc_role self);
void keeper_client_free(struct keeper_client **k);
/* Takes `fd`. From any thread. */
void keeper_client_connect(struct keeper_client *k, int fd);
/* ERR_BUSY when no keeper answers within 3 s. */
struct key_source keeper_client_source(struct keeper_client *k);
/* Opens a spool entry (clerk only); the clear body in the arena. ERR_CRYPTO when it is refused. */
enum err keeper_client_open(struct keeper_client *k, struct slice head, struct slice entry, struct arena *a,
			    struct secret **ret_clear, struct errinfo *ei);
