/* SPDX-License-Identifier: Apache-2.0 */
/* An operator's templates: added, overriding, changed, broken, gone; and what a bad one must not do to the others. */
#include "catalog/template_directory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/testtree.h"

#define TEMPLATE(type, aliases, host)                                                                                       \
	"{\"type\":\"" type "\",\"display_name\":\"T\",\"aliases\":[" aliases "],\"scopes\":[],\"known_scopes\":[],"         \
	"\"profile\":{\"authorize_url\":\"https://" host "/a\",\"token_url\":\"https://" host "/t\","                        \
	"\"identity_url\":\"https://" host "/me\",\"rotation\":{\"class\":\"R0\"}},"                                         \
	"\"guide\":{\"console_url\":\"https://c.example/\",\"steps\":[\"s\"],\"mistakes\":[\"m\"]},"                         \
	"\"sources\":[{\"url\":\"https://d.example/\",\"date\":\"2026-11\",\"says\":\"x\"}]}"

struct world {
	char path[40];
	struct template_directory *directory;
	int64_t now_ms;
	size_t broken;
	char why[300];
};

static void on_broken(const char *why, void *arg)
{
	struct world *w = arg;

	w->broken++;
	snprintf(w->why, sizeof w->why, "%s", why);
}

static void look(struct world *w)
{
	w->broken = 0;
	w->why[0] = '\0';
	w->now_ms += TEMPLATE_DIRECTORY_PAUSE_MS;
	template_directory_look(w->directory, w->now_ms);
}

/* As an editor does: another file takes its place. */
static void put(struct world *w, const char *name, const char *text)
{
	CLEANUP(mem_free_str) char *path = mem_printf("%s/%s", w->path, name), *fresh = mem_printf("%s/.new", w->path);
	FILE *to = fopen(fresh, "w");

	assert_non_null(to);
	assert_true(fputs(text, to) >= 0);
	assert_int_equal(fclose(to), 0);
	assert_int_equal(rename(fresh, path), 0);
}

static void drop(struct world *w, const char *name)
{
	CLEANUP(mem_free_str) char *path = mem_printf("%s/%s", w->path, name);

	assert_int_equal(unlink(path), 0);
}

static const char *token_url(const char *type)
{
	const struct template *t = template_find(slice_from(type));

	return t ? t->profile.token_url : "none";
}

static int begin(void **state)
{
	struct world *w = MEM_NEW(struct world);

	snprintf(w->path, sizeof w->path, "/tmp/fw-templates-XXXXXX");
	assert_non_null(mkdtemp(w->path));
	assert_int_equal(template_load_all(NULL), ERR_OK);
	w->directory = template_directory_new(w->path, on_broken, w);
	w->now_ms = 1000;
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	template_directory_free(&w->directory);
	assert_true(testtree_remove(w->path));
	free(w);
	return 0;
}

static void files_add_override_change_and_go(void **state)
{
	struct world *w = *state;
	size_t ours = template_count();
	CLEANUP(mem_free_str) char *before = mem_printf("%s", token_url("github"));

	look(w);
	assert_int_equal(template_count(), ours);
	put(w, "house.json", TEMPLATE("house", "\"home\"", "one.example"));
	put(w, "github.json", TEMPLATE("github", "", "two.example"));
	put(w, "notes.txt", "no template");
	put(w, "schema.json", "{}");
	assert_string_equal(token_url("house"), "none");
	look(w);
	assert_string_equal(w->why, "");
	assert_int_equal(template_count(), ours + 1);
	assert_string_equal(token_url("HOME"), "https://one.example/t");
	assert_string_equal(token_url("github"), "https://two.example/t");
	assert_string_not_equal(token_url("google"), "none");
	put(w, "house.json", TEMPLATE("house", "", "three.example"));
	look(w);
	assert_string_equal(token_url("house"), "https://three.example/t");
	assert_string_equal(token_url("home"), "none");
	drop(w, "house.json");
	drop(w, "github.json");
	look(w);
	assert_int_equal(template_count(), ours);
	assert_string_equal(token_url("house"), "none");
	assert_string_equal(token_url("github"), before);
}

static void it_is_looked_at_no_more_than_once_a_second(void **state)
{
	struct world *w = *state;

	look(w);
	put(w, "house.json", TEMPLATE("house", "", "one.example"));
	template_directory_look(w->directory, w->now_ms + TEMPLATE_DIRECTORY_PAUSE_MS - 1);
	assert_string_equal(token_url("house"), "none");
	template_directory_look(w->directory, w->now_ms + TEMPLATE_DIRECTORY_PAUSE_MS);
	assert_string_equal(token_url("house"), "https://one.example/t");
}

static void a_broken_file_leaves_what_was_there(void **state)
{
	static const struct {
		const char *text, *why;
	} broken[] = {
		{"", "house.json: "},
		{"{\"type\":\"house\"", "house.json: "},
		{"{\"type\":\"house\",\"display_name\":\"T\",\"scopes\":[],\"known_scopes\":[],\"profile\":{}}", "house.json: template \"house\": "},
		{"{\"type\":\"house\",\"display_name\":\"T\",\"profile\":{\"pkce\":\"plain\"}}", "pkce"},
		{TEMPLATE("other", "", "evil.example"), "the type \"other\" is there already"},
		{TEMPLATE("house", "\"other\"", "evil.example"), "the alias \"other\" is there already"},
	};
	struct world *w = *state;

	put(w, "house.json", TEMPLATE("house", "", "one.example"));
	put(w, "other.json", TEMPLATE("other", "", "two.example"));
	look(w);
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		put(w, "house.json", broken[i].text);
		look(w);
		assert_int_equal(w->broken, 1);
		if (!strstr(w->why, broken[i].why))
			fail_msg("case %zu: %s", i, w->why);
		assert_string_equal(token_url("house"), "https://one.example/t");
		assert_string_equal(token_url("other"), "https://two.example/t");
		look(w); /* told once */
		assert_int_equal(w->broken, 0);
		assert_string_equal(token_url("house"), "https://one.example/t");
	}
	put(w, "house.json", TEMPLATE("house", "", "three.example"));
	look(w);
	assert_int_equal(w->broken, 0);
	assert_string_equal(token_url("house"), "https://three.example/t");
}

/* Of two that want the same name the one that came later is to blame, whatever its name. */
static void a_new_file_cannot_push_out_another(void **state)
{
	struct world *w = *state;

	put(w, "house.json", TEMPLATE("house", "\"home\"", "one.example"));
	look(w);
	put(w, "a.json", TEMPLATE("a", "\"home\"", "evil.example"));
	look(w);
	assert_int_equal(w->broken, 1);
	assert_non_null(strstr(w->why, "a.json: the alias \"home\""));
	assert_string_equal(token_url("home"), "https://one.example/t");
	assert_string_equal(token_url("a"), "none");
}

/* An alias never takes the place of a provider of ours. */
static void an_alias_gives_way_to_a_type(void **state)
{
	struct world *w = *state;
	CLEANUP(mem_free_str) char *before = mem_printf("%s", token_url("github"));

	put(w, "house.json", TEMPLATE("house", "\"github\"", "evil.example"));
	look(w);
	assert_string_equal(token_url("github"), before);
}

static void what_is_no_plain_file_is_named(void **state)
{
	struct world *w = *state;
	CLEANUP(mem_free_str) char *fifo = mem_printf("%s/fifo.json", w->path), *big = mem_calloc(70000, 1);

	assert_int_equal(mkfifo(fifo, 0600), 0);
	look(w);
	assert_int_equal(w->broken, 1);
	assert_string_equal(w->why, "fifo.json: cannot be read");
	memset(big, ' ', 69999);
	put(w, "big.json", big);
	look(w);
	assert_string_equal(w->why, "big.json: is longer than 65536 bytes");
	assert_string_not_equal(token_url("google"), "none");
}

static void a_directory_that_is_gone_leaves_what_was_there(void **state)
{
	struct world *w = *state;
	CLEANUP(mem_free_str) char *aside = mem_printf("%s-", w->path);

	put(w, "house.json", TEMPLATE("house", "", "one.example"));
	look(w);
	assert_int_equal(rename(w->path, aside), 0);
	look(w);
	assert_int_equal(w->broken, 1);
	look(w);
	assert_int_equal(w->broken, 0);
	assert_string_equal(token_url("house"), "https://one.example/t");
	assert_int_equal(rename(aside, w->path), 0);
	drop(w, "house.json");
	look(w);
	assert_string_equal(token_url("house"), "none");
	assert_null(template_directory_new("", on_broken, w));
	template_directory_look(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files_add_override_change_and_go, begin, end),
		cmocka_unit_test_setup_teardown(it_is_looked_at_no_more_than_once_a_second, begin, end),
		cmocka_unit_test_setup_teardown(a_broken_file_leaves_what_was_there, begin, end),
		cmocka_unit_test_setup_teardown(a_new_file_cannot_push_out_another, begin, end),
		cmocka_unit_test_setup_teardown(an_alias_gives_way_to_a_type, begin, end),
		cmocka_unit_test_setup_teardown(what_is_no_plain_file_is_named, begin, end),
		cmocka_unit_test_setup_teardown(a_directory_that_is_gone_leaves_what_was_there, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
