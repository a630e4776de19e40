// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * config_read.c - a file's text becomes sections with values.  inih takes key
 * lines apart; everything that it would cut, join or pass over silently (release
 * 55: sections of over 49 characters, lines of over 198, indented lines) is
 * settled before it gets there.
 */
#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <string.h>

#include "config.h"

#define LINE_MAX_CHARS	198

/* The file being read. */
struct reader {
	struct fwh_config *config;
	struct fwh_err *err;
	const char *path, *text, *end;
	size_t file;
	unsigned int line;
	bool continued;			/* the line continues the one above */
	enum kind kind;			/* of the current section, 0: none yet */
	ssize_t section;		/* not for GLOBAL */
	uint64_t globals_in_file;
	unsigned int bad_line;		/* the last one that was complained of */
	bool skip;			/* the keys of a section that nobody knows */
	int code;			/* the first error, which ends it */
};

static uint64_t key_bit(const struct key *key)
{
	return (uint64_t)1 << (key - fwh_config_keys);
}

/* Everything that is wrong with a line is said here, once a line. */
__attribute__((format(printf, 3, 4)))
static int fail_here(struct reader *r, int code, const char *fmt, ...)
{
	char text[sizeof(r->err->msg)];
	va_list ap;

	if (r->code || r->bad_line == r->line)
		return code;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->bad_line = r->line;
	r->code = fwh_finding(r->config, fwh_fail(r->err, code, "%s:%u: %s",
						  r->path, r->line, text),
			      r->err);
	return code;
}

/* ---- sections ----------------------------------------------------------- */

static void unknown_section(struct reader *r, const char *name)
{
	char shown[SHOWN_MAX], hint[HINT_MAX], word[NAME_MAX_CHARS + 1];
	struct nearest nearest = { .got = word };
	size_t n = strcspn(name, " \t");

	memcpy(word, name, n);
	word[n] = '\0';
	fwh_nearest_words(&nearest, "global default template conn");
	fail_here(r, -EINVAL, "unknown section [%s]; known are [global], "
		  "[default], [template NAME] and [conn PATTERN]%s",
		  fwh_printable(name, shown, sizeof(shown)),
		  fwh_nearest_suggest(&nearest, hint, sizeof(hint)));
}

static void enter_section(struct reader *r, const char *name)
{
	static const struct {
		const char *word;
		enum kind kind;
		bool named;
	} kinds[] = {
		{ "global", GLOBAL, false }, { "default", DEFAULT, false },
		{ "template", TEMPLATE, true }, { "conn", CONN, true },
	};
	size_t n = strcspn(name, " \t"), i;
	const char *rest = name + n + strspn(name + n, " \t");

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strlen(kinds[i].word) == n &&
		    !memcmp(kinds[i].word, name, n))
			break;
	if (i == ARRAY_SIZE(kinds)) {
		unknown_section(r, name);
		return;
	}
	if (kinds[i].named != (*rest != '\0')) {
		fail_here(r, -EINVAL, "[%s]: %s", kinds[i].word,
			  kinds[i].named ? "a name is missing" :
					   "it has no name");
		return;
	}
	r->kind = kinds[i].kind;
	if (r->kind == GLOBAL)
		return;
	r->section = fwh_section_find(r->config, r->kind, rest);
	if (r->section < 0)
		r->section = fwh_section_add(r->config, r->kind, rest,
					     (struct place){ r->file, r->line });
	if (r->section < 0)
		fail_here(r, -ENOMEM, "out of memory");
}

/* "[NAME]", a comment may follow.  The name may have brackets itself. */
static void section_line(struct reader *r, const char *line, size_t len)
{
	char name[NAME_MAX_CHARS + 1];
	const char *start = line + 1, *end;

	r->skip = false;
	for (end = line + 1; end < line + len; end++)
		if (strchr(";#", *end) && strchr(" \t", end[-1]))
			break;
	while (strchr(" \t\r", end[-1]))
		end--;
	end--;
	if (end == line || *end != ']') {
		fail_here(r, -EINVAL, "a section is [NAME], with nothing but a "
			  "comment behind it");
		return;
	}
	while (start < end && strchr(" \t", *start))
		start++;
	while (start < end && strchr(" \t", end[-1]))
		end--;
	if (end - start > NAME_MAX_CHARS) {
		fail_here(r, -EINVAL, "a section's name has %zu characters; %d "
			  "are possible: use a pattern with '*'",
			  (size_t)(end - start), NAME_MAX_CHARS);
		return;
	}
	memcpy(name, start, (size_t)(end - start));
	name[end - start] = '\0';
	enter_section(r, name);
}

/* ---- keys --------------------------------------------------------------- */

static int unknown_key(struct reader *r, const char *name)
{
	struct nearest nearest = { .got = name };
	char shown[SHOWN_MAX], hint[HINT_MAX];
	const struct key *other = fwh_config_find_key(name, ~0u);
	size_t i;

	if (other)
		return fail_here(r, -EINVAL, "%s does not belong here but into "
				 "%s", name, other->kinds == GLOBAL ?
				 "[global]" : other->kinds == CONN ?
				 "[conn NAME]" : "[default], [template NAME] "
				 "or [conn PATTERN]");
	for (i = 0; i < fwh_config_n_keys; i++)
		if (fwh_config_keys[i].kinds & r->kind)
			fwh_nearest_consider(&nearest, fwh_config_keys[i].name,
					     strlen(fwh_config_keys[i].name));
	return fail_here(r, -EINVAL, "unknown key '%s'%s",
			 fwh_printable(name, shown, sizeof(shown)),
			 fwh_nearest_suggest(&nearest, hint, sizeof(hint)));
}

static int bad_value(struct reader *r, struct value *value)
{
	const char *bad = *value->item ? value->item : value->text;
	char shown[SHOWN_MAX], hint[HINT_MAX];

	value->nearest.got = bad;
	fwh_nearest_words(&value->nearest, value->key->words);
	return fail_here(r, -EINVAL, "%s = %s: %s%s%s", value->key->name,
			 fwh_printable(bad, shown, sizeof(shown)),
			 value->why ? "" : "expected ",
			 value->why ? value->why : value->key->expected,
			 fwh_nearest_suggest(&value->nearest, hint,
					     sizeof(hint)));
}

static int set_value(struct reader *r, const struct key *key, void *base,
		     uint64_t *set_in_file, const char *text)
{
	uint64_t bit = key_bit(key);
	struct value value = {
		.key = key, .text = text, .again = *set_in_file & bit,
		.field = (char *)base + key->offset,
		.path = r->path, .line = r->line, .continued = r->continued,
	};

	if (!*text)
		return fail_here(r, -EINVAL, "%s has no value; expected %s",
				 key->name, key->expected);
	if (r->continued && !key->list)
		return fail_here(r, -EINVAL, "an indented line without '=' "
				 "continues the one above, but %s is no list",
				 key->name);
	if (value.again && !key->list)
		return fail_here(r, -EINVAL, "%s is given twice in this "
				 "section; delete one", key->name);
	if (r->kind == GLOBAL)
		value.globals = base;
	else
		value.settings = &((struct section *)base)->values;
	if (key->parse(&value))
		return bad_value(r, &value);
	*set_in_file |= bit;
	return 0;
}

static void set_in_section(struct reader *r, const struct key *key,
			   const char *text)
{
	struct section *section = &r->config->sections[r->section];

	/* A later file may set again what an earlier one did. */
	if (section->file != r->file) {
		section->file = r->file;
		section->set_in_file = 0;
	}
	if (set_value(r, key, section, &section->set_in_file, text))
		return;
	section->set |= key_bit(key);
	if (key->parse == fwh_value_template) {
		section->template_place.file = r->file;
		section->template_place.line = r->line;
	}
	if (section->values.mark_esp)
		r->config->esp = true;
}

/* inih's handler: 1 goes on. */
static int handle_key(void *user, const char *section_name, const char *name,
		      const char *text)
{
	struct reader *r = user;
	const struct key *key;
	char shown[SHOWN_MAX];

	(void)section_name;	/* cut; section_line() has the whole one */
	if (r->code || r->skip)
		return 1;
	if (!r->kind) {
		fail_here(r, -EINVAL, "'%s' stands before any section; begin "
			  "with [default]", fwh_printable(name, shown,
							  sizeof(shown)));
		return 1;
	}
	key = fwh_config_find_key(name, r->kind);
	if (!key)
		unknown_key(r, name);
	else if (r->kind == GLOBAL)
		set_value(r, key, &r->config->globals, &r->globals_in_file,
			  text);
	else
		set_in_section(r, key, text);
	return 1;
}

/* ---- lines -------------------------------------------------------------- */

/* Where a comment behind something begins, or where the line ends: a ';' after
 * white space, as inih has it. */
static size_t comment_start(const char *line)
{
	size_t i;

	for (i = 0; line[i]; i++)
		if (line[i] == ';' &&
		    (!i || isspace((unsigned char)line[i - 1])))
			break;
	return i;
}

/* Make of the line what inih may see.  To inih every indented line continues
 * the value above.  To us only one without '=' does, so that keys and
 * sections can be indented as they are in ipsec.conf.  inih leaves the comment
 * behind a continuation in the value. */
static void settle_line(struct reader *r, char *line)
{
	size_t indent = 0, end = comment_start(line);

	while (line[indent] != '\n' && isspace((unsigned char)line[indent]))
		indent++;
	r->continued = indent && line[indent] != '\n' &&
		       !strchr(";#[", line[indent]) &&
		       !memchr(line, '=', end);
	/* inih would take a ':' as well. */
	if (!strchr(";#[", line[indent]) && !r->continued &&
	    line[strcspn(line, "=:")] == ':')
		fail_here(r, -EINVAL, "expected KEY = VALUE, with '=' and not "
			  "':'");
	if (r->continued)
		strcpy(line + end, line[end] ? "\n" : "");
	else
		memmove(line, line + indent, strlen(line + indent) + 1);
	if (*line == '[') {
		section_line(r, line, strlen(line) - 1);
		r->skip = r->bad_line == r->line;
	} else if (!r->continued && !strchr(";#\n", *line) &&
		   !memchr(line, '=', comment_start(line))) {
		fail_here(r, -EINVAL, "expected KEY = VALUE, [SECTION] or a "
			  "comment");
	}
	if (r->bad_line == r->line)
		strcpy(line, "\n");	/* inih need not see it */
}

/* inih's reader: hands it one line, as fgets() would.  NULL ends the file, for
 * good after an error. */
static char *read_line(char *buf, int size, void *stream)
{
	struct reader *r = stream;
	const char *eol;
	size_t len, bom = 0;

	if (r->code || r->text == r->end)
		return NULL;
	eol = memchr(r->text, '\n', (size_t)(r->end - r->text));
	len = (size_t)((eol ? eol : r->end) - r->text);
	if (!r->line++ && len >= 3 && !memcmp(r->text, "\xef\xbb\xbf", 3))
		bom = 3;
	if (len - bom > LINE_MAX_CHARS || len - bom + 2 > (size_t)size) {
		fail_here(r, -EINVAL, "the line has %zu characters; %d are "
			  "possible: continue lists on indented lines", len,
			  LINE_MAX_CHARS);
		strcpy(buf, "\n");
	} else {
		memcpy(buf, r->text + bom, len - bom);
		strcpy(buf + len - bom, "\n");	/* there is room: just checked */
		settle_line(r, buf);
	}
	r->text += len + (eol ? 1 : 0);
	return r->code ? NULL : buf;
}

/* ---- the text ----------------------------------------------------------- */

static void find_nul(struct reader *r)
{
	const char *nul = memchr(r->text, '\0', (size_t)(r->end - r->text));
	const char *p;

	if (!nul)
		return;
	r->line = 1;
	for (p = r->text; p < nul; p++)
		r->line += *p == '\n';
	fail_here(r, -EINVAL, "a NUL byte: this is no text file");
}

int fwh_config_read_text(struct fwh_config *config, const char *text, size_t n,
			 struct fwh_err *err)
{
	struct reader r = {
		.config = config, .err = err, .file = config->n_paths - 1,
		.path = config->paths[config->n_paths - 1],
		.text = text, .end = text + n,
	};
	int bad;

	find_nul(&r);
	bad = ini_parse_stream(read_line, &r, handle_key, &r);
	/* inih goes on after a line that it can't take apart. */
	if (bad > 0 && (!r.code || (unsigned int)bad < r.line)) {
		r.code = 0;
		r.line = (unsigned int)bad;
		fail_here(&r, -EINVAL, "expected KEY = VALUE, [SECTION] or a "
			  "comment");
	}
	if (bad < 0 && !r.code)
		fail_here(&r, -ENOMEM, "out of memory");
	return r.code;
}
