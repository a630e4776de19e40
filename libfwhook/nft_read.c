// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nft_read.c - what the table inet ipsec_fw holds of each connection and has
 * counted, held against the plans.  Each set is read once; changes nothing.
 */
#include <errno.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <libnftnl/expr.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>

#include "backend.h"
#include "nft_accept.h"
#include "nft_job.h"

/* Somebody may change the ruleset between our questions. */
#define READ_TRIES	8

/* An owner's share in an element: wanted, or there. */
struct share {
	char set[FWH_NFT_NAME_MAX];
	struct fwh_nft_key key;
	char owner[FWH_NFT_OWNER_MAX];
	size_t conn;			/* SIZE_MAX: of none that we know */
	const struct fwh_nft_set *wanted; /* of the plan, or NULL */
	bool counted;
	uint64_t packets, bytes;
	unsigned int sharers;
};

struct shares {
	struct share *list;
	size_t n, cap;
};

struct owner {
	char name[FWH_NFT_OWNER_MAX];
	size_t conn;
};

struct reading {
	struct job job;			/* only its link and sets */
	struct fwh_nft *nfts;		/* one a plan */
	struct owner *owners;		/* by name */
	size_t n;
	struct shares wanted, there;
	const char *set;		/* being read */
	bool beside;			/* its elements' other owners are */
	bool nomem;
};

/* ---- what is wanted ---- */

static struct share *add_share(struct shares *shares, const char *set,
			       const struct fwh_nft_key *key,
			       const char *owner, size_t conn)
{
	struct share *share;

	if (!fwh_grow(&shares->list, shares->n, &shares->cap, sizeof(*share)))
		return NULL;
	share = &shares->list[shares->n++];
	memset(share, 0, sizeof(*share));
	snprintf(share->set, sizeof(share->set), "%s", set);
	snprintf(share->owner, sizeof(share->owner), "%s", owner);
	share->key = *key;
	share->conn = conn;
	return share;
}

static int want(struct reading *reading, size_t conn, const char *owner)
{
	const struct fwh_nft *nft = &reading->nfts[conn];
	struct share *share;
	size_t i, j;

	for (i = 0; i < nft->n; i++) {
		for (j = 0; j < nft->sets[i].n_keys; j++) {
			share = add_share(&reading->wanted, nft->sets[i].name,
					  &nft->sets[i].keys[j], owner, conn);
			if (!share)
				return -ENOMEM;
			share->wanted = &nft->sets[i];
		}
	}
	return 0;
}

static int compare_owners(const void *a, const void *b)
{
	return strcmp(((const struct owner *)a)->name,
		      ((const struct owner *)b)->name);
}

static int want_all(struct reading *reading, const struct fwh_globals *globals,
		    const struct fwh_plan *plans, size_t n)
{
	size_t i;
	int code = 0;

	reading->nfts = calloc(n + 1, sizeof(*reading->nfts));
	reading->owners = calloc(n + 1, sizeof(*reading->owners));
	if (!reading->nfts || !reading->owners)
		return -ENOMEM;
	reading->n = n;
	for (i = 0; !code && i < n; i++) {
		fwh_nft_owner(&plans[i].key, reading->owners[i].name);
		reading->owners[i].conn = i;
		code = fwh_nft_build(&plans[i], globals, &reading->nfts[i]);
		if (!code)
			code = want(reading, i, reading->owners[i].name);
	}
	if (n)
		qsort(reading->owners, n, sizeof(*reading->owners),
		      compare_owners);
	return code;
}

/* ---- what is there ---- */

static int take_counter(struct nftnl_expr *e, void *arg)
{
	struct share *share = arg;

	if (strcmp(nftnl_expr_get_str(e, NFTNL_EXPR_NAME), "counter") != 0)
		return 0;
	share->counted = true;
	share->packets = nftnl_expr_get_u64(e, NFTNL_EXPR_CTR_PACKETS);
	share->bytes = nftnl_expr_get_u64(e, NFTNL_EXPR_CTR_BYTES);
	return 0;
}

static size_t find_conn(const struct reading *reading, const char *name)
{
	const struct owner *found;
	struct owner wanted;

	if (strlen(name) >= sizeof(wanted.name))
		return SIZE_MAX;
	strcpy(wanted.name, name);	/* the length was checked */
	found = bsearch(&wanted, reading->owners, reading->n, sizeof(wanted),
			compare_owners);
	return found ? found->conn : SIZE_MAX;
}

/* One of nobody, put in by hand, is nobody's business. */
static int take_share(struct nftnl_set_elem *e, void *arg)
{
	struct reading *reading = arg;
	char owner[FWH_NFT_OWNER_MAX];
	struct fwh_nft_key key;
	struct share *share;
	uint32_t row;

	fwh_nft_read_owner(e, owner);
	if (!*owner || !fwh_nft_element_key(e, reading->beside, &key, &row))
		return 0;
	share = add_share(&reading->there, reading->set, &key, owner,
			  find_conn(reading, owner));
	if (!share) {
		reading->nomem = true;
		return -ENOMEM;
	}
	nftnl_set_elem_expr_foreach(e, take_counter, share);
	return 0;
}

static int take_elements(const struct nlmsghdr *nlh, size_t question, void *arg)
{
	struct reading *reading = arg;
	int code = fwh_nft_each_element(nlh, take_share, reading);

	(void)question;
	return reading->nomem ? -ENOMEM : code;
}

static int read_sets(struct reading *reading)
{
	struct job *job = &reading->job;
	size_t i;
	int code = fwh_nft_see_sets(job);

	for (i = 0; !code && i < job->n_sets; i++) {
		const char *name = job->sets[i].name;
		const char *owned = fwh_nft_owned_set(name);

		reading->set = owned ? owned : name;
		reading->beside = owned;
		code = fwh_nft_dump_set(job->link, name, take_elements,
					reading);
	}
	return code;
}

/* ---- rows ---- */

static enum fwh_step step_of(const char *set)
{
	static const struct {
		const char *prefix;
		enum fwh_step step;
	} steps[] = {
		{ "from-peer", FWH_STEP_GUARD_IN },
		{ "to-peer", FWH_STEP_GUARD_OUT },
		{ "quoted", FWH_STEP_GUARD_OUT },
		{ "accept-in", FWH_STEP_ACCEPT_IN },
		{ "accept-ipip", FWH_STEP_ACCEPT_IN },
		{ "accept-out", FWH_STEP_ACCEPT_OUT },
		{ "reject", FWH_STEP_REJECT },
		{ "ike-", FWH_STEP_IKE },
		{ "mss", FWH_STEP_MSS },
		{ "mark-", FWH_STEP_MARK },
		{ "connmark-", FWH_STEP_MARK },
		{ "esp-mark", FWH_STEP_MARK },
		{ "raw-", FWH_STEP_RAW },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(steps); i++)
		if (!strncmp(set, steps[i].prefix, strlen(steps[i].prefix)))
			return steps[i].step;
	return FWH_STEP_NAT;
}

/* Of a set that no plan has. */
static enum fwh_nft_type guess_type(const char *set, size_t len)
{
	if (len == sizeof(uint32_t))
		return FWH_NFT_REQID_IN;
	if (!strncmp(set, "quoted", 6))
		return len > 8 ? FWH_NFT_QUOTED6 : FWH_NFT_QUOTED4;
	return len > 8 ? FWH_NFT_ADDRS6 : FWH_NFT_ADDRS4;
}

static char *first_lookup(const struct fwh_nft_set *set)
{
	size_t i;

	for (i = 0; i < set->n_rules; i++)
		if (!strcmp(set->rules[i].look, set->name))
			return strdup(set->rules[i].text);
	return NULL;
}

static int add_row(const struct share *share, enum fwh_presence presence,
		   struct fwh_held_list *ret)
{
	char key[2 * FWH_ADDR_STRLEN + 8] = "";
	FILE *f = fmemopen(key, sizeof(key), "w");
	struct fwh_held *held;

	if (!f)
		return -ENOMEM;
	fwh_nft_print_key(share->wanted ? share->wanted->type :
			  guess_type(share->set, share->key.len), &share->key,
			  f);
	fclose(f);
	held = fwh_held_add(ret, share->conn, step_of(share->set), presence,
			    "%s { %s }", share->set, key);
	if (!held)
		return -ENOMEM;
	held->decides = true;
	held->counted = share->counted;
	held->packets = share->packets;
	held->bytes = share->bytes;
	held->sharers = share->sharers;
	if (share->wanted)
		held->rule = first_lookup(share->wanted);
	return 0;
}

static int compare_elements(const struct share *x, const struct share *y)
{
	int diff = strcmp(x->set, y->set);

	if (!diff)
		diff = (x->key.len > y->key.len) - (x->key.len < y->key.len);
	return diff ? diff : memcmp(x->key.b, y->key.b, x->key.len);
}

static int compare_shares(const void *a, const void *b)
{
	const struct share *x = a, *y = b;
	int diff = compare_elements(x, y);

	return diff ? diff : strcmp(x->owner, y->owner);
}

static void sort_shares(struct shares *shares)
{
	if (shares->n)
		qsort(shares->list, shares->n, sizeof(*shares->list),
		      compare_shares);
}

/* What one of them has counted has been counted for all. */
static void share_counter(struct share *shares, size_t n)
{
	const struct share *counter = shares;
	size_t i;

	for (i = 0; i < n; i++)
		if (shares[i].counted)
			counter = &shares[i];
	for (i = 0; i < n; i++) {
		shares[i].counted = counter->counted;
		shares[i].packets = counter->packets;
		shares[i].bytes = counter->bytes;
		shares[i].sharers = (unsigned int)(n - 1);
	}
}

static void share_counters(struct shares *there)
{
	size_t i, end;

	for (i = 0; i < there->n; i = end) {
		for (end = i + 1; end < there->n; end++)
			if (compare_elements(&there->list[i], &there->list[end]))
				break;
		share_counter(&there->list[i], end - i);
	}
}

static int compare_all(struct reading *reading, struct fwh_held_list *ret)
{
	struct shares *wanted = &reading->wanted, *there = &reading->there;
	size_t i = 0, j = 0;
	int code = 0, diff;

	sort_shares(wanted);
	sort_shares(there);
	share_counters(there);
	while (!code && (i < wanted->n || j < there->n)) {
		diff = i == wanted->n ? 1 : j == there->n ? -1 :
		       compare_shares(&wanted->list[i], &there->list[j]);
		if (diff < 0) {
			code = add_row(&wanted->list[i++], FWH_MISSING, ret);
		} else if (diff > 0) {
			code = add_row(&there->list[j++], FWH_EXTRA, ret);
		} else {
			there->list[j].wanted = wanted->list[i++].wanted;
			code = add_row(&there->list[j++], FWH_HELD, ret);
		}
	}
	return code;
}

/* ---- rules ---- */

static bool is_like(const struct fwh_nft_rule *rule, const struct seen *seen)
{
	return !strcmp(rule->chain, seen->chain) &&
	       !strcmp(rule->look, seen->look) &&
	       !strcmp(rule->jump, seen->jump);
}

static size_t count_seen(const struct rules *rules,
			 const struct fwh_nft_rule *rule)
{
	size_t i, n = 0;

	for (i = 0; i < rules->n; i++)
		n += is_like(rule, &rules->list[i]);
	return n;
}

/* How many rules like this one does the connection want, up to this one? */
static size_t count_wanted(const struct fwh_nft *nft, size_t n, size_t m)
{
	const struct fwh_nft_rule *rule = &nft->sets[n].rules[m], *other;
	size_t i, j, count = 0;

	for (i = 0; i <= n; i++) {
		for (j = 0; j < nft->sets[i].n_rules; j++) {
			if (i == n && j > m)
				break;
			other = &nft->sets[i].rules[j];
			count += !fwh_nft_is_repeated(nft, i, other) &&
				 !strcmp(rule->chain, other->chain) &&
				 !strcmp(rule->look, other->look) &&
				 !strcmp(rule->jump, other->jump);
		}
	}
	return count;
}

/* Rules are many connections' own: one that is missing is missing to each. */
static int compare_rules(const struct reading *reading, size_t conn,
			 const struct rules *rules, struct fwh_held_list *ret)
{
	const struct fwh_nft *nft = &reading->nfts[conn];
	struct fwh_held *held;
	size_t i, j;

	for (i = 0; i < nft->n; i++) {
		const struct fwh_nft_set *set = &nft->sets[i];

		for (j = 0; j < set->n_rules; j++) {
			if (fwh_nft_is_repeated(nft, i, &set->rules[j]) ||
			    count_seen(rules, &set->rules[j]) >=
			    count_wanted(nft, i, j))
				continue;
			held = fwh_held_add(ret, conn, step_of(set->name),
					    FWH_MISSING, "%s: %s",
					    set->rules[j].chain,
					    set->rules[j].text);
			if (!held)
				return -ENOMEM;
		}
	}
	return 0;
}

/* The rule that accepts our mark in chains of somebody else's. */
static int compare_hooks(struct reading *reading,
			 const struct fwh_globals *globals,
			 struct fwh_held_list *ret)
{
	struct fwh_nft_batch batch = { .len = 0 };
	bool none = !reading->wanted.n;
	int code = fwh_nft_accept_hooks(reading->job.link, globals, none,
					&batch);

	if (!code && batch.len &&
	    !fwh_held_add(ret, SIZE_MAX, FWH_STEP_ACCEPT_IN,
			  none ? FWH_EXTRA : FWH_MISSING,
			  "accept-in-chain: the rule that accepts what we mark"))
		code = -ENOMEM;
	fwh_nft_batch_free(&batch);
	return code;
}

/* ---- the whole ---- */

static void forget(struct reading *reading, struct fwh_held_list *held,
		   size_t n_held)
{
	free(reading->job.sets);
	reading->job.sets = NULL;
	reading->job.n_sets = reading->job.cap_sets = 0;
	reading->there.n = 0;
	while (held->n > n_held) {
		held->n--;
		free(held->list[held->n].text);
		free(held->list[held->n].rule);
	}
}

static int read_once(struct reading *reading,
		     const struct fwh_globals *globals,
		     struct fwh_held_list *ret)
{
	struct rules rules = { .job = &reading->job };
	uint32_t before, after;
	size_t i;
	int code = fwh_nft_generation(reading->job.link, &before);

	if (!code)
		code = read_sets(reading);
	if (!code)
		code = compare_all(reading, ret);
	if (!code && reading->wanted.n)
		code = fwh_nft_see_rules(&rules);
	for (i = 0; !code && i < reading->n; i++)
		code = compare_rules(reading, i, &rules, ret);
	free(rules.list);
	if (!code)
		code = compare_hooks(reading, globals, ret);
	if (!code)
		code = fwh_nft_generation(reading->job.link, &after);
	return code ? code : before == after ? 0 : -EAGAIN;
}

static int fail(int code, struct fwh_err *err)
{
	if (code == -ENOMEM)
		return fwh_fail(err, code, "out of memory");
	if (code == -EPERM)
		return fwh_fail(err, code, "nftables: not permitted; "
				"CAP_NET_ADMIN is needed");
	return fwh_fail(err, code, "nftables: reading table inet %s: %s",
			FWH_NFT_TABLE, strerror(-code));
}

int fwh_nft_read(const struct fwh_globals *globals,
		 const struct fwh_plan *plans, size_t n,
		 struct fwh_held_list *ret, struct fwh_err *err)
{
	struct reading reading = { .n = 0 };
	size_t n_held = ret->n, i;
	int code = want_all(&reading, globals, plans, n), tries;

	if (!code)
		code = fwh_nft_open_kept(&reading.job.link, err);
	for (tries = 0; !code && tries < READ_TRIES; tries++) {
		code = read_once(&reading, globals, ret);
		if (code != -EAGAIN)
			break;
		forget(&reading, ret, n_held);
		code = 0;
	}
	/* Beside somebody who never stops, a look is a look all the same. */
	if (!code && tries == READ_TRIES) {
		code = read_once(&reading, globals, ret);
		code = code == -EAGAIN ? 0 : code;
	}
	free(reading.job.sets);
	for (i = 0; reading.nfts && i < n; i++)
		fwh_nft_free(&reading.nfts[i]);
	free(reading.nfts);
	free(reading.owners);
	free(reading.wanted.list);
	free(reading.there.list);
	return code ? fail(code, err) : 0;
}
