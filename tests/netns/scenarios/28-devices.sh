# SPDX-License-Identifier: GPL-2.0-or-later
# Devices that encrypt, of other connections: the guard lets be what goes into
# them, and reject, too.  Here they are cables with such names, which only the
# legacy tables take for such devices; in nftables their kind tells.
. "$TESTS/netns/lib.sh"
. "$TESTS/netns/gateway.sh"
ip link add ipsec7 type veth peer name eth1 netns $PEER
ip addr add 203.0.113.1/24 dev ipsec7
ip link set ipsec7 up
peer ip addr add 203.0.113.2/24 dev eth1
peer ip link set eth1 up
peer sysctl -q -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth1.rp_filter=0
globals() {	# line of [global]
	printf '[global]\n%s\n%s\n[default]\nchain-updown = off\nreject = yes\n' \
		"$1" "$(says_backend)" | ini
}
in_device() { ip route replace 192.0.2.0/24 via 203.0.113.2 dev ipsec7; }
past_device() { ip route replace 192.0.2.0/24 via 198.51.100.2; }
device_rules() {
	{ iptables-legacy-save; ip6tables-legacy-save; } | sed -n 's/^-A ipsec-fw-post -o \(.*\) -m comment.*/\1/p' | tr '\n' ' '
}

keep_tables
call up-client
if [ "$BACKEND" = iptables ]; then
	is "the rules are there" "$(device_rules)" "ipsec+ vti+ "
	is "at the top" "$(iptables-legacy -t mangle -S ipsec-fw-post | sed -n '2s/ -m.*//p')" "-A ipsec-fw-post -o ipsec+"
	in_device
	pings lan 192.0.2.10
	is "what goes into another's device passes" "$(seen)" 5
	past_device
else
	is "nftables needs none" "$(device_rules)" ""
fi
pings lan 192.0.2.10
is "past it nothing does" "$(seen)" 0
check "a second connection" silent_call up-client PLUTO_CONNECTION=second PLUTO_PEER_CLIENT=192.0.4.0/24
if [ "$BACKEND" = iptables ]; then
	is "the rules are there once" "$(device_rules)" "ipsec+ vti+ "
	iptables-legacy -t mangle -D ipsec-fw-post 1
	iptables-legacy -t mangle -A ipsec-fw-post -o eth9 -j RETURN
	check "again, after somebody took one and put one of theirs" silent_call up-client
	is "it is back" "$(device_rules)" "ipsec+ vti+ "
	is "at the top" "$(iptables-legacy -t mangle -S ipsec-fw-post | sed -n '2s/ -m.*//p')" "-A ipsec-fw-post -o ipsec+"
	is "theirs stays" "$(iptables-legacy -t mangle -S ipsec-fw-post | grep -c 'eth9 -j RETURN')" 1
	iptables-legacy -t mangle -D ipsec-fw-post -o eth9 -j RETURN
fi
call down-client
[ "$BACKEND" != iptables ] ||
	is "they stay with the other connection" "$(device_rules)" "ipsec+ vti+ "
call down-client PLUTO_CONNECTION=second PLUTO_PEER_CLIENT=192.0.4.0/24
check "and go with the last" same_tables

# With reject, which goes by names.
seen > /dev/null
globals 'lock-wait = 5'
call up-client
in_device
if [ "$BACKEND" = iptables ]; then
	pings lan 192.0.2.10
	is "all of it passes" "$(seen)" 5
fi
is "reject leaves them alone" "$(lan ping -n -c 1 -W 1 192.0.2.10 | grep -c filtered)" 0
past_device
is "past it reject tells" "$(lan ping -n -c 1 -W 1 192.0.2.10 | grep -c filtered)" 1
globals 'devices = vpn+'
check "other names" silent_call up-client
in_device
is "then these are no longer meant" "$(lan ping -n -c 1 -W 1 192.0.2.10 | grep -c filtered)" 1
[ "$BACKEND" != iptables ] || is "the rules say so" "$(device_rules)" "vpn+ "
globals 'devices = none'
check "none" silent_call up-client
is "there are no rules" "$(device_rules)" ""
past_device
call down-client
check "tables after it" same_tables

# On hold, nothing goes into the connection's own device either.
settings
held=(XAUTH_FAILED=1 PLUTO_VIRT_INTERFACE=ipsec7)
call up-client "${held[@]}" 2> /dev/null
in_device
seen > /dev/null
pings lan 192.0.2.10
is "on hold: nothing goes into its device" "$(seen)" 0
pings host -I 192.0.1.1 192.0.2.10
is "nor the gateway's own" "$(seen)" 0
past_device
call down-client "${held[@]}"
check "tables after it" same_tables
