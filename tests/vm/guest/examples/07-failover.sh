# SPDX-License-Identifier: GPL-2.0-or-later
# examples/failover at the office, and two gateways of headquarters that begin.
. /t/tests/vm/guest/exampleslib.sh
internet
uplink west w0 192.0.2.1
uplink a w0 198.51.100.1
uplink b w0 203.0.113.1
lan west l1 10.2.0.1/24 wlan 10.2.0.10
lan a l1 10.1.0.1/24 elan 10.1.0.10
# b is in the same network.
ip -n b link add l1 up type veth peer name eth1 netns elan
ip -n b addr add 10.1.0.2/24 dev l1
ip -n elan addr del 10.1.0.10/24 dev eth0
ip -n elan link add br0 up type bridge mcast_snooping 0
ip -n elan link set eth0 master br0
ip -n elan link set eth1 master br0 up
ip -n elan addr add 10.1.0.10/24 dev br0
example west failover
for side in a b; do
	[ $side = a ] && address=198.51.100.1 || address=203.0.113.1
	sed "/^#/d; /interface=/d; s/%any/$address/; s/auto=add/auto=start/; s/dpdaction=clear/dpdaction=restart/
		/^conn headquarters-[^$side]/,/auto=/d" "$WORK/west.conf" | plain $side
done
leaks "without the helper it would leave in clear" wlan 10.1.0.10
default_deny west
start west a b
comes_up west headquarters-a
comes_up west headquarters-b
through() {	# side: headquarters sends by that one
	on elan ip route replace default via 10.1.0.$([ "$1" = a ] && echo 1 || echo 2)
}
by() {		# device
	ip -n west route get 10.1.0.10 | grep "dev $1 "
}
through a
reset
check "both are up: the first has the traffic" by ipsec1
check "it passes" ping_from wlan 10.1.0.10
check "and back" ping_from elan 10.2.0.10
none_in_clear "both"
allow_all west
ip -n net link set a-w0 down
check "the first is silent: the second takes over" wait_for 40 by ipsec2
through b
check "it passes" ping_from wlan 10.1.0.10
check "and back" ping_from elan 10.2.0.10
none_in_clear "the second"
ip -n net link set b-w0 down
no_sa() { ! has_sa west headquarters-b; }
check "both are silent" wait_for 40 no_sa
check "nothing passes" no_ping_from wlan 10.1.0.10
none_in_clear "neither"
ip -n net link set a-w0 up
ip -n net route add 198.51.100.1/32 dev a-w0
check "the first is back" wait_for 60 by ipsec1
through a
check "it passes" wait_for 5 ping_from wlan 10.1.0.10 -c 1
none_in_clear "back"
finish "stays blocked"
