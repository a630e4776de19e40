# SPDX-License-Identifier: GPL-2.0-or-later
# A connection's guard lets be what another connection's device encrypts, in the
# legacy tables by the device's name; past the device nothing goes.  What comes out
# of an XFRM device still tells that it was decrypted; out of a VTI device it does
# not, and the guard stops it.
. /t/tests/vm/guest/lib.sh
near=leftsubnet=192.0.1.0/24
site
for name in xfrm vti; do
	printf '%s\n' $near rightsubnet=192.0.0.0/16 | conn $name east
done
printf '%s\n' $near rightsubnet=192.0.0.0/16 ipsec-interface=7 | conn xfrm west
printf '%s\n' $near rightsubnet=192.0.0.0/16 mark=7/0xffffffff vti-interface=vti7 vti-routing=no | conn vti west
ini <<< '[default]
guard = armed'
begin site
check "a connection without a device" up site
check "its traffic passes" ping_from wlan 192.0.2.10
delete site
check "deleted: it does not" no_ping_from wlan 192.0.2.10
no_clear "nor in clear"
# What leaves through the device, and how much of its answers comes back.
through() {	# what answers
	wire_reset
	on wlan ping -n -i 0.05 -W 0.5 -c 3 192.0.2.10 > "$WORK/answers"
	is "$name: $1 goes through the device" "$(wire_count encrypted)" 6
	is "$name: $1 is answered" "$(grep -c 'bytes from' "$WORK/answers")" "$2"
	no_clear "$name: $1 not in clear"
}
for name in xfrm vti; do
	[ $name = xfrm ] && dev=ipsec7 answers=3 || dev=vti7 answers=0
	add $name
	check "$name: another connection with a device comes up" up $name
	ip -n west route replace 192.0.2.0/24 dev $dev
	through "traffic beside an armed guard" $answers
	add site
	check "$name: the first connection comes up" up site
	through "traffic while that is up" $answers
	# A down would leave a trap, as the two share an IKE SA.
	delete site
	through "traffic when it is deleted" $answers
	ip -n west route replace 192.0.2.0/24 via 198.51.100.2 dev w0
	no_ping_from wlan 192.0.2.10
	no_clear "$name: nothing goes past the device"
	ip -n west route replace 192.0.2.0/24 dev $dev
	down $name
	no_ping_from wlan 192.0.2.10
	no_clear "$name: nor through it when it is down"
	delete $name
	fw west disarm $name > /dev/null
	ip -n west route replace 192.0.2.0/24 via 198.51.100.2 dev w0
done
finish 'output: \(net\.ipv4\.conf\.vti7\|vti interface\|.*traffic stays blocked\)'
