// SPDX-License-Identifier: GPL-2.0-or-later
/* event.c - an environment, parts of which the peer writes, and settings: the
 * event is refused in a printable line, or what follows from it says nothing
 * but rules, whatever the names in it are. */
#include <stdio.h>
#include <string.h>

#include "backend.h"
#include "fuzz.h"
#include "ip.h"

/* Every line is one of ours, and no more than the plan has rules. */
static void check_lines(char *text, size_t rules)
{
	char *line;
	size_t n = 0;

	fuzz_printable(text);
	while ((line = strsep(&text, "\n")) && *line) {
		fuzz_holds(strchr("*:#-C", *line));
		n += !strncmp(line, "-A fw-", 6);
	}
	fuzz_holds(n <= rules);
}

static void print(const struct fwh_globals *globals, const struct fwh_plan *plan)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	fuzz_holds(f && !fwh_plan_print(plan, f));
	fclose(f);
	check_lines(text, plan->n);
	free(text);
	f = open_memstream(&text, &size);
	fuzz_holds(f && !fwh_backend_print(&fwh_backend_nftables, globals, plan, f));
	fclose(f);
	fuzz_printable(text);
	free(text);
}

static void plan_rules(const struct fwh_globals *globals,
		       const struct fwh_settings *settings,
		       const struct fwh_event *ev, enum fwh_state state)
{
	struct fwh_sa sa;
	struct fwh_plan_input in = {
		.ev = ev, .sa = &sa, .settings = settings,
		.mark = settings->mark_off ? (struct fwh_mark){ 0, 0 } :
			settings->mark_auto ?
			(struct fwh_mark){ fwh_mark_nth(globals->mark_mask, 0),
					   globals->mark_mask } :
			settings->mark,
		.devices = &globals->devices, .state = state,
	};
	struct fwh_plan plan;
	struct fwh_err err = { .code = 0 };

	fwh_xfrm_find_sa(NULL, ev, &sa, NULL);
	if (fwh_plan_build(&in, &plan, &err)) {
		fuzz_printable(err.msg);
		return;
	}
	print(globals, &plan);
	fwh_plan_free(&plan);
}

static void plan_routes(const struct fwh_settings *settings,
			const struct fwh_event *ev)
{
	static const struct fwh_ip_facts facts = {
		.wanted = true, .dev = "w0", .proxy_dev = "l0"
	};
	struct fwh_ip_plan plan;
	struct fwh_err err = { .code = 0 };
	char *text = NULL;
	size_t size;
	FILE *f;

	if (fwh_ip_plan_build(ev, settings, &facts, fwh_ip_level(ev, 0), &plan,
			      &err)) {
		fuzz_printable(err.msg);
		return;
	}
	f = open_memstream(&text, &size);
	fuzz_holds(f && !fwh_ip_print(&plan, "", f));
	fclose(f);
	fuzz_printable(text);
	free(text);
	fwh_ip_plan_free(&plan);
}

/* Written and read again it says the same. */
static void check_again(const struct fwh_event *ev)
{
	struct fwh_key key, key_again;
	struct fwh_event again;
	char *lines[FUZZ_ENTRIES + 1] = { NULL };
	char *text = NULL, *p, *line;
	size_t size, n = 0;
	FILE *f = open_memstream(&text, &size);

	fuzz_holds(f && !fwh_event_write(ev, f));
	fclose(f);
	for (p = text; (line = strsep(&p, "\n")) && *line; )
		lines[n++] = line;
	fuzz_holds(!fwh_event_parse(lines, &again, NULL));
	fwh_event_key(ev, &key);
	fwh_event_key(&again, &key_again);
	fuzz_holds(!memcmp(&key, &key_again, sizeof(key)));
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fwh_event *ev = calloc(1, sizeof(*ev));
	struct fwh_config *config;
	struct fwh_settings settings;
	struct fwh_err err = { .code = 0 };
	struct fuzz_input input;

	fuzz_split(data, size, &input);
	if (fwh_config_load(fuzz_file(input.conf, strlen(input.conf)), NULL,
			    &config, NULL))
		fuzz_holds(!fwh_config_default(&config));
	if (fwh_event_parse(input.env, ev, &err)) {
		fuzz_holds(*err.msg);
		fuzz_printable(err.msg);
	} else {
		fwh_config_resolve(config, ev->conn, &settings);
		check_again(ev);
		plan_rules(fwh_config_globals(config), &settings, ev,
			   (enum fwh_state)input.state);
		plan_routes(&settings, ev);
	}
	fwh_config_free(config);
	fuzz_free(&input);
	free(ev);
	return 0;
}
