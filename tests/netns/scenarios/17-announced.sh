# SPDX-License-Identifier: GPL-2.0-or-later
# What a dry run says is what the kernel shows, for all that daemons have been
# seen to send.
. "$TESTS/netns/lib.sh"
settings() { { printf '[default]\nchain-updown = off\n'; printf '%s\n' "$@"; } | ini; }
down_of() {	# the recorded event, as its down
	sed 's/^\(PLUTO_VERB=\)[a-z]*/\1down/' <<< "$1"
}

recorded() {	# its up or route: announced, done, and gone again
	local vars text status=0
	vars=$(grep -a '^[A-Z][A-Z0-9_]*=' "$1")
	mapfile -t event <<< "$vars"
	mapfile -t end <<< "$(down_of "$vars")"
	text=$(OPTIONS=(--dry-run); bare "${event[@]}") || return 1
	bare "${event[@]}" || return 1
	case $vars in
	*PLUTO_VERB=up*) diff <(normal_text <<< "$text") <(tables_text) || status=1 ;;
	*) [ -z "$text" ] || { echo "not an up, but: $text"; status=1; } ;;
	esac
	bare "${end[@]}" && same_tables && return $status
}

keep_tables
for file in "$TESTS"/golden/env/*.env; do
	check "$(basename "$file" .env)" recorded "$file"
done
settings 'reject = yes' 'log = LOG' 'connmark = yes' 'mss = clamp' 'open-ike = yes' \
	'tcp-encap = 4500' 'accept-in = tcp/22, udp/500-600, icmp, 47' 'accept-out = icmp'
for file in "$TESTS"/golden/env/*-up.env; do
	check "$(basename "$file" .env), all settings" recorded "$file"
done
