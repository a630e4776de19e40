# SPDX-License-Identifier: GPL-2.0-or-later
# The selectors contain the gateways: ESP, IKE and neighbour discovery pass
# the guard, clear text does not.
. /t/tests/vm/guest/lib.sh
for type in tunnel transport; do
	conn v4-$type <<< "type=$type"
done
conn v6-transport <<-'EOF'
	type=transport
	left=2001:db8:100::1
	right=2001:db8:100::2
EOF
# As Libreswan's documentation has it: neighbour discovery stays clear.
conn neighbours <<-'EOF'
	left=::1
	leftsubnet=::0/0
	leftprotoport=58/34560
	rightprotoport=58/34816
	rightsubnet=::0/0
	right=::0
	hostaddrfamily=ipv6
	authby=never
	type=passthrough
	priority=1
EOF
begin
default_deny west
tables_before west
for type in tunnel transport; do
	add v4-$type
	check "$type comes up" up v4-$type
	wire_reset
	check "$type: ping to the peer" ping_from west 198.51.100.2
	check "$type: ping from the peer" ping_from east 198.51.100.1
	is "$type: all of it is ESP" "$(wire_count encrypted)" 12
	is "$type: no clear ping on the wire" "$(wire_count host)" 0
	whack west --rekey-ike --name v4-$type
	check "$type: ping after an IKE rekey" ping_from west 198.51.100.2
	allow_all west
	on west ip xfrm policy flush
	wire_reset
	no_ping_from west 198.51.100.2
	is "$type: flushed policies do not leak" "$(wire_count host)" 0
	is "$type: the guard counted them" "$(guarded west out)" 3
	before=$(echoes west)
	spoof 198.51.100.2 198.51.100.1
	is "$type: the guard drops spoofed packets" "$(guarded west in)" 3
	is "$type: none of them came in" "$(($(echoes west) - before))" 0
	deny_again west
	gone v4-$type
done
add neighbours v6-transport
for side in west east; do
	whack $side --name neighbours --route
done
check "IPv6 comes up" up v6-transport
wire_reset
on west ip -6 neigh flush all
check "IPv6: ping to the peer, neighbour unknown" ping_from west 2001:db8:100::2
on west ip -6 neigh flush all
check "IPv6: ping from the peer, neighbour unknown" ping_from east 2001:db8:100::1
is "IPv6: all of it is ESP" "$(wire_count encrypted)" 12
is "IPv6: no clear ping on the wire" "$(wire_count host)" 0
gone v6-transport
# The script on ::0/0.
finish 'output: need at least a destination address'
