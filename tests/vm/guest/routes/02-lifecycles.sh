# SPDX-License-Identifier: GPL-2.0-or-later
# updown = native beside the daemon's own script: hosts, two connections that share a
# route, --replace, a trap, MOBIKE.
. /t/tests/vm/guest/routeslib.sh
nets='leftsubnet=192.0.1.0/24 rightsubnet=192.0.2.0/24'
pair host '' mtu=1400
pair first "$nets" leftsourceip=192.0.1.77
pair second 'leftsubnet=192.0.1.64/26 rightsubnet=192.0.2.0/24' leftsourceip=192.0.1.77
pair changed "$nets" leftsourceip=192.0.1.77
pair trap "$nets" leftsourceip=192.0.1.1
printf '%s\n' $nets left=%defaultroute mobike=yes leftsourceip=192.0.1.77 | conn moving west
printf '%s\n' $nets left=%any mobike=yes | conn moving east
begin_routes
on west sysctl -q -w net.ipv4.conf.all.promote_secondaries=1

live_host() { short_life host 198.51.100.2; }

live_two() {
	step before
	add first second
	must_up first
	step first
	must_up second
	travelled both 192.0.2.10
	down first
	step second
	must_up first
	step again
	down second
	step other
	delete first
	step first-deleted
	delete second
	step deleted
}

live_replaced() {
	step before
	add changed
	must_up changed
	step up
	auto west --replace changed
	step replaced
	must_up changed
	travelled again 192.0.2.10
	delete changed
	step deleted
}

live_trap() {
	# The kernel asks once in 30 s for a host's packets: it asked in the life before.
	ip -n west xfrm state flush
	step before
	add trap
	whack west --name trap --route
	step routed
	whack west --name trap --unroute
	step unrouted
	whack west --name trap --route
	wait_for 15 ping_from wlan 192.0.2.10 -c 1
	travelled up 192.0.2.10
	down trap
	step down
	whack west --name trap --unroute
	step unrouted-down
	delete trap
	step deleted
}

has_moved() { ip -n west xfrm state | grep -q '^src 198.51.100.7 '; }
live_moving() {
	step before
	add moving
	must_up moving
	travelled up 192.0.2.10
	ip -n west addr add 198.51.100.7/24 dev w0
	ip -n west addr del 198.51.100.1/24 dev w0
	ip -n west route replace default via 198.51.100.2
	ip -n east route replace 192.0.1.0/24 via 198.51.100.7
	wait_for 15 has_moved
	travelled moved 192.0.2.10
	down moving
	step down
	delete moving
	ip -n west addr add 198.51.100.1/24 dev w0
	ip -n west addr del 198.51.100.7/24 dev w0
	ip -n west route replace default via 198.51.100.2
	ip -n east route replace 192.0.1.0/24 via 198.51.100.1
	inside west timeout 20 ipsec whack --listen
	step deleted
}

meant() { echo '^$'; }

side_by_side host two replaced trap moving
all_came_up
