// SPDX-License-Identifier: GPL-2.0-or-later
/* doctor_firewalls.c - other firewalls beside us, and what to set for them. */
#include <stdio.h>
#include <string.h>

#include <linux/netfilter.h>

#include "doctor.h"

static const char *family_name(uint8_t family)
{
	return family == NFPROTO_INET ? "inet" :
	       family == NFPROTO_IPV4 ? "ip" : "ip6";
}

static const struct fwh_foreign_table *find_table(const struct doctor *d,
						  uint8_t family,
						  const char *name)
{
	size_t i;

	for (i = 0; i < d->survey->n_tables; i++)
		if (d->survey->tables[i].family == family &&
		    !strcmp(d->survey->tables[i].name, name))
			return &d->survey->tables[i];
	return NULL;
}

/* The chains that accept-in-chain = auto means: nft_accept.c. */
static bool is_automatic(const struct fwh_foreign_chain *chain)
{
	return (chain->family == NFPROTO_IPV4 ||
		chain->family == NFPROTO_IPV6) &&
	       !strcmp(chain->table, "filter") &&
	       (!strcmp(chain->name, "INPUT") ||
		!strcmp(chain->name, "FORWARD") ||
		!strcmp(chain->name, "OUTPUT"));
}

static bool is_listed(const struct fwh_globals *globals,
		      const struct fwh_foreign_chain *chain)
{
	size_t i;

	for (i = 0; i < globals->n_accept_chains; i++) {
		const struct fwh_chain_name *name = &globals->accept_chains[i];

		if (name->family == chain->family &&
		    !strcmp(name->table, chain->table) &&
		    !strcmp(name->chain, chain->name))
			return true;
	}
	return globals->accept_chains_auto && is_automatic(chain);
}

/* firewalld rejects with rules, not by policy. */
static bool is_firewalld(const struct fwh_foreign_chain *chain)
{
	return chain->family == NFPROTO_INET &&
	       !strcmp(chain->table, "firewalld") &&
	       (!strcmp(chain->name, "filter_INPUT") ||
		!strcmp(chain->name, "filter_FORWARD") ||
		!strcmp(chain->name, "filter_OUTPUT"));
}

static bool accepts_anything(const struct doctor *d)
{
	size_t i;

	for (i = 0; i < d->view->n; i++)
		if (d->view->conns[i].settings.accept_forward ||
		    d->view->conns[i].settings.accept_local)
			return true;
	return false;
}

static void tell_chain(struct doctor *d, const struct fwh_foreign_chain *chain)
{
	char mend[256];

	if (is_firewalld(chain))
		snprintf(mend, sizeof(mend), "accept-in-chain = inet firewalld "
			 "filter_INPUT, inet firewalld filter_FORWARD, inet "
			 "firewalld filter_OUTPUT in [global] of ipsec-fw.conf, "
			 "and: systemctl enable --now ipsec-fw-monitor");
	else if (is_automatic(chain))
		snprintf(mend, sizeof(mend), "accept-in-chain = auto in "
			 "[global] of ipsec-fw.conf");
	else
		snprintf(mend, sizeof(mend), "accept-in-chain = %s %s %s in "
			 "[global] of ipsec-fw.conf; or a rule near the top "
			 "there: meta mark & 0x%x == 0x%x accept",
			 family_name(chain->family), chain->table, chain->name,
			 d->view->globals.accept_mark.mask,
			 d->view->globals.accept_mark.value);
	found(d, "an accept of ours is nothing to a drop in another table: the "
	      "tunnel's packets may be dropped there", mend, "chain %s of "
	      "table %s %s %s, and does not ask for our mark", chain->name,
	      family_name(chain->family), chain->table, chain->drops ?
	      "drops by policy" : "rejects what it does not know");
}

void check_accept_chains(struct doctor *d)
{
	size_t i;

	if (!d->view->n || !accepts_anything(d) ||
	    !d->view->globals.accept_mark.mask ||
	    strcmp(fwh_backend_name(d->view->backend), "nftables") != 0)
		return;
	for (i = 0; i < d->survey->n_chains; i++) {
		const struct fwh_foreign_chain *chain = &d->survey->chains[i];
		const struct fwh_foreign_table *table =
			find_table(d, chain->family, chain->table);

		if ((!chain->drops && !is_firewalld(chain)) || chain->nat ||
		    (chain->hook != NF_INET_LOCAL_IN &&
		     chain->hook != NF_INET_FORWARD &&
		     chain->hook != NF_INET_LOCAL_OUT) ||
		    is_listed(&d->view->globals, chain) ||
		    (table && table->asks_mark))
			continue;
		tell_chain(d, chain);
	}
}

void check_owned_tables(struct doctor *d)
{
	const struct fwh_globals *globals = &d->view->globals;
	size_t i;

	for (i = 0; i < globals->n_accept_chains; i++) {
		const struct fwh_chain_name *name = &globals->accept_chains[i];
		const struct fwh_foreign_table *table =
			find_table(d, name->family, name->table);

		if (!table || !table->owned)
			continue;
		found(d, "nobody else can put a rule there: connections do not "
		      "come up", strcmp(name->table, "firewalld") == 0 ?
		      "NftablesTableOwner=no in /etc/firewalld/firewalld.conf, "
		      "then: systemctl restart firewalld" :
		      "take the chain out of accept-in-chain, or the flag "
		      "\"owner\" from the table",
		      "accept-in-chain names %s %s, which a process owns",
		      family_name(name->family), name->table);
	}
}

/* ---- those that reload ---- */

void check_monitor(struct doctor *d)
{
	static const char *const monitor[] = { "ipsec-fw", NULL };
	static const char *const reloading[] = {
		"firewalld", "dockerd", NULL
	};
	const char *who = NULL;
	char text[4096];
	size_t i;

	if (!d->view->n || find_process(monitor, "monitor"))
		return;
	for (i = 0; reloading[i] && !who; i++) {
		const char *const one[] = { reloading[i], NULL };

		if (find_process(one, NULL))
			who = reloading[i];
	}
	if (!who && find_table(d, NFPROTO_INET, "firewalld"))
		who = "firewalld";
	/* ufw is no process, but leaves its settings. */
	if (!who && read_file("/etc/ufw/ufw.conf", text, sizeof(text)) &&
	    strstr(text, "\nENABLED=yes"))
		who = "ufw";
	if (who)
		found(d, "its reload takes rules away, and they come back with "
		      "the connection's next event only",
		      "systemctl enable --now ipsec-fw-monitor",
		      "%s is here, and nobody watches its reloads", who);
}
