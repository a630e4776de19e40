# SPDX-License-Identifier: GPL-2.0-or-later
# The gateway's own ICMP errors quote what was decrypted, from an address that no
# selector has; and devices that an armed guard of the same selectors meets.  The
# legacy tables can tell neither.
. /t/tests/vm/guest/leaklib.sh
sites
printf '%s\n' leftsubnet=192.0.1.0/24 rightsubnet=192.0.2.0/24 ipsec-interface=1 | conn device west
printf '%s\n' leftsubnet=192.0.1.0/24 rightsubnet=192.0.2.0/24 | conn device east
ready
arm_both
traffic
start_both
add site site6
both up
back "up"
unreachable() { ip -n west route add unreachable 192.0.1.99/32; ip -n west -6 route add unreachable 2001:db8:1::99/128; }
# The peer's side meets a router that sends errors: ours.
errors() {	# how
	on elan ping -n -i 0.1 -c 10 -W 1 "$@"
}
if [ "$BACKEND" = nftables ]; then
	event "TTL exceeded inside the tunnel" errors -t 1 192.0.1.10
	event "hop limit exceeded inside the tunnel" errors -t 1 2001:db8:1::10
	unreachable
	event "no route behind the tunnel" errors 192.0.1.99
	event "no route behind the tunnel, IPv6" errors 2001:db8:1::99
	on west iptables-legacy -I FORWARD -p udp --dport 9 -j REJECT
	udp elan 192.0.1.10
	event "REJECT ahead of all" sleep 2
	kill %%
	on west iptables-legacy -D FORWARD -p udp --dport 9 -j REJECT
	[ -n "$STOCK" ] || check "the guard counted them" bash -c \
		'ip netns exec west nft list set inet ipsec_fw quoted-24-24 | grep -q "packets [1-9]"'
	back "after the errors"
fi
both delete
add device
up device
ip -n west route replace 192.0.2.0/24 dev ipsec1
if [ "$BACKEND" = nftables ] && [ -z "$STOCK" ]; then
	check "a device beside an armed guard of the same selectors" wait_for 10 ping_from wlan 192.0.2.10
fi
event "through the device" sleep 1
finish_leaks
