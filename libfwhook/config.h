/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config.h - INI files on their way to settings. */
#ifndef FWHOOK_CONFIG_H
#define FWHOOK_CONFIG_H

#include <errno.h>

#include "internal.h"

#define NAME_MAX_CHARS	49
#define BUCKETS		1024

enum kind { GLOBAL = 1, DEFAULT = 2, TEMPLATE = 4, CONN = 8 };
#define PLAN_KINDS	(DEFAULT | TEMPLATE | CONN)

struct place {
	size_t file;			/* of config->paths */
	unsigned int line;
};

struct section {
	enum kind kind;
	bool pattern;			/* its name has wildcards */
	char name[NAME_MAX_CHARS + 1];	/* pattern or template name */
	char template[NAME_MAX_CHARS + 1];
	struct place place, template_place;
	ssize_t parent;			/* the template's section, or -1 */
	ssize_t next;			/* of the same bucket, or -1 */
	size_t file;			/* that set_in_file is about */
	uint64_t set_in_file;		/* a bit a key */
	uint64_t set;			/* a bit a key: in values */
	struct fwh_settings values;
};

struct fwh_config {
	struct fwh_globals globals;
	struct section *sections;
	size_t n, cap;
	ssize_t bucket[BUCKETS];	/* sections by kind and name */
	char (*paths)[FWH_PATH_MAX];
	size_t n_paths;
	bool esp;			/* somebody sets mark-source = esp */
	/* Where all findings are wanted and not only the first; NULL else. */
	void (*report)(const struct fwh_err *err, void *arg);
	void *report_arg;
	size_t n_findings;
	const char *backend_why;	/* it is this one */
};

/* ---- config_sections.c ---- */

/* Something is wrong, as err says, and it goes on where findings are gathered: 0
 * then. */
int fwh_finding(struct fwh_config *config, int code, const struct fwh_err *err);
/* The section's index, or -1. */
ssize_t fwh_section_find(const struct fwh_config *config, enum kind kind,
			 const char *name);
/* name: at most NAME_MAX_CHARS, and of no section of this kind yet.  Returns the
 * new one's index or -ENOMEM. */
ssize_t fwh_section_add(struct fwh_config *config, enum kind kind,
			const char *name, struct place place);

/* ---- config_words.c ---- */

#define WORD_MAX	64
#define HINT_MAX	(WORD_MAX + 24)
#define SHOWN_MAX	80		/* of what was written instead */

/* Of the words considered, the one that is most like what was written. */
struct nearest {
	const char *got;
	const char *word;		/* NULL: none yet */
	size_t len;
	unsigned int distance;
};

void fwh_nearest_consider(struct nearest *nearest, const char *word, size_t len);
/* words: with a blank between each. */
void fwh_nearest_words(struct nearest *nearest, const char *words);
/* "; did you mean 'X'?" if there is a word that near, else "". */
const char *fwh_nearest_suggest(const struct nearest *nearest, char *buf,
				size_t size);
/* Which of the words (a blank between each) is it?  -1: none. */
int fwh_word_index(const char *words, const char *text);

/* ---- values ---- */

/* A key's value on its way into a section or [global]. */
struct value {
	const struct key *key;
	const char *text;		/* not empty */
	bool again;			/* the key was given before: add */
	void *field;			/* the key's first field */
	struct fwh_settings *settings;	/* where field is, if it is there */
	struct fwh_globals *globals;
	const char *path;
	unsigned int line;
	bool continued;
	/* What parsers may leave when they refuse: */
	char item[WORD_MAX];		/* the part of the text, "": all of it */
	const char *why;		/* instead of what the key expects */
	struct nearest nearest;
};

/* Write the fields and return 0, or -EINVAL with the fields undefined: a load
 * that fails gives nothing back. */
typedef int value_parser(struct value *value);

static inline int fwh_value_refuse(struct value *value, const char *why)
{
	value->why = why;
	return -EINVAL;
}

/* config_values.c */
value_parser fwh_value_accept_mark, fwh_value_backend, fwh_value_bool,
	     fwh_value_chain_updown, fwh_value_count, fwh_value_lock_wait,
	     fwh_value_log_group, fwh_value_log_prefix, fwh_value_log_rate,
	     fwh_value_mark, fwh_value_mark_mask, fwh_value_mss,
	     fwh_value_template, fwh_value_word;

/* config_lists.c */
value_parser fwh_value_accept, fwh_value_accept_chains, fwh_value_devices,
	     fwh_value_ranges, fwh_value_verbosity;
/* Take the next item of a comma list, without blanks; a comma may end the
 * list, since the next line can continue it.  Returns 1, 0 at the end, or
 * -EINVAL for an empty or overlong one. */
int fwh_value_item(struct value *value, const char **p);

/* config_services.c */
value_parser fwh_value_services, fwh_value_tcp_encap;

/* config_raws.c */
value_parser fwh_value_raw;
void fwh_raws_free(struct fwh_raws *raws);

/* ---- config_keys.c ---- */

struct key {
	const char *name;
	unsigned int kinds;
	bool list;			/* may be given again, adds to it */
	value_parser *parse;
	size_t offset, size;		/* all fields that it sets, neighbours */
	const char *words;		/* the known words of its value */
	const char *expected;
	const char *help;
};

extern const struct key fwh_config_keys[];
extern const size_t fwh_config_n_keys;
/* The key that may stand in a section of one of these kinds, or NULL. */
const struct key *fwh_config_find_key(const char *name, unsigned int kinds);

/* ---- config_read.c ---- */

/* The n bytes of the file that was the last to be added to config->paths. */
int fwh_config_read_text(struct fwh_config *config, const char *text, size_t n,
			 struct fwh_err *err);

/* ---- config_files.c ---- */

/* optional: that there is no such file is no error, and it is to be used and not
 * only looked at, so that its folder has to be as safe as itself. */
int fwh_config_read_file(struct fwh_config *config, const char *path,
			 bool optional, struct fwh_err *err);
/* All *.conf of the folder, by name, if there is one. */
int fwh_config_read_folder(struct fwh_config *config, const char *dir,
			   struct fwh_err *err);

/* ---- config_templates.c ---- */

/* Find every section's parent. */
int fwh_templates_link(struct fwh_config *config, struct fwh_err *err);
/* From this section on, no chain of templates comes back to itself or is very
 * long. */
int fwh_templates_check(const struct fwh_config *config, size_t first,
			struct fwh_err *err);

/* ---- config_settings.c ---- */

/* What holds for connections of this section; -1: of none but [default]. */
void fwh_section_resolve(const struct fwh_config *config, ssize_t conn,
			 struct fwh_settings *ret);

/* ---- config_check.c ---- */

int fwh_config_check_sections(struct fwh_config *config, struct fwh_err *err);
/* Rules in people's own words, by this machine's backend. */
int fwh_config_check_raws(struct fwh_config *config, struct fwh_err *err);

#endif
