// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dns_text.c - what a connection wants of each resolver, and in the words of its own
 * command.  Pure.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "dns.h"

/* ---- states --------------------------------------------------------------------- */

bool fwh_dns_next(const char **at, struct fwh_dns_line *ret)
{
	const char *s = *at;
	size_t n = strcspn(s, "\n"), key = strcspn(s, " \n");

	if (!*s || s[key] != ' ' || s[n] != '\n' || key >= sizeof(ret->key) ||
	    n - key > sizeof(ret->value))
		return false;
	memcpy(ret->key, s, key);
	ret->key[key] = '\0';
	memcpy(ret->value, s + key + 1, n - key - 1);
	ret->value[n - key - 1] = '\0';
	*at = s + n + 1;
	return true;
}

int fwh_dns_add(char state[FWH_VARIANT_MAX], const char *key, const char *value)
{
	size_t n = strlen(state);

	if (n + strlen(key) + strlen(value) + 2 >= FWH_VARIANT_MAX)
		return -E2BIG;
	snprintf(state + n, FWH_VARIANT_MAX - n, "%s %s\n", key, value);
	return 0;
}

bool fwh_dns_has(const char *state, const char *key)
{
	struct fwh_dns_line line;

	while (fwh_dns_next(&state, &line))
		if (!strcmp(line.key, key))
			return true;
	return false;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void fwh_dns_sort(char state[FWH_VARIANT_MAX])
{
	char copy[FWH_VARIANT_MAX], *lines[FWH_VARIANT_MAX / 8], *at, *end;
	size_t n = 0, i, length = 0;

	snprintf(copy, sizeof(copy), "%s", state);
	for (at = copy; (end = strchr(at, '\n')) && n < ARRAY_SIZE(lines);
	     at = end + 1) {
		*end = '\0';
		lines[n++] = at;
	}
	qsort(lines, n, sizeof(*lines), by_text);
	for (i = 0; i < n; i++)
		length += (size_t)snprintf(state + length,
					   FWH_VARIANT_MAX - length, "%s\n",
					   lines[i]);
}

/* ---- names ------------------------------------------------------------------------ */

static const struct {
	const char *prefix;
	enum fwh_dns_resolver resolver;
} names[] = {
	{ "dns-resolved-", FWH_DNS_RESOLVED },
	{ "dns-unbound-", FWH_DNS_UNBOUND },
	{ "dns-resolvconf-", FWH_DNS_RESOLVCONF },
	{ "dns-file-", FWH_DNS_FILE },
};

static const char *prefix_of(enum fwh_dns_resolver resolver)
{
	size_t i;

	for (i = 0; names[i].resolver != resolver;)
		i++;
	return names[i].prefix;
}

enum fwh_dns_resolver fwh_dns_resolver_of(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strncmp(name, names[i].prefix, strlen(names[i].prefix)))
			return names[i].resolver;
	return FWH_DNS_OFF;
}

const char *fwh_dns_where(const char *name)
{
	return name + strlen(prefix_of(fwh_dns_resolver_of(name)));
}

/* ---- planning ------------------------------------------------------------------------ */

struct build {
	const struct fwh_event *ev;
	const struct fwh_dns *dns;
	struct fwh_dns_object *object;
	int code;
};

static void add_servers(struct build *b)
{
	char text[FWH_ADDR_STRLEN];
	size_t i;

	for (i = 0; !b->code && i < b->dns->n_servers; i++)
		b->code = fwh_dns_add(b->object->state, "server",
				      fwh_addr_format(&b->dns->servers[i], text));
}

static void add_domain(struct build *b, const char *mark, const char *domain)
{
	char text[FWH_DOMAIN_MAX + 1];

	snprintf(text, sizeof(text), "%s%s", mark, domain);
	if (!b->code)
		b->code = fwh_dns_add(b->object->state, "domain", text);
}

static void add_domains(struct build *b, const char *mark)
{
	size_t i;

	for (i = 0; i < b->dns->n_domains; i++)
		add_domain(b, mark, b->dns->domains[i]);
}

static struct build begin(struct fwh_dns_plan *plan, const struct fwh_event *ev,
			  const struct fwh_dns *dns,
			  enum fwh_dns_resolver resolver, const char *where)
{
	struct build b = { ev, dns, &plan->list[plan->n++], 0 };

	snprintf(b.object->name, sizeof(b.object->name), "%s%.80s",
		 prefix_of(resolver), where);
	*b.object->state = '\0';
	return b;
}

static bool is_full_tunnel(const struct fwh_event *ev)
{
	struct fwh_net nets[FWH_RANGE_NETS_MAX];

	return fwh_range_to_nets(&ev->sel.remote, nets) == 1 && !nets[0].len;
}

/* On a device of the tunnel's own, domains can be kept apart from all other names.
 * On a device that others use, resolved would have no server left for these; so its
 * new servers get them, which is Libreswan's way. */
static int plan_resolved(const struct fwh_event *ev, const struct fwh_dns *dns,
			 struct fwh_dns_plan *plan, struct fwh_err *err)
{
	bool all = is_full_tunnel(ev) || !dns->n_domains;
	const char *own = *ev->vti_iface ? ev->vti_iface :
			  ev->xfrmi_route ? ev->virt_iface : "";
	struct build b;

	if (!*own && !*ev->iface)
		return fwh_fail(err, -ENODEV, "the peer's DNS: systemd-resolved "
				"has servers by device, and PLUTO_INTERFACE "
				"names none");
	b = begin(plan, ev, dns, FWH_DNS_RESOLVED, *own ? own : ev->iface);
	add_servers(&b);
	add_domains(&b, *own && !all ? "~" : "");
	if (all)
		add_domain(&b, "~", ".");
	return b.code;
}

/* A name of 253 bytes is too long for a file's: longer ones are hashed. */
static void format_zone(const char *domain, char ret[FWH_IP_NAME_MAX])
{
	size_t max = FWH_IP_NAME_MAX - strlen(prefix_of(FWH_DNS_UNBOUND)) - 1;
	uint64_t h = 14695981039346656037u;
	const char *p;

	if (strlen(domain) <= max) {
		snprintf(ret, FWH_IP_NAME_MAX, "%s", domain);
		return;
	}
	for (p = domain; *p; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211u;
	snprintf(ret, FWH_IP_NAME_MAX, "%.40s~%016" PRIx64, domain, h);
}

static int plan_zone(const struct fwh_event *ev, const struct fwh_dns *dns,
		     const char *domain, struct fwh_dns_plan *plan)
{
	char zone[FWH_IP_NAME_MAX];
	struct build b;

	format_zone(domain, zone);
	b = begin(plan, ev, dns, FWH_DNS_UNBOUND, zone);
	add_servers(&b);
	add_domain(&b, "", domain);
	fwh_dns_sort(b.object->state);
	return b.code;
}

/* Domain by domain: connections share these one by one. */
static int plan_unbound(const struct fwh_event *ev, const struct fwh_dns *dns,
			struct fwh_dns_plan *plan)
{
	size_t i;
	int code = dns->n_domains ? 0 : plan_zone(ev, dns, ".", plan);

	for (i = 0; !code && i < dns->n_domains; i++)
		code = plan_zone(ev, dns, dns->domains[i], plan);
	return code;
}

/* resolv.conf's words, wherever they go. */
static int plan_plain(const struct fwh_event *ev, const struct fwh_dns *dns,
		      enum fwh_dns_resolver resolver, const char *where,
		      struct fwh_dns_plan *plan)
{
	struct build b = begin(plan, ev, dns, resolver, where);

	add_servers(&b);
	add_domains(&b, "");
	return b.code;
}

int fwh_dns_plan_build(enum fwh_dns_resolver resolver, const struct fwh_event *ev,
		       const char *owner, const struct fwh_dns *dns,
		       struct fwh_dns_plan *ret, struct fwh_err *err)
{
	int code = 0;

	ret->n = 0;
	if (!dns->n_servers || resolver == FWH_DNS_OFF)
		return 0;		/* nobody to ask */
	if (resolver == FWH_DNS_RESOLVED)
		code = plan_resolved(ev, dns, ret, err);
	else if (resolver == FWH_DNS_UNBOUND)
		code = plan_unbound(ev, dns, ret);
	else
		code = plan_plain(ev, dns, resolver,
				  resolver == FWH_DNS_FILE ? "" : owner, ret);
	if (code)
		ret->n = 0;
	return code == -E2BIG ? fwh_fail(err, code, "the peer's DNS: more than "
					 "%d bytes of servers and domains: not "
					 "used", FWH_VARIANT_MAX) : code;
}

/* ---- for people -------------------------------------------------------------------------- */

/* Every value of a key, each after its word. */
static void print_values(FILE *f, const char *state, const char *key,
			 const char *word)
{
	struct fwh_dns_line line;

	while (fwh_dns_next(&state, &line))
		if (!strcmp(line.key, key))
			fprintf(f, "%s%s", word, line.value);
}

/* In resolv.conf's words, each line between these. */
static void print_conf(FILE *f, const char *state, const char *prefix,
		       const char *end)
{
	const char *at = state;
	struct fwh_dns_line line;

	if (fwh_dns_has(state, "domain")) {
		fprintf(f, "%ssearch", prefix);
		print_values(f, state, "domain", " ");
		fputs(end, f);
	}
	while (fwh_dns_next(&at, &line))
		if (!strcmp(line.key, "server"))
			fprintf(f, "%snameserver %s%s", prefix, line.value, end);
}

char *fwh_dns_record(const char *state)
{
	struct fwh_print text;
	FILE *f = fwh_print_begin(&text);

	if (!f)
		return NULL;
	print_conf(f, state, "", "\n");
	return fwh_print_end(&text, f);
}

static void print_object(const struct fwh_dns_object *object,
			 const char *prefix, FILE *f)
{
	const char *where = fwh_dns_where(object->name);

	switch (fwh_dns_resolver_of(object->name)) {
	case FWH_DNS_RESOLVED:
		fprintf(f, "%sresolvectl dns %s", prefix, where);
		print_values(f, object->state, "server", " ");
		fprintf(f, "\n%sresolvectl domain %s", prefix, where);
		print_values(f, object->state, "domain", " ");
		fputc('\n', f);
		break;
	case FWH_DNS_UNBOUND:
		fprintf(f, "%sunbound-control forward_add", prefix);
		print_values(f, object->state, "domain", " ");
		print_values(f, object->state, "server", " ");
		fputc('\n', f);
		break;
	case FWH_DNS_RESOLVCONF:
		fprintf(f, "%sprintf '", prefix);
		print_conf(f, object->state, "", "\\n");
		fprintf(f, "' | resolvconf -a vpn.ipsec-fw-%s\n", where);
		break;
	default:
		print_conf(f, object->state, prefix, "\n");
	}
}

int fwh_dns_print(const struct fwh_dns_plan *plan, const char *prefix, FILE *f)
{
	size_t i;

	for (i = 0; i < plan->n; i++)
		print_object(&plan->list[i], prefix, f);
	return ferror(f) ? -EIO : 0;
}
