# SPDX-License-Identifier: GPL-2.0-or-later
# examples/policy-routing: a gateway with two ways out.
. /t/tests/vm/guest/exampleslib.sh
internet
uplink west w0 198.51.100.1
uplink west w1 192.0.2.1
uplink east w0 203.0.113.1
lan west l1 10.1.0.1/24 wlan 10.1.0.10
lan east l1 10.2.0.1/24 elan 10.2.0.10
example west policy-routing
plain east < "$WORK/west.conf"
serve net 587 443
# The routes are as in the file.
on west ip route add default via 192.0.2.254 dev w1 onlink table 100
check "the file says so" grep -q 'ip route add default via 192.0.2.254 table 100' "$WORK/west.conf"
sed -n 's/^#	ip \(rule add .*\)/\1/p' "$WORK/west.conf" | ip -n west -batch -
for dev in w0 w1; do
	on west iptables-legacy -t nat -A POSTROUTING -o $dev -m policy --dir out --pol none -j MASQUERADE
done
default_deny west
start west east
whack east --name guests --initiate
comes_up west guests
reset
check "the guests reach the Internet" ping_from elan 100.64.0.80
is "by the second way" "$(left clear west w1)" 3
is "and not by the first" "$(left clear west)" 0
is "their web, too" "$(get elan 100.64.0.80 443)" "hello 443"
is "not by the first" "$(left clear west)" 0
reset
is "their mail" "$(get elan 100.64.0.80 587)" "hello 587"
above "by the first way" "$(left clear west)" 2
is "and not by the second" "$(left clear west w1)" 0
allow_all west
reset
check "our own network" ping_from wlan 100.64.0.80
is "by the first way as well" "$(left clear west)" 3
reset
check "and reaches the guests" ping_from wlan 10.2.0.10
none_in_clear "up" west
take_down west guests
reset
check "down: nothing passes to them" no_ping_from wlan 10.2.0.10
is "down: nothing left west in clear" "$(left clear west)$(left clear west w1)" 00
finish "stays blocked"
