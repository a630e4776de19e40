# SPDX-License-Identifier: GPL-2.0-or-later
# strongSwan by swanctl: two children of one IKE SA, trapped from the start, through
# reloads, make-before-break, what an operator and a peer do, and a daemon killed.
. /t/tests/vm/guest/charonlib.sh
[ -z "$STOCK" ] || UPDOWN='ipsec _updown iptables'

child() {	# name local remote start_action [setting...]
	cat <<-EOF
		$1 {
			local_ts = $2
			remote_ts = $3
			start_action = $4
			updown = $UPDOWN
			$(printf '%s\n' "${@:5}")
		}
	EOF
}

# settings SIDE START_ACTION [site's setting...]: swanctl.conf of a side.
settings() {
	local near=1 far=2 other=east
	[ "$1" = west ] || { near=2 far=1 other=west; }
	cat > "$WORK/$1.swanctl/swanctl.conf" <<-EOF
		connections {
			gw {
				version = 2
				mobike = no
				# An emulated machine counts slowly.
				proposals = aes128-sha256-modp1024
				local_addrs = 198.51.100.$near
				remote_addrs = 198.51.100.$far
				local {
					auth = psk
					id = $1
				}
				remote {
					auth = psk
					id = $other
				}
				children {
					$(child site 192.0.$near.0/24 192.0.$far.0/24 "$2" "${@:3}")
					$(child site6 2001:db8:$near::/64 2001:db8:$far::/64 "$2")
				}
			}
		}
		secrets {
			ike {
				secret = "$psk"
			}
		}
	EOF
}
for side in west east; do
	mkdir "$WORK/$side.swanctl"
done
settings west trap
settings east none
{
	sed 's|include strongswan.d|include /etc/strongswan.d|' /etc/strongswan.conf
	cat <<-EOF
		charon {
			make_before_break = yes
			filelog {
				stderr {
					default = 1
				}
			}
			plugins {
				kernel-netlink {
					# A trap's acquire that comes a moment after its SA keeps the
					# kernel from another one, until it expires.
					xfrm_acq_expires = 3
				}
			}
		}
	EOF
} > "$WORK/strongswan.conf"

launch() {	# side
	launch_charon "$1" '
		mount --bind "$WORK/$0.swanctl" /etc/swanctl
		export STRONGSWAN_CONF="$WORK/strongswan.conf"
		exec /usr/lib/ipsec/charon'
}
load() {	# side
	inside "$1" swanctl --load-all
}
await() {	# side
	wait_for 30 bash -c "$(declare -f inside load); WORK=$WORK; load $1" ||
		not_ok "charon of $1 starts" "$(tail -n 3 "$WORK/$1.log")"
}
# A trap's first negotiation wants somebody who answers: the next is when the
# kernel's acquire has expired, 165 s later.
start_both() {
	launch east
	await east
	launch west
	await west
}
down() {
	inside west swanctl --terminate --child "$1"
}
kill_daemon() {	# side
	kill -9 "$(cat "$WORK/$1.run/charon.pid")"
	rm -f "$WORK/$1.run"/charon.*
}
# What the daemon has is what the records and the kernel have: nothing is left of
# another life, and nothing is missing.
settled() {	# name
	[ -z "$STOCK" ] || return 0
	is "$1: two connections" "$(ls "$WORK"/west.run/ipsec-fw/netns-*/conns | wc -l)" 2
	check "$1: nothing to reconcile" fw west reconcile --check
}

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

rekey_children() {
	old=$(spis)
	inside west swanctl --rekey --child site
	inside west swanctl --rekey --child site6
	wait_for 40 renewed
}
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

gone() {
	settings west none
	load west
	down site
	down site6
	sleep 1
}
event "no trap any more, and both down" gone
finish_leaks
if [ -z "$STOCK" ]; then
	check "an operator releases them" fw west disarm --all
	is "nothing is left" "$(rules_of west site)" 0
fi
