/* SPDX-License-Identifier: Apache-2.0 */
/* Validators of single configuration values. Pure functions. */
#pragma once

#include <sys/socket.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Each gets a value without control characters. ERR_CONFIG when it is not allowed; `ei` holds a sentence only
 * when the reason is another than the form that the table states.
 */
typedef enum err config_check_fn(const char *value, struct errinfo *ei);

config_check_fn config_check_listen, config_check_public_url, config_check_data_dir, config_check_database,
	config_check_master_key_file, config_check_workers, config_check_cache_bytes, config_check_trusted_proxies,
	config_check_connections_per_address, config_check_rate, config_check_egress_allow, config_check_egress_ca_file, config_check_template_dir,
	config_check_audit_sync, config_check_log_file, config_check_sandbox, config_check_debug;

/* An address as "127.0.0.1:7001" or "[::1]:7001" has it. ERR_CONFIG otherwise. */
enum err config_check_address(const char *value, struct sockaddr_storage *ret_address, socklen_t *ret_n);
