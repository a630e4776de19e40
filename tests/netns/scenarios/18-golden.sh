# SPDX-License-Identifier: GPL-2.0-or-later
# backend: nftables
# Every text in tests/golden loads, and what is listed then loads to the same.
. "$TESTS/netns/lib.sh"

stable() {	# file
	sed '1,/^# nftables$/d' "$1" | nft_lists > "$WORK/listed" || return 1
	[ -s "$WORK/listed" ] || { echo "nothing was loaded"; return 1; }
	nft_lists < "$WORK/listed" | diff "$WORK/listed" -
}

for file in $(grep -lx '# nftables' "$TESTS"/golden/cases/*.txt); do
	check "$(basename "$file" .txt)" stable "$file"
done
