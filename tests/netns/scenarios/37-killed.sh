# SPDX-License-Identifier: GPL-2.0-or-later
# seconds: 10800
# An event that is killed at any of its system calls, or ended by any of the signals
# that daemons, systemd and people send, leaves the tables as they were or as they
# shall be, what is others' untouched, and the next event, or reconcile and the next,
# brings all to its end.
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

killed() {	# event
	local n name call sig signals=(9 15 2 1)	# KILL TERM INT HUP
	for n in $(chosen); do
		name=$(sed -n ${n}p "$WORK/calls")
		sig=${signals[n % 4]}
		[ "$name" != 231 ] || sig=9	# exit_group(), which no other stops
		call="call $n ($name), signal $sig"
		if [ "$name$counters" = setsockopt:65-c ]; then
			counters=
			baseline $1
		fi
		WRAP=("$FAULT" -$sig $n)
		event_$1 > "$WORK/said" 2>&1
		[ $?/"$(cat "$WORK/said")" = "$((128 + sig))/spoilt: $name" ] ||
			echo "$call: was not killed: $(cat "$WORK/said")"
		WRAP=()
		untouched || interrupted $1 "$call"
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
