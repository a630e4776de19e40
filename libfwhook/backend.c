// SPDX-License-Identifier: GPL-2.0-or-later
/* backend.c - the table of backends, and which of them fits this machine. */
#include <errno.h>
#include <string.h>

#include "backend.h"

static const struct fwh_backend *const backends[] = {
	&fwh_backend_nftables,
	&fwh_backend_iptables,
	&fwh_backend_sets,
};

const struct fwh_backend *fwh_backend_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(backends); i++)
		if (!strcmp(backends[i]->name, name))
			return backends[i];
	return NULL;
}

const char *fwh_backend_nth(size_t n)
{
	return n < ARRAY_SIZE(backends) ? backends[n]->name : NULL;
}

bool fwh_backend_is_known(const char *name)
{
	const struct fwh_backend *backend = fwh_backend_find(name);

	/* A form of the legacy tables is what "scale" says. */
	return !strcmp(name, "auto") ||
	       (backend && backend != &fwh_backend_sets);
}

bool fwh_is_momentary(int code)
{
	return code == -ENOMEM || code == -ENOBUFS || code == -EMFILE ||
	       code == -ENFILE || code == -EAGAIN || code == -EINTR ||
	       code == -EIO;
}

/* Rules in both would be seen by nobody at once: where somebody has built on the
 * legacy tables alone, ours go there too.  Returns 0, or why that is not known. */
static int choose(const struct fwh_backend **ret, const char **ret_why)
{
	int there = fwh_nftables_is_there();
	int used = there > 0 ? fwh_nftables_is_used() : there;
	int legacy = there > 0 && !used ? fwh_iptables_is_used() : 0;

	if (used < 0 || legacy < 0)
		return used < 0 ? used : legacy;
	*ret = there && !legacy ? &fwh_backend_nftables : &fwh_backend_iptables;
	*ret_why = legacy ? "the legacy tables hold rules, and nftables none" :
		   there ? "this kernel has nf_tables" :
			   "this kernel has no nf_tables";
	return 0;
}

int fwh_backend_choose(const char *name, const struct fwh_backend **ret,
		       const char **ret_why, struct fwh_err *err)
{
	const struct fwh_backend *backend = fwh_backend_find(name);
	const char *why = "the settings say so";
	int code = strcmp(name, "auto") ? 0 : choose(&backend, &why);

	if (code)
		return fwh_fail(err, code, "backend = auto: looking at the "
				"tables: %s", strerror(-code));
	if (!backend)
		return fwh_fail(err, -EINVAL, "backend = %s: not built in",
				name);
	*ret = backend;
	if (ret_why)
		*ret_why = why;
	return 0;
}

const char *fwh_backend_name(const struct fwh_backend *backend)
{
	return backend->name;
}

int fwh_backend_apply(const struct fwh_backend *backend,
		      const struct fwh_globals *globals,
		      const struct fwh_change *changes, size_t n, bool all,
		      struct fwh_err *err)
{
	return backend->apply(globals, changes, n, all, err);
}

void fwh_change_stood(const struct fwh_change *change, enum fwh_stood stood)
{
	if (change->ret_stood && *change->ret_stood < stood)
		*change->ret_stood = stood;
}

int fwh_backend_print(const struct fwh_backend *backend,
		      const struct fwh_globals *globals,
		      const struct fwh_plan *plan, FILE *f)
{
	return backend->print(globals, plan, f);
}
