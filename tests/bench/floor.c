// SPDX-License-Identifier: GPL-2.0-or-later
/* floor.c - the least that a program can do that asks the kernel something: one
 * netlink round trip. */
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

int main(void)
{
	struct {
		struct nlmsghdr nlh;
		struct nfgenmsg nfg;
	} ask = {
		.nlh = {
			.nlmsg_len = sizeof(ask),
			.nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN,
			.nlmsg_flags = NLM_F_REQUEST,
		},
	};
	char answer[4096];
	int nl = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);

	return send(nl, &ask, sizeof(ask), 0) < 0 ||
	       recv(nl, answer, sizeof(answer), 0) < 0;
}
