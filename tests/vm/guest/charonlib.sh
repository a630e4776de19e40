# SPDX-License-Identifier: GPL-2.0-or-later
# charonlib.sh - strongSwan's daemon in pluto's place.
. /t/tests/vm/guest/leaklib.sh

# launch_charon SIDE COMMANDS: with /run and files of its own; the commands, in which
# $0 is the side, mount its settings and end as the daemon.
launch_charon() {
	mkdir -p "$WORK/$1.run" "$WORK/$1.state"
	on "$1" unshare -m --propagation private bash -c '
		touch /run/xtables.lock "$WORK/$0.run/xtables.lock"
		mount --bind /run/xtables.lock "$WORK/$0.run/xtables.lock"
		mount --rbind "$WORK/$0.run" /run
		mount --bind "$WORK/$0.state" /var/lib/ipsec-fw
		'"$2" "$1" >> "$WORK/$1.log" 2>&1 < /dev/null &
}
inside() {	# side command...
	local side=$1
	shift
	nsenter -t "$(cat "$WORK/$side.run/charon.pid")" -m -n timeout 20 "$@"
}

# Without those that have no key yet: they wait for an SA, or are one's number.
spis() {
	on west ip xfrm state |
		awk '$1 == "proto" { spi = $4 } $1 == "aead" || $1 == "enc" { print spi }' |
		sort
}
# Both families' pairs are new and the old ones gone.  There may be more: where both
# sides negotiate at once, strongSwan keeps what each of them made.
old_left() { comm -12 <(spis) <(echo "$old") | wc -l; }
renewed() { [ "$(old_left)" = 0 ] && [ "$(spis | wc -l)" -ge 4 ]; }
