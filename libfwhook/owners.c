// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * owners.c - whose is what several connections share, as folders of symbolic
 * links; see ip.h.  Knows nothing of what it is.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "ip.h"

#define BEFORE_MAX	65536
#define HELD		".held"
#define BEFORE		".before"

/* ---- folders ----------------------------------------------------------------- */

/* A folder of the store, made if need be.  Returns a descriptor or an errno. */
static int open_sub(int at, const char *name, bool make)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC |
			O_NOFOLLOW);

	if (fd >= 0 || errno != ENOENT || !make)
		return fd < 0 ? -errno : fd;
	return mkdirat(at, name, 0700) ? -errno : open_sub(at, name, false);
}

static int fail_at(struct fwh_store *store, const char *name, int code,
		   struct fwh_err *err)
{
	return fwh_fail(err, code, "%s/%s: %s", fwh_store_path(store), name,
			strerror(-code));
}

static int open_object(struct fwh_store *store, const char *object, bool make)
{
	char path[FWH_IP_NAME_MAX + 8];
	int fd;

	snprintf(path, sizeof(path), "shared/%s", object);
	fd = open_sub(fwh_store_dir(store), path, false);
	if (fd != -ENOENT || !make)
		return fd;
	fd = open_sub(fwh_store_dir(store), "shared", true);
	fwh_close_fd(&fd);
	return open_sub(fwh_store_dir(store), path, true);
}

/* The names in a folder that don't begin with a dot, malloc'ed as arrays of this
 * size; longer ones are nobody's. */
static int list_names(int dir, const char *prefix, size_t size, void *ret,
		      size_t *ret_n)
{
	int fd = fcntl(dir, F_DUPFD_CLOEXEC, 3);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	char *names = NULL;
	size_t n = 0, cap = 0;
	struct dirent *entry;
	int code = 0;

	if (!stream) {
		code = -errno;
		fwh_close_fd(&fd);
		return code;
	}
	rewinddir(stream);	/* the descriptor is shared */
	while (!code && (entry = readdir(stream))) {
		if (*entry->d_name == '.' || strlen(entry->d_name) >= size ||
		    strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
			continue;
		if (fwh_grow(&names, n, &cap, size))
			strcpy(names + n++ * size, entry->d_name);
		else
			code = -ENOMEM;
	}
	closedir(stream);
	if (code) {
		free(names);
		return code;
	}
	memcpy(ret, &names, sizeof(names));
	*ret_n = n;
	return 0;
}

/* A symbolic link, in place of another. */
static int put_link(int dir, const char *name, const char *text)
{
	char staged[FWH_IP_NAME_MAX + 8];

	snprintf(staged, sizeof(staged), ".%s.new", name);
	if (symlinkat(text, dir, staged)) {
		if (errno != EEXIST)
			return -errno;
		unlinkat(dir, staged, 0);	/* a killed call's */
		if (symlinkat(text, dir, staged))
			return -errno;
	}
	return renameat(dir, staged, dir, name) ? -errno : 0;
}

static int get_link(int dir, const char *name, char *ret, size_t size)
{
	ssize_t n = readlinkat(dir, name, ret, size);

	if (n < 0)
		return -errno;
	if ((size_t)n == size)
		return -EBADMSG;
	ret[n] = '\0';
	return 0;
}

static int remove_name(int dir, const char *name)
{
	return unlinkat(dir, name, 0) && errno != ENOENT ? -errno : 0;
}

/* ---- owners ---------------------------------------------------------------------- */

struct dated {
	struct fwh_owner owner;
	uint64_t when;
};

/* "WHEN LEVEL VARIANT" */
static int read_owner(int dir, const char *name, struct dated *ret)
{
	char text[FWH_VARIANT_MAX + 32], *level, *variant;
	uint64_t n;
	int code = get_link(dir, name, text, sizeof(text));

	if (code)
		return code;
	level = strchr(text, ' ');
	variant = level ? strchr(level + 1, ' ') : NULL;
	if (!variant || strlen(variant + 1) >= FWH_VARIANT_MAX ||
	    strlen(name) >= FWH_RECORD_NAME_MAX)
		return -EBADMSG;
	*level++ = *variant++ = '\0';
	if (fwh_number_parse(text, false, UINT64_MAX, &ret->when) ||
	    fwh_number_parse(level, false, 7, &n))
		return -EBADMSG;
	ret->owner.level = (unsigned int)n;
	strcpy(ret->owner.name, name);		/* lengths were checked */
	strcpy(ret->owner.variant, variant);
	return 0;
}

static int by_age(const void *a, const void *b)
{
	const struct dated *x = a, *y = b;

	return x->when < y->when ? -1 : x->when > y->when;
}

/* Those that can be read, the oldest first. */
static int read_owners(int dir, struct dated **ret, size_t *ret_n)
{
	fwh_autofree char (*names)[FWH_RECORD_NAME_MAX] = NULL;
	struct dated *list;
	size_t n, i, m = 0;
	int code = list_names(dir, "", sizeof(*names), &names, &n);

	if (code)
		return code;
	list = calloc(n + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		if (!read_owner(dir, names[i], &list[m]))
			m++;
	qsort(list, m, sizeof(*list), by_age);
	*ret = list;
	*ret_n = m;
	return 0;
}

int fwh_object_owners(struct fwh_store *store, const char *object,
		      struct fwh_owner **ret, size_t *ret_n,
		      struct fwh_err *err)
{
	fwh_autofree struct dated *dated = NULL;
	fwh_autofd dir = open_object(store, object, false);
	struct fwh_owner *owners;
	size_t n = 0, i;
	int code = dir < 0 ? dir : read_owners(dir, &dated, &n);

	if (code && code != -ENOENT)
		return fail_at(store, object, code, err);
	owners = calloc(n + 1, sizeof(*owners));
	if (!owners)
		return fwh_fail(err, -ENOMEM, "out of memory");
	for (i = 0; i < n; i++)
		owners[i] = dated[i].owner;
	*ret = owners;
	*ret_n = n;
	return 0;
}

int fwh_object_owner(struct fwh_store *store, const char *object,
		     const char *owner, struct fwh_owner *ret)
{
	fwh_autofd dir = open_object(store, object, false);
	struct dated dated;
	int code = dir < 0 ? dir : read_owner(dir, owner, &dated);

	if (!code)
		*ret = dated.owner;
	return code;
}

/* Monotonic, as long as the run directory lives. */
static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

int fwh_object_claim(struct fwh_store *store, const char *object,
		     const struct fwh_owner *owner, struct fwh_err *err)
{
	fwh_autofd dir = open_object(store, object, true);
	char text[FWH_VARIANT_MAX + 32];
	struct dated was;
	uint64_t when = now();
	int code;

	if (dir < 0)
		return fail_at(store, object, dir, err);
	if (!read_owner(dir, owner->name, &was) &&
	    !strcmp(was.owner.variant, owner->variant)) {
		if (was.owner.level == owner->level)
			return 0;
		when = was.when;
	}
	snprintf(text, sizeof(text), "%" PRIu64 " %u %s", when, owner->level,
		 owner->variant);
	code = put_link(dir, owner->name, text);
	return code ? fail_at(store, object, code, err) : 0;
}

int fwh_object_release(struct fwh_store *store, const char *object,
		       const char *owner, struct fwh_err *err)
{
	fwh_autofd dir = open_object(store, object, false);
	int code = dir < 0 ? dir : remove_name(dir, owner);

	return code && code != -ENOENT ? fail_at(store, object, code, err) : 0;
}

/* ---- what holds, and what was before ------------------------------------------------ */

/* Nobody has it: the folder goes, with what nobody can read. */
static int remove_object(struct fwh_store *store, const char *object)
{
	fwh_autofd shared = open_sub(fwh_store_dir(store), "shared", false);
	fwh_autofd dir = shared < 0 ? -1 : open_sub(shared, object, false);

	if (dir < 0)
		return 0;		/* it never was */
	remove_name(dir, HELD);
	remove_name(dir, BEFORE);
	return unlinkat(shared, object, AT_REMOVEDIR) ? -errno : 0;
}

int fwh_object_set_held(struct fwh_store *store, const char *object,
			const char *variant, struct fwh_err *err)
{
	fwh_autofd dir = -1;
	int code;

	if (!variant) {
		code = remove_object(store, object);
		return code ? fail_at(store, object, code, err) : 0;
	}
	dir = open_object(store, object, true);
	code = dir < 0 ? dir : put_link(dir, HELD, variant);
	return code ? fail_at(store, object, code, err) : 0;
}

int fwh_object_held(struct fwh_store *store, const char *object,
		    char ret[FWH_VARIANT_MAX])
{
	fwh_autofd dir = open_object(store, object, false);

	return dir < 0 || get_link(dir, HELD, ret, FWH_VARIANT_MAX) ?
	       -ENOENT : 0;
}

/* Bytes from a file, malloc'ed. */
static int read_file(int dir, const char *name, struct fwh_before *ret)
{
	fwh_autofd fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	fwh_autofree char *data = fd < 0 ? NULL : malloc(BEFORE_MAX);
	ssize_t n;

	if (fd < 0)
		return -errno;
	if (!data)
		return -ENOMEM;
	n = read(fd, data, BEFORE_MAX);
	if (n < 0)
		return -errno;
	if (n == BEFORE_MAX)
		return -EBADMSG;
	data[n] = '\0';
	ret->n = (size_t)n;
	ret->data = fwh_steal(data);
	return 0;
}

/* A file in place of another. */
static int write_file(int dir, const char *name, const void *data, size_t n)
{
	char staged[FWH_IP_NAME_MAX + 8];
	int fd, code = 0;

	snprintf(staged, sizeof(staged), ".%s.new", name);
	unlinkat(dir, staged, 0);
	fd = openat(dir, staged, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC |
		    O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	errno = ENOSPC;
	if (write(fd, data, n) != (ssize_t)n)
		code = -errno;
	if (close(fd) && !code)
		code = -errno;
	if (!code && renameat(dir, staged, dir, name))
		code = -errno;
	if (code)
		unlinkat(dir, staged, 0);
	return code;
}

int fwh_object_before(struct fwh_store *store, const char *object,
		      struct fwh_before *ret, struct fwh_err *err)
{
	fwh_autofd dir = open_object(store, object, false);
	int code;

	memset(ret, 0, sizeof(*ret));
	code = dir < 0 ? dir : read_file(dir, BEFORE, ret);
	return code && code != -ENOENT ? fail_at(store, object, code, err) : 0;
}

int fwh_object_set_before(struct fwh_store *store, const char *object,
			  const struct fwh_before *before, struct fwh_err *err)
{
	fwh_autofd dir = open_object(store, object, true);
	int code = dir < 0 ? dir : !before->data ? remove_name(dir, BEFORE) :
		   write_file(dir, BEFORE, before->data, before->n);

	return code ? fail_at(store, object, code, err) : 0;
}

int fwh_objects_list(struct fwh_store *store, const char *prefix,
		     char (**ret)[FWH_IP_NAME_MAX], size_t *ret_n,
		     struct fwh_err *err)
{
	fwh_autofd dir = open_sub(fwh_store_dir(store), "shared", true);
	int code = dir < 0 ? dir : list_names(dir, prefix, sizeof(**ret), ret,
					      ret_n);

	return code ? fail_at(store, "shared", code, err) : 0;
}

/* ---- what a connection has ------------------------------------------------------------ */

/* The first line is "LEVEL PID START CONNECTION", each other an object. */
static int parse_owned(char *text, struct fwh_owned *ret)
{
	char *line = strchr(text, '\n'), *word = text, *end;
	uint64_t n[3];
	int i;

	if (!line)
		return -EBADMSG;
	*line++ = '\0';
	for (i = 0; i < 3; i++) {
		end = strchr(word, ' ');
		if (!end)
			return -EBADMSG;
		*end = '\0';
		if (fwh_number_parse(word, false, UINT64_MAX, &n[i]))
			return -EBADMSG;
		word = end + 1;
	}
	if (n[0] > 7 || n[1] > INT32_MAX || strlen(word) >= sizeof(ret->conn))
		return -EBADMSG;
	ret->level = (unsigned int)n[0];
	ret->daemon.pid = (pid_t)n[1];
	ret->daemon.start = n[2];
	strcpy(ret->conn, word);		/* the length was checked */
	for (; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		if (strlen(line) >= FWH_IP_NAME_MAX || strchr(line, '/') ||
		    *line == '.' || !*line)
			return -EBADMSG;
		if (fwh_owned_add(ret, line))
			return -ENOMEM;
	}
	return 0;
}

int fwh_owned_read(struct fwh_store *store, const char *owner,
		   struct fwh_owned *ret, struct fwh_err *err)
{
	fwh_autofd dir = open_sub(fwh_store_dir(store), "owners", false);
	struct fwh_before file = { .data = NULL };
	int code = dir < 0 ? dir : read_file(dir, owner, &file);

	memset(ret, 0, sizeof(*ret));
	if (!code)
		code = parse_owned(file.data, ret);
	free(file.data);
	/* What a damaged file said comes with the next event. */
	if (code == -ENOENT || code == -EBADMSG) {
		fwh_owned_free(ret);
		code = 0;
	}
	if (code) {
		fwh_owned_free(ret);
		return fail_at(store, owner, code, err);
	}
	snprintf(ret->owner, sizeof(ret->owner), "%s", owner);
	return 0;
}

int fwh_owned_write(struct fwh_store *store, const struct fwh_owned *owned,
		    struct fwh_err *err)
{
	bool nothing = !owned->level && !owned->n;
	fwh_autofd dir = open_sub(fwh_store_dir(store), "owners", !nothing);
	fwh_autofree char *text = NULL;
	size_t n = 0, i;
	FILE *f;
	int code;

	if (dir < 0 || nothing) {
		code = dir < 0 ? dir : remove_name(dir, owned->owner);
		return code && !(nothing && code == -ENOENT) ?
		       fail_at(store, owned->owner, code, err) : 0;
	}
	f = open_memstream(&text, &n);
	if (!f)
		return fwh_fail(err, -ENOMEM, "out of memory");
	fprintf(f, "%u %d %llu %s\n", owned->level, (int)owned->daemon.pid,
		owned->daemon.start, owned->conn);
	for (i = 0; i < owned->n; i++)
		fprintf(f, "%s\n", owned->objects[i]);
	if (fclose(f))
		return fwh_fail(err, -ENOMEM, "out of memory");
	code = write_file(dir, owned->owner, text, n);
	return code ? fail_at(store, owned->owner, code, err) : 0;
}

int fwh_owned_add(struct fwh_owned *owned, const char *object)
{
	if (!fwh_grow(&owned->objects, owned->n, &owned->cap,
		      sizeof(*owned->objects)))
		return -ENOMEM;
	snprintf(owned->objects[owned->n++], FWH_IP_NAME_MAX, "%s", object);
	return 0;
}

void fwh_owned_free(struct fwh_owned *owned)
{
	free(owned->objects);
	memset(owned, 0, sizeof(*owned));
}

int fwh_owned_list(struct fwh_store *store,
		   char (**ret)[FWH_RECORD_NAME_MAX], size_t *ret_n,
		   struct fwh_err *err)
{
	fwh_autofd dir = open_sub(fwh_store_dir(store), "owners", true);
	int code = dir < 0 ? dir : list_names(dir, "", sizeof(**ret), ret,
					      ret_n);

	return code ? fail_at(store, "owners", code, err) : 0;
}
