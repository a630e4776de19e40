# SPDX-License-Identifier: GPL-2.0-or-later
# Libreswan's calls, a situation after the other.
. /t/tests/vm/guest/lib.sh
daemon=$(sed -n 's/.*daemon=\([^ ]*\).*/\1/p' /proc/cmdline)
UPDOWN="/t/tests/vm/guest/recorder $WORK/calls"
mkdir "$WORK/calls" "$WORK/env"
is "the version" "$(ipsec --version | sed -n 's/^Libreswan /libreswan-/p')" "$daemon"

nets() {
	printf '%s\n' leftsubnet=192.0.1.0/24 rightsubnet=192.0.2.0/24 "$@"
}
gateways6() {
	printf '%s\n' left=2001:db8:100::1 right=2001:db8:100::2 "$@"
}
nets | conn site
nets | conn trap
printf '%s\n' leftsubnet=2001:db8:1::/64 rightsubnet=2001:db8:2::/64 |
	conn six-in-four
nets $(gateways6) | conn four-in-six
nets leftprotoport=tcp rightprotoport=tcp/8080 | conn port
nets encapsulation=yes | conn natt
nets ipsec-interface=1 | conn xfrmi west
nets | conn xfrmi east
echo type=transport | conn host
nets phase2=ah | conn ah
nets compress=yes | conn ipcomp
nets mark=5/0xffffffff vti-interface=vti0 vti-routing=no | conn vti west
nets | conn vti east
nets type=passthrough authby=never | conn pass
printf '%s\n' right=%any leftsubnet=192.0.1.0/24 narrowing=yes \
	rightaddresspool=192.0.9.1-192.0.9.9 \
	leftmodecfgserver=yes rightmodecfgclient=yes | conn rw west
printf '%s\n' leftsubnet=192.0.1.0/24 rightsubnet=0.0.0.0/0 narrowing=yes \
	leftmodecfgserver=yes rightmodecfgclient=yes | conn rw east
begin

for name in site six-in-four four-in-six port natt xfrmi host ah ipcomp vti; do
	add $name
	check "$name comes up" up $name
	down $name
	delete $name
done
add trap
whack west --name trap --route
check "trap comes up" up trap
down trap
delete trap
auto west --add pass
whack west --name pass --route
whack west --name pass --delete
add rw
check "rw comes up" whack east --name rw --initiate
delete rw

keep="site-up site-down trap-route trap-unroute four-in-six-up natt-up xfrmi-up rw-up"
[ "$daemon" != libreswan-4.10 ] ||
	keep+=" six-in-four-up port-up host-up ah-up ipcomp-up vti-up pass-route"
for call in $keep; do
	check "$call is recorded" cp "$WORK/calls/$call.env" "$WORK/env/$daemon-$call.env"
done
