// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * landlock.c - which files there are for us, from Linux 5.13 on; no C library has
 * names for these calls.  What a later version of Landlock knows besides is not
 * asked for: truncate() and ioctl() on devices are the filter's, and to rename
 * from one folder to another is always refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "landlock.h"

#if defined(__NR_landlock_create_ruleset) && __has_include(<linux/landlock.h>)

#include <linux/landlock.h>

#define READ_RIGHTS	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FILE_RIGHTS	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)
#define WRITE_RIGHTS	(READ_RIGHTS | FILE_RIGHTS | \
			 LANDLOCK_ACCESS_FS_REMOVE_DIR | \
			 LANDLOCK_ACCESS_FS_REMOVE_FILE | \
			 LANDLOCK_ACCESS_FS_MAKE_DIR | \
			 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SYM)
/* All of the first version. */
#define ALL_RIGHTS	(WRITE_RIGHTS | LANDLOCK_ACCESS_FS_EXECUTE | \
			 LANDLOCK_ACCESS_FS_MAKE_CHAR | \
			 LANDLOCK_ACCESS_FS_MAKE_SOCK | \
			 LANDLOCK_ACCESS_FS_MAKE_FIFO | \
			 LANDLOCK_ACCESS_FS_MAKE_BLOCK)

int landlock_begin(void)
{
	/* Later kernels have more in it, which is 0 then. */
	const uint64_t handled = ALL_RIGHTS;

	return (int)syscall(__NR_landlock_create_ruleset, &handled,
			    sizeof(handled), 0);
}

void landlock_add_fd(int set, int fd, enum landlock_right right)
{
	static const uint64_t rights[] = {
		[LANDLOCK_READ] = READ_RIGHTS,
		[LANDLOCK_WRITE] = WRITE_RIGHTS,
		[LANDLOCK_FILE] = FILE_RIGHTS,
	};
	struct landlock_path_beneath_attr beneath = {
		.allowed_access = rights[right], .parent_fd = fd,
	};

	if (set < 0 || fd < 0 ||
	    !syscall(__NR_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH,
		     &beneath, 0) || errno != EINVAL)
		return;
	/* A file has fewer. */
	beneath.allowed_access &= FILE_RIGHTS;
	syscall(__NR_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH,
		&beneath, 0);
}

int landlock_end(int set)
{
	int code = 0;

	if (set < 0)
		return 0;
	if (syscall(__NR_landlock_restrict_self, set, 0))
		code = -errno;
	close(set);
	return code;
}

#else

int landlock_begin(void)
{
	return -1;
}

void landlock_add_fd(int set, int fd, enum landlock_right right)
{
	(void)set;
	(void)fd;
	(void)right;
}

int landlock_end(int set)
{
	(void)set;
	return 0;
}

#endif

bool landlock_add(int set, const char *path, enum landlock_right right)
{
	int fd = set < 0 ? -1 : open(path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return false;
	landlock_add_fd(set, fd, right);
	close(fd);
	return true;
}
