/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The adversary as a program, for end-to-end tests, fault harnesses and load: options, two lines on
 * stdout when it listens, the server. Must never daemonize: it ends with whoever started it.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "support/adversary_server.h"

static const char usage[] =
	"usage: adversary [--port N] [--control-port N] [--settings JSON] [--stdin watch|ignore]\n"
	"\n"
	"An OAuth provider for tests on 127.0.0.1 that misbehaves as scripted over HTTP (see README.md).\n"
	"Prints \"ready URL\" and \"control URL\", then serves until SIGTERM, until its parent ends, or,\n"
	"when stdin is a pipe or socket (or with --stdin watch), until that is closed.\n";

struct options {
	int port, control_port;
	bool watch_stdin;
	struct adversary_config config;
};

static bool stdin_is_pipe(void)
{
	struct stat st;

	return fstat(STDIN_FILENO, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

static bool read_port(const char *text, int *ret_port)
{
	uint64_t port;

	if (!slice_to_u64(slice_from(text), 65535, &port))
		return false;
	*ret_port = (int)port;
	return true;
}

static bool read_settings(const char *text, struct adversary_config *ret_config)
{
	json_error_t why;
	struct errinfo ei = {0};
	json_t *settings = json_loads(text, JSON_REJECT_DUPLICATES, &why);
	bool ok = settings && adversary_config_merge(ret_config, settings, &ei) == ERR_OK;

	if (!ok)
		fprintf(stderr, "adversary: --settings: %s\n", settings ? ei.detail : why.text);
	json_decref(settings);
	return ok;
}

/* 0: go on; else the exit status plus one. */
static int read_options(int argc, char **argv, struct options *ret_options)
{
	static const struct option names[] = {
		{"port", required_argument, NULL, 'p'},	    {"control-port", required_argument, NULL, 'c'},
		{"settings", required_argument, NULL, 's'}, {"stdin", required_argument, NULL, 'i'},
		{"help", no_argument, NULL, 'h'},	    {NULL, 0, NULL, 0},
	};
	bool ok = true;
	int option;

	while (ok && (option = getopt_long(argc, argv, "h", names, NULL)) != -1) {
		switch (option) {
		case 'p': ok = read_port(optarg, &ret_options->port); break;
		case 'c': ok = read_port(optarg, &ret_options->control_port); break;
		case 's': ok = read_settings(optarg, &ret_options->config); break;
		case 'i':
			ok = strcmp(optarg, "watch") == 0 || strcmp(optarg, "ignore") == 0;
			ret_options->watch_stdin = strcmp(optarg, "watch") == 0;
			break;
		case 'h': fputs(usage, stdout); return 1;
		default: ok = false;
		}
	}
	if (ok && optind == argc)
		return 0;
	fputs(usage, stderr);
	return 2 + 1;
}

static void say_ready(void *arg, const char *url, const char *control_url)
{
	(void)arg;
	printf("ready %s\ncontrol %s\n", url, control_url);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct options options = {.watch_stdin = stdin_is_pipe()};
	struct adversary_server_args args = {.config = &options.config, .on_ready = say_ready};
	struct rlimit files;
	struct errinfo ei = {0};
	int done;

	adversary_config_default(&options.config);
	done = read_options(argc, argv, &options);
	if (done)
		return done - 1;
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	args.port = options.port;
	args.control_port = options.control_port;
	args.watch_fd = options.watch_stdin ? STDIN_FILENO : -1;
	if (adversary_server_run(&args, &ei)) {
		fprintf(stderr, "adversary: %s\n", ei.detail);
		return 1;
	}
	return 0;
}
