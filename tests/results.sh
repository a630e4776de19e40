# SPDX-License-Identifier: GPL-2.0-or-later
# results.sh - checks as lines in the file $RESULTS, of the scenario $SCENARIO.

ok() {
	echo "ok - $SCENARIO: $1" | tee -a "$RESULTS"
}

not_ok() {
	echo "not ok - $SCENARIO: $1: ${2:-}" | tee -a "$RESULTS"
}

# check NAME COMMAND...: the command succeeds.
check() {
	local name=$1 output
	shift
	if output=$("$@" 2>&1); then
		ok "$name"
	else
		not_ok "$name" "$(echo "$* -> $output" | tr '\n' ' ' | cut -c1-400)"
	fi
}

# is NAME GOT EXPECTED
is() {
	if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got '$2', expected '$3'"; fi
}

# above NAME GOT LEAST
above() {
	if [ "$2" -gt "$3" ]; then ok "$1"; else not_ok "$1" "got $2, expected more than $3"; fi
}

# wait_for SECONDS COMMAND...: poll until it succeeds.
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@" > /dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}
