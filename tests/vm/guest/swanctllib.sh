# SPDX-License-Identifier: GPL-2.0-or-later
# swanctllib.sh - charon by swanctl: the usual connection's two families are
# children of one IKE SA.
. /t/tests/vm/guest/charonlib.sh

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
				encap = ${encap:-no}
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
rekey_children() {
	old=$(spis)
	inside west swanctl --rekey --child site
	inside west swanctl --rekey --child site6
	wait_for 40 renewed
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
gone() {
	settings west none
	load west
	down site
	down site6
	sleep 1
}
