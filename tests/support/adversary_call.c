/* SPDX-License-Identifier: Apache-2.0 */
/* What the handlers of control calls share. Must never answer by itself. */
#include "support/adversary_call.h"

enum err adversary_call_number(struct adversary_call *call, const char *name, uint64_t fallback, uint64_t max,
			       uint64_t *ret_value)
{
	struct slice text = adversary_params_get(&call->query, name);

	*ret_value = fallback;
	if (text.n && !slice_to_u64(text, max, ret_value))
		return err_set(&call->why, ERR_INVALID, "%s: wants a number up to %llu", name, (unsigned long long)max);
	return ERR_OK;
}
