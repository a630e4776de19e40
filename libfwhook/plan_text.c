// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * plan_text.c - a plan as iptables-save would show it; pure.  Word for word:
 * the dry run, the golden tests and the kernel's own dump are compared.
 */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

#include "internal.h"

/* As iptables-save names them where /etc/protocols is Debian's; others by
 * number. */
static const struct {
	uint8_t proto;
	const char *name;
	const char *match;		/* the match with its ports or types */
} protos[] = {
	{ IPPROTO_ICMP, "icmp", "icmp" },
	{ IPPROTO_IGMP, "igmp", NULL },
	{ IPPROTO_IPIP, "ipencap", NULL },
	{ IPPROTO_IPV6, "ipv6", NULL },
	{ IPPROTO_TCP, "tcp", "tcp" },
	{ IPPROTO_UDP, "udp", "udp" },
	{ IPPROTO_DCCP, "dccp", "dccp" },
	{ IPPROTO_GRE, "gre", NULL },
	{ IPPROTO_ESP, "esp", NULL },
	{ IPPROTO_AH, "ah", NULL },
	{ IPPROTO_ICMPV6, "ipv6-icmp", "icmp6" },
	{ 89, "ospf", NULL },
	{ IPPROTO_PIM, "pim", NULL },
	{ IPPROTO_COMP, "ipcomp", NULL },
	{ 112, "vrrp", NULL },
	{ 115, "l2tp", NULL },
	{ IPPROTO_SCTP, "sctp", "sctp" },
	{ IPPROTO_UDPLITE, "udplite", NULL },
};

static const char *proto_match(uint8_t proto)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(protos); i++)
		if (protos[i].proto == proto)
			return protos[i].match;
	return NULL;
}

static void print_proto(uint8_t proto, FILE *f)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(protos); i++) {
		if (protos[i].proto == proto) {
			fprintf(f, " -p %s", protos[i].name);
			return;
		}
	}
	fprintf(f, " -p %u", proto);
}

static void print_net(const char *option, const struct fwh_net *net, FILE *f)
{
	char buf[FWH_ADDR_STRLEN];

	fprintf(f, " %s %s/%u", option, fwh_addr_format(&net->addr, buf),
		net->len);
}

/* xtables_save_string(): plain words bare, everything else quoted. */
static void print_string(const char *s, FILE *f)
{
	static const char plain[] = "_-0123456789abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	if (*s && !s[strspn(s, plain)])
		fprintf(f, " %s", s);
	else	/* no quotes, apostrophes or backslashes get here */
		fprintf(f, " \"%s\"", s);
}

static void print_port(const char *option, const struct fwh_ports *port,
		       FILE *f)
{
	if (fwh_ports_any(port))
		return;
	fprintf(f, " %s %u", option, port->lo);
	if (port->hi != port->lo)
		fprintf(f, ":%u", port->hi);
}

static void print_icmp(const struct fwh_rule *rule, FILE *f)
{
	fprintf(f, rule->family == FWH_IPV4 ? " --icmp-type %d" :
					      " --icmpv6-type %d",
		rule->icmp_type);
	if (rule->icmp_code >= 0)
		fprintf(f, "/%d", rule->icmp_code);
}

static void print_proto_match(const struct fwh_rule *rule, FILE *f)
{
	bool ports = !fwh_ports_any(&rule->sport) ||
		     !fwh_ports_any(&rule->dport);
	const char *match = proto_match(rule->proto);

	if (match && (ports || rule->has_icmp || rule->tcp_syn))
		fprintf(f, " -m %s", match);
	print_port(match ? "--sport" : "-m multiport --sports", &rule->sport, f);
	print_port(match ? "--dport" : "-m multiport --dports", &rule->dport, f);
	if (rule->tcp_syn)
		fputs(" --tcp-flags SYN,RST SYN", f);
	if (rule->has_icmp)
		print_icmp(rule, f);
	if (rule->sports[0])
		fprintf(f, " -m multiport --sports %u,%u", rule->sports[0],
			rule->sports[1]);
	if (rule->dports[0])
		fprintf(f, " -m multiport --dports %u,%u", rule->dports[0],
			rule->dports[1]);
}

/* libxt_limit prints the largest unit that the period divides well into. */
static void print_limit(uint32_t limit, FILE *f)
{
	static const struct { const char *name; uint32_t mult; } units[] = {
		{ "day", 864000000 }, { "hour", 36000000 },
		{ "min", 600000 }, { "sec", 10000 },
	};
	uint32_t period = 600000 / limit;
	size_t i;

	for (i = 1; i < ARRAY_SIZE(units); i++)
		if (period > units[i].mult ||
		    units[i].mult / period < units[i].mult % period)
			break;
	fprintf(f, " -m limit --limit %u/%s", units[i - 1].mult / period,
		units[i - 1].name);
}

/* Without a mask that has all bits, other than -s and -d. */
static void print_endpoint(const char *option, const struct fwh_addr *addr,
			   FILE *f)
{
	char buf[FWH_ADDR_STRLEN];

	fprintf(f, " %s %s", option, fwh_addr_format(addr, buf));
}

static void print_policy(const struct fwh_policy_match *policy, FILE *f)
{
	fprintf(f, " -m policy --dir %s --pol %s",
		policy->dir == FWH_POLICY_IN ? "in" : "out",
		policy->none ? "none" : "ipsec");
	if (policy->reqid)
		fprintf(f, " --reqid %" PRIu32, policy->reqid);
	if (policy->ipproto)
		fprintf(f, " --proto %s", policy->ipproto == IPPROTO_ESP ?
			"esp" : policy->ipproto == IPPROTO_AH ? "ah" : "ipcomp");
	if (policy->mode)
		fprintf(f, " --mode %s", policy->mode == FWH_TUNNEL ?
			"tunnel" : "transport");
	if (policy->endpoints) {
		print_endpoint("--tunnel-dst", &policy->dst, f);
		print_endpoint("--tunnel-src", &policy->src, f);
	}
}

static void print_mark_match(const struct fwh_rule *rule, FILE *f)
{
	fprintf(f, " -m mark%s --mark 0x%" PRIx32, rule->mark_not ? " !" : "",
		rule->mark.value);
	if (rule->mark.mask != UINT32_MAX)
		fprintf(f, "/0x%" PRIx32, rule->mark.mask);
}

void fwh_rule_print_matches(const struct fwh_rule *rule, FILE *f)
{
	if (rule->has_src)
		print_net("-s", &rule->src, f);
	if (rule->has_dst)
		print_net("-d", &rule->dst, f);
	if (*rule->in)
		fprintf(f, "%s -i %s", rule->in_not ? " !" : "", rule->in);
	if (*rule->out)
		fprintf(f, " -o %s", rule->out);
	if (rule->proto)
		print_proto(rule->proto, f);
	print_proto_match(rule, f);
	if (rule->policy.dir != FWH_POLICY_ANY)
		print_policy(&rule->policy, f);
	if (rule->has_mark)
		print_mark_match(rule, f);
	if (rule->established)
		fputs(" -m conntrack --ctstate RELATED,ESTABLISHED", f);
	if (rule->limit)
		print_limit(rule->limit, f);
}

void fwh_rule_print_target(const struct fwh_key *key,
			   const struct fwh_rule *rule, FILE *f)
{
	static const char *const simple[FWH_ACTION_MAX] = {
		[FWH_ACCEPT] = "ACCEPT",
		[FWH_DROP] = "DROP",
		[FWH_RETURN] = "RETURN",
		[FWH_REJECT_RESET] = "REJECT --reject-with tcp-reset",
		[FWH_CLAMP_MSS] = "TCPMSS --clamp-mss-to-pmtu",
	};
	const struct fwh_mark *mark = &rule->set_mark;
	char chain[FWH_CHAIN_MAX];

	switch (rule->action) {
	case FWH_JUMP:
		fwh_part_chain(key, rule->part, chain);
		fprintf(f, " -j %s", chain);
		break;
	case FWH_REJECT:
		fprintf(f, " -j REJECT --reject-with %s",
			rule->family == FWH_IPV4 ? "icmp-admin-prohibited" :
						   "icmp6-adm-prohibited");
		break;
	case FWH_SET_MARK:
		fprintf(f, " -j MARK --set-xmark 0x%" PRIx32 "/0x%" PRIx32,
			mark->value, mark->mask);
		break;
	case FWH_CONNMARK_SAVE:
	case FWH_CONNMARK_RESTORE:
		fprintf(f, " -j CONNMARK --%s-mark --nfmask 0x%" PRIx32
			" --ctmask 0x%" PRIx32,
			rule->action == FWH_CONNMARK_SAVE ? "save" : "restore",
			mark->mask, mark->mask);
		break;
	case FWH_SET_MSS:
		fprintf(f, " -j TCPMSS --set-mss %u", rule->mss);
		break;
	case FWH_SNAT:
	case FWH_DNAT:
		print_endpoint(rule->action == FWH_SNAT ?
			       "-j SNAT --to-source" :
			       "-j DNAT --to-destination", &rule->nat, f);
		break;
	case FWH_DO_LOG:
		fputs(" -j LOG --log-prefix", f);
		print_string(rule->log_prefix, f);
		break;
	case FWH_DO_NFLOG:
		fputs(" -j NFLOG --nflog-prefix", f);
		print_string(rule->log_prefix, f);
		if (rule->log_group)
			fprintf(f, " --nflog-group %u", rule->log_group);
		break;
	default:
		fprintf(f, " -j %s", simple[rule->action]);
	}
}

void fwh_rule_print(const struct fwh_key *key, const struct fwh_rule *rule,
		    FILE *f)
{
	char chain[FWH_CHAIN_MAX];
	char comment[FWH_COMMENT_MAX];

	fwh_rule_chain(key, rule, chain);
	fprintf(f, "-A %s", chain);
	if (rule->raw) {
		fprintf(f, " %s", rule->raw->text);
		return;
	}
	fwh_rule_print_matches(rule, f);
	fputs(" -m comment --comment", f);
	fwh_rule_comment(key, comment);
	print_string(comment, f);
	fwh_rule_print_target(key, rule, f);
}

static void print_line(const struct fwh_key *key, const struct fwh_rule *rule,
		       FILE *f)
{
	fwh_rule_print(key, rule, f);
	putc('\n', f);
}

/* ---- tables --------------------------------------------------------------- */

static bool selects(const struct fwh_rule *rule, enum fwh_family family,
		    enum fwh_table table)
{
	return rule->family == family && rule->table == table;
}

#define CHAINS_MAX	(FWH_HOOK_MAX + FWH_PART_MAX)

struct chains {
	char name[CHAINS_MAX][FWH_CHAIN_MAX];
	size_t n;
};

/* Keep the list sorted, as libiptc keeps its chains. */
static void add_chain(struct chains *chains, const char *name)
{
	size_t i;

	for (i = 0; i < chains->n; i++) {
		int order = strcmp(name, chains->name[i]);

		if (order == 0)
			return;
		if (order < 0)
			break;
	}
	memmove(chains->name[i + 1], chains->name[i],
		(chains->n - i) * FWH_CHAIN_MAX);
	memcpy(chains->name[i], name, FWH_CHAIN_MAX);
	chains->n++;
}

static void collect_chains(const struct fwh_plan *plan, enum fwh_family family,
			   enum fwh_table table, struct chains *ret)
{
	char name[FWH_CHAIN_MAX];
	size_t i;

	ret->n = 0;
	for (i = 0; i < plan->n; i++) {
		if (!selects(&plan->rules[i], family, table))
			continue;
		fwh_rule_chain(&plan->key, &plan->rules[i], name);
		add_chain(ret, name);
	}
}

static bool has_hook(enum fwh_table table, enum fwh_hook hook)
{
	if (table == FWH_FILTER)
		return hook == FWH_INPUT || hook == FWH_FORWARD ||
		       hook == FWH_OUTPUT;
	return table == FWH_MANGLE || hook != FWH_FORWARD;
}

static void print_declarations(const struct chains *chains,
			       enum fwh_table table, FILE *f)
{
	size_t i;

	for (i = 0; i < FWH_HOOK_MAX; i++)
		if (has_hook(table, i))
			fprintf(f, ":%s ACCEPT [0:0]\n", fwh_hook_name[i]);
	for (i = 0; i < chains->n; i++)
		fprintf(f, ":%s - [0:0]\n", chains->name[i]);
}

static void print_hooks(const struct chains *chains, FILE *f)
{
	char name[FWH_CHAIN_MAX];
	size_t i, j;

	for (i = 0; i < FWH_HOOK_MAX; i++) {
		fwh_dispatch_chain(i, name);
		for (j = 0; j < chains->n; j++)
			if (!strcmp(chains->name[j], name))
				fprintf(f, "-A %s -j %s\n", fwh_hook_name[i],
					name);
	}
}

/* The guard's own dispatch chain begins with the devices of all connections. */
static void print_devices(const struct fwh_plan *plan, enum fwh_table table,
			  const char *chain, FILE *f)
{
	char name[FWH_CHAIN_MAX];
	size_t i;

	fwh_dispatch_chain(FWH_POSTROUTING, name);
	if (table != FWH_MANGLE || strcmp(chain, name) != 0)
		return;
	for (i = 0; i < plan->devices.n; i++)
		fprintf(f, "-A %s -o %s -m comment --comment \"%s\" -j RETURN\n",
			name, plan->devices.list[i], FWH_DEVICE_COMMENT);
}

static void print_table(const struct fwh_plan *plan, enum fwh_family family,
			enum fwh_table table, FILE *f)
{
	char name[FWH_CHAIN_MAX];
	struct chains chains;
	size_t i, j;

	collect_chains(plan, family, table, &chains);
	if (!chains.n)
		return;
	fprintf(f, "*%s\n", fwh_table_name[table]);
	print_declarations(&chains, table, f);
	print_hooks(&chains, f);
	for (i = 0; i < chains.n; i++) {
		print_devices(plan, table, chains.name[i], f);
		for (j = 0; j < plan->n; j++) {
			const struct fwh_rule *rule = &plan->rules[j];

			if (!selects(rule, family, table))
				continue;
			fwh_rule_chain(&plan->key, rule, name);
			if (!strcmp(name, chains.name[i]))
				print_line(&plan->key, rule, f);
		}
	}
	fputs("COMMIT\n", f);
}

int fwh_plan_print(const struct fwh_plan *plan, FILE *f)
{
	static const char *const title[FWH_FAMILY_MAX] = {
		"# IPv4\n", "# IPv6\n"
	};
	size_t family, table, i;

	for (family = 0; family < FWH_FAMILY_MAX; family++) {
		for (i = 0; i < plan->n; i++)
			if (plan->rules[i].family == family)
				break;
		if (i == plan->n)
			continue;
		fputs(title[family], f);
		for (table = 0; table < FWH_TABLE_MAX; table++)
			print_table(plan, family, table, f);
	}
	return ferror(f) ? -EIO : 0;
}
