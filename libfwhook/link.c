// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * link.c - the network devices of a connection that its daemon does not name:
 * strongSwan tells an if_id, which is an XFRM interface's, or marks, which are
 * a VTI device's keys.  Reads only.
 */
#include <errno.h>
#include <netinet/in.h>		/* ahead of linux/in6.h, for musl */
#include <string.h>

#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include "internal.h"

static bool lacks_xfrm(const struct fwh_event *ev)
{
	return ev->if_id_out && !*ev->virt_iface;
}

static bool lacks_vti(const struct fwh_event *ev)
{
	return ev->mark_out.mask && ev->mark_out.value && !*ev->vti_iface;
}

static bool equals_u32(struct nlattr *const parts[], int type, uint32_t value)
{
	return parts[type] && nla_len(parts[type]) >= 4 &&
	       nla_get_u32(parts[type]) == value;
}

/* Is it the device that the event's traffic goes out through? */
static void consider_info(const char *kind, struct nlattr *data,
			  const char *name, struct fwh_event *ev)
{
	struct nlattr *parts[IFLA_VTI_MAX + 1];

	_Static_assert(IFLA_XFRM_IF_ID <= IFLA_VTI_MAX, "parts[]");
	if (nla_parse_nested(parts, IFLA_VTI_MAX, data, NULL) < 0)
		return;
	if (!strcmp(kind, "xfrm") && lacks_xfrm(ev) &&
	    equals_u32(parts, IFLA_XFRM_IF_ID, ev->if_id_out))
		fwh_ifname_parse(name, ev->virt_iface);
	if ((!strcmp(kind, "vti") || !strcmp(kind, "vti6")) && lacks_vti(ev) &&
	    equals_u32(parts, IFLA_VTI_OKEY, htonl(ev->mark_out.value)))
		fwh_ifname_parse(name, ev->vti_iface);
}

static int consider_link(struct nl_msg *msg, void *arg)
{
	struct nlattr *link[IFLA_LINKINFO + 1], *info[IFLA_INFO_MAX + 1];

	if (nlmsg_hdr(msg)->nlmsg_type != RTM_NEWLINK ||
	    nlmsg_parse(nlmsg_hdr(msg), sizeof(struct ifinfomsg), link,
			IFLA_LINKINFO, NULL) < 0 ||
	    !link[IFLA_IFNAME] || !link[IFLA_LINKINFO] ||
	    nla_parse_nested(info, IFLA_INFO_MAX, link[IFLA_LINKINFO],
			     NULL) < 0 ||
	    !info[IFLA_INFO_KIND] || !info[IFLA_INFO_DATA])
		return NL_OK;
	consider_info(nla_get_string(info[IFLA_INFO_KIND]),
		      info[IFLA_INFO_DATA],
		      nla_get_string(link[IFLA_IFNAME]), arg);
	return NL_OK;
}

/* Returns 0 or libnl's error. */
static int dump_links(struct nl_sock *sock, struct fwh_event *ev)
{
	struct ifinfomsg any = { .ifi_family = AF_UNSPEC };
	int code = nl_connect(sock, NETLINK_ROUTE);

	if (code < 0)
		return code;
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, consider_link, ev);
	code = nl_send_simple(sock, RTM_GETLINK, NLM_F_DUMP, &any, sizeof(any));
	if (code >= 0)
		code = nl_recvmsgs_default(sock);
	/* Others that come and go meanwhile don't matter. */
	return code == -NLE_DUMP_INTR ? 0 : code;
}

int fwh_link_find(struct fwh_event *ev, struct fwh_err *err)
{
	struct nl_sock *sock;
	int code;

	if (!lacks_xfrm(ev) && !lacks_vti(ev))
		return 0;
	sock = nl_socket_alloc();
	if (!sock)
		return fwh_fail(err, -ENOMEM, "out of memory");
	code = dump_links(sock, ev);
	nl_socket_free(sock);
	if (code < 0)
		return fwh_fail(err, -EIO, "network devices: %s",
				nl_geterror(code));
	return 0;
}
