# SPDX-License-Identifier: GPL-2.0-or-later
# examples/full-tunnel: the branch, and headquarters with its rule for the way on.
. /t/tests/vm/guest/exampleslib.sh
internet
uplink west w0 203.0.113.1
uplink west w0 2001:db8:b::1
uplink east w0 198.51.100.1
lan west l1 10.2.0.1/24 wlan 10.2.0.10
lan east l1 10.1.0.1/24 elan 10.1.0.10
example west full-tunnel
example east full-tunnel
sed -i '/^conn lan/,$d' "$WORK/east.conf"
waits east
leaks "without the helper it would leave in clear" wlan 100.64.0.80
default_deny west
start west east
on east iptables-legacy -t nat -A POSTROUTING -o w0 -s 10.2.0.0/24 -m policy --dir out --pol none -j MASQUERADE
comes_up west everything
reset
check "headquarters" ping_from wlan 10.1.0.10
check "and back" ping_from elan 10.2.0.10
check "the Internet, through headquarters" ping_from wlan 100.64.0.80
above "which passed it on" "$(left clear east)" 2
allow_all west
check "the gateway and its own network" ping_from west 10.2.0.10
check "IPv6 is nobody's way round" no_ping_from west 2001:db8:80::80
none_in_clear "up"
take_down west everything
reset
check "down: nothing passes" no_ping_from wlan 100.64.0.80
check "down: nor to headquarters" no_ping_from wlan 10.1.0.10
check "down: its own network is its own" ping_from west 10.2.0.10
check "down: IPv6 is nobody's way round" no_ping_from west 2001:db8:80::80
none_in_clear "down"
finish "stays blocked"
