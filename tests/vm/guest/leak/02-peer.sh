# SPDX-License-Identifier: GPL-2.0-or-later
# What the peer does.
. /t/tests/vm/guest/leaklib.sh
sites
ready
arm_both
traffic
start_both
add site site6
event "up" both up
back "up"
peer_down() { whack east --name site --terminate; whack east --name site6 --terminate; sleep 1; }
event "the peer takes the SAs down" peer_down
event "up after the peer's down" both up
back "up after the peer's down"
peer_delete() { whack east --name site --delete; whack east --name site6 --delete; sleep 1; }
event "the peer deletes its connections" peer_delete
peer_add() { auto east --add site; auto east --add site6; }
event "the peer loads them again" peer_add
event "up after that" both up
back "up after that"
peer_killed() { daemon_dies east; sleep 1; }
event "the peer's daemon dies" peer_killed
wrong_psk() {
	printf '@west @east : PSK "%s"\n' "another-preshared-key-that-is-long-enough" > "$WORK/secrets.wrong"
	chmod 600 "$WORK/secrets.wrong"
	cp "$WORK/secrets" "$WORK/secrets.right"
	cat "$WORK/secrets.wrong" > "$WORK/secrets"
	launch east
	await east
	add_east
	timeout 10 nsenter -t "$(pluto_pid west)" -m -n ipsec auto --up site
}
add_east() { auto east --add site; auto east --add site6; }
event "the peer comes back with another key" wrong_psk
right_psk() {
	cat "$WORK/secrets.right" > "$WORK/secrets"
	whack east --rereadsecrets
	sleep 1
}
event "its key is right again" right_psk
again() { delete site; delete site6; add site site6; }
event "loaded anew on both sides" again
event "up after the outage" both up
back "up after the outage"
finish_leaks
