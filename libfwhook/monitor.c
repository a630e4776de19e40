// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * monitor.c - whenever somebody changes the tables, they are made to hold again
 * what the records say.  nftables tells of each change and whose it was; the
 * legacy tables tell nothing, and are looked at.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "backend.h"

/* A reload is many changes: wait until it is quiet, but not for ever. */
#define QUIET_MS	20
#define PATIENCE_MS	100
/* How often the legacy tables are looked at. */
#define LEGACY_MS	50
#define LOOKS_MAX	10

struct monitor {
	const struct fwh_call_options *options;
	void (*complain)(const struct fwh_err *err, void *arg);
	void *arg;
	struct mnl_socket *nl;
	bool legacy;			/* our rules are in the legacy tables */
	uint64_t shape;			/* of those, after our last look */
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
			return changed || errno == ENOBUFS;
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
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

	if (fwh_guards_reconcile(m->options, tell_of_record, m, &n,
				 &complaints, &trouble))
		tell(m, &trouble);
	else if (!complaints)
		*m->last.msg = '\0';
	m->legacy = !fwh_guards_backend(m->options, &backend, &why, NULL) &&
		    backend == &fwh_backend_iptables && n > 0;
}

/* Somebody may change a legacy table between our commit and our look at its
 * size: once nothing was to do, that size is the right one. */
static void look(struct monitor *m)
{
	uint64_t before;
	int tries;

	for (tries = 0; tries < LOOKS_MAX; tries++) {
		before = fwh_iptables_shape();
		reconcile(m);
		m->shape = fwh_iptables_shape();
		if (!m->legacy || m->shape == before)
			return;
	}
}

int fwh_guards_monitor(const struct fwh_call_options *options,
		       void (*complain)(const struct fwh_err *err, void *arg),
		       void *arg, struct fwh_err *err)
{
	struct monitor m = {
		.options = options, .complain = complain, .arg = arg,
	};
	struct pollfd fd = { .events = POLLIN };
	int code = open_events(&m, err);

	if (!code)
		look(&m);
	fd.fd = m.nl ? mnl_socket_get_fd(m.nl) : -1;
	while (!code) {
		int n = poll(&fd, 1, m.legacy ? LEGACY_MS : -1);

		if (n < 0 && errno != EINTR)
			code = fwh_fail(err, -errno, "poll: %s",
					strerror(errno));
		if (n > 0 && read_events(&m)) {
			wait_for_quiet(&m);
			look(&m);
		} else if (n == 0 && fwh_iptables_shape() != m.shape) {
			look(&m);
		}
	}
	if (m.nl)
		mnl_socket_close(m.nl);
	return code;
}
