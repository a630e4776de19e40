/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nl_ask.h - questions to the kernel over netlink, one after another. */
#ifndef FWHOOK_NL_ASK_H
#define FWHOOK_NL_ASK_H

#include "nlmsg.h"

struct fwh_nl;				/* a socket, and room for what goes over it */

/* protocol: NETLINK_XFRM, ...  Returns 0 or a negative errno. */
int fwh_nl_open(int protocol, struct fwh_nl **ret);
/* NULL is none. */
void fwh_nl_close(struct fwh_nl *nl);

/* Begin the next question.  It is the socket's own, until the next one; its header
 * and attributes fit into FWH_NL_QUESTION_MAX bytes. */
#define FWH_NL_QUESTION_MAX	1024
struct nlmsghdr *fwh_nl_begin(struct fwh_nl *nl, uint16_t type, uint16_t flags);

/* Called for each answer, however long that is.  Returns 0, 1 if it was the last, or
 * a negative errno, which is what the question comes to. */
typedef int fwh_nl_answer(const struct nlmsghdr *nlh, void *arg);

/* Ask it, and hand over all answers (answer may be NULL where none is expected).
 * Returns 0 or a negative errno: the kernel's, an answer's, -ETIMEDOUT if the
 * kernel does not answer within seconds, -EAGAIN if what a dump walked through was
 * changed meanwhile. */
int fwh_nl_ask(struct fwh_nl *nl, fwh_nl_answer *answer, void *arg);

/* Copy an answer's header, of `size' bytes; a message is aligned to four.  False if
 * it has fewer, *ret untouched. */
bool fwh_nl_header(const struct nlmsghdr *nlh, void *ret, size_t size);
/* The attribute of this type behind a header of so many bytes, or in another
 * attribute; NULL if there is none, or its payload has less than `size' bytes. */
const struct nlattr *fwh_nl_find(const struct nlmsghdr *nlh, size_t header,
				 uint16_t type, size_t size);
const struct nlattr *fwh_nl_find_in(const struct nlattr *nest, uint16_t type,
				    size_t size);

#endif
