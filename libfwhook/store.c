// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * store.c - the run directory: a record of each connection, who has which mark,
 * the daemons that called, and locks.  The kernel's tables are the truth; a
 * lost record costs a warning.
 *
 *	RUN_DIR/netns-INODE/lock		byte = hash of a key
 *	RUN_DIR/netns-INODE/daemons		one "PID START" line each
 *	RUN_DIR/netns-INODE/backend		symbolic link to the backend's name
 *	RUN_DIR/netns-INODE/conns/STEM-HASH
 *	RUN_DIR/netns-INODE/marks/0xVALUE	symbolic link to the owner's hash
 *	RUN_DIR/netns-INODE/round		symbolic link to a number
 *	RUN_DIR/netns-INODE/shared, owners	see ip.h
 *
 * Netfilter's tables are a network namespace's own, so are the records.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "ip.h"

/* The lock file's bytes: a key's is 1 + its hash. */
#define LOCK_TABLES	((uint64_t)1 << 41)	/* behind all keys' */
#define LOCK_OWNERS	(LOCK_TABLES + 1)
#define LOCK_GATE	(LOCK_TABLES + 2)	/* who wants all closes it */
#define QUEUE_TABLES	((uint64_t)1 << 53)	/* of those who wait for them */
#define QUEUE_OWNERS	((uint64_t)1 << 54)

#define SMALL_TRIES	4

struct fwh_store {
	char path[FWH_PATH_MAX];	/* for messages */
	int dir, conns, marks, lock;
	unsigned int wait_ms;
	char staged[48], name[FWH_RECORD_NAME_MAX]; /* temporary and final name, "" for none */
	bool remove;
	bool was_killed;		/* another call for what is staged */
	bool backend_known;		/* since the last lock: */
	const struct fwh_backend *backend;
};

/* ---- opening ------------------------------------------------------------- */

static int open_dir(int at, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;
	int fd = openat(at, name, flags), made;

	if (fd >= 0 || errno != ENOENT)
		return fd < 0 ? -errno : fd;
	made = mkdirat(at, name, 0700) ? -errno : 0;
	fd = openat(at, name, flags);
	if (fd >= 0)
		return fd;
	/* Why it is not there is told by the attempt to make it. */
	return errno == ENOENT && made ? made : -errno;
}

/* What is written here decides what is let through: nobody else may. */
int fwh_store_check_folder(int dir, const char *name, const char *path,
			   struct fwh_err *err)
{
	struct stat st;

	if (fstatat(dir, name, &st, 0))
		return fwh_fail(err, -errno, "%s: %s", path, strerror(errno));
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || st.st_mode & 022)
		return fwh_fail(err, -EPERM, "%s: others can write there; "
				"chown root %s; chmod 700 %s", path, path, path);
	return 0;
}

static int name_netns(char *ret, size_t size)
{
	struct stat st;

	if (stat("/proc/self/ns/net", &st))
		return -errno;
	snprintf(ret, size, "netns-%llu", (unsigned long long)st.st_ino);
	return 0;
}

static int open_dirs(struct fwh_store *store, const char *run_dir)
{
	fwh_autofd base = -1;
	char name[40];
	int code;

	base = open_dir(AT_FDCWD, run_dir);
	if (base < 0)
		return base;
	code = name_netns(name, sizeof(name));
	if (code)
		return code;
	snprintf(store->path, sizeof(store->path), "%.200s/%s", run_dir, name);
	store->dir = open_dir(base, name);
	if (store->dir < 0)
		return store->dir;
	store->conns = open_dir(store->dir, "conns");
	if (store->conns < 0)
		return store->conns;
	store->marks = open_dir(store->dir, "marks");
	if (store->marks < 0)
		return store->marks;
	store->lock = openat(store->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC |
			     O_NOFOLLOW, 0600);
	return store->lock < 0 ? -errno : 0;
}

int fwh_store_open(const char *run_dir, unsigned int wait_ms,
		   struct fwh_store **ret, struct fwh_err *err)
{
	struct fwh_store *store = calloc(1, sizeof(*store));
	int code;

	if (!store)
		return fwh_fail(err, -ENOMEM, "out of memory");
	store->dir = store->conns = store->marks = store->lock = -1;
	store->wait_ms = wait_ms;
	snprintf(store->path, sizeof(store->path), "%.200s", run_dir);
	code = open_dirs(store, run_dir);
	if (code)
		fwh_fail(err, code, "%s: %s", store->path, strerror(-code));
	else
		code = fwh_store_check_folder(AT_FDCWD, run_dir, run_dir, err);
	if (!code)
		code = fwh_store_check_folder(store->dir, ".", store->path, err);
	if (code) {
		fwh_store_close(store);
		return code;
	}
	*ret = store;
	return 0;
}

void fwh_store_close(struct fwh_store *store)
{
	if (!store)
		return;
	fwh_store_abort(store);
	fwh_close_fd(&store->dir);
	fwh_close_fd(&store->conns);
	fwh_close_fd(&store->marks);
	fwh_close_fd(&store->lock);
	free(store);
}

/* what: has not ended in so many seconds */
static int fail_lock(const struct fwh_store *store, const char *what, int code,
		     struct fwh_err *err)
{
	if (code == -ETIMEDOUT)
		return fwh_fail(err, code, "%s/lock: %s %u.%u s",
				store->path, what, store->wait_ms / 1000,
				store->wait_ms % 1000 / 100);
	return fwh_fail(err, code, "%s/lock: %s", store->path, strerror(-code));
}

int fwh_store_lock(struct fwh_store *store, const struct fwh_key *key,
		   struct fwh_err *err)
{
	int code = key ? fwh_lock_byte(store->lock, 1 + key->lock, LOCK_GATE,
				       store->wait_ms) :
			 fwh_lock_all(store->lock, LOCK_GATE, store->wait_ms);

	store->backend_known = false;	/* another call may have changed it */
	return code ? fail_lock(store, key ?
				"another call for this connection has not ended in" :
				"calls for other connections have not ended in",
				code, err) : 0;
}

void fwh_store_unlock(struct fwh_store *store)
{
	fwh_store_abort(store);
	fwh_unlock_range(store->lock, 0, 0);
}

int fwh_store_lock_tables(struct fwh_store *store, struct fwh_err *err)
{
	int code = fwh_lock_in_turn(store->lock, LOCK_TABLES, QUEUE_TABLES,
				    store->wait_ms);

	return code ? fail_lock(store, "other calls have changed tables for", code,
				err) : 0;
}

void fwh_store_unlock_tables(struct fwh_store *store)
{
	fwh_unlock_range(store->lock, LOCK_TABLES, 1);
}

int fwh_owners_lock(struct fwh_store *store, struct fwh_err *err)
{
	int code = fwh_lock_in_turn(store->lock, LOCK_OWNERS, QUEUE_OWNERS,
				    store->wait_ms);

	return code ? fail_lock(store, "other calls have changed routes for", code,
				err) : 0;
}

void fwh_owners_unlock(struct fwh_store *store)
{
	fwh_unlock_range(store->lock, LOCK_OWNERS, 1);
}

/* ---- for those who keep their own things here ------------------------------ */

int fwh_store_dir(const struct fwh_store *store)
{
	return store->dir;
}

const char *fwh_store_path(const struct fwh_store *store)
{
	return store->path;
}

bool fwh_store_has_more(struct fwh_store *store, size_t n)
{
	DIR *dir = fwh_open_stream(store->conns, ".");
	struct dirent *entry;
	size_t seen = 0;

	if (!dir)
		return false;
	while (seen <= n && (entry = readdir(dir)))
		seen += *entry->d_name != '.';
	closedir(dir);
	return seen > n;
}

bool fwh_store_has_record(struct fwh_store *store, const char *name)
{
	struct stat st;

	return !fstatat(store->conns, name, &st, AT_SYMLINK_NOFOLLOW);
}

/* ---- writing --------------------------------------------------------------- */

int fwh_store_stage(struct fwh_store *store, const struct fwh_key *key,
		    const struct fwh_record *record, struct fwh_err *err)
{
	struct stat st;
	int code = 0;

	fwh_record_name(key, store->name);
	store->remove = !record;
	store->was_killed = false;
	if (!record) {
		if (faccessat(store->conns, ".", W_OK, AT_EACCESS))
			code = -errno;
	} else {
		/* The key is locked: nobody else uses this name now, and of
		 * what a killed call left behind only that is worth knowing. */
		snprintf(store->staged, sizeof(store->staged), ".%s.new",
			 store->name);
		store->was_killed = !fstatat(store->conns, store->staged, &st,
					     AT_SYMLINK_NOFOLLOW);
		if (store->was_killed)
			code = fwh_store_end_round(store);
		if (!code)
			code = fwh_record_create(store->conns, store->staged,
						 record);
	}
	if (!code)
		return 0;
	fwh_store_abort(store);
	return fwh_fail(err, code, "%s/conns: %s", store->path, strerror(-code));
}

bool fwh_store_was_killed(const struct fwh_store *store)
{
	return store->was_killed;
}

int fwh_store_commit(struct fwh_store *store, struct fwh_err *err)
{
	int code = 0;

	if (store->remove) {
		if (unlinkat(store->conns, store->name, 0) && errno != ENOENT)
			code = -errno;
	} else if (renameat(store->conns, store->staged, store->conns,
			    store->name)) {
		code = -errno;
	}
	if (!code)
		*store->staged = '\0';
	else
		fwh_fail(err, code, "%s/conns/%s: %s", store->path, store->name,
			 strerror(-code));
	fwh_store_abort(store);
	return code;
}

void fwh_store_abort(struct fwh_store *store)
{
	if (*store->staged)
		unlinkat(store->conns, store->staged, 0);
	*store->staged = '\0';
}

/* ---- reading ------------------------------------------------------------------ */

int fwh_store_read(struct fwh_store *store, const struct fwh_key *key,
		   struct fwh_record *ret, struct fwh_err *err)
{
	struct fwh_record record;
	struct fwh_key found;
	char name[FWH_RECORD_NAME_MAX];
	int code;

	fwh_record_name(key, name);
	code = fwh_record_read(store->conns, name, &record);
	if (code == -ENOENT)
		return code;
	if (code)
		return fwh_fail(err, code, "%s/conns/%s: %s; it will be "
				"written anew", store->path, name,
				fwh_record_trouble(code));
	fwh_event_key(&record.ev, &found);
	if (strcmp(found.text, key->text))
		return fwh_fail(err, -EADDRINUSE, "%s/conns/%s belongs to %s: "
				"two connections of one hash; rename one",
				store->path, name, found.conn);
	*ret = record;
	return 0;
}

uint64_t fwh_store_event_time(struct fwh_store *store,
			      const struct fwh_key *key)
{
	char name[FWH_RECORD_NAME_MAX];
	struct stat st;

	fwh_record_name(key, name);
	if (fstatat(store->conns, name, &st, AT_SYMLINK_NOFOLLOW))
		return 0;
	return (uint64_t)st.st_mtim.tv_sec;
}

int fwh_store_list(struct fwh_store *store,
		   void (*complain)(const struct fwh_err *err, void *arg),
		   void *arg, struct fwh_record **ret, size_t *ret_n,
		   struct fwh_err *err)
{
	char path[FWH_PATH_MAX + 8];

	snprintf(path, sizeof(path), "%s/conns", store->path);
	return fwh_records_list(store->conns, path, complain, arg, ret, ret_n,
				err);
}

int fwh_store_flush(struct fwh_store *store, struct fwh_err *err)
{
	int code = fwh_records_remove(store->conns);

	if (!code)
		code = fwh_records_remove(store->marks);
	return code ? fwh_fail(err, code, "%s: %s", store->path,
			       strerror(-code)) : 0;
}

/* ---- marks ----------------------------------------------------------------------- */

/* Whose is the mark?  Owner has room for a hash. */
static int mark_owner(struct fwh_store *store, const char *name, char owner[9])
{
	char target[16];
	ssize_t n = readlinkat(store->marks, name, target, sizeof(target));

	if (n != 8)
		return n < 0 ? -errno : -EBADMSG;
	memcpy(owner, target, 8);
	owner[8] = '\0';
	return 0;
}

/* Is a call for the owner under way elsewhere? */
static bool owner_is_locked(struct fwh_store *store, const char *owner)
{
	return fwh_lock_is_held(store->lock, 1 + fwh_hash_lock(owner));
}

static bool owner_has_record(struct fwh_store *store, const char *owner)
{
	DIR *dir = fwh_open_stream(store->conns, ".");
	struct dirent *entry;
	bool found = false;

	if (!dir)
		return true;	/* who knows */
	while (!found && (entry = readdir(dir))) {
		size_t n = strlen(entry->d_name);

		found = *entry->d_name != '.' && n > 8 &&
			!strcmp(entry->d_name + n - 8, owner);
	}
	closedir(dir);
	return found;
}

/* An owner without a record was killed before it could let go, unless it is
 * about to write one: so the lock is looked at first. */
static bool owner_is_gone(struct fwh_store *store, const char *owner)
{
	return !owner_is_locked(store, owner) &&
	       !owner_has_record(store, owner);
}

/* Try to make a value ours.  1: it is, 0: it is another's. */
static int claim_mark(struct fwh_store *store, const struct fwh_key *key,
		      uint32_t value, bool steal)
{
	char name[16], owner[9];
	int code;

	snprintf(name, sizeof(name), "0x%" PRIx32, value);
	if (!symlinkat(key->hash, store->marks, name))
		return 1;
	if (errno != EEXIST)
		return -errno;
	code = mark_owner(store, name, owner);
	if (!code && !strcmp(owner, key->hash))
		return 1;
	if (!steal || (!code && !owner_is_gone(store, owner)) ||
	    unlinkat(store->marks, name, 0))
		return 0;
	return symlinkat(key->hash, store->marks, name) ? 0 : 1;
}

/* Small values first: a few connections need few bits, and a mark is a rule for
 * each of its bits in nftables.  From the hash on in each power of two, a few
 * tries each.  Returns as claim_mark() does. */
static int probe_small_marks(struct fwh_store *store, const struct fwh_key *key,
			     uint32_t mask, uint32_t *ret)
{
	uint64_t i, first, span, n = fwh_mark_values(mask);

	for (first = 0; first < n; first += span) {
		span = first + 1 < n - first ? first + 1 : n - first;
		for (i = 0; i < span && i < SMALL_TRIES; i++) {
			uint32_t value = fwh_mark_nth(mask, first +
						      (key->lock + i) % span);
			int code = claim_mark(store, key, value, false);

			if (code > 0)
				*ret = value;
			if (code)
				return code;
		}
	}
	return 0;
}

/* Probe from the hash on.  Value 0 is what unmarked packets have. */
static int probe_marks(struct fwh_store *store, const struct fwh_key *key,
		       uint32_t mask, bool steal, uint32_t *ret)
{
	uint64_t i, n = fwh_mark_values(mask);

	for (i = 0; i < n; i++) {
		uint32_t value = fwh_mark_nth(mask, key->lock + i);
		int code = claim_mark(store, key, value, steal);

		if (code > 0)
			*ret = value;
		if (code)
			return code;
	}
	return 0;
}

/* A connection that is up or armed keeps its value, even if one that it would
 * have preferred has become free.  Returns as claim_mark() does. */
static int keep_mark(struct fwh_store *store, const struct fwh_key *key,
		     uint32_t mask, uint32_t *ret)
{
	struct fwh_record record;
	const struct fwh_mark *mark = &record.mark;
	int code;

	if (fwh_store_read(store, key, &record, NULL) || mark->mask != mask ||
	    !mark->value || mark->value & ~mask)
		return 0;
	code = claim_mark(store, key, mark->value, false);
	if (code > 0)
		*ret = mark->value;
	return code;
}

int fwh_store_take_mark(struct fwh_store *store, const struct fwh_key *key,
			uint32_t mask, uint32_t *ret, struct fwh_err *err)
{
	int code = keep_mark(store, key, mask, ret);

	if (!code)
		code = probe_small_marks(store, key, mask, ret);
	if (!code)
		code = probe_marks(store, key, mask, false, ret);
	if (!code) {
		/* All are taken: perhaps by the dead.  One at a time, so that
		 * nobody takes what another has just taken. */
		code = fwh_lock_file(store->marks, store->wait_ms);
		if (!code) {
			code = probe_marks(store, key, mask, true, ret);
			flock(store->marks, LOCK_UN);
		}
	}
	if (code < 0)
		return fwh_fail(err, code, "%s/marks: %s", store->path,
				strerror(-code));
	if (!code)
		return fwh_fail(err, -ENOSPC, "mark-mask 0x%" PRIx32 ": all "
				"values are taken; widen it", mask);
	return 0;
}

void fwh_store_drop_mark(struct fwh_store *store, const struct fwh_key *key,
			 const struct fwh_mark *mark)
{
	char name[16], owner[9];

	snprintf(name, sizeof(name), "0x%" PRIx32, mark->value);
	if (!mark_owner(store, name, owner) && !strcmp(owner, key->hash))
		unlinkat(store->marks, name, 0);
}

/* ---- rounds ---------------------------------------------------------------------- */

#define ROUND	"round"

static uint64_t read_round(const struct fwh_store *store)
{
	char text[24];
	uint64_t round;
	ssize_t n = readlinkat(store->dir, ROUND, text, sizeof(text));

	if (n < 0 || (size_t)n == sizeof(text))
		return 0;
	text[n] = '\0';
	return fwh_number_parse(text, false, INT64_MAX, &round) ? 0 : round;
}

/* No two are the same, whoever begins them. */
uint64_t fwh_store_round(struct fwh_store *store)
{
	uint64_t round = read_round(store);
	struct timespec now;

	if (round || clock_gettime(CLOCK_MONOTONIC, &now))
		return round;
	fwh_store_resume_round(store, (uint64_t)now.tv_sec * 1000000000u +
				      (uint64_t)now.tv_nsec);
	return read_round(store);
}

int fwh_store_end_round(struct fwh_store *store)
{
	return unlinkat(store->dir, ROUND, 0) && errno != ENOENT ? -errno : 0;
}

void fwh_store_resume_round(struct fwh_store *store, uint64_t round)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, round);
	/* Without it all is owed: another's, or none, is as good. */
	if (symlinkat(text, store->dir, ROUND))
		return;
}

/* ---- what killed calls left ----------------------------------------------------------- */

static bool is_staged(const char *name)
{
	return *name == '.' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

bool fwh_store_has_staged(struct fwh_store *store)
{
	DIR *dir = fwh_open_stream(store->conns, ".");
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir)))
		found = is_staged(entry->d_name);
	if (dir)
		closedir(dir);
	return found;
}

static int compare_owners(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void fwh_store_tidy(struct fwh_store *store, const char **owners, size_t n)
{
	DIR *conns = fwh_open_stream(store->conns, ".");
	DIR *marks = fwh_open_stream(store->marks, ".");
	char owner[9];
	const char *wanted = owner;
	struct dirent *entry;

	qsort(owners, n, sizeof(*owners), compare_owners);
	while (conns && (entry = readdir(conns)))
		if (is_staged(entry->d_name))
			unlinkat(store->conns, entry->d_name, 0);
	while (marks && (entry = readdir(marks)))
		if (!mark_owner(store, entry->d_name, owner) &&
		    !bsearch(&wanted, owners, n, sizeof(*owners),
			     compare_owners))
			unlinkat(store->marks, entry->d_name, 0);
	if (conns)
		closedir(conns);
	if (marks)
		closedir(marks);
}

/* ---- daemons ----------------------------------------------------------------------- */

#define DAEMONS_MAX	16

static int parse_daemon(const char *line, struct fwh_daemon *ret)
{
	uint64_t n[2];

	if (fwh_numbers_parse(line, n, 2) || n[0] > INT32_MAX)
		return -EBADMSG;
	ret->pid = (pid_t)n[0];
	ret->start = n[1];
	return 0;
}

/* The daemons in the list that still live. */
static size_t living_daemons(const struct fwh_lines *lines, struct fwh_daemon *ret)
{
	size_t i, n = 0;

	for (i = 0; lines->line[i] && n < DAEMONS_MAX; i++)
		if (!parse_daemon(lines->line[i], &ret[n]) &&
		    fwh_daemon_alive(&ret[n]))
			n++;
	return n;
}

static int write_daemons(struct fwh_store *store,
			 const struct fwh_daemon *daemons, size_t n)
{
	int fd = openat(store->dir, "daemons.new", O_WRONLY | O_CREAT |
			O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	int code;

	if (!f) {
		code = -errno;
		fwh_close_fd(&fd);
		return code;
	}
	for (; n > 0; n--, daemons++)
		fprintf(f, "%d %llu\n", (int)daemons->pid, daemons->start);
	code = ferror(f) || fflush(f) || fsync(fileno(f)) ? -EIO : 0;
	if (fclose(f) && !code)
		code = -errno;
	if (!code && renameat(store->dir, "daemons.new", store->dir, "daemons"))
		code = -errno;
	return code;
}

int fwh_store_knows_daemon(struct fwh_store *store,
			   const struct fwh_daemon *daemon)
{
	struct fwh_daemon known;
	struct fwh_lines lines;
	size_t i;

	if (!daemon->pid || fwh_lines_read(store->dir, "daemons", &lines))
		return !daemon->pid;
	for (i = 0; lines.line[i]; i++)
		if (!parse_daemon(lines.line[i], &known) &&
		    known.pid == daemon->pid && known.start == daemon->start)
			return 1;
	return 0;
}

const struct fwh_backend *fwh_store_backend(struct fwh_store *store)
{
	char name[16] = "";
	ssize_t n;

	if (store->backend_known)
		return store->backend;
	n = readlinkat(store->dir, "backend", name, sizeof(name));
	store->backend = n < 0 || n == sizeof(name) ? NULL :
						      fwh_backend_find(name);
	store->backend_known = true;
	return store->backend;
}

int fwh_store_set_backend(struct fwh_store *store, const char *name,
			  struct fwh_err *err)
{
	store->backend_known = false;
	unlinkat(store->dir, ".backend.new", 0);
	if (symlinkat(name, store->dir, ".backend.new") ||
	    renameat(store->dir, ".backend.new", store->dir, "backend"))
		return fwh_fail(err, -errno, "%s/backend: %s", store->path,
				strerror(errno));
	return 0;
}

int fwh_store_add_daemon(struct fwh_store *store,
			 const struct fwh_daemon *daemon, struct fwh_err *err)
{
	struct fwh_daemon daemons[DAEMONS_MAX + 1];
	struct fwh_lines lines;
	size_t n = 0;
	int code;

	if (!fwh_lines_read(store->dir, "daemons", &lines))
		n = living_daemons(&lines, daemons);
	daemons[n++] = *daemon;
	code = write_daemons(store, daemons, n);
	if (code)
		return fwh_fail(err, code, "%s/daemons: %s", store->path,
				strerror(-code));
	return 0;
}
