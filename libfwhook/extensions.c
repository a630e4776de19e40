// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * extensions.c - which modules of the kernel's a rule needs: loading them, which
 * is libxtables' part, and asking for revisions.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "libxtables.h"		/* ahead of linux/if.h */

#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include "iptables.h"
#include "extensions.h"

bool fwh_extension_load(const char *module)
{
	const struct fwh_xtables *xt = fwh_xtables_load();

	return xt && xt->insmod(module, NULL, true) == 0;
}

/* libxtables would end the program where no answer can be had; here that is
 * "yes", since the table's own refusal is reported in any case. */
static bool has_revision(enum fwh_family family, const char *name,
			 uint8_t revision, bool match)
{
	static const struct {
		int domain, level, match, target;
	} ask[FWH_FAMILY_MAX] = {
		{ AF_INET, IPPROTO_IP, IPT_SO_GET_REVISION_MATCH,
		  IPT_SO_GET_REVISION_TARGET },
		{ AF_INET6, IPPROTO_IPV6, IP6T_SO_GET_REVISION_MATCH,
		  IP6T_SO_GET_REVISION_TARGET },
	};
	struct xt_get_revision question = { .revision = revision };
	socklen_t size = sizeof(question);
	fwh_autofd fd = socket(ask[family].domain, SOCK_RAW | SOCK_CLOEXEC,
			       IPPROTO_RAW);

	if (fd < 0)
		return true;
	memcpy(question.name, name, strlen(name));
	return !getsockopt(fd, ask[family].level, match ? ask[family].match :
			   ask[family].target, &question, &size) ||
	       (errno != ENOENT && errno != EPROTONOSUPPORT);
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
	const struct xt_entry_target *target;

	while (at < view.target) {
		const struct xt_entry_match *match =
			(const void *)((const uint8_t *)entry + at);

		if (!has_revision(family, match->u.user.name,
				  match->u.user.revision, true))
			return describe(match->u.user.name,
					match->u.user.revision, "match");
		at += match->u.match_size;
	}
	target = (const void *)((const uint8_t *)entry + view.target);
	if (fwh_ipt_is_standard(target->u.user.name) ||
	    has_revision(family, target->u.user.name, target->u.user.revision,
			 false))
		return NULL;
	return describe(target->u.user.name, target->u.user.revision, "target");
}

bool fwh_extension_has_sets(void)
{
	return has_revision(FWH_IPV4, "set", 4, true) &&
	       has_revision(FWH_IPV4, "SET", 3, false);
}
