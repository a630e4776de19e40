// SPDX-License-Identifier: GPL-2.0-or-later
/* fuzz.c - what the fuzzers share. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "fuzz.h"

void fuzz_stop(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
	abort();
}

void fuzz_printable(const char *s)
{
	for (; *s; s++)
		fuzz_holds(*s == '\n' || *s == '\t' || (*s >= ' ' && *s <= '~'));
}

static const char *after(const char *s, const char *start)
{
	return strncmp(s, start, strlen(start)) ? NULL : s + strlen(start);
}

void fuzz_split(const uint8_t *data, size_t size, struct fuzz_input *ret)
{
	size_t n = 0, conf_size;
	FILE *conf;
	char *s;

	memset(ret, 0, sizeof(*ret));
	conf = open_memstream(&ret->conf, &conf_size);
	ret->text = calloc(1, size + 1);
	fuzz_holds(conf && ret->text);
	if (size)
		memcpy(ret->text, data, size);
	for (s = ret->text; s < ret->text + size; s += strlen(s) + 1) {
		const char *rest;

		if ((rest = after(s, "CONF:")))
			fprintf(conf, "%s\n", rest);
		else if ((rest = after(s, "STATE:")))
			ret->state = (unsigned char)*rest % (FWH_STATE_BLOCKED + 1);
		else if (n < FUZZ_ENTRIES)
			ret->env[n++] = s;
	}
	fclose(conf);
}

void fuzz_free(struct fuzz_input *input)
{
	free(input->text);
	free(input->conf);
}

const char *fuzz_file(const void *text, size_t size)
{
	static char path[64];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("input", 0);
		fuzz_holds(fd >= 0 && !fchmod(fd, 0600));
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	fuzz_holds(!ftruncate(fd, 0));
	fuzz_holds(pwrite(fd, text, size, 0) == (ssize_t)size);
	return path;
}
