# SPDX-License-Identifier: GPL-2.0-or-later
# backend: iptables-sets nftables
# Every text in tests/golden loads, and what is listed then loads to the same.
. "$TESTS/netns/lib.sh"

text_of() {	# file
	case $FORM in
	sets) sed -n '/^# ipset$/,/^# nftables$/p' "$1" ;;
	*) sed '1,/^# nftables$/d' "$1" ;;
	esac
}

stable() {	# file
	text_of "$1" | normal_text > "$WORK/listed" || return 1
	[ -s "$WORK/listed" ] || { echo "nothing was loaded"; return 1; }
	normal_text < "$WORK/listed" | diff "$WORK/listed" -
}

for file in $(grep -lx '# nftables' "$TESTS"/golden/cases/*.txt); do
	check "$(basename "$file" .txt)" stable "$file"
done
