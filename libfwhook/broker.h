/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * broker.h - what a process with few rights has another one do for it; see
 * fwh_broker_fork() in fwhook.h.  Without a broker it is done here.
 */
#ifndef FWHOOK_BROKER_H
#define FWHOOK_BROKER_H

#include "dns.h"

/* Run a resolver's program; see fwh_program_run() in dns.h for what it returns. */
int fwh_broker_program(const char *const argv[], const char *input,
		       char ret[FWH_PROGRAM_OUTPUT_MAX]);
/* Have a family's module of the legacy tables loaded.  True if modprobe says it did. */
bool fwh_broker_module(enum fwh_family family);

#endif
