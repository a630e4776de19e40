# SPDX-License-Identifier: GPL-2.0-or-later
# backend: nftables
# Source and destination translation beside the guard, whosever it is: what has
# protected addresses before it does not leave in clear after it.
. "$TESTS/netns/lib.sh"
. "$TESTS/netns/gateway.sh"
legacy_nat() { iptables-legacy -t nat -A POSTROUTING -o w0 -j MASQUERADE; }
legacy_nat_end() { iptables-legacy -t nat -F; }
nft_nat() {	# priority
	nft -f - <<-RULES
		table ip own-nat {
			chain post {
				type nat hook postrouting priority $1;
				oifname "w0" masquerade
			}
		}
	RULES
}
nft_nat_end() { nft delete table ip own-nat; }
# The peer counts what comes from the gateway's own address, too.
peer iptables-legacy -F INPUT
peer iptables-legacy -A INPUT -p icmp --icmp-type echo-request -j seen
peer iptables-legacy -A INPUT -p udp -j seen
peer iptables-legacy -A INPUT -p tcp -j seen
peer iptables-legacy -A INPUT -p esp -j seen

for nat in legacy_nat "nft_nat srcnat" "nft_nat srcnat-10" "nft_nat srcnat+5"; do
	end=${nat%% *}_end
	$nat
	check "$nat: pings get there, translated" pings lan 192.0.2.10
	is "in clear" "$(seen)" 5
	call up-client
	pings lan 192.0.2.10
	is "$nat: up, none leaves" "$(seen)" 0
	above "the guard counted them" "$(dropped out)" 4
	pings lan 198.51.100.2
	is "others' do" "$(seen)" 5
	call down-client
	conntrack -F 2> /dev/null
	$end

	call up-client
	$nat
	pings lan 192.0.2.10
	is "$nat, made later: none leaves" "$(seen)" 0
	call down-client
	conntrack -F 2> /dev/null
	$end
done

# A flow that was translated before.
nft_nat srcnat
nsenter -t $LAN -n ping -n -q -i 0.02 -W 0.3 -w 20 192.0.2.10 > /dev/null & ping=$!
check "a flow is translated" wait_for 5 bash -c "conntrack -L -p icmp -n 2> /dev/null | grep -q 'dst=192.0.2.10 .*dst=198.51.100.1'"
call up-client
seen > /dev/null
sleep 0.3
is "up: it leaks no more" "$(seen)" 0
kill $ping
wait $ping
call down-client
conntrack -F 2> /dev/null

# DNAT to a protected address, and MASQUERADE after it.
nft 'add chain ip own-nat pre { type nat hook prerouting priority dstnat; }'
nft 'add rule ip own-nat pre ip daddr 192.0.2.77 dnat to 192.0.2.10'
nft 'add rule ip own-nat pre ip daddr 203.0.113.77 dnat to 192.0.2.10'
ip route add 203.0.113.0/24 via 198.51.100.2
check "DNAT: pings get there" pings lan 203.0.113.77
seen > /dev/null
conntrack -F 2> /dev/null
call up-client
pings lan 203.0.113.77
is "DNAT to a protected address: none leaves" "$(seen)" 0
pings lan 192.0.2.77
is "DNAT from one protected address to another: none leaves" "$(seen)" 0
nft flush chain ip own-nat pre
nft 'add rule ip own-nat pre ip daddr 192.0.2.77 dnat to 198.51.100.2'
conntrack -F 2> /dev/null
pings lan 192.0.2.77
is "DNAT from a protected address to another: it is not protected then" "$(seen)" 5
nft flush chain ip own-nat pre
conntrack -F 2> /dev/null
call down-client
nft_nat_end

# SNAT into the protected addresses: what leaves has them.
nft_nat srcnat
nft flush chain ip own-nat post
nft 'add rule ip own-nat post ip daddr 192.0.2.0/24 snat to 192.0.1.99'
lan ip addr add 10.7.7.7/32 dev eth0
ip route add 10.7.7.7/32 dev l1
check "SNAT: pings get there" pings lan -I 10.7.7.7 192.0.2.10 || :
conntrack -F 2> /dev/null
seen > /dev/null
call up-client
pings lan -I 10.7.7.7 192.0.2.10
is "SNAT into a protected address: none leaves" "$(seen)" 0
call down-client
conntrack -F 2> /dev/null
nft_nat_end

# Replies of the peer's, through the guard's second look, are dropped as what they
# are: clear packets from protected addresses.
call up-client
lan_seen > /dev/null
pings peer -I 192.0.2.10 192.0.1.10
is "nothing comes in" "$(lan_seen)" 0
call down-client

# A passthrough policy leaves its hosts alone, translated or not.
ip xfrm policy add src 192.0.1.10/32 dst 192.0.2.0/24 dir out priority 1000
ip xfrm policy add src 192.0.2.0/24 dst 192.0.1.10/32 dir in priority 1000
ip xfrm policy add src 192.0.2.0/24 dst 192.0.1.10/32 dir fwd priority 1000
lan ip addr add 192.0.1.11/24 dev eth0
for nat in true legacy_nat "nft_nat srcnat"; do
	$nat
	call up-client
	check "$nat: passthrough passes" pings lan -I 192.0.1.10 192.0.2.10
	is "in clear" "$(seen)" 5
	pings lan -I 192.0.1.11 192.0.2.10
	is "$nat: another host does not" "$(seen)" 0
	call down-client
	conntrack -F 2> /dev/null
	[ "$nat" = true ] || ${nat%% *}_end
done
ip xfrm policy flush

# A selector that covers gateways and clients: what is the gateway's own is not what a translated
# client says.
wide=(PLUTO_MY_CLIENT=0.0.0.0/0 PLUTO_PEER_CLIENT=128.0.0.0/1)
send() {	# source port, destination port: from the LAN
	echo x | lan socat -u STDIN UDP4-SENDTO:192.0.2.10:$2,sourceport=$1
	sleep 0.1
}
for nat in true legacy_nat "nft_nat srcnat"; do
	$nat
	call up-client "${wide[@]}"
	seen > /dev/null
	send 500 500
	send 4500 4500
	send 4000 4500
	is "$nat: a client's own IKE is no exemption" "$(seen)" 0
	echo x | socat -u STDIN UDP4-SENDTO:198.51.100.2:500,sourceport=500
	sleep 0.1
	is "$nat: the gateway's is" "$(seen)" 1
	call down-client "${wide[@]}"
	conntrack -F 2> /dev/null
	[ "$nat" = true ] || ${nat%% *}_end
done
