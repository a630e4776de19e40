/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tty.h - what stdout can show, and words for people. */
#ifndef TTY_H
#define TTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fwhook.h"

enum color { PLAIN, BOLD, GREEN, YELLOW, RED, DIM, COLOR_MAX };

/* Columns of the terminal; 0: stdout is none, and lines may be as long as they
 * are. */
unsigned int tty_width(void);
/* Does it show characters beyond ASCII? */
bool tty_utf8(void);
/* What begins a colour; "" where there are none: no terminal, TERM=dumb, or
 * NO_COLOR (https://no-color.org). */
const char *tty_color(enum color color);

/* 9999, 12k, 3.4M: at most five characters; buf holds 24.  Return buf. */
const char *short_number(uint64_t n, char *buf);
/* 59s, 3m, 12h, 400d since then; "-" if that is not known. */
const char *short_age(uint64_t since, char *buf);
/* Local time, "2026-11-25 22:35:54". */
const char *long_time(uint64_t when, char *buf);

#define TRAFFIC_MAX	(2 * FWH_RANGE_STRLEN + 64)
/* "192.0.1.0/24[tcp/443] === 192.0.2.0/24"; tight: with a single "=".  buf holds
 * TRAFFIC_MAX. */
const char *traffic_text(const struct fwh_selector *sel, bool tight, char *buf);
/* One side of it; buf holds FWH_RANGE_STRLEN + 32. */
const char *side_text(const struct fwh_selector *sel, bool local, char *buf);
/* "0x10000/0x3fff0000", or "-"; buf holds 24. */
const char *mark_text(const struct fwh_mark *mark, char *buf);

extern const char *const state_text[FWH_STATE_BLOCKED + 1];
enum color state_color(enum fwh_state state);

#endif
