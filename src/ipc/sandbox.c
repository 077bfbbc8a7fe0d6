/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a process is shut in, and what becomes of it where the kernel cannot. Must never go on in silence with less than
 * was asked for.
 */
#include "ipc/sandbox.h"

#include <string.h>

#include "base/log.h"

/* Sanitizers map, read and start what no role of ours needs. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
static const char build[] = "this build has a sanitizer";
#else
static const char build[] = "";
#endif

static bool wanted(const struct sandbox *s)
{
	return *s->mode && strcmp(s->mode, "off") != 0;
}

static const char *missing(int version)
{
	if (*build)
		return build;
	if (!sandbox_calls_possible())
		return "this kernel has no seccomp filters";
	return version ? NULL : "this kernel has no Landlock, or it is switched off";
}

enum err sandbox_begin(struct sandbox *s, struct errinfo *ei)
{
	int version = *build ? 0 : sandbox_files_version();

	if (!wanted(s)) {
		s->without = *s->mode ? "FIBERWISE_SANDBOX=off" : NULL;
		return ERR_OK;
	}
	s->without = missing(version);
	if (s->without && strcmp(s->mode, "required") == 0) {
		err_hint(ei, ERR_CONFIG, "Set FIBERWISE_SANDBOX=auto to start with what there is.");
		return err_set(ei, ERR_CONFIG, "FIBERWISE_SANDBOX=required, but %s", s->without);
	}
	if (version) {
		enum err e = sandbox_files_enter(s, version, ei);

		if (e)
			return e;
	}
	s->files = version;
	return ERR_OK;
}

enum err sandbox_finish(struct sandbox *s, struct errinfo *ei)
{
	enum err e;

	if (!wanted(s) || *build || !sandbox_calls_possible())
		return ERR_OK;
	e = sandbox_calls_enter(s->role, ei);
	s->calls = !e;
	return e;
}

void sandbox_tell(const struct sandbox *s)
{
	if (*s->mode)
		LOG(s->without ? LOG_WARN : LOG_INFO, "sandbox", LOG_S("calls", s->calls ? "on" : "off"),
		    LOG_I("landlock", s->files), LOG_S("without", s->without ? s->without : ""));
}
