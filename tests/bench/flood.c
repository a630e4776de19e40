// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * flood.c - send small datagrams as fast as the kernel takes them, and print how
 * many thousand a second it took.
 *
 *	flood MILLISECONDS ADDRESS
 *
 * On a veth pair the sender's processor does the work of the way as well, up to
 * where the packet is delivered or dropped: its rate is that of the gateway.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define AT_ONCE	64

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
	static char data[18];
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct iovec iov = { data, sizeof(data) };
	struct mmsghdr messages[AT_ONCE];
	double start, end;
	long sent = 0;
	int s = socket(AF_INET, SOCK_DGRAM, 0), i;

	if (argc != 3 || inet_pton(AF_INET, argv[2], &to.sin_addr) != 1 ||
	    s < 0 || connect(s, (struct sockaddr *)&to, sizeof(to)))
		return 2;
	memset(messages, 0, sizeof(messages));
	for (i = 0; i < AT_ONCE; i++) {
		messages[i].msg_hdr.msg_iov = &iov;
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	start = now_ms();
	do {
		int n = sendmmsg(s, messages, AT_ONCE, 0);

		if (n > 0)
			sent += n;
		end = now_ms();
	} while (end - start < atof(argv[1]));
	printf("%.1f\n", (double)sent / (end - start));
	return 0;
}
