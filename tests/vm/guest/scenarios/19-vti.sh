# SPDX-License-Identifier: GPL-2.0-or-later
# vti-interface=: traffic through the device, and none round it.  The device
# takes the policy off what it decrypts, so that rules go by the device.
. /t/tests/vm/guest/lib.sh
for side in west east; do
	{
		echo leftsubnet=192.0.1.0/24
		echo rightsubnet=192.0.2.0/24
		if [ $side = west ]; then
			echo mark=5/0xffffffff
			echo vti-interface=vti0
			echo vti-routing=no
		fi
	} | conn site $side
done
begin site
default_deny west
on west iptables-legacy -t nat -A POSTROUTING -o w0 -j MASQUERADE
tables_before west
check "the connection comes up" up site
ip -n west route replace 192.0.2.0/24 dev vti0
check "traffic passes" ping_from wlan 192.0.2.10
check "traffic passes back" ping_from elan 192.0.1.10
check "the gateway's own traffic passes" ping_from west 192.0.2.10 -I 192.0.1.1
no_clear
is "all of it is ESP" "$(wire_count encrypted)" 18
spoof 192.0.2.77 192.0.1.10
is "the guard drops spoofed packets" "$(guarded west in)" 3
allow_all west
ip -n west route replace 192.0.2.0/24 via 198.51.100.2 dev w0
no_ping_from wlan 192.0.2.10
no_clear "routed round the device: nothing leaks"
is "the guard counted it" "$(guarded west out)" 3
deny_again west
gone site
# The script says what it set, and at prepare that up made the device.
finish 'output: \(net\.ipv4\.conf\.vti0\|vti interface\)'
