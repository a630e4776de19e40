// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dns_resolved.c - servers and domains of a device, as systemd-resolved has them
 * (org.freedesktop.resolve1(5)).  A device that systemd-networkd manages is its own
 * matter: resolved says so, and it is told instead.
 */
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "dns.h"

#define RESOLVED	"org.freedesktop.resolve1"
#define NETWORKD	"org.freedesktop.network1"
#define TOLD_MS		500
#define LOOK_MS		5

/* In front of what the bus or the service says. */
static int fail(const struct fwh_dns_object *object, int code,
		const struct fwh_err *why, struct fwh_err *err)
{
	return fwh_fail(err, code, "the peer's DNS, on %s: %.400s",
			fwh_dns_where(object->name), why->msg);
}

/* ---- looking ------------------------------------------------------------------------ */

static int get_property(struct fwh_bus *bus, const char *link, const char *name,
			struct fwh_bus_body *ret, struct fwh_err *err)
{
	struct fwh_bus_body args = { .data = NULL };
	int code;

	fwh_bus_put_string(&args, RESOLVED ".Link");
	fwh_bus_put_string(&args, name);
	code = fwh_bus_call(bus, RESOLVED, link, "org.freedesktop.DBus.Properties",
			    "Get", "ss", &args, ret, err);
	free(args.data);
	return code;
}

/* "ADDRESS", and behind it PORT and NAME if there are any. */
static int read_server(struct fwh_bus_body *body, char state[FWH_VARIANT_MAX])
{
	struct fwh_addr addr = { .family = FWH_IPV4 };
	char text[FWH_ADDR_STRLEN], value[320];
	const char *name;
	const void *bytes;
	size_t n;
	uint32_t family;
	uint16_t port;

	fwh_bus_get_bytes(body, (8 - body->at % 8) % 8);
	family = fwh_bus_get_u32(body);
	addr.family = family == AF_INET ? FWH_IPV4 : FWH_IPV6;
	n = fwh_bus_get_array(body, 1) - body->at;
	bytes = fwh_bus_get_bytes(body, n);
	port = fwh_bus_get_u16(body);
	name = fwh_bus_get_string(body);
	if (!bytes || n != fwh_family_bytes(addr.family))
		return -EPROTO;
	memcpy(addr.b, bytes, n);
	fwh_addr_format(&addr, text);
	if (!port && !*name)
		return fwh_dns_add(state, "server", text);
	snprintf(value, sizeof(value), "%s %u%s%.255s", text, port,
		 *name ? " " : "", name);
	return fwh_dns_add(state, "server", value);
}

static int read_domain(struct fwh_bus_body *body, char state[FWH_VARIANT_MAX])
{
	char value[320];
	const char *name;
	uint32_t route_only;

	fwh_bus_get_bytes(body, (8 - body->at % 8) % 8);
	name = fwh_bus_get_string(body);
	route_only = fwh_bus_get_u32(body);
	if (strpbrk(name, " \n") || strlen(name) > 300)
		return -EPROTO;
	snprintf(value, sizeof(value), "%s%s", route_only ? "~" : "", name);
	return fwh_dns_add(state, "domain", value);
}

static int read_list(struct fwh_bus *bus, const char *link, const char *name,
		     const char *signature,
		     int (*read)(struct fwh_bus_body *body, char *state),
		     char state[FWH_VARIANT_MAX], struct fwh_err *err)
{
	struct fwh_bus_body body;
	size_t end;
	int code = get_property(bus, link, name, &body, err);

	if (code)
		return code;
	fwh_bus_get_variant(&body, signature);
	end = fwh_bus_get_array(&body, 8);
	while (!code && !body.bad && body.at < end)
		code = read(&body, state);
	if (!code && body.bad)
		code = -EPROTO;
	free(body.data);
	return code ? fwh_fail(err, code, RESOLVED ": %s: %s", name,
			       strerror(-code)) : 0;
}

static int find_link(struct fwh_bus *bus, unsigned int index, char *ret,
		     size_t size, struct fwh_err *err)
{
	struct fwh_bus_body args = { .data = NULL }, body;
	int code;

	fwh_bus_put_u32(&args, index);
	code = fwh_bus_call(bus, RESOLVED, "/org/freedesktop/resolve1",
			    RESOLVED ".Manager", "GetLink", "i", &args, &body,
			    err);
	free(args.data);
	if (code)
		return code;
	snprintf(ret, size, "%s", fwh_bus_get_string(&body));
	free(body.data);
	return 0;
}

static int read_state(struct fwh_bus *bus, unsigned int index,
		      char ret[FWH_VARIANT_MAX], struct fwh_err *err)
{
	char link[128];
	int code = find_link(bus, index, link, sizeof(link), err);

	*ret = '\0';
	if (!code)
		code = read_list(bus, link, "DNSEx", "a(iayqs)", read_server,
				 ret, err);
	return code ? code : read_list(bus, link, "Domains", "a(sb)",
				       read_domain, ret, err);
}

/* A device that is gone has nothing. */
static int look(const struct fwh_dns_object *object, char ret[FWH_VARIANT_MAX],
		struct fwh_err *err)
{
	unsigned int index = if_nametoindex(fwh_dns_where(object->name));
	struct fwh_bus *bus = NULL;
	struct fwh_err why;
	int code;

	*ret = '\0';
	if (!index)
		return 0;
	code = fwh_bus_open(&bus, &why);
	if (!code)
		code = read_state(bus, index, ret, &why);
	fwh_bus_close(bus);
	return code ? fail(object, code, &why, err) : 0;
}

/* ---- writing ---------------------------------------------------------------------------- */

static int put_server(struct fwh_bus_body *body, const char *value)
{
	size_t n = strcspn(value, " "), place;
	const char *name, *number = value[n] ? value + n + 1 : "0";
	char text[FWH_ADDR_STRLEN], digits[8];
	struct fwh_addr addr;
	uint64_t port;

	if (n >= sizeof(text))
		return -EBADMSG;
	memcpy(text, value, n);
	text[n] = '\0';
	n = strcspn(number, " ");
	name = number[n] ? number + n + 1 : "";
	snprintf(digits, sizeof(digits), "%.*s", (int)n, number);
	if (fwh_addr_parse(text, &addr) ||
	    fwh_number_parse(digits, false, 65535, &port))
		return -EBADMSG;
	fwh_bus_align(body, 8);
	fwh_bus_put_u32(body, addr.family == FWH_IPV4 ? AF_INET : AF_INET6);
	place = fwh_bus_begin_array(body, 1);
	fwh_bus_put_bytes(body, addr.b, fwh_family_bytes(addr.family));
	fwh_bus_end_array(body, place, 1);
	fwh_bus_put_u16(body, (uint16_t)port);
	fwh_bus_put_string(body, name);
	return 0;
}

static int put_domain(struct fwh_bus_body *body, const char *value)
{
	fwh_bus_align(body, 8);
	fwh_bus_put_string(body, *value == '~' ? value + 1 : value);
	fwh_bus_put_u32(body, *value == '~');
	return 0;
}

/* What the two services have in common. */
static const struct service {
	const char *name, *path;
} resolved = { RESOLVED, "/org/freedesktop/resolve1" },
  networkd = { NETWORKD, "/org/freedesktop/network1" };

static int call_service(struct fwh_bus *bus, const struct service *service,
			const char *member, const char *signature,
			const struct fwh_bus_body *args, struct fwh_err *err)
{
	struct fwh_bus_body body;
	char interface[64];
	int code;

	snprintf(interface, sizeof(interface), "%s.Manager", service->name);
	code = fwh_bus_call(bus, service->name, service->path, interface, member,
			    signature, args, &body, err);
	if (!code)
		free(body.data);
	return code;
}

static int set_list(struct fwh_bus *bus, const struct service *service,
		    unsigned int index, const char *member,
		    const char *signature, const char *state, const char *key,
		    int (*put)(struct fwh_bus_body *body, const char *value),
		    struct fwh_err *err)
{
	struct fwh_bus_body args = { .data = NULL };
	struct fwh_dns_line line;
	size_t place;
	int code = 0;

	fwh_bus_put_u32(&args, index);
	place = fwh_bus_begin_array(&args, 8);
	while (!code && fwh_dns_next(&state, &line))
		if (!strcmp(line.key, key))
			code = put(&args, line.value);
	fwh_bus_end_array(&args, place, 8);
	code = code ? fwh_fail(err, code, "what was there before cannot be read") :
		      call_service(bus, service, member, signature, &args, err);
	free(args.data);
	return code;
}

static int set(struct fwh_bus *bus, const struct service *service,
	       unsigned int index, const char *state, struct fwh_err *err)
{
	int code = set_list(bus, service, index, "SetLinkDNSEx", "ia(iayqs)",
			    state, "server", put_server, err);

	return code ? code : set_list(bus, service, index, "SetLinkDomains",
				      "ia(sb)", state, "domain", put_domain,
				      err);
}

/* networkd's own settings come back, and not what they were at our time. */
static int revert(struct fwh_bus *bus, unsigned int index, struct fwh_err *err)
{
	struct fwh_bus_body args = { .data = NULL };
	int code;

	fwh_bus_put_u32(&args, index);
	code = call_service(bus, &networkd, "RevertLinkDNS", "i", &args, err);
	free(args.data);
	return code;
}

/* networkd answers before it has told resolved, and who looks meanwhile would see what
 * was. */
static int write_managed(struct fwh_bus *bus, unsigned int index,
			 const char *state, bool again, struct fwh_err *err)
{
	char before[FWH_VARIANT_MAX], after[FWH_VARIANT_MAX];
	long long end = fwh_now_ms() + TOLD_MS;
	int code = read_state(bus, index, before, err);

	if (!code)
		code = again ? revert(bus, index, err) :
			       set(bus, &networkd, index, state, err);
	while (!code && fwh_now_ms() < end) {
		code = read_state(bus, index, after, err);
		if (strcmp(before, after) != 0)
			break;
		poll(NULL, 0, LOOK_MS);
	}
	return code;
}

static int write_link(const struct fwh_dns_object *object, bool again,
		      struct fwh_err *err)
{
	unsigned int index = if_nametoindex(fwh_dns_where(object->name));
	struct fwh_bus *bus = NULL;
	struct fwh_err why;
	int code;

	if (!index)
		return again ? 0 :
		       fwh_fail(err, -ENODEV, "the peer's DNS, on %s: no such "
				"device", fwh_dns_where(object->name));
	code = fwh_bus_open(&bus, &why);
	if (!code)
		code = set(bus, &resolved, index, object->state, &why);
	if (code == -EBUSY)
		code = write_managed(bus, index, object->state, again, &why);
	fwh_bus_close(bus);
	return code ? fail(object, code, &why, err) : 0;
}

const struct fwh_dns_hand fwh_dns_resolved = { look, write_link };
