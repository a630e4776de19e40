# SPDX-License-Identifier: GPL-2.0-or-later
# seconds: 400
# What a dry run says of random plans, the tools of iptables, ipset and nft make the same
# of as the helper's commit: rule by rule, and in the legacy tables byte by byte.
# PROPERTY_SEED repeats a run, PROPERTY_ROUNDS makes it longer.
. "$TESTS/netns/lib.sh"
seed=${PROPERTY_SEED:-$((RANDOM * 32768 + RANDOM))}
export -f tables_text
keep_tables

legacy_entries() { "$TESTS/netns/entries" mangle nat filter; }

# An empty kernel's entries, and rules, when it is given a dry run's text.
kernel_of() {
	sed -n '/^# IPv4/,/^# IPv6/p' > "$WORK/text-4" <<< "$1"
	sed -n '/^# IPv6/,$p' > "$WORK/text-6" <<< "$1"
	unshare -n bash -c 'for t in mangle nat filter; do
			iptables-legacy -t $t -S && ip6tables-legacy -t $t -S
		done > /dev/null
		for options in --test ""; do
			iptables-legacy-restore $options < "$WORK/text-4" &&
				ip6tables-legacy-restore $options < "$WORK/text-6" || exit
		done
		"$TESTS/netns/entries" mangle nat filter; tables_text'
}

plan() {	# number
	local text event status=0
	mapfile -t event < "$WORK/plans/$1.env"
	ini < "$WORK/plans/$1.conf"
	text=$(OPTIONS=(--dry-run); bare "${event[@]}") || return 1
	bare "${event[@]}" || return 1
	case $HOLDER in
	iptables) diff <(kernel_of "$text") <(legacy_entries; tables_text) ;;
	*) diff <(normal_text <<< "$text") <(tables_text) ;;
	esac || status=1
	bare "${event[@]}" PLUTO_VERB=down-client || status=1
	same_tables || status=1
	[ -z "$text" ] || lines=$((lines + $(wc -l <<< "$text")))
	return $status
}

mkdir "$WORK/plans"
"$TESTS/netns/plans" $seed ${PROPERTY_ROUNDS:-25} "$WORK/plans"
lines=0
for n in $(seq ${PROPERTY_ROUNDS:-25}); do
	plan $n > "$WORK/said" 2>&1
	is "seed $seed: plan $n, $(sed 1,2d "$WORK/plans/$n.conf" | tr '\n' ';')" \
		"$? $(head -n 5 "$WORK/said")" "0 "
done
above "lines of text" $lines 300
