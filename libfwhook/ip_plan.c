// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ip_plan.c - which routes, addresses, rules and devices a connection should
 * have.  Pure: what the kernel knows comes as facts.
 */
#include <errno.h>
#include <string.h>

#include "ip.h"

/* Of our addresses on lo: so far away that nobody takes them for an
 * interface's.  Libreswan's choice. */
#define SCOPE_SOURCE	50

/* ---- levels ---------------------------------------------------------------- */

/* Libreswan 5 deletes the policies at a down and calls unroute after it, but not
 * where two selectors share the peer's side: what nobody wants up or trapped is
 * not routed.  4.x leaves a trap, and says unroute when it goes. */
static bool stays_routed(const struct fwh_event *ev)
{
	return ev->dialect != FWH_LIBRESWAN5 ||
	       ev->flags & (FWH_CONN_UP | FWH_CONN_ROUTE);
}

unsigned int fwh_ip_level(const struct fwh_event *ev, unsigned int before)
{
	unsigned int level = before;

	if (ev->flags & FWH_CONN_NEVER_NEGOTIATE)
		return 0;
	if (ev->verbs & (FWH_PREPARE | FWH_ROUTE | FWH_UP))
		level &= ~(unsigned int)FWH_LEVEL_MOVING;
	if (ev->verbs & (FWH_PREPARE | FWH_ROUTE))
		level |= FWH_LEVEL_ROUTED;
	if (ev->verbs & FWH_UP)
		level |= FWH_LEVEL_UP;
	if (ev->verbs & FWH_DOWN) {
		level &= ~(unsigned int)FWH_LEVEL_UP;
		if (!stays_routed(ev))
			level &= ~(unsigned int)FWH_LEVEL_ROUTED;
	}
	/* An unroute while up is another's: the route is shared. */
	if (ev->verbs & FWH_UNROUTE) {
		level &= ~(unsigned int)FWH_LEVEL_ROUTED;
		if (ev->mobike_event && before)
			level |= FWH_LEVEL_MOVING;
		else
			level &= ~(unsigned int)FWH_LEVEL_MOVING;
	}
	return level;
}

bool fwh_ip_ends_others(const struct fwh_event *ev)
{
	return ev->verbs & FWH_UNROUTE && !ev->mobike_event &&
	       !(ev->flags & FWH_CONN_NEVER_NEGOTIATE);
}

/* ---- what is asked for ------------------------------------------------------- */

static bool same_ranges(const struct fwh_range *a, const struct fwh_range *b)
{
	return fwh_range_covers(a, b) && fwh_range_covers(b, a);
}

static bool has_source(const struct fwh_event *ev)
{
	return !fwh_addr_is_any(&ev->source_ip);
}

static bool has_vti(const struct fwh_event *ev)
{
	return *ev->vti_iface && ev->mark_in.mask && ev->mark_out.mask;
}

bool fwh_ip_asks_route(const struct fwh_event *ev,
		       const struct fwh_settings *settings)
{
	if (settings->route_always || has_source(ev) || ev->mtu)
		return true;
	if (has_vti(ev) && ev->vti_routing)
		return true;
	/* A route to our own addresses would take them from us. */
	return ev->xfrmi_route && !same_ranges(&ev->sel.local, &ev->sel.remote);
}

static bool is_host(const struct fwh_range *range)
{
	return !memcmp(range->lo, range->hi, fwh_family_bytes(range->family));
}

bool fwh_ip_may_proxy(const struct fwh_event *ev,
		      const struct fwh_settings *settings)
{
	const struct fwh_range *peer = &ev->sel.remote;
	struct fwh_addr any = { .family = peer->family };

	return settings->proxy_arp && is_host(peer) && !ev->xfrmi_route &&
	       !*ev->vti_iface && !fwh_range_contains(peer, &any) &&
	       !fwh_range_is_host(peer, &ev->peer) &&
	       !fwh_range_is_host(&ev->sel.local, &ev->me);
}

/* ---- building ------------------------------------------------------------------- */

struct build {
	const struct fwh_event *ev;
	const struct fwh_settings *settings;
	const struct fwh_ip_facts *facts;
	struct fwh_ip_plan *plan;
	struct fwh_err *err;
};

static int add(const struct build *b, const struct fwh_ip_object *object)
{
	struct fwh_ip_plan *plan = b->plan;

	if (plan->n == FWH_IP_OBJECTS_MAX)
		return fwh_fail(b->err, -E2BIG, "the peer's side needs more "
				"than %d routes", FWH_IP_OBJECTS_MAX);
	if (!fwh_grow(&plan->list, plan->n, &plan->cap, sizeof(*object)))
		return fwh_fail(b->err, -ENOMEM, "out of memory");
	plan->list[plan->n++] = *object;
	return 0;
}

static struct fwh_ip_object new_object(enum fwh_ip_kind kind,
				       const struct fwh_addr *addr, uint8_t len)
{
	struct fwh_ip_object object;

	memset(&object, 0, sizeof(object));
	object.kind = kind;
	object.addr = *addr;
	object.len = len;
	object.via.family = object.src.family = addr->family;
	return object;
}

static void set_dev(struct fwh_ip_object *object, const char *dev)
{
	memcpy(object->dev, dev, strnlen(dev, FWH_IFNAME_MAX - 1));
}

/* The device outside of all tunnels.  With a default route into the tunnel the
 * lookup can end in that. */
static const char *outer_dev(const struct build *b)
{
	const char *dev = b->facts->dev;

	return !*dev || !strcmp(dev, b->ev->virt_iface) ||
	       !strcmp(dev, b->ev->vti_iface) ? b->ev->iface : dev;
}

static const char *route_dev(const struct build *b)
{
	return *b->ev->vti_iface ? b->ev->vti_iface : b->ev->xfrmi_route ?
	       b->ev->virt_iface : outer_dev(b);
}

/* A next hop that is the peer itself is none, and links between two need none. */
static bool has_next_hop(const struct build *b, enum fwh_family family)
{
	const struct fwh_event *ev = b->ev;

	return !fwh_addr_is_any(&ev->next_hop) &&
	       ev->next_hop.family == family &&
	       !fwh_addr_equal(&ev->next_hop, &ev->peer) &&
	       !b->facts->point_to_point;
}

/* ---- addresses ---------------------------------------------------------------------- */

/* A server chooses what we have on loan; nobody may have these. */
static bool is_nobodys(const struct fwh_addr *a)
{
	static const uint8_t loopback6[16] = { [15] = 1 };

	if (a->family == FWH_IPV4)
		return a->b[0] == 0 || a->b[0] == 127 || a->b[0] >= 224;
	return a->b[0] == 0xff || !memcmp(a->b, loopback6, sizeof(loopback6));
}

static int check_source(const struct build *b)
{
	char text[FWH_ADDR_STRLEN];

	if (!has_source(b->ev) || !is_nobodys(&b->ev->source_ip))
		return 0;
	return fwh_fail(b->err, -EINVAL, "PLUTO_MY_SOURCEIP=%s: no address "
			"that a host can have", fwh_addr_format(
					&b->ev->source_ip, text));
}

/* Libreswan 5 puts addresses on its XFRM interfaces itself. */
static bool pluto_has_addresses(const struct fwh_event *ev)
{
	return ev->dialect == FWH_LIBRESWAN5 && ev->xfrmi_route;
}

static int add_source(const struct build *b)
{
	const struct fwh_event *ev = b->ev;
	struct fwh_ip_object object;

	if (!has_source(ev) || b->facts->source_local ||
	    pluto_has_addresses(ev))
		return 0;
	object = new_object(FWH_IP_ADDRESS, &ev->source_ip,
			    (uint8_t)fwh_family_bits(ev->source_ip.family));
	set_dev(&object, has_vti(ev) && ev->vti_routing ? ev->vti_iface :
		ev->xfrmi_route ? ev->virt_iface : "lo");
	object.scope = ev->source_ip.family == FWH_IPV4 ? SCOPE_SOURCE : 0;
	return add(b, &object);
}

static int add_interface_address(const struct build *b,
				 const struct fwh_ifaddr *ifaddr,
				 const char *dev)
{
	struct fwh_ip_object object = new_object(FWH_IP_ADDRESS, &ifaddr->addr,
						 ifaddr->len);

	set_dev(&object, dev);
	return add(b, &object);
}

static int add_interface_addresses(const struct build *b)
{
	const struct fwh_event *ev = b->ev;
	int code = 0;

	if (ev->xfrmi_route && ev->interface_ip.len && !pluto_has_addresses(ev))
		code = add_interface_address(b, &ev->interface_ip,
					     ev->virt_iface);
	if (!code && has_vti(ev) && ev->vti_ip.len)
		code = add_interface_address(b, &ev->vti_ip, ev->vti_iface);
	return code;
}

/* ---- devices --------------------------------------------------------------------------- */

/* One that several peers share has no peer of its own. */
static int add_link(const struct build *b)
{
	const struct fwh_event *ev = b->ev;
	struct fwh_ip_object object = new_object(FWH_IP_LINK, &ev->me, 0);

	if (!has_vti(ev) || ev->me.family != FWH_IPV4)
		return 0;
	memset(&object.addr, 0, sizeof(object.addr));
	set_dev(&object, ev->vti_iface);
	object.local = ev->me;
	object.remote.family = ev->me.family;
	if (!ev->instance && !ev->vti_shared)
		object.remote = ev->peer;
	object.ikey = ev->mark_in.value;
	object.okey = ev->mark_out.value;
	object.shared = ev->vti_shared;
	return add(b, &object);
}

/* ---- routes -------------------------------------------------------------------------------- */

static struct fwh_ip_object new_route(const struct build *b,
				      const struct fwh_net *net)
{
	const struct fwh_event *ev = b->ev;
	enum fwh_family family = net->addr.family;
	struct fwh_ip_object route = new_object(FWH_IP_ROUTE, &net->addr,
						net->len);

	route.table = FWH_IP_MAIN_TABLE;
	route.metric = ev->metric;
	route.mtu = ev->mtu;
	set_dev(&route, route_dev(b));
	if (!ev->xfrmi_route && !*ev->vti_iface && has_next_hop(b, family)) {
		route.via = ev->next_hop;
		route.onlink = b->facts->onlink;
	}
	if (has_source(ev) && ev->source_ip.family == family)
		route.src = ev->source_ip;
	return route;
}

/* A default route as two halves, which go before any default route and leave it
 * where it is.  In IPv6, too: 2000::/3, Libreswan 4's choice, would leave unique
 * local addresses (fc00::/7) outside of the tunnel. */
static int add_net_route(const struct build *b, const struct fwh_net *net)
{
	struct fwh_net half = *net;
	struct fwh_ip_object route;
	int code;

	if (net->len) {
		route = new_route(b, net);
		return add(b, &route);
	}
	half.len = 1;
	route = new_route(b, &half);
	code = add(b, &route);
	half.addr.b[0] = 0x80;
	route = new_route(b, &half);
	return code ? code : add(b, &route);
}

static int add_routes(const struct build *b)
{
	struct fwh_net nets[FWH_RANGE_NETS_MAX];
	size_t n, i;
	int code = 0;

	if (!fwh_ip_asks_route(b->ev, b->settings) && !*b->facts->proxy_dev &&
	    (!b->facts->wanted || b->ev->xfrmi_route))
		return 0;
	if (!*route_dev(b))
		return 0;		/* who knows where to */
	n = fwh_range_to_nets(&b->ev->sel.remote, nets);
	for (i = 0; !code && i < n; i++)
		code = add_net_route(b, &nets[i]);
	return code;
}

/* Where the peer lies inside of its own selectors, its ESP would go into the
 * tunnel: pluto marks it, and marked it has a table of its own. */
static bool has_esp_table(const struct build *b)
{
	const struct fwh_event *ev = b->ev;

	return ev->xfrmi_fwmark.mask && ev->xfrmi_route &&
	       !fwh_addr_is_any(&ev->peer) &&
	       ev->peer.family == ev->sel.remote.family && *outer_dev(b);
}

static int add_esp_route(const struct build *b)
{
	const struct fwh_event *ev = b->ev;
	struct fwh_ip_object route = new_object(FWH_IP_ROUTE, &ev->peer,
				(uint8_t)fwh_family_bits(ev->peer.family));

	if (!has_esp_table(b))
		return 0;
	route.table = FWH_IP_ESP_TABLE;
	if (ev->dialect == FWH_LIBRESWAN5)
		route.metric = ev->metric;
	set_dev(&route, outer_dev(b));
	if (has_next_hop(b, ev->peer.family)) {
		route.via = ev->next_hop;
		route.onlink = b->facts->onlink;
	}
	return add(b, &route);
}

static int add_rules(const struct build *b)
{
	struct fwh_net nets[FWH_RANGE_NETS_MAX];
	struct fwh_ip_object rule;
	size_t n, i;
	int code = 0;

	if (!has_esp_table(b))
		return 0;
	n = fwh_range_to_nets(&b->ev->sel.remote, nets);
	for (i = 0; !code && i < n; i++) {
		rule = new_object(FWH_IP_RULE, &nets[i].addr, nets[i].len);
		rule.table = FWH_IP_ESP_TABLE;
		rule.metric = FWH_IP_ESP_PRIORITY;
		rule.mark = b->ev->xfrmi_fwmark;
		code = add(b, &rule);
	}
	return code;
}

static int add_proxy(const struct build *b)
{
	const struct fwh_range *peer = &b->ev->sel.remote;
	struct fwh_addr host = { .family = peer->family };
	struct fwh_ip_object proxy;

	if (!*b->facts->proxy_dev || !fwh_ip_may_proxy(b->ev, b->settings))
		return 0;
	memcpy(host.b, peer->lo, sizeof(host.b));
	proxy = new_object(FWH_IP_PROXY, &host,
			   (uint8_t)fwh_family_bits(host.family));
	set_dev(&proxy, b->facts->proxy_dev);
	return add(b, &proxy);
}

int fwh_ip_plan_build(const struct fwh_event *ev,
		      const struct fwh_settings *settings,
		      const struct fwh_ip_facts *facts, unsigned int level,
		      struct fwh_ip_plan *ret, struct fwh_err *err)
{
	struct fwh_ip_plan plan = { .n = 0 };
	struct build b = { ev, settings, facts, &plan, err };
	/* pluto 4 makes the XFRM interface with the SA, and says prepare and
	 * route of a trap before. */
	bool wait = facts->no_device && !(level & FWH_LEVEL_UP);
	bool there = level & (FWH_LEVEL_ROUTED | FWH_LEVEL_UP) && !wait;
	int code = level ? check_source(&b) : 0;

	if (!code && there)
		code = add_link(&b);
	if (!code && level && !wait)
		code = add_source(&b);
	if (!code && there)
		code = add_interface_addresses(&b);
	if (!code && there)
		code = add_routes(&b);
	if (!code && there)
		code = add_esp_route(&b);
	if (!code && there)
		code = add_rules(&b);
	if (!code && there)
		code = add_proxy(&b);
	if (code) {
		fwh_ip_plan_free(&plan);
		return code;
	}
	*ret = plan;
	return 0;
}

void fwh_ip_plan_free(struct fwh_ip_plan *plan)
{
	free(plan->list);
	memset(plan, 0, sizeof(*plan));
}
