// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * config_values.c - parsers of values that are one thing: a word, a number, a
 * mark, a path.
 */
#include <errno.h>
#include <string.h>

#include "config.h"

int fwh_value_bool(struct value *value)
{
	int i = fwh_word_index("no yes off on false true", value->text);

	if (i < 0)
		return -EINVAL;
	*(bool *)value->field = i & 1;
	return 0;
}

/* One of the key's words: a bool, or an enum in the words' order. */
int fwh_value_word(struct value *value)
{
	int i = fwh_word_index(value->key->words, value->text);

	if (i < 0)
		return -EINVAL;
	if (value->key->size == sizeof(bool))
		*(bool *)value->field = i;
	else
		*(unsigned int *)value->field = (unsigned int)i;
	return 0;
}
/* The words in the table of keys have this order. */
_Static_assert(FWH_SCALE_AUTO == 0 && FWH_SCALE_RULES == 1 &&
	       FWH_SCALE_SETS == 2, "scale");
_Static_assert(FWH_GUARD_OFF == 0 && FWH_GUARD_UP == 1 &&
	       FWH_GUARD_ARMED == 2 && FWH_GUARD_AUTO == 3, "guard");
_Static_assert(FWH_LOG_OFF == 0 && FWH_LOG_KERNEL == 1 && FWH_LOG_NFLOG == 2,
	       "log");
_Static_assert(FWH_INSTEAD_NO == 0 && FWH_INSTEAD_YES == 1 &&
	       FWH_INSTEAD_AUTO == 2, "nflog");
_Static_assert(FWH_POSITION_TOP == 0 && FWH_POSITION_BOTTOM == 1, "position");
_Static_assert(FWH_ERROR == 0 && FWH_INFO == 1 && FWH_DEBUG == 2, "verbosity");
_Static_assert(sizeof(enum fwh_guard) == sizeof(unsigned int) &&
	       sizeof(bool) != sizeof(unsigned int), "fwh_value_word()");

int fwh_value_count(struct value *value)
{
	uint64_t n;

	if (fwh_number_parse(value->text, false, 1000000, &n))
		return -EINVAL;
	*(uint32_t *)value->field = (uint32_t)n;
	return 0;
}

int fwh_value_template(struct value *value)
{
	size_t n = strlen(value->text);

	if (n > NAME_MAX_CHARS)
		return -EINVAL;
	memcpy(value->field, value->text, n + 1);
	return 0;
}

/* VALUE/MASK that says something of a packet. */
static int parse_true_mark(struct value *value, struct fwh_mark *ret)
{
	if (fwh_mark_parse(value->text, ret))
		return -EINVAL;
	if (!ret->mask)
		return fwh_value_refuse(value, "the mask is 0");
	if (ret->value & ~ret->mask)
		return fwh_value_refuse(value, "the value has bits outside the "
					"mask");
	if (!ret->value)
		return fwh_value_refuse(value, "the value is 0, which is what "
					"packets have that nobody marked; to "
					"set none, say off");
	return 0;
}

int fwh_value_mark(struct value *value)
{
	struct fwh_settings *out = value->settings;
	struct fwh_mark mark = { 0, 0 };

	out->mark_off = !strcasecmp(value->text, "off");
	out->mark_auto = !strcasecmp(value->text, "auto");
	if (!out->mark_off && !out->mark_auto &&
	    parse_true_mark(value, &mark))
		return -EINVAL;
	out->mark = mark;
	return 0;
}

int fwh_value_mss(struct value *value)
{
	struct fwh_settings *out = value->settings;
	uint64_t n = 0;

	out->mss_clamp = !strcasecmp(value->text, "clamp");
	if (!out->mss_clamp && strcasecmp(value->text, "off") &&
	    (fwh_number_parse(value->text, false, 65495, &n) || n < 536))
		return -EINVAL;
	out->mss = (uint16_t)n;
	return 0;
}

int fwh_value_log_group(struct value *value)
{
	uint64_t n;

	if (fwh_number_parse(value->text, false, UINT16_MAX, &n))
		return -EINVAL;
	*(uint16_t *)value->field = (uint16_t)n;
	return 0;
}

int fwh_value_log_prefix(struct value *value)
{
	size_t n = strlen(value->text);
	const char *p;

	if (n + 2 > FWH_LOG_PREFIX_MAX)
		return -EINVAL;
	/* Quotes are written by iptables-save in a form of its own. */
	for (p = value->text; *p; p++)
		if (*p < ' ' || *p > '~' || strchr("\"'\\", *p))
			return -EINVAL;
	/* inih strips the blank that keeps the prefix off the message. */
	memset(value->field, 0, FWH_LOG_PREFIX_MAX);
	memcpy(value->field, value->text, n);
	((char *)value->field)[n] = ' ';
	return 0;
}

int fwh_value_log_rate(struct value *value)
{
	uint64_t n;

	if (fwh_number_parse(value->text, false, 600000, &n) || !n)
		return -EINVAL;
	*(uint32_t *)value->field = (uint32_t)n;
	return 0;
}

int fwh_value_chain_updown(struct value *value)
{
	struct fwh_settings *out = value->settings;
	size_t n = strlen(value->text);

	out->chain_auto = !strcasecmp(value->text, "auto");
	memset(out->chain_path, 0, sizeof(out->chain_path));
	if (out->chain_auto || !strcasecmp(value->text, "off"))
		return 0;
	if (*value->text != '/' || n >= sizeof(out->chain_path))
		return -EINVAL;
	/* leftupdown= takes arguments, this doesn't: it would go unnoticed. */
	if (value->text[strcspn(value->text, " \t#")])
		return fwh_value_refuse(value, "a path without blanks is "
					"expected, no arguments; comments "
					"behind a value begin with ' ;'");
	memcpy(out->chain_path, value->text, n);
	return 0;
}

/* One run of bits, so that values can be counted through. */
int fwh_value_mark_mask(struct value *value)
{
	uint64_t n, run;

	if (fwh_number_parse(value->text, true, UINT32_MAX, &n))
		return -EINVAL;
	if (!n)
		return fwh_value_refuse(value, "the mask is 0");
	for (run = n; !(run & 1); run >>= 1)
		;
	if (run & (run + 1))
		return fwh_value_refuse(value, "the bits must be one contiguous "
					"run, as in 0x3fff0000");
	*(uint32_t *)value->field = (uint32_t)n;
	return 0;
}

/* Seconds, with a fraction of up to three digits. */
int fwh_value_lock_wait(struct value *value)
{
	const char *point = strchr(value->text, '.');
	size_t n = point ? (size_t)(point - value->text) : strlen(value->text);
	char whole[8], fraction[4] = "000";
	uint64_t seconds, ms;

	if (n >= sizeof(whole) || (point && (!point[1] || strlen(point) > 4)))
		return -EINVAL;
	memcpy(whole, value->text, n);
	whole[n] = '\0';
	if (point)
		memcpy(fraction, point + 1, strlen(point + 1));
	if (fwh_number_parse(whole, false, 600, &seconds) ||
	    fwh_number_parse(fraction, false, 999, &ms) ||
	    seconds * 1000 + ms > 600000)
		return -EINVAL;
	*(unsigned int *)value->field = (unsigned int)(seconds * 1000 + ms);
	return 0;
}

int fwh_value_accept_mark(struct value *value)
{
	struct fwh_mark mark = { 0, 0 };

	if (strcasecmp(value->text, "off") && parse_true_mark(value, &mark))
		return -EINVAL;
	value->globals->accept_mark = mark;
	return 0;
}

int fwh_value_backend(struct value *value)
{
	size_t n = strlen(value->text);

	if (n >= sizeof(value->globals->backend) ||
	    !fwh_backend_is_known(value->text))
		return -EINVAL;
	memset(value->field, 0, sizeof(value->globals->backend));
	memcpy(value->field, value->text, n);
	return 0;
}
