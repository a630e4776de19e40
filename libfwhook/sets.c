// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sets.c - a plan becomes sets, their rules and the connection's elements; pure.
 *
 * Who decrypted a packet, the legacy tables can only ask one reqid a rule, so that
 * in a rule for many connections it is: any SA.  Which one the kernel asks itself:
 * once there is a policy for a packet's addresses, none that another SA decrypted
 * passes it (xfrm_policy_check(), before FORWARD and behind INPUT), and without a
 * policy none that came through a tunnel.  So what is accepted and marked by these
 * rules is what some SA decrypted, of a peer that the kernel lets speak for those
 * addresses.  Where the kernel does not ask - the policies of XFRM interfaces are
 * others, those of VTI devices and of marks too - connections keep their reqid, and
 * rules of their own with it, and packets from such devices are not for the rules
 * of many.  The guard asks for no reqid in either form: it drops what no SA covers.
 */
#include <errno.h>
#include <string.h>

#include "iptables.h"
#include "sets.h"

#define PREFIX		"ipsec-fw"
/* What Libreswan calls XFRM interfaces, and we by default (devices). */
#define XFRM_DEVICES	"ipsec+"

/* Rules of one chain that go by the SA stand apart from those that don't: the SA
 * goes when the connection is down, and the guard stays. */
enum kind { BY_ADDRESS, BY_SA, KIND_MAX };

/* Ranks are the order in which a plan has its dispatch rules. */
static const struct purpose {
	const char *name;		/* at most 10 letters */
	unsigned int rank;
	enum fwh_step step;
} purposes[FWH_TABLE_MAX][FWH_PART_MAX][KIND_MAX] = {
	[FWH_MANGLE] = {
		[FWH_PART_RESTORE] = { { "restore", 1, FWH_STEP_MARK } },
		[FWH_PART_ESP] = { { "esp-mark", 2, FWH_STEP_MARK } },
		[FWH_PART_POLICY_MARK] = { { "pol-mark", 3, FWH_STEP_MARK } },
		[FWH_PART_NFLOG_IN] = { { "nflog-in", 4, FWH_STEP_MARK } },
		[FWH_PART_NFLOG_OUT] = { { "nflog-out", 4, FWH_STEP_MARK } },
		[FWH_PART_IN] = { { "from-peer", 6, FWH_STEP_GUARD_IN },
				  { "mark", 5, FWH_STEP_MARK } },
		[FWH_PART_OUT] = { { "to-peer", 6, FWH_STEP_GUARD_OUT } },
		[FWH_PART_MSS] = { { "mss", 7, FWH_STEP_MSS } },
		[FWH_PART_RAW_PRE] = { { "raw-pre", 8, FWH_STEP_RAW } },
		[FWH_PART_RAW_IN] = { { "raw-in", 8, FWH_STEP_RAW } },
		[FWH_PART_RAW_FWD_IN] = { { "raw-fwd-in", 8, FWH_STEP_RAW } },
		[FWH_PART_RAW_FWD_OUT] = { { "raw-fwd-ou", 8, FWH_STEP_RAW } },
		[FWH_PART_RAW_OUT] = { { "raw-out", 8, FWH_STEP_RAW } },
		[FWH_PART_RAW_POST] = { { "raw-post", 8, FWH_STEP_RAW } },
	},
	[FWH_NAT] = {
		[FWH_PART_CAT_IN] = { { "cat-in", 1, FWH_STEP_NAT } },
		[FWH_PART_CAT_OUT] = { { "cat-out", 1, FWH_STEP_NAT } },
		[FWH_PART_RAW_PRE] = { { "nat-pre", 2, FWH_STEP_RAW } },
		[FWH_PART_RAW_IN] = { { "nat-in", 2, FWH_STEP_RAW } },
		[FWH_PART_RAW_OUT] = { { "nat-out", 2, FWH_STEP_RAW } },
		[FWH_PART_RAW_POST] = { { "nat-post", 2, FWH_STEP_RAW } },
		[FWH_PART_OUT] = { { "no-nat-dev", 3, FWH_STEP_NAT },
				   { "no-nat", 4, FWH_STEP_NAT } },
	},
	[FWH_FILTER] = {
		[FWH_PART_RAW_IN] = { { "own-in", 2, FWH_STEP_RAW } },
		[FWH_PART_RAW_FWD_IN] = { { "own-fwd-in", 2, FWH_STEP_RAW } },
		[FWH_PART_RAW_FWD_OUT] = { { "own-fwd-ou", 2, FWH_STEP_RAW } },
		[FWH_PART_RAW_OUT] = { { "own-out", 2, FWH_STEP_RAW } },
		[FWH_PART_IN] = { { "in-own", 4, FWH_STEP_ACCEPT_IN },
				  { "accept-in", 3, FWH_STEP_ACCEPT_IN } },
		[FWH_PART_OUT] = { { "out-own", 4, FWH_STEP_ACCEPT_OUT },
				   { "accept-out", 3, FWH_STEP_ACCEPT_OUT } },
		[FWH_PART_IPIP] = { { "ipip-own", 4, FWH_STEP_ACCEPT_IN },
				    { "ipip", 3, FWH_STEP_ACCEPT_IN } },
		[FWH_PART_REJECT] = { { "reject", 5, FWH_STEP_REJECT } },
		[FWH_PART_IKE_IN] = { { "ike-in", 6, FWH_STEP_IKE } },
		[FWH_PART_IKE_OUT] = { { "ike-out", 6, FWH_STEP_IKE } },
	},
};

struct builder {
	const struct fwh_plan *plan;
	struct fwh_sets *sets;
	bool nomem;
};

/* The plan's rules of one kind in one chain. */
struct content {
	enum fwh_family family;
	enum fwh_table table;
	enum fwh_part part;
	enum kind kind;
};

/* ---- names: ipsec-fw4-to-peer-k3f9a0qz ------------------------------------------ */

#define HASH_LETTERS	8

static void hash_letters(uint64_t h, char ret[HASH_LETTERS + 1])
{
	size_t i;

	h ^= h >> 29;
	for (i = 0; i < HASH_LETTERS; i++, h >>= 5)
		ret[i] = fwh_hash_digits[h & 31];
	ret[i] = '\0';
}

static const struct purpose *find_purpose(const char *name)
{
	const struct purpose *p = &purposes[0][0][0];
	size_t len = strlen(name), i;
	const char *word = name + sizeof(PREFIX);	/* behind "4" or "6" */

	if (strncmp(name, PREFIX "4-", sizeof(PREFIX) + 1) != 0 &&
	    strncmp(name, PREFIX "6-", sizeof(PREFIX) + 1) != 0)
		return NULL;
	word++;
	if (len < sizeof(PREFIX) + 1 + 1 + HASH_LETTERS ||
	    name[len - HASH_LETTERS - 1] != '-' ||
	    strspn(name + len - HASH_LETTERS, fwh_hash_digits) != HASH_LETTERS)
		return NULL;
	len = (size_t)(name + len - HASH_LETTERS - 1 - word);
	for (i = 0; i < sizeof(purposes) / sizeof(*p); i++, p++)
		if (p->name && strlen(p->name) == len &&
		    !memcmp(p->name, word, len))
			return p;
	return NULL;
}

bool fwh_set_is_ours(const char *name)
{
	return find_purpose(name) != NULL;
}

enum fwh_family fwh_set_family(const char *name)
{
	return name[sizeof(PREFIX) - 1] == '6' ? FWH_IPV6 : FWH_IPV4;
}

enum fwh_table fwh_set_table(const char *name)
{
	const struct purpose *purpose = find_purpose(name);

	return purpose ? (enum fwh_table)((size_t)(purpose - &purposes[0][0][0]) /
					  (FWH_PART_MAX * KIND_MAX)) :
			 FWH_TABLE_MAX;
}

unsigned int fwh_set_rank(const char *name)
{
	const struct purpose *purpose = find_purpose(name);

	return purpose ? purpose->rank : 0;
}

enum fwh_step fwh_set_step(const char *name)
{
	const struct purpose *purpose = find_purpose(name);

	return purpose ? purpose->step : FWH_STEP_MARK;
}

bool fwh_set_guards(const char *name)
{
	enum fwh_step step = fwh_set_step(name);

	return step == FWH_STEP_GUARD_IN || step == FWH_STEP_GUARD_OUT;
}

bool fwh_set_keeps(const char *name)
{
	return fwh_set_table(name) == FWH_NAT ||
	       fwh_set_step(name) == FWH_STEP_GUARD_OUT;
}

void fwh_set_owner(const struct fwh_key *key, char ret[FWH_SET_OWNER_MAX])
{
	snprintf(ret, FWH_SET_OWNER_MAX, "%s-%s", key->stem, key->hash);
}

static void put_names(struct fwh_set *set, const char *purpose, uint64_t hash)
{
	char letters[HASH_LETTERS + 1], digit = set->family == FWH_IPV4 ?
						'4' : '6';

	hash_letters(hash, letters);
	snprintf(set->name, sizeof(set->name), PREFIX "%c-%s-%s", digit,
		 purpose, letters);
	if (*set->chain)
		snprintf(set->chain, sizeof(set->chain), PREFIX "%c-%s", digit,
			 letters);
}

void fwh_set_above(const struct fwh_set *set, struct fwh_set *ret)
{
	uint64_t hash = FWH_HASH_START;

	fwh_hash_bytes(&hash, set->name, strlen(set->name));
	*ret = *set;
	put_names(ret, find_purpose(set->name)->name, hash);
}

void fwh_set_layer(const struct fwh_set *set, unsigned int layer,
		   struct fwh_set *ret)
{
	struct fwh_set below = *set;

	for (; layer; layer--) {
		fwh_set_above(&below, ret);
		below = *ret;
	}
	*ret = below;
}

/* ---- what is in a set's rules ----------------------------------------------------- */

static bool is_by_sa(const struct fwh_rule *rule)
{
	return (rule->action == FWH_SET_MARK || rule->action == FWH_ACCEPT ||
		rule->action == FWH_CONNMARK_SAVE) &&
	       rule->policy.dir != FWH_POLICY_ANY && !rule->policy.none &&
	       !*rule->in && !*rule->out;
}

static bool in_content(const struct content *c, const struct fwh_rule *rule)
{
	return rule->family == c->family && rule->table == c->table &&
	       rule->part == c->part && !rule->dispatch &&
	       is_by_sa(rule) == (c->kind == BY_SA);
}

/* A verdict, which is the set's to give. */
static bool decides(const struct fwh_rule *rule)
{
	return rule->action == FWH_ACCEPT || rule->action == FWH_DROP ||
	       rule->action == FWH_REJECT || rule->action == FWH_REJECT_RESET;
}

/* Without what is the connection's own. */
static struct fwh_set_rule common_rule(const struct builder *b,
				       const struct content *c,
				       const struct fwh_rule *rule)
{
	struct fwh_set_rule common = { .rule = *rule };

	common.maps = c->kind == BY_SA && rule->action == FWH_SET_MARK;
	common.looks = common.counts = decides(rule);
	if (common.maps)
		memset(&common.rule.set_mark, 0, sizeof(common.rule.set_mark));
	if (c->kind != BY_SA || b->plan->own_sa)
		return common;
	common.rule.policy.reqid = 0;
	common.rule.policy.endpoints = false;
	memset(&common.rule.policy.src, 0, sizeof(common.rule.policy.src));
	memset(&common.rule.policy.dst, 0, sizeof(common.rule.policy.dst));
	if (rule->policy.dir == FWH_POLICY_IN) {
		strcpy(common.rule.in, XFRM_DEVICES);
		common.rule.in_not = true;
	}
	return common;
}

static struct fwh_set_rule *add_rule(struct builder *b, struct fwh_set *set)
{
	if (!fwh_grow(&set->rules, set->n_rules, &set->cap_rules,
		      sizeof(*set->rules))) {
		b->nomem = true;
		return NULL;
	}
	return &set->rules[set->n_rules++];
}

/* Our own network, and the selector's protocol and ports. */
static struct fwh_set_rule entry_rule(const struct fwh_rule *dispatch)
{
	struct fwh_set_rule entry = { .rule = *dispatch };

	if (dispatch->peer_is_dst) {
		entry.rule.has_dst = false;
		memset(&entry.rule.dst, 0, sizeof(entry.rule.dst));
	} else {
		entry.rule.has_src = false;
		memset(&entry.rule.src, 0, sizeof(entry.rule.src));
	}
	entry.rule.hook = 0;
	return entry;
}

/* The one rule of a content in the place of the one that leads to it. */
static bool merge(struct fwh_set_rule *entry, const struct fwh_set_rule *only)
{
	struct fwh_rule merged = only->rule;
	const struct fwh_rule *e = &entry->rule;

	if ((e->proto && only->rule.proto) || only->rule.has_src ||
	    only->rule.has_dst || only->rule.raw)
		return false;
	merged.has_src = e->has_src;
	merged.src = e->src;
	merged.has_dst = e->has_dst;
	merged.dst = e->dst;
	if (e->proto) {
		merged.proto = e->proto;
		merged.sport = e->sport;
		merged.dport = e->dport;
		merged.has_icmp = e->has_icmp;
		merged.icmp_type = e->icmp_type;
		merged.icmp_code = e->icmp_code;
	}
	merged.dispatch = true;
	*entry = *only;
	entry->rule = merged;
	entry->looks = !only->maps;	/* such a target looks itself */
	return true;
}

/* Everything but the elements. */
static void fill(struct builder *b, const struct content *c,
		 const struct fwh_rule *dispatch, struct fwh_set *set)
{
	struct fwh_set_rule *rule;
	size_t i;

	set->entry = entry_rule(dispatch);
	set->peer_is_dst = dispatch->peer_is_dst;
	for (i = 0; i < b->plan->n; i++) {
		if (!in_content(c, &b->plan->rules[i]))
			continue;
		rule = add_rule(b, set);
		if (!rule)
			return;
		*rule = common_rule(b, c, &b->plan->rules[i]);
		set->marks = set->marks || rule->maps;
	}
	if (set->n_rules == 1 && merge(&set->entry, &set->rules[0])) {
		set->n_rules = 0;
		return;
	}
	set->entry.looks = set->entry.enters = true;
	strcpy(set->chain, "?");	/* named with the set */
}

static void hash_rule(const struct fwh_set *set, const struct fwh_set_rule *rule,
		      uint64_t *h)
{
	static const struct fwh_set unnamed;
	_Alignas(16) uint8_t buf[FWH_IPT_ENTRY_MAX];
	struct fwh_set nameless = unnamed;
	size_t n;

	nameless.peer_is_dst = set->peer_is_dst;
	if (rule->rule.raw) {
		fwh_hash_bytes(h, rule->rule.raw->text,
			   strlen(rule->rule.raw->text) + 1);
		return;
	}
	n = fwh_ipt_pack_set(&nameless, rule, 0, buf);
	fwh_hash_bytes(h, buf, n);
}

/* All that there is to the set, but for its elements. */
static uint64_t hash_set(const struct fwh_set *set, const char *purpose)
{
	uint64_t h = FWH_HASH_START;
	size_t i;

	fwh_hash_bytes(&h, purpose, strlen(purpose) + 1);
	fwh_hash_bytes(&h, &set->hooks, sizeof(set->hooks));
	fwh_hash_bytes(&h, &set->peer_is_dst, sizeof(set->peer_is_dst));
	hash_rule(set, &set->entry, &h);
	for (i = 0; i < set->n_rules; i++)
		hash_rule(set, &set->rules[i], &h);
	return h;
}

/* ---- elements ---------------------------------------------------------------------- */

static void add_key(struct builder *b, struct fwh_set *set,
		    const struct fwh_net *net, const struct fwh_mark *mark)
{
	size_t i;

	for (i = 0; i < set->n_keys; i++)
		if (set->keys[i].net.len == net->len &&
		    fwh_addr_equal(&set->keys[i].net.addr, &net->addr))
			return;
	if (!fwh_grow(&set->keys, set->n_keys, &set->cap_keys,
		      sizeof(*set->keys))) {
		b->nomem = true;
		return;
	}
	set->keys[set->n_keys].net = *net;
	set->keys[set->n_keys++].mark = *mark;
}

/* The peer's side of a dispatch rule; a hash of nets has none of length 0. */
static void add_keys(struct builder *b, const struct content *c,
		     struct fwh_set *set, const struct fwh_rule *dispatch)
{
	static const struct fwh_mark none;
	const struct fwh_mark *mark = &none;
	bool any = dispatch->peer_is_dst ? !dispatch->has_dst :
					   !dispatch->has_src;
	struct fwh_net net = dispatch->peer_is_dst ? dispatch->dst :
						     dispatch->src;
	size_t i;

	for (i = 0; set->marks && i < b->plan->n; i++)
		if (in_content(c, &b->plan->rules[i]) &&
		    b->plan->rules[i].action == FWH_SET_MARK)
			mark = &b->plan->rules[i].set_mark;
	if (!any) {
		add_key(b, set, &net, mark);
		return;
	}
	memset(&net, 0, sizeof(net));
	net.addr.family = c->family;
	net.len = 1;
	add_key(b, set, &net, mark);
	net.addr.b[0] = 0x80;
	add_key(b, set, &net, mark);
}

/* ---- the whole --------------------------------------------------------------------- */

static bool same_net(bool has_a, const struct fwh_net *a,
		     bool has_b, const struct fwh_net *b)
{
	return has_a == has_b && (!has_a || (a->len == b->len &&
					     fwh_addr_equal(&a->addr, &b->addr)));
}

static bool same_ports(const struct fwh_ports *a, const struct fwh_ports *b)
{
	return a->lo == b->lo && a->hi == b->hi;
}

/* Do they send packets by the same, whichever peer's and wherever? */
static bool same_entry(const struct fwh_rule *a, const struct fwh_rule *b)
{
	bool out = a->peer_is_dst;

	return out == b->peer_is_dst && a->proto == b->proto &&
	       same_net(out ? a->has_src : a->has_dst, out ? &a->src : &a->dst,
			out ? b->has_src : b->has_dst, out ? &b->src : &b->dst) &&
	       same_ports(&a->sport, &b->sport) &&
	       same_ports(&a->dport, &b->dport) &&
	       a->has_icmp == b->has_icmp && a->icmp_type == b->icmp_type &&
	       a->icmp_code == b->icmp_code && !strcmp(a->in, b->in) &&
	       !strcmp(a->out, b->out) && a->policy.dir == b->policy.dir;
}

static bool is_dispatch(const struct content *c, const struct fwh_rule *rule)
{
	return rule->dispatch && rule->family == c->family &&
	       rule->table == c->table && rule->part == c->part;
}

/* The first of those that have its entry makes the set. */
static bool is_first(const struct builder *b, const struct content *c, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (is_dispatch(c, &b->plan->rules[i]) &&
		    same_entry(&b->plan->rules[i], &b->plan->rules[n]))
			return false;
	return true;
}

static void add_set(struct builder *b, const struct content *c, size_t first)
{
	const struct purpose *purpose = &purposes[c->table][c->part][c->kind];
	const struct fwh_rule *rules = b->plan->rules;
	struct fwh_set *set;
	size_t i;

	if (!fwh_grow(&b->sets->list, b->sets->n, &b->sets->cap,
		      sizeof(*set))) {
		b->nomem = true;
		return;
	}
	set = &b->sets->list[b->sets->n++];
	memset(set, 0, sizeof(*set));
	set->family = c->family;
	set->table = c->table;
	set->step = purpose->step;
	fill(b, c, &rules[first], set);
	for (i = first; i < b->plan->n; i++) {
		if (!is_dispatch(c, &rules[i]) ||
		    !same_entry(&rules[first], &rules[i]))
			continue;
		set->hooks |= 1u << rules[i].hook;
		add_keys(b, c, set, &rules[i]);
	}
	if (!b->nomem)			/* half of a set has no name */
		put_names(set, purpose->name, hash_set(set, purpose->name));
}

static void add_content(struct builder *b, const struct content *c)
{
	bool holds = false;
	size_t i;

	for (i = 0; i < b->plan->n; i++)
		holds = holds || in_content(c, &b->plan->rules[i]);
	for (i = 0; holds && i < b->plan->n; i++)
		if (is_dispatch(c, &b->plan->rules[i]) && is_first(b, c, i))
			add_set(b, c, i);
}

static unsigned int our_bits(const struct fwh_rule *entry)
{
	return (entry->has_src ? entry->src.len : 0u) +
	       (entry->has_dst ? entry->dst.len : 0u);
}

/* By rank; and where two marks fit a packet, the one for the smaller network of
 * ours is set last. */
static int compare_sets(const void *a, const void *b)
{
	const struct fwh_set *x = a, *y = b;
	unsigned int rx = fwh_set_rank(x->name), ry = fwh_set_rank(y->name);

	if (x->family != y->family)
		return x->family < y->family ? -1 : 1;
	if (x->table != y->table)
		return x->table < y->table ? -1 : 1;
	if (rx != ry)
		return rx < ry ? -1 : 1;
	rx = our_bits(&x->entry.rule);
	ry = our_bits(&y->entry.rule);
	return rx != ry ? (rx < ry ? -1 : 1) : strcmp(x->name, y->name);
}

int fwh_sets_build(const struct fwh_plan *plan, struct fwh_sets *ret)
{
	struct fwh_sets sets = { .n = 0 };
	struct builder b = { .plan = plan, .sets = &sets };
	struct content c;

	for (c.family = 0; c.family < FWH_FAMILY_MAX; c.family++)
		for (c.table = 0; c.table < FWH_TABLE_MAX; c.table++)
			for (c.part = 0; c.part < FWH_PART_MAX; c.part++)
				for (c.kind = 0; c.kind < KIND_MAX; c.kind++)
					add_content(&b, &c);
	if (b.nomem) {
		fwh_sets_free(&sets);
		return -ENOMEM;
	}
	if (sets.n)
		qsort(sets.list, sets.n, sizeof(*sets.list), compare_sets);
	*ret = sets;
	return 0;
}

void fwh_sets_free(struct fwh_sets *sets)
{
	size_t i;

	for (i = 0; i < sets->n; i++) {
		free(sets->list[i].rules);
		free(sets->list[i].keys);
	}
	free(sets->list);
	memset(sets, 0, sizeof(*sets));
}
