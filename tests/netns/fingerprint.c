// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fingerprint.c - one number for all that our programs can touch: the same as
 * before, and nobody has touched anything.  Far less work than to list it all.
 *
 *	fingerprint FOLDER...
 *
 * Of nftables the number of its last change, of the legacy tables every byte with
 * its counters, sets, addresses, routes and rules for them; of files in the folders
 * name, inode, time and content.  Other numbers need not be other content.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <linux/rtnetlink.h>

#define IPSET_CMD_LIST		7
#define IPSET_ATTR_PROTOCOL	1
#define IPSET_PROTOCOL		6

static uint64_t number = 0xcbf29ce484222325u;

static void add(const void *data, size_t n)
{
	const unsigned char *p = data;

	for (; n; n--, p++)
		number = (number ^ *p) * 0x100000001b3u;
}

static void die(const char *what)
{
	fprintf(stderr, "fingerprint: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- netlink ---- */

struct question {
	struct nlmsghdr head;
	struct nfgenmsg family;		/* an rtmsg begins with it, too */
	struct nlattr attr;
	uint8_t value[4];
};

/* Returns whether there is more to come.  Of a generation the number alone: behind
 * it is who asks. */
static int take(const struct nlmsghdr *nlh, const struct question *question)
{
	size_t n = NLMSG_PAYLOAD(nlh, 0);

	if (nlh->nlmsg_type == NLMSG_DONE || nlh->nlmsg_type == NLMSG_ERROR)
		return 0;
	if (!(question->head.nlmsg_flags & NLM_F_DUMP))
		n = sizeof(struct nfgenmsg) + sizeof(struct nlattr) + 4;
	add(NLMSG_DATA(nlh), n);
	return !!(question->head.nlmsg_flags & NLM_F_DUMP);
}

static void ask(int protocol, struct question *question)
{
	static char buf[1 << 16];
	const struct nlmsghdr *nlh;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	int more = 1;

	question->head.nlmsg_len = sizeof(*question);
	question->head.nlmsg_flags |= NLM_F_REQUEST;
	if (fd < 0 || send(fd, question, sizeof(*question), 0) < 0)
		die("netlink");
	while (more) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);

		if (n < 0)
			die("netlink");
		for (nlh = (void *)buf; more && NLMSG_OK(nlh, n);
		     nlh = NLMSG_NEXT(nlh, n))
			more = take(nlh, question);
	}
	close(fd);
}

static void add_netlink(void)
{
	struct question generation = { .head = {
		.nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN } };
	struct question sets = {
		.head = { .nlmsg_type = NFNL_SUBSYS_IPSET << 8 | IPSET_CMD_LIST,
			  .nlmsg_flags = NLM_F_DUMP },
		.attr = { NLA_HDRLEN + 1, IPSET_ATTR_PROTOCOL },
		.value = { IPSET_PROTOCOL },
	};
	const uint16_t types[] = { RTM_GETADDR, RTM_GETROUTE, RTM_GETRULE };
	size_t i;

	ask(NETLINK_NETFILTER, &generation);
	ask(NETLINK_NETFILTER, &sets);
	for (i = 0; i < sizeof(types) / sizeof(*types); i++) {
		struct question question = {
			.head = { .nlmsg_type = types[i], .nlmsg_flags = NLM_F_DUMP },
			.family = { .nfgen_family = AF_INET },
		};

		ask(NETLINK_ROUTE, &question);
	}
}

/* ---- the legacy tables ---- */

static void add_table(int fd, int level, const char *name)
{
	struct ipt_getinfo info;	/* IPv6 has the same, and of entries, too */
	struct ipt_get_entries *entries;
	socklen_t n = sizeof(info);

	memset(&info, 0, sizeof(info));
	strcpy(info.name, name);
	if (getsockopt(fd, level, IPT_SO_GET_INFO, &info, &n))
		die(name);
	n = sizeof(*entries) + info.size;
	entries = calloc(1, n);
	if (!entries)
		die(name);
	strcpy(entries->name, name);
	entries->size = info.size;
	if (getsockopt(fd, level, IPT_SO_GET_ENTRIES, entries, &n))
		die(name);
	add(&info, sizeof(info));
	add(entries, n);
	free(entries);
}

static void add_tables(int family, int level)
{
	int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);

	if (fd < 0)
		die("socket");
	add_table(fd, level, "mangle");
	add_table(fd, level, "nat");
	add_table(fd, level, "filter");
	close(fd);
}

/* ---- files ---- */

static int add_file(const char *path, const struct stat *st, int type,
		    struct FTW *where)
{
	char buf[4096];
	ssize_t n = 0;
	int fd;

	(void)where;
	add(path, strlen(path) + 1);
	/* A folder's time is changed by what comes and goes. */
	if (type == FTW_D)
		return 0;
	add(&st->st_ino, sizeof(st->st_ino));
	add(&st->st_mtim, sizeof(st->st_mtim));
	if (type == FTW_SL) {
		n = readlink(path, buf, sizeof(buf));
		add(buf, n > 0 ? (size_t)n : 0);
		return 0;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (n = read(fd, buf, sizeof(buf))) > 0)
		add(buf, (size_t)n);
	if (fd < 0 || n < 0)
		die(path);
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	int i;

	add_netlink();
	add_tables(AF_INET, IPPROTO_IP);
	add_tables(AF_INET6, IPPROTO_IPV6);
	for (i = 1; i < argc; i++)
		if (nftw(argv[i], add_file, 16, FTW_PHYS) && errno != ENOENT)
			die(argv[i]);
	printf("%016llx\n", (unsigned long long)number);
	return 0;
}
