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

# As many as there may be, by tens of one reqid; killed at any moment.
people=200
many() {	# verb numbers...
	local verb=$1 i
	shift
	for i; do
		call $verb-client PLUTO_CONNECTION=a_long_name_$i PLUTO_PEER=203.0.113.$i \
			PLUTO_SA_REQID=$((16384 + 4 * (1 + i / 10))) >> "$WORK/said" 2>&1 || return 1
	done
}
killed() {	# verb number
	local WRAP=(timeout -s KILL 0.00$((RANDOM % 5))$((RANDOM % 10)))
	many "$@" 2> /dev/null
}
# How many have the guard out and in, and a reqid.
shares() {
	own_rules | awk '/^a_long_name-/ { n[$2]++ }
		END { print n["to-peer-24-24"] + 0, n["from-peer-24-24"] + 0, n["accept-in"] + 0 }'
}
ipsec_fw() { "$PREFIX/usr/sbin/ipsec-fw" --config "$INI" --run-dir "$RUN" --state-dir "$STATE" "$@"; }
check "$people owners" many up $(seq $people)
is "all have the guard, and a reqid" "$(shares)" "$people $people $people"
is "which is that of ten" "$(reqids | wc -w)" 21
is "which nft can load" "$(nft list table inet ipsec_fw | nft_lists | grep -c comment)" "$(nft list table inet ipsec_fw | grep -c comment)"
is "they count together" "$(ipsec_fw status | grep -c '^a_long_name_.*\*')" $people
tables > "$WORK/all"
check "they are what they shall be" ipsec_fw reconcile --check
check "and nobody is to be put right" ipsec_fw reconcile
check "so that nothing changes" diff "$WORK/all" <(tables)
nft delete element inet ipsec_fw to-peer-24-24 '{ 192.0.1.0 . 192.0.2.0 }'
nft delete element inet ipsec_fw owners-from-peer-24-24 '{ 192.0.2.0 . 192.0.1.0 . 7, 192.0.2.0 . 192.0.1.0 . 199 }'
nft delete set inet ipsec_fw owners-accept-in
ipsec_fw reconcile --check > "$WORK/said"
is "somebody deletes of them: exit" $? 1
check "they come back" ipsec_fw reconcile
is "all of them" "$(shares)" "$people $people $people"
left=$people
wrong=
for i in $(shuf -i 1-$people); do
	[ $((i % 4)) != 0 ] || killed down $i
	[ $((i % 8)) != 0 ] || killed up $i
	[ $((i % 16)) != 0 ] || ipsec_fw reconcile > /dev/null
	many down $i
	left=$((left - 1))
	[ $((left % 10)) != 0 ] || [ "$(shares)" = "$left $left $left" ] || wrong+=" $left: $(shares)"
done
is "each takes what is his and no more" "$wrong" ""
check "nothing is left" same_tables

# An operator's own, in our sets and chains.
call up-client
nft add element inet ipsec_fw to-peer-24-24 '{ 10.1.1.0 . 10.2.2.0 }'
nft add element inet ipsec_fw to-peer-24-24 '{ 10.1.3.0 . 10.2.2.0 comment "mine, stay" }'
nft add rule inet ipsec_fw postrouting ip daddr 10.9.9.9 counter drop
check "nor does counting take them" ipsec_fw reconcile
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
