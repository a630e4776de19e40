// SPDX-License-Identifier: GPL-2.0-or-later
/* config.c - an INI file of anybody's making: it is taken whole or refused with
 * a line that says where, and the check finds what the loading found. */
#include <string.h>

#include "fuzz.h"

static void count(const struct fwh_err *err, void *arg)
{
	fuzz_printable(err->msg);
	++*(size_t *)arg;
}

/* Trying rules in a person's own words takes a process: now and then. */
static bool is_cheap(const uint8_t *data, size_t size)
{
	return size % 32 == 0 || (!memmem(data, size, "iptables", 8) &&
				  !memmem(data, size, "nft", 3));
}

static void check(const char *path, bool loaded)
{
	size_t reported = 0, findings = 0;

	fuzz_holds(!fwh_config_check(&path, 1, count, &reported, &findings, NULL));
	fuzz_holds(reported == findings);
	fuzz_holds(findings || loaded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = fuzz_file(data, size);
	struct fwh_config *config = NULL;
	struct fwh_settings settings;
	struct fwh_err err = { .code = 0 };
	int code = fwh_config_load(path, NULL, &config, &err);

	if (is_cheap(data, size))
		check(path, !code);
	if (code) {
		fuzz_holds(err.code == code && *err.msg);
		fuzz_printable(err.msg);
		return 0;
	}
	fwh_config_resolve(config, "office", &settings);
	fwh_config_resolve(config, "", &settings);
	fwh_config_free(config);
	return 0;
}
