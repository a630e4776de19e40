// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * iptables.c - a rule becomes an entry of a legacy table; pure.  The matches
 * and targets are a closed list, packed in the newest revision that iptables
 * 1.8 can print and that kernels since 4.17 have.
 */
#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv4/ipt_LOG.h>
#include <linux/netfilter_ipv4/ipt_REJECT.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <linux/netfilter_ipv6/ip6t_LOG.h>
#include <linux/netfilter_ipv6/ip6t_REJECT.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/xt_comment.h>
#include <linux/netfilter/xt_connmark.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_limit.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_NFLOG.h>
#include <linux/netfilter/xt_policy.h>
#include <linux/netfilter/xt_set.h>
#include <linux/netfilter/xt_TCPMSS.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter/xt_sctp.h>
#include <linux/netfilter/xt_dccp.h>

#include "iptables.h"
#include "sets.h"

#define TCP_SYN		0x02
#define TCP_RST		0x04
#define LOG_WARNING	4		/* iptables' default level */
#define LIMIT_BURST	5		/* iptables' default */

struct packer {
	uint8_t *buf;
	size_t len;
	enum fwh_family family;
};

static void *append(struct packer *p, size_t size)
{
	void *at = p->buf + p->len;

	assert(p->len + XT_ALIGN(size) <= FWH_IPT_ENTRY_MAX);
	memset(at, 0, XT_ALIGN(size));
	p->len += XT_ALIGN(size);
	return at;
}

static void *add_match(struct packer *p, const char *name, uint8_t revision,
		       size_t size)
{
	struct xt_entry_match *match = append(p, sizeof(*match) + XT_ALIGN(size));

	match->u.match_size = (uint16_t)(sizeof(*match) + XT_ALIGN(size));
	strncpy(match->u.user.name, name, sizeof(match->u.user.name) - 1);
	match->u.user.revision = revision;
	return match->data;
}

static void *add_target(struct packer *p, const char *name, uint8_t revision,
			size_t size)
{
	struct xt_entry_target *target = append(p, sizeof(*target) +
						   XT_ALIGN(size));

	target->u.target_size = (uint16_t)(sizeof(*target) + XT_ALIGN(size));
	strncpy(target->u.user.name, name, sizeof(target->u.user.name) - 1);
	target->u.user.revision = revision;
	return target->data;
}

/* ---- the header: addresses, interfaces, protocol --------------------------- */

static void put_mask(uint8_t *mask, unsigned int len)
{
	unsigned int i;

	for (i = 0; i < len; i++)
		mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
}

static void put_iface(const char *name, char *iface, unsigned char *mask)
{
	size_t n = strlen(name);

	if (!n)
		return;
	memcpy(iface, name, n);
	/* With its NUL: exactly this name. */
	memset(mask, 0xff, name[n - 1] == '+' ? n - 1 : n + 1);
}

static void pack_header4(struct packer *p, const struct fwh_rule *rule)
{
	struct ipt_entry *e = append(p, sizeof(*e));

	if (rule->has_src) {
		memcpy(&e->ip.src, rule->src.addr.b, sizeof(e->ip.src));
		put_mask((uint8_t *)&e->ip.smsk, rule->src.len);
	}
	if (rule->has_dst) {
		memcpy(&e->ip.dst, rule->dst.addr.b, sizeof(e->ip.dst));
		put_mask((uint8_t *)&e->ip.dmsk, rule->dst.len);
	}
	put_iface(rule->in, e->ip.iniface, e->ip.iniface_mask);
	if (rule->in_not)
		e->ip.invflags |= IPT_INV_VIA_IN;
	put_iface(rule->out, e->ip.outiface, e->ip.outiface_mask);
	e->ip.proto = rule->proto;
}

static void pack_header6(struct packer *p, const struct fwh_rule *rule)
{
	struct ip6t_entry *e = append(p, sizeof(*e));

	if (rule->has_src) {
		memcpy(&e->ipv6.src, rule->src.addr.b, sizeof(e->ipv6.src));
		put_mask((uint8_t *)&e->ipv6.smsk, rule->src.len);
	}
	if (rule->has_dst) {
		memcpy(&e->ipv6.dst, rule->dst.addr.b, sizeof(e->ipv6.dst));
		put_mask((uint8_t *)&e->ipv6.dmsk, rule->dst.len);
	}
	put_iface(rule->in, e->ipv6.iniface, e->ipv6.iniface_mask);
	if (rule->in_not)
		e->ipv6.invflags |= IP6T_INV_VIA_IN;
	put_iface(rule->out, e->ipv6.outiface, e->ipv6.outiface_mask);
	e->ipv6.proto = rule->proto;
	if (rule->proto)
		e->ipv6.flags |= IP6T_F_PROTO;
}

/* ---- matches ---------------------------------------------------------------- */

static uint16_t port_top(const struct fwh_ports *port)
{
	return fwh_ports_any(port) ? 65535 : port->hi;
}

static void pack_tcp(struct packer *p, const struct fwh_rule *rule)
{
	struct xt_tcp *tcp = add_match(p, "tcp", 0, sizeof(*tcp));

	tcp->spts[0] = rule->sport.lo;
	tcp->spts[1] = port_top(&rule->sport);
	tcp->dpts[0] = rule->dport.lo;
	tcp->dpts[1] = port_top(&rule->dport);
	if (rule->tcp_syn) {
		tcp->flg_mask = TCP_SYN | TCP_RST;
		tcp->flg_cmp = TCP_SYN;
	}
}

static void pack_udp(struct packer *p, const struct fwh_rule *rule)
{
	struct xt_udp *udp = add_match(p, "udp", 0, sizeof(*udp));

	udp->spts[0] = rule->sport.lo;
	udp->spts[1] = port_top(&rule->sport);
	udp->dpts[0] = rule->dport.lo;
	udp->dpts[1] = port_top(&rule->dport);
}

static void pack_range(struct packer *p, const struct fwh_ports *port,
		       uint8_t flags)
{
	struct xt_multiport_v1 *multi;

	if (fwh_ports_any(port))
		return;
	multi = add_match(p, "multiport", 1, sizeof(*multi));
	multi->flags = flags;
	multi->count = port->lo == port->hi ? 1 : 2;
	multi->ports[0] = port->lo;
	if (multi->count == 2) {
		multi->pflags[0] = 1;
		multi->ports[1] = port->hi;
	}
}

/* The kernel has a match "udplite", and iptables none: iptables-save would end
 * at it. */
static void pack_udplite(struct packer *p, const struct fwh_rule *rule)
{
	pack_range(p, &rule->sport, XT_MULTIPORT_SOURCE);
	pack_range(p, &rule->dport, XT_MULTIPORT_DESTINATION);
}

static void pack_sctp(struct packer *p, const struct fwh_rule *rule)
{
	struct xt_sctp_info *sctp = add_match(p, "sctp", 0, sizeof(*sctp));
	size_t i;

	/* As iptables has it, what is any port stays 0, and no chunk is -1. */
	for (i = 0; i < XT_NUM_SCTP_FLAGS; i++)
		sctp->flag_info[i].chunktype = 0xff;
	if (!fwh_ports_any(&rule->sport)) {
		sctp->spts[0] = rule->sport.lo;
		sctp->spts[1] = rule->sport.hi;
		sctp->flags |= XT_SCTP_SRC_PORTS;
	}
	if (!fwh_ports_any(&rule->dport)) {
		sctp->dpts[0] = rule->dport.lo;
		sctp->dpts[1] = rule->dport.hi;
		sctp->flags |= XT_SCTP_DEST_PORTS;
	}
}

static void pack_dccp(struct packer *p, const struct fwh_rule *rule)
{
	struct xt_dccp_info *dccp = add_match(p, "dccp", 0, sizeof(*dccp));

	/* What is any port stays 0, as iptables has it. */
	if (!fwh_ports_any(&rule->sport)) {
		dccp->spts[0] = rule->sport.lo;
		dccp->spts[1] = rule->sport.hi;
		dccp->flags |= XT_DCCP_SRC_PORTS;
	}
	if (!fwh_ports_any(&rule->dport)) {
		dccp->dpts[0] = rule->dport.lo;
		dccp->dpts[1] = rule->dport.hi;
		dccp->flags |= XT_DCCP_DEST_PORTS;
	}
}

static void pack_icmp(struct packer *p, const struct fwh_rule *rule)
{
	uint8_t lo = rule->icmp_code < 0 ? 0 : (uint8_t)rule->icmp_code;
	uint8_t hi = rule->icmp_code < 0 ? 255 : (uint8_t)rule->icmp_code;

	if (rule->family == FWH_IPV4) {
		struct ipt_icmp *icmp = add_match(p, "icmp", 0, sizeof(*icmp));

		icmp->type = (uint8_t)rule->icmp_type;
		icmp->code[0] = lo;
		icmp->code[1] = hi;
	} else {
		struct ip6t_icmp *icmp = add_match(p, "icmp6", 0, sizeof(*icmp));

		icmp->type = (uint8_t)rule->icmp_type;
		icmp->code[0] = lo;
		icmp->code[1] = hi;
	}
}

static void pack_ports(struct packer *p, const struct fwh_rule *rule)
{
	switch (rule->proto) {
	case IPPROTO_TCP:
		pack_tcp(p, rule);
		break;
	case IPPROTO_SCTP:
		pack_sctp(p, rule);
		break;
	case IPPROTO_DCCP:
		pack_dccp(p, rule);
		break;
	case IPPROTO_UDPLITE:
		pack_udplite(p, rule);
		break;
	default:
		pack_udp(p, rule);
	}
}

static void pack_multiport(struct packer *p, const uint16_t ports[2], bool src)
{
	struct xt_multiport_v1 *multi = add_match(p, "multiport", 1,
						  sizeof(*multi));

	multi->flags = src ? XT_MULTIPORT_SOURCE : XT_MULTIPORT_DESTINATION;
	multi->count = 2;
	multi->ports[0] = ports[0];
	multi->ports[1] = ports[1];
}

/* iptables fills the mask for IPv4 as well, and -C and -D compare all of it. */
static void put_endpoint(const struct fwh_addr *addr, union xt_policy_addr *a,
			 union xt_policy_addr *mask)
{
	memcpy(a, addr->b, fwh_family_bytes(addr->family));
	memset(mask, 0xff, sizeof(*mask));
}

static void pack_policy(struct packer *p, const struct fwh_policy_match *policy)
{
	struct xt_policy_info *info = add_match(p, "policy", 0, sizeof(*info));
	struct xt_policy_elem *elem = &info->pol[0];

	info->flags = policy->dir == FWH_POLICY_IN ? XT_POLICY_MATCH_IN :
						     XT_POLICY_MATCH_OUT;
	if (policy->none) {
		info->flags |= XT_POLICY_MATCH_NONE;
		return;
	}
	info->len = 1;
	elem->match.reqid = policy->reqid != 0;
	elem->reqid = policy->reqid;
	elem->match.proto = policy->ipproto != 0;
	elem->proto = policy->ipproto;
	elem->match.mode = policy->mode != FWH_MODE_UNKNOWN;
	elem->mode = policy->mode == FWH_TUNNEL ? XT_POLICY_MODE_TUNNEL :
						  XT_POLICY_MODE_TRANSPORT;
	if (policy->endpoints) {
		elem->match.saddr = elem->match.daddr = 1;
		put_endpoint(&policy->src, &elem->saddr, &elem->smask);
		put_endpoint(&policy->dst, &elem->daddr, &elem->dmask);
	}
}

static void pack_mark_match(struct packer *p, const struct fwh_rule *rule)
{
	struct xt_mark_mtinfo1 *mark = add_match(p, "mark", 1, sizeof(*mark));

	mark->mark = rule->mark.value;
	mark->mask = rule->mark.mask;
	mark->invert = rule->mark_not;
}

static void pack_established(struct packer *p)
{
	struct xt_conntrack_mtinfo3 *ct = add_match(p, "conntrack", 3,
						    sizeof(*ct));

	ct->match_flags = XT_CONNTRACK_STATE;
	ct->state_mask = XT_CONNTRACK_STATE_BIT(IP_CT_ESTABLISHED) |
			 XT_CONNTRACK_STATE_BIT(IP_CT_RELATED);
}

static void pack_limit(struct packer *p, uint32_t a_minute)
{
	struct xt_rateinfo *rate = add_match(p, "limit", 0, sizeof(*rate));

	rate->avg = XT_LIMIT_SCALE * 60 / a_minute;
	rate->burst = LIMIT_BURST;
}

static void pack_comment(struct packer *p, const char comment[FWH_COMMENT_MAX])
{
	struct xt_comment_info *info = add_match(p, "comment", 0, sizeof(*info));

	static_assert(sizeof(info->comment) == FWH_COMMENT_MAX, "comment");
	memcpy(info->comment, comment, sizeof(info->comment));
}

static void pack_matches(struct packer *p, const struct fwh_rule *rule)
{
	if (!fwh_ports_any(&rule->sport) || !fwh_ports_any(&rule->dport) ||
	    rule->tcp_syn)
		pack_ports(p, rule);
	if (rule->has_icmp)
		pack_icmp(p, rule);
	if (rule->sports[0])
		pack_multiport(p, rule->sports, true);
	if (rule->dports[0])
		pack_multiport(p, rule->dports, false);
	if (rule->policy.dir != FWH_POLICY_ANY)
		pack_policy(p, &rule->policy);
	if (rule->has_mark)
		pack_mark_match(p, rule);
	if (rule->established)
		pack_established(p);
	if (rule->limit)
		pack_limit(p, rule->limit);
}

/* ---- targets ---------------------------------------------------------------- */

static void pack_standard(struct packer *p, const char *name)
{
	add_target(p, name, 0, sizeof(int));
}

static void pack_reject(struct packer *p, bool reset)
{
	if (p->family == FWH_IPV4) {
		struct ipt_reject_info *info = add_target(p, "REJECT", 0,
							  sizeof(*info));

		info->with = reset ? IPT_TCP_RESET : IPT_ICMP_ADMIN_PROHIBITED;
	} else {
		struct ip6t_reject_info *info = add_target(p, "REJECT", 0,
							   sizeof(*info));

		info->with = reset ? IP6T_TCP_RESET : IP6T_ICMP6_ADM_PROHIBITED;
	}
}

static void pack_set_mark(struct packer *p, const struct fwh_mark *mark)
{
	struct xt_mark_tginfo2 *info = add_target(p, "MARK", 2, sizeof(*info));

	info->mark = mark->value;
	info->mask = mark->mask;
}

static void pack_connmark(struct packer *p, const struct fwh_mark *mark,
			  bool save)
{
	struct xt_connmark_tginfo2 *info = add_target(p, "CONNMARK", 2,
						      sizeof(*info));

	info->ctmask = info->nfmask = mark->mask;
	info->mode = save ? XT_CONNMARK_SAVE : XT_CONNMARK_RESTORE;
}

static void pack_mss(struct packer *p, const struct fwh_rule *rule)
{
	struct xt_tcpmss_info *info = add_target(p, "TCPMSS", 0, sizeof(*info));

	info->mss = rule->action == FWH_CLAMP_MSS ? XT_TCPMSS_CLAMP_PMTU :
						    rule->mss;
}

static void pack_log(struct packer *p, const struct fwh_rule *rule)
{
	/* ip6t_log_info has the same members in the same places. */
	struct ipt_log_info *info = add_target(p, "LOG", 0, sizeof(*info));

	static_assert(sizeof(*info) == sizeof(struct ip6t_log_info), "LOG");
	static_assert(sizeof(info->prefix) == FWH_LOG_PREFIX_MAX, "LOG prefix");
	info->level = LOG_WARNING;
	memcpy(info->prefix, rule->log_prefix, sizeof(info->prefix));
}

static void pack_nflog(struct packer *p, const struct fwh_rule *rule)
{
	struct xt_nflog_info *info = add_target(p, "NFLOG", 0, sizeof(*info));

	static_assert(sizeof(info->prefix) == sizeof(rule->log_prefix),
		      "NFLOG prefix");
	info->group = rule->log_group;
	info->threshold = XT_NFLOG_DEFAULT_THRESHOLD;
	memcpy(info->prefix, rule->log_prefix, sizeof(info->prefix));
}

/* iptables 1.8 makes and prints three forms of what is one to the kernel. */
static void pack_snat4(struct packer *p, const struct fwh_addr *to)
{
	struct nf_nat_ipv4_multi_range_compat *info =
		add_target(p, "SNAT", 0, sizeof(*info));

	info->rangesize = 1;
	info->range[0].flags = NF_NAT_RANGE_MAP_IPS;
	memcpy(&info->range[0].min_ip, to->b, sizeof(info->range[0].min_ip));
	info->range[0].max_ip = info->range[0].min_ip;
}

static void pack_snat6(struct packer *p, const struct fwh_addr *to)
{
	struct nf_nat_range *info = add_target(p, "SNAT", 1, sizeof(*info));

	info->flags = NF_NAT_RANGE_MAP_IPS;
	memcpy(&info->min_addr, to->b, sizeof(info->min_addr));
	info->max_addr = info->min_addr;
}

static void pack_dnat(struct packer *p, const struct fwh_addr *to)
{
	struct nf_nat_range2 *info = add_target(p, "DNAT", 2, sizeof(*info));

	info->flags = NF_NAT_RANGE_MAP_IPS;
	memcpy(&info->min_addr, to->b, fwh_family_bytes(to->family));
	info->max_addr = info->min_addr;
}

static void pack_target(struct packer *p, const struct fwh_key *key,
			const struct fwh_rule *rule)
{
	char chain[FWH_CHAIN_MAX];

	switch (rule->action) {
	case FWH_ACCEPT:
		pack_standard(p, "ACCEPT");
		break;
	case FWH_DROP:
		pack_standard(p, "DROP");
		break;
	case FWH_RETURN:
		pack_standard(p, "RETURN");
		break;
	case FWH_JUMP:
		fwh_part_chain(key, rule->part, chain);
		pack_standard(p, chain);
		break;
	case FWH_REJECT:
	case FWH_REJECT_RESET:
		pack_reject(p, rule->action == FWH_REJECT_RESET);
		break;
	case FWH_SET_MARK:
		pack_set_mark(p, &rule->set_mark);
		break;
	case FWH_CONNMARK_SAVE:
	case FWH_CONNMARK_RESTORE:
		pack_connmark(p, &rule->set_mark,
			      rule->action == FWH_CONNMARK_SAVE);
		break;
	case FWH_SET_MSS:
	case FWH_CLAMP_MSS:
		pack_mss(p, rule);
		break;
	case FWH_SNAT:
		if (p->family == FWH_IPV4)
			pack_snat4(p, &rule->nat);
		else
			pack_snat6(p, &rule->nat);
		break;
	case FWH_DNAT:
		pack_dnat(p, &rule->nat);
		break;
	case FWH_DO_LOG:
		pack_log(p, rule);
		break;
	case FWH_DO_NFLOG:
		pack_nflog(p, rule);
		break;
	case FWH_RAW:
	case FWH_ACTION_MAX:
		assert(0);
	}
}

/* ---- entries ----------------------------------------------------------------- */

static void put_offsets(const struct packer *p, size_t target)
{
	if (p->family == FWH_IPV4) {
		struct ipt_entry *e = (void *)p->buf;

		e->target_offset = (uint16_t)target;
		e->next_offset = (uint16_t)p->len;
	} else {
		struct ip6t_entry *e = (void *)p->buf;

		e->target_offset = (uint16_t)target;
		e->next_offset = (uint16_t)p->len;
	}
}

static struct packer start_entry(const struct fwh_rule *rule, void *buf)
{
	struct packer p = { .buf = buf, .family = rule->family };

	if (p.family == FWH_IPV4)
		pack_header4(&p, rule);
	else
		pack_header6(&p, rule);
	return p;
}

static size_t pack_raw(const struct fwh_rule *rule, void *buf)
{
	struct packer p = start_entry(rule, buf);
	size_t target = p.len;

	if (!rule->raw->entry) {	/* what no table holds */
		pack_standard(&p, "-");
		put_offsets(&p, target);
		return p.len;
	}
	p.len = fwh_ipt_view(rule->family, rule->raw->entry).length;
	memcpy(buf, rule->raw->entry, p.len);
	return p.len;
}

size_t fwh_ipt_pack(const struct fwh_key *key, const struct fwh_rule *rule,
		    void *buf)
{
	struct packer p = start_entry(rule, buf);
	char comment[FWH_COMMENT_MAX];
	size_t target;

	if (rule->raw)
		return pack_raw(rule, buf);
	pack_matches(&p, rule);
	fwh_rule_comment(key, comment);
	pack_comment(&p, comment);
	target = p.len;
	pack_target(&p, key, rule);
	put_offsets(&p, target);
	return p.len;
}

/* ---- rules that look into a set ---- */

static struct xt_set_info set_info(const struct fwh_set *set, uint16_t index)
{
	struct xt_set_info info = { .index = index, .dim = IPSET_DIM_ONE };

	if (!set->peer_is_dst)
		info.flags = IPSET_DIM_ONE_SRC;
	return info;
}

static void pack_set_match(struct packer *p, const struct fwh_set *set,
			   uint16_t index, bool counts)
{
	struct xt_set_info_match_v4 *info = add_match(p, "set", 4,
						      sizeof(*info));

	info->match_set = set_info(set, index);
	info->flags = counts ? 0 : IPSET_FLAG_SKIP_COUNTER_UPDATE;
}

static void pack_map_mark(struct packer *p, const struct fwh_set *set,
			  uint16_t index)
{
	struct xt_set_info_target_v3 *info = add_target(p, "SET", 3,
							sizeof(*info));

	info->add_set.index = info->del_set.index = IPSET_INVALID_ID;
	info->map_set = set_info(set, index);
	info->flags = IPSET_FLAG_MAP_SKBMARK;
	info->timeout = UINT32_MAX;
}

/* The comment says whose the rule is; the set is looked at last, so that it counts
 * what fits all the rest. */
size_t fwh_ipt_pack_set(const struct fwh_set *set,
			const struct fwh_set_rule *rule, uint16_t index,
			void *buf)
{
	struct packer p = start_entry(&rule->rule, buf);
	char comment[FWH_COMMENT_MAX] = { 0 };
	size_t target;

	if (rule->rule.raw)
		return pack_raw(&rule->rule, buf);
	pack_matches(&p, &rule->rule);
	strcpy(comment, set->name);
	pack_comment(&p, comment);
	if (rule->looks)
		pack_set_match(&p, set, index, rule->counts);
	target = p.len;
	if (rule->maps)
		pack_map_mark(&p, set, index);
	else if (rule->enters)
		pack_standard(&p, set->chain);
	else
		pack_target(&p, NULL, &rule->rule);
	put_offsets(&p, target);
	return p.len;
}

size_t fwh_ipt_pack_hook(enum fwh_family family, enum fwh_hook hook, void *buf)
{
	struct fwh_rule any = { .family = family };
	struct packer p = start_entry(&any, buf);
	char chain[FWH_CHAIN_MAX];
	size_t target = p.len;

	fwh_dispatch_chain(hook, chain);
	pack_standard(&p, chain);
	put_offsets(&p, target);
	return p.len;
}

size_t fwh_ipt_pack_device(enum fwh_family family, const char *name, void *buf)
{
	static const char comment[FWH_COMMENT_MAX] = FWH_DEVICE_COMMENT;
	struct fwh_rule rule = { .family = family };
	struct packer p;
	size_t target;

	assert(strlen(name) < sizeof(rule.out));
	strcpy(rule.out, name);
	p = start_entry(&rule, buf);
	pack_comment(&p, comment);
	target = p.len;
	pack_standard(&p, "RETURN");
	put_offsets(&p, target);
	return p.len;
}

const char *fwh_ipt_out(enum fwh_family family, const void *entry)
{
	const struct ipt_entry *e4 = entry;
	const struct ip6t_entry *e6 = entry;

	return family == FWH_IPV4 ? e4->ip.outiface : e6->ipv6.outiface;
}

struct fwh_ipt_view fwh_ipt_view(enum fwh_family family, const void *entry)
{
	const struct ipt_entry *e4 = entry;
	const struct ip6t_entry *e6 = entry;
	struct fwh_ipt_view view;

	if (family == FWH_IPV4) {
		view.length = e4->next_offset;
		view.target = e4->target_offset;
		view.counters = offsetof(struct ipt_entry, counters);
		view.comefrom = offsetof(struct ipt_entry, comefrom);
	} else {
		view.length = e6->next_offset;
		view.target = e6->target_offset;
		view.counters = offsetof(struct ip6t_entry, counters);
		view.comefrom = offsetof(struct ip6t_entry, comefrom);
	}
	return view;
}

const char *fwh_ipt_comment(enum fwh_family family, const void *entry)
{
	struct fwh_ipt_view view = fwh_ipt_view(family, entry);
	const struct xt_entry_match *match;
	size_t at = view.counters + sizeof(struct xt_counters);

	for (; at < view.target; at += match->u.match_size) {
		match = (const void *)((const uint8_t *)entry + at);
		if (!strncmp(match->u.user.name, "comment",
			     sizeof(match->u.user.name)))
			return (const char *)match->data;
	}
	return "";
}

static unsigned int count_bits(const void *mask, size_t size)
{
	const uint8_t *p = mask;
	unsigned int n = 0;

	for (; size; size--, p++)
		n += (unsigned int)__builtin_popcount(*p);
	return n;
}

unsigned int fwh_ipt_address_bits(enum fwh_family family, const void *entry)
{
	const struct ipt_entry *e4 = entry;
	const struct ip6t_entry *e6 = entry;

	if (family == FWH_IPV4)
		return count_bits(&e4->ip.smsk, sizeof(e4->ip.smsk)) +
		       count_bits(&e4->ip.dmsk, sizeof(e4->ip.dmsk));
	return count_bits(&e6->ipv6.smsk, sizeof(e6->ipv6.smsk)) +
	       count_bits(&e6->ipv6.dmsk, sizeof(e6->ipv6.dmsk));
}

bool fwh_ipt_is_standard(const char *target)
{
	return !strcmp(target, "ACCEPT") || !strcmp(target, "DROP") ||
	       !strcmp(target, "RETURN") || !strncmp(target, "fw-", 3) ||
	       !strncmp(target, "ipsec-fw-", 9) || fwh_is_set_chain(target);
}

/* A match, or a target, at a and at b.  Linux copies a name up to its NUL and no
 * further (xt_obj_to_user()): what follows in libiptc's buffer is not initialized. */
static bool same_extension(const uint8_t *a, const uint8_t *b)
{
	const struct xt_entry_match *x = (const void *)a, *y = (const void *)b;
	size_t size = x->u.match_size;

	return size == y->u.match_size && size >= sizeof(*x) &&
	       x->u.user.revision == y->u.user.revision &&
	       !strncmp(x->u.user.name, y->u.user.name,
			sizeof(x->u.user.name)) &&
	       !memcmp(x->data, y->data, size - sizeof(*x));
}
static_assert(sizeof(struct xt_entry_match) == sizeof(struct xt_entry_target) &&
	      offsetof(struct xt_entry_match, u.user.name) ==
	      offsetof(struct xt_entry_target, u.user.name), "same_extension()");

bool fwh_ipt_equal(enum fwh_family family, const void *a, const char *a_target,
		   const void *b, const char *b_target)
{
	struct fwh_ipt_view va = fwh_ipt_view(family, a);
	struct fwh_ipt_view vb = fwh_ipt_view(family, b);
	const uint8_t *pa = a, *pb = b;
	size_t at = va.counters + sizeof(struct xt_counters);
	/* Addresses, interfaces, protocol: all before nfcache, the first word
	 * after them. */
	size_t header = family == FWH_IPV4 ? offsetof(struct ipt_entry, nfcache) :
					     offsetof(struct ip6t_entry, nfcache);

	if (va.length != vb.length || va.target != vb.target ||
	    strcmp(a_target, b_target) || memcmp(pa, pb, header))
		return false;
	for (; at < va.target;
	     at += ((const struct xt_entry_match *)(pa + at))->u.match_size)
		if (!same_extension(pa + at, pb + at))
			return false;
	return fwh_ipt_is_standard(a_target) ||
	       same_extension(pa + va.target, pb + vb.target);
}
