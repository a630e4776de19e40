// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * config_check.c - what is looked at when all files are read: what no key can say
 * alone, and rules in people's own words.
 */
#include <errno.h>
#include <string.h>

#include "config.h"
#include "raw.h"

/* Without a mark, mark-source = esp would take every packet for decrypted. */
static int check_sense(const struct fwh_config *config, size_t index,
		       struct fwh_err *err)
{
	const struct section *section = &config->sections[index];
	struct fwh_settings settings;

	if (!config->esp || section->kind == TEMPLATE)
		return 0;
	fwh_section_resolve(config, section->kind == CONN ? (ssize_t)index : -1,
			    &settings);
	if (!settings.mark_esp || !settings.mark_off)
		return 0;
	return fwh_fail(err, -EINVAL, "%s:%u: mark = off and mark-source = esp "
			"exclude each other here: say mark = auto, or "
			"mark-source = policy",
			config->paths[section->place.file],
			section->place.line);
}

/* Rules, now that all of each is read. */
static int check_words(struct fwh_config *config, const char *key,
		       const struct fwh_raws *raws, struct fwh_err *err)
{
	char shown[SHOWN_MAX];
	size_t i;
	int code = 0;

	for (i = 0; !code && i < raws->n; i++) {
		const struct fwh_raw *raw = &raws->list[i];
		const char *why = fwh_raw_check(fwh_raw_places[raw->where].nft,
						raw->text);

		if (why)
			code = fwh_finding(config, fwh_fail(err, -EINVAL,
					"%s: %s = ...: %s: %s", raw->place, key,
					fwh_printable(raw->text, shown,
						      sizeof(shown)), why),
				err);
	}
	return code;
}

int fwh_config_check_sections(struct fwh_config *config, struct fwh_err *err)
{
	int code = fwh_templates_link(config, err);
	size_t i;

	for (i = 0; !code && i < config->n; i++) {
		const struct fwh_settings *values = &config->sections[i].values;

		code = check_words(config, "iptables", &values->iptables, err);
		if (!code)
			code = check_words(config, "nft", &values->nft, err);
	}
	for (i = 0; !code && i < config->n; i++)
		code = fwh_finding(config, fwh_templates_check(config, i, err),
				   err);
	/* Templates that inherit from themselves have no end. */
	for (i = 0; !code && !config->n_findings && i < config->n; i++)
		code = fwh_finding(config, check_sense(config, i, err), err);
	return code;
}

/* ---- does this machine take rules in people's own words? -------------------- */

static void report_raw(const struct fwh_err *err, void *arg)
{
	fwh_finding(arg, err->code, err);
}

/* Every rule of every section, whoever takes it over. */
static int try_raws(struct fwh_config *config, struct fwh_err *err)
{
	fwh_autofree const struct fwh_raw **raws = NULL;
	size_t n = 0, cap = 0, i, j, k;

	for (i = 0; i < config->n; i++) {
		const struct fwh_raws *lists[] = {
			&config->sections[i].values.iptables,
			&config->sections[i].values.nft,
		};

		for (j = 0; j < ARRAY_SIZE(lists); j++) {
			for (k = 0; k < lists[j]->n; k++) {
				if (fwh_raw_check(j == 1, lists[j]->list[k].text))
					continue;
				if (!fwh_grow(&raws, n, &cap, sizeof(*raws)))
					return fwh_fail(err, -ENOMEM,
							"out of memory");
				raws[n++] = &lists[j]->list[k];
			}
		}
	}
	return fwh_raws_try(&config->globals, raws, n, report_raw, config, err);
}

/* Rules in the other backend's language only: this machine goes without. */
static void find_unread(struct fwh_config *config, const char *backend)
{
	bool nft = strncmp(backend, "iptables", 8) != 0;
	const struct fwh_raw *last = NULL;
	struct fwh_settings settings;
	struct fwh_err err;
	size_t i;

	for (i = 0; i < config->n; i++) {
		const struct section *section = &config->sections[i];
		const struct fwh_raws *read, *unread;

		if (section->kind == TEMPLATE)
			continue;
		fwh_section_resolve(config, section->kind == CONN ?
				    (ssize_t)i : -1, &settings);
		read = nft ? &settings.nft : &settings.iptables;
		unread = nft ? &settings.iptables : &settings.nft;
		if (read->n || !unread->n || unread->list == last)
			continue;
		last = unread->list;	/* once for all that take it over */
		fwh_finding(config, fwh_fail(&err, -EINVAL, "%s: this machine's "
					     "backend is %s, and there is no "
					     "%s = that says the same",
					     last->place, backend,
					     nft ? "nft" : "iptables"),
			    &err);
	}
}

int fwh_config_check_raws(struct fwh_config *config, struct fwh_err *err)
{
	const struct fwh_backend *backend;
	int code = fwh_backend_choose(config->globals.backend, &backend, NULL,
				      err);

	if (code)
		return code;
	/* Templates that inherit from themselves have no end. */
	if (!config->n_findings)
		find_unread(config, fwh_backend_name(backend));
	return try_raws(config, err);
}
