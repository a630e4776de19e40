/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xfrm.h - what the readers of the kernel's states and policies share. */
#ifndef FWHOOK_XFRM_H
#define FWHOOK_XFRM_H

#include "internal.h"
#include "nl_ask.h"

struct fwh_xfrm {
	struct fwh_nl *nl;
	bool dumped;			/* the passthrough policies: */
	struct fwh_pass *passes;	/* each once */
	size_t n, cap;
	int memory;			/* a folder, or -1 */
};

/* Say what the kernel's error means when `what' was asked for.  Returns code. */
int fwh_xfrm_fail(int code, const char *what, struct fwh_err *err);
/* Ask the question that was begun; what the kernel does not have has no answer. */
int fwh_xfrm_ask(struct fwh_xfrm *xfrm, fwh_nl_answer *answer, void *arg,
		 const char *what, struct fwh_err *err);
/* With the question: those marked so.  None of mask 0. */
void fwh_xfrm_put_mark(struct nlmsghdr *nlh, const struct fwh_mark *mark);
/* Ask for the policy of exactly the event's selectors. */
int fwh_xfrm_ask_policy(struct fwh_xfrm *xfrm, const struct fwh_event *ev,
			bool out, fwh_nl_answer *answer, void *arg,
			struct fwh_err *err);

/* ---- xfrm_memory.c ---- */

#define FWH_POLICY_MARKERS_MAX	16
#define FWH_POLICY_PLACES_MAX	64

/* What a look at the policies has seen. */
struct fwh_policies {
	struct fwh_policy_marker {	/* the newest of those that it met */
		uint32_t index;
		uint64_t added;		/* seconds, as the kernel has them */
	} marker[FWH_POLICY_MARKERS_MAX];
	size_t n_markers;
	struct fwh_policy_place {	/* a passthrough policy, to ask for it */
		uint32_t index, if_id;
		struct fwh_mark mark;
	} pass[FWH_POLICY_PLACES_MAX];
	size_t n_passes;
};

/* False if the folder has none that is good. */
bool fwh_policies_recall(int dir, struct fwh_policies *ret);
void fwh_policies_remember(int dir, const struct fwh_policies *policies);

#endif
