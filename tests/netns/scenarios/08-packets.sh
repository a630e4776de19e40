# SPDX-License-Identifier: GPL-2.0-or-later
# Clear packets against the guard, counted on the other side of a cable.  This
# kernel may have no ESP: what is let through decrypted is shown with
# mark-source = esp, where the mark is what decrypted packets have.
. "$TESTS/netns/lib.sh"
. "$TESTS/netns/gateway.sh"

check "without rules the LAN's packets get there" pings lan 192.0.2.10
is "in clear" "$(seen)" 5
call up-client
pings lan 192.0.2.10
is "up: none leaves" "$(seen)" 0
is "the guard counted them" "$(dropped out)" 5
pings host -I 192.0.1.1 192.0.2.10
is "nor the gateway's own" "$(seen)" 0
is "counted" "$(dropped out)" 10
pings peer -I 192.0.2.10 192.0.1.10
is "spoofed ones are dropped" "$(dropped in)" 5
pings host 198.51.100.2
is "others' pass" "$(seen)" 5
call down-client
check "down: the LAN's packets pass again" pings lan 192.0.2.10
seen > /dev/null

# An accept that was there before does not open the guard.
$IPT -I FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
$IPT -t mangle -I FORWARD -j ACCEPT
$IPT -t mangle -I POSTROUTING -j ACCEPT
nsenter -t $LAN -n ping -n -q -i 0.05 -c 200 -W 1 192.0.2.10 > /dev/null &
ping=$!
check "a flow is established" wait_for 5 bash -c "conntrack -L -p icmp 2> /dev/null | grep 192.0.2.10 | grep -qv UNREPLIED"
call up-client
seen > /dev/null
sleep 0.3
is "a flow that was established before leaks no more" "$(seen)" 0
kill $ping
wait $ping
$IPT -t mangle -D FORWARD -j ACCEPT
$IPT -t mangle -D POSTROUTING -j ACCEPT
$IPT -F FORWARD
call up-client

# IPv6, with the neighbour to be found first.
six=(PLUTO_MY_CLIENT=2001:db8:1::/64 PLUTO_PEER_CLIENT=2001:db8:2::/64)
call up-client "${six[@]}"
pings lan 2001:db8:2::10
is "IPv6: none leaves" "$(seen)" 0
call down-client "${six[@]}"
check "IPv6: down, they pass" pings lan 2001:db8:2::10
seen > /dev/null
call down-client
hosts6=(PLUTO_ME=2001:db8:100::1 PLUTO_PEER=2001:db8:100::2
	PLUTO_MY_CLIENT=2001:db8:100::1/128 PLUTO_PEER_CLIENT=2001:db8:100::2/128)
call up-host-v6 "${hosts6[@]}"
ip -6 neigh flush all
peer ip -6 neigh flush all
peer socat -u UDP6-RECVFROM:500 OPEN:"$WORK/udp6-500",creat &
wait_for 5 peer bash -c "ss -Hlun sport = :500 | grep -q ."
echo ike | socat -u STDIN "UDP6-SENDTO:[2001:db8:100::2]:500,sourceport=500"
check "IPv6 host to host: IKE finds its neighbour" wait_for 5 grep -q ike "$WORK/udp6-500"
peer ip -6 neigh flush all
check "the peer gets no answer to a ping" bash -c "! nsenter -t $PEER -n ping -n -q -c 2 -i 0.1 -W 0.5 2001:db8:100::1"
is "but finds its neighbour" "$(peer ip -6 neigh show 2001:db8:100::1 | grep -c lladdr)" 1
call down-host-v6 "${hosts6[@]}"

# What the gateways say to each other is no leak.
hosts=(PLUTO_MY_CLIENT=198.51.100.1/32 PLUTO_PEER_CLIENT=198.51.100.2/32)
settings 'tcp-encap = 4501'
call up-host "${hosts[@]}"
for port in 500 4500; do
	peer socat -u UDP4-RECVFROM:$port OPEN:"$WORK/udp-$port",creat &
	wait_for 5 peer bash -c "ss -Hlun sport = :$port | grep -q ."
	echo ike | socat -u STDIN UDP4-SENDTO:198.51.100.2:$port,sourceport=$port
	check "host to host: UDP $port passes" wait_for 5 grep -q ike "$WORK/udp-$port"
done
peer socat -u TCP4-LISTEN:4501,reuseaddr OPEN:"$WORK/tcp-4501",creat &
wait_for 5 peer bash -c "ss -Hltn sport = :4501 | grep -q ."
echo ike | socat -u STDIN TCP4:198.51.100.2:4501,connect-timeout=3
check "host to host: TCP encapsulation passes" wait_for 5 grep -q ike "$WORK/tcp-4501"
pings host 198.51.100.2
is "host to host: ping does not" "$(seen)" 0
call down-host "${hosts[@]}"
settings

# Ports: what is not selected is nobody's business.
web=(PLUTO_MY_PROTOCOL=6 PLUTO_PEER_PROTOCOL=6 PLUTO_PEER_PORT=8080)
call up-client "${web[@]}"
for port in 8080 8081; do
	peer socat -u TCP4-LISTEN:$port,reuseaddr OPEN:"$WORK/tcp-$port",creat &
	wait_for 5 peer bash -c "ss -Hltn sport = :$port | grep -q ."
done
echo hello | lan socat -u STDIN TCP4:192.0.2.10:8081,connect-timeout=3
check "another port passes" wait_for 5 grep -q hello "$WORK/tcp-8081"
echo hello | lan socat -u STDIN TCP4:192.0.2.10:8080,connect-timeout=1
check "the selected one does not" test ! -s "$WORK/tcp-8080"
pings lan 192.0.2.10
above "nor is ping" "$(seen)" 4
call down-client "${web[@]}"

# A range that no prefix covers is guarded to its ends and not beyond.
range=(PLUTO_PEER_CLIENT=192.0.2.9-192.0.2.10)
peer ip addr add 192.0.2.8/24 dev eth0
peer ip addr add 192.0.2.11/24 dev eth0
call up-client "${range[@]}"
seen > /dev/null
pings lan 192.0.2.10
is "inside a range" "$(seen)" 0
check "below it" pings lan 192.0.2.8
check "above it" pings lan 192.0.2.11
call down-client "${range[@]}"

# A full tunnel: the LAN's own traffic and loopback stay.
full=(PLUTO_PEER_CLIENT=0.0.0.0/0)
call up-client "${full[@]}"
check "full tunnel: the LAN reaches its gateway" pings lan 192.0.1.1
check "full tunnel: the gateway reaches the LAN" pings host 192.0.1.10
check "full tunnel: loopback" pings host -I 192.0.1.1 192.0.1.1
seen > /dev/null
pings lan 198.51.100.2
is "full tunnel: nothing else" "$(seen)" 0
call down-client "${full[@]}"

# reject tells the sender, a drop lets it wait.
settings 'reject = yes'
call up-client
check "reject: the sender is told" bash -c "! nsenter -t $LAN -n ping -n -c 1 -W 2 192.0.2.10 > $WORK/ping; grep -q 'Packet filtered' $WORK/ping"
check "reject: TCP is reset at once" bash -c "nsenter -t $LAN -n socat -u /dev/null TCP4:192.0.2.10:9,connect-timeout=3 2>&1 | grep -q 'Connection refused'"
is "reject: nothing leaves" "$(seen)" 0
call down-client
settings 'log = NFLOG' 'log-group = 9' 'log-rate = 60'
call up-client
"$TESTS/netns/nflog" 9 > "$WORK/nflog" &
logger=$!
wait_for 5 grep -q listening "$WORK/nflog"
pings lan 192.0.2.10
kill $logger
above "what is dropped is logged" "$(grep -c '^ipsec-fw $' "$WORK/nflog")" 4
call down-client

# Decrypted packets: the mark of 2005.  The stand-in for decryption gives the
# mark to what comes in on a cable of its own.
settings 'mark-source = esp' 'mark = 0x10000/0xff0000' 'accept-in = icmp' 'accept-out = icmp'
$IPT -P FORWARD DROP
call up-client
is "ESP gets the mark" "$(count_of office '-esp -p esp .*--set-xmark 0x10000/0xff0000' ' esp-mark-.*l4proto [^;]*esp meta mark set meta mark & 0xff01ffff | 0x00010000')" 1
decryption
lan_seen > /dev/null
marked
is "marked packets pass the guard and are accepted" "$(lan_seen)" 5
pings peer -I 192.0.2.10 192.0.1.10
is "unmarked ones do not" "$(lan_seen)" 0
call down-client

# The connection's mark comes back on replies.
count_replies() { $IPT -t mangle -L FORWARD -v -n -x | awk '/mark match 0x10000/ { print $1 }'; }
settings 'mark-source = esp' 'mark = 0x10000/0xff0000' 'connmark = yes' 'guard = off'
$IPT -t mangle -A FORWARD -i l1 -m mark --mark 0x10000/0xff0000
$IPT -A FORWARD -i l1 -j ACCEPT
call up-client
check "connmark: marked pings are answered" pings peer -Q 0xb8 -I 192.0.2.10 192.0.1.10
is "connmark: the replies carry the mark" "$(count_replies)" 5
call down-client
pings peer -Q 0xb8 -I 192.0.2.10 192.0.1.10
is "connmark: after down they do not" "$(count_replies)" 5
$IPT -F FORWARD
$IPT -P FORWARD ACCEPT
$IPT -t mangle -F FORWARD
nft delete table ip decryption

# Segments of forwarded TCP.
peer nft -f - <<-'EOF2'
	table ip segments {
		chain in {
			type filter hook prerouting priority 0
			tcp flags & (syn|rst) == syn tcp option maxseg size 1300 counter
			tcp flags & (syn|rst) == syn tcp option maxseg size 1360 counter
		}
	}
EOF2
segments() { peer nft list table ip segments | sed -n "s/.*maxseg size $1 counter packets \([0-9]*\) .*/\1/p"; }
connect() { lan socat -u /dev/null TCP4:192.0.2.10:9,connect-timeout=1 2> /dev/null; }
settings 'mss = 1300' 'guard = off'
call up-client
connect
is "mss = 1300 is on the SYN" "$(segments 1300)" 1
settings 'mss = clamp' 'guard = off'
call up-client
ip route replace 192.0.2.0/24 via 198.51.100.2 mtu 1400
connect
is "mss = clamp follows the path" "$(segments 1360)" 1
call down-client
connect
is "after down segments are nobody's business" "$(segments 1300) $(segments 1360)" "1 1"
ip route replace 192.0.2.0/24 via 198.51.100.2

# open-ike is for just this peer.
$IPT -P INPUT DROP
$IPT -P OUTPUT DROP
ike() {	# source address: does a datagram to port 500 arrive?
	rm -f "$WORK/ike"
	socat -u UDP4-RECVFROM:500 OPEN:"$WORK/ike",creat &
	wait_for 5 bash -c "ss -Hlun sport = :500 | grep -q ."
	echo ike | peer socat -u STDIN UDP4-SENDTO:198.51.100.1:500,bind="$1":500
	wait_for 1 grep -q ike "$WORK/ike"
	local status=$?
	kill %% 2> /dev/null
	return $status
}
settings
call up-client
check "without open-ike the peer's IKE stays out" bash -c "! ($(declare -f ike peer wait_for); WORK=$WORK PEER=$PEER; ike 198.51.100.2)"
settings 'open-ike = yes'
call up-client
check "open-ike lets it in" ike 198.51.100.2
check "but no one else's" bash -c "! ($(declare -f ike peer wait_for); WORK=$WORK PEER=$PEER; ike 192.0.2.10)"
call down-client

# A selector of ours that contains the peer's: nothing of it is our own side.
$IPT -P INPUT ACCEPT
$IPT -P OUTPUT ACCEPT
settings
wide=(PLUTO_MY_CLIENT=0.0.0.0/0 PLUTO_PEER_CLIENT=192.0.2.10/32)
call up-client "${wide[@]}"
seen > /dev/null
pings lan 192.0.2.10
is "0.0.0.0/0 on our side: nothing leaves in clear" "$(seen)" 0
pings peer -I 192.0.2.10 192.0.1.10
is "0.0.0.0/0 on our side: spoofed ones are dropped" "$(dropped in)" 5
call down-client "${wide[@]}"
