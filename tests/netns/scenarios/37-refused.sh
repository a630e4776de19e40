# SPDX-License-Identifier: GPL-2.0-or-later
# seconds: 10800
# No memory for one request, or for none from then on: the event succeeds all the
# same, or says why it does not and leaves everything as it was.
. "$TESTS/netns/lib.sh"
step=41
. "$TESTS/netns/faults.sh"

# libiptc does not look at what malloc() says where it reads a table, and crashes, which
# is as if the event had been killed.
crashed_for_others() {	# status
	[ $1 = 139 ] && grep -q '^spoilt: .* in libip[46]tc\.' "$WORK/said"
}

refused() {	# event: until there are no more requests
	local n=$((1 + turn % step)) what status suffix=
	while :; do
		what="request $n$suffix"
		WRAP=(env LD_PRELOAD="$REFUSE" REFUSE=$n$suffix)
		event_$1 > "$WORK/said" 2> "$WORK/err"
		status=$?
		grep -v ' Segmentation fault ' "$WORK/err" >> "$WORK/said"
		WRAP=()
		what+=": $(grep '^spoilt: ' "$WORK/said")" || break
		if crashed_for_others $status; then
			untouched || interrupted $1 "$what"
		else
			judge $1 $status "$what"
		fi
		[ -z "$suffix" ] && suffix=+ || { suffix=; n=$((n + step)); }
	done
	back $1 "not refused"
}

spoil_events refused
