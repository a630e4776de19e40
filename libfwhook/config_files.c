// SPDX-License-Identifier: GPL-2.0-or-later
/* config_files.c - files and folders: which are safe, and in which order. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "config.h"

#define FILE_SIZE_MAX	(1 << 20)

static int check_safe(int fd, const char *path, mode_t type,
		      struct fwh_err *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return fwh_fail(err, -errno, "%s: %s", path, strerror(errno));
	if ((st.st_mode & S_IFMT) != type)
		return fwh_fail(err, -EINVAL, "%s: not a %s", path,
				type == S_IFREG ? "regular file" : "folder");
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return fwh_fail(err, -EPERM, "%s: belongs to user %u; chown "
				"root %s", path, (unsigned int)st.st_uid, path);
	if (st.st_mode & 022)
		return fwh_fail(err, -EPERM, "%s: others can write it; chmod "
				"go-w %s", path, path);
	if (type == S_IFREG && st.st_size > FILE_SIZE_MAX)
		return fwh_fail(err, -EFBIG, "%s: larger than 1 MiB", path);
	return 0;
}

/* Who can write there can put another file in its place, but not where the sticky
 * bit keeps everybody's own.  What somebody tries as a user is his own matter. */
static int check_folder_of(const char *file, struct fwh_err *err)
{
	const char *slash = strrchr(file, '/');
	char path[FWH_PATH_MAX] = ".";
	struct stat st;

	if (geteuid() || strlen(file) >= sizeof(path))
		return 0;
	if (slash)
		snprintf(path, sizeof(path), "%.*s",
			 slash == file ? 1 : (int)(slash - file), file);
	if (stat(path, &st))
		return fwh_fail(err, -errno, "%s: %s", path, strerror(errno));
	if (st.st_uid)
		return fwh_fail(err, -EPERM, "%s: belongs to user %u; chown "
				"root %s", path, (unsigned int)st.st_uid, path);
	if (st.st_mode & 022 && !(st.st_mode & S_ISVTX))
		return fwh_fail(err, -EPERM, "%s: others can write it; chmod "
				"go-w %s", path, path);
	return 0;
}

static int read_whole(int fd, const char *path, char **ret, size_t *ret_n,
		      struct fwh_err *err)
{
	size_t n = 0, cap = 4096;
	char *text = malloc(cap);

	while (text) {
		ssize_t got = read(fd, text + n, cap - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 || n > FILE_SIZE_MAX) {
			int code = got < 0 ? -errno : -EFBIG;

			free(text);
			return fwh_fail(err, code, "%s: %s", path,
					code == -EFBIG ? "larger than 1 MiB" :
							 strerror(-code));
		}
		if (!got)
			break;
		n += (size_t)got;
		if (n == cap) {
			char *more = realloc(text, cap *= 2);

			if (!more)
				free(text);
			text = more;
		}
	}
	if (!text)
		return fwh_fail(err, -ENOMEM, "out of memory");
	*ret = text;
	*ret_n = n;
	return 0;
}

static int add_path(struct fwh_config *config, const char *path,
		    struct fwh_err *err)
{
	char (*paths)[FWH_PATH_MAX];

	if (strlen(path) >= sizeof(*paths))
		return fwh_fail(err, -ENAMETOOLONG, "%s: the path is too long",
				path);
	paths = reallocarray(config->paths, config->n_paths + 1,
			     sizeof(*paths));
	if (!paths)
		return fwh_fail(err, -ENOMEM, "out of memory");
	config->paths = paths;
	strcpy(paths[config->n_paths++], path);	/* the length was checked */
	return 0;
}

/* name is relative to the folder at; path is for messages. */
static int load_file(struct fwh_config *config, int at, const char *name,
		     const char *path, struct fwh_err *err)
{
	fwh_autofd fd = openat(at, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	fwh_autofree char *text = NULL;
	size_t n = 0;
	int code;

	if (fd < 0)
		return fwh_fail(err, -errno, "%s: %s", path, strerror(errno));
	code = check_safe(fd, path, S_IFREG, err);
	if (!code)
		code = add_path(config, path, err);
	if (!code)
		code = read_whole(fd, path, &text, &n, err);
	return code ? code : fwh_config_read_text(config, text, n, err);
}

/* A link to nowhere is there, and a mistake. */
static bool is_missing(const char *path)
{
	struct stat st;

	return lstat(path, &st) && errno == ENOENT;
}

int fwh_config_read_file(struct fwh_config *config, const char *path,
			 bool optional, struct fwh_err *err)
{
	int code;

	if (optional && is_missing(path))
		return 0;
	code = optional ? check_folder_of(path, err) : 0;
	return code ? code : load_file(config, AT_FDCWD, path, path, err);
}

static int is_conf_file(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return *entry->d_name != '.' && n > 5 &&
	       !strcmp(entry->d_name + n - 5, ".conf");
}

/* Bytes, whatever the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_entry(struct fwh_config *config, int at, const char *dir,
		      const char *name, struct fwh_err *err)
{
	char path[FWH_PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s", dir, name);

	if (n < 0 || (size_t)n >= sizeof(path))
		return fwh_fail(err, -ENAMETOOLONG, "%s/%s: the path is too "
				"long", dir, name);
	return load_file(config, at, name, path, err);
}

int fwh_config_read_folder(struct fwh_config *config, const char *dir,
			   struct fwh_err *err)
{
	fwh_autofd fd = -1;
	struct dirent **entries;
	int n, i, code;

	if (is_missing(dir))
		return 0;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fwh_fail(err, -errno, "%s: %s", dir, strerror(errno));
	code = check_safe(fd, dir, S_IFDIR, err);
	if (code)
		return code;
	n = scandir(dir, &entries, is_conf_file, by_name);
	if (n < 0)
		return fwh_fail(err, -errno, "%s: %s", dir, strerror(errno));
	for (i = 0; i < n; i++) {
		if (!code)
			code = fwh_finding(config, load_entry(config, fd, dir,
						entries[i]->d_name, err), err);
		free(entries[i]);
	}
	free(entries);
	return code;
}
