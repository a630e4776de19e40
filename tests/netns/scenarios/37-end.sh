# SPDX-License-Identifier: GPL-2.0-or-later
# backend: nftables
# The kernel takes its time to let go of what was deleted: a child waits for that,
# not the daemon.
. "$TESTS/netns/lib.sh"

traced() {	# VERB [NAME=VALUE...]: system calls in $WORK/trace.PID
	rm -f "$WORK"/trace.*
	WRAP=(strace -ff -o "$WORK/trace" -e trace=execve,membarrier,close,close_range,exit_group)
	silent_call "$@"
	local status=$?
	WRAP=()
	return $status
}
nobody_left() { ! pgrep -x ipsec-fw-updown > /dev/null; }
# What the daemon started, and the child.
first() { grep -l '^execve' "$WORK"/trace.*; }
child() { grep -L '^execve' "$WORK"/trace.*; }

check "up" traced up-client
is "needs no child" "$(child)" ""
check "down" traced down-client
is "does not wait" "$(grep -c membarrier "$(first)")" 0
above "a child does" "$(grep -c membarrier "$(child)")" 0
is "without what the daemon reads" \
	"$(sed '/membarrier/,$d' "$(child)" | grep -c -e '^close([012])' -e '^close_range')" 4

# The daemon reads until nobody can write any more, and then it reaps.
call up-client
output=$(call down-client)
is "no output" "$output" ""
check "the child ends" wait_for 10 nobody_left
call up-client
check "others come and go meanwhile" silent_call up-client PLUTO_CONNECTION=other \
	PLUTO_PEER_CLIENT=192.0.3.0/24 PLUTO_SA_REQID=16392
call down-client
check "and at once" silent_call up-client
check "down once more" silent_call down-client
call down-client PLUTO_CONNECTION=other PLUTO_PEER_CLIENT=192.0.3.0/24 PLUTO_SA_REQID=16392
check "nobody is left" wait_for 10 nobody_left
is "nor any table" "$(nft list tables)" ""

# In a container process 1 may be anything: here it is the helper.
call up-client
WRAP=(strace -f -o "$WORK/alone" -e trace=membarrier,fork,vfork,clone,clone3
	unshare -p --fork --mount-proc)
check "process 1 does not reap: down" silent_call down-client
WRAP=()
is "waits itself, and leaves no zombie" \
	"$(grep -c membarrier "$WORK/alone") $(grep -c -E 'fork|clone' "$WORK/alone")" "1 1"
