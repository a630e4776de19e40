// SPDX-License-Identifier: GPL-2.0-or-later
/* names.c - what the kernel's tables call our chains; nothing else knows. */
#include <assert.h>
#include <string.h>

#include "internal.h"

const char *const fwh_table_name[FWH_TABLE_MAX] = {
	[FWH_MANGLE] = "mangle",
	[FWH_NAT] = "nat",
	[FWH_FILTER] = "filter",
};

const char *const fwh_hook_name[FWH_HOOK_MAX] = {
	[FWH_PREROUTING] = "PREROUTING",
	[FWH_INPUT] = "INPUT",
	[FWH_FORWARD] = "FORWARD",
	[FWH_OUTPUT] = "OUTPUT",
	[FWH_POSTROUTING] = "POSTROUTING",
};

static const char *const dispatch_suffix[FWH_HOOK_MAX] = {
	[FWH_PREROUTING] = "pre",
	[FWH_INPUT] = "in",
	[FWH_FORWARD] = "fwd",
	[FWH_OUTPUT] = "out",
	[FWH_POSTROUTING] = "post",
};

/* "fw-" + 11 of the name + "-" + 8 of the hash + "-" + 4 = 28, the longest
 * chain name that iptables takes. */
static const char *const part_suffix[FWH_PART_MAX] = {
	[FWH_PART_IN] = "in",
	[FWH_PART_OUT] = "out",
	[FWH_PART_REJECT] = "rej",
	[FWH_PART_MSS] = "mss",
	[FWH_PART_RESTORE] = "rst",
	[FWH_PART_ESP] = "esp",
	[FWH_PART_IPIP] = "ipip",
	[FWH_PART_IKE_IN] = "ikei",
	[FWH_PART_IKE_OUT] = "ikeo",
	[FWH_PART_NFLOG_IN] = "logi",
	[FWH_PART_NFLOG_OUT] = "logo",
	[FWH_PART_CAT_IN] = "cati",
	[FWH_PART_CAT_OUT] = "cato",
	[FWH_PART_POLICY_MARK] = "pmrk",
	[FWH_PART_RAW_PRE] = "rpre",
	[FWH_PART_RAW_IN] = "rin",
	[FWH_PART_RAW_FWD_IN] = "rfwi",
	[FWH_PART_RAW_FWD_OUT] = "rfwo",
	[FWH_PART_RAW_OUT] = "rout",
	[FWH_PART_RAW_POST] = "rpst",
};

void fwh_dispatch_chain(enum fwh_hook hook, char ret[FWH_CHAIN_MAX])
{
	memset(ret, 0, FWH_CHAIN_MAX);
	snprintf(ret, FWH_CHAIN_MAX, "ipsec-fw-%s", dispatch_suffix[hook]);
}

void fwh_part_chain(const struct fwh_key *key, enum fwh_part part,
		    char ret[FWH_CHAIN_MAX])
{
	int n;

	memset(ret, 0, FWH_CHAIN_MAX);
	n = snprintf(ret, FWH_CHAIN_MAX, "fw-%s-%s-%s", key->stem, key->hash,
		     part_suffix[part]);
	assert(n > 0 && n <= 28);
	(void)n;
}

bool fwh_is_set_chain(const char *chain)
{
	static const char prefix[] = "ipsec-fw";
	size_t n = sizeof(prefix) - 1;

	/* ipsec-fw4-HASH */
	return !strncmp(chain, prefix, n) &&
	       (chain[n] == '4' || chain[n] == '6') && chain[n + 1] == '-' &&
	       strlen(chain) == n + 2 + 8 &&
	       strspn(chain + n + 2, fwh_hash_digits) == 8;
}

bool fwh_is_part_chain(const char *chain)
{
	const char *suffix = strrchr(chain, '-'), *hash;
	size_t i;

	/* fw-STEM-HASH-PART */
	if (strncmp(chain, "fw-", 3) || suffix - chain < 3 + 1 + 1 + 8)
		return false;
	hash = suffix - 8;
	if (hash[-1] != '-' || strspn(hash, fwh_hash_digits) != 8)
		return false;
	for (i = 0; i < FWH_PART_MAX; i++)
		if (!strcmp(suffix + 1, part_suffix[i]))
			return true;
	return false;
}

bool fwh_is_our_chain(const char *chain)
{
	char name[FWH_CHAIN_MAX];
	size_t i;

	for (i = 0; i < FWH_HOOK_MAX; i++) {
		fwh_dispatch_chain(i, name);
		if (!strcmp(name, chain))
			return true;
	}
	return fwh_is_set_chain(chain) || fwh_is_part_chain(chain);
}

void fwh_rule_chain(const struct fwh_key *key, const struct fwh_rule *rule,
		    char ret[FWH_CHAIN_MAX])
{
	if (rule->dispatch)
		fwh_dispatch_chain(rule->hook, ret);
	else
		fwh_part_chain(key, rule->part, ret);
}

void fwh_rule_comment(const struct fwh_key *key, char ret[FWH_COMMENT_MAX])
{
	size_t n = strlen(key->conn), room = FWH_COMMENT_MAX - 1;
	char *p;

	memset(ret, 0, FWH_COMMENT_MAX);
	memcpy(ret, key->conn, n < room ? n : room);
	if (n > room)
		memcpy(ret + room - 3, "...", 3);
	for (p = ret; *p; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p >= 0x7f ||
		    strchr("\"'\\", *p))
			*p = '_';
}
