# SPDX-License-Identifier: GPL-2.0-or-later
# The commands of ipsec-fw-packet-path(7) are accepted as they stand there.
. "$TESTS/netns/lib.sh"
page=$PREFIX/usr/share/man/man7/ipsec-fw-packet-path.7
ip link add eth0 type dummy

# What the page calls iptables, by either of its names.
mkdir "$WORK/bin"
ln -s "$(type -P iptables-$([ $BACKEND = iptables ] && echo legacy || echo nft))" "$WORK/bin/iptables"

# Each literal block, as a reader copies it, in a file of its own.
sed -e 's/\\e/\\/g' "$page" | awk -v dir="$WORK" '
	/^\.Bd -literal/ { inside = 1; n++; next }
	/^\.Ed/ { inside = 0 }
	inside { print > sprintf("%s/block-%02d", dir, n) }'

for block in "$WORK"/block-*; do
	question=$(head -n 1 "$block")
	case $question in
	'# '*)	sed 's/^# //' "$block" > "$block.sh"
		check "$question" env PATH="$WORK/bin:$PATH" bash -e -c '. "$0"' "$block.sh" ;;
	table*) check "$question" nft -f "$block" ;;
	hook*)	check "a packet's way" grep -q '^POSTROUTING ' "$block" ;;
	*)	not_ok "$question" "neither a command nor a table" ;;
	esac
done
