// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * saved.c - which guards stand after a boot: a record of each armed connection
 * on the disk, written when it changes.
 *
 *	STATE_DIR/armed/STEM-HASH
 *	STATE_DIR/armed@NETNS/STEM-HASH		of a named network namespace
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "internal.h"

#define NETNS_DIR	"/run/netns"	/* where ip netns has its names */

/* Our network namespace's name, "" if it has none.  Inode numbers mean nothing
 * after a boot. */
static void netns_name(char *ret, size_t size)
{
	struct stat own, st;
	struct dirent *entry;
	DIR *dir;

	*ret = '\0';
	if (stat("/proc/self/ns/net", &own))
		return;
	dir = opendir(NETNS_DIR);
	while (dir && !*ret && (entry = readdir(dir)))
		if (!fstatat(dirfd(dir), entry->d_name, &st, 0) &&
		    st.st_dev == own.st_dev && st.st_ino == own.st_ino)
			snprintf(ret, size, "%s", entry->d_name);
	if (dir)
		closedir(dir);
}

/* Returns a descriptor, or a negative errno; path is for messages. */
static int open_folder(const char *state_dir, bool make, char *path,
		       size_t size)
{
	char netns[NAME_MAX + 1];
	int fd;

	/* Most have none. */
	snprintf(path, size, "%s", state_dir);
	if (!make && access(state_dir, F_OK))
		return -errno;
	netns_name(netns, sizeof(netns));
	snprintf(path, size, "%s/armed%s%s", state_dir, *netns ? "@" : "",
		 netns);
	if (make && ((mkdir(state_dir, 0700) && errno != EEXIST) ||
		     (mkdir(path, 0700) && errno != EEXIST)))
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

/* What of a record matters to a guard; the rest changes with each event. */
static struct fwh_record essence(const struct fwh_record *record)
{
	struct fwh_record armed = fwh_record_armed(record);
	struct fwh_event *ev = &armed.ev;

	memset(&armed.mark, 0, sizeof(armed.mark));
	ev->verbs = FWH_PREPARE;
	strcpy(ev->verb, "prepare");	/* there is room */
	ev->reqid = ev->spi[0] = ev->spi[1] = ev->unique_id = 0;
	ev->ipproto = 0;
	ev->encap_port = 0;
	ev->xauth_failed = ev->mobike_event = ev->going_away = false;
	ev->flags &= ~(unsigned int)(FWH_CONN_UP | FWH_CONN_ROUTE);
	return armed;
}

static bool is_saved(int dir, const char *name, const struct fwh_record *record)
{
	char was[FWH_RECORD_MAX] = "", is[FWH_RECORD_MAX] = "";
	fwh_autofd fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	FILE *f;

	if (fd < 0 || read(fd, was, sizeof(was) - 1) <= 0)
		return false;
	f = fmemopen(is, sizeof(is), "w");
	if (!f)
		return false;
	if (fwh_record_write(record, f) | fclose(f))
		return false;
	return !strcmp(was, is);
}

static int put(int dir, const char *name, const struct fwh_record *record)
{
	char staged[FWH_RECORD_NAME_MAX + 8];
	int code;

	if (is_saved(dir, name, record))
		return 0;
	snprintf(staged, sizeof(staged), ".%s.new", name);
	code = fwh_record_create(dir, staged, record);
	if (!code && renameat(dir, staged, dir, name))
		code = -errno;
	if (code)
		unlinkat(dir, staged, 0);
	else
		fsync(dir);
	return code;
}

int fwh_saved_set(const char *state_dir, const struct fwh_key *key,
		  const struct fwh_record *record, struct fwh_err *err)
{
	char path[FWH_PATH_MAX + NAME_MAX + 8], name[FWH_RECORD_NAME_MAX];
	fwh_autofd dir = open_folder(state_dir, record->armed, path,
				     sizeof(path));
	struct fwh_record saved = essence(record);
	int code = 0;

	fwh_record_name(key, name);
	if (dir < 0)
		code = dir;
	else if (record->armed)
		code = put(dir, name, &saved);
	else if (unlinkat(dir, name, 0))
		code = -errno;
	if (!code || (code == -ENOENT && !record->armed))
		return 0;
	return fwh_fail(err, code, "%s/%s: %s; the guard would not stand after "
			"a reboot", path, name, strerror(-code));
}

int fwh_saved_list(const char *state_dir,
		   void (*complain)(const struct fwh_err *err, void *arg),
		   void *arg, struct fwh_record **ret, size_t *ret_n,
		   struct fwh_err *err)
{
	char path[FWH_PATH_MAX + NAME_MAX + 8];
	fwh_autofd dir = open_folder(state_dir, false, path, sizeof(path));
	int code;

	*ret = NULL;
	*ret_n = 0;
	if (dir == -ENOENT)
		return 0;
	if (dir < 0)
		return fwh_fail(err, dir, "%s: %s", path, strerror(-dir));
	code = fwh_store_check_folder(dir, ".", path, err);
	return code ? code : fwh_records_list(dir, path, complain, arg, ret,
					      ret_n, err);
}

int fwh_saved_flush(const char *state_dir, struct fwh_err *err)
{
	char path[FWH_PATH_MAX + NAME_MAX + 8];
	fwh_autofd dir = open_folder(state_dir, false, path, sizeof(path));
	int code = dir == -ENOENT ? 0 : dir < 0 ? dir : fwh_records_remove(dir);

	return code ? fwh_fail(err, code, "%s: %s; these guards would stand "
			       "again after a reboot", path, strerror(-code)) : 0;
}
