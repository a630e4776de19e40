// SPDX-License-Identifier: GPL-2.0-or-later
/* test_record.c - records on disk: what is read back is what was said, and
 * what is damaged, foreign or in the way is found out. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "env.h"

#define NOBODY	65534

/* ---- a run directory for each test -------------------------------------- */

static char folder[64], run_dir[80];

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/test_record.XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(run_dir, sizeof(run_dir), "%s/run", folder);
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type,
			struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

static int make_writable(const char *path, const struct stat *st, int type,
			 struct FTW *where)
{
	(void)where;
	return type == FTW_D ? chmod(path, st->st_mode | 0700) : 0;
}

static int remove_folder(void **state)
{
	(void)state;
	nftw(folder, make_writable, 8, FTW_PHYS);
	return nftw(folder, remove_entry, 8, FTW_PHYS | FTW_DEPTH);
}

static struct fwh_store *open_store(void)
{
	struct fwh_store *store = NULL;
	struct fwh_err err = { .code = 0 };

	if (fwh_store_open(run_dir, 50, &store, &err))
		fail_msg("%s", err.msg);
	return store;
}

/* RUN_DIR/netns-INODE/NAME */
static const char *path_of(const char *name)
{
	static char path[256];
	char pattern[128];
	glob_t g;

	snprintf(pattern, sizeof(pattern), "%s/netns-*", run_dir);
	assert_int_equal(glob(pattern, 0, NULL, &g), 0);
	assert_int_equal(g.gl_pathc, 1);
	snprintf(path, sizeof(path), "%s/%s", g.gl_pathv[0], name);
	globfree(&g);
	return path;
}

static const char *path_of_record(const struct fwh_key *key)
{
	char name[64];

	snprintf(name, sizeof(name), "conns/%s-%s", key->stem, key->hash);
	return path_of(name);
}

/* How many entries, hidden ones too. */
static size_t count_entries(const char *name)
{
	DIR *dir = opendir(path_of(name));
	struct dirent *entry;
	size_t n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		n += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
	closedir(dir);
	return n;
}

static void write_file(const char *path, const void *text, size_t n)
{
	fwh_autofd fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			     0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), (ssize_t)n);
}

static size_t read_file(const char *path, char *buf, size_t size)
{
	fwh_autofd fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, buf, size);
	assert_true(n > 0 && (size_t)n < size);
	return (size_t)n;
}

/* Without root's rights; does nothing where there are none. */
static void become_nobody(void)
{
	if (geteuid())
		return;
	assert_int_equal(chown(folder, NOBODY, NOBODY), 0);
	assert_int_equal(seteuid(NOBODY), 0);
}

static void become_oneself(void)
{
	if (getuid() == geteuid())
		return;
	assert_int_equal(seteuid(getuid()), 0);
	prctl(PR_SET_DUMPABLE, 1);	/* leak checkers look into us */
}

/* ---- records ------------------------------------------------------------ */

static struct fwh_key key_of(const struct fwh_event *ev)
{
	struct fwh_key key;

	fwh_event_key(ev, &key);
	return key;
}

static struct fwh_record record_of(enum fwh_dialect dialect, const char *lines)
{
	struct fwh_record record;

	memset(&record, 0, sizeof(record));
	record.ev = env_event(dialect, lines);
	record.state = FWH_STATE_UP;
	return record;
}

/* The nth connection of many. */
static struct fwh_record nth_record(unsigned int n)
{
	char line[64];

	snprintf(line, sizeof(line), "PLUTO_CONNECTION=conn-%u", n);
	return record_of(FWH_LIBRESWAN4, line);
}

static void put_record(struct fwh_store *store, const struct fwh_record *record)
{
	struct fwh_key key = key_of(&record->ev);
	struct fwh_err err = { .code = 0 };

	if (fwh_store_stage(store, &key, record, &err) ||
	    fwh_store_commit(store, &err))
		fail_msg("%s", err.msg);
}

static void remove_record(struct fwh_store *store, const struct fwh_key *key)
{
	struct fwh_err err = { .code = 0 };

	if (fwh_store_stage(store, key, NULL, &err) ||
	    fwh_store_commit(store, &err))
		fail_msg("%s", err.msg);
}

static int read_code(struct fwh_store *store, const struct fwh_key *key)
{
	struct fwh_record record;
	struct fwh_err err;

	return fwh_store_read(store, key, &record, &err);
}

static void assert_same_sa(const struct fwh_sa *a, const struct fwh_sa *b)
{
	assert_int_equal(a->source, b->source);
	assert_int_equal(a->reqid, b->reqid);
	assert_int_equal(a->mode, b->mode);
	assert_int_equal(a->ipproto, b->ipproto);
	assert_int_equal(a->encap, b->encap);
	assert_int_equal(a->encap_sport, b->encap_sport);
	assert_int_equal(a->encap_dport, b->encap_dport);
	assert_int_equal(a->mark.value, b->mark.value);
	assert_int_equal(a->mark.mask, b->mark.mask);
	assert_int_equal(a->if_id, b->if_id);
	assert_int_equal(a->offload, b->offload);
}

static void assert_same_record(const struct fwh_record *a,
			       const struct fwh_record *b)
{
	struct fwh_event ev = a->ev;

	ev.add_time = ev.in_bytes = ev.out_bytes = 0;
	memset(ev.text, 0, sizeof(ev.text));
	assert_memory_equal(&ev, &b->ev, sizeof(ev));
	assert_same_sa(&a->sa, &b->sa);
	assert_int_equal(a->mark.value, b->mark.value);
	assert_int_equal(a->mark.mask, b->mark.mask);
	assert_int_equal(a->daemon.pid, b->daemon.pid);
	assert_true(a->daemon.start == b->daemon.start);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->armed, b->armed);
	assert_int_equal(a->families, b->families);
	assert_true(a->ended == b->ended);
}

static void round_trip(void **state)
{
	static const struct fwh_sa sas[] = {
		{ .source = FWH_SA_NONE },
		{ .source = FWH_SA_KERNEL, .reqid = 16393, .mode = FWH_TUNNEL,
		  .ipproto = IPPROTO_ESP },
		{ .source = FWH_SA_POLICY, .reqid = 1, .mode = FWH_TRANSPORT,
		  .ipproto = IPPROTO_AH },
		{ .source = FWH_SA_DAEMON, .reqid = UINT32_MAX,
		  .mode = FWH_BEET, .ipproto = 255, .encap = true,
		  .encap_sport = 4500, .encap_dport = 65535,
		  .mark = { UINT32_MAX, UINT32_MAX }, .if_id = UINT32_MAX,
		  .offload = true },
	};
	static const struct { enum fwh_dialect dialect; const char *lines; }
	events[] = {
		{ FWH_OPENSWAN, "PLUTO_CONNECTION=home" },
		{ FWH_LIBRESWAN4, ENV_LONGEST },
		{ FWH_LIBRESWAN4, "PLUTO_ADDTIME=77\nPLUTO_INBYTES=9" },
		{ FWH_LIBRESWAN5, "PLUTO_MY_CLIENT=192.0.1.10-192.0.1.20\n"
		  "PLUTO_MY_PROTOCOL=6\nPLUTO_PEER_PORT=443\n"
		  "PLUTO_VIRT_INTERFACE=ipsec1\nCONNMARK_IN=5/0xff" },
		{ FWH_STRONGSWAN, "PLUTO_CONNECTION=caf\xc3\xa9 = #'\"\\\n"
		  "PLUTO_ME=2001:db8::1\nPLUTO_PEER=2001:db8::2\n"
		  "PLUTO_IF_ID_IN=7\nPLUTO_MY_PROTOCOL=1\nPLUTO_MY_PORT=8" },
	};
	struct fwh_store *store = open_store();
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		for (j = 0; j < ARRAY_SIZE(sas); j++) {
			struct fwh_record record = record_of(
				events[i].dialect, events[i].lines), found;
			struct fwh_key key = key_of(&record.ev);
			struct fwh_err err;

			record.sa = sas[j];
			record.mark = (struct fwh_mark){ j << 16, 0x3fff0000 };
			record.daemon = (struct fwh_daemon){
				j ? INT32_MAX : 0, j ? UINT64_MAX : 0 };
			record.state = (enum fwh_state)(j % 4);
			record.armed = j & 1;
			record.families = (unsigned int)(j & 3);
			record.ended = j ? INT64_MAX - j : 0;
			put_record(store, &record);
			assert_int_equal(fwh_store_read(store, &key, &found,
							&err), 0);
			assert_same_record(&record, &found);
		}
	}
	assert_int_equal(count_entries("conns"), ARRAY_SIZE(events));
	fwh_store_close(store);
}

static void count(const struct fwh_err *err, void *arg)
{
	assert_true(err->code == -EBADMSG || err->code == -EISDIR);
	(*(size_t *)arg)++;
}

static void nothing_there(void **state)
{
	struct fwh_store *store = open_store();
	struct fwh_record record = nth_record(1);
	struct fwh_key key = key_of(&record.ev);
	struct fwh_record *all;
	size_t n = 9, damaged = 0;
	struct fwh_err err;

	(void)state;
	assert_int_equal(read_code(store, &key), -ENOENT);
	remove_record(store, &key);	/* is no error */
	assert_int_equal(fwh_store_list(store, count, &damaged, &all, &n,
					&err), 0);
	assert_int_equal(n, 0);
	assert_int_equal(damaged, 0);
	free(all);
	fwh_store_close(store);
}

/* Nobody but its owner can look at it. */
static void modes(void **state)
{
	static const char *const names[] = {
		"", "conns", "marks", "lock", "daemons",
	};
	struct fwh_daemon daemon = { .pid = getpid() };
	struct fwh_record record = nth_record(1);
	struct fwh_key key = key_of(&record.ev);
	struct fwh_store *store;
	struct fwh_err err;
	mode_t mask = umask(0);
	struct stat st;
	size_t i;

	(void)state;
	store = open_store();
	put_record(store, &record);
	assert_int_equal(fwh_store_add_daemon(store, &daemon, &err), 0);
	umask(mask);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(stat(path_of(names[i]), &st), 0);
		assert_int_equal(st.st_mode & 077, 0);
	}
	assert_int_equal(stat(path_of_record(&key), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(run_dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	fwh_store_close(store);
}

/* ---- two steps: stage, then commit or abort ----------------------------- */

static uint32_t stored_reqid(struct fwh_store *store, const struct fwh_key *key)
{
	struct fwh_record record;
	struct fwh_err err;

	assert_int_equal(fwh_store_read(store, key, &record, &err), 0);
	return record.ev.reqid;
}

static void staging(void **state)
{
	struct fwh_store *store = open_store();
	struct fwh_record record = nth_record(1);
	struct fwh_key key = key_of(&record.ev);
	struct fwh_err err;

	(void)state;
	/* Not there before it is committed. */
	record.ev.reqid = 1;
	assert_int_equal(fwh_store_stage(store, &key, &record, &err), 0);
	assert_int_equal(read_code(store, &key), -ENOENT);
	assert_int_equal(fwh_store_commit(store, &err), 0);
	assert_int_equal(stored_reqid(store, &key), 1);
	assert_int_equal(count_entries("conns"), 1);
	/* Aborted: as before, nothing left behind. */
	record.ev.reqid = 2;
	assert_int_equal(fwh_store_stage(store, &key, &record, &err), 0);
	assert_int_equal(count_entries("conns"), 2);
	fwh_store_abort(store);
	fwh_store_abort(store);
	assert_int_equal(stored_reqid(store, &key), 1);
	assert_int_equal(count_entries("conns"), 1);
	/* A removal too. */
	assert_int_equal(fwh_store_stage(store, &key, NULL, &err), 0);
	fwh_store_abort(store);
	assert_int_equal(stored_reqid(store, &key), 1);
	assert_int_equal(fwh_store_stage(store, &key, NULL, &err), 0);
	assert_int_equal(fwh_store_commit(store, &err), 0);
	assert_int_equal(read_code(store, &key), -ENOENT);
	assert_int_equal(count_entries("conns"), 0);
	/* Closing aborts. */
	assert_int_equal(fwh_store_stage(store, &key, &record, &err), 0);
	fwh_store_close(store);
	store = open_store();
	assert_int_equal(count_entries("conns"), 0);
	fwh_store_close(store);
}

/* What a killed call left is written over, whatever it is. */
static void left_behind(void **state)
{
	struct fwh_store *store = open_store();
	struct fwh_record record = nth_record(1);
	struct fwh_key key = key_of(&record.ev);
	char name[96], path[256];

	(void)state;
	snprintf(name, sizeof(name), "conns/.%s-%s.new", key.stem, key.hash);
	snprintf(path, sizeof(path), "%s", path_of(name));
	write_file(path, "half a rec", 10);
	put_record(store, &record);
	assert_int_equal(read_code(store, &key), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	put_record(store, &record);
	assert_int_equal(read_code(store, &key), 0);
	assert_int_equal(count_entries("conns"), 1);
	fwh_store_close(store);
}

/* ---- damage ------------------------------------------------------------- */

/* Whatever a file holds: it is damaged, or of the key. */
static void check_damage(struct fwh_store *store, const struct fwh_key *key,
			 const char *what, size_t where, bool may_hold)
{
	struct fwh_record record;
	struct fwh_key found;
	struct fwh_err err = { .code = 0 };
	int code = fwh_store_read(store, key, &record, &err);

	if (!code && may_hold) {
		fwh_event_key(&record.ev, &found);
		assert_memory_equal(&found, key, sizeof(found));
		assert_true(record.sa.source <= FWH_SA_DAEMON);
		assert_true(record.sa.mode <= FWH_BEET);
		assert_true(record.daemon.pid >= 0);
		return;
	}
	if (code != -EBADMSG)
		fail_msg("%s at %zu: %d %s", what, where, code, err.msg);
	assert_int_equal(err.code, code);
	assert_non_null(strstr(err.msg, "damaged record"));
}

static void damaged_anywhere(void **state)
{
	static const char junk[] = "\0\n 0=~\xff";
	struct fwh_store *store = open_store();
	struct fwh_record record = record_of(FWH_LIBRESWAN5,
		"PLUTO_MY_PROTOCOL=6\nPLUTO_PEER_PORT=443");
	struct fwh_key key = key_of(&record.ev);
	char path[256], text[8192], changed[8193];
	size_t n, i, j;

	(void)state;
	put_record(store, &record);
	snprintf(path, sizeof(path), "%s", path_of_record(&key));
	n = read_file(path, text, sizeof(text));
	for (i = 0; i < n; i++) {
		write_file(path, text, i);
		check_damage(store, &key, "cut", i, false);
	}
	for (i = 0; i < n; i++) {
		for (j = 0; j < sizeof(junk) - 1; j++) {
			memcpy(changed, text, n);
			changed[i] = junk[j];
			write_file(path, changed, n);
			check_damage(store, &key, "changed", i, true);
		}
		memcpy(changed, text, i);
		memcpy(changed + i, text + i + 1, n - i - 1);
		write_file(path, changed, n - 1);
		check_damage(store, &key, "one missing", i, true);
	}
	write_file(path, text, n);
	assert_int_equal(read_code(store, &key), 0);
	fwh_store_close(store);
}

/* A record with one line replaced. */
static size_t replace_line(const char *text, size_t n, const char *name,
			   const char *line, char *ret)
{
	char start[64];
	const char *from, *end;
	size_t before, len = strlen(line);

	snprintf(start, sizeof(start), "\n%s=", name);
	from = memmem(text, n, start, strlen(start));
	if (!from && !memcmp(text, start + 1, strlen(start) - 1))
		from = text - 1;
	assert_non_null(from);
	from++;
	end = strchr(from, '\n') + 1;
	before = (size_t)(from - text);
	memcpy(ret, text, before);
	memcpy(ret + before, line, len);
	memcpy(ret + before + len, end, n - (size_t)(end - text));
	return n - (size_t)(end - from) + len;
}

/* Put a record; where it is, and what is in it. */
static size_t put_text(struct fwh_store *store, const struct fwh_record *record,
		       char path[256], char text[4096])
{
	struct fwh_key key = key_of(&record->ev);
	size_t n;

	put_record(store, record);
	snprintf(path, 256, "%s", path_of_record(&key));
	n = read_file(path, text, 4096 - 1);
	text[n] = '\0';
	return n;
}

static void damaged_lines(void **state)
{
	static const struct { const char *name, *line; } rows[] = {
		{ "FWH_RECORD", "" },
		{ "FWH_RECORD", "FWH_RECORD=\n" },
		{ "FWH_RECORD", "FWH_RECORD=0\n" },
		{ "FWH_RECORD", "FWH_RECORD=-1\n" },
		{ "FWH_STATE", "" },
		{ "FWH_STATE", "FWH_STATE=\n" },
		{ "FWH_STATE", "FWH_STATE=UP\n" },
		{ "FWH_STATE", "FWH_STATE=up \n" },
		{ "FWH_DAEMON", "" },
		{ "FWH_DAEMON", "FWH_DAEMON=1\n" },
		{ "FWH_DAEMON", "FWH_DAEMON=1 2 3\n" },
		{ "FWH_DAEMON", "FWH_DAEMON=1  2\n" },
		{ "FWH_DAEMON", "FWH_DAEMON=-1 2\n" },
		{ "FWH_DAEMON", "FWH_DAEMON=2147483648 2\n" },
		{ "FWH_DAEMON", "FWH_DAEMON=1 18446744073709551616\n" },
		{ "FWH_MARK", "" },
		{ "FWH_MARK", "FWH_MARK=\n" },
		{ "FWH_MARK", "FWH_MARK=1/\n" },
		{ "FWH_MARK", "FWH_MARK=0x100000000/0x1\n" },
		{ "FWH_SA", "" },
		{ "FWH_SA", "FWH_SA=\n" },
		{ "FWH_SA", "FWH_SA=1 2 1 50 0 0 0 0x0/0x0 0\n" },
		{ "FWH_SA", "FWH_SA=1 2 1 50 0 0 0 0x0/0x0 0 0 0\n" },
		{ "FWH_SA", "FWH_SA=4 2 1 50 0 0 0 0x0/0x0 0 0\n" },
		{ "FWH_SA", "FWH_SA=-1 2 1 50 0 0 0 0x0/0x0 0 0\n" },
		{ "FWH_SA", "FWH_SA=1 4294967296 1 50 0 0 0 0x0/0x0 0 0\n" },
		{ "FWH_SA", "FWH_SA=1 2 4 50 0 0 0 0x0/0x0 0 0\n" },
		{ "FWH_SA", "FWH_SA=1 2 1 256 0 0 0 0x0/0x0 0 0\n" },
		{ "FWH_SA", "FWH_SA=1 2 1 50 2 0 0 0x0/0x0 0 0\n" },
		{ "FWH_SA", "FWH_SA=1 2 1 50 0 65536 0 0x0/0x0 0 0\n" },
		{ "FWH_SA", "FWH_SA=1 2 1 50 0 0 65536 0x0/0x0 0 0\n" },
		{ "FWH_SA", "FWH_SA=1 2 1 50 0 0 0 0x100000000/0x0 0 0\n" },
		{ "FWH_SA", "FWH_SA=1 2 1 50 0 0 0 0x0/0x0 4294967296 0\n" },
		{ "FWH_SA", "FWH_SA=1 2 1 50 0 0 0 0x0/0x0 0 2\n" },
		{ "FWH_SA", "FWH_SA=000000000000000000000000001 2 1 50 0 0 0 "
		  "0x0/0x0 0 0\n" },
		{ "FWH_END", "" },
		{ "FWH_END", "FWH_END=\n" },
		{ "FWH_END", "FWH_END=1\n\n" },
		{ "FWH_END", "FWH_END=1\nFWH_RECORD=1\n" },
		{ "PLUTO_VERB", "" },
		{ "PLUTO_VERB", "PLUTO_VERB=jump-client\n" },
		{ "PLUTO_CONNECTION", "" },
		{ "PLUTO_CONNECTION", "PLUTO_CONNECTION=other\n" },
		{ "PLUTO_MY_CLIENT", "PLUTO_MY_CLIENT=192.0.1.0/25\n" },
		{ "PLUTO_MY_CLIENT", "PLUTO_MY_CLIENT=::/0\n" },
		{ "PLUTO_PEER_CLIENT", "PLUTO_PEER_CLIENT=0.0.0.0/0\n" },
		{ "PLUTO_SA_REQID", "PLUTO_SA_REQID=x\n" },
	};
	struct fwh_store *store = open_store();
	struct fwh_record record = nth_record(1);
	struct fwh_key key = key_of(&record.ev);
	char path[256], text[4096], changed[8192];
	size_t n, i;

	(void)state;
	n = put_text(store, &record, path, text);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t len = replace_line(text, n, rows[i].name, rows[i].line,
					  changed);

		write_file(path, changed, len);
		check_damage(store, &key, rows[i].line, i, false);
		/* What is damaged can be replaced and taken away. */
		put_record(store, &record);
		assert_int_equal(read_code(store, &key), 0);
	}
	fwh_store_close(store);
}

/* Lines that other versions do not write, or write besides, are no damage; what
 * says that it is of another version is not read. */
static void other_versions(void **state)
{
	static const struct { const char *name, *line; int code; } rows[] = {
		{ "FWH_RECORD", "FWH_RECORD=2\n", -EPROTO },
		{ "FWH_RECORD", "FWH_RECORD=2\nFWH_STATE=asleep\n", -EPROTO },
		{ "FWH_RECORD", "FWH_RECORD=4294967295\n", -EPROTO },
		{ "FWH_RECORD", "FWH_RECORD=4294967296\n", -EBADMSG },
		{ "FWH_RECORD", "FWH_RECORD=1.1\n", -EBADMSG },
		{ "FWH_RECORD", "FWH_RECORD=1\nFWH_TOMORROW=x/y z\n", 0 },
		{ "FWH_END", "PLUTO_TOMORROW=10.0.0.0/8\nFWH_END=1\n", 0 },
		{ "FWH_STATE", "FWH_STATE=asleep\n", -EBADMSG },
		{ "FWH_BACKEND", "FWH_BACKEND=tomorrow\n", -EBADMSG },
		{ "FWH_BACKEND", "", 0 },
		{ "FWH_SINCE", "", 0 },
		{ "FWH_ENDED", "", 0 },
		{ "FWH_ENDED", "FWH_ENDED=x\n", -EBADMSG },
	};
	struct fwh_store *store = open_store();
	struct fwh_record record = nth_record(1), found;
	struct fwh_key key = key_of(&record.ev);
	char path[256], text[4096], changed[8192];
	struct fwh_err err;
	size_t n, i;

	(void)state;
	n = put_text(store, &record, path, text);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t len = replace_line(text, n, rows[i].name, rows[i].line,
					  changed);
		int code;

		write_file(path, changed, len);
		code = fwh_store_read(store, &key, &found, &err);
		if (code != rows[i].code)
			fail_msg("%s: %d", rows[i].line, code);
		if (code == -EPROTO)
			assert_non_null(strstr(err.msg, "record of a later "
					       "version; it will be written"));
		else if (!code)
			assert_same_record(&found, &record);
	}
	fwh_store_close(store);
}

static void damaged_files(void **state)
{
	static char big[20000], many[4000];
	static const struct { const char *text; size_t n; } rows[] = {
		{ "", 0 }, { "\n", 1 }, { "\n\n\n", 3 }, { "\0", 1 },
		{ "=", 1 }, { "FWH_RECORD=1", 12 }, { "FWH_END=1\n", 10 },
		{ "\x7f" "ELF\x02\x01\x01", 7 },
		{ big, sizeof(big) }, { big, 8191 }, { big, 8192 },
		{ many, sizeof(many) },
	};
	struct fwh_store *store = open_store();
	struct fwh_record record = nth_record(1);
	struct fwh_key key = key_of(&record.ev);
	char path[256];
	size_t i;

	(void)state;
	memset(big, 'x', sizeof(big));
	memset(many, '\n', sizeof(many));
	put_record(store, &record);
	snprintf(path, sizeof(path), "%s", path_of_record(&key));
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		write_file(path, rows[i].text, rows[i].n);
		check_damage(store, &key, "file", i, false);
	}
	/* Nothing that a file could be mistaken for is followed or waited
	 * for. */
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	check_damage(store, &key, "FIFO", 0, false);
	unlink(path);
	assert_int_equal(symlink("/dev/zero", path), 0);
	assert_int_equal(read_code(store, &key), -ELOOP);
	put_record(store, &record);
	assert_int_equal(read_code(store, &key), 0);
	fwh_store_close(store);
}

static void not_its_own_name(void **state)
{
	struct fwh_store *store = open_store();
	struct fwh_record record = nth_record(1), other = nth_record(2);
	struct fwh_key key = key_of(&record.ev), twin = key;
	char from[256], to[256];
	struct fwh_err err;

	(void)state;
	put_record(store, &record);
	snprintf(from, sizeof(from), "%s", path_of_record(&key));
	key = key_of(&other.ev);
	snprintf(to, sizeof(to), "%s", path_of_record(&key));
	assert_int_equal(rename(from, to), 0);
	check_damage(store, &key, "another's", 0, false);
	assert_int_equal(rename(to, from), 0);
	/* Two names of one hash: neither may have the other's rules. */
	strcpy(twin.text, "0.0.0.0/0 0.0.0.0/0 0 0:0 0:0 -1/-1 0 conn-1");
	assert_int_equal(fwh_store_read(store, &twin, &other, &err),
			 -EADDRINUSE);
	assert_non_null(strstr(err.msg, "belongs to conn-1"));
	fwh_store_close(store);
}

static void all_records(void **state)
{
	struct fwh_store *store = open_store();
	struct fwh_record record, *all = NULL;
	size_t n, damaged, i, j;
	bool seen[40] = { false };
	struct fwh_err err;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(seen); i++) {
		record = nth_record((unsigned int)i);
		record.ev.reqid = (uint32_t)i;
		put_record(store, &record);
	}
	/* Another, under a name that would hide it. */
	record = record_of(FWH_LIBRESWAN4, "PLUTO_CONNECTION=.x\n"
			   "PLUTO_SA_REQID=99");
	put_record(store, &record);
	write_file(path_of("conns/junk"), "junk\n", 5);
	write_file(path_of("conns/conn_1-aaaaaaaa"), "", 0);
	assert_int_equal(mkdir(path_of("conns/folder"), 0700), 0);
	write_file(path_of("conns/.conn_1-aaaaaaaa.new"), "junk\n", 5);
	/* More than once: a descriptor has a place in its folder. */
	for (j = 0; j < 2; j++) {
		memset(seen, 0, sizeof(seen));
		damaged = 0;
		assert_int_equal(fwh_store_list(store, count, &damaged, &all,
						&n, &err), 0);
		assert_int_equal(n, ARRAY_SIZE(seen) + 1);
		assert_int_equal(damaged, 3);
		for (i = 0; i < n; i++) {
			if (!strcmp(all[i].ev.conn, ".x"))
				continue;
			assert_true(all[i].ev.reqid < ARRAY_SIZE(seen));
			assert_false(seen[all[i].ev.reqid]);
			seen[all[i].ev.reqid] = true;
		}
		free(all);
	}
	fwh_store_close(store);
}

/* ---- marks -------------------------------------------------------------- */

#define MASK	0x70000		/* seven values */

/* The nth connection comes up: a mark, then its record. */
static uint32_t raise_nth(struct fwh_store *store, unsigned int n)
{
	struct fwh_record record = nth_record(n);
	struct fwh_key key = key_of(&record.ev);
	struct fwh_err err = { .code = 0 };

	record.mark.mask = MASK;
	if (fwh_store_take_mark(store, &key, MASK, &record.mark.value, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(record.mark.value & ~MASK, 0);
	assert_int_not_equal(record.mark.value, 0);
	put_record(store, &record);
	return record.mark.value;
}

static void lower_nth(struct fwh_store *store, unsigned int n, uint32_t value)
{
	struct fwh_record record = nth_record(n);
	struct fwh_key key = key_of(&record.ev);
	struct fwh_mark mark = { value, MASK };

	remove_record(store, &key);
	fwh_store_drop_mark(store, &key, &mark);
}

static int take_code(struct fwh_store *store, unsigned int n)
{
	struct fwh_record record = nth_record(n);
	struct fwh_key key = key_of(&record.ev);
	struct fwh_err err = { .code = 0 };
	uint32_t value = 4711;
	int code = fwh_store_take_mark(store, &key, MASK, &value, &err);

	if (code) {
		assert_int_equal(value, 4711);
		assert_int_equal(err.code, code);
		assert_non_null(strstr(err.msg, "mark-mask 0x70000"));
	}
	return code;
}

static void marks_are_unique(void **state)
{
	struct fwh_store *store = open_store();
	uint32_t value[7];
	size_t i, j;

	(void)state;
	for (i = 0; i < 7; i++) {
		value[i] = raise_nth(store, (unsigned int)i);
		for (j = 0; j < i; j++)
			assert_int_not_equal(value[i], value[j]);
	}
	/* Exhausted, but not for those who have one. */
	assert_int_equal(take_code(store, 7), -ENOSPC);
	for (i = 0; i < 7; i++)
		assert_int_equal(raise_nth(store, (unsigned int)i), value[i]);
	/* What is let go can be had. */
	lower_nth(store, 3, value[3]);
	assert_int_equal(raise_nth(store, 7), value[3]);
	assert_int_equal(take_code(store, 3), -ENOSPC);
	assert_int_equal(count_entries("marks"), 7);
	fwh_store_close(store);
}

/* The first value tried is the one that a dry run shows. */
static void first_choice(void **state)
{
	struct fwh_store *store = open_store();
	unsigned int i;

	(void)state;
	for (i = 0; i < 20; i++) {
		uint32_t value = raise_nth(store, i);

		assert_int_equal(value, fwh_mark_nth(MASK, 0));
		lower_nth(store, i, value);
		assert_int_equal(count_entries("marks"), 0);
	}
	fwh_store_close(store);
}

/* Two that would like the same value. */
static void find_rivals(unsigned int *ret_a, unsigned int *ret_b)
{
	unsigned int a, b;

	for (a = 0; ; a++) {
		for (b = 0; b < a; b++) {
			struct fwh_record ra = nth_record(a), rb = nth_record(b);
			struct fwh_key ka = key_of(&ra.ev), kb = key_of(&rb.ev);

			if (fwh_mark_nth(MASK, ka.lock) ==
			    fwh_mark_nth(MASK, kb.lock)) {
				*ret_a = a;
				*ret_b = b;
				return;
			}
		}
	}
}

/* A connection that is up keeps its mark, though a better one is free now. */
static void marks_stay(void **state)
{
	struct fwh_store *store = open_store();
	unsigned int a, b;
	uint32_t first, second;

	(void)state;
	find_rivals(&a, &b);
	first = raise_nth(store, a);
	second = raise_nth(store, b);
	assert_int_not_equal(first, second);
	lower_nth(store, a, first);
	assert_int_equal(raise_nth(store, b), second);
	assert_int_equal(count_entries("marks"), 1);
	/* Down, then up again: as if it were the first. */
	lower_nth(store, b, second);
	assert_int_equal(raise_nth(store, b), first);
	fwh_store_close(store);
}

/* A record whose mark is of another mask, or nonsense, counts for nothing. */
static void marks_of_other_masks(void **state)
{
	static const struct fwh_mark old[] = {
		{ 0x10000, 0xff0000 }, { 0x20000, 0xff0000 }, { 0, MASK },
		{ 0x80000, MASK }, { 0, 0 },
	};
	struct fwh_store *store = open_store();
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(old); i++) {
		struct fwh_record record = nth_record(1);
		uint32_t value;

		record.mark = old[i];
		put_record(store, &record);
		value = raise_nth(store, 1);
		assert_int_equal(value, fwh_mark_nth(MASK, 0));
		lower_nth(store, 1, value);
	}
	fwh_store_close(store);
}

/* Killed between its mark and its record. */
static void kill_nth(struct fwh_store *store, unsigned int n)
{
	struct fwh_record record = nth_record(n);
	struct fwh_key key = key_of(&record.ev);

	remove_record(store, &key);
}

static void marks_of_the_dead(void **state)
{
	struct fwh_store *store = open_store(), *other = open_store();
	struct fwh_record record = nth_record(2);
	struct fwh_key key = key_of(&record.ev);
	struct fwh_err err;
	uint32_t value[7];
	unsigned int i;

	(void)state;
	for (i = 0; i < 7; i++)
		value[i] = raise_nth(store, i);
	kill_nth(store, 2);
	/* While a call for it is under way it is not dead. */
	assert_int_equal(fwh_store_lock(other, &key, &err), 0);
	assert_int_equal(take_code(store, 8), -ENOSPC);
	fwh_store_close(other);
	assert_int_equal(raise_nth(store, 8), value[2]);
	assert_int_equal(take_code(store, 2), -ENOSPC);
	fwh_store_close(store);
}

/* What is nobody's mark makes way, too. */
static void marks_that_are_none(void **state)
{
	struct fwh_store *store = open_store();
	char name[32], path[256];
	unsigned int i;

	(void)state;
	for (i = 0; i < 7; i++) {
		snprintf(name, sizeof(name), "marks/0x%x", raise_nth(store, i));
		snprintf(path, sizeof(path), "%s", path_of(name));
	}
	kill_nth(store, 6);
	unlink(path);
	assert_int_equal(symlink("of no connection", path), 0);
	raise_nth(store, 7);
	kill_nth(store, 7);
	unlink(path);
	write_file(path, "x", 1);
	raise_nth(store, 8);
	kill_nth(store, 8);
	/* But for what only a person can have made. */
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(take_code(store, 9), -ENOSPC);
	fwh_store_close(store);
}

static void marks_of_others_stay(void **state)
{
	struct fwh_store *store = open_store();
	struct fwh_record record = nth_record(2);
	struct fwh_key key = key_of(&record.ev);
	struct fwh_mark mark = { 0, MASK };

	(void)state;
	mark.value = raise_nth(store, 1);
	fwh_store_drop_mark(store, &key, &mark);
	assert_int_equal(count_entries("marks"), 1);
	mark.value = 0x70000;
	mark.mask = 0;
	fwh_store_drop_mark(store, &key, &mark);
	assert_int_equal(count_entries("marks"), 1);
	fwh_store_close(store);
}

/* Seven at once for seven values: each gets one. */
static void marks_at_once(void **state)
{
	bool seen[8] = { false };
	pid_t pid[7];
	int status;
	unsigned int i;

	(void)state;
	fwh_store_close(open_store());
	for (i = 0; i < 7; i++) {
		pid[i] = fork();
		assert_true(pid[i] >= 0);
		if (!pid[i]) {
			struct fwh_store *store = open_store();
			uint32_t value = raise_nth(store, i);

			fwh_store_close(store);
			_exit((int)(value >> 16));
		}
	}
	for (i = 0; i < 7; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_true(WIFEXITED(status));
		status = WEXITSTATUS(status);
		assert_true(status >= 1 && status <= 7);
		assert_false(seen[status]);
		seen[status] = true;
	}
}

/* ---- locks -------------------------------------------------------------- */

static void locks(void **state)
{
	struct fwh_store *a = open_store(), *b = open_store();
	struct fwh_record one = nth_record(1), two = nth_record(2);
	struct fwh_key key1 = key_of(&one.ev), key2 = key_of(&two.ev);
	struct fwh_err err = { .code = 0 };

	(void)state;
	assert_int_equal(fwh_store_lock(a, &key1, &err), 0);
	assert_int_equal(fwh_store_lock(a, &key1, &err), 0);	/* again */
	assert_int_equal(fwh_store_lock(b, &key1, &err), -ETIMEDOUT);
	assert_non_null(strstr(err.msg, "another call"));
	assert_int_equal(fwh_store_lock(b, NULL, &err), -ETIMEDOUT);
	/* Another connection does not wait. */
	assert_int_equal(fwh_store_lock(b, &key2, &err), 0);
	fwh_store_close(a);
	assert_int_equal(fwh_store_lock(b, &key1, &err), 0);
	assert_int_equal(fwh_store_lock(b, NULL, &err), 0);
	a = open_store();
	assert_int_equal(fwh_store_lock(a, &key1, &err), -ETIMEDOUT);
	assert_int_equal(fwh_store_lock(a, &key2, &err), -ETIMEDOUT);
	fwh_store_close(b);
	assert_int_equal(fwh_store_lock(a, NULL, &err), 0);
	fwh_store_close(a);
}

/* A key's lock can be found by its hash alone. */
static void locks_of_hashes(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		struct fwh_record record = nth_record(i);
		struct fwh_key key = key_of(&record.ev);

		assert_true(fwh_hash_lock(key.hash) == key.lock);
	}
}

/* ---- daemons ------------------------------------------------------------ */

static struct fwh_daemon oneself(void)
{
	struct fwh_daemon daemon = { .pid = getpid() };
	char text[1024], *p;
	int field;

	memset(text, 0, sizeof(text));
	read_file("/proc/self/stat", text, sizeof(text) - 1);
	p = strrchr(text, ')') + 2;
	for (field = 3; field < 22; field++)
		p = strchr(p, ' ') + 1;
	daemon.start = strtoull(p, NULL, 10);
	return daemon;
}

static void daemons(void **state)
{
	struct fwh_store *store = open_store();
	struct fwh_daemon living = oneself(), dead = living, none = { 0, 0 };
	struct fwh_err err;
	char text[256];
	size_t n;

	(void)state;
	dead.start++;		/* its number, but another life */
	assert_true(fwh_daemon_alive(&living));
	assert_false(fwh_daemon_alive(&dead));
	assert_false(fwh_daemon_alive(&none));
	/* No daemon above us tells nothing of any other's death. */
	assert_true(fwh_store_knows_daemon(store, &none));
	assert_false(fwh_store_knows_daemon(store, &living));
	assert_int_equal(fwh_store_add_daemon(store, &dead, &err), 0);
	assert_true(fwh_store_knows_daemon(store, &dead));
	assert_false(fwh_store_knows_daemon(store, &living));
	assert_true(fwh_store_knows_daemon(store, &none));
	/* The dead go. */
	assert_int_equal(fwh_store_add_daemon(store, &living, &err), 0);
	assert_true(fwh_store_knows_daemon(store, &living));
	assert_false(fwh_store_knows_daemon(store, &dead));
	/* The living stay. */
	assert_int_equal(fwh_store_add_daemon(store, &dead, &err), 0);
	assert_true(fwh_store_knows_daemon(store, &living));
	assert_true(fwh_store_knows_daemon(store, &dead));
	/* However often. */
	for (n = 0; n < 40; n++)
		assert_int_equal(fwh_store_add_daemon(store, &living, &err), 0);
	assert_true(fwh_store_knows_daemon(store, &living));
	n = read_file(path_of("daemons"), text, sizeof(text) - 1);
	assert_true(n < 1024);
	fwh_store_close(store);
}

static void damaged_daemon_lists(void **state)
{
	static const char *const rows[] = {
		"", "\n", "x", "1", "1 2", "-1 2\n", "1 2 3\n", "x y\n",
		"99999999999 1\n", "\xff\n",
	};
	struct fwh_store *store = open_store();
	struct fwh_daemon living = oneself();
	struct fwh_err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		write_file(path_of("daemons"), rows[i], strlen(rows[i]));
		assert_false(fwh_store_knows_daemon(store, &living));
		assert_int_equal(fwh_store_add_daemon(store, &living, &err), 0);
		assert_true(fwh_store_knows_daemon(store, &living));
	}
	fwh_store_close(store);
}

/* ---- what is in the way ------------------------------------------------- */

/* Opening must fail with code and name the place. */
static void must_not_open(const char *path, int code)
{
	struct fwh_store *untouched = (struct fwh_store *)&untouched;
	struct fwh_store *store = untouched;
	struct fwh_err err = { .code = 0 };
	int got = fwh_store_open(path, 50, &store, &err);

	if (got != code)
		fail_msg("%.60s: %d instead of %d: %s", path, got, code,
			 err.msg);
	assert_ptr_equal(store, untouched);
	assert_int_equal(err.code, code);
	assert_non_null(strstr(err.msg, folder));
	assert_int_equal(fwh_store_open(path, 50, &store, NULL), code);
}

static void bad_places(void **state)
{
	struct fwh_record record = nth_record(1);
	struct fwh_store *store;
	struct fwh_err err = { .code = 0 };
	char path[6000];
	size_t n;

	(void)state;
	snprintf(path, sizeof(path), "%s/a/b", folder);
	must_not_open(path, -ENOENT);
	snprintf(path, sizeof(path), "%s/file", folder);
	write_file(path, "", 0);
	must_not_open(path, -ENOTDIR);
	snprintf(path, sizeof(path), "%s/file/x", folder);
	must_not_open(path, -ENOTDIR);
	/* One name too long, then the whole. */
	n = (size_t)snprintf(path, sizeof(path), "%s/", folder);
	memset(path + n, 'x', 256);
	path[n + 256] = '\0';
	must_not_open(path, -ENAMETOOLONG);
	for (; n < 5000; n++)
		path[n] = n % 2 ? '/' : '.';
	path[n] = '\0';
	must_not_open(path, -ENAMETOOLONG);
	/* As long as a name can be is not too long. */
	n = (size_t)snprintf(path, sizeof(path), "%s/", folder);
	memset(path + n, 'x', 255);
	path[n + 255] = '\0';
	assert_int_equal(fwh_store_open(path, 50, &store, &err), 0);
	put_record(store, &record);
	fwh_store_close(store);
	/* Links could lead anywhere. */
	snprintf(path, sizeof(path), "%s/link", folder);
	assert_int_equal(symlink("/tmp", path), 0);
	must_not_open(path, -ENOTDIR);
	fwh_store_close(open_store());
	snprintf(path, sizeof(path), "%s", path_of("conns"));
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink("/tmp", path), 0);
	must_not_open(run_dir, -ENOTDIR);
	unlink(path);
	snprintf(path, sizeof(path), "%s", path_of("lock"));
	unlink(path);
	assert_int_equal(symlink("/tmp/x", path), 0);
	must_not_open(run_dir, -ELOOP);
}

static void read_only_places(void **state)
{
	struct fwh_record record = nth_record(1), more = nth_record(2);
	struct fwh_key key = key_of(&record.ev), key2 = key_of(&more.ev);
	struct fwh_err err = { .code = 0 };
	struct fwh_store *store;
	uint32_t value;

	(void)state;
	become_nobody();
	assert_int_equal(chmod(folder, 0500), 0);
	must_not_open(run_dir, -EACCES);
	assert_int_equal(chmod(folder, 0700), 0);
	store = open_store();
	put_record(store, &record);
	assert_int_equal(chmod(path_of("conns"), 0500), 0);
	assert_int_equal(chmod(path_of("marks"), 0500), 0);
	/* Found out before anything has changed. */
	record.ev.reqid = 5;
	assert_int_equal(fwh_store_stage(store, &key, &record, &err), -EACCES);
	assert_non_null(strstr(err.msg, "/conns: Permission denied"));
	assert_int_equal(fwh_store_stage(store, &key, NULL, &err), -EACCES);
	assert_int_equal(fwh_store_stage(store, &key2, &more, &err), -EACCES);
	assert_int_equal(stored_reqid(store, &key), 16392);
	assert_int_equal(count_entries("conns"), 1);
	assert_int_equal(fwh_store_take_mark(store, &key, MASK, &value, &err),
			 -EACCES);
	assert_non_null(strstr(err.msg, "/marks: Permission denied"));
	fwh_store_close(store);
	/* Reading needs no more. */
	store = open_store();
	assert_int_equal(read_code(store, &key), 0);
	fwh_store_close(store);
	assert_int_equal(chmod(path_of("conns"), 0700), 0);
	become_oneself();
}

static void others_can_write(void **state)
{
	static const mode_t bits[] = { 0770, 0707, 0777, 0720, 0702 };
	struct fwh_store *store;
	char path[256];
	size_t i;

	(void)state;
	fwh_store_close(open_store());
	snprintf(path, sizeof(path), "%s", path_of("."));
	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		assert_int_equal(chmod(path, bits[i]), 0);
		must_not_open(run_dir, -EPERM);
	}
	assert_int_equal(chmod(path, 0755), 0);
	fwh_store_close(open_store());
	if (geteuid())
		return;		/* can't give files away */
	assert_int_equal(chown(path, NOBODY, NOBODY), 0);
	must_not_open(run_dir, -EPERM);
	/* root's is good for anybody who may use it. */
	assert_int_equal(chown(path, 0, 0), 0);
	store = open_store();
	fwh_store_close(store);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(round_trip), TEST(nothing_there), TEST(modes),
		TEST(staging), TEST(left_behind),
		TEST(damaged_anywhere), TEST(damaged_lines), TEST(other_versions),
		TEST(damaged_files), TEST(not_its_own_name), TEST(all_records),
		TEST(marks_are_unique), TEST(first_choice), TEST(marks_stay),
		TEST(marks_of_other_masks), TEST(marks_of_the_dead),
		TEST(marks_that_are_none), TEST(marks_of_others_stay),
		TEST(marks_at_once),
		TEST(locks), TEST(locks_of_hashes),
		TEST(daemons), TEST(damaged_daemon_lists),
		TEST(bad_places), TEST(read_only_places),
		TEST(others_can_write),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
