/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass over the text that blanks comments, puts variables into values and knows the line of
 * whatever is wrong; then the JSON reader. A variable's value goes in escaped, so it can't become
 * syntax. Must never quote the file in an error: any of its strings may be a secret.
 */
#include "cli/authfile.h"

#include <string.h>

#include "json/jsonw.h"

enum { VARIABLE_MAX_BYTES = 128 };

struct scan {
	struct slice text;
	size_t at;
	unsigned line;
	char before; /* the last significant character; 'v' within or after a number or word */
	bool gap;    /* a blank or comment stood since */
	unsigned depth;
	bool in_object[JSONR_MAX_DEPTH + 1];
	struct buf *out; /* the text as the JSON reader gets it, same lines */
	struct arena *arena;
	struct authfile *file;
	authfile_env_fn env;
	void *env_arg;
	const char *path;
	struct errinfo *ei;
};

static enum err wrong(const struct scan *s, unsigned line, const char *what)
{
	return err_set(s->ei, ERR_INVALID, "%s, line %u: %s", s->path, line, what);
}

static char peek(const struct scan *s, size_t ahead)
{
	return s->at + ahead < s->text.n ? s->text.p[s->at + ahead] : '\0';
}

/* Copies a character that means nothing: a blank for whatever stands in a comment, lines as they are. */
static void blank(struct scan *s)
{
	char c = s->text.p[s->at++];

	if (c == '\n')
		s->line++;
	buf_putc(s->out, c == '\n' ? '\n' : ' ');
	s->gap = true;
}

static enum err skip_comment(struct scan *s)
{
	unsigned begun = s->line;
	bool to_line_end = peek(s, 1) == '/';

	blank(s);
	blank(s);
	while (s->at < s->text.n) {
		if (to_line_end && peek(s, 0) == '\n')
			return ERR_OK;
		if (!to_line_end && peek(s, 0) == '*' && peek(s, 1) == '/') {
			blank(s);
			blank(s);
			return ERR_OK;
		}
		blank(s);
	}
	return to_line_end ? ERR_OK : wrong(s, begun, "the comment that begins here has no end");
}

static bool is_name(char c, bool first)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || (!first && c >= '0' && c <= '9');
}

static enum err put_variable(struct scan *s, const char *name)
{
	const char *value = s->env(name, s->env_arg);
	struct buf escaped;
	struct jsonw w;

	if (!value) {
		err_set(s->ei, ERR_INVALID, "%s, line %u: ${%s} is not set in the environment", s->path, s->line, name);
		return err_hint(s->ei, ERR_INVALID, "export %s=… and try again", name);
	}
	if (!slice_is_utf8(slice_from(value)))
		return err_set(s->ei, ERR_INVALID, "%s, line %u: the value of ${%s} is not UTF-8", s->path, s->line,
			       name);
	buf_init(&escaped, AUTHFILE_MAX_BYTES);
	jsonw_init(&w, &escaped);
	jsonw_string(&w, NULL, value);
	if (buf_ok(&escaped))
		buf_put(s->out, slice_sub(buf_slice(&escaped), 1, escaped.n - 2));
	else
		s->out->overflow = true;
	buf_done(&escaped);
	return ERR_OK;
}

/* At "${". */
static enum err take_variable(struct scan *s)
{
	char name[VARIABLE_MAX_BYTES + 1];
	size_t n = 0;

	for (s->at += 2; n < VARIABLE_MAX_BYTES && is_name(peek(s, 0), n == 0); s->at++)
		name[n++] = peek(s, 0);
	name[n] = '\0';
	if (n && peek(s, 0) == '}') {
		s->at++;
		return put_variable(s, name);
	}
	wrong(s, s->line, "after ${ a variable's name and } must follow");
	return err_hint(s->ei, ERR_INVALID, "write ${NAME} with letters, digits and _; for a plain ${ write \\u0024{");
}

static void remember(struct scan *s, struct slice name, unsigned line)
{
	struct authfile *f = s->file;

	if (s->depth != 1 || f->count == AUTHFILE_MEMBERS_MAX)
		return;
	f->members[f->count].name = arena_strndup(s->arena, name);
	f->members[f->count++].line = line;
}

/* At the opening quote. */
static enum err take_string(struct scan *s, bool is_key)
{
	size_t start = ++s->at;
	enum err e = ERR_OK;

	buf_putc(s->out, '"');
	while (!e && s->at < s->text.n && peek(s, 0) != '"') {
		if (peek(s, 0) == '\n')
			return wrong(s, s->line, "a string is not closed on its line");
		if (!is_key && peek(s, 0) == '$' && peek(s, 1) == '{') {
			e = take_variable(s);
			continue;
		}
		if (peek(s, 0) == '\\' && s->at + 1 < s->text.n && peek(s, 1) != '\n')
			buf_putc(s->out, s->text.p[s->at++]);
		buf_putc(s->out, s->text.p[s->at++]);
	}
	if (e)
		return e;
	if (s->at >= s->text.n)
		return wrong(s, s->line, "a string is not closed");
	if (is_key)
		remember(s, slice_sub(s->text, start, s->at - start), s->line);
	s->at++;
	buf_putc(s->out, '"');
	return ERR_OK;
}

static bool ends_value(char c)
{
	return c == '"' || c == '}' || c == ']' || c == 'v';
}

/* Whether a value or name may begin here. */
static enum err check_begin(const struct scan *s)
{
	if (s->depth == 0 && s->before)
		return wrong(s, s->line, "text stands behind the end of the object");
	if (ends_value(s->before))
		return wrong(s, s->line, "a comma or colon is missing before this");
	return ERR_OK;
}

static enum err take_bracket(struct scan *s, char c)
{
	enum err e = ERR_OK;

	if (c == '{' || c == '[') {
		e = check_begin(s);
		if (!e && s->depth == JSONR_MAX_DEPTH)
			e = wrong(s, s->line, "nested too deep");
		if (!e)
			s->in_object[++s->depth] = c == '{';
	} else if (s->before == ',') {
		return wrong(s, s->line, "a comma too many before the closing bracket");
	} else if (s->depth == 0 || s->in_object[s->depth] != (c == '}')) {
		return wrong(s, s->line, "a closing bracket that nothing opened");
	} else {
		s->depth--;
	}
	return e;
}

static enum err take_token(struct scan *s)
{
	char c = peek(s, 0);
	bool continues = s->before == 'v' && !s->gap;
	enum err e = ERR_OK;

	if (c == '"') {
		bool is_key = s->depth && s->in_object[s->depth] && (s->before == '{' || s->before == ',');

		e = check_begin(s);
		if (!e)
			e = take_string(s, is_key);
		s->before = '"';
		s->gap = false;
		return e;
	}
	if (strchr("{}[]", c))
		e = take_bracket(s, c);
	else if (c != ',' && c != ':' && !continues)
		e = check_begin(s);
	if (e)
		return e;
	buf_putc(s->out, c);
	s->at++;
	s->before = strchr("{}[],:", c) ? c : 'v';
	s->gap = false;
	return ERR_OK;
}

static enum err scan_all(struct scan *s)
{
	enum err e = ERR_OK;

	while (!e && s->at < s->text.n) {
		char c = peek(s, 0);

		if (c == '\0')
			e = wrong(s, s->line, "a NUL byte");
		else if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
			blank(s);
		else if (c == '/' && (peek(s, 1) == '/' || peek(s, 1) == '*'))
			e = skip_comment(s);
		else if (c == '/')
			e = wrong(s, s->line, "a / that begins no comment");
		else
			e = take_token(s);
	}
	if (e)
		return e;
	if (!s->before)
		return err_set(s->ei, ERR_INVALID, "%s is empty", s->path);
	if (s->depth)
		return wrong(s, s->line,
			     s->in_object[s->depth] ? "the file ends before a } closes the object"
						    : "the file ends before a ] closes the list");
	if (!buf_ok(s->out))
		return err_set(s->ei, ERR_TOO_LARGE, "%s is larger than %d bytes", s->path, AUTHFILE_MAX_BYTES);
	return ERR_OK;
}

static enum err read_json(struct arena *a, const char *path, struct slice text, struct authfile *file,
			  struct errinfo *ei)
{
	struct errinfo why = {0};
	struct jsonr *doc;

	if (jsonr_parse(text, AUTHFILE_MAX_BYTES, &doc, &why))
		return err_hint(ei, err_set(ei, ERR_INVALID, "%s: %s", path, why.detail),
				"names and texts stand in double quotes; a name may stand only once");
	jsonr_in_arena(a, doc);
	if (jsonr_type(doc) != JSONR_OBJECT)
		return err_hint(ei, err_set(ei, ERR_INVALID, "%s, line 1: one object is expected", path),
				"begin with { \"name\": …, \"authenticator_type\": … }");
	file->object = doc;
	return ERR_OK;
}

enum err authfile_parse(struct arena *a, const char *path, struct slice text, authfile_env_fn env, void *env_arg,
			struct authfile *ret_file, struct errinfo *ei)
{
	struct authfile *file = ARENA_NEW(a, struct authfile);
	struct buf out;
	struct scan s = {
		.line = 1,
		.out = &out,
		.arena = a,
		.file = file,
		.env = env,
		.env_arg = env_arg,
		.path = path,
		.ei = ei,
	};
	enum err e;

	/* Windows editors begin with a byte order mark. */
	s.text = slice_starts(text, "\xEF\xBB\xBF") ? slice_sub(text, 3, text.n) : text;
	buf_init(&out, AUTHFILE_MAX_BYTES);
	e = scan_all(&s);
	if (!e)
		e = read_json(a, path, buf_slice(&out), file, ei);
	buf_done(&out);
	if (!e)
		*ret_file = *file;
	return e;
}

unsigned authfile_line(const struct authfile *f, const char *field)
{
	struct slice name = slice_from(field);

	name = slice_sub(name, 0, slice_index(name, '.'));
	name = slice_sub(name, 0, slice_index(name, '['));
	for (size_t i = 0; i < f->count; i++)
		if (slice_is(name, f->members[i].name))
			return f->members[i].line;
	return 0;
}
