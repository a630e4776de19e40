// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dns_file.c - resolv.conf with our lines and without, never half of them: as another
 * file in the place of the first, with its owner, mode and labels, or in place where
 * that cannot be.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "dns.h"

#define CONF_MAX	65536
#define LABEL_MAX	4096
#define TRIES		3

static int fail(int code, struct fwh_err *err)
{
	return fwh_fail(err, code, FWH_RESOLV_CONF ": %s; dns in "
			"ipsec-fw.conf(5) says who else can do it",
			strerror(-code));
}

/* The whole, malloc'ed. */
static int read_all(int fd, char **ret, size_t *ret_n)
{
	fwh_autofree char *text = malloc(CONF_MAX);
	ssize_t n = text ? read(fd, text, CONF_MAX) : 0;

	if (!text)
		return -ENOMEM;
	if (n < 0)
		return -errno;
	if (n == CONF_MAX)
		return -EFBIG;
	*ret = fwh_steal(text);
	*ret_n = (size_t)n;
	return 0;
}

/* ---- another file in its place ------------------------------------------------------- */

static int copy_label(int from, int to, const char *name)
{
	char label[LABEL_MAX];
	ssize_t n = fgetxattr(from, name, label, sizeof(label));

	if (n < 0)
		return errno == ENODATA || errno == ENOTSUP ? 0 : -errno;
	return fsetxattr(to, name, label, (size_t)n, 0) ? -errno : 0;
}

/* All that others see of it but its times.  pluto's children may not give files
 * away. */
static int copy_metadata(int from, const struct stat *was, int to)
{
	struct stat is;
	int code;

	if (fstat(to, &is))
		return -errno;
	if (was->st_nlink > 1)
		return -EMLINK;
	if ((was->st_uid != is.st_uid || was->st_gid != is.st_gid) &&
	    fchown(to, was->st_uid, was->st_gid))
		return -errno;
	if (fchmod(to, was->st_mode & 07777))
		return -errno;
	code = copy_label(from, to, "security.selinux");
	return code ? code : copy_label(from, to, "system.posix_acl_access");
}

static int write_all(int fd, const char *text, size_t n)
{
	ssize_t written = write(fd, text, n);

	if (written < 0)
		return -errno;
	return (size_t)written == n ? 0 : -ENOSPC;
}

/* Is it no longer the file that was read, or was it written since? */
static bool is_stale(const char *path, const struct stat *was)
{
	struct stat is;

	return stat(path, &is) || was->st_dev != is.st_dev ||
	       was->st_ino != is.st_ino || was->st_size != is.st_size ||
	       was->st_mtim.tv_sec != is.st_mtim.tv_sec ||
	       was->st_mtim.tv_nsec != is.st_mtim.tv_nsec;
}

static int replace(const char *path, int from, const struct stat *was,
		   const char *text, size_t n)
{
	char staged[4096 + 16];
	const char *base = strrchr(path, '/') + 1;
	int fd, code;

	snprintf(staged, sizeof(staged), "%.*s.%s.ipsec-fw", (int)(base - path),
		 path, base);
	unlink(staged);			/* a killed call's */
	fd = open(staged, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		  0600);
	if (fd < 0)
		return -errno;
	code = write_all(fd, text, n);
	if (!code)
		code = copy_metadata(from, was, fd);
	if (!code && fsync(fd))
		code = -errno;
	if (close(fd) && !code)
		code = -errno;
	if (!code && is_stale(path, was))
		code = -EAGAIN;
	if (!code && rename(staged, path))
		code = -errno;
	if (code)
		unlink(staged);
	return code;
}

/* ---- in place ----------------------------------------------------------------------------- */

/* A container's file is a mount, and a folder may be nobody's to write in.  One
 * write, and what is longer than the new text is empty lines in it before it is cut
 * off: whenever we are killed, the file makes sense. */
static int overwrite(const char *path, const char *text, size_t n,
		     const char *before, size_t n_before)
{
	fwh_autofd fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	size_t size = n > n_before ? n : n_before;
	fwh_autofree char *padded = malloc(size + 1);
	int code;

	if (fd < 0 || !padded)
		return fd < 0 ? -errno : -ENOMEM;
	memcpy(padded, text, n);
	memset(padded + n, '\n', size - n);
	code = write_all(fd, padded, size);
	if (code) {
		/* What was there has its room. */
		if (lseek(fd, 0, SEEK_SET) ||
		    write_all(fd, before, n_before) ||
		    ftruncate(fd, (off_t)n_before))
			return -EIO;
		return code;
	}
	return size > n && ftruncate(fd, (off_t)n) ? -errno : 0;
}

/* ---- both ----------------------------------------------------------------------------------- */

static bool is_full(int code)
{
	return code == -ENOSPC || code == -EDQUOT || code == -EFBIG ||
	       code == -EIO || code == -ENOMEM;
}

static int change(const char *path, int from, const struct stat *was,
		  const char *state)
{
	fwh_autofree char *before = NULL, *after = NULL;
	size_t n_before = 0, n = 0;
	int code = read_all(from, &before, &n_before);

	if (!code)
		code = fwh_dns_blocks_put(before, n_before, state, &after, &n);
	if (code || (n == n_before && (!n || !memcmp(before, after, n))))
		return code;
	code = replace(path, from, was, after, n);
	if (code && code != -EAGAIN && !is_full(code))
		code = overwrite(path, after, n, before, n_before);
	return code;
}

/* Once more where somebody wrote at the same time. */
static int open_and_change(const char *path, const char *state)
{
	int tries, code = -EAGAIN;
	struct stat st;

	for (tries = 0; tries < TRIES && code == -EAGAIN; tries++) {
		fwh_autofd fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY |
				     O_NONBLOCK);

		if (fd < 0)
			return -errno;
		if (fstat(fd, &st) || !S_ISREG(st.st_mode))
			return -EINVAL;
		code = change(path, fd, &st, state);
	}
	return code;
}

/* Where there is no file, nothing of ours is in it. */
static int write_file(const struct fwh_dns_object *object, bool again,
		      struct fwh_err *err)
{
	char path[4096];		/* PATH_MAX */
	int code;

	(void)again;
	if (!realpath(FWH_RESOLV_CONF, path))
		return errno == ENOENT && !*object->state ? 0 : fail(-errno, err);
	code = open_and_change(path, object->state);
	return code ? fail(code, err) : 0;
}

const struct fwh_dns_hand fwh_dns_file = { NULL, write_file };
