// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * no_esp.c - preloaded into pluto on a kernel without ESP: what it says of SAs is
 * acknowledged and goes no further; policies are the kernel's.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int xfrm[16];
static int n_xfrm;
static int answered = -1;		/* on which there is an answer of ours */
static struct {
	struct nlmsghdr nlh;
	struct nlmsgerr error;
} answer;

int socket(int domain, int type, int protocol)
{
	int (*next)(int, int, int) = dlsym(RTLD_NEXT, "socket");
	int fd = next(domain, type, protocol);

	if (fd >= 0 && domain == AF_NETLINK && protocol == NETLINK_XFRM &&
	    n_xfrm < 16)
		xfrm[n_xfrm++] = fd;
	return fd;
}

static int is_about_sa(int fd, const void *buf, size_t len)
{
	const struct nlmsghdr *nlh = buf;
	int i = 0;

	while (i < n_xfrm && xfrm[i] != fd)
		i++;
	if (i == n_xfrm || len < sizeof(*nlh) ||
	    (nlh->nlmsg_type != XFRM_MSG_NEWSA &&
	     nlh->nlmsg_type != XFRM_MSG_UPDSA &&
	     nlh->nlmsg_type != XFRM_MSG_DELSA &&
	     nlh->nlmsg_type != XFRM_MSG_GETSA))
		return 0;
	memset(&answer, 0, sizeof(answer));
	answer.nlh.nlmsg_len = sizeof(answer);
	answer.nlh.nlmsg_type = NLMSG_ERROR;
	answer.nlh.nlmsg_seq = nlh->nlmsg_seq;
	answer.error.error = nlh->nlmsg_type == XFRM_MSG_GETSA ? -ESRCH : 0;
	answer.error.msg = *nlh;
	answered = fd;
	return 1;
}

ssize_t write(int fd, const void *buf, size_t len)
{
	ssize_t (*next)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");

	return is_about_sa(fd, buf, len) ? (ssize_t)len : next(fd, buf, len);
}

ssize_t recvfrom(int fd, void *buf, size_t len, int flags,
		 struct sockaddr *from, socklen_t *from_len)
{
	ssize_t (*next)(int, void *, size_t, int, struct sockaddr *,
			socklen_t *) = dlsym(RTLD_NEXT, "recvfrom");
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	if (fd != answered || len < sizeof(answer))
		return next(fd, buf, len, flags, from, from_len);
	answered = -1;
	memcpy(buf, &answer, sizeof(answer));
	if (from && *from_len >= sizeof(kernel)) {
		memcpy(from, &kernel, sizeof(kernel));
		*from_len = sizeof(kernel);
	}
	return sizeof(answer);
}
