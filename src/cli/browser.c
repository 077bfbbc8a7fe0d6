/* SPDX-License-Identifier: Apache-2.0 */
/* Starting the browser. Must never put the link into argv or the environment of a program. */
#include "cli/browser.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/encode.h"
#include "base/random.h"
#include "cli/file.h"

extern char **environ;

/* The program's own chatter stays away from our terminal. */
static bool start(const char *page)
{
	char *const argv[] = {(char[]){"xdg-open"}, (char *)(uintptr_t)page, NULL};
	posix_spawn_file_actions_t actions;
	bool started;
	pid_t pid;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return false;
	started = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) == 0 &&
		  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) == 0 &&
		  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0) == 0 &&
		  posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ) == 0;
	posix_spawn_file_actions_destroy(&actions);
	return started;
}

bool browser_open(struct arena *a, const char *url, const char **ret_page)
{
	const char *directory = getenv("XDG_RUNTIME_DIR");
	char id[RANDOM_ID_BYTES];
	const char *page;
	struct buf html;
	bool opened;

	if (!directory || directory[0] != '/')
		return false;
	random_id(id);
	page = arena_printf(a, "%s/fiber-%.16s.html", directory, id);
	buf_init(&html, 16384);
	buf_puts(&html, "<!doctype html><meta charset=utf-8><meta name=referrer content=no-referrer>"
			"<meta http-equiv=refresh content=\"0;url=");
	encode_html(&html, slice_from(url));
	buf_puts(&html, "\"><title>FiberWise</title>\n");
	opened = buf_ok(&html) && file_write(page, buf_slice(&html), true, NULL) == ERR_OK;
	buf_done(&html);
	if (opened && !start(page)) {
		unlink(page);
		opened = false;
	}
	if (opened)
		*ret_page = page;
	return opened;
}

void browser_forget(const char *page)
{
	if (page)
		unlink(page);
}
