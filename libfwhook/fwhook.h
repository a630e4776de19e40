/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fwhook.h - the firewall half of an IPsec connection, as a library.
 *
 * An event says what a connection is now; the plan says which rules it has;
 * the backend makes the kernel hold exactly those.  The same call brings
 * rules in, corrects them and takes them away.
 *
 *	environment -> fwh_event        fwh_event_parse()
 *	INI files   -> fwh_settings     fwh_config_load(), fwh_config_resolve()
 *	kernel XFRM -> fwh_sa, passes   fwh_xfrm_find_sa(), fwh_xfrm_find_passes()
 *	all of them -> fwh_plan         fwh_plan_build()     pure
 *	fwh_plan    -> text             fwh_plan_print()     pure
 *	fwh_plan    -> kernel           fwh_backend_apply()
 *	all of the above, with a record and locks: fwh_call_run()
 *	routes, addresses, rules, VTI devices, DNS: fwh_call_route()
 *
 * Conventions.  Functions return 0 or a negative errno and, where they take a
 * struct fwh_err, leave one line of explanation there.  Outputs come last,
 * are called ret..., and are written only on success.  Addresses are in
 * network byte order, ports, marks, reqids and SPIs in host order.  Nothing
 * here is thread-safe: libiptc is not.
 */
#ifndef FWHOOK_H
#define FWHOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* ---- errors ---------------------------------------------------------- */

/* What failed, for a person: one line, printable ASCII, without the
 * connection's name (the caller knows it).  code is the negative errno. */
struct fwh_err {
	int code;
	char msg[1536];			/* a connection's longest name and more */
};

/* ---- addresses ------------------------------------------------------- */

enum fwh_family { FWH_IPV4, FWH_IPV6, FWH_FAMILY_MAX };

struct fwh_addr {
	enum fwh_family family;
	uint8_t b[16];			/* IPv4 uses the first four */
};

/* An interface's address, with its net's length; length 0: none. */
struct fwh_ifaddr {
	struct fwh_addr addr;
	uint8_t len;
};

struct fwh_net {
	struct fwh_addr addr;		/* host bits are zero */
	uint8_t len;			/* 0..32 or 0..128 */
};

/* Both ends inclusive, lo <= hi. */
struct fwh_range {
	enum fwh_family family;
	uint8_t lo[16], hi[16];
};

struct fwh_ports {
	uint16_t lo, hi;		/* 0, 65535: any */
};

#define FWH_ADDR_STRLEN		46
#define FWH_RANGE_STRLEN	(2 * FWH_ADDR_STRLEN)
/* The most prefixes that one range can need: 2 * 128 - 2. */
#define FWH_RANGE_NETS_MAX	254

/* Parse a numeric address.  Returns 0 or -EINVAL. */
int fwh_addr_parse(const char *s, struct fwh_addr *ret);
/* Write the address as text; buf holds FWH_ADDR_STRLEN bytes.  Returns buf. */
const char *fwh_addr_format(const struct fwh_addr *addr, char *buf);
bool fwh_addr_equal(const struct fwh_addr *a, const struct fwh_addr *b);
bool fwh_addr_is_any(const struct fwh_addr *a);

/* Parse "addr/len", "addr-addr" or a single address.  Host bits set below
 * the prefix, a prefix too long, mixed families and swapped ends are errors.
 * Returns 0 or -EINVAL. */
int fwh_range_parse(const char *s, struct fwh_range *ret);
/* Write "addr/len" where one prefix covers the range exactly, else
 * "addr-addr"; buf holds FWH_RANGE_STRLEN bytes.  Returns buf. */
const char *fwh_range_format(const struct fwh_range *range, char *buf);
bool fwh_range_contains(const struct fwh_range *range,
			const struct fwh_addr *addr);
bool fwh_range_overlaps(const struct fwh_range *a, const struct fwh_range *b);
/* Is all of inner in outer? */
bool fwh_range_covers(const struct fwh_range *outer,
		      const struct fwh_range *inner);
/* Is the range exactly this one address? */
bool fwh_range_is_host(const struct fwh_range *range,
		       const struct fwh_addr *addr);
/* The smallest list of prefixes that covers exactly the range, ascending.
 * ret holds FWH_RANGE_NETS_MAX.  Returns how many were written (>= 1). */
size_t fwh_range_to_nets(const struct fwh_range *range, struct fwh_net *ret);
void fwh_net_to_range(const struct fwh_net *net, struct fwh_range *ret);

/* ---- event: what the daemon says ------------------------------------- */

enum fwh_dialect {
	FWH_OPENSWAN,
	FWH_LIBRESWAN4,		/* 4.x: reqid is the base, the kernel's is base + 1 */
	FWH_LIBRESWAN5,
	FWH_STRONGSWAN,
	FWH_DIALECT_MAX
};

/* A call can carry several (Libreswan 5.4: "prepare-route-up"). */
enum fwh_verb {
	FWH_PREPARE = 1 << 0,
	FWH_ROUTE = 1 << 1,
	FWH_UP = 1 << 2,
	FWH_DOWN = 1 << 3,
	FWH_UNROUTE = 1 << 4,
	FWH_VERB_OTHER = 1 << 5	/* disconnectNM-*, ...: no firewall matter */
};

enum fwh_conn_flag {			/* of PLUTO_CONN_POLICY */
	FWH_CONN_NEVER_NEGOTIATE = 1 << 0, /* passthrough, drop or reject */
	FWH_CONN_PASS = 1 << 1,
	FWH_CONN_OPPORTUNISTIC = 1 << 2,
	FWH_CONN_NEGO_PASS = 1 << 3,
	FWH_CONN_FAILURE_PASS = 1 << 4,
	FWH_CONN_MOBIKE = 1 << 5,
	FWH_CONN_UP = 1 << 6,
	FWH_CONN_ROUTE = 1 << 7,
	FWH_CONN_COMPRESS = 1 << 8	/* IPComp, if the peer wants it too */
};

enum fwh_mode { FWH_MODE_UNKNOWN, FWH_TUNNEL, FWH_TRANSPORT, FWH_BEET };

/* A connection's traffic, seen from this side. */
struct fwh_selector {
	struct fwh_range local, remote;	/* one family */
	uint8_t proto;			/* 0: any */
	struct fwh_ports lport, rport;	/* only with TCP, UDP, SCTP, UDP-Lite, DCCP */
	int16_t icmp_type, icmp_code;	/* -1: any; only with ICMP, ICMPv6 */
};

struct fwh_mark {
	uint32_t value, mask;		/* mask 0: none */
};

enum fwh_text {
	FWH_TEXT_MY_ID, FWH_TEXT_PEER_ID, FWH_TEXT_PEER_CA, FWH_TEXT_USERNAME,
	FWH_TEXT_DNS, FWH_TEXT_DOMAINS, FWH_TEXT_BANNER, FWH_TEXT_MAX
};

/* With its NUL.  Libreswan sends all variables of an event in at most 2048 bytes,
 * of which the others take more than a thousand. */
#define FWH_CONN_MAX	1024
#define FWH_IFNAME_MAX	16

struct fwh_event {
	enum fwh_dialect dialect;
	unsigned int verbs;		/* enum fwh_verb */
	char verb[48];			/* as it came */
	char conn[FWH_CONN_MAX];	/* PLUTO_CONNECTION */
	bool instance;			/* kind is an instance of a template */
	bool going_away;		/* CK_GOING_AWAY */
	bool tmpl;			/* CK_TEMPLATE or CK_GROUP */
	unsigned int flags;		/* enum fwh_conn_flag */
	enum fwh_mode mode;		/* as configured */
	struct fwh_addr me, peer;	/* the gateways; peer may be the any address */
	struct fwh_selector sel;
	char iface[FWH_IFNAME_MAX];	/* without alias; "" if none */
	char virt_iface[FWH_IFNAME_MAX]; /* XFRM interface, "" if none */
	bool xfrmi_route;		/* routes go through virt_iface */
	struct fwh_ifaddr interface_ip;	/* of virt_iface */
	char vti_iface[FWH_IFNAME_MAX];
	struct fwh_ifaddr vti_ip;
	bool vti_routing, vti_shared;
	uint32_t reqid;			/* as it came; 0: not given */
	uint8_t ipproto;		/* IPPROTO_ESP, _AH, _COMP; 0: no SA or not said */
	uint32_t spi[2];		/* 0: not given; which is which is not known */
	struct fwh_mark mark_in, mark_out; /* of the XFRM policies */
	uint32_t if_id_in, if_id_out;
	uint32_t unique_id;		/* strongSwan's; 0: not given */
	uint16_t encap_port;		/* strongSwan's PLUTO_UDP_ENC */
	bool xauth_failed;
	bool mobike_event;
	bool host_access, ipcomp;	/* strongSwan's */
	bool cat;			/* client address translation */
	bool cfg_client, cfg_server;
	bool peer_cisco, nm_configured;
	uint16_t nflog_group;		/* 0: none */
	struct fwh_addr next_hop;
	struct fwh_addr source_ip;	/* the any address: none */
	uint32_t metric, mtu;
	struct fwh_mark xfrmi_fwmark;
	uint64_t add_time, in_bytes, out_bytes;
	/* Chosen by the peer or by people, never interpreted here; they point
	 * into the environment and are NULL in an event read from a record. */
	const char *text[FWH_TEXT_MAX];
};

/* Read the event from an environment (NULL-terminated "NAME=value" strings).
 * Only known names are read.  Anything malformed or missing is refused with
 * the variable's name, its value and what was expected.
 * Source: Libreswan 4.10 kernel.c and 5.x updown.c, Openswan 3.0 kernel.c,
 * strongSwan updown_listener.c.
 * Returns 0, -EINVAL (malformed), -ENOENT (a variable is missing) or
 * -EOPNOTSUPP (a verb that nobody knows). */
int fwh_event_parse(char *const env[], struct fwh_event *ret,
		    struct fwh_err *err);

/* Write the event as NAME=value lines that fwh_event_parse() reads back to
 * the same event, but for texts, times and byte counts.  Returns 0 or -EIO. */
int fwh_event_write(const struct fwh_event *ev, FILE *f);

/* What tells one instance of a connection from another: name, selectors,
 * protocol, ports and if_id, never what changes under a living connection. */
struct fwh_key {
	char text[FWH_CONN_MAX + 320];	/* readable and unambiguous */
	char conn[FWH_CONN_MAX];
	char stem[12];			/* of the name, for chain and file names */
	char hash[9];			/* of the text: 40 bits in base 32 */
	uint64_t lock;			/* of the hash: byte to lock */
};

void fwh_event_key(const struct fwh_event *ev, struct fwh_key *ret);

/* ---- settings: what the operator says --------------------------------- */

enum fwh_guard {
	FWH_GUARD_OFF,
	FWH_GUARD_UP,			/* from up to down */
	FWH_GUARD_ARMED,		/* from the first event on, for good */
	FWH_GUARD_AUTO			/* as fwh_guard_of() finds fit */
};
enum fwh_log_target { FWH_LOG_OFF, FWH_LOG_KERNEL, FWH_LOG_NFLOG };
enum fwh_verbosity { FWH_ERROR, FWH_INFO, FWH_DEBUG };
/* Whether to do what the daemon's own script does as well. */
enum fwh_instead { FWH_INSTEAD_NO, FWH_INSTEAD_YES,
		   FWH_INSTEAD_AUTO };	/* where no script is chained */
enum fwh_position { FWH_POSITION_TOP, FWH_POSITION_BOTTOM };

/* One entry of accept-in or accept-out: "tcp/443", "udp/60000-61000",
 * "icmp", "gre". */
struct fwh_service {
	uint8_t proto;
	struct fwh_ports port;		/* destination of the first packet */
};

#define FWH_SERVICES_MAX	32

struct fwh_services {
	struct fwh_service list[FWH_SERVICES_MAX];
	size_t n;			/* 0: everything */
};

/* A rule in a person's own words, for one place among the connection's. */
struct fwh_raw {
	size_t where;			/* of fwh_raw_places[] */
	unsigned int families;		/* of connections that have it, a bit each */
	const char *text;		/* with its ${VARIABLE}s */
	const char *place;		/* "FILE:LINE" */
};

/* Of one backend's language; the list is the struct fwh_config's. */
struct fwh_raws {
	struct fwh_raw *list;
	size_t n;
};

#define FWH_RANGES_MAX		16

/* Address ranges of either family. */
struct fwh_ranges {
	struct fwh_range list[FWH_RANGES_MAX];
	size_t n;
};

/* Who does what is no firewall matter: routes, addresses, DNS. */
enum fwh_updown {
	FWH_UPDOWN_OFF,			/* nobody */
	FWH_UPDOWN_CHAIN,		/* the daemon's script */
	FWH_UPDOWN_NATIVE,		/* we */
	FWH_UPDOWN_AUTO			/* as fwh_updown_of() finds fit */
};

/* Whom the peer's name servers are told. */
enum fwh_dns_resolver {
	FWH_DNS_OFF,			/* nobody */
	FWH_DNS_RESOLVED,		/* systemd-resolved */
	FWH_DNS_UNBOUND,
	FWH_DNS_RESOLVCONF,		/* Debian's, or openresolv */
	FWH_DNS_FILE,			/* /etc/resolv.conf */
	FWH_DNS_AUTO			/* as the machine has it */
};

#define FWH_TCP_ENCAP_MAX	4
#define FWH_PATH_MAX		256
#define FWH_LOG_PREFIX_MAX	30	/* with its NUL: the LOG target's limit */
#define FWH_NFLOG_PREFIX_MAX	64	/* the same of NFLOG */

struct fwh_settings {
	bool mark_off;
	bool mark_auto;			/* else mark */
	struct fwh_mark mark;		/* value within mask */
	bool mark_esp;			/* mark-source = esp */
	bool connmark;
	bool policy_mark;
	bool accept_forward, accept_local;
	bool accept_xauth_failed;
	struct fwh_services accept_in, accept_out;
	enum fwh_guard guard;
	struct fwh_ranges guard_exempt;	/* of the peer's side */
	struct fwh_ranges guard_local, guard_remote; /* without any daemon */
	bool guard_both;		/* a full tunnel's other family too */
	bool reject;
	bool nat_exempt;
	uint16_t mss;			/* 0: off */
	bool mss_clamp;
	bool open_ike;
	uint16_t tcp_encap[FWH_TCP_ENCAP_MAX];	/* 0: end */
	enum fwh_log_target log;
	uint16_t log_group;
	char log_prefix[FWH_LOG_PREFIX_MAX];
	uint32_t log_rate;		/* a minute */
	enum fwh_instead nflog;		/* the event's nflog_group */
	bool hold;			/* on-error = hold */
	enum fwh_updown updown;
	bool chain_auto;		/* else chain_path, "" for off */
	char chain_path[FWH_PATH_MAX];
	bool route_always;		/* route = always */
	bool proxy_arp;
	enum fwh_dns_resolver dns;
	struct fwh_raws iptables, nft;
};

/* A chain of nftables, of anybody's. */
struct fwh_chain_name {
	uint8_t family;			/* NFPROTO_INET, _IPV4, _IPV6 */
	char table[32], chain[32];
};

#define FWH_ACCEPT_CHAINS_MAX	16

#define FWH_DEVICES_MAX		8

/* Names of devices; one that ends in '+' stands for all that begin so. */
struct fwh_devices {
	char list[FWH_DEVICES_MAX][FWH_IFNAME_MAX];
	size_t n;
};

/* Rules of its own for each connection, or sets that rules look into. */
enum fwh_scale { FWH_SCALE_AUTO, FWH_SCALE_RULES, FWH_SCALE_SETS };

/* [global] */
struct fwh_globals {
	uint32_t mark_mask;		/* where mark = auto takes its values from */
	unsigned int lock_wait_ms;
	enum fwh_verbosity verbosity;
	bool log_syslog;
	enum fwh_position position;	/* of our jump in INPUT, FORWARD, OUTPUT of filter */
	char backend[16];		/* "auto", "nftables", "iptables" or, in the
					 * form with sets, "iptables-sets" */
	enum fwh_scale scale;		/* of the legacy tables */
	uint32_t scale_above;		/* connections, for FWH_SCALE_AUTO */
	/* nftables: the mark of what is accepted (mask 0: nothing is), and the
	 * chains of others that shall accept it. */
	struct fwh_mark accept_mark;
	struct fwh_chain_name accept_chains[FWH_ACCEPT_CHAINS_MAX];
	size_t n_accept_chains;
	bool accept_chains_auto;	/* those of iptables-nft, too */
	struct fwh_devices devices;	/* that encrypt what goes into them */
};

struct fwh_config;			/* opaque */

/* Read file, then dir/ *.conf in the order of their names (dir may be NULL).
 * A missing main file or folder is no error: the built-in settings hold.
 * Errors name file, line and word, and the nearest known word; a file that
 * others than its owner (root or the caller) can write is refused.
 * Returns 0, -EINVAL, -EPERM, or what open() said.  Free with
 * fwh_config_free(). */
int fwh_config_load(const char *file, const char *dir,
		    struct fwh_config **ret, struct fwh_err *err);
/* Read these files in their order (n 0: the built-in places) and report
 * everything that is wrong with them, not only the first; what follows from an
 * error is not reported again.  A file that is named must be there.  *ret_n: how
 * many findings.  Returns 0 or -ENOMEM. */
int fwh_config_check(const char *const files[], size_t n,
		     void (*report)(const struct fwh_err *err, void *arg),
		     void *arg, size_t *ret_n, struct fwh_err *err);
/* The built-in settings, as if there were no file.  Returns 0 or -ENOMEM. */
int fwh_config_default(struct fwh_config **ret);
void fwh_config_free(struct fwh_config *config);
const struct fwh_globals *fwh_config_globals(const struct fwh_config *config);
/* The settings of one connection: built-in, [default], then the most specific
 * [conn PATTERN] that matches the name, each after its template.  They are good
 * as long as the config is. */
void fwh_config_resolve(const struct fwh_config *config, const char *conn,
			struct fwh_settings *ret);

/* ---- kernel XFRM: the truth ------------------------------------------- */

enum fwh_sa_source { FWH_SA_NONE, FWH_SA_KERNEL, FWH_SA_POLICY, FWH_SA_DAEMON };

struct fwh_sa {
	enum fwh_sa_source source;
	uint32_t reqid;
	enum fwh_mode mode;		/* of the ESP or AH state itself */
	uint8_t ipproto;
	bool encap;			/* NAT-T or TCP */
	uint16_t encap_sport, encap_dport;
	struct fwh_mark mark;
	uint32_t if_id;
	bool offload;			/* packet offload: netfilter sees no ESP */
};

/* A kernel policy without template that lets traffic pass unprotected.
 * Nets are those of the packet in its direction. */
struct fwh_pass {
	bool out;
	uint32_t priority;		/* the lower wins */
	struct fwh_net src, dst;
	uint8_t proto;
	struct fwh_ports sport, dport;
	int16_t icmp_type, icmp_code;
};

struct fwh_xfrm;			/* an open netlink socket */

int fwh_xfrm_open(struct fwh_xfrm **ret, struct fwh_err *err);
void fwh_xfrm_close(struct fwh_xfrm *xfrm);
/* The kernel's SA of the event: the inbound one by address, SPI and protocol
 * (Libreswan swaps SPI_IN and SPI_OUT: both are tried), else what the policy
 * of exactly these selectors says, else the daemon's reqid with its known
 * offset (Libreswan 4.x: base + 1 for ESP, + 2 for IPComp, none for AH and for
 * reqids of the operator's, which are at most 16383).  Asks for single
 * objects, never dumps.  xfrm may be NULL: then only the daemon is believed.
 * Returns 0 with source FWH_SA_NONE if nobody knows a reqid. */
int fwh_xfrm_find_sa(struct fwh_xfrm *xfrm, const struct fwh_event *ev,
		     struct fwh_sa *ret, struct fwh_err *err);
/* The passthrough policies that overlap the event's selectors and have
 * priority over the policy of the event's own.  *ret is malloc'ed, NULL for
 * none.  Dumps the policies, once for all events that the socket is asked about. */
int fwh_xfrm_find_passes(struct fwh_xfrm *xfrm, const struct fwh_event *ev,
			 struct fwh_pass **ret, size_t *ret_n,
			 struct fwh_err *err);

/* ---- plan: which rules a connection has -------------------------------- */

enum fwh_table { FWH_MANGLE, FWH_NAT, FWH_FILTER, FWH_TABLE_MAX };
enum fwh_hook { FWH_PREROUTING, FWH_INPUT, FWH_FORWARD, FWH_OUTPUT,
		FWH_POSTROUTING, FWH_HOOK_MAX };

/* The chains that a connection can have in a table. */
enum fwh_part {
	FWH_PART_IN,			/* from the peer's side, decrypted or not */
	FWH_PART_OUT,			/* to the peer's side */
	FWH_PART_REJECT,		/* the same, where nothing protects it */
	FWH_PART_MSS,
	FWH_PART_RESTORE,		/* mark from conntrack */
	FWH_PART_ESP,			/* mark-source = esp */
	FWH_PART_IPIP,			/* what IPComp left uncompressed */
	FWH_PART_IKE_IN,
	FWH_PART_IKE_OUT,
	FWH_PART_NFLOG_IN,
	FWH_PART_NFLOG_OUT,
	FWH_PART_CAT_IN,		/* client address translation: to our address */
	FWH_PART_CAT_OUT,		/* to the leased one */
	FWH_PART_POLICY_MARK,		/* what the policies look for */
	FWH_PART_RAW_PRE,		/* rules in a person's own words: prerouting, ... */
	FWH_PART_RAW_IN,
	FWH_PART_RAW_FWD_IN,
	FWH_PART_RAW_FWD_OUT,
	FWH_PART_RAW_OUT,
	FWH_PART_RAW_POST,
	FWH_PART_MAX
};

enum fwh_action {
	FWH_ACCEPT, FWH_DROP, FWH_RETURN,
	FWH_JUMP,			/* into the connection's chain `part' */
	FWH_REJECT,			/* ICMP administratively prohibited */
	FWH_REJECT_RESET,		/* TCP reset */
	FWH_SET_MARK, FWH_CONNMARK_SAVE, FWH_CONNMARK_RESTORE,
	FWH_SET_MSS, FWH_CLAMP_MSS,
	FWH_SNAT, FWH_DNAT,		/* to the address `nat' */
	FWH_DO_LOG, FWH_DO_NFLOG,
	FWH_RAW,			/* as `raw' says, which matches, too */
	FWH_ACTION_MAX
};

enum fwh_policy_dir { FWH_POLICY_ANY, FWH_POLICY_IN, FWH_POLICY_OUT };

struct fwh_policy_match {
	enum fwh_policy_dir dir;	/* FWH_POLICY_ANY: no match */
	bool none;			/* not covered by IPsec; else covered by: */
	uint32_t reqid;			/* 0: any */
	uint8_t ipproto;		/* 0: any */
	enum fwh_mode mode;		/* FWH_MODE_UNKNOWN: any */
	bool endpoints;
	struct fwh_addr src, dst;	/* of the tunnel */
};

/* A rule in a person's own words, its variables replaced; the plan's. */
struct fwh_raw_rule {
	bool own;			/* it had variables: of this connection alone */
	void *entry;			/* that it is in the legacy tables, once known */
	const char *text;		/* in here, behind its place */
	char line[];			/* "FILE:LINE: TEXT" */
};

/* One rule.  A zeroed match does not match on that thing. */
struct fwh_rule {
	enum fwh_family family;
	enum fwh_table table;
	bool dispatch;			/* in the dispatch chain of `hook' */
	enum fwh_hook hook;		/* dispatch only */
	bool peer_is_dst;		/* dispatch only: else the source */
	enum fwh_part part;		/* the chain: it jumps to, or it is in */
	bool has_src, has_dst;
	struct fwh_net src, dst;
	char in[FWH_IFNAME_MAX], out[FWH_IFNAME_MAX]; /* as in fwh_devices */
	bool in_not;
	uint8_t proto;
	struct fwh_ports sport, dport;	/* lo 0, hi 0 or 65535: any */
	uint16_t sports[2], dports[2];	/* one of two, e.g. 500 and 4500 */
	bool has_icmp;
	int16_t icmp_type, icmp_code;	/* code -1: any */
	bool tcp_syn;			/* SYN set, RST not */
	struct fwh_policy_match policy;
	bool has_mark, mark_not;
	struct fwh_mark mark;		/* the match's, or SET_MARK's and CONNMARK_*'s */
	bool established;		/* or related */
	uint32_t limit;			/* matches a minute, 0: no limit */
	enum fwh_action action;
	struct fwh_mark set_mark;	/* SET_MARK; its mask for CONNMARK_* */
	uint16_t mss;
	struct fwh_addr nat;
	uint16_t log_group;
	char log_prefix[FWH_NFLOG_PREFIX_MAX]; /* DO_LOG: FWH_LOG_PREFIX_MAX */
	struct fwh_raw_rule *raw;
};

struct fwh_plan {
	struct fwh_key key;
	struct fwh_rule *rules;		/* in order */
	size_t n, cap;
	struct fwh_devices devices;	/* the input's */
	uint32_t policy_marks;		/* bits that its policies look at */
	bool ipcomp;			/* above ESP, if the peer wanted it too */
	bool own_sa;			/* only its reqid tells it from others */
};

enum fwh_state {
	FWH_STATE_DOWN,			/* no rules */
	FWH_STATE_ARMED,			/* down, but its guard stands */
	FWH_STATE_UP,
	FWH_STATE_BLOCKED			/* up, but nothing may pass */
};

/* What a connection's rules are computed from, and nothing else. */
struct fwh_plan_input {
	const struct fwh_event *ev;
	const struct fwh_sa *sa;
	const struct fwh_settings *settings;
	struct fwh_mark mark;		/* mask 0: none */
	const struct fwh_pass *passes;
	size_t n_passes;
	const struct fwh_devices *devices; /* of anybody's; NULL: none */
	const struct fwh_raws *raws;	/* the backend's of the settings; NULL: none */
	struct fwh_mark accept_mark;	/* for their ${ACCEPT_MARK} */
	enum fwh_state state;
};

/* How long a connection's guard stands.  FWH_GUARD_AUTO is armed, but up where
 * addresses are on loan (instances, leases, either way) and off where clear
 * text is the agreed fall-back (opportunistic connections). */
enum fwh_guard fwh_guard_of(const struct fwh_settings *settings,
			    const struct fwh_event *ev);

/* Compute the complete list of rules of one connection.  Pure.
 * Returns 0, -ENOMEM, or -E2BIG if two ranges need too many prefixes.
 * Free with fwh_plan_free(). */
int fwh_plan_build(const struct fwh_plan_input *in, struct fwh_plan *ret,
		   struct fwh_err *err);
void fwh_plan_free(struct fwh_plan *plan);
/* Write the plan in iptables-save form, IPv4 then IPv6, only the families
 * that have rules; what a kernel that held nothing else would show.
 * Returns 0 or -EIO. */
int fwh_plan_print(const struct fwh_plan *plan, FILE *f);

/* ---- record: what was last said of a connection ------------------------- */

/* The daemon that runs us.  A reqid means something in its lifetime only. */
struct fwh_daemon {
	pid_t pid;			/* 0: no daemon was found above us */
	unsigned long long start;	/* clock ticks after boot */
};

struct fwh_record {
	struct fwh_event ev;
	struct fwh_sa sa;
	struct fwh_mark mark;
	struct fwh_daemon daemon;	/* while up or blocked */
	enum fwh_state state;
	bool armed;			/* down will be FWH_STATE_ARMED */
	unsigned int families;		/* that have rules: 1 << family */
	char backend[16];		/* that holds them; "": the first there was */
	uint64_t since;			/* of this state, seconds after 1970; 0: not known */
	uint64_t ended;			/* the store's round in which flows that were
					 * translated before have ended; 0: in none */
};

/* ---- backend: the kernel holds exactly the plan ------------------------ */

struct fwh_backend;

/* The backend of a name, or, of "auto", the one that fits this machine:
 * nftables wherever the kernel has it, but the legacy tables where they hold
 * somebody's rules and nftables holds nobody's.  ret_why (may be NULL) says it
 * in a few words.  Returns 0, -EINVAL for a name that is not built in, or what
 * stands in the way of looking at the tables, such as -ENOMEM. */
int fwh_backend_choose(const char *name, const struct fwh_backend **ret,
		       const char **ret_why, struct fwh_err *err);
const char *fwh_backend_name(const struct fwh_backend *backend);

/* What keeps a connection's packets from leaving translated is its nat exemption,
 * and the guard's way out, which stops what no policy takes.  Did it stand in the
 * kernel before? */
enum fwh_stood {
	FWH_STOOD,
	FWH_STOOD_NOT,			/* not all of it was there */
	FWH_STOOD_FOR_NONE,		/* nor, perhaps, that of other connections */
};

/* One connection's change: the kernel shall hold exactly this plan for its
 * key. */
struct fwh_change {
	const struct fwh_plan *plan;
	const struct fwh_record *before; /* NULL: nothing is known */
	const struct fwh_record *after;
	unsigned int families;		/* where rules of the key may be: a bit
					 * each, 1 << FWH_IPV4 | 1 << FWH_IPV6 */
	bool lost;			/* `before' is not known, but there was one */
	enum fwh_stood *ret_stood;	/* raised to what was found; NULL: nobody asks */
};

/* Make it so, for all changes or for none: one commit a table, and none where
 * the kernel holds it already.  If a later table fails, the earlier ones are
 * put back.  Foreign rules, their order and counters are kept.
 * all: the changes are all connections that there are; what others seem to have
 * goes, and what is damaged is made anew.
 * Returns 0, -ETIMEDOUT (somebody else holds the lock), -ENOPROTOOPT (the
 * kernel lacks a table, match or target), -EPERM, or what the kernel said. */
int fwh_backend_apply(const struct fwh_backend *backend,
		      const struct fwh_globals *globals,
		      const struct fwh_change *changes, size_t n, bool all,
		      struct fwh_err *err);
/* Print what it would make a kernel hold that held nothing else: in the form of
 * iptables-save, or as nft reads it.  Pure.  Returns 0, -ENOMEM or -EIO. */
int fwh_backend_print(const struct fwh_backend *backend,
		      const struct fwh_globals *globals,
		      const struct fwh_plan *plan, FILE *f);

/* ---- the whole: one call of a daemon ------------------------------------ */

struct fwh_call_options {
	const char *config_file;	/* NULL: the built-in place */
	const char *config_dir;		/* NULL: none if config_file is given */
	const char *run_dir;		/* NULL: the built-in place */
	const char *state_dir;		/* what outlives a boot; NULL likewise */
};

struct fwh_call;

/* Open a call: parse it and read the settings.  A broken INI
 * file does not stop a down, which needs no settings.
 * Returns 0 or a negative errno; free with fwh_call_free(). */
int fwh_call_open(const struct fwh_call_options *options, char *const env[],
		  struct fwh_call **ret, struct fwh_err *err);
void fwh_call_free(struct fwh_call *call);
/* The same, as the last thing that a program does.  A process that has deleted
 * something in nftables ends no sooner than the kernel has let go of that, some
 * milliseconds later; here it leaves that to a child, for which it need not wait. */
void fwh_call_leave(struct fwh_call *call);

const struct fwh_event *fwh_call_event(const struct fwh_call *call);
const struct fwh_settings *fwh_call_settings(const struct fwh_call *call);
const struct fwh_globals *fwh_call_globals(const struct fwh_call *call);
/* What is wrong with the INI files, NULL if nothing is.  While it is, the
 * built-in settings are returned and an up fails. */
const struct fwh_err *fwh_call_config_error(const struct fwh_call *call);
/* What the last run came across and got over (a damaged record, XAUTH that
 * failed), NULL if nothing. */
const struct fwh_err *fwh_call_warning(const struct fwh_call *call);

/* Make the firewall follow the event: decide, look into the kernel, plan,
 * apply, record.  Nothing changes on failure.
 * With on-error = hold an up whose rules can't be set leaves the connection blocked by its
 * guard and returns 0 with *ret_held set and the reason in err. */
int fwh_call_run(struct fwh_call *call, bool *ret_held, struct fwh_err *err);
/* Block all traffic of the connection that has just come up, as on-error = hold
 * does, for another reason than its rules. */
int fwh_call_hold(struct fwh_call *call, struct fwh_err *err);
/* Put the connection back to what it was before fwh_call_run(). */
int fwh_call_revert(struct fwh_call *call, struct fwh_err *err);
/* Who does routes, addresses and DNS of an event: never FWH_UPDOWN_AUTO, which is
 * FWH_UPDOWN_NATIVE where everything that the event asks for is built in, and
 * else the script, if there is one.  custom: the script has arguments or a
 * configuration of its own.  ret_why says what is not built in, NULL if
 * everything is.  Pure. */
enum fwh_updown fwh_updown_of(const struct fwh_settings *settings,
			      const struct fwh_event *ev, bool custom,
			      const char **ret_why);
/* Make routes, addresses, rules and devices follow the event: all or none; and
 * then the resolver, whose troubles are complained of (complain may be NULL) and
 * fail nothing.  native: false where somebody else does so, which leaves what we
 * have of earlier events to be let go of at its end. */
int fwh_call_route(struct fwh_call *call, bool native,
		   void (*complain)(const struct fwh_err *err, void *arg),
		   void *arg, struct fwh_err *err);
/* Print what fwh_call_run() would make the kernel hold; changes nothing. */
int fwh_call_print(struct fwh_call *call, FILE *f, struct fwh_err *err);

/* ---- with few rights ------------------------------------------------------ */

/* What fwh_call_run(), fwh_call_route() and the others need besides
 * CAP_NET_ADMIN, netlink sockets, the run and the state directory, and /proc. */
struct fwh_needs {
	bool legacy;			/* CAP_NET_RAW, raw sockets, the lock file */
	bool words;			/* parsers' libraries and tables of names */
	bool resolver;			/* resolv.conf and its folder */
	bool devices;			/* /proc/sys/net, to write there */
	bool broker;			/* fwh_broker_fork() */
};

/* Of an open call.  native: as for fwh_call_route(). */
void fwh_call_needs(struct fwh_call *call, bool native, struct fwh_needs *ret);

/* Fork, before anything is locked: this returns 0 in the child, which can then
 * give up its rights, and a negative errno if there is none.  In the parent it
 * does not return: that keeps its rights, and for the child runs resolvers'
 * programs with words that connections can have, loads ip_tables and ip6_tables,
 * and calls script (NULL: none) when fwh_broker_script() asks for it.  It ends
 * with the child's exit status, or 128 and the number of the signal that ended it;
 * who kills it, kills the child. */
int fwh_broker_fork(int (*script)(void *arg), void *arg, struct fwh_err *err);
/* Returns what script returned, or -EPIPE if the parent is gone. */
int fwh_broker_script(void);

/* ---- looking ------------------------------------------------------------- */

/* What a rule does to a connection's packets, as they meet it on their way from
 * the peer, then on their way to it. */
enum fwh_step {
	FWH_STEP_MARK,			/* marks what was decrypted */
	FWH_STEP_GUARD_IN,		/* stops what only claims to come from the peer */
	FWH_STEP_ACCEPT_IN,
	FWH_STEP_ACCEPT_OUT,
	FWH_STEP_MSS,
	FWH_STEP_REJECT,		/* stops what would leave in clear, and says so */
	FWH_STEP_IKE,			/* accepts the gateways' own */
	FWH_STEP_GUARD_OUT,		/* stops what would leave in clear */
	FWH_STEP_NAT,			/* keeps source NAT off */
	FWH_STEP_RAW,			/* what a person added */
	FWH_STEP_MAX
};

enum fwh_presence {
	FWH_HELD,			/* wanted, and the kernel has it */
	FWH_MISSING,			/* wanted */
	FWH_EXTRA			/* not wanted */
};

/* A legacy rule, or an element of an nftables set (a rule of nftables only where
 * it is missing): something that the kernel holds of a connection, or should. */
struct fwh_held {
	size_t conn;			/* of the view; SIZE_MAX: no connection's */
	size_t order;			/* of those of one connection and step */
	enum fwh_step step;
	enum fwh_presence presence;
	bool decides;			/* it ends or marks; else it only leads there */
	bool counted;
	uint64_t packets, bytes;	/* that it decided about */
	unsigned int sharers;		/* other connections that count here, too */
	char *text;			/* as the kernel's tools say it */
	char *rule;			/* that looks into the element's set; NULL: text
					 * is the rule, or nobody knows */
};

struct fwh_total {
	bool counted;
	uint64_t packets, bytes;
	unsigned int sharers;		/* of any of its parts */
};

/* A connection that has a record. */
struct fwh_seen {
	struct fwh_record record;
	struct fwh_key key;
	struct fwh_settings settings;
	uint64_t event;			/* when its record was written; 0: not known */
	bool daemon_gone;		/* the record knows one, which lives no more */
	bool policy_gone;		/* up, but the kernel has neither SA nor policy */
	size_t first, n;		/* of the view's list, in the order of steps */
	size_t missing, extra;		/* of those */
	struct fwh_total total[FWH_STEP_MAX];
	char **updown;			/* its routes, addresses and DNS, a line each: */
	size_t n_updown;		/* of fwh_view_read_updown() */
};

struct fwh_view {
	const struct fwh_backend *backend; /* that new rules go to */
	const char *why;
	struct fwh_seen *conns;		/* by name, then by selectors */
	size_t n;
	struct fwh_plan *plans;		/* one a connection */
	struct fwh_held *held;		/* by connection, those of none last */
	size_t n_held;
	struct fwh_globals globals;
	struct fwh_config *config;	/* that the settings are good with */
	struct fwh_store *store;	/* of the records */
};

/* Look at every connection, its record and what the kernel holds of it, in one
 * go; tables are read once, whatever the number of connections.  plans: only
 * the records, not the kernel.  What is damaged is complained of (complain may
 * be NULL) and counted.  Free with fwh_view_free().
 * Returns 0, -EACCES or -EPERM (without CAP_NET_ADMIN and CAP_NET_RAW), or what
 * the kernel said. */
int fwh_view_open(const struct fwh_call_options *options, bool plans,
		  void (*complain)(const struct fwh_err *err, void *arg),
		  void *arg, size_t *ret_complaints, struct fwh_view **ret,
		  struct fwh_err *err);
void fwh_view_free(struct fwh_view *view);
/* Read what was set natively for the nth connection, once.  Returns 0 or a negative
 * errno. */
int fwh_view_read_updown(struct fwh_view *view, size_t n, struct fwh_err *err);
/* Does the connection differ from its plan, or from what IPsec is doing? */
bool fwh_seen_drifts(const struct fwh_seen *seen);
/* Print the nth connection's plan as fwh_call_print() does. */
int fwh_view_print(const struct fwh_view *view, size_t n, FILE *f,
		   struct fwh_err *err);

/* A table of nftables that is not ours. */
struct fwh_foreign_table {
	uint8_t family;			/* NFPROTO_... */
	char name[64];
	bool owned;			/* by a process: nobody else can change it */
	bool translates;		/* has SNAT or MASQUERADE */
	bool asks_mark;			/* has a rule that looks at packets' marks */
};

/* A base chain of one, of family inet, ip or ip6. */
struct fwh_foreign_chain {
	uint8_t family;
	char table[64], name[64];
	uint32_t hook;			/* NF_INET_... */
	int32_t priority;
	bool nat;			/* type nat */
	bool drops;			/* by policy */
};

struct fwh_survey {
	bool nftables;			/* this kernel has it */
	bool legacy;			/* the legacy tables hold somebody's rules */
	struct fwh_foreign_table *tables;
	size_t n_tables;
	struct fwh_foreign_chain *chains;
	size_t n_chains;
};

/* What others have in the kernel's tables.  Free with fwh_survey_free().
 * Returns 0, -ENOMEM, -EPERM, or what the kernel said. */
int fwh_survey_take(struct fwh_survey **ret, struct fwh_err *err);
void fwh_survey_free(struct fwh_survey *survey);
/* Put all kinds of rules of a backend into a network namespace that is made for
 * this and ends with it: what this kernel lacks, err says.  Returns 0, -EPERM
 * (without CAP_SYS_ADMIN nobody can tell), or -ENOPROTOOPT. */
int fwh_backend_probe(const struct fwh_backend *backend, struct fwh_err *err);

/* ---- guards without a daemon --------------------------------------------- */

/* Put up the guards that were saved, and those of guard-local and guard-remote:
 * in one commit a table, before any interface is up.  Connections that are up
 * are left alone.  Whatever is damaged is complained of (complain may be NULL)
 * and counted, and the rest armed.  Returns 0 or a negative errno. */
int fwh_guards_arm(const struct fwh_call_options *options,
		   void (*complain)(const struct fwh_err *err, void *arg),
		   void *arg, size_t *ret_n, size_t *ret_complaints,
		   struct fwh_err *err);
/* Release the traffic of the connections of this name (NULL: of all), and
 * forget their guards until their daemons call again.  One that is up is
 * guarded until it is down.  ret_n: how many there were. */
int fwh_guards_disarm(const struct fwh_call_options *options, const char *conn,
		      size_t *ret_n, struct fwh_err *err);
/* Read the saved guards: ret_n are good, the others are complained of (complain may
 * be NULL) and counted. */
int fwh_guards_saved(const struct fwh_call_options *options,
		     void (*complain)(const struct fwh_err *err, void *arg),
		     void *arg, size_t *ret_n, size_t *ret_complaints,
		     struct fwh_err *err);
/* Take everything of ours out of the tables of all backends, whether a record knows
 * of it or not, then all records and saved guards, damaged ones too.  ret_n: how
 * many connections there were.  Nothing is guarded after this. */
int fwh_guards_flush(const struct fwh_call_options *options, size_t *ret_n,
		     struct fwh_err *err);
/* Make the kernel hold what the records say, of every connection: rules that were
 * lost come back, what has no record goes.  A connection that was up, whose daemon
 * lives no more and of which the kernel knows neither SA nor policy, is armed.
 * ret_n: how many connections. */
int fwh_guards_reconcile(const struct fwh_call_options *options,
			 void (*complain)(const struct fwh_err *err, void *arg),
			 void *arg, size_t *ret_n, size_t *ret_complaints,
			 struct fwh_err *err);
/* Do so now, and again whenever somebody else has changed nftables' ruleset, or the
 * legacy tables while they hold our rules: within a fraction of a second.
 * Returns a negative errno when it can watch no longer. */
int fwh_guards_monitor(const struct fwh_call_options *options,
		       void (*complain)(const struct fwh_err *err, void *arg),
		       void *arg, struct fwh_err *err);
/* The backend that these options lead to, and why in a few words. */
int fwh_guards_backend(const struct fwh_call_options *options,
		       const struct fwh_backend **ret, const char **ret_why,
		       struct fwh_err *err);
/* Every connection that has a record, malloc'ed, in no order. */
int fwh_guards_list(const struct fwh_call_options *options,
		    struct fwh_record **ret, size_t *ret_n,
		    struct fwh_err *err);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
