// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * config_sections.c - what is gathered while files are read: sections, found by
 * kind and name, and findings.
 */
#include <errno.h>
#include <string.h>

#include "config.h"

int fwh_finding(struct fwh_config *config, int code, const struct fwh_err *err)
{
	if (!code || !config->report || code == -ENOMEM)
		return code;
	config->report(err, config->report_arg);
	config->n_findings++;
	return 0;
}

static ssize_t *bucket_of(struct fwh_config *config, enum kind kind,
			  const char *name)
{
	uint32_t h = 2166136261u ^ (uint32_t)kind;

	while (*name)
		h = (h ^ (unsigned char)*name++) * 16777619u;
	return &config->bucket[(h ^ h >> 16) % BUCKETS];
}

ssize_t fwh_section_find(const struct fwh_config *config, enum kind kind,
			 const char *name)
{
	ssize_t i = *bucket_of((struct fwh_config *)config, kind, name);

	while (i >= 0 && (config->sections[i].kind != kind ||
			  strcmp(config->sections[i].name, name) != 0))
		i = config->sections[i].next;
	return i;
}

ssize_t fwh_section_add(struct fwh_config *config, enum kind kind,
			const char *name, struct place place)
{
	ssize_t *bucket = bucket_of(config, kind, name);
	struct section *section;

	if (!fwh_grow(&config->sections, config->n, &config->cap,
		      sizeof(*section)))
		return -ENOMEM;
	section = &config->sections[config->n];
	memset(section, 0, sizeof(*section));
	section->kind = kind;
	section->pattern = strpbrk(name, "*?[\\") != NULL;
	memcpy(section->name, name, strlen(name));
	section->place = place;
	section->file = place.file;
	section->parent = -1;
	section->next = *bucket;
	*bucket = (ssize_t)config->n;
	return (ssize_t)config->n++;
}

const char *fwh_config_conn(const struct fwh_config *config, size_t n)
{
	size_t i;

	for (i = 0; i < config->n; i++) {
		const struct section *section = &config->sections[i];

		if (section->kind == CONN && !section->pattern && !n--)
			return section->name;
	}
	return NULL;
}
