/* SPDX-License-Identifier: Apache-2.0 */
/* What each configuration value may look like. Must never touch the disk or the network. */
#include "daemon/config_check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/url.h"
#include "courier/egress.h"
#include "daemon/config.h"
#include "http/proxies.h"

enum { PORT_MAX = 65535 };

enum err config_check_address(const char *value, struct sockaddr_storage *ret_address, socklen_t *ret_n)
{
	struct slice text = slice_from(value);
	struct sockaddr_storage to = {.ss_family = AF_INET};
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)&to;
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&to;
	const char *colon = strrchr(value, ':');
	char host[INET6_ADDRSTRLEN];
	struct slice address;
	uint64_t port;
	bool is_v6;

	if (!colon || !slice_to_u64(slice_from(colon + 1), PORT_MAX, &port) || port == 0)
		return ERR_CONFIG;
	address = slice_sub(text, 0, (size_t)(colon - value));
	is_v6 = address.n >= 2 && address.p[0] == '[' && address.p[address.n - 1] == ']';
	if (is_v6)
		address = slice_sub(address, 1, address.n - 2);
	if (address.n >= sizeof host)
		return ERR_CONFIG;
	memcpy(host, address.p, address.n);
	host[address.n] = '\0';
	if (inet_pton(is_v6 ? AF_INET6 : AF_INET, host, is_v6 ? (void *)&v6->sin6_addr : (void *)&v4->sin_addr) != 1)
		return ERR_CONFIG;
	to.ss_family = is_v6 ? AF_INET6 : AF_INET;
	v4->sin_port = htons((uint16_t)port); /* at the same place in both */
	*ret_address = to;
	*ret_n = is_v6 ? sizeof *v6 : sizeof *v4;
	return ERR_OK;
}

enum err config_check_listen(const char *value, struct errinfo *ei)
{
	struct sockaddr_storage address;
	socklen_t n;

	(void)ei;
	return config_check_address(value, &address, &n);
}

enum err config_check_public_url(const char *value, struct errinfo *ei)
{
	struct errinfo why = {.detail = ""};
	struct url u;

	if (url_parse(slice_from(value), &u, &why))
		return ERR_CONFIG;
	if (u.path.n > 0 || u.query.p || u.fragment.p)
		return ERR_CONFIG;
	if (u.is_https || url_is_loopback(&u))
		return ERR_OK;
	err_hint(ei, ERR_CONFIG, "Set FIBERWISE_PUBLIC_URL to the https address of the proxy in front of the service.");
	return err_set(ei, ERR_CONFIG, "plain http would send keys and cookies in clear; it is allowed on loopback only");
}

static enum err not_empty(const char *value)
{
	return *value ? ERR_OK : ERR_CONFIG;
}

enum err config_check_data_dir(const char *value, struct errinfo *ei)
{
	(void)ei;
	return not_empty(value);
}

enum err config_check_database(const char *value, struct errinfo *ei)
{
	struct slice text = slice_from(value);

	if (slice_starts(text, "postgresql:") || slice_starts(text, "postgres:"))
		return err_set(ei, ERR_CONFIG, "PostgreSQL is not supported by this version yet");
	return slice_starts(text, "sqlite:") && text.n > strlen("sqlite:") ? ERR_OK : ERR_CONFIG;
}

enum err config_check_master_key_file(const char *value, struct errinfo *ei)
{
	(void)ei;
	return not_empty(value);
}

enum err config_check_workers(const char *value, struct errinfo *ei)
{
	uint64_t n;

	(void)ei;
	return slice_to_u64(slice_from(value), CONFIG_WORKERS_MAX, &n) && n > 0 ? ERR_OK : ERR_CONFIG;
}

enum err config_check_cache_bytes(const char *value, struct errinfo *ei)
{
	uint64_t n;

	(void)ei;
	return slice_to_u64(slice_from(value), (uint64_t)16 << 30, &n) ? ERR_OK : ERR_CONFIG;
}

enum err config_check_trusted_proxies(const char *value, struct errinfo *ei)
{
	struct proxies proxies;

	return proxies_parse(slice_from(value), &proxies, ei);
}

enum err config_check_connections_per_address(const char *value, struct errinfo *ei)
{
	uint64_t n;

	(void)ei;
	return slice_to_u64(slice_from(value), 1000000, &n) && n > 0 ? ERR_OK : ERR_CONFIG;
}

enum err config_check_rate(const char *value, struct errinfo *ei)
{
	uint64_t n;

	(void)ei;
	return slice_to_u64(slice_from(value), 1000000000, &n) ? ERR_OK : ERR_CONFIG;
}

enum err config_check_egress_allow(const char *value, struct errinfo *ei)
{
	struct egress egress;

	return egress_parse(slice_from(value), &egress, ei) ? ERR_CONFIG : ERR_OK;
}

enum err config_check_egress_ca_file(const char *value, struct errinfo *ei)
{
	(void)value; /* the courier reads it, and says what is wrong with it */
	(void)ei;
	return ERR_OK;
}

enum err config_check_template_dir(const char *value, struct errinfo *ei)
{
	(void)value; /* the workers read it, and say what is wrong with it */
	(void)ei;
	return ERR_OK;
}

enum err config_check_audit_sync(const char *value, struct errinfo *ei)
{
	(void)ei;
	return strcmp(value, "100ms") == 0 || strcmp(value, "always") == 0 ? ERR_OK : ERR_CONFIG;
}

enum err config_check_log_file(const char *value, struct errinfo *ei)
{
	(void)ei;
	return not_empty(value);
}

enum err config_check_debug(const char *value, struct errinfo *ei)
{
	(void)ei;
	return strcmp(value, "true") == 0 || strcmp(value, "false") == 0 ? ERR_OK : ERR_CONFIG;
}

enum err config_check_sandbox(const char *value, struct errinfo *ei)
{
	(void)ei;
	return strcmp(value, "auto") == 0 || strcmp(value, "off") == 0 || strcmp(value, "required") == 0 ? ERR_OK : ERR_CONFIG;
}
