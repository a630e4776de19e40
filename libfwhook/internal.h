/* SPDX-License-Identifier: GPL-2.0-or-later */
/* internal.h - what the rooms of libfwhook share and nobody else sees. */
#ifndef FWHOOK_INTERNAL_H
#define FWHOOK_INTERNAL_H

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "fwhook.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Fill in err (if there is one) and return code, which is negative.  The
 * detector speaks; nobody above repeats.  The line is made printable. */
int fwh_fail(struct fwh_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Likewise, where the way back from what failed, which err says, did so as well.  Returns
 * -ENOTRECOVERABLE. */
int fwh_fail_back(struct fwh_err *err, const struct fwh_err *second);

/* Copy s into buf with everything but printable ASCII escaped as \xNN, and
 * "..." where it had to be cut.  Returns buf. */
const char *fwh_printable(const char *s, char *buf, size_t size);

/* Decimal, or hexadecimal after 0x where hex is allowed: first character a
 * digit, the whole string used, at most max.  Returns 0 or -EINVAL. */
int fwh_number_parse(const char *s, bool hex, uint64_t max, uint64_t *ret);

/* "value/mask" or "value" (mask all ones), decimal or 0x; value within mask
 * is not demanded here.  Returns 0 or -EINVAL. */
int fwh_mark_parse(const char *s, struct fwh_mark *ret);

/* The values that a mask of neighbouring bits leaves, but for 0, which is what
 * unmarked packets have: how many, and the nth (counted round). */
uint32_t fwh_mark_values(uint32_t mask);
uint32_t fwh_mark_nth(uint32_t mask, uint64_t n);

/* An interface name as the kernel takes it, without alias (":1").
 * Returns 0 or -EINVAL; ret holds FWH_IFNAME_MAX. */
int fwh_ifname_parse(const char *s, char *ret);

static inline unsigned int fwh_family_bits(enum fwh_family family)
{
	return family == FWH_IPV4 ? 32 : 128;
}

static inline size_t fwh_family_bytes(enum fwh_family family)
{
	return family == FWH_IPV4 ? 4 : 16;
}

static inline bool fwh_ports_any(const struct fwh_ports *p)
{
	return p->lo == 0 && (p->hi == 0 || p->hi == 65535);
}

/* Does the protocol have ports in the place where TCP has them? */
bool fwh_proto_has_ports(uint8_t proto);
bool fwh_proto_is_icmp(uint8_t proto);

/* What goes wrong by the way: told to who wants to hear (complain may be NULL),
 * and counted. */
struct fwh_complaints {
	void (*complain)(const struct fwh_err *err, void *arg);
	void *arg;
	size_t n;
};

/* arg: the struct fwh_complaints. */
void fwh_complain(const struct fwh_err *err, void *arg);
/* To hear with: the last one stays.  arg: the struct fwh_err for it. */
void fwh_keep_complaint(const struct fwh_err *err, void *arg);

/* list: the address of a pointer to n things of this size, with room for cap.  Room
 * for one more, or false. */
bool fwh_grow(void *list, size_t n, size_t *cap, size_t size);

/* Text that is printed into memory.  glibc's open_memstream() does not say when it
 * had none for a part of it. */
struct fwh_print {
	char *s;
	size_t len, cap;
	bool failed;
};

/* NULL: out of memory. */
FILE *fwh_print_begin(struct fwh_print *print);
/* Closes f.  What was printed, of print->len bytes and a null, the caller's to free;
 * or NULL: out of memory. */
char *fwh_print_end(struct fwh_print *print, FILE *f);

/* FNV-1a, from FWH_HASH_START on. */
#define FWH_HASH_START	0xcbf29ce484222325u
void fwh_hash_bytes(uint64_t *h, const void *data, size_t n);

static inline void fwh_close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
#define fwh_autofd __attribute__((cleanup(fwh_close_fd))) int

static inline void fwh_free_ptr(void *p)
{
	free(*(void **)p);
}
#define fwh_autofree __attribute__((cleanup(fwh_free_ptr)))

#define fwh_steal(p) \
	({ __typeof__(p) stolen_ = (p); (p) = NULL; stolen_; })

/* event_key.c: what a hash is written with, and the lock of a key of which only the hash is known */
extern const char fwh_hash_digits[33];
uint64_t fwh_hash_lock(const char *hash);

/* plan_daemon.c: is our own address translated to a leased one, the only address
 * of the local selector (Libreswan's cat=)?  ret (may be NULL): the traffic before
 * that.  Pure. */
bool fwh_event_cat(const struct fwh_event *ev, struct fwh_selector *ret);

/* raw.c: those of the settings that the backend takes, and the end of one of a
 * plan's */
const struct fwh_raws *fwh_raws_of(const struct fwh_settings *settings,
				   const struct fwh_globals *globals);
void fwh_raw_rule_free(struct fwh_raw_rule *raw);

/* names.c: what the kernel's tables call things */
extern const char *const fwh_table_name[FWH_TABLE_MAX];
extern const char *const fwh_hook_name[FWH_HOOK_MAX];
#define FWH_CHAIN_MAX	32		/* xt_chainlabel is 32 real bytes */
/* The dispatch chain of a hook, e.g. "ipsec-fw-fwd". */
void fwh_dispatch_chain(enum fwh_hook hook, char ret[FWH_CHAIN_MAX]);
/* A connection's chain, e.g. "fw-office-k3f9a0qz-in", at most 28 characters. */
void fwh_part_chain(const struct fwh_key *key, enum fwh_part part,
		    char ret[FWH_CHAIN_MAX]);
/* The chain of a set of the legacy tables (sets.h), e.g. "ipsec-fw4-k3f9a0qz". */
bool fwh_is_set_chain(const char *chain);
/* Of a connection: fw-STEM-HASH-PART. */
bool fwh_is_part_chain(const char *chain);
/* Can only be one of these: whoever else takes such a name means to. */
bool fwh_is_our_chain(const char *chain);
/* The one that a rule is in. */
void fwh_rule_chain(const struct fwh_key *key, const struct fwh_rule *rule,
		    char ret[FWH_CHAIN_MAX]);
#define FWH_COMMENT_MAX	256		/* xt_comment_info's, with its NUL */
/* The comment on a connection's rules: its name with quotes, backslashes and
 * what is not printable ASCII replaced by '_'.  A longer one ends in "...": what
 * tells rules apart is the hash in their chains' names. */
void fwh_rule_comment(const struct fwh_key *key, char ret[FWH_COMMENT_MAX]);

/* plan_text.c: "-A CHAIN ...", without the end of the line */
void fwh_rule_print(const struct fwh_key *key, const struct fwh_rule *rule,
		    FILE *f);
/* Parts of that: " -s ...", " -j ..."; the key is for a jump. */
void fwh_rule_print_matches(const struct fwh_rule *rule, FILE *f);
void fwh_rule_print_target(const struct fwh_key *key,
			   const struct fwh_rule *rule, FILE *f);
/* On the legacy rule that lets be what leaves through a device which encrypts. */
#define FWH_DEVICE_COMMENT	"encrypted in there"

/* lock.c */
/* Of the monotonic clock. */
long long fwh_now_ms(void);
/* Take an exclusive lock, polling for at most wait_ms.  fcntl() range locks on
 * some bytes of fd, or flock() on a whole file.  gate: a byte (0: none); as long as
 * it is somebody else's, the other is not to be had.  Return 0, -ETIMEDOUT or what the
 * kernel said. */
int fwh_lock_byte(int fd, uint64_t byte, uint64_t gate, unsigned int wait_ms);
/* Likewise, for a byte that many want: who has waited longest is the next.  queue: the
 * first of 2^52 bytes that are for that alone. */
int fwh_lock_in_turn(int fd, uint64_t byte, uint64_t queue, unsigned int wait_ms);
int fwh_lock_file(int fd, unsigned int wait_ms);
/* All bytes.  Where many come and go, they are never all free by themselves: after
 * half of the time the gate is closed, and nobody comes any more. */
int fwh_lock_all(int fd, uint64_t gate, unsigned int wait_ms);
/* len 0: to the end */
void fwh_unlock_range(int fd, uint64_t start, uint64_t len);
/* Whether somebody else has it; what cannot be told is held. */
bool fwh_lock_is_held(int fd, uint64_t byte);

/* daemon.c */
/* The IKE daemon among our ancestors; pid 0 if none is. */
void fwh_daemon_find(struct fwh_daemon *ret);
bool fwh_daemon_alive(const struct fwh_daemon *daemon);
/* Does process 1 take notice of children that are not its own?  In a container, where
 * that may be a daemon or just anything, they would stay as zombies. */
bool fwh_daemon_orphans_end(void);

/* xfrm.c: the kernel knows neither SA nor policy of the event */
bool fwh_xfrm_has_lost(struct fwh_xfrm *xfrm, const struct fwh_event *ev);
/* What is seen of the kernel's policies is kept in that folder, so that the next look
 * reads only what is newer. */
void fwh_xfrm_set_memory(struct fwh_xfrm *xfrm, int dir);
/* The next one reads all. */
void fwh_policies_forget(int dir);

/* link.c */
/* Fill in the event's devices as far as the daemon has not named them: the XFRM
 * interface of its if_id, the VTI device of its mark.  That there is none is no
 * error.  Returns 0, -ENOMEM or -EIO. */
int fwh_link_find(struct fwh_event *ev, struct fwh_err *err);

/* config.c */
/* Load what the options say, or the built-in places.  What is wrong with the
 * files goes to ret_bad (its code 0 if nothing is), and the built-in settings
 * come instead.  backend = auto is settled.  Returns 0 or -ENOMEM. */
int fwh_config_open(const struct fwh_call_options *options,
		    struct fwh_config **ret, struct fwh_err *ret_bad,
		    struct fwh_err *err);
/* The backend, whatever the settings say; why: in a few words, to last as long. */
void fwh_config_set_backend(struct fwh_config *config,
			    const struct fwh_backend *backend,
			    const char *why);
/* Why it is the one that fwh_config_open() settled on. */
const char *fwh_config_backend_why(const struct fwh_config *config);
/* Is it one of the legacy tables' forms? */
bool fwh_config_holds_legacy(const struct fwh_config *config);
/* Are there rules in a person's own words, of whichever connection? */
bool fwh_config_has_words(const struct fwh_config *config);
/* The names of [conn NAME] sections that are no patterns, by number; NULL
 * after the last. */
const char *fwh_config_conn(const struct fwh_config *config, size_t n);

/* conntrack.c */
/* Delete the conntrack entries whose original direction matches one of these n
 * selectors and that carry a source translation: they would go on translating
 * what the nat exemption lets through now.  Returns how many, or a negative
 * errno.  Where there is any entry the kernel looks into each of its buckets, of
 * which it has 262,144 on most machines: 10 ms. */
int fwh_conntrack_flush_snat(const struct fwh_selector *const *sels, size_t n,
			     struct fwh_err *err);
/* Likewise, of one selector, those that leave with any other source than this. */
int fwh_conntrack_flush_other(const struct fwh_selector *sel,
			      const struct fwh_range *source,
			      struct fwh_err *err);
/* Likewise those that leave with this source, and those whose answers do. */
int fwh_conntrack_flush_this(const struct fwh_selector *sel,
			     const struct fwh_range *source,
			     struct fwh_err *err);

/* translations.c */
struct fwh_target;
/* Before records are staged: what will they say, and what do connections owe?  Returns
 * the round, which is for fwh_translations_settle(). */
uint64_t fwh_translations_expect(struct fwh_store *store,
				 struct fwh_target *targets,
				 const struct fwh_plan *plans, size_t n,
				 bool all);
/* Before the kernel changes: what if this call is killed, or the last one was? */
int fwh_translations_begin(struct fwh_store *store, struct fwh_target *targets,
			   size_t n, struct fwh_err *err);
/* The kernel holds it: end flows, or have the targets say why not. */
void fwh_translations_end(struct fwh_store *store, struct fwh_target *targets,
			  size_t n, bool all);
/* And the records say so, or that failed. */
void fwh_translations_settle(struct fwh_store *store,
			     const struct fwh_target *targets, size_t n,
			     bool all, uint64_t round, int failed);
/* Of those that still may be translated, once. */
void fwh_translations_complain(const struct fwh_target *targets, size_t n,
			       struct fwh_complaints *complaints);

/* plan.c */
/* Is its outgoing traffic kept from source NAT, as far as a policy takes it? */
bool fwh_plan_exempts(const struct fwh_plan *plan);
/* And does nothing leave that no policy takes, in clear? */
bool fwh_plan_closes(const struct fwh_plan *plan);

/* record.c */
#define FWH_RECORD_NAME_MAX	32
#define FWH_RECORD_MAX	8192		/* a record is about 1,500 bytes */
#define FWH_LINES_MAX	96
/* A file as a list of lines, which is what an environment is. */
struct fwh_lines {
	char text[FWH_RECORD_MAX];
	char *line[FWH_LINES_MAX + 1];
	size_t n;
};
/* Returns 0, what open() said, or -EBADMSG for what is no text or too much. */
int fwh_lines_read(int dir, const char *name, struct fwh_lines *ret);
/* Split into exactly n decimal or 0x numbers.  Returns 0 or -EBADMSG. */
int fwh_numbers_parse(const char *s, uint64_t *ret, size_t n);
/* Remove every file of a folder.  Returns 0 or a negative errno. */
int fwh_records_remove(int dir);
/* The file name of a key's record. */
void fwh_record_name(const struct fwh_key *key, char ret[FWH_RECORD_NAME_MAX]);
/* What is in a folder, from its beginning, wherever others are in it; ends with
 * closedir().  NULL and errno on errors. */
DIR *fwh_open_stream(int at, const char *path);
/* Make a new file under a name for what is staged: what a killed call has left there
 * goes.  Returns a descriptor or a negative errno. */
int fwh_create(int dir, const char *name);
/* Likewise, of the record, on the disk when this returns. */
int fwh_record_create(int dir, const char *name,
		      const struct fwh_record *record);
/* Returns 0, what open() or read() said, -EBADMSG for a damaged record, or -EPROTO for
 * one that a later version of this project wrote. */
int fwh_record_read(int dir, const char *name, struct fwh_record *ret);
/* That in words. */
const char *fwh_record_trouble(int code);
/* Every readable record of a folder, malloc'ed; of others is complained (may be
 * NULL). */
int fwh_records_list(int dir, const char *path,
		     void (*complain)(const struct fwh_err *err, void *arg),
		     void *arg, struct fwh_record **ret, size_t *ret_n,
		     struct fwh_err *err);

/* Write the record as fwh_record_read() reads it.  Returns 0 or -EIO. */
int fwh_record_write(const struct fwh_record *record, FILE *f);

/* saved.c */
/* Save the record's guard if it is armed, else see that none is saved. */
int fwh_saved_set(const char *state_dir, const struct fwh_key *key,
		  const struct fwh_record *record, struct fwh_err *err);
int fwh_saved_list(const char *state_dir,
		   void (*complain)(const struct fwh_err *err, void *arg),
		   void *arg, struct fwh_record **ret, size_t *ret_n,
		   struct fwh_err *err);

/* Remove them all, readable or not. */
int fwh_saved_flush(const char *state_dir, struct fwh_err *err);

/* store.c */
/* Can nobody but us and root write in this folder?  path is for messages.  Returns 0,
 * -EPERM, or what stat() said. */
int fwh_store_check_folder(int dir, const char *name, const char *path,
			   struct fwh_err *err);
struct fwh_store;			/* the run directory of this network namespace */
int fwh_store_open(const char *run_dir, unsigned int wait_ms,
		   struct fwh_store **ret, struct fwh_err *err);
void fwh_store_close(struct fwh_store *store);
/* Hold the record of one key, or of all (key NULL), until the store is closed
 * or locked again. */
int fwh_store_lock(struct fwh_store *store, const struct fwh_key *key,
		   struct fwh_err *err);
/* Let go of that, and of what is staged. */
void fwh_store_unlock(struct fwh_store *store);
/* Hold the tables against other calls, from the look at them to the commit. */
int fwh_store_lock_tables(struct fwh_store *store, struct fwh_err *err);
void fwh_store_unlock_tables(struct fwh_store *store);
/* Returns 0, -ENOENT, -EADDRINUSE for another connection's record in its place, or as
 * fwh_record_read() does, which is worth a warning only. */
int fwh_store_read(struct fwh_store *store, const struct fwh_key *key,
		   struct fwh_record *ret, struct fwh_err *err);
/* Write the new record beside the old one (NULL: prove that the old one can be
 * removed), so that what can fail has failed before the kernel changes. */
int fwh_store_stage(struct fwh_store *store, const struct fwh_key *key,
		    const struct fwh_record *record, struct fwh_err *err);
/* Was a call killed that had staged the same record?  Then the round has ended. */
bool fwh_store_was_killed(const struct fwh_store *store);
/* Put the staged record in force, or drop it. */
int fwh_store_commit(struct fwh_store *store, struct fwh_err *err);
void fwh_store_abort(struct fwh_store *store);
/* The folder, as a descriptor that stays the store's, and for messages. */
int fwh_store_dir(const struct fwh_store *store);
const char *fwh_store_path(const struct fwh_store *store);
/* Are there records of more connections than that?  Looks at no more. */
bool fwh_store_has_more(struct fwh_store *store, size_t n);
/* Is there a record of this file name, readable or not? */
bool fwh_store_has_record(struct fwh_store *store, const char *name);
/* When the key's record was written, seconds after 1970; 0: there is none. */
uint64_t fwh_store_event_time(struct fwh_store *store,
			      const struct fwh_key *key);
/* Every readable record, malloc'ed; of damaged ones is complained. */
int fwh_store_list(struct fwh_store *store,
		   void (*complain)(const struct fwh_err *err, void *arg),
		   void *arg, struct fwh_record **ret, size_t *ret_n,
		   struct fwh_err *err);
/* In which round are we?  A record says in which one the flows of its connection have
 * ended that were translated before; when the round ends, all owe that again.  Begins
 * one if there is none; 0: that was not possible. */
uint64_t fwh_store_round(struct fwh_store *store);
int fwh_store_end_round(struct fwh_store *store);
/* Nobody was in another since, as long as the store is locked for all. */
void fwh_store_resume_round(struct fwh_store *store, uint64_t round);
/* Was a call killed, with its record staged?  The kernel can hold more than records
 * say then. */
bool fwh_store_has_staged(struct fwh_store *store);
/* What killed calls left goes: staged records, and marks whose owners are none of
 * these n hashes, which are put in order.  The store is locked for all. */
void fwh_store_tidy(struct fwh_store *store, const char **owners, size_t n);
/* Remove all records and marks, readable or not. */
int fwh_store_flush(struct fwh_store *store, struct fwh_err *err);
/* A mark value within mask that no other key has; the one of the key's record
 * again if it has one.  Returns 0 or -ENOSPC. */
int fwh_store_take_mark(struct fwh_store *store, const struct fwh_key *key,
			uint32_t mask, uint32_t *ret, struct fwh_err *err);
void fwh_store_drop_mark(struct fwh_store *store, const struct fwh_key *key,
			 const struct fwh_mark *mark);
/* Has this daemon called here before?  A call without a daemon (pid 0) tells
 * nothing of any other's death and counts as known. */
int fwh_store_knows_daemon(struct fwh_store *store,
			   const struct fwh_daemon *daemon);
/* Put it on the list, from which the dead ones go. */
int fwh_store_add_daemon(struct fwh_store *store,
			 const struct fwh_daemon *daemon, struct fwh_err *err);


/* backend.c */
const struct fwh_backend *fwh_backend_find(const char *name);
/* The names of all of them; NULL after the last. */
const char *fwh_backend_nth(size_t n);
/* Has this kernel all that the legacy tables' form with sets needs? */
bool fwh_backend_has_sets(void);
/* "auto", or the name of one that is built in and no form of another. */
bool fwh_backend_is_known(const char *name);

/* The backend that holds all connections' rules; NULL if it is not known. */
const struct fwh_backend *fwh_store_backend(struct fwh_store *store);
int fwh_store_set_backend(struct fwh_store *store, const char *name,
			  struct fwh_err *err);

/* connections.c */
/* What a connection shall be. */
struct fwh_target {
	struct fwh_key key;
	bool had_before;
	struct fwh_record before, after;
	struct fwh_settings settings;	/* that the plan is made with */
	bool no_kernel;			/* which we have no right to ask */
	struct fwh_xfrm *xfrm;		/* that its SA was found with, or NULL */
	bool misworded;			/* some of its rules are not taken */
	bool lost;			/* what it was before cannot be read */
	struct fwh_err warning;		/* of the commit; code 0: none */
	/* Of flows that were translated before: */
	bool exempt;			/* it is to end them */
	bool owes;			/* whatever stood */
	enum fwh_stood stood;		/* what the kernel had of the target */
	struct fwh_err translated;	/* why they still may be; code 0: they are not */
};
/* Plan, looking for passthrough policies in the kernel: once for all plans that are
 * made with *xfrm, which is NULL before the first and to be closed after the last.
 * store (may be NULL) keeps what was seen of them. */
int fwh_target_plan(const struct fwh_target *target,
		    const struct fwh_globals *globals, struct fwh_store *store,
		    struct fwh_xfrm **xfrm, struct fwh_plan *ret,
		    struct fwh_err *err);
/* Make kernel and records hold all targets, or none.  The store is locked.  all:
 * there are no others.
 * What another backend held of them is taken away after, and flows end that were
 * translated before or that CAT translated and no longer would; what comes of that
 * is the targets' warning. */
int fwh_targets_commit(const struct fwh_globals *globals,
		       struct fwh_store *store, struct fwh_target *targets,
		       size_t n, bool all, struct fwh_err *err);
/* Up by its record, but its daemon lives no more, and the kernel knows neither SA
 * nor policy. */
bool fwh_record_is_dead(const struct fwh_record *record, struct fwh_xfrm *xfrm);
/* Make every connection anew as its record says, over to the backend of the
 * settings if it was of another.  The store is locked for all.  all: there are no
 * others, such as those of records that cannot be read. */
int fwh_connections_renew(const struct fwh_config *config,
			  struct fwh_store *store,
			  const struct fwh_record *records, size_t n, bool all,
			  struct fwh_complaints *complaints,
			  struct fwh_err *err);
/* End the flows that CAT translates by the record before and not by the one
 * after: with the leased address they would go on in clear.  Returns 0 or a
 * negative errno. */
int fwh_record_end_cat(const struct fwh_record *before,
		       const struct fwh_record *after, struct fwh_err *err);
/* Where the legacy tables hold the rules, and it is not said in which form: that
 * with sets where there are more than scale-above connections, until there are
 * less than half as many, and where this kernel has sets. */
void fwh_connections_choose_form(struct fwh_config *config,
				 struct fwh_store *store);
/* The backend that has its rules. */
const char *fwh_record_backend(const struct fwh_record *record);
/* The record of the same connection with nothing but its guard. */
struct fwh_record fwh_record_armed(const struct fwh_record *record);

#endif
