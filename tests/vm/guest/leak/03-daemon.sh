# SPDX-License-Identifier: GPL-2.0-or-later
# What happens to our own daemon, and to the machine.
. /t/tests/vm/guest/leaklib.sh
sites
ready
arm_both
traffic
start_both
add site site6
event "up" both up
back "up"
restart() {
	local pid
	pid=$(pluto_pid west)
	inside west ipsec whack --shutdown
	wait_for 15 bash -c "! kill -0 $pid"
	sleep 0.5
	launch west
	await west
}
event "the daemon is restarted" restart
load() { auto west --add site; auto west --add site6; }
event "its connections are loaded" load
event "up after the restart" both up
back "up after the restart"
event "the daemon is killed and started" killed
event "its connections are loaded" load
event "up after the kill" both up
back "up after the kill"
boot() {
	local t
	daemon_dies west
	ip -n west link set w0 down
	ip -n west link set l1 down
	for t in mangle nat filter; do
		on west iptables-legacy -t $t -F
		on west iptables-legacy -t $t -X
		on west ip6tables-legacy -t $t -F
		on west ip6tables-legacy -t $t -X
	done
	on west nft flush ruleset
	rm -rf "$WORK/west.run/ipsec-fw"
	[ -n "$STOCK" ] || fw west arm
	ip -n west link set w0 up
	ip -n west link set l1 up
	ip -n west addr add 2001:db8:1::1/64 dev l1 nodad
	ip -n west addr add 2001:db8:100::1/64 dev w0 nodad
	ip -n west route replace 192.0.2.0/24 via 198.51.100.2
	ip -n west -6 route replace 2001:db8:2::/64 via 2001:db8:100::2
	sleep 1
}
event "the machine boots, the guard before its interfaces" boot
start_west() { launch west; await west; load; }
event "its daemon starts" start_west
event "up after the boot" both up
back "up after the boot"
finish_leaks
