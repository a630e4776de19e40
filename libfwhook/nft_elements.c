// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nft_elements.c - which elements a connection wants, and which it may have had;
 * decides nothing about rules.
 *
 * What a connection had before is looked for in the kernel, in every set that
 * could have it: the settings may have changed since, and the program.
 */
#include <errno.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <libnftnl/set.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter.h>

#include "nft_job.h"

/* ---- claims ---- */

static int add_claim(struct job *job, const char *set,
		     const struct fwh_nft_key *key, const char *owner,
		     const struct fwh_nft_set *wanted)
{
	struct claim *claim;

	if (!fwh_grow(&job->claims, job->n_claims, &job->cap_claims,
		      sizeof(*claim)))
		return -ENOMEM;
	claim = &job->claims[job->n_claims++];
	memset(claim, 0, sizeof(*claim));
	claim->set = set;
	claim->key = *key;
	strcpy(claim->owner, owner);	/* of one size */
	claim->wanted = wanted;
	return 0;
}

static int claim_wanted(struct job *job, size_t n, const char *owner)
{
	const struct fwh_nft *nft = &job->nfts[n];
	size_t i, j;
	int code = 0;

	for (i = 0; i < nft->n; i++)
		for (j = 0; !code && j < nft->sets[i].n_keys; j++) {
			code = add_claim(job, nft->sets[i].name,
					 &nft->sets[i].keys[j], owner,
					 &nft->sets[i]);
			if (!code)
				job->claims[job->n_claims - 1].change = n;
		}
	return code;
}

/* The connection may have an element of these addresses in any set of this
 * shape, either way round. */
static int claim_pair(struct job *job, const struct fwh_net *a,
		      const struct fwh_net *b, const char *owner)
{
	size_t bytes = 2 * fwh_family_bytes(a->addr.family), i;
	int code = 0;

	for (i = 0; !code && i < job->n_sets; i++) {
		const struct present *set = &job->sets[i];
		unsigned int src_len, dst_len;
		struct fwh_nft_key key;

		if (set->key_len != bytes || fwh_nft_owned_set(set->name) ||
		    fwh_nft_shape(set->name, &src_len, &dst_len))
			continue;
		if (src_len == a->len && dst_len == b->len) {
			fwh_nft_addresses_key(a, b, &key);
			code = add_claim(job, set->name, &key, owner, NULL);
		}
		if (!code && src_len == b->len && dst_len == a->len) {
			fwh_nft_addresses_key(b, a, &key);
			code = add_claim(job, set->name, &key, owner, NULL);
		}
	}
	return code;
}

static int claim_gateways(struct job *job, const struct fwh_event *ev,
			  const char *owner)
{
	struct fwh_net me = { .addr = ev->me }, peer = { .addr = ev->peer };

	me.len = peer.len = (uint8_t)fwh_family_bits(ev->me.family);
	return claim_pair(job, &me, &peer, owner);
}

/* guard-families = both */
static int claim_other_family(struct job *job, const struct fwh_event *ev,
			      const char *owner)
{
	struct fwh_net any = { .len = 0 };

	any.addr.family = ev->sel.local.family == FWH_IPV4 ? FWH_IPV6 :
							     FWH_IPV4;
	return claim_pair(job, &any, &any, owner);
}

static int claim_selector(struct job *job, const struct fwh_selector *sel,
			  const char *owner)
{
	struct fwh_net local[FWH_RANGE_NETS_MAX], remote[FWH_RANGE_NETS_MAX];
	size_t n_local = fwh_range_to_nets(&sel->local, local);
	size_t n_remote = fwh_range_to_nets(&sel->remote, remote);
	size_t i, j;
	int code = 0;

	for (i = 0; i < n_remote; i++)
		for (j = 0; !code && j < n_local; j++)
			code = claim_pair(job, &remote[i], &local[j], owner);
	return code;
}

/* What has our gateway's address, which may have been another one before. */
static int claim_own(struct job *job, const struct fwh_event *ev,
		     const char *owner)
{
	struct fwh_selector cat;
	int code = claim_gateways(job, ev, owner);

	if (!code && fwh_event_cat(ev, &cat))
		code = claim_selector(job, &cat, owner);
	return code;
}

static int claim_addresses(struct job *job, const struct fwh_event *ev,
			   const char *owner)
{
	int code = claim_own(job, ev, owner);

	if (!code)
		code = claim_other_family(job, ev, owner);
	return code ? code : claim_selector(job, &ev->sel, owner);
}

static int claim_reqid(struct job *job, uint32_t reqid, const char *owner)
{
	struct fwh_nft_key key;
	size_t i;
	int code = 0;

	if (!reqid)
		return 0;
	fwh_nft_reqid_key(reqid, &key);
	for (i = 0; !code && i < job->n_sets; i++)
		if (job->sets[i].key_len == key.len)
			code = add_claim(job, job->sets[i].name, &key, owner,
					 NULL);
	return code;
}

static int claim_had(struct job *job, const struct fwh_change *change,
		     const char *owner)
{
	int code = claim_addresses(job, &change->after->ev, owner);

	if (!code)
		code = claim_reqid(job, change->after->sa.reqid, owner);
	if (!code && change->before)
		code = claim_reqid(job, change->before->sa.reqid, owner);
	if (!code && change->before)
		code = claim_own(job, &change->before->ev, owner);
	return code;
}

/* Where the changes are all there is, the elements tell who had them. */
static int claim_all(struct job *job, struct fwh_err *err)
{
	char owner[FWH_NFT_OWNER_MAX];
	size_t i;
	int code = 0;

	for (i = 0; !code && i < job->n; i++) {
		fwh_nft_owner(&job->changes[i].plan->key, owner);
		code = claim_wanted(job, i, owner);
		if (!code && !job->all)
			code = claim_had(job, &job->changes[i], owner);
	}
	return code ? fwh_fail(err, code, "out of memory") : 0;
}

int fwh_nft_compare_claimed(const struct claim *a, const struct claim *b)
{
	int diff = strcmp(a->set, b->set);

	if (!diff)
		diff = (a->key.len > b->key.len) - (a->key.len < b->key.len);
	return diff ? diff : memcmp(a->key.b, b->key.b, a->key.len);
}

/* By element; of the claims of one owner, the one that wants it comes first. */
static int compare_claims(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int diff = fwh_nft_compare_claimed(x, y);

	if (!diff)
		diff = strcmp(x->owner, y->owner);
	return diff ? diff : !x->wanted - !y->wanted;
}

static int group_claims(struct job *job, struct fwh_err *err)
{
	size_t i, n = 0;

	qsort(job->claims, job->n_claims, sizeof(*job->claims),
	      compare_claims);
	job->elements = calloc(job->n_claims + 1, sizeof(*job->elements));
	if (!job->elements)
		return fwh_fail(err, -ENOMEM, "out of memory");
	for (i = 0; i < job->n_claims; i++) {
		struct claim *claim = &job->claims[n];
		bool same;

		*claim = job->claims[i];
		same = n && !fwh_nft_compare_claimed(claim - 1, claim);
		if (same && !strcmp(claim[-1].owner, claim->owner))
			continue;	/* the first one of an owner counts */
		if (!same)
			job->elements[job->n_elements++].claim = claim;
		job->elements[job->n_elements - 1].n++;
		n++;
	}
	job->n_claims = n;
	return 0;
}

/* ---- elements ---- */

int fwh_nft_each_element(const struct nlmsghdr *nlh,
			 int (*take)(struct nftnl_set_elem *e, void *arg),
			 void *arg)
{
	struct nftnl_set *set = nftnl_set_alloc();
	int code = 0;

	if (!set)
		return -ENOMEM;
	errno = 0;
	if (fwh_nft_knows(nftnl_set_elems_nlmsg_parse(nlh, set), &code))
		fwh_nft_knows(nftnl_set_elem_foreach(set, take, arg), &code);
	nftnl_set_free(set);
	return code;
}

/* ---- elements that nobody remembers ---- */

struct forgotten {
	struct job *job;
	const char *set;
	bool beside;			/* it is the set of its other owners */
	const char *owner;		/* NULL: anybody */
	int code;
};

static int claim_owned(struct nftnl_set_elem *e, void *arg)
{
	struct forgotten *forgotten = arg;
	char owner[FWH_NFT_OWNER_MAX];
	struct fwh_nft_key key;
	uint32_t row;

	fwh_nft_read_owner(e, owner);
	if (*owner && (!forgotten->owner || !strcmp(owner, forgotten->owner)) &&
	    fwh_nft_element_key(e, forgotten->beside, &key, &row))
		forgotten->code = add_claim(forgotten->job, forgotten->set,
					    &key, owner, NULL);
	return forgotten->code;
}

static int take_owned(const struct nlmsghdr *nlh, size_t question, void *arg)
{
	struct forgotten *forgotten = arg;
	int code = fwh_nft_each_element(nlh, claim_owned, forgotten);

	(void)question;
	return code ? code : forgotten->code;
}

/* In the sets of reqids, or in all. */
static int claim_forgotten_in(struct job *job, const char *owner, bool all)
{
	struct forgotten forgotten = { .job = job, .owner = owner };
	size_t i;
	int code = 0;

	for (i = 0; !code && i < job->n_sets; i++) {
		const char *name = job->sets[i].name;
		const char *owned = fwh_nft_owned_set(name);
		size_t len = (owned ? 2 : 1) * sizeof(uint32_t);

		if (!all && job->sets[i].key_len != len)
			continue;
		forgotten.set = owned ? owned : name;
		forgotten.beside = owned;
		code = fwh_nft_dump_set(job->link, name, take_owned,
					&forgotten);
	}
	return code;
}

/* A connection that goes without a record, or whose record cannot be read: no one
 * knows the reqid that it had, but the elements say whose they are.  And where the
 * changes are all there is, nobody has anything that he does not want, as one that was
 * killed may. */
static int claim_forgotten(struct job *job)
{
	char owner[FWH_NFT_OWNER_MAX];
	size_t i;
	int code = 0;

	if (job->all)
		return claim_forgotten_in(job, NULL, true);
	for (i = 0; !code && i < job->n; i++) {
		const struct fwh_change *change = &job->changes[i];

		if (!change->lost &&
		    (change->before || change->after->sa.reqid ||
		     !(change->after->ev.verbs & FWH_DOWN)))
			continue;
		fwh_nft_owner(&change->plan->key, owner);
		code = claim_forgotten_in(job, owner, false);
	}
	return code;
}

/* ---- who owns what after this ---- */

int fwh_nft_find_elements(struct job *job, struct fwh_err *err)
{
	size_t i;
	int code = claim_all(job, err);

	if (!code)
		code = claim_forgotten(job);
	if (!code)
		code = group_claims(job, err);
	if (!code)
		code = fwh_nft_read_owners(job);
	for (i = 0; !code && i < job->n_elements; i++)
		code = fwh_nft_settle_owners(&job->elements[i]);
	return code;
}
