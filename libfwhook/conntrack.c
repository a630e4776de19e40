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
	uint8_t af;
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
	const struct fwh_selector *const *sels;
	size_t n_sels;
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

/* A direction of an entry. */
struct tuple {
	struct fwh_addr src, dst;
	int proto;			/* -1: the kernel does not say */
	int sport, dport;		/* -1: there are none */
};

static bool read_addr(const struct nlattr *ip, uint16_t v4, uint16_t v6,
		      struct fwh_addr *ret)
{
	enum fwh_family family;

	for (family = 0; family < FWH_FAMILY_MAX; family++) {
		size_t n = fwh_family_bytes(family);
		const struct nlattr *a =
			fwh_nl_find_in(ip, family == FWH_IPV4 ? v4 : v6, n);

		if (!a || mnl_attr_get_payload_len(a) != n)
			continue;
		memset(ret, 0, sizeof(*ret));
		ret->family = family;
		memcpy(ret->b, mnl_attr_get_payload(a), n);
		return true;
	}
	return false;
}

static int read_port(const struct nlattr *proto, uint16_t type)
{
	const struct nlattr *a = fwh_nl_find_in(proto, type, sizeof(uint16_t));

	return a ? ntohs(mnl_attr_get_u16(a)) : -1;
}

static bool read_tuple(const struct nlattr *attr, struct tuple *ret)
{
	const struct nlattr *ip = fwh_nl_find_in(attr, CTA_TUPLE_IP, 0);
	const struct nlattr *proto = fwh_nl_find_in(attr, CTA_TUPLE_PROTO, 0);
	const struct nlattr *num;

	if (!ip || !proto ||
	    !read_addr(ip, CTA_IP_V4_SRC, CTA_IP_V6_SRC, &ret->src) ||
	    !read_addr(ip, CTA_IP_V4_DST, CTA_IP_V6_DST, &ret->dst))
		return false;
	num = fwh_nl_find_in(proto, CTA_PROTO_NUM, 1);
	ret->proto = num ? mnl_attr_get_u8(num) : -1;
	ret->sport = read_port(proto, CTA_PROTO_SRC_PORT);
	ret->dport = read_port(proto, CTA_PROTO_DST_PORT);
	return true;
}

static bool in_ports(const struct fwh_ports *ports, int port)
{
	return fwh_ports_any(ports) || (ports->lo <= port && port <= ports->hi);
}

static bool is_of(const struct tuple *tuple, const struct fwh_selector *sel)
{
	return fwh_range_contains(&sel->local, &tuple->src) &&
	       fwh_range_contains(&sel->remote, &tuple->dst) &&
	       (!sel->proto || tuple->proto == sel->proto) &&
	       in_ports(&sel->lport, tuple->sport) &&
	       in_ports(&sel->rport, tuple->dport);
}

static bool is_of_any(const struct tuple *tuple, const struct hunt *hunt)
{
	size_t i;

	for (i = 0; i < hunt->n_sels; i++)
		if (is_of(tuple, hunt->sels[i]))
			return true;
	return false;
}

/* Are the packets that this tuple is the answer to sent with the hunt's source? */
static bool has_source(const struct tuple *answer, const struct hunt *hunt)
{
	return fwh_range_contains(hunt->source, &answer->dst);
}

/* What the gateways say to each other is nobody's to translate, and firewalls
 * may know it by its entry alone. */
static bool is_ike_or_esp(const struct tuple *tuple)
{
	switch (tuple->proto) {
	case IPPROTO_ESP:
	case IPPROTO_AH:
		return true;
	case IPPROTO_UDP:
		return tuple->dport == 500 || tuple->sport == 4500 ||
		       tuple->dport == 4500;
	default:
		return false;
	}
}

static bool is_quarry(const struct hunt *hunt, uint32_t status,
		      const struct tuple *orig, const struct tuple *reply)
{
	switch (hunt->quarry) {
	case ANY_TRANSLATION:
		return status & IPS_SRC_NAT && is_of_any(orig, hunt);
	case OTHER_SOURCE:
		return !has_source(reply, hunt) && !is_ike_or_esp(orig) &&
		       is_of_any(orig, hunt);
	case THIS_SOURCE:
		return (is_of_any(orig, hunt) && has_source(reply, hunt)) ||
		       (is_of_any(reply, hunt) && has_source(orig, hunt));
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
	struct nfgenmsg family;
	struct victim *victim;

	if (len > sizeof(victim->tuple) ||
	    !fwh_nl_header(nlh, &family, sizeof(family)))
		return 0;
	if (!fwh_grow(&hunt->victims, hunt->n, &hunt->cap, sizeof(*victim)))
		return -ENOMEM;
	victim = &hunt->victims[hunt->n++];
	memset(victim, 0, sizeof(*victim));
	victim->af = family.nfgen_family;
	victim->tuple_len = len;
	memcpy(victim->tuple, mnl_attr_get_payload(tuple), len);
	victim->id = id ? mnl_attr_get_u32(id) : 0;
	victim->zone = zone ? mnl_attr_get_u16(zone) : 0;
	return 0;
}

static int consider_entry(const struct nlmsghdr *nlh, void *arg)
{
	const size_t head = sizeof(struct nfgenmsg);
	const struct nlattr *status, *first, *second;
	struct tuple orig, reply;
	struct hunt *hunt = arg;

	status = fwh_nl_find(nlh, head, CTA_STATUS, sizeof(uint32_t));
	first = fwh_nl_find(nlh, head, CTA_TUPLE_ORIG, 0);
	second = fwh_nl_find(nlh, head, CTA_TUPLE_REPLY, 0);
	/* Kernels before 5.15 ignore the filter and send everything. */
	return status && first && second && read_tuple(first, &orig) &&
	       read_tuple(second, &reply) &&
	       is_quarry(hunt, ntohl(mnl_attr_get_u32(status)), &orig, &reply) ?
	       keep_victim(hunt, nlh, first) : 0;
}

/* AF_UNSPEC: entries of both are wanted. */
static int family_of(const struct hunt *hunt)
{
	enum fwh_family first = hunt->sels[0]->local.family;
	size_t i;

	for (i = 1; i < hunt->n_sels; i++)
		if (hunt->sels[i]->local.family != first)
			return AF_UNSPEC;
	return af[first];
}

static int find_victims(struct fwh_nl *nl, struct hunt *hunt)
{
	struct nlmsghdr *nlh = begin(nl, IPCTNL_MSG_CT_GET, NLM_F_DUMP,
				     family_of(hunt));

	if (hunt->quarry == ANY_TRANSLATION) {
		mnl_attr_put_u32(nlh, CTA_STATUS, htonl(IPS_SRC_NAT));
		mnl_attr_put_u32(nlh, CTA_STATUS_MASK, htonl(IPS_SRC_NAT));
	}
	return fwh_nl_ask(nl, consider_entry, hunt);
}

/* ---- deleting -------------------------------------------------------------------- */

static int delete_one(struct fwh_nl *nl, const struct victim *victim)
{
	struct nlmsghdr *nlh = begin(nl, IPCTNL_MSG_CT_DELETE, NLM_F_ACK,
				     victim->af);
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
		code = delete_one(nl, &hunt->victims[i]);
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

static int hunt_down(enum quarry quarry, const struct fwh_selector *const *sels,
		     size_t n, const struct fwh_range *source,
		     struct fwh_err *err)
{
	struct hunt hunt = { .quarry = quarry, .sels = sels, .n_sels = n,
			     .source = source };
	struct fwh_nl *nl;
	int code = fwh_nl_open(NETLINK_NETFILTER, &nl);

	if (code)
		return fwh_fail(err, code, "conntrack: %s", strerror(-code));
	code = flush(nl, &hunt, err);
	free(hunt.victims);
	fwh_nl_close(nl);
	return code;
}

int fwh_conntrack_flush_snat(const struct fwh_selector *const *sels, size_t n,
			     struct fwh_err *err)
{
	return hunt_down(ANY_TRANSLATION, sels, n, NULL, err);
}

int fwh_conntrack_flush_other(const struct fwh_selector *sel,
			      const struct fwh_range *source,
			      struct fwh_err *err)
{
	return hunt_down(OTHER_SOURCE, &sel, 1, source, err);
}

int fwh_conntrack_flush_this(const struct fwh_selector *sel,
			     const struct fwh_range *source,
			     struct fwh_err *err)
{
	return hunt_down(THIS_SOURCE, &sel, 1, source, err);
}
