# SPDX-License-Identifier: GPL-2.0-or-later
# strongSwan by swanctl: two children of one IKE SA, trapped from the start, through
# reloads, make-before-break, what an operator and a peer do, and a daemon killed.
. /t/tests/vm/guest/swanctllib.sh
[ -z "$STOCK" ] || UPDOWN='ipsec _updown iptables'
settings west trap
settings east none

ready
arm_both
event "no daemon yet" traffic
event "daemons start, traps" start_both
event "the traffic makes its tunnels" wait_for 30 ping_from wlan 2001:db8:2::10 -c 1
back "trapped"
settled "trapped"
event "swanctl loads the same again" load west
back "loaded the same again"

changed() {
	settings west trap 'rekey_time = 2h'
	load west
}
event "swanctl loads a changed child" changed
back "a changed child"
settled "a changed child"

event "rekey of both children" rekey_children
[ -n "$STOCK" ] || is "old SAs that are left" "$(old_left)" 0
back "rekeyed"
settled "rekeyed"

reauthenticate() {
	old=$(spis)
	inside west swanctl --rekey --ike gw --reauth
	wait_for 40 renewed
}
event "re-authentication, make before break" reauthenticate
[ -n "$STOCK" ] || is "old SAs that are left" "$(old_left)" 0
back "re-authenticated"
settled "re-authenticated"

event "operator's down of a child" down site
back "its trap brings it up again"
peer_ends() {
	sleep 4		# as above: no acquire is left
	inside east swanctl --terminate --ike gw
	wait_for 5 bash -c '[ -z "$(ip -n west xfrm state)" ]'
}
event "the peer ends the IKE SA" peer_ends
back "its traps bring it up again"
settled "ended by the peer"

event "the daemon is killed and started" killed
back "started again"
settled "started again"

event "no trap any more, and both down" gone
finish_leaks
if [ -z "$STOCK" ]; then
	check "an operator releases them" fw west disarm --all
	is "nothing is left" "$(rules_of west site)" 0
fi
