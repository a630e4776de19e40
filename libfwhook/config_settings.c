// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * config_settings.c - what holds for a connection: what is built in, [default],
 * and the section that suits its name best, with its templates.
 */
#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "config.h"

static const struct fwh_settings built_in = {
	.mark_auto = true,
	.accept_forward = true,
	.accept_local = true,
	.guard = FWH_GUARD_AUTO,
	.nat_exempt = true,
	.log_prefix = "ipsec-fw ",
	.log_rate = 10,
	.nflog = FWH_INSTEAD_AUTO,
	.hold = true,
	.updown = FWH_UPDOWN_AUTO,
	.chain_auto = true,
	.proxy_arp = true,
	.dns = FWH_DNS_AUTO,
};

static const struct fwh_globals built_in_globals = {
	.mark_mask = 0x3fff0000,
	.lock_wait_ms = 5000,
	.backend = "auto",
	.scale_above = 100,
	.accept_mark = { 0x40000000, 0x40000000 },
	.accept_chains_auto = true,
	.devices = { { "ipsec+", "vti+" }, 2 },
};

int fwh_config_default(struct fwh_config **ret)
{
	struct fwh_config *config = calloc(1, sizeof(*config));

	if (!config)
		return -ENOMEM;
	config->globals = built_in_globals;
	memset(config->bucket, 0xff, sizeof(config->bucket));	/* -1 */
	*ret = config;
	return 0;
}

void fwh_config_free(struct fwh_config *config)
{
	size_t i;

	if (!config)
		return;
	for (i = 0; i < config->n; i++) {
		fwh_raws_free(&config->sections[i].values.iptables);
		fwh_raws_free(&config->sections[i].values.nft);
	}
	free(config->sections);
	free(config->paths);
	free(config);
}

const struct fwh_globals *fwh_config_globals(const struct fwh_config *config)
{
	return &config->globals;
}

/* A section's template first, then what it sets itself. */
static void apply_section(const struct fwh_config *config, ssize_t index,
			  struct fwh_settings *settings)
{
	const struct section *section;
	size_t i;

	if (index < 0)
		return;
	section = &config->sections[index];
	apply_section(config, section->parent, settings);
	for (i = 0; i < fwh_config_n_keys; i++) {
		const struct key *key = &fwh_config_keys[i];

		if (!(section->set & (uint64_t)1 << i) ||
		    key->parse == fwh_value_template)
			continue;
		memcpy((char *)settings + key->offset -
		       offsetof(struct section, values),
		       (const char *)section + key->offset, key->size);
	}
}

void fwh_section_resolve(const struct fwh_config *config, ssize_t conn,
			 struct fwh_settings *ret)
{
	*ret = built_in;
	apply_section(config, fwh_section_find(config, DEFAULT, ""), ret);
	apply_section(config, conn, ret);
}

/* The end of a pattern's "[...]", or NULL if '[' stands for itself. */
static const char *bracket_end(const char *p)
{
	p++;
	if (*p == '!' || *p == '^')
		p++;
	/* A ']' that comes first is one of the set. */
	return *p ? strchr(p + 1, ']') : NULL;
}

/* How many characters of a pattern stand for one of their own kind. */
static int literals(const char *pattern)
{
	const char *p, *end;
	int n = 0;

	for (p = pattern; *p; p++) {
		end = *p == '[' ? bracket_end(p) : NULL;
		if (end)
			p = end;
		else if (*p == '\\' && p[1])
			p++, n++;
		else if (!strchr("*?", *p))
			n++;
	}
	return n;
}

static ssize_t find_conn(const struct fwh_config *config, const char *conn)
{
	ssize_t best = fwh_section_find(config, CONN, conn);
	int best_score = -1;
	size_t i;

	/* A name without wildcards is the most that a section can say. */
	if (best >= 0 && !config->sections[best].pattern)
		return best;
	for (best = -1, i = 0; i < config->n; i++) {
		const struct section *section = &config->sections[i];
		int score;

		if (section->kind != CONN || !section->pattern ||
		    fnmatch(section->name, conn, 0))
			continue;
		score = literals(section->name);
		/* Of equals, the later one. */
		if (score >= best_score) {
			best = (ssize_t)i;
			best_score = score;
		}
	}
	return best;
}

void fwh_config_resolve(const struct fwh_config *config, const char *conn,
			struct fwh_settings *ret)
{
	fwh_section_resolve(config, find_conn(config, conn), ret);
}
