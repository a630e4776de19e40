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

void fwh_rule_comment(const struct fwh_key *key, char ret[FWH_CONN_MAX])
{
	char *p;

	memset(ret, 0, FWH_CONN_MAX);
	memcpy(ret, key->conn, strlen(key->conn));
	for (p = ret; *p; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p >= 0x7f ||
		    strchr("\"'\\", *p))
			*p = '_';
}
