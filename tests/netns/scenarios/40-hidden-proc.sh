# SPDX-License-Identifier: GPL-2.0-or-later
# /proc that hides processes (hidepid=2, with a group that may see them) from whoever may
# not trace them, which is each that has fewer rights than they.
. "$TESTS/netns/lib.sh"
. "$TESTS/netns/daemon.sh"
keep_tables
other=(PLUTO_CONNECTION=other PLUTO_PEER_CLIENT=10.0.0.0/8)
third=(PLUTO_CONNECTION=third PLUTO_PEER_CLIENT=172.16.0.0/12)
named() { cat "$RUN"/*/conns/* | grep -c '^FWH_DAEMON=[1-9]'; }
check "/proc hides processes" mount -o remount,hidepid=2,gid=65534 /proc
pluto=(setpriv --bounding-set -all,+net_admin,+net_raw,+dac_read_search --inh-caps -all)
is "from a process of few rights" "$("${pluto[@]}" cat /proc/$$/stat 2>&1)" \
	"cat: /proc/$$/stat: No such file or directory"

# Of a daemon that has as few as its helper at its start, the helper knows whose it is.
RIGHTS=("${pluto[@]}")
daemon pluto
check "up by a daemon" tell call up-client
check "another connection of it" tell call up-client "${other[@]}"
is "the records name it" "$(named)" 2
first=$PID
exec 17>&7 16<&6
daemon charon
check "a second daemon's first call" tell call up-client "${third[@]}"
above "leaves a living one's rules" "$(rules_of other)" 5
ends
kill -9 $first
wait $first 2> /dev/null
exec 17>&- 16<&-
daemon pluto
tell call prepare-client "${third[@]}"
is "a dead one's are taken" "$(rules_of office) $(rules_of other)" "0 0"
check "down" tell call unroute-client "${third[@]}"
ends
check "tables after all" same_tables

# Of one that has more, it does not: its connections are as if made by hand.
RIGHTS=()
daemon pluto
tell "WRAP=(${pluto[*]})"
check "up by a daemon with more rights" tell call up-client
is "its record names none" "$(named)" 0
ends
daemon pluto
tell "WRAP=(${pluto[*]})"
check "the next daemon's first call" tell call up-client "${other[@]}"
above "leaves what may be a living one's" "$(rules_of office)" 5
check "the connection itself comes up anew" tell call up-client
check "and goes down" tell call down-client
check "the other one too" tell call down-client "${other[@]}"
ends
check "tables after that" same_tables
is "the state is shown" "$("$PREFIX/usr/sbin/ipsec-fw" --config "$INI" --run-dir "$RUN" \
	--state-dir "$STATE" --json status | jq '.connections | length')" 0
