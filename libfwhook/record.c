// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * record.c - what was last said of each connection, a small file each: the
 * event as NAME=value lines, as the environment had it, and what the kernel
 * added.  The kernel's tables are the truth; a lost record costs a warning.
 *
 *	RUN_DIR/netns-INODE/lock		byte = hash of a key
 *	RUN_DIR/netns-INODE/daemons		one "PID START" line each
 *	RUN_DIR/netns-INODE/conns/STEM-HASH
 *	RUN_DIR/netns-INODE/marks/0xVALUE	symbolic link to the owner's hash
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

#include "internal.h"

#define RECORD_VERSION	1
#define RECORD_END	"FWH_END=1"
#define RECORD_MAX	8192		/* a record is about 1,500 bytes */
#define LINES_MAX	96
/* The lock file's bytes: a key's is 1 + its hash, the daemon list's is 0. */
#define LOCK_DAEMONS	0

struct fwh_store {
	char path[FWH_PATH_MAX];	/* for messages */
	int dir, conns, marks, lock;
	unsigned int wait_ms;
	char staged[48], name[32];	/* temporary and final name, "" for none */
	bool remove;
};

/* ---- opening ------------------------------------------------------------- */

static int open_dir(int at, const char *name)
{
	int made = mkdirat(at, name, 0700) ? -errno : 0;

	at = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (at >= 0)
		return at;
	/* Why it is not there is told by the attempt to make it. */
	return errno == ENOENT && made ? made : -errno;
}

/* What is written here decides what is let through: nobody else may. */
static int check_owner(int dir, const char *name, const char *path,
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

static int open_dirs(struct fwh_store *store, const char *run_dir)
{
	fwh_autofd base = -1;
	struct stat st;
	char name[40];

	base = open_dir(AT_FDCWD, run_dir);
	if (base < 0)
		return base;
	if (stat("/proc/self/ns/net", &st))
		return -errno;
	snprintf(name, sizeof(name), "netns-%llu",
		 (unsigned long long)st.st_ino);
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
		code = check_owner(AT_FDCWD, run_dir, run_dir, err);
	if (!code)
		code = check_owner(store->dir, ".", store->path, err);
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

int fwh_store_lock(struct fwh_store *store, const struct fwh_key *key,
		   struct fwh_err *err)
{
	int code = fwh_lock_range(store->lock, key ? 1 + key->lock : LOCK_DAEMONS,
				  key ? 1 : 0, store->wait_ms);

	if (code == -ETIMEDOUT)
		return fwh_fail(err, code, "%s/lock: another call for this "
				"connection has not ended in %u.%u s",
				store->path, store->wait_ms / 1000,
				store->wait_ms % 1000 / 100);
	if (code)
		return fwh_fail(err, code, "%s/lock: %s", store->path,
				strerror(-code));
	return 0;
}

/* ---- writing --------------------------------------------------------------- */

static void file_name(const struct fwh_key *key, char ret[32])
{
	snprintf(ret, 32, "%s-%s", key->stem, key->hash);
}

static void write_sa(const struct fwh_sa *sa, FILE *f)
{
	fprintf(f, "FWH_SA=%d %" PRIu32 " %d %u %d %u %u 0x%" PRIx32
		"/0x%" PRIx32 " %" PRIu32 " %d\n", sa->source, sa->reqid,
		sa->mode, sa->ipproto, sa->encap, sa->encap_sport,
		sa->encap_dport, sa->mark.value, sa->mark.mask, sa->if_id,
		sa->offload);
}

static int write_record(const struct fwh_record *record, FILE *f)
{
	fprintf(f, "FWH_RECORD=%d\n", RECORD_VERSION);
	fprintf(f, "FWH_STATE=%s\n", record->blocked ? "blocked" :
		record->up ? "up" : "down");
	fprintf(f, "FWH_DAEMON=%d %llu\n", (int)record->daemon.pid,
		record->daemon.start);
	fprintf(f, "FWH_MARK=0x%" PRIx32 "/0x%" PRIx32 "\n",
		record->mark.value, record->mark.mask);
	write_sa(&record->sa, f);
	if (fwh_event_write(&record->ev, f))
		return -EIO;
	fputs(RECORD_END "\n", f);	/* nothing is missing */
	if (fflush(f) || ferror(f))
		return -EIO;
	return 0;
}

static int stage_file(struct fwh_store *store, const struct fwh_record *record)
{
	int fd = openat(store->conns, store->staged,
			O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
			0600);
	FILE *f;
	int code;

	if (fd < 0)
		return -errno;
	f = fdopen(fd, "w");
	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	errno = 0;
	code = write_record(record, f);
	if (code && errno)
		code = -errno;
	if (!code && fsync(fileno(f)))
		code = -errno;
	if (fclose(f) && !code)
		code = -errno;
	return code;
}

int fwh_store_stage(struct fwh_store *store, const struct fwh_key *key,
		    const struct fwh_record *record, struct fwh_err *err)
{
	int code = 0;

	file_name(key, store->name);
	store->remove = !record;
	if (!record) {
		if (faccessat(store->conns, ".", W_OK, AT_EACCESS))
			code = -errno;
	} else {
		/* The key is locked: nobody else uses this name now, and what
		 * a killed call left behind is worth nothing. */
		snprintf(store->staged, sizeof(store->staged), ".%s.new",
			 store->name);
		unlinkat(store->conns, store->staged, 0);
		code = stage_file(store, record);
	}
	if (!code)
		return 0;
	fwh_store_abort(store);
	return fwh_fail(err, code, "%s/conns: %s", store->path, strerror(-code));
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

/* A file as a list of lines, which is what an environment is. */
struct lines {
	char text[RECORD_MAX];
	char *line[LINES_MAX + 1];
	size_t n;
};

static int read_lines(int dir, const char *name, struct lines *ret)
{
	fwh_autofd fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
			       O_NONBLOCK);
	size_t n = 0;
	char *p, *end;
	ssize_t got;

	if (fd < 0)
		return -errno;
	while ((got = read(fd, ret->text + n, sizeof(ret->text) - 1 - n)) > 0)
		n += (size_t)got;
	if (got < 0)
		return -errno;
	ret->text[n] = '\0';
	if (n == sizeof(ret->text) - 1 || strlen(ret->text) != n ||
	    (n && ret->text[n - 1] != '\n'))
		return -EBADMSG;
	ret->n = 0;
	for (p = ret->text; *p; p = end + 1) {
		end = strchr(p, '\n');
		*end = '\0';
		if (ret->n == LINES_MAX)
			return -EBADMSG;
		ret->line[ret->n++] = p;
	}
	ret->line[ret->n] = NULL;
	return 0;
}

static const char *line_value(const struct lines *lines, const char *name)
{
	size_t n = strlen(name), i;

	for (i = 0; lines->line[i]; i++)
		if (!strncmp(lines->line[i], name, n) && lines->line[i][n] == '=')
			return lines->line[i] + n + 1;
	return "";
}

/* Split into exactly n decimal or 0x numbers. */
static int parse_numbers(const char *s, uint64_t *ret, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		size_t len = strcspn(s, " /");
		char word[24];

		if (len >= sizeof(word))
			return -EBADMSG;
		memcpy(word, s, len);
		word[len] = '\0';
		if (fwh_number_parse(word, true, UINT64_MAX, &ret[i]))
			return -EBADMSG;
		s += len;
		if (i + 1 < n && !*s++)
			return -EBADMSG;
	}
	return *s ? -EBADMSG : 0;
}

static int parse_sa(const char *s, struct fwh_sa *ret)
{
	uint64_t n[11];

	if (parse_numbers(s, n, ARRAY_SIZE(n)))
		return -EBADMSG;
	if (n[0] > FWH_SA_DAEMON || n[1] > UINT32_MAX || n[2] > FWH_BEET ||
	    n[3] > 255 || n[4] > 1 || n[5] > UINT16_MAX || n[6] > UINT16_MAX ||
	    n[7] > UINT32_MAX || n[8] > UINT32_MAX || n[9] > UINT32_MAX ||
	    n[10] > 1)
		return -EBADMSG;
	memset(ret, 0, sizeof(*ret));
	ret->source = (enum fwh_sa_source)n[0];
	ret->reqid = (uint32_t)n[1];
	ret->mode = (enum fwh_mode)n[2];
	ret->ipproto = (uint8_t)n[3];
	ret->encap = n[4];
	ret->encap_sport = (uint16_t)n[5];
	ret->encap_dport = (uint16_t)n[6];
	ret->mark.value = (uint32_t)n[7];
	ret->mark.mask = (uint32_t)n[8];
	ret->if_id = (uint32_t)n[9];
	ret->offload = n[10];
	return 0;
}

static int parse_state(const char *s, struct fwh_record *ret)
{
	ret->blocked = !strcmp(s, "blocked");
	ret->up = ret->blocked || !strcmp(s, "up");
	return ret->up || !strcmp(s, "down") ? 0 : -EBADMSG;
}

static int parse_record(struct lines *lines, struct fwh_record *ret)
{
	uint64_t version, daemon[2];
	size_t i;

	memset(ret, 0, sizeof(*ret));
	if (!lines->n || strcmp(lines->line[lines->n - 1], RECORD_END) != 0 ||
	    fwh_number_parse(line_value(lines, "FWH_RECORD"), false,
			     RECORD_VERSION, &version) ||
	    version != RECORD_VERSION ||
	    parse_state(line_value(lines, "FWH_STATE"), ret) ||
	    parse_numbers(line_value(lines, "FWH_DAEMON"), daemon, 2) ||
	    daemon[0] > INT32_MAX ||
	    fwh_mark_parse(line_value(lines, "FWH_MARK"), &ret->mark) ||
	    parse_sa(line_value(lines, "FWH_SA"), &ret->sa) ||
	    fwh_event_parse(lines->line, &ret->ev, NULL))
		return -EBADMSG;
	ret->daemon.pid = (pid_t)daemon[0];
	ret->daemon.start = daemon[1];
	/* They point into the lines, which go. */
	for (i = 0; i < FWH_TEXT_MAX; i++)
		ret->ev.text[i] = NULL;
	return 0;
}

/* What a file says must be of the connection that its name says. */
static int read_record(struct fwh_store *store, const char *name,
		       struct fwh_record *ret)
{
	struct fwh_key key;
	struct lines lines;
	char expected[32];
	int code = read_lines(store->conns, name, &lines);

	if (!code)
		code = parse_record(&lines, ret);
	if (code)
		return code;
	fwh_event_key(&ret->ev, &key);
	file_name(&key, expected);
	return strcmp(name, expected) ? -EBADMSG : 0;
}

int fwh_store_read(struct fwh_store *store, const struct fwh_key *key,
		   struct fwh_record *ret, struct fwh_err *err)
{
	struct fwh_record record;
	struct fwh_key found;
	char name[32];
	int code;

	file_name(key, name);
	code = read_record(store, name, &record);
	if (code == -ENOENT)
		return code;
	if (code)
		return fwh_fail(err, code, "%s/conns/%s: %s; it will be "
				"written anew", store->path, name,
				code == -EBADMSG ? "damaged record" :
				strerror(-code));
	fwh_event_key(&record.ev, &found);
	if (strcmp(found.text, key->text))
		return fwh_fail(err, -EADDRINUSE, "%s/conns/%s belongs to %s: "
				"two connections of one hash; rename one",
				store->path, name, found.conn);
	*ret = record;
	return 0;
}

int fwh_store_all(struct fwh_store *store, struct fwh_record **ret,
		  size_t *ret_n, size_t *ret_damaged, struct fwh_err *err)
{
	struct fwh_record *records = NULL;
	size_t n = 0, cap = 0, damaged = 0;
	int fd = fcntl(store->conns, F_DUPFD_CLOEXEC, 3);
	struct dirent *entry;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		fwh_close_fd(&fd);
		return fwh_fail(err, -errno, "%s/conns: %s", store->path,
				strerror(errno));
	}
	rewinddir(dir);		/* the descriptor is shared */
	while ((entry = readdir(dir))) {
		if (*entry->d_name == '.')
			continue;
		if (n == cap) {
			struct fwh_record *more;

			cap = cap ? 2 * cap : 16;
			more = reallocarray(records, cap, sizeof(*more));
			if (!more) {
				free(records);
				closedir(dir);
				return fwh_fail(err, -ENOMEM, "out of memory");
			}
			records = more;
		}
		if (read_record(store, entry->d_name, &records[n]))
			damaged++;
		else
			n++;
	}
	closedir(dir);
	*ret = records;
	*ret_n = n;
	*ret_damaged = damaged;
	return 0;
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
	struct flock range = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = (off_t)(1 + fwh_hash_lock(owner)),
		.l_len = 1,
	};

	return fcntl(store->lock, F_OFD_GETLK, &range) ||
	       range.l_type != F_UNLCK;
}

static bool owner_has_record(struct fwh_store *store, const char *owner)
{
	int fd = fcntl(store->conns, F_DUPFD_CLOEXEC, 3);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool found = false;

	if (!dir) {
		fwh_close_fd(&fd);
		return true;	/* who knows */
	}
	rewinddir(dir);
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

/* Probe from the hash on: a connection gets the same value again unless two
 * meet.  Value 0 is what unmarked packets have. */
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

/* A connection that is up keeps its value, even if one that it would have
 * preferred has become free.  Returns as claim_mark() does. */
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

/* ---- daemons ----------------------------------------------------------------------- */

#define DAEMONS_MAX	16

static int parse_daemon(const char *line, struct fwh_daemon *ret)
{
	uint64_t n[2];

	if (parse_numbers(line, n, 2) || n[0] > INT32_MAX)
		return -EBADMSG;
	ret->pid = (pid_t)n[0];
	ret->start = n[1];
	return 0;
}

/* The daemons in the list that still live. */
static size_t living_daemons(const struct lines *lines, struct fwh_daemon *ret)
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
	struct lines lines;
	size_t i;

	if (!daemon->pid || read_lines(store->dir, "daemons", &lines))
		return !daemon->pid;
	for (i = 0; lines.line[i]; i++)
		if (!parse_daemon(lines.line[i], &known) &&
		    known.pid == daemon->pid && known.start == daemon->start)
			return 1;
	return 0;
}

int fwh_store_add_daemon(struct fwh_store *store,
			 const struct fwh_daemon *daemon, struct fwh_err *err)
{
	struct fwh_daemon daemons[DAEMONS_MAX + 1];
	struct lines lines;
	size_t n = 0;
	int code;

	if (!read_lines(store->dir, "daemons", &lines))
		n = living_daemons(&lines, daemons);
	daemons[n++] = *daemon;
	code = write_daemons(store, daemons, n);
	if (code)
		return fwh_fail(err, code, "%s/daemons: %s", store->path,
				strerror(-code));
	return 0;
}
