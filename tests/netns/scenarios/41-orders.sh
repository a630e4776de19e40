# SPDX-License-Identifier: GPL-2.0-or-later
# seconds: 400
# What is in the kernel follows from each connection's last words: not from what came
# before them, nor from which connection spoke first.  PROPERTY_SEED repeats a run.
. "$TESTS/netns/lib.sh"
seed=${PROPERTY_SEED:-$((RANDOM * 32768 + RANDOM))}
export -f tables

# Rules, each with its chain, and elements: in which order they came is none of this.
in_order() {
	perl -ne 'next unless /[^\s}]/; $at = $1 if /^\*(\w+)/ || /^\t((?:chain|set) \S+) \{/; s/^\s*(?:elements = \{)?//;
		print "$at: $_\n" for map { s/^\s+|\s*\}?\s*$//gr } split /,(?= |$)/' | sort
}

after() {	# order
	mkdir "$WORK/$1"
	unshare -n bash -c '"$TESTS/netns/orders" "$@" > "$4/events" && tables' \
		orders $seed $1 $HOLDER "$WORK/$1" | in_order > "$WORK/$1/tables"
}

after 1
for order in $(seq 2 $((${PROPERTY_ROUNDS:-25} / 25 + 1))); do
	after $order
	check "seed $seed: after order $order as after another" diff "$WORK/1/tables" "$WORK/$order/tables"
done
above "events" "$(cat "$WORK"/*/events | grep -c ': status 0$')" 30
is "none failed" "$(cat "$WORK"/*/events | grep -c ': status [1-9]')" 0
above "lines to compare" "$(wc -l < "$WORK/1/tables")" 50
