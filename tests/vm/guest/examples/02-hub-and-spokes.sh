# SPDX-License-Identifier: GPL-2.0-or-later
# examples/hub-and-spokes: the hub, two branches, and the supplier.
. /t/tests/vm/guest/exampleslib.sh
internet
uplink west w0 198.51.100.1
uplink east w0 203.0.113.1
uplink second w0 192.0.2.1
uplink supplier w0 192.0.2.129
lan west l1 10.0.0.1/24 wlan 10.0.0.10
lan east l1 10.0.1.1/24 elan 10.0.1.10
lan second l1 10.0.2.1/24 slan 10.0.2.10
lan supplier l1 172.16.5.1/24 their 172.16.5.10
example west hub-and-spokes
for side in east second; do
	settings $side site-to-site
	cp "$EXAMPLES/hub-and-spokes/spoke.conf" "$WORK/$side.conf"
done
check "Libreswan takes spoke.conf" ipsec addconn --checkconfig --config "$WORK/east.conf"
sed -i 's/spoke-1/spoke-2/; s/203\.0\.113\.1/192.0.2.1/; s/10\.0\.1\.0/10.0.2.0/' "$WORK/second.conf"
plain supplier < "$WORK/west.conf"
leaks "without the helper it would leave in clear" elan 10.0.0.10 east
default_deny west
start west east second supplier
whack supplier --name supplier --initiate
for name in spoke-1 spoke-2 supplier; do
	comes_up west $name
done
reset
check "branch to hub" ping_from elan 10.0.0.10
check "hub to branch" ping_from wlan 10.0.2.10
check "branch to branch" ping_from elan 10.0.2.10
check "and back" ping_from slan 10.0.1.10
check "a branch's gateway and its own network" ping_from east 10.0.1.10
is "all of it is ESP" "$(left encrypted east)" 9
serve wlan 443
serve their 443 80
check "the supplier may ping" ping_from their 10.0.0.10
check "and begin nothing else" refused their 10.0.0.10 443
check "no branch is his" no_ping_from their 10.0.1.10
is "we use his service" "$(get wlan 172.16.5.10 443)" "hello 443"
check "and no other" refused wlan 172.16.5.10 80
none_in_clear "up" west east second
allow_all west
take_down east spoke-1
reset
check "a branch down: nothing passes" no_ping_from elan 10.0.0.10
check "nor the other way" no_ping_from wlan 10.0.1.10
check "nor from its sister" no_ping_from slan 10.0.1.10
check "who is up as before" ping_from slan 10.0.0.10
check "its own network is its own" ping_from east 10.0.1.10
none_in_clear "down" west east second
finish "stays blocked"
