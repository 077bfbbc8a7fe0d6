/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers that the table of subcommands names. Each fills cli->out, or cli->ei and returns the kind. */
#pragma once

#include "base/err.h"

struct cli;

/* account.c */
enum err account_add_config(struct cli *cli);
enum err account_list_configs(struct cli *cli);
/* app.c */
enum err app_init(struct cli *cli);
/* register.c: from a file; and from a type and options */
enum err register_file(struct cli *cli);
enum err register_type(struct cli *cli);
/* import.c */
enum err import_file(struct cli *cli);
/* authenticator.c */
enum err authenticator_list(struct cli *cli);
enum err authenticator_update(struct cli *cli);
enum err authenticator_delete(struct cli *cli);
/* connect.c */
enum err connect_account(struct cli *cli);
/* connection.c */
enum err connection_list(struct cli *cli);
enum err connection_disconnect(struct cli *cli);
/* doctor.c */
enum err doctor_look(struct cli *cli);
/* manual.c */
enum err manual_completion(struct cli *cli);
enum err manual_page(struct cli *cli);
/* token.c */
enum err token_read(struct cli *cli);
