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
};

/* Say what the kernel's error means when `what' was asked for.  Returns code. */
int fwh_xfrm_fail(int code, const char *what, struct fwh_err *err);
/* Ask the question that was begun; what the kernel does not have has no answer. */
int fwh_xfrm_ask(struct fwh_xfrm *xfrm, fwh_nl_answer *answer, void *arg,
		 const char *what, struct fwh_err *err);
/* Ask for the policy of exactly the event's selectors. */
int fwh_xfrm_ask_policy(struct fwh_xfrm *xfrm, const struct fwh_event *ev,
			bool out, fwh_nl_answer *answer, void *arg,
			struct fwh_err *err);

#endif
