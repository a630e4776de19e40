// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rtnl.c - routes, addresses, rules and devices in the kernel, over rtnetlink;
 * decides nothing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "rtnl.h"


const unsigned char fwh_rtnl_af[FWH_FAMILY_MAX] = { AF_INET, AF_INET6 };

/* ---- the socket ----------------------------------------------------------------- */

int fwh_rtnl_open(struct fwh_rtnl **ret, struct fwh_err *err)
{
	struct fwh_rtnl *rtnl = malloc(sizeof(*rtnl));
	int on = 1;

	if (!rtnl)
		return fwh_fail(err, -ENOMEM, "out of memory");
	/* Not the room for answers, most of which is never touched. */
	memset(rtnl, 0, offsetof(struct fwh_rtnl, answer));
	rtnl->seq = (uint32_t)time(NULL);
	rtnl->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!rtnl->nl || mnl_socket_bind(rtnl->nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		int code = -errno;

		fwh_rtnl_close(rtnl);
		return fwh_fail(err, code, "rtnetlink: %s", strerror(-code));
	}
	/* The kernel's own words about errors, without a copy of the message,
	 * and dumps of what was asked for only; an old one does without. */
	mnl_socket_setsockopt(rtnl->nl, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(rtnl->nl, NETLINK_CAP_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(rtnl->nl, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	*ret = rtnl;
	return 0;
}

void fwh_rtnl_close(struct fwh_rtnl *rtnl)
{
	if (!rtnl)
		return;
	if (rtnl->nl)
		mnl_socket_close(rtnl->nl);
	free(rtnl);
}

struct nlmsghdr *fwh_rtnl_begin(struct fwh_rtnl *rtnl, char *buf, uint16_t type,
				uint16_t flags)
{
	struct nlmsghdr *nlh;

	memset(buf, 0, FWH_RTNL_MESSAGE_MAX);
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = rtnl->seq++;
	return nlh;
}

int fwh_rtnl_exchange(struct fwh_rtnl *rtnl, const void *buf, size_t len,
		      uint32_t first, size_t n, int *results,
		      fwh_rtnl_answer *answer, void *arg)
{
	size_t left_n = n;

	rtnl->lost = false;
	if (mnl_socket_sendto(rtnl->nl, buf, len) < 0)
		return -errno;
	while (left_n) {
		ssize_t got = mnl_socket_recvfrom(rtnl->nl, rtnl->answer,
						  sizeof(rtnl->answer));
		const struct nlmsghdr *nlh = (const void *)rtnl->answer;
		int left = (int)got;

		if (got < 0 && errno == EINTR)
			continue;
		rtnl->lost = got < 0;
		if (got < 0)
			return -errno;
		for (; fwh_nlmsg_ok(nlh, left);
		     nlh = mnl_nlmsg_next(nlh, &left)) {
			uint32_t i = nlh->nlmsg_seq - first;

			if (i >= n)
				continue;
			if (nlh->nlmsg_type == NLMSG_ERROR)
				results[i] = fwh_nlmsg_error(nlh);
			if (nlh->nlmsg_type == NLMSG_ERROR && results[i])
				fwh_nlmsg_words(nlh, rtnl->words);
			if (nlh->nlmsg_type == NLMSG_ERROR ||
			    nlh->nlmsg_type == NLMSG_DONE)
				left_n -= left_n > 0;
			else if (answer)
				answer(nlh, arg);
		}
	}
	return 0;
}

int fwh_rtnl_ask(struct fwh_rtnl *rtnl, const struct nlmsghdr *nlh,
		 fwh_rtnl_answer *answer, void *arg)
{
	int result = 0, code;

	code = fwh_rtnl_exchange(rtnl, nlh, nlh->nlmsg_len, nlh->nlmsg_seq, 1,
				 &result, answer, arg);
	return code ? code : result;
}

unsigned int fwh_rtnl_index(struct fwh_rtnl *rtnl, const char *dev)
{
	struct ifreq request = { .ifr_ifindex = 0 };

	if (strlen(dev) >= sizeof(request.ifr_name))
		return 0;
	strcpy(request.ifr_name, dev);		/* the length was checked */
	return ioctl(mnl_socket_get_fd(rtnl->nl), SIOCGIFINDEX, &request) ? 0 :
	       (unsigned int)request.ifr_ifindex;
}

/* ---- messages ---------------------------------------------------------------------- */

void fwh_rtnl_put_addr(struct nlmsghdr *nlh, uint16_t type,
		     const struct fwh_addr *addr)
{
	mnl_attr_put(nlh, type, fwh_family_bytes(addr->family), addr->b);
}

static void build_address(struct fwh_rtnl *rtnl, struct nlmsghdr *nlh,
			  const struct fwh_ip_object *object)
{
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));

	ifa->ifa_family = fwh_rtnl_af[object->addr.family];
	ifa->ifa_prefixlen = object->len;
	ifa->ifa_scope = object->scope;
	ifa->ifa_index = fwh_rtnl_index(rtnl, object->dev);
	/* Else the route that has it as its source would have to wait for the
	 * end of duplicate detection, which even lo does (addrconf.c). */
	if (object->addr.family == FWH_IPV6)
		ifa->ifa_flags = IFA_F_NODAD;
	fwh_rtnl_put_addr(nlh, IFA_LOCAL, &object->addr);
	fwh_rtnl_put_addr(nlh, IFA_ADDRESS, &object->addr);
}

static void build_route(struct fwh_rtnl *rtnl, struct nlmsghdr *nlh,
			const struct fwh_ip_object *object)
{
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	bool via = !fwh_addr_is_any(&object->via);
	struct nlattr *metrics;

	rtm->rtm_family = fwh_rtnl_af[object->addr.family];
	rtm->rtm_dst_len = object->len;
	rtm->rtm_table = object->table < 256 ? (uint8_t)object->table :
					       RT_TABLE_UNSPEC;
	/* As ip(8) says of its own, which the stock script calls. */
	rtm->rtm_protocol = RTPROT_BOOT;
	rtm->rtm_type = RTN_UNICAST;
	rtm->rtm_scope = object->addr.family == FWH_IPV4 && !via ?
			 RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	if (object->onlink)
		rtm->rtm_flags |= RTNH_F_ONLINK;
	fwh_rtnl_put_addr(nlh, RTA_DST, &object->addr);
	mnl_attr_put_u32(nlh, RTA_TABLE, object->table);
	mnl_attr_put_u32(nlh, RTA_OIF, fwh_rtnl_index(rtnl, object->dev));
	if (via)
		fwh_rtnl_put_addr(nlh, RTA_GATEWAY, &object->via);
	if (!fwh_addr_is_any(&object->src))
		fwh_rtnl_put_addr(nlh, RTA_PREFSRC, &object->src);
	if (object->metric)
		mnl_attr_put_u32(nlh, RTA_PRIORITY, object->metric);
	if (object->mtu) {
		metrics = mnl_attr_nest_start(nlh, RTA_METRICS);
		mnl_attr_put_u32(nlh, RTAX_MTU, object->mtu);
		mnl_attr_nest_end(nlh, metrics);
	}
}

static void build_rule(struct fwh_rtnl *rtnl, struct nlmsghdr *nlh,
		       const struct fwh_ip_object *object)
{
	struct fib_rule_hdr *frh = mnl_nlmsg_put_extra_header(nlh, sizeof(*frh));

	(void)rtnl;
	frh->family = fwh_rtnl_af[object->addr.family];
	frh->dst_len = object->len;
	frh->table = object->table < 256 ? (uint8_t)object->table :
					   RT_TABLE_UNSPEC;
	frh->action = FR_ACT_TO_TBL;
	if (object->len)
		fwh_rtnl_put_addr(nlh, FRA_DST, &object->addr);
	mnl_attr_put_u32(nlh, FRA_PRIORITY, object->metric);
	mnl_attr_put_u32(nlh, FRA_FWMARK, object->mark.value);
	mnl_attr_put_u32(nlh, FRA_FWMASK, object->mark.mask);
	mnl_attr_put_u32(nlh, FRA_TABLE, object->table);
}

static void build_proxy(struct fwh_rtnl *rtnl, struct nlmsghdr *nlh,
			const struct fwh_ip_object *object)
{
	struct ndmsg *ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));

	ndm->ndm_family = fwh_rtnl_af[object->addr.family];
	ndm->ndm_ifindex = (int)fwh_rtnl_index(rtnl, object->dev);
	ndm->ndm_state = NUD_PERMANENT;
	ndm->ndm_flags = NTF_PROXY;
	fwh_rtnl_put_addr(nlh, NDA_DST, &object->addr);
}

/* Made only; ip(8)'s "tunnel add NAME mode vti". */
static void build_link(struct fwh_rtnl *rtnl, struct nlmsghdr *nlh,
		       const struct fwh_ip_object *object)
{
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	struct nlattr *info, *data;

	(void)rtnl;
	ifi->ifi_family = AF_UNSPEC;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, object->dev);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_str(nlh, IFLA_INFO_KIND, "vti");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	mnl_attr_put_u32(nlh, IFLA_VTI_IKEY, htonl(object->ikey));
	mnl_attr_put_u32(nlh, IFLA_VTI_OKEY, htonl(object->okey));
	fwh_rtnl_put_addr(nlh, IFLA_VTI_LOCAL, &object->local);
	fwh_rtnl_put_addr(nlh, IFLA_VTI_REMOTE, &object->remote);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
}

const struct fwh_rtnl_kind fwh_rtnl_kind[FWH_IP_KIND_MAX] = {
	[FWH_IP_LINK] = { RTM_NEWLINK, RTM_DELLINK, build_link, -ENODEV },
	[FWH_IP_ADDRESS] = { RTM_NEWADDR, RTM_DELADDR, build_address,
			     -EADDRNOTAVAIL },
	[FWH_IP_ROUTE] = { RTM_NEWROUTE, RTM_DELROUTE, build_route, -ESRCH },
	[FWH_IP_RULE] = { RTM_NEWRULE, RTM_DELRULE, build_rule, -ENOENT },
	[FWH_IP_PROXY] = { RTM_NEWNEIGH, RTM_DELNEIGH, build_proxy, -ENOENT },
};

/* ---- looking ---------------------------------------------------------------------------- */

int fwh_rtnl_take_attr(const struct nlattr *attr, void *arg)
{
	const struct nlattr **attrs = arg;
	uint16_t type = mnl_attr_get_type(attr);

	if (type <= RTA_MAX)
		attrs[type] = attr;
	return MNL_CB_OK;
}

void fwh_rtnl_dev(struct fwh_rtnl *rtnl, uint32_t index,
		  char ret[FWH_IFNAME_MAX])
{
	struct ifreq request = { .ifr_ifindex = (int)index };

	*ret = '\0';
	if (!ioctl(mnl_socket_get_fd(rtnl->nl), SIOCGIFNAME, &request))
		snprintf(ret, FWH_IFNAME_MAX, "%s", request.ifr_name);
}

struct asked {
	struct fwh_rtnl *rtnl;
	struct fwh_lookup *ret;
};

static int take_lookup(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[RTA_MAX + 1] = { NULL };
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct asked *asked = arg;
	struct fwh_lookup *ret = asked->ret;

	mnl_attr_parse(nlh, sizeof(*rtm), fwh_rtnl_take_attr, attrs);
	ret->local = rtm->rtm_type == RTN_LOCAL;
	ret->gateway = attrs[RTA_GATEWAY] || attrs[RTA_VIA];
	if (attrs[RTA_OIF])
		fwh_rtnl_dev(asked->rtnl, mnl_attr_get_u32(attrs[RTA_OIF]),
			     ret->dev);
	return 0;
}

int fwh_rtnl_lookup(struct fwh_rtnl *rtnl, const struct fwh_addr *to,
		    const struct fwh_addr *from, struct fwh_lookup *ret,
		    struct fwh_err *err)
{
	char buf[FWH_RTNL_MESSAGE_MAX];
	struct nlmsghdr *nlh = fwh_rtnl_begin(rtnl, buf, RTM_GETROUTE, NLM_F_ACK);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	struct asked asked = { rtnl, ret };
	int code;

	memset(ret, 0, sizeof(*ret));
	rtm->rtm_family = fwh_rtnl_af[to->family];
	rtm->rtm_dst_len = (uint8_t)fwh_family_bits(to->family);
	fwh_rtnl_put_addr(nlh, RTA_DST, to);
	if (from && from->family == to->family) {
		rtm->rtm_src_len = rtm->rtm_dst_len;
		fwh_rtnl_put_addr(nlh, RTA_SRC, from);
	}
	code = fwh_rtnl_ask(rtnl, nlh, take_lookup, &asked);
	ret->reachable = code != -ENETUNREACH && code != -EHOSTUNREACH;
	/* Blackholes and their like say what they are. */
	if (!code || !ret->reachable || code == -EACCES || code == -EINVAL)
		return 0;
	return fwh_fail(err, code, "looking a route up: %s", strerror(-code));
}

static int take_kind(const struct nlattr *attr, void *arg)
{
	struct fwh_link_state *ret = arg;

	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
		snprintf(ret->kind, sizeof(ret->kind), "%s",
			 mnl_attr_get_str(attr));
	return MNL_CB_OK;
}

static int take_link(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct fwh_link_state *ret = arg;
	const struct nlattr *attr;

	ret->exists = true;
	ret->point_to_point = ifi->ifi_flags & IFF_POINTOPOINT;
	ret->ether = ifi->ifi_type == ARPHRD_ETHER;
	mnl_attr_for_each(attr, nlh, sizeof(*ifi))
		if (mnl_attr_get_type(attr) == IFLA_LINKINFO)
			mnl_attr_parse_nested(attr, take_kind, ret);
	return 0;
}

int fwh_rtnl_link(struct fwh_rtnl *rtnl, const char *dev,
		  struct fwh_link_state *ret, struct fwh_err *err)
{
	char buf[FWH_RTNL_MESSAGE_MAX];
	struct nlmsghdr *nlh = fwh_rtnl_begin(rtnl, buf, RTM_GETLINK, NLM_F_ACK);
	int code;

	memset(ret, 0, sizeof(*ret));
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, dev);
	/* Counters, which the kernel would add up for us. */
	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	code = fwh_rtnl_ask(rtnl, nlh, take_link, ret);
	return !code || code == -ENODEV ? 0 :
	       fwh_fail(err, code, "%s: %s", dev, strerror(-code));
}
