// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xfrm_passes.c - the kernel's passthrough policies, and which of them concern a
 * connection.  Reads only.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

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
static int take_policy(const struct nlmsghdr *nlh, void *arg)
{
	const struct xfrm_userpolicy_type *type;
	struct xfrm_userpolicy_info info;
	const struct nlattr *a;
	struct fwh_xfrm *xfrm = arg;

	if (nlh->nlmsg_type != XFRM_MSG_NEWPOLICY ||
	    !fwh_nl_header(nlh, &info, sizeof(info)) ||
	    info.action != XFRM_POLICY_ALLOW || (info.index & 7) > 2 ||
	    (info.sel.family != AF_INET && info.sel.family != AF_INET6) ||
	    fwh_nl_find(nlh, sizeof(info), XFRMA_TMPL, 0))
		return 0;
	a = fwh_nl_find(nlh, sizeof(info), XFRMA_POLICY_TYPE, sizeof(*type));
	type = a ? mnl_attr_get_payload(a) : NULL;
	if (type && type->type != XFRM_POLICY_TYPE_MAIN)
		return 0;
	if (!fwh_grow(&xfrm->passes, xfrm->n, &xfrm->cap, sizeof(*xfrm->passes)))
		return -ENOMEM;
	read_pass(&info, &xfrm->passes[xfrm->n++]);
	return 0;
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
	int code = 0, tries;

	/* Policies that come and go meanwhile interrupt a dump. */
	for (tries = 0; !xfrm->dumped && tries < DUMP_TRIES; tries++) {
		xfrm->n = 0;
		fwh_nl_begin(xfrm->nl, XFRM_MSG_GETPOLICY, NLM_F_DUMP);
		code = fwh_nl_ask(xfrm->nl, take_policy, xfrm);
		if (code != -EAGAIN)
			break;
	}
	if (code)
		return fwh_xfrm_fail(code, "XFRM policies", err);
	if (!xfrm->dumped)
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
