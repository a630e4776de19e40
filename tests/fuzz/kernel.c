// SPDX-License-Identifier: GPL-2.0-or-later
/* kernel.c - a kernel that answers what the input says, in the place of libc's
 * sockets. */
#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "fuzz.h"
#include "kernel.h"

#define ANSWERS_MAX	64		/* then the kernel is silent */

static struct {
	const uint8_t *at, *end;
	unsigned int left;
	uint32_t seq;			/* the first of the last question */
} kernel;

/* ---- in the place of libc's ---- */

int socket(int domain, int type, int protocol)
{
	(void)type;
	(void)protocol;
	if (domain != AF_NETLINK) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	return dup(STDERR_FILENO);	/* that there is something to close */
}

int bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	(void)fd;
	(void)addr;
	(void)len;
	return 0;
}

int getsockname(int fd, struct sockaddr *restrict addr, socklen_t *restrict len)
{
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK, .nl_pid = 1 };

	(void)fd;
	fuzz_holds(*len >= sizeof(nl));
	memcpy(addr, &nl, sizeof(nl));
	*len = sizeof(nl);
	return 0;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	(void)fd;
	(void)level;
	(void)name;
	(void)value;
	(void)len;
	return 0;
}

int getsockopt(int fd, int level, int name, void *restrict value,
	       socklen_t *restrict len)
{
	(void)fd;
	(void)level;
	(void)name;
	memset(value, 0, *len);
	return 0;
}

int poll(struct pollfd *fds, nfds_t n, int timeout)
{
	nfds_t i;

	(void)timeout;
	for (i = 0; i < n; i++)
		fds[i].revents = POLLIN;
	return kernel.left ? (int)n : 0;
}

static void take_question(const void *buf, size_t len)
{
	const struct nlmsghdr *h = buf;

	if (len >= sizeof(*h))
		kernel.seq = h->nlmsg_seq;
}

ssize_t sendto(int fd, const void *buf, size_t len, int flags,
	       const struct sockaddr *to, socklen_t to_len)
{
	(void)fd;
	(void)flags;
	(void)to;
	(void)to_len;
	take_question(buf, len);
	return (ssize_t)len;
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	ssize_t len = 0;
	size_t i;

	(void)fd;
	(void)flags;
	for (i = 0; i < msg->msg_iovlen; i++)
		len += (ssize_t)msg->msg_iov[i].iov_len;
	if (msg->msg_iovlen)
		take_question(msg->msg_iov[0].iov_base, msg->msg_iov[0].iov_len);
	return len;
}

static void put_right(uint8_t *buf, size_t len)
{
	uint32_t seq = kernel.seq;	/* of one question, or of several */
	struct nlmsghdr h;

	while (len >= sizeof(h)) {
		memcpy(&h, buf, sizeof(h));
		h.nlmsg_seq = h.nlmsg_seq & 1 ? seq++ : seq;
		h.nlmsg_pid = 1;
		memcpy(buf, &h, sizeof(h));
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > len ||
		    NLMSG_ALIGN(h.nlmsg_len) >= len)
			return;
		buf += NLMSG_ALIGN(h.nlmsg_len);
		len -= NLMSG_ALIGN(h.nlmsg_len);
	}
}

/* -1: the kernel says nothing, and the receiver's patience ends. */
static ssize_t answer(void *buf, size_t room)
{
	size_t len, take;

	if (!kernel.left || kernel.end - kernel.at < 2) {
		errno = EAGAIN;
		return -1;
	}
	kernel.left--;
	len = (size_t)(kernel.at[0] | kernel.at[1] << 8);
	kernel.at += 2;
	take = len < (size_t)(kernel.end - kernel.at) ?
	       len : (size_t)(kernel.end - kernel.at);
	take = take < room ? take : room;
	memcpy(buf, kernel.at, take);
	kernel.at += take;
	if (!(len & 1))
		put_right(buf, take);
	return (ssize_t)take;
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct sockaddr_nl from = { .nl_family = AF_NETLINK };

	(void)fd;
	if (flags & MSG_PEEK) {		/* how much will it be? */
		msg->msg_flags = 0;
		return kernel.end - kernel.at < 2 ? 0 :
		       kernel.at[0] | kernel.at[1] << 8;
	}
	if (msg->msg_name && msg->msg_namelen >= sizeof(from))
		memcpy(msg->msg_name, &from, sizeof(from));
	msg->msg_namelen = sizeof(from);
	msg->msg_controllen = 0;
	msg->msg_flags = 0;
	return msg->msg_iovlen ? answer(msg->msg_iov[0].iov_base,
					msg->msg_iov[0].iov_len) : 0;
}

ssize_t recv(int fd, void *buf, size_t len, int flags)
{
	(void)fd;
	(void)flags;
	return answer(buf, len);
}

void kernel_answers(const uint8_t *data, size_t size)
{
	kernel.at = data;
	kernel.end = data + size;
	kernel.left = ANSWERS_MAX;
}

/* ---- who asks ---- */

const char *const kernel_site[] = {
	"PLUTO_VERB=up-client", "PLUTO_VERSION=2.0", "PLUTO_CONNECTION=office",
	"PLUTO_INTERFACE=lo", "PLUTO_NEXT_HOP=198.51.100.2",
	"PLUTO_ME=198.51.100.1", "PLUTO_MY_ID=@west",
	"PLUTO_MY_CLIENT=192.0.1.0/24", "PLUTO_MY_CLIENT_NET=192.0.1.0",
	"PLUTO_MY_CLIENT_MASK=255.255.255.0", "PLUTO_MY_PORT=0",
	"PLUTO_MY_PROTOCOL=0", "PLUTO_SA_REQID=16389", "PLUTO_SA_TYPE=ESP",
	"PLUTO_PEER=198.51.100.2", "PLUTO_PEER_ID=@east",
	"PLUTO_PEER_CLIENT=192.0.2.0/24", "PLUTO_PEER_CLIENT_NET=192.0.2.0",
	"PLUTO_PEER_CLIENT_MASK=255.255.255.0", "PLUTO_PEER_PORT=0",
	"PLUTO_PEER_PROTOCOL=0", "PLUTO_PEER_CA=", "PLUTO_STACK=xfrm",
	"PLUTO_METRIC=0", "PLUTO_MTU=0", "PLUTO_ADDTIME=0",
	"PLUTO_CONN_POLICY=RSASIG+ENCRYPT+TUNNEL+PFS+IKEV2_ALLOW+ESN_NO",
	"PLUTO_CONN_KIND=CK_PERMANENT", "PLUTO_CONN_ADDRFAMILY=ipv4",
	"PLUTO_XAUTH_FAILED=0", "PLUTO_IS_PEER_CISCO=0",
	"PLUTO_PEER_DNS_INFO=", "PLUTO_PEER_DOMAIN_INFO=", "PLUTO_PEER_BANNER=",
	"PLUTO_CFG_SERVER=0", "PLUTO_CFG_CLIENT=0", "PLUTO_NM_CONFIGURED=0",
	"PLUTO_INBYTES=0", "PLUTO_OUTBYTES=0", "PLUTO_VTI_IFACE=",
	"PLUTO_VTI_ROUTING=no", "PLUTO_VTI_SHARED=no", "PLUTO_CAT=no",
	"SPI_IN=0x11223344", "SPI_OUT=0x55667788", NULL
};

struct fwh_event kernel_event(void)
{
	struct fwh_event ev;
	struct fwh_err err;

	if (fwh_event_parse((char *const *)(uintptr_t)kernel_site, &ev, &err)) {
		fprintf(stderr, "%s\n", err.msg);
		abort();
	}
	return ev;
}

void kernel_check(int code, const struct fwh_err *err)
{
	if (code < 0) {
		fuzz_holds(err->code == code && *err->msg);
		fuzz_printable(err->msg);
	}
}
