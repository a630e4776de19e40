// SPDX-License-Identifier: GPL-2.0-or-later
/* event_key.c - which connection an event is of. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "internal.h"

/* FNV-1a with a final mix (so that the low bits depend on every byte).  It
 * names chains; what grants access is the text behind it, which is compared. */
static uint64_t hash_text(const char *s)
{
	uint64_t h = FWH_HASH_START;

	fwh_hash_bytes(&h, s, strlen(s));
	h = (h ^ h >> 33) * 0xff51afd7ed558ccd;
	h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53;
	return h ^ h >> 33;
}

/* No l and o, which people read as 1 and 0. */
const char fwh_hash_digits[33] = "abcdefghijkmnpqrstuvwxyz23456789";

static void put_hash(uint64_t h, struct fwh_key *key)
{
	size_t i;

	key->lock = h & (((uint64_t)1 << 40) - 1);
	for (i = 0; i < 8; i++, h >>= 5)
		key->hash[i] = fwh_hash_digits[h & 31];
	key->hash[8] = '\0';
}

uint64_t fwh_hash_lock(const char *hash)
{
	uint64_t h = 0;
	size_t i;

	for (i = 8; i-- > 0;) {
		const char *digit = strchr(fwh_hash_digits, hash[i]);

		h = h << 5 | (digit ? (uint64_t)(digit - fwh_hash_digits) & 31 : 0);
	}
	return h;
}

/* No dot in front: the record's file would be a hidden one. */
static void put_stem(struct fwh_key *key)
{
	size_t i;

	for (i = 0; i < sizeof(key->stem) - 1 && key->conn[i]; i++) {
		char c = key->conn[i];

		key->stem[i] = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			       (c >= '0' && c <= '9') || (c == '.' && i > 0) ?
			       c : '_';
	}
	key->stem[i] = '\0';
}

void fwh_event_key(const struct fwh_event *ev, struct fwh_key *ret)
{
	const struct fwh_selector *sel = &ev->sel;
	char local[FWH_RANGE_STRLEN], remote[FWH_RANGE_STRLEN];
	int n;

	memset(ret, 0, sizeof(*ret));
	strcpy(ret->conn, ev->conn);	/* of one size */
	n = snprintf(ret->text, sizeof(ret->text),
		     "%s %s %u %u:%u %u:%u %d/%d %" PRIu32 " %s",
		     fwh_range_format(&sel->local, local),
		     fwh_range_format(&sel->remote, remote), sel->proto,
		     sel->lport.lo, sel->lport.hi, sel->rport.lo, sel->rport.hi,
		     sel->icmp_type, sel->icmp_code, ev->if_id_in, ev->conn);
	assert(n > 0 && (size_t)n < sizeof(ret->text));
	(void)n;
	put_hash(hash_text(ret->text), ret);
	put_stem(ret);
}
