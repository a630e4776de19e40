# SPDX-License-Identifier: GPL-2.0-or-later
# Several pairs of subnets of one connection: rules, marks and records each.
. /t/tests/vm/guest/lib.sh
conn multi <<-'EOF'
	leftsubnets={192.0.1.0/24 192.0.3.0/24}
	rightsubnets={192.0.2.0/24 192.0.4.0/24}
EOF
topology
ip -n wlan addr add 192.0.3.10/24 dev eth0
ip -n elan addr add 192.0.4.10/24 dev eth0
ip -n west addr add 192.0.3.1/24 dev l1
ip -n east addr add 192.0.4.1/24 dev l1
ip -n west route add 192.0.4.0/24 via 198.51.100.2
ip -n east route add 192.0.3.0/24 via 198.51.100.1
launch west
launch east
await west
await east
add multi
default_deny west
on west iptables-legacy -t mangle -N seen
on west iptables-legacy -t mangle -A FORWARD -m policy --dir in --pol ipsec -j seen
tables_before west
records() {
	ls "$WORK"/west.run/ipsec-fw/*/"$1" | wc -l
}
all_up() {
	[ "$(on west ip xfrm policy |
		grep -c 'src 192.0.[13].0/24 dst 192.0.[24].0/24')" = 4 ] &&
	[ "$(records conns)" = 4 ]
}
up multi
check "four pairs come up" wait_for 20 all_up
marks west > "$WORK/marks"
is "a mark for each pair" "$(uniq "$WORK/marks" | wc -l)" 4
while read -r mark; do
	on west iptables-legacy -t mangle -A seen -m mark --mark "$mark" -j RETURN
done < "$WORK/marks"
for l in 1 3; do
	for r in 2 4; do
		check "192.0.$l.0/24 to 192.0.$r.0/24" \
			ping_from wlan 192.0.$r.10 -I 192.0.$l.10
	done
done
is "each pair's packets carry its own" \
	"$(on west iptables-legacy-save -c -t mangle |
	sed -n 's/^\[\([0-9]*\):.* -A seen .*/\1/p' | tr '\n' ' ')" "3 3 3 3 "
no_clear
is "a record for each pair" "$(records conns)" 4
is "a reservation for each mark" "$(records marks)" 4
on west iptables-legacy -t mangle -F seen
gone multi
is "no record is left" "$(records conns)" 0
is "no mark is left" "$(records marks)" 0
finish
