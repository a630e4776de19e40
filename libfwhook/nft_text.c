// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nft_text.c - a connection's sets as nft reads them: what the table of a
 * kernel that held nothing else would be loaded from.
 */
#include <errno.h>
#include <string.h>

#include "nft.h"

static const char *const type_text[FWH_NFT_TYPE_MAX] = {
	[FWH_NFT_ADDRS4] = "type ipv4_addr . ipv4_addr",
	[FWH_NFT_ADDRS6] = "type ipv6_addr . ipv6_addr",
	[FWH_NFT_REQID_IN] = "typeof ipsec in reqid",
	[FWH_NFT_REQID_OUT] = "typeof ipsec out reqid",
	[FWH_NFT_QUOTED4] = "typeof @th,192,32 . @th,160,32",
	[FWH_NFT_QUOTED6] = "typeof @th,256,128 . @th,128,128",
};

static void print_number(const uint8_t *b, size_t len, FILE *f)
{
	size_t i;

	fputs("0x", f);
	for (i = 0; i < len; i++)
		fprintf(f, "%02x", b[i]);
}

void fwh_nft_print_key(enum fwh_nft_type type, const struct fwh_nft_key *key,
		       FILE *f)
{
	enum fwh_family family = type == FWH_NFT_ADDRS4 ? FWH_IPV4 : FWH_IPV6;
	struct fwh_addr src = { .family = family }, dst = src;
	char buf[FWH_ADDR_STRLEN];
	uint32_t reqid;

	if (type == FWH_NFT_REQID_IN || type == FWH_NFT_REQID_OUT) {
		memcpy(&reqid, key->b, sizeof(reqid));
		fprintf(f, "%u", reqid);
		return;
	}
	if (type == FWH_NFT_QUOTED4 || type == FWH_NFT_QUOTED6) {
		print_number(key->b, key->len / 2, f);
		fputs(" . ", f);
		print_number(key->b + key->len / 2, key->len / 2, f);
		return;
	}
	memcpy(src.b, key->b, key->len / 2);
	memcpy(dst.b, key->b + key->len / 2, key->len / 2);
	fprintf(f, "%s . ", fwh_addr_format(&src, buf));
	fputs(fwh_addr_format(&dst, buf), f);
}

static void print_set(const struct fwh_nft_set *set, const char *owner, FILE *f)
{
	size_t i;

	fprintf(f, "\tset %s {\n\t\t%s\n", set->name, type_text[set->type]);
	if (set->counter)
		fputs("\t\tcounter\n", f);
	fputs("\t\telements = {", f);
	for (i = 0; i < set->n_keys; i++) {
		fputs(i ? ",\n\t\t\t     " : " ", f);
		fwh_nft_print_key(set->type, &set->keys[i], f);
		fprintf(f, " comment \"%s\"", owner);
	}
	fputs(" }\n\t}\n\n", f);
}

/* Does an earlier set bring the chain along? */
static bool is_shared(const struct fwh_nft *nft, size_t n, const char *chain)
{
	size_t i, j;

	for (i = 0; i < n; i++)
		for (j = 0; j < FWH_NFT_OWNER_COUNT; j++)
			if (!strcmp(nft->sets[i].shared[j], chain))
				return true;
	return false;
}

bool fwh_nft_is_repeated(const struct fwh_nft *nft, size_t n,
			 const struct fwh_nft_rule *rule)
{
	return rule->owner != FWH_NFT_OF_SET &&
	       is_shared(nft, n, nft->sets[n].shared[rule->owner]);
}

/* The rules of a chain; those that stand ahead of the others first.  f may be
 * NULL.  Returns how many there are. */
static size_t print_rules(const struct fwh_nft *nft, const char *chain, FILE *f)
{
	size_t i, j, n = 0;
	int tail;

	for (tail = 0; tail < 2; tail++) {
		for (i = 0; i < nft->n; i++) {
			const struct fwh_nft_set *set = &nft->sets[i];

			for (j = 0; j < set->n_rules; j++) {
				const struct fwh_nft_rule *rule = &set->rules[j];

				if (strcmp(rule->chain, chain) != 0 ||
				    rule->head != !tail ||
				    fwh_nft_is_repeated(nft, i, rule))
					continue;
				n++;
				if (f)
					fprintf(f, "\t\t%s\n", rule->text);
			}
		}
	}
	return n;
}

static void print_shared(const struct fwh_nft *nft, size_t n, const char *chain,
			 FILE *f)
{
	if (!*chain || is_shared(nft, n, chain))
		return;
	fprintf(f, "\tchain %s {\n", chain);
	print_rules(nft, chain, f);
	fputs("\t}\n\n", f);
}

static void print_prologue(const char *chain, FILE *f)
{
	struct fwh_nft_rule rules[FWH_NFT_PROLOGUE_MAX];
	size_t n = fwh_nft_prologue(chain, rules), i;

	for (i = 0; i < n; i++) {
		fprintf(f, "\t\t%s\n", rules[i].text);
		fwh_nft_rule_free(&rules[i]);
	}
}

int fwh_nft_print(const struct fwh_nft *nft, const char *owner, FILE *f)
{
	size_t i, j;

	fprintf(f, "table inet %s {\n", FWH_NFT_TABLE);
	for (i = 0; i < nft->n; i++)
		print_set(&nft->sets[i], owner, f);
	for (i = 0; i < nft->n; i++)
		for (j = 0; j < FWH_NFT_OWNER_COUNT; j++)
			print_shared(nft, i, nft->sets[i].shared[j], f);
	for (i = 0; i < FWH_NFT_BASE_MAX; i++) {
		const struct fwh_nft_base_chain *base = &fwh_nft_base[i];

		if (!print_rules(nft, base->name, NULL))
			continue;
		fprintf(f, "\tchain %s {\n\t\ttype %s hook %s priority %s; "
			"policy accept;\n", base->name, base->type, base->hook,
			base->priority);
		print_prologue(base->name, f);
		print_rules(nft, base->name, f);
		fputs("\t}\n\n", f);
	}
	fputs("}\n", f);
	return ferror(f) ? -EIO : 0;
}
