// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dns_peer.c - what a peer says of name servers and domains, which is anything,
 * made into addresses and host names, which is all that gets further.  Pure.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "dns.h"

#define BLANKS		" \t"
#define LABEL_MAX	63
#define SHOWN_MAX	5	/* of what is refused */

/* ---- one word ---------------------------------------------------------------- */

/* An address that a server of the peer's can have: neither ours nor everybody's, nor
 * one that means nothing without a device. */
static bool is_server(const struct fwh_addr *a)
{
	static const uint8_t loopback6[16] = { [15] = 1 };

	if (fwh_addr_is_any(a))
		return false;
	if (a->family == FWH_IPV4)
		return a->b[0] != 0 && a->b[0] != 127 && a->b[0] < 224;
	return a->b[0] != 0xff && !(a->b[0] == 0xfe && a->b[1] >> 6 == 2) &&
	       memcmp(a->b, loopback6, sizeof(loopback6)) != 0;
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

static bool is_label(const char *s, size_t n)
{
	size_t i;

	if (!n || n > LABEL_MAX || !is_alnum(s[0]) || !is_alnum(s[n - 1]))
		return false;
	for (i = 0; i < n; i++)
		if (!is_alnum(s[i]) && s[i] != '-')
			return false;
	return true;
}

/* RFC 1123; IDNA's A-labels are such names.  The last label has a letter, or it
 * would be an address.  ret is in lower case, without a dot at the end. */
static bool parse_domain(const char *s, size_t n, char ret[FWH_DOMAIN_MAX])
{
	const char *label = s;
	size_t i, length;

	if (n && s[n - 1] == '.')
		n--;
	if (!n || n >= FWH_DOMAIN_MAX)
		return false;
	for (;;) {
		for (length = 0; label + length < s + n && label[length] != '.';)
			length++;
		if (!is_label(label, length))
			return false;
		if (label + length == s + n)
			break;
		label += length + 1;
	}
	if (strspn(label, "0123456789") >= length)
		return false;
	for (i = 0; i < n; i++)
		ret[i] = (char)tolower((unsigned char)s[i]);
	ret[n] = '\0';
	return true;
}

/* ---- lists --------------------------------------------------------------------- */

/* Returns false if the word is no such thing. */
typedef bool (*add_word)(struct fwh_dns *dns, const char *word, size_t n);

static bool add_server(struct fwh_dns *dns, const char *word, size_t n)
{
	char text[FWH_ADDR_STRLEN];
	struct fwh_addr addr;
	size_t i;

	if (n >= sizeof(text))
		return false;
	memcpy(text, word, n);
	text[n] = '\0';
	if (fwh_addr_parse(text, &addr) || !is_server(&addr))
		return false;
	for (i = 0; i < dns->n_servers; i++)
		if (fwh_addr_equal(&dns->servers[i], &addr))
			return true;
	dns->servers[dns->n_servers++] = addr;
	return true;
}

static bool add_domain(struct fwh_dns *dns, const char *word, size_t n)
{
	char *domain = dns->domains[dns->n_domains];
	size_t i;

	if (!parse_domain(word, n, domain))
		return false;
	for (i = 0; i < dns->n_domains; i++)
		if (!strcmp(dns->domains[i], domain))
			return true;
	dns->n_domains++;
	return true;
}

static size_t count_words(const char *s)
{
	size_t n = 0;

	for (s += strspn(s, BLANKS); *s; s += strspn(s, BLANKS), n++)
		s += strcspn(s, BLANKS);
	return n;
}

static void refuse(struct fwh_complaints *refused, const char *what,
		   const char *word, size_t n)
{
	char raw[96], shown[120];
	struct fwh_err err;

	snprintf(raw, sizeof(raw), "%.*s", (int)(n < sizeof(raw) ? n :
						  sizeof(raw)), word);
	fwh_fail(&err, -EINVAL, "the peer's DNS: '%s' is no %s, and not used",
		 fwh_printable(raw, shown, sizeof(shown)), what);
	fwh_complain(&err, refused);
}

static void parse_list(struct fwh_dns *dns, const char *s, size_t max,
		       const char *what, add_word add,
		       struct fwh_complaints *refused)
{
	size_t words = s ? count_words(s) : 0, bad = 0, n;
	struct fwh_err err;

	if (words > max) {
		fwh_fail(&err, -E2BIG, "the peer's DNS: more than %zu times a %s "
			 "(%zu): none of them is used", max, what, words);
		fwh_complain(&err, refused);
		return;
	}
	for (; words; words--, s += n) {
		s += strspn(s, BLANKS);
		n = strcspn(s, BLANKS);
		if (!add(dns, s, n) && bad++ < SHOWN_MAX)
			refuse(refused, what, s, n);
	}
}

void fwh_dns_parse(const struct fwh_event *ev, struct fwh_dns *ret,
		   struct fwh_complaints *refused)
{
	memset(ret, 0, sizeof(*ret));
	parse_list(ret, ev->text[FWH_TEXT_DNS], FWH_DNS_SERVERS_MAX,
		   "server's address", add_server, refused);
	parse_list(ret, ev->text[FWH_TEXT_DOMAINS], FWH_DNS_DOMAINS_MAX,
		   "host name", add_domain, refused);
}
