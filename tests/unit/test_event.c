// SPDX-License-Identifier: GPL-2.0-or-later
/* test_event.c - every variable of every daemon, and what is refused. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "env.h"

/* ---- an event as text --------------------------------------------------- */

struct fact {
	const char *name;
	char value[256];
};

struct facts {
	struct fact list[64];
	size_t n;
};

__attribute__((format(printf, 3, 4)))
static void add_fact(struct facts *facts, const char *name, const char *fmt,
		     ...)
{
	struct fact *fact = &facts->list[facts->n++];
	va_list ap;

	assert_true(facts->n <= ARRAY_SIZE(facts->list));
	fact->name = name;
	va_start(ap, fmt);
	vsnprintf(fact->value, sizeof(fact->value), fmt, ap);
	va_end(ap);
}

static void add_addr(struct facts *facts, const char *name,
		     const struct fwh_addr *addr)
{
	char buf[FWH_ADDR_STRLEN];

	add_fact(facts, name, "%s", fwh_addr_format(addr, buf));
}

static void add_range(struct facts *facts, const char *name,
		      const struct fwh_range *range)
{
	char buf[FWH_RANGE_STRLEN];

	add_fact(facts, name, "%s", fwh_range_format(range, buf));
}

static void add_mark(struct facts *facts, const char *name,
		     const struct fwh_mark *mark)
{
	add_fact(facts, name, "0x%x/0x%x", mark->value, mark->mask);
}

static void describe(const struct fwh_event *ev, struct facts *ret)
{
	static const char *const text[FWH_TEXT_MAX] = {
		"my-id", "peer-id", "peer-ca", "username", "dns", "domains",
		"banner",
	};
	size_t i;

	ret->n = 0;
	add_fact(ret, "dialect", "%d", ev->dialect);
	add_fact(ret, "verb", "%s", ev->verb);
	add_fact(ret, "verbs", "%u", ev->verbs);
	add_fact(ret, "conn", "%s", ev->conn);
	add_fact(ret, "instance", "%d", ev->instance);
	add_fact(ret, "going-away", "%d", ev->going_away);
	add_fact(ret, "template", "%d", ev->tmpl);
	add_fact(ret, "flags", "0x%x", ev->flags);
	add_fact(ret, "mode", "%d", ev->mode);
	add_addr(ret, "me", &ev->me);
	add_addr(ret, "peer", &ev->peer);
	add_range(ret, "local", &ev->sel.local);
	add_range(ret, "remote", &ev->sel.remote);
	add_fact(ret, "proto", "%u", ev->sel.proto);
	add_fact(ret, "lport", "%u-%u", ev->sel.lport.lo, ev->sel.lport.hi);
	add_fact(ret, "rport", "%u-%u", ev->sel.rport.lo, ev->sel.rport.hi);
	add_fact(ret, "icmp", "%d/%d", ev->sel.icmp_type, ev->sel.icmp_code);
	add_fact(ret, "iface", "%s", ev->iface);
	add_fact(ret, "virt", "%s", ev->virt_iface);
	add_fact(ret, "vti", "%s", ev->vti_iface);
	add_fact(ret, "reqid", "%u", ev->reqid);
	add_fact(ret, "ipproto", "%u", ev->ipproto);
	add_fact(ret, "spi", "0x%x,0x%x", ev->spi[0], ev->spi[1]);
	add_mark(ret, "mark-in", &ev->mark_in);
	add_mark(ret, "mark-out", &ev->mark_out);
	add_fact(ret, "if-id", "%u,%u", ev->if_id_in, ev->if_id_out);
	add_fact(ret, "unique", "%u", ev->unique_id);
	add_fact(ret, "encap", "%u", ev->encap_port);
	add_fact(ret, "xauth-failed", "%d", ev->xauth_failed);
	add_fact(ret, "mobike", "%d", ev->mobike_event);
	add_fact(ret, "host-access", "%d", ev->host_access);
	add_fact(ret, "ipcomp", "%d", ev->ipcomp);
	add_fact(ret, "cat", "%d", ev->cat);
	add_fact(ret, "cfg", "%d,%d", ev->cfg_client, ev->cfg_server);
	add_fact(ret, "nflog", "%u", ev->nflog_group);
	add_addr(ret, "next-hop", &ev->next_hop);
	add_addr(ret, "source-ip", &ev->source_ip);
	add_fact(ret, "metric", "%u", ev->metric);
	add_fact(ret, "mtu", "%u", ev->mtu);
	add_mark(ret, "fwmark", &ev->xfrmi_fwmark);
	add_fact(ret, "counters", "%" PRIu64 ",%" PRIu64 ",%" PRIu64,
		 ev->add_time, ev->in_bytes, ev->out_bytes);
	for (i = 0; i < FWH_TEXT_MAX; i++)
		add_fact(ret, text[i], "%s", ev->text[i] ? ev->text[i] : "");
}

/* What b says otherwise than a: " name=value" each. */
static const char *changes(const struct fwh_event *a, const struct fwh_event *b,
			   char *buf, size_t size)
{
	static struct facts before, after;
	size_t i, n = 0;

	describe(a, &before);
	describe(b, &after);
	*buf = '\0';
	for (i = 0; i < after.n; i++) {
		if (!strcmp(before.list[i].value, after.list[i].value))
			continue;
		n += (size_t)snprintf(buf + n, size - n, " %s=%s",
				      after.list[i].name, after.list[i].value);
		assert_true(n < size);
	}
	return buf;
}

/* env_up[dialect] with changes; the caller clears it. */
static struct env env_of(enum fwh_dialect dialect, const char *lines)
{
	struct env env = { .n = 0 };

	env_set_lines(&env, env_up[dialect]);
	env_set_lines(&env, lines);
	return env;
}

static struct fwh_event parsed(const struct env *env)
{
	struct fwh_event ev;
	struct fwh_err err = { .code = 0 };

	if (fwh_event_parse(env->var, &ev, &err))
		fail_msg("%s", err.msg);
	return ev;
}

/* ---- what daemons say --------------------------------------------------- */

/* Nothing but zeros, to compare with. */
static const struct fwh_event nothing;

static void dialects(void **state)
{
	static const char *const expected[FWH_DIALECT_MAX] = {
		[FWH_OPENSWAN] =
			" verb=up-client verbs=4 conn=office me=198.51.100.1"
			" peer=198.51.100.2 local=192.0.1.0/24"
			" remote=192.0.2.0/24 icmp=-1/-1 iface=w0"
			" next-hop=198.51.100.2 my-id=@west peer-id=@east",
		[FWH_LIBRESWAN4] =
			" dialect=1 verb=up-client verbs=4 conn=office"
			" flags=0x40 mode=1 me=198.51.100.1 peer=198.51.100.2"
			" local=192.0.1.0/24 remote=192.0.2.0/24 icmp=-1/-1"
			" iface=w0 reqid=16392 ipproto=50"
			" spi=0x24ab361e,0x5fe90ed4 next-hop=198.51.100.2"
			" my-id=@west peer-id=@east",
		[FWH_LIBRESWAN5] =
			" dialect=2 verb=up-client verbs=4 conn=office"
			" flags=0x40 mode=1 me=198.51.100.1 peer=198.51.100.2"
			" local=192.0.1.0/24 remote=192.0.2.0/24 icmp=-1/-1"
			" iface=w0 reqid=16393 ipproto=50"
			" spi=0x24ab361e,0x5fe90ed4 next-hop=198.51.100.2"
			" my-id=@west peer-id=@east",
		[FWH_STRONGSWAN] =
			" dialect=3 verb=up-client verbs=4 conn=office"
			" me=198.51.100.1 peer=198.51.100.2"
			" local=192.0.1.0/24 remote=192.0.2.0/24 icmp=-1/-1"
			" iface=w0 reqid=1 ipproto=50 unique=1 my-id=west"
			" peer-id=east",
	};
	char text[1024];
	size_t i;

	(void)state;
	for (i = 0; i < FWH_DIALECT_MAX; i++) {
		struct env env = env_of(i, "");
		struct fwh_event ev = parsed(&env);

		assert_string_equal(changes(&nothing, &ev, text, sizeof(text)),
				    expected[i]);
		env_clear(&env);
	}
}

static void verbs(void **state)
{
	static const struct { const char *verb; unsigned int verbs; } rows[] = {
		{ "prepare-host", FWH_PREPARE },
		{ "prepare-client", FWH_PREPARE },
		{ "prepare-host-v6", FWH_PREPARE },
		{ "prepare-client-v6", FWH_PREPARE },
		{ "route-host", FWH_ROUTE },
		{ "route-client", FWH_ROUTE },
		{ "route-host-v6", FWH_ROUTE },
		{ "route-client-v6", FWH_ROUTE },
		{ "up-host", FWH_UP },
		{ "up-client", FWH_UP },
		{ "up-host-v6", FWH_UP },
		{ "up-client-v6", FWH_UP },
		{ "down-host", FWH_DOWN },
		{ "down-client", FWH_DOWN },
		{ "down-host-v6", FWH_DOWN },
		{ "down-client-v6", FWH_DOWN },
		{ "unroute-host", FWH_UNROUTE },
		{ "unroute-client", FWH_UNROUTE },
		{ "unroute-host-v6", FWH_UNROUTE },
		{ "unroute-client-v6", FWH_UNROUTE },
		/* Libreswan 5.4, leftupdown-config=async */
		{ "prepare-route-up", FWH_PREPARE | FWH_ROUTE | FWH_UP },
		{ "prepare-route", FWH_PREPARE | FWH_ROUTE },
		{ "prepare-up", FWH_PREPARE | FWH_UP },
		{ "route-up", FWH_ROUTE | FWH_UP },
		{ "down-unroute", FWH_DOWN | FWH_UNROUTE },
		{ "up", FWH_UP },
		{ "down", FWH_DOWN },
		{ "disconnectNM-host", FWH_VERB_OTHER },
		{ "disconnectNM-client", FWH_VERB_OTHER },
		{ "disconnectNM-client-v6", FWH_VERB_OTHER },
		/* Openswan */
		{ "updateresolvconf-client", FWH_VERB_OTHER },
		{ "updateresolvconf-host-v6", FWH_VERB_OTHER },
		{ "restoreresolvconf-client", FWH_VERB_OTHER },
		{ "restoreresolvconf-client-v6", FWH_VERB_OTHER },
	};
	char line[96];
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(line, sizeof(line), "PLUTO_VERB=%s", rows[i].verb);
		for (j = 0; j < FWH_DIALECT_MAX; j++) {
			struct fwh_event ev = env_event(j, line);

			assert_int_equal(ev.verbs, rows[i].verbs);
			assert_string_equal(ev.verb, rows[i].verb);
		}
	}
}

static void unknown_verbs(void **state)
{
	static const char *const rows[] = {
		"Up-client", "UP-CLIENT", "up_client", "up-clients", "start",
		"client", "host", "-client", "v6", "client-up", "up-client-up",
		"up-client-down", "up-", "up--client", "-up", "up-client-",
		"up client", "up-down", "prepare-unroute", "down-up-client",
		"route-client-v4", "up-client-v6x", "upgrade-client",
		"rekey-client", "'up-client'", "up-client\n", "up-client; id",
		"up-up-up-up-up-up-up-up-up-up-up-up-up-up-up-up-up",
	};
	struct fwh_event ev;
	struct fwh_err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct env env = env_of(FWH_LIBRESWAN4, "");
		char assignment[128];

		snprintf(assignment, sizeof(assignment), "PLUTO_VERB=%s",
			 rows[i]);
		env_set(&env, assignment);
		if (fwh_event_parse(env.var, &ev, &err) != -EOPNOTSUPP)
			fail_msg("taken: %s", rows[i]);
		assert_int_equal(err.code, -EOPNOTSUPP);
		assert_non_null(strstr(err.msg, "PLUTO_VERB="));
		assert_non_null(strstr(err.msg, "expected prepare, route, up"));
		env_clear(&env);
	}
}

/* One change of the environment, what changes of the event. */
static const struct {
	enum fwh_dialect dialect;
	const char *line, *expected;
} variables[] = {
	/* Names and kinds */
	{ FWH_LIBRESWAN4, "PLUTO_CONNECTION=net/1x2", " conn=net/1x2" },
	{ FWH_LIBRESWAN4, "PLUTO_CONNECTION=clear#10.0.0.0/8",
	  " conn=clear#10.0.0.0/8" },
	{ FWH_LIBRESWAN5, "PLUTO_CONNECTION=a b'\"\\$(id)`id`;&|",
	  " conn=a b'\"\\$(id)`id`;&|" },
	{ FWH_STRONGSWAN, "PLUTO_CONNECTION=caf\xc3\xa9", " conn=caf\xc3\xa9" },
	{ FWH_LIBRESWAN4, "PLUTO_CONN_KIND=CK_PERMANENT", "" },
	{ FWH_LIBRESWAN4, "PLUTO_CONN_KIND=CK_INSTANCE", " instance=1" },
	{ FWH_LIBRESWAN4, "PLUTO_CONN_KIND=CK_TEMPLATE", " template=1" },
	{ FWH_LIBRESWAN4, "PLUTO_CONN_KIND=CK_GROUP", " template=1" },
	{ FWH_LIBRESWAN4, "PLUTO_CONN_KIND=CK_GROUPINSTANCE", " template=1" },
	{ FWH_LIBRESWAN4, "PLUTO_CONN_KIND=CK_GOING_AWAY", " going-away=1" },
	{ FWH_LIBRESWAN5, "PLUTO_CONN_KIND=CK_LABELED_TEMPLATE",
	  " template=1" },
	{ FWH_LIBRESWAN5, "PLUTO_CONN_KIND=CK_LABELED_PARENT", "" },
	{ FWH_LIBRESWAN5, "PLUTO_CONN_KIND=CK_LABELED_CHILD", " instance=1" },
	{ FWH_LIBRESWAN4, "PLUTO_CONNECTION_TYPE=transport", " mode=2" },
	{ FWH_LIBRESWAN5, "PLUTO_CONNECTION_TYPE=beet", " mode=3" },
	{ FWH_LIBRESWAN4, "PLUTO_CONNECTION_TYPE", " mode=0" },
	/* Policies */
	{ FWH_LIBRESWAN4, "PLUTO_CONN_POLICY=IKEv2+PSK+ENCRYPT+TUNNEL+PFS+UP+"
	  "MOBIKE+ESN_YES", " flags=0x60" },
	{ FWH_LIBRESWAN4, "PLUTO_CONN_POLICY=PASS+NEVER_NEGOTIATE",
	  " flags=0x3" },
	{ FWH_LIBRESWAN4, "PLUTO_CONN_POLICY=DROP+NEVER_NEGOTIATE",
	  " flags=0x1" },
	{ FWH_LIBRESWAN4, "PLUTO_CONN_POLICY=IKEv2+AUTH_NULL+ENCRYPT+TUNNEL+"
	  "OPPORTUNISTIC+GROUPINSTANCE+NEGO_PASS+failurePASS",
	  " flags=0x1c" },
	{ FWH_LIBRESWAN5, "PLUTO_CONN_POLICY=IKEv2+PSK+ENCRYPT+ROUTE",
	  " flags=0x80" },
	{ FWH_LIBRESWAN5, "PLUTO_CONN_POLICY=failureDROP+NEGO_DROP+UPX+XUP",
	  " flags=0x0" },
	{ FWH_LIBRESWAN5, "PLUTO_CONN_POLICY=", " flags=0x0" },
	{ FWH_LIBRESWAN5, "PLUTO_CONN_POLICY=+", " flags=0x0" },
	{ FWH_OPENSWAN, "PLUTO_CONN_POLICY=PSK+ENCRYPT+COMPRESS+TUNNEL+UP+"
	  "SAREFTRACK", " flags=0x140" },
	/* Addresses */
	{ FWH_LIBRESWAN4, "PLUTO_ME=203.0.113.9", " me=203.0.113.9" },
	{ FWH_LIBRESWAN4, "PLUTO_PEER=203.0.113.9", " peer=203.0.113.9" },
	{ FWH_LIBRESWAN4, "PLUTO_PEER=%any", " peer=0.0.0.0" },
	{ FWH_LIBRESWAN4, "PLUTO_PEER=<invalid>", " peer=0.0.0.0" },
	{ FWH_LIBRESWAN4, "PLUTO_PEER=0.0.0.0", " peer=0.0.0.0" },
	{ FWH_LIBRESWAN4, "PLUTO_ME=2001:db8::1\nPLUTO_PEER=2001:db8::2",
	  " me=2001:db8::1 peer=2001:db8::2" },
	{ FWH_LIBRESWAN4, "PLUTO_ME=2001:db8::1\nPLUTO_PEER=%any",
	  " me=2001:db8::1 peer=::" },
	{ FWH_LIBRESWAN4, "PLUTO_ME=2001:db8::1\nPLUTO_PEER=0.0.0.0",
	  " me=2001:db8::1 peer=0.0.0.0" },
	{ FWH_LIBRESWAN4, "PLUTO_MY_CLIENT=10.1.0.0/16",
	  " local=10.1.0.0/16" },
	{ FWH_LIBRESWAN4, "PLUTO_PEER_CLIENT=0.0.0.0/0", " remote=0.0.0.0/0" },
	{ FWH_LIBRESWAN4, "PLUTO_PEER_CLIENT=10.9.8.7/32",
	  " remote=10.9.8.7/32" },
	{ FWH_LIBRESWAN5, "PLUTO_MY_CLIENT=192.0.1.10-192.0.1.20",
	  " local=192.0.1.10-192.0.1.20" },
	{ FWH_LIBRESWAN5, "PLUTO_MY_CLIENT=2001:db8:1::/64\n"
	  "PLUTO_PEER_CLIENT=::/0", " local=2001:db8:1::/64 remote=::/0" },
	{ FWH_LIBRESWAN4, "PLUTO_NEXT_HOP=203.0.113.9",
	  " next-hop=203.0.113.9" },
	{ FWH_LIBRESWAN4, "PLUTO_NEXT_HOP", " next-hop=0.0.0.0" },
	{ FWH_LIBRESWAN4, "PLUTO_NEXT_HOP=%any", " next-hop=0.0.0.0" },
	{ FWH_LIBRESWAN4, "PLUTO_MY_SOURCEIP=192.0.1.1",
	  " source-ip=192.0.1.1" },
	{ FWH_STRONGSWAN, "PLUTO_MY_SOURCEIP=10.9.8.7\n"
	  "PLUTO_MY_SOURCEIP4_1=10.9.8.7\nPLUTO_DNS4_1=10.0.0.1",
	  " source-ip=10.9.8.7" },
	{ FWH_STRONGSWAN, "PLUTO_MY_SOURCEIP=2001:db8::7\n"
	  "PLUTO_MY_SOURCEIP6_1=2001:db8::7", " source-ip=2001:db8::7" },
	/* Protocols and ports */
	{ FWH_LIBRESWAN4, "PLUTO_MY_PROTOCOL=6\nPLUTO_PEER_PROTOCOL=6\n"
	  "PLUTO_MY_PORT=443", " proto=6 lport=443-443" },
	{ FWH_LIBRESWAN4, "PLUTO_MY_PROTOCOL=17\nPLUTO_PEER_PROTOCOL=17\n"
	  "PLUTO_PEER_PORT=1701", " proto=17 rport=1701-1701" },
	{ FWH_LIBRESWAN4, "PLUTO_MY_PROTOCOL=17\nPLUTO_PEER_PORT=65535",
	  " proto=17 rport=65535-65535" },
	{ FWH_LIBRESWAN4, "PLUTO_PEER_PROTOCOL=132\nPLUTO_MY_PORT=0",
	  " proto=132" },
	{ FWH_LIBRESWAN4, "PLUTO_MY_PROTOCOL=47\nPLUTO_PEER_PROTOCOL=47",
	  " proto=47" },
	{ FWH_LIBRESWAN4, "PLUTO_MY_PROTOCOL=255", " proto=255" },
	{ FWH_STRONGSWAN, "PLUTO_MY_PROTOCOL=6\nPLUTO_PEER_PROTOCOL=6\n"
	  "PLUTO_MY_PORT=8000:8099\nPLUTO_PEER_PORT=1024:65535",
	  " proto=6 lport=8000-8099 rport=1024-65535" },
	{ FWH_STRONGSWAN, "PLUTO_MY_PROTOCOL=6\nPLUTO_MY_PORT=0:65535",
	  " proto=6 lport=0-65535" },
	/* ICMP: type << 8 | code, or strongSwan's two */
	{ FWH_LIBRESWAN4, "PLUTO_MY_PROTOCOL=1\nPLUTO_PEER_PROTOCOL=1",
	  " proto=1" },
	{ FWH_LIBRESWAN4, "PLUTO_MY_PROTOCOL=1\nPLUTO_MY_PORT=2048",
	  " proto=1 icmp=8/0" },
	{ FWH_LIBRESWAN4, "PLUTO_MY_PROTOCOL=1\nPLUTO_PEER_PORT=772",
	  " proto=1 icmp=3/4" },
	{ FWH_LIBRESWAN5, "PLUTO_MY_PROTOCOL=1\nPLUTO_MY_PORT=772\n"
	  "PLUTO_PEER_PORT=772", " proto=1 icmp=3/4" },
	{ FWH_LIBRESWAN5, "PLUTO_MY_PROTOCOL=1\nPLUTO_MY_PORT=4",
	  " proto=1 icmp=0/4" },
	{ FWH_LIBRESWAN5, "PLUTO_MY_CLIENT=::/0\nPLUTO_PEER_CLIENT=::/0\n"
	  "PLUTO_MY_PROTOCOL=58\nPLUTO_PEER_PROTOCOL=58\n"
	  "PLUTO_MY_PORT=34560",
	  " local=::/0 remote=::/0 proto=58 icmp=135/0" },
	{ FWH_STRONGSWAN, "PLUTO_MY_PROTOCOL=1\nPLUTO_PEER_PROTOCOL=1",
	  " proto=1" },
	{ FWH_STRONGSWAN, "PLUTO_MY_PROTOCOL=1\nPLUTO_MY_PORT=8\n"
	  "PLUTO_PEER_PORT=0", " proto=1 icmp=8/0" },
	{ FWH_STRONGSWAN, "PLUTO_MY_PROTOCOL=1\nPLUTO_MY_PORT=3\n"
	  "PLUTO_PEER_PORT=4", " proto=1 icmp=3/4" },
	{ FWH_STRONGSWAN, "PLUTO_MY_PROTOCOL=1\nPLUTO_MY_PORT=0\n"
	  "PLUTO_PEER_PORT=4", " proto=1 icmp=0/4" },
	{ FWH_LIBRESWAN5, "PLUTO_MY_PROTOCOL=58\nPLUTO_MY_PORT=34560",
	  " proto=58" },	/* not in IPv4 */
	{ FWH_STRONGSWAN, "PLUTO_MY_CLIENT=::/0\nPLUTO_PEER_CLIENT=::/0\n"
	  "PLUTO_MY_PROTOCOL=1\nPLUTO_MY_PORT=8",
	  " local=::/0 remote=::/0 proto=1" },
	/* Interfaces */
	{ FWH_LIBRESWAN4, "PLUTO_INTERFACE=eth0:1", " iface=eth0" },
	{ FWH_LIBRESWAN4, "PLUTO_INTERFACE=NULL", " iface=" },
	{ FWH_STRONGSWAN, "PLUTO_INTERFACE=unknown", " iface=" },
	{ FWH_STRONGSWAN, "PLUTO_INTERFACE=unknown:1", " iface=" },
	{ FWH_STRONGSWAN, "PLUTO_INTERFACE", " iface=" },
	{ FWH_LIBRESWAN4, "PLUTO_VIRT_INTERFACE=ipsec1", " virt=ipsec1" },
	{ FWH_LIBRESWAN4, "VTI_IFACE=vti0\nVTI_IP=192.0.3.1/24\n"
	  "VTI_ROUTING=yes\nVTI_SHARED=yes", " vti=vti0" },
	/* SAs */
	{ FWH_LIBRESWAN4, "PLUTO_SA_REQID=0", " reqid=0" },
	{ FWH_LIBRESWAN4, "PLUTO_SA_REQID=4294967295", " reqid=4294967295" },
	{ FWH_LIBRESWAN4, "PLUTO_SA_TYPE=AH", " ipproto=51" },
	{ FWH_LIBRESWAN4, "PLUTO_SA_TYPE=IPCOMP", " ipproto=108" },
	{ FWH_LIBRESWAN4, "PLUTO_SA_TYPE=none\nSPI_IN=0x0\nSPI_OUT=0x0",
	  " ipproto=0 spi=0x0,0x0" },
	{ FWH_LIBRESWAN4, "PLUTO_SA_TYPE=unknown?", " ipproto=0" },
	{ FWH_LIBRESWAN4, "SPI_IN=0xffffffff\nSPI_OUT=1",
	  " spi=0xffffffff,0x1" },
	{ FWH_STRONGSWAN, "PLUTO_REQID=4294967295", " reqid=4294967295" },
	{ FWH_STRONGSWAN, "PLUTO_PROTO=ah", " ipproto=51" },
	{ FWH_STRONGSWAN, "PLUTO_UNIQUEID=77", " unique=77" },
	{ FWH_STRONGSWAN, "PLUTO_UDP_ENC=4500", " encap=4500" },
	{ FWH_STRONGSWAN, "PLUTO_IPCOMP=1", " ipcomp=1" },
	{ FWH_STRONGSWAN, "PLUTO_HOST_ACCESS=1", " host-access=1" },
	{ FWH_STRONGSWAN, "PLUTO_MARK_IN=42/0xffffffff\n"
	  "PLUTO_MARK_OUT=43/0x000000ff",
	  " mark-in=0x2a/0xffffffff mark-out=0x2b/0xff" },
	{ FWH_STRONGSWAN, "PLUTO_IF_ID_IN=7\nPLUTO_IF_ID_OUT=8",
	  " if-id=7,8" },
	{ FWH_LIBRESWAN4, "CONNMARK_IN=5/0xffffffff\n"
	  "CONNMARK_OUT=6/0x000fff",
	  " mark-in=0x5/0xffffffff mark-out=0x6/0xfff" },
	{ FWH_LIBRESWAN4, "PLUTO_XFRMI_FWMARK=1/0xffffffff\n"
	  "PLUTO_XFRMI_ROUTE=yes", " fwmark=0x1/0xffffffff" },
	{ FWH_LIBRESWAN4, "PLUTO_XFRMI_FWMARK=\nPLUTO_XFRMI_ROUTE=yes", "" },
	/* A mark that no packet is compared with is none. */
	{ FWH_LIBRESWAN4, "CONNMARK_IN=5/0", "" },
	/* The rest */
	{ FWH_LIBRESWAN4, "XAUTH_FAILED=1", " xauth-failed=1" },
	{ FWH_LIBRESWAN4, "PLUTO_MOBIKE_EVENT=yes", " mobike=1" },
	{ FWH_LIBRESWAN4, "PLUTO_MOBIKE_EVENT=", "" },
	{ FWH_LIBRESWAN4, "CAT=YES", " cat=1" },
	{ FWH_LIBRESWAN4, "PLUTO_CFG_CLIENT=1", " cfg=1,0" },
	{ FWH_LIBRESWAN4, "PLUTO_CFG_SERVER=1", " cfg=0,1" },
	{ FWH_LIBRESWAN4, "NFLOG=65535", " nflog=65535" },
	{ FWH_LIBRESWAN4, "PLUTO_METRIC=100\nPLUTO_MTU=1400",
	  " metric=100 mtu=1400" },
	{ FWH_LIBRESWAN4, "PLUTO_ADDTIME=1700000000\nPLUTO_INBYTES=1\n"
	  "PLUTO_OUTBYTES=18446744073709551615",
	  " counters=1700000000,1,18446744073709551615" },
	{ FWH_LIBRESWAN5, "PLUTO_DNS_RESOLVER=systemd\nUPDOWN_DEBUG=yes\n"
	  "INTERFACE_IP=192.0.3.1/24\nPLUTO_NM_CONFIGURED=1\n"
	  "PLUTO_IS_PEER_CISCO=1", "" },
	/* Texts */
	{ FWH_LIBRESWAN4, "PLUTO_MY_ID=C=CH, CN=west\n"
	  "PLUTO_PEER_ID=@we$(id)st'`x`;|<>", " my-id=C=CH, CN=west"
	  " peer-id=@we$(id)st'`x`;|<>" },
	{ FWH_LIBRESWAN4, "PLUTO_PEER_CA=O=Example", " peer-ca=O=Example" },
	{ FWH_LIBRESWAN4, "PLUTO_USERNAME=alice", " username=alice" },
	{ FWH_OPENSWAN, "PLUTO_XAUTH_USERNAME=alice", " username=alice" },
	{ FWH_STRONGSWAN, "PLUTO_XAUTH_ID=alice", " username=alice" },
	{ FWH_LIBRESWAN4, "PLUTO_PEER_DNS_INFO=192.0.2.53 2001:db8::53\n"
	  "PLUTO_PEER_DOMAIN_INFO=example.com $(touch${IFS}/x) --opt\n"
	  "PLUTO_PEER_BANNER=() { :; }; id",
	  " dns=192.0.2.53 2001:db8::53"
	  " domains=example.com $(touch${IFS}/x) --opt"
	  " banner=() { :; }; id" },
	{ FWH_OPENSWAN, "PLUTO_CISCO_DNS_INFO=192.0.2.53\n"
	  "PLUTO_CISCO_DOMAIN_INFO=example.com",
	  " dns=192.0.2.53 domains=example.com" },
	{ FWH_LIBRESWAN4, "PLUTO_PEER_ID=\xf0\x9f\x94\x91 \xe2\x82\xac",
	  " peer-id=\xf0\x9f\x94\x91 \xe2\x82\xac" },
};

static void every_variable(void **state)
{
	char text[1024];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(variables); i++) {
		struct env plain = env_of(variables[i].dialect, "");
		struct env env = env_of(variables[i].dialect,
					variables[i].line);
		struct fwh_event a = parsed(&plain), b = parsed(&env);

		changes(&a, &b, text, sizeof(text));
		if (strcmp(text, variables[i].expected) != 0)
			fail_msg("%s:\ngot     %s\nexpected%s",
				 variables[i].line, text,
				 variables[i].expected);
		env_clear(&env);
		env_clear(&plain);
	}
}

/* Which daemon it is shows in what it never leaves out. */
static void finding_the_dialect(void **state)
{
	static const struct {
		enum fwh_dialect from;
		const char *lines;
		enum fwh_dialect expected;
	} rows[] = {
		{ FWH_OPENSWAN, "PLUTO_VERSION=1.0", FWH_OPENSWAN },
		{ FWH_OPENSWAN, "PLUTO_VERSION=1.1", FWH_OPENSWAN },
		{ FWH_STRONGSWAN, "PLUTO_REQID=0", FWH_STRONGSWAN },
		{ FWH_LIBRESWAN5, "PLUTO_CLIENT_FAMILY=ipv6", FWH_LIBRESWAN5 },
		{ FWH_LIBRESWAN5, "PLUTO_CLIENT_FAMILY", FWH_LIBRESWAN4 },
		/* A stray one of another daemon decides nothing. */
		{ FWH_LIBRESWAN4, "PLUTO_UNIQUEID=3", FWH_LIBRESWAN4 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(env_event(rows[i].from, rows[i].lines).dialect,
				 rows[i].expected);
}

/* pluto up to 5.3 hands down its own environment (systemd's, a shell's). */
static void strangers_in_the_environment(void **state)
{
	static const char strangers[] =
		"NOTIFY_SOCKET=/run/systemd/notify\nINVOCATION_ID=x\n"
		"HOME=/root\nIFS= \nLD_PRELOAD=/tmp/x.so\nBASH_ENV=/tmp/x\n"
		"PLUTO_FOO=bar\nPLUTO_VERB_=down-client\nPLUTO=1\n"
		"XPLUTO_VERB=down-client\nVERB=down-client\n"
		"pluto_verb=down-client\nPLUTO_METRICS=x\nMETRIC=9\n"
		"MTU=9\nNFLOG_GROUP=9\nNFLOGS=x\nCATS=YES\nMARK_IN=1/1\n"
		"CONNMARK=1/1\nCONNMARK_INX=x\nSPI=0x1\nSPI_IN2=x\n"
		"PLUTO_MY_CLIENT_NET=nonsense\nPLUTO_MY_CLIENT_MASK=x\n"
		"PLUTO_PEER_CLIENT_NET=y\nPLUTO_PEER_CLIENT_MASK=\n"
		"PLUTO_STACK=$(id)\nPLUTO_CONN_ADDRFAMILY=ipv9\n"
		"VTI_IPS=x\nVTI_ROUTE=x\nVTI=x\nINTERFACE=x\n"
		"PLUTO_DNS_RESOLVER=x\nUPDOWN_DEBUG=x\n"
		"PLUTO_PEER_SOURCEIP=x\nPLUTO_PEER_SOURCEIP4_1=x\n"
		"IPSEC_INIT_SCRIPT_DEBUG=x\nPLUTO_XFRM_ROUTE=x\n";
	size_t i;

	(void)state;
	for (i = 0; i < FWH_DIALECT_MAX; i++) {
		struct env plain = env_of(i, ""), env = env_of(i, strangers);
		struct fwh_event a, b;

		/* Not even assignments. */
		assert_true(env.n + 3 < ENV_MAX);
		env.var[env.n++] = strdup("PLUTO_VERB");
		env.var[env.n++] = strdup("");
		env.var[env.n++] = strdup("=PLUTO_VERB=down-client");
		a = parsed(&plain);
		b = parsed(&env);
		memset(a.text, 0, sizeof(a.text));
		memset(b.text, 0, sizeof(b.text));
		assert_memory_equal(&a, &b, sizeof(a));
		env_clear(&plain);
		env_clear(&env);
	}
}

/* The first of two counts, as for getenv(). */
static void given_twice(void **state)
{
	struct env env = env_of(FWH_LIBRESWAN4, "");

	(void)state;
	env.var[env.n++] = strdup("PLUTO_VERB=down-client");
	env.var[env.n++] = strdup("PLUTO_PEER=nonsense");
	assert_int_equal(parsed(&env).verbs, FWH_UP);
	env_clear(&env);
}

/* ---- what is refused ---------------------------------------------------- */

/* A name, a malformed value of it, what the message shows of the value and
 * says was expected. */
static const struct {
	const char *name, *value, *shown, *expected;
} malformed[] = {
	{ "PLUTO_CONNECTION", "a\nb", "a\\x0ab", "a name of 1 to 1023 bytes" },
	{ "PLUTO_CONNECTION", "a\x7f", "a\\x7f", "a name of 1 to 1023 bytes" },
	{ "PLUTO_CONNECTION", "\x1b[2J", "\\x1b[2J", "without control" },
	{ "PLUTO_CONNECTION", "a\xff", "a\\xff", "UTF-8" },
	{ "PLUTO_CONNECTION", "\xc0\xaf", "\\xc0\\xaf", "UTF-8" },
	{ "PLUTO_CONNECTION", ENV_X1023 "x", "xxx...", "1 to 1023 bytes" },
	{ "PLUTO_CONN_KIND", "CK_", "CK_", "CK_..." },
	{ "PLUTO_CONN_KIND", "ck_instance", "ck_instance", "CK_..." },
	{ "PLUTO_CONN_KIND", "CK_INSTANCE ", "CK_INSTANCE ", "CK_..." },
	{ "PLUTO_CONN_POLICY", "UP+\t", "UP+\\x09", "words joined by +" },
	{ "PLUTO_CONNECTION_TYPE", "Tunnel", "Tunnel", "tunnel or transport" },
	{ "PLUTO_ME", "198.51.100.256", "198.51.100.256", "an IPv4 or IPv6" },
	{ "PLUTO_ME", "%any", "%any", "an IPv4 or IPv6 address" },
	{ "PLUTO_ME", "fe80::1%eth0", "fe80::1%eth0", "an IPv4 or IPv6" },
	{ "PLUTO_PEER", "east.example.com", "east.example.com",
	  "an IPv4 or IPv6 address" },
	{ "PLUTO_PEER", "198.51.100.2;id", "198.51.100.2;id", "an IPv4 or" },
	{ "PLUTO_PEER", "%anyone", "%anyone", "an IPv4 or IPv6 address" },
	{ "PLUTO_MY_CLIENT", "192.0.1.1/24", "192.0.1.1/24",
	  "address/length without host bits, or first-last" },
	{ "PLUTO_MY_CLIENT", "192.0.1.0/33", "192.0.1.0/33", "address/length" },
	{ "PLUTO_MY_CLIENT", "192.0.1.0/-1", "192.0.1.0/-1", "address/length" },
	{ "PLUTO_MY_CLIENT", "2001:db8::/129", "2001:db8::/129",
	  "address/length" },
	{ "PLUTO_PEER_CLIENT", "192.0.2.9-192.0.2.1", "192.0.2.9-192.0.2.1",
	  "first-last" },
	{ "PLUTO_PEER_CLIENT", "192.0.2.1-2001:db8::", "192.0.2.1-2001:db8::",
	  "first-last" },
	{ "PLUTO_PEER_CLIENT", "192.0.2.0/24\n0.0.0.0/0",
	  "192.0.2.0/24\\x0a0.0.0.0/0", "address/length" },
	{ "PLUTO_PEER_CLIENT", "192.0.2.0/24 ", "192.0.2.0/24 ",
	  "address/length" },
	{ "PLUTO_INTERFACE", "eth 0", "eth 0", "an interface name" },
	{ "PLUTO_INTERFACE", "eth+", "eth+", "an interface name" },
	{ "PLUTO_INTERFACE", "../../x", "../../x", "an interface name" },
	{ "PLUTO_INTERFACE", "1234567890123456", "1234567890123456",
	  "an interface name" },
	{ "PLUTO_VIRT_INTERFACE", "ipsec1 -j ACCEPT", "ipsec1 -j ACCEPT",
	  "an interface name" },
	{ "VTI_IFACE", "..", "..", "an interface name" },
	{ "PLUTO_SA_TYPE", "Esp", "Esp", "ESP, AH, IPCOMP or none" },
	{ "PLUTO_SA_TYPE", "50", "50", "ESP, AH, IPCOMP or none" },
	{ "PLUTO_PROTO", "udp", "udp", "esp or ah" },
	{ "PLUTO_SA_REQID", "-1", "-1", "a decimal number" },
	{ "PLUTO_SA_REQID", "4294967296", "4294967296", "a decimal number" },
	{ "PLUTO_SA_REQID", "16392 ", "16392 ", "a decimal number" },
	{ "PLUTO_SA_REQID", "99999999999999999999999999",
	  "99999999999999999999999999", "a decimal number" },
	{ "PLUTO_REQID", "1.0", "1.0", "a decimal number" },
	{ "SPI_IN", "0x", "0x", "an SPI" },
	{ "SPI_IN", "24ab361e", "24ab361e", "an SPI" },
	{ "SPI_OUT", "0x100000000", "0x100000000", "an SPI" },
	{ "CONNMARK_IN", "5/", "5/", "value/mask" },
	{ "CONNMARK_OUT", "-1/0xffffffff", "-1/0xffffffff", "value/mask" },
	{ "PLUTO_MARK_IN", "%unique", "%unique", "value/mask" },
	{ "PLUTO_MARK_OUT", "1/2/3", "1/2/3", "value/mask" },
	{ "PLUTO_XFRMI_FWMARK", "0x1ffffffff", "0x1ffffffff", "value/mask" },
	{ "PLUTO_IF_ID_IN", "ipsec1", "ipsec1", "a decimal number" },
	{ "PLUTO_IF_ID_OUT", "-7", "-7", "a decimal number" },
	{ "PLUTO_UNIQUEID", "one", "one", "a decimal number" },
	{ "PLUTO_UDP_ENC", "65536", "65536", "a port" },
	{ "PLUTO_IPCOMP", "2", "2", "0 or 1" },
	{ "PLUTO_HOST_ACCESS", "maybe", "maybe", "0 or 1" },
	{ "XAUTH_FAILED", "-1", "-1", "0 or 1" },
	{ "XAUTH_FAILED", "01", "01", "0 or 1" },
	{ "PLUTO_MOBIKE_EVENT", "y", "y", "0 or 1" },
	{ "CAT", "cat", "cat", "0 or 1" },
	{ "PLUTO_CFG_CLIENT", "true", "true", "0 or 1" },
	{ "PLUTO_CFG_SERVER", "1 ", "1 ", "0 or 1" },
	{ "NFLOG", "65536", "65536", "a group" },
	{ "NFLOG", "-1", "-1", "a group" },
	{ "PLUTO_NEXT_HOP", "%defaultroute", "%defaultroute",
	  "an IPv4 or IPv6 address" },
	{ "PLUTO_MY_SOURCEIP", "10.0.0.1/32", "10.0.0.1/32",
	  "an IPv4 or IPv6 address" },
	{ "PLUTO_METRIC", "-5", "-5", "a decimal number" },
	{ "PLUTO_MTU", "1400b", "1400b", "a decimal number" },
	{ "PLUTO_ADDTIME", "0x10", "0x10", "a decimal number" },
	{ "PLUTO_INBYTES", "18446744073709551616", "18446744073709551616",
	  "a decimal number" },
	{ "PLUTO_OUTBYTES", "-1", "-1", "a decimal number" },
	{ "PLUTO_MY_PROTOCOL", "256", "256", "a protocol number, 0 to 255" },
	{ "PLUTO_MY_PROTOCOL", "tcp", "tcp", "a protocol number, 0 to 255" },
	{ "PLUTO_PEER_PROTOCOL", "-6", "-6", "a protocol number, 0 to 255" },
	{ "PLUTO_MY_PORT", "65536", "65536", "a port, 0 to 65535, or low:high" },
	{ "PLUTO_MY_PORT", "http", "http", "a port, 0 to 65535" },
	{ "PLUTO_MY_PORT", "2:1", "2:1", "a port, 0 to 65535, or low:high" },
	{ "PLUTO_MY_PORT", "1:", "1:", "a port, 0 to 65535, or low:high" },
	{ "PLUTO_PEER_PORT", ":1", ":1", "a port, 0 to 65535, or low:high" },
	{ "PLUTO_PEER_PORT", "1:2:3", "1:2:3", "a port, 0 to 65535" },
	{ "PLUTO_PEER_PORT", "1-2", "1-2", "a port, 0 to 65535" },
	{ "PLUTO_PEER_PORT", "000000000001:2", "000000000001:2", "a port" },
	{ "PLUTO_MY_ID", "a\nb", "a\\x0ab", "UTF-8 without control" },
	{ "PLUTO_PEER_ID", "\xed\xa0\x80", "\\xed\\xa0\\x80", "UTF-8" },
	{ "PLUTO_PEER_ID", "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80",
	  "UTF-8" },
	{ "PLUTO_PEER_ID", "\xe2\x82", "\\xe2\\x82", "UTF-8" },
	{ "PLUTO_PEER_ID", "\xe0\x80\xaf", "\\xe0\\x80\\xaf", "UTF-8" },
	{ "PLUTO_PEER_CA", "\x80", "\\x80", "UTF-8" },
	{ "PLUTO_USERNAME", "\r", "\\x0d", "UTF-8 without control" },
	{ "PLUTO_XAUTH_USERNAME", "\xf8\x88\x80\x80\x80",
	  "\\xf8\\x88\\x80\\x80\\x80", "UTF-8" },
	{ "PLUTO_XAUTH_ID", "a\x01", "a\\x01", "UTF-8 without control" },
	{ "PLUTO_PEER_DNS_INFO", "\t", "\\x09", "UTF-8 without control" },
	{ "PLUTO_CISCO_DNS_INFO", "\xc3(", "\\xc3(", "UTF-8" },
	{ "PLUTO_PEER_DOMAIN_INFO", "a\x1b]0;x\x07", "a\\x1b]0;x\\x07",
	  "UTF-8 without control" },
	{ "PLUTO_CISCO_DOMAIN_INFO", "\xfe", "\\xfe", "UTF-8" },
	{ "PLUTO_PEER_BANNER", "hello\n", "hello\\x0a", "UTF-8 without" },
};

static bool is_printable(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || (unsigned char)*s >= 0x7f)
			return false;
	return true;
}

/* An environment must be refused with a line that has all of the words, and
 * nothing be given back. */
static void must_fail(const struct env *env, int code,
		      const char *const *words, size_t n)
{
	struct fwh_event ev, untouched;
	struct fwh_err err = { .code = 0 };
	size_t i;
	int got;

	memset(&untouched, 0x5a, sizeof(untouched));
	ev = untouched;
	got = fwh_event_parse(env->var, &ev, &err);
	if (got != code)
		fail_msg("%d instead of %d for %s: %s", got, code, words[0],
			 got ? err.msg : "(taken)");
	assert_memory_equal(&ev, &untouched, sizeof(ev));
	assert_int_equal(err.code, code);
	assert_true(is_printable(err.msg));
	for (i = 0; i < n && words[i]; i++)
		if (!strstr(err.msg, words[i]))
			fail_msg("'%s' is not in: %s", words[i], err.msg);
	assert_int_equal(fwh_event_parse(env->var, &ev, NULL), code);
}

static void malformed_values(void **state)
{
	char assignment[2048], start[128];
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(malformed); i++) {
		const char *words[] = { start, malformed[i].shown,
					": expected ", malformed[i].expected };

		snprintf(assignment, sizeof(assignment), "%s=%s",
			 malformed[i].name, malformed[i].value);
		snprintf(start, sizeof(start), "%s=", malformed[i].name);
		for (j = 0; j < FWH_DIALECT_MAX; j++) {
			struct env env = env_of(j, "");

			env_set(&env, assignment);
			must_fail(&env, -EINVAL, words, ARRAY_SIZE(words));
			env_clear(&env);
		}
	}
}

static void missing_variables(void **state)
{
	static const char *const names[] = {
		"PLUTO_VERB", "PLUTO_CONNECTION", "PLUTO_ME", "PLUTO_PEER",
		"PLUTO_MY_CLIENT", "PLUTO_PEER_CLIENT",
	};
	struct env env = { .n = 0 };
	char missing[64], empty[64];
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		const char *words[] = { missing, "expected", "IKE daemon" };

		snprintf(missing, sizeof(missing), "%s is missing", names[i]);
		snprintf(empty, sizeof(empty), "%s=", names[i]);
		for (j = 0; j < FWH_DIALECT_MAX; j++) {
			env = env_of(j, names[i]);
			must_fail(&env, -ENOENT, words, ARRAY_SIZE(words));
			env_set(&env, empty);
			must_fail(&env, -ENOENT, words, ARRAY_SIZE(words));
			env_clear(&env);
		}
	}
	/* Called by hand. */
	must_fail(&env, -ENOENT, (const char *[]){ "PLUTO_VERB is missing" },
		  1);
}

/* What no variable can say alone. */
static void contradictions(void **state)
{
	static const struct {
		enum fwh_dialect dialect;
		const char *lines, *words[3];
	} rows[] = {
		{ FWH_LIBRESWAN4, "PLUTO_PEER_CLIENT=2001:db8::/64",
		  { "PLUTO_MY_CLIENT=192.0.1.0/24",
		    "PLUTO_PEER_CLIENT=2001:db8::/64", "one address family" } },
		{ FWH_LIBRESWAN4, "PLUTO_PEER=2001:db8::2",
		  { "PLUTO_ME=198.51.100.1", "PLUTO_PEER=2001:db8::2",
		    "one address family" } },
		{ FWH_LIBRESWAN4, "PLUTO_MY_PROTOCOL=6\n"
		  "PLUTO_PEER_PROTOCOL=17",
		  { "PLUTO_MY_PROTOCOL=6", "PLUTO_PEER_PROTOCOL=17",
		    "one protocol" } },
		{ FWH_LIBRESWAN4, "PLUTO_MY_PORT=443",
		  { "PLUTO_MY_PORT=443", "no ports expected with protocol 0" } },
		{ FWH_LIBRESWAN4, "PLUTO_PEER_PROTOCOL=47\n"
		  "PLUTO_PEER_PORT=1", { "PLUTO_PEER_PORT=1", "protocol 47" } },
		{ FWH_STRONGSWAN, "PLUTO_MY_PORT=1:65535",
		  { "PLUTO_MY_PORT=1", "no ports expected" } },
		{ FWH_LIBRESWAN4, "PLUTO_MY_PROTOCOL=1\nPLUTO_MY_PORT=2048\n"
		  "PLUTO_PEER_PORT=772",
		  { "PLUTO_MY_PORT=2048", "PLUTO_PEER_PORT=772",
		    "one ICMP type and code" } },
		{ FWH_LIBRESWAN4, "PLUTO_MY_PROTOCOL=1\n"
		  "PLUTO_MY_PORT=2048:2049", { "ICMP type", "not a range" } },
		{ FWH_STRONGSWAN, "PLUTO_MY_PROTOCOL=58\n"
		  "PLUTO_PEER_PORT=0:65535", { "ICMP type", "not a range" } },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct env env = env_of(rows[i].dialect, rows[i].lines);

		must_fail(&env, -EINVAL, rows[i].words,
			  ARRAY_SIZE(rows[i].words));
		env_clear(&env);
	}
}

/* Every name that is known, and a few that are not, with values of 64 KiB and
 * values that tear at shells and terminals: refused or taken, but neither a
 * crash nor more than a line that anybody can print. */
static void hostile_values(void **state)
{
	static const char *const more_names[] = {
		"PLUTO_VERB", "PLUTO_VERSION", "PLUTO_CLIENT_FAMILY",
		"PLUTO_STACK", "PLUTO_FOO", "VTI_IP", "PATH",
	};
	static const char *const values[] = {
		"'", "\"", "\\", "$(reboot)", "`reboot`", "() { :; }; reboot",
		"\n", "a\nPLUTO_VERB=down-client\nb", "\r\n", "%s%n%s%n", "\x1b[2J",
		"\x01\x02\x03", "\xff\xfe\xfd", "\xc0\x80", "-1", "+1", " 1",
		"18446744073709551616", "-9223372036854775809", "1e9", "0x",
		"NaN", "/", "-", ":", "+", "0.0.0.0/33", "::/129", "1-", "-1-",
		"*", "~root", "|id", ";id", "&", "<x", ">x", "#", "!!",
		"--help", "-j ACCEPT",
	};
	size_t size = 65536, i, j;
	fwh_autofree char *text = malloc(size + 64);
	char last[64] = "";

	(void)state;
	assert_non_null(text);
	for (i = 0; i < ARRAY_SIZE(malformed) + ARRAY_SIZE(more_names); i++) {
		const char *name = i < ARRAY_SIZE(malformed) ?
			malformed[i].name :
			more_names[i - ARRAY_SIZE(malformed)];
		size_t n = strlen(name) + 1;

		if (!strcmp(name, last))
			continue;
		snprintf(last, sizeof(last), "%s", name);
		for (j = 0; j < ARRAY_SIZE(values) + 3; j++) {
			struct env env = env_of(j % FWH_DIALECT_MAX, "");
			struct fwh_event ev;
			struct fwh_err err = { .code = 0 };
			int code;

			snprintf(text, size, "%s=", name);
			if (j < ARRAY_SIZE(values)) {
				strcpy(text + n, values[j]);
			} else {
				memset(text + n, "1x\xff"[j % 3], size);
				text[n + size] = '\0';
			}
			env_set(&env, text);
			code = fwh_event_parse(env.var, &ev, &err);
			if (code) {
				assert_int_equal(err.code, code);
				assert_true(is_printable(err.msg));
				assert_true(strlen(err.msg) < 400);
				assert_non_null(strstr(err.msg, name));
			} else {
				assert_null(strpbrk(ev.conn, "\n\r\x1b\x7f"));
			}
			env_clear(&env);
		}
	}
}

/* ---- instance identity -------------------------------------------------- */

static struct fwh_key key_of(enum fwh_dialect dialect, const char *lines)
{
	struct fwh_event ev = env_event(dialect, lines);
	struct fwh_key key;

	fwh_event_key(&ev, &key);
	return key;
}

/* What changes under a living connection must not make another of it. */
static void same_instance(void **state)
{
	static const struct { enum fwh_dialect dialect; const char *lines; }
	rows[] = {
		{ FWH_LIBRESWAN4, "PLUTO_PEER=203.0.113.5" },
		{ FWH_LIBRESWAN4, "PLUTO_ME=203.0.113.5" },
		{ FWH_LIBRESWAN4, "PLUTO_ME=2001:db8::1\nPLUTO_PEER=2001:db8::2" },
		{ FWH_LIBRESWAN4, "PLUTO_INTERFACE=wlan0" },
		{ FWH_LIBRESWAN4, "PLUTO_INTERFACE=NULL" },
		{ FWH_LIBRESWAN4, "PLUTO_NEXT_HOP=203.0.113.1" },
		{ FWH_LIBRESWAN4, "PLUTO_CONN_KIND=CK_GOING_AWAY" },
		{ FWH_LIBRESWAN4, "PLUTO_CONN_KIND=CK_INSTANCE" },
		{ FWH_LIBRESWAN4, "PLUTO_CONN_POLICY=IKEv2+PSK" },
		{ FWH_LIBRESWAN4, "PLUTO_SA_REQID=17000" },
		{ FWH_LIBRESWAN4, "PLUTO_SA_TYPE=none\nSPI_IN=0x0\nSPI_OUT=0x0" },
		{ FWH_LIBRESWAN4, "SPI_IN=0x1\nSPI_OUT=0x2" },
		{ FWH_LIBRESWAN4, "PLUTO_VERB=down-client" },
		{ FWH_LIBRESWAN4, "PLUTO_VERB=unroute-client-v6" },
		{ FWH_LIBRESWAN4, "PLUTO_ADDTIME=5\nPLUTO_INBYTES=7" },
		{ FWH_LIBRESWAN4, "PLUTO_PEER_ID=@other" },
		{ FWH_LIBRESWAN4, "PLUTO_USERNAME=mallory" },
		{ FWH_LIBRESWAN4, "PLUTO_MY_SOURCEIP=192.0.1.1" },
		{ FWH_LIBRESWAN4, "CONNMARK_IN=5/0xffffffff" },
		{ FWH_LIBRESWAN4, "PLUTO_MY_CLIENT=192.0.1.0-192.0.1.255" },
		{ FWH_LIBRESWAN5, "" },		/* after an upgrade */
		{ FWH_STRONGSWAN, "" },
		{ FWH_STRONGSWAN, "PLUTO_UNIQUEID=3" },
		{ FWH_STRONGSWAN, "PLUTO_REQID=9" },
	};
	struct fwh_key plain = key_of(FWH_LIBRESWAN4, "");
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fwh_key key = key_of(rows[i].dialect, rows[i].lines);

		if (memcmp(&key, &plain, sizeof(key)) != 0)
			fail_msg("another by %s: %s", rows[i].lines, key.text);
	}
}

/* What makes another connection, all of them different. */
static void other_instances(void **state)
{
	static const char *const rows[] = {
		"",
		"PLUTO_CONNECTION=office2",
		"PLUTO_CONNECTION=Office",
		"PLUTO_CONNECTION=office ",
		"PLUTO_CONNECTION=0 office",
		"PLUTO_CONNECTION=office/1x1",
		"PLUTO_CONNECTION=office/1x2",
		"PLUTO_MY_CLIENT=192.0.3.0/24",
		"PLUTO_MY_CLIENT=192.0.1.0/25",
		"PLUTO_MY_CLIENT=192.0.1.0-192.0.1.254",
		"PLUTO_PEER_CLIENT=10.9.8.7/32",
		"PLUTO_PEER_CLIENT=10.9.8.8/32",
		"PLUTO_PEER_CLIENT=0.0.0.0/0",
		"PLUTO_MY_CLIENT=192.0.2.0/24\nPLUTO_PEER_CLIENT=192.0.1.0/24",
		("PLUTO_MY_CLIENT=2001:db8:1::/64\n"
		 "PLUTO_PEER_CLIENT=2001:db8:2::/64"),
		"PLUTO_MY_PROTOCOL=6\nPLUTO_PEER_PROTOCOL=6",
		"PLUTO_MY_PROTOCOL=17\nPLUTO_PEER_PROTOCOL=17",
		"PLUTO_MY_PROTOCOL=6\nPLUTO_MY_PORT=443",
		"PLUTO_MY_PROTOCOL=6\nPLUTO_PEER_PORT=443",
		"PLUTO_MY_PROTOCOL=6\nPLUTO_MY_PORT=443\nPLUTO_PEER_PORT=443",
		"PLUTO_MY_PROTOCOL=6\nPLUTO_MY_PORT=400:443",
		"PLUTO_MY_PROTOCOL=1",
		"PLUTO_MY_PROTOCOL=1\nPLUTO_MY_PORT=2048",
		"PLUTO_MY_PROTOCOL=1\nPLUTO_MY_PORT=2049",
		"PLUTO_IF_ID_IN=7",
		"PLUTO_IF_ID_IN=8",
		/* The longest text, and names that differ behind a comment's end. */
		ENV_LONGEST,
		ENV_LONGEST "\nPLUTO_CONNECTION=" ENV_X255 "1",
		ENV_LONGEST "\nPLUTO_CONNECTION=" ENV_X255 "2",
	};
	struct fwh_key keys[ARRAY_SIZE(rows)];
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		keys[i] = key_of(FWH_LIBRESWAN4, rows[i]);
		for (j = 0; j < i; j++) {
			if (!strcmp(keys[i].text, keys[j].text) ||
			    !strcmp(keys[i].hash, keys[j].hash) ||
			    keys[i].lock == keys[j].lock)
				fail_msg("%s and %s are one: %s", rows[i],
					 rows[j], keys[i].text);
		}
	}
}

/* The parts of a key name chains and files. */
static void key_parts(void **state)
{
	static const struct { const char *conn, *stem; } rows[] = {
		{ "office", "office" },
		{ "a", "a" },
		{ "twelve-chars", "twelve_char" },
		{ "net/1x2", "net_1x2" },
		{ "clear#10.0.0.0/8", "clear_10.0." },
		{ "a b;c|d", "a_b_c_d" },
		{ "caf\xc3\xa9", "caf__" },
		{ "../../etc", "_._.._etc" },
		{ ".hidden", "_hidden" },
		{ "..", "_." },
		{ "-j", "_j" },
		{ "%d%s%n", "_d_s_n" },
	};
	static const char digits[] = "abcdefghijkmnpqrstuvwxyz23456789";
	struct fwh_key key;
	char line[64];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(line, sizeof(line), "PLUTO_CONNECTION=%s",
			 rows[i].conn);
		key = key_of(FWH_LIBRESWAN4, line);
		assert_string_equal(key.conn, rows[i].conn);
		/* A record's file is not hidden nor in another folder. */
		assert_string_equal(key.stem, rows[i].stem);
		assert_int_not_equal(key.stem[0], '.');
		assert_null(strchr(key.stem, '/'));
		assert_int_equal(strlen(key.hash), 8);
		assert_int_equal(strspn(key.hash, digits), 8);
		assert_true(key.lock < (uint64_t)1 << 40);
		assert_non_null(strstr(key.text, rows[i].conn));
	}
}

/* Chain names stay what they are: rules of an older version of the helper
 * must be found by their names. */
static void key_is_stable(void **state)
{
	struct fwh_key key = key_of(FWH_LIBRESWAN4, "");

	(void)state;
	assert_string_equal(key.text, "192.0.1.0/24 192.0.2.0/24 0 0:0 0:0 "
			    "-1/-1 0 office");
	assert_string_equal(key.stem, "office");
	assert_string_equal(key.hash, "6ingsxzv");
}

/* ---- write and read again ----------------------------------------------- */

static void round_trip_of(const struct fwh_event *ev)
{
	struct env env = { .n = 0 };
	struct fwh_event expected = *ev, again;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	char shown[1024];
	struct fwh_key a, b;

	assert_non_null(f);
	assert_int_equal(fwh_event_write(ev, f), 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(text[size - 1], '\n');
	env_set_lines(&env, text);
	again = parsed(&env);
	/* Not written: texts, and counters that every call has anew. */
	memset(expected.text, 0, sizeof(expected.text));
	expected.add_time = expected.in_bytes = expected.out_bytes = 0;
	memset(again.text, 0, sizeof(again.text));
	if (memcmp(&expected, &again, sizeof(again)) != 0)
		fail_msg("%s became%s", text,
			 changes(&expected, &again, shown, sizeof(shown)));
	fwh_event_key(ev, &a);
	fwh_event_key(&again, &b);
	assert_memory_equal(&a, &b, sizeof(a));
	env_clear(&env);
	free(text);
}

static void round_trips(void **state)
{
	static const char *const more[] = {
		"PLUTO_VERB=prepare-route-up",
		"PLUTO_VERB=down-client-v6\nPLUTO_CONN_KIND=CK_GOING_AWAY",
		"PLUTO_NEXT_HOP=::",
		"PLUTO_MY_SOURCEIP=::",
		"PLUTO_MY_SOURCEIP=0.0.0.0",
		ENV_LONGEST,
		"PLUTO_CONNECTION==a=b=",
		"PLUTO_CONNECTION= ",
		"CONNMARK_IN=0xffffffff/0xffffffff\nCONNMARK_OUT=0/1",
		("PLUTO_MY_CLIENT=1111:1111:1111:1111:1111:1111:1111:1111-"
		 "2222:2222:2222:2222:2222:2222:2222:2222\n"
		 "PLUTO_PEER_CLIENT=::/0"),
	};
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(variables); i++) {
		struct env env = env_of(variables[i].dialect,
					variables[i].line);
		struct fwh_event ev = parsed(&env);

		round_trip_of(&ev);
		env_clear(&env);
	}
	for (i = 0; i < ARRAY_SIZE(more); i++) {
		for (j = 0; j < FWH_DIALECT_MAX; j++) {
			struct fwh_event ev = env_event(j, more[i]);

			round_trip_of(&ev);
		}
	}
}

static void write_fails(void **state)
{
	struct fwh_event ev = env_event(FWH_LIBRESWAN4, "");
	FILE *f = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(f);
	setvbuf(f, NULL, _IONBF, 0);
	assert_int_equal(fwh_event_write(&ev, f), -EIO);
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dialects),
		cmocka_unit_test(verbs),
		cmocka_unit_test(unknown_verbs),
		cmocka_unit_test(every_variable),
		cmocka_unit_test(finding_the_dialect),
		cmocka_unit_test(strangers_in_the_environment),
		cmocka_unit_test(given_twice),
		cmocka_unit_test(malformed_values),
		cmocka_unit_test(missing_variables),
		cmocka_unit_test(contradictions),
		cmocka_unit_test(hostile_values),
		cmocka_unit_test(same_instance),
		cmocka_unit_test(other_instances),
		cmocka_unit_test(key_parts),
		cmocka_unit_test(key_is_stable),
		cmocka_unit_test(round_trips),
		cmocka_unit_test(write_fails),
	};

	return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
