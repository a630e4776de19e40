/* SPDX-License-Identifier: GPL-2.0-or-later */
/* iptables_job.h - libiptc, the same for both families. */
#ifndef FWHOOK_IPTABLES_JOB_H
#define FWHOOK_IPTABLES_JOB_H

#include <errno.h>

#include "iptables.h"

struct xtc_handle;
struct xt_counters;
struct fwh_held_list;

struct iptc {
	struct xtc_handle *(*init)(const char *table);
	void (*free)(struct xtc_handle *h);
	int (*commit)(struct xtc_handle *h);
	const char *(*strerror)(int err);
	int (*is_chain)(const char *chain, struct xtc_handle *h);
	const char *(*first_chain)(struct xtc_handle *h);
	const char *(*next_chain)(struct xtc_handle *h);
	int (*create)(const char *chain, struct xtc_handle *h);
	int (*flush)(const char *chain, struct xtc_handle *h);
	int (*remove)(const char *chain, struct xtc_handle *h);
	const void *(*first)(const char *chain, struct xtc_handle *h);
	const void *(*next)(const void *entry, struct xtc_handle *h);
	const char *(*target)(const void *entry, struct xtc_handle *h);
	int (*insert)(const char *chain, const void *entry, unsigned int at,
		      struct xtc_handle *h);
	int (*append)(const char *chain, const void *entry,
		      struct xtc_handle *h);
	int (*replace)(const char *chain, const void *entry, unsigned int at,
		       struct xtc_handle *h);
	int (*delete)(const char *chain, unsigned int at, struct xtc_handle *h);
	const char *(*get_policy)(const char *chain, struct xt_counters *ret,
				  struct xtc_handle *h);
	int (*set_policy)(const char *chain, const char *policy,
			  struct xt_counters *counters, struct xtc_handle *h);
	const char *proc_names;
};

extern const struct iptc *const fwh_iptcs[FWH_FAMILY_MAX];
/* What the kernel has of a table; to be called before anything else of a library,
 * which it loads.  Returns NULL and sets errno, for strerror() of the library's, also
 * where there was no memory for all of the table: libiptc's init() ends at the rule
 * that it has none for, and returns what it has until there. */
struct xtc_handle *fwh_ipt_read(const struct iptc *lib, enum fwh_table table);
/* Make the kernel's table what the handle says.  Counters of rules that stay are given
 * back in a second call: signals that end a process wait until then, and everybody's
 * counters with them.  Returns 0 or a negative errno, in the words of the library's
 * strerror(). */
int fwh_ipt_commit(const struct iptc *lib, struct xtc_handle *h);
/* Which tables this kernel has instantiated here, a bit each: asking for one
 * would create it, and nat brings connection tracking along.  Returns 0, or a
 * negative errno with *ret untouched. */
int fwh_ipt_tables_present(enum fwh_family family, unsigned int *ret,
			   struct fwh_err *err);

/* One of them, opened. */
struct fwh_ipt_table {
	const struct iptc *iptc;
	struct xtc_handle *h;
	enum fwh_family family;
	enum fwh_table table;
	bool changed;
};

/* Somebody who ignores the lock changed the table between our init and our
 * commit: read it again, this often at most. */
#define FWH_IPT_COMMIT_TRIES	200

int fwh_ipt_open_table(struct fwh_ipt_table *t, struct fwh_err *err);
/* A change by libiptc, which returns 0 on failure and says why in errno. */
static inline int checked(struct fwh_ipt_table *t, int ok)
{
	if (!ok)
		return -errno;
	t->changed = true;
	return 0;
}

/* Is our chain of POSTROUTING there, but not what packets meet first?  Somebody else's
 * rule ahead of it lets them out, or translates them. */
bool fwh_ipt_is_displaced(struct fwh_ipt_table *t);
/* After a change of a hook's dispatch chain: the rules for devices in it and the
 * jump to it, or neither it nor a jump. */
int fwh_ipt_settle_dispatch(struct fwh_ipt_table *t, enum fwh_hook hook,
			    const struct fwh_globals *globals);
/* missing: what extension the kernel lacks, or NULL. */
int fwh_ipt_fail(const struct fwh_ipt_table *t, const char *missing,
		 const char *what, int code, struct fwh_err *err);

/* How many rules a table has, and how large they are: in most cases another number
 * when somebody has changed it.  0: it is not there.  It has to be instantiated. */
uint64_t fwh_ipt_shape(enum fwh_family family, enum fwh_table table);
/* The kernel refuses the rules of a person's, of which this is the first. */
int fwh_ipt_fail_raw(const struct fwh_ipt_table *t, const char *line,
		     struct fwh_err *err);

/* Before a commit: libiptc would start the built-in chains' own counters at zero.
 * Returns 0 or a negative errno. */
int fwh_ipt_keep_policies(enum fwh_family family, struct xtc_handle *h);
/* fwh_ipt_compile() of all their plans. */
int fwh_ipt_compile_all(const struct fwh_change *changes, size_t n,
			struct fwh_err *err);
/* Wait for the lock that iptables takes; *ret_fd is to be closed. */
int fwh_ipt_take_lock(unsigned int wait_ms, int *ret_fd, struct fwh_err *err);

/* ---- iptables_flush.c ---- */

int fwh_iptables_flush(const struct fwh_globals *globals, struct fwh_err *err);
/* Chains and rules of connections that are none of these, under iptables' lock. */
int fwh_ipt_drop_nobodys(const struct fwh_globals *globals,
			 const struct fwh_change *changes, size_t n,
			 struct fwh_err *err);

/* ---- iptables_read.c ---- */

int fwh_iptables_read(const struct fwh_globals *globals,
		      const struct fwh_plan *plans, size_t n,
		      struct fwh_held_list *ret, struct fwh_err *err);

#endif
