/* SPDX-License-Identifier: GPL-2.0-or-later */
/* harden.h - from what a daemon leaves us to what we need. */
#ifndef UPDOWN_HARDEN_H
#define UPDOWN_HARDEN_H

/* Should: know about a filter that would kill us, close stray descriptors,
 * see that 0 to 2 are open, write files for us alone.  Mustn't: read any
 * configuration.  Returns NULL, or why we can't work here. */
const char *harden_start(void);

#endif
