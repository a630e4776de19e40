// SPDX-License-Identifier: GPL-2.0-or-later
/* value.c - a text of anybody's as the value of a variable: each parser refuses it,
 * or what it takes is written and read again as the same.  The first byte says whose
 * value it is. */
#include <stdio.h>
#include <string.h>

#include "event.h"
#include "fuzz.h"

static char *written(const struct row *row, const struct fwh_event *ev)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	fuzz_holds(f);
	row->type->format(ev, (const char *)ev + row->offset, f);
	fclose(f);
	return text;
}

static bool parse(const struct row *row, const char *s, struct fwh_event *ret)
{
	memset(ret, 0, sizeof(*ret));
	return !row->type->parse(s, ret, (char *)ret + row->offset);
}

static void variable(const struct row *row, const char *s)
{
	static struct fwh_event ev, again;
	char *first, *second;

	if (!parse(row, s, &ev) || !row->type->format)
		return;
	first = written(row, &ev);
	fuzz_holds(fwh_is_text(first));
	fuzz_holds(parse(row, first, &again) || !*first);	/* "": there is none */
	second = written(row, &again);
	fuzz_holds(!strcmp(first, second));
	free(first);
	free(second);
}

static void addresses(const char *s)
{
	struct fwh_range range, again;
	struct fwh_net nets[FWH_RANGE_NETS_MAX];
	char text[FWH_RANGE_STRLEN];
	size_t i, n;

	if (fwh_range_parse(s, &range))
		return;
	fwh_range_format(&range, text);
	fuzz_holds(!fwh_range_parse(text, &again));
	fuzz_holds(fwh_range_covers(&range, &again) &&
		   fwh_range_covers(&again, &range));
	n = fwh_range_to_nets(&range, nets);
	fuzz_holds(n && n <= FWH_RANGE_NETS_MAX);
	for (i = 0; i < n; i++) {
		fwh_net_to_range(&nets[i], &again);
		fuzz_holds(fwh_range_covers(&range, &again));
	}
}

static void words(const char *s)
{
	struct fwh_mark mark;
	char name[FWH_IFNAME_MAX], printable[64];
	uint64_t number;

	if (!fwh_number_parse(s, true, 1000, &number))
		fuzz_holds(number <= 1000);
	if (!fwh_mark_parse(s, &mark))
		fuzz_holds(strspn(s, "0123456789abcdefABCDEFxX/") == strlen(s));
	if (!fwh_ifname_parse(s, name))
		fuzz_holds(!strncmp(s, name, strlen(name)));
	fuzz_printable(fwh_printable(s, printable, sizeof(printable)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = calloc(1, size + 1);

	fuzz_holds(s);
	if (size > 1) {
		memcpy(s, data + 1, size - 1);
		variable(&fwh_event_rows[*data % fwh_event_n_rows], s);
		addresses(s);
		words(s);
	}
	free(s);
	return 0;
}
