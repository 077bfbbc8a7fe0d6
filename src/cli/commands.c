/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of what `fiber` can do. Parsing, help and suggestions follow it; docs/cli.md is checked
 * against it by a test.
 */
#include "cli/command.h"

#include "base/mem.h"
#include "cli/handlers.h"

#define END \
	{ \
		NULL, NULL, NULL, false \
	}
#define CLIENT_ID \
	{ \
		"client-id", "ID", "else the file's, or <TYPE>_CLIENT_ID", false \
	}
#define CLIENT_SECRET \
	{ \
		"client-secret", "SECRET", "or <TYPE>_CLIENT_SECRET", true \
	}
#define SCOPES \
	{ \
		"scopes", "A,B", "scopes, with commas between", false \
	}
#define USER \
	{ \
		"user", "ID", "the app's user; else the key's owner", false \
	}
#define URLS \
	{"redirect-uri", "URL", "instead of the service's own", false}, \
		{"authorize-url", "URL", "the provider's authorize endpoint", false}, \
	{ \
		"token-url", "URL", "the provider's token endpoint", false \
	}

static const struct option add_config[] = {
	{"name", "NAME", "how the instance is called", false},
	{"base-url", "URL", "its address, with or without /api/v1", false},
	{"api-key", "KEY", "a key of that server", true},
	{"set-default", NULL, "use it when no --to-instance is given", false},
	END,
};

static const struct option init[] = {
	{"name", "NAME", "the app's name; else the directory's", false},
	{"app-dir", "DIR", "the app's directory; else the current one", false},
	END,
};

static const struct option from_file[] = {
	{"authenticator-config", "FILE", "JSON; comments and ${NAME} are allowed", false},
	CLIENT_ID,
	CLIENT_SECRET,
	END,
};

static const struct option from_type[] = {
	CLIENT_ID, CLIENT_SECRET, SCOPES, {"name", "NAME", "its name; else the type", false}, URLS, END,
};

static const struct option imported[] = {
	{"dry-run", NULL, "only say what would be registered", false},
	{"type", "TYPE", "the provider, when the file doesn't say", false},
	END,
};

static const struct option changes[] = {
	{"authenticator-config", "FILE", "take all changes from this file", false},
	{"name", "NAME", "a new name", false},
	{"client-id", "ID", "a new client id", false},
	{"client-secret", "SECRET", "a new client secret", true},
	SCOPES,
	URLS,
	{"enable", NULL, "let it be used again", false},
	{"disable", NULL, "let nobody use it", false},
	END,
};

static const struct option deletion[] = {{"yes", NULL, "don't ask", false}, END};

static const struct option connecting[] = {
	USER,
	{"expect-account", "NAME", "refuse any other account", false},
	{"no-wait", NULL, "print the link and end", false},
	{"no-browser", NULL, "don't open a browser", false},
	END,
};

static const struct option listing[] = {
	USER, {"status", "STATUS", "only those, as active or needs_reauth", false}, END};

static const struct option token[] = {
	USER,
	{"min-ttl", "SECONDS", "refresh first if less life is left", false},
	{"show", NULL, "show the token on a terminal too", false},
	END,
};

static const struct option disconnecting[] = {USER, END};

const struct command_group command_groups[] = {
	{"", "Servers and apps"},
	{"account", "Servers and apps"},
	{"app", "Servers and apps"},
	{"app oauth", "OAuth apps, and accounts connected through them"},
};
const size_t command_groups_count = ARRAY_LEN(command_groups);

#define SERVER (USES_INSTANCE | USES_APP)

const struct command commands[] = {
	{"account", "add-config", NULL, NULL, add_config, 0, "Add or replace an instance",
	 "fiber account add-config --name prod --base-url https://fw.example --api-key=-", account_add_config},
	{"account", "list-configs", NULL, NULL, NULL, 0, "Show the instances", "fiber account list-configs",
	 account_list_configs},
	{"app", "init", NULL, NULL, init, USES_INSTANCE, "Make an app for this directory",
	 "fiber app init --name \"My app\"", app_init},
	{"app oauth", "register-authenticator", "register", NULL, from_file, SERVER,
	 "Register an OAuth app from a file", "fiber app oauth register --authenticator-config google.json",
	 register_file},
	{"app oauth", "import", NULL, "FILE", imported, SERVER, "Register what a provider let you download",
	 "fiber app oauth import client_secret.json --dry-run", import_file},
	{"app oauth", "list-authenticators", "list", NULL, NULL, SERVER, "List the registered OAuth apps",
	 "fiber app oauth list-authenticators", authenticator_list},
	{"app oauth", "update-authenticator", "update", "REF", changes, SERVER, "Change a registered OAuth app",
	 "fiber app oauth update Google --scopes=\"openid,email\"", authenticator_update},
	{"app oauth", "delete-authenticator", "delete", "REF", deletion, SERVER, "Delete it, revoke its connections",
	 "fiber app oauth delete Google", authenticator_delete},
	{"app oauth", "connect", NULL, "REF", connecting, SERVER, "Connect an account through a link",
	 "fiber app oauth connect Google --user alice", connect_account},
	{"app oauth", "connections", NULL, NULL, listing, SERVER, "List the connected accounts",
	 "fiber app oauth connections --user alice", connection_list},
	{"app oauth", "token", NULL, "REF", token, SERVER, "Read a valid access token",
	 "TOKEN=$(fiber app oauth token Google --user alice)", token_read},
	{"app oauth", "disconnect", NULL, "REF", disconnecting, SERVER, "End a connection",
	 "fiber app oauth disconnect Google --user alice", connection_disconnect},
	{"", "register-authenticator", "add-provider", "TYPE", from_type, SERVER,
	 "Register an OAuth app of a known type",
	 "fiber register-authenticator google --client-id=ID --client-secret=-", register_type},
	{"", "list-authenticators", NULL, NULL, NULL, SERVER, "List the registered OAuth apps",
	 "fiber list-authenticators", authenticator_list},
	{"", "update-authenticator", NULL, "REF", changes, SERVER, "Change a registered OAuth app",
	 "fiber update-authenticator google --scopes=\"openid,email\"", authenticator_update},
	{"", "delete-authenticator", NULL, "REF", deletion, SERVER, "Delete it, revoke its connections",
	 "fiber delete-authenticator google --yes", authenticator_delete},
	{"", "doctor", NULL, NULL, NULL, SERVER, "Say what is wrong, and what to mend", "fiber doctor", doctor_look},
	{"", "completion", NULL, "SHELL", NULL, 0, "Print completion for bash or zsh",
	 "fiber completion bash > ~/.local/share/bash-completion/completions/fiber", manual_completion},
	{"", "man", NULL, NULL, NULL, 0, "Print the manual page", "fiber man > fiber.1", manual_page},
};
const size_t commands_count = ARRAY_LEN(commands);
