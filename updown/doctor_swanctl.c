// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * doctor_swanctl.c - which children of a swanctl.conf call no updown of ours.
 * What is not understood is taken for right.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "doctor_files.h"

#define PATH_SIZE	512

struct child {
	char path[PATH_SIZE];		/* connections.NAME.children.NAME */
	bool right;
};

struct conf {
	char path[PATH_SIZE];		/* of the section, parts with a dot between */
	struct child *list;
	size_t n;
};

/* ---- children ---- */

/* The length of "connections.NAME.children.NAME", or 0. */
static size_t child_length(const char *path)
{
	static const char *const parts[] = { "connections", "", "children", "" };
	const char *p = path;
	size_t i, n;

	for (i = 0; i < ARRAY_LEN(parts); i++) {
		if (i && *p++ != '.')
			return 0;
		n = strcspn(p, ".");
		if (!n || (*parts[i] && (strlen(parts[i]) != n ||
					 memcmp(p, parts[i], n))))
			return 0;
		p += n;
	}
	return (size_t)(p - path);
}

static struct child *get_child(struct conf *conf, const char *path)
{
	size_t n = child_length(path), i;
	struct child *list;

	if (!n)
		return NULL;
	for (i = 0; i < conf->n; i++)
		if (strlen(conf->list[i].path) == n &&
		    !memcmp(conf->list[i].path, path, n))
			return &conf->list[i];
	list = reallocarray(conf->list, conf->n + 1, sizeof(*list));
	if (!list)
		return NULL;
	conf->list = list;
	memset(&list[conf->n], 0, sizeof(*list));
	memcpy(list[conf->n].path, path, n);
	return &list[conf->n++];
}

/* ---- reading ---- */

static bool is_harmless(const char *key, const char *value)
{
	return !strcmp(key, "updown") ||
	       (!strcmp(key, "mode") &&
		(!strcmp(value, "pass") || !strcmp(value, "drop")));
}

static char *trim(char *s)
{
	char *end;

	s += strspn(s, " \t");
	for (end = s + strlen(s); end > s && isspace((unsigned char)end[-1]);)
		*--end = '\0';
	return s;
}

static void join(const struct conf *conf, const char *name, char ret[PATH_SIZE])
{
	if (snprintf(ret, PATH_SIZE, "%s%s%s", conf->path,
		     *conf->path ? "." : "", name) >= PATH_SIZE)
		*ret = '\0';
}

static void take_setting(struct conf *conf, char *key, char *value)
{
	char path[PATH_SIZE], *last;
	struct child *child;

	join(conf, trim(key), path);
	last = strrchr(path, '.');
	child = get_child(conf, path);
	if (child && last && strlen(child->path) == (size_t)(last - path) &&
	    is_harmless(last + 1, trim(value)))
		child->right = true;
}

/* "NAME {", or "NAME : OTHER {", which takes over what another section says. */
static void enter(struct conf *conf, char *name)
{
	char path[PATH_SIZE], *colon = strchr(name, ':');
	struct child *child;

	if (colon)
		*colon = '\0';
	join(conf, trim(name), path);
	memcpy(conf->path, path, sizeof(path));
	child = get_child(conf, path);
	if (child && colon)
		child->right = true;
}

static void leave(struct conf *conf)
{
	char *dot = strrchr(conf->path, '.');

	*(dot ? dot : conf->path) = '\0';
}

/* Several of "NAME {", "KEY = VALUE" and "}" can stand in a line, where a value
 * ends with the line or the bracket. */
static void take_line(char *line, void *arg)
{
	struct conf *conf = arg;
	char *p = line, *end, stop;

	while (*(p += strspn(p, " \t"))) {
		if (*p == '}') {
			leave(conf);
			p++;
			continue;
		}
		end = p + strcspn(p, "{}=");
		stop = *end;
		if (!stop)
			return;
		*end = '\0';
		if (stop == '{') {
			enter(conf, p);
			p = end + 1;
		} else if (stop == '}') {
			leave(conf);
			p = end + 1;
		} else {
			char *value = end + 1;
			size_t n = strcspn(value, "}");
			bool closes = value[n] == '}';

			value[n] = '\0';
			take_setting(conf, p, value);
			if (!closes)
				return;
			leave(conf);
			p = value + n + 1;
		}
	}
}

/* ---- the whole ---- */

static void check_conf(struct doctor *d, const char *path,
		       const struct conf *conf)
{
	struct names names = { .n = 0 };
	size_t i;

	for (i = 0; i < conf->n; i++)
		if (!conf->list[i].right)
			add_name(&names, conf->list[i].path);
	if (names.n)
		found(d, "the daemon does not tell us of them: they have no "
		      "rules and no guard", "updown = " HELPER_PATH " in each",
		      "%s: no updown in: %s", path, names.text);
}

void check_swanctl(struct doctor *d)
{
	static const char *const paths[] = {
		FWH_SYSCONFDIR "/swanctl/swanctl.conf",
		FWH_SYSCONFDIR "/strongswan/swanctl/swanctl.conf",
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(paths); i++) {
		struct conf conf = { .n = 0 };

		if (each_line(paths[i], take_line, &conf))
			check_conf(d, paths[i], &conf);
		free(conf.list);
	}
}
