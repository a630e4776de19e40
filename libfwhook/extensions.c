// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * extensions.c - the one place that talks to libxtables: it loads modules and
 * knows how to ask the kernel for an extension's revisions.
 */
#include <string.h>

#include <xtables.h>

#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include "iptables.h"
#include "extensions.h"

/* libxtables asks for our name; it would end the program through exit_err,
 * which none of the calls here reaches. */
static struct xtables_globals globals = {
	.program_name = PACKAGE_NAME,
	.program_version = PACKAGE_VERSION,
	.compat_rev = xtables_compatible_revision,
};

static void start(enum fwh_family family)
{
	xtables_init();
	xtables_set_params(&globals);
	xtables_set_nfproto(family == FWH_IPV4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
}

bool fwh_extension_load(const char *module)
{
	start(FWH_IPV4);
	return xtables_insmod(module, NULL, true) == 0;
}

static const char *describe(const char *name, uint8_t revision,
			    const char *kind)
{
	static char text[96];

	snprintf(text, sizeof(text), "xt_%.29s (%s %.29s, revision %u)", name,
		 kind, name, revision);
	return text;
}

const char *fwh_extension_missing(enum fwh_family family, const void *entry)
{
	struct fwh_ipt_view view = fwh_ipt_view(family, entry);
	size_t at = view.counters + sizeof(struct xt_counters);
	int ask_match = family == FWH_IPV4 ? IPT_SO_GET_REVISION_MATCH :
					     IP6T_SO_GET_REVISION_MATCH;
	int ask_target = family == FWH_IPV4 ? IPT_SO_GET_REVISION_TARGET :
					      IP6T_SO_GET_REVISION_TARGET;
	const struct xt_entry_target *target;

	start(family);
	while (at < view.target) {
		const struct xt_entry_match *match =
			(const void *)((const uint8_t *)entry + at);

		if (!xtables_compatible_revision(match->u.user.name,
						 match->u.user.revision,
						 ask_match))
			return describe(match->u.user.name,
					match->u.user.revision, "match");
		at += match->u.match_size;
	}
	target = (const void *)((const uint8_t *)entry + view.target);
	if (fwh_ipt_is_standard(target->u.user.name) ||
	    xtables_compatible_revision(target->u.user.name,
					target->u.user.revision, ask_target))
		return NULL;
	return describe(target->u.user.name, target->u.user.revision, "target");
}
