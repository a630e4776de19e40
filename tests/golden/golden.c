// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * golden.c - compares plans with what they were when a person last read them.
 *
 *	golden [--update] [NAME...]
 *
 * A case is a file cases/NAME.txt; all of them run if no name is given.
 * --update writes down what the plans are now.  A file says first what it is
 * about, then has these sections:
 *
 *	=== event
 *	The environment: "@FILE" is one recorded in env/, "@libreswan4",
 *	"@libreswan5", "@openswan" and "@strongswan" are a tunnel's as these
 *	send it (../unit/env.c).  "NAME=value" comes on top or in place of an
 *	earlier one, "NAME" takes one away.
 *	=== conf
 *	The INI file.  May be missing.
 *	=== kernel
 *	What the kernel says.  May be missing: the daemon is believed.
 *	    recorded	the inbound state that stands in the recorded file
 *	    sa reqid=N proto=esp|ah mode=tunnel|transport|beet encap=PORT:PORT
 *	       mark=VALUE/MASK
 *	    pass out|in src=NET dst=NET proto=N sport=N dport=N icmp=TYPE/CODE
 *	    device xfrm=NAME vti=NAME	of the event's if_id or mark (link.c)
 *	=== state
 *	"blocked": on hold (on-error = hold), nothing may pass; "armed": down, but
 *	its guard stands.  Missing: up.
 *	=== expected
 *	iptables-save's text of the plan, the same with sets after what "ipset
 *	restore" reads, and the text that nft reads; or a line that begins with "# "
 *	and says why there is none.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>

#include "env.h"

static char folder[512];	/* tests/golden of the source */

/* A case can't be run as it stands: that is its author's matter. */
__attribute__((format(printf, 2, 3), noreturn))
static void quit(const char *name, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\n", stderr);
	exit(2);
}

/* ---- files -------------------------------------------------------------- */

static char *read_file(const char *path)
{
	char *text = calloc(1, 1 << 18);
	FILE *f = fopen(path, "r");

	if (!text || !f)
		quit(path, "%s", strerror(errno));
	if (fread(text, 1, (1 << 18) - 1, f) == (1 << 18) - 1)
		quit(path, "too large");
	fclose(f);
	return text;
}

static void write_file(const char *path, const char *head, const char *tail)
{
	FILE *f = fopen(path, "w");

	if (!f || fputs(head, f) < 0 || fputs(tail, f) < 0 || fclose(f))
		quit(path, "%s", strerror(errno));
}

/* ---- a case ------------------------------------------------------------- */

enum section { ABOUT, EVENT, CONF, KERNEL, STATE, EXPECTED, SECTION_MAX };

static const char *const section_line[SECTION_MAX] = {
	[EVENT] = "=== event\n",
	[CONF] = "=== conf\n",
	[KERNEL] = "=== kernel\n",
	[STATE] = "=== state\n",
	[EXPECTED] = "=== expected\n",
};

struct golden {
	char name[128], path[768];
	char *head;			/* up to and with "=== expected" */
	char *text[SECTION_MAX];	/* NULL: not there */
	char *recorded;			/* the file of env/, NULL if none */
	struct env env;
	struct fwh_event ev;
	struct fwh_key key;
	struct fwh_globals globals;
	struct fwh_config *config;
	struct fwh_settings settings;
	struct fwh_sa sa;
	struct fwh_pass passes[8];
	size_t n_passes;
	struct fwh_mark mark;
	enum fwh_state state;
};

/* Which section begins with this line?  ABOUT: none does. */
static enum section which_section(const char *line)
{
	enum section i;

	for (i = EVENT; i < SECTION_MAX; i++)
		if (!strncmp(line, section_line[i], strlen(section_line[i])))
			return i;
	return ABOUT;
}

static void read_sections(struct golden *g)
{
	fwh_autofree char *text = read_file(g->path);
	enum section at = ABOUT;
	char *line = text, *begin = text;

	for (;;) {
		enum section next = which_section(line);

		if (!*line || next != ABOUT) {
			g->text[at] = strndup(begin, (size_t)(line - begin));
			if (!*line)
				break;
			if (next <= at)
				quit(g->path, "sections are out of order");
			at = next;
			line += strlen(section_line[next]);
			begin = line;
			continue;
		}
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	if (at != EXPECTED || !g->text[EVENT])
		quit(g->path, "there must be === event and === expected");
	g->head = strndup(text, (size_t)(begin - text));
}

/* ---- event -------------------------------------------------------------- */

static void include(struct golden *g, const char *name)
{
	static const char *const dialects[FWH_DIALECT_MAX] = {
		"openswan", "libreswan4", "libreswan5", "strongswan",
	};
	char path[768];
	size_t i;

	for (i = 0; i < FWH_DIALECT_MAX; i++) {
		if (!strcmp(dialects[i], name)) {
			env_set_lines(&g->env, env_up[i]);
			return;
		}
	}
	snprintf(path, sizeof(path), "%s/env/%s", folder, name);
	free(g->recorded);
	g->recorded = read_file(path);
	env_set_lines(&g->env, g->recorded);
}

static void read_env(struct golden *g)
{
	fwh_autofree char *text = strdup(g->text[EVENT]);
	char *p = text, *line;

	while ((line = strsep(&p, "\n"))) {
		if (*line == '@')
			include(g, line + 1);
		else
			env_set_lines(&g->env, line);
	}
}

/* ---- conf --------------------------------------------------------------- */

static void read_conf(struct golden *g)
{
	char path[] = "/tmp/golden.XXXXXX";
	int fd = mkstemp(path);
	struct fwh_err err;
	int code;

	if (fd < 0)
		quit(path, "%s", strerror(errno));
	close(fd);
	write_file(path, g->text[CONF] ? g->text[CONF] : "", "");
	code = fwh_config_load(path, NULL, &g->config, &err);
	unlink(path);
	if (code)
		quit(g->path, "%s", err.msg);
	g->globals = *fwh_config_globals(g->config);
	fwh_config_resolve(g->config, g->ev.conn, &g->settings);
}

/* ---- kernel ------------------------------------------------------------- */

struct words {
	const char *name;
	unsigned int value;
};

static const struct words protos[] = {
	{ "esp", IPPROTO_ESP }, { "ah", IPPROTO_AH }, { NULL, 0 }
};
static const struct words modes[] = {
	{ "tunnel", FWH_TUNNEL }, { "transport", FWH_TRANSPORT },
	{ "beet", FWH_BEET }, { NULL, 0 }
};

static unsigned int find_word(const struct golden *g, const struct words *list,
			      const char *s)
{
	for (; list->name; list++)
		if (!strcmp(list->name, s))
			return list->value;
	quit(g->path, "=== kernel: %s", s);
}

static uint64_t number(const struct golden *g, const char *s, uint64_t max)
{
	uint64_t n;

	if (fwh_number_parse(s, true, max, &n))
		quit(g->path, "=== kernel: %s", s);
	return n;
}

static struct fwh_net net(const struct golden *g, const char *s)
{
	struct fwh_net nets[FWH_RANGE_NETS_MAX];
	struct fwh_range range;

	if (fwh_range_parse(s, &range) || fwh_range_to_nets(&range, nets) != 1)
		quit(g->path, "=== kernel: %s", s);
	return nets[0];
}

/* "A:B" or "A/B" */
static void pair(const struct golden *g, char *s, uint16_t *a, uint16_t *b)
{
	char *second = strpbrk(s, ":/");

	if (!second)
		quit(g->path, "=== kernel: %s", s);
	*second++ = '\0';
	*a = (uint16_t)number(g, s, UINT16_MAX);
	*b = (uint16_t)number(g, second, UINT16_MAX);
}

static void sa_word(struct golden *g, const char *name, char *value)
{
	if (!strcmp(name, "reqid"))
		g->sa.reqid = (uint32_t)number(g, value, UINT32_MAX);
	else if (!strcmp(name, "proto"))
		g->sa.ipproto = (uint8_t)find_word(g, protos, value);
	else if (!strcmp(name, "mode"))
		g->sa.mode = (enum fwh_mode)find_word(g, modes, value);
	else if (!strcmp(name, "encap"))
		pair(g, value, &g->sa.encap_sport, &g->sa.encap_dport);
	else if (strcmp(name, "mark") || fwh_mark_parse(value, &g->sa.mark))
		quit(g->path, "=== kernel: sa %s", name);
	g->sa.source = FWH_SA_KERNEL;
	g->sa.encap = g->sa.encap_sport != 0;
}

static void pass_word(struct golden *g, const char *name, char *value)
{
	struct fwh_pass *pass = &g->passes[g->n_passes - 1];

	if (!strcmp(name, "out") || !strcmp(name, "in"))
		pass->out = *name == 'o';
	else if (!strcmp(name, "src"))
		pass->src = net(g, value);
	else if (!strcmp(name, "dst"))
		pass->dst = net(g, value);
	else if (!strcmp(name, "proto"))
		pass->proto = (uint8_t)number(g, value, 255);
	else if (!strcmp(name, "sport"))
		pass->sport.lo = pass->sport.hi =
			(uint16_t)number(g, value, UINT16_MAX);
	else if (!strcmp(name, "dport"))
		pass->dport.lo = pass->dport.hi =
			(uint16_t)number(g, value, UINT16_MAX);
	else if (!strcmp(name, "icmp"))
		pair(g, value, (uint16_t *)&pass->icmp_type,
		     (uint16_t *)&pass->icmp_code);
	else
		quit(g->path, "=== kernel: pass %s", name);
}

static void device_word(struct golden *g, const char *name, char *value)
{
	char *field = !strcmp(name, "xfrm") ? g->ev.virt_iface :
		      !strcmp(name, "vti") ? g->ev.vti_iface : NULL;

	if (!field || fwh_ifname_parse(value, field))
		quit(g->path, "=== kernel: device %s", name);
}

/* "src A dst B proto esp spi N reqid N mode tunnel ..." as ip-xfrm has it.
 * False if it is not the inbound state of ESP or AH. */
static bool read_state(const struct golden *g, char *line, struct fwh_sa *ret)
{
	struct fwh_addr dst = { .family = FWH_IPV4 };
	struct fwh_sa sa = { .source = FWH_SA_KERNEL };
	char *key, *value;

	while ((key = strsep(&line, " "))) {
		if (!strcmp(key, "encap"))
			sa.encap = true;	/* type, sport, ... follow */
		if (!strcmp(key, "encap") || !(value = strsep(&line, " ")))
			continue;
		if (!strcmp(key, "dst"))
			fwh_addr_parse(value, &dst);
		else if (!strcmp(key, "proto") && strcmp(value, "esp") &&
			 strcmp(value, "ah"))
			return false;
		else if (!strcmp(key, "proto"))
			sa.ipproto = (uint8_t)find_word(g, protos, value);
		else if (!strcmp(key, "reqid"))
			sa.reqid = (uint32_t)number(g, value, UINT32_MAX);
		else if (!strcmp(key, "mode"))
			sa.mode = (enum fwh_mode)find_word(g, modes, value);
		else if (!strcmp(key, "mark"))
			fwh_mark_parse(value, &sa.mark);
	}
	if (!fwh_addr_equal(&dst, &g->ev.me))
		return false;
	*ret = sa;
	return true;
}

/* What the daemon's word is worth shows here. */
static void check_believed(const struct golden *g)
{
	struct fwh_sa sa;

	fwh_xfrm_find_sa(NULL, &g->ev, &sa, NULL);
	if (sa.source != FWH_SA_NONE &&
	    (sa.reqid != g->sa.reqid || sa.ipproto != g->sa.ipproto ||
	     (sa.mode && sa.mode != g->sa.mode)))
		quit(g->path, "the daemon tells reqid %u, protocol %u, mode %d,"
		     " the kernel has %u, %u, %d", sa.reqid, sa.ipproto,
		     sa.mode, g->sa.reqid, g->sa.ipproto, g->sa.mode);
}

static void read_recorded(struct golden *g)
{
	static const char start[] = "# state ";
	fwh_autofree char *text = g->recorded ? strdup(g->recorded) : NULL;
	char *p = text, *line;

	while (p && (line = strsep(&p, "\n"))) {
		if (strncmp(line, start, strlen(start)) != 0 ||
		    !read_state(g, line + strlen(start), &g->sa))
			continue;
		check_believed(g);
		return;
	}
	quit(g->path, "no state is recorded");
}

static void new_pass(struct golden *g)
{
	if (g->n_passes == ARRAY_SIZE(g->passes))
		quit(g->path, "=== kernel: too many");
	g->passes[g->n_passes].icmp_type = -1;
	g->passes[g->n_passes++].icmp_code = -1;
}

static void read_kernel_line(struct golden *g, char *line)
{
	static const struct {
		const char *name;
		void (*word)(struct golden *g, const char *name, char *value);
	} kinds[] = {
		{ "sa", sa_word }, { "pass", pass_word },
		{ "device", device_word },
	};
	const char *what = strsep(&line, " ");
	char *word;
	size_t i = 0;

	if (!strcmp(what, "recorded")) {
		read_recorded(g);
		return;
	}
	while (strcmp(kinds[i].name, what) != 0)
		if (++i == ARRAY_SIZE(kinds))
			quit(g->path, "=== kernel: %s", what);
	if (kinds[i].word == pass_word)
		new_pass(g);
	while ((word = strsep(&line, " "))) {
		char *value = strchr(word, '=');

		if (value)
			*value++ = '\0';
		kinds[i].word(g, word, value ? value : word);
	}
}

static void read_kernel(struct golden *g)
{
	fwh_autofree char *text = strdup(g->text[KERNEL] ? g->text[KERNEL] : "");
	char *p = text, *line;

	while ((line = strsep(&p, "\n")))
		if (*line)
			read_kernel_line(g, line);
	if (g->sa.source == FWH_SA_NONE)
		fwh_xfrm_find_sa(NULL, &g->ev, &g->sa, NULL);
}

/* ---- what a call does (call.c), without a store and a kernel ------------ */

/* find_mark(), as in a dry run.  Returns a reason to refuse, or NULL. */
static const char *find_mark(struct golden *g)
{
	uint32_t mask = g->settings.mark_auto ? g->globals.mark_mask :
						g->settings.mark.mask;

	if (g->settings.mark_off)
		return NULL;
	if ((g->ev.mark_in.mask | g->ev.mark_out.mask | g->sa.mark.mask) & mask)
		return g->settings.mark_auto && !g->settings.mark_esp ? NULL :
			"the mark's mask covers the connection's own mark=";
	if (!g->settings.mark_auto)
		g->mark = g->settings.mark;
	else if (g->settings.mark_esp)
		quit(g->path, "mark-source = esp: give a fixed mark");
	else
		g->mark = (struct fwh_mark){ fwh_mark_nth(mask, 0),
					     mask };
	return NULL;
}

/* Returns whether it has rules. */
static bool print_for(struct golden *g, const char *backend, const char *title,
		      FILE *f)
{
	struct fwh_plan_input in = {
		.ev = &g->ev, .sa = &g->sa, .settings = &g->settings,
		.mark = g->mark, .passes = g->passes, .n_passes = g->n_passes,
		.devices = &g->globals.devices, .state = g->state,
		.accept_mark = g->globals.accept_mark,
	};
	struct fwh_plan plan;
	struct fwh_err err;
	bool has_rules;

	strcpy(g->globals.backend, backend);
	in.raws = fwh_raws_of(&g->settings, &g->globals);
	if (fwh_plan_build(&in, &plan, &err)) {
		fprintf(f, "# refused: %s\n", err.msg);
		return false;
	}
	has_rules = plan.n;
	if (has_rules)
		fputs(title, f);
	else
		fputs("# no rules\n", f);
	if (has_rules && fwh_backend_print(fwh_backend_find(backend),
					   &g->globals, &plan, f))
		quit(g->path, "printing failed");
	fwh_plan_free(&plan);
	return has_rules;
}

static void print_plan(struct golden *g, FILE *f)
{
	if (print_for(g, "iptables", "", f)) {
		print_for(g, "iptables-sets", "", f);
		print_for(g, "nftables", "# nftables\n", f);
	}
}

static void choose_state(struct golden *g)
{
	const char *text = g->text[STATE];

	g->state = g->ev.xauth_failed && !g->settings.accept_xauth_failed ?
		   FWH_STATE_BLOCKED : FWH_STATE_UP;
	if (text && !strcmp(text, "blocked\n"))
		g->state = FWH_STATE_BLOCKED;
	else if (text && !strcmp(text, "armed\n"))
		g->state = FWH_STATE_ARMED;
	else if (text)
		quit(g->path, "=== state: %s", text);
}

/* decide() without an up: what stands of a connection that is not known yet, or
 * goes down. */
static void print_other(struct golden *g, FILE *f)
{
	bool down = g->ev.verbs & FWH_DOWN;

	if (g->ev.flags & FWH_CONN_NEVER_NEGOTIATE ||
	    !(g->ev.verbs & (FWH_PREPARE | FWH_ROUTE | FWH_DOWN))) {
		fputs("# nothing changes\n", f);
	} else if (fwh_guard_of(&g->settings, &g->ev) != FWH_GUARD_ARMED ||
		   g->ev.going_away) {
		fputs(down ? "# no rules\n" : "# nothing changes\n", f);
	} else {
		g->state = FWH_STATE_ARMED;
		print_plan(g, f);
	}
}

static void print_result(struct golden *g, FILE *f)
{
	struct fwh_err err;
	const char *why;

	read_env(g);
	if (fwh_event_parse(g->env.var, &g->ev, &err)) {
		fprintf(f, "# refused: %s\n", err.msg);
		return;
	}
	fwh_event_key(&g->ev, &g->key);
	read_conf(g);
	if (!(g->ev.verbs & FWH_UP) || g->ev.flags & FWH_CONN_NEVER_NEGOTIATE) {
		print_other(g, f);
		return;
	}
	read_kernel(g);
	choose_state(g);
	if (g->sa.source == FWH_SA_NONE && !g->settings.mark_esp &&
	    g->state == FWH_STATE_UP) {
		fputs("# refused: no reqid\n", f);
		return;
	}
	why = find_mark(g);
	if (why)
		fprintf(f, "# refused: %s\n", why);
	else
		print_plan(g, f);
}

/* ---- comparing ---------------------------------------------------------- */

#define HASH_LETTERS	8
#define LINES_MAX	4096

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_lines(char *text)
{
	fwh_autofree char *copy = strdup(text);
	char *lines[LINES_MAX], *rest = copy, *line;
	size_t n = 0, i;

	while (n < LINES_MAX && (line = strsep(&rest, "\n")) && rest)
		lines[n++] = line;
	qsort(lines, n, sizeof(*lines), by_text);
	for (i = 0; i < n; i++)
		text += sprintf(text, "%s\n", lines[i]);
}

/* A set's name ends with a hash of the kernel's structs, and sets stand in the
 * order of their names: those in cases/ are of 64 bits, the lowest byte first.
 * Elsewhere all but the hash and the order is compared. */
static void hide_hashes(char *text)
{
	static const char prefix[] = "ipsec-fw";
	char *p = text;
	size_t n;

	if (sizeof(long) == 8 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		return;
	while ((p = strstr(p, prefix))) {
		p += strlen(prefix);
		n = strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789-");
		if ((*p == '4' || *p == '6') && n > HASH_LETTERS)
			memset(p + n - HASH_LETTERS, '?', HASH_LETTERS);
		p += n;
	}
	sort_lines(text);
}

/* Say in which line two texts part. */
static void print_difference(const struct golden *g, const char *got)
{
	const char *a = g->text[EXPECTED], *b = got;
	unsigned int line = 1;

	for (;;) {
		size_t na = strcspn(a, "\n"), nb = strcspn(b, "\n");

		if (na != nb || memcmp(a, b, na) != 0 || !a[na] || !b[nb]) {
			printf("not ok - %s: line %u\n  expected %.*s\n"
			       "  got      %.*s\n", g->name, line, (int)na, a,
			       (int)nb, b);
			return;
		}
		a += na + 1;
		b += nb + 1;
		line++;
	}
}

static bool run_case(const char *name, bool update)
{
	struct golden *g = calloc(1, sizeof(*g));
	char *got = NULL;
	size_t size, i;
	FILE *f = open_memstream(&got, &size);
	bool good;

	if (!g || !f)
		quit(name, "out of memory");
	snprintf(g->name, sizeof(g->name), "%s", name);
	snprintf(g->path, sizeof(g->path), "%s/cases/%s.txt", folder, name);
	read_sections(g);
	print_result(g, f);
	fclose(f);
	if (!update) {
		hide_hashes(got);
		hide_hashes(g->text[EXPECTED]);
	}
	good = !strcmp(got, g->text[EXPECTED]);
	if (good)
		printf("ok - %s\n", name);
	else if (update)
		printf("updated - %s\n", name);
	else
		print_difference(g, got);
	if (!good && update)
		write_file(g->path, g->head, got);
	env_clear(&g->env);
	for (i = 0; i < SECTION_MAX; i++)
		free(g->text[i]);
	free(g->recorded);
	free(g->head);
	fwh_config_free(g->config);
	free(g);
	free(got);
	return good || update;
}

static bool run_all(bool update)
{
	char pattern[768], name[128];
	bool good = true;
	glob_t files;
	size_t i;

	snprintf(pattern, sizeof(pattern), "%s/cases/*.txt", folder);
	if (glob(pattern, 0, NULL, &files))
		quit(pattern, "no cases; set srcdir");
	for (i = 0; i < files.gl_pathc; i++) {
		snprintf(name, sizeof(name), "%s",
			 strrchr(files.gl_pathv[i], '/') + 1);
		*strrchr(name, '.') = '\0';
		good &= run_case(name, update);
	}
	globfree(&files);
	return good;
}

int main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir");
	bool update, good = true;
	int i = 1;

	snprintf(folder, sizeof(folder), "%s/tests/golden",
		 srcdir ? srcdir : ".");
	update = argc > 1 && !strcmp(argv[1], "--update");
	i += update;
	if (i == argc)
		return !run_all(update);
	for (; i < argc; i++)
		good &= run_case(argv[i], update);
	return !good;
}
