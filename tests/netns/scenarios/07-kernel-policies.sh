# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel's policies are the truth, the daemon's variables a claim.
. "$TESTS/netns/lib.sh"
keep_tables

policy() {	# reqid [protocol and port of the peer's side]: in and out
	local reqid=$1 out=() in=()
	[ $# = 1 ] || { out=(proto "$2" dport "$3"); in=(proto "$2" sport "$3"); }
	ip xfrm policy add src 192.0.1.0/24 dst 192.0.2.0/24 "${out[@]}" dir out priority 3000 \
		tmpl src 198.51.100.1 dst 198.51.100.2 proto esp reqid "$reqid" mode tunnel
	ip xfrm policy add src 192.0.2.0/24 dst 192.0.1.0/24 "${in[@]}" dir in priority 3000 \
		tmpl src 198.51.100.2 dst 198.51.100.1 proto esp reqid "$reqid" mode tunnel
}


call up-client
is "without a policy the daemon's base is believed, plus one" "$(reqids)" "16389 "
call up-client PLUTO_CLIENT_FAMILY=ipv4 PLUTO_SA_REQID=16393
is "Libreswan 5 says the number itself" "$(reqids)" "16393 "
call up-client PLUTO_SA_REQID=77
is "an operator's reqid is used as it is" "$(reqids)" "77 "
policy 4711
call up-client
is "the policy's reqid wins" "$(reqids)" "4711 "
openswan=()
for v in "${site[@]}"; do
	case $v in PLUTO_SA_*|SPI_*|PLUTO_CONN_KIND=*|PLUTO_CONNECTION_TYPE=*) ;; *) openswan+=("$v") ;; esac
done
call down-client
check "Openswan, which says no reqid" bare "${openswan[@]}" PLUTO_VERSION=2.0 PLUTO_VERB=up-client
is "has the policy's" "$(reqids)" "4711 "
bare "${openswan[@]}" PLUTO_VERSION=2.0 PLUTO_VERB=down-client
ip xfrm policy flush
output=$(bare "${openswan[@]}" PLUTO_VERSION=2.0 PLUTO_VERB=up-client 2>&1)
check "nobody knows a reqid: on hold" grep -q "ON HOLD.*no reqid: neither the kernel nor the daemon" <<< "$output"
bare "${openswan[@]}" PLUTO_VERSION=2.0 PLUTO_VERB=down-client
check "tables after it" same_tables

policy 4712 tcp 8080
call up-client PLUTO_MY_PROTOCOL=6 PLUTO_PEER_PROTOCOL=6 PLUTO_PEER_PORT=8080
is "by protocol and port" "$(reqids)" "4712 "
call down-client PLUTO_MY_PROTOCOL=6 PLUTO_PEER_PROTOCOL=6 PLUTO_PEER_PORT=8080
ip xfrm policy flush
policy 4713
ip xfrm policy add src 192.0.1.0/24 dst 192.0.2.0/24 dir out priority 3000 mark 5 mask 0xff \
	tmpl src 198.51.100.1 dst 198.51.100.2 proto esp reqid 4714 mode tunnel
ip xfrm policy add src 192.0.2.0/24 dst 192.0.1.0/24 dir in priority 3000 mark 5 mask 0xff \
	tmpl src 198.51.100.2 dst 198.51.100.1 proto esp reqid 4714 mode tunnel
call up-client CONNMARK_IN=5/0xff CONNMARK_OUT=5/0xff
is "by mark" "$(reqids)" "4714 "
call up-client
is "without mark" "$(reqids)" "4713 "

# Trap first: what route knew is corrected by a later event.
ip xfrm policy flush
call up-client
policy 4715
check "route with an SA refreshes what is known" silent_call route-client
is "the new reqid" "$(reqids)" "4715 "
ip xfrm policy flush
check "prepare without any" silent_call prepare-client PLUTO_SA_REQID=0 PLUTO_SA_TYPE=none
is "forgets nothing" "$(reqids)" "4715 "
call down-client

# Passthrough policies of higher priority keep their traffic out of the guard.
policy 4716
ip xfrm policy add src 192.0.1.128/25 dst 192.0.2.7/32 proto tcp dport 22 dir out priority 1000
ip xfrm policy add src 192.0.1.0/24 dst 192.0.2.9/32 dir out priority 9000
ip xfrm policy add src 192.0.2.7/32 dst 192.0.1.128/25 proto tcp sport 22 dir in priority 1000
ip xfrm policy add src 192.0.2.7/32 dst 192.0.1.128/25 proto tcp sport 22 dir fwd priority 1000
ip xfrm policy add src 10.0.0.0/8 dst 192.0.2.7/32 dir out priority 1000
ip xfrm policy add src 192.0.1.5/32 dst 192.0.2.5/32 dir out priority 1000 action block
call up-client
is "going out" "$(exempts out ip saddr 192.0.1.128/25 ip daddr 192.0.2.7/32 tcp dport 22)" 1
is "coming in, in and fwd being one rule" "$(exempts in ip saddr 192.0.2.7/32 ip daddr 192.0.1.128/25 tcp sport 22)" 1
is "not those of lower priority, nor others', nor blocks" "$(exempts any)" 2
ip xfrm policy del src 192.0.1.128/25 dst 192.0.2.7/32 proto tcp dport 22 dir out
call up-client
is "what is gone is no exemption at the next up" "$(exempts any)" 1
call down-client
check "tables after all" same_tables
