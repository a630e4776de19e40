// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * monitor.c - whenever somebody changes the tables, they are made to hold again
 * what the records say.  nftables tells of each change and whose it was; the
 * legacy tables tell nothing, and are looked at.  Routes and addresses tell of
 * changes, too, and those that are of no object of ours are passed over.
 */
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>

#include "backend.h"
#include "ip.h"
#include "nlmsg.h"

/* A reload is many changes: wait until it is quiet, but not for ever. */
#define QUIET_MS	20
#define PATIENCE_MS	100
/* How often the legacy tables are looked at. */
#define LEGACY_MS	50
#define LOOKS_MAX	10
/* When what failed is tried again: nobody may change anything until then. */
#define RETRY_MS	1000
#define STORE_WAIT_MS	5000

struct monitor {
	const struct fwh_call_options *options;
	void (*complain)(const struct fwh_err *err, void *arg);
	void *arg;
	struct mnl_socket *nl;
	struct mnl_socket *routes;	/* rtnetlink's */
	struct fwh_store *store;
	bool legacy;			/* our rules are in the legacy tables */
	uint64_t shape;			/* of those, after our last look */
	long long retry;		/* when, by fwh_now_ms(); 0: all went well */
	struct fwh_err last;		/* the last complaint */
};

static int open_events(struct monitor *m, struct fwh_err *err)
{
	int group = NFNLGRP_NFTABLES, on = 1;

	m->nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!m->nl || mnl_socket_bind(m->nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_setsockopt(m->nl, NETLINK_ADD_MEMBERSHIP, &group,
				  sizeof(group)) < 0)
		return fwh_fail(err, -errno, "nftables: netlink: %s",
				strerror(errno));
	/* What was lost on the way was a change, too. */
	mnl_socket_setsockopt(m->nl, NETLINK_BROADCAST_ERROR, &on, sizeof(on));
	return 0;
}

static int open_routes(struct monitor *m, struct fwh_err *err)
{
	static const int groups[] = {
		RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
		RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE,
		RTNLGRP_IPV6_RULE,
	};
	size_t i;

	m->routes = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!m->routes ||
	    mnl_socket_bind(m->routes, 0, MNL_SOCKET_AUTOPID) < 0)
		return fwh_fail(err, -errno, "rtnetlink: %s", strerror(errno));
	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		int group = groups[i];

		mnl_socket_setsockopt(m->routes, NETLINK_ADD_MEMBERSHIP, &group,
				      sizeof(group));
	}
	return fwh_store_open(m->options->run_dir ? m->options->run_dir :
			      FWH_RUNSTATEDIR "/ipsec-fw", STORE_WAIT_MS,
			      &m->store, err);
}

/* What is to be looked at again: so many objects, or all. */
#define NAMES_MAX	32
struct concern {
	char names[NAMES_MAX][FWH_IP_NAME_MAX];
	size_t n;
	bool all;
};

static void add_concern(struct concern *concern, const char *name)
{
	size_t i;

	for (i = 0; i < concern->n; i++)
		if (!strcmp(concern->names[i], name))
			return;
	if (concern->n == NAMES_MAX)
		concern->all = true;
	else
		strcpy(concern->names[concern->n++], name);	/* of one size */
}

/* A routing daemon's thousand routes are none of ours, and a look at a name
 * tells.  Where IPv6 has no metric given, the kernel has one. */
static void consider_object(struct monitor *m, struct fwh_ip_object *object,
			    struct concern *concern)
{
	char held[FWH_VARIANT_MAX], name[FWH_IP_NAME_MAX];
	int tries;

	for (tries = 0; tries < 2; tries++) {
		fwh_ip_name(object, name);
		if (!fwh_object_held(m->store, name, held))
			add_concern(concern, name);
		if (object->kind == FWH_IP_ROUTE)
			object->metric = 0;
	}
}

/* Routes go without a word with their device or their source address, and come
 * back by nobody when those do. */
static void consider(struct monitor *m, const struct nlmsghdr *nlh,
		     struct concern *concern)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct fwh_ip_object object;

	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
		concern->all |= ifi->ifi_change & IFF_UP &&
				ifi->ifi_flags & IFF_UP;
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		concern->all = true;
		break;
	default:
		if (!fwh_rtnl_object_of(nlh, &object))
			consider_object(m, &object, concern);
	}
}

static void read_routes(struct monitor *m, struct concern *concern)
{
	char buf[65536];
	ssize_t len;

	while ((len = recv(mnl_socket_get_fd(m->routes), buf, sizeof(buf),
			   MSG_DONTWAIT)) != 0) {
		const struct nlmsghdr *nlh = (const void *)buf;
		int left = (int)len;

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0) {
			concern->all |= errno != EAGAIN; /* some were lost */
			return;
		}
		for (; fwh_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
			consider(m, nlh, concern);
	}
}

/* Ours say so: helpers and people with ipsec-fw. */
static bool is_ours(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attr) == NFTA_GEN_PROC_NAME)
			return !strncmp(mnl_attr_get_str(attr), "ipsec-fw", 8);
	return false;
}

/* Did somebody else change something?  Each transaction ends with its
 * generation. */
static bool read_events(struct monitor *m)
{
	char buf[65536];
	bool changed = false;
	ssize_t len;

	while ((len = recv(mnl_socket_get_fd(m->nl), buf, sizeof(buf),
			   MSG_DONTWAIT)) != 0) {
		const struct nlmsghdr *nlh = (const void *)buf;
		int left = (int)len;

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return changed || errno != EAGAIN; /* some were lost */
		for (; fwh_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
			if (nlh->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 |
						NFT_MSG_NEWGEN))
				changed = changed || !is_ours(nlh);
	}
	return changed;
}

/* Until nothing has come for a moment. */
static void wait_for_quiet(struct monitor *m)
{
	struct pollfd fd = { mnl_socket_get_fd(m->nl), POLLIN, 0 };
	long long end = fwh_now_ms() + PATIENCE_MS;

	while (fwh_now_ms() < end && poll(&fd, 1, QUIET_MS) > 0)
		read_events(m);
}

/* The same trouble is told once. */
static void tell(struct monitor *m, const struct fwh_err *trouble)
{
	if (m->complain && strcmp(m->last.msg, trouble->msg) != 0)
		m->complain(trouble, m->arg);
	m->last = *trouble;
}

static void tell_of_record(const struct fwh_err *trouble, void *arg)
{
	tell(arg, trouble);
}

static void reconcile(struct monitor *m)
{
	const struct fwh_backend *backend;
	struct fwh_err trouble;
	size_t n = 0, complaints;
	const char *why;

	m->retry = 0;
	if (fwh_guards_reconcile(m->options, tell_of_record, m, &n,
				 &complaints, &trouble)) {
		tell(m, &trouble);
		m->retry = fwh_now_ms() + RETRY_MS;
	} else if (!complaints) {
		*m->last.msg = '\0';
	}
	m->legacy = !fwh_guards_backend(m->options, &backend, &why, NULL) &&
		    (backend == &fwh_backend_iptables ||
		     backend == &fwh_backend_sets) && n > 0;
}

/* Of all that nobody tells of when it changes. */
static uint64_t shape(void)
{
	return fwh_iptables_shape() ^ fwh_sets_shape();
}

/* Somebody may change a legacy table between our commit and our look at its
 * size: once nothing was to do, that size is the right one. */
static void look(struct monitor *m)
{
	uint64_t before;
	int tries;

	for (tries = 0; tries < LOOKS_MAX; tries++) {
		before = shape();
		reconcile(m);
		m->shape = shape();
		if (!m->legacy || m->shape == before)
			return;
	}
}

/* Routes come in crowds, too: what came meanwhile is looked at with it. */
static void look_at_routes(struct monitor *m)
{
	struct pollfd fd = { mnl_socket_get_fd(m->routes), POLLIN, 0 };
	long long end = fwh_now_ms() + PATIENCE_MS;
	struct fwh_complaints complaints = { tell_of_record, m, 0 };
	struct concern concern = { .n = 0 };
	struct fwh_err trouble;

	read_routes(m, &concern);
	if (!concern.n && !concern.all)
		return;
	while (fwh_now_ms() < end && poll(&fd, 1, QUIET_MS) > 0)
		read_routes(m, &concern);
	if (fwh_ip_renew(m->store, concern.all ? NULL : concern.names,
			 concern.n, &complaints, &trouble))
		tell(m, &trouble);
}

/* How long nothing is to be done if nothing is told; -1: for ever. */
static int patience(const struct monitor *m)
{
	long long left = m->retry - fwh_now_ms();

	if (m->legacy)
		return LEGACY_MS;
	return !m->retry ? -1 : left < 0 ? 0 : (int)left;
}

/* Whatever nobody tells of. */
static bool is_due(const struct monitor *m)
{
	return (m->retry && fwh_now_ms() >= m->retry) || shape() != m->shape;
}

static int watch(struct monitor *m, struct fwh_err *err)
{
	struct pollfd fds[2] = {
		{ mnl_socket_get_fd(m->nl), POLLIN, 0 },
		{ mnl_socket_get_fd(m->routes), POLLIN, 0 },
	};

	for (;;) {
		int n = poll(fds, ARRAY_SIZE(fds), patience(m));

		if (n < 0 && errno != EINTR)
			return fwh_fail(err, -errno, "poll: %s",
					strerror(errno));
		if (n > 0 && fds[0].revents && read_events(m)) {
			wait_for_quiet(m);
			look(m);
		} else if ((n == 0 || m->legacy) && is_due(m)) {
			look(m);
		}
		if (n > 0 && fds[1].revents)
			look_at_routes(m);
	}
}

int fwh_guards_monitor(const struct fwh_call_options *options,
		       void (*complain)(const struct fwh_err *err, void *arg),
		       void *arg, struct fwh_err *err)
{
	struct monitor m = {
		.options = options, .complain = complain, .arg = arg,
	};
	int code = open_events(&m, err);

	if (!code)
		code = open_routes(&m, err);
	if (!code) {
		look(&m);
		code = watch(&m, err);
	}
	if (m.nl)
		mnl_socket_close(m.nl);
	if (m.routes)
		mnl_socket_close(m.routes);
	fwh_store_close(m.store);
	return code;
}
