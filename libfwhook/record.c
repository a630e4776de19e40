// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * record.c - what was last said of a connection, as a small file: the event as
 * NAME=value lines, as the environment had it, and what the kernel added.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "internal.h"

#define RECORD_VERSION	1
#define RECORD_END	"FWH_END=1"

/* ---- writing --------------------------------------------------------------- */

void fwh_record_name(const struct fwh_key *key, char ret[FWH_RECORD_NAME_MAX])
{
	snprintf(ret, FWH_RECORD_NAME_MAX, "%s-%s", key->stem, key->hash);
}

static const char *const state_name[] = {
	[FWH_STATE_DOWN] = "down", [FWH_STATE_ARMED] = "armed", [FWH_STATE_UP] = "up",
	[FWH_STATE_BLOCKED] = "blocked",
};

static void write_sa(const struct fwh_sa *sa, FILE *f)
{
	fprintf(f, "FWH_SA=%d %" PRIu32 " %d %u %d %u %u 0x%" PRIx32
		"/0x%" PRIx32 " %" PRIu32 " %d\n", sa->source, sa->reqid,
		sa->mode, sa->ipproto, sa->encap, sa->encap_sport,
		sa->encap_dport, sa->mark.value, sa->mark.mask, sa->if_id,
		sa->offload);
}

int fwh_record_write(const struct fwh_record *record, FILE *f)
{
	fprintf(f, "FWH_RECORD=%d\n", RECORD_VERSION);
	fprintf(f, "FWH_STATE=%s\n", state_name[record->state]);
	fprintf(f, "FWH_GUARD=%s\n", record->armed ? "armed" : "up");
	fprintf(f, "FWH_FAMILIES=%u\n", record->families);
	fprintf(f, "FWH_BACKEND=%s\n", record->backend);
	fprintf(f, "FWH_SINCE=%" PRIu64 "\n", record->since);
	fprintf(f, "FWH_ENDED=%" PRIu64 "\n", record->ended);
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

DIR *fwh_open_stream(int at, const char *path)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC |
			O_NOFOLLOW);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);

	if (!stream && fd >= 0) {
		int code = errno;

		close(fd);
		errno = code;
	}
	return stream;
}

int fwh_create(int dir, const char *name)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
	int fd = openat(dir, name, flags, 0600);

	if (fd < 0 && errno == EEXIST) {
		unlinkat(dir, name, 0);
		fd = openat(dir, name, flags, 0600);
	}
	return fd < 0 ? -errno : fd;
}

int fwh_record_create(int dir, const char *name,
		      const struct fwh_record *record)
{
	int fd = fwh_create(dir, name), code;
	FILE *f;

	if (fd < 0)
		return fd;
	f = fdopen(fd, "w");
	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	errno = 0;
	code = fwh_record_write(record, f);
	if (code && errno)
		code = -errno;
	if (!code && fsync(fileno(f)))
		code = -errno;
	if (fclose(f) && !code)
		code = -errno;
	return code;
}

/* ---- reading ------------------------------------------------------------------ */

int fwh_lines_read(int dir, const char *name, struct fwh_lines *ret)
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
		if (ret->n == FWH_LINES_MAX)
			return -EBADMSG;
		ret->line[ret->n++] = p;
	}
	ret->line[ret->n] = NULL;
	return 0;
}

static const char *line_value(const struct fwh_lines *lines, const char *name)
{
	size_t n = strlen(name), i;

	for (i = 0; lines->line[i]; i++)
		if (!strncmp(lines->line[i], name, n) && lines->line[i][n] == '=')
			return lines->line[i] + n + 1;
	return "";
}

/* Split into exactly n decimal or 0x numbers. */
int fwh_numbers_parse(const char *s, uint64_t *ret, size_t n)
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

	if (fwh_numbers_parse(s, n, ARRAY_SIZE(n)))
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

static int parse_state(const char *s, enum fwh_state *ret)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(state_name); i++) {
		if (!strcmp(s, state_name[i])) {
			*ret = (enum fwh_state)i;
			return 0;
		}
	}
	return -EBADMSG;
}

static int parse_guard(const char *s, bool *ret)
{
	*ret = !strcmp(s, "armed");
	return *ret || !strcmp(s, "up") ? 0 : -EBADMSG;
}

/* Missing in records of versions that had one backend. */
static int parse_backend(const char *s, char *ret, size_t size)
{
	if (strlen(s) >= size || (*s && !fwh_backend_find(s)))
		return -EBADMSG;
	strcpy(ret, s);			/* the length was checked */
	return 0;
}

/* Missing in records of versions that did not tell. */
static int parse_optional(const char *s, uint64_t *ret)
{
	return *s ? fwh_number_parse(s, false, INT64_MAX, ret) : 0;
}

/* A line more is no other version: who does not know it passes it over.  Another is
 * what would be misread. */
static int check_version(const struct fwh_lines *lines)
{
	uint64_t version;

	if (fwh_number_parse(line_value(lines, "FWH_RECORD"), false, UINT32_MAX,
			     &version) || version < RECORD_VERSION)
		return -EBADMSG;
	return version > RECORD_VERSION ? -EPROTO : 0;
}

static int parse_record(struct fwh_lines *lines, struct fwh_record *ret)
{
	uint64_t daemon[2], families;
	int code = check_version(lines);
	size_t i;

	if (code)
		return code;
	memset(ret, 0, sizeof(*ret));
	if (strcmp(lines->line[lines->n - 1], RECORD_END) != 0 ||
	    parse_state(line_value(lines, "FWH_STATE"), &ret->state) ||
	    parse_guard(line_value(lines, "FWH_GUARD"), &ret->armed) ||
	    fwh_number_parse(line_value(lines, "FWH_FAMILIES"), false, 3,
			     &families) ||
	    parse_backend(line_value(lines, "FWH_BACKEND"), ret->backend,
			  sizeof(ret->backend)) ||
	    parse_optional(line_value(lines, "FWH_SINCE"), &ret->since) ||
	    parse_optional(line_value(lines, "FWH_ENDED"), &ret->ended) ||
	    fwh_numbers_parse(line_value(lines, "FWH_DAEMON"), daemon, 2) ||
	    daemon[0] > INT32_MAX ||
	    fwh_mark_parse(line_value(lines, "FWH_MARK"), &ret->mark) ||
	    parse_sa(line_value(lines, "FWH_SA"), &ret->sa) ||
	    fwh_event_parse(lines->line, &ret->ev, NULL))
		return -EBADMSG;
	ret->families = (unsigned int)families;
	ret->daemon.pid = (pid_t)daemon[0];
	ret->daemon.start = daemon[1];
	/* They point into the lines, which go. */
	for (i = 0; i < FWH_TEXT_MAX; i++)
		ret->ev.text[i] = NULL;
	return 0;
}

int fwh_record_read(int dir, const char *name, struct fwh_record *ret)
{
	struct fwh_record record;
	struct fwh_key key;
	struct fwh_lines lines;
	char expected[FWH_RECORD_NAME_MAX];
	int code = fwh_lines_read(dir, name, &lines);

	if (!code)
		code = parse_record(&lines, &record);
	if (code)
		return code;
	/* What a file says must be of the connection that its name says. */
	fwh_event_key(&record.ev, &key);
	fwh_record_name(&key, expected);
	if (strcmp(name, expected) != 0)
		return -EBADMSG;
	*ret = record;
	return 0;
}

const char *fwh_record_trouble(int code)
{
	return code == -EBADMSG ? "damaged record" :
	       code == -EPROTO ? "record of a later version" : strerror(-code);
}

int fwh_records_list(int dir, const char *path,
		     void (*complain)(const struct fwh_err *err, void *arg),
		     void *arg, struct fwh_record **ret, size_t *ret_n,
		     struct fwh_err *err)
{
	fwh_autofree struct fwh_record *records = NULL;
	DIR *stream = fwh_open_stream(dir, ".");
	struct fwh_record record;
	struct dirent *entry;
	struct fwh_err bad;
	size_t n = 0, cap = 0;
	int code = 0;

	if (!stream)
		return fwh_fail(err, -errno, "%s: %s", path, strerror(errno));
	/* What was not seen would be taken for gone. */
	while (!code && (errno = 0, entry = readdir(stream))) {
		if (*entry->d_name == '.')
			continue;
		code = fwh_record_read(dir, entry->d_name, &record);
		if (!code) {
			if (fwh_grow(&records, n, &cap, sizeof(record)))
				records[n++] = record;
			else
				code = -ENOMEM;
			continue;
		}
		fwh_fail(&bad, code, "%s/%s: %s; its connection's next up "
			 "writes it anew", path, entry->d_name,
			 fwh_record_trouble(code));
		if (complain && code != -ENOENT)	/* gone meanwhile */
			complain(&bad, arg);
		code = 0;
	}
	if (!code)
		code = -errno;
	closedir(stream);
	if (code)
		return fwh_fail(err, code, "%s: %s", path, strerror(-code));
	*ret = fwh_steal(records);
	*ret_n = n;
	return 0;
}

int fwh_records_remove(int dir)
{
	DIR *stream = fwh_open_stream(dir, ".");
	struct dirent *entry;
	int code = 0;

	if (!stream)
		return -errno;
	while (!code && (errno = 0, entry = readdir(stream)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
		    unlinkat(dir, entry->d_name, 0))
			code = -errno;
	if (!code)
		code = -errno;
	closedir(stream);
	return code;
}
