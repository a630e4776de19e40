// SPDX-License-Identifier: GPL-2.0-or-later
/* config_templates.c - which section inherits from which. */
#include <errno.h>
#include <string.h>

#include "config.h"

#define TEMPLATES_MAX	16		/* that inherit from each other */

static int missing_template(const struct fwh_config *config,
			    const struct section *section, struct fwh_err *err)
{
	struct nearest nearest = { .got = section->template };
	char shown[SHOWN_MAX], hint[HINT_MAX];
	size_t i;

	for (i = 0; i < config->n; i++)
		if (config->sections[i].kind == TEMPLATE)
			fwh_nearest_consider(&nearest, config->sections[i].name,
					     strlen(config->sections[i].name));
	return fwh_fail(err, -EINVAL, "%s:%u: template = %s: there is no "
			"[template %s]%s",
			config->paths[section->template_place.file],
			section->template_place.line,
			fwh_printable(section->template, shown, sizeof(shown)),
			shown, fwh_nearest_suggest(&nearest, hint,
						   sizeof(hint)));
}

int fwh_templates_link(struct fwh_config *config, struct fwh_err *err)
{
	size_t i;
	int code = 0;

	for (i = 0; !code && i < config->n; i++) {
		struct section *section = &config->sections[i];

		if (!*section->template)
			continue;
		section->parent = fwh_section_find(config, TEMPLATE,
						   section->template);
		if (section->parent >= 0)
			continue;
		code = fwh_finding(config,
				   missing_template(config, section, err), err);
	}
	return code;
}

/* trail: templates from a section on, each inheriting from the next.  The last
 * is there twice, or is one too many. */
static int bad_trail(const struct fwh_config *config, const ssize_t *trail,
		     size_t n, bool cycle, struct fwh_err *err)
{
	const struct section *last = &config->sections[trail[n - 1]];
	const struct section *from = &config->sections[trail[n - 2]];
	char names[FWH_PATH_MAX] = "", shown[SHOWN_MAX];
	size_t i = 0, len = 0;

	/* Only the cycle, not the way to it. */
	while (cycle && trail[i] != trail[n - 1])
		i++;
	for (; i < n; i++) {
		const char *name = config->sections[trail[i]].name;
		int got = snprintf(names + len, sizeof(names) - len, "%s%s",
				   len ? " -> " : "",
				   fwh_printable(name, shown, sizeof(shown)));

		if (got < 0 || len + (size_t)got >= sizeof(names) - 4) {
			strcpy(names + len, "...");	/* room was kept */
			break;
		}
		len += (size_t)got;
	}
	return fwh_fail(err, -EINVAL, "%s:%u: template = %s: %s: %s",
			config->paths[from->template_place.file],
			from->template_place.line,
			fwh_printable(last->name, shown, sizeof(shown)),
			cycle ? "templates inherit from themselves" :
				"more than 16 templates in a row", names);
}
_Static_assert(TEMPLATES_MAX == 16, "bad_trail() says so");

int fwh_templates_check(const struct fwh_config *config, size_t first,
			struct fwh_err *err)
{
	ssize_t trail[TEMPLATES_MAX + 2], at = (ssize_t)first;
	size_t n = 0, i;

	for (; at >= 0; at = config->sections[at].parent) {
		trail[n++] = at;
		for (i = 0; i + 1 < n; i++)
			if (trail[i] == at)
				return bad_trail(config, trail, n, true, err);
		if (n == ARRAY_SIZE(trail))
			return bad_trail(config, trail, n, false, err);
	}
	return 0;
}
