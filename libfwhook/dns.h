/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dns.h - the peer's name servers and domains, for the resolver of this machine.
 *
 *	event -> servers and domains		dns_peer.c	pure
 *	those, a resolver -> objects		dns_text.c	pure
 *	resolv.conf's text, with and without us	dns_blocks.c	pure
 *	which resolver there is			dns_find.c
 *	objects -> resolv.conf			dns_file.c
 *	objects -> resolvconf, unbound		dns_programs.c
 *	objects -> systemd-resolved		dns_resolved.c, bus.c
 *	all of them				dns.c
 *
 * What a connection wants of a resolver is an object as its routes are, see owners
 * in ip.h: its name is "dns-RESOLVER-WHERE", its variant a state.
 */
#ifndef FWHOOK_DNS_H
#define FWHOOK_DNS_H

#include "ip.h"

/* ---- dns_peer.c ---- */

#define FWH_DNS_SERVERS_MAX	16
#define FWH_DNS_DOMAINS_MAX	32
#define FWH_DOMAIN_MAX		254	/* with its NUL: RFC 1123 */

struct fwh_dns {
	struct fwh_addr servers[FWH_DNS_SERVERS_MAX];
	size_t n_servers;
	char domains[FWH_DNS_DOMAINS_MAX][FWH_DOMAIN_MAX];
	size_t n_domains;
};

/* What the peer says, each once and in its order.  What no server's address and no
 * host name can be is left out and complained of; a list that is too long is left
 * out as a whole.  Pure. */
void fwh_dns_parse(const struct fwh_event *ev, struct fwh_dns *ret,
		   struct fwh_complaints *refused);

/* ---- dns_text.c ---- */

/*
 * A state: lines "server ADDRESS" and "domain NAME", in this order; "" for nothing.
 * "domain ~NAME" is asked of these servers and never appended to what people type;
 * "domain ~." is every name.  Resolvers' own states have more behind an address,
 * and lines "option WORD".
 */
struct fwh_dns_line {
	char key[8];
	char value[320];
};

/* The next line of a state.  Returns false after the last. */
bool fwh_dns_next(const char **at, struct fwh_dns_line *ret);
bool fwh_dns_has(const char *state, const char *key);
/* Put the lines in the order of their text: "domain" first then. */
void fwh_dns_sort(char state[FWH_VARIANT_MAX]);
/* One more line.  Returns 0 or -E2BIG. */
int fwh_dns_add(char state[FWH_VARIANT_MAX], const char *key, const char *value);

struct fwh_dns_object {
	char name[FWH_IP_NAME_MAX];
	char state[FWH_VARIANT_MAX];
};

struct fwh_dns_plan {
	struct fwh_dns_object list[FWH_DNS_DOMAINS_MAX];
	size_t n;
};

/* The objects of a connection that is up.  owner: its record's name.
 * Returns 0, -E2BIG, or -ENODEV: the resolver wants a device and there is none. */
int fwh_dns_plan_build(enum fwh_dns_resolver resolver, const struct fwh_event *ev,
		       const char *owner, const struct fwh_dns *dns,
		       struct fwh_dns_plan *ret, struct fwh_err *err);
/* The resolver that a name begins with; FWH_DNS_OFF for others' objects. */
enum fwh_dns_resolver fwh_dns_resolver_of(const char *name);
/* What is behind that: the device, or the record's name. */
const char *fwh_dns_where(const char *name);
/* As commands, each line after the prefix.  Returns 0 or -EIO. */
int fwh_dns_print(const struct fwh_dns_plan *plan, const char *prefix, FILE *f);
/* resolvconf's record, as resolv.conf(5); malloc'ed, NULL without memory. */
char *fwh_dns_record(const char *state);

/* ---- dns_blocks.c ---- */

/* The text with these servers ahead of its own and these domains to be searched
 * ahead of its own, in place of what was ours in it.  What was there before is that
 * of an empty state, to the byte.  malloc'ed.  Pure.  Returns 0 or -ENOMEM. */
int fwh_dns_blocks_put(const char *text, size_t n, const char *state, char **ret,
		       size_t *ret_n);

/* ---- dns_find.c ---- */

#define FWH_RESOLV_CONF	"/etc/resolv.conf"

/* The resolver of this machine, never FWH_DNS_AUTO. */
enum fwh_dns_resolver fwh_dns_find(bool has_domains);

/* ---- the hands ---- */

struct fwh_dns_hand {
	/* What the resolver has in the object's place.  NULL: only we have
	 * anything to do there. */
	int (*look)(const struct fwh_dns_object *object,
		    char ret[FWH_VARIANT_MAX], struct fwh_err *err);
	/* Make it have this.  again: what was there before us.  That nothing is
	 * there any more to be taken away is no error. */
	int (*write)(const struct fwh_dns_object *object, bool again,
		     struct fwh_err *err);
};

extern const struct fwh_dns_hand fwh_dns_file;
extern const struct fwh_dns_hand fwh_dns_resolvconf;
extern const struct fwh_dns_hand fwh_dns_unbound;
extern const struct fwh_dns_hand fwh_dns_resolved;

/* dns_programs.c: is there resolvconf, and not systemd's of that name?  Does an
 * unbound run that takes commands? */
bool fwh_has_resolvconf(void);
bool fwh_has_unbound(void);
#define FWH_PROGRAM_OUTPUT_MAX	65536
/* Run one of them, with a bounded wait.  input: at most what a pipe takes at once;
 * ret: what it says.  Returns its exit status, or a negative errno. */
int fwh_program_run(const char *const argv[], const char *input,
		    char ret[FWH_PROGRAM_OUTPUT_MAX]);
/* Is it one of them, with words that could be ours? */
bool fwh_program_may(const char *const argv[], const char *input);

/* ---- bus.c: the system's message bus ---- */

struct fwh_bus;
/* A message's body: appended to, or read from its beginning on.  Whoever reads
 * beyond its end gets zeros, and `bad'. */
struct fwh_bus_body {
	uint8_t *data;			/* malloc'ed */
	size_t n, cap, at;
	bool bad;
};

int fwh_bus_open(struct fwh_bus **ret, struct fwh_err *err);
void fwh_bus_close(struct fwh_bus *bus);
/* service: its well-known name, which with '/' for '.' is its path too unless path
 * is given.  The arguments are those of the signature; NULL for none.  What is
 * answered is to be freed.  Nothing is started for it.
 * Returns 0, -EBUSY (org.freedesktop.resolve1.LinkBusy), or another errno. */
int fwh_bus_call(struct fwh_bus *bus, const char *service, const char *path,
		 const char *interface, const char *member,
		 const char *signature, const struct fwh_bus_body *args,
		 struct fwh_bus_body *ret, struct fwh_err *err);
void fwh_bus_put_u8(struct fwh_bus_body *body, uint8_t value);
void fwh_bus_put_u16(struct fwh_bus_body *body, uint16_t value);
void fwh_bus_put_u32(struct fwh_bus_body *body, uint32_t value);
void fwh_bus_put_bytes(struct fwh_bus_body *body, const void *data, size_t n);
void fwh_bus_put_string(struct fwh_bus_body *body, const char *s);
/* The place of an array's length, for fwh_bus_end_array().  align: its elements'. */
size_t fwh_bus_begin_array(struct fwh_bus_body *body, size_t align);
void fwh_bus_end_array(struct fwh_bus_body *body, size_t place, size_t align);
void fwh_bus_align(struct fwh_bus_body *body, size_t to);
uint8_t fwh_bus_get_u8(struct fwh_bus_body *body);
uint16_t fwh_bus_get_u16(struct fwh_bus_body *body);
uint32_t fwh_bus_get_u32(struct fwh_bus_body *body);
/* n bytes, or NULL. */
const void *fwh_bus_get_bytes(struct fwh_bus_body *body, size_t n);
/* Never NULL. */
const char *fwh_bus_get_string(struct fwh_bus_body *body);
/* Where the array ends.  align: its elements'. */
size_t fwh_bus_get_array(struct fwh_bus_body *body, size_t align);
/* Go past a variant's signature, which has to be this one. */
void fwh_bus_get_variant(struct fwh_bus_body *body, const char *signature);

/* ---- dns.c ---- */

/* Make the resolver follow the event; after fwh_ip_follow(), which knows whether the
 * connection may have something.  What goes wrong is complained of and fails
 * nothing: a tunnel without names is one. */
void fwh_dns_follow(struct fwh_store *store, const struct fwh_event *ev,
		    const struct fwh_key *key,
		    const struct fwh_settings *settings, bool native,
		    bool may_have, struct fwh_complaints *complaints);
/* Can that have something to do?  The store need not be locked; NULL: there is none. */
bool fwh_dns_concerns(struct fwh_store *store, const struct fwh_event *ev,
		      const struct fwh_key *key,
		      const struct fwh_settings *settings, bool native);
/* What the connection would have. */
void fwh_dns_preview(const struct fwh_event *ev, const struct fwh_key *key,
		     const struct fwh_settings *settings,
		     struct fwh_dns_plan *ret,
		     struct fwh_complaints *complaints);
/* Let go of what dead daemons left: with their servers no name is found any more,
 * not even the peer's. */
void fwh_dns_sweep(struct fwh_store *store, struct fwh_complaints *complaints);
/* The same of all connections, whatever they are. */
void fwh_dns_flush(struct fwh_store *store, struct fwh_complaints *complaints);
/* The same of connections whose settings want nothing of us as well; and what was
 * lost of the others comes back. */
void fwh_dns_reconcile(const struct fwh_config *config, struct fwh_store *store,
		       struct fwh_complaints *complaints);

#endif
