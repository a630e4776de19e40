# SPDX-License-Identifier: GPL-2.0-or-later
# Ways round the tunnel: a second uplink, routes by mark, guests behind a bridge
# as container engines make it, and errors that quote what was decrypted.
. /t/tests/vm/guest/leaklib.sh
near='leftsubnet=192.0.1.0/24 rightsubnet=192.0.2.0/24'
printf '%s\n' $near | conn site
printf '%s\n' leftsubnet=192.0.3.0/24 rightsubnet=192.0.2.0/24 | conn guests
topology
ip -n west -batch - <<-EOF
link add w1 type veth peer name west1 netns wire
addr add 198.51.100.4/24 dev w1
link set w1 up
route add default via 198.51.100.2 dev w1 table 100
EOF
ip -n wire link set west1 master br0 up

# A container: its bridge's traffic passes iptables, and its engine masquerades.
modprobe br_netfilter
ip netns add guest
ip -n west -batch - <<-EOF
link add ctr0 type bridge
addr add 192.0.3.1/24 dev ctr0
link set ctr0 up
link add v1 type veth peer name eth0 netns guest
link set v1 master ctr0 up
EOF
ip -n guest -batch - <<-EOF
link set lo up
addr add 192.0.3.10/24 dev eth0
link set eth0 up
route add default via 192.0.3.1
EOF
on west sysctl -q -w net.bridge.bridge-nf-call-iptables=1
on west iptables-legacy -t nat -A POSTROUTING -s 192.0.3.0/24 ! -o ctr0 -j MASQUERADE
ip -n east route add 192.0.3.0/24 via 198.51.100.1
capture
capture west1
arm_both
traffic
start_both
two() { "$@" site; "$@" guests; }
from_guest() {
	[ -n "$STOCK" ] || check "$1: the container's traffic passes" wait_for 2 ping_from guest 192.0.2.10
}
two auto west --add
two auto east --add
event "up" two up
udp guest 192.0.2.10
on guest ping -q -i 0.1 192.0.2.10 > /dev/null 2>&1 &
both_back() { back4 "$1"; from_guest "$1"; }
both_back "up"
by_mark() {
	on west iptables-legacy -t mangle -A PREROUTING -i l1 -j MARK --set-mark 0x40000000/0x40000000
	on west iptables-legacy -t mangle -A PREROUTING -i ctr0 -j MARK --set-mark 0x40000000/0x40000000
	ip -n west rule add fwmark 0x40000000/0x40000000 table 100
	sleep 0.5
}
event "routed by mark to the second uplink" by_mark
both_back "routed by mark"
event "down" two down
event "up again" two up
event "delete" two delete
second_default() { ip -n west route add default via 198.51.100.2 dev w1; ip -n west link set w0 down; sleep 0.5; }
event "the first uplink is down" second_default
first_again() {
	ip -n west link set w0 up
	ip -n west route replace 192.0.2.0/24 via 198.51.100.2 dev w0
	ip -n west rule del fwmark 0x40000000/0x40000000
	sleep 0.5
}
event "and back" first_again
two auto west --add
two auto east --add
event "up on it" two up
both_back "up on it"
event "delete again" two delete
# A router in the LAN answers each of the peer's packets with an error that
# quotes it, also once the way back has lost its policy.
add_both() { auto west --add site; auto east --add site; }
add_both
up site
ip -n west route add 192.0.1.128/25 via 192.0.1.10
ip -n wlan link add d0 up type dummy
ip -n wlan route add 192.0.1.128/25 dev d0
on wlan iptables-legacy -A FORWARD -d 192.0.1.128/25 -j REJECT
udp elan 192.0.1.200
errors() { on elan nstat -asz IcmpInDestUnreachs | awk '$1 == "IcmpInDestUnreachs" { print $2 }'; }
before=$(errors)
event "errors that quote what was decrypted" true
[ -n "$STOCK" ] || above "they come back by ESP" "$(($(errors) - before))" 10
lose() { on west ip xfrm policy delete dir out src 192.0.1.0/24 dst 192.0.2.0/24; }
event "the same without a policy for the way out" lose
event "delete, with errors" delete site
sed -i 's/^conn site$/&\n\tipsec-interface=1/' "$WORK/west.conf"
auto west --add site
auto east --add site
event "XFRM interface: up" up site
back4 "XFRM interface"
by_rule() { ip -n west rule add fwmark 0x40000000/0x40000000 table 100; sleep 0.5; }
event "routed by mark round the XFRM interface" by_rule
event "XFRM interface: down" down site
event "XFRM interface: delete" delete site
finish_leaks
