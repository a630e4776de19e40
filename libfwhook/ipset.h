/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ipset.h - the kernel's ip_set over netlink: names, sets, elements. */
#ifndef FWHOOK_IPSET_H
#define FWHOOK_IPSET_H

#include "internal.h"

#define FWH_IPSET_NAME_MAX	32	/* with its NUL */

struct fwh_ipset;			/* a netlink socket, and messages to send */

struct fwh_ipset_element {
	struct fwh_net net;		/* never of length 0: hash:net has none */
	struct fwh_mark mark;		/* mask 0: none */
	const char *comment;		/* NULL: none */
	uint64_t packets, bytes;	/* as listed */
};

enum fwh_ipset_type {
	FWH_IPSET_NETS,			/* hash:net with counters and comments */
	FWH_IPSET_MARKS,		/* the same with a mark an element */
	FWH_IPSET_ADDRS			/* hash:ip of IPv6, and nothing else */
};

/* Returns 0 or what the kernel said. */
int fwh_ipset_open(struct fwh_ipset **ret, struct fwh_err *err);
void fwh_ipset_close(struct fwh_ipset *link);

/* Called with each name in turn; other than 0 ends it and is returned.  Returns
 * -ENOPROTOOPT if this kernel has no ip_set. */
int fwh_ipset_names(struct fwh_ipset *link,
		    int (*take)(const char *name, void *arg), void *arg);
/* Likewise with each element of a set.  One that is not there has none. */
int fwh_ipset_list(struct fwh_ipset *link, const char *name,
		   int (*take)(const struct fwh_ipset_element *element,
			       void *arg), void *arg);
/* How many elements a set has.  Returns 0, -ENOENT, or what the kernel said. */
int fwh_ipset_count(struct fwh_ipset *link, const char *name, size_t *ret);
/* The number that rules know it by.  Returns 0, -ENOENT, or what the kernel said. */
int fwh_ipset_index(const char *name, uint16_t *ret);
/* Can sets of that type be made here? */
bool fwh_ipset_has_type(struct fwh_ipset *link, enum fwh_family family,
			enum fwh_ipset_type type);

/* Messages that fwh_ipset_send() sends, in this order; none waits for another, and
 * what is out of memory is remembered until then.  Sending needs no memory, and the
 * room that messages had stays: after the first ever, there is some for
 * FWH_IPSET_ROOM between two sends. */
#define FWH_IPSET_ROOM	8
void fwh_ipset_create(struct fwh_ipset *link, const char *name,
		      enum fwh_family family, enum fwh_ipset_type type);
void fwh_ipset_destroy(struct fwh_ipset *link, const char *name);
void fwh_ipset_swap(struct fwh_ipset *link, const char *a, const char *b);
/* only_new: an element that is there is an error, else it gets this mark and
 * comment and keeps its counters. */
void fwh_ipset_add(struct fwh_ipset *link, const char *name,
		   const struct fwh_ipset_element *element, bool only_new);
void fwh_ipset_del(struct fwh_ipset *link, const char *name,
		   const struct fwh_ipset_element *element);
/* Its result is 0 if the set has it. */
void fwh_ipset_test(struct fwh_ipset *link, const char *name,
		    const struct fwh_ipset_element *element);
/* results (may be NULL): what became of each message, 0 or a negative number of the
 * kernel's, IPSET_ERR_... among them.  Returns 0, the first of those (not if there
 * are results), -ENOMEM or -EIO. */
int fwh_ipset_send(struct fwh_ipset *link, int *results);
/* Likewise, messages that may be in vain: what is not there need not go. */
int fwh_ipset_send_anyway(struct fwh_ipset *link);
/* Don't send them. */
void fwh_ipset_forget(struct fwh_ipset *link);
/* Is a result the refusal of something that exists? */
bool fwh_ipset_exists(int code);
/* An errno in the place of a number of ip_set's own. */
int fwh_ipset_errno(int code);
/* In words. */
const char *fwh_ipset_strerror(int code);

#endif
