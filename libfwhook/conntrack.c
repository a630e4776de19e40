// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * conntrack.c - flows that source NAT translated before the exemption came go
 * on being translated by their conntrack entries, which therefore have to go;
 * and so do those that client address translation came too late for, and those
 * that it made, once it has gone.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include "internal.h"
#include "nlmsg.h"

#define TIMEOUT_S	2

static const int af[FWH_FAMILY_MAX] = { AF_INET, AF_INET6 };

/* What a deletion needs to name exactly one entry. */
struct victim {
	uint8_t tuple[256];		/* CTA_TUPLE_ORIG's payload */
	size_t tuple_len;
	uint32_t id;			/* network order, as it came */
	uint16_t zone;			/* likewise */
};

enum quarry {
	ANY_TRANSLATION,	/* of what leaves: another source than its own */
	OTHER_SOURCE,		/* leaves with another than the hunt's */
	THIS_SOURCE,		/* leaves with the hunt's, whoever began */
};

struct hunt {
	enum quarry quarry;
	const struct fwh_selector *sel;
	const struct fwh_range *source;
	uint32_t entries;		/* the kernel's count */
	struct victim *victims;
	size_t n, cap;
	int code;
};

static struct nl_msg *new_message(int type, int flags, int family)
{
	struct nl_msg *msg = nlmsg_alloc_simple(NFNL_SUBSYS_CTNETLINK << 8 | type,
						flags);
	struct nfgenmsg header = {
		.nfgen_family = (uint8_t)family, .version = NFNETLINK_V0,
	};

	if (msg && nlmsg_append(msg, &header, sizeof(header), NLMSG_ALIGNTO)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

static int keep_error(struct sockaddr_nl *from, struct nlmsgerr *e, void *arg)
{
	struct hunt *hunt = arg;

	(void)from;
	hunt->code = fwh_nlmsg_errno(e->error);
	return NL_STOP;
}

/* Send a message and hand every answer to `handler' until the end. */
static int exchange(struct nl_sock *sock, struct nl_msg *msg,
		    nl_recvmsg_msg_cb_t handler, struct hunt *hunt)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int code;

	hunt->code = 0;
	if (!cb || !msg) {
		nl_cb_put(cb);
		nlmsg_free(msg);
		return -ENOMEM;
	}
	if (handler)
		nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, handler, hunt);
	nl_cb_err(cb, NL_CB_CUSTOM, keep_error, hunt);
	code = nl_send_auto(sock, msg);
	nlmsg_free(msg);
	if (code >= 0)
		code = nl_recvmsgs(sock, cb);
	nl_cb_put(cb);
	if (hunt->code)
		return hunt->code;
	return code == -NLE_AGAIN ? -ETIMEDOUT : code < 0 ? -EIO : 0;
}

/* ---- is there anything? ------------------------------------------------------ */

static int read_count(struct nl_msg *msg, void *arg)
{
	struct nlattr *a = nlmsg_find_attr(nlmsg_hdr(msg),
					   sizeof(struct nfgenmsg),
					   CTA_STATS_GLOBAL_ENTRIES);
	struct hunt *hunt = arg;

	if (a && nla_len(a) >= 4)
		hunt->entries = ntohl(nla_get_u32(a));
	return NL_STOP;
}

/* ---- finding -------------------------------------------------------------------- */

static bool in_range(const struct fwh_range *range, const struct nlattr *a)
{
	struct fwh_addr addr = { .family = range->family };
	size_t n = fwh_family_bytes(range->family);

	if (!a || nla_len(a) != (int)n)
		return false;
	memcpy(addr.b, nla_data(a), n);
	return fwh_range_contains(range, &addr);
}

static bool in_ports(const struct fwh_ports *ports, const struct nlattr *a)
{
	uint16_t port;

	if (fwh_ports_any(ports))
		return true;
	if (!a || nla_len(a) < 2)
		return false;
	port = ntohs(nla_get_u16(a));
	return ports->lo <= port && port <= ports->hi;
}

static bool tuple_matches(struct nlattr *tuple, const struct fwh_selector *sel)
{
	bool v4 = sel->local.family == FWH_IPV4;
	struct nlattr *parts[CTA_TUPLE_MAX + 1], *ip[CTA_IP_MAX + 1];
	struct nlattr *proto[CTA_PROTO_MAX + 1];

	if (nla_parse_nested(parts, CTA_TUPLE_MAX, tuple, NULL) < 0 ||
	    !parts[CTA_TUPLE_IP] || !parts[CTA_TUPLE_PROTO] ||
	    nla_parse_nested(ip, CTA_IP_MAX, parts[CTA_TUPLE_IP], NULL) < 0 ||
	    nla_parse_nested(proto, CTA_PROTO_MAX, parts[CTA_TUPLE_PROTO],
			     NULL) < 0)
		return false;
	if (!in_range(&sel->local, ip[v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC]) ||
	    !in_range(&sel->remote, ip[v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST]))
		return false;
	if (sel->proto && (!proto[CTA_PROTO_NUM] ||
			   nla_get_u8(proto[CTA_PROTO_NUM]) != sel->proto))
		return false;
	return in_ports(&sel->lport, proto[CTA_PROTO_SRC_PORT]) &&
	       in_ports(&sel->rport, proto[CTA_PROTO_DST_PORT]);
}

/* Are the packets that this tuple is the answer to sent with this source? */
static bool has_source(struct nlattr *answer, const struct fwh_range *source)
{
	struct nlattr *parts[CTA_TUPLE_MAX + 1], *ip[CTA_IP_MAX + 1];
	int type = source->family == FWH_IPV4 ? CTA_IP_V4_DST : CTA_IP_V6_DST;

	return nla_parse_nested(parts, CTA_TUPLE_MAX, answer, NULL) >= 0 &&
	       parts[CTA_TUPLE_IP] &&
	       nla_parse_nested(ip, CTA_IP_MAX, parts[CTA_TUPLE_IP],
				NULL) >= 0 && in_range(source, ip[type]);
}

/* What the gateways say to each other is nobody's to translate, and firewalls
 * may know it by its entry alone. */
static bool is_ike_or_esp(struct nlattr *tuple)
{
	static const struct fwh_ports ike = { 500, 500 }, natt = { 4500, 4500 };
	struct nlattr *parts[CTA_TUPLE_MAX + 1], *proto[CTA_PROTO_MAX + 1];

	if (nla_parse_nested(parts, CTA_TUPLE_MAX, tuple, NULL) < 0 ||
	    !parts[CTA_TUPLE_PROTO] ||
	    nla_parse_nested(proto, CTA_PROTO_MAX, parts[CTA_TUPLE_PROTO],
			     NULL) < 0 || !proto[CTA_PROTO_NUM])
		return false;
	switch (nla_get_u8(proto[CTA_PROTO_NUM])) {
	case IPPROTO_ESP:
	case IPPROTO_AH:
		return true;
	case IPPROTO_UDP:
		return in_ports(&ike, proto[CTA_PROTO_DST_PORT]) ||
		       in_ports(&natt, proto[CTA_PROTO_SRC_PORT]) ||
		       in_ports(&natt, proto[CTA_PROTO_DST_PORT]);
	default:
		return false;
	}
}

static bool is_quarry(const struct hunt *hunt, uint32_t status,
		      struct nlattr *orig, struct nlattr *reply)
{
	switch (hunt->quarry) {
	case ANY_TRANSLATION:
		return status & IPS_SRC_NAT && tuple_matches(orig, hunt->sel);
	case OTHER_SOURCE:
		return !has_source(reply, hunt->source) &&
		       !is_ike_or_esp(orig) && tuple_matches(orig, hunt->sel);
	case THIS_SOURCE:
		return (tuple_matches(orig, hunt->sel) &&
			has_source(reply, hunt->source)) ||
		       (tuple_matches(reply, hunt->sel) &&
			has_source(orig, hunt->source));
	}
	return false;
}

static void keep_victim(struct hunt *hunt, struct nlattr *tuple,
			const struct nlattr *id, const struct nlattr *zone)
{
	struct victim *victim;

	if ((size_t)nla_len(tuple) > sizeof(victim->tuple))
		return;
	if (!fwh_grow(&hunt->victims, hunt->n, &hunt->cap, sizeof(*victim))) {
		hunt->code = -ENOMEM;
		return;
	}
	victim = &hunt->victims[hunt->n++];
	memset(victim, 0, sizeof(*victim));
	victim->tuple_len = (size_t)nla_len(tuple);
	memcpy(victim->tuple, nla_data(tuple), victim->tuple_len);
	victim->id = id && nla_len(id) >= 4 ? nla_get_u32(id) : 0;
	victim->zone = zone && nla_len(zone) >= 2 ? nla_get_u16(zone) : 0;
}

static int consider_entry(struct nl_msg *msg, void *arg)
{
	struct nlattr *a[CTA_MAX + 1];
	struct hunt *hunt = arg;

	if (nlmsg_parse(nlmsg_hdr(msg), sizeof(struct nfgenmsg), a, CTA_MAX,
			NULL) < 0 || !a[CTA_STATUS] || !a[CTA_TUPLE_ORIG] ||
	    !a[CTA_TUPLE_REPLY] || nla_len(a[CTA_STATUS]) < 4)
		return NL_OK;
	/* Kernels before 5.15 ignore the filter and send everything. */
	if (is_quarry(hunt, ntohl(nla_get_u32(a[CTA_STATUS])),
		      a[CTA_TUPLE_ORIG], a[CTA_TUPLE_REPLY]))
		keep_victim(hunt, a[CTA_TUPLE_ORIG], a[CTA_ID], a[CTA_ZONE]);
	return NL_OK;
}

static struct nl_msg *dump_request(const struct hunt *hunt)
{
	struct nl_msg *msg = new_message(IPCTNL_MSG_CT_GET, NLM_F_DUMP,
					 af[hunt->sel->local.family]);

	if (msg && hunt->quarry == ANY_TRANSLATION &&
	    (nla_put_u32(msg, CTA_STATUS, htonl(IPS_SRC_NAT)) < 0 ||
	     nla_put_u32(msg, CTA_STATUS_MASK, htonl(IPS_SRC_NAT)) < 0)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

/* ---- deleting -------------------------------------------------------------------- */

static struct nl_msg *delete_request(const struct fwh_selector *sel,
				     const struct victim *victim)
{
	struct nl_msg *msg = new_message(IPCTNL_MSG_CT_DELETE, NLM_F_ACK,
					 af[sel->local.family]);

	if (msg && (nla_put(msg, CTA_TUPLE_ORIG | NLA_F_NESTED,
			    (int)victim->tuple_len, victim->tuple) < 0 ||
		    (victim->id && nla_put_u32(msg, CTA_ID, victim->id) < 0) ||
		    (victim->zone &&
		     nla_put_u16(msg, CTA_ZONE, victim->zone) < 0))) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

static int delete_all(struct nl_sock *sock, struct hunt *hunt)
{
	size_t i;

	for (i = 0; i < hunt->n; i++) {
		int code = exchange(sock, delete_request(hunt->sel,
							 &hunt->victims[i]),
				    NULL, hunt);

		/* It may have ended by itself. */
		if (code && code != -ENOENT)
			return code;
	}
	return 0;
}

static int flush(struct nl_sock *sock, struct hunt *hunt, struct fwh_err *err)
{
	int code = exchange(sock, new_message(IPCTNL_MSG_CT_GET_STATS, 0,
					      AF_UNSPEC), read_count, hunt);

	/* Walking an empty table still costs milliseconds. */
	if (!code && !hunt->entries)
		return 0;
	if (!code)
		code = exchange(sock, dump_request(hunt), consider_entry,
				hunt);
	if (!code)
		code = delete_all(sock, hunt);
	if (!code)
		return (int)hunt->n;
	if (code == -EINVAL || code == -EOPNOTSUPP || code == -ENOTSUP)
		return fwh_fail(err, -EOPNOTSUPP, "conntrack: this kernel has "
				"no nf_conntrack_netlink; load it at boot "
				"(modprobe nf_conntrack_netlink)%s",
				hunt->quarry == ANY_TRANSLATION ?
				" or set nat-exempt = no" : "");
	return fwh_fail(err, code, "conntrack: %s", strerror(-code));
}

static int hunt_down(enum quarry quarry, const struct fwh_selector *sel,
		     const struct fwh_range *source, struct fwh_err *err)
{
	struct timeval timeout = { .tv_sec = TIMEOUT_S };
	struct hunt hunt = { .quarry = quarry, .sel = sel, .source = source };
	struct nl_sock *sock = nl_socket_alloc();
	int code;

	if (!sock)
		return fwh_fail(err, -ENOMEM, "out of memory");
	nl_socket_disable_auto_ack(sock);
	code = nl_connect(sock, NETLINK_NETFILTER);
	if (code < 0) {
		nl_socket_free(sock);
		return fwh_fail(err, -EIO, "conntrack: %s", nl_geterror(code));
	}
	setsockopt(nl_socket_get_fd(sock), SOL_SOCKET, SO_RCVTIMEO, &timeout,
		   sizeof(timeout));
	code = flush(sock, &hunt, err);
	free(hunt.victims);
	nl_socket_free(sock);
	return code;
}

int fwh_conntrack_flush_snat(const struct fwh_selector *sel,
			     struct fwh_err *err)
{
	return hunt_down(ANY_TRANSLATION, sel, NULL, err);
}

int fwh_conntrack_flush_other(const struct fwh_selector *sel,
			      const struct fwh_range *source,
			      struct fwh_err *err)
{
	return hunt_down(OTHER_SOURCE, sel, source, err);
}

int fwh_conntrack_flush_this(const struct fwh_selector *sel,
			     const struct fwh_range *source,
			     struct fwh_err *err)
{
	return hunt_down(THIS_SOURCE, sel, source, err);
}
