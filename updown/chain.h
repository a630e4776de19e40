/* SPDX-License-Identifier: GPL-2.0-or-later */
/* chain.h - the daemon's own script, for routes, addresses and DNS. */
#ifndef UPDOWN_CHAIN_H
#define UPDOWN_CHAIN_H

#include "fwhook.h"

/* The script that the settings choose, NULL for none.  auto: the first
 * Libreswan or Openswan script that exists, by the daemon's dialect; strongSwan
 * does the rest of its work itself. */
const char *chain_find(const struct fwh_settings *settings,
		       enum fwh_dialect dialect);
/* Run it with args and exactly this environment and wait for it; its output
 * goes where ours goes.  Returns its exit status, 128 + a signal's number, or
 * a negative errno if it could not be run. */
int chain_run(const char *script, char *const args[], char *const env[]);

#endif
