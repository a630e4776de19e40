// SPDX-License-Identifier: GPL-2.0-or-later
/* no_xfrm.c - linked into a 32-bit helper: a kernel that does not translate XFRM's
 * messages seems one that knows no SA and no policy, so that the rest can be tried. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <linux/xfrm.h>

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	ssize_t n = syscall(SYS_recvmsg, fd, msg, flags);
	struct nlmsghdr *head = msg->msg_iov->iov_base;
	struct nlmsgerr *answer = NLMSG_DATA(head);

	if (n < (ssize_t)NLMSG_LENGTH(sizeof(*answer)) ||
	    head->nlmsg_type != NLMSG_ERROR || answer->error != -EOPNOTSUPP ||
	    (answer->msg.nlmsg_type != XFRM_MSG_GETSA &&
	     answer->msg.nlmsg_type != XFRM_MSG_GETPOLICY))
		return n;
	answer->error = answer->msg.nlmsg_type == XFRM_MSG_GETSA ? -ESRCH : -ENOENT;
	if (answer->msg.nlmsg_flags & NLM_F_DUMP) {
		head->nlmsg_type = NLMSG_DONE;
		answer->error = 0;
	}
	return n;
}
