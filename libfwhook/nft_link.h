/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nft_link.h - talking to nf_tables: questions, and transactions. */
#ifndef FWHOOK_NFT_LINK_H
#define FWHOOK_NFT_LINK_H

#include "internal.h"
#include "nlmsg.h"

struct nlmsghdr;
struct fwh_nft_link;			/* a netlink socket */

int fwh_nft_open(struct fwh_nft_link **ret, struct fwh_err *err);
/* The one of the process, which is not to be closed. */
int fwh_nft_open_kept(struct fwh_nft_link **ret, struct fwh_err *err);
void fwh_nft_close(struct fwh_nft_link *link);
/* It speaks to the network namespace that it was made in, wherever the process has
 * gone since. */
void fwh_nft_close_kept(void);
/* The last that the process does with it.  Where something was deleted, a child holds
 * it until the kernel has let go of that, so that the process can end before. */
void fwh_nft_leave_kept(void);

/* Messages to send, one after the other in one buffer. */
struct fwh_nft_batch {
	char *buf;
	size_t len, cap, zeroed;
	uint32_t seq, first;		/* the next message's number; the first's */
	bool nomem;
};

/* Begin a message of this type (NFT_MSG_...); NULL when out of memory.  What is
 * put into it fits into FWH_NFT_MSG_MAX bytes. */
#define FWH_NFT_MSG_MAX		8192
struct nlmsghdr *fwh_nft_begin(struct fwh_nft_link *link,
			       struct fwh_nft_batch *batch, uint16_t type,
			       uint8_t family, uint16_t flags);
void fwh_nft_end(struct fwh_nft_batch *batch, const struct nlmsghdr *nlh);
void fwh_nft_batch_free(struct fwh_nft_batch *batch);

/* Called for each answer, with the number of the question counted from 0. */
typedef int fwh_nft_answer(const struct nlmsghdr *nlh, size_t question,
			   void *arg);

/* Did one of libnftnl's parsers, which said this, know the message?  Where it had no
 * memory, *ret is -ENOMEM: what was not read must not be taken for what is not there.
 * What it does not know is somebody else's. */
bool fwh_nft_knows(int said, int *ret);

/* Ask all of the batch's questions about single objects.  One about something
 * that is not there gets no answer.  Returns 0 or what the kernel said. */
int fwh_nft_ask(struct fwh_nft_link *link, struct fwh_nft_batch *batch,
		fwh_nft_answer *answer, void *arg);
/* Dump what the batch's one message asks for, until an answer returns other than
 * 0.  A thing that is not there has nothing to dump. */
int fwh_nft_dump(struct fwh_nft_link *link, struct fwh_nft_batch *batch,
		 fwh_nft_answer *answer, void *arg);
/* Everything of one kind that our table has, and the elements of one of its
 * sets. */
int fwh_nft_dump_table(struct fwh_nft_link *link, uint16_t type,
		       uint16_t table_attr, fwh_nft_answer *answer, void *arg);
int fwh_nft_dump_set(struct fwh_nft_link *link, const char *set,
		     fwh_nft_answer *answer, void *arg);
/* The first elements of a set, until an answer returns other than 0: whatever
 * there is behind them costs nothing. */
int fwh_nft_look(const char *set, fwh_nft_answer *answer, void *arg);
/* The number of the ruleset's generation. */
int fwh_nft_generation(struct fwh_nft_link *link, uint32_t *ret);
/* All of the batch in one transaction, if the ruleset is still of that
 * generation (0: of whatever generation).  Returns 0, -EAGAIN (it is not, or nobody
 * knows: look again), or what the kernel said, with its own words and the number of
 * the message that it refused in *ret_refused. */
int fwh_nft_commit(struct fwh_nft_link *link, struct fwh_nft_batch *batch,
		   uint32_t generation, size_t *ret_refused,
		   char words[static FWH_NLMSG_WORDS_MAX]);

#endif
