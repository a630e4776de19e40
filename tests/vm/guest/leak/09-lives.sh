# SPDX-License-Identifier: GPL-2.0-or-later
# Lives that run out, and a peer that has changed its mind.
. /t/tests/vm/guest/leaklib.sh
near='leftsubnet=192.0.1.0/24 rightsubnet=192.0.2.0/24'
printf '%s\n' $near reauth=yes ikelifetime=12s salifetime=60s rekeymargin=4s rekeyfuzz=0% | conn reauth west
printf '%s\n' $near rekey=no | conn reauth east
printf '%s\n' $near rekey=no ikelifetime=14s salifetime=12s | conn short
printf '%s\n' $near | conn site
printf '%s\n' $near esp=aes128-sha1 | conn changed east
printf '%s\n' leftsubnet=192.0.1.0/24 rightsubnet=192.0.4.0/24 | conn moved east
ready
arm_both reauth
traffic
start_both
add reauth
event "re-authentication: up" up reauth
back4 "re-authentication: up"
authenticated() { [ "$(grep -c 'initiator established IKE SA' "$WORK/west.log")" -gt 1 ]; }
event "the IKE SA is made anew" wait_for 20 authenticated
[ -n "$STOCK" ] || check "it was made anew" authenticated
back4 "made anew"
event "re-authentication: delete" delete reauth
add short
event "no rekey: up" up short
back4 "no rekey: up"
ended() { [ -z "$(on west ip xfrm state)" ]; }
event "its life ends" wait_for 30 ended
event "no rekey: up again" up short
back4 "no rekey: up again"
event "no rekey: delete" delete short
add site
up site
back4 "before the peer's boot"
# The peer boots: what it had in its kernel is gone, and its conn is another.
peer_boots() {	# conn
	daemon_dies east
	launch east
	await east
	auto east --add "$1"
	timeout 8 nsenter -t "$(pluto_pid west)" -m -n ipsec auto --up site
}
event "the peer boots, with another cipher" peer_boots changed
event "the peer boots, with another subnet" peer_boots moved
event "the peer boots, with the right configuration" peer_boots site
again() { delete site; add site; up site; }
event "up after that" again
back4 "up after that"
finish_leaks
