/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ip.h - the other half of an updown helper: the routes, addresses, rules and
 * devices of a connection.
 *
 *	event, settings, facts -> objects	ip_plan.c	pure
 *	objects <-> words of ip(8)		ip_text.c	pure
 *	who has which object			owners.c
 *	kernel -> facts				ip_facts.c
 *	objects -> kernel			rtnl.c, rtnl_route.c, rtnl_apply.c
 *	all of them				ip.c
 */
#ifndef FWHOOK_IP_H
#define FWHOOK_IP_H

#include "internal.h"

/* ---- objects ---- */

enum fwh_ip_kind {		/* in the order in which they need each other */
	FWH_IP_LINK,
	FWH_IP_ADDRESS,
	FWH_IP_ROUTE,
	FWH_IP_RULE,
	FWH_IP_PROXY,
	FWH_IP_KIND_MAX
};

#define FWH_IP_MAIN_TABLE	254
#define FWH_IP_ESP_TABLE	50	/* Libreswan's */
#define FWH_IP_ESP_PRIORITY	100

/* What ip(8) would call one object.  Fields that a kind does not use are zero. */
struct fwh_ip_object {
	enum fwh_ip_kind kind;
	struct fwh_addr addr;		/* of what, or for whom */
	uint8_t len;
	char dev[FWH_IFNAME_MAX];	/* but for rules */
	uint32_t table;			/* route, rule */
	uint32_t metric;		/* route; a rule's priority */
	struct fwh_addr via, src;	/* route; the any address: none */
	bool onlink;
	uint32_t mtu;			/* route; 0: none */
	uint8_t scope;			/* address */
	struct fwh_mark mark;		/* rule */
	struct fwh_addr local, remote;	/* link: a VTI device, IPv4 */
	uint32_t ikey, okey;
	bool shared;			/* link: it stays */
};

#define FWH_IP_OBJECTS_MAX	1024

struct fwh_ip_plan {
	struct fwh_ip_object *list;	/* by kind, in the order of the enum */
	size_t n, cap;
};

/* ---- ip_plan.c ---- */

/* What the daemon said of a connection up to now. */
enum fwh_level {
	FWH_LEVEL_ROUTED = 1 << 0,	/* prepare or route, and no unroute yet */
	FWH_LEVEL_UP = 1 << 1,
	FWH_LEVEL_MOVING = 1 << 2	/* MOBIKE: it comes back elsewhere */
};

/* What the plan has to know of the kernel. */
struct fwh_ip_facts {
	bool wanted;			/* nothing else leads to the peer's side */
	bool source_local;		/* somebody else's address already */
	bool point_to_point;		/* the outer device */
	bool onlink;			/* the next hop lies behind another */
	bool no_device;			/* the XFRM interface is not there yet */
	char dev[FWH_IFNAME_MAX];	/* towards the next hop, "" unknown */
	char proxy_dev[FWH_IFNAME_MAX];	/* where the peer's host seems on-link */
};

/* The level after the event. */
unsigned int fwh_ip_level(const struct fwh_event *ev, unsigned int before);
/* Does an unroute of this event end what others had for the same addresses? */
bool fwh_ip_ends_others(const struct fwh_event *ev);
/* Does the event itself ask for a route, whatever the kernel has? */
bool fwh_ip_asks_route(const struct fwh_event *ev,
		       const struct fwh_settings *settings);
/* May the peer's side be a host that the LAN is to find on its own link? */
bool fwh_ip_may_proxy(const struct fwh_event *ev,
		      const struct fwh_settings *settings);
/* All that the connection should have on this level.  Pure.
 * Returns 0, -ENOMEM, -EINVAL (an address that nobody may have) or -E2BIG. */
int fwh_ip_plan_build(const struct fwh_event *ev,
		      const struct fwh_settings *settings,
		      const struct fwh_ip_facts *facts, unsigned int level,
		      struct fwh_ip_plan *ret, struct fwh_err *err);
void fwh_ip_plan_free(struct fwh_ip_plan *plan);

/* ---- ip_text.c ---- */

#define FWH_IP_TEXT_MAX	256
#define FWH_IP_NAME_MAX	96

/* What the object is, whoever wants it how: a file name. */
void fwh_ip_name(const struct fwh_ip_object *object, char ret[FWH_IP_NAME_MAX]);
/* The kind that a name begins with; FWH_IP_KIND_MAX for others'. */
enum fwh_ip_kind fwh_ip_kind(const char *name);
/* All of it in the words of ip(8), e.g. "route 192.0.2.0/24 dev w0 src
 * 192.0.1.1". */
void fwh_ip_format(const struct fwh_ip_object *object,
		   char ret[FWH_IP_TEXT_MAX]);
/* What fwh_ip_format() wrote.  Returns 0 or -EBADMSG. */
int fwh_ip_parse(const char *s, struct fwh_ip_object *ret);
bool fwh_ip_equal(const struct fwh_ip_object *a, const struct fwh_ip_object *b);
/* As commands, each line after the prefix.  Returns 0 or -EIO. */
int fwh_ip_print(const struct fwh_ip_plan *plan, const char *prefix, FILE *f);

/* ---- owners.c: what connections share ---- */

/*
 * A thing that several connections want - a route, an address, a resolver's
 * servers on a device - is there while one of them wants it, as the newest of
 * them wants it, and what was there before comes back after the last.  Whose it
 * is, a folder says:
 *
 *	RUN_DIR/netns-INODE/...
 *	shared/OBJECT/STEM-HASH	symbolic link to "WHEN VARIANT"; of one who was
 *				killed before it held, without .held
 *	shared/OBJECT/.held	... to the variant that holds now
 *	shared/OBJECT/.before	what was there before us
 *	owners/STEM-HASH	a connection's level and objects
 *
 * An object's name is a file name (no '/', no dot in front, at most
 * FWH_IP_NAME_MAX - 1 bytes) that begins with its kind: "route-", "dns-".  A
 * variant is text of at most FWH_VARIANT_MAX - 1 bytes; lines are welcome.  An
 * owner is a key's record name (fwh_record_name()).  Nothing here is in
 * proportion to connections that have no part in the object.
 *
 * All functions but the lock want it held: from the first look to the last
 * change, with what is done to the world between them.
 */
#define FWH_VARIANT_MAX	2048

/* Held until unlocked or the store is closed. */
int fwh_owners_lock(struct fwh_store *store, struct fwh_err *err);
void fwh_owners_unlock(struct fwh_store *store);

struct fwh_owner {
	char name[FWH_RECORD_NAME_MAX];
	char variant[FWH_VARIANT_MAX];
};

/* The names of an object's owners, malloc'ed.  Nobody has it: none. */
int fwh_object_owners(struct fwh_store *store, const char *object,
		      char (**ret)[FWH_RECORD_NAME_MAX], size_t *ret_n,
		      struct fwh_err *err);
/* The variant that shall hold, of the owners but those who go (goes may be NULL):
 * the one that holds while one of them wants it, or else the newest.  "": nobody is
 * left.  Looks no further than to the first who wants what holds. */
typedef bool fwh_owner_goes(const char *owner, const void *arg);
int fwh_object_next(struct fwh_store *store, const char *object,
		    const char *held, fwh_owner_goes *goes, const void *arg,
		    char ret[FWH_VARIANT_MAX], struct fwh_err *err);
/* One of them.  Returns 0, -ENOENT, or -EBADMSG. */
int fwh_object_owner(struct fwh_store *store, const char *object,
		     const char *owner, struct fwh_owner *ret);
/* Become an owner.  Who is one with this variant keeps his place; another
 * variant is the newest. */
int fwh_object_claim(struct fwh_store *store, const char *object,
		     const struct fwh_owner *owner, struct fwh_err *err);
/* No longer.  That he was none is no error. */
int fwh_object_release(struct fwh_store *store, const char *object,
		       const char *owner, struct fwh_err *err);
/* The variant that holds when all is done (NULL: nothing does, and the object's
 * folder goes). */
int fwh_object_set_held(struct fwh_store *store, const char *object,
			const char *variant, struct fwh_err *err);
/* Returns 0 or -ENOENT. */
int fwh_object_held(struct fwh_store *store, const char *object,
		    char ret[FWH_VARIANT_MAX]);

/* What was there before, as bytes; malloc'ed.  Nothing: data NULL; the very
 * same: data not NULL, n 0. */
struct fwh_before {
	void *data;
	size_t n;
};
int fwh_object_before(struct fwh_store *store, const char *object,
		      struct fwh_before *ret, struct fwh_err *err);
int fwh_object_set_before(struct fwh_store *store, const char *object,
			  const struct fwh_before *before, struct fwh_err *err);
/* Every object's name that begins so, malloc'ed. */
int fwh_objects_list(struct fwh_store *store, const char *prefix,
		     char (**ret)[FWH_IP_NAME_MAX], size_t *ret_n,
		     struct fwh_err *err);

/* What one connection has. */
struct fwh_owned {
	char owner[FWH_RECORD_NAME_MAX];
	char conn[FWH_CONN_MAX];
	unsigned int level;		/* enum fwh_level */
	struct fwh_daemon daemon;	/* whose word that is */
	char (*objects)[FWH_IP_NAME_MAX];
	size_t n, cap;
};

/* Nothing is known of it: level 0 and no objects.  Free with fwh_owned_free(). */
int fwh_owned_read(struct fwh_store *store, const char *owner,
		   struct fwh_owned *ret, struct fwh_err *err);
/* Without level and objects, it is forgotten. */
int fwh_owned_write(struct fwh_store *store, const struct fwh_owned *owned,
		    struct fwh_err *err);
int fwh_owned_add(struct fwh_owned *owned, const char *object);
void fwh_owned_free(struct fwh_owned *owned);
/* Every owner's name, malloc'ed. */
int fwh_owned_list(struct fwh_store *store,
		   char (**ret)[FWH_RECORD_NAME_MAX], size_t *ret_n,
		   struct fwh_err *err);

/* ---- rtnl*.c: the kernel ---- */

struct fwh_rtnl;

int fwh_rtnl_open(struct fwh_rtnl **ret, struct fwh_err *err);
void fwh_rtnl_close(struct fwh_rtnl *rtnl);

/* Where a packet would go. */
struct fwh_lookup {
	bool reachable;
	bool local;
	bool gateway;			/* behind another hop */
	char dev[FWH_IFNAME_MAX];
};

/* from may be NULL.  That nothing leads there is an answer. */
int fwh_rtnl_lookup(struct fwh_rtnl *rtnl, const struct fwh_addr *to,
		    const struct fwh_addr *from, struct fwh_lookup *ret,
		    struct fwh_err *err);

struct fwh_link_state {
	bool exists, point_to_point, ether;
	char kind[16];			/* "vti", "xfrm"; "" for plain ones */
};
int fwh_rtnl_link(struct fwh_rtnl *rtnl, const char *dev,
		  struct fwh_link_state *ret, struct fwh_err *err);

struct nlmsghdr;
/* Which object does the kernel tell of?  Of routes and rules, as far as their
 * names go.  Returns 0 or -ENOENT. */
int fwh_rtnl_object_of(const struct nlmsghdr *nlh, struct fwh_ip_object *ret);

/* One object: what it is to us now (NULL: nothing), and what it shall be. */
struct fwh_rtnl_change {
	const struct fwh_ip_object *old, *new;
	struct fwh_before before;	/* in and out */
	/* A new `before', to be kept before anything takes its place; NULL: not. */
	int (*keep)(const struct fwh_rtnl_change *change, void *arg,
		    struct fwh_err *err);
	void *arg;
	bool done;			/* the kernel had to change */
};

/* Make the kernel hold the new ones, all or none.  What exists is no error, nor
 * is what is missing and should go.  Somebody else's route of the same
 * destination, table and metric is kept in `before', and put back when ours
 * goes; what was there before exactly as we want it is never removed. */
int fwh_rtnl_apply(struct fwh_rtnl *rtnl, struct fwh_rtnl_change *changes,
		   size_t n, struct fwh_err *err);
/* Put back what fwh_rtnl_apply() has done. */
void fwh_rtnl_undo(struct fwh_rtnl *rtnl, struct fwh_rtnl_change *changes,
		   size_t n);

/* ---- ip_facts.c ---- */

/* Only what the plan will look at.  own and store are NULL in a dry run. */
int fwh_ip_find_facts(struct fwh_rtnl *rtnl, struct fwh_store *store,
		      const struct fwh_owned *own, const struct fwh_event *ev,
		      const struct fwh_settings *settings,
		      struct fwh_ip_facts *ret, struct fwh_err *err);

/* ---- ip.c ---- */

/* Make routes and addresses follow the event.  native: else only what is ours
 * already is let go of.  *ret_has_more: the connection may have things of other
 * kinds. */
int fwh_ip_follow(struct fwh_store *store, const struct fwh_event *ev,
		  const struct fwh_key *key,
		  const struct fwh_settings *settings,
		  const struct fwh_daemon *daemon, bool native,
		  bool *ret_has_more, struct fwh_err *err);
/* What the connection would have after the event.  plan is to be freed. */
int fwh_ip_preview(const struct fwh_event *ev,
		   const struct fwh_settings *settings,
		   struct fwh_ip_plan *ret, struct fwh_err *err);
/* Let go of what dead daemons left, but for connections that are armed: traffic
 * that has no way would look for another. */
int fwh_ip_sweep(struct fwh_store *store, struct fwh_err *err);
/* The same of all connections, whatever they are. */
int fwh_ip_flush(struct fwh_store *store, struct fwh_err *err);
/* The same, of connections whose settings want nothing of us as well; and what
 * was lost of the others comes back. */
int fwh_ip_reconcile(const struct fwh_config *config, struct fwh_store *store,
		     struct fwh_complaints *complaints, struct fwh_err *err);
/* Do the settings leave the connection's to us?  config NULL: yes. */
bool fwh_ip_wants_us(const struct fwh_config *config,
		     const struct fwh_owned *own);
/* What was lost of these objects (NULL: of all) comes back.  Sorts the names. */
int fwh_ip_renew(struct fwh_store *store, char (*names)[FWH_IP_NAME_MAX],
		 size_t n, struct fwh_complaints *complaints,
		 struct fwh_err *err);

#endif
