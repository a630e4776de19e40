// SPDX-License-Identifier: GPL-2.0-or-later
/* test_config.c - INI files: every key, precedence, and what is refused. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "config_keys.h"
#include "internal.h"

/* ---- a folder for the files of a test --------------------------------------- */

static char folder[64], main_file[96], conf_d[96];

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/test_config.XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(main_file, sizeof(main_file), "%s/main.conf", folder);
	snprintf(conf_d, sizeof(conf_d), "%s/conf.d", folder);
	return 0;
}

static void remove_all(const char *pattern)
{
	char path[160];
	glob_t g;
	size_t i;

	snprintf(path, sizeof(path), "%s/%s", folder, pattern);
	if (glob(path, GLOB_PERIOD, NULL, &g))
		return;
	for (i = 0; i < g.gl_pathc; i++)
		if (unlink(g.gl_pathv[i]))
			rmdir(g.gl_pathv[i]);
	globfree(&g);
}

static int remove_folder(void **state)
{
	(void)state;
	remove_all("conf.d/*");
	remove_all("*");
	return rmdir(folder);
}

static void write_file_n(const char *path, const void *text, size_t n)
{
	fwh_autofd fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			     0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), (ssize_t)n);
}

static void write_file(const char *path, const char *text)
{
	write_file_n(path, text, strlen(text));
}

static void write_conf_d(const char *name, const char *text)
{
	char path[256];

	mkdir(conf_d, 0700);
	snprintf(path, sizeof(path), "%s/%s", conf_d, name);
	write_file(path, text);
}

/* ---- loading ------------------------------------------------------------------ */

static struct fwh_config *load(void)
{
	struct fwh_config *config = NULL;
	struct fwh_err err = { .code = 0 };

	if (fwh_config_load(main_file, conf_d, &config, &err))
		fail_msg("%s", err.msg);
	return config;
}

static struct fwh_settings settings_of(const char *conn)
{
	struct fwh_config *config = load();
	struct fwh_settings settings;

	fwh_config_resolve(config, conn, &settings);
	fwh_config_free(config);
	return settings;
}

/* A load must fail with code, say all of the words, and give nothing back. */
static void must_fail(int code, const char *const *words, size_t n)
{
	struct fwh_config *untouched = (struct fwh_config *)&untouched;
	struct fwh_config *config = untouched;
	struct fwh_err err = { .code = 0 };
	int got = fwh_config_load(main_file, conf_d, &config, &err);
	size_t i;

	if (!got)
		fwh_config_free(config);
	if (got != code)
		fail_msg("%d instead of %d: %s", got, code,
			 got ? err.msg : "(loaded)");
	assert_ptr_equal(config, untouched);
	assert_int_equal(err.code, code);
	for (i = 0; i < n && words[i]; i++)
		if (!strstr(err.msg, words[i]))
			fail_msg("'%s' is not in: %s", words[i], err.msg);
	assert_null(strpbrk(err.msg, "\n\t\x1b"));
	/* Nobody has to want the explanation. */
	assert_int_equal(fwh_config_load(main_file, conf_d, &config, NULL),
			 code);
}

static void refused(const char *word)
{
	must_fail(-EINVAL, &word, 1);
}

/* ---- every key ------------------------------------------------------------------- */

/* The settings as one line, only what differs from the built-in ones. */
static const char *describe(const struct fwh_settings *s, char *buf,
			    size_t size)
{
	FILE *f = fmemopen(buf, size, "w");
	const struct fwh_services *lists[] = { &s->accept_in, &s->accept_out };
	const struct fwh_ranges *ranges[] = {
		&s->guard_exempt, &s->guard_local, &s->guard_remote
	};
	static const char *const range_name[] = { "exempt", "local", "remote" };
	char text[FWH_RANGE_STRLEN];
	size_t i, j;

	assert_non_null(f);
	*buf = '\0';		/* it may be that nothing gets written */
	if (s->mark_off)
		fputs(" mark=off", f);
	if (!s->mark_auto && !s->mark_off)
		fprintf(f, " mark=0x%x/0x%x", s->mark.value, s->mark.mask);
	if (s->mark_esp)
		fputs(" esp", f);
	if (s->connmark)
		fputs(" connmark", f);
	if (!s->accept_forward)
		fputs(" -forward", f);
	if (!s->accept_local)
		fputs(" -local", f);
	if (s->accept_xauth_failed)
		fputs(" xauth-failed", f);
	for (i = 0; i < 2; i++)
		for (j = 0; j < lists[i]->n; j++)
			fprintf(f, " %s:%u/%u-%u", i ? "out" : "in",
				lists[i]->list[j].proto,
				lists[i]->list[j].port.lo,
				lists[i]->list[j].port.hi);
	if (s->guard != FWH_GUARD_AUTO)
		fprintf(f, " guard=%s", s->guard == FWH_GUARD_UP ? "up" :
			s->guard == FWH_GUARD_OFF ? "off" : "armed");
	for (i = 0; i < 3; i++)
		for (j = 0; j < ranges[i]->n; j++)
			fprintf(f, " %s:%s", range_name[i],
				fwh_range_format(&ranges[i]->list[j], text));
	if (s->guard_both)
		fputs(" both", f);
	if (s->reject)
		fputs(" reject", f);
	if (!s->nat_exempt)
		fputs(" -nat-exempt", f);
	if (s->mss_clamp)
		fputs(" clamp", f);
	if (s->mss)
		fprintf(f, " mss=%u", s->mss);
	if (s->open_ike)
		fputs(" open-ike", f);
	for (i = 0; i < FWH_TCP_ENCAP_MAX && s->tcp_encap[i]; i++)
		fprintf(f, " tcp:%u", s->tcp_encap[i]);
	if (s->log)
		fprintf(f, " log=%s", s->log == FWH_LOG_KERNEL ? "LOG" :
							    "NFLOG");
	if (s->log_group)
		fprintf(f, " group=%u", s->log_group);
	if (strcmp(s->log_prefix, "ipsec-fw ") != 0)
		fprintf(f, " prefix='%s'", s->log_prefix);
	if (s->log_rate != 10)
		fprintf(f, " rate=%u", s->log_rate);
	if (s->nflog != FWH_INSTEAD_AUTO)
		fprintf(f, " nflog=%s", s->nflog == FWH_INSTEAD_YES ? "yes" :
								     "no");
	if (s->policy_mark)
		fputs(" policy-mark", f);
	if (!s->hold)
		fputs(" fail", f);
	if (!s->chain_auto)
		fprintf(f, " chain='%s'", s->chain_path);
	if (s->updown != FWH_UPDOWN_AUTO)
		fprintf(f, " updown=%s", s->updown == FWH_UPDOWN_NATIVE ?
			"native" : s->updown == FWH_UPDOWN_CHAIN ? "chain" :
			"off");
	if (s->route_always)
		fputs(" route", f);
	if (!s->proxy_arp)
		fputs(" -proxy-arp", f);
	if (s->dns != FWH_DNS_AUTO)
		fprintf(f, " dns=%d", (int)s->dns);
	fclose(f);
	return buf;
}

static void expect_settings(const char *conn, const char *expected)
{
	struct fwh_settings settings = settings_of(conn);
	char text[1024];

	assert_string_equal(describe(&settings, text, sizeof(text)), expected);
}

#define P28 "1234567890123456789012345678"

static void good_values(void **state)
{
	static const struct { const char *line, *expected; } rows[] = {
		{ "", "" },
		{ "mark = auto", "" },
		{ "mark = off", " mark=off" },
		{ "mark = 0x10000/0xff0000", " mark=0x10000/0xff0000" },
		{ "mark = 16/0xF0", " mark=0x10/0xf0" },
		{ "mark = 7", " mark=0x7/0xffffffff" },
		{ "mark = 0xffffffff/0xffffffff", " mark=0xffffffff/0xffffffff" },
		{ "mark-source = policy", "" },
		{ "mark-source = esp", " esp" },
		{ "connmark = yes", " connmark" },
		{ "connmark = true", " connmark" },
		{ "connmark = on", " connmark" },
		{ "connmark = YES", " connmark" },
		{ "connmark = no", "" },
		{ "connmark = false", "" },
		{ "connmark = off", "" },
		{ "connmark=yes", " connmark" },
		{ "connmark   =   yes   ", " connmark" },
		{ "connmark = yes ; because", " connmark" },
		{ "accept = forward, local", "" },
		{ "accept = local,forward", "" },
		{ "accept = forward", " -local" },
		{ "accept = local", " -forward" },
		{ "accept = none", " -forward -local" },
		{ "accept-in = tcp/443", " in:6/443-443" },
		{ "accept-in = TCP/443", " in:6/443-443" },
		{ "accept-in = tcp/1-65535", " in:6/1-65535" },
		{ "accept-in = udp/60000-61000", " in:17/60000-61000" },
		{ "accept-in = 6/22, 47", " in:6/22-22 in:47/0-0" },
		{ "accept-in = icmp,gre,  esp, ah",
		  " in:1/0-0 in:47/0-0 in:50/0-0 in:51/0-0" },
		{ "accept-in = icmpv6, ipv6-icmp", " in:58/0-0 in:58/0-0" },
		{ "accept-in = sctp/1, dccp/2, udplite/3, ipip, ospf",
		  " in:132/1-1 in:33/2-2 in:136/3-3 in:4/0-0 in:89/0-0" },
		{ "accept-in = tcp", " in:6/0-0" },
		{ "accept-in = 255", " in:255/0-0" },
		{ "accept-in = all", "" },
		{ "accept-in = tcp/1,", " in:6/1-1" },
		{ "accept-in = tcp/1\naccept-in = tcp/2",
		  " in:6/1-1 in:6/2-2" },
		{ "accept-in = tcp/1,\n  tcp/2,\n\ttcp/3",
		  " in:6/1-1 in:6/2-2 in:6/3-3" },
		{ "accept-in = tcp/1 ; one = 1\n  tcp/2 ; two = 2\n# 3\n  ; 4\n"
		  "  # 5\n\n \n  tcp/6",
		  " in:6/1-1 in:6/2-2 in:6/6-6" },
		{ "accept-in = tcp/1\naccept-in = all", "" },
		{ "accept-in = all\naccept-in = tcp/1", " in:6/1-1" },
		{ "accept-out = udp/53, icmp", " out:17/53-53 out:1/0-0" },
		{ "accept-xauth-failed = yes", " xauth-failed" },
		{ "guard = auto", "" },
		{ "guard = armed", " guard=armed" },
		{ "guard = up", " guard=up" },
		{ "guard = off", " guard=off" },
		{ "guard-exempt = 10.0.0.0/8, 2001:db8::1-2001:db8::9",
		  " exempt:10.0.0.0/8 exempt:2001:db8::1-2001:db8::9" },
		{ "guard-exempt = 10.0.0.1\nguard-exempt = 10.0.0.2",
		  " exempt:10.0.0.1/32 exempt:10.0.0.2/32" },
		{ "guard-exempt = 10.0.0.1,\n  10.0.0.2\nguard-exempt = none", "" },
		{ "guard-families = both", " both" },
		{ "guard-families = own", "" },
		{ "reject = yes", " reject" },
		{ "updown = auto", "" }, { "updown = NATIVE", " updown=native" },
		{ "updown = chain", " updown=chain" },
		{ "updown = off", " updown=off" },
		{ "route = needed", "" }, { "route = always", " route" },
		{ "proxy-arp = yes", "" }, { "proxy-arp = no", " -proxy-arp" },
		{ "dns = auto", "" }, { "dns = off", " dns=0" },
		{ "dns = resolved", " dns=1" }, { "dns = unbound", " dns=2" },
		{ "dns = resolvconf", " dns=3" }, { "dns = file", " dns=4" },
		{ "nat-exempt = no", " -nat-exempt" },
		{ "mss = clamp", " clamp" },
		{ "mss = 536", " mss=536" },
		{ "mss = 65495", " mss=65495" },
		{ "mss = off", "" },
		{ "open-ike = yes", " open-ike" },
		/* Neighbours in the struct keep out of each other's way. */
		{ "open-ike = yes\nmss = clamp", " clamp open-ike" },
		{ "open-ike = yes\nmss = 1300", " mss=1300 open-ike" },
		{ "mss = off\nopen-ike = yes", " open-ike" },
		{ "tcp-encap = 4500", " tcp:4500" },
		{ "tcp-encap = 1,2, 3 ,4", " tcp:1 tcp:2 tcp:3 tcp:4" },
		{ "tcp-encap = off", "" },
		{ "log = off", "" },
		{ "log = LOG", " log=LOG" },
		{ "log = NFLOG\nlog-group = 65535", " log=NFLOG group=65535" },
		{ "log-group = 0", "" },
		{ "log-prefix = x", " prefix='x '" },
		{ "log-prefix = a b;c#d=e", " prefix='a b;c#d=e '" },
		{ "log-prefix = " P28, " prefix='" P28 " '" },
		{ "log-rate = 1", " rate=1" },
		{ "log-rate = 600000", " rate=600000" },
		{ "nflog = auto", "" },
		{ "nflog = yes", " nflog=yes" },
		{ "nflog = No", " nflog=no" },
		{ "policy-mark = yes", " policy-mark" },
		{ "policy-mark = no", "" },
		{ "on-error = hold", "" },
		{ "on-error = fail", " fail" },
		{ "chain-updown = auto", "" },
		{ "chain-updown = off", " chain=''" },
		{ "chain-updown = /usr/libexec/ipsec/_updown",
		  " chain='/usr/libexec/ipsec/_updown'" },
		/* Indented as in ipsec.conf. */
		{ "\tmark = off\n\treject = yes", " mark=off reject" },
		{ "mark = off\n\treject = yes\n  log = LOG",
		  " mark=off reject log=LOG" },
	};
	static const char *const sections[] = {
		"[default]\n", "[conn x]\n", "[conn *]\n",
		"[default]\ntemplate = t\n[template t]\n",
		"[conn x]\ntemplate = t\n[template t]\n",
		"  [conn x]  # comment\n", "[ conn   x ] ; comment\n",
	};
	char text[1024];
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		for (j = 0; j < ARRAY_SIZE(sections); j++) {
			snprintf(text, sizeof(text), "%s%s\n", sections[j],
				 rows[i].line);
			write_file(main_file, text);
			expect_settings("x", rows[i].expected);
		}
	}
}

static void bad_values(void **state)
{
	/* All in the third line; "FILE:3:" is looked for as well. */
	static const struct { const char *line, *words[3]; } rows[] = {
		{ "mark", { "expected KEY = VALUE" } },
		{ "mark : off", { "expected KEY = VALUE", "'='" } },
		{ "mark:off = 1", { "expected KEY = VALUE" } },
		{ "mark =", { "mark has no value" } },
		{ "mark = yes", { "mark = yes", "auto, off or VALUE/MASK" } },
		{ "mark = aut", { "did you mean 'auto'" } },
		{ "mark = 0x100/0xff", { "outside the mask" } },
		{ "mark = 1/0", { "mask is 0" } },
		{ "mark = 0/0xff", { "value is 0" } },
		{ "mark = 0", { "value is 0" } },
		{ "mark = -1/0xff", { "mark = -1/0xff" } },
		{ "mark = 1/", { "VALUE/MASK" } },
		{ "mark = /1", { "VALUE/MASK" } },
		{ "mark = 1/2/3", { "VALUE/MASK" } },
		{ "mark = 0x1ffffffff", { "VALUE/MASK" } },
		{ "mark = 0x", { "VALUE/MASK" } },
		{ "mark = 1x", { "VALUE/MASK" } },
		{ "mark-source = sep", { "did you mean 'esp'" } },
		{ "connmark = maybe", { "expected yes or no" } },
		{ "connmark = 1", { "expected yes or no" } },
		{ "connmark = yess", { "did you mean 'yes'" } },
		{ "connmark = yes # because", { "expected yes or no" } },
		{ "accept = forwrad", { "did you mean 'forward'" } },
		{ "accept = forward, loca", { "accept = loca:",
					      "did you mean 'local'" } },
		{ "accept = none, local", { "accept = none" } },
		{ "accept = forward,,local", { "nothing between" } },
		{ "accept =", { "no value" } },
		{ "accept-in =", { "no value" } },
		{ "accept-in = ,", { "nothing between" } },
		{ "accept-in = tpc/443", { "accept-in = tpc/443",
					   "not a protocol",
					   "did you mean 'tcp'" } },
		{ "accept-in = icm", { "did you mean 'icmp'" } },
		{ "accept-in = 0", { "not a protocol" } },
		{ "accept-in = 256", { "not a protocol" } },
		{ "accept-in = 443/tcp", { "not a protocol" } },
		{ "accept-in = tcp/", { "no such port" } },
		{ "accept-in = tcp/0", { "not a port" } },
		{ "accept-in = tcp/65536", { "not a port" } },
		{ "accept-in = tcp/1-0", { "not a port" } },
		{ "accept-in = tcp/1-", { "no such port" } },
		{ "accept-in = tcp/2-1", { "swapped" } },
		{ "accept-in = tcp/-1", { "no such port" } },
		{ "accept-in = tcp/no-such-service", { "no such port" } },
		{ "accept-in = icmp/8", { "only tcp, udp" } },
		{ "accept-in = gre/1", { "only tcp, udp" } },
		{ "accept-in = tcp/1, all", { "accept-in = all" } },
		{ "accept-in = tcp/1 udp/2", { "accept-in" } },
		{ "accept-in = 1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
		  "1,1,1,1,1,1,1,1,1,1", { "more than 32" } },
		{ "accept-out = tcp/x/y", { "no such port" } },
		{ "accept-xauth-failed = ok", { "yes or no" } },
		{ "guard = amred", { "did you mean 'armed'" } },
		{ "guard = yes", { "armed, up or off" } },
		{ "guard-exempt = 10.0.0.1/8", { "guard-exempt = 10.0.0.1/8",
						 "without host bits" } },
		{ "guard-exempt = lan", { "ADDRESS/LENGTH" } },
		{ "guard-exempt = 1.0.0.0,1.0.0.0,1.0.0.0,1.0.0.0,1.0.0.0,"
		  "1.0.0.0,1.0.0.0,1.0.0.0,1.0.0.0,1.0.0.0,1.0.0.0,1.0.0.0,"
		  "1.0.0.0,1.0.0.0,1.0.0.0,1.0.0.0,1.0.0.0",
		  { "more than 16" } },
		{ "guard-families = ipv6", { "own or both" } },
		{ "guard-local = 10.0.0.0/8", { "does not belong here",
						"[conn NAME]" } },
		{ "reject = reset", { "yes or no" } },
		{ "updown = nativ", { "auto, native, chain or off", "native" } },
		{ "route = yes", { "needed or always" } },
		{ "proxy-arp = l1", { "yes or no" } },
		{ "dns = systemd", { "resolved, unbound, resolvconf, file or off" } },
		{ "nat-exempt = auto", { "yes or no" } },
		{ "policy-mark = 5", { "yes or no" } },
		{ "nflog = 5", { "auto, yes or no" } },
		{ "mss = 535", { "536 to 65495" } },
		{ "mss = 65496", { "536 to 65495" } },
		{ "mss = clam", { "did you mean 'clamp'" } },
		{ "mss = yes", { "clamp, off" } },
		{ "open-ike = 500", { "yes or no" } },
		{ "tcp-encap = 1,2,3,4,5", { "more than four" } },
		{ "tcp-encap = 0", { "not a port" } },
		{ "tcp-encap = yes", { "no such port" } },
		{ "log = log2", { "did you mean 'LOG'" } },
		{ "log = debug", { "off, LOG or NFLOG" } },
		{ "log-group = 65536", { "0 to 65535" } },
		{ "log-group = -1", { "0 to 65535" } },
		{ "log-prefix =", { "no value" } },
		{ "log-prefix = " P28 "x", { "at most 28" } },
		{ "log-prefix = a\"b", { "quotes" } },
		{ "log-prefix = caf\xc3\xa9", { "caf\\xc3\\xa9", "ASCII" } },
		{ "log-prefix = a\x1b[31m", { "a\\x1b", "ASCII" } },
		{ "log-rate = 0", { "1 to 600000" } },
		{ "log-rate = 600001", { "1 to 600000" } },
		{ "log-rate = 10/min", { "1 to 600000" } },
		{ "on-error = failed", { "fail or hold",
					 "did you mean 'fail'" } },
		{ "chain-updown = _updown", { "absolute path" } },
		{ "chain-updown = yes", { "absolute path" } },
		{ "chain-updown = /a --b", { "no arguments" } },
		{ "chain-updown = /a # b", { "comments behind a value" } },
		{ "template = nobody", { "there is no [template nobody]" } },
		{ "template =", { "no value" } },
		{ "acept = none", { "unknown key 'acept'",
				    "did you mean 'accept'" } },
		{ "xyzzy = 1", { "unknown key 'xyzzy'" } },
		{ "Accept = none", { "did you mean 'accept'" } },
		{ "templte = t", { "did you mean 'template'" } },
		{ "backend = auto", { "backend does not belong here",
				      "[global]" } },
		{ "a\x1b[0m = 1", { "a\\x1b[0m" } },
		{ "= 1", { "unknown key ''" } },
		{ "[", { "a section is [NAME]" } },
		{ "[]", { "unknown section []" } },
		{ "[conn x", { "a section is [NAME]" } },
		{ "[conn x] y", { "a section is [NAME]" } },
		{ "[conn]", { "a name is missing" } },
		{ "[template ]", { "a name is missing" } },
		{ "[default x]", { "has no name" } },
		{ "[global x]", { "has no name" } },
		{ "[con x]", { "unknown section [con x]",
			       "did you mean 'conn'" } },
		{ "[globl]", { "did you mean 'global'" } },
		{ "[connx]", { "unknown section" } },
		{ "[DEFAULT]", { "did you mean 'default'" } },
	};
	char text[1024], place[128];
	size_t i;

	(void)state;
	snprintf(place, sizeof(place), "%s:3: ", main_file);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		/* What comes after, right or wrong, changes nothing. */
		snprintf(text, sizeof(text), "# one\n[default]\n%s\n[global]\n"
			 "position = top\nxyz = 1\n[nonsense]\n", rows[i].line);
		write_file(main_file, text);
		if (strstr(rows[i].line, "nobody")) {
			/* Templates are looked up at the end. */
			snprintf(text, sizeof(text), "# one\n[default]\n%s\n",
				 rows[i].line);
			write_file(main_file, text);
		}
		must_fail(-EINVAL, rows[i].words, ARRAY_SIZE(rows[i].words));
		refused(place);
	}
}

static void port_names(void **state)
{
	struct servent *ssh = getservbyname("ssh", "tcp");

	(void)state;
	write_file(main_file, "[default]\naccept-in = tcp/ssh, 6/ssh, TCP/ssh\n"
		   "tcp-encap = ssh\n");
	if (ssh)
		expect_settings("x", " in:6/22-22 in:6/22-22 in:6/22-22 tcp:22");
	else	/* a machine without /etc/services */
		refused("no such port");
}

static void global_values(void **state)
{
	static const struct {
		const char *line;
		struct fwh_globals expected;
	} rows[] = {
#define G(mask, ms, ...) { .mark_mask = mask, .lock_wait_ms = ms, \
			   .backend = "auto", __VA_ARGS__ }
		{ "", G(0x3fff0000, 5000) },
		{ "mark-mask = 0xff", G(0xff, 5000) },
		{ "mark-mask = 0xffffffff", G(0xffffffff, 5000) },
		{ "mark-mask = 0x80000000", G(0x80000000, 5000) },
		{ "mark-mask = 1", G(1, 5000) },
		{ "lock-wait = 0", G(0x3fff0000, 0) },
		{ "lock-wait = 2.5", G(0x3fff0000, 2500) },
		{ "lock-wait = 0.05", G(0x3fff0000, 50) },
		{ "lock-wait = 1.001", G(0x3fff0000, 1001) },
		{ "lock-wait = 600", G(0x3fff0000, 600000) },
		{ "log = error", G(0x3fff0000, 5000) },
		{ "log = info", G(0x3fff0000, 5000, .verbosity = FWH_INFO) },
		{ "log = debug, syslog", G(0x3fff0000, 5000, .verbosity = FWH_DEBUG,
					   .log_syslog = true) },
		{ "log = syslog", G(0x3fff0000, 5000, .log_syslog = true) },
		{ "position = bottom", G(0x3fff0000, 5000,
					 .position = FWH_POSITION_BOTTOM) },
		{ "position = top", G(0x3fff0000, 5000) },
		/* Neighbours. */
		{ "position = bottom\nlog = info, syslog\nlock-wait = 1",
		  G(0x3fff0000, 1000, .position = FWH_POSITION_BOTTOM,
		    .verbosity = FWH_INFO, .log_syslog = true) },
		{ "backend = auto", G(0x3fff0000, 5000) },
		{ "backend = iptables", { .mark_mask = 0x3fff0000,
					  .lock_wait_ms = 5000,
					  .backend = "iptables" } },
	};
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct fwh_globals *expected = &rows[i].expected, *got;
		struct fwh_config *config;

		snprintf(text, sizeof(text), "[global]\n%s\n", rows[i].line);
		write_file(main_file, text);
		config = load();
		got = fwh_config_globals(config);
		assert_int_equal(got->mark_mask, expected->mark_mask);
		assert_int_equal(got->lock_wait_ms, expected->lock_wait_ms);
		assert_int_equal(got->verbosity, expected->verbosity);
		assert_int_equal(got->log_syslog, expected->log_syslog);
		assert_int_equal(got->position, expected->position);
		assert_string_equal(got->backend, expected->backend);
		fwh_config_free(config);
	}
}

static void device_lists(void **state)
{
	static const struct { const char *line, *expected; } rows[] = {
		{ "", "ipsec+ vti+ " },
		{ "devices = none", "" },
		{ "devices = vpn7", "vpn7 " },
		{ "devices = vpn+, wan.ipsec0,\n\txfrm-+", "vpn+ wan.ipsec0 xfrm-+ " },
		{ "devices = a\ndevices = b", "a b " },
		{ "devices = a, b\ndevices = none", "a b " },
		{ "devices = a,b,c,d,e,f,g,fifteen-letters", "a b c d e f g "
		  "fifteen-letters " },
	};
	char text[256];
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct fwh_devices *devices;
		struct fwh_config *config;
		char got[256] = "";

		snprintf(text, sizeof(text), "[global]\n%s\n", rows[i].line);
		write_file(main_file, text);
		config = load();
		devices = &fwh_config_globals(config)->devices;
		for (j = 0; j < devices->n; j++) {
			strcat(got, devices->list[j]);
			strcat(got, " ");
		}
		assert_string_equal(got, rows[i].expected);
		fwh_config_free(config);
	}
}

static void bad_global_values(void **state)
{
	static const struct { const char *line, *words[3]; } rows[] = {
		{ "mark-mask = 0", { "mask is 0" } },
		{ "mark-mask = 0xff00ff", { "one contiguous run" } },
		{ "mark-mask = 5", { "one contiguous run" } },
		{ "mark-mask = 0x100000000", { "mark-mask" } },
		{ "mark-mask = auto", { "mark-mask" } },
		{ "lock-wait = 601", { "0 to 600" } },
		{ "lock-wait = 600.001", { "0 to 600" } },
		{ "lock-wait = -1", { "0 to 600" } },
		{ "lock-wait = .5", { "0 to 600" } },
		{ "lock-wait = 1.", { "0 to 600" } },
		{ "lock-wait = 1.2345", { "three decimals" } },
		{ "lock-wait = 1.2.3", { "0 to 600" } },
		{ "lock-wait = 5s", { "0 to 600" } },
		{ "lock-wait = 1e2", { "0 to 600" } },
		{ "log = LOG", { "error, info or debug" } },
		{ "log = inof", { "did you mean 'info'" } },
		{ "log = info, debug", { "one level" } },
		{ "log = error, sylog", { "log = sylog",
					  "did you mean 'syslog'" } },
		{ "position = first", { "top or bottom" } },
		{ "position = botom", { "did you mean 'bottom'" } },
		{ "devices = +", { "names of devices" } },
		{ "devices = a+b+c/", { "names of devices" } },
		{ "devices = eth0:1", { "names of devices" } },
		{ "devices = sixteen-letters-", { "names of devices" } },
		{ "devices = a,b,c,d,e,f,g,h,i", { "more than 8 devices" } },
		{ "backend = iptable", { "did you mean 'iptables'" } },
		{ "backend =", { "no value" } },
		{ "accept = none", { "accept does not belong here",
				     "[default]" } },
		{ "template = t", { "template does not belong here" } },
		{ "log = info\nlog = info", { "log is given twice" } },
	};
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(text, sizeof(text), "[global]\n%s\n", rows[i].line);
		write_file(main_file, text);
		must_fail(-EINVAL, rows[i].words, ARRAY_SIZE(rows[i].words));
	}
}

/* ---- who wins ----------------------------------------------------------------------- */

static void guards_without_daemon(void **state)
{
	struct fwh_config *config;

	(void)state;
	write_file(main_file, "[conn a]\nguard-local = 10.0.0.0/8\n"
		   "guard-remote = 10.0.0.1, 2001:db8::/32\n[conn b*]\n"
		   "mss = 1300\n[conn c]\nmss = 1300\n");
	expect_settings("a", " local:10.0.0.0/8 remote:10.0.0.1/32 "
			"remote:2001:db8::/32");
	config = load();
	assert_string_equal(fwh_config_conn(config, 0), "a");
	assert_string_equal(fwh_config_conn(config, 1), "c");
	assert_null(fwh_config_conn(config, 2));
	fwh_config_free(config);
}

static void precedence(void **state)
{
	static const struct {
		const char *text, *conn, *expected;
	} rows[] = {
		/* Nothing, everything. */
		{ "", "x", "" },
		{ "[conn y]\nmark = off\n", "x", "" },
		{ "[default]\nmss = 1000\nreject = yes\n[conn x]\nmss = 1300\n",
		  "x", " reject mss=1300" },
		/* The order of sections in a file is of no meaning. */
		{ "[conn x]\nmss = 1300\n[default]\nmss = 1000\n", "x",
		  " mss=1300" },
		/* Only one [conn] holds. */
		{ "[conn o*]\nreject = yes\n[conn office]\nmss = 1300\n",
		  "office", " mss=1300" },
		/* Exact, then more literal characters, then the later. */
		{ "[conn office]\nmss = 1001\n[conn offic*]\nmss = 1002\n"
		  "[conn offic?]\nmss = 1003\n", "office", " mss=1001" },
		{ "[conn offic*]\nmss = 1002\n[conn o*]\nmss = 1003\n",
		  "office", " mss=1002" },
		{ "[conn o*]\nmss = 1003\n[conn offic*]\nmss = 1002\n",
		  "office", " mss=1002" },
		{ "[conn offic*]\nmss = 1002\n[conn offic?]\nmss = 1003\n",
		  "office", " mss=1003" },
		{ "[conn offic?]\nmss = 1003\n[conn offic*]\nmss = 1002\n",
		  "office", " mss=1002" },
		{ "[conn *]\nmss = 1002\n[conn *ce]\nmss = 1003\n", "office",
		  " mss=1003" },
		/* A set stands for one character and is not literal. */
		{ "[conn offi[a-z][a-z]]\nmss = 1002\n[conn offic*]\n"
		  "mss = 1003\n", "office", " mss=1003" },
		{ "[conn offi[a-z][a-z]]\nmss = 1002\n[conn off*]\n"
		  "mss = 1003\n", "office", " mss=1002" },
		{ "[conn x[]!]y]\nmss = 1002\n", "x]y", " mss=1002" },
		{ "[conn x[!a]y]\nmss = 1002\n", "xay", "" },
		/* An escaped wildcard is literal. */
		{ "[conn x\\*]\nmss = 1002\n[conn x*]\nmss = 1003\n", "x*",
		  " mss=1002" },
		{ "[conn xy\\*]\nmss = 1002\n[conn xy*]\nmss = 1003\n",
		  "xyz", " mss=1003" },
		/* '/' is a character like others. */
		{ "[conn office*]\nmss = 1002\n", "office/1x2", " mss=1002" },
		{ "[conn office/1x2]\nmss = 1002\n", "office/1x2",
		  " mss=1002" },
		{ "[conn office?1*]\nmss = 1002\n", "office/1x2",
		  " mss=1002" },
		{ "[conn .*]\nmss = 1002\n", ".hidden", " mss=1002" },
		{ "[conn *]\nmss = 1002\n", ".hidden", " mss=1002" },
		/* The same section again goes on. */
		{ "[conn x]\nmss = 1300\n[default]\n[conn x]\nreject = yes\n",
		  "x", " reject mss=1300" },
		{ "[conn x]\naccept-in = tcp/1\n[default]\n[conn x]\n"
		  "accept-in = tcp/2\n", "x", " in:6/1-1 in:6/2-2" },
		/* A list replaces what another section has. */
		{ "[default]\naccept-in = tcp/1\n[conn x]\naccept-in = tcp/2\n",
		  "x", " in:6/2-2" },
		{ "[default]\naccept-in = tcp/1\n[conn x]\naccept-in = all\n",
		  "x", "" },
		{ "[default]\ntcp-encap = 1,2,3\n[conn x]\ntcp-encap = 4\n",
		  "x", " tcp:4" },
		{ "[default]\nmss = 1300\n[conn x]\nmss = clamp\n", "x",
		  " clamp" },
		{ "[default]\nmark = 1/1\n[conn x]\nmark = auto\n", "x", "" },
		{ "[default]\nchain-updown = /a\n[conn x]\n"
		  "chain-updown = auto\n", "x", "" },
		/* Templates: below what takes them over, above what that
		 * stands on; they can come later and take over others. */
		{ "[default]\nmss = 1000\n[conn x]\ntemplate = t\n"
		  "[template t]\nmss = 1300\n", "x", " mss=1300" },
		{ "[conn x]\ntemplate = t\nmss = 1000\n[template t]\n"
		  "mss = 1300\nreject = yes\n", "x", " reject mss=1000" },
		{ "[conn x]\nmss = 1000\ntemplate = t\n[template t]\n"
		  "mss = 1300\n", "x", " mss=1000" },
		{ "[template a]\nmss = 1001\nreject = yes\nlog = LOG\n"
		  "[template b]\ntemplate = a\nmss = 1002\nlog = NFLOG\n"
		  "[conn x]\ntemplate = b\nmss = 1003\n", "x",
		  " reject mss=1003 log=NFLOG" },
		{ "[default]\ntemplate = a\nmss = 1000\n[template a]\n"
		  "mss = 1001\nreject = yes\n[template b]\nmark = off\n"
		  "[conn x]\ntemplate = b\n", "x",
		  " mark=off reject mss=1000" },
		{ "[conn x]\ntemplate = two words\n[template two words]\n"
		  "mss = 1300\n", "x", " mss=1300" },
		/* A template and a conn of one name are two. */
		{ "[template x]\nmss = 1300\n", "x", "" },
		{ "[conn x]\ntemplate = x\n[template x]\nmss = 1300\n", "x",
		  " mss=1300" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		write_file(main_file, rows[i].text);
		expect_settings(rows[i].conn, rows[i].expected);
	}
}

static void contradictions(void **state)
{
	static const struct { const char *text, *words[3]; } rows[] = {
		{ "[conn x]\nmss = 1300\nmss = 1300\n",
		  { ":3: mss is given twice" } },
		{ "[conn x]\nmss = 1300\n[default]\n[conn x]\nmss = 1300\n",
		  { ":5: mss is given twice" } },
		{ "[conn x]\ntemplate = t\ntemplate = t\n[template t]\n",
		  { ":3: template is given twice" } },
		{ "[conn x]\nguard = up\n  off\n",
		  { ":3: an indented line", "guard is no list" } },
		{ "[conn x]\n  tcp/1\n", { ":2: expected KEY = VALUE" } },
		{ "[default]\naccept-in = tcp/1\n  tpc/2\n",
		  { ":3: accept-in = tpc/2" } },
		/* An indented section is one, and no more of the list. */
		{ "[default]\naccept-in = tcp/1\n  [conn x]\nbackend = auto\n",
		  { ":4: backend" } },
		{ "mark = off\n", { ":1: 'mark' stands before any section" } },
		{ "[template a]\ntemplate = a\n", { ":2: ", "a -> a" } },
		{ "[template a]\ntemplate = b\n[template b]\ntemplate = c\n"
		  "[template c]\ntemplate = b\n",
		  { ":6: template = b", "b -> c -> b" } },
		{ "[default]\ntemplate = a\n[template a]\ntemplate = a\n",
		  { ":4: ", ": a -> a" } },
		{ "[conn x]\ntemplate = ofice\n[template office]\n",
		  { ":2: template = ofice", "did you mean 'office'" } },
		/* Wrong, though nobody uses it. */
		{ "[template a]\ntemplate = b\n", { "[template b]" } },
		{ "[default]\nmark = off\nmark-source = esp\n",
		  { ":1: mark = off and mark-source = esp" } },
		{ "[default]\nmark = off\n[conn x]\nmark-source = esp\n",
		  { ":3: mark = off and mark-source = esp" } },
		{ "[default]\nmark-source = esp\n[conn x]\ntemplate = t\n"
		  "[template t]\nmark = off\n",
		  { ":3: mark = off and mark-source = esp" } },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		write_file(main_file, rows[i].text);
		must_fail(-EINVAL, rows[i].words, ARRAY_SIZE(rows[i].words));
	}
	/* A connection whose own settings go together is none of these. */
	write_file(main_file, "[default]\nmark = off\n[template e]\n"
		   "mark-source = esp\n[conn x]\ntemplate = e\nmark = auto\n");
	expect_settings("x", " esp");
}

static void long_template_chains(void **state)
{
	char text[2048];
	size_t len = 0, i;

	(void)state;
	for (i = 0; i < 16; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"[template t%zu]\ntemplate = t%zu\n", i,
					i + 1);
	snprintf(text + len, sizeof(text) - len, "[template t16]\nmss = 1300\n"
		 "[conn x]\ntemplate = t1\n");
	write_file(main_file, text);
	expect_settings("x", " mss=1300");
	snprintf(text + len, sizeof(text) - len, "[template t16]\nmss = 1300\n"
		 "[conn x]\ntemplate = t0\n");
	write_file(main_file, text);
	refused("more than 16 templates");
}

/* ---- files and lines ------------------------------------------------------------------- */

static void no_files(void **state)
{
	struct fwh_config *config;
	struct fwh_settings settings;
	char text[1024];

	(void)state;
	expect_settings("x", "");	/* neither file nor folder */
	assert_int_equal(fwh_config_load(main_file, NULL, &config, NULL), 0);
	fwh_config_free(config);
	assert_int_equal(fwh_config_default(&config), 0);
	fwh_config_resolve(config, "x", &settings);
	assert_string_equal(describe(&settings, text, sizeof(text)), "");
	assert_int_equal(fwh_config_globals(config)->mark_mask, 0x3fff0000);
	fwh_config_free(config);
	fwh_config_free(NULL);
	mkdir(conf_d, 0700);
	expect_settings("x", "");
	write_file(main_file, "");
	expect_settings("x", "");
}

static void folder_order(void **state)
{
	struct fwh_config *config;

	(void)state;
	write_file(main_file, "[global]\nposition = bottom\nlock-wait = 1\n"
		   "[default]\nmss = 1000\naccept-in = tcp/1\nreject = yes\n");
	expect_settings("x", " in:6/1-1 reject mss=1000");
	/* Bytes: '1' < 'B' < 'a'; later files win, lists are replaced. */
	write_conf_d("a.conf", "[default]\nmss = 1003\n");
	write_conf_d("10.conf", "[default]\nmss = 1001\naccept-in = tcp/2\n"
		     "accept-in = tcp/3\n[global]\nlock-wait = 2\n");
	write_conf_d("B.conf", "[default]\nmss = 1002\n");
	expect_settings("x", " in:6/2-2 in:6/3-3 reject mss=1003");
	config = load();
	assert_int_equal(fwh_config_globals(config)->lock_wait_ms, 2000);
	assert_int_equal(fwh_config_globals(config)->position,
			 FWH_POSITION_BOTTOM);
	fwh_config_free(config);
	/* Not ours. */
	write_conf_d(".hidden.conf", "nonsense");
	write_conf_d("z.conf~", "nonsense");
	write_conf_d("z.conf.dpkg-new", "nonsense");
	write_conf_d(".conf", "nonsense");
	write_conf_d("README", "nonsense");
	expect_settings("x", " in:6/2-2 in:6/3-3 reject mss=1003");
	/* Of equal patterns the later file's, templates across files. */
	write_conf_d("c.conf", "[conn ?]\ntemplate = late\n[conn y]\n"
		     "mss = 1100\n");
	write_conf_d("d.conf", "[template late]\nmss = 1200\n[conn *]\n"
		     "mss = 1300\n[conn y]\nreject = no\n");
	expect_settings("x", " in:6/2-2 in:6/3-3 reject mss=1300");
	expect_settings("y", " in:6/2-2 in:6/3-3 mss=1100");
	/* A section does not go on into the next file. */
	write_conf_d("e.conf", "mss = 1400\n");
	refused("e.conf:1: 'mss' stands before any section");
	write_conf_d("e.conf", "\n[conn x]\nmss = 1\n");
	refused("conf.d/e.conf:3: mss = 1");
	write_conf_d("e.conf", "");
	/* What makes no sense is looked for where it is said. */
	write_conf_d("d.conf", "\n[conn y]\ntemplate = t\n");
	refused("c.conf:2: template = late");
	write_conf_d("c.conf", "");
	refused("d.conf:3: template = t");
}

static void odd_texts(void **state)
{
	static const struct { const char *text, *expected; } rows[] = {
		{ "[default]\nmss = 1300", " mss=1300" },
		{ "[default]\r\nmss = 1300\r\naccept-in = tcp/1,\r\n\ttcp/2\r\n"
		  "\r\n[conn x] \r\nreject = yes\r\n",
		  " in:6/1-1 in:6/2-2 reject mss=1300" },
		{ "\xef\xbb\xbf[default]\nmss = 1300\n", " mss=1300" },
		{ "\xef\xbb\xbf# comment\n[default]\nmss = 1300\n",
		  " mss=1300" },
		{ "\xef\xbb\xbf", "" },
		{ "\n\n\n", "" },
		{ "   \n\t\n\v\f\n", "" },
		{ "# only\n; comments", "" },
		{ "[default]", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		write_file(main_file, rows[i].text);
		expect_settings("x", rows[i].expected);
	}
}

static void nul_bytes(void **state)
{
	static const char text[] = "[default]\nmss = 1300\n\0reject = yes\n";

	(void)state;
	write_file_n(main_file, text, sizeof(text) - 1);
	refused("main.conf:3: a NUL byte");
	write_file_n(main_file, "\0", 1);
	refused("main.conf:1: a NUL byte");
}

/* A line of n characters, filled up in its middle. */
static void write_line(const char *head, char fill, size_t n, const char *tail)
{
	char line[1024];
	size_t begin = strlen("[default]\n"), i = begin + strlen(head);

	snprintf(line, sizeof(line), "[default]\n%s", head);
	while (i < begin + n - strlen(tail))
		line[i++] = fill;
	snprintf(line + i, sizeof(line) - i, "%s\n", tail);
	write_file(main_file, line);
}

static void long_lines(void **state)
{
	static const struct { const char *head; char fill; const char *tail; }
	rows[] = {
		{ "#", 'x', "" },
		{ "mss =", ' ', "1300" },
		{ "mss = 1300 ;", 'x', "" },
		{ "accept-in = tcp/1,", ' ', "tcp/2" },
		/* What would be cut off is a key. */
		{ "# mark = auto", ' ', "mark = off" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fwh_config *config;

		write_line(rows[i].head, rows[i].fill, 198, rows[i].tail);
		config = load();
		fwh_config_free(config);
		write_line(rows[i].head, rows[i].fill, 199, rows[i].tail);
		refused("main.conf:2: the line has 199 characters; 198");
		write_line(rows[i].head, rows[i].fill, 1000, rows[i].tail);
		refused("main.conf:2: the line has 1000 characters");
	}
	/* A line of exactly that length as the last, without its end. */
	write_line("mss =", ' ', 198, "1300");
	assert_int_equal(truncate(main_file, 10 + 198), 0);
	expect_settings("x", " mss=1300");
	/* The mark at the beginning is no part of the line. */
	write_file(main_file, "\xef\xbb\xbf#"
		   "234567890123456789012345678901234567890123456789012345678"
		   "901234567890123456789012345678901234567890123456789012345"
		   "678901234567890123456789012345678901234567890123456789012"
		   "34567890123456789012345678\n");
	expect_settings("x", "");
}

static void long_section_names(void **state)
{
	/* 49 characters, the word included */
	static const char name[] =
		"conn 67890123456789012345678901234567890123456789";
	char text[256];

	(void)state;
	snprintf(text, sizeof(text), "[%s]\nmss = 1300\n", name);
	write_file(main_file, text);
	expect_settings(name + 5, " mss=1300");
	/* Two that would become one. */
	snprintf(text, sizeof(text), "[%sa]\nmss = 1300\n[%sb]\nmss = 1200\n",
		 name, name);
	write_file(main_file, text);
	refused("main.conf:1: a section's name has 50 characters; 49");
	/* A shorter pattern does it. */
	snprintf(text, sizeof(text), "[%.48s*]\nmss = 1300\n", name);
	write_file(main_file, text);
	snprintf(text, sizeof(text), "%sabcdef", name + 5);
	expect_settings(text, " mss=1300");
}

static void large_files(void **state)
{
	static char text[(1 << 20) + 2];
	size_t i;

	(void)state;
	memset(text, 'x', sizeof(text));
	for (i = 0; i < sizeof(text); i += 64)
		text[i] = i ? '#' : '[';
	for (i = 63; i < sizeof(text); i += 64)
		text[i] = '\n';
	memcpy(text, "[default]\nmss = 1300\n#", 22);
	write_file_n(main_file, text, 1 << 20);
	expect_settings("x", " mss=1300");
	write_file_n(main_file, text, (1 << 20) + 1);
	must_fail(-EFBIG, (const char *[]){ "larger than 1 MiB" }, 1);
}

static void many_sections(void **state)
{
	fwh_autofree char *text = malloc(1 << 20);
	struct fwh_config *config;
	struct fwh_settings settings;
	size_t len = 0, i;
	char name[32];

	(void)state;
	assert_non_null(text);
	for (i = 0; i < 10000; i++)
		len += (size_t)sprintf(text + len, "[conn site-%zu]\nmss = %zu\n"
				       "[conn *-%zu-*]\nmss = %zu\n", i,
				       i + 1000, i, i + 20000);
	write_file_n(main_file, text, len);
	config = load();
	for (i = 0; i < 10000; i += 777) {
		snprintf(name, sizeof(name), "site-%zu", i);
		fwh_config_resolve(config, name, &settings);
		assert_int_equal(settings.mss, i + 1000);
		snprintf(name, sizeof(name), "site-%zu-b", i);
		fwh_config_resolve(config, name, &settings);
		assert_int_equal(settings.mss, i + 20000);
	}
	fwh_config_free(config);
}

/* ---- whose file it is ---------------------------------------------------------------------- */

static void unsafe(const char *path, mode_t mode, mode_t good,
		   const char *remedy)
{
	assert_int_equal(chmod(path, mode), 0);
	must_fail(-EPERM, (const char *[]){ path, remedy }, 2);
	assert_int_equal(chmod(path, good), 0);
	expect_settings("x", " mss=1300");
}

static void unsafe_files(void **state)
{
	char path[128];

	(void)state;
	write_file(main_file, "[default]\nmss = 1300\n");
	write_conf_d("a.conf", "[default]\n");
	snprintf(path, sizeof(path), "%s/a.conf", conf_d);
	unsafe(main_file, 0602, 0600, "chmod go-w ");
	unsafe(main_file, 0620, 0644, "chmod go-w ");
	unsafe(main_file, 0666, 0400, "chmod go-w ");
	unsafe(conf_d, 0777, 0700, "chmod go-w ");
	unsafe(conf_d, 0770, 0755, "chmod go-w ");
	unsafe(path, 0662, 0644, "chmod go-w ");
	if (geteuid())
		return;		/* can't give files away */
	assert_int_equal(chown(main_file, 65534, 0), 0);
	must_fail(-EPERM, (const char *[]){ "belongs to user 65534",
					    "chown root " }, 2);
	assert_int_equal(chown(main_file, 0, 65534), 0);
	assert_int_equal(chown(conf_d, 65534, 0), 0);
	must_fail(-EPERM, (const char *[]){ "chown root ", conf_d }, 2);
	assert_int_equal(chown(conf_d, 0, 0), 0);
	expect_settings("x", " mss=1300");
}

static void links(void **state)
{
	char target[128], path[128];

	(void)state;
	snprintf(target, sizeof(target), "%s/target", folder);
	write_file(target, "[default]\nmss = 1300\n");
	assert_int_equal(symlink(target, main_file), 0);
	expect_settings("x", " mss=1300");
	/* It is the file that counts. */
	assert_int_equal(chmod(target, 0666), 0);
	must_fail(-EPERM, (const char *[]){ main_file, "chmod go-w" }, 2);
	unlink(target);
	must_fail(-ENOENT, (const char *[]){ main_file }, 1);
	unlink(main_file);
	mkdir(conf_d, 0700);
	snprintf(path, sizeof(path), "%s/a.conf", conf_d);
	assert_int_equal(symlink(target, path), 0);
	must_fail(-ENOENT, (const char *[]){ path }, 1);
	write_file(target, "[default]\nmss = 1300\n");
	expect_settings("x", " mss=1300");
}

static void odd_files(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(main_file, 0600), 0);
	refused("not a regular file");	/* and nobody waits for a writer */
	unlink(main_file);
	assert_int_equal(mkdir(main_file, 0700), 0);
	refused("not a regular file");
	rmdir(main_file);
	write_file(conf_d, "");
	must_fail(-ENOTDIR, (const char *[]){ conf_d }, 1);
}

/* ---- examples and documentation --------------------------------------------------------------- */

/* The project's folder, seen from where the build runs its tests. */
static const char *source_folder(char *buf, size_t size)
{
	static const char *const up[] = { ".", "..", "../..", "../../.." };
	const char *srcdir = getenv("srcdir");
	char probe[512];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(up); i++) {
		snprintf(buf, size, "%s/%s", srcdir ? srcdir : ".", up[i]);
		snprintf(probe, sizeof(probe), "%s/examples/ipsec-fw.conf",
			 buf);
		if (!access(probe, R_OK))
			return buf;
	}
	fail_msg("no examples/ipsec-fw.conf; set srcdir");
	return NULL;
}

static char *slurp(const char *path)
{
	fwh_autofd fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = calloc(1, 1 << 17);
	ssize_t n;

	assert_non_null(text);
	assert_true(fd >= 0);
	n = read(fd, text, (1 << 17) - 1);
	assert_true(n > 0);
	return text;
}

/* As they are, and with each "#KEY = VALUE" made true. */
static void examples(void **state)
{
	char where[256], pattern[300];
	glob_t g;
	size_t i;

	(void)state;
	snprintf(pattern, sizeof(pattern), "%s/examples/{.,*}/ipsec-fw.conf",
		 source_folder(where, sizeof(where)));
	assert_int_equal(glob(pattern, GLOB_BRACE, NULL, &g), 0);
	assert_true(g.gl_pathc > 10);
	for (i = 0; i < g.gl_pathc; i++) {
		fwh_autofree char *text = slurp(g.gl_pathv[i]);
		char *p;

		/* A copy: the checkout may have any mode. */
		write_file(main_file, text);
		fwh_config_free(load());
		for (p = text; (p = strstr(p, "\n#")); p++)
			if (!strchr(" \t\n", p[2]))
				p[1] = ' ';
		write_file(main_file, text);
		fwh_config_free(load());
	}
	globfree(&g);
}

/* What the first example says holds anyway does. */
static void example_is_built_in(void **state)
{
	char where[256], path[300];
	fwh_autofree char *text = NULL;
	char *p;

	(void)state;
	snprintf(path, sizeof(path), "%s/examples/ipsec-fw.conf",
		 source_folder(where, sizeof(where)));
	text = slurp(path);
	write_file(main_file, text);
	expect_settings("x", " clamp log=LOG");
	p = strstr(text, "#[conn");
	assert_non_null(p);
	*p = '\0';
	for (p = text; (p = strstr(p, "\n#")); p++)
		if (!strchr(" \t\n", p[2]))
			p[1] = ' ';
	write_file(main_file, text);
	expect_settings("x", " clamp log=LOG");
}

static void every_key_is_documented(void **state)
{
	char where[256], path[300], item[64];
	fwh_autofree char *page = NULL;
	struct fwh_config_key key;
	size_t n, found = 0;
	const char *p;

	(void)state;
	snprintf(path, sizeof(path), "%s/libfwhook/ipsec-fw.conf.5.in",
		 source_folder(where, sizeof(where)));
	page = slurp(path);
	for (n = 0; fwh_config_key(n, &key); n++) {
		snprintf(item, sizeof(item), "\n.It Ic %s =", key.name);
		p = strstr(page, item);
		if (p && key.global)	/* log is in both */
			p = strstr(strstr(page, "\n.Sh KEYS OF [GLOBAL]"),
				   item);
		if (!p)
			fail_msg("%s is not in the manual page", key.name);
		assert_true(*key.help && *key.expected);
	}
	for (p = page; (p = strstr(p, "\n.It Ic ")); p++)
		found++;
	assert_int_equal(found, n);
	assert_false(fwh_config_key(n, &key));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(good_values), TEST(bad_values), TEST(port_names),
		TEST(global_values), TEST(device_lists),
		TEST(bad_global_values),
		TEST(guards_without_daemon), TEST(precedence), TEST(contradictions),
		TEST(long_template_chains),
		TEST(no_files), TEST(folder_order), TEST(odd_texts),
		TEST(nul_bytes), TEST(long_lines), TEST(long_section_names),
		TEST(large_files), TEST(many_sections),
		TEST(unsafe_files), TEST(links), TEST(odd_files),
		TEST(examples), TEST(example_is_built_in),
		TEST(every_key_is_documented),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
