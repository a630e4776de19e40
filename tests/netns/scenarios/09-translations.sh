# SPDX-License-Identifier: GPL-2.0-or-later
# Where flows can have been translated, they end; where none can, nobody looks for
# them, which takes the kernel 10 ms.
. "$TESTS/netns/lib.sh"
. "$TESTS/netns/fw.sh"

other=(PLUTO_CONNECTION=branch PLUTO_PEER_CLIENT=192.0.4.0/24 PLUTO_SA_REQID=16400)
translate() {	# destination: a flow that source NAT has
	conntrack -D -d "$1" > /dev/null 2>&1
	conntrack -I -p udp -s 192.0.1.1 -d "$1" --sport 7 --dport 7 -t 600 --src-nat 198.51.100.1 > /dev/null 2>&1
}
left() { conntrack -L -d "$1" 2> /dev/null | grep -c .; }
# What is asked of conntrack.
watched() {	# command...
	WRAP=(strace -f -qq -e trace=sendto,sendmsg -o "$WORK/strace")
	"$@"
	WRAP=()
}
questions() { grep -c CTNETLINK "$WORK/strace"; }

ends() {	# why command...: it ends the connection's flow
	local why=$1
	shift
	translate 192.0.2.10
	"$@" > "$WORK/said" 2>&1
	is "$why: the flow ends" "$(left 192.0.2.10)" 0
}
asks_nothing() {	# why command...
	local why=$1
	shift
	watched "$@" > "$WORK/said" 2>&1
	is "$why: conntrack is asked nothing" "$(questions)" 0
}
# Where nobody knows the rules any more.
flushed() {	# [table]
	case $BACKEND in
	iptables) iptables-legacy -t ${1:-nat} -F ;;
	nftables) nft delete table inet ipsec_fw ;;
	esac
}

translate 203.0.113.9	# or there would be nothing to ask
ends "first up" watched call up-client
above "conntrack is asked" "$(questions)" 0
asks_nothing "another" call up-client
asks_nothing "prepare" call prepare-client
asks_nothing "route" call route-client
ends "reconcile, in any case" fw reconcile
asks_nothing "after that" call up-client

# Somebody flushes our rules, between two calls.
flushed
ends "flushed, up" call up-client
call up-client
asks_nothing "and then" call up-client
flushed
ends "flushed, reconcile" fw reconcile
asks_nothing "and then" call up-client

# What all share is mended by whoever calls first.
call up-client "${other[@]}"
asks_nothing "beside another" call up-client
flushed
translate 192.0.4.10
call up-client
call up-client "${other[@]}"
is "flushed, another's up and its own: the flow ends" "$(left 192.0.4.10)" 0
call up-client
if [ $BACKEND = iptables ]; then
	iptables-legacy -t nat -I POSTROUTING -d 192.0.7.0/24 -j MASQUERADE
	translate 192.0.4.10
	ends "displaced, up" call up-client
	call up-client "${other[@]}"
	is "another's too" "$(left 192.0.4.10)" 0
	call up-client
	asks_nothing "and then" call up-client
	iptables-legacy -t nat -D POSTROUTING -d 192.0.7.0/24 -j MASQUERADE
fi
call down-client "${other[@]}"

# Killed when the rules are there, and nobody has looked yet.
# Looking is what a call opens its last socket for.
last_socket() { at=$(grep -n '^socket$' "$WORK/calls" | tail -n 1 | cut -d: -f1); }
# At the same depth below init, where the daemon is looked for.
question() {	# verb command...: its place among the verb's system calls, after the command
	local verb=$1 i
	shift
	# The first begins a round.
	for i in 1 2; do
		"$@" > /dev/null
		WRAP=("$FAULT" list "$WORK/calls")
		call $verb
		WRAP=()
	done
	last_socket
}
killed() {
	flushed
	translate 192.0.2.10
	WRAP=("$FAULT" -9 $at)
	call up-client > /dev/null 2>&1
	WRAP=()
}
question up-client flushed
killed
is "killed: the rule is there" "$(nat_exempts office)" 1
is "and the flow" "$(left 192.0.2.10)" 1
call up-client
is "the next up ends it" "$(left 192.0.2.10)" 0
call up-client
asks_nothing "and then" call up-client
killed
is "killed: the flow is there" "$(left 192.0.2.10)" 1
fw reconcile > /dev/null
call up-client
is "reconcile and the next up end it" "$(left 192.0.2.10)" 0
call up-client "${other[@]}"
flushed
FAULT_WORKER=1 "$FAULT" list "$WORK/calls" "${FW[@]}" reconcile > /dev/null
last_socket
flushed
translate 192.0.2.10
FAULT_WORKER=1 "$FAULT" -9 $at "${FW[@]}" reconcile > /dev/null 2>&1
is "a killed reconcile: the rules are there" "$(nat_exempts)" 2
is "and the flow" "$(left 192.0.2.10)" 1
call up-client
is "the next up ends it" "$(left 192.0.2.10)" 0
call down-client "${other[@]}"
call down-client

# Conntrack cannot be asked.
printf '[default]\nchain-updown = off\non-error = fail\n' | ini
call up-client
question up-client flushed
flushed
translate 192.0.2.10
WRAP=("$FAULT" 93 $at)
call up-client > "$WORK/said" 2>&1
is "conntrack cannot be asked: up fails" "$?" 1
WRAP=()
is "and says so" "$(grep -c 'conntrack:' "$WORK/said")" 1
call up-client
is "the next up ends the flow" "$(left 192.0.2.10)" 0
call down-client

printf '[default]\nchain-updown = off\nguard = armed\n' | ini
question prepare-client fw disarm office
fw disarm office > /dev/null
translate 192.0.2.10
WRAP=("$FAULT" 93 $at)
call prepare-client > "$WORK/said" 2>&1
WRAP=()
is "nor at a prepare, which says so" "$(grep -c 'conntrack:' "$WORK/said")" 1
is "the rule is there" "$(nat_exempts office)" 1
ends "up" call up-client
call up-client
asks_nothing "and then" call up-client

# Its guard stands, and lets nothing through.
call down-client
asks_nothing "armed, up" call up-client
call down-client
flushed mangle
ends "without its guard for a while" call up-client
call down-client
printf '[default]\nchain-updown = off\nguard = armed\nguard-exempt = 192.0.2.128/25\n' | ini
call up-client
call down-client
ends "a guard that lets something through" call up-client
printf '[default]\nchain-updown = off\nguard = off\n' | ini
call up-client
ends "no guard" call up-client
printf '[default]\nchain-updown = off\nnat-exempt = no\n' | ini
asks_nothing "nat-exempt = no" call up-client
printf '[default]\nchain-updown = off\n' | ini
ends "nat-exempt = yes again" call up-client
call up-client
[ $BACKEND = iptables ] && to=nftables || to=iptables
printf '[default]\nchain-updown = off\n[global]\nbackend = %s\n' $to | ini
ends "over to $to" call up-client
call up-client
asks_nothing "and then" call up-client
call down-client
