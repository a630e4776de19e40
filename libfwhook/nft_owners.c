// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nft_owners.c - whose an element is: read, and settled by what is claimed.
 *
 * The comment of an element says who has it.  Where several have it (connections
 * of the same selectors or the same reqid), the others are in a set beside, which
 * no rule looks into: the nth of them is the element with n behind it.  So
 * whoever comes adds one element and changes none, and where one goes the last
 * takes his place.
 */
#include <errno.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <libnftnl/set.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter.h>

#include "nft_job.h"

/* ---- the set beside ---- */

#define OWNERS		"owners-"

_Static_assert(FWH_NFT_BASE_NAME_MAX + sizeof(OWNERS) - 1 <= FWH_NFT_NAME_MAX,
	       "names have room for it");

void fwh_nft_owners_set(const char *set, char ret[FWH_NFT_NAME_MAX])
{
	snprintf(ret, FWH_NFT_NAME_MAX, OWNERS "%s", set);
}

const char *fwh_nft_owned_set(const char *name)
{
	size_t n = sizeof(OWNERS) - 1;

	return strncmp(name, OWNERS, n) ? NULL : name + n;
}

struct present *fwh_nft_find_owners_set(const struct job *job, const char *set)
{
	char name[FWH_NFT_NAME_MAX];

	fwh_nft_owners_set(set, name);
	return fwh_nft_find_set(job, name);
}

bool fwh_nft_element_key(struct nftnl_set_elem *e, bool owners,
			 struct fwh_nft_key *ret, uint32_t *ret_row)
{
	uint32_t len;
	const uint8_t *data = nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY, &len);

	*ret_row = 0;
	if (owners && len >= sizeof(*ret_row)) {
		len -= (uint32_t)sizeof(*ret_row);
		memcpy(ret_row, data + len, sizeof(*ret_row));
	}
	if (len > sizeof(ret->b))
		return false;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->b, data, len);
	ret->len = len;
	return true;
}

/* ---- reading ---- */

/* What fwh_nft_owner() makes; another comment is a person's. */
static bool is_owner(const char *comment)
{
	const char *hash = strrchr(comment, '-');

	return strlen(comment) < FWH_NFT_OWNER_MAX && hash &&
	       strlen(hash + 1) == 8 &&
	       strspn(hash + 1, fwh_hash_digits) == 8;
}

void fwh_nft_read_owner(struct nftnl_set_elem *e, char ret[FWH_NFT_OWNER_MAX])
{
	char comment[UINT8_MAX + 1] = "";
	uint32_t len;
	const uint8_t *udata = nftnl_set_elem_get(e, NFTNL_SET_ELEM_USERDATA,
						  &len);

	if (udata && len >= 3 && udata[0] == NFTNL_UDATA_SET_ELEM_COMMENT &&
	    udata[1] <= len - 2)
		memcpy(comment, udata + 2, udata[1]);
	*ret = '\0';
	if (is_owner(comment))
		strcpy(ret, comment);	/* the length was checked */
}

/* Being answered: the element, or one of its other owners. */
struct answer {
	struct element *element;
	size_t row;
	bool nomem;
};

static int take_owner(struct nftnl_set_elem *e, void *arg)
{
	struct answer *answer = arg;
	struct element *element = answer->element;
	struct owners *owners = &element->before;

	/* What is missing between two of them has no name. */
	while (owners->n <= answer->row) {
		if (!fwh_grow(&owners->list, owners->n, &owners->cap,
			      sizeof(*owners->list))) {
			answer->nomem = true;
			return -ENOMEM;
		}
		memset(owners->list[owners->n++], 0, sizeof(*owners->list));
	}
	fwh_nft_read_owner(e, owners->list[answer->row]);
	if (!answer->row)
		element->present = true;
	return 0;
}

/* ---- asking for single ones ---- */

struct questions {
	struct job *job;
	struct answer *list;
	size_t n, cap;
	struct fwh_nft_batch batch;
};

static int take_answer(const struct nlmsghdr *nlh, size_t question, void *arg)
{
	struct questions *questions = arg;
	struct answer *answer = &questions->list[question];
	int code = fwh_nft_each_element(nlh, take_owner, answer);

	return answer->nomem ? -ENOMEM : code;
}

static void ask(struct questions *questions, struct element *element)
{
	struct nlmsghdr *nlh;

	if (!fwh_grow(&questions->list, questions->n, &questions->cap,
		      sizeof(*questions->list))) {
		questions->batch.nomem = true;
		return;
	}
	nlh = fwh_nft_begin(questions->job->link, &questions->batch,
			    NFT_MSG_GETSETELEM, NFPROTO_INET, 0);
	if (!nlh)
		return;
	questions->list[questions->n++] = (struct answer){
		.element = element, .row = element->asked
	};
	fwh_nft_put_element(nlh, element->claim, element->asked++, NULL);
	fwh_nft_end(&questions->batch, nlh);
}

/* The element and its second owner, then each time as many as were there before,
 * until one is not there. */
static void ask_more(struct questions *questions, struct element *element)
{
	const char *name = element->claim->set;
	size_t n = element->asked;

	if (element->before.n < n)
		return;
	if (!n && fwh_nft_find_set(questions->job, name))
		ask(questions, element);
	if (fwh_nft_find_owners_set(questions->job, name))
		for (n += !n; n > 0; n--)
			ask(questions, element);
}

static int ask_round(struct questions *questions)
{
	struct job *job = questions->job;
	size_t i;

	questions->n = questions->batch.len = 0;
	for (i = 0; i < job->n_elements; i++)
		ask_more(questions, &job->elements[i]);
	return questions->n || questions->batch.nomem ?
	       fwh_nft_ask(job->link, &questions->batch, take_answer,
			   questions) : 0;
}

static int ask_all(struct job *job)
{
	struct questions questions = { .job = job };
	int code;

	do
		code = ask_round(&questions);
	while (!code && questions.n);
	free(questions.list);
	fwh_nft_batch_free(&questions.batch);
	return code;
}

/* ---- looking at whole sets ---- */

struct reading {
	struct job *job;
	struct claim claim;		/* set, and the key looked for */
	bool beside;
	bool nomem;
};

static int compare_element(const void *key, const void *element)
{
	return fwh_nft_compare_claimed(key,
				       ((const struct element *)element)->claim);
}

static int take_any(struct nftnl_set_elem *e, void *arg)
{
	struct reading *reading = arg;
	struct answer answer = { .nomem = false };
	uint32_t row;
	int code;

	if (!fwh_nft_element_key(e, reading->beside, &reading->claim.key, &row))
		return 0;
	answer.row = row;
	answer.element = bsearch(&reading->claim, reading->job->elements,
				 reading->job->n_elements,
				 sizeof(*answer.element), compare_element);
	code = answer.element ? take_owner(e, &answer) : 0;
	reading->nomem = answer.nomem;
	return code;
}

static int take_message(const struct nlmsghdr *nlh, size_t question, void *arg)
{
	struct reading *reading = arg;
	int code = fwh_nft_each_element(nlh, take_any, reading);

	(void)question;
	return reading->nomem ? -ENOMEM : code;
}

static bool is_claimed(const struct job *job, const char *set)
{
	size_t i;

	for (i = 0; i < job->n_elements; i++)
		if (!strcmp(job->elements[i].claim->set, set))
			return true;
	return false;
}

static int dump_all(struct job *job)
{
	size_t i;
	int code = 0;

	for (i = 0; !code && i < job->n_sets; i++) {
		const char *name = job->sets[i].name;
		const char *owned = fwh_nft_owned_set(name);
		struct reading reading = { .job = job, .beside = owned };

		reading.claim.set = owned ? owned : name;
		if (is_claimed(job, reading.claim.set))
			code = fwh_nft_dump_set(job->link, name, take_message,
						&reading);
	}
	return code;
}

/* ---- reading: the whole ---- */

/* A set of one of our names, but with other keys? */
static bool is_misfit(const struct present *set, size_t len)
{
	return set && set->key_len != len;
}

static int check_keys(struct job *job)
{
	size_t i;

	for (i = 0; !job->misfit && i < job->n_elements; i++) {
		const struct claim *claim = job->elements[i].claim;
		const struct present *set, *beside;

		if (i && !strcmp(claim->set, job->elements[i - 1].claim->set))
			continue;
		set = fwh_nft_find_set(job, claim->set);
		beside = fwh_nft_find_owners_set(job, claim->set);
		job->misfit = is_misfit(set, claim->key.len) ? set->name :
			      is_misfit(beside, claim->key.len +
					sizeof(uint32_t)) ? beside->name : NULL;
	}
	return job->misfit ? -EEXIST : 0;
}

int fwh_nft_read_owners(struct job *job)
{
	int code = check_keys(job);

	if (!code)
		code = job->all || job->dump ? dump_all(job) : ask_all(job);
	return code;
}

/* ---- who has it after this ---- */

/* Strangers' elements, put in by hand, are nobody's to take away. */
static bool is_foreign(const struct element *element)
{
	return element->present && !*element->before.list[0];
}

/* Claims are sorted by owner, and each has one. */
static struct claim *find_claim(const struct element *element,
				const char *owner)
{
	size_t low = 0, high = element->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct claim *claim = &element->claim[middle];
		int diff = strcmp(owner, claim->owner);

		if (!diff)
			return claim;
		if (diff < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* Those who keep it stay where they are, the last one comes into a gap. */
static void close_gaps(struct owners *owners)
{
	size_t i;

	for (i = 0; i < owners->n; i += *owners->list[i] != '\0')
		if (!*owners->list[i])
			memmove(owners->list[i], owners->list[--owners->n],
				sizeof(*owners->list));
}

int fwh_nft_settle_owners(struct element *element)
{
	const struct owners *before = &element->before;
	struct owners *after = &element->after;
	size_t i;

	after->list = calloc(before->n + element->n, sizeof(*after->list));
	if (!after->list)
		return -ENOMEM;
	for (i = 0; i < before->n; i++) {
		struct claim *claim = find_claim(element, before->list[i]);

		if (!claim || claim->wanted)
			strcpy(after->list[i], before->list[i]);
		if (claim)
			claim->held = true;
	}
	after->n = before->n;
	for (i = 0; i < element->n; i++)
		if (element->claim[i].wanted && !element->claim[i].held)
			strcpy(after->list[after->n++], element->claim[i].owner);
	close_gaps(after);
	return 0;
}

bool fwh_nft_is_right(const struct element *element)
{
	const struct owners *before = &element->before, *after = &element->after;
	size_t i;

	if (is_foreign(element))
		return true;
	for (i = 0; i < before->n && i < after->n; i++)
		if (strcmp(before->list[i], after->list[i]) != 0)
			break;
	return i == before->n && i == after->n;
}

/* ---- sets that become empty ---- */

struct search {
	const struct element *elements;	/* of the set, the leaving ones among them */
	size_t n;
	bool owners;			/* the set beside is looked at */
	bool found;			/* something that does not leave */
};

/* How many of the set's elements stay, or leave, of this one's rows. */
static void count_rows(const struct element *element, bool owners,
		       size_t *stay, size_t *leave)
{
	const struct owners *before = &element->before, *after = &element->after;
	size_t row;

	if (!owners) {
		*stay += after->n || is_foreign(element);
		*leave += element->present && !after->n;
		return;
	}
	*stay += after->n > 1;
	for (row = after->n > 1 ? after->n : 1; row < before->n; row++)
		*leave += *before->list[row] != '\0';
}

static int seek_other(struct nftnl_set_elem *e, void *arg)
{
	struct search *search = arg;
	struct fwh_nft_key key;
	uint32_t row;
	size_t i;

	search->found = true;
	if (!fwh_nft_element_key(e, search->owners, &key, &row))
		return -1;
	for (i = 0; i < search->n && search->found; i++) {
		const struct element *element = &search->elements[i];

		search->found = element->claim->key.len != key.len ||
				memcmp(element->claim->key.b, key.b, key.len) ||
				row < element->after.n;
	}
	return search->found ? -1 : 0;
}

static int take_others(const struct nlmsghdr *nlh, size_t question, void *arg)
{
	struct search *search = arg;
	int code = fwh_nft_each_element(nlh, seek_other, search);

	(void)question;
	return code ? code : search->found;
}

/* Mark the set if nobody will have an element in it.  Where the kernel does not
 * count them, not more than the first few are looked at. */
static int find_dropped(struct present *set, const struct element *elements,
			size_t n, bool owners)
{
	struct search search = { elements, n, owners, false };
	size_t stay = 0, leave = 0, i;
	int code = 0;

	for (i = 0; i < n; i++)
		count_rows(&elements[i], owners, &stay, &leave);
	if (!set || !leave || stay)
		return 0;
	if (set->n_elements < 0)
		code = fwh_nft_look(set->name, take_others, &search);
	else
		search.found = set->n_elements > (int64_t)leave;
	set->dropped = !code && !search.found;
	return code;
}

int fwh_nft_find_dropped(struct job *job)
{
	size_t i, end;
	int code = 0;

	for (i = 0; !code && i < job->n_elements; i = end) {
		const struct element *first = &job->elements[i];
		const char *name = first->claim->set;

		for (end = i + 1; end < job->n_elements; end++)
			if (strcmp(job->elements[end].claim->set, name))
				break;
		code = find_dropped(fwh_nft_find_set(job, name), first, end - i,
				    false);
		if (!code)
			code = find_dropped(fwh_nft_find_owners_set(job, name),
					    first, end - i, true);
	}
	return code;
}
