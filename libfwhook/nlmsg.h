/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nlmsg.h - netlink messages in a buffer, one after another. */
#ifndef FWHOOK_NLMSG_H
#define FWHOOK_NLMSG_H

#include <errno.h>
#include <stdbool.h>

#include <libmnl/libmnl.h>

/* Is a whole message there?  left: bytes, may be negative.  libmnl (up to 1.0.5
 * at least) compares lengths as signed numbers, so that one above 2 GiB passes. */
static inline bool fwh_nlmsg_ok(const struct nlmsghdr *nlh, int left)
{
	return mnl_nlmsg_ok(nlh, left) && nlh->nlmsg_len <= (unsigned int)left;
}

/* What an error message says, as 0 or a negative errno (include/linux/err.h). */
static inline int fwh_nlmsg_errno(int error)
{
	return error > 0 || error < -4095 ? -EIO : error;
}

/* That of an NLMSG_ERROR; -EBADMSG: it is too short to be one. */
int fwh_nlmsg_error(const struct nlmsghdr *nlh);

/* And what the kernel says of it: extended ack's text, to a socket that asked for
 * that (NETLINK_EXT_ACK) without the question (NETLINK_CAP_ACK), printable; else "". */
#define FWH_NLMSG_WORDS_MAX	128
void fwh_nlmsg_words(const struct nlmsghdr *nlh,
		     char ret[static FWH_NLMSG_WORDS_MAX]);

#endif
