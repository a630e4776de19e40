/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor.h - the system looked over: a table of checks, by subject in files of
 * their own.
 */
#ifndef DOCTOR_H
#define DOCTOR_H

#include "ipsec-fw.h"

struct doctor {
	struct program *prog;
	const struct fwh_view *view;
	const struct fwh_survey *survey;
	bool json;
	bool broken;			/* the settings: plans are not what was meant */
	size_t n;			/* of findings */
	const char *check;		/* that runs */
};

/* One sentence each: what is so, why it matters, and the command or setting that
 * mends it. */
void found(struct doctor *d, const char *why, const char *mend,
	   const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* What is as it is: no finding. */
void fact(struct doctor *d, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A file's beginning, at most size - 1 bytes, as text; false: it cannot be read. */
bool read_file(const char *path, char *buf, size_t size);
/* A number in such a file; -1: there is none. */
long read_number(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Does a process of one of these names run?  Its number, or 0. */
int find_process(const char *const names[], const char *argument);

/* doctor_backend.c */
void check_kernel(struct doctor *d);
void check_flavours(struct doctor *d);
void check_translations(struct doctor *d);
void check_drift(struct doctor *d);
/* doctor_network.c */
void check_forwarding(struct doctor *d);
void check_rp_filter(struct doctor *d);
void check_offload(struct doctor *d);
/* doctor_firewalls.c */
void check_accept_chains(struct doctor *d);
void check_owned_tables(struct doctor *d);
void check_monitor(struct doctor *d);
/* doctor_daemons.c */
void check_daemons(struct doctor *d);
void check_stale(struct doctor *d);
void check_clock(struct doctor *d);
/* doctor_ipsec_conf.c, doctor_swanctl.c */
void check_ipsec_conf(struct doctor *d);
void check_swanctl(struct doctor *d);
/* doctor_machine.c */
void check_settings(struct doctor *d);
void check_saved(struct doctor *d);
void check_unit(struct doctor *d);
void check_denials(struct doctor *d);

/* Paths of a build, which a person may give, too. */
#define HELPER_PATH	FWH_LIBEXECDIR "/ipsec-fw-updown"

#endif
