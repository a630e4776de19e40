# SPDX-License-Identifier: GPL-2.0-or-later
# ipsec-interface=: traffic through the device, and none round it.
. /t/tests/vm/guest/lib.sh
for side in west east; do
	{
		echo leftsubnet=192.0.1.0/24
		echo rightsubnet=192.0.2.0/24
		[ $side = east ] || echo ipsec-interface=1
	} | conn site $side
done
begin site
default_deny west
count_marks west
on west iptables-legacy -t nat -A POSTROUTING -o w0 -j MASQUERADE
tables_before west
check "the connection comes up" up site
check "the route goes through the device" bash -c "ip -n west route get 192.0.2.10 | grep -q 'dev ipsec1'"
check "traffic passes" ping_from wlan 192.0.2.10
check "traffic passes back" ping_from elan 192.0.1.10
check "the gateway's own traffic passes" ping_from west 192.0.2.10 -I 192.0.1.1
no_clear
is "all of it is ESP" "$(wire_count encrypted)" 18
is "decrypted packets carry the mark" "$(seen_marks west marked)" 9
is "none without" "$(seen_marks west unmarked)" 0
spoof 192.0.2.77 192.0.1.10
is "the guard drops spoofed packets" "$(guarded west in)" 3
allow_all west
on west ip route replace 192.0.2.0/24 via 198.51.100.2 dev w0
no_ping_from wlan 192.0.2.10
no_clear "routed round the device: nothing leaks"
is "the guard counted it" "$(guarded west out)" 3
deny_again west
gone site
finish
