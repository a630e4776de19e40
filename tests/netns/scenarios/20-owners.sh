# SPDX-License-Identifier: GPL-2.0-or-later
# backend: nftables
# Connections of the same selectors share elements; what is an operator's stays.
. "$TESTS/netns/lib.sh"
keep_tables
one=(PLUTO_CONNECTION=primary PLUTO_SA_REQID=16388)
two=(PLUTO_CONNECTION=fallback PLUTO_PEER=203.0.113.7 PLUTO_SA_REQID=16392)
owners() {	# set key
	own_rules | sed -n "s/^\([a-z0-9_]*\)-[a-z0-9]* $1 $2 .*/\1/p;s/^\([-+]\) $1 $2 .*/\1/p" | sort | tr '\n' ' '
}
out='192.0.1.0>192.0.2.0'

check "one comes up" silent_call up-client "${one[@]}"
tables > "$WORK/one"
is "its element" "$(owners to-peer-24-24 $out)" "primary "
check "the other comes up" silent_call up-client "${two[@]}"
is "one element, two owners" "$(owners to-peer-24-24 $out)" "fallback primary "
is "in both directions" "$(owners from-peer-24-24 '192.0.2.0>192.0.1.0')" "fallback primary "
is "and in nat" "$(owners no-nat-24-24 $out)" "fallback primary "
is "accepted are both reqids" "$(owners accept-in 16389)$(owners accept-in 16393)" "primary fallback "
call down-client "${two[@]}"
check "down of the second: as before" diff "$WORK/one" <(tables)
call up-client "${two[@]}"
call down-client "${one[@]}"
is "down of the first leaves the second's" "$(owners to-peer-24-24 $out)" "fallback "
is "with its own reqid alone" "$(reqids)" "16393 "
call down-client "${one[@]}"
is "down again takes nothing" "$(guards)" 2
call down-client "${two[@]}"
check "down of both: nothing is left" same_tables

# Other settings, other sets: the guard of one is not the other's.
ini <<-'INI'
	[default]
	chain-updown = off
	[conn primary]
	reject = yes
	log = LOG
	[conn fallback]
	accept-in = tcp/22
INI
call up-client "${one[@]}"
tables > "$WORK/one"
call up-client "${two[@]}"
is "of other settings: two sets" "$(guards primary) $(guards fallback)" "2 2"
call down-client "${two[@]}"
is "down of one: the other's rules" "$(own_rules)" "$(own_rules primary)"
is "are all there" "$(guards primary) $(rejects primary) $(accepts primary)" "2 1 2"
call down-client "${one[@]}"
check "both down: nothing is left" same_tables
printf '[default]\nchain-updown = off\n' | ini

# A chain in which nothing is looked up any more is no way for packets.
ini <<-'INI'
	[default]
	chain-updown = off
	[conn fallback]
	connmark = yes
	mark = 0x5/0xf
INI
chains() { nft list table inet ipsec_fw | sed -n 's/^\tchain \(.*\) {/\1/p' | sort | tr '\n' ' '; }
call up-client "${one[@]}"
before=$(chains)
call up-client "${two[@]}"
is "connmark has a chain of its own" "$(chains | grep -c ' *connmark ')" 1
nft add rule inet ipsec_fw connmark counter
call down-client "${two[@]}"
is "an operator's rule holds it" "$(chains | grep -c ' *connmark ')" 1
nft flush chain inet ipsec_fw connmark
call up-client "${two[@]}"
call down-client "${two[@]}"
is "without it it goes" "$(chains)" "$before"
call down-client "${one[@]}"
check "both down: nothing is left" same_tables
printf '[default]\nchain-updown = off\n' | ini

# One daemon's reqid for two connections: the mark's bits are those of both.
check "same reqid, other selectors" silent_call up-client
call up-client PLUTO_CONNECTION=other PLUTO_PEER_CLIENT=10.0.0.0/8
call down-client
is "down of one leaves the other's reqid" "$(reqids)" "16389 "
is "and its mark" "$(marks | wc -w)" 1
call down-client PLUTO_CONNECTION=other PLUTO_PEER_CLIENT=10.0.0.0/8
check "down of both: nothing is left" same_tables

# As many as an element's comment has room for, and more.
many() {	# verb numbers...
	local verb=$1 i
	shift
	for i; do
		silent_call $verb-client PLUTO_CONNECTION=a_long_name_$i PLUTO_SA_REQID=$((16384 + 4 * i)) || return 1
	done
}
check "six owners of long names" many up 1 2 3 4 5 6
is "all have room" "$(own_rules | grep -c " to-peer-24-24 ")" 6
is "which nft can load" "$(nft list table inet ipsec_fw | nft_lists | grep -c comment)" "$(nft list table inet ipsec_fw | grep -c comment)"
check "down of six" many down 3 1 6 2 5 4
check "nothing is left" same_tables
check "eight owners" many up 1 2 3 4 5 6 7 8
is "six and more" "$(own_rules | grep " to-peer-24-24 " | cut -d- -f1 | tail -n 1 | cut -d' ' -f1)" "+"
check "down of those that had room" many down 1 2 3 4 5 6
is "the guard of the others stands" "$(own_rules | grep -c ' \(to\|from\)-peer-24-24 ')" 2
is "their reqids too" "$(reqids)" "16413 16417 "
check "down of all" many down 7 8
is "whom nobody counted: the guard stays" "$(own_rules | grep -c '^+ \(to\|from\)-peer-24-24 ')" 2
is "nothing is accepted" "$(accepts)" 0
reconcile() { "$PREFIX/usr/sbin/ipsec-fw" --config "$INI" --run-dir "$RUN" --state-dir "$STATE" reconcile; }
check "until all are counted" reconcile
check "nothing is left" same_tables
many up 1 2 3 4 5 6 7 8
check "counted while they are up" reconcile
is "all the same six and more" "$(own_rules | grep -c "^+ to-peer-24-24 ")" 1
call down-client PLUTO_CONNECTION=a_long_name_1 PLUTO_SA_REQID=16388
call down-client PLUTO_CONNECTION=a_long_name_2 PLUTO_SA_REQID=16392
check "two go, all are counted" reconcile
is "there is room again" "$(own_rules | grep -c " to-peer-24-24 ") $(own_rules | grep -c "^+")" "6 0"
check "down of them" many down 3 4 5 6 7 8
check "nothing is left" same_tables

# An operator's own, in our sets and chains.
call up-client
nft add element inet ipsec_fw to-peer-24-24 '{ 10.1.1.0 . 10.2.2.0 }'
nft add element inet ipsec_fw to-peer-24-24 '{ 10.1.3.0 . 10.2.2.0 comment "mine, stay" }'
nft add rule inet ipsec_fw postrouting ip daddr 10.9.9.9 counter drop
hand() { { nft -s list set inet ipsec_fw to-peer-24-24; nft -s list chain inet ipsec_fw postrouting; } | grep -c '10.1.1.0 . 10.2.2.0\|10.1.3.0 . 10.2.2.0\|10.9.9.9'; }
check "up of another" silent_call up-client PLUTO_CONNECTION=other PLUTO_PEER_CLIENT=10.2.2.0/24 PLUTO_MY_CLIENT=10.1.1.0/24
is "what was put in by hand is there" "$(hand)" 3
check "down of it" silent_call down-client PLUTO_CONNECTION=other PLUTO_PEER_CLIENT=10.2.2.0/24 PLUTO_MY_CLIENT=10.1.1.0/24
is "and still is" "$(hand)" 3
call up-client PLUTO_SA_REQID=16400
is "after a second up" "$(hand)" 3
check "down of the last" silent_call down-client
is "even then" "$(hand)" 3
is "and nothing of the connection" "$(rules_of office)" 0
nft delete element inet ipsec_fw to-peer-24-24 '{ 10.1.1.0 . 10.2.2.0, 10.1.3.0 . 10.2.2.0 }'
call up-client
call down-client
is "a rule alone holds the table too" "$(nft -s list table inet ipsec_fw | grep -c 'ip daddr 10.9.9.9 counter drop')" 1
nft flush chain inet ipsec_fw postrouting
call up-client
call down-client
check "without it nothing is left" same_tables
