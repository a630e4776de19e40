# SPDX-License-Identifier: GPL-2.0-or-later
# examples/xfrm-interface on both gateways.
. /t/tests/vm/guest/exampleslib.sh
internet
uplink west w0 198.51.100.1
uplink east w0 203.0.113.1
lan west l1 10.1.0.1/24 wlan 10.1.0.10
lan east l1 10.2.0.1/24 elan 10.2.0.10
example west xfrm-interface
example east xfrm-interface
waits east
leaks "without the helper it would leave in clear" wlan 10.2.0.10
default_deny west
start west east
comes_up west office
serve elan 443
reset
check "its route is through the device" bash -c "ip -n west route get 10.2.0.10 | grep -q 'dev ipsec1'"
check "LAN to LAN" ping_from wlan 10.2.0.10
check "and the other way" ping_from elan 10.1.0.10
check "what we may begin is little" refused wlan 10.2.0.10 443
if [ "$BACKEND" = nftables ]; then
	on west nft add rule inet filter forward oifname ipsec1 tcp dport 443 accept
else
	on west iptables-legacy -A FORWARD -o ipsec1 -p tcp --dport 443 -j ACCEPT
fi
is "a rule of one's own goes by the device" "$(get wlan 10.2.0.10 443)" "hello 443"
none_in_clear "up" west east
allow_all west
allow_all east
on west ip route replace 10.2.0.0/24 via 198.51.100.254 dev w0 onlink
reset
check "round the device: nothing passes" no_ping_from wlan 10.2.0.10
on west ip route del 10.2.0.0/24 via 198.51.100.254 dev w0
take_down west office
check "down: nothing passes" no_ping_from wlan 10.2.0.10
check "down: nor the other way" no_ping_from elan 10.1.0.10
none_in_clear "down" west east
finish "stays blocked"
