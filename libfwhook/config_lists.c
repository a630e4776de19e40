// SPDX-License-Identifier: GPL-2.0-or-later
/* config_lists.c - parsers of values that are lists. */
#include <errno.h>
#include <linux/netfilter.h>
#include <string.h>

#include "config.h"

int fwh_value_item(struct value *value, const char **p)
{
	size_t n;

	*p += strspn(*p, " \t");
	if (!**p)
		return 0;
	n = strcspn(*p, ",");
	*value->item = '\0';
	if (n + 1 >= sizeof(value->item))
		return -EINVAL;
	memcpy(value->item, *p, n);
	*p += n + ((*p)[n] == ',');
	while (n && strchr(" \t", value->item[n - 1]))
		n--;
	value->item[n] = '\0';
	return n ? 1 : fwh_value_refuse(value, "two commas with nothing "
					"between");
}

int fwh_value_accept(struct value *value)
{
	struct fwh_settings *out = value->settings;
	const char *p = value->text;
	int more;

	out->accept_forward = out->accept_local = false;
	if (!strcasecmp(p, "none"))
		return 0;
	while ((more = fwh_value_item(value, &p)) > 0) {
		if (!strcasecmp(value->item, "forward"))
			out->accept_forward = true;
		else if (!strcasecmp(value->item, "local"))
			out->accept_local = true;
		else
			return -EINVAL;
	}
	return more;
}

int fwh_value_ranges(struct value *value)
{
	struct fwh_ranges *out = value->field;
	const char *p = value->text;
	int more;

	if (!value->again || !strcasecmp(p, "none"))
		out->n = 0;
	if (!strcasecmp(p, "none"))
		return 0;
	while ((more = fwh_value_item(value, &p)) > 0) {
		if (out->n == FWH_RANGES_MAX)
			return fwh_value_refuse(value, "more than 16 entries");
		if (fwh_range_parse(value->item, &out->list[out->n]))
			return fwh_value_refuse(value, "expected "
						"ADDRESS/LENGTH without host "
						"bits, FIRST-LAST or ADDRESS");
		out->n++;
	}
	return more;
}
_Static_assert(FWH_RANGES_MAX == 16, "fwh_value_ranges() says so");

/* A level, and syslog if wanted, in either order. */
int fwh_value_verbosity(struct value *value)
{
	struct fwh_globals *out = value->globals;
	const char *p = value->text;
	bool level = false;
	int more, i;

	out->verbosity = FWH_ERROR;
	out->log_syslog = false;
	while ((more = fwh_value_item(value, &p)) > 0) {
		i = fwh_word_index(value->key->words, value->item);
		if (i < 0)
			return -EINVAL;
		if (i == 3) {
			out->log_syslog = true;
			continue;
		}
		if (level)
			return fwh_value_refuse(value, "one level is enough");
		out->verbosity = (enum fwh_verbosity)i;
		level = true;
	}
	return more;
}

/* One word of a chain's name, up to a blank. */
static int take_word(const char **p, char *ret, size_t size)
{
	size_t n;

	*p += strspn(*p, " \t");
	n = strcspn(*p, " \t");
	if (!n || n >= size)
		return -EINVAL;
	memset(ret, 0, size);
	memcpy(ret, *p, n);
	*p += n;
	return 0;
}

static int parse_chain_name(const char *s, struct fwh_chain_name *ret)
{
	static const struct { const char *name; uint8_t family; } families[] = {
		{ "inet", NFPROTO_INET }, { "ip", NFPROTO_IPV4 },
		{ "ip6", NFPROTO_IPV6 },
	};
	char family[8];
	size_t i;

	if (take_word(&s, family, sizeof(family)) ||
	    take_word(&s, ret->table, sizeof(ret->table)) ||
	    take_word(&s, ret->chain, sizeof(ret->chain)) || *s)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(families); i++) {
		if (strcmp(family, families[i].name))
			continue;
		ret->family = families[i].family;
		return 0;
	}
	return -EINVAL;
}

int fwh_value_accept_chains(struct value *value)
{
	struct fwh_globals *out = value->globals;
	const char *p = value->text;
	int more;

	if (!value->again) {
		out->n_accept_chains = 0;
		out->accept_chains_auto = false;
	}
	while ((more = fwh_value_item(value, &p)) > 0) {
		if (!strcasecmp(value->item, "none"))
			continue;
		if (!strcasecmp(value->item, "auto")) {
			out->accept_chains_auto = true;
			continue;
		}
		if (out->n_accept_chains == FWH_ACCEPT_CHAINS_MAX)
			return fwh_value_refuse(value, "more than 16 chains");
		if (parse_chain_name(value->item, &out->accept_chains[
						  out->n_accept_chains]))
			return fwh_value_refuse(value, "expected FAMILY TABLE "
						"CHAIN, as in inet filter "
						"forward");
		out->n_accept_chains++;
	}
	return more;
}
_Static_assert(FWH_ACCEPT_CHAINS_MAX == 16,
	       "fwh_value_accept_chains() says so");

/* A name, or the beginning of names with a '+'.  "+" alone, which is every
 * device, would be the end of the guard. */
static int parse_device(const char *s, char ret[FWH_IFNAME_MAX])
{
	char name[FWH_IFNAME_MAX];
	size_t n = strlen(s);
	bool many = n > 1 && s[n - 1] == '+';

	if (n >= sizeof(name) || strchr(s, ':'))
		return -EINVAL;
	strcpy(name, s);
	if (many)
		name[n - 1] = '\0';
	if (fwh_ifname_parse(name, ret))
		return -EINVAL;
	if (many)
		ret[n - 1] = '+';
	return 0;
}

int fwh_value_devices(struct value *value)
{
	struct fwh_devices *out = value->field;
	const char *p = value->text;
	int more;

	if (!value->again)
		memset(out, 0, sizeof(*out));
	while ((more = fwh_value_item(value, &p)) > 0) {
		if (!strcasecmp(value->item, "none"))
			continue;
		if (out->n == FWH_DEVICES_MAX)
			return fwh_value_refuse(value, "more than 8 devices");
		if (parse_device(value->item, out->list[out->n]))
			return -EINVAL;
		out->n++;
	}
	return more;
}
_Static_assert(FWH_DEVICES_MAX == 8, "fwh_value_devices() says so");
