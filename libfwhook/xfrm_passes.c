// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xfrm_passes.c - the kernel's passthrough policies, and which of them concern a
 * connection.  Reads only.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/netlink.h>
#include <linux/xfrm.h>

#include "xfrm.h"

#define DUMP_TRIES	8

static void read_net(const xfrm_address_t *addr, uint8_t len,
		     enum fwh_family family, struct fwh_net *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->addr.family = family;
	memcpy(ret->addr.b, addr, fwh_family_bytes(family));
	ret->len = len;
}

static struct fwh_ports read_port(__be16 port, __be16 mask)
{
	struct fwh_ports ports = { .lo = 0 };

	if (mask)
		ports.lo = ports.hi = ntohs(port);
	return ports;
}

/* Selectors are unions in netlink: the address family of the policy decides
 * how they read. */
static void read_pass(const struct xfrm_userpolicy_info *info,
		      struct fwh_pass *ret)
{
	const struct xfrm_selector *sel = &info->sel;
	enum fwh_family family = sel->family == AF_INET ? FWH_IPV4 : FWH_IPV6;

	memset(ret, 0, sizeof(*ret));
	ret->out = info->dir == XFRM_POLICY_OUT;
	ret->priority = info->priority;
	read_net(&sel->saddr, sel->prefixlen_s, family, &ret->src);
	read_net(&sel->daddr, sel->prefixlen_d, family, &ret->dst);
	ret->proto = sel->proto;
	ret->icmp_type = ret->icmp_code = -1;
	if (fwh_proto_is_icmp(sel->proto)) {
		if (sel->sport_mask)
			ret->icmp_type = (int16_t)ntohs(sel->sport);
		if (sel->dport_mask)
			ret->icmp_code = (int16_t)ntohs(sel->dport);
	} else if (fwh_proto_has_ports(sel->proto)) {
		ret->sport = read_port(sel->sport, sel->sport_mask);
		ret->dport = read_port(sel->dport, sel->dport_mask);
	}
}

/* dir 3 and above are sockets' own policies, index & 7 (net/xfrm). */
static bool is_pass(const struct nlmsghdr *nlh,
		    const struct xfrm_userpolicy_info *info)
{
	const struct nlattr *a = fwh_nl_find(nlh, sizeof(*info),
					     XFRMA_POLICY_TYPE,
					     sizeof(struct xfrm_userpolicy_type));
	const struct xfrm_userpolicy_type *type = a ? mnl_attr_get_payload(a) :
						      NULL;

	return info->action == XFRM_POLICY_ALLOW && (info->index & 7) <= 2 &&
	       (info->sel.family == AF_INET || info->sel.family == AF_INET6) &&
	       !fwh_nl_find(nlh, sizeof(*info), XFRMA_TMPL, 0) &&
	       (!type || type->type == XFRM_POLICY_TYPE_MAIN);
}

/* ---- one look at them, which is the newer half of all where there is a memory ------ */

#define MANY		256	/* so many are read each time */
#define SETTLED_S	2	/* older ones have not been added since */

struct look {
	struct fwh_xfrm *xfrm;
	const struct fwh_policies *before;	/* NULL: none, all are read */
	struct fwh_policies after;
	bool met;			/* one of before's markers */
	bool remembers;			/* after is all that has to be known */
	uint64_t now, last;		/* seconds */
	size_t n;
};

/* The same number a second time is a policy in the place of another, which was added
 * later: not in the same second, since a marker was settled. */
static bool is_marker(const struct fwh_policies *before,
		      const struct xfrm_userpolicy_info *info)
{
	size_t i;

	for (i = 0; before && i < before->n_markers; i++)
		if (before->marker[i].index == info->index &&
		    before->marker[i].added == info->curlft.add_time)
			return true;
	return false;
}

static void add_marker(struct look *look, uint32_t index, uint64_t added)
{
	struct fwh_policies *after = &look->after;

	if (after->n_markers == FWH_POLICY_MARKERS_MAX)
		return;
	after->marker[after->n_markers].index = index;
	after->marker[after->n_markers++].added = added;
}

static void add_place(struct look *look, const struct nlmsghdr *nlh,
		      const struct xfrm_userpolicy_info *info)
{
	struct fwh_policies *after = &look->after;
	struct fwh_policy_place *place = &after->pass[after->n_passes];
	const struct nlattr *mark = fwh_nl_find(nlh, sizeof(*info), XFRMA_MARK,
						sizeof(struct xfrm_mark));
	const struct nlattr *if_id = fwh_nl_find(nlh, sizeof(*info),
						 XFRMA_IF_ID, sizeof(uint32_t));
	const struct xfrm_mark *m = mark ? mnl_attr_get_payload(mark) : NULL;

	if (after->n_passes == FWH_POLICY_PLACES_MAX) {
		look->remembers = false;
		return;
	}
	after->n_passes++;
	place->index = info->index;
	place->if_id = if_id ? mnl_attr_get_u32(if_id) : 0;
	place->mark.value = m ? m->v : 0;
	place->mark.mask = m ? m->m : 0;
}

static bool read_policy(const struct nlmsghdr *nlh,
			struct xfrm_userpolicy_info *ret)
{
	return nlh->nlmsg_type == XFRM_MSG_NEWPOLICY &&
	       fwh_nl_header(nlh, ret, sizeof(*ret));
}

static int add_pass(struct look *look, const struct nlmsghdr *nlh,
		    const struct xfrm_userpolicy_info *info)
{
	struct fwh_xfrm *xfrm = look->xfrm;

	if (!is_pass(nlh, info))
		return 0;
	if (!fwh_grow(&xfrm->passes, xfrm->n, &xfrm->cap, sizeof(*xfrm->passes)))
		return -ENOMEM;
	read_pass(info, &xfrm->passes[xfrm->n++]);
	add_place(look, nlh, info);
	return 0;
}

/* The answer to a number. */
static int take_pass(const struct nlmsghdr *nlh, void *arg)
{
	struct xfrm_userpolicy_info info;

	return read_policy(nlh, &info) ? add_pass(arg, nlh, &info) : 0;
}

/* One of a dump. */
static int take_policy(const struct nlmsghdr *nlh, void *arg)
{
	struct xfrm_userpolicy_info info;
	struct look *look = arg;

	if (!read_policy(nlh, &info))
		return 0;
	look->met = is_marker(look->before, &info);
	if (look->met)
		return 1;
	/* A clock that was set back makes the order unknown. */
	if (look->n++ && info.curlft.add_time > look->last)
		look->remembers = false;
	look->last = info.curlft.add_time;
	if (info.curlft.add_time + SETTLED_S <= look->now)
		add_marker(look, info.index, info.curlft.add_time);
	return add_pass(look, nlh, &info);
}

static int dump(struct look *look, struct fwh_nl *nl)
{
	fwh_nl_begin(nl, XFRM_MSG_GETPOLICY, NLM_F_DUMP);
	return fwh_nl_ask(nl, take_policy, look);
}

/* What is left of a dump stays with the socket. */
static int read_newer(struct look *look)
{
	struct fwh_nl *nl;
	int code = fwh_nl_open(NETLINK_XFRM, &nl);

	if (code)
		return code;
	code = dump(look, nl);
	fwh_nl_close(nl);
	return code;
}

/* A policy by its number; it may be another's by now. */
static int ask_again(struct look *look, const struct fwh_policy_place *place)
{
	struct nlmsghdr *nlh = fwh_nl_begin(look->xfrm->nl, XFRM_MSG_GETPOLICY, 0);
	struct xfrm_userpolicy_id *id = mnl_nlmsg_put_extra_header(nlh,
								   sizeof(*id));

	id->index = place->index;
	id->dir = place->index & 7;
	fwh_xfrm_put_mark(nlh, &place->mark);
	if (place->if_id)
		mnl_attr_put_u32(nlh, XFRMA_IF_ID, place->if_id);
	return fwh_xfrm_ask(look->xfrm, take_pass, look, "XFRM policies", NULL);
}

/* What was met before, of which the markers are older than those just met. */
static int add_before(struct look *look)
{
	const struct fwh_policies *before = look->before;
	size_t i;
	int code = 0;

	for (i = 0; i < before->n_markers; i++)
		add_marker(look, before->marker[i].index,
			   before->marker[i].added);
	for (i = 0; !code && i < before->n_passes; i++)
		code = ask_again(look, &before->pass[i]);
	return code;
}

static int read_policies(struct look *look)
{
	int code;

	look->xfrm->n = look->n = 0;
	memset(&look->after, 0, sizeof(look->after));
	look->met = false;
	look->remembers = true;
	code = look->before ? read_newer(look) : dump(look, look->xfrm->nl);
	return !code && look->met ? add_before(look) : code;
}

/* Few are read each time: what is known of more is written down when there is much
 * that is new. */
static void remember(const struct look *look)
{
	int dir = look->xfrm->memory;

	if (dir < 0 || (look->met && look->n <= MANY && look->remembers))
		return;
	if (look->n > MANY && look->remembers && look->after.n_markers)
		fwh_policies_remember(dir, &look->after);
	else if (look->before)
		fwh_policies_forget(dir);
}

static int compare_passes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct fwh_pass));
}

/* In and fwd say the same thing twice. */
static void drop_repeated(struct fwh_xfrm *xfrm)
{
	size_t i, n = 0;

	if (xfrm->n)
		qsort(xfrm->passes, xfrm->n, sizeof(*xfrm->passes),
		      compare_passes);
	for (i = 0; i < xfrm->n; i++)
		if (!n || compare_passes(&xfrm->passes[n - 1], &xfrm->passes[i]))
			xfrm->passes[n++] = xfrm->passes[i];
	xfrm->n = n;
}

static int see_passes(struct fwh_xfrm *xfrm, struct fwh_err *err)
{
	struct look look = { .xfrm = xfrm, .now = (uint64_t)time(NULL) };
	struct fwh_policies before;
	int code = 0, tries;

	if (xfrm->dumped)
		return 0;
	if (xfrm->memory >= 0 && fwh_policies_recall(xfrm->memory, &before))
		look.before = &before;
	/* Policies that come and go meanwhile interrupt a dump. */
	for (tries = 0; tries < DUMP_TRIES; tries++) {
		code = read_policies(&look);
		if (code != -EAGAIN)
			break;
	}
	if (code)
		return fwh_xfrm_fail(code, "XFRM policies", err);
	remember(&look);
	drop_repeated(xfrm);
	xfrm->dumped = true;
	return 0;
}

/* ---- those that concern a connection ---------------------------------------------- */

/* The connection's own policy of one direction. */
struct own {
	bool is_there;
	uint32_t priority;
};

struct pass_search {
	const struct fwh_event *ev;
	bool asked;
	struct own own[2];		/* in, out */
	struct fwh_selector sel[2];	/* the other: of our own address (CAT) */
	size_t n_sel;
};

static bool overlaps(const struct fwh_pass *pass,
		     const struct fwh_selector *sel)
{
	struct fwh_range src, dst;

	fwh_net_to_range(&pass->src, &src);
	fwh_net_to_range(&pass->dst, &dst);
	return fwh_range_overlaps(&src, pass->out ? &sel->local : &sel->remote) &&
	       fwh_range_overlaps(&dst, pass->out ? &sel->remote : &sel->local) &&
	       (!pass->proto || !sel->proto || pass->proto == sel->proto);
}

/* Without a policy of our own to compare with, what is not wider than our
 * selectors counts as of higher priority, as all daemons have it. */
static bool outranks(const struct pass_search *search,
		     const struct fwh_pass *pass,
		     const struct fwh_selector *sel)
{
	struct fwh_range src, dst;

	if (search->own[pass->out].is_there)
		return pass->priority < search->own[pass->out].priority;
	fwh_net_to_range(&pass->src, &src);
	fwh_net_to_range(&pass->dst, &dst);
	return fwh_range_covers(pass->out ? &sel->local : &sel->remote, &src) &&
	       fwh_range_covers(pass->out ? &sel->remote : &sel->local, &dst);
}

static int take_priority(const struct nlmsghdr *nlh, void *arg)
{
	struct xfrm_userpolicy_info info;
	struct own *own = arg;

	own->is_there = fwh_nl_header(nlh, &info, sizeof(info));
	if (own->is_there)
		own->priority = info.priority;
	return 0;
}

static int find_own(struct fwh_xfrm *xfrm, struct pass_search *search,
		    struct fwh_err *err)
{
	int out, code = 0;

	for (out = 0; !code && out < 2 && !search->asked; out++)
		code = fwh_xfrm_ask_policy(xfrm, search->ev, out, take_priority,
					   &search->own[out], err);
	search->asked = !code;
	return code;
}

static int concerns(struct fwh_xfrm *xfrm, struct pass_search *search,
		    const struct fwh_pass *pass, bool *ret, struct fwh_err *err)
{
	size_t i;
	int code = 0;

	*ret = false;
	for (i = 0; !code && !*ret && i < search->n_sel; i++) {
		if (!overlaps(pass, &search->sel[i]))
			continue;
		code = find_own(xfrm, search, err);
		*ret = !code && outranks(search, pass, &search->sel[i]);
	}
	return code;
}

int fwh_xfrm_find_passes(struct fwh_xfrm *xfrm, const struct fwh_event *ev,
			 struct fwh_pass **ret, size_t *ret_n,
			 struct fwh_err *err)
{
	struct pass_search search = { .ev = ev, .sel = { ev->sel }, .n_sel = 1 };
	fwh_autofree struct fwh_pass *passes = NULL;
	size_t n = 0, cap = 0, i;
	int code = see_passes(xfrm, err);

	search.n_sel += fwh_event_cat(ev, &search.sel[1]);
	for (i = 0; !code && i < xfrm->n; i++) {
		bool concerned;

		code = concerns(xfrm, &search, &xfrm->passes[i], &concerned,
				err);
		if (!concerned)
			continue;
		if (!fwh_grow(&passes, n, &cap, sizeof(*passes)))
			return fwh_fail(err, -ENOMEM, "out of memory");
		passes[n++] = xfrm->passes[i];
	}
	if (code)
		return code;
	*ret = fwh_steal(passes);
	*ret_n = n;
	return 0;
}
