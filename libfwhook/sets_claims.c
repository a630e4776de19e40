// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sets_claims.c - which elements connections shall have, and which of those they
 * have already.  Changes nothing.
 */
#include <errno.h>
#include <string.h>

#include "sets_job.h"

int fwh_sets_build_all(struct job *job)
{
	size_t i;
	int code = 0;

	job->sets = calloc(job->n + 1, sizeof(*job->sets));
	job->owners = calloc(job->n + 1, sizeof(*job->owners));
	if (!job->sets || !job->owners)
		return -ENOMEM;
	for (i = 0; !code && i < job->n; i++) {
		fwh_set_owner(&job->changes[i].plan->key, job->owners[i]);
		code = fwh_sets_build(job->changes[i].plan, &job->sets[i]);
	}
	return code;
}

static int claim_set(struct job *job, size_t conn, const struct fwh_set *set)
{
	struct claim *claim;
	size_t i;

	for (i = 0; i < set->n_keys; i++) {
		if (!fwh_grow(&job->claims, job->n_claims, &job->cap_claims,
			      sizeof(*claim)))
			return -ENOMEM;
		claim = &job->claims[job->n_claims++];
		memset(claim, 0, sizeof(*claim));
		claim->conn = conn;
		claim->set = set;
		claim->key = &set->keys[i];
		strcpy(claim->name, set->name);
	}
	return 0;
}

/* What closes comes first. */
int fwh_sets_claim(struct job *job)
{
	size_t i, j;
	int guards, code = 0;

	for (guards = 1; guards >= 0; guards--)
		for (i = 0; i < job->n; i++)
			for (j = 0; !code && j < job->sets[i].n; j++) {
				const struct fwh_set *set =
					&job->sets[i].list[j];

				if (fwh_set_guards(set->name) == guards)
					code = claim_set(job, i, set);
			}
	return code;
}

/* The first of a connection's; n: there is none. */
static size_t first_had(const struct job *job, size_t conn)
{
	size_t lo = 0, hi = job->had.n;

	while (lo < hi) {
		size_t middle = (lo + hi) / 2;

		if (job->had.list[middle].conn < conn)
			lo = middle + 1;
		else
			hi = middle;
	}
	return lo;
}

/* In whatever layer it has it. */
static bool is_claimed(const struct job *job, const struct fwh_set_had *had,
		       struct claim *claim)
{
	struct fwh_set set = *claim->set;
	unsigned int layer;

	if (had->net.len != claim->key->net.len ||
	    !fwh_addr_equal(&had->net.addr, &claim->key->net.addr))
		return false;
	for (layer = 0; !layer || fwh_set_has_name(&job->names, set.name);
	     layer++) {
		fwh_set_layer(claim->set, layer, &set);
		if (strcmp(set.name, had->set) != 0)
			continue;
		claim->layer = layer;
		strcpy(claim->name, set.name);
		return true;
	}
	return false;
}

void fwh_sets_settle(struct job *job)
{
	size_t i, j;

	for (i = 0; i < job->n_claims; i++) {
		struct claim *claim = &job->claims[i];

		for (j = first_had(job, claim->conn); j < job->had.n &&
		     job->had.list[j].conn == claim->conn; j++) {
			struct fwh_set_had *had = &job->had.list[j];

			if (claim->had || had->stays ||
			    !is_claimed(job, had, claim))
				continue;
			claim->had = had->stays = true;
		}
	}
}

/* Every set of the job's, each once; the list is to be freed, and nothing in it. */
int fwh_sets_all(struct job *job, struct fwh_sets *ret)
{
	struct fwh_set set;
	size_t i;
	int code = 0;

	for (i = 0; !code && i < job->n_claims; i++) {
		fwh_set_layer(job->claims[i].set, job->claims[i].layer, &set);
		code = fwh_sets_add_once(ret, &set);
	}
	return code;
}
