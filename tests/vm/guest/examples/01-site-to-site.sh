# SPDX-License-Identifier: GPL-2.0-or-later
# examples/site-to-site on both gateways.
. /t/tests/vm/guest/exampleslib.sh
internet
uplink west w0 198.51.100.1
uplink east w0 203.0.113.1
lan west l1 10.1.0.1/24 wlan 10.1.0.10
lan east l1 10.2.0.1/24 elan 10.2.0.10
example west site-to-site
example east site-to-site
waits east
leaks "without the helper it would leave in clear" wlan 10.2.0.10
default_deny west
default_deny east
start west east
comes_up west office
reset
check "LAN to LAN" ping_from wlan 10.2.0.10
check "and the other way" ping_from elan 10.1.0.10
check "gateway to LAN" ping_from west 10.2.0.10 -I 10.1.0.1
none_in_clear "up" west east
is "all of it is ESP" "$(left encrypted west)" 9
allow_all west
allow_all east
take_down west office
serve elan 8080
reset
above "down: users are told" "$(get wlan 10.2.0.10 8080 | grep -c 'Connection refused')" 0
check "down: nothing passes" no_ping_from wlan 10.2.0.10
check "down: nor the other way" no_ping_from elan 10.1.0.10
none_in_clear "down" west east
daemon_dies west
check "the daemon dead: nothing passes" no_ping_from wlan 10.2.0.10
none_in_clear "the daemon dead"
fw west disarm office > /dev/null
leaks "until the operator says so" wlan 10.2.0.10
finish "stays blocked"
