// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * iptables_apply.c - the kernel's legacy tables hold exactly the plans: one
 * init and one commit a table, under the lock that iptables takes, and none
 * where the table is right already.  Decides nothing about rules.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <libiptc/libip6tc.h>
#include <libiptc/libiptc.h>

#include "backend.h"
#include "iptables_job.h"
#include "broker.h"
#include "extensions.h"

static const char *const family_name[FWH_FAMILY_MAX] = { "IPv4", "IPv6" };

/* ---- images: what a connection has in a table --------------------------------- */

struct item {
	char chain[FWH_CHAIN_MAX];
	void *entry;
	bool dispatch;
	enum fwh_hook hook;		/* dispatch only */
};

struct image {
	struct item *items;
	size_t n, cap;
};

static void image_free(struct image *image)
{
	size_t i;

	for (i = 0; i < image->n; i++)
		free(image->items[i].entry);
	free(image->items);
	memset(image, 0, sizeof(*image));
}

static struct item *image_add(struct image *image, const void *entry,
			      size_t length)
{
	struct item *item;

	if (!fwh_grow(&image->items, image->n, &image->cap, sizeof(*item)))
		return NULL;
	item = &image->items[image->n];
	memset(item, 0, sizeof(*item));
	item->entry = malloc(length);
	if (!item->entry)
		return NULL;
	memcpy(item->entry, entry, length);
	image->n++;
	return item;
}

static int image_of_plan(const struct fwh_plan *plan, enum fwh_family family,
			 enum fwh_table table, struct image *ret)
{
	_Alignas(16) uint8_t buf[FWH_IPT_ENTRY_MAX];
	size_t i;

	for (i = 0; i < plan->n; i++) {
		const struct fwh_rule *rule = &plan->rules[i];
		struct item *item;

		if (rule->family != family || rule->table != table)
			continue;
		item = image_add(ret, buf, fwh_ipt_pack(&plan->key, rule, buf));
		if (!item)
			return -ENOMEM;
		item->dispatch = rule->dispatch;
		item->hook = rule->hook;
		if (rule->dispatch)
			fwh_dispatch_chain(rule->hook, item->chain);
		else
			fwh_part_chain(&plan->key, rule->part, item->chain);
	}
	return 0;
}

static const char *entry_target(enum fwh_family family, const void *entry)
{
	struct fwh_ipt_view view = fwh_ipt_view(family, entry);
	const struct xt_entry_target *target =
		(const void *)((const uint8_t *)entry + view.target);

	return target->u.user.name;
}

/* ---- one table, opened ---------------------------------------------------------- */

/* Is the rule one of this connection's, in a chain that others share? */
static bool is_own(const struct fwh_key *key, const char *target)
{
	size_t n = strlen(key->stem);

	/* fw-STEM-HASH-PART; asked of every rule in such a chain. */
	return !strncmp(target, "fw-", 3) &&
	       !strncmp(target + 3, key->stem, n) && target[3 + n] == '-' &&
	       !strncmp(target + 4 + n, key->hash, sizeof(key->hash) - 1) &&
	       target[3 + n + sizeof(key->hash)] == '-';
}

/* Copy a kernel's entry, with its standard target by name again, so that it
 * can be appended. */
static int image_add_kernel(struct fwh_ipt_table *t, struct image *image,
			    const void *entry, const char *target,
			    struct item **ret)
{
	struct fwh_ipt_view view = fwh_ipt_view(t->family, entry);
	struct item *item = image_add(image, entry, view.length);
	struct xt_entry_target *copy;

	if (!item)
		return -ENOMEM;
	copy = (void *)((uint8_t *)item->entry + view.target);
	if (!*copy->u.user.name)
		strncpy(copy->u.user.name, target,
			sizeof(copy->u.user.name) - 1);
	*ret = item;
	return 0;
}

static int image_chain(struct fwh_ipt_table *t, const struct fwh_key *key,
		       const char *chain, bool dispatch, enum fwh_hook hook,
		       struct image *image)
{
	const void *e;

	if (!t->iptc->is_chain(chain, t->h))
		return 0;
	for (e = t->iptc->first(chain, t->h); e; e = t->iptc->next(e, t->h)) {
		const char *target = t->iptc->target(e, t->h);
		struct item *item;
		int ret;

		if (dispatch && !is_own(key, target))
			continue;
		ret = image_add_kernel(t, image, e, target, &item);
		if (ret)
			return ret;
		memcpy(item->chain, chain, FWH_CHAIN_MAX);
		item->dispatch = dispatch;
		item->hook = hook;
	}
	return 0;
}

/* What the kernel holds of a connection now: what a failure goes back to. */
static int image_of_kernel(struct fwh_ipt_table *t, const struct fwh_key *key,
			   struct image *ret)
{
	char chain[FWH_CHAIN_MAX];
	size_t i;
	int err;

	for (i = 0; i < FWH_PART_MAX; i++) {
		fwh_part_chain(key, i, chain);
		err = image_chain(t, key, chain, false, 0, ret);
		if (err)
			return err;
	}
	for (i = 0; i < FWH_HOOK_MAX; i++) {
		fwh_dispatch_chain(i, chain);
		err = image_chain(t, key, chain, true, i, ret);
		if (err)
			return err;
	}
	return 0;
}

/* ---- making a table hold an image ------------------------------------------------ */

/* Where a connection's rules stand in a chain, and whether each is right. */
struct places {
	unsigned int *at;
	bool *right;
	size_t n, cap;
};

static int add_place(struct places *places, unsigned int at, bool right)
{
	if (places->n == places->cap) {
		size_t cap = places->cap ? 2 * places->cap : 16;
		unsigned int *ats = reallocarray(places->at, cap, sizeof(*ats));
		bool *rights;

		if (!ats)
			return -ENOMEM;
		places->at = ats;
		rights = reallocarray(places->right, cap, sizeof(*rights));
		if (!rights)
			return -ENOMEM;
		places->right = rights;
		places->cap = cap;
	}
	places->at[places->n] = at;
	places->right[places->n++] = right;
	return 0;
}

/* The image's items of one chain, in order. */
static const struct item *nth_item(const struct image *image,
				   const char *chain, size_t n)
{
	size_t i;

	for (i = 0; i < image->n; i++)
		if (!strcmp(image->items[i].chain, chain) && n-- == 0)
			return &image->items[i];
	return NULL;
}

/* key: only the rules that are this connection's; NULL: all of the chain. */
static int find_places(struct fwh_ipt_table *t, const struct fwh_key *key,
		       const char *chain, const struct image *image,
		       struct places *ret)
{
	unsigned int at = 0;
	const void *e;
	int err;

	for (e = t->iptc->first(chain, t->h); e;
	     e = t->iptc->next(e, t->h), at++) {
		const char *target = t->iptc->target(e, t->h);
		const struct item *item;

		if (key && !is_own(key, target))
			continue;
		item = nth_item(image, chain, ret->n);
		err = add_place(ret, at, item &&
				fwh_ipt_equal(t->family, e, target, item->entry,
					      entry_target(t->family,
							   item->entry)));
		if (err)
			return err;
	}
	return 0;
}

/* Change what differs and nothing else: rules that stay keep their counters
 * and their place. */
static int sync_places(struct fwh_ipt_table *t, const char *chain,
		       const struct image *image, const struct places *places)
{
	const struct item *item;
	size_t i, wanted = 0;
	int err = 0;

	while ((item = nth_item(image, chain, wanted))) {
		if (wanted >= places->n)
			err = checked(t, t->iptc->append(chain, item->entry,
							 t->h));
		else if (!places->right[wanted])
			err = checked(t, t->iptc->replace(chain, item->entry,
							  places->at[wanted],
							  t->h));
		if (err)
			return err;
		wanted++;
	}
	for (i = places->n; i > wanted; i--) {
		err = checked(t, t->iptc->delete(chain, places->at[i - 1],
						 t->h));
		if (err)
			return err;
	}
	return 0;
}

static int sync_chain(struct fwh_ipt_table *t, const struct fwh_key *key,
		      const char *chain, const struct image *image)
{
	struct places places = { .n = 0 };
	int err;

	if (!t->iptc->is_chain(chain, t->h)) {
		if (!nth_item(image, chain, 0))
			return 0;
		err = checked(t, t->iptc->create(chain, t->h));
		if (err)
			return err;
	}
	err = find_places(t, key, chain, image, &places);
	if (!err)
		err = sync_places(t, chain, image, &places);
	free(places.at);
	free(places.right);
	return err;
}

/* At which place of the built-in chain stands our jump?  -1: nowhere. */
static int find_hook(struct fwh_ipt_table *t, const char *builtin, const char *chain)
{
	const void *e;
	int at = 0;

	for (e = t->iptc->first(builtin, t->h); e;
	     e = t->iptc->next(e, t->h), at++)
		if (!strcmp(t->iptc->target(e, t->h), chain))
			return at;
	return -1;
}

static void builtin_chain(enum fwh_hook hook, char ret[FWH_CHAIN_MAX])
{
	memset(ret, 0, FWH_CHAIN_MAX);
	strncpy(ret, fwh_hook_name[hook], FWH_CHAIN_MAX - 1);
}

bool fwh_ipt_is_displaced(struct fwh_ipt_table *t)
{
	char builtin[FWH_CHAIN_MAX], chain[FWH_CHAIN_MAX];

	builtin_chain(FWH_POSTROUTING, builtin);
	fwh_dispatch_chain(FWH_POSTROUTING, chain);
	return t->table != FWH_FILTER && t->iptc->is_chain(chain, t->h) &&
	       find_hook(t, builtin, chain) != 0;
}

/* In mangle and nat the jump has to be first: an accept before it would open
 * the guard, a translation the leak.  In filter it is put where the settings
 * say and then left where the operator moves it. */
static int ensure_hook(struct fwh_ipt_table *t, enum fwh_hook hook, const char *chain,
		       enum fwh_position position)
{
	_Alignas(16) uint8_t entry[FWH_IPT_ENTRY_MAX];
	char builtin[FWH_CHAIN_MAX];
	int at, err;

	builtin_chain(hook, builtin);
	at = find_hook(t, builtin, chain);
	if (at == 0 || (at > 0 && t->table == FWH_FILTER))
		return 0;
	if (at > 0) {
		err = checked(t, t->iptc->delete(builtin, (unsigned int)at,
						 t->h));
		if (err)
			return err;
	}
	fwh_ipt_pack_hook(t->family, hook, entry);
	if (t->table == FWH_FILTER && position == FWH_POSITION_BOTTOM)
		return checked(t, t->iptc->append(builtin, entry, t->h));
	return checked(t, t->iptc->insert(builtin, entry, 0, t->h));
}

/* An empty dispatch chain goes, with every jump to it from its hook.  One that
 * the operator uses elsewhere stays, empty. */
static int drop_hook(struct fwh_ipt_table *t, enum fwh_hook hook, const char *chain)
{
	char builtin[FWH_CHAIN_MAX];
	int at, err;

	builtin_chain(hook, builtin);
	while ((at = find_hook(t, builtin, chain)) >= 0) {
		err = checked(t, t->iptc->delete(builtin, (unsigned int)at,
						 t->h));
		if (err)
			return err;
	}
	err = checked(t, t->iptc->remove(chain, t->h));
	return err == -EMLINK ? 0 : err;
}

/* ---- devices: in the guard's dispatch chain, ahead of all connections ---------- */

static bool is_device_rule(struct fwh_ipt_table *t, const void *e)
{
	_Alignas(16) uint8_t buf[FWH_IPT_ENTRY_MAX];
	const char *out = fwh_ipt_out(t->family, e);

	if (!*out)
		return false;
	fwh_ipt_pack_device(t->family, out, buf);
	return fwh_ipt_equal(t->family, e, t->iptc->target(e, t->h), buf,
			     entry_target(t->family, buf));
}

/* Which of the chain's rules are that?  ret_others: how many are not;
 * ret_right: they are the wanted ones, at the top. */
static int find_devices(struct fwh_ipt_table *t, const char *chain,
			const struct fwh_devices *wanted,
			struct places *ret, unsigned int *ret_others,
			bool *ret_right)
{
	unsigned int at = 0;
	const void *e;
	int err;

	*ret_others = 0;
	*ret_right = true;
	for (e = t->iptc->first(chain, t->h); e;
	     e = t->iptc->next(e, t->h), at++) {
		if (!is_device_rule(t, e)) {
			++*ret_others;
			continue;
		}
		*ret_right = *ret_right && at == ret->n && at < wanted->n &&
			     !strcmp(fwh_ipt_out(t->family, e),
				     wanted->list[at]);
		err = add_place(ret, at, true);
		if (err)
			return err;
	}
	*ret_right = *ret_right && ret->n == wanted->n;
	return 0;
}

static int replace_devices(struct fwh_ipt_table *t, const char *chain,
			   const struct places *places,
			   const struct fwh_devices *wanted)
{
	_Alignas(16) uint8_t entry[FWH_IPT_ENTRY_MAX];
	int err = 0;
	size_t i;

	for (i = places->n; !err && i > 0; i--)
		err = checked(t, t->iptc->delete(chain, places->at[i - 1],
						 t->h));
	for (i = 0; !err && i < wanted->n; i++) {
		fwh_ipt_pack_device(t->family, wanted->list[i], entry);
		err = checked(t, t->iptc->insert(chain, entry, (unsigned int)i,
						 t->h));
	}
	return err;
}

/* What goes into an XFRM or VTI device is encrypted there, whosever it is, or
 * dropped: no policy shows before.  The rules come with the first connection and
 * go with the last. */
static int sync_devices(struct fwh_ipt_table *t, enum fwh_hook hook, const char *chain,
			const struct fwh_devices *wanted)
{
	static const struct fwh_devices none;
	struct places places = { .n = 0 };
	unsigned int others;
	bool right;
	int err;

	if (t->table != FWH_MANGLE || hook != FWH_POSTROUTING)
		return 0;
	err = find_devices(t, chain, wanted, &places, &others, &right);
	if (!err && !others)
		err = replace_devices(t, chain, &places, &none);
	else if (!err && !right)
		err = replace_devices(t, chain, &places, wanted);
	free(places.at);
	free(places.right);
	return err;
}

int fwh_ipt_settle_dispatch(struct fwh_ipt_table *t, enum fwh_hook hook,
			    const struct fwh_globals *globals)
{
	char chain[FWH_CHAIN_MAX];
	int err;

	fwh_dispatch_chain(hook, chain);
	if (!t->iptc->is_chain(chain, t->h))
		return 0;
	err = sync_devices(t, hook, chain, &globals->devices);
	if (err)
		return err;
	if (!t->iptc->first(chain, t->h))
		return drop_hook(t, hook, chain);
	return ensure_hook(t, hook, chain, globals->position);
}

static int sync_dispatch(struct fwh_ipt_table *t, const struct fwh_key *key,
			 enum fwh_hook hook, const struct fwh_globals *globals,
			 const struct image *image)
{
	char chain[FWH_CHAIN_MAX];
	int err;

	fwh_dispatch_chain(hook, chain);
	err = sync_chain(t, key, chain, image);
	return err ? err : fwh_ipt_settle_dispatch(t, hook, globals);
}

static int drop_unused_parts(struct fwh_ipt_table *t, const struct fwh_key *key,
			     const struct image *image)
{
	char chain[FWH_CHAIN_MAX];
	size_t i;
	int err;

	for (i = 0; i < FWH_PART_MAX; i++) {
		fwh_part_chain(key, i, chain);
		if (nth_item(image, chain, 0) ||
		    !t->iptc->is_chain(chain, t->h))
			continue;
		err = checked(t, t->iptc->remove(chain, t->h));
		if (err && err != -EMLINK)
			return err;
	}
	return 0;
}

static int sync_image(struct fwh_ipt_table *t, const struct fwh_key *key,
		      const struct fwh_globals *globals,
		      const struct image *image)
{
	char chain[FWH_CHAIN_MAX];
	size_t i;
	int err;

	for (i = 0; i < FWH_PART_MAX; i++) {
		fwh_part_chain(key, i, chain);
		err = sync_chain(t, NULL, chain, image);
		if (err)
			return err;
	}
	for (i = 0; i < FWH_HOOK_MAX; i++) {
		err = sync_dispatch(t, key, i, globals, image);
		if (err)
			return err;
	}
	return drop_unused_parts(t, key, image);
}

/* ---- transactions ------------------------------------------------------------------ */

/* All changes' images of one table: wanted, and what was there before. */
struct batch {
	enum fwh_family family;
	enum fwh_table table;
	struct image *wanted, *before;	/* one a change */
	bool committed;
};

struct transaction {
	const struct fwh_globals *globals;
	const struct fwh_change *changes;
	size_t n;
	struct batch batches[FWH_FAMILY_MAX * FWH_TABLE_MAX];
	size_t n_batches;
};

static void free_images(struct image *images, size_t n)
{
	size_t i;

	for (i = 0; images && i < n; i++)
		image_free(&images[i]);
	free(images);
}

static void transaction_free(struct transaction *tr)
{
	size_t i;

	for (i = 0; i < tr->n_batches; i++) {
		free_images(tr->batches[i].wanted, tr->n);
		free_images(tr->batches[i].before, tr->n);
	}
}

/* As text; "" if the kernel has no legacy tables. */
static int read_names(const char *path, char *ret, size_t size)
{
	fwh_autofd fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	if (fd < 0 && errno != ENOENT)
		return -errno;
	if (fd >= 0)
		n = read(fd, ret, size - 1);
	if (n < 0)
		return -errno;
	ret[n] = '\0';
	return 0;
}

int fwh_ipt_tables_present(enum fwh_family family, unsigned int *ret,
			   struct fwh_err *err)
{
	const char *path = fwh_iptcs[family]->proc_names;
	char names[256], *line, *save = NULL;
	int code = read_names(path, names, sizeof(names));
	unsigned int present = 0;
	size_t i;

	if (code)
		return fwh_fail(err, code, "%s: %s", path, strerror(-code));
	for (line = strtok_r(names, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		for (i = 0; i < FWH_TABLE_MAX; i++)
			if (!strcmp(line, fwh_table_name[i]))
				present |= 1u << i;
	*ret = present;
	return 0;
}

static int add_batch(struct transaction *tr, enum fwh_family family,
		     enum fwh_table table, unsigned int present)
{
	struct batch *batch = &tr->batches[tr->n_batches];
	bool wanted = false;
	size_t i;
	int err;

	memset(batch, 0, sizeof(*batch));
	batch->family = family;
	batch->table = table;
	batch->wanted = calloc(tr->n, sizeof(*batch->wanted));
	batch->before = calloc(tr->n, sizeof(*batch->before));
	tr->n_batches++;
	if (!batch->wanted || !batch->before)
		return -ENOMEM;
	for (i = 0; i < tr->n; i++) {
		if (!(tr->changes[i].families & 1u << family))
			continue;
		err = image_of_plan(tr->changes[i].plan, family, table,
				    &batch->wanted[i]);
		if (err)
			return err;
		wanted = wanted || batch->wanted[i].n;
	}
	if (wanted || (present & 1u << table))
		return 0;
	free_images(batch->wanted, tr->n);
	free_images(batch->before, tr->n);
	tr->n_batches--;
	return 0;
}

static int add_batches(struct transaction *tr, struct fwh_err *err)
{
	unsigned int families = 0, present;
	size_t i, family, table;
	int code = 0;

	for (i = 0; i < tr->n; i++)
		families |= tr->changes[i].families;
	for (family = 0; !code && family < FWH_FAMILY_MAX; family++) {
		if (!(families & 1u << family))
			continue;
		code = fwh_ipt_tables_present(family, &present, err);
		if (code)
			return code;
		for (table = 0; !code && table < FWH_TABLE_MAX; table++)
			code = add_batch(tr, family, table, present);
	}
	return code ? fwh_fail(err, code, "legacy tables: %s",
			       strerror(-code)) : 0;
}

static bool wants_nothing(const struct transaction *tr)
{
	size_t i, j;

	for (i = 0; i < tr->n_batches; i++)
		for (j = 0; j < tr->n; j++)
			if (tr->batches[i].wanted[j].n)
				return false;
	return true;
}

/* The guard's table is the first; on the way down the last, so that whoever is
 * killed in between leaves nothing accepted that is not guarded. */
static void order_batches(struct transaction *tr)
{
	size_t i, n = tr->n_batches;

	if (!wants_nothing(tr))
		return;
	for (i = 0; i < n / 2; i++) {
		struct batch batch = tr->batches[i];

		tr->batches[i] = tr->batches[n - 1 - i];
		tr->batches[n - 1 - i] = batch;
	}
}

int fwh_ipt_fail(const struct fwh_ipt_table *t, const char *missing,
		 const char *what, int code, struct fwh_err *err)
{
	if (code == -EPERM)
		return fwh_fail(err, code, "%s table %s: %s: not permitted; "
				"CAP_NET_ADMIN and CAP_NET_RAW are needed",
				family_name[t->family],
				fwh_table_name[t->table], what);
	if (missing)
		return fwh_fail(err, -ENOPROTOOPT, "%s table %s: this kernel "
				"has no %s; load or build that module",
				family_name[t->family],
				fwh_table_name[t->table], missing);
	return fwh_fail(err, code, "%s table %s: %s: %s",
			family_name[t->family], fwh_table_name[t->table], what,
			t->iptc->strerror(-code));
}

/* Which extension is it that this kernel does not have?  NULL: none. */
static const char *find_missing(const struct batch *batch, size_t n)
{
	const char *missing = NULL;
	size_t i, j;

	for (i = 0; i < n; i++)
		for (j = 0; !missing && j < batch->wanted[i].n; j++)
			missing = fwh_extension_missing(batch->family,
						batch->wanted[i].items[j].entry);
	return missing;
}

/* Without the module nothing can ask the kernel to load it for us. */
const char *const fwh_ipt_modules[FWH_FAMILY_MAX] = { "ip_tables", "ip6_tables" };

bool fwh_ipt_has_module(enum fwh_family family)
{
	return !access(fwh_iptcs[family]->proc_names, F_OK);
}

void fwh_ipt_load_module(enum fwh_family family)
{
	if (!fwh_ipt_has_module(family))
		fwh_broker_module(family);
}

int fwh_ipt_open_table(struct fwh_ipt_table *t, struct fwh_err *err)
{
	const char *module = fwh_ipt_modules[t->family];

	t->changed = false;
	t->h = fwh_ipt_read(t->iptc, t->table);
	if (!t->h && errno == ENOPROTOOPT && fwh_broker_module(t->family))
		t->h = fwh_ipt_read(t->iptc, t->table);
	if (t->h)
		return 0;
	if (errno == ENOPROTOOPT)
		return fwh_fail(err, -ENOPROTOOPT, "this kernel has no %s; "
				"load it at boot (modprobe %s)", module, module);
	if (errno == ENOENT)
		return fwh_fail(err, -ENOPROTOOPT, "this kernel has no %s "
				"table %s; load it at boot (modprobe %s_%s)",
				family_name[t->family],
				fwh_table_name[t->table],
				t->family == FWH_IPV4 ? "iptable" : "ip6table",
				fwh_table_name[t->table]);
	return fwh_ipt_fail(t, NULL, "read", -errno, err);
}

int fwh_ipt_keep_policies(enum fwh_family family, struct xtc_handle *h)
{
	const struct iptc *lib = fwh_iptcs[family];
	char builtin[FWH_CHAIN_MAX];
	struct xt_counters counters;
	const char *policy;
	size_t i;

	for (i = 0; i < FWH_HOOK_MAX; i++) {
		builtin_chain(i, builtin);
		if (!lib->is_chain(builtin, h))
			continue;
		policy = lib->get_policy(builtin, &counters, h);
		if (!policy || !lib->set_policy(builtin, policy, &counters, h))
			return -errno;
	}
	return 0;
}

/* Does the rule keep packets from leaving translated?  All of nat counts. */
static bool keeps(const struct fwh_ipt_table *t, const struct fwh_key *key,
		  const struct item *item)
{
	char out[FWH_CHAIN_MAX];

	if (t->table != FWH_MANGLE)
		return t->table == FWH_NAT;
	fwh_part_chain(key, FWH_PART_OUT, out);
	return item->dispatch ? item->hook == FWH_POSTROUTING :
				!strcmp(item->chain, out);
}

static size_t count_in(const struct image *image, const char *chain, size_t end)
{
	size_t i, n = 0;

	for (i = 0; i < end; i++)
		n += !strcmp(image->items[i].chain, chain);
	return n;
}

/* Were those rules there, and no others? */
static bool stood(const struct fwh_ipt_table *t, const struct fwh_key *key,
		  const struct image *before, const struct image *wanted)
{
	size_t i;

	for (i = 0; i < before->n; i++) {
		const char *chain = before->items[i].chain;

		if (keeps(t, key, &before->items[i]) &&
		    count_in(before, chain, before->n) !=
		    count_in(wanted, chain, wanted->n))
			return false;
	}
	for (i = 0; i < wanted->n; i++) {
		const struct item *item = &wanted->items[i], *was;

		if (!keeps(t, key, item))
			continue;
		was = nth_item(before, item->chain,
			       count_in(wanted, item->chain, i));
		if (!was ||
		    !fwh_ipt_equal(t->family, was->entry,
				   entry_target(t->family, was->entry),
				   item->entry,
				   entry_target(t->family, item->entry)))
			return false;
	}
	return true;
}

/* Images to make so; before: what was there, filled in, or NULL.  *ret_committed: the
 * kernel was told, so that before is all there. */
static int try_batch(struct fwh_ipt_table *t, const struct transaction *tr,
		     const struct image *images, struct image *before,
		     bool *ret_committed)
{
	bool displaced = before && fwh_ipt_is_displaced(t);
	size_t i;
	int err;

	for (i = 0; i < tr->n; i++) {
		if (!(tr->changes[i].families & 1u << t->family))
			continue;
		if (before) {
			image_free(&before[i]);
			err = image_of_kernel(t, &tr->changes[i].plan->key,
					      &before[i]);
			if (err)
				return err;
		}
		err = sync_image(t, &tr->changes[i].plan->key, tr->globals,
				 &images[i]);
		if (err)
			return err;
		if (displaced)
			fwh_change_stood(&tr->changes[i], FWH_STOOD_FOR_NONE);
		else if (before && t->changed &&
			 !stood(t, &tr->changes[i].plan->key, &before[i],
				&images[i]))
			fwh_change_stood(&tr->changes[i], FWH_STOOD_NOT);
	}
	if (!t->changed)
		return 0;
	err = fwh_ipt_keep_policies(t->family, t->h);
	if (err)
		return err;
	/* It can fail with the rules in place: their counters come after. */
	*ret_committed = true;
	return fwh_ipt_commit(t->iptc, t->h);
}

/* The first rule of the batch that is in a person's own words. */
static const char *first_raw(const struct transaction *tr,
			     const struct batch *batch)
{
	size_t i, j;

	for (i = 0; i < tr->n; i++) {
		const struct fwh_plan *plan = tr->changes[i].plan;

		for (j = 0; j < plan->n; j++)
			if (plan->rules[j].raw &&
			    plan->rules[j].table == batch->table &&
			    plan->rules[j].family == batch->family)
				return plan->rules[j].raw->line;
	}
	return NULL;
}

int fwh_ipt_fail_raw(const struct fwh_ipt_table *t, const char *line,
		     struct fwh_err *err)
{
	return fwh_fail(err, -EINVAL, "%s: not possible in table %s, or a later "
			"line for it is not", line, fwh_table_name[t->table]);
}

static int fail_batch(struct fwh_ipt_table *t, const struct transaction *tr,
		      const struct batch *batch, int code, struct fwh_err *err)
{
	const char *raw = first_raw(tr, batch);
	struct fwh_err said;

	code = fwh_ipt_fail(t, find_missing(batch, tr->n), "commit", code,
			    &said);
	if (raw && code == -EINVAL)
		return fwh_ipt_fail_raw(t, raw, err);
	return fwh_fail(err, code, "%s", said.msg);
}

static int run_batch(const struct transaction *tr, struct batch *batch,
		     const struct image *images, struct image *before,
		     struct fwh_err *err)
{
	struct fwh_ipt_table t = {
		.iptc = fwh_iptcs[batch->family],
		.family = batch->family,
		.table = batch->table,
	};
	int tries, code = -EAGAIN;

	for (tries = 0; code == -EAGAIN && tries < FWH_IPT_COMMIT_TRIES; tries++) {
		code = fwh_ipt_open_table(&t, err);
		if (code)
			return code;
		code = try_batch(&t, tr, images, before, &batch->committed);
		t.iptc->free(t.h);
	}
	return code ? fail_batch(&t, tr, batch, code, err) : 0;
}

/* Returns code, or -ENOTRECOVERABLE. */
static int roll_back(const struct transaction *tr, int code,
		     struct fwh_err *err)
{
	struct fwh_err second;
	size_t i;

	for (i = tr->n_batches; i > 0; i--) {
		struct batch batch = tr->batches[i - 1];

		if (!batch.committed ||
		    !run_batch(tr, &batch, batch.before, NULL, &second))
			continue;
		code = fwh_fail_back(err, &second);
	}
	return code;
}

static int run_all(struct transaction *tr, struct fwh_err *err)
{
	size_t i;
	int code;

	for (i = 0; i < tr->n_batches; i++) {
		struct batch *batch = &tr->batches[i];

		code = run_batch(tr, batch, batch->wanted, batch->before, err);
		if (!code)
			continue;
		return roll_back(tr, code, err);
	}
	return 0;
}

/* libiptc without this lock silently undoes what another program commits
 * between our init and our commit. */
int fwh_ipt_take_lock(unsigned int wait_ms, int *ret_fd, struct fwh_err *err)
{
	int fd = open(FWH_XTABLES_LOCK, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
	int code;

	if (fd < 0)
		return fwh_fail(err, -errno, "%s: %s", FWH_XTABLES_LOCK,
				strerror(errno));
	code = fwh_lock_file(fd, wait_ms);
	if (code) {
		close(fd);
		if (code == -ETIMEDOUT)
			return fwh_fail(err, code, "%s: another program has "
					"held the lock for %u.%u s; see who "
					"with: lsof %s", FWH_XTABLES_LOCK,
					wait_ms / 1000, wait_ms % 1000 / 100,
					FWH_XTABLES_LOCK);
		return fwh_fail(err, code, "%s: %s", FWH_XTABLES_LOCK,
				strerror(-code));
	}
	*ret_fd = fd;
	return 0;
}

int fwh_ipt_compile_all(const struct fwh_change *changes, size_t n,
			struct fwh_err *err)
{
	fwh_autofree const struct fwh_plan **plans = calloc(n + 1,
							    sizeof(*plans));
	size_t i;

	if (!plans)
		return fwh_fail(err, -ENOMEM, "out of memory");
	for (i = 0; i < n; i++)
		plans[i] = changes[i].plan;
	return fwh_ipt_compile(plans, n, err);
}

static int apply(const struct fwh_globals *globals,
		 const struct fwh_change *changes, size_t n, bool all,
		 struct fwh_err *err)
{
	struct transaction tr = {
		.globals = globals, .changes = changes, .n = n,
	};
	fwh_autofd lock = -1;
	int code;

	code = fwh_ipt_compile_all(changes, n, err);
	if (!code)
		code = fwh_ipt_take_lock(globals->lock_wait_ms, &lock, err);
	if (code)
		return code;
	code = add_batches(&tr, err);
	if (!code) {
		order_batches(&tr);
		code = run_all(&tr, err);
	}
	transaction_free(&tr);
	return code || !all ? code : fwh_ipt_drop_nobodys(globals, changes, n,
							  err);
}

/* ---- whose are the tables? ----------------------------------------------------- */

static bool is_our_chain(const char *chain)
{
	return !strncmp(chain, "fw-", 3) || !strncmp(chain, "ipsec-fw-", 9) ||
	       fwh_is_set_chain(chain);
}

/* A chain, a rule or a policy that is not ours: 1, 0 or a negative errno. */
static int is_used(enum fwh_family family, enum fwh_table table)
{
	const struct iptc *lib = fwh_iptcs[family];
	struct xtc_handle *h = fwh_ipt_read(lib, table);
	struct xt_counters counters;
	const char *chain, *policy;
	const void *e;
	bool used = false;

	if (!h)
		return -errno;
	for (chain = lib->first_chain(h); chain && !used;
	     chain = lib->next_chain(h)) {
		if (is_our_chain(chain))
			continue;
		policy = lib->get_policy(chain, &counters, h);
		used = !policy || strcmp(policy, "ACCEPT") != 0;
		for (e = lib->first(chain, h); e && !used;
		     e = lib->next(e, h))
			used = !is_our_chain(lib->target(e, h));
	}
	lib->free(h);
	return used;
}

int fwh_iptables_is_used(void)
{
	enum fwh_family family;
	enum fwh_table table;

	for (family = 0; family < FWH_FAMILY_MAX; family++) {
		unsigned int present = 0;
		int code = fwh_ipt_tables_present(family, &present, NULL);

		for (table = 0; !code && table < FWH_TABLE_MAX; table++)
			if (present & 1u << table)
				code = is_used(family, table);
		if (code > 0 || fwh_is_momentary(code))
			return code;
	}
	return 0;
}

static uint64_t ask_shape(int fd, enum fwh_family family, enum fwh_table table)
{
	struct ipt_getinfo info;	/* ip6t_getinfo is the same */
	socklen_t len = sizeof(info);

	memset(&info, 0, sizeof(info));
	strcpy(info.name, fwh_table_name[table]);
	if (getsockopt(fd, family == FWH_IPV4 ? IPPROTO_IP : IPPROTO_IPV6,
		       family == FWH_IPV4 ? IPT_SO_GET_INFO : IP6T_SO_GET_INFO,
		       &info, &len))
		return 0;
	return (uint64_t)info.size << 32 | info.num_entries;
}

uint64_t fwh_iptables_shape(void)
{
	uint64_t shape = 0;
	enum fwh_family family;
	enum fwh_table table;

	for (family = 0; family < FWH_FAMILY_MAX; family++) {
		unsigned int present = 0;
		fwh_autofd fd = socket(family == FWH_IPV4 ? AF_INET : AF_INET6,
				       SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);

		fwh_ipt_tables_present(family, &present, NULL);
		for (table = 0; fd >= 0 && table < FWH_TABLE_MAX; table++)
			if (present & 1u << table)
				shape = shape * 31 +
					ask_shape(fd, family, table);
	}
	return shape;
}

uint64_t fwh_ipt_shape(enum fwh_family family, enum fwh_table table)
{
	fwh_autofd fd = socket(family == FWH_IPV4 ? AF_INET : AF_INET6,
			       SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);

	return fd < 0 ? 0 : ask_shape(fd, family, table);
}

static int print(const struct fwh_globals *globals,
		 const struct fwh_plan *plan, FILE *f)
{
	(void)globals;
	return fwh_plan_print(plan, f);
}

const struct fwh_backend fwh_backend_iptables = {
	.name = "iptables",
	.apply = apply,
	.print = print,
	.read = fwh_iptables_read,
	.flush = fwh_iptables_flush,
};
