// SPDX-License-Identifier: GPL-2.0-or-later
/* record.c - a record of anybody's making: it is refused, or is what is read
 * back after it is written. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "fuzz.h"
#include "ip.h"

static char *written(const struct fwh_record *record, size_t *ret_size)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, ret_size);

	fuzz_holds(f && !fwh_record_write(record, f));
	fclose(f);
	return text;
}

static void ip_words(const uint8_t *data, size_t size)
{
	char line[2 * FWH_IP_TEXT_MAX], again[FWH_IP_TEXT_MAX];
	struct fwh_ip_object object, second;

	if (size >= sizeof(line))
		return;
	memcpy(line, data, size);
	line[size] = '\0';
	if (fwh_ip_parse(line, &object))
		return;
	fwh_ip_format(&object, again);
	fuzz_holds(!fwh_ip_parse(again, &second));
	fuzz_holds(fwh_ip_equal(&object, &second));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fwh_record *record = calloc(2, sizeof(*record));
	char *first, *second;
	size_t n, n2;

	fuzz_holds(record);
	ip_words(data, size);
	if (!fwh_record_read(AT_FDCWD, fuzz_file(data, size), &record[0])) {
		first = written(&record[0], &n);
		fuzz_holds(!fwh_record_read(AT_FDCWD, fuzz_file(first, n),
					    &record[1]));
		second = written(&record[1], &n2);
		fuzz_holds(n == n2 && !memcmp(first, second, n));
		free(first);
		free(second);
	}
	free(record);
	return 0;
}
