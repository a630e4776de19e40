# SPDX-License-Identifier: GPL-2.0-or-later
# examples/behind-nat: the branch behind a router that translates, and headquarters.
. /t/tests/vm/guest/exampleslib.sh
internet
uplink router w0 203.0.113.1
uplink east w0 198.51.100.1
lan router l1 192.168.1.1/24 west 192.168.1.2
lan west l1 10.2.0.1/24 wlan 10.2.0.10
lan east l1 10.1.0.1/24 elan 10.1.0.10
# It translates what it has to, and shows the rest as it is.
ip -n router route add 10.2.0.0/24 via 192.168.1.2
on router iptables-legacy -t nat -A POSTROUTING -o w0 -s 192.168.1.0/24 -j MASQUERADE
example west behind-nat
example east behind-nat headquarters.conf
leaks "without the helper it would leave in clear" wlan 10.1.0.10 router
default_deny west
default_deny east
start west east
comes_up west headquarters
reset
check "to headquarters" ping_from wlan 10.1.0.10
check "and back" ping_from elan 10.2.0.10
none_in_clear "up" router east
above "all of it is ESP in UDP" "$(on net nft list table inet net > /dev/null; left encrypted router)" 5
is "and nothing else" "$(ip -n west xfrm state | grep -c 'encap type espinudp')" 2
allow_all west
allow_all east
take_down west headquarters
gone() { ! has_sa east branch; }
wait_for 10 gone
reset
check "down: nothing passes" no_ping_from wlan 10.1.0.10
check "down: nor the other way, whose guard stands as well" no_ping_from elan 10.2.0.10
none_in_clear "down" router east
finish "stays blocked"
