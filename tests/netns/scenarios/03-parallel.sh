# SPDX-License-Identifier: GPL-2.0-or-later
# seconds: 400
# 50 helpers at once on 50 connections, while others change the tables beside them.
. "$TESTS/netns/lib.sh"
foreign_rules
keep_tables

all() {		# verb
	local i pid pids=()
	for i in {1..50}; do
		call "$1-client" PLUTO_CONNECTION=c$i \
			PLUTO_PEER_CLIENT=10.$i.0.0/16 \
			PLUTO_SA_REQID=$((16384 + 4 * i)) >> "$WORK/said" 2>&1 &
		pids+=($!)
	done
	failures=0
	for pid in "${pids[@]}"; do
		wait "$pid" || failures=$((failures + 1))
	done
}

# An operator's changes, one after the other, until the file "stop" is there.
change() {	# add|delete NUMBER
	local rule="fw-own -s 203.0.113.$(($2 % 250)) -j RETURN"
	case $BACKEND/$1 in
	iptables/add) iptables-legacy -w 20 -A $rule ;;
	iptables/delete) iptables-legacy -w 20 -D $rule ;;
	nftables/add) nft "add element inet own names { \"x$2\" }; add rule inet own mine ip saddr 203.0.113.$(($2 % 250)) return" ;;
	nftables/delete) nft "delete element inet own names { \"x$2\" }; flush chain inet own mine; add rule inet own mine counter packets 6 bytes 360 return" ;;
	esac
}

beside() {
	local n=0
	while [ ! -e "$WORK/stop" ] && [ $n -lt 2000 ]; do
		n=$((n + 1))
		change add $n || echo "add $n" >> "$WORK/beside-failed"
		change delete $n || echo "delete $n" >> "$WORK/beside-failed"
	done 2>> "$WORK/beside-failed"
	echo $n > "$WORK/beside"
}

complete() {	# every connection has its accept, mark and guard
	local i sa
	for i in {1..50}; do
		[ $FORM = sets ] || sa="--reqid $((16385 + 4 * i)) "
		case $BACKEND in
		iptables)
			[ "$(plain_tables | grep -c -- "-d 10.$i.0.0/16 .*-j fw-c$i-")" = 4 ] || { echo "c$i: dispatch"; return 1; }
			grep -q -- "-A fw-c$i-.*--pol ipsec ${sa-}.*-j MARK" "$WORK/after" || { echo "c$i: mark"; return 1; }
			grep -q -- "-A fw-c$i-.*--pol ipsec ${sa-}.*-j ACCEPT" "$WORK/after" || { echo "c$i: accept"; return 1; }
			[ "$(grep -c -- "-A fw-c$i-.*--pol none .*-j DROP" "$WORK/after")" = 2 ] || { echo "c$i: guard"; return 1; }
			;;
		nftables)
			[ "$(grep -c "^c$i-[a-z0-9]* \(to-peer\|no-nat\)-24-16 192.0.1.0>10.$i.0.0 " "$WORK/after")" = 2 ] || { echo "c$i: out"; return 1; }
			[ "$(grep -c "^c$i-[a-z0-9]* from-peer-16-24 10.$i.0.0>192.0.1.0 " "$WORK/after")" = 1 ] || { echo "c$i: in"; return 1; }
			[ "$(grep -c "^c$i-[a-z0-9]* \(accept-in\|accept-out\|mark-clear-3fff0000\) $((16385 + 4 * i)) " "$WORK/after")" = 3 ] || { echo "c$i: reqid"; return 1; }
			;;
		esac
	done
}

beside &
pid=$!
all up
is "50 helpers at once succeed" "$failures" 0
is "and say nothing" "$(cat "$WORK/said")" ""
own_rules > "$WORK/after"
check "all 50 connections are complete" complete
is "50 records" "$(find "$RUN" -path '*/conns/*' -type f | wc -l)" 50
is "50 different marks" "$(marks c | wc -w)" 50
all down
touch "$WORK/stop"
wait $pid
is "50 downs at once succeed" "$failures" 0
above "others changed theirs beside them" "$(cat "$WORK/beside")" 10
is "and lost nothing" "$(cat "$WORK/beside-failed" 2> /dev/null)" ""
check "tables after all" same_tables
is "no record is left" "$(find "$RUN" -path '*/conns/*' -type f | wc -l)" 0
is "no mark is left" "$(find "$RUN" -path '*/marks/*' | wc -l)" 0

# One connection's events at once: whoever is last, the tables are whole.
for i in {1..10}; do
	call up-client & call down-client & call prepare-client & call route-client &
done
wait
call up-client
above "after a storm an up is an up" "$(rules_of office)" 5
call down-client
check "and a down a down" same_tables

# Others' events without a moment between them: who is for all connections gets a turn.
printf '[global]\nlock-wait = 12\n%s\n[default]\nchain-updown = off\n' "$(says_backend)" | ini
crowd() {	# number
	WRAP=(strace -qq -o /dev/null -e trace=fsync -e inject=fsync:delay_enter=200000)
	until [ -e "$WORK/enough" ]; do
		call up-client PLUTO_CONNECTION=c$1 PLUTO_PEER_CLIENT=10.$1.0.0/16 PLUTO_SA_REQID=$((16384 + 4 * $1))
	done
}
for i in {1..8}; do crowd $i & done > "$WORK/said" 2>&1
check "the crowd is there" wait_for 20 bash -c '[ $(find "$0" -path "*/conns/c*" | wc -l) = 8 ]' "$RUN"
is "reconcile, in a crowd" "$("$PREFIX/usr/sbin/ipsec-fw" --config "$INI" --run-dir "$RUN" --state-dir "$STATE" reconcile 2>&1)" \
	"8 connections as recorded"
touch "$WORK/enough"
wait
is "which has nothing to say of it" "$(cat "$WORK/said")" ""
