// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xfrm.c - the kernel's IPsec states and policies, which are the truth where
 * the environment is a claim.  Reads only.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netlink.h>
#include <linux/xfrm.h>

#include "xfrm.h"

#ifndef XFRM_OFFLOAD_PACKET		/* Linux 6.2 */
#define XFRM_OFFLOAD_PACKET	4
#endif

static const int af[FWH_FAMILY_MAX] = { AF_INET, AF_INET6 };

int fwh_xfrm_fail(int code, const char *what, struct fwh_err *err)
{
	if (code == -EPERM)
		return fwh_fail(err, code, "%s: not permitted; CAP_NET_ADMIN "
				"is needed", what);
	if (code == -ETIMEDOUT)
		return fwh_fail(err, code, "%s: the kernel does not answer",
				what);
	/* xfrm_compat, of CONFIG_XFRM_USER_COMPAT, Linux 5.10; nothing loads it. */
	if (code == -EOPNOTSUPP && sizeof(long) == 4)
		return fwh_fail(err, code, "%s: not for 32-bit programs on this "
				"kernel; modprobe xfrm_compat, or build "
				"ipsec-fw for 64 bits", what);
	return fwh_fail(err, code, "%s: %s", what, strerror(-code));
}

int fwh_xfrm_open(struct fwh_xfrm **ret, struct fwh_err *err)
{
	struct fwh_xfrm *xfrm = calloc(1, sizeof(*xfrm));
	int code;

	if (!xfrm)
		return fwh_fail(err, -ENOMEM, "out of memory");
	xfrm->memory = -1;
	code = fwh_nl_open(NETLINK_XFRM, &xfrm->nl);
	if (!code) {
		*ret = xfrm;
		return 0;
	}
	free(xfrm);
	return code == -EPROTONOSUPPORT || code == -EAFNOSUPPORT ?
	       fwh_fail(err, -EPROTONOSUPPORT, "this kernel has no xfrm_user; "
			"load it at boot (modprobe xfrm_user)") :
	       fwh_xfrm_fail(code, "XFRM", err);
}

void fwh_xfrm_close(struct fwh_xfrm *xfrm)
{
	if (!xfrm)
		return;
	fwh_nl_close(xfrm->nl);
	free(xfrm->passes);
	free(xfrm);
}

int fwh_xfrm_ask(struct fwh_xfrm *xfrm, fwh_nl_answer *answer, void *arg,
		 const char *what, struct fwh_err *err)
{
	int code = fwh_nl_ask(xfrm->nl, answer, arg);

	return !code || code == -ESRCH || code == -ENOENT ? 0 :
	       fwh_xfrm_fail(code, what, err);
}

/* ---- states -------------------------------------------------------------------- */

static enum fwh_mode to_mode(int mode)
{
	switch (mode) {
	case XFRM_MODE_TUNNEL:
		return FWH_TUNNEL;
	case XFRM_MODE_TRANSPORT:
		return FWH_TRANSPORT;
	case XFRM_MODE_BEET:
		return FWH_BEET;
	default:
		return FWH_MODE_UNKNOWN;
	}
}

/* Behind a state's head: attributes that it has where they matter. */
static void read_extras(const struct nlmsghdr *nlh, struct fwh_sa *sa)
{
	const size_t head = sizeof(struct xfrm_usersa_info);
	const struct nlattr *a;

	a = fwh_nl_find(nlh, head, XFRMA_MARK, sizeof(struct xfrm_mark));
	if (a) {
		const struct xfrm_mark *mark = mnl_attr_get_payload(a);

		sa->mark.value = mark->v;
		sa->mark.mask = mark->m;
	}
	a = fwh_nl_find(nlh, head, XFRMA_IF_ID, sizeof(uint32_t));
	if (a)
		sa->if_id = mnl_attr_get_u32(a);
	a = fwh_nl_find(nlh, head, XFRMA_OFFLOAD_DEV,
			sizeof(struct xfrm_user_offload));
	if (a) {
		const struct xfrm_user_offload *offload = mnl_attr_get_payload(a);

		sa->offload = offload->flags & XFRM_OFFLOAD_PACKET;
	}
	a = fwh_nl_find(nlh, head, XFRMA_ENCAP, sizeof(struct xfrm_encap_tmpl));
	if (a) {
		const struct xfrm_encap_tmpl *encap = mnl_attr_get_payload(a);

		sa->encap = true;
		sa->encap_sport = ntohs(encap->encap_sport);
		sa->encap_dport = ntohs(encap->encap_dport);
	}
}

/* Stays FWH_SA_NONE if there is none. */
struct found_sa {
	const struct fwh_addr *peer;
	struct fwh_sa sa;
	bool from_peer;
};

static int take_sa(const struct nlmsghdr *nlh, void *arg)
{
	struct xfrm_usersa_info info;
	struct found_sa *found = arg;
	struct fwh_sa *sa = &found->sa;

	if (nlh->nlmsg_type != XFRM_MSG_NEWSA ||
	    !fwh_nl_header(nlh, &info, sizeof(info)))
		return -EBADMSG;
	sa->source = FWH_SA_KERNEL;
	sa->reqid = info.reqid;
	sa->mode = to_mode(info.mode);
	sa->ipproto = info.id.proto;
	read_extras(nlh, sa);
	found->from_peer = info.family == af[found->peer->family] &&
			   !memcmp(&info.saddr, found->peer->b,
				   fwh_family_bytes(found->peer->family));
	return 0;
}

void fwh_xfrm_put_mark(struct nlmsghdr *nlh, const struct fwh_mark *mark)
{
	struct xfrm_mark xm = { .v = mark->value, .m = mark->mask };

	if (mark->mask)
		mnl_attr_put(nlh, XFRMA_MARK, sizeof(xm), &xm);
}

/* The state with our address as its destination and this SPI. */
static int ask_sa(struct fwh_xfrm *xfrm, const struct fwh_event *ev,
		  uint32_t spi, struct found_sa *ret, struct fwh_err *err)
{
	struct nlmsghdr *nlh = fwh_nl_begin(xfrm->nl, XFRM_MSG_GETSA, 0);
	struct xfrm_usersa_id *id = mnl_nlmsg_put_extra_header(nlh, sizeof(*id));

	memset(ret, 0, sizeof(*ret));
	ret->peer = &ev->peer;
	memcpy(&id->daddr, ev->me.b, fwh_family_bytes(ev->me.family));
	id->spi = htonl(spi);
	id->family = (__u16)af[ev->me.family];
	id->proto = ev->ipproto ? ev->ipproto : IPPROTO_ESP;
	fwh_xfrm_put_mark(nlh, &ev->mark_in);
	return fwh_xfrm_ask(xfrm, take_sa, ret, "XFRM state", err);
}

/* Libreswan's SPI_IN is the outbound SA's.  Both are tried with our address as
 * the destination; the outbound one's number can by chance name a stranger's
 * inbound SA here, so that the one that comes from the peer is preferred. */
static int find_by_spi(struct fwh_xfrm *xfrm, const struct fwh_event *ev,
		       struct fwh_sa *ret, struct fwh_err *err)
{
	static const int order[] = { 1, 0 };
	struct found_sa found = { .from_peer = false };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(order) && !found.from_peer; i++) {
		int code;

		if (!ev->spi[order[i]])
			continue;
		code = ask_sa(xfrm, ev, ev->spi[order[i]], &found, err);
		if (code)
			return code;
		if (found.sa.source != FWH_SA_NONE &&
		    (found.from_peer || ret->source == FWH_SA_NONE))
			*ret = found.sa;
	}
	return 0;
}

/* ---- policies -------------------------------------------------------------------- */

static void put_ports(const struct fwh_ports *ports, __be16 *port, __be16 *mask)
{
	if (fwh_ports_any(ports))
		return;
	*port = htons(ports->lo);
	*mask = 0xffff;
}

/* The kernel's selector of packets from src to dst, exact as the kernel
 * compares it.  -ENOTUNIQ: no single selector says that. */
static int build_selector(const struct fwh_selector *sel, bool out,
			  struct xfrm_selector *ret)
{
	struct fwh_net src[FWH_RANGE_NETS_MAX], dst[FWH_RANGE_NETS_MAX];
	const struct fwh_ports *sport = out ? &sel->lport : &sel->rport;
	const struct fwh_ports *dport = out ? &sel->rport : &sel->lport;

	if (fwh_range_to_nets(out ? &sel->local : &sel->remote, src) != 1 ||
	    fwh_range_to_nets(out ? &sel->remote : &sel->local, dst) != 1 ||
	    (!fwh_ports_any(sport) && sport->lo != sport->hi) ||
	    (!fwh_ports_any(dport) && dport->lo != dport->hi))
		return -ENOTUNIQ;
	memset(ret, 0, sizeof(*ret));
	ret->family = (__u16)af[sel->local.family];
	memcpy(&ret->saddr, src[0].addr.b, fwh_family_bytes(sel->local.family));
	memcpy(&ret->daddr, dst[0].addr.b, fwh_family_bytes(sel->local.family));
	ret->prefixlen_s = src[0].len;
	ret->prefixlen_d = dst[0].len;
	ret->proto = sel->proto;
	put_ports(sport, &ret->sport, &ret->sport_mask);
	put_ports(dport, &ret->dport, &ret->dport_mask);
	if (sel->icmp_type >= 0) {	/* in the ports' places */
		ret->sport = htons((uint16_t)sel->icmp_type);
		ret->dport = htons((uint16_t)sel->icmp_code);
		ret->sport_mask = ret->dport_mask = 0xffff;
	}
	return 0;
}

/* The kernel looks a policy up by direction, selector, mark and if_id where the
 * index is 0 (xfrm_user.c). */
int fwh_xfrm_ask_policy(struct fwh_xfrm *xfrm, const struct fwh_event *ev,
			bool out, fwh_nl_answer *answer, void *arg,
			struct fwh_err *err)
{
	uint32_t if_id = out ? ev->if_id_out : ev->if_id_in;
	struct nlmsghdr *nlh = fwh_nl_begin(xfrm->nl, XFRM_MSG_GETPOLICY, 0);
	struct xfrm_userpolicy_id *id = mnl_nlmsg_put_extra_header(nlh,
								   sizeof(*id));

	id->dir = out ? XFRM_POLICY_OUT : XFRM_POLICY_IN;
	if (build_selector(&ev->sel, out, &id->sel))
		return 0;
	fwh_xfrm_put_mark(nlh, out ? &ev->mark_out : &ev->mark_in);
	if (if_id)
		mnl_attr_put_u32(nlh, XFRMA_IF_ID, if_id);
	return fwh_xfrm_ask(xfrm, answer, arg, "XFRM policy", err);
}

/* The last ESP or AH template is the one whose SA the firewall matches. */
static int take_templates(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *a = fwh_nl_find(nlh,
					     sizeof(struct xfrm_userpolicy_info),
					     XFRMA_TMPL, 0);
	const struct xfrm_user_tmpl *tmpl = a ? mnl_attr_get_payload(a) : NULL;
	size_t n = a ? mnl_attr_get_payload_len(a) / sizeof(*tmpl) : 0;
	struct fwh_sa *sa = arg;

	if (nlh->nlmsg_type != XFRM_MSG_NEWPOLICY)
		return 0;
	for (; n > 0; n--, tmpl++) {
		if (tmpl->id.proto != IPPROTO_ESP && tmpl->id.proto != IPPROTO_AH)
			continue;
		sa->source = FWH_SA_POLICY;
		sa->reqid = tmpl->reqid;
		sa->ipproto = tmpl->id.proto;
		sa->mode = to_mode(tmpl->mode);
	}
	return 0;
}

static int find_by_policy(struct fwh_xfrm *xfrm, const struct fwh_event *ev,
			  struct fwh_sa *ret, struct fwh_err *err)
{
	int out, code = 0;

	for (out = 0; !code && out < 2 && ret->source == FWH_SA_NONE; out++)
		code = fwh_xfrm_ask_policy(xfrm, ev, out, take_templates, ret,
					   err);
	return code;
}

/* ---- the daemon's word ---------------------------------------------------------- */

/* Reqids of the operator's own (reqid=) are used as they are; the daemon's
 * count up from 16384 in steps of four, and the kernel's are offsets from
 * that: Libreswan before 5.0 tells the base always, later ones without an SA. */
#define REQID_MANUAL_MAX	16383

static void believe_daemon(const struct fwh_event *ev, struct fwh_sa *ret)
{
	uint8_t ipproto = ev->ipproto == IPPROTO_AH ? IPPROTO_AH : IPPROTO_ESP;

	if (!ev->reqid)
		return;
	ret->source = FWH_SA_DAEMON;
	ret->reqid = ev->reqid;
	ret->ipproto = ipproto;
	/* With IPComp the ESP state is in transport mode below it. */
	if (!ev->ipcomp && !(ev->flags & FWH_CONN_COMPRESS) &&
	    ev->ipproto != IPPROTO_COMP)
		ret->mode = ev->mode;
	ret->encap = ev->encap_port != 0;
	ret->mark = ev->mark_in;
	ret->if_id = ev->if_id_in;
	if (ev->reqid <= REQID_MANUAL_MAX)
		return;
	if (ev->dialect == FWH_LIBRESWAN4 ||
	    (ev->dialect == FWH_LIBRESWAN5 &&
	     (ev->reqid % 4 == 0 || ev->ipproto == IPPROTO_COMP)))
		ret->reqid = (ev->reqid & ~3u) + (ipproto == IPPROTO_ESP);
}

int fwh_xfrm_find_sa(struct fwh_xfrm *xfrm, const struct fwh_event *ev,
		     struct fwh_sa *ret, struct fwh_err *err)
{
	struct fwh_sa sa;
	int code = 0;

	memset(&sa, 0, sizeof(sa));
	/* Of a bundle the ESP state counts; IPCOMP's SPI names the other. */
	if (xfrm && ev->ipproto != IPPROTO_COMP)
		code = find_by_spi(xfrm, ev, &sa, err);
	if (!code && xfrm && sa.source == FWH_SA_NONE)
		code = find_by_policy(xfrm, ev, &sa, err);
	if (code)
		return code;
	if (sa.source == FWH_SA_NONE)
		believe_daemon(ev, &sa);
	/* A state without a reqid can't be matched by one. */
	if (!sa.reqid)
		sa.source = FWH_SA_NONE;
	*ret = sa;
	return 0;
}

bool fwh_xfrm_has_lost(struct fwh_xfrm *xfrm, const struct fwh_event *ev)
{
	struct fwh_net nets[FWH_RANGE_NETS_MAX];
	struct fwh_sa sa;

	/* The kernel cannot be asked for a policy that is many. */
	if (fwh_range_to_nets(&ev->sel.local, nets) != 1 ||
	    fwh_range_to_nets(&ev->sel.remote, nets) != 1)
		return false;
	return !fwh_xfrm_find_sa(xfrm, ev, &sa, NULL) &&
	       sa.source != FWH_SA_KERNEL && sa.source != FWH_SA_POLICY;
}
