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

#include "internal.h"
#include "nl_ask.h"

static bool lacks_xfrm(const struct fwh_event *ev)
{
	return ev->if_id_out && !*ev->virt_iface;
}

static bool lacks_vti(const struct fwh_event *ev)
{
	return ev->mark_out.mask && ev->mark_out.value && !*ev->vti_iface;
}

static bool holds_u32(const struct nlattr *nest, uint16_t type, uint32_t value)
{
	const struct nlattr *a = fwh_nl_find_in(nest, type, sizeof(value));

	return a && mnl_attr_get_u32(a) == value;
}

/* Is it the device that the event's traffic goes out through? */
static void consider_info(const char *kind, const struct nlattr *data,
			  const char *name, struct fwh_event *ev)
{
	if (!strcmp(kind, "xfrm") && lacks_xfrm(ev) &&
	    holds_u32(data, IFLA_XFRM_IF_ID, ev->if_id_out))
		fwh_ifname_parse(name, ev->virt_iface);
	if ((!strcmp(kind, "vti") || !strcmp(kind, "vti6")) && lacks_vti(ev) &&
	    holds_u32(data, IFLA_VTI_OKEY, htonl(ev->mark_out.value)))
		fwh_ifname_parse(name, ev->vti_iface);
}

static const char *to_string(const struct nlattr *a)
{
	return a && mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0 ?
	       mnl_attr_get_str(a) : NULL;
}

static int consider_link(const struct nlmsghdr *nlh, void *arg)
{
	const size_t head = sizeof(struct ifinfomsg);
	const struct nlattr *info, *data;
	const char *name, *kind;

	if (nlh->nlmsg_type != RTM_NEWLINK)
		return 0;
	name = to_string(fwh_nl_find(nlh, head, IFLA_IFNAME, 0));
	info = fwh_nl_find(nlh, head, IFLA_LINKINFO, 0);
	if (!name || !info)
		return 0;
	kind = to_string(fwh_nl_find_in(info, IFLA_INFO_KIND, 0));
	data = fwh_nl_find_in(info, IFLA_INFO_DATA, 0);
	if (kind && data)
		consider_info(kind, data, name, arg);
	return 0;
}

static int dump_links(struct fwh_event *ev)
{
	struct fwh_nl *nl;
	int code = fwh_nl_open(NETLINK_ROUTE, &nl);

	if (code)
		return code;
	mnl_nlmsg_put_extra_header(fwh_nl_begin(nl, RTM_GETLINK, NLM_F_DUMP),
				   sizeof(struct ifinfomsg));
	code = fwh_nl_ask(nl, consider_link, ev);
	fwh_nl_close(nl);
	/* Others that come and go meanwhile don't matter. */
	return code == -EAGAIN ? 0 : code;
}

int fwh_link_find(struct fwh_event *ev, struct fwh_err *err)
{
	int code = 0;

	if (lacks_xfrm(ev) || lacks_vti(ev))
		code = dump_links(ev);
	return code ? fwh_fail(err, code, "network devices: %s",
			       strerror(-code)) : 0;
}
