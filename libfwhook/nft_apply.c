// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nft_apply.c - the table inet ipsec_fw holds exactly the plans: look at the
 * elements that are concerned, then one transaction, and none where they are
 * right already.  Decides nothing about rules.
 *
 * Elements can have several owners (two connections of the same selectors); who
 * they are is kept with the element itself, as its comment.  What a connection
 * had before is looked for in the kernel, in every set that could have it: the
 * settings may have changed since, and the program.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter.h>

#include "backend.h"
#include "nft.h"
#include "nft_accept.h"
#include "nft_link.h"

/* Beside a program that changes the ruleset all the time, the generation is never
 * the one that was looked at.  Our own calls keep each other out with a lock, so
 * after some tries whatever others do to their own tables is let be. */
#define RACES_MAX	8

#define COMMENT_MAX	128		/* with its NUL: nft reads no more */

/* ---- what there is, and what there shall be -------------------------------------- */

/* A set of the kernel's. */
struct present {
	char name[FWH_NFT_NAME_MAX];
	uint32_t key_len;
	bool dropped;
};

/* A connection says of one element that it wants it, or not any more. */
struct claim {
	const char *set;
	struct fwh_nft_key key;
	char owner[FWH_NFT_OWNER_MAX];
	const struct fwh_nft_set *wanted; /* NULL: not any more */
};

/* One element, of which n claims from `claim' on speak. */
struct element {
	const struct claim *claim;
	size_t n;
	bool present;
	char before[COMMENT_MAX], after[COMMENT_MAX];
};

struct strings {
	char (*list)[FWH_NFT_NAME_MAX];
	size_t n, cap;
};

struct job {
	const struct fwh_globals *globals;
	const struct fwh_change *changes;
	size_t n;
	bool all;			/* there is no other connection */
	char (*owners)[FWH_NFT_OWNER_MAX]; /* with `all': of the changes, sorted */
	struct fwh_nft *nfts;		/* one a change */
	struct fwh_nft_link *link;
	uint32_t generation;
	unsigned int lost;		/* races with other programs */
	struct present *sets;
	size_t n_sets, cap_sets;
	struct claim *claims;
	size_t n_claims, cap_claims;
	struct element *elements;
	size_t n_elements;
	struct strings chains;		/* those that are there */
	struct fwh_nft_batch batch;
	bool rebuild;			/* rules are missing: all anew */
	/* Of new base chains, as long as notes speak of them. */
	struct fwh_nft_rule prologue[FWH_NFT_BASE_MAX][FWH_NFT_PROLOGUE_MAX];
	size_t n_prologue;
	const char *misfit;		/* a set of our name, but not our type */
	const char **notes;		/* what each message of the batch is about */
	size_t n_notes, cap_notes;
};

/* Room for one more, or false. */
static bool grow(void *list, size_t n, size_t *cap, size_t size)
{
	void **p = list, *bigger;
	size_t more = *cap ? 2 * *cap : 32;

	if (n < *cap)
		return true;
	bigger = reallocarray(*p, more, size);
	if (!bigger)
		return false;
	*p = bigger;
	*cap = more;
	return true;
}

static void forget(struct job *job)
{
	size_t i, j;

	for (i = 0; i < job->n_prologue; i++)
		for (j = 0; j < FWH_NFT_PROLOGUE_MAX; j++)
			fwh_nft_rule_free(&job->prologue[i][j]);
	memset(job->prologue, 0, sizeof(job->prologue));
	job->n_prologue = 0;
	free(job->sets);
	free(job->claims);
	free(job->elements);
	free(job->chains.list);
	free(job->notes);
	fwh_nft_batch_free(&job->batch);
	job->sets = NULL;
	job->claims = NULL;
	job->elements = NULL;
	job->notes = NULL;
	job->misfit = NULL;
	job->rebuild = false;
	memset(&job->chains, 0, sizeof(job->chains));
	job->n_sets = job->cap_sets = job->n_claims = job->cap_claims = 0;
	job->n_elements = job->n_notes = job->cap_notes = 0;
}

/* ---- the kernel's sets --------------------------------------------------------------- */

static int take_set(const struct nlmsghdr *nlh, size_t question, void *arg)
{
	struct nftnl_set *set = nftnl_set_alloc();
	struct job *job = arg;
	struct present *present;
	const char *name;
	int code = 0;

	(void)question;
	if (!set)
		return -ENOMEM;
	if (nftnl_set_nlmsg_parse(nlh, set) ||
	    strcmp(nftnl_set_get_str(set, NFTNL_SET_TABLE), FWH_NFT_TABLE))
		goto out;
	name = nftnl_set_get_str(set, NFTNL_SET_NAME);
	if (strlen(name) >= FWH_NFT_NAME_MAX)
		goto out;		/* not one of ours */
	if (!grow(&job->sets, job->n_sets, &job->cap_sets, sizeof(*present))) {
		code = -ENOMEM;
		goto out;
	}
	present = &job->sets[job->n_sets++];
	memset(present, 0, sizeof(*present));
	strcpy(present->name, name);	/* the length was checked */
	present->key_len = nftnl_set_get_u32(set, NFTNL_SET_KEY_LEN);
out:
	nftnl_set_free(set);
	return code;
}

/* Ask for everything of one kind that our table has. */
static int dump_table(struct fwh_nft_link *link, uint16_t type,
		      uint16_t table_attr, fwh_nft_answer *answer, void *arg)
{
	struct fwh_nft_batch batch = { .len = 0 };
	struct nlmsghdr *nlh = fwh_nft_begin(link, &batch, type, NFPROTO_INET,
					     NLM_F_DUMP);
	int code = -ENOMEM;

	if (nlh) {
		mnl_attr_put_strz(nlh, table_attr, FWH_NFT_TABLE);
		fwh_nft_end(&batch, nlh);
		code = fwh_nft_dump(link, &batch, answer, arg);
	}
	fwh_nft_batch_free(&batch);
	return code;
}

/* Ask for the elements of a set of ours. */
static int dump_set(struct fwh_nft_link *link, const char *set,
		    fwh_nft_answer *answer, void *arg)
{
	struct fwh_nft_batch batch = { .len = 0 };
	struct nlmsghdr *nlh = fwh_nft_begin(link, &batch, NFT_MSG_GETSETELEM,
					     NFPROTO_INET, NLM_F_DUMP);
	int code = -ENOMEM;

	if (nlh) {
		mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE,
				  FWH_NFT_TABLE);
		mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set);
		fwh_nft_end(&batch, nlh);
		code = fwh_nft_dump(link, &batch, answer, arg);
	}
	fwh_nft_batch_free(&batch);
	return code;
}

static struct present *find_set(const struct job *job, const char *name)
{
	size_t i;

	for (i = 0; i < job->n_sets; i++)
		if (!strcmp(job->sets[i].name, name))
			return &job->sets[i];
	return NULL;
}

/* ---- claims ------------------------------------------------------------------------------ */

static int add_claim(struct job *job, const char *set,
		     const struct fwh_nft_key *key, const char *owner,
		     const struct fwh_nft_set *wanted)
{
	struct claim *claim;

	if (!grow(&job->claims, job->n_claims, &job->cap_claims,
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

static int claim_addresses(struct job *job, const struct fwh_event *ev,
			   const char *owner)
{
	struct fwh_net local[FWH_RANGE_NETS_MAX], remote[FWH_RANGE_NETS_MAX];
	size_t n_local = fwh_range_to_nets(&ev->sel.local, local);
	size_t n_remote = fwh_range_to_nets(&ev->sel.remote, remote);
	size_t i, j;
	int code = claim_gateways(job, ev, owner);

	if (!code)
		code = claim_other_family(job, ev, owner);
	for (i = 0; i < n_remote; i++)
		for (j = 0; !code && j < n_local; j++)
			code = claim_pair(job, &remote[i], &local[j], owner);
	return code;
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
			code = claim_gateways(job, &change->before->ev, owner);
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

/* ---- elements ------------------------------------------------------------------------------- */

static void put_element(struct nlmsghdr *nlh, const char *set,
			const struct fwh_nft_key *keys, size_t n,
			const char *comment)
{
	struct nlattr *list, *elem, *key;
	uint8_t udata[COMMENT_MAX + 2];
	size_t i, len;

	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, FWH_NFT_TABLE);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set);
	list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (i = 0; i < n; i++) {
		elem = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
		key = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_KEY);
		mnl_attr_put(nlh, NFTA_DATA_VALUE, keys[i].len, keys[i].b);
		mnl_attr_nest_end(nlh, key);
		if (comment) {		/* as nft writes it */
			len = strlen(comment) + 1;
			udata[0] = NFTNL_UDATA_SET_ELEM_COMMENT;
			udata[1] = (uint8_t)len;
			memcpy(udata + 2, comment, len);
			mnl_attr_put(nlh, NFTA_SET_ELEM_USERDATA, len + 2,
				     udata);
		}
		mnl_attr_nest_end(nlh, elem);
	}
	mnl_attr_nest_end(nlh, list);
}

static void read_comment(struct nftnl_set_elem *e, char ret[COMMENT_MAX])
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
	read_comment(e, element->before);
	return 0;
}

static int take_element(const struct nlmsghdr *nlh, size_t question, void *arg)
{
	struct element **asked = arg;
	struct nftnl_set *set = nftnl_set_alloc();

	if (!set)
		return -ENOMEM;
	if (!nftnl_set_elems_nlmsg_parse(nlh, set))
		nftnl_set_elem_foreach(set, take_comment, asked[question]);
	nftnl_set_free(set);
	return 0;
}

/* Which of the elements are there, and whose are they? */
static int find_elements(struct job *job, struct fwh_err *err)
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
		const struct present *set = find_set(job, claim->set);
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
		put_element(nlh, claim->set, &claim->key, 1, NULL);
		fwh_nft_end(&batch, nlh);
		asked[n++] = &job->elements[i];
	}
	code = n || batch.nomem ? fwh_nft_ask(job->link, &batch, take_element,
					      asked) : 0;
	fwh_nft_batch_free(&batch);
	return code;
}

/* ---- owners: words of a comment, " +" at its end where there are more than it has room
 * for.  Such an element stays when the others go: closed rather than open. ---- */

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

/* ---- elements that nobody remembers ---------------------------------------------------- */

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

static bool is_forgotten(const struct forgotten *forgotten, const char *owner)
{
	const struct job *job = forgotten->job;

	if (forgotten->owner)
		return !strcmp(owner, forgotten->owner);
	return strcmp(owner, "+") != 0 &&
	       !bsearch(owner, job->owners, job->n, sizeof(*job->owners),
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
	read_comment(e, comment);
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
	struct nftnl_set *set = nftnl_set_alloc();

	(void)question;
	if (!set)
		return -ENOMEM;
	if (!nftnl_set_elems_nlmsg_parse(nlh, set))
		nftnl_set_elem_foreach(set, claim_owned, forgotten);
	nftnl_set_free(set);
	return forgotten->code;
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
		code = dump_set(job->link, forgotten.set, take_owned,
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

/* ---- who owns what after this ------------------------------------------------------------- */

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

static bool stays_right(const struct element *element)
{
	return is_foreign(element) || !strcmp(element->before, element->after);
}

/* ---- the transaction: messages ------------------------------------------------------------- */

static struct nlmsghdr *begin(struct job *job, uint16_t type, uint16_t flags,
			      const char *note)
{
	if (!grow(&job->notes, job->n_notes, &job->cap_notes,
		  sizeof(*job->notes))) {
		job->batch.nomem = true;
		return NULL;
	}
	job->notes[job->n_notes++] = note;
	return fwh_nft_begin(job->link, &job->batch, type, NFPROTO_INET, flags);
}

static void change_element(struct job *job, const struct element *element)
{
	const struct claim *claim = element->claim;
	struct nlmsghdr *nlh;

	if (element->present) {
		nlh = begin(job, NFT_MSG_DELSETELEM, 0, claim->set);
		if (!nlh)
			return;
		put_element(nlh, claim->set, &claim->key, 1, NULL);
		fwh_nft_end(&job->batch, nlh);
	}
	if (!*element->after)
		return;
	nlh = begin(job, NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL,
		    claim->set);
	if (!nlh)
		return;
	put_element(nlh, claim->set, &claim->key, 1, element->after);
	fwh_nft_end(&job->batch, nlh);
}

static bool has_string(const struct strings *strings, const char *s)
{
	size_t i;

	for (i = 0; i < strings->n; i++)
		if (!strcmp(strings->list[i], s))
			return true;
	return false;
}

static bool add_string(struct strings *strings, const char *s)
{
	if (strlen(s) >= FWH_NFT_NAME_MAX)
		return true;		/* not one of ours */
	if (!grow(&strings->list, strings->n, &strings->cap,
		  sizeof(*strings->list)))
		return false;
	strcpy(strings->list[strings->n++], s);
	return true;
}

static void new_table(struct job *job)
{
	struct nlmsghdr *nlh = begin(job, NFT_MSG_NEWTABLE, NLM_F_CREATE,
				     FWH_NFT_TABLE);

	if (!nlh)
		return;
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, FWH_NFT_TABLE);
	fwh_nft_end(&job->batch, nlh);
}

static const struct fwh_nft_base_chain *find_base(const char *name)
{
	size_t i;

	for (i = 0; i < FWH_NFT_BASE_MAX; i++)
		if (!strcmp(fwh_nft_base[i].name, name))
			return &fwh_nft_base[i];
	return NULL;
}

static void new_chain(struct job *job, const char *name)
{
	const struct fwh_nft_base_chain *base = find_base(name);
	struct nlmsghdr *nlh;
	struct nlattr *hook;

	if (!add_string(&job->chains, name)) {
		job->batch.nomem = true;
		return;
	}
	nlh = begin(job, NFT_MSG_NEWCHAIN, NLM_F_CREATE, name);
	if (!nlh)
		return;
	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, FWH_NFT_TABLE);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, name);
	if (base) {
		hook = mnl_attr_nest_start(nlh, NFTA_CHAIN_HOOK);
		mnl_attr_put_u32(nlh, NFTA_HOOK_HOOKNUM, htonl(base->hooknum));
		mnl_attr_put_u32(nlh, NFTA_HOOK_PRIORITY,
				 htonl((uint32_t)base->prio));
		mnl_attr_nest_end(nlh, hook);
		mnl_attr_put_u32(nlh, NFTA_CHAIN_POLICY, htonl(NF_ACCEPT));
		mnl_attr_put_strz(nlh, NFTA_CHAIN_TYPE, base->type);
	}
	fwh_nft_end(&job->batch, nlh);
}

/* Type, length, value, as nft keeps its notes; numbers of its data types and
 * expressions from its datatype.h and expression.h. */
#define NFT_TYPE_CONCAT(a)	((a) << 6 | (a))
#define NFT_TYPE_INTEGER	4
#define NFT_TYPE_IPADDR		7
#define NFT_TYPE_IP6ADDR	8
#define NFT_EXPR_PAYLOAD	7
#define NFT_EXPR_CONCAT		13
#define NFT_EXPR_XFRM		27
#define NFT_BASE_TRANSPORT	3

static const struct {
	uint32_t type, len;
} key_types[FWH_NFT_TYPE_MAX] = {
	[FWH_NFT_ADDRS4] = { NFT_TYPE_CONCAT(NFT_TYPE_IPADDR), 8 },
	[FWH_NFT_ADDRS6] = { NFT_TYPE_CONCAT(NFT_TYPE_IP6ADDR), 32 },
	[FWH_NFT_REQID_IN] = { NFT_TYPE_INTEGER, 4 },
	[FWH_NFT_REQID_OUT] = { NFT_TYPE_INTEGER, 4 },
	[FWH_NFT_QUOTED4] = { NFT_TYPE_CONCAT(NFT_TYPE_INTEGER), 8 },
	[FWH_NFT_QUOTED6] = { NFT_TYPE_CONCAT(NFT_TYPE_INTEGER), 32 },
};

/* "ipsec in reqid" */
static void put_reqid_udata(struct nftnl_udata_buf *buf, bool out)
{
	struct nftnl_udata *data;

	nftnl_udata_put_u32(buf, NFTNL_UDATA_SET_TYPEOF_EXPR, NFT_EXPR_XFRM);
	data = nftnl_udata_nest_start(buf, NFTNL_UDATA_SET_TYPEOF_DATA);
	nftnl_udata_put_u32(buf, 0, NFT_XFRM_KEY_REQID);
	nftnl_udata_put_u32(buf, 1, 0);		/* of the first template */
	nftnl_udata_put_u32(buf, 2, out);
	nftnl_udata_nest_end(buf, data);
}

/* "@th,192,32", the nth of a concatenation */
static void put_raw_udata(struct nftnl_udata_buf *buf, uint8_t nth,
			  uint32_t offset, uint32_t bits)
{
	struct nftnl_udata *nest = nftnl_udata_nest_start(buf, nth), *data;

	nftnl_udata_put_u32(buf, NFTNL_UDATA_SET_TYPEOF_EXPR,
			    NFT_EXPR_PAYLOAD);
	data = nftnl_udata_nest_start(buf, NFTNL_UDATA_SET_TYPEOF_DATA);
	nftnl_udata_put_u32(buf, 0, 0);		/* of no known header */
	nftnl_udata_put_u32(buf, 1, 0);
	nftnl_udata_put_u32(buf, 2, NFT_BASE_TRANSPORT);
	nftnl_udata_put_u32(buf, 3, offset);
	nftnl_udata_put_u32(buf, 4, bits);
	nftnl_udata_nest_end(buf, data);
	nftnl_udata_nest_end(buf, nest);
}

static void put_quoted_udata(struct nftnl_udata_buf *buf, bool six)
{
	struct nftnl_udata *data;

	nftnl_udata_put_u32(buf, NFTNL_UDATA_SET_TYPEOF_EXPR, NFT_EXPR_CONCAT);
	data = nftnl_udata_nest_start(buf, NFTNL_UDATA_SET_TYPEOF_DATA);
	put_raw_udata(buf, 0, six ? 256 : 192, six ? 128 : 32);
	put_raw_udata(buf, 1, six ? 128 : 160, six ? 128 : 32);
	nftnl_udata_nest_end(buf, data);
}

/* Without this note nft shows a number of some bytes and can't read its own words
 * again. */
static void put_typeof(struct nlmsghdr *nlh, enum fwh_nft_type type)
{
	struct nftnl_udata_buf *buf = nftnl_udata_buf_alloc(256);
	struct nftnl_udata *key;
	bool reqid = type == FWH_NFT_REQID_IN || type == FWH_NFT_REQID_OUT;

	if (!buf)
		return;
	nftnl_udata_put_u32(buf, NFTNL_UDATA_SET_KEYBYTEORDER, reqid);
	key = nftnl_udata_nest_start(buf, NFTNL_UDATA_SET_KEY_TYPEOF);
	if (reqid)
		put_reqid_udata(buf, type == FWH_NFT_REQID_OUT);
	else
		put_quoted_udata(buf, type == FWH_NFT_QUOTED6);
	nftnl_udata_nest_end(buf, key);
	mnl_attr_put(nlh, NFTA_SET_USERDATA, nftnl_udata_buf_len(buf),
		     nftnl_udata_buf_data(buf));
	nftnl_udata_buf_free(buf);
}

static void new_set(struct job *job, const struct fwh_nft_set *set)
{
	struct nlmsghdr *nlh = begin(job, NFT_MSG_NEWSET,
				     NLM_F_CREATE | NLM_F_EXCL, set->name);
	struct nlattr *expr;

	if (!nlh)
		return;
	mnl_attr_put_strz(nlh, NFTA_SET_TABLE, FWH_NFT_TABLE);
	mnl_attr_put_strz(nlh, NFTA_SET_NAME, set->name);
	mnl_attr_put_u32(nlh, NFTA_SET_FLAGS, 0);
	mnl_attr_put_u32(nlh, NFTA_SET_KEY_TYPE,
			 htonl(key_types[set->type].type));
	mnl_attr_put_u32(nlh, NFTA_SET_KEY_LEN,
			 htonl(key_types[set->type].len));
	mnl_attr_put_u32(nlh, NFTA_SET_ID, htonl((uint32_t)job->n_notes));
	if (set->type != FWH_NFT_ADDRS4 && set->type != FWH_NFT_ADDRS6)
		put_typeof(nlh, set->type);
	if (set->counter) {
		expr = mnl_attr_nest_start(nlh, NFTA_SET_EXPR);
		mnl_attr_put_strz(nlh, NFTA_EXPR_NAME, "counter");
		mnl_attr_nest_end(nlh, mnl_attr_nest_start(nlh, NFTA_EXPR_DATA));
		mnl_attr_nest_end(nlh, expr);
	}
	fwh_nft_end(&job->batch, nlh);
}

static void new_rule(struct job *job, const struct fwh_nft_rule *rule)
{
	struct nlmsghdr *nlh = begin(job, NFT_MSG_NEWRULE, NLM_F_CREATE |
				     (rule->head ? 0 : NLM_F_APPEND),
				     rule->text);

	if (!nlh)
		return;
	nftnl_rule_nlmsg_build_payload(nlh, rule->rule);
	fwh_nft_end(&job->batch, nlh);
}

/* ---- new sets --------------------------------------------------------------------------------- */

static int take_chain(const struct nlmsghdr *nlh, size_t question, void *arg)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();
	struct job *job = arg;
	int code = 0;

	(void)question;
	if (!chain)
		return -ENOMEM;
	if (!nftnl_chain_nlmsg_parse(nlh, chain) &&
	    nftnl_chain_get_u32(chain, NFTNL_CHAIN_FAMILY) == NFPROTO_INET &&
	    !strcmp(nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE),
		    FWH_NFT_TABLE) &&
	    !add_string(&job->chains,
			nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME)))
		code = -ENOMEM;
	nftnl_chain_free(chain);
	return code;
}

/* Sets to make, each once, in the order of the plans. */
struct todo {
	const struct fwh_nft_set *set;
	bool brings[FWH_NFT_OWNER_COUNT]; /* the rules of these owners */
};

/* all: those that are there, too. */
static int find_todo(const struct job *job, bool all, struct todo **ret,
		     size_t *ret_n)
{
	fwh_autofree struct todo *todo = NULL;
	size_t i, j, k, n = 0, cap = 0;

	for (i = 0; i < job->n; i++) {
		for (j = 0; j < job->nfts[i].n; j++) {
			const struct fwh_nft_set *set = &job->nfts[i].sets[j];

			for (k = 0; k < n; k++)
				if (!strcmp(todo[k].set->name, set->name))
					break;
			if (k < n || (!all && find_set(job, set->name)))
				continue;
			if (!grow(&todo, n, &cap, sizeof(*todo)))
				return -ENOMEM;
			todo[n] = (struct todo){ .set = set };
			todo[n++].brings[FWH_NFT_OF_SET] = true;
		}
	}
	*ret = fwh_steal(todo);
	*ret_n = n;
	return 0;
}

static bool needs_base(const struct todo *todo, size_t n, const char *name)
{
	size_t i, j;

	for (i = 0; i < n; i++)
		for (j = 0; j < todo[i].set->n_rules; j++)
			if (!strcmp(todo[i].set->rules[j].chain, name))
				return true;
	return false;
}

static void new_base(struct job *job, const char *name)
{
	struct fwh_nft_rule *rules = job->prologue[job->n_prologue++];
	size_t n = fwh_nft_prologue(name, rules), i;

	new_chain(job, name);
	for (i = 0; i < n; i++) {
		job->batch.nomem = job->batch.nomem || rules[i].nomem;
		if (rules[i].rule)
			new_rule(job, &rules[i]);
	}
}

static bool new_shared(struct job *job, const char *chain)
{
	if (!*chain || has_string(&job->chains, chain))
		return false;
	new_chain(job, chain);
	return true;
}

/* In the order in which a dry run prints them. */
static void new_chains(struct job *job, struct todo *todo, size_t n)
{
	size_t i, j;

	for (i = 0; i < n; i++)
		for (j = 0; j < FWH_NFT_OWNER_COUNT; j++)
			if (new_shared(job, todo[i].set->shared[j]))
				todo[i].brings[j] = true;
	for (i = 0; i < FWH_NFT_BASE_MAX; i++) {
		const char *name = fwh_nft_base[i].name;

		if (needs_base(todo, n, name) &&
		    !has_string(&job->chains, name))
			new_base(job, name);
	}
}

static void install(struct job *job, const struct todo *todo)
{
	const struct fwh_nft_set *set = todo->set;
	size_t i;

	new_set(job, set);
	for (i = 0; i < set->n_rules; i++)
		if (todo->brings[set->rules[i].owner])
			new_rule(job, &set->rules[i]);
}

static int install_sets(struct job *job)
{
	fwh_autofree struct todo *todo = NULL;
	size_t n, i;
	int code = find_todo(job, false, &todo, &n);

	if (code || !n)
		return code;
	if (!job->rebuild)
		code = dump_table(job->link, NFT_MSG_GETCHAIN,
				  NFTA_CHAIN_TABLE, take_chain, job);
	if (code)
		return code;
	new_table(job);
	new_chains(job, todo, n);
	for (i = 0; i < n; i++)
		install(job, &todo[i]);
	return 0;
}

/* ---- sets that become empty ---------------------------------------------------------------------- */

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
	struct nftnl_set *set = nftnl_set_alloc();
	struct search *search = arg;

	(void)question;
	if (!set)
		return -ENOMEM;
	if (!nftnl_set_elems_nlmsg_parse(nlh, set))
		nftnl_set_elem_foreach(set, seek_other, search);
	nftnl_set_free(set);
	return search->found;
}

/* Does anything stay in the set?  Not more than the first few elements are
 * looked at where many are: on a socket of its own, which is closed then. */
static int find_others(const char *set, struct search *search)
{
	struct fwh_nft_link *link;
	int code = fwh_nft_open(&link, NULL);

	if (code)
		return code;
	code = dump_set(link, set, take_others, search);
	fwh_nft_close(link);
	return code;
}

/* Mark the sets that nobody will have an element in. */
static int find_dropped(struct job *job)
{
	size_t i, end;

	for (i = 0; i < job->n_elements; i = end) {
		const char *name = job->elements[i].claim->set;
		struct present *set = find_set(job, name);
		struct search search = { .elements = &job->elements[i] };
		bool leaves = false, stays = false;
		int code;

		for (end = i; end < job->n_elements &&
			      !strcmp(job->elements[end].claim->set, name);
		     end++) {
			const struct element *e = &job->elements[end];

			leaves = leaves || (e->present && !*e->after);
			stays = stays || *e->after || is_foreign(e);
		}
		if (!set || !leaves || stays)
			continue;
		search.n = end - i;
		code = find_others(name, &search);
		if (code)
			return code;
		set->dropped = !search.found;
	}
	return 0;
}

/* A rule of the table, as far as it matters to what goes. */
struct seen {
	char chain[FWH_NFT_NAME_MAX], jump[FWH_NFT_NAME_MAX];
	char look[FWH_NFT_NAME_MAX];	/* the set it looks into */
	uint64_t handle;
	bool goes;			/* with that set */
	bool prologue;			/* of a base chain */
};

struct rules {
	struct job *job;
	struct seen *list;
	size_t n, cap;
};

static void see_expr(struct job *job, struct nftnl_expr *e, struct seen *ret)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_NAME), *jump;
	const struct present *set;

	if (!strcmp(name, "lookup")) {
		snprintf(ret->look, sizeof(ret->look), "%s",
			 nftnl_expr_get_str(e, NFTNL_EXPR_LOOKUP_SET));
		set = find_set(job, ret->look);
		ret->goes = set && set->dropped;
	} else if (!strcmp(name, "meta") &&
		   nftnl_expr_get_u32(e, NFTNL_EXPR_META_KEY) ==
		   NFT_META_OIFKIND) {
		ret->prologue = true;
	} else if (!strcmp(name, "immediate") &&
		   nftnl_expr_is_set(e, NFTNL_EXPR_IMM_CHAIN)) {
		jump = nftnl_expr_get_str(e, NFTNL_EXPR_IMM_CHAIN);
		if (strlen(jump) < sizeof(ret->jump))
			strcpy(ret->jump, jump);
	}
}

static int take_rule(const struct nlmsghdr *nlh, size_t question, void *arg)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct nftnl_expr_iter *iter = NULL;
	struct rules *rules = arg;
	struct nftnl_expr *e;
	struct seen *seen;
	const char *chain;
	int code = 0;

	(void)question;
	if (!rule || !grow(&rules->list, rules->n, &rules->cap, sizeof(*seen))) {
		code = -ENOMEM;
		goto out;
	}
	if (nftnl_rule_nlmsg_parse(nlh, rule))
		goto out;
	chain = nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN);
	if (strlen(chain) >= sizeof(seen->chain))
		goto out;		/* not one of ours */
	seen = &rules->list[rules->n++];
	memset(seen, 0, sizeof(*seen));
	strcpy(seen->chain, chain);
	seen->handle = nftnl_rule_get_u64(rule, NFTNL_RULE_HANDLE);
	iter = nftnl_expr_iter_create(rule);
	while (iter && (e = nftnl_expr_iter_next(iter)))
		see_expr(rules->job, e, seen);
out:
	if (iter)
		nftnl_expr_iter_destroy(iter);
	if (rule)
		nftnl_rule_free(rule);
	return code;
}

/* A gate in which nothing is looked up any more. */
static bool is_idle_gate(const struct rules *rules, const char *chain)
{
	bool had = false;
	size_t i;

	for (i = 0; i < rules->n; i++) {
		const struct seen *seen = &rules->list[i];

		if (!*seen->look || strcmp(seen->chain, chain) != 0)
			continue;
		if (!seen->goes)
			return false;
		had = true;
	}
	return had && !find_base(chain);
}

static bool is_jumped_to(const struct rules *rules, const char *chain)
{
	size_t i;

	for (i = 0; i < rules->n; i++)
		if (!rules->list[i].goes &&
		    !strcmp(rules->list[i].jump, chain))
			return true;
	return false;
}

/* What jumps into an idle gate goes, and all that is in it. */
static void find_going(struct rules *rules)
{
	size_t i;

	for (i = 0; i < rules->n; i++) {
		struct seen *seen = &rules->list[i];

		if (!*seen->look && *seen->jump &&
		    is_idle_gate(rules, seen->jump))
			seen->goes = true;
	}
}

static void delete_rule(struct job *job, const struct seen *seen)
{
	struct nlmsghdr *nlh = begin(job, NFT_MSG_DELRULE, 0, "a rule");

	if (!nlh)
		return;
	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, FWH_NFT_TABLE);
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, seen->chain);
	mnl_attr_put_u64(nlh, NFTA_RULE_HANDLE, htobe64(seen->handle));
	fwh_nft_end(&job->batch, nlh);
}

static void delete_named(struct job *job, uint16_t type, uint16_t table_attr,
			 uint16_t name_attr, const char *name)
{
	struct nlmsghdr *nlh = begin(job, type, 0, "what is left over");

	if (!nlh)
		return;
	mnl_attr_put_strz(nlh, table_attr, FWH_NFT_TABLE);
	if (name_attr)
		mnl_attr_put_strz(nlh, name_attr, name);
	fwh_nft_end(&job->batch, nlh);
}

/* Chains that nothing jumps to any more, each once: gates first, which jump to
 * others themselves. */
static void delete_chains(struct job *job, const struct rules *rules)
{
	struct strings gone = { .n = 0 };
	size_t i;
	int gates;

	for (gates = 1; gates >= 0; gates--) {
		for (i = 0; i < rules->n; i++) {
			const struct seen *seen = &rules->list[i];

			if (!seen->goes || !*seen->jump ||
			    is_idle_gate(rules, seen->jump) != gates ||
			    is_jumped_to(rules, seen->jump) ||
			    has_string(&gone, seen->jump))
				continue;
			delete_named(job, NFT_MSG_DELCHAIN, NFTA_CHAIN_TABLE,
				     NFTA_CHAIN_NAME, seen->jump);
			if (!add_string(&gone, seen->jump))
				job->batch.nomem = true;
		}
	}
	free(gone.list);
}

static int find_rules(struct rules *rules)
{
	int code = 0;
	size_t i;

	for (i = 0; i < rules->job->n_sets; i++)
		if (rules->job->sets[i].dropped)
			break;
	if (i < rules->job->n_sets)
		code = dump_table(rules->job->link, NFT_MSG_GETRULE,
				  NFTA_RULE_TABLE, take_rule, rules);
	if (!code)
		find_going(rules);
	return code;
}

/* A rule that somebody put into our chains by hand holds the table. */
static bool has_stranger(const struct rules *rules)
{
	size_t i, j;

	for (i = 0; i < rules->n; i++) {
		const struct seen *seen = &rules->list[i];

		if (seen->goes || seen->prologue)
			continue;
		for (j = 0; j < rules->n; j++)	/* its chain goes, too */
			if (rules->list[j].goes &&
			    !strcmp(rules->list[j].jump, seen->chain))
				break;
		if (j == rules->n)
			return true;
	}
	return false;
}

static void drop_sets(struct job *job, const struct rules *rules)
{
	size_t i;

	for (i = 0; i < rules->n; i++)
		if (rules->list[i].goes)
			delete_rule(job, &rules->list[i]);
	delete_chains(job, rules);
	for (i = 0; i < job->n_sets; i++)
		if (job->sets[i].dropped)
			delete_named(job, NFT_MSG_DELSET, NFTA_SET_TABLE,
				     NFTA_SET_NAME, job->sets[i].name);
}

/* ---- rules that are missing --------------------------------------------------------------------------- */

static int compare_seen(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;
	int diff = strcmp(x->chain, y->chain);

	if (!diff)
		diff = strcmp(x->look, y->look);
	return diff ? diff : strcmp(x->jump, y->jump);
}

static int expect(const struct fwh_nft_rule *rule, struct rules *ret)
{
	struct seen *seen;

	if (!grow(&ret->list, ret->n, &ret->cap, sizeof(*ret->list)))
		return -ENOMEM;
	seen = &ret->list[ret->n++];
	memset(seen, 0, sizeof(*seen));
	strcpy(seen->chain, rule->chain);
	strcpy(seen->look, rule->look);
	strcpy(seen->jump, rule->jump);
	return 0;
}

static int expect_prologues(const struct todo *todo, size_t n,
			    struct rules *ret)
{
	struct fwh_nft_rule rules[FWH_NFT_PROLOGUE_MAX];
	size_t i, j, m;
	int code = 0;

	for (i = 0; i < FWH_NFT_BASE_MAX; i++) {
		if (!needs_base(todo, n, fwh_nft_base[i].name))
			continue;
		m = fwh_nft_prologue(fwh_nft_base[i].name, rules);
		for (j = 0; j < m; j++) {
			code = code ? code : expect(&rules[j], ret);
			fwh_nft_rule_free(&rules[j]);
		}
	}
	return code;
}

/* The rules of all sets that are wanted, those of shared chains once. */
static int find_expected(struct job *job, struct rules *ret)
{
	struct strings shared = { .n = 0 };
	fwh_autofree struct todo *todo = NULL;
	size_t n, i, j;
	int code = find_todo(job, true, &todo, &n);

	for (i = 0; !code && i < n; i++) {
		const struct fwh_nft_set *set = todo[i].set;

		for (j = 0; j < FWH_NFT_OWNER_COUNT; j++) {
			const char *chain = set->shared[j];

			if (!*chain || has_string(&shared, chain))
				continue;
			todo[i].brings[j] = true;
			if (!add_string(&shared, chain))
				code = -ENOMEM;
		}
		for (j = 0; !code && j < set->n_rules; j++)
			if (todo[i].brings[set->rules[j].owner])
				code = expect(&set->rules[j], ret);
	}
	free(shared.list);
	return code ? code : expect_prologues(todo, n, ret);
}

/* Is each of these among those, as often? */
static bool has_all(struct rules *these, struct rules *those)
{
	size_t i, j = 0;

	if (these->n)
		qsort(these->list, these->n, sizeof(*these->list),
		      compare_seen);
	if (those->n)
		qsort(those->list, those->n, sizeof(*those->list),
		      compare_seen);
	for (i = 0; i < these->n; i++, j++) {
		while (j < those->n &&
		       compare_seen(&those->list[j], &these->list[i]) < 0)
			j++;
		if (j == those->n ||
		    compare_seen(&those->list[j], &these->list[i]))
			return false;
	}
	return true;
}

/* A set may be there and its rules not, after somebody's "flush chain". */
static int check_rules(struct job *job)
{
	struct rules expected = { .job = job }, found = { .job = job };
	int code;

	if (!job->all || !job->n_sets)
		return 0;
	code = find_expected(job, &expected);
	if (!code)
		code = dump_table(job->link, NFT_MSG_GETRULE, NFTA_RULE_TABLE,
				  take_rule, &found);
	if (!code)
		job->rebuild = !has_all(&expected, &found);
	if (job->rebuild)
		job->n_sets = 0;
	free(expected.list);
	free(found.list);
	return code;
}

/* ---- the transaction: the whole -------------------------------------------------------------------- */

/* Will there be no set? */
static bool is_empty(const struct job *job)
{
	size_t i;

	for (i = 0; i < job->n_sets; i++)
		if (!job->sets[i].dropped)
			return false;
	for (i = 0; i < job->n_elements; i++)
		if (*job->elements[i].after)
			return false;
	return true;
}

/* Deleting after adding: what is owned anew never passes a moment unowned. */
static int change_sets(struct job *job, const struct rules *rules)
{
	size_t i;
	int code = install_sets(job);

	for (i = 0; !code && i < job->n_elements; i++) {
		const struct element *element = &job->elements[i];
		const struct present *set = find_set(job, element->claim->set);

		if (!stays_right(element) && !(set && set->dropped))
			change_element(job, element);
	}
	if (!code)
		drop_sets(job, rules);
	return code;
}

static int fill_batch(struct job *job, bool *ret_empty)
{
	struct rules rules = { .job = job };
	int code = find_dropped(job);

	*ret_empty = !code && is_empty(job);
	if (job->rebuild)
		delete_named(job, NFT_MSG_DELTABLE, NFTA_TABLE_NAME, 0,
			     FWH_NFT_TABLE);
	if (!code)
		code = find_rules(&rules);
	if (!code && *ret_empty && job->n_sets && !has_stranger(&rules))
		delete_named(job, NFT_MSG_DELTABLE, NFTA_TABLE_NAME, 0,
			     FWH_NFT_TABLE);
	else if (!code)
		code = change_sets(job, &rules);
	free(rules.list);
	return code;
}

static int explain(const struct job *job, int code, size_t refused,
		   const char *words, struct fwh_err *err)
{
	const char *note = refused == SIZE_MAX ? FWH_NFT_TABLE :
			   refused < job->n_notes ? job->notes[refused] :
						    "accept-in-chain";
	const char *said = *words ? words : strerror(-code);

	if (job->misfit)
		return fwh_fail(err, code, "nftables: set %s in table inet %s "
				"is of another type; delete it with nft",
				job->misfit, FWH_NFT_TABLE);
	if (code == -EPERM && refused == SIZE_MAX)
		return fwh_fail(err, code, "nftables: not permitted; "
				"CAP_NET_ADMIN is needed");
	if (code == -EPERM)
		return fwh_fail(err, code, "nftables: %s: not permitted; "
				"another program owns that table", note);
	if (code == -EAGAIN)
		return fwh_fail(err, -ETIMEDOUT, "nftables: other programs kept "
				"changing the ruleset; see who with: nft "
				"monitor");
	if (code == -ENOENT || code == -EOPNOTSUPP)
		return fwh_fail(err, -ENOPROTOOPT, "nftables: %s: %s; this "
				"kernel lacks a part of that: load or build "
				"nf_tables, nft_ct, nft_xfrm, nft_limit, "
				"nft_log, nft_reject_inet, nft_nat", note, said);
	return fwh_fail(err, code, "nftables: %s: %s", note, said);
}

/* Look, decide, commit.  -EAGAIN: the ruleset was changed in between. */
static int try_once(struct job *job, struct fwh_err *err)
{
	char words[128] = "";
	size_t refused = SIZE_MAX, i;
	bool empty;
	int code = fwh_nft_generation(job->link, &job->generation);

	if (!code)
		code = dump_table(job->link, NFT_MSG_GETSET, NFTA_SET_TABLE,
				  take_set, job);
	if (!code)
		code = check_rules(job);
	if (!code)
		code = claim_all(job, err);
	if (!code)
		code = claim_forgotten(job);
	if (!code)
		code = group_claims(job, err);
	if (!code)
		code = find_elements(job, err);
	for (i = 0; !code && i < job->n_elements; i++)
		settle_owners(&job->elements[i]);
	if (!code)
		code = fill_batch(job, &empty);
	if (!code)
		code = fwh_nft_accept_hooks(job->link, job->globals, empty,
					    &job->batch);
	if (!code && job->batch.len)
		code = fwh_nft_commit(job->link, &job->batch,
				      job->lost < RACES_MAX ?
				      job->generation : 0, &refused, words);
	return code && code != -EAGAIN ?
	       explain(job, code, refused, words, err) : code;
}

static long waited_ms(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - since->tv_sec) * 1000 +
	       (now.tv_nsec - since->tv_nsec) / 1000000;
}

/* The loser of a race looks again, a moment later each time. */
static int run(struct job *job, struct fwh_err *err)
{
	struct timespec start, pause = { .tv_nsec = 50000 };
	int code;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (;;) {
		code = try_once(job, err);
		if (code != -EAGAIN ||
		    waited_ms(&start) >= (long)job->globals->lock_wait_ms)
			break;
		forget(job);
		job->lost++;
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < 2000000)
			pause.tv_nsec *= 2;
	}
	return code == -EAGAIN ? explain(job, code, SIZE_MAX, "", err) : code;
}

static int build_all(struct job *job, struct fwh_err *err)
{
	size_t i;
	int code = 0;

	job->nfts = calloc(job->n + 1, sizeof(*job->nfts));
	job->owners = calloc(job->n + 1, sizeof(*job->owners));
	if (!job->nfts || !job->owners)
		code = -ENOMEM;
	for (i = 0; !code && i < job->n; i++) {
		fwh_nft_owner(&job->changes[i].plan->key, job->owners[i]);
		code = fwh_nft_build(job->changes[i].plan, job->globals,
				     &job->nfts[i]);
	}
	if (!code && job->n)
		qsort(job->owners, job->n, sizeof(*job->owners),
		      compare_owners);
	return code ? fwh_fail(err, code, "out of memory") : 0;
}

static int apply(const struct fwh_globals *globals,
		 const struct fwh_change *changes, size_t n, bool all,
		 struct fwh_err *err)
{
	struct job job = {
		.globals = globals, .changes = changes, .n = n, .all = all,
	};
	size_t i;
	int code = build_all(&job, err);

	if (!code)
		code = fwh_nft_open_kept(&job.link, err);
	if (!code)
		code = run(&job, err);
	forget(&job);
	for (i = 0; job.nfts && i < n; i++)
		fwh_nft_free(&job.nfts[i]);
	free(job.nfts);
	free(job.owners);
	return code;
}

static int print(const struct fwh_globals *globals,
		 const struct fwh_plan *plan, FILE *f)
{
	struct fwh_nft nft;
	char owner[FWH_NFT_OWNER_MAX];
	int code = fwh_nft_build(plan, globals, &nft);

	if (code)
		return code;
	fwh_nft_owner(&plan->key, owner);
	code = fwh_nft_print(&nft, owner, f);
	fwh_nft_free(&nft);
	return code;
}

/* ---- what this kernel has ---------------------------------------------------------------------------- */

bool fwh_nftables_is_there(void)
{
	struct fwh_nft_link *link;
	uint32_t generation;
	bool there;
	int code;

	if (fwh_nft_open(&link, NULL))
		return false;
	/* Whoever may not ask is not told that there is none. */
	code = fwh_nft_generation(link, &generation);
	there = !code || code == -EPERM;
	fwh_nft_close(link);
	return there;
}

static int take_foreign_table(const struct nlmsghdr *nlh, size_t question,
			      void *arg)
{
	struct nftnl_table *table = nftnl_table_alloc();
	bool *found = arg;

	(void)question;
	if (!table)
		return -ENOMEM;
	if (!nftnl_table_nlmsg_parse(nlh, table) &&
	    strcmp(nftnl_table_get_str(table, NFTNL_TABLE_NAME),
		   FWH_NFT_TABLE))
		*found = true;
	nftnl_table_free(table);
	return 0;
}

bool fwh_nftables_is_used(void)
{
	struct fwh_nft_batch batch = { .len = 0 };
	struct fwh_nft_link *link;
	struct nlmsghdr *nlh;
	bool found = false;

	if (fwh_nft_open(&link, NULL))
		return false;
	nlh = fwh_nft_begin(link, &batch, NFT_MSG_GETTABLE, NFPROTO_UNSPEC,
			    NLM_F_DUMP);
	if (nlh) {
		fwh_nft_end(&batch, nlh);
		fwh_nft_dump(link, &batch, take_foreign_table, &found);
	}
	fwh_nft_batch_free(&batch);
	fwh_nft_close(link);
	return found;
}

const struct fwh_backend fwh_backend_nftables = {
	.name = "nftables",
	.apply = apply,
	.print = print,
};
