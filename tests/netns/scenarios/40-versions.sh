# SPDX-License-Identifier: GPL-2.0-or-later
# Connections that are up while this project is exchanged for a later version of it,
# or an earlier one: records of either are read, or set aside with a warning, and
# never misread.
. "$TESTS/netns/lib.sh"
. "$TESTS/netns/fw.sh"
foreign_rules
{ says_backend | sed '1i [global]'; printf '[default]\nchain-updown = off\nguard = armed\n'; } > "$INI"
keep_tables
branch=(PLUTO_CONNECTION=branch PLUTO_PEER_CLIENT=10.7.0.0/16 PLUTO_SA_REQID=16400)
third=(PLUTO_CONNECTION=third PLUTO_PEER_CLIENT=10.8.0.0/16 PLUTO_SA_REQID=16404)
wanted=PLUTO_CONN_POLICY=IKEv2+PSK+ENCRYPT+TUNNEL+PFS+UP

records() { find "$RUN"/*/conns "$STATE"/armed* -type f; }
edit() { sed -i "$1" $(records); }

# As the first versions wrote them, which had one backend, and told no times; with the
# lines of later ones; and both.
lines_differ() {	# name
	tables > "$WORK/up"
	is "$1: status" "$(fw status | grep -c ' up ')" 2
	is "$1: reconcile --check" "$(fw reconcile --check)" "2 connections as recorded"
	check "$1: an up is silent" silent_call up-client
	check "$1: and changes nothing" diff "$WORK/up" <(tables)
	is "$1: reconcile" "$(fw reconcile)" "2 connections as recorded"
	check "$1: changes nothing" diff "$WORK/up" <(tables)
}

call up-client
call up-client "${branch[@]}"
edit '/^FWH_SINCE=/d'
[ $HOLDER != iptables ] || edit '/^FWH_BACKEND=/d'
lines_differ "fewer lines"
edit 's/^FWH_END=1/FWH_TOMORROW=0x1 2\nPLUTO_TOMORROW=10.0.0.0\/8\nFWH_END=1/'
lines_differ "more lines"
call down-client $wanted
call down-client "${branch[@]}" $wanted
edit '/^FWH_SINCE=/d;s/^FWH_END=1/FWH_TOMORROW=0x1 2\nFWH_END=1/'
is "their guards stand" "$(guards)" 4
fw flush --yes > /dev/null 2>&1
call up-client
call up-client "${branch[@]}"
edit 's/^FWH_END=1/FWH_TOMORROW=0x1 2\nFWH_END=1/'
boot
is "a boot: all guards" "$(fw arm)" "2 guards armed"
is "stand" "$(guards)" 4
fw disarm --all > /dev/null
check "and go" same_tables

# Whose version is another's, is told of, and its rules stay.
call up-client
call up-client "${branch[@]}"
edit '/^FWH_RECORD=/s/1/2/;s/^FWH_STATE=.*/FWH_STATE=asleep/;s/^\(PLUTO_PEER_CLIENT=\).*/\10.0.0.0\/0/'
tables > "$WORK/up"
fw status > "$WORK/said" 2>&1
is "a later version: status names them" "$(grep -c 'conns/[a-z]*-.*: record of a later version; ' "$WORK/said")" 2
output=$(fw reconcile 2>&1)
is "reconcile: exit" $? 1
is "names them" "$(sort -u <<< "$output" | grep -c 'conns/[a-z]*-.*: record of a later version; ')" 2
check "and leaves their rules" diff "$WORK/up" <(tables)
check "another connection comes" silent_call up-client "${third[@]}"
is "with a mark of its own" "$(marks | wc -w)" 3
call down-client "${third[@]}" $wanted
fw disarm third > /dev/null
check "and goes" diff "$WORK/up" <(tables)
output=$(call up-client 2>&1)
is "its own up: exit" $? 0
check "a warning" grep -q '^office: up-client: .*: record of a later version; it will be written anew$' <<< "$output"
check "the rules are the same" diff "$WORK/up" <(tables)
check "the next is silent" silent_call up-client
output=$(call down-client "${branch[@]}" $wanted 2>&1)
is "its own down: exit" $? 0
check "a warning of it" grep -q ': record of a later version; it will be written anew$' <<< "$output"
is "nothing is accepted" "$(accepts branch)" 0
is "its guard stands" "$(guards branch)" 2
edit '/^FWH_RECORD=/s/1/2/'
output=$(fw arm 2>&1)
is "saved guards of a later version: exit" $? 1
is "are named" "$(grep -c "$STATE/armed.*: record of a later version; " <<< "$output")" 2
is "and what stands stays" "$(guards)" 4
call up-client > /dev/null 2>&1
call up-client "${branch[@]}" > /dev/null 2>&1
call down-client $wanted
call down-client "${branch[@]}" $wanted
fw disarm --all > /dev/null
check "tables after all" same_tables
