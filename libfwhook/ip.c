// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ip.c - routes, addresses, rules and devices follow an event: what the
 * connection should have, who has it besides, the kernel, and then the store;
 * all of it or none.
 */
#include <errno.h>
#include <string.h>

#include "ip.h"

/* ---- one change of one object -------------------------------------------------- */

struct change {
	char name[FWH_IP_NAME_MAX];
	struct fwh_ip_object object;	/* as we claim it */
	bool claims;
	bool keeps;			/* claimed as it was */
	bool owned;			/* we were an owner before, of this */
	struct fwh_owner was;
	/* What the kernel is to hold of it, before and after; "" for nothing. */
	char held[FWH_VARIANT_MAX], next[FWH_VARIANT_MAX];
	struct fwh_ip_object old, new;
};

struct changes {
	struct fwh_store *store;
	struct fwh_owned *own;		/* the connection's own, as it was */
	struct fwh_owned meant;		/* as mean() wrote it; n = 0: it did not */
	unsigned int level;		/* and its level after this */
	/* Others that let go of all they have: an unroute for their peer. */
	struct fwh_owned *others;
	size_t n_others, others_cap;
	struct change *list;
	size_t n, cap;
	struct fwh_rtnl_change *kernel;
};

static void changes_free(struct changes *c)
{
	size_t i;

	for (i = 0; c->kernel && i < c->n; i++)
		free(c->kernel[i].before.data);
	for (i = 0; i < c->n_others; i++)
		fwh_owned_free(&c->others[i]);
	free(c->others);
	fwh_owned_free(&c->meant);
	free(c->kernel);
	free(c->list);
}

static struct change *find_change(struct changes *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (!strcmp(c->list[i].name, name))
			return &c->list[i];
	return NULL;
}

/* Others' objects have owners, too: those are of no kind. */
static bool is_ip_object(const char *name)
{
	return fwh_ip_kind(name) != FWH_IP_KIND_MAX;
}

static bool has_others(const struct fwh_owned *owned)
{
	size_t i;

	for (i = 0; i < owned->n; i++)
		if (!is_ip_object(owned->objects[i]))
			return true;
	return false;
}

static int add_change(struct changes *c, const char *name,
		      struct change **ret, struct fwh_err *err)
{
	struct change *change;

	if (!fwh_grow(&c->list, c->n, &c->cap, sizeof(*change)))
		return fwh_fail(err, -ENOMEM, "out of memory");
	change = &c->list[c->n++];
	memset(change, 0, sizeof(*change));
	strcpy(change->name, name);	/* of one size */
	fwh_object_held(c->store, name, change->held);
	change->owned = !fwh_object_owner(c->store, name, c->own->owner,
					  &change->was);
	*ret = change;
	return 0;
}

/* Everything that an owner has and that is not claimed here, is let go of. */
static int add_released(struct changes *c, const struct fwh_owned *owned,
			struct fwh_err *err)
{
	struct change *change;
	size_t i;
	int code = 0;

	for (i = 0; !code && i < owned->n; i++)
		if (is_ip_object(owned->objects[i]) &&
		    !find_change(c, owned->objects[i]))
			code = add_change(c, owned->objects[i], &change, err);
	return code;
}

static int add_claims(struct changes *c, const struct fwh_ip_plan *plan,
		      struct fwh_err *err)
{
	char name[FWH_IP_NAME_MAX];
	struct change *change;
	size_t i;
	int code = 0;

	for (i = 0; !code && i < plan->n; i++) {
		fwh_ip_name(&plan->list[i], name);
		if (find_change(c, name))
			continue;
		code = add_change(c, name, &change, err);
		if (code)
			break;
		change->claims = true;
		change->object = plan->list[i];
	}
	return code;
}

/* ---- who decides ------------------------------------------------------------------ */

static bool lets_go(const char *owner, const void *arg)
{
	const struct changes *c = arg;
	size_t i;

	if (!strcmp(c->own->owner, owner))
		return true;
	for (i = 0; i < c->n_others; i++)
		if (!strcmp(c->others[i].owner, owner))
			return true;
	return false;
}

/* Who has claimed it with these words before does not become the newest. */
static int decide_next(const struct changes *c, struct change *change,
		       struct fwh_err *err)
{
	if (!change->claims)
		return fwh_object_next(c->store, change->name, change->held,
				       lets_go, c, change->next, err);
	fwh_ip_format(&change->object, change->next);
	if (*change->held && change->owned &&
	    !strcmp(change->was.variant, change->next))
		strcpy(change->next, change->held);
	return 0;
}

/* What is ours to the kernel.  An owner of what does not hold yet was killed on the
 * way there: the kernel may have it. */
static const char *old_of(const struct change *change)
{
	return !*change->held && change->owned ? change->was.variant :
						 change->held;
}

/* Somebody else's is kept before ours takes its place. */
static int keep_before(const struct fwh_rtnl_change *kernel, void *arg,
		       struct fwh_err *err)
{
	struct changes *c = arg;

	return fwh_object_set_before(c->store, c->list[kernel - c->kernel].name,
				     &kernel->before, err);
}

/* What cannot be read is nothing; it will be made anew. */
static int decide_all(struct changes *c, struct fwh_err *err)
{
	int code = 0;
	size_t i;

	c->kernel = calloc(c->n + 1, sizeof(*c->kernel));
	if (!c->kernel)
		return fwh_fail(err, -ENOMEM, "out of memory");
	for (i = 0; !code && i < c->n; i++) {
		struct change *change = &c->list[i];
		struct fwh_rtnl_change *kernel = &c->kernel[i];

		code = decide_next(c, change, err);
		if (change->keeps && !strcmp(change->held, change->next))
			continue;
		if (*old_of(change) && !fwh_ip_parse(old_of(change), &change->old))
			kernel->old = &change->old;
		if (*change->next && !fwh_ip_parse(change->next, &change->new))
			kernel->new = &change->new;
		kernel->keep = keep_before;
		kernel->arg = c;
		if (!code)
			code = fwh_object_before(c->store, change->name,
						 &kernel->before, err);
	}
	return code;
}

/* ---- what the connection has --------------------------------------------------------- */

static bool has_object(const struct fwh_owned *owned, const char *name)
{
	size_t i;

	for (i = 0; i < owned->n; i++)
		if (!strcmp(owned->objects[i], name))
			return true;
	return false;
}

static bool is_same(const struct fwh_owned *a, const struct fwh_owned *b)
{
	size_t i;

	if (a->level != b->level || a->n != b->n ||
	    a->daemon.pid != b->daemon.pid || a->daemon.start != b->daemon.start)
		return false;
	for (i = 0; i < a->n; i++)
		if (strcmp(a->objects[i], b->objects[i]) != 0)
			return false;
	return true;
}

/* What the connection has from here on; where it is meant only, what is let go of
 * as well.  The objects of others' kinds stay with it. */
static int store_owned(struct changes *c, const struct fwh_daemon *daemon,
		       bool meant, struct fwh_err *err)
{
	struct fwh_owned owned = *c->own;
	const struct fwh_owned *written = c->meant.n ? &c->meant : c->own;
	size_t i;
	int code = 0;

	owned.objects = NULL;
	owned.n = owned.cap = 0;
	owned.level = c->level;
	if (daemon)
		owned.daemon = *daemon;
	for (i = 0; !code && i < c->own->n; i++)
		if (meant || !is_ip_object(c->own->objects[i]))
			code = fwh_owned_add(&owned, c->own->objects[i]);
	for (i = 0; !code && i < c->n; i++)
		if (c->list[i].claims && !has_object(&owned, c->list[i].name))
			code = fwh_owned_add(&owned, c->list[i].name);
	if (code)
		fwh_fail(err, code, "out of memory");
	else if (!is_same(&owned, written))
		code = fwh_owned_write(c->store, &owned, err);
	if (!code && meant)
		c->meant = owned;
	else
		free(owned.objects);
	return code;
}

/* ---- the store first knows what is meant ---------------------------------------------- */

static int claim(struct changes *c, const struct change *change,
		 struct fwh_err *err)
{
	struct fwh_owner owner;

	memcpy(owner.name, c->own->owner, sizeof(owner.name));
	fwh_ip_format(&change->object, owner.variant);
	if (change->owned && !strcmp(change->was.variant, owner.variant))
		return 0;
	return fwh_object_claim(c->store, change->name, &owner, err);
}

static bool claims_more(const struct changes *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->list[i].claims && !c->list[i].owned)
			return true;
	return false;
}

/* Whoever is killed from here on leaves word of what he was about to make. */
static int mean(struct changes *c, const struct fwh_daemon *daemon,
		struct fwh_err *err)
{
	size_t i;
	int code;

	if (!claims_more(c))
		return 0;
	code = store_owned(c, daemon, true, err);
	for (i = 0; !code && i < c->n; i++)
		if (c->list[i].claims && !c->list[i].owned)
			code = claim(c, &c->list[i], err);
	return code;
}

/* ---- the store follows ---------------------------------------------------------------- */

static int store_change(struct changes *c, size_t i, struct fwh_err *err)
{
	const struct change *change = &c->list[i];
	size_t j;
	int code = 0;

	if (!change->claims)
		code = fwh_object_release(c->store, change->name,
					  c->own->owner, err);
	else if (change->owned)		/* else mean() has claimed it */
		code = claim(c, change, err);
	for (j = 0; !code && j < c->n_others; j++)
		code = fwh_object_release(c->store, change->name,
					  c->others[j].owner, err);
	if (!code && (!*change->next ||
		      strcmp(change->held, change->next) != 0))
		code = fwh_object_set_held(c->store, change->name,
					   *change->next ? change->next : NULL,
					   err);
	return code;
}

static int store_all(struct changes *c, const struct fwh_daemon *daemon,
		     struct fwh_err *err)
{
	int code = 0;
	size_t i, j, kept;

	for (i = 0; !code && i < c->n; i++)
		if (c->list[i].claims)
			code = store_change(c, i, err);
	/* As they went from the kernel: who is killed here has no route recorded
	 * whose address is not. */
	for (i = c->n; !code && i-- > 0;)
		if (!c->list[i].claims)
			code = store_change(c, i, err);
	for (i = 0; !code && i < c->n_others; i++) {
		struct fwh_owned *other = &c->others[i];

		for (j = kept = 0; j < other->n; j++)
			if (!is_ip_object(other->objects[j]))
				memmove(other->objects[kept++],
					other->objects[j], FWH_IP_NAME_MAX);
		other->n = kept;
		other->level = 0;
		code = fwh_owned_write(c->store, other, err);
	}
	return code ? code : store_owned(c, daemon, false, err);
}

/* ---- or is as it was -------------------------------------------------------------------- */

static void restore_change(struct changes *c, size_t i)
{
	const struct change *change = &c->list[i];
	bool had = *change->held;

	if (change->owned)
		fwh_object_claim(c->store, change->name, &change->was, NULL);
	else if (change->claims)
		fwh_object_release(c->store, change->name, c->own->owner, NULL);
	if (!had ? !change->owned && change->claims :
		   strcmp(change->held, change->next) != 0)
		fwh_object_set_held(c->store, change->name,
				    had ? change->held : NULL, NULL);
	if (had && !*change->next && c->kernel[i].before.data)
		fwh_object_set_before(c->store, change->name,
				      &c->kernel[i].before, NULL);
}

/* The kernel did not do it, or does not keep it, as the store could not be written:
 * what there is of it goes back as far as it can be. */
static void restore_all(struct changes *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		restore_change(c, i);
	fwh_owned_write(c->store, c->own, NULL);
}

static bool changes_kernel(const struct changes *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->kernel[i].new || c->kernel[i].old)
			return true;
	return false;
}

/* The kernel decides: what it refuses, nobody has. */
static int commit(struct changes *c, struct fwh_rtnl *rtnl,
		  const struct fwh_daemon *daemon, struct fwh_err *err)
{
	struct fwh_rtnl *opened = NULL;
	int code = decide_all(c, err);

	if (!code && !rtnl && changes_kernel(c)) {
		code = fwh_rtnl_open(&opened, err);
		rtnl = opened;
	}
	if (!code) {
		code = mean(c, daemon, err);
		if (!code && changes_kernel(c))
			code = fwh_rtnl_apply(rtnl, c->kernel, c->n, err);
		if (!code) {
			code = store_all(c, daemon, err);
			if (code && changes_kernel(c))
				fwh_rtnl_undo(rtnl, c->kernel, c->n);
		}
		if (code)
			restore_all(c);
	}
	fwh_rtnl_close(opened);
	return code;
}

/* ---- an event ---------------------------------------------------------------------------------- */

/* The routes to the peer's side of the event's, whoever has them. */
static int add_others_of(struct changes *c, const char *object,
			 struct fwh_err *err)
{
	fwh_autofree char (*owners)[FWH_RECORD_NAME_MAX] = NULL;
	struct fwh_owned other;
	size_t n, i;
	int code = fwh_object_owners(c->store, object, &owners, &n, err);

	for (i = 0; !code && i < n; i++) {
		if (lets_go(owners[i], c))
			continue;
		code = fwh_owned_read(c->store, owners[i], &other, err);
		if (code)
			break;
		/* One of whom nothing can be read may be up. */
		if (!other.level || other.level & FWH_LEVEL_UP) {
			fwh_owned_free(&other);
			continue;
		}
		if (!fwh_grow(&c->others, c->n_others, &c->others_cap,
			      sizeof(other))) {
			fwh_owned_free(&other);
			return fwh_fail(err, -ENOMEM, "out of memory");
		}
		c->others[c->n_others++] = other;
	}
	return code;
}

/* pluto says route for the first connection to a peer's side and unroute for the
 * last, whichever those are: after that nobody is routed there who is not up. */
static int add_others(struct changes *c, const struct fwh_event *ev,
		      struct fwh_err *err)
{
	struct fwh_ip_object route = { .kind = FWH_IP_ROUTE };
	struct fwh_net nets[FWH_RANGE_NETS_MAX];
	char name[FWH_IP_NAME_MAX];
	size_t n = fwh_range_to_nets(&ev->sel.remote, nets), i;
	int code = 0;

	route.table = FWH_IP_MAIN_TABLE;
	route.metric = ev->metric;
	for (i = 0; !code && i < n; i++) {
		route.addr = nets[i].addr;
		route.len = nets[i].len ? nets[i].len : 1;
		fwh_ip_name(&route, name);
		code = add_others_of(c, name, err);
	}
	for (i = 0; !code && i < c->n_others; i++)
		code = add_released(c, &c->others[i], err);
	return code;
}

/* What the connection keeps, without a plan: all of it. */
static int keep_claims(struct changes *c, struct fwh_err *err)
{
	struct fwh_owner was;
	struct change *change;
	size_t i;
	int code = 0;

	for (i = 0; !code && i < c->own->n; i++) {
		const char *name = c->own->objects[i];

		if (!is_ip_object(name) ||
		    fwh_object_owner(c->store, name, c->own->owner, &was))
			continue;
		code = add_change(c, name, &change, err);
		if (!code && !fwh_ip_parse(was.variant, &change->object))
			change->claims = change->keeps = true;
	}
	return code;
}

static int plan_claims(struct changes *c, struct fwh_rtnl **rtnl,
		       const struct fwh_event *ev,
		       const struct fwh_settings *settings,
		       struct fwh_err *err)
{
	struct fwh_ip_plan plan = { .n = 0 };
	struct fwh_ip_facts facts;
	int code = fwh_rtnl_open(rtnl, err);

	if (!code)
		code = fwh_ip_find_facts(*rtnl, c->store, c->own, ev,
					 settings, &facts, err);
	if (!code)
		code = fwh_ip_plan_build(ev, settings, &facts, c->level, &plan,
					 err);
	if (!code)
		code = add_claims(c, &plan, err);
	fwh_ip_plan_free(&plan);
	return code;
}

/* A down that leaves the connection routed changes no route: what it then knows
 * of source addresses is less than what its up knew. */
static bool plans_anew(const struct fwh_event *ev, unsigned int level)
{
	return ev->verbs & (FWH_PREPARE | FWH_ROUTE | FWH_UP) ||
	       level == FWH_LEVEL_MOVING;
}

static int follow(struct changes *c, const struct fwh_event *ev,
		  const struct fwh_settings *settings,
		  const struct fwh_daemon *daemon, bool native,
		  struct fwh_err *err)
{
	struct fwh_rtnl *rtnl = NULL;
	int code = 0;

	c->level = fwh_ip_level(ev, c->own->level);
	if (!native && !c->own->level && !c->own->n)
		c->level = 0;
	if (c->level && native && plans_anew(ev, c->level))
		code = plan_claims(c, &rtnl, ev, settings, err);
	else if (c->level)
		code = keep_claims(c, err);
	if (!code)
		code = add_released(c, c->own, err);
	if (!code && fwh_ip_ends_others(ev))
		code = add_others(c, ev, err);
	if (!code && (c->n || c->level || c->own->level))
		code = commit(c, rtnl, daemon, err);
	fwh_rtnl_close(rtnl);
	return code;
}

int fwh_ip_follow(struct fwh_store *store, const struct fwh_event *ev,
		  const struct fwh_key *key,
		  const struct fwh_settings *settings,
		  const struct fwh_daemon *daemon, bool native,
		  bool *ret_has_more, struct fwh_err *err)
{
	struct fwh_owned own = { .n = 0 };
	struct changes c = { .store = store, .own = &own };
	char name[FWH_RECORD_NAME_MAX];
	int code = fwh_owners_lock(store, err);

	*ret_has_more = true;
	fwh_record_name(key, name);
	if (!code)
		code = fwh_owned_read(store, name, &own, err);
	if (!code) {
		*ret_has_more = has_others(&own);
		strcpy(own.conn, key->conn);	/* of one size */
		code = follow(&c, ev, settings, daemon, native, err);
	}
	fwh_owners_unlock(store);
	changes_free(&c);
	fwh_owned_free(&own);
	return code;
}

int fwh_ip_preview(const struct fwh_event *ev,
		   const struct fwh_settings *settings,
		   struct fwh_ip_plan *ret, struct fwh_err *err)
{
	struct fwh_rtnl *rtnl;
	struct fwh_ip_facts facts;
	int code = fwh_rtnl_open(&rtnl, err);

	if (code)
		return code;
	code = fwh_ip_find_facts(rtnl, NULL, NULL, ev, settings, &facts, err);
	fwh_rtnl_close(rtnl);
	return code ? code : fwh_ip_plan_build(ev, settings, &facts,
					       fwh_ip_level(ev, 0), ret, err);
}

/* ---- all connections ------------------------------------------------------------------------------ */

/* Let go of everything that this one has. */
static int drop_owner(struct fwh_store *store, struct fwh_owned *own,
		      struct fwh_err *err)
{
	struct changes c = { .store = store, .own = own };
	int code = add_released(&c, own, err);

	if (!code)
		code = commit(&c, NULL, NULL, err);
	changes_free(&c);
	return code;
}

static bool is_left_over(struct fwh_store *store, const struct fwh_owned *own)
{
	return own->daemon.pid && !fwh_daemon_alive(&own->daemon) &&
	       !fwh_store_has_record(store, own->owner);
}

bool fwh_ip_wants_us(const struct fwh_config *config,
		     const struct fwh_owned *own)
{
	struct fwh_settings settings;

	if (!config)
		return true;
	fwh_config_resolve(config, own->conn, &settings);
	return settings.updown == FWH_UPDOWN_NATIVE ||
	       (settings.updown == FWH_UPDOWN_AUTO && settings.chain_auto);
}

/* Its daemon is dead and its guard stands: routed, but no longer up, so that an
 * unroute of another connection ends it. */
static int lower_owner(struct fwh_store *store, struct fwh_owned *own,
		       struct fwh_err *err)
{
	if (!own->daemon.pid || fwh_daemon_alive(&own->daemon) ||
	    !(own->level & FWH_LEVEL_UP))
		return 0;
	own->level = FWH_LEVEL_ROUTED;
	return fwh_owned_write(store, own, err);
}

static int sweep(struct fwh_store *store, const struct fwh_config *config,
		 bool all, struct fwh_err *err)
{
	fwh_autofree char (*names)[FWH_RECORD_NAME_MAX] = NULL;
	struct fwh_owned own;
	size_t n, i;
	int code = fwh_owned_list(store, &names, &n, err);

	for (i = 0; !code && i < n; i++) {
		code = fwh_owned_read(store, names[i], &own, err);
		if (code)
			break;
		if (all || is_left_over(store, &own) ||
		    !fwh_ip_wants_us(config, &own))
			code = drop_owner(store, &own, err);
		else
			code = lower_owner(store, &own, err);
		fwh_owned_free(&own);
	}
	return code;
}

int fwh_ip_sweep(struct fwh_store *store, struct fwh_err *err)
{
	int code = fwh_owners_lock(store, err);

	if (code)
		return code;
	code = sweep(store, NULL, false, err);
	fwh_owners_unlock(store);
	return code;
}

int fwh_ip_flush(struct fwh_store *store, struct fwh_err *err)
{
	int code = fwh_owners_lock(store, err);

	if (code)
		return code;
	code = sweep(store, NULL, true, err);
	fwh_owners_unlock(store);
	return code;
}

struct renewal {
	struct fwh_store *store;
	const char *name;
};

static int keep_renewed(const struct fwh_rtnl_change *kernel, void *arg,
			struct fwh_err *err)
{
	const struct renewal *renewal = arg;

	return fwh_object_set_before(renewal->store, renewal->name,
				     &kernel->before, err);
}

/* What holds of one object, once more. */
static int renew(struct fwh_store *store, struct fwh_rtnl *rtnl,
		 const char *name, struct fwh_err *err)
{
	struct renewal renewal = { store, name };
	struct fwh_rtnl_change kernel = { .keep = keep_renewed, .arg = &renewal };
	char held[FWH_VARIANT_MAX];
	struct fwh_ip_object object;
	int code;

	if (fwh_object_held(store, name, held) || fwh_ip_parse(held, &object))
		return 0;
	kernel.old = kernel.new = &object;
	code = fwh_object_before(store, name, &kernel.before, err);
	if (!code)
		code = fwh_rtnl_apply(rtnl, &kernel, 1, err);
	free(kernel.before.data);
	return code;
}

static int by_kind(const void *a, const void *b)
{
	return (int)fwh_ip_kind(a) - (int)fwh_ip_kind(b);
}

static int renew_some(struct fwh_store *store, char (*names)[FWH_IP_NAME_MAX],
		      size_t n, struct fwh_complaints *complaints,
		      struct fwh_err *err)
{
	struct fwh_rtnl *rtnl = NULL;
	struct fwh_err trouble;
	size_t i;
	int code = n ? fwh_rtnl_open(&rtnl, err) : 0;

	if (!code && n)
		qsort(names, n, sizeof(*names), by_kind);
	for (i = 0; !code && i < n; i++)
		if (is_ip_object(names[i]) &&
		    renew(store, rtnl, names[i], &trouble))
			fwh_complain(&trouble, complaints);
	fwh_rtnl_close(rtnl);
	return code;
}

static int renew_all(struct fwh_store *store, struct fwh_complaints *complaints,
		     struct fwh_err *err)
{
	fwh_autofree char (*names)[FWH_IP_NAME_MAX] = NULL;
	size_t n;
	int code = fwh_objects_list(store, "", &names, &n, err);

	return code ? code : renew_some(store, names, n, complaints, err);
}

int fwh_ip_renew(struct fwh_store *store, char (*names)[FWH_IP_NAME_MAX],
		 size_t n, struct fwh_complaints *complaints,
		 struct fwh_err *err)
{
	int code = fwh_owners_lock(store, err);

	if (code)
		return code;
	code = names ? renew_some(store, names, n, complaints, err) :
		       renew_all(store, complaints, err);
	fwh_owners_unlock(store);
	return code;
}

int fwh_ip_reconcile(const struct fwh_config *config, struct fwh_store *store,
		     struct fwh_complaints *complaints, struct fwh_err *err)
{
	int code = fwh_owners_lock(store, err);

	if (code)
		return code;
	code = sweep(store, config, false, err);
	if (!code)
		code = renew_all(store, complaints, err);
	fwh_owners_unlock(store);
	return code;
}
