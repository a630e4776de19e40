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

/* "shared/OBJECT/NAME", or of the folder itself, whose name is ""; and, staged,
 * ".NAME.new" there. */
#define PATH_MAX_HERE	(FWH_IP_NAME_MAX + FWH_RECORD_NAME_MAX + 24)

static void path_of(const char *object, const char *name, char ret[PATH_MAX_HERE])
{
	snprintf(ret, PATH_MAX_HERE, "shared/%s%s%s", object, *name ? "/" : "",
		 name);
}

static void staged_path(const char *object, const char *name,
			char ret[PATH_MAX_HERE])
{
	snprintf(ret, PATH_MAX_HERE, "shared/%s/.%s.new", object, name);
}

static int make_folder(struct fwh_store *store, const char *path)
{
	return mkdirat(fwh_store_dir(store), path, 0700) && errno != EEXIST ?
	       -errno : 0;
}

static int make_object(struct fwh_store *store, const char *object)
{
	char path[PATH_MAX_HERE];
	int code;

	path_of(object, "", path);
	code = make_folder(store, path);
	if (code != -ENOENT)
		return code;
	code = make_folder(store, "shared");
	return code ? code : make_folder(store, path);
}

static int fail_at(struct fwh_store *store, const char *name, int code,
		   struct fwh_err *err)
{
	return fwh_fail(err, code, "%s/%s: %s", fwh_store_path(store), name,
			strerror(-code));
}

/* The names in a folder that don't begin with a dot, malloc'ed as arrays of this
 * size; longer ones are nobody's. */
static int list_names(struct fwh_store *store, const char *path,
		      const char *prefix, size_t size, void *ret, size_t *ret_n)
{
	DIR *stream = fwh_open_stream(fwh_store_dir(store), path);
	char *names = NULL;
	size_t n = 0, cap = 0;
	struct dirent *entry;
	int code = 0;

	if (!stream)
		return -errno;
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

/* A symbolic link in place of one that is there.  What is staged under this name a
 * killed call has left. */
static int replace_link(int dir, const char *path, const char *staged,
			const char *text)
{
	unlinkat(dir, staged, 0);
	return symlinkat(text, dir, staged) ||
	       renameat(dir, staged, dir, path) ? -errno : 0;
}

static int make_link(int dir, const char *path, const char *text)
{
	return symlinkat(text, dir, path) ? -errno : 0;
}

/* A symbolic link of an object's, which is there with all of its text or not at
 * all. */
static int put_link(struct fwh_store *store, const char *object,
		    const char *name, const char *text)
{
	char staged[PATH_MAX_HERE], path[PATH_MAX_HERE];
	int dir = fwh_store_dir(store), code;

	path_of(object, name, path);
	code = make_link(dir, path, text);
	if (code == -ENOENT) {
		code = make_object(store, object);
		if (!code)
			code = make_link(dir, path, text);
	}
	if (code != -EEXIST)
		return code;
	staged_path(object, name, staged);
	return replace_link(dir, path, staged, text);
}

static int get_link(struct fwh_store *store, const char *object,
		    const char *name, char *ret, size_t size)
{
	char path[PATH_MAX_HERE];
	ssize_t n;

	path_of(object, name, path);
	n = readlinkat(fwh_store_dir(store), path, ret, size);
	if (n < 0)
		return -errno;
	if ((size_t)n == size)
		return -EBADMSG;
	ret[n] = '\0';
	return 0;
}

static int remove_path(struct fwh_store *store, const char *path)
{
	return unlinkat(fwh_store_dir(store), path, 0) && errno != ENOENT ?
	       -errno : 0;
}

static int remove_name(struct fwh_store *store, const char *object,
		       const char *name)
{
	char path[PATH_MAX_HERE];

	path_of(object, name, path);
	return remove_path(store, path);
}

/* ---- owners ---------------------------------------------------------------------- */

struct dated {
	struct fwh_owner owner;
	uint64_t when;
};

/* "WHEN VARIANT" */
static int read_owner(struct fwh_store *store, const char *object,
		      const char *name, struct dated *ret)
{
	char text[FWH_VARIANT_MAX + 32], *variant;
	int code = get_link(store, object, name, text, sizeof(text));

	if (code)
		return code;
	variant = strchr(text, ' ');
	if (!variant || strlen(variant + 1) >= FWH_VARIANT_MAX ||
	    strlen(name) >= FWH_RECORD_NAME_MAX)
		return -EBADMSG;
	*variant++ = '\0';
	if (fwh_number_parse(text, false, UINT64_MAX, &ret->when))
		return -EBADMSG;
	strcpy(ret->owner.name, name);		/* lengths were checked */
	strcpy(ret->owner.variant, variant);
	return 0;
}

int fwh_object_owners(struct fwh_store *store, const char *object,
		      char (**ret)[FWH_RECORD_NAME_MAX], size_t *ret_n,
		      struct fwh_err *err)
{
	char path[PATH_MAX_HERE];
	int code;

	path_of(object, "", path);
	*ret = NULL;
	*ret_n = 0;
	code = list_names(store, path, "", sizeof(**ret), ret, ret_n);
	return code && code != -ENOENT ? fail_at(store, object, code, err) : 0;
}

/* Is it the one who decides, or the newest up to here? */
static bool decides(const struct dated *owner, const char *held,
		    uint64_t newest, char ret[FWH_VARIANT_MAX])
{
	bool holds = !strcmp(owner->owner.variant, held);

	if (holds || owner->when >= newest)
		strcpy(ret, owner->owner.variant);	/* of one size */
	return holds;
}

int fwh_object_next(struct fwh_store *store, const char *object,
		    const char *held, fwh_owner_goes *goes, const void *arg,
		    char ret[FWH_VARIANT_MAX], struct fwh_err *err)
{
	char path[PATH_MAX_HERE];
	struct dirent *entry;
	struct dated owner;
	uint64_t newest = 0;
	DIR *stream;

	*ret = '\0';
	path_of(object, "", path);
	stream = fwh_open_stream(fwh_store_dir(store), path);
	if (!stream)
		return errno == ENOENT ? 0 : fail_at(store, object, -errno, err);
	while ((entry = readdir(stream))) {
		if (*entry->d_name == '.' ||
		    (goes && goes(entry->d_name, arg)) ||
		    read_owner(store, object, entry->d_name, &owner))
			continue;
		if (decides(&owner, held, newest, ret))
			break;
		if (owner.when > newest)
			newest = owner.when;
	}
	closedir(stream);
	return 0;
}

int fwh_object_owner(struct fwh_store *store, const char *object,
		     const char *owner, struct fwh_owner *ret)
{
	struct dated dated;
	int code = read_owner(store, object, owner, &dated);

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
	char text[FWH_VARIANT_MAX + 32];
	struct dated was;
	int code;

	if (!read_owner(store, object, owner->name, &was) &&
	    !strcmp(was.owner.variant, owner->variant))
		return 0;
	snprintf(text, sizeof(text), "%" PRIu64 " %s", now(), owner->variant);
	code = put_link(store, object, owner->name, text);
	return code ? fail_at(store, object, code, err) : 0;
}

int fwh_object_release(struct fwh_store *store, const char *object,
		       const char *owner, struct fwh_err *err)
{
	int code = remove_name(store, object, owner);

	return code ? fail_at(store, object, code, err) : 0;
}

/* ---- what holds, and what was before ------------------------------------------------ */

/* What killed calls have staged keeps a folder. */
static void remove_staged(struct fwh_store *store, const char *path)
{
	DIR *stream = fwh_open_stream(fwh_store_dir(store), path);
	struct dirent *entry;

	if (!stream)
		return;
	while ((entry = readdir(stream)))
		if (*entry->d_name == '.')
			unlinkat(dirfd(stream), entry->d_name, 0);
	closedir(stream);
}

/* Nobody has it: the folder goes, with what nobody can read. */
static int remove_object(struct fwh_store *store, const char *object)
{
	char path[PATH_MAX_HERE];
	int dir = fwh_store_dir(store);

	remove_name(store, object, HELD);
	remove_name(store, object, BEFORE);
	path_of(object, "", path);
	if (!unlinkat(dir, path, AT_REMOVEDIR))
		return 0;
	if (errno == ENOTEMPTY) {
		remove_staged(store, path);
		if (!unlinkat(dir, path, AT_REMOVEDIR))
			return 0;
	}
	return errno != ENOENT ? -errno : 0;
}

int fwh_object_set_held(struct fwh_store *store, const char *object,
			const char *variant, struct fwh_err *err)
{
	int code = variant ? put_link(store, object, HELD, variant) :
			     remove_object(store, object);

	return code ? fail_at(store, object, code, err) : 0;
}

int fwh_object_held(struct fwh_store *store, const char *object,
		    char ret[FWH_VARIANT_MAX])
{
	return get_link(store, object, HELD, ret, FWH_VARIANT_MAX) ? -ENOENT : 0;
}

/* Bytes from a file, malloc'ed. */
static int read_file(struct fwh_store *store, const char *path,
		     struct fwh_before *ret)
{
	fwh_autofd fd = openat(fwh_store_dir(store), path,
			       O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char data[BEFORE_MAX], *copy;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, data, sizeof(data));
	if (n < 0)
		return -errno;
	if (n == sizeof(data))
		return -EBADMSG;
	data[n++] = '\0';
	copy = malloc((size_t)n);
	if (!copy)
		return -ENOMEM;
	ret->data = memcpy(copy, data, (size_t)n);
	ret->n = (size_t)n - 1;
	return 0;
}

/* A file in place of another. */
static int write_file(struct fwh_store *store, const char *path,
		      const char *staged, const void *data, size_t n)
{
	int dir = fwh_store_dir(store), fd = fwh_create(dir, staged), code = 0;

	if (fd < 0)
		return fd;
	errno = ENOSPC;
	if (write(fd, data, n) != (ssize_t)n)
		code = -errno;
	if (close(fd) && !code)
		code = -errno;
	if (!code && renameat(dir, staged, dir, path))
		code = -errno;
	if (code)
		unlinkat(dir, staged, 0);
	return code;
}

int fwh_object_before(struct fwh_store *store, const char *object,
		      struct fwh_before *ret, struct fwh_err *err)
{
	char path[PATH_MAX_HERE];
	int code;

	memset(ret, 0, sizeof(*ret));
	path_of(object, BEFORE, path);
	code = read_file(store, path, ret);
	return code && code != -ENOENT ? fail_at(store, object, code, err) : 0;
}

static int write_before(struct fwh_store *store, const char *object,
			const struct fwh_before *before)
{
	char path[PATH_MAX_HERE], staged[PATH_MAX_HERE];

	path_of(object, BEFORE, path);
	staged_path(object, BEFORE, staged);
	return write_file(store, path, staged, before->data, before->n);
}

int fwh_object_set_before(struct fwh_store *store, const char *object,
			  const struct fwh_before *before, struct fwh_err *err)
{
	int code = before->data ? make_object(store, object) :
				  remove_name(store, object, BEFORE);

	if (!code && before->data)
		code = write_before(store, object, before);
	return code ? fail_at(store, object, code, err) : 0;
}

/* Those in a folder that may not have been made yet. */
static int list_if_any(struct fwh_store *store, const char *path,
		       const char *prefix, size_t size, void *ret,
		       size_t *ret_n, struct fwh_err *err)
{
	int code = list_names(store, path, prefix, size, ret, ret_n);

	if (code && code != -ENOENT)
		return fail_at(store, path, code, err);
	if (code) {
		memset(ret, 0, sizeof(char *));
		*ret_n = 0;
	}
	return 0;
}

int fwh_objects_list(struct fwh_store *store, const char *prefix,
		     char (**ret)[FWH_IP_NAME_MAX], size_t *ret_n,
		     struct fwh_err *err)
{
	return list_if_any(store, "shared", prefix, sizeof(**ret), ret, ret_n,
			   err);
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

#define OWNED_MAX	(FWH_RECORD_NAME_MAX + 16)

static void owned_path(const char *owner, char ret[OWNED_MAX])
{
	snprintf(ret, OWNED_MAX, "owners/%s", owner);
}

int fwh_owned_read(struct fwh_store *store, const char *owner,
		   struct fwh_owned *ret, struct fwh_err *err)
{
	struct fwh_before file = { .data = NULL };
	char path[OWNED_MAX];
	int code;

	owned_path(owner, path);
	code = read_file(store, path, &file);
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

static int write_owned(struct fwh_store *store, const char *owner,
		       const char *text, size_t n)
{
	char path[OWNED_MAX], staged[OWNED_MAX + 8];
	int code;

	owned_path(owner, path);
	snprintf(staged, sizeof(staged), "owners/.%s.new", owner);
	code = write_file(store, path, staged, text, n);
	if (code != -ENOENT)
		return code;
	code = make_folder(store, "owners");
	return code ? code : write_file(store, path, staged, text, n);
}

int fwh_owned_write(struct fwh_store *store, const struct fwh_owned *owned,
		    struct fwh_err *err)
{
	fwh_autofree char *text = NULL;
	struct fwh_print printed;
	char path[OWNED_MAX];
	size_t i;
	FILE *f;
	int code;

	if (!owned->level && !owned->n) {
		owned_path(owned->owner, path);
		code = remove_path(store, path);
		return code ? fail_at(store, owned->owner, code, err) : 0;
	}
	f = fwh_print_begin(&printed);
	if (!f)
		return fwh_fail(err, -ENOMEM, "out of memory");
	fprintf(f, "%u %d %llu %s\n", owned->level, (int)owned->daemon.pid,
		owned->daemon.start, owned->conn);
	for (i = 0; i < owned->n; i++)
		fprintf(f, "%s\n", owned->objects[i]);
	text = fwh_print_end(&printed, f);
	if (!text)
		return fwh_fail(err, -ENOMEM, "out of memory");
	code = write_owned(store, owned->owner, text, printed.len);
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
	return list_if_any(store, "owners", "", sizeof(**ret), ret, ret_n, err);
}
