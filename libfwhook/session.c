// SPDX-License-Identifier: GPL-2.0-or-later
/* session.c - settings and records of all connections, opened for a person. */
#include <errno.h>
#include <string.h>

#include "session.h"

void fwh_session_close(struct fwh_session *session)
{
	free(session->records);
	free(session->keys);
	free(session->by_text);
	fwh_store_close(session->store);
	fwh_config_free(session->config);
}

static int compare_keys(const void *a, const void *b)
{
	const struct fwh_key *const *x = a, *const *y = b;

	return strcmp((*x)->text, (*y)->text);
}

static int read_records(struct fwh_session *session, struct fwh_err *err)
{
	size_t complaints = session->complaints.n, i;
	int code = fwh_store_list(session->store, fwh_complain,
				  &session->complaints, &session->records,
				  &session->n_records, err);

	if (code)
		return code;
	session->all_read = session->complaints.n == complaints;
	session->keys = calloc(session->n_records + 1, sizeof(*session->keys));
	session->by_text = calloc(session->n_records + 1,
				  sizeof(*session->by_text));
	if (!session->keys || !session->by_text)
		return fwh_fail(err, -ENOMEM, "out of memory");
	for (i = 0; i < session->n_records; i++) {
		fwh_event_key(&session->records[i].ev, &session->keys[i]);
		session->by_text[i] = &session->keys[i];
	}
	qsort(session->by_text, session->n_records, sizeof(*session->by_text),
	      compare_keys);
	return 0;
}

int fwh_session_open(struct fwh_session *session,
		     const struct fwh_call_options *options,
		     struct fwh_err *err)
{
	struct fwh_err bad;
	int code;

	session->run_dir = options->run_dir ? options->run_dir :
					FWH_RUNSTATEDIR "/ipsec-fw";
	session->state_dir = options->state_dir ? options->state_dir :
					FWH_STATEDIR "/ipsec-fw";
	code = fwh_config_open(options, &session->config, &bad, err);
	if (code)
		return code;
	if (bad.code)
		fwh_complain(&bad, &session->complaints);
	code = fwh_store_open(session->run_dir,
			      fwh_config_globals(session->config)->lock_wait_ms,
			      &session->store, err);
	if (!code)
		code = fwh_store_lock(session->store, NULL, err);
	/* What broken settings say of the backend is not known: it stays. */
	if (!code && bad.code && fwh_store_backend(session->store))
		fwh_config_set_backend(session->config,
				       fwh_store_backend(session->store),
				       "it was before");
	else if (!code)
		fwh_connections_choose_form(session->config, session->store);
	return code ? code : read_records(session, err);
}

const struct fwh_record *fwh_session_find(const struct fwh_session *session,
					  const struct fwh_key *key)
{
	const struct fwh_key *const *found =
		bsearch(&key, session->by_text, session->n_records,
			sizeof(*session->by_text), compare_keys);

	return found ? &session->records[*found - session->keys] : NULL;
}
