# SPDX-License-Identifier: GPL-2.0-or-later
# backend: nftables
# An operator takes our table away while connections are up: the next event of
# each brings back what is its own, and what goes down leaves nothing.
. "$TESTS/netns/lib.sh"
other=(PLUTO_CONNECTION=other PLUTO_PEER_CLIENT=10.0.0.0/8 PLUTO_SA_REQID=16392)
iptables-nft -P FORWARD DROP
keep_tables
for how in "delete table inet ipsec_fw" "flush ruleset"; do
	call up-client
	call up-client "${other[@]}"
	own_rules > "$WORK/up"
	nft $how
	case $how in
	"flush ruleset") iptables-nft -P FORWARD DROP ;;
	esac
	check "$how: up" silent_call up-client
	call up-client "${other[@]}"
	check "all is there again" diff <(sort "$WORK/up") <(own_rules | sort)
	is "the rule in others' chains too" "$(nft list chain ip filter FORWARD | grep -c 'ipsec-fw: accepted')" 1
	nft $how
	[ "$how" != "flush ruleset" ] || iptables-nft -P FORWARD DROP
	check "$how: down" silent_call down-client
	check "of the other one, too" silent_call down-client "${other[@]}"
	is "nothing is left" "$(nft list ruleset | grep -c 'ipsec.fw')" 0
	check "tables after it" same_tables
done
call up-client
own_rules > "$WORK/up"
nft flush set inet ipsec_fw to-peer-24-24
check "a set that was emptied: up" silent_call up-client
check "it has its element" diff "$WORK/up" <(own_rules)
call down-client
check "tables after it" same_tables
