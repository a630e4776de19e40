// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * config_keys.c - the table of keys: where each may stand, who parses its value,
 * which fields it sets.
 */
#include <string.h>

#include "config.h"
#include "config_keys.h"

/* In a struct section, or in a struct fwh_globals. */
#define SPAN(type, first, last)						\
	offsetof(type, first),						\
	offsetof(type, last) + sizeof(((type *)0)->last) - offsetof(type, first)
#define ONE(member)	SPAN(struct section, values.member, values.member)
#define ALL(first, last) SPAN(struct section, values.first, values.last)
#define GLOBAL_ONE(member) SPAN(struct fwh_globals, member, member)
#define RANGES		"none, or at most 16 address ranges"
#define SERVICES	"all, or at most 32 of PROTOCOL/PORT, "			\
			"PROTOCOL/LOW-HIGH and PROTOCOL"

const struct key fwh_config_keys[] = {
	{ "template", PLAN_KINDS, false, fwh_value_template,
	  SPAN(struct section, template, template), "",
	  "the name of a template, at most 49 characters",
	  "take over what [template NAME] sets" },
	{ "mark", PLAN_KINDS, false, fwh_value_mark, ALL(mark_off, mark),
	  "auto off", "auto, off or VALUE/MASK with the value inside the mask",
	  "the mark of packets that came through the tunnel" },
	{ "mark-source", PLAN_KINDS, false, fwh_value_word, ONE(mark_esp),
	  "policy esp", "policy or esp",
	  "what tells decrypted packets: the SA, or a mark on their ESP" },
	{ "connmark", PLAN_KINDS, false, fwh_value_bool, ONE(connmark),
	  "yes no", "yes or no",
	  "keep the mark in conntrack and give it to replies" },
	{ "policy-mark", PLAN_KINDS, false, fwh_value_bool, ONE(policy_mark),
	  "yes no", "yes or no",
	  "put the marks on packets that policies with mark= look for" },
	{ "accept", PLAN_KINDS, false, fwh_value_accept,
	  ALL(accept_forward, accept_local), "forward local none",
	  "forward, local, both with a comma between, or none",
	  "where the connection's traffic is accepted" },
	{ "accept-in", PLAN_KINDS, true, fwh_value_services, ONE(accept_in),
	  "all", SERVICES, "what the peer's side may begin" },
	{ "accept-out", PLAN_KINDS, true, fwh_value_services, ONE(accept_out),
	  "all", SERVICES, "what our side may begin" },
	{ "accept-xauth-failed", PLAN_KINDS, false, fwh_value_bool,
	  ONE(accept_xauth_failed), "yes no", "yes or no",
	  "accept although XAUTH failed" },
	{ "guard", PLAN_KINDS, false, fwh_value_word, ONE(guard),
	  "off up armed auto", "auto, armed, up or off",
	  "drop the protected addresses' packets in clear text" },
	{ "guard-exempt", PLAN_KINDS, true, fwh_value_ranges, ONE(guard_exempt),
	  "none", RANGES, "what of the peer's side may be in clear" },
	{ "guard-families", PLAN_KINDS, false, fwh_value_word, ONE(guard_both),
	  "own both", "own or both",
	  "whether a full tunnel stops the other address family" },
	{ "guard-local", CONN, true, fwh_value_ranges, ONE(guard_local), "none",
	  RANGES, "our side, for a guard before any daemon runs" },
	{ "guard-remote", CONN, true, fwh_value_ranges, ONE(guard_remote),
	  "none", RANGES, "the peer's side of it" },
	{ "reject", PLAN_KINDS, false, fwh_value_bool, ONE(reject), "yes no",
	  "yes or no", "tell the sender of what the guard drops" },
	{ "nat-exempt", PLAN_KINDS, false, fwh_value_bool, ONE(nat_exempt),
	  "yes no", "yes or no",
	  "keep source NAT off the connection's traffic" },
	{ "mss", PLAN_KINDS, false, fwh_value_mss, ALL(mss, mss_clamp),
	  "clamp off", "clamp, off or 536 to 65495",
	  "limit the segments of forwarded TCP" },
	{ "open-ike", PLAN_KINDS, false, fwh_value_bool, ONE(open_ike),
	  "yes no", "yes or no",
	  "accept IKE, ESP and AH between the gateways" },
	{ "tcp-encap", PLAN_KINDS, false, fwh_value_tcp_encap, ONE(tcp_encap),
	  "off", "off or at most four ports",
	  "TCP ports that carry IKE and ESP" },
	{ "log", PLAN_KINDS, false, fwh_value_word, ONE(log), "off LOG NFLOG",
	  "off, LOG or NFLOG", "log what the guard drops" },
	{ "log-group", PLAN_KINDS, false, fwh_value_log_group, ONE(log_group),
	  "", "0 to 65535", "the netlink group of NFLOG" },
	{ "log-prefix", PLAN_KINDS, false, fwh_value_log_prefix,
	  ONE(log_prefix), "",
	  "at most 28 printable ASCII characters without quotes and "
	  "backslashes", "what log lines begin with" },
	{ "log-rate", PLAN_KINDS, false, fwh_value_log_rate, ONE(log_rate), "",
	  "1 to 600000", "log lines a minute, at most" },
	{ "nflog", PLAN_KINDS, false, fwh_value_word, ONE(nflog), "no yes auto",
	  "auto, yes or no", "packets of the SA to the group of nflog=" },
	{ "iptables", PLAN_KINDS, true, fwh_value_raw, ONE(iptables), "none",
	  "TABLE CHAIN in: RULE, TABLE CHAIN out: RULE, or none",
	  "a rule as iptables takes it" },
	{ "nft", PLAN_KINDS, true, fwh_value_raw, ONE(nft), "none",
	  "CHAIN in: RULE, CHAIN out: RULE, or none",
	  "a rule as nft takes it" },
	{ "on-error", PLAN_KINDS, false, fwh_value_word, ONE(hold), "fail hold",
	  "fail or hold", "what an up does whose rules can't be set" },
	{ "updown", PLAN_KINDS, false, fwh_value_word, ONE(updown),
	  "off chain native auto", "auto, native, chain or off",
	  "who does routes, addresses and DNS" },
	{ "route", PLAN_KINDS, false, fwh_value_word, ONE(route_always),
	  "needed always", "needed or always",
	  "whether each connection has a route of its own" },
	{ "proxy-arp", PLAN_KINDS, false, fwh_value_bool, ONE(proxy_arp),
	  "yes no", "yes or no",
	  "answer on the LAN for a peer with an address of it" },
	{ "dns", PLAN_KINDS, false, fwh_value_word, ONE(dns),
	  "off resolved unbound resolvconf file auto",
	  "auto, resolved, unbound, resolvconf, file or off",
	  "who is told the peer's name servers" },
	{ "chain-updown", PLAN_KINDS, false, fwh_value_chain_updown,
	  ALL(chain_auto, chain_path), "auto off",
	  "auto, off or an absolute path shorter than 256 characters",
	  "the script that does them, where we don't" },
	{ "accept-in-chain", GLOBAL, true, fwh_value_accept_chains,
	  SPAN(struct fwh_globals, accept_chains, accept_chains_auto),
	  "auto none", "auto, none, or at most 16 of inet TABLE CHAIN, "
	  "ip TABLE CHAIN and ip6 TABLE CHAIN",
	  "the chains of nftables that shall accept what we accept" },
	{ "accept-mark", GLOBAL, false, fwh_value_accept_mark,
	  GLOBAL_ONE(accept_mark), "off",
	  "off or VALUE/MASK with the value inside the mask",
	  "what nftables marks accepted packets with" },
	{ "backend", GLOBAL, false, fwh_value_backend, GLOBAL_ONE(backend),
	  "auto nftables iptables", "auto, nftables or iptables",
	  "who holds the rules" },
	{ "devices", GLOBAL, true, fwh_value_devices, GLOBAL_ONE(devices),
	  "none", "none, or at most 8 names of devices, with a + at the end "
	  "for all that begin so", "the devices that encrypt what goes into them" },
	{ "lock-wait", GLOBAL, false, fwh_value_lock_wait,
	  GLOBAL_ONE(lock_wait_ms), "",
	  "seconds, 0 to 600, with at most three decimals",
	  "how long to wait for locks" },
	{ "log", GLOBAL, false, fwh_value_verbosity,
	  SPAN(struct fwh_globals, verbosity, log_syslog),
	  "error info debug syslog",
	  "error, info or debug; with ', syslog' to syslog too",
	  "what the helper says" },
	{ "mark-mask", GLOBAL, false, fwh_value_mark_mask,
	  GLOBAL_ONE(mark_mask), "",
	  "one contiguous run of bits such as 0x3fff0000",
	  "the bits that mark = auto takes its values from" },
	{ "position", GLOBAL, false, fwh_value_word, GLOBAL_ONE(position),
	  "top bottom", "top or bottom",
	  "where filter's chains jump to ours" },
	{ "scale", GLOBAL, false, fwh_value_word, GLOBAL_ONE(scale),
	  "auto rules sets", "auto, rules or sets",
	  "in the legacy tables: rules for each connection, or sets" },
	{ "scale-above", GLOBAL, false, fwh_value_count,
	  GLOBAL_ONE(scale_above), "", "a number, 0 to 1000000",
	  "the connections above which scale = auto is sets" },
};
const size_t fwh_config_n_keys = ARRAY_SIZE(fwh_config_keys);
_Static_assert(ARRAY_SIZE(fwh_config_keys) <= 64, "a bit a key");

bool fwh_config_key(size_t n, struct fwh_config_key *ret)
{
	const struct key *key;

	if (n >= fwh_config_n_keys)
		return false;
	key = &fwh_config_keys[n];
	ret->name = key->name;
	ret->global = key->kinds == GLOBAL;
	ret->words = key->words;
	ret->expected = key->expected;
	ret->help = key->help;
	return true;
}

const struct key *fwh_config_find_key(const char *name, unsigned int kinds)
{
	const struct key *key;

	for (key = fwh_config_keys; key < fwh_config_keys + fwh_config_n_keys;
	     key++)
		if (key->kinds & kinds && !strcmp(key->name, name))
			return key;
	return NULL;
}
