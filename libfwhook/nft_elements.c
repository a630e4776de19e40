// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nft_elements.c - who owns which element now, and who shall; decides nothing about
 * rules.
 *
 * Elements can have several owners (two connections of the same selectors); who
 * they are is kept with the element itself, as its comment.  What a connection
 * had before is looked for in the kernel, in every set that could have it: the
 * settings may have changed since, and the program.
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
		for (j = 0; !code && j < nft->sets[i].n_keys; j++)
			code = add_claim(job, nft->sets[i].name,
					 &nft->sets[i].keys[j], owner,
					 &nft->sets[i]);
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

		if (set->key_len != bytes ||
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

static int claim_all(struct job *job, struct fwh_err *err)
{
	size_t i;
	int code = 0;

	for (i = 0; !code && i < job->n; i++) {
		const struct fwh_change *change = &job->changes[i];
		char owner[FWH_NFT_OWNER_MAX];

		fwh_nft_owner(&change->plan->key, owner);
		code = claim_wanted(job, i, owner);
		if (!code)
			code = claim_addresses(job, &change->after->ev, owner);
		if (!code)
			code = claim_reqid(job, change->after->sa.reqid, owner);
		if (!code && change->before)
			code = claim_reqid(job, change->before->sa.reqid,
					   owner);
		if (!code && change->before)
			code = claim_own(job, &change->before->ev, owner);
	}
	return code ? fwh_fail(err, code, "out of memory") : 0;
}

/* By element; of the claims of one owner, the one that wants it comes first. */
static int compare_claims(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int diff = strcmp(x->set, y->set);

	if (!diff)
		diff = (x->key.len > y->key.len) - (x->key.len < y->key.len);
	if (!diff)
		diff = memcmp(x->key.b, y->key.b, x->key.len);
	if (!diff)
		diff = strcmp(x->owner, y->owner);
	return diff ? diff : !x->wanted - !y->wanted;
}

static bool same_element(const struct claim *a, const struct claim *b)
{
	return !strcmp(a->set, b->set) && a->key.len == b->key.len &&
	       !memcmp(a->key.b, b->key.b, a->key.len);
}

static int group_claims(struct job *job, struct fwh_err *err)
{
	size_t i;

	qsort(job->claims, job->n_claims, sizeof(*job->claims),
	      compare_claims);
	job->elements = calloc(job->n_claims + 1, sizeof(*job->elements));
	if (!job->elements)
		return fwh_fail(err, -ENOMEM, "out of memory");
	for (i = 0; i < job->n_claims; i++) {
		const struct claim *claim = &job->claims[i];

		if (!i || !same_element(claim - 1, claim))
			job->elements[job->n_elements++].claim = claim;
		job->elements[job->n_elements - 1].n++;
	}
	return 0;
}

/* ---- elements ---- */

void fwh_nft_read_comment(struct nftnl_set_elem *e, char ret[COMMENT_MAX])
{
	uint32_t len;
	const uint8_t *udata = nftnl_set_elem_get(e, NFTNL_SET_ELEM_USERDATA,
						  &len);

	if (!udata || len < 3 || udata[0] != NFTNL_UDATA_SET_ELEM_COMMENT ||
	    udata[1] > len - 2 || udata[1] > COMMENT_MAX)
		return;
	memcpy(ret, udata + 2, udata[1]);
	ret[COMMENT_MAX - 1] = '\0';
}

static int take_comment(struct nftnl_set_elem *e, void *arg)
{
	struct element *element = arg;

	element->present = true;
	fwh_nft_read_comment(e, element->before);
	return 0;
}

int fwh_nft_each_element(const struct nlmsghdr *nlh,
			 int (*take)(struct nftnl_set_elem *e, void *arg),
			 void *arg)
{
	struct nftnl_set *set = nftnl_set_alloc();

	if (!set)
		return -ENOMEM;
	if (!nftnl_set_elems_nlmsg_parse(nlh, set))
		nftnl_set_elem_foreach(set, take, arg);
	nftnl_set_free(set);
	return 0;
}

static int take_element(const struct nlmsghdr *nlh, size_t question, void *arg)
{
	struct element **asked = arg;

	return fwh_nft_each_element(nlh, take_comment, asked[question]);
}

/* Which of the elements are there, and whose are they? */
static int ask_for_elements(struct job *job, struct fwh_err *err)
{
	fwh_autofree struct element **asked = calloc(job->n_elements + 1,
						     sizeof(struct element *));
	struct fwh_nft_batch batch = { .len = 0 };
	size_t i, n = 0;
	int code;

	if (!asked)
		return fwh_fail(err, -ENOMEM, "out of memory");
	for (i = 0; i < job->n_elements; i++) {
		const struct claim *claim = job->elements[i].claim;
		const struct present *set = fwh_nft_find_set(job, claim->set);
		struct nlmsghdr *nlh;

		if (!set)
			continue;
		if (set->key_len != claim->key.len) {
			job->misfit = claim->set;
			fwh_nft_batch_free(&batch);
			return -EEXIST;
		}
		nlh = fwh_nft_begin(job->link, &batch, NFT_MSG_GETSETELEM,
				    NFPROTO_INET, 0);
		if (!nlh)
			break;
		fwh_nft_put_element(nlh, claim, NULL);
		fwh_nft_end(&batch, nlh);
		asked[n++] = &job->elements[i];
	}
	code = n || batch.nomem ? fwh_nft_ask(job->link, &batch, take_element,
					      asked) : 0;
	fwh_nft_batch_free(&batch);
	return code;
}

/* ---- owners ---- */

/* Words of a comment, " +" at its end where there are more than it has room for.
 * Such an element stays when the others go, until all are counted anew: closed
 * rather than open. */

static const char *find_owner(const char *comment, const char *owner)
{
	size_t n = strlen(owner);
	const char *at;

	for (at = comment; (at = strstr(at, owner)); at += n)
		if ((at == comment || at[-1] == ' ') &&
		    (at[n] == ' ' || !at[n]))
			return at;
	return NULL;
}

static void add_owner(char comment[COMMENT_MAX], const char *owner)
{
	size_t n = strlen(comment);

	if (find_owner(comment, owner) || find_owner(comment, "+"))
		return;
	if (n + strlen(owner) + sizeof("  +") > COMMENT_MAX)
		owner = "+";
	snprintf(comment + n, COMMENT_MAX - n, "%s%s", n ? " " : "", owner);
}

static void remove_owner(char comment[COMMENT_MAX], const char *owner)
{
	char *at = (char *)find_owner(comment, owner);
	size_t n = strlen(owner);

	if (!at)
		return;
	if (at[n])
		memmove(at, at + n + 1, strlen(at + n + 1) + 1);
	else
		*(at > comment ? at - 1 : at) = '\0';
}

/* ---- elements that nobody remembers ---- */

struct forgotten {
	struct job *job;
	const char *set;
	const char *owner;		/* NULL: whoever is none of the job's */
	int code;
};

static int compare_owners(const void *a, const void *b)
{
	return strcmp(a, b);
}

void fwh_nft_sort_owners(struct job *job)
{
	if (job->n)
		qsort(job->owners, job->n, sizeof(*job->owners),
		      compare_owners);
}

static bool is_forgotten(const struct forgotten *forgotten, const char *owner)
{
	const struct job *job = forgotten->job;

	if (forgotten->owner)
		return !strcmp(owner, forgotten->owner);
	/* Who had no room in the comment is among them, too. */
	return !bsearch(owner, job->owners, job->n, sizeof(*job->owners),
			compare_owners);
}

static int claim_owned(struct nftnl_set_elem *e, void *arg)
{
	struct forgotten *forgotten = arg;
	char comment[COMMENT_MAX] = "", *owner, *save = NULL;
	struct fwh_nft_key key;
	uint32_t len;
	const void *data = nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY, &len);

	if (len > sizeof(key.b))
		return 0;
	memset(&key, 0, sizeof(key));
	memcpy(key.b, data, len);
	key.len = len;
	fwh_nft_read_comment(e, comment);
	for (owner = strtok_r(comment, " ", &save); owner && !forgotten->code;
	     owner = strtok_r(NULL, " ", &save))
		if (strlen(owner) < FWH_NFT_OWNER_MAX &&
		    is_forgotten(forgotten, owner))
			forgotten->code = add_claim(forgotten->job,
						    forgotten->set, &key,
						    owner, NULL);
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
		if (!all && job->sets[i].key_len != sizeof(uint32_t))
			continue;
		forgotten.set = job->sets[i].name;
		code = fwh_nft_dump_set(job->link, forgotten.set, take_owned,
					&forgotten);
	}
	return code;
}

/* A connection that goes, and whose record is lost: no one knows the reqid that
 * it had, but the elements say whose they are.  And where the changes are all
 * there is, nobody else has anything. */
static int claim_forgotten(struct job *job)
{
	char owner[FWH_NFT_OWNER_MAX];
	size_t i;
	int code = 0;

	if (job->all)
		return claim_forgotten_in(job, NULL, true);
	for (i = 0; !code && i < job->n; i++) {
		const struct fwh_change *change = &job->changes[i];

		if (change->before || change->after->sa.reqid ||
		    !(change->after->ev.verbs & FWH_DOWN))
			continue;
		fwh_nft_owner(&change->plan->key, owner);
		code = claim_forgotten_in(job, owner, false);
	}
	return code;
}

/* ---- who owns what after this ---- */

/* Strangers' elements, put in by hand, are nobody's to take away. */
static bool is_foreign(const struct element *element)
{
	return element->present && !*element->before;
}

static void settle_owners(struct element *element)
{
	size_t i;

	strcpy(element->after, element->before);
	for (i = 0; i < element->n; i++) {
		const struct claim *claim = &element->claim[i];

		if (i && !strcmp(claim[-1].owner, claim->owner))
			continue;	/* the first one of an owner counts */
		if (claim->wanted)
			add_owner(element->after, claim->owner);
		else
			remove_owner(element->after, claim->owner);
	}
}

bool fwh_nft_is_right(const struct element *element)
{
	return is_foreign(element) || !strcmp(element->before, element->after);
}

int fwh_nft_find_elements(struct job *job, struct fwh_err *err)
{
	size_t i;
	int code = claim_all(job, err);

	if (!code)
		code = claim_forgotten(job);
	if (!code)
		code = group_claims(job, err);
	if (!code)
		code = ask_for_elements(job, err);
	for (i = 0; !code && i < job->n_elements; i++)
		settle_owners(&job->elements[i]);
	return code;
}

/* ---- sets that become empty ---- */

struct search {
	const struct element *elements;	/* of the set, the leaving ones among them */
	size_t n;
	bool found;			/* one that does not leave */
};

static int seek_other(struct nftnl_set_elem *e, void *arg)
{
	struct search *search = arg;
	uint32_t len;
	const void *key = nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY, &len);
	size_t i;

	for (i = 0; i < search->n; i++) {
		const struct element *element = &search->elements[i];

		if (element->claim->key.len == len &&
		    !memcmp(element->claim->key.b, key, len) &&
		    !*element->after)
			return 0;
	}
	search->found = true;
	return -1;
}

static int take_others(const struct nlmsghdr *nlh, size_t question, void *arg)
{
	struct search *search = arg;
	int code = fwh_nft_each_element(nlh, seek_other, search);

	(void)question;
	return code ? code : search->found;
}

/* Does anything stay in the set, from which n elements leave?  Where the kernel does
 * not count them, not more than the first few are looked at. */
static int find_others(const struct present *set, size_t n,
		       struct search *search)
{
	if (set->n_elements < 0)
		return fwh_nft_look(set->name, take_others, search);
	search->found = set->n_elements > (int64_t)n;
	return 0;
}

/* Mark the sets that nobody will have an element in. */
int fwh_nft_find_dropped(struct job *job)
{
	size_t i, end;

	for (i = 0; i < job->n_elements; i = end) {
		const char *name = job->elements[i].claim->set;
		struct present *set = fwh_nft_find_set(job, name);
		struct search search = { .elements = &job->elements[i] };
		size_t leave = 0;
		bool stays = false;
		int code;

		for (end = i; end < job->n_elements &&
			      !strcmp(job->elements[end].claim->set, name);
		     end++) {
			const struct element *e = &job->elements[end];

			leave += e->present && !*e->after;
			stays = stays || *e->after || is_foreign(e);
		}
		if (!set || !leave || stays)
			continue;
		search.n = end - i;
		code = find_others(set, leave, &search);
		if (code)
			return code;
		set->dropped = !search.found;
	}
	return 0;
}
