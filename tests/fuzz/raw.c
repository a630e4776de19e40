// SPDX-License-Identifier: GPL-2.0-or-later
/* raw.c - a rule in a person's own words, behind 'n' for nft, and an environment
 * whose values go into it: it is refused in a printable line, or stays one rule of as
 * many words, whatever the values are. */
#include <stdio.h>
#include <string.h>

#include "fuzz.h"
#include "kernel.h"
#include "raw.h"

/* How many words has it?  A variable is a word or a part of one. */
static size_t count_words(bool nft, const char *s)
{
	bool quoted = false, in_word = false;
	size_t n = 0;

	for (; *s; s++) {
		if (!quoted && strchr(" \t", *s)) {
			in_word = false;
			continue;
		}
		n += !in_word;
		in_word = true;
		if (*s == '"')
			quoted = !quoted;
		else if (*s == '\\' && !nft)
			s++;
	}
	fuzz_holds(!quoted);
	return n;
}

static void expand(const struct fwh_raw *raw, const struct fwh_event *ev)
{
	const struct fwh_sa sa = { .reqid = ev->reqid };
	const struct fwh_plan_input in = {
		.ev = ev, .sa = &sa,
		.mark = { .value = 0x10000, .mask = 0xff0000 },
		.accept_mark = { .value = 0x40000000, .mask = 0x40000000 },
	};
	bool nft = fwh_raw_places[raw->where].nft;
	struct fwh_raw_rule *rule = NULL;
	struct fwh_err err = { .code = 0 };

	if (fwh_raw_expand(raw, &in, &rule, &err)) {
		fuzz_holds(*err.msg);
		fuzz_printable(err.msg);
		return;
	}
	fuzz_printable(rule->text);
	fuzz_holds(strlen(rule->text) <= FWH_RAW_TEXT_MAX);
	fuzz_holds(!fwh_raw_check(nft, rule->text));
	fuzz_holds(count_words(nft, rule->text) == count_words(nft, raw->text));
	fwh_raw_rule_free(rule);
}

/* The site's variables, where the input has none of that name: the first counts. */
static bool parse_event(const struct fuzz_input *input, struct fwh_event *ret)
{
	char *env[2 * FUZZ_ENTRIES] = { NULL };
	size_t n = 0, i;

	for (i = 1; input->env[i]; i++)
		env[n++] = input->env[i];
	for (i = 0; kernel_site[i]; i++)
		env[n++] = (char *)(uintptr_t)kernel_site[i];
	return !fwh_event_parse(env, ret, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fwh_raw raw = { .place = "ipsec-fw.conf:1" };
	struct fuzz_input input;
	struct fwh_event ev;
	const char *why;

	fuzz_split(data, size, &input);
	if (input.env[0] && *input.env[0]) {
		bool nft = *input.env[0] == 'n';

		why = fwh_raw_split(nft, input.env[0] + 1, &raw);
		if (!why)
			why = fwh_raw_check(nft, raw.text);
		if (why)
			fuzz_printable(why);
		else if (parse_event(&input, &ev))
			expand(&raw, &ev);
	}
	fuzz_free(&input);
	return 0;
}
