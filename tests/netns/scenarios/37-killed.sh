# SPDX-License-Identifier: GPL-2.0-or-later
# seconds: 10800
# An event that is killed at any of its system calls leaves the tables as they were
# or as they shall be, what is others' untouched, and the next event, or reconcile
# and the next, brings all to its end.
. "$TESTS/netns/lib.sh"
step=7
. "$TESTS/netns/faults.sh"

# Calls that are killed, $step apart.  The kernel's legacy tables have all counters at
# zero with new rules, and take the old ones in a second call: what is killed in
# between, iptables as well, loses them.  These are the last.
chosen() {
	seq $((1 + turn % step)) $step $(wc -l < "$WORK/calls") > "$WORK/chosen"
	grep -n 'setsockopt:65' "$WORK/calls" | cut -d: -f1 > "$WORK/losing"
	grep -v -w -f "$WORK/losing" "$WORK/chosen"
	[ $BACKEND != iptables ] || cat "$WORK/losing"
}

settled() {	# event call: by reconcile
	fw status > "$WORK/said" 2>&1 && ! grep 'damaged' "$WORK/said" ||
		echo "$2: status: $(cat "$WORK/said")"
	fw reconcile > "$WORK/said" 2>&1 || echo "$2: reconcile: $(cat "$WORK/said")"
	state "$WORK/now"
	rm "$WORK/now.more"
	[ $1 = reconcile ] || cmp -s "$WORK/before" "$WORK/now" || cmp -s "$WORK/after" "$WORK/now" || {
		echo "$2: reconcile makes neither"
		differs "$WORK/before"
	}
	fw reconcile --check > "$WORK/said" 2>&1 || echo "$2: after reconcile: $(cat "$WORK/said")"
	[ -z "$(find "$RUN"/*/conns -name '*.new')" ] || echo "$2: a staged record"
	[ "$(find "$RUN" -path '*/marks/*' | wc -l)" = "$(find "$RUN" -path '*/conns/*' | wc -l)" ] ||
		echo "$2: a mark without a record"
}

killed() {	# event
	local n name call
	for n in $(chosen); do
		name=$(sed -n ${n}p "$WORK/calls")
		call="call $n ($name)"
		if [ "$name$counters" = setsockopt:65-c ]; then
			counters=
			baseline $1
		fi
		WRAP=("$FAULT" kill $n)
		event_$1 > "$WORK/said" 2>&1
		[ $?/"$(cat "$WORK/said")" = "137/spoilt: $name" ] ||
			echo "$call: was not killed: $(cat "$WORK/said")"
		WRAP=()
		state "$WORK/now"
		allowed "$WORK/before" "$WORK/after" "$WORK/now" || {
			echo "$call: neither before nor after"
			differs "$WORK/before"
			differs "$WORK/after"
		}
		[ $((n % 2)) = 1 ] || settled $1 "$call"
		again $1 "$call"
	done
	counters=-c
}

for event in $(events); do
	prepare $event > "$WORK/prepared"
	is "$event: as the tests think" "$(cat "$WORK/prepared")" ""
	# At the same depth below init, where the daemon is looked for.
	killed $event > "$WORK/wrong"
	is "$event: killed at $(chosen | wc -l) of $(wc -l < "$WORK/calls") calls" "$(head -n 40 "$WORK/wrong")" ""
	finish $event
done
