// SPDX-License-Identifier: GPL-2.0-or-later
/* config_services.c - parsers of protocols and ports. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#include "config.h"

/* The first name of a number is the one that /etc/services knows. */
static const struct protocol {
	const char *name;
	uint8_t number;
} protocols[] = {
	{ "tcp", IPPROTO_TCP }, { "udp", IPPROTO_UDP },
	{ "sctp", IPPROTO_SCTP }, { "dccp", IPPROTO_DCCP },
	{ "udplite", IPPROTO_UDPLITE }, { "icmp", IPPROTO_ICMP },
	{ "icmpv6", IPPROTO_ICMPV6 }, { "ipv6-icmp", IPPROTO_ICMPV6 },
	{ "igmp", IPPROTO_IGMP }, { "ipip", IPPROTO_IPIP },
	{ "ipv6", IPPROTO_IPV6 }, { "gre", IPPROTO_GRE },
	{ "esp", IPPROTO_ESP }, { "ah", IPPROTO_AH },
	{ "ipcomp", IPPROTO_COMP }, { "ospf", 89 }, { "pim", IPPROTO_PIM },
	{ "vrrp", 112 }, { "l2tp", 115 },
};

static int parse_protocol(struct value *value, const char *name, uint8_t *ret)
{
	uint64_t n;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(protocols); i++) {
		if (!strcasecmp(protocols[i].name, name)) {
			*ret = protocols[i].number;
			return 0;
		}
	}
	if (!fwh_number_parse(name, false, 255, &n) && n) {
		*ret = (uint8_t)n;
		return 0;
	}
	value->nearest.got = name;
	for (i = 0; i < ARRAY_SIZE(protocols); i++)
		fwh_nearest_consider(&value->nearest, protocols[i].name,
				     strlen(protocols[i].name));
	return fwh_value_refuse(value, "not a protocol; known are names such as "
				"tcp, udp, icmp, gre, and numbers from 1 to "
				"255");
}

/* A number, or a name of /etc/services. */
static int parse_port(struct value *value, const char *s, uint8_t proto,
		      uint16_t *ret)
{
	struct servent *service;
	uint64_t n;
	size_t i = 0;

	if (*s >= '0' && *s <= '9') {
		if (fwh_number_parse(s, false, UINT16_MAX, &n) || !n)
			return fwh_value_refuse(value, "not a port: 1 to "
						"65535");
		*ret = (uint16_t)n;
		return 0;
	}
	while (protocols[i].number != proto)
		i++;
	service = *s ? getservbyname(s, protocols[i].name) : NULL;
	if (!service)
		return fwh_value_refuse(value, "/etc/services knows no such "
					"port; say its number");
	*ret = ntohs((uint16_t)service->s_port);
	return 0;
}

/* "tcp/443", "udp/60000-61000", "tcp/ssh", "icmp" */
static int parse_service(struct value *value, struct fwh_service *ret)
{
	char item[WORD_MAX], *port, *high = NULL;
	int code;

	memset(ret, 0, sizeof(*ret));
	memcpy(item, value->item, sizeof(item));
	port = strchr(item, '/');
	if (port) {
		*port++ = '\0';
		/* Names of services may have a '-' in them. */
		high = *port >= '0' && *port <= '9' ? strchr(port, '-') : NULL;
		if (high)
			*high++ = '\0';
	}
	code = parse_protocol(value, item, &ret->proto);
	value->nearest.got = NULL;	/* item ends with us */
	if (code || !port)
		return code;
	if (!fwh_proto_has_ports(ret->proto))
		return fwh_value_refuse(value, "only tcp, udp, sctp, dccp and "
					"udplite have ports");
	code = parse_port(value, port, ret->proto, &ret->port.lo);
	ret->port.hi = ret->port.lo;
	if (!code && high)
		code = parse_port(value, high, ret->proto, &ret->port.hi);
	if (!code && ret->port.hi < ret->port.lo)
		code = fwh_value_refuse(value, "the range's ends are swapped");
	return code;
}

int fwh_value_services(struct value *value)
{
	struct fwh_services *out = value->field;
	const char *p = value->text;
	int more;

	if (!value->again || !strcasecmp(p, "all"))
		out->n = 0;
	if (!strcasecmp(p, "all"))
		return 0;
	while ((more = fwh_value_item(value, &p)) > 0) {
		if (out->n == FWH_SERVICES_MAX)
			return fwh_value_refuse(value, "more than 32 entries");
		if (parse_service(value, &out->list[out->n]))
			return -EINVAL;
		out->n++;
	}
	return more;
}

int fwh_value_tcp_encap(struct value *value)
{
	uint16_t *ports = value->field;
	const char *p = value->text;
	size_t n = 0;
	int more;

	memset(ports, 0, FWH_TCP_ENCAP_MAX * sizeof(*ports));
	if (!strcasecmp(p, "off"))
		return 0;
	while ((more = fwh_value_item(value, &p)) > 0) {
		if (n == FWH_TCP_ENCAP_MAX)
			return fwh_value_refuse(value, "more than four ports");
		if (parse_port(value, value->item, IPPROTO_TCP, &ports[n++]))
			return -EINVAL;
	}
	return more;
}
_Static_assert(FWH_TCP_ENCAP_MAX == 4 && FWH_SERVICES_MAX == 32,
	       "messages and the manual page say so");
