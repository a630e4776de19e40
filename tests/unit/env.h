/* SPDX-License-Identifier: GPL-2.0-or-later */
/* env.h - environments for tests, as daemons make them and as nobody does. */
#ifndef FWHOOK_TEST_ENV_H
#define FWHOOK_TEST_ENV_H

#include "internal.h"

#define ENV_MAX	192

/* A zeroed one is empty. */
struct env {
	char *var[ENV_MAX + 1];
	size_t n;
};

/* Add "NAME=value" (a copy), in the place of an earlier one of that name;
 * "NAME" without '=' takes it away. */
void env_set(struct env *env, const char *assignment);
/* A line each; empty ones and those that begin with '#' say nothing. */
void env_set_lines(struct env *env, const char *lines);
void env_clear(struct env *env);

/* What a daemon sends for an established tunnel from 192.0.1.0/24 behind
 * 198.51.100.1 to 192.0.2.0/24 behind 198.51.100.2, all variables of it. */
extern const char *const env_up[FWH_DIALECT_MAX];

/* The event of env_up[dialect] with the changes of lines; fails the test if
 * it is refused. */
struct fwh_event env_event(enum fwh_dialect dialect, const char *lines);
/* The same, given back as fwh_event_parse() does. */
int env_parse(enum fwh_dialect dialect, const char *lines,
	      struct fwh_event *ret, struct fwh_err *err);

/* Lines for the longest event that there is. */
#define X51	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define ENV_X255	X51 X51 X51 X51 X51
#define ENV_X1023	ENV_X255 ENV_X255 ENV_X255 ENV_X255 "xxx"
#define ENV_LONGEST							\
	"PLUTO_CONNECTION=" ENV_X1023 "\n"				\
	"PLUTO_MY_CLIENT=1111:1111:1111:1111:1111:1111:1111:1111-"	\
	"2222:2222:2222:2222:2222:2222:2222:2222\n"			\
	"PLUTO_PEER_CLIENT=3333:3333:3333:3333:3333:3333:3333:3333-"	\
	"4444:4444:4444:4444:4444:4444:4444:4444\n"			\
	"PLUTO_MY_PROTOCOL=132\nPLUTO_MY_PORT=10000:20000\n"		\
	"PLUTO_PEER_PORT=30000:40000\nPLUTO_IF_ID_IN=4294967295"

#endif
