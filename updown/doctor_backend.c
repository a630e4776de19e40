// SPDX-License-Identifier: GPL-2.0-or-later
/* doctor_backend.c - the tables: ours, and others' beside them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/netfilter.h>

#include "doctor.h"

/* Where our exemption from source NAT stands: nft.c. */
#define OUR_NAT_PRIORITY	99

static bool is_nftables(const struct doctor *d)
{
	return !strcmp(fwh_backend_name(d->view->backend), "nftables");
}

void check_kernel(struct doctor *d)
{
	struct fwh_err err;
	int code = fwh_backend_probe(d->view->backend, &err);

	if (code == -EPERM)
		found(d, "what this kernel lacks shows with the first "
		      "connection only", "run ipsec-fw doctor as root, outside "
		      "of containers", "rules could not be tried: %s", err.msg);
	else if (code)
		found(d, "connections whose settings need that do not come up, "
		      "or are blocked", "modprobe what is named, or build it "
		      "into the kernel; at boot: /etc/modules-load.d/"
		      "ipsec-fw.conf", "%s", err.msg);
}

/* What iptables-nft makes. */
static const struct fwh_foreign_table *find_iptables_nft(const struct doctor *d)
{
	static const char *const names[] = { "filter", "nat", "mangle", "raw" };
	size_t i, j;

	for (i = 0; i < d->survey->n_tables; i++) {
		const struct fwh_foreign_table *table = &d->survey->tables[i];

		if (table->family != NFPROTO_IPV4 &&
		    table->family != NFPROTO_IPV6)
			continue;
		for (j = 0; j < ARRAY_LEN(names); j++)
			if (!strcmp(table->name, names[j]))
				return table;
	}
	return NULL;
}

void check_flavours(struct doctor *d)
{
	const struct fwh_foreign_table *table = find_iptables_nft(d);

	if (d->survey->legacy && table)
		found(d, "both are asked for every packet, and iptables shows "
		      "one of them only: a drop in the other goes unseen",
		      "move the rules to one flavour: iptables-legacy-save, "
		      "iptables-nft-restore, then iptables-legacy -F; see "
		      "update-alternatives --display iptables",
		      "rules in both flavours of iptables: the legacy tables, "
		      "and %s %s of nftables", table->family == NFPROTO_IPV4 ?
		      "ip" : "ip6", table->name);
}

static bool table_translates(const struct doctor *d,
			     const struct fwh_foreign_chain *chain)
{
	size_t i;

	for (i = 0; i < d->survey->n_tables; i++)
		if (d->survey->tables[i].family == chain->family &&
		    !strcmp(d->survey->tables[i].name, chain->table))
			return d->survey->tables[i].translates;
	return false;
}

/* In nftables ours is asked before what comes at "srcnat"; an accept in the
 * legacy tables does not keep a chain of nftables from translating. */
void check_translations(struct doctor *d)
{
	size_t i;

	if (!d->view->n)
		return;
	for (i = 0; i < d->survey->n_chains; i++) {
		const struct fwh_foreign_chain *chain = &d->survey->chains[i];

		if (!chain->nat || chain->hook != NF_INET_POST_ROUTING ||
		    !table_translates(d, chain) ||
		    (is_nftables(d) && chain->priority > OUR_NAT_PRIORITY))
			continue;
		found(d, is_nftables(d) ?
		      "the tunnel's packets get another source there, and the "
		      "guard stops them behind it" :
		      "the tunnel's packets get another source there and leave "
		      "in clear: the guard of the legacy tables stands before "
		      "source NAT", is_nftables(d) ?
		      "give that chain priority srcnat, or begin it with: rt "
		      "ipsec exists accept" :
		      "backend = nftables in [global] of ipsec-fw.conf; or "
		      "begin that chain with: rt ipsec exists accept",
		      "source NAT ahead of our exemption: chain %s of table "
		      "%s, priority %d", chain->name, chain->table,
		      chain->priority);
	}
}

void check_drift(struct doctor *d)
{
	size_t i, n = 0, missing = 0;

	if (d->broken)
		return;
	for (i = 0; i < d->view->n_held; i++) {
		n += d->view->held[i].presence != FWH_HELD;
		missing += d->view->held[i].presence == FWH_MISSING;
	}
	if (n)
		found(d, missing ? "somebody has taken rules away: what they "
		      "stopped or accepted is open or stuck" : "somebody has "
		      "put rules among ours", "ipsec-fw reconcile; who did so "
		      "shows with: nft monitor", "%zu difference%s between the "
		      "kernel and the records; ipsec-fw reconcile --check "
		      "names them", n, plural(n));
}
