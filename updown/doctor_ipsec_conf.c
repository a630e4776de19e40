// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * doctor_ipsec_conf.c - which connections of an ipsec.conf (Libreswan, Openswan,
 * strongSwan) call no updown of ours.  What is not understood is taken for right.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "doctor.h"
#include "doctor_files.h"

#define ALSO_MAX	8
#define INHERIT_MAX	8		/* of also= in a row */

enum { LEFT, RIGHT, LEFTUPDOWN, RIGHTUPDOWN, AUTO, TYPE, AUTHBY, KEYS };

static const char *const keys[KEYS] = {
	"left", "right", "leftupdown", "rightupdown", "auto", "type", "authby",
};

struct conn {
	char name[128];
	char *value[KEYS];		/* NULL: not given */
	char *also[ALSO_MAX];
	size_t n_also;
	bool used;			/* somebody has also= it */
};

struct conf {
	struct conn *list;
	size_t n;
	bool in_conn;
};

/* ---- reading ---- */

static void begin_section(struct conf *conf, const char *line)
{
	struct conn *list;

	conf->in_conn = !strncmp(line, "conn", 4) &&
			isspace((unsigned char)line[4]);
	if (!conf->in_conn)
		return;
	list = reallocarray(conf->list, conf->n + 1, sizeof(*list));
	conf->in_conn = list != NULL;
	if (!list)
		return;
	conf->list = list;
	memset(&list[conf->n], 0, sizeof(*list));
	line += 4 + strspn(line + 4, " \t");
	snprintf(list[conf->n++].name, sizeof(list->name), "%s", line);
}

static char *clean_value(char *value)
{
	size_t n;

	value += strspn(value, " \t");
	n = strlen(value);
	if (*value == '"' && n > 1 && value[n - 1] == '"') {
		value[n - 1] = '\0';
		value++;
	}
	return strdup(value);
}

static void take_key(struct conn *conn, const char *key, char *value)
{
	size_t i;

	if (!strcmp(key, "also") && conn->n_also < ALSO_MAX)
		conn->also[conn->n_also++] = clean_value(value);
	for (i = 0; i < KEYS; i++) {
		if (strcasecmp(key, keys[i]) != 0)
			continue;
		free(conn->value[i]);
		conn->value[i] = clean_value(value);
	}
}

static void take_line(char *line, void *arg)
{
	struct conf *conf = arg;
	char *equals, *end;

	if (!isspace((unsigned char)*line)) {
		begin_section(conf, line);
		return;
	}
	equals = strchr(line, '=');
	if (!conf->in_conn || !equals)
		return;
	line += strspn(line, " \t");
	for (end = equals; end > line && isspace((unsigned char)end[-1]); end--)
		;
	*end = '\0';
	take_key(&conf->list[conf->n - 1], line, equals + 1);
}

/* ---- what a connection has ---- */

static struct conn *find_conn(const struct conf *conf, const char *name)
{
	size_t i;

	for (i = 0; i < conf->n; i++)
		if (!strcmp(conf->list[i].name, name))
			return &conf->list[i];
	return NULL;
}

static const char *inherited(const struct conf *conf, const struct conn *conn,
			     int key, unsigned int depth)
{
	const char *value = conn->value[key];
	const struct conn *other;
	size_t i;

	for (i = 0; !value && i < conn->n_also && depth < INHERIT_MAX; i++) {
		other = find_conn(conf, conn->also[i]);
		if (other)
			value = inherited(conf, other, key, depth + 1);
	}
	return value;
}

/* Several "conn %default" add up. */
static const char *value_of(const struct conf *conf, const struct conn *conn,
			    int key)
{
	const char *value = inherited(conf, conn, key, 0);
	size_t i;

	for (i = conf->n; !value && i > 0; i--)
		if (!strcmp(conf->list[i - 1].name, "%default"))
			value = inherited(conf, &conf->list[i - 1], key, 0);
	return value;
}

static bool is_one_of(const char *value, const char *words)
{
	const char *at = value && *value ? strstr(words, value) : NULL;
	size_t n = value ? strlen(value) : 0;

	return at && (at == words || at[-1] == ' ') &&
	       (at[n] == ' ' || !at[n]);
}

/* One that can come up, and that the firewall has to do with. */
static bool is_concerned(const struct conf *conf, const struct conn *conn)
{
	const char *start = value_of(conf, conn, AUTO);

	return *conn->name != '%' && value_of(conf, conn, LEFT) &&
	       value_of(conf, conn, RIGHT) &&
	       !(conn->used && (!start || !strcmp(start, "ignore"))) &&
	       !is_one_of(value_of(conf, conn, TYPE),
			  "passthrough pass drop reject") &&
	       !is_one_of(value_of(conf, conn, AUTHBY), "never");
}

static void check_conf(struct doctor *d, const char *path,
		       const struct conf *conf)
{
	struct names names = { .n = 0 };
	size_t i, j;

	for (i = 0; i < conf->n; i++) {
		for (j = 0; j < conf->list[i].n_also; j++) {
			struct conn *other = find_conn(conf,
						       conf->list[i].also[j]);

			if (other)
				other->used = true;
		}
	}
	for (i = 0; i < conf->n; i++) {
		const struct conn *conn = &conf->list[i];

		if (is_concerned(conf, conn) &&
		    !value_of(conf, conn, LEFTUPDOWN) &&
		    !value_of(conf, conn, RIGHTUPDOWN))
			add_name(&names, conn->name);
	}
	if (names.n)
		found(d, "the daemon does not tell us of them: they have no "
		      "rules and no guard", "leftupdown=" HELPER_PATH " in "
		      "each, or once in conn %default", "%s: no leftupdown "
		      "in: %s", path, names.text);
}

void check_ipsec_conf(struct doctor *d)
{
	static const char *const paths[] = {
		FWH_SYSCONFDIR "/ipsec.conf",
		FWH_SYSCONFDIR "/strongswan/ipsec.conf",
	};
	size_t i, j, k;

	for (i = 0; i < ARRAY_LEN(paths); i++) {
		struct conf conf = { .n = 0 };

		if (each_line(paths[i], take_line, &conf))
			check_conf(d, paths[i], &conf);
		for (j = 0; j < conf.n; j++) {
			for (k = 0; k < KEYS; k++)
				free(conf.list[j].value[k]);
			for (k = 0; k < conf.list[j].n_also; k++)
				free(conf.list[j].also[k]);
		}
		free(conf.list);
	}
}
