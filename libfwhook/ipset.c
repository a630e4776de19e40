// SPDX-License-Identifier: GPL-2.0-or-later
/* ipset.c - talking to ip_set over netlink; decides nothing. */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "ipset.h"
#include "nlmsg.h"

/* So many at once: what the kernel says of them fits into the socket's buffer. */
#define SEND_MESSAGES	64
#define MSG_MAX		1024
#define ANSWER_MAX	16384
/* A set grows by itself up to here. */
#define ELEMENTS_MAX	0x1000000

struct fwh_ipset {
	struct mnl_socket *nl;
	uint32_t seq;
	bool nomem;
	char *buf;
	size_t len, cap;		/* bytes */
	char answer[ANSWER_MAX];
};

/* Revisions that have what we ask for: Linux 3.19, and the first there was. */
static const struct {
	const char *name;
	uint8_t revision;
	uint32_t flags;
} types[] = {
	[FWH_IPSET_NETS] = { "hash:net", 6, IPSET_FLAG_WITH_COUNTERS |
					    IPSET_FLAG_WITH_COMMENT },
	[FWH_IPSET_MARKS] = { "hash:net", 6, IPSET_FLAG_WITH_COUNTERS |
					     IPSET_FLAG_WITH_COMMENT |
					     IPSET_FLAG_WITH_SKBINFO },
	[FWH_IPSET_ADDRS] = { "hash:ip", 0, 0 },
};

static const uint8_t nfproto[FWH_FAMILY_MAX] = { NFPROTO_IPV4, NFPROTO_IPV6 };

int fwh_ipset_open(struct fwh_ipset **ret, struct fwh_err *err)
{
	struct fwh_ipset *link = calloc(1, sizeof(*link));
	int on = 1, code = 0;

	if (!link)
		return fwh_fail(err, -ENOMEM, "out of memory");
	link->seq = (uint32_t)time(NULL);
	link->nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!link->nl || mnl_socket_bind(link->nl, 0, MNL_SOCKET_AUTOPID) < 0)
		code = -errno;
	if (code) {
		fwh_ipset_close(link);
		return fwh_fail(err, code, "ip_set: netlink: %s",
				strerror(-code));
	}
	mnl_socket_setsockopt(link->nl, NETLINK_CAP_ACK, &on, sizeof(on));
	*ret = link;
	return 0;
}

void fwh_ipset_close(struct fwh_ipset *link)
{
	if (!link)
		return;
	if (link->nl)
		mnl_socket_close(link->nl);
	free(link->buf);
	free(link);
}

/* ---- messages ---- */

static struct nlmsghdr *begin(struct fwh_ipset *link, uint8_t command,
			      uint8_t family, uint16_t flags)
{
	struct nfgenmsg *head;
	struct nlmsghdr *nlh;

	if (link->cap - link->len < MSG_MAX) {
		size_t cap = 2 * link->cap + FWH_IPSET_ROOM * MSG_MAX;
		char *buf = realloc(link->buf, cap);

		if (!buf) {
			link->nomem = true;
			return NULL;
		}
		/* Padding is sent as it is. */
		memset(buf + link->cap, 0, cap - link->cap);
		link->buf = buf;
		link->cap = cap;
	}
	nlh = mnl_nlmsg_put_header(link->buf + link->len);
	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_IPSET << 8 | command);
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = link->seq++;
	head = mnl_nlmsg_put_extra_header(nlh, sizeof(*head));
	head->nfgen_family = family;
	head->version = NFNETLINK_V0;
	mnl_attr_put_u8(nlh, IPSET_ATTR_PROTOCOL, IPSET_PROTOCOL_MIN);
	return nlh;
}

static void end(struct fwh_ipset *link, const struct nlmsghdr *nlh)
{
	link->len += nlh->nlmsg_len;
}

static void put_be32(struct nlmsghdr *nlh, uint16_t type, uint32_t value)
{
	mnl_attr_put_u32(nlh, type | NLA_F_NET_BYTEORDER, htonl(value));
}

void fwh_ipset_create(struct fwh_ipset *link, const char *name,
		      enum fwh_family family, enum fwh_ipset_type type)
{
	struct nlmsghdr *nlh = begin(link, IPSET_CMD_CREATE, nfproto[family],
				     NLM_F_CREATE | NLM_F_EXCL);
	struct nlattr *data;

	if (!nlh)
		return;
	mnl_attr_put_strz(nlh, IPSET_ATTR_SETNAME, name);
	mnl_attr_put_strz(nlh, IPSET_ATTR_TYPENAME, types[type].name);
	mnl_attr_put_u8(nlh, IPSET_ATTR_REVISION, types[type].revision);
	mnl_attr_put_u8(nlh, IPSET_ATTR_FAMILY, nfproto[family]);
	data = mnl_attr_nest_start(nlh, IPSET_ATTR_DATA);
	put_be32(nlh, IPSET_ATTR_MAXELEM, ELEMENTS_MAX);
	if (types[type].flags)
		put_be32(nlh, IPSET_ATTR_CADT_FLAGS, types[type].flags);
	mnl_attr_nest_end(nlh, data);
	end(link, nlh);
}

void fwh_ipset_destroy(struct fwh_ipset *link, const char *name)
{
	struct nlmsghdr *nlh = begin(link, IPSET_CMD_DESTROY, NFPROTO_UNSPEC, 0);

	if (!nlh)
		return;
	mnl_attr_put_strz(nlh, IPSET_ATTR_SETNAME, name);
	end(link, nlh);
}

void fwh_ipset_swap(struct fwh_ipset *link, const char *a, const char *b)
{
	struct nlmsghdr *nlh = begin(link, IPSET_CMD_SWAP, NFPROTO_UNSPEC, 0);

	if (!nlh)
		return;
	mnl_attr_put_strz(nlh, IPSET_ATTR_SETNAME, a);
	mnl_attr_put_strz(nlh, IPSET_ATTR_SETNAME2, b);
	end(link, nlh);
}

static void put_net(struct nlmsghdr *nlh, const struct fwh_net *net)
{
	static const uint16_t attrs[FWH_FAMILY_MAX] = {
		IPSET_ATTR_IPADDR_IPV4, IPSET_ATTR_IPADDR_IPV6
	};
	enum fwh_family family = net->addr.family;
	struct nlattr *ip = mnl_attr_nest_start(nlh, IPSET_ATTR_IP);

	mnl_attr_put(nlh, attrs[family] | NLA_F_NET_BYTEORDER,
		     fwh_family_bytes(family), net->addr.b);
	mnl_attr_nest_end(nlh, ip);
	mnl_attr_put_u8(nlh, IPSET_ATTR_CIDR, net->len);
}

static void put_element(struct fwh_ipset *link, uint8_t command,
			uint16_t flags, const char *name,
			const struct fwh_ipset_element *element)
{
	struct nlmsghdr *nlh = begin(link, command,
				     nfproto[element->net.addr.family], flags);
	const struct fwh_mark *mark = &element->mark;
	struct nlattr *data;

	if (!nlh)
		return;
	mnl_attr_put_strz(nlh, IPSET_ATTR_SETNAME, name);
	data = mnl_attr_nest_start(nlh, IPSET_ATTR_DATA);
	put_net(nlh, &element->net);
	if (command == IPSET_CMD_ADD && mark->mask)
		mnl_attr_put_u64(nlh, IPSET_ATTR_SKBMARK | NLA_F_NET_BYTEORDER,
				 htobe64((uint64_t)mark->value << 32 |
					 mark->mask));
	if (command == IPSET_CMD_ADD && element->comment)
		mnl_attr_put_strz(nlh, IPSET_ATTR_COMMENT, element->comment);
	mnl_attr_nest_end(nlh, data);
	end(link, nlh);
}

void fwh_ipset_add(struct fwh_ipset *link, const char *name,
		   const struct fwh_ipset_element *element, bool only_new)
{
	put_element(link, IPSET_CMD_ADD, only_new ? NLM_F_EXCL : 0, name,
		    element);
}

void fwh_ipset_del(struct fwh_ipset *link, const char *name,
		   const struct fwh_ipset_element *element)
{
	put_element(link, IPSET_CMD_DEL, NLM_F_EXCL, name, element);
}

void fwh_ipset_test(struct fwh_ipset *link, const char *name,
		    const struct fwh_ipset_element *element)
{
	put_element(link, IPSET_CMD_TEST, 0, name, element);
}

/* ---- answers ---- */

/* What the kernel says in an NLMSG_ERROR; IPSET_ERR_... are beyond all errnos. */
static int error_of(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

	return nlh->nlmsg_len < mnl_nlmsg_size(sizeof(*e)) ? -EIO :
	       e->error > 0 ? -e->error : e->error;
}

/* Is it of a message that was sent before, and whose answer nobody got? */
static bool is_late(const struct nlmsghdr *nlh, uint32_t first)
{
	return (int32_t)(nlh->nlmsg_seq - first) < 0;
}

/* Errors come for each message, success for the last one only, which asks. */
static int collect(struct fwh_ipset *link, uint32_t first, size_t n,
		   int *results)
{
	const struct nlmsghdr *nlh;
	size_t at;
	ssize_t size;
	int len;

	for (;;) {
		size = mnl_socket_recvfrom(link->nl, link->answer,
					   sizeof(link->answer));
		if (size < 0)
			return -errno;
		len = (int)size;
		for (nlh = (void *)link->answer; fwh_nlmsg_ok(nlh, len);
		     nlh = mnl_nlmsg_next(nlh, &len)) {
			if (is_late(nlh, first))
				continue;
			at = nlh->nlmsg_seq - first;
			if (nlh->nlmsg_type != NLMSG_ERROR || at >= n)
				return -EIO;
			results[at] = error_of(nlh);
			if (at == n - 1)
				return 0;
		}
	}
}

/* The messages from buf on, as many as go at once; *ret_len: their bytes. */
static size_t cut(char *buf, size_t len, size_t *ret_len)
{
	struct nlmsghdr *last = NULL;
	size_t at, n = 0;

	for (at = 0; at < len && n < SEND_MESSAGES; n++) {
		last = (void *)(buf + at);
		at += last->nlmsg_len;
	}
	if (last)
		last->nlmsg_flags |= NLM_F_ACK;
	*ret_len = at;
	return n;
}

/* *ret_refused: the first that the kernel said no to, 0: none. */
static int send_all(struct fwh_ipset *link, int *results, int *ret_refused)
{
	size_t done = 0, at = 0, n, len, i;
	int code = link->nomem ? -ENOMEM : 0;

	*ret_refused = 0;
	for (; !code && at < link->len; at += len, done += n) {
		const struct nlmsghdr *first = (void *)(link->buf + at);
		uint32_t seq = first->nlmsg_seq;
		int answers[SEND_MESSAGES] = { 0 };

		n = cut(link->buf + at, link->len - at, &len);
		if (mnl_socket_sendto(link->nl, link->buf + at, len) < 0)
			return -errno;
		code = collect(link, seq, n, answers);
		for (i = 0; !code && i < n; i++) {
			if (results)
				results[done + i] = answers[i];
			if (!*ret_refused)
				*ret_refused = answers[i];
		}
	}
	return code;
}

void fwh_ipset_forget(struct fwh_ipset *link)
{
	if (link->buf)
		memset(link->buf, 0, link->len);
	link->len = 0;
	link->nomem = false;
}

int fwh_ipset_send(struct fwh_ipset *link, int *results)
{
	int refused, code = send_all(link, results, &refused);

	fwh_ipset_forget(link);
	return code || results ? code : refused;
}

int fwh_ipset_send_anyway(struct fwh_ipset *link)
{
	int refused, code = send_all(link, NULL, &refused);

	fwh_ipset_forget(link);
	return code;
}

bool fwh_ipset_exists(int code)
{
	return code == -IPSET_ERR_EXIST;
}

int fwh_ipset_errno(int code)
{
	return code == -IPSET_ERR_FIND_TYPE ? -ENOPROTOOPT :
	       code <= -IPSET_ERR_PRIVATE ? -EIO : code;
}

const char *fwh_ipset_strerror(int code)
{
	switch (-code) {
	case IPSET_ERR_PROTOCOL:
		return "another version of the protocol";
	case IPSET_ERR_FIND_TYPE:
		return "this kernel has no such type of set";
	case IPSET_ERR_MAX_SETS:
		return "too many sets";
	case IPSET_ERR_BUSY:
		return "in use by a rule of somebody else's";
	case IPSET_ERR_EXIST:
		return "exists";
	case IPSET_ERR_COUNTER:
	case IPSET_ERR_COMMENT:
	case IPSET_ERR_SKBINFO:
		return "made by somebody else, without what we need";
	case IPSET_ERR_TYPE_SPECIFIC:
		return "full";
	default:
		return -code < IPSET_ERR_PRIVATE ? strerror(-code) :
						   "refused by ip_set";
	}
}

/* ---- dumps ---- */

struct dump {
	int (*name)(const char *name, void *arg);
	int (*element)(const struct fwh_ipset_element *element, void *arg);
	void *arg;
	size_t *count;
};

/* The attribute of this type among those in a nest; NULL: none. */
static const struct nlattr *find_in(const struct nlattr *nest, uint16_t type)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest)
		if (mnl_attr_get_type(attr) == type)
			return attr;
	return NULL;
}

static bool read_net(const struct nlattr *data, struct fwh_net *ret)
{
	const struct nlattr *ip = find_in(data, IPSET_ATTR_IP), *addr;
	const struct nlattr *cidr = find_in(data, IPSET_ATTR_CIDR);
	uint16_t len;

	if (!ip || mnl_attr_get_payload_len(ip) < MNL_ATTR_HDRLEN)
		return false;
	addr = mnl_attr_get_payload(ip);
	if (!mnl_attr_ok(addr, mnl_attr_get_payload_len(ip)))
		return false;
	len = mnl_attr_get_payload_len(addr);
	if ((len != 4 && len != 16) || (cidr && !mnl_attr_get_payload_len(cidr)))
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->addr.family = len == 4 ? FWH_IPV4 : FWH_IPV6;
	memcpy(ret->addr.b, mnl_attr_get_payload(addr), len);
	ret->len = cidr ? mnl_attr_get_u8(cidr) :
			  (uint8_t)fwh_family_bits(ret->addr.family);
	return ret->len <= fwh_family_bits(ret->addr.family);
}

static uint64_t read_be64(const struct nlattr *data, uint16_t type)
{
	const struct nlattr *attr = find_in(data, type);
	uint64_t value = 0;

	if (attr && mnl_attr_get_payload_len(attr) == sizeof(value))
		memcpy(&value, mnl_attr_get_payload(attr), sizeof(value));
	return be64toh(value);
}

static int take_element(const struct nlattr *data, const struct dump *dump)
{
	struct fwh_ipset_element element = { .comment = NULL };
	const struct nlattr *comment = find_in(data, IPSET_ATTR_COMMENT);
	uint64_t mark = read_be64(data, IPSET_ATTR_SKBMARK);

	if (!read_net(data, &element.net))
		return 0;
	element.mark.value = (uint32_t)(mark >> 32);
	element.mark.mask = (uint32_t)mark;
	element.packets = read_be64(data, IPSET_ATTR_PACKETS);
	element.bytes = read_be64(data, IPSET_ATTR_BYTES);
	if (comment && !mnl_attr_validate(comment, MNL_TYPE_NUL_STRING))
		element.comment = mnl_attr_get_str(comment);
	return dump->element(&element, dump->arg);
}

static int take_elements(const struct nlattr *list, const struct dump *dump)
{
	const struct nlattr *data;
	int code = 0;

	mnl_attr_for_each_nested(data, list) {
		code = take_element(data, dump);
		if (code)
			break;
	}
	return code;
}

static int take_message(const struct nlmsghdr *nlh, const struct dump *dump)
{
	const struct nlattr *attr, *n;
	int code = 0;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg)) {
		uint16_t type = mnl_attr_get_type(attr);

		if (dump->name && type == IPSET_ATTR_SETNAME &&
		    !mnl_attr_validate(attr, MNL_TYPE_NUL_STRING))
			code = dump->name(mnl_attr_get_str(attr), dump->arg);
		else if (dump->element && type == IPSET_ATTR_ADT)
			code = take_elements(attr, dump);
		else if (dump->count && type == IPSET_ATTR_DATA &&
			 (n = find_in(attr, IPSET_ATTR_ELEMENTS)) &&
			 mnl_attr_get_payload_len(n) == sizeof(uint32_t))
			*dump->count = ntohl(mnl_attr_get_u32(n));
		if (code)
			break;
	}
	return code;
}

/* Send the one message that was begun, and take what comes until the end, or until
 * somebody has seen enough. */
static int run_dump(struct fwh_ipset *link, const struct dump *dump)
{
	const struct nlmsghdr *nlh;
	ssize_t size;
	int len, code = 0;

	if (link->nomem || mnl_socket_sendto(link->nl, link->buf, link->len) < 0)
		code = link->nomem ? -ENOMEM : -errno;
	fwh_ipset_forget(link);
	if (code)
		return code;
	for (;;) {
		size = mnl_socket_recvfrom(link->nl, link->answer,
					   sizeof(link->answer));
		if (size < 0)
			return -errno;
		len = (int)size;
		for (nlh = (void *)link->answer; fwh_nlmsg_ok(nlh, len);
		     nlh = mnl_nlmsg_next(nlh, &len)) {
			if (is_late(nlh, link->seq - 1))
				continue;
			if (nlh->nlmsg_type == NLMSG_DONE)
				return code;
			if (nlh->nlmsg_type == NLMSG_ERROR)
				return code ? code : error_of(nlh);
			if (!code)
				code = take_message(nlh, dump);
		}
	}
}

static int list(struct fwh_ipset *link, const char *name, uint32_t flags,
		const struct dump *dump)
{
	struct nlmsghdr *nlh = begin(link, IPSET_CMD_LIST, NFPROTO_UNSPEC,
				     NLM_F_DUMP);

	if (nlh && name)
		mnl_attr_put_strz(nlh, IPSET_ATTR_SETNAME, name);
	if (nlh && flags)
		put_be32(nlh, IPSET_ATTR_FLAGS, flags);
	if (nlh)
		end(link, nlh);
	return run_dump(link, dump);
}

int fwh_ipset_names(struct fwh_ipset *link,
		    int (*take)(const char *name, void *arg), void *arg)
{
	struct dump dump = { .name = take, .arg = arg };
	int code = list(link, NULL, IPSET_FLAG_LIST_SETNAME, &dump);

	/* nfnetlink's word for a part of it that is not there. */
	return code == -EINVAL || code == -EOPNOTSUPP ? -ENOPROTOOPT : code;
}

int fwh_ipset_list(struct fwh_ipset *link, const char *name,
		   int (*take)(const struct fwh_ipset_element *element,
			       void *arg), void *arg)
{
	struct dump dump = { .element = take, .arg = arg };
	int code = list(link, name, 0, &dump);

	return code == -ENOENT ? 0 : code;
}

int fwh_ipset_count(struct fwh_ipset *link, const char *name, size_t *ret)
{
	struct dump dump = { .count = ret };

	return list(link, name, IPSET_FLAG_LIST_HEADER, &dump);
}

int fwh_ipset_index(const char *name, uint16_t *ret)
{
	struct ip_set_req_get_set request = {
		.op = IP_SET_OP_GET_BYNAME, .version = IPSET_PROTOCOL_MIN,
	};
	fwh_autofd fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	socklen_t size = sizeof(request);

	if (fd < 0)
		return -errno;
	snprintf(request.set.name, sizeof(request.set.name), "%s", name);
	if (getsockopt(fd, SOL_IP, SO_IP_SET, &request, &size))
		return -errno;
	if (request.set.index == IPSET_INVALID_ID)
		return -ENOENT;
	*ret = request.set.index;
	return 0;
}

static int skip(const char *name, void *arg)
{
	(void)name;
	(void)arg;
	return 0;
}

bool fwh_ipset_has_type(struct fwh_ipset *link, enum fwh_family family,
			enum fwh_ipset_type type)
{
	struct nlmsghdr *nlh = begin(link, IPSET_CMD_TYPE, nfproto[family],
				     NLM_F_ACK);
	struct dump dump = { .name = skip };

	if (nlh) {
		mnl_attr_put_strz(nlh, IPSET_ATTR_TYPENAME, types[type].name);
		mnl_attr_put_u8(nlh, IPSET_ATTR_FAMILY, nfproto[family]);
		end(link, nlh);
	}
	return !run_dump(link, &dump);
}
