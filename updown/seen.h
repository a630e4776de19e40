/* SPDX-License-Identifier: GPL-2.0-or-later */
/* seen.h - a connection that was looked at: what several verbs say of it. */
#ifndef SEEN_H
#define SEEN_H

#include "fwhook.h"
#include "tty.h"

/* Is it called so?  By its name, or as files and chains call it: "office-k3f9a0qz". */
bool seen_is(const struct fwh_seen *seen, const char *name);
/* The first one that is; NULL, and said on stderr, if none is. */
const struct fwh_seen *seen_find(const struct fwh_view *view, const char *name);
/* All packets that would have left in clear. */
struct fwh_total seen_leaks(const struct fwh_seen *seen);
/* Does anybody else count where it counts? */
bool seen_is_shared(const struct fwh_seen *seen);
/* "-2 +1 no policy", or "". */
#define DRIFT_MAX	80
const char *drift_text(const struct fwh_seen *seen, char buf[DRIFT_MAX]);
/* As a JSON object; with all that the kernel holds, or only what it should and
 * does not, or does and should not. */
void seen_json(const struct fwh_view *view, size_t n, bool all);
/* One row of that. */
void held_json(const struct fwh_held *held);

#endif
