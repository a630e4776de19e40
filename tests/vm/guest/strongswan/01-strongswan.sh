# SPDX-License-Identifier: GPL-2.0-or-later
# The same gateways with strongSwan.
. /t/tests/vm/guest/charonlib.sh
[ -z "$STOCK" ] || UPDOWN='ipsec _updown'
for side in west east; do
	while read -r name near far; do
		cat <<-EOF
			conn $name
			        authby=secret
			        keyexchange=ikev2
			        auto=add
			        mobike=no
			        left=198.51.100.1
			        leftid=@$name.west
			        leftsubnet=$near
			        right=198.51.100.2
			        rightid=@$name.east
			        rightsubnet=$far
			        leftupdown=$UPDOWN
			        rightupdown=$UPDOWN
		EOF
	done > "$WORK/$side.conf" <<-EOF
		site 192.0.1.0/24 192.0.2.0/24
		site6 2001:db8:1::/64 2001:db8:2::/64
	EOF
done

launch() {	# side
	launch_charon "$1" '
		mount --bind "$WORK/$0.conf" /etc/ipsec.conf
		mount --bind "$WORK/secrets" /etc/ipsec.secrets
		exec ipsec start --nofork'
}
await() {	# side
	wait_for 30 bash -c "$(declare -f inside); WORK=$WORK; inside $1 ipsec statusall | grep -q site6:" ||
		not_ok "charon of $1 starts" "$(tail -n 3 "$WORK/$1.log")"
}
up() {
	inside west ipsec up "$1"
}
down() {
	inside west ipsec down "$1"
}
kill_daemon() {	# side
	local pids
	pids="$(cat "$WORK/$1.run/starter.charon.pid" "$WORK/$1.run/charon.pid")"
	kill -9 $pids
	rm -f "$WORK/$1.run"/*.pid "$WORK/$1.run"/charon.*
}
ready
arm_both
event "no daemon yet" traffic
event "daemons start, no tunnel yet" start_both
event "up" both up
back "up"
rekey_children() {
	old=$(spis)
	inside west ipsec stroke rekey 'site{*}'
	inside west ipsec stroke rekey 'site6{*}'
	wait_for 10 renewed
}
event "rekey of the child SAs" rekey_children
[ -n "$STOCK" ] || is "old SAs that are left" "$(old_left)" 0
back "rekeyed"
reauthenticate() {
	old=$(spis)
	inside west ipsec stroke rekey 'site[*]'
	inside west ipsec stroke rekey 'site6[*]'
	wait_for 10 renewed
}
event "re-authentication" reauthenticate
[ -n "$STOCK" ] || is "old SAs that are left" "$(old_left)" 0
back "re-authenticated"
event "operator's down" both down
event "up again" both up
back "up again"
event "the daemon is killed and started" killed
event "up after the kill" both up
back "up after the kill"
gone() {
	sed -i '/^conn site$/,/rightupdown/d' "$WORK/west.conf"
	inside west ipsec update
	both down
	sleep 1
}
event "the connection is taken out of the file" gone
finish_leaks
