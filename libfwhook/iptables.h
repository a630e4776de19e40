/* SPDX-License-Identifier: GPL-2.0-or-later */
/* iptables.h - rules as the entries of the kernel's legacy tables. */
#ifndef FWHOOK_IPTABLES_H
#define FWHOOK_IPTABLES_H

#include "internal.h"

/* The largest entry that a plan's rule becomes: header, six matches (the
 * comment has 256 bytes, the policy 308) and a target. */
#define FWH_IPT_ENTRY_MAX	1536

/* Find the entries of rules in a person's own words, by iptables' own parser; those
 * that were found before stay.  fwh_ipt_pack() needs them.  Returns 0, or -EINVAL
 * for the first one that it does not take. */
int fwh_ipt_compile(const struct fwh_plan *const plans[], size_t n,
		    struct fwh_err *err);
/* The same for looking only: words that no parser takes, perhaps since the settings
 * were changed, are packed as what no table holds. */
int fwh_ipt_compile_known(const struct fwh_plan *plans, size_t n,
			  struct fwh_err *err);
/* What each family's module is called. */
extern const char *const fwh_ipt_modules[FWH_FAMILY_MAX];
/* Does the kernel have the family's module?  See that it has, if it can be. */
bool fwh_ipt_has_module(enum fwh_family family);
void fwh_ipt_load_module(enum fwh_family family);
/* Pack a rule, as iptables would, into buf (FWH_IPT_ENTRY_MAX bytes, aligned
 * as struct ipt_entry is).  Jumps carry the chain's name in their target, for
 * libiptc to resolve.  Returns the entry's length. */
size_t fwh_ipt_pack(const struct fwh_key *key, const struct fwh_rule *rule,
		    void *buf);
struct fwh_set;
struct fwh_set_rule;
/* A rule of a set's, which has this index in the kernel; its comment is the set's
 * name. */
size_t fwh_ipt_pack_set(const struct fwh_set *set,
			const struct fwh_set_rule *rule, uint16_t index,
			void *buf);
/* The rule that sends a hook's packets to its dispatch chain. */
size_t fwh_ipt_pack_hook(enum fwh_family family, enum fwh_hook hook, void *buf);

/* The rule of a dispatch chain that lets be what leaves through a device. */
size_t fwh_ipt_pack_device(enum fwh_family family, const char *name, void *buf);
/* The device that an entry's packets leave through, "" for any. */
const char *fwh_ipt_out(enum fwh_family family, const void *entry);

/* An entry of either family, taken apart. */
struct fwh_ipt_view {
	size_t length;			/* of the whole */
	size_t target;			/* offset of the target */
	size_t counters;		/* offset of the packet and byte counters */
	size_t comefrom;		/* offset of the kernel's scratch word */
};
struct fwh_ipt_view fwh_ipt_view(enum fwh_family family, const void *entry);

/* Its comment, "" without one. */
const char *fwh_ipt_comment(enum fwh_family family, const void *entry);
/* How many bits of addresses it looks at. */
unsigned int fwh_ipt_address_bits(enum fwh_family family, const void *entry);

/* A verdict, or a jump to one of our chains: no target of a module. */
bool fwh_ipt_is_standard(const char *target);

/* Do two entries do the same?  Counters don't count; a and b's target names
 * are given since libiptc keeps standard targets resolved. */
bool fwh_ipt_equal(enum fwh_family family, const void *a, const char *a_target,
		   const void *b, const char *b_target);

#endif
