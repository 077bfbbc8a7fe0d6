/* SPDX-License-Identifier: Apache-2.0 */
/* Paths that pages link to, redirect to and post to. */
#pragma once

#define PATH_LOGIN "/login"
#define PATH_LOGOUT "/logout"
#define PATH_CONNECTIONS "/settings/oauth-authenticators"
#define PATH_DISCONNECT "/settings/oauth-authenticators/disconnect"
#define PATH_INITIATE "/api/v1/credentials/auth/initiate"
