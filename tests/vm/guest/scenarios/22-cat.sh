# SPDX-License-Identifier: GPL-2.0-or-later
# Client address translation (leftcat=): our own packets leave with an address on
# loan, whoever begins; nothing of it leaves in clear or lives on after a down.
# Libreswan asks for a loan only from behind NAT, which encapsulation= feigns.
. /t/tests/vm/guest/lib.sh
cat=(leftmodecfgclient=yes leftcat=yes rightmodecfgserver=yes leftsubnet=0.0.0.0/0
	rightsubnet=192.0.2.0/24 narrowing=yes encapsulation=yes)
printf '%s\n' "${cat[@]}" | conn road west
printf '%s\n' left=%any leftmodecfgclient=yes leftaddresspool=192.0.9.7-192.0.9.7 \
	rightmodecfgserver=yes rightsubnet=192.0.2.0/24 narrowing=yes \
	encapsulation=yes | conn road east
topology
ip -n east route add 192.0.9.0/24 via 198.51.100.1
on wire nft -f - <<-'EOF'
	table bridge wire {
		counter leased { }
		chain own {
			type filter hook forward priority 1;
			ip saddr 192.0.9.0/24 counter name leased
			ip daddr 192.0.9.0/24 counter name leased
		}
	}
EOF
on elan nft -f - <<-'EOF'
	table ip seen {
		counter leased { }
		counter others { }
		chain input {
			type filter hook input priority 0;
			ip saddr 192.0.9.7 counter name leased
			ip saddr != 192.0.9.7 counter name others
		}
	}
EOF
on elan sysctl -q -w net.ipv4.conf.all.accept_redirects=0
seen() { on elan nft list counter ip seen "$1" | sed -n 's/.*packets \([0-9]*\) .*/\1/p'; }
entries() { on west conntrack -L -p udp 2> /dev/null | grep -c 192.0.9.7; }
ours() { echo x | on west socat -u - "UDP4-SENDTO:192.0.2.10:7002,sourceport=7001"; }
theirs() { echo x | on elan socat -u - "UDP4-SENDTO:192.0.9.7:7003,sourceport=7004"; }
answer() { echo x | on west socat -u - "UDP4-SENDTO:192.0.2.10:7004,sourceport=7003"; }

launch west
launch east
await west
await east
on west iptables-legacy -t nat -A POSTROUTING -o w0 -j MASQUERADE
default_deny west
tables_before west
wire_reset
add road
check "the connection comes up" up road
no_clear "nothing in clear till then"
wire_reset
is "its address is on loan" "$(ip -n west xfrm policy list dir out | grep -c 'src 192.0.9.7/32 dst 192.0.2.0/24')" 1
check "our own traffic passes" ping_from west 192.0.2.10
is "all of it with the leased address" "$(seen leased) $(seen others)" "3 0"
check "what the peer's side begins reaches us" ping_from elan 192.0.9.7
no_clear
is "nor with the leased address" "$(wire_count leased)" 0
above "it is ESP in UDP" "$(wire_count natt)" 11
ours; theirs; answer
is "a flow of ours and one of theirs" "$(entries)" 2
spoof 192.0.2.77 198.51.100.1
is "the guard drops spoofed packets" "$(guarded west in)" 3
wire_reset

down road
is "down: the flows have ended" "$(entries)" 0
# Libreswan 4 forgets the policy for our own address; nothing would leave.
ip -n west xfrm policy delete src 198.51.100.1/32 dst 192.0.2.0/24 dir out 2> /dev/null
allow_all west
ours; answer
is "they don't go on with the leased address" "$(wire_count leased)" 0
is "what leaves begins anew, with our own" "$(seen others)" 2
deny_again west
check "after down the tables are as before" tables_same west
delete road

# With a guard that stays.
ini <<< '[default]
guard = armed'
add road
allow_all west
wire_reset
check "guard = armed: up" up road
check "our own traffic passes" ping_from west 192.0.2.10
ours; theirs; answer
down road
ours; answer
no_ping_from west 192.0.2.10
no_clear
is "nor with the leased address" "$(wire_count leased)" 0
delete road
finish 'output: .*traffic stays blocked'
