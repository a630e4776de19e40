/* SPDX-License-Identifier: GPL-2.0-or-later */
/* event.h - an environment on its way to an event, and back. */
#ifndef FWHOOK_EVENT_H
#define FWHOOK_EVENT_H

#include "internal.h"

/* ---- event_values.c ---- */

/* The longest text that is let through to those who show it.  pluto itself
 * never sends more than 2048 bytes in all (kernel.c, updown.c). */
#define TEXT_LIMIT	4096

/* What a value can be.  Parser and formatter work on the field at the row's
 * offset; those that concern several fields get the whole event.  A parser
 * returns 0, -EINVAL or -EOPNOTSUPP.  What has no formatter is not written. */
struct type {
	int (*parse)(const char *s, struct fwh_event *ev, void *field);
	void (*format)(const struct fwh_event *ev, const void *field, FILE *f);
	const char *expected;
};

extern const struct type fwh_type_addr, fwh_type_conn, fwh_type_flag,
			fwh_type_group, fwh_type_iface, fwh_type_ifaddr,
			fwh_type_mark, fwh_type_optional_addr, fwh_type_peer,
			fwh_type_port, fwh_type_range, fwh_type_spi,
			fwh_type_text, fwh_type_u32, fwh_type_u64;

/* An environment with the length of each variable's name, which tells most of them
 * apart: all rows are looked for in it, and most are not there. */
struct fwh_env {
	char *const *vars;
	uint8_t *name_len;		/* 0: longer than any of ours, or no variable */
	size_t n;
};
/* Returns 0 or -ENOMEM; name_len is to be freed, and vars the caller's. */
int fwh_env_index(char *const vars[], struct fwh_env *ret);
/* The variable's value, or NULL. */
const char *fwh_env_get(const struct fwh_env *env, const char *name);
/* "NAME=VALUE: expected ..."; returns code. */
int fwh_event_refuse(const char *name, const char *value, const char *expected,
		     int code, struct fwh_err *err);
/* Well-formed UTF-8 (RFC 3629) without control characters. */
bool fwh_is_text(const char *s);

/* ---- event_words.c ---- */

extern const struct type fwh_type_conn_kind, fwh_type_mode, fwh_type_policy,
			fwh_type_proto, fwh_type_sa_type, fwh_type_verb;

/* ---- event_rows.c ---- */

struct row {
	const char *name;
	const struct type *type;
	size_t offset;
	unsigned int flags;
};
#define REQUIRED	1u
#define READ_ONLY	2u		/* another row is written instead */

/* In this order they are read and written. */
extern const struct row fwh_event_rows[];
extern const size_t fwh_event_n_rows;

/* ---- event_sides.c ---- */

/* Protocol, ports, ICMP's type and code of ev->sel; its addresses, ev's dialect
 * and flags are known. */
int fwh_event_read_sides(const struct fwh_env *env, struct fwh_event *ev,
			 struct fwh_err *err);
void fwh_event_write_sides(const struct fwh_event *ev, FILE *f);

#endif
