# SPDX-License-Identifier: GPL-2.0-or-later
# updown = native beside the daemon's own script: lives with a device of their own.
. /t/tests/vm/guest/routeslib.sh
nets='leftsubnet=192.0.1.0/24 rightsubnet=192.0.2.0/24'
pair xfrmi "$nets" 'leftsourceip=192.0.1.77 ipsec-interface=1'
pair xfrmi-all 'leftsubnet=192.0.1.0/24 rightsubnet=0.0.0.0/0' ipsec-interface=2
pair inside 'leftsubnet=192.0.1.0/24 rightsubnet=198.51.0.0/16' ipsec-interface=3
# 4.x has no such option that does anything.
address=
[ $generation = 4 ] || {
	address=address
	pair address "$nets" 'ipsec-interface=4 leftinterface-ip=192.0.9.1/24'
}
pair vti "$nets" 'mark=5/0xffffffff vti-interface=vti5 vti-routing=yes leftvti=192.0.9.1/24 leftsourceip=192.0.1.77'
begin_routes

# What is meant to differ:
meant() {	# connection step
	case $generation/$1/$2 in
	# 4.x routes a trap before the device is there, and says only up after; the
	# script never has the route then, and the traffic leaves in clear.
	4/xfrmi/up | 4/xfrmi/down) echo '^> 192.0.2.0/24 dev ipsec1 \|^. ping' ;;
	4/xfrmi-all/up | 4/xfrmi-all/down)
		echo '^> \([0128.]*/1 dev ipsec2\|198.51.100.2 dev w0\|100:.*lookup 50\)\|^. ping' ;;
	4/inside/up | 4/inside/down)
		echo '^> \(198.51.0.0/16 dev ipsec3\|198.51.100.2 dev w0\|100:.*lookup 50\)' ;;
	# The script takes the route at down, so that what the trap should hold leaves
	# in clear text, and leaves the device and a route to the gateway for ever.
	*/vti/*) echo '^\(> 192.0.2.0/24 dev vti5 \|< .*vti5\|< 198.51.100.2 dev w0\)' ;;
	*) echo '^$' ;;
	esac
}
# What the script leaves behind.
after_script() {
	ip -n west link del vti5 2> /dev/null
	ip -n west route del 198.51.100.2/32 2> /dev/null
}
side_by_side xfrmi xfrmi-all inside $address vti
has xfrmi up '192.0.2.0/24 dev ipsec1 ' 'ping from wlan .*encrypted$'
has xfrmi only-up '192.0.2.0/24 dev ipsec1 scope link src 192.0.1.77' 'ping from wlan .*encrypted$'
has xfrmi-all only-up '0.0.0.0/1 dev ipsec2' '128.0.0.0/1 dev ipsec2' '198.51.100.2 dev w0' '100:.* lookup 50'
has inside only-up '198.51.0.0/16 dev ipsec3' '198.51.100.2 dev w0' '100:.* lookup 50'
has vti only-up '192.0.2.0/24 dev vti5 .*src 192.0.1.77' 'vti5    inet 192.0.9.1/24'
all_came_up
