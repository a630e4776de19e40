# SPDX-License-Identifier: GPL-2.0-or-later
# updown = native beside the daemon's own script: the same lives, and the same
# routes, rules, addresses and devices at the end of each step.
. /t/tests/vm/guest/lib.sh
case $(ipsec --version) in *' 4.'*) generation=4 ;; *) generation=5 ;; esac

pair() {	# name LINE...: west's side has the lines, east's what fits
	local name=$1 east=(leftsubnet=192.0.1.0/24 rightsubnet=192.0.2.0/24)
	shift
	case $* in *rightsubnet=0.0.0.0/0*) east[1]=rightsubnet=0.0.0.0/0 ;; esac
	printf '%s\n' "${east[@]}" | conn "$name" east
	{
		printf '%s\n' "${east[@]}"
		printf '%s\n' "$@" | grep -v subnet
	} | conn "$name" west
}
pair plain
pair source leftsourceip=192.0.1.77
pair local leftsourceip=192.0.1.1
pair metric leftsourceip=192.0.1.77 metric=7 mtu=1400
pair hop leftsourceip=192.0.1.77 leftnexthop=198.51.100.9
pair xfrmi leftsourceip=192.0.1.77 ipsec-interface=1
pair xfrmi-all ipsec-interface=2 rightsubnet=0.0.0.0/0
pair vti mark=5/0xffffffff vti-interface=vti5 vti-routing=yes leftvti=192.0.9.1/24 leftsourceip=192.0.1.77
pair all leftsourceip=192.0.1.77 rightsubnet=0.0.0.0/0
topology
ip -n west route del 192.0.2.0/24
ip -n west route add default via 198.51.100.2
launch west
launch east
await west
await east

# In the words of ip(8); what the kernel adds by itself follows from it.
world() {
	{
		on west ip -4 route
		on west ip -6 route | grep -v '^\(fe80\|ff00\|multicast\)'
		on west ip route show table 50
		on west ip rule
		on west ip -o addr | sed -e 's/^[0-9]*: //' -e 's/\\.*//' | grep -v 'inet6 fe80'
		on west ip -d link show type vti | grep -o ' vti remote .*'
		on west ip neigh show proxy
	} 2> /dev/null | sed -e 's/ *$//' -e 's/ proto static//' | sort
}

step() {	# mode connection step
	world > "$WORK/$2-$3-$1"
}

life() {	# mode connection
	printf '[default]\nguard = off\nupdown = %s\n' "$1" | ini
	step "$1" "$2" before
	add "$2"
	auto west --route "$2" > /dev/null 2>&1
	step "$1" "$2" routed
	up "$2" > /dev/null || echo "$1 $2: no up" >> "$WORK/failed"
	# 4.x says up before prepare and route, where nothing was routed.
	step "$1" "$2" up
	down "$2"
	step "$1" "$2" down
	delete "$2"
	step "$1" "$2" deleted
	add "$2"
	up "$2" > /dev/null
	step "$1" "$2" only-up
	delete "$2"
	step "$1" "$2" gone
}

# What is meant to differ:
meant() {	# connection step
	case $generation/$1/$2 in
	# 4.x routes a trap before the device is there, and says only up after; the
	# script never has the route then.
	4/xfrmi/up | 4/xfrmi/down) echo '^> 192.0.2.0/24 dev ipsec1 ' ;;
	4/xfrmi-all/up | 4/xfrmi-all/down)
		echo '^> \([0128.]*/1 dev ipsec2\|198.51.100.2 dev w0\|100:.*lookup 50\)' ;;
	# The script takes the route at down, so that what the trap should hold leaves
	# in clear text, and leaves the device and a route to the gateway for ever.
	*/vti/*) echo '^\(> 192.0.2.0/24 dev vti5 \|< .*\(vti5\| vti remote\)\|< 198.51.100.2 dev w0\)' ;;
	*) echo '^$' ;;
	esac
}

differ() {	# connection step: what differs otherwise
	diff "$WORK/$1-$2-chain" "$WORK/$1-$2-native" | grep '^[<>]' | grep -v "$(meant "$1" "$2")"
}

# Something there was to compare.
has() {	# connection line...
	local name=$1 line
	shift
	for line; do
		check "$name: $line" grep -q "^$line" "$WORK/$name-only-up-native"
	done
}

for name in plain source local metric hop xfrmi xfrmi-all vti all; do
	life chain "$name"
	# What the script leaves behind.
	ip -n west link del vti5 2> /dev/null
	ip -n west route del 198.51.100.2/32 2> /dev/null
	life native "$name"
	for s in before routed up down deleted only-up gone; do
		is "$name, $s: as with the script" "$(differ "$name" $s)" ""
	done
	check "$name: nothing is left" diff "$WORK/$name-before-native" "$WORK/$name-gone-native"
done
has source '192.0.2.0/24 dev w0 scope link src 192.0.1.77' 'lo    inet 192.0.1.77/32 scope 50'
has local '192.0.2.0/24 dev w0 scope link src 192.0.1.1'
has metric '192.0.2.0/24 dev w0 scope link src 192.0.1.77 metric 7 mtu 1400'
has hop '192.0.2.0/24 via 198.51.100.9 dev w0 src 192.0.1.77'
has xfrmi '192.0.2.0/24 dev ipsec1 scope link src 192.0.1.77'
has xfrmi-all '0.0.0.0/1 dev ipsec2' '128.0.0.0/1 dev ipsec2' '198.51.100.2 dev w0' '100:.* lookup 50'
has vti '192.0.2.0/24 dev vti5 .*src 192.0.1.77' 'vti5    inet 192.0.9.1/24'
has all '0.0.0.0/1 dev w0 scope link src 192.0.1.77' '128.0.0.0/1 dev w0'
is "every up came up" "$(cat "$WORK/failed" 2> /dev/null)" ""
