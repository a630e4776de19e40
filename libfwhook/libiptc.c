// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libiptc.c - libiptc of both families, each loaded when a table of its is opened
 * first.  The two differ in their names and in the type of an entry only.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "iptables_job.h"
#include "library.h"

static struct xtc_handle *load_ipv4(const char *table);
static struct xtc_handle *load_ipv6(const char *table);

static const char *explain_ipv4(int err)
{
	(void)err;
	return "this needs " FWH_LIBIP4TC ", of the package libip4tc2 or "
	       "iptables-libs";
}

static const char *explain_ipv6(int err)
{
	(void)err;
	return "this needs " FWH_LIBIP6TC ", of the package libip6tc2 or "
	       "iptables-libs";
}

/* Until it is loaded, all that is called is these. */
static struct iptc iptcs[FWH_FAMILY_MAX] = {
	[FWH_IPV4] = { .init = load_ipv4, .strerror = explain_ipv4,
		       .proc_names = "/proc/net/ip_tables_names" },
	[FWH_IPV6] = { .init = load_ipv6, .strerror = explain_ipv6,
		       .proc_names = "/proc/net/ip6_tables_names" },
};

const struct iptc *const fwh_iptcs[FWH_FAMILY_MAX] = {
	&iptcs[FWH_IPV4], &iptcs[FWH_IPV6]
};

static struct xtc_handle *load(enum fwh_family family, const char *file,
			       const char *prefix, const char *table)
{
	static const struct fwh_symbol symbols[] = {
		{ "init", offsetof(struct iptc, init) },
		{ "free", offsetof(struct iptc, free) },
		{ "commit", offsetof(struct iptc, commit) },
		{ "strerror", offsetof(struct iptc, strerror) },
		{ "is_chain", offsetof(struct iptc, is_chain) },
		{ "first_chain", offsetof(struct iptc, first_chain) },
		{ "next_chain", offsetof(struct iptc, next_chain) },
		{ "create_chain", offsetof(struct iptc, create) },
		{ "flush_entries", offsetof(struct iptc, flush) },
		{ "delete_chain", offsetof(struct iptc, remove) },
		{ "first_rule", offsetof(struct iptc, first) },
		{ "next_rule", offsetof(struct iptc, next) },
		{ "get_target", offsetof(struct iptc, target) },
		{ "insert_entry", offsetof(struct iptc, insert) },
		{ "append_entry", offsetof(struct iptc, append) },
		{ "replace_entry", offsetof(struct iptc, replace) },
		{ "delete_num_entry", offsetof(struct iptc, delete) },
		{ "get_policy", offsetof(struct iptc, get_policy) },
		{ "set_policy", offsetof(struct iptc, set_policy) },
	};
	struct iptc loaded = iptcs[family];

	if (!fwh_library_load(file, prefix, symbols, ARRAY_SIZE(symbols),
			      &loaded)) {
		errno = ELIBACC;
		return NULL;
	}
	iptcs[family] = loaded;
	return loaded.init(table);
}

static struct xtc_handle *load_ipv4(const char *table)
{
	return load(FWH_IPV4, FWH_LIBIP4TC, "iptc_", table);
}

static struct xtc_handle *load_ipv6(const char *table)
{
	return load(FWH_IPV6, FWH_LIBIP6TC, "ip6tc_", table);
}

struct xtc_handle *fwh_ipt_read(const struct iptc *lib, enum fwh_table table)
{
	struct xtc_handle *h;

	errno = 0;
	h = lib->init(fwh_table_name[table]);
	errno = abs(errno);	/* libiptc 1.8 says -ENOMEM for ENOMEM */
	if (!h || errno != ENOMEM)
		return h;
	lib->free(h);
	errno = ENOMEM;
	return NULL;
}

int fwh_ipt_commit(const struct iptc *lib, struct xtc_handle *h)
{
	sigset_t ends, before;
	int code;

	sigemptyset(&ends);
	sigaddset(&ends, SIGHUP);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, &before);
	code = lib->commit(h) ? 0 : -errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return code;
}
