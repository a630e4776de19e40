// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ip_facts.c - what the plan of routes and addresses has to know of the kernel:
 * single lookups, and never those that our own routes would answer.
 */
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "ip.h"

/* Does anybody of us route there already?  Then a lookup finds our own route. */
static bool is_routed_by_us(struct fwh_store *store, const struct fwh_event *ev)
{
	struct fwh_ip_object route = { .kind = FWH_IP_ROUTE };
	struct fwh_net nets[FWH_RANGE_NETS_MAX];
	char name[FWH_IP_NAME_MAX], held[FWH_VARIANT_MAX];

	if (!store)
		return false;
	fwh_range_to_nets(&ev->sel.remote, nets);
	route.addr = nets[0].addr;
	route.len = nets[0].len ? nets[0].len : 1;
	route.table = FWH_IP_MAIN_TABLE;
	route.metric = ev->metric;
	fwh_ip_name(&route, name);
	return !fwh_object_held(store, name, held);
}

static struct fwh_addr first_of(const struct fwh_range *range)
{
	struct fwh_addr addr = { .family = range->family };

	memcpy(addr.b, range->lo, sizeof(addr.b));
	/* 0.0.0.0 is oneself. */
	if (fwh_addr_is_any(&addr))
		addr.b[fwh_family_bytes(addr.family) - 1] = 1;
	return addr;
}

/* The device on which the connection has the object already, "" if it has not:
 * a lookup would find what it has. */
static void proxy_dev_of(const struct fwh_owned *own,
			 const struct fwh_addr *host, char ret[FWH_IFNAME_MAX])
{
	char prefix[FWH_IP_NAME_MAX], addr[FWH_ADDR_STRLEN];
	size_t i;

	snprintf(prefix, sizeof(prefix), "proxy-%s_%u-",
		 fwh_addr_format(host, addr), fwh_family_bits(host->family));
	for (i = 0; own && i < own->n; i++)
		if (!strncmp(own->objects[i], prefix, strlen(prefix)))
			snprintf(ret, FWH_IFNAME_MAX, "%s",
				 own->objects[i] + strlen(prefix));
}

/* The peer's host seems to be on a LAN of ours: we answer for it. */
static int find_proxy(struct fwh_rtnl *rtnl, const struct fwh_owned *own,
		      const struct fwh_event *ev, struct fwh_ip_facts *facts,
		      struct fwh_err *err)
{
	struct fwh_addr host = first_of(&ev->sel.remote);
	struct fwh_link_state link;
	struct fwh_lookup lookup;
	int code;

	proxy_dev_of(own, &host, facts->proxy_dev);
	if (*facts->proxy_dev)
		return 0;
	code = fwh_rtnl_lookup(rtnl, &host, NULL, &lookup, err);
	if (code || !lookup.reachable || lookup.local || lookup.gateway ||
	    !*lookup.dev)
		return code;
	code = fwh_rtnl_link(rtnl, lookup.dev, &link, err);
	if (!code && link.ether)
		memcpy(facts->proxy_dev, lookup.dev, sizeof(lookup.dev));
	return code;
}

/* An address that is local for another reason than us is not ours to add. */
static int find_source(struct fwh_rtnl *rtnl, const struct fwh_owned *own,
		       const struct fwh_event *ev, struct fwh_ip_facts *facts,
		       struct fwh_store *store, struct fwh_err *err)
{
	char prefix[FWH_IP_NAME_MAX], addr[FWH_ADDR_STRLEN];
	struct fwh_lookup lookup;
	char (*names)[FWH_IP_NAME_MAX] = NULL;
	size_t i, n = 0;
	int code;

	if (fwh_addr_is_any(&ev->source_ip))
		return 0;
	snprintf(prefix, sizeof(prefix), "address-%s_",
		 fwh_addr_format(&ev->source_ip, addr));
	for (i = 0; own && i < own->n; i++)
		if (!strncmp(own->objects[i], prefix, strlen(prefix)))
			return 0;
	code = fwh_rtnl_lookup(rtnl, &ev->source_ip, NULL, &lookup, err);
	if (code || !lookup.local)
		return code;
	if (store)
		code = fwh_objects_list(store, prefix, &names, &n, err);
	free(names);
	facts->source_local = n == 0;
	return code;
}

static int find_next_hop(struct fwh_rtnl *rtnl, const struct fwh_event *ev,
			 struct fwh_ip_facts *facts, struct fwh_err *err)
{
	const struct fwh_addr *hop = fwh_addr_is_any(&ev->next_hop) ?
				     &ev->peer : &ev->next_hop;
	struct fwh_link_state link = { .exists = false };
	struct fwh_lookup lookup;
	int code = 0;

	if (*ev->iface)
		code = fwh_rtnl_link(rtnl, ev->iface, &link, err);
	facts->point_to_point = link.point_to_point;
	if (code || fwh_addr_is_any(hop))
		return code;
	code = fwh_rtnl_lookup(rtnl, hop, &ev->me, &lookup, err);
	if (code || !lookup.reachable || lookup.local)
		return code;
	memcpy(facts->dev, lookup.dev, sizeof(lookup.dev));
	facts->onlink = lookup.gateway;
	return 0;
}

static int find_wanted(struct fwh_rtnl *rtnl, struct fwh_store *store,
		       const struct fwh_event *ev, struct fwh_ip_facts *facts,
		       struct fwh_err *err)
{
	struct fwh_addr to = first_of(&ev->sel.remote);
	struct fwh_lookup lookup;
	int code;

	facts->wanted = is_routed_by_us(store, ev);
	if (facts->wanted || ev->xfrmi_route)
		return 0;
	code = fwh_rtnl_lookup(rtnl, &to, NULL, &lookup, err);
	if (!code)
		facts->wanted = !lookup.reachable;
	return code;
}

int fwh_ip_find_facts(struct fwh_rtnl *rtnl, struct fwh_store *store,
		      const struct fwh_owned *own, const struct fwh_event *ev,
		      const struct fwh_settings *settings,
		      struct fwh_ip_facts *ret, struct fwh_err *err)
{
	bool asks = fwh_ip_asks_route(ev, settings);
	int code = 0;

	memset(ret, 0, sizeof(*ret));
	ret->no_device = ev->xfrmi_route && !if_nametoindex(ev->virt_iface);
	if (fwh_ip_may_proxy(ev, settings))
		code = find_proxy(rtnl, own, ev, ret, err);
	if (!code && !asks)
		code = find_wanted(rtnl, store, ev, ret, err);
	if (!code)
		code = find_source(rtnl, own, ev, ret, store, err);
	if (!code && (asks || ret->wanted || *ret->proxy_dev ||
		      ev->xfrmi_fwmark.mask))
		code = find_next_hop(rtnl, ev, ret, err);
	return code;
}
