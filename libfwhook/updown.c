// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * updown.c - who does what is no firewall matter: we, or the daemon's script.
 * Pure.
 */
#include "internal.h"

/* ---- what an event asks for and is not built in ---------------------------- */

/* With Cisco's gateways, routes change at a down as well. */
static bool asks_cisco(const struct fwh_event *ev)
{
	return ev->peer_cisco;
}

static bool asks_network_manager(const struct fwh_event *ev)
{
	return ev->nm_configured;
}

/* Its script and its conditions are others. */
static bool is_openswan(const struct fwh_event *ev)
{
	return ev->dialect == FWH_OPENSWAN;
}

static const struct {
	const char *what;
	bool (*asks)(const struct fwh_event *ev);
} unsupported[] = {
	{ "a Cisco gateway", asks_cisco },
	{ "NetworkManager", asks_network_manager },
	{ "Openswan", is_openswan },
};

/* ---- deciding ---------------------------------------------------------------- */

enum fwh_updown fwh_updown_of(const struct fwh_settings *settings,
			      const struct fwh_event *ev, bool custom,
			      const char **ret_why)
{
	bool has_script = settings->chain_auto || *settings->chain_path;
	const char *why = NULL;
	size_t i;

	for (i = 0; !why && i < ARRAY_SIZE(unsupported); i++)
		if (unsupported[i].asks(ev))
			why = unsupported[i].what;
	*ret_why = why;
	if (settings->updown == FWH_UPDOWN_CHAIN)
		return has_script ? FWH_UPDOWN_CHAIN : FWH_UPDOWN_OFF;
	/* charon does its own. */
	if (settings->updown == FWH_UPDOWN_NATIVE)
		return ev->dialect == FWH_STRONGSWAN ? FWH_UPDOWN_OFF :
						       FWH_UPDOWN_NATIVE;
	if (settings->updown == FWH_UPDOWN_OFF)
		return FWH_UPDOWN_OFF;
	/* Who names a script wants that one, and who names none, none. */
	if (!settings->chain_auto || custom || why ||
	    ev->verbs & FWH_VERB_OTHER)
		return has_script ? FWH_UPDOWN_CHAIN : FWH_UPDOWN_OFF;
	return ev->dialect == FWH_STRONGSWAN ? FWH_UPDOWN_OFF :
					       FWH_UPDOWN_NATIVE;
}
