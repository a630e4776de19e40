# SPDX-License-Identifier: GPL-2.0-or-later
# 50 helpers at once on 50 connections, while iptables works beside them.
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

beside() {	# until the file "stop" is there
	local n=0
	while [ ! -e "$WORK/stop" ] && [ $n -lt 2000 ]; do
		n=$((n + 1))
		iptables-legacy -w 20 -A fw-own -s 203.0.113.$((n % 250)) -j RETURN || echo "A $n" >> "$WORK/beside-failed"
		iptables-legacy -w 20 -D fw-own -s 203.0.113.$((n % 250)) -j RETURN || echo "D $n" >> "$WORK/beside-failed"
	done
	echo $n > "$WORK/beside"
}

complete() {	# every connection has its accept, mark and guard
	local i
	for i in {1..50}; do
		[ "$(grep -c -- "-d 10.$i.0.0/16 .*-j fw-c$i-" "$WORK/after")" = 4 ] || { echo "c$i: dispatch"; return 1; }
		grep -q -- "-A fw-c$i-.*--reqid $((16385 + 4 * i)) .*-j MARK" "$WORK/after" || { echo "c$i: mark"; return 1; }
		grep -q -- "-A fw-c$i-.*--reqid $((16385 + 4 * i)) .*-j ACCEPT" "$WORK/after" || { echo "c$i: accept"; return 1; }
		[ "$(grep -c -- "-A fw-c$i-.*--pol none .*-j DROP" "$WORK/after")" = 2 ] || { echo "c$i: guard"; return 1; }
	done
}

beside &
pid=$!
all up
is "50 helpers at once succeed" "$failures" 0
is "and say nothing" "$(cat "$WORK/said")" ""
tables > "$WORK/after"
check "all 50 connections are complete" complete
is "50 records" "$(find "$RUN" -path '*/conns/*' -type f | wc -l)" 50
is "50 different marks" "$(sed -n 's/^-A fw-c.*--set-xmark //p' "$WORK/after" | sort -u | wc -l)" 50
all down
touch "$WORK/stop"
wait $pid
is "50 downs at once succeed" "$failures" 0
above "iptables ran beside them" "$(cat "$WORK/beside")" 10
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
above "after a storm an up is an up" "$(rules_of fw-office)" 5
call down-client
check "and a down a down" same_tables

# Somebody without the lock: the commit is repeated, nothing is lost.
unlocked() {
	local n=0
	while [ ! -e "$WORK/stop2" ] && [ $n -lt 2000 ]; do
		n=$((n + 1))
		XTABLES_LOCKFILE=$WORK/other-lock iptables-legacy -t mangle -A own -s 203.0.113.1 -j RETURN
		XTABLES_LOCKFILE=$WORK/other-lock iptables-legacy -t mangle -D own -s 203.0.113.1 -j RETURN
	done
}
unlocked > /dev/null 2>&1 &
pid=$!
failures=0
for i in {1..20}; do
	call up-client || failures=$((failures + 1))
	call down-client || failures=$((failures + 1))
done
touch "$WORK/stop2"
wait $pid
is "beside a program that ignores the lock" "$failures" 0
