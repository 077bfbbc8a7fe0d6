/* SPDX-License-Identifier: Apache-2.0 */
/* Between the loader and the reader of templates. Internal to the room. */
#pragma once

#include "catalog/template.h"
#include "catalog/template_data.h"

enum { TEMPLATE_FILE_MAX = 64 * 1024 };

/*
 * All templates anew: those of `own`, and ours but where one of `own` has the type. On an error all is as it was, and `*ret_bad` tells
 * which of `own` is to blame (n: none of them).
 */
enum err template_load(const struct template_file *own, size_t n, size_t *ret_bad, struct errinfo *ei);

/* Whether a variable may have this value: a base URL where its default is one, else a plain word. */
bool template_value_fits(const struct profile_param *variable, struct slice value);
/* The profile with these values in its URLs. ERR_CONFIG for a {variable} without a value, ERR_UNPROCESSABLE for a URL that is none. */
enum err template_fill(const struct template *t, const struct profile_param *variable, struct arena *a, struct profile *ret,
		       struct errinfo *ei);
