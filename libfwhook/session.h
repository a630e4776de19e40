/* SPDX-License-Identifier: GPL-2.0-or-later */
/* session.h - settings and records of all connections, opened for a person. */
#ifndef FWHOOK_SESSION_H
#define FWHOOK_SESSION_H

#include "internal.h"

struct fwh_session {
	const char *run_dir, *state_dir;
	struct fwh_config *config;
	struct fwh_store *store;
	struct fwh_record *records;	/* of the run directory */
	struct fwh_key *keys;		/* theirs */
	const struct fwh_key **by_text;	/* them, sorted */
	size_t n_records;
	bool all_read;			/* there are no others */
	struct fwh_complaints complaints;
};

/* Open with all records locked; complaints is set before.  With broken settings
 * the built-in ones hold, and that is complained of.  To be closed, whatever this
 * returns. */
int fwh_session_open(struct fwh_session *session,
		     const struct fwh_call_options *options,
		     struct fwh_err *err);
void fwh_session_close(struct fwh_session *session);
/* The record of a key; NULL if there is none. */
const struct fwh_record *fwh_session_find(const struct fwh_session *session,
					  const struct fwh_key *key);

#endif
