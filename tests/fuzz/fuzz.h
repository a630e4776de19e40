/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz.h - what the fuzzers share. */
#ifndef FWHOOK_FUZZ_H
#define FWHOOK_FUZZ_H

#include "internal.h"

#define FUZZ_ENTRIES	256

/* Input cut at its NULs: a list of texts, like an environment. */
struct fuzz_input {
	char *text;			/* malloc'ed, everything below points into it */
	char *env[FUZZ_ENTRIES + 1];	/* NULL after the last */
	char *conf;			/* lines of "CONF:" entries, malloc'ed */
	unsigned int state;		/* of "STATE:N" */
};

void fuzz_split(const uint8_t *data, size_t size, struct fuzz_input *ret);
void fuzz_free(struct fuzz_input *input);

/* A file of this text; its path is good until the next call. */
const char *fuzz_file(const void *text, size_t size);

/* Stop the fuzzer, saying what does not hold, unless it does. */
#define fuzz_holds(condition) \
	do { \
		if (!(condition)) \
			fuzz_stop(__FILE__, __LINE__, #condition); \
	} while (0)
__attribute__((noreturn))
void fuzz_stop(const char *file, int line, const char *condition);

/* No message or text of ours may carry bytes that a terminal or log obeys. */
void fuzz_printable(const char *s);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
