# SPDX-License-Identifier: GPL-2.0-or-later
# updown = native beside the daemon's own script: IPv6, one family in the other, the
# peer inside its own selectors, and addresses on loan, at either end.
. /t/tests/vm/guest/routeslib.sh
nets='leftsubnet=192.0.1.0/24 rightsubnet=192.0.2.0/24'
nets6='leftsubnet=2001:db8:1::/64 rightsubnet=2001:db8:2::/64'
gateways6='left=2001:db8:100::1 right=2001:db8:100::2'
# A source address that is there already: the script's own is tentative for a moment,
# in which the kernel refuses its route.
pair six "$nets6 $gateways6" leftsourceip=2001:db8:1::1
pair six-all "leftsubnet=2001:db8:1::/64 rightsubnet=::/0 $gateways6" leftsourceip=2001:db8:1::1
pair six-in-four "$nets6" leftsourceip=2001:db8:1::1
pair four-in-six "$nets $gateways6" leftsourceip=192.0.1.77
pair inside 'leftsubnet=192.0.1.0/24 rightsubnet=198.51.0.0/16' mtu=1400
for name in client client-all; do
	[ $name = client ] && far=192.0.2.0/24 || far=0.0.0.0/0
	printf '%s\n' leftsubnet=0.0.0.0/0 leftmodecfgclient=yes rightmodecfgserver=yes \
		rightsubnet=$far narrowing=yes | conn $name west
	printf '%s\n' left=%any leftmodecfgclient=yes leftaddresspool=192.0.9.7-192.0.9.7 \
		rightmodecfgserver=yes rightsubnet=$far narrowing=yes | conn $name east
done
printf '%s\n' leftsubnet=192.0.1.0/24 leftmodecfgserver=yes rightmodecfgclient=yes \
	right=%any rightaddresspool=192.0.1.200-192.0.1.200 narrowing=yes | conn server west
printf '%s\n' leftsubnet=192.0.1.0/24 leftmodecfgserver=yes rightmodecfgclient=yes \
	rightsubnet=0.0.0.0/0 narrowing=yes | conn server east
begin_routes
ip -n east route add 192.0.9.0/24 via 198.51.100.1

live_six() { short_life six 2001:db8:2::10; }
live_six-all() { short_life six-all 2001:db8:2::10; }
live_six-in-four() { short_life six-in-four 2001:db8:2::10; }
# Of 4.x by the script there is no traffic to compare with.
live_four-in-six() { short_life four-in-six; }
live_inside() { short_life inside 198.51.100.2; }
live_client() { short_life client 192.0.2.10; }
live_client-all() { short_life client-all 192.0.2.10; }

has_lease() { whack west --trafficstatus | grep '"server"'; }
is_over() { ! has_lease; }
live_server() {
	step before
	add server
	must_up server east
	wait_for 10 has_lease
	step up
	whack east --name server --terminate
	wait_for 10 is_over
	step down
	delete server
	step deleted
}
# What the script leaves behind.
after_script() {
	ip -n west neigh del proxy 192.0.1.200 dev l1 2> /dev/null
	ip -n west route del 192.0.1.200 2> /dev/null
}

# What is meant to differ:
meant() {	# life step
	case $generation/$1/$2 in
	# Libreswan 4's script leaves unique local addresses outside of the tunnel.
	4/six-all/up | 4/six-all/down) echo '^\(< 2000::/3\|> ::/1\|> 8000::/1\) ' ;;
	# Its script takes the gateways' family for the selectors'.
	4/six-in-four/*) echo 2001:db8: ;;
	4/four-in-six/*) echo 192.0.[12] ;;
	# The script looks for its proxy entry behind the route that it made itself.
	*/server/down | */server/deleted) echo '^< 192.0.1.200 dev' ;;
	*) echo '^$' ;;
	esac
}

side_by_side six six-all six-in-four four-in-six inside client client-all server
# The script's failure can end its connection.
sed -i '/^chain four-in-six:/d' "$WORK/failed" 2> /dev/null
all_came_up
has four-in-six up '192.0.2.0/24 dev w0 scope link src 192.0.1.77'
has six-in-four up '2001:db8:2::/64 dev w0 src 2001:db8:1::1' 'ping from west .*encrypted$'
has client-all up '0.0.0.0/1 dev w0 scope link src 192.0.9.7' 'lo    inet 192.0.9.7/32 scope 50' 'ping from west .*encrypted$'
has server up '192.0.1.200 dev l1 proxy' '192.0.1.200 dev w0'
