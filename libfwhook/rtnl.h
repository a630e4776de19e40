/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rtnl.h - what the rooms of rtnetlink share. */
#ifndef FWHOOK_RTNL_H
#define FWHOOK_RTNL_H

#include "ip.h"
#include "nlmsg.h"

#define FWH_RTNL_MESSAGE_MAX	512
/* As much as the kernel prepares at a time (netlink_recvmsg()). */
#define FWH_RTNL_ANSWER_MAX	32768

struct nlattr;
struct mnl_socket;

struct fwh_rtnl {
	struct mnl_socket *nl;
	uint32_t seq;
	bool lost;		/* answers to what was sent last */
	char words[FWH_NLMSG_WORDS_MAX];		/* the kernel's, of the last error */
	_Alignas(struct nlmsghdr) char answer[FWH_RTNL_ANSWER_MAX];
};

/* AF_INET, AF_INET6 */
extern const unsigned char fwh_rtnl_af[FWH_FAMILY_MAX];

/* A message in a buffer of FWH_RTNL_MESSAGE_MAX bytes. */
struct nlmsghdr *fwh_rtnl_begin(struct fwh_rtnl *rtnl, char *buf, uint16_t type,
				uint16_t flags);
/* Called for each answer that is no acknowledgement. */
typedef int fwh_rtnl_answer(const struct nlmsghdr *nlh, void *arg);
/* Send n messages, the first of which has this sequence number, and take an
 * acknowledgement (of a dump: its end) of each.  Returns an error of the
 * socket's, or 0. */
int fwh_rtnl_exchange(struct fwh_rtnl *rtnl, const void *buf, size_t len,
		      uint32_t first, size_t n, int *results,
		      fwh_rtnl_answer *answer, void *arg);
/* One message.  Returns 0 or what the kernel said. */
int fwh_rtnl_ask(struct fwh_rtnl *rtnl, const struct nlmsghdr *nlh,
		 fwh_rtnl_answer *answer, void *arg);
void fwh_rtnl_put_addr(struct nlmsghdr *nlh, uint16_t type,
		       const struct fwh_addr *addr);
/* For mnl_attr_parse(): attributes into an array of RTA_MAX + 1. */
int fwh_rtnl_take_attr(const struct nlattr *attr, void *arg);
/* The number of a device, 0: there is none; and its name, "".  (Those of libc open a
 * socket each time.) */
unsigned int fwh_rtnl_index(struct fwh_rtnl *rtnl, const char *dev);
void fwh_rtnl_dev(struct fwh_rtnl *rtnl, uint32_t index,
		  char ret[FWH_IFNAME_MAX]);

/* How each kind of object is told. */
struct fwh_rtnl_kind {
	uint16_t add, del;
	void (*build)(struct fwh_rtnl *rtnl, struct nlmsghdr *nlh,
		      const struct fwh_ip_object *object);
	int gone;			/* what a removal says then */
};
extern const struct fwh_rtnl_kind fwh_rtnl_kind[FWH_IP_KIND_MAX];

/* ---- rtnl_route.c ---- */

struct fwh_rtnl_found {
	const struct fwh_ip_object *wanted;
	bool is_there;
	struct fwh_ip_object object;	/* as far as our words go */
	uint32_t oif;			/* the device's number */
	bool plain;			/* and they go all the way */
	struct fwh_before raw;		/* to have it again; free data */
	int code;
};

/* Is there a route of the same destination, table and metric? */
int fwh_rtnl_find_route(struct fwh_rtnl *rtnl,
			const struct fwh_ip_object *wanted,
			struct fwh_rtnl_found *ret);
/* Is it exactly this one (which may be NULL)? */
bool fwh_rtnl_is_found(const struct fwh_rtnl_found *found,
		       const struct fwh_ip_object *object);

#endif
