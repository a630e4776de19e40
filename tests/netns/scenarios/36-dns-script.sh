# SPDX-License-Identifier: GPL-2.0-or-later
# The peer's name servers and domains beside Libreswan's own script: the same events,
# and the same resolver at the end of each.
# backend: nftables
. "$TESTS/netns/lib.sh"
. "$TESTS/netns/resolvers.sh"
script=$resolvers/libreswan/usr/libexec/ipsec/_updown.xfrm
printf '[default]\nupdown = native\n' | ini
ip link add w0 type veth peer name w1
ip link set w0 up; ip link set w1 up
ip addr add 198.51.100.1/24 dev w0
ip route add default via 198.51.100.9
mkdir /run/pluto
own_etc
conf=/etc/resolv.conf
client=(PLUTO_CFG_CLIENT=1 "PLUTO_PEER_DNS_INFO=10.0.0.53 10.0.0.54" "PLUTO_PEER_DOMAIN_INFO=corp.example lab.example")

by_script() {	# VERB [NAME=VALUE...]
	local verb=$1
	shift
	env -i PATH="$PATH" "${site[@]}" PLUTO_VERB="$verb" "$@" "$script" > "$WORK/script.log" 2>&1
}

# To a program: at most three servers, each once, and the last search line; where 4.x has the
# peer's domains behind those of the file and 5.x ahead.
seen() {
	sed -n 's/^nameserver //p' $conf | awk '!seen[$0]++' | head -n 3
	sed -n 's/^\(search\|domain\) //p' $conf | tail -n 1 | tr ' ' '\n' | sort
}

# Each event by the one, and then all of them by the other.
beside() {	# NAME FILE LOOK EVENT...
	local name=$1 file=$2 look=$3 way event
	shift 3
	for way in by_script call; do
		rm -f $conf
		printf "$file" > $conf
		for event; do
			$way "$event" "${client[@]}"
			echo "$event"
			$look
		done > "$WORK/$way.seen"
		cp $conf "$WORK/$way.conf"
	done
	check "$name: as with the script" diff "$WORK/by_script.seen" "$WORK/call.seen"
	check "$name: the file ends as with the script" diff "$WORK/by_script.conf" "$WORK/call.conf"
	above "$name: and there was something to see" "$(grep -c '10\.0\.0\.5' "$WORK/call.seen")" 1
}

life=(up-client prepare-client route-client down-client unroute-client)
while read -r file; do
	beside "'$file'" "$file" seen "${life[@]}"
	beside "'$file', up again" "$file" seen up-client up-client down-client unroute-client
done <<-'FILES'
	nameserver 192.168.1.1\n
	domain lan\nnameserver 192.168.1.1\noptions edns0\n
	search lan home.example\nnameserver 192.168.1.1\n
	# mine\nnameserver 192.168.1.1\nsearch corp.example lan\n
	nameserver 10.0.0.53\n
FILES

rm -f $conf
for way in by_script call; do
	$way up-client "${client[@]}" > /dev/null 2>&1
	check "$way: no file, and none is made" test ! -e $conf
	$way down-client "${client[@]}" > /dev/null 2>&1
	$way unroute-client > /dev/null 2>&1
done

starts "unbound" start_unbound < /dev/null
ln -s "$resolvers/root/usr/sbin/unbound" /usr/local/sbin/unbound
forwards() {
	cat $conf
	unbound-control list_forwards | sort
}
check "the script finds it" pidof unbound
beside "unbound" 'nameserver 127.0.0.1\n' forwards "${life[@]}"
kill $UNBOUND
