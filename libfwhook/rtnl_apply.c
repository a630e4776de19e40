// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rtnl_apply.c - make the kernel hold objects, all or none, and give back what
 * was there before.
 */
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "rtnl.h"

/* So many at once: their answers fit into the socket's buffer. */
#define BATCH_MAX	32

static int send_object(struct fwh_rtnl *rtnl, const struct fwh_ip_object *object,
		       uint16_t flags)
{
	char buf[FWH_RTNL_MESSAGE_MAX];
	const struct fwh_rtnl_kind *kind = &fwh_rtnl_kind[object->kind];
	struct nlmsghdr *nlh = fwh_rtnl_begin(rtnl, buf, kind->add,
					      NLM_F_ACK | flags);

	kind->build(rtnl, nlh, object);
	return fwh_rtnl_ask(rtnl, nlh, NULL, NULL);
}

/* What was there before, as it was. */
static int send_before(struct fwh_rtnl *rtnl, const struct fwh_before *before,
		       uint16_t flags)
{
	fwh_autofree char *buf = calloc(1, before->n + FWH_RTNL_MESSAGE_MAX);
	struct nlmsghdr *nlh;

	if (!buf)
		return -ENOMEM;
	nlh = fwh_rtnl_begin(rtnl, buf, RTM_NEWROUTE,
			     NLM_F_ACK | NLM_F_CREATE | flags);
	memcpy(mnl_nlmsg_put_extra_header(nlh, before->n), before->data,
	       before->n);
	return fwh_rtnl_ask(rtnl, nlh, NULL, NULL);
}

static int write_sysctl(const char *dev, const char *name, const char *value)
{
	char path[100];
	FILE *f;
	int code;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/%s", dev, name);
	f = fopen(path, "we");
	if (!f)
		return -errno;
	code = fputs(value, f) < 0 ? -EIO : 0;
	return fclose(f) && !code ? -errno : code;
}

static int set_up(struct fwh_rtnl *rtnl, const char *dev)
{
	char buf[FWH_RTNL_MESSAGE_MAX];
	struct nlmsghdr *nlh = fwh_rtnl_begin(rtnl, buf, RTM_NEWLINK, NLM_F_ACK);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));

	ifi->ifi_index = (int)fwh_rtnl_index(rtnl, dev);
	ifi->ifi_flags = ifi->ifi_change = IFF_UP;
	return fwh_rtnl_ask(rtnl, nlh, NULL, NULL);
}

static int delete_object(struct fwh_rtnl *rtnl,
			 const struct fwh_ip_object *object);

/* What comes out of it was protected by the policy of its keys. */
static int finish_link(struct fwh_rtnl *rtnl, const struct fwh_ip_object *link)
{
	int code = write_sysctl(link->dev, "disable_policy", "1");

	if (!code)
		code = write_sysctl(link->dev, "rp_filter", "0");
	if (!code)
		code = write_sysctl(link->dev, "forwarding", "1");
	if (!code)
		code = set_up(rtnl, link->dev);
	if (code)
		delete_object(rtnl, link);
	return code;
}

static bool is_nothing(const struct fwh_before *before)
{
	return !before->data;
}

static int keep(struct fwh_rtnl_change *change)
{
	return change->keep ? change->keep(change, change->arg, NULL) : 0;
}

/* The very same was there: not ours to remove. */
static int mark_found(struct fwh_rtnl_change *change)
{
	struct fwh_before *before = &change->before;

	before->data = before->data ? before->data : malloc(1);
	before->n = 0;
	return before->data ? keep(change) : -ENOMEM;
}

/* A device of that name: it is used if it is of the kind. */
static int settle_link(struct fwh_rtnl *rtnl, struct fwh_rtnl_change *change)
{
	struct fwh_link_state state;
	int code = fwh_rtnl_link(rtnl, change->new->dev, &state, NULL);

	if (code)
		return code;
	if (strcmp(state.kind, "vti") != 0) {
		snprintf(rtnl->words, sizeof(rtnl->words), "there is a device "
			 "of this name that is no VTI device");
		return -EEXIST;
	}
	return change->old ? 0 : mark_found(change);
}

/* Where the kernel's answer was lost, it may have done it; to undo it is right in
 * either case. */
static bool may_be_done(const struct fwh_rtnl *rtnl, int code)
{
	return !code || rtnl->lost;
}

/* Something of the same destination, table and metric is there: ours, or
 * somebody's, which is kept for later. */
static int settle_route(struct fwh_rtnl *rtnl, struct fwh_rtnl_change *change)
{
	bool had = !is_nothing(&change->before) && !change->before.n;
	struct fwh_rtnl_found found;
	int code = fwh_rtnl_find_route(rtnl, change->new, &found);

	if (!code && fwh_rtnl_is_found(&found, change->new)) {
		code = change->old || !is_nothing(&change->before) ? 0 :
		       mark_found(change);
	} else if (!code) {
		if (found.is_there &&
		    (had || !fwh_rtnl_is_found(&found, change->old))) {
			free(change->before.data);
			change->before = found.raw;
			found.raw.data = NULL;
			code = keep(change);
		}
		if (!code)
			code = send_object(rtnl, change->new,
					   NLM_F_CREATE | NLM_F_REPLACE);
		change->done = may_be_done(rtnl, code);
	}
	free(found.raw.data);
	return code;
}

static int settle(struct fwh_rtnl *rtnl, struct fwh_rtnl_change *change)
{
	if (change->new->kind == FWH_IP_ROUTE)
		return settle_route(rtnl, change);
	if (change->new->kind == FWH_IP_LINK)
		return settle_link(rtnl, change);
	return change->old ? 0 : mark_found(change);
}

/* It may be there already; then what it is is found out. */
static int after_add(struct fwh_rtnl *rtnl, struct fwh_rtnl_change *change,
		     int result)
{
	if (result == -EEXIST)
		return settle(rtnl, change);
	if (result)
		return result;
	if (change->new->kind == FWH_IP_LINK)
		result = finish_link(rtnl, change->new);
	/* Nothing was there, whatever there once was. */
	change->done = !result;
	return result;
}

static int build_delete(struct fwh_rtnl *rtnl,
			const struct fwh_ip_object *object, char *buf,
			struct nlmsghdr **ret)
{
	const struct fwh_rtnl_kind *kind = &fwh_rtnl_kind[object->kind];
	struct nlmsghdr *nlh = fwh_rtnl_begin(rtnl, buf, kind->del, NLM_F_ACK);
	struct ifinfomsg *ifi;

	*ret = nlh;
	/* What was on a device that is gone, is gone. */
	if (object->kind != FWH_IP_RULE && !fwh_rtnl_index(rtnl, object->dev))
		return -ENODEV;
	if (object->kind == FWH_IP_LINK) {
		ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
		ifi->ifi_index = (int)fwh_rtnl_index(rtnl, object->dev);
	} else {
		kind->build(rtnl, nlh, object);
	}
	return 0;
}

static bool is_gone(const struct fwh_ip_object *object, int code)
{
	return code == fwh_rtnl_kind[object->kind].gone || code == -ENODEV;
}

static int delete_object(struct fwh_rtnl *rtnl,
			 const struct fwh_ip_object *object)
{
	char buf[FWH_RTNL_MESSAGE_MAX];
	struct nlmsghdr *nlh;
	int code = build_delete(rtnl, object, buf, &nlh);

	if (!code)
		code = fwh_rtnl_ask(rtnl, nlh, NULL, NULL);
	return is_gone(object, code) ? 0 : code;
}

/* In ours' place, or, where that is gone, in nobody else's.  One whose device is
 * gone went with it. */
static int put_back(struct fwh_rtnl *rtnl, struct fwh_rtnl_change *change)
{
	struct fwh_rtnl_found found;
	int code = fwh_rtnl_find_route(rtnl, change->old, &found);
	bool ours = !code && fwh_rtnl_is_found(&found, change->old);

	free(found.raw.data);
	if (code || (found.is_there && !ours))
		return code;
	code = send_before(rtnl, &change->before, ours ? NLM_F_REPLACE :
							 NLM_F_EXCL);
	change->done = may_be_done(rtnl, code);
	if (code == -ENODEV || code == -ENETUNREACH || code == -ENETDOWN ||
	    code == -EINVAL)
		code = delete_object(rtnl, change->old);
	return code == -EEXIST ? 0 : code;
}

static int remove_one(struct fwh_rtnl *rtnl, struct fwh_rtnl_change *change)
{
	int code;

	if ((change->before.data && !change->before.n) || change->old->shared)
		return 0;
	if (change->before.data)
		return put_back(rtnl, change);
	code = delete_object(rtnl, change->old);
	change->done = may_be_done(rtnl, code);
	return code;
}

static int refused(struct fwh_rtnl *rtnl, const struct fwh_ip_object *object,
		   int code, struct fwh_err *err)
{
	char text[FWH_IP_TEXT_MAX];

	fwh_ip_format(object, text);
	if (object->kind != FWH_IP_RULE && object->kind != FWH_IP_LINK &&
	    !fwh_rtnl_index(rtnl, object->dev))
		return fwh_fail(err, -ENODEV, "%s: there is no device %s", text,
				object->dev);
	return fwh_fail(err, code, "%s: %s%s%s%s", text, strerror(-code),
			*rtnl->words ? " (" : "", rtnl->words,
			*rtnl->words ? ")" : "");
}

/* ---- batches ------------------------------------------------------------------------------- */

struct batch {
	char buf[BATCH_MAX * FWH_RTNL_MESSAGE_MAX];
	size_t len, n;
	uint32_t first;
	struct fwh_rtnl_change *change[BATCH_MAX];
};

static void batch_add(struct fwh_rtnl *rtnl, struct batch *batch,
		      struct fwh_rtnl_change *change)
{
	const struct fwh_rtnl_kind *kind = &fwh_rtnl_kind[change->new->kind];
	struct nlmsghdr *nlh = fwh_rtnl_begin(rtnl, batch->buf + batch->len,
					      kind->add, NLM_F_ACK |
					      NLM_F_CREATE | NLM_F_EXCL);

	if (!batch->n)
		batch->first = nlh->nlmsg_seq;
	kind->build(rtnl, nlh, change->new);
	batch->len += MNL_ALIGN(nlh->nlmsg_len);
	batch->change[batch->n++] = change;
}

/* A device is made alone, as what follows needs its number. */
static bool is_alone(const struct fwh_rtnl_change *change)
{
	return change->new->kind == FWH_IP_LINK;
}

/* All are sent before the first answer is read: an error stops none of them. */
static int batch_send(struct fwh_rtnl *rtnl, struct batch *batch,
		      struct fwh_err *err)
{
	int results[BATCH_MAX] = { 0 }, code, first = 0;
	size_t i;

	if (!batch->n)
		return 0;
	code = fwh_rtnl_exchange(rtnl, batch->buf, batch->len, batch->first,
				 batch->n, results, NULL, NULL);
	/* A device of this name may be somebody else's, and stays. */
	for (i = 0; code && i < batch->n; i++)
		batch->change[i]->done = rtnl->lost && !results[i] &&
					 !is_alone(batch->change[i]);
	if (code)
		return fwh_fail(err, code, "rtnetlink: %s", strerror(-code));
	for (i = 0; i < batch->n; i++) {
		code = after_add(rtnl, batch->change[i], results[i]);
		if (code && !first)
			first = refused(rtnl, batch->change[i]->new, code, err);
	}
	batch->n = batch->len = 0;
	return first;
}

static int apply_added(struct fwh_rtnl *rtnl, struct fwh_rtnl_change *changes,
		       size_t n, struct fwh_err *err)
{
	fwh_autofree struct batch *batch = malloc(sizeof(*batch));
	int code = 0;
	size_t i;

	if (!batch)
		return fwh_fail(err, -ENOMEM, "out of memory");
	batch->n = batch->len = 0;
	for (i = 0; !code && i < n; i++) {
		if (!changes[i].new)
			continue;
		batch_add(rtnl, batch, &changes[i]);
		if (batch->n == BATCH_MAX || is_alone(&changes[i]))
			code = batch_send(rtnl, batch, err);
	}
	return code ? code : batch_send(rtnl, batch, err);
}

static int apply_removed(struct fwh_rtnl *rtnl, struct fwh_rtnl_change *changes,
			 size_t n, struct fwh_err *err)
{
	int code = 0;

	while (!code && n-- > 0) {
		if (changes[n].new || !changes[n].old)
			continue;
		code = remove_one(rtnl, &changes[n]);
		if (code)
			code = refused(rtnl, changes[n].old, code, err);
	}
	return code;
}

int fwh_rtnl_apply(struct fwh_rtnl *rtnl, struct fwh_rtnl_change *changes,
		   size_t n, struct fwh_err *err)
{
	int code = apply_added(rtnl, changes, n, err);

	if (!code)
		code = apply_removed(rtnl, changes, n, err);
	if (code)
		fwh_rtnl_undo(rtnl, changes, n);
	return code;
}

void fwh_rtnl_undo(struct fwh_rtnl *rtnl, struct fwh_rtnl_change *changes,
		   size_t n)
{
	size_t i;

	/* What went comes back first: addresses before the routes that need
	 * them. */
	for (i = 0; i < n; i++) {
		struct fwh_rtnl_change back = { .new = changes[i].old };

		if (!changes[i].done || changes[i].new)
			continue;
		after_add(rtnl, &back, send_object(rtnl, back.new,
						   NLM_F_CREATE | NLM_F_EXCL));
		free(back.before.data);
		changes[i].done = false;
	}
	for (i = n; i-- > 0;) {
		struct fwh_rtnl_change *change = &changes[i];

		if (!change->done)
			continue;
		if (change->old) {
			send_object(rtnl, change->old,
				    NLM_F_CREATE | NLM_F_REPLACE);
		} else {
			struct fwh_rtnl_change back = {
				.old = change->new, .before = change->before,
			};

			remove_one(rtnl, &back);
		}
		change->done = false;
	}
}
