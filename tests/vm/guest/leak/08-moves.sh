# SPDX-License-Identifier: GPL-2.0-or-later
# A NAT box between the gateways that forgets and moves, then a gateway that
# moves by itself (MOBIKE).
. /t/tests/vm/guest/leaklib.sh
printf '%s\n' leftsubnet=192.0.1.0/24 rightsubnet=192.0.2.0/24 left=%defaultroute | conn natted west
printf '%s\n' leftsubnet=192.0.1.0/24 rightsubnet=192.0.2.0/24 left=%any | conn natted east
printf '%s\n' leftsubnet=192.0.1.0/24 rightsubnet=192.0.2.0/24 left=%defaultroute mobike=yes | conn mobile west
printf '%s\n' leftsubnet=192.0.1.0/24 rightsubnet=192.0.2.0/24 left=%any mobike=yes | conn mobile east

# west -- 10.9.0.0/24 -- box -- the wire, where west was
put_box() {
	ip netns add box
	on box sysctl -q -w net.ipv4.ip_forward=1 \
		net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.all.promote_secondaries=1
	ip -n wire link set west nomaster netns box name inner
	ip -n box -batch - <<-EOF
	link add outer type veth peer name west netns wire
	addr add 10.9.0.1/24 dev inner
	addr add 198.51.100.1/24 dev outer
	link set inner up
	link set outer up
	route add 192.0.2.0/24 via 198.51.100.2
	EOF
	ip -n wire link set west master br0 up
	ip -n west -batch - <<-EOF
	addr flush dev w0 scope global
	addr add 10.9.0.2/24 dev w0
	route replace default via 10.9.0.1
	route replace 192.0.2.0/24 via 10.9.0.1
	EOF
	on box iptables-legacy -t nat -A POSTROUTING -o outer -p udp -j MASQUERADE --to-ports 20000-30000 --random
	on box iptables-legacy -t nat -A POSTROUTING -o outer -j MASQUERADE
}
away_with_box() {
	ip -n box link del outer
	ip -n box link set inner netns wire name west
	ip -n wire link set west master br0 up
	ip -n west -batch - <<-EOF
	addr flush dev w0 scope global
	addr add 198.51.100.1/24 dev w0
	route replace default via 198.51.100.2
	route replace 192.0.2.0/24 via 198.51.100.2
	EOF
}
# A daemon whose peer cannot answer does not get rid of an SA otherwise.
up_again() { delete "$1"; add "$1"; up "$1"; }
topology
for netns in west east; do
	on $netns sysctl -q -w net.ipv4.conf.all.promote_secondaries=1
done
put_box
capture
arm_both natted
traffic
start_both
add natted
event "NAT box: up" up natted
back4 "NAT box"
above "NAT box: through ESP in UDP" "$(wire_count natt)" 0
forgets() { on box conntrack -F; sleep 2; }
event "the box forgets its translations" forgets
event "up after that" up_again natted
back4 "up after that"
moves() { ip -n box addr add 198.51.100.9/24 dev outer; ip -n box addr del 198.51.100.1/24 dev outer; on box conntrack -F; sleep 2; }
event "the box has another address" moves
event "up after the box's move" up_again natted
back4 "up after the box's move"
event "NAT box: down" down natted
event "NAT box: delete" delete natted
away_with_box
inside west timeout 20 ipsec whack --listen
add mobile
event "MOBIKE: up" up mobile
back4 "MOBIKE"
west_moves() {
	ip -n west addr add 198.51.100.7/24 dev w0
	ip -n west addr del 198.51.100.1/24 dev w0
	ip -n west route replace default via 198.51.100.2
	ip -n west route replace 192.0.2.0/24 via 198.51.100.2
	sleep 2
}
event "west moves" west_moves
[ -n "$STOCK" ] || is "the SA moved along" "$(on west ip xfrm state | grep -c '^src 198.51.100.7 ')" 1
back4 "west has moved"
event "MOBIKE: down" down mobile
event "MOBIKE: delete" delete mobile
finish_leaks
