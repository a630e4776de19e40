# SPDX-License-Identifier: GPL-2.0-or-later
# examples/ipv6-only on both gateways.
. /t/tests/vm/guest/exampleslib.sh
internet
uplink west w0 2001:db8:a::1
uplink east w0 2001:db8:b::1
lan west l1 2001:db8:1::1/64 wlan 2001:db8:1::10
lan east l1 2001:db8:2::1/64 elan 2001:db8:2::10
example west ipv6-only
example east ipv6-only
waits east
leaks "without the helper it would leave in clear" wlan 2001:db8:2::10
default_deny west
default_deny east
start west east
comes_up west office
for port in 443 22; do
	on elan socat "TCP6-LISTEN:$port,fork,reuseaddr" SYSTEM:"echo hello $port" &
	wait_for 10 bash -c "ip netns exec elan ss -Hltn | grep -q ':$port '"
done
get6() {
	on wlan socat -u -T 2 "TCP6:[2001:db8:2::10]:$1,connect-timeout=2" - 2>&1
}
on west ip -6 neigh flush all
reset
check "LAN to LAN, neighbours unknown" ping_from wlan 2001:db8:2::10
check "and the other way" ping_from elan 2001:db8:1::10
is "a service" "$(get6 443)" "hello 443"
is "and no other" "$(get6 22 | grep -c hello)" 0
none_in_clear "up" west east
allow_all west
allow_all east
take_down west office
reset
check "down: nothing passes" no_ping_from wlan 2001:db8:2::10
check "down: nor the other way" no_ping_from elan 2001:db8:1::10
none_in_clear "down" west east
check "others are not concerned" ping_from west 2001:db8:80::80
finish "stays blocked"
