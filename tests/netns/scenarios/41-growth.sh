# SPDX-License-Identifier: GPL-2.0-or-later
# seconds: 10800
# Many connections up and down, three times: nothing grows from one round to the
# next.  GROWTH_CONNS: how many, 300 if nothing is said.
. "$TESTS/netns/lib.sh"
. "$TESTS/netns/fw.sh"
conns=${GROWTH_CONNS:-300}
foreign_rules
keep_tables

all() {	# verb
	local i
	for ((i = 0; i < conns; i++)); do
		call $1-client PLUTO_CONNECTION=c$i PLUTO_PEER=203.0.113.$((i % 250)) \
			PLUTO_PEER_CLIENT=10.$((i / 250)).$((i % 250)).0/24 \
			PLUTO_SA_REQID=$((16384 + 4 * i)) || echo "c$i"
	done
}
# What there is, and how large.
objects() {
	nft list ruleset | grep -c .
	iptables-legacy-save | grep -c .
	ipset list -n | wc -l
	find "$RUN" "$STATE" | wc -l
	find "$RUN" -type f -printf '%s\n' | awk '{ n += $1 } END { print n + 0 }'
}
# Milliseconds of processor time between the two times in the file.
spent() {
	awk 'NR % 2 == 0 { for (i = 1; i <= 2; i++) { split($i, t, "[ms]"); n[NR] += 60000 * t[1] + 1000 * t[2] } }
		END { print int(n[4] - n[2]) }' "$WORK/times"
}

for round in 1 2 3; do
	times > "$WORK/times"
	is "round $round: up" "$(all up 2>&1)" ""
	times >> "$WORK/times"
	took[round]=$(spent)
	objects > "$WORK/full-$round"
	is "round $round: all there" "$(accepts c)" $((2 * conns))
	times > "$WORK/times"
	is "round $round: down" "$(all down 2>&1)" ""
	times >> "$WORK/times"
	took[round]=$((took[round] + $(spent)))
	objects > "$WORK/empty-$round"
	check "round $round: the tables" same_tables
	is "round $round: no record, no mark" "$(find "$RUN" -path '*/conns/*' -o -path '*/marks/*' | wc -l)" 0
done
for round in 2 3; do
	check "round $round: as many objects, as large" diff "$WORK/full-1" "$WORK/full-$round"
	check "round $round: as many at its end" diff "$WORK/empty-1" "$WORK/empty-$round"
done
# A busy machine is not as fast from one minute to the next: far more is meant.
check "the last round takes no longer (${took[*]} ms of processor time)" test ${took[3]} -lt $((2 * took[1] + 2000))
