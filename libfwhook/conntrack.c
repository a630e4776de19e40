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

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>

#include "internal.h"
#include "nl_ask.h"

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
};

static struct nlmsghdr *begin(struct fwh_nl *nl, int type, uint16_t flags,
			      int family)
{
	struct nlmsghdr *nlh = fwh_nl_begin(nl, (uint16_t)(NFNL_SUBSYS_CTNETLINK
							   << 8 | type), flags);
	struct nfgenmsg *head = mnl_nlmsg_put_extra_header(nlh, sizeof(*head));

	head->nfgen_family = (uint8_t)family;
	head->version = NFNETLINK_V0;
	return nlh;
}

/* ---- is there anything? ------------------------------------------------------ */

static int read_count(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *a = fwh_nl_find(nlh, sizeof(struct nfgenmsg),
					     CTA_STATS_GLOBAL_ENTRIES,
					     sizeof(uint32_t));
	struct hunt *hunt = arg;

	if (a)
		hunt->entries = ntohl(mnl_attr_get_u32(a));
	/* The kernel marks it as one of many, and ends them with nothing. */
	return 1;
}

/* ---- finding -------------------------------------------------------------------- */

static bool in_range(const struct fwh_range *range, const struct nlattr *ip,
		     uint16_t v4, uint16_t v6)
{
	struct fwh_addr addr = { .family = range->family };
	size_t n = fwh_family_bytes(range->family);
	const struct nlattr *a = fwh_nl_find_in(ip, range->family == FWH_IPV4 ?
						v4 : v6, n);

	if (!a || mnl_attr_get_payload_len(a) != n)
		return false;
	memcpy(addr.b, mnl_attr_get_payload(a), n);
	return fwh_range_contains(range, &addr);
}

static bool in_ports(const struct fwh_ports *ports, const struct nlattr *proto,
		     uint16_t type)
{
	const struct nlattr *a;
	uint16_t port;

	if (fwh_ports_any(ports))
		return true;
	a = fwh_nl_find_in(proto, type, sizeof(port));
	if (!a)
		return false;
	port = ntohs(mnl_attr_get_u16(a));
	return ports->lo <= port && port <= ports->hi;
}

/* -1: the kernel does not say. */
static int number_of(const struct nlattr *proto)
{
	const struct nlattr *a = fwh_nl_find_in(proto, CTA_PROTO_NUM, 1);

	return a ? mnl_attr_get_u8(a) : -1;
}

static bool tuple_matches(const struct nlattr *tuple,
			  const struct fwh_selector *sel)
{
	const struct nlattr *ip = fwh_nl_find_in(tuple, CTA_TUPLE_IP, 0);
	const struct nlattr *proto = fwh_nl_find_in(tuple, CTA_TUPLE_PROTO, 0);

	return ip && proto &&
	       in_range(&sel->local, ip, CTA_IP_V4_SRC, CTA_IP_V6_SRC) &&
	       in_range(&sel->remote, ip, CTA_IP_V4_DST, CTA_IP_V6_DST) &&
	       (!sel->proto || number_of(proto) == sel->proto) &&
	       in_ports(&sel->lport, proto, CTA_PROTO_SRC_PORT) &&
	       in_ports(&sel->rport, proto, CTA_PROTO_DST_PORT);
}

/* Are the packets that this tuple is the answer to sent with this source? */
static bool has_source(const struct nlattr *answer,
		       const struct fwh_range *source)
{
	const struct nlattr *ip = fwh_nl_find_in(answer, CTA_TUPLE_IP, 0);

	return ip && in_range(source, ip, CTA_IP_V4_DST, CTA_IP_V6_DST);
}

/* What the gateways say to each other is nobody's to translate, and firewalls
 * may know it by its entry alone. */
static bool is_ike_or_esp(const struct nlattr *tuple)
{
	static const struct fwh_ports ike = { 500, 500 }, natt = { 4500, 4500 };
	const struct nlattr *proto = fwh_nl_find_in(tuple, CTA_TUPLE_PROTO, 0);

	if (!proto)
		return false;
	switch (number_of(proto)) {
	case IPPROTO_ESP:
	case IPPROTO_AH:
		return true;
	case IPPROTO_UDP:
		return in_ports(&ike, proto, CTA_PROTO_DST_PORT) ||
		       in_ports(&natt, proto, CTA_PROTO_SRC_PORT) ||
		       in_ports(&natt, proto, CTA_PROTO_DST_PORT);
	default:
		return false;
	}
}

static bool is_quarry(const struct hunt *hunt, uint32_t status,
		      const struct nlattr *orig, const struct nlattr *reply)
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

static int keep_victim(struct hunt *hunt, const struct nlmsghdr *nlh,
		       const struct nlattr *tuple)
{
	const size_t head = sizeof(struct nfgenmsg);
	const struct nlattr *id = fwh_nl_find(nlh, head, CTA_ID,
					      sizeof(uint32_t));
	const struct nlattr *zone = fwh_nl_find(nlh, head, CTA_ZONE,
						sizeof(uint16_t));
	size_t len = mnl_attr_get_payload_len(tuple);
	struct victim *victim;

	if (len > sizeof(victim->tuple))
		return 0;
	if (!fwh_grow(&hunt->victims, hunt->n, &hunt->cap, sizeof(*victim)))
		return -ENOMEM;
	victim = &hunt->victims[hunt->n++];
	memset(victim, 0, sizeof(*victim));
	victim->tuple_len = len;
	memcpy(victim->tuple, mnl_attr_get_payload(tuple), len);
	victim->id = id ? mnl_attr_get_u32(id) : 0;
	victim->zone = zone ? mnl_attr_get_u16(zone) : 0;
	return 0;
}

static int consider_entry(const struct nlmsghdr *nlh, void *arg)
{
	const size_t head = sizeof(struct nfgenmsg);
	const struct nlattr *status, *orig, *reply;
	struct hunt *hunt = arg;

	status = fwh_nl_find(nlh, head, CTA_STATUS, sizeof(uint32_t));
	orig = fwh_nl_find(nlh, head, CTA_TUPLE_ORIG, 0);
	reply = fwh_nl_find(nlh, head, CTA_TUPLE_REPLY, 0);
	/* Kernels before 5.15 ignore the filter and send everything. */
	return status && orig && reply &&
	       is_quarry(hunt, ntohl(mnl_attr_get_u32(status)), orig, reply) ?
	       keep_victim(hunt, nlh, orig) : 0;
}

static int find_victims(struct fwh_nl *nl, struct hunt *hunt)
{
	struct nlmsghdr *nlh = begin(nl, IPCTNL_MSG_CT_GET, NLM_F_DUMP,
				     af[hunt->sel->local.family]);

	if (hunt->quarry == ANY_TRANSLATION) {
		mnl_attr_put_u32(nlh, CTA_STATUS, htonl(IPS_SRC_NAT));
		mnl_attr_put_u32(nlh, CTA_STATUS_MASK, htonl(IPS_SRC_NAT));
	}
	return fwh_nl_ask(nl, consider_entry, hunt);
}

/* ---- deleting -------------------------------------------------------------------- */

static int delete_one(struct fwh_nl *nl, const struct fwh_selector *sel,
		      const struct victim *victim)
{
	struct nlmsghdr *nlh = begin(nl, IPCTNL_MSG_CT_DELETE, NLM_F_ACK,
				     af[sel->local.family]);
	int code;

	mnl_attr_put(nlh, CTA_TUPLE_ORIG | NLA_F_NESTED, victim->tuple_len,
		     victim->tuple);
	if (victim->id)
		mnl_attr_put_u32(nlh, CTA_ID, victim->id);
	if (victim->zone)
		mnl_attr_put_u16(nlh, CTA_ZONE, victim->zone);
	code = fwh_nl_ask(nl, NULL, NULL);
	/* It may have ended by itself. */
	return code == -ENOENT ? 0 : code;
}

static int flush(struct fwh_nl *nl, struct hunt *hunt, struct fwh_err *err)
{
	size_t i;
	int code;

	begin(nl, IPCTNL_MSG_CT_GET_STATS, 0, AF_UNSPEC);
	code = fwh_nl_ask(nl, read_count, hunt);
	/* Walking an empty table still costs milliseconds. */
	if (!code && !hunt->entries)
		return 0;
	if (!code)
		code = find_victims(nl, hunt);
	for (i = 0; !code && i < hunt->n; i++)
		code = delete_one(nl, hunt->sel, &hunt->victims[i]);
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
	struct hunt hunt = { .quarry = quarry, .sel = sel, .source = source };
	struct fwh_nl *nl;
	int code = fwh_nl_open(NETLINK_NETFILTER, &nl);

	if (code)
		return fwh_fail(err, code, "conntrack: %s", strerror(-code));
	code = flush(nl, &hunt, err);
	free(hunt.victims);
	fwh_nl_close(nl);
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
