/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft.h - a plan as nftables: a fixed skeleton of chains and rules, in which a
 * connection is nothing but elements of sets.
 *
 * What connections have in common (the content of their chains) becomes a set
 * with the rules that look into it; what is their own (addresses, reqid) becomes
 * an element.  Connections of the same settings share all rules, so that an
 * event adds and deletes elements of hashes only, whatever else is there.
 */
#ifndef FWHOOK_NFT_H
#define FWHOOK_NFT_H

#include "internal.h"

#define FWH_NFT_TABLE		"ipsec_fw"
#define FWH_NFT_NAME_MAX	56
#define FWH_NFT_BASE_NAME_MAX	48	/* of sets that rules look into */
#define FWH_NFT_TEXT_MAX	768
#define FWH_NFT_KEY_MAX		32	/* two IPv6 addresses */

struct nftnl_rule;
struct nftnl_set;

/* The base chains, in the order in which they are printed. */
enum fwh_nft_base {
	FWH_NFT_PREROUTING,
	FWH_NFT_DSTNAT,
	FWH_NFT_CONNMARK,		/* after all marks are set */
	FWH_NFT_INPUT,
	FWH_NFT_FORWARD,
	FWH_NFT_OUTPUT_MARK,		/* routes anew by the mark */
	FWH_NFT_OUTPUT,
	FWH_NFT_POSTROUTING,
	FWH_NFT_SRCNAT,
	FWH_NFT_AFTER_SRCNAT,		/* of anybody's */
	FWH_NFT_BASE_MAX
};

struct fwh_nft_base_chain {
	const char *name, *type, *hook, *priority;	/* as nft says it */
	uint32_t hooknum;
	int32_t prio;
};
extern const struct fwh_nft_base_chain fwh_nft_base[FWH_NFT_BASE_MAX];

/* Does a set of this name keep packets from leaving translated: the nat exemption's,
 * or the guard's on the way out? */
bool fwh_nft_keeps(const char *set);

/* ---- one rule, as text and as expressions (nft_rule.c) ---- */

/* What a rule comes and goes with. */
enum fwh_nft_owner {
	FWH_NFT_OF_SET,
	FWH_NFT_OF_GATE,
	FWH_NFT_OF_NAT_GATE,
	FWH_NFT_OF_HITS,
	FWH_NFT_OWNER_COUNT
};

struct fwh_nft_rule {
	char chain[FWH_NFT_NAME_MAX];
	enum fwh_nft_owner owner;
	bool head;			/* before the others of its chain */
	bool nomem;
	bool nfproto;			/* the family was asked for already */
	const struct fwh_raw_rule *raw;	/* in whose words it is; the plan's */
	const struct fwh_raw_rule *leads; /* it jumps to these and those behind them */
	struct nftnl_set **anonymous;	/* of those words, once they are understood */
	size_t n_anonymous, cap_anonymous;
	bool understood;
	char look[FWH_NFT_NAME_MAX], jump[FWH_NFT_NAME_MAX]; /* set, chain, "" */
	char text[FWH_NFT_TEXT_MAX];
	struct nftnl_rule *rule;
};

/* Begin a rule of a chain; it is never without text.  Every function below adds
 * to both forms; out of memory is remembered in nomem. */
void fwh_nft_rule_begin(struct fwh_nft_rule *r, const char *chain);
void fwh_nft_rule_free(struct fwh_nft_rule *r);

/* The matches of a plan's rule and its action.  translated: the source is that of
 * before source NAT.  accept: the mark that stands for accepted. */
void fwh_nft_put_addresses(struct fwh_nft_rule *r, const struct fwh_rule *rule,
			   bool translated);
void fwh_nft_put_selector(struct fwh_nft_rule *r, const struct fwh_rule *rule);
void fwh_nft_put_policy(struct fwh_nft_rule *r, const struct fwh_rule *rule);
void fwh_nft_put_state(struct fwh_nft_rule *r, const struct fwh_rule *rule);
/* Whatever is not "established,related". */
void fwh_nft_put_not_established(struct fwh_nft_rule *r);
void fwh_nft_put_action(struct fwh_nft_rule *r, const struct fwh_rule *rule,
			const struct fwh_mark *accept);
/* As nft calls it; NULL: by its number. */
const char *fwh_nft_proto_name(uint8_t proto);
/* Look the packet's addresses up, each up to its prefix; conntrack: those it
 * had before source NAT and has after destination NAT. */
void fwh_nft_put_lookup(struct fwh_nft_rule *r, enum fwh_family family,
			unsigned int src_len, unsigned int dst_len,
			bool conntrack, const char *set);
/* Its source has been translated: all others were asked for before source NAT. */
void fwh_nft_put_translated(struct fwh_nft_rule *r);
/* The same of the packet that an ICMP error quotes, the other way round: its
 * destination and its source. */
void fwh_nft_put_quoted_lookup(struct fwh_nft_rule *r, enum fwh_family family,
			       unsigned int dst_len, unsigned int src_len,
			       const char *set);
/* Types of ICMP errors, lo to hi. */
void fwh_nft_put_icmp_types(struct fwh_nft_rule *r, enum fwh_family family,
			    uint8_t lo, uint8_t hi);
/* "xfrm", "vti": what kind of device the packet leaves through. */
void fwh_nft_put_device_kind(struct fwh_nft_rule *r, const char *kind);
/* The reqid of the nth template. */
void fwh_nft_put_reqid_lookup(struct fwh_nft_rule *r, bool out,
			      unsigned int nth, const char *set);
/* mark = (mark & keep) | set; of the packet or of its connection. */
void fwh_nft_put_set_mark(struct fwh_nft_rule *r, bool conntrack,
			  uint32_t keep, uint32_t set);
void fwh_nft_put_mark_bit(struct fwh_nft_rule *r, bool conntrack, uint32_t bit);
void fwh_nft_put_accept(struct fwh_nft_rule *r);
void fwh_nft_put_jump(struct fwh_nft_rule *r, const char *chain);

/* ---- a connection (nft.c) ---- */

enum fwh_nft_type {
	FWH_NFT_ADDRS4, FWH_NFT_ADDRS6,	/* source . destination */
	FWH_NFT_REQID_IN, FWH_NFT_REQID_OUT,
	FWH_NFT_QUOTED4, FWH_NFT_QUOTED6, /* destination . source in an error */
	FWH_NFT_TYPE_MAX
};

struct fwh_nft_key {
	uint8_t b[FWH_NFT_KEY_MAX];
	size_t len;
};

/* A set, all that it needs to work, and the connection's elements in it. */
struct fwh_nft_set {
	char name[FWH_NFT_NAME_MAX];
	enum fwh_nft_type type;
	bool counter;			/* one an element */
	/* Chains that it shares with sets of the same content, "" for none: what
	 * is exempt before the lookup, the same behind source NAT, and what
	 * happens to packets that the lookup finds. */
	char shared[FWH_NFT_OWNER_COUNT][FWH_NFT_NAME_MAX];
	struct fwh_nft_rule *rules;	/* of those chains and of base chains */
	size_t n_rules, cap_rules;
	struct fwh_nft_key *keys;
	size_t n_keys, cap_keys;
};

struct fwh_nft {
	struct fwh_nft_set *sets;
	size_t n, cap;
};

/* The rules that a base chain begins with, whatever sets there are; to be freed.
 * Returns how many. */
#define FWH_NFT_PROLOGUE_MAX	3
size_t fwh_nft_prologue(const char *chain,
			struct fwh_nft_rule ret[FWH_NFT_PROLOGUE_MAX]);

/* Pure.  Returns 0 or -ENOMEM. */
int fwh_nft_build(const struct fwh_plan *plan, const struct fwh_globals *globals,
		  struct fwh_nft *ret);
void fwh_nft_free(struct fwh_nft *nft);

/* Is the rule one of a chain that an earlier set brings along, too? */
bool fwh_nft_is_repeated(const struct fwh_nft *nft, size_t n,
			 const struct fwh_nft_rule *rule);
/* The element as nft writes it. */
void fwh_nft_print_key(enum fwh_nft_type type, const struct fwh_nft_key *key,
		       FILE *f);
/* Write it as nft reads it.  Returns 0 or -EIO. */
int fwh_nft_print(const struct fwh_nft *nft, const char *owner, FILE *f);

/* What an element says of its owner, e.g. "office-k3f9a0qz". */
#define FWH_NFT_OWNER_MAX	24
void fwh_nft_owner(const struct fwh_key *key, char ret[FWH_NFT_OWNER_MAX]);

/* The prefixes that a set of addresses is for, from its name.  Returns 0 or
 * -EINVAL for a set that is not one of those. */
int fwh_nft_shape(const char *set, unsigned int *ret_src_len,
		  unsigned int *ret_dst_len);
void fwh_nft_addresses_key(const struct fwh_net *src, const struct fwh_net *dst,
			   struct fwh_nft_key *ret);
void fwh_nft_reqid_key(uint32_t reqid, struct fwh_nft_key *ret);

#endif
