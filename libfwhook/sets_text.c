// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sets_text.c - sets as "ipset restore" reads them and their rules as iptables-save
 * would show them; pure.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "sets.h"

void fwh_set_rule_print(const struct fwh_set *set,
			const struct fwh_set_rule *rule, const char *chain,
			FILE *f)
{
	const char *side = set->peer_is_dst ? "dst" : "src";

	fprintf(f, "-A %s", chain);
	if (rule->rule.raw) {
		fprintf(f, " %s", rule->rule.raw->text);
		return;
	}
	fwh_rule_print_matches(&rule->rule, f);
	fprintf(f, " -m comment --comment %s", set->name);
	if (rule->looks)
		fprintf(f, " -m set --match-set %s %s%s", set->name, side,
			rule->counts ? "" : " ! --update-counters");
	if (rule->maps)
		fprintf(f, " -j SET --map-set %s %s --map-mark", set->name,
			side);
	else if (rule->enters)
		fprintf(f, " -j %s", set->chain);
	else
		fwh_rule_print_target(NULL, &rule->rule, f);
}

void fwh_set_key_print(const struct fwh_set *set, const struct fwh_set_key *key,
		       const char *owner, FILE *f)
{
	char buf[FWH_ADDR_STRLEN];

	fprintf(f, "add %s %s", set->name,
		fwh_addr_format(&key->net.addr, buf));
	if (key->net.len < fwh_family_bits(key->net.addr.family))
		fprintf(f, "/%u", key->net.len);
	fprintf(f, " comment \"%s\"", owner);
	if (key->mark.mask)
		fprintf(f, " skbmark 0x%" PRIx32 "/0x%" PRIx32,
			key->mark.value, key->mark.mask);
}

static void print_sets(const struct fwh_sets *sets, const char *owner, FILE *f)
{
	const struct fwh_set *set;
	size_t i, j;

	fputs("# ipset\n", f);
	for (i = 0; i < sets->n; i++) {
		set = &sets->list[i];
		fprintf(f, "create %s hash:net family inet%s counters comment"
			"%s\n", set->name, set->family == FWH_IPV6 ? "6" : "",
			set->marks ? " skbinfo" : "");
		for (j = 0; j < set->n_keys; j++) {
			fwh_set_key_print(set, &set->keys[j], owner, f);
			putc('\n', f);
		}
	}
}

static bool selects(const struct fwh_set *set, enum fwh_family family,
		    enum fwh_table table)
{
	return set->family == family && set->table == table;
}

static void print_dispatch(const struct fwh_globals *globals,
			   const struct fwh_sets *sets, enum fwh_family family,
			   enum fwh_table table, enum fwh_hook hook, FILE *f)
{
	char chain[FWH_CHAIN_MAX];
	bool begun = false;
	size_t i, j;

	fwh_dispatch_chain(hook, chain);
	for (i = 0; i < sets->n; i++) {
		const struct fwh_set *set = &sets->list[i];

		if (!selects(set, family, table) || !(set->hooks & 1u << hook))
			continue;
		for (j = 0; !begun && table == FWH_MANGLE &&
			    hook == FWH_POSTROUTING &&
			    j < globals->devices.n; j++)
			fprintf(f, "-A %s -o %s -m comment --comment \"%s\" "
				"-j RETURN\n", chain, globals->devices.list[j],
				FWH_DEVICE_COMMENT);
		begun = true;
		fwh_set_rule_print(set, &set->entry, chain, f);
		putc('\n', f);
	}
}

static void print_table(const struct fwh_globals *globals,
			const struct fwh_sets *sets, enum fwh_family family,
			enum fwh_table table, FILE *f)
{
	char chain[FWH_CHAIN_MAX];
	unsigned int hooks = 0;
	enum fwh_hook hook;
	size_t i, j;

	for (i = 0; i < sets->n; i++)
		if (selects(&sets->list[i], family, table))
			hooks |= sets->list[i].hooks;
	if (!hooks)
		return;
	fprintf(f, "*%s\n", fwh_table_name[table]);
	for (hook = 0; hook < FWH_HOOK_MAX; hook++) {
		if (!(hooks & 1u << hook))
			continue;
		fwh_dispatch_chain(hook, chain);
		fprintf(f, ":%s - [0:0]\n-A %s -j %s\n", chain,
			fwh_hook_name[hook], chain);
	}
	for (i = 0; i < sets->n; i++)
		if (selects(&sets->list[i], family, table) &&
		    *sets->list[i].chain)
			fprintf(f, ":%s - [0:0]\n", sets->list[i].chain);
	for (hook = 0; hook < FWH_HOOK_MAX; hook++)
		print_dispatch(globals, sets, family, table, hook, f);
	for (i = 0; i < sets->n; i++) {
		const struct fwh_set *set = &sets->list[i];

		for (j = 0; selects(set, family, table) && j < set->n_rules;
		     j++) {
			fwh_set_rule_print(set, &set->rules[j], set->chain, f);
			putc('\n', f);
		}
	}
	fputs("COMMIT\n", f);
}

int fwh_sets_print(const struct fwh_globals *globals,
		   const struct fwh_plan *plan, FILE *f)
{
	static const char *const title[FWH_FAMILY_MAX] = {
		"# IPv4\n", "# IPv6\n"
	};
	char owner[FWH_SET_OWNER_MAX];
	enum fwh_family family;
	enum fwh_table table;
	struct fwh_sets sets;
	size_t i;
	int code = fwh_sets_build(plan, &sets);

	if (code)
		return code;
	fwh_set_owner(&plan->key, owner);
	print_sets(&sets, owner, f);
	for (family = 0; family < FWH_FAMILY_MAX; family++) {
		for (i = 0; i < sets.n && sets.list[i].family != family; i++)
			;
		if (i == sets.n)
			continue;
		fputs(title[family], f);
		for (table = 0; table < FWH_TABLE_MAX; table++)
			print_table(globals, &sets, family, table, f);
	}
	fwh_sets_free(&sets);
	return ferror(f) ? -EIO : 0;
}
