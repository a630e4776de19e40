// SPDX-License-Identifier: GPL-2.0-or-later
/* nft_link.c - talking to nf_tables over netlink; decides nothing. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/gen.h>
#include <linux/membarrier.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter.h>
#include <linux/netlink.h>

#include "nft.h"
#include "nft_link.h"

/* So many questions at once: their answers fit into the socket's buffer. */
#define QUESTIONS_MAX	64
#define ANSWER_MAX	65536
#define LOOK_MAX	8192		/* holds the largest element by far */
#define SEND_MAX	65536		/* what a socket takes without asking */
#define ROUNDS_MAX	8

struct fwh_nft_link {
	struct mnl_socket *nl;
	uint32_t seq;
	bool deleted;			/* something, in a transaction */
	size_t read_max;
	char answer[ANSWER_MAX];
};

static int open_socket(struct fwh_nft_link *link)
{
	int on = 1;

	link->nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!link->nl)
		return -errno;
	if (mnl_socket_bind(link->nl, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	/* The kernel's own words about errors, without a copy of the message;
	 * an old one that does not know this gives numbers. */
	mnl_socket_setsockopt(link->nl, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(link->nl, NETLINK_CAP_ACK, &on, sizeof(on));
	return 0;
}

/* Closing a socket of netfilter's, whosever it is, waits until the kernel has let go
 * of what was deleted, some milliseconds.  So those that are open at the end of a
 * change stay so to the end of the process: other calls need not wait for that. */
static struct fwh_nft_link *kept, *looked[16];
static size_t n_looked;

int fwh_nft_open_kept(struct fwh_nft_link **ret, struct fwh_err *err)
{
	int code = kept ? 0 : fwh_nft_open(&kept, err);

	if (!code)
		*ret = kept;
	return code;
}

int fwh_nft_open(struct fwh_nft_link **ret, struct fwh_err *err)
{
	struct fwh_nft_link *link = malloc(sizeof(*link));
	int code;

	if (!link)
		return fwh_fail(err, -ENOMEM, "out of memory");
	/* Not the room for answers, which costs more than what is asked. */
	memset(link, 0, offsetof(struct fwh_nft_link, answer));
	link->seq = (uint32_t)time(NULL);
	link->read_max = sizeof(link->answer);
	code = open_socket(link);
	if (code) {
		fwh_nft_close(link);
		return fwh_fail(err, code, "nftables: netlink: %s",
				strerror(-code));
	}
	*ret = link;
	return 0;
}

/* That wait is inside of the kernel's lock for all changes, and each deletion makes
 * another one begin.  Waited for outside of it, one goes for all who delete
 * meanwhile.  Where that call is not allowed, the wait is where it was. */
static void wait_for_deletions(const struct fwh_nft_link *link)
{
	if (link && link->deleted)
		syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

static void close_all(void)
{
	size_t i;

	fwh_nft_close(kept);
	kept = NULL;
	for (i = 0; i < ARRAY_SIZE(looked); i++) {
		fwh_nft_close(looked[i]);
		looked[i] = NULL;
	}
}

__attribute__((destructor))
void fwh_nft_close_kept(void)
{
	wait_for_deletions(kept);
	close_all();
}

static bool is_kept(int fd)
{
	bool found = fd == mnl_socket_get_fd(kept->nl);
	size_t i;

	for (i = 0; !found && i < ARRAY_SIZE(looked); i++)
		found = looked[i] && fd == mnl_socket_get_fd(looked[i]->nl);
	return found;
}

/* Whoever reads the caller's output to its end waits for all who have it open; and
 * no lock is held that the caller held. */
static void close_others(void)
{
	int fd, end = mnl_socket_get_fd(kept->nl);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(looked); i++)
		if (looked[i] && end < mnl_socket_get_fd(looked[i]->nl))
			end = mnl_socket_get_fd(looked[i]->nl);
	for (fd = 0; fd < end; fd++)
		if (!is_kept(fd))
			close(fd);
	syscall(SYS_close_range, end + 1, ~0u, 0);
}

/* What others have deleted meanwhile, closing would wait for, in their way.  Beside
 * somebody who never stops, it does. */
__attribute__((noreturn))
static void be_last(void)
{
	uint32_t before, now = 0;
	int rounds = 0;

	close_others();
	fwh_nft_generation(kept, &now);
	do {
		before = now;
		wait_for_deletions(kept);
	} while (!fwh_nft_generation(kept, &now) && now != before &&
		 ++rounds < ROUNDS_MAX);
	close_all();
	_exit(0);
}

void fwh_nft_leave_kept(void)
{
	pid_t child;

	if (!kept || !kept->deleted || !fwh_daemon_orphans_end())
		return;
	child = fork();
	if (!child)
		be_last();
	if (child > 0)
		close_all();
}

void fwh_nft_close(struct fwh_nft_link *link)
{
	if (!link)
		return;
	if (link->nl)
		mnl_socket_close(link->nl);
	free(link);
}

/* ---- messages ---- */

struct nlmsghdr *fwh_nft_begin(struct fwh_nft_link *link,
			       struct fwh_nft_batch *batch, uint16_t type,
			       uint8_t family, uint16_t flags)
{
	size_t end;

	if (batch->cap - batch->len < FWH_NFT_MSG_MAX) {
		size_t cap = 2 * batch->cap + FWH_NFT_MSG_MAX;
		char *buf = realloc(batch->buf, cap);

		if (!buf) {
			batch->nomem = true;
			return NULL;
		}
		batch->buf = buf;
		batch->cap = cap;
	}
	if (!batch->len) {
		batch->first = batch->seq = link->seq;
		batch->zeroed = 0;
	}
	/* Padding is sent as it is.  Behind a message, what the one before it left
	 * is still zero. */
	end = batch->len + FWH_NFT_MSG_MAX;
	memset(batch->buf + batch->zeroed, 0, end - batch->zeroed);
	batch->zeroed = end;
	link->seq++;
	return nftnl_nlmsg_build_hdr(batch->buf + batch->len, type, family,
				     flags, batch->seq++);
}

void fwh_nft_end(struct fwh_nft_batch *batch, const struct nlmsghdr *nlh)
{
	batch->len += MNL_ALIGN(nlh->nlmsg_len);
}

void fwh_nft_batch_free(struct fwh_nft_batch *batch)
{
	free(batch->buf);
	memset(batch, 0, sizeof(*batch));
}

static int send_all(struct fwh_nft_link *link, const void *buf, size_t len)
{
	int size = (int)len;

	/* All of it has to fit into the socket's buffer. */
	if (len > SEND_MAX)
		setsockopt(mnl_socket_get_fd(link->nl), SOL_SOCKET,
			   SO_SNDBUFFORCE, &size, sizeof(size));
	return mnl_socket_sendto(link->nl, buf, len) < 0 ? -errno : 0;
}

/* ---- questions ---- */

/* Take the answers to n questions, the first of which has this number. */
static int take_answers(struct fwh_nft_link *link, uint32_t first, size_t n,
			size_t offset, fwh_nft_answer *answer, void *arg)
{
	size_t left_n = n;
	int code = 0;

	while (left_n > 0) {
		ssize_t len = mnl_socket_recvfrom(link->nl, link->answer,
						  sizeof(link->answer));
		const struct nlmsghdr *nlh = (const void *)link->answer;
		int left = (int)len;

		if (len < 0)
			return -errno;
		for (; fwh_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			int error = nlh->nlmsg_type == NLMSG_ERROR ?
				    fwh_nlmsg_error(nlh) : 0;
			uint32_t i = nlh->nlmsg_seq - first;

			if (i >= n)	/* left from before */
				continue;
			left_n -= left_n > 0;
			if (error && error != -ENOENT)
				code = code ? code : error;
			else if (nlh->nlmsg_type != NLMSG_ERROR && !code)
				code = answer(nlh, offset + i, arg);
		}
	}
	return code;
}

int fwh_nft_ask(struct fwh_nft_link *link, struct fwh_nft_batch *batch,
		fwh_nft_answer *answer, void *arg)
{
	const char *at = batch->buf, *end = batch->buf + batch->len;
	size_t asked = 0;
	int code = batch->nomem ? -ENOMEM : 0;

	while (!code && at < end) {
		const char *from = at;
		size_t n = 0;

		for (; at < end && n < QUESTIONS_MAX; n++)
			at += MNL_ALIGN(((const struct nlmsghdr *)at)->nlmsg_len);
		code = send_all(link, from, (size_t)(at - from));
		if (!code)
			code = take_answers(link, batch->first + (uint32_t)asked,
					    n, asked, answer, arg);
		asked += n;
	}
	return code;
}

/* 1: there is no more. */
static int take_dump(struct fwh_nft_link *link, fwh_nft_answer *answer,
		     void *arg)
{
	ssize_t len = mnl_socket_recvfrom(link->nl, link->answer,
					  link->read_max);
	const struct nlmsghdr *nlh = (const void *)link->answer;
	int left = (int)len, code;

	if (len < 0)
		return -errno;
	for (; fwh_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			return -EAGAIN;
		if (nlh->nlmsg_type == NLMSG_DONE)
			return 1;
		if (nlh->nlmsg_type == NLMSG_ERROR) {
			code = fwh_nlmsg_error(nlh);
			return code == -ENOENT || !code ? 1 : code;
		}
		code = answer(nlh, 0, arg);
		if (code)
			return code < 0 ? code : 1;
	}
	return 0;
}

int fwh_nft_dump(struct fwh_nft_link *link, struct fwh_nft_batch *batch,
		 fwh_nft_answer *answer, void *arg)
{
	int code = batch->nomem ? -ENOMEM :
				  send_all(link, batch->buf, batch->len);

	while (!code)
		code = take_dump(link, answer, arg);
	return code < 0 ? code : 0;
}

/* Ask for everything of one kind that our table has. */
int fwh_nft_dump_table(struct fwh_nft_link *link, uint16_t type,
		      uint16_t table_attr, fwh_nft_answer *answer, void *arg)
{
	struct fwh_nft_batch batch = { .len = 0 };
	struct nlmsghdr *nlh = fwh_nft_begin(link, &batch, type, NFPROTO_INET,
					     NLM_F_DUMP);
	int code = -ENOMEM;

	if (nlh) {
		mnl_attr_put_strz(nlh, table_attr, FWH_NFT_TABLE);
		fwh_nft_end(&batch, nlh);
		code = fwh_nft_dump(link, &batch, answer, arg);
	}
	fwh_nft_batch_free(&batch);
	return code;
}

/* Ask for the elements of a set of ours. */
int fwh_nft_dump_set(struct fwh_nft_link *link, const char *set,
		    fwh_nft_answer *answer, void *arg)
{
	struct fwh_nft_batch batch = { .len = 0 };
	struct nlmsghdr *nlh = fwh_nft_begin(link, &batch, NFT_MSG_GETSETELEM,
					     NFPROTO_INET, NLM_F_DUMP);
	int code = -ENOMEM;

	if (nlh) {
		mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE,
				  FWH_NFT_TABLE);
		mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set);
		fwh_nft_end(&batch, nlh);
		code = fwh_nft_dump(link, &batch, answer, arg);
	}
	fwh_nft_batch_free(&batch);
	return code;
}

int fwh_nft_look(const char *set, fwh_nft_answer *answer, void *arg)
{
	struct fwh_nft_link *link;
	int code = fwh_nft_open(&link, NULL);

	if (code)
		return code;
	/* The kernel prepares as much as is read at a time. */
	link->read_max = LOOK_MAX;
	code = fwh_nft_dump_set(link, set, answer, arg);
	fwh_nft_close(looked[n_looked % ARRAY_SIZE(looked)]);
	looked[n_looked++ % ARRAY_SIZE(looked)] = link;
	return code;
}

bool fwh_nft_knows(int said, int *ret)
{
	if (said < 0 && errno == ENOMEM)
		*ret = -ENOMEM;
	return said >= 0;
}

static int take_generation(const struct nlmsghdr *nlh, size_t question,
			   void *arg)
{
	struct nftnl_gen *gen = nftnl_gen_alloc();
	uint32_t *ret = arg;
	int code = 0;

	(void)question;
	if (!gen)
		return -ENOMEM;
	if (fwh_nft_knows(nftnl_gen_nlmsg_parse(nlh, gen), &code))
		*ret = nftnl_gen_get_u32(gen, NFTNL_GEN_ID);
	nftnl_gen_free(gen);
	return code;
}

int fwh_nft_generation(struct fwh_nft_link *link, uint32_t *ret)
{
	struct fwh_nft_batch batch = { .len = 0 };
	struct nlmsghdr *nlh = fwh_nft_begin(link, &batch, NFT_MSG_GETGEN,
					     NFPROTO_UNSPEC, 0);
	int code = -ENOMEM;

	if (nlh) {
		fwh_nft_end(&batch, nlh);
		code = fwh_nft_ask(link, &batch, take_generation, ret);
	}
	fwh_nft_batch_free(&batch);
	return code;
}

/* ---- transactions ---- */

static size_t put_mark(char *buf, uint16_t type, uint32_t seq,
		       uint32_t generation)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nlh->nlmsg_seq = seq;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = AF_UNSPEC;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(NFNL_SUBSYS_NFTABLES);
	if (type == NFNL_MSG_BATCH_BEGIN && generation)
		mnl_attr_put_u32(nlh, NFNL_BATCH_GENID, htonl(generation));
	return MNL_ALIGN(nlh->nlmsg_len);
}

/* The kernel has done all of it when sending returns; it speaks of errors
 * only.  The first one counts.  Without memory for its words they are lost, and
 * what became of the transaction is seen by looking again: -EAGAIN. */
static int take_verdict(struct fwh_nft_link *link, uint32_t first,
			size_t *ret_refused, char words[static FWH_NLMSG_WORDS_MAX])
{
	int code = 0;

	for (;;) {
		ssize_t len = recv(mnl_socket_get_fd(link->nl), link->answer,
				   sizeof(link->answer), MSG_DONTWAIT);
		const struct nlmsghdr *nlh = (const void *)link->answer;
		int left = (int)len, error;

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return code || errno == EAGAIN ? code : -EAGAIN;
		for (; fwh_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			if (nlh->nlmsg_type != NLMSG_ERROR || code)
				continue;
			error = fwh_nlmsg_error(nlh);
			if (!error)
				continue;
			code = error;
			*ret_refused = nlh->nlmsg_seq - first;
			fwh_nlmsg_words(nlh, words);
		}
	}
}

/* What the kernel has to let go of after this. */
static bool deletes(const struct fwh_nft_batch *batch)
{
	const char *at = batch->buf, *end = batch->buf + batch->len;

	while (at < end) {
		const struct nlmsghdr *nlh = (const void *)at;

		switch (NFNL_MSG_TYPE(nlh->nlmsg_type)) {
		case NFT_MSG_DELTABLE:
		case NFT_MSG_DELCHAIN:
		case NFT_MSG_DELRULE:
		case NFT_MSG_DELSET:
		case NFT_MSG_DELSETELEM:
			return true;
		}
		at += MNL_ALIGN(nlh->nlmsg_len);
	}
	return false;
}

int fwh_nft_commit(struct fwh_nft_link *link, struct fwh_nft_batch *batch,
		   uint32_t generation, size_t *ret_refused,
		   char words[static FWH_NLMSG_WORDS_MAX])
{
	char begin[64] = "", end[64] = "";
	fwh_autofree char *buf = NULL;
	size_t n, m;
	int code;

	memset(words, 0, 128);
	*ret_refused = SIZE_MAX;
	if (batch->nomem)
		return -ENOMEM;
	n = put_mark(begin, NFNL_MSG_BATCH_BEGIN, batch->first - 1, generation);
	m = put_mark(end, NFNL_MSG_BATCH_END, batch->seq, 0);
	buf = malloc(n + batch->len + m);
	if (!buf)
		return -ENOMEM;
	memcpy(buf, begin, n);
	memcpy(buf + n, batch->buf, batch->len);
	memcpy(buf + n + batch->len, end, m);
	code = send_all(link, buf, n + batch->len + m);
	if (!code)
		code = take_verdict(link, batch->first, ret_refused, words);
	link->deleted = link->deleted || (!code && deletes(batch));
	/* ERESTART is no errno of user space. */
	return code == -85 || code == -EBUSY || code == -EINTR ? -EAGAIN : code;
}
