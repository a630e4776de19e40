// SPDX-License-Identifier: GPL-2.0-or-later
/* rtnl_route.c - the route that is there, ours or anybody's. */
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "rtnl.h"

static bool is_same_route(const struct fwh_ip_object *a,
			  const struct fwh_ip_object *b)
{
	/* The kernel's, where IPv6 has none given. */
	uint32_t none = a->addr.family == FWH_IPV6 ? 1024 : 0;

	return fwh_addr_equal(&a->addr, &b->addr) && a->len == b->len &&
	       a->table == b->table &&
	       (a->metric ? a->metric : none) == (b->metric ? b->metric : none);
}

static void get_addr(const struct nlattr *attr, enum fwh_family family,
		     struct fwh_addr *ret)
{
	ret->family = family;
	if (attr && mnl_attr_get_payload_len(attr) == fwh_family_bytes(family))
		memcpy(ret->b, mnl_attr_get_payload(attr),
		       fwh_family_bytes(family));
}

static int take_metric(const struct nlattr *attr, void *arg)
{
	struct fwh_rtnl_found *found = arg;

	if (mnl_attr_get_type(attr) == RTAX_MTU)
		found->object.mtu = mnl_attr_get_u32(attr);
	else
		found->plain = false;
	return MNL_CB_OK;
}

static void parse_route(const struct nlmsghdr *nlh, struct fwh_rtnl_found *found)
{
	const struct nlattr *attrs[RTA_MAX + 1] = { NULL };
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct fwh_ip_object *object = &found->object;
	enum fwh_family family = rtm->rtm_family == AF_INET6 ? FWH_IPV6 :
							       FWH_IPV4;

	memset(object, 0, sizeof(*object));
	found->oif = 0;
	mnl_attr_parse(nlh, sizeof(*rtm), fwh_rtnl_take_attr, attrs);
	object->kind = FWH_IP_ROUTE;
	object->len = rtm->rtm_dst_len;
	object->onlink = rtm->rtm_flags & RTNH_F_ONLINK;
	object->table = attrs[RTA_TABLE] ? mnl_attr_get_u32(attrs[RTA_TABLE]) :
					   rtm->rtm_table;
	get_addr(attrs[RTA_DST], family, &object->addr);
	get_addr(attrs[RTA_GATEWAY], family, &object->via);
	get_addr(attrs[RTA_PREFSRC], family, &object->src);
	if (attrs[RTA_PRIORITY])
		object->metric = mnl_attr_get_u32(attrs[RTA_PRIORITY]);
	if (attrs[RTA_OIF])
		found->oif = mnl_attr_get_u32(attrs[RTA_OIF]);
	found->plain = rtm->rtm_type == RTN_UNICAST && !rtm->rtm_tos &&
		       !rtm->rtm_src_len && found->oif &&
		       !attrs[RTA_MULTIPATH] && !attrs[RTA_VIA] &&
		       !attrs[RTA_ENCAP] && !attrs[RTA_NH_ID] &&
		       !attrs[RTA_FLOW];
	if (attrs[RTA_METRICS])
		mnl_attr_parse_nested(attrs[RTA_METRICS], take_metric, found);
}

/* Words of the kernel's about a route's state, which it does not take back. */
#define STATE_FLAGS	(RTNH_F_DEAD | RTNH_F_LINKDOWN | RTNH_F_UNRESOLVED | \
			 RTNH_F_OFFLOAD | RTNH_F_TRAP)

static void clear_hop_flags(struct nlattr *multipath)
{
	struct rtnexthop *hop = mnl_attr_get_payload(multipath);
	int left = mnl_attr_get_payload_len(multipath);

	while (left >= (int)sizeof(*hop) && RTNH_OK(hop, left)) {
		hop->rtnh_flags &= (unsigned char)~STATE_FLAGS;
		left -= RTNH_ALIGN(hop->rtnh_len);
		hop = RTNH_NEXT(hop);
	}
}

/* The message as it will have to be sent to have this route again. */
static int keep_raw(const struct nlmsghdr *nlh, struct fwh_before *ret)
{
	size_t size = mnl_nlmsg_get_payload_len(nlh);
	char *data = malloc(size + 1);
	const struct nlattr *attr;
	struct rtmsg *rtm = (void *)data;
	size_t n = MNL_ALIGN(sizeof(*rtm));

	if (!data)
		return -ENOMEM;
	memcpy(data, mnl_nlmsg_get_payload(nlh), n);
	rtm->rtm_flags &= ~(unsigned int)(RTM_F_CLONED | RTM_F_FIB_MATCH |
			    RTM_F_LOOKUP_TABLE | RTM_F_OFFLOAD | RTM_F_TRAP |
			    STATE_FLAGS);
	mnl_attr_for_each(attr, nlh, sizeof(*rtm)) {
		size_t len = MNL_ALIGN(attr->nla_len);

		if (mnl_attr_get_type(attr) == RTA_CACHEINFO)
			continue;
		memcpy(data + n, attr, len);
		if (mnl_attr_get_type(attr) == RTA_MULTIPATH)
			clear_hop_flags((void *)(data + n));
		n += len;
	}
	free(ret->data);
	ret->data = data;
	ret->n = n;
	return 0;
}

static int take_route(const struct nlmsghdr *nlh, void *arg)
{
	struct fwh_rtnl_found *found = arg;

	if (found->is_there || nlh->nlmsg_type != RTM_NEWROUTE)
		return 0;
	parse_route(nlh, found);
	if (!is_same_route(&found->object, found->wanted))
		return 0;
	found->is_there = true;
	found->code = keep_raw(nlh, &found->raw);
	return 0;
}

/* What a packet to the destination's first address would take: mostly it is the
 * one. */
static int look_up_route(struct fwh_rtnl *rtnl, struct fwh_rtnl_found *found)
{
	const struct fwh_ip_object *wanted = found->wanted;
	struct fwh_addr to = wanted->addr;
	char buf[FWH_RTNL_MESSAGE_MAX];
	struct nlmsghdr *nlh = fwh_rtnl_begin(rtnl, buf, RTM_GETROUTE, NLM_F_ACK);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));

	rtm->rtm_family = fwh_rtnl_af[to.family];
	rtm->rtm_dst_len = (uint8_t)fwh_family_bits(to.family);
	rtm->rtm_flags = RTM_F_FIB_MATCH | RTM_F_LOOKUP_TABLE;
	/* 0.0.0.0 is oneself. */
	if (fwh_addr_is_any(&to))
		to.b[fwh_family_bytes(to.family) - 1] = 1;
	fwh_rtnl_put_addr(nlh, RTA_DST, &to);
	fwh_rtnl_ask(rtnl, nlh, take_route, found);
	return found->code;
}

static int dump_table(struct fwh_rtnl *rtnl, struct fwh_rtnl_found *found)
{
	char buf[FWH_RTNL_MESSAGE_MAX];
	struct nlmsghdr *nlh = fwh_rtnl_begin(rtnl, buf, RTM_GETROUTE,
					      NLM_F_DUMP);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	int code;

	rtm->rtm_family = fwh_rtnl_af[found->wanted->addr.family];
	mnl_attr_put_u32(nlh, RTA_TABLE, found->wanted->table);
	code = fwh_rtnl_ask(rtnl, nlh, take_route, found);
	return found->code ? found->code : code == -ENOENT ? 0 : code;
}

int fwh_rtnl_find_route(struct fwh_rtnl *rtnl, const struct fwh_ip_object *wanted,
		      struct fwh_rtnl_found *ret)
{
	int code;

	memset(ret, 0, sizeof(*ret));
	ret->wanted = wanted;
	code = look_up_route(rtnl, ret);
	if (!code && !ret->is_there)
		code = dump_table(rtnl, ret);
	if (ret->is_there)
		fwh_rtnl_dev(rtnl, ret->oif, ret->object.dev);
	return code;
}

bool fwh_rtnl_is_found(const struct fwh_rtnl_found *found,
		     const struct fwh_ip_object *object)
{
	struct fwh_ip_object there = found->object;

	if (!found->is_there || !found->plain || !object)
		return false;
	there.metric = object->metric;	/* which is the same one */
	return fwh_ip_equal(&there, object);
}

/* ---- what the kernel tells of ---- */

static int take_rule_attr(const struct nlattr *attr, void *arg)
{
	struct fwh_ip_object *rule = arg;
	uint16_t size = mnl_attr_get_payload_len(attr);
	uint32_t number = size == sizeof(number) ? mnl_attr_get_u32(attr) : 0;

	switch (mnl_attr_get_type(attr)) {
	case FRA_DST:
		get_addr(attr, rule->addr.family, &rule->addr);
		break;
	case FRA_PRIORITY:
		rule->metric = number;
		break;
	case FRA_FWMARK:
		rule->mark.value = number;
		break;
	case FRA_FWMASK:
		rule->mark.mask = number;
		break;
	case FRA_TABLE:
		rule->table = number;
		break;
	}
	return MNL_CB_OK;
}

int fwh_rtnl_object_of(const struct nlmsghdr *nlh, struct fwh_ip_object *ret)
{
	const struct fib_rule_hdr *frh = mnl_nlmsg_get_payload(nlh);
	struct fwh_rtnl_found found = { .is_there = false };

	switch (nlh->nlmsg_type) {
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		parse_route(nlh, &found);
		if_indextoname(found.oif, found.object.dev);
		*ret = found.object;
		return 0;
	case RTM_DELRULE:
		memset(ret, 0, sizeof(*ret));
		ret->kind = FWH_IP_RULE;
		ret->addr.family = frh->family == AF_INET6 ? FWH_IPV6 :
							     FWH_IPV4;
		ret->len = frh->dst_len;
		ret->mark.mask = UINT32_MAX;
		mnl_attr_parse(nlh, sizeof(*frh), take_rule_attr, ret);
		return 0;
	default:
		return -ENOENT;
	}
}
