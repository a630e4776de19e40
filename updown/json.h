/* SPDX-License-Identifier: GPL-2.0-or-later */
/* json.h - JSON on stdout, indented, in the order in which it is written. */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stdint.h>

/* name: of a member of an object; NULL in arrays and for the whole. */
void json_open(const char *name, char bracket);	/* '{' or '[' */
void json_close(void);
void json_string(const char *name, const char *value);
void json_number(const char *name, uint64_t value);
void json_bool(const char *name, bool value);

#endif
