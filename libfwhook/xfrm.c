// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xfrm.c - the kernel's IPsec states and policies, which are the truth where
 * the environment is a claim.  Reads only.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <linux/xfrm.h>
#include <netlink/netlink.h>
#include <netlink/xfrm/sa.h>

#include "internal.h"
#include "nlmsg.h"

/* The kernel answers at once or not at all. */
#define TIMEOUT_S	2
#define DUMP_TRIES	8

struct fwh_xfrm {
	struct nl_sock *sock;
	bool dumped;			/* the passthrough policies: */
	struct fwh_pass *passes;	/* each once */
	size_t n, cap;
	bool nomem;
};

static const int af[FWH_FAMILY_MAX] = { AF_INET, AF_INET6 };

static int fail_nl(int code, const char *what, struct fwh_err *err)
{
	if (code == -NLE_PERM)
		return fwh_fail(err, -EPERM, "%s: not permitted; CAP_NET_ADMIN "
				"is needed", what);
	if (code == -NLE_AGAIN)
		return fwh_fail(err, -ETIMEDOUT, "%s: the kernel does not "
				"answer", what);
	return fwh_fail(err, -EIO, "%s: %s", what, nl_geterror(code));
}

int fwh_xfrm_open(struct fwh_xfrm **ret, struct fwh_err *err)
{
	struct timeval timeout = { .tv_sec = TIMEOUT_S };
	struct fwh_xfrm *xfrm = calloc(1, sizeof(*xfrm));
	int code;

	if (!xfrm)
		return fwh_fail(err, -ENOMEM, "out of memory");
	xfrm->sock = nl_socket_alloc();
	if (!xfrm->sock) {
		free(xfrm);
		return fwh_fail(err, -ENOMEM, "out of memory");
	}
	nl_socket_disable_auto_ack(xfrm->sock);
	code = nl_connect(xfrm->sock, NETLINK_XFRM);
	if (code < 0) {
		code = code == -NLE_PROTO_MISMATCH || code == -NLE_AF_NOSUPPORT ?
		       fwh_fail(err, -EPROTONOSUPPORT, "this kernel has no "
				"xfrm_user; load it at boot (modprobe "
				"xfrm_user)") :
		       fail_nl(code, "XFRM", err);
		fwh_xfrm_close(xfrm);
		return code;
	}
	setsockopt(nl_socket_get_fd(xfrm->sock), SOL_SOCKET, SO_RCVTIMEO,
		   &timeout, sizeof(timeout));
	*ret = xfrm;
	return 0;
}

void fwh_xfrm_close(struct fwh_xfrm *xfrm)
{
	if (!xfrm)
		return;
	nl_socket_free(xfrm->sock);
	free(xfrm->passes);
	free(xfrm);
}

/* ---- one question, one answer ------------------------------------------------ */

struct answer {
	struct nl_msg *msg;		/* NULL: not there */
	int code;			/* negative errno of the kernel's refusal */
};

static int keep_answer(struct nl_msg *msg, void *arg)
{
	struct answer *answer = arg;

	if (!answer->msg) {
		nlmsg_get(msg);
		answer->msg = msg;
	}
	return NL_STOP;
}

static int keep_error(struct sockaddr_nl *from, struct nlmsgerr *e, void *arg)
{
	struct answer *answer = arg;

	(void)from;
	answer->code = fwh_nlmsg_errno(e->error);
	return NL_STOP;
}

/* Frees the question.  What the kernel does not have is answer without a
 * message. */
static int ask(struct fwh_xfrm *xfrm, struct nl_msg *question,
	       struct answer *ret, const char *what, struct fwh_err *err)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int code;

	memset(ret, 0, sizeof(*ret));
	if (!cb) {
		nlmsg_free(question);
		return fwh_fail(err, -ENOMEM, "out of memory");
	}
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, keep_answer, ret);
	nl_cb_err(cb, NL_CB_CUSTOM, keep_error, ret);
	code = nl_send_auto(xfrm->sock, question);
	nlmsg_free(question);
	if (code >= 0)
		code = nl_recvmsgs(xfrm->sock, cb);
	nl_cb_put(cb);
	if (ret->msg && (ret->code || code < 0)) {
		nlmsg_free(ret->msg);
		ret->msg = NULL;
	}
	if (ret->code == -ESRCH || ret->code == -ENOENT)
		return 0;
	if (ret->code)
		return ret->code == -EPERM ? fail_nl(-NLE_PERM, what, err) :
		       fwh_fail(err, ret->code, "%s: %s", what,
				strerror(-ret->code));
	return code < 0 ? fail_nl(code, what, err) : 0;
}

static struct nl_addr *to_nl(const struct fwh_addr *addr)
{
	return nl_addr_build(af[addr->family], addr->b,
			     fwh_family_bytes(addr->family));
}

static bool equals_nl(const struct fwh_addr *addr, const struct nl_addr *nl)
{
	return nl && nl_addr_get_len(nl) == fwh_family_bytes(addr->family) &&
	       !memcmp(nl_addr_get_binary_addr(nl), addr->b,
		       fwh_family_bytes(addr->family));
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

/* libnl has no accessor for these. */
static void read_extras(struct nl_msg *msg, struct fwh_sa *sa)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct nlattr *a;

	a = nlmsg_find_attr(h, sizeof(struct xfrm_usersa_info), XFRMA_IF_ID);
	if (a && nla_len(a) >= 4)
		sa->if_id = nla_get_u32(a);
	a = nlmsg_find_attr(h, sizeof(struct xfrm_usersa_info),
			    XFRMA_OFFLOAD_DEV);
	if (a && nla_len(a) >= (int)sizeof(struct xfrm_user_offload)) {
		const struct xfrm_user_offload *offload = nla_data(a);

		sa->offload = offload->flags & XFRM_OFFLOAD_PACKET;
	}
	a = nlmsg_find_attr(h, sizeof(struct xfrm_usersa_info), XFRMA_ENCAP);
	if (a && nla_len(a) >= (int)sizeof(struct xfrm_encap_tmpl)) {
		const struct xfrm_encap_tmpl *encap = nla_data(a);

		sa->encap = true;
		sa->encap_sport = ntohs(encap->encap_sport);
		sa->encap_dport = ntohs(encap->encap_dport);
	}
}

static int read_sa(struct nl_msg *msg, const struct fwh_event *ev,
		   struct fwh_sa *ret, bool *ret_from_peer)
{
	struct xfrmnl_sa *sa;

	if (nlmsg_hdr(msg)->nlmsg_type != XFRM_MSG_NEWSA ||
	    xfrmnl_sa_parse(nlmsg_hdr(msg), &sa) < 0)
		return -EBADMSG;
	memset(ret, 0, sizeof(*ret));
	ret->source = FWH_SA_KERNEL;
	ret->reqid = (uint32_t)xfrmnl_sa_get_reqid(sa);
	ret->mode = to_mode(xfrmnl_sa_get_mode(sa));
	ret->ipproto = (uint8_t)xfrmnl_sa_get_proto(sa);
	if (xfrmnl_sa_get_mark(sa, &ret->mark.mask, &ret->mark.value) < 0)
		ret->mark.mask = ret->mark.value = 0;
	read_extras(msg, ret);
	*ret_from_peer = equals_nl(&ev->peer, xfrmnl_sa_get_saddr(sa));
	xfrmnl_sa_put(sa);
	return 0;
}

/* The state with our address as its destination and this SPI, if there is
 * one. */
static int ask_sa(struct fwh_xfrm *xfrm, const struct fwh_event *ev,
		  uint32_t spi, struct fwh_sa *ret, bool *ret_from_peer,
		  struct fwh_err *err)
{
	struct nl_addr *me = to_nl(&ev->me);
	struct nl_msg *question = NULL;
	struct answer answer;
	int code;

	if (!me)
		return fwh_fail(err, -ENOMEM, "out of memory");
	code = xfrmnl_sa_build_get_request(me, spi, ev->ipproto ?
					   ev->ipproto : IPPROTO_ESP,
					   ev->mark_in.value, ev->mark_in.mask,
					   &question);
	nl_addr_put(me);
	if (code < 0)
		return fail_nl(code, "XFRM state", err);
	code = ask(xfrm, question, &answer, "XFRM state", err);
	if (code || !answer.msg)
		return code;
	code = read_sa(answer.msg, ev, ret, ret_from_peer);
	nlmsg_free(answer.msg);
	return code ? fwh_fail(err, code, "XFRM state: unreadable") : 0;
}

/* Libreswan's SPI_IN is the outbound SA's.  Both are tried with our address as
 * the destination; the outbound one's number can by chance name a stranger's
 * inbound SA here, so that the one that comes from the peer is preferred. */
static int find_by_spi(struct fwh_xfrm *xfrm, const struct fwh_event *ev,
		       struct fwh_sa *ret, struct fwh_err *err)
{
	static const int order[] = { 1, 0 };
	struct fwh_sa found;
	bool from_peer = false;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(order) && !from_peer; i++) {
		int code;

		if (!ev->spi[order[i]])
			continue;
		found.source = FWH_SA_NONE;
		code = ask_sa(xfrm, ev, ev->spi[order[i]], &found, &from_peer,
			      err);
		if (code)
			return code;
		if (found.source != FWH_SA_NONE &&
		    (from_peer || ret->source == FWH_SA_NONE))
			*ret = found;
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

/* libnl asks by index only; the kernel looks a policy up by direction,
 * selector, mark and if_id where the index is 0 (xfrm_user.c). */
static int ask_policy(struct fwh_xfrm *xfrm, const struct fwh_event *ev,
		      bool out, struct answer *ret, struct fwh_err *err)
{
	const struct fwh_mark *mark = out ? &ev->mark_out : &ev->mark_in;
	uint32_t if_id = out ? ev->if_id_out : ev->if_id_in;
	struct xfrm_mark xm = { .v = mark->value, .m = mark->mask };
	struct xfrm_userpolicy_id id;
	struct nl_msg *question;

	memset(ret, 0, sizeof(*ret));
	memset(&id, 0, sizeof(id));
	id.dir = out ? XFRM_POLICY_OUT : XFRM_POLICY_IN;
	if (build_selector(&ev->sel, out, &id.sel))
		return 0;
	question = nlmsg_alloc_simple(XFRM_MSG_GETPOLICY, 0);
	if (!question)
		return fwh_fail(err, -ENOMEM, "out of memory");
	if (nlmsg_append(question, &id, sizeof(id), NLMSG_ALIGNTO) < 0 ||
	    (mark->mask && nla_put(question, XFRMA_MARK, sizeof(xm), &xm) < 0) ||
	    (if_id && nla_put_u32(question, XFRMA_IF_ID, if_id) < 0)) {
		nlmsg_free(question);
		return fwh_fail(err, -ENOMEM, "out of memory");
	}
	return ask(xfrm, question, ret, "XFRM policy", err);
}

/* The last ESP or AH template is the one whose SA the firewall matches.  (libnl's
 * own reader of policies leaks the addresses of templates.) */
static void read_templates(struct nl_msg *policy, struct fwh_sa *sa)
{
	struct nlattr *a = nlmsg_find_attr(nlmsg_hdr(policy),
					   sizeof(struct xfrm_userpolicy_info),
					   XFRMA_TMPL);
	const struct xfrm_user_tmpl *tmpl = a ? nla_data(a) : NULL;
	size_t n = a ? (size_t)nla_len(a) / sizeof(*tmpl) : 0;

	for (; n > 0; n--, tmpl++) {
		if (tmpl->id.proto != IPPROTO_ESP && tmpl->id.proto != IPPROTO_AH)
			continue;
		sa->source = FWH_SA_POLICY;
		sa->reqid = tmpl->reqid;
		sa->ipproto = tmpl->id.proto;
		sa->mode = to_mode(tmpl->mode);
	}
}

static int find_by_policy(struct fwh_xfrm *xfrm, const struct fwh_event *ev,
			  struct fwh_sa *ret, struct fwh_err *err)
{
	int out;

	for (out = 0; out < 2 && ret->source == FWH_SA_NONE; out++) {
		struct answer answer;
		int code = ask_policy(xfrm, ev, out, &answer, err);

		if (code)
			return code;
		if (!answer.msg)
			continue;
		if (nlmsg_hdr(answer.msg)->nlmsg_type == XFRM_MSG_NEWPOLICY)
			read_templates(answer.msg, ret);
		nlmsg_free(answer.msg);
	}
	return 0;
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

/* ---- passthrough policies --------------------------------------------------------- */

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
static int take_policy(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	const struct xfrm_userpolicy_info *info = nlmsg_data(h);
	struct fwh_xfrm *xfrm = arg;
	struct nlattr *type;

	if (h->nlmsg_type != XFRM_MSG_NEWPOLICY ||
	    !nlmsg_valid_hdr(h, sizeof(*info)) ||
	    info->action != XFRM_POLICY_ALLOW || (info->index & 7) > 2 ||
	    (info->sel.family != AF_INET && info->sel.family != AF_INET6) ||
	    nlmsg_find_attr(h, sizeof(*info), XFRMA_TMPL))
		return NL_OK;
	type = nlmsg_find_attr(h, sizeof(*info), XFRMA_POLICY_TYPE);
	if (type && nla_len(type) >=
		    (int)sizeof(struct xfrm_userpolicy_type) &&
	    ((const struct xfrm_userpolicy_type *)nla_data(type))->type !=
		    XFRM_POLICY_TYPE_MAIN)
		return NL_OK;
	if (fwh_grow(&xfrm->passes, xfrm->n, &xfrm->cap, sizeof(*xfrm->passes)))
		read_pass(info, &xfrm->passes[xfrm->n++]);
	else
		xfrm->nomem = true;
	return NL_OK;
}

static int dump_policies(struct fwh_xfrm *xfrm)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int code;

	if (!cb)
		return -NLE_NOMEM;
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, take_policy, xfrm);
	code = nl_send_simple(xfrm->sock, XFRM_MSG_GETPOLICY, NLM_F_DUMP,
			      NULL, 0);
	if (code >= 0)
		code = nl_recvmsgs(xfrm->sock, cb);
	nl_cb_put(cb);
	return code < 0 ? code : xfrm->nomem ? -NLE_NOMEM : 0;
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
		code = dump_policies(xfrm);
		if (code != -NLE_DUMP_INTR)
			break;
	}
	if (code < 0)
		return fail_nl(code, "XFRM policies", err);
	if (!xfrm->dumped)
		drop_repeated(xfrm);
	xfrm->dumped = true;
	return 0;
}

/* ---- those that concern a connection ---------------------------------------------- */

struct pass_search {
	const struct fwh_event *ev;
	bool asked;
	uint32_t priority[2];		/* of our own policy: in, out */
	bool has_own[2];
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

	if (search->has_own[pass->out])
		return pass->priority < search->priority[pass->out];
	fwh_net_to_range(&pass->src, &src);
	fwh_net_to_range(&pass->dst, &dst);
	return fwh_range_covers(pass->out ? &sel->local : &sel->remote, &src) &&
	       fwh_range_covers(pass->out ? &sel->remote : &sel->local, &dst);
}

static int find_own_priority(struct fwh_xfrm *xfrm, struct pass_search *search,
			     struct fwh_err *err)
{
	int out;

	for (out = 0; out < 2 && !search->asked; out++) {
		const struct xfrm_userpolicy_info *info;
		struct answer answer;
		int code = ask_policy(xfrm, search->ev, out, &answer, err);

		if (code)
			return code;
		if (!answer.msg)
			continue;
		info = nlmsg_data(nlmsg_hdr(answer.msg));
		if (nlmsg_valid_hdr(nlmsg_hdr(answer.msg), sizeof(*info))) {
			search->has_own[out] = true;
			search->priority[out] = info->priority;
		}
		nlmsg_free(answer.msg);
	}
	search->asked = true;
	return 0;
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
		code = find_own_priority(xfrm, search, err);
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
