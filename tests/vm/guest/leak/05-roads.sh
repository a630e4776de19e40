# SPDX-License-Identifier: GPL-2.0-or-later
# Other roads: XFRM interfaces, routes past them, NAT traversal, a silent peer.
. /t/tests/vm/guest/leaklib.sh
printf '%s\n' leftsubnet=192.0.1.0/24 rightsubnet=192.0.2.0/24 ipsec-interface=1 | conn device west
printf '%s\n' leftsubnet=192.0.1.0/24 rightsubnet=192.0.2.0/24 | conn device east
printf '%s\n' leftsubnet=192.0.1.0/24 rightsubnet=192.0.2.0/24 encapsulation=yes | conn natt
printf '%s\n' leftsubnet=192.0.1.0/24 rightsubnet=192.0.2.0/24 dpdaction=clear dpddelay=1s dpdtimeout=3s retransmit-timeout=3s | conn clear
printf '%s\n' leftsubnet=192.0.1.0/24 rightsubnet=192.0.2.0/24 dpdaction=hold dpddelay=1s dpdtimeout=3s retransmit-timeout=3s | conn hold
printf '%s\n' leftsubnet=192.0.1.0/24 rightsubnet=192.0.2.0/24 dpdaction=restart dpddelay=1s dpdtimeout=3s retransmit-timeout=3s | conn restart
ready
start_both
arm_both device
traffic
add device
event "XFRM interface: up" up device
back4 "XFRM interface"
past() { ip -n west route replace 192.0.2.0/24 via 198.51.100.2 dev w0; sleep 1; }
event "a route past the XFRM interface" past
event "XFRM interface: down" down device
event "XFRM interface: delete" delete device
ip -n west route replace 192.0.2.0/24 via 198.51.100.2 dev w0
add natt
event "NAT traversal: up" up natt
back4 "NAT traversal"
event "NAT traversal: down" down natt
event "NAT traversal: delete" delete natt
silence() {
	on wire nft add chain bridge wire silence '{ type filter hook forward priority 10; }'
	on wire nft add rule bridge wire silence ip saddr 198.51.100.2 udp dport 500 drop
	on wire nft add rule bridge wire silence ip saddr 198.51.100.2 meta l4proto esp drop
	wait_for 25 grep -q "\"$1\" #.*\(retransmission\|liveness\|DPD\|deleting\|peer is dead\)" "$WORK/west.log"
	sleep 3
}
speech() { on wire nft delete chain bridge wire silence; sleep 1; }
for action in clear hold restart; do
	add $action
	event "dead peer, $action: up" up $action
	back4 "dead peer, $action: up"
	event "dead peer, $action: silence" silence $action
	event "dead peer, $action: it speaks again" speech
	event "dead peer, $action: delete" delete $action
done
finish_leaks
