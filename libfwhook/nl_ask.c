// SPDX-License-Identifier: GPL-2.0-or-later
/* nl_ask.c - questions to the kernel over netlink, one after another. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "internal.h"
#include "nl_ask.h"

/* The kernel answers at once or not at all. */
#define TIMEOUT_S	2
/* As much as it prepares at a time (netlink_recvmsg()). */
#define ANSWER_MAX	32768

struct fwh_nl {
	struct mnl_socket *socket;
	uint32_t seq;
	char question[FWH_NL_QUESTION_MAX];
	char answer[ANSWER_MAX];
};

int fwh_nl_open(int protocol, struct fwh_nl **ret)
{
	struct timeval timeout = { .tv_sec = TIMEOUT_S };
	struct fwh_nl *nl = malloc(sizeof(*nl));
	int code = 0;

	if (!nl)
		return -ENOMEM;
	nl->seq = (uint32_t)time(NULL);
	nl->socket = mnl_socket_open2(protocol, SOCK_CLOEXEC);
	if (!nl->socket || mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		code = -errno;
	if (code) {
		fwh_nl_close(nl);
		return code;
	}
	setsockopt(mnl_socket_get_fd(nl->socket), SOL_SOCKET, SO_RCVTIMEO,
		   &timeout, sizeof(timeout));
	*ret = nl;
	return 0;
}

void fwh_nl_close(struct fwh_nl *nl)
{
	if (!nl)
		return;
	if (nl->socket)
		mnl_socket_close(nl->socket);
	free(nl);
}

struct nlmsghdr *fwh_nl_begin(struct fwh_nl *nl, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh;

	/* Padding is sent as it is. */
	memset(nl->question, 0, sizeof(nl->question));
	nlh = mnl_nlmsg_put_header(nl->question);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++nl->seq;
	return nlh;
}

/* ---- answers ---- */

/* What has been said so far. */
struct said {
	fwh_nl_answer *answer;
	void *arg;
	bool all;
	int code;			/* the first error */
};

/* A dump that fails half way says so at its end; kernels before 4.12 do not. */
static int read_end(const struct nlmsghdr *nlh)
{
	const int *error = mnl_nlmsg_get_payload(nlh);

	return mnl_nlmsg_get_payload_len(nlh) < sizeof(*error) ? 0 :
	       fwh_nlmsg_errno(*error);
}

static void take_message(const struct nlmsghdr *nlh, struct said *said)
{
	int code = 0;

	said->all = !(nlh->nlmsg_flags & NLM_F_MULTI);
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		code = fwh_nlmsg_error(nlh);
		said->all = true;
	} else if (nlh->nlmsg_type == NLMSG_DONE) {
		code = read_end(nlh);
		said->all = true;
	} else if (said->answer) {
		code = said->answer(nlh, said->arg);
		said->all = said->all || code > 0;
	}
	if (!code && nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		code = -EAGAIN;
	if (!said->code && code < 0)
		said->code = code;
}

int fwh_nl_ask(struct fwh_nl *nl, fwh_nl_answer *answer, void *arg)
{
	const struct nlmsghdr *question = (const void *)nl->question;
	struct said said = { .answer = answer, .arg = arg };

	if (mnl_socket_sendto(nl->socket, question, question->nlmsg_len) < 0)
		return -errno;
	while (!said.all) {
		ssize_t len = mnl_socket_recvfrom(nl->socket, nl->answer,
						  sizeof(nl->answer));
		const struct nlmsghdr *nlh = (const void *)nl->answer;
		int left = (int)len;

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		for (; !said.all && fwh_nlmsg_ok(nlh, left);
		     nlh = mnl_nlmsg_next(nlh, &left))
			if (nlh->nlmsg_seq == question->nlmsg_seq)
				take_message(nlh, &said);
	}
	return said.code;
}

/* ---- what is in them ---- */

bool fwh_nl_header(const struct nlmsghdr *nlh, void *ret, size_t size)
{
	if (mnl_nlmsg_get_payload_len(nlh) < size)
		return false;
	memcpy(ret, mnl_nlmsg_get_payload(nlh), size);
	return true;
}

const struct nlattr *fwh_nl_find(const struct nlmsghdr *nlh, size_t header,
				 uint16_t type, size_t size)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, header)
		if (mnl_attr_get_type(attr) == type)
			return mnl_attr_get_payload_len(attr) < size ? NULL : attr;
	return NULL;
}

const struct nlattr *fwh_nl_find_in(const struct nlattr *nest, uint16_t type,
				    size_t size)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest)
		if (mnl_attr_get_type(attr) == type)
			return mnl_attr_get_payload_len(attr) < size ? NULL : attr;
	return NULL;
}
