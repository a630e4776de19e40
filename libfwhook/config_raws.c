// SPDX-License-Identifier: GPL-2.0-or-later
/* config_raws.c - rules in a person's own words: as values, and their end. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "raw.h"

void fwh_raws_free(struct fwh_raws *raws)
{
	size_t i;

	for (i = 0; i < raws->n; i++) {
		free((void *)raws->list[i].text);
		free((void *)raws->list[i].place);
	}
	free(raws->list);
	memset(raws, 0, sizeof(*raws));
}

static int add_raw(struct fwh_raws *raws, const struct value *value,
		   const struct fwh_raw *raw)
{
	struct fwh_raw *list = reallocarray(raws->list, raws->n + 1,
					    sizeof(*list));
	char *place = NULL, *text = strdup(raw->text);

	if (list)
		raws->list = list;
	if (!list || !text || asprintf(&place, "%s:%u", value->path,
				       value->line) < 0) {
		free(text);
		return -ENOMEM;
	}
	list[raws->n] = *raw;
	list[raws->n].text = text;
	list[raws->n++].place = place;
	return 0;
}

static int continue_raw(struct fwh_raw *raw, const char *rest)
{
	char *text;

	if (asprintf(&text, "%s %s", raw->text, rest) < 0)
		return -ENOMEM;
	free((void *)raw->text);
	raw->text = text;
	return 0;
}

/* A rule, more of one, or an end to those of the file before. */
int fwh_value_raw(struct value *value)
{
	struct fwh_raws *out = value->field;
	bool nft = out == &value->settings->nft;
	struct fwh_raw raw;
	const char *why;

	if (!value->again || !strcasecmp(value->text, "none"))
		fwh_raws_free(out);
	if (!strcasecmp(value->text, "none"))
		return 0;
	if (value->continued && out->n)
		return continue_raw(&out->list[out->n - 1], value->text);
	why = fwh_raw_split(nft, value->text, &raw);
	if (why)
		return fwh_value_refuse(value, why);
	return add_raw(out, value, &raw);
}
