// SPDX-License-Identifier: GPL-2.0-or-later
/* backend.c - the table of backends. */
#include <string.h>

#include "backend.h"

static const struct fwh_backend *const backends[] = {
	&fwh_backend_iptables,
};

const struct fwh_backend *fwh_backend_find(const char *name)
{
	size_t i;

	if (!strcmp(name, "auto"))
		return backends[0];
	for (i = 0; i < ARRAY_SIZE(backends); i++)
		if (!strcmp(backends[i]->name, name))
			return backends[i];
	return NULL;
}

const char *fwh_backend_name(const struct fwh_backend *backend)
{
	return backend->name;
}

int fwh_backend_apply(const struct fwh_backend *backend,
		      const struct fwh_globals *globals,
		      const struct fwh_change *changes, size_t n,
		      struct fwh_err *err)
{
	return backend->apply(globals, changes, n, err);
}
