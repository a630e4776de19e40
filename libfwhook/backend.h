/* SPDX-License-Identifier: GPL-2.0-or-later */
/* backend.h - what a backend is. */
#ifndef FWHOOK_BACKEND_H
#define FWHOOK_BACKEND_H

#include "internal.h"

struct fwh_backend {
	const char *name;
	int (*apply)(const struct fwh_globals *globals,
		     const struct fwh_change *changes, size_t n,
		     struct fwh_err *err);
};

extern const struct fwh_backend fwh_backend_iptables;

#endif
