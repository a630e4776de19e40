// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dns.c - the resolver follows an event: what the connection wants of it while it is
 * up, who wants the same thing besides, the store, and then the resolver.  The store
 * goes first: of what a killed call did, it knows.
 */
#include <errno.h>
#include <glob.h>
#include <string.h>

#include "dns.h"

static const struct fwh_dns_hand *hand_of(const char *name)
{
	switch (fwh_dns_resolver_of(name)) {
	case FWH_DNS_RESOLVED:
		return &fwh_dns_resolved;
	case FWH_DNS_UNBOUND:
		return &fwh_dns_unbound;
	case FWH_DNS_RESOLVCONF:
		return &fwh_dns_resolvconf;
	default:
		return &fwh_dns_file;
	}
}

static bool is_dns_object(const char *name)
{
	return fwh_dns_resolver_of(name) != FWH_DNS_OFF;
}

/* ---- one object ---------------------------------------------------------------------- */

struct change {
	struct fwh_store *store;
	const char *name;
	/* What the resolver is to have of ours, before and after; "": nothing. */
	char held[FWH_VARIANT_MAX], next[FWH_VARIANT_MAX];
};

static struct fwh_dns_object object_of(const struct change *c, const char *state)
{
	struct fwh_dns_object object;

	snprintf(object.name, sizeof(object.name), "%s", c->name);
	snprintf(object.state, sizeof(object.state), "%s", state);
	return object;
}

static int write_state(const struct change *c, const char *state, bool again,
		       struct fwh_err *err)
{
	struct fwh_dns_object object = object_of(c, state);

	return hand_of(c->name)->write(&object, again, err);
}

static int hold(struct change *c, struct fwh_err *err)
{
	return *c->held && !strcmp(c->held, c->next) ? 0 :
	       fwh_object_set_held(c->store, c->name, c->next, err);
}

/* Somebody else's state is what comes back; that it is gone tells of a resolver that
 * was started anew, and of nothing else. */
static int keep_before(struct change *c, const char *present, struct fwh_err *err)
{
	struct fwh_before before = { .n = strlen(present) };

	before.data = (void *)present;
	return *present && strcmp(present, c->held) != 0 ?
	       fwh_object_set_before(c->store, c->name, &before, err) : 0;
}

static int put(struct change *c, const char *present, struct fwh_err *err)
{
	int code = 0;

	if (strcmp(present, c->next) != 0 || !*c->held)
		code = keep_before(c, present, err);
	if (!code)
		code = hold(c, err);
	return !code && strcmp(present, c->next) != 0 ?
	       write_state(c, c->next, false, err) : code;
}

/* What is no longer as we left it is somebody else's. */
static int put_back(struct change *c, const char *present, struct fwh_err *err)
{
	struct fwh_before before;
	int code;

	if (strcmp(present, c->held) != 0)
		return 0;
	code = fwh_object_before(c->store, c->name, &before, err);
	if (!code)
		code = write_state(c, before.data ? before.data : "", true, err);
	if (!code)
		free(before.data);
	return code;
}

/* Make the resolver have what is next.  If that is nothing and goes wrong, it is held
 * until another call can. */
static int make(struct change *c, struct fwh_err *err)
{
	const struct fwh_dns_hand *hand = hand_of(c->name);
	struct fwh_dns_object object = object_of(c, *c->next ? c->next : c->held);
	char present[FWH_VARIANT_MAX] = "";
	int code = 0;

	if (!*object.state)
		return fwh_object_set_held(c->store, c->name, NULL, err);
	if (hand->look)
		code = hand->look(&object, present, err);
	if (!code && *c->next && hand->look)
		code = put(c, present, err);
	else if (!code && hand->look)
		code = put_back(c, present, err);
	else if (!code && *c->next)
		code = hold(c, err);
	if (!code && !hand->look)
		code = write_state(c, c->next, !*c->next, err);
	if (!code && !*c->next)
		code = fwh_object_set_held(c->store, c->name, NULL, err);
	return code;
}

static int renew(struct fwh_store *store, const char *name, struct fwh_err *err)
{
	struct change c = { .store = store, .name = name };
	int code;

	fwh_object_held(store, name, c.held);
	code = fwh_object_next(store, name, c.held, NULL, NULL, c.next, err);
	return code ? code : make(&c, err);
}

/* Who claims it with other words than before becomes the newest. */
static int claim(struct fwh_store *store, const struct fwh_owned *own,
		 const struct fwh_dns_object *object, struct fwh_err *err)
{
	struct change c = { .store = store, .name = object->name };
	struct fwh_owner owner, was;
	bool kept;
	int code;

	fwh_object_held(store, object->name, c.held);
	kept = *c.held && !fwh_object_owner(store, object->name, own->owner,
					    &was) &&
	       !strcmp(was.variant, object->state);
	memcpy(owner.name, own->owner, sizeof(owner.name));
	memcpy(owner.variant, object->state, sizeof(owner.variant));
	memcpy(c.next, kept ? c.held : object->state, sizeof(c.next));
	code = fwh_object_claim(store, object->name, &owner, err);
	return code ? code : make(&c, err);
}

static int release(struct fwh_store *store, const char *owner, const char *name,
		   struct fwh_err *err)
{
	int code = fwh_object_release(store, name, owner, err);

	return code ? code : renew(store, name, err);
}

/* ---- one connection -------------------------------------------------------------------- */

static bool plan_has(const struct fwh_dns_plan *plan, const char *name)
{
	size_t i;

	for (i = 0; i < plan->n; i++)
		if (!strcmp(plan->list[i].name, name))
			return true;
	return false;
}

static bool owns(const struct fwh_owned *own, const char *name)
{
	size_t i;

	for (i = 0; i < own->n; i++)
		if (!strcmp(own->objects[i], name))
			return true;
	return false;
}

static void note(int code, const struct fwh_err *trouble,
		 struct fwh_complaints *complaints)
{
	if (code)
		fwh_complain(trouble, complaints);
}

/* Claims are the connection's before they are made, and releases after. */
static void claim_all(struct fwh_store *store, struct fwh_owned *own,
		      const struct fwh_dns_plan *plan,
		      struct fwh_complaints *complaints)
{
	struct fwh_err trouble;
	size_t i, before = own->n;
	int code = 0;

	for (i = 0; !code && i < plan->n; i++)
		if (!owns(own, plan->list[i].name))
			code = fwh_owned_add(own, plan->list[i].name);
	if (!code && own->n != before)
		code = fwh_owned_write(store, own, &trouble);
	for (i = 0; !code && i < plan->n; i++)
		note(claim(store, own, &plan->list[i], &trouble), &trouble,
		     complaints);
	note(code, &trouble, complaints);
}

static void release_others(struct fwh_store *store, struct fwh_owned *own,
			   const struct fwh_dns_plan *plan,
			   struct fwh_complaints *complaints)
{
	struct fwh_err trouble;
	size_t i, kept = 0, before = own->n;

	for (i = 0; i < before; i++) {
		char *name = own->objects[i];

		if (is_dns_object(name) && !plan_has(plan, name)) {
			note(release(store, own->owner, name, &trouble),
			     &trouble, complaints);
			continue;
		}
		memmove(own->objects[kept++], name, FWH_IP_NAME_MAX);
	}
	own->n = kept;
	if (kept != before)
		note(fwh_owned_write(store, own, &trouble), &trouble, complaints);
}

static void plan_objects(const struct fwh_event *ev, const char *owner,
			 const struct fwh_settings *settings,
			 struct fwh_dns_plan *ret,
			 struct fwh_complaints *complaints)
{
	enum fwh_dns_resolver resolver = settings->dns;
	struct fwh_dns dns;
	struct fwh_err trouble;

	ret->n = 0;
	fwh_dns_parse(ev, &dns, complaints);
	if (!dns.n_servers)
		return;
	if (resolver == FWH_DNS_AUTO)
		resolver = fwh_dns_find(dns.n_domains > 0);
	note(fwh_dns_plan_build(resolver, ev, owner, &dns, ret, &trouble),
	     &trouble, complaints);
}

/* Libreswan's script does it where we are the peer's client, and leaves it to
 * NetworkManager where that does. */
static bool asks(const struct fwh_event *ev, const struct fwh_settings *settings)
{
	return settings->dns != FWH_DNS_OFF && ev->cfg_client &&
	       !ev->nm_configured && ev->text[FWH_TEXT_DNS];
}

static bool has_objects(const struct fwh_owned *own)
{
	size_t i;

	for (i = 0; i < own->n; i++)
		if (is_dns_object(own->objects[i]))
			return true;
	return false;
}

/* Only an up plans anew: what other calls know of the peer's words is less. */
static void follow(struct fwh_store *store, struct fwh_owned *own,
		   const struct fwh_event *ev,
		   const struct fwh_settings *settings, bool native,
		   struct fwh_complaints *complaints)
{
	struct fwh_dns_plan plan = { .n = 0 };
	bool up = fwh_ip_level(ev, own->level) & FWH_LEVEL_UP;

	if (up && native && !(ev->verbs & FWH_UP))
		return;
	if (up && native && asks(ev, settings))
		plan_objects(ev, own->owner, settings, &plan, complaints);
	release_others(store, own, &plan, complaints);
	claim_all(store, own, &plan, complaints);
}

void fwh_dns_follow(struct fwh_store *store, const struct fwh_event *ev,
		    const struct fwh_key *key,
		    const struct fwh_settings *settings, bool native,
		    bool may_have, struct fwh_complaints *complaints)
{
	struct fwh_owned own = { .n = 0 };
	char name[FWH_RECORD_NAME_MAX];
	struct fwh_err trouble;
	int code;

	if (!may_have && !(asks(ev, settings) && native))
		return;
	fwh_record_name(key, name);
	code = fwh_owned_read(store, name, &own, &trouble);
	if (!code && (has_objects(&own) || (asks(ev, settings) && native))) {
		fwh_owned_free(&own);
		code = fwh_owners_lock(store, &trouble);
		if (!code)
			code = fwh_owned_read(store, name, &own, &trouble);
		if (!code)
			follow(store, &own, ev, settings, native, complaints);
		fwh_owners_unlock(store);
	}
	fwh_owned_free(&own);
	note(code, &trouble, complaints);
}

bool fwh_dns_concerns(struct fwh_store *store, const struct fwh_event *ev,
		      const struct fwh_key *key,
		      const struct fwh_settings *settings, bool native)
{
	struct fwh_owned own = { .n = 0 };
	char name[FWH_RECORD_NAME_MAX];
	bool concerns = native && asks(ev, settings);

	fwh_record_name(key, name);
	if (!concerns && store && !fwh_owned_read(store, name, &own, NULL))
		concerns = has_objects(&own);
	fwh_owned_free(&own);
	return concerns;
}

void fwh_dns_preview(const struct fwh_event *ev, const struct fwh_key *key,
		     const struct fwh_settings *settings,
		     struct fwh_dns_plan *ret,
		     struct fwh_complaints *complaints)
{
	char name[FWH_RECORD_NAME_MAX];

	fwh_record_name(key, name);
	ret->n = 0;
	if (ev->verbs & FWH_UP && asks(ev, settings))
		plan_objects(ev, name, settings, ret, complaints);
}

/* ---- all connections ----------------------------------------------------------------------- */

static bool wants_us(const struct fwh_config *config,
		     const struct fwh_owned *own)
{
	struct fwh_settings settings;

	if (!config)
		return true;
	fwh_config_resolve(config, own->conn, &settings);
	return settings.dns != FWH_DNS_OFF && fwh_ip_wants_us(config, own);
}

static bool stays(const struct fwh_config *config, const struct fwh_owned *own)
{
	return own->level & FWH_LEVEL_UP &&
	       (!own->daemon.pid || fwh_daemon_alive(&own->daemon)) &&
	       wants_us(config, own);
}

static void sweep_owner(struct fwh_store *store, const char *name,
			const struct fwh_config *config, bool all,
			struct fwh_complaints *complaints)
{
	struct fwh_dns_plan nothing = { .n = 0 };
	struct fwh_owned own;
	struct fwh_err trouble;
	int code = fwh_owned_read(store, name, &own, &trouble);

	note(code, &trouble, complaints);
	if (code)
		return;
	if (all || !stays(config, &own))
		release_others(store, &own, &nothing, complaints);
	fwh_owned_free(&own);
}

/* The owners of an object, and what became of it without an owner. */
static void sweep_object(struct fwh_store *store, const char *name,
			 const struct fwh_config *config, bool all,
			 struct fwh_complaints *complaints)
{
	fwh_autofree char (*owners)[FWH_RECORD_NAME_MAX] = NULL;
	struct fwh_err trouble;
	size_t n = 0, i;

	note(fwh_object_owners(store, name, &owners, &n, &trouble), &trouble,
	     complaints);
	for (i = 0; i < n; i++)
		sweep_owner(store, owners[i], config, all, complaints);
}

/* In any network namespace: they share the file. */
static bool has_file(struct fwh_store *store)
{
	char pattern[FWH_PATH_MAX + 64];
	glob_t found;
	bool has;

	snprintf(pattern, sizeof(pattern), "%s/../netns-*/shared/dns-file-",
		 fwh_store_path(store));
	has = glob(pattern, 0, NULL, &found) != GLOB_NOMATCH;
	globfree(&found);
	return has;
}

/* resolv.conf outlives the run directory: after a reset, our lines are in it and
 * nobody has them. */
static void clean_file(struct fwh_store *store, struct fwh_complaints *complaints)
{
	struct fwh_dns_object nothing = { .name = "dns-file-" };
	struct fwh_err trouble;

	if (!has_file(store))
		note(fwh_dns_file.write(&nothing, true, &trouble), &trouble,
		     complaints);
}

/* What stays is looked after by the way. */
static void sweep(struct fwh_store *store, const struct fwh_config *config,
		  bool all, struct fwh_complaints *complaints)
{
	fwh_autofree char (*names)[FWH_IP_NAME_MAX] = NULL;
	struct fwh_err trouble;
	size_t n = 0, i;
	int code = fwh_owners_lock(store, &trouble);

	if (!code)
		code = fwh_objects_list(store, "dns-", &names, &n, &trouble);
	for (i = 0; i < n; i++) {
		sweep_object(store, names[i], config, all, complaints);
		note(renew(store, names[i], &trouble), &trouble, complaints);
	}
	if (!code)
		clean_file(store, complaints);
	fwh_owners_unlock(store);
	note(code, &trouble, complaints);
}

void fwh_dns_sweep(struct fwh_store *store, struct fwh_complaints *complaints)
{
	sweep(store, NULL, false, complaints);
}

void fwh_dns_flush(struct fwh_store *store, struct fwh_complaints *complaints)
{
	sweep(store, NULL, true, complaints);
}

void fwh_dns_reconcile(const struct fwh_config *config, struct fwh_store *store,
		       struct fwh_complaints *complaints)
{
	sweep(store, config, false, complaints);
}
