# SPDX-License-Identifier: GPL-2.0-or-later
# exampleslib.sh - the files of examples/, as they are, between gateways on an
# Internet that counts what leaves each of them.  West is who the files are for.
. /t/tests/vm/guest/lib.sh
EXAMPLES=/usr/share/doc/ipsec-fw/examples

# ---- the network ----------------------------------------------------------------

machine() {	# netns
	ip netns add "$1"
	on "$1" sysctl -q -w net.ipv4.ip_forward=1 \
		net.ipv6.conf.all.forwarding=1 \
		net.ipv6.conf.default.accept_dad=0 \
		net.ipv4.conf.all.rp_filter=0 \
		net.ipv4.conf.default.rp_filter=0 \
		net.ipv4.icmp_ratelimit=0
	ip -n "$1" link set lo up
}

# The Internet: it routes, and has an address that answers.
internet() {
	machine net
	ip -n net addr add 100.64.0.80/32 dev lo
	ip -n net addr add 2001:db8:80::80/128 dev lo nodad
	on net nft -f - <<-'NFT'
	table inet net {
		chain port { }
		chain prerouting {
			type filter hook prerouting priority -300;
			icmpv6 type { 130-137, 143 } accept
			goto port
		}
	}
	NFT
}

# uplink NETNS DEVICE ADDRESS: a way to the Internet, which is the default route of
# the address's family if there is none.
uplink() {
	local netns=$1 dev=$2 address=$3 port=$1-$2 ip=ip icmp=icmp via len=32
	via=${address%.*}.254
	if [[ $address == *:* ]]; then via=fe80::1 len=128 ip=ip6 icmp=icmpv6; fi
	[ -e "/run/netns/$netns" ] || machine "$netns"
	ip -n net link show "$port" > /dev/null 2>&1 || {
		ip -n "$netns" link add "$dev" up type veth peer name "$port" netns net
		ip -n net link set "$port" up
		on net nft -f - <<-NFT
		table inet net {
			counter $port-clear { }
			counter $port-encrypted { }
			chain $port {
				meta l4proto { esp, ah } counter name $port-encrypted accept
				udp dport 4500 counter name $port-encrypted accept
				udp sport 4500 counter name $port-encrypted accept
				udp dport 500 accept
				udp sport 500 accept
				# Nobody listens at a dead daemon's port.
				$ip saddr $address $icmp type destination-unreachable accept
				counter name $port-clear
			}
			chain port {
				iifname $port goto $port
			}
		}
		NFT
	}
	ip -n net addr add "$via/$([ $len = 32 ] && echo 32 || echo 64)" dev "$port" \
		$([ $len = 32 ] || echo nodad)
	ip -n "$netns" addr add "$address/$len" dev "$dev" $([ $len = 32 ] || echo nodad)
	ip -n net route add "$address/$len" dev "$port"
	ip -n "$netns" route add default via "$via" dev "$dev" onlink 2> /dev/null
}

# lan NETNS DEVICE ADDRESS/LENGTH HOST ADDRESS: a network behind it, with a host.
lan() {
	local netns=$1 dev=$2 address=$3 host=$4 host_address=$5 nodad=
	[[ $address != *:* ]] || nodad=nodad
	machine "$host"
	ip -n "$netns" link add "$dev" up type veth peer name eth0 netns "$host"
	ip -n "$netns" addr add "$address" dev "$dev" $nodad
	ip -n "$host" link set eth0 up
	ip -n "$host" addr add "$host_address/${address#*/}" dev eth0 $nodad
	ip -n "$host" route add default via "${address%/*}"
}

# Packets that left a netns, by w0 or another device, since the last reset.
left() {	# clear|encrypted netns [device]
	on net nft list counter inet net "$2-${3:-w0}-$1" |
		sed -n 's/.*packets \([0-9]*\) .*/\1/p'
}

reset() {
	on net nft reset counters > /dev/null
}

none_in_clear() {	# name [netns...]
	local name=$1 netns
	shift
	for netns in "${@:-west}"; do
		is "$name: nothing left ${netns} in clear" "$(left clear "$netns")" 0
	done
}

# The counters see it, and nothing but the guard stops it.
leaks() {	# name netns address
	reset
	no_ping_from "$2" "$3" -c 1 > /dev/null
	above "$1" "$(left clear "${4:-west}")" 0
	reset
}

# ---- the files --------------------------------------------------------------------

# The helper's settings are the example's; what holds the rules is the test's.
settings() {	# side FOLDER
	mkdir -p "$WORK/$1.fw/conf.d" "$WORK/$1.run" "$WORK/$1.state"
	cp "$EXAMPLES/$2/ipsec-fw.conf" "$WORK/$1.fw/"
	backend > "$WORK/$1.fw/conf.d/test.conf"
	chmod -R go-w "$WORK/$1.fw"
}

# example SIDE FOLDER [FILE]: what the daemon and the helper there have.
example() {
	local side=$1 folder=$2 file=${3:-ipsec.conf}
	cp "$EXAMPLES/$folder/$file" "$WORK/$side.conf"
	settings "$side" "$folder"
	check "$folder: Libreswan takes $file" ipsec addconn --checkconfig \
		--config "$WORK/$side.conf"
	check "$folder: ipsec-fw check takes the settings" ipsec-fw check \
		"$WORK/$side.fw/ipsec-fw.conf"
}

# The same connections without our helper, for who is not looked at.
plain() {	# side < lines
	sed '/rightupdown=/d; s/leftupdown=.*/leftupdown=%disabled\n\trightupdown=%disabled/' \
		> "$WORK/$1.conf"
}

# Who does not begin: of two that do, both negotiate at once.
waits() {	# side
	sed -i 's/auto=.*/auto=add/' "$WORK/$1.conf"
}

# The daemons load by themselves what auto= says.
start() {	# side...
	local side
	for side; do
		launch "$side"
	done
	for side; do
		await "$side"
		wait_for 30 loaded "$side" ||
			not_ok "$side loads its connections" "$(tail -n 1 "$WORK/$side.log")"
	done
}
loaded() {
	[ "$(grep -c '": added ' "$WORK/$1.log")" -ge "$(grep -c '^	auto=' "$WORK/$1.conf")" ]
}

has_sa() {	# side name
	whack "$1" --trafficstatus | grep "\"$2\""
}

# Not just down, upon which Libreswan 4 has a trap that brings it up again.
take_down() {	# side name
	whack "$1" --name "$2" --delete
}

comes_up() {	# side name
	check "$2 comes up" wait_for 40 has_sa "$1" "$2"
}
