# SPDX-License-Identifier: GPL-2.0-or-later
# mark-in= and mark-out=: the kernel's policies and SAs have marks, and packets find
# them with policy-mark = yes; without it nothing gets past the guard.
. /t/tests/vm/guest/lib.sh
nets=(leftsubnet=192.0.1.0/24 rightsubnet=192.0.2.0/24)
for name in esp udp; do
	[ $name = esp ] && encap=no || encap=yes
	printf '%s\n' "${nets[@]}" encapsulation=$encap mark-in=5/0xff mark-out=6/0xff | conn $name west
	printf '%s\n' "${nets[@]}" encapsulation=$encap | conn $name east
done
begin
add esp
check "without policy-mark it comes up" up esp
is "its policy has the mark" "$(ip -n west xfrm policy list dir out | grep -c 'mark 0x6/0xff')" 1
check "no packet finds it" no_ping_from wlan 192.0.2.10
no_clear
above "the guard counted them" "$(guarded west out)" 2
delete esp

ini <<< '[default]
policy-mark = yes'
default_deny west
count_marks west
tables_before west
for name in esp udp; do
	add $name
	check "$name: policy-mark = yes: it comes up" up $name
	on west iptables-legacy -t mangle -Z
	wire_reset
	check "$name: traffic passes" ping_from wlan 192.0.2.10
	check "$name: traffic passes back" ping_from elan 192.0.1.10
	check "$name: the gateway's own traffic passes" ping_from west 192.0.2.10 -I 192.0.1.1
	is "$name: all of it encrypted" "$(($(wire_count encrypted) + $(wire_count natt)))" 18
	is "$name: decrypted packets carry our mark" "$(seen_marks west marked) $(seen_marks west unmarked)" "9 0"
	spoof 192.0.2.77 192.0.1.10
	is "$name: the guard drops spoofed packets" "$(guarded west in)" 3
	gone $name
done
no_clear
finish
