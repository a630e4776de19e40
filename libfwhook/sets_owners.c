// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sets_owners.c - which connection owns which element.
 *
 * ip_set lists a set as a whole or tells whether it has an element; of one element
 * it tells no comment.  So that a call need not read ten thousand, a set of its own
 * has a hash of each pair of element and owner, which can be asked for.  The
 * comments say it too, for people and for reconciling, which reads everything.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "sets.h"

/* FNV-1a twice, in two orders: 128 bits, as the address that they are kept as. */
static struct fwh_ipset_element hash_pair(const char *set,
					  const struct fwh_net *net,
					  const char *owner)
{
	uint64_t h[2] = { FWH_HASH_START, 0x9ae16a3b2f90404fu };
	struct fwh_ipset_element element;

	fwh_hash_bytes(&h[0], set, strlen(set) + 1);
	fwh_hash_bytes(&h[0], owner, strlen(owner) + 1);
	fwh_hash_bytes(&h[1], owner, strlen(owner) + 1);
	if (net) {
		fwh_hash_bytes(&h[0], net->addr.b, fwh_family_bytes(net->addr.family));
		fwh_hash_bytes(&h[0], &net->len, sizeof(net->len));
		fwh_hash_bytes(&h[1], &net->len, sizeof(net->len));
		fwh_hash_bytes(&h[1], net->addr.b, fwh_family_bytes(net->addr.family));
	}
	fwh_hash_bytes(&h[1], set, strlen(set) + 1);
	memset(&element, 0, sizeof(element));
	element.net.addr.family = FWH_IPV6;
	element.net.len = 128;
	memcpy(element.net.addr.b, h, sizeof(h));
	return element;
}

struct fwh_ipset_element fwh_set_owned(const char *set,
				       const struct fwh_net *net,
				       const char *owner)
{
	return hash_pair(set, net, owner);
}

struct fwh_ipset_element fwh_set_owns_any(const char *owner)
{
	return hash_pair("", NULL, owner);
}

struct fwh_ipset_element fwh_set_has_rules(const char *set, uint64_t shape)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, shape);
	return hash_pair(set, NULL, text);
}

/* ---- what a connection may have ---- */

static struct fwh_set_had *add_had(struct fwh_set_had_list *list, size_t conn,
				   const char *owner, const char *set,
				   const struct fwh_net *net)
{
	struct fwh_set_had *had;

	if (!fwh_grow(&list->list, list->n, &list->cap, sizeof(*had)))
		return NULL;
	had = &list->list[list->n++];
	memset(had, 0, sizeof(*had));
	had->conn = conn;
	snprintf(had->owner, sizeof(had->owner), "%s", owner);
	snprintf(had->set, sizeof(had->set), "%s", set);
	had->net = *net;
	return had;
}

struct search {
	const struct fwh_set_names *names;
	struct fwh_set_had_list *list;
	size_t conn;
	const char *owner;
	bool nomem;
};

/* In every set of the family: the settings may have changed since, and so may the
 * program. */
static void may_have(struct search *search, const struct fwh_net *net)
{
	struct fwh_net half = *net;
	size_t i;

	if (!net->len) {
		half.len = 1;
		may_have(search, &half);
		half.addr.b[0] = 0x80;
		may_have(search, &half);
		return;
	}
	for (i = 0; i < search->names->n; i++)
		if (fwh_set_family(search->names->list[i]) ==
		    net->addr.family &&
		    !add_had(search->list, search->conn, search->owner,
			     search->names->list[i], net))
			search->nomem = true;
}

static void may_have_peer(struct search *search, const struct fwh_addr *peer)
{
	struct fwh_net net = { .addr = *peer };

	net.len = (uint8_t)fwh_family_bits(peer->family);
	may_have(search, &net);
}

static void may_have_all(struct search *search,
			 const struct fwh_change *change)
{
	const struct fwh_event *ev = &change->after->ev;
	struct fwh_net nets[FWH_RANGE_NETS_MAX], any = { .len = 0 };
	size_t n = fwh_range_to_nets(&ev->sel.remote, nets), i;

	for (i = 0; i < n; i++)
		may_have(search, &nets[i]);
	may_have_peer(search, &ev->peer);
	if (change->before &&
	    !fwh_addr_equal(&change->before->ev.peer, &ev->peer))
		may_have_peer(search, &change->before->ev.peer);
	/* guard-families = both */
	any.addr.family = ev->sel.local.family == FWH_IPV4 ? FWH_IPV6 :
							     FWH_IPV4;
	may_have(search, &any);
}

/* Keep what the set of owners has. */
static int keep_owned(struct fwh_ipset *link, struct fwh_set_had_list *list)
{
	fwh_autofree int *results = calloc(list->n + 1, sizeof(*results));
	struct fwh_ipset_element element;
	size_t i, n = 0;
	int code;

	if (!results)
		return -ENOMEM;
	for (i = 0; i < list->n; i++) {
		element = fwh_set_owned(list->list[i].set, &list->list[i].net,
					list->list[i].owner);
		fwh_ipset_test(link, FWH_SETS_OWNERS, &element);
	}
	code = fwh_ipset_send(link, results);
	for (i = 0; !code && i < list->n; i++)
		if (!results[i])
			list->list[n++] = list->list[i];
	if (!code)
		list->n = n;
	return code;
}

/* Which of these connections own anything? */
static int ask_owners(struct fwh_ipset *link, const struct fwh_change *changes,
		      size_t n, int *results)
{
	struct fwh_ipset_element element;
	char owner[FWH_SET_OWNER_MAX];
	size_t i;

	for (i = 0; i < n; i++) {
		fwh_set_owner(&changes[i].plan->key, owner);
		element = fwh_set_owns_any(owner);
		fwh_ipset_test(link, FWH_SETS_OWNERS, &element);
	}
	return fwh_ipset_send(link, results);
}

static int find_some(struct fwh_ipset *link, const struct fwh_set_names *names,
		     const struct fwh_change *changes, size_t n,
		     struct fwh_set_had_list *ret)
{
	fwh_autofree int *results = calloc(n + 1, sizeof(*results));
	char owner[FWH_SET_OWNER_MAX];
	struct search search = { .names = names, .list = ret, .owner = owner };
	int code = results ? ask_owners(link, changes, n, results) : -ENOMEM;

	for (; !code && search.conn < n; search.conn++) {
		if (results[search.conn])
			continue;
		fwh_set_owner(&changes[search.conn].plan->key, owner);
		may_have_all(&search, &changes[search.conn]);
		if (search.nomem)
			code = -ENOMEM;
	}
	return code || !ret->n ? code : keep_owned(link, ret);
}

/* ---- what all have ---- */

struct named {
	char owner[FWH_SET_OWNER_MAX];
	size_t conn;
};

struct reading {
	struct fwh_set_had_list *list;
	const char *set;
	struct named *named;		/* by owner */
	size_t n;
};

static int compare_named(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->owner,
		      ((const struct named *)b)->owner);
}

/* What says nobody's name is for whoever put it there to take away. */
static int take_element(const struct fwh_ipset_element *element, void *arg)
{
	struct reading *reading = arg;
	const struct named *found;
	struct named wanted;

	if (!element->comment ||
	    strlen(element->comment) >= sizeof(wanted.owner) ||
	    !*element->comment)
		return 0;
	strcpy(wanted.owner, element->comment);
	found = bsearch(&wanted, reading->named, reading->n, sizeof(wanted),
			compare_named);
	return add_had(reading->list, found ? found->conn : SIZE_MAX,
		       wanted.owner, reading->set, &element->net) ? 0 : -ENOMEM;
}

static int compare_had(const void *a, const void *b)
{
	const struct fwh_set_had *x = a, *y = b;

	return x->conn < y->conn ? -1 : x->conn > y->conn;
}

static int find_all(struct fwh_ipset *link, const struct fwh_set_names *names,
		    const struct fwh_change *changes, size_t n,
		    struct fwh_set_had_list *ret)
{
	fwh_autofree struct named *named = calloc(n + 1, sizeof(*named));
	struct reading reading = { .list = ret, .named = named, .n = n };
	size_t i;
	int code = named ? 0 : -ENOMEM;

	for (i = 0; !code && i < n; i++) {
		fwh_set_owner(&changes[i].plan->key, named[i].owner);
		named[i].conn = i;
	}
	if (!code && n)
		qsort(named, n, sizeof(*named), compare_named);
	for (i = 0; !code && i < names->n; i++) {
		reading.set = names->list[i];
		code = fwh_ipset_list(link, reading.set, take_element, &reading);
	}
	if (!code && ret->n)
		qsort(ret->list, ret->n, sizeof(*ret->list), compare_had);
	return code;
}

int fwh_set_find_had(struct fwh_ipset *link, const struct fwh_set_names *names,
		     const struct fwh_change *changes, size_t n, bool all,
		     struct fwh_set_had_list *ret)
{
	if (all)
		return find_all(link, names, changes, n, ret);
	return names->n ? find_some(link, names, changes, n, ret) : 0;
}
