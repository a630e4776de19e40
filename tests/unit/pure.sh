#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# pure.sh - what thinks and what renders does no input or output of its own, and
# asks neither the clock nor the environment: its objects import no such thing.
status=0
for name in addr dns_blocks dns_peer dns_text ip_plan ip_text iptables names nft nft_rule nft_text plan plan_daemon \
	plan_exempt plan_guard plan_mark plan_raw plan_rule plan_text raw sets sets_text updown util; do
	for object in libfwhook/.libs/$name.o libfwhook/$name.o; do
		[ ! -e $object ] || break
	done
	imports=$(nm -u $object | sed 's/.* //; s/@.*//') || exit 1
	bad=$(echo "$imports" | grep -E \
		'^(open|openat|fopen|fdopen|creat|read|write|pread|pwrite|readlink|stat|fstat|lstat|unlink|rename|mkdir|socket|connect|bind|send|sendto|sendmsg|recv|recvfrom|recvmsg|getsockopt|setsockopt|ioctl|fcntl|flock|getenv|secure_getenv|environ|time|clock_gettime|gettimeofday|rand|random|getrandom|fork|exec.*|system|popen|posix_spawn.*|printf|puts|putchar|perror|syslog|stdout|stderr|getpid|sleep|usleep|nanosleep)(64)?$')
	if [ -n "$bad" ]; then
		echo "not ok - $name.c is not pure: $bad"
		status=1
	else
		echo "ok - $name.c is pure"
	fi
done
exit $status
