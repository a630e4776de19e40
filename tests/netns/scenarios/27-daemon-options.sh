# SPDX-License-Identifier: GPL-2.0-or-later
# cat=, nflog= and mark=: what the dry run shows is what the kernel holds, in its
# own words, and it can be restored from them.
. "$TESTS/netns/lib.sh"
. "$TESTS/netns/gateway.sh"
cat=(CAT=YES PLUTO_CFG_CLIENT=1 PLUTO_CONN_KIND=CK_INSTANCE
	PLUTO_MY_CLIENT=192.0.9.1/32)
cat6=(CAT=YES PLUTO_CFG_CLIENT=1 PLUTO_CONN_KIND=CK_INSTANCE
	PLUTO_ME=2001:db8:100::1 PLUTO_PEER=2001:db8:100::2
	PLUTO_MY_CLIENT=2001:db8:9::1/128 PLUTO_PEER_CLIENT=2001:db8:2::/64)
marked=(CONNMARK_IN=0x5/0xff CONNMARK_OUT=0x6/0xff)

uncounted() {
	sed -e 's/ counter packets [0-9]* bytes [0-9]*//' -e 's/\[[0-9]*:[0-9]*\]$/[0:0]/'
}
as_shown() {	# variables
	diff <(OPTIONS=(--dry-run); call up-client "$@" | normal_text |
		uncounted) <(tables_text | uncounted)
}
restored() {
	tables_text > "$WORK/shown"
	if [ "$BACKEND" = nftables ]; then
		nft_lists < "$WORK/shown" | diff "$WORK/shown" -
		return
	fi
	[ $FORM = rules ] || { diff <(uncounted < "$WORK/shown") <(sets_list < "$WORK/shown" | uncounted); return; }
	sed -n '/# IPv4/,/# IPv6/p' "$WORK/shown" > "$WORK/shown4"
	sed -n '/# IPv6/,$p' "$WORK/shown" > "$WORK/shown6"
	unshare -n sh -c 'iptables-legacy-restore --test < "$WORK/shown4" &&
		ip6tables-legacy-restore --test < "$WORK/shown6"'
}
# life NAME VARIABLE...: all of it comes, and goes.
life() {
	local name=$1
	shift
	keep_tables
	check "$name: up" silent_call up-client "$@"
	check "$name: the kernel holds what the dry run shows" as_shown "$@"
	check "$name: in words that load" restored
	check "$name: again" silent_call up-client "$@"
	check "$name: is the same" as_shown "$@"
	check "$name: down" silent_call down-client "$@"
	check "$name: the tables are as before" same_tables
}
settings 'reject = yes'
life cat "${cat[@]}" NFLOG=5
life cat-v6 "${cat6[@]}" NFLOG=5
settings 'policy-mark = yes' 'connmark = yes'
life policy-mark "${marked[@]}"
life "policy-mark, a name that needs care" "${marked[@]}" NFLOG=65535 \
	PLUTO_CONNECTION='a "$name" of more than 63 characters, which is the limit of NFLOG'

# The guard has our own address on our side.
settings
call up-client "${cat[@]}"
seen > /dev/null
pings host 192.0.2.10
is "cat: our own packets don't leave in clear" "$(seen)" 0
is "the guard counted them" "$(dropped out)" 5
pings peer -I 192.0.2.10 198.51.100.1
is "nor do clear ones come to it" "$(dropped in)" 5
pings host 198.51.100.2
is "others' pass" "$(seen)" 5
pings lan 192.0.2.10
is "the LAN's are none of it" "$(seen)" 5
call down-client "${cat[@]}"
check "down: our own pass" pings host 192.0.2.10
seen > /dev/null
settings 'guard = armed'
call up-client "${cat[@]}"
call down-client "${cat[@]}"
pings host 192.0.2.10
is "armed, they don't" "$(seen)" 0
settings 'guard = off'
call unroute-client "${cat[@]}"
call up-client "${cat[@]}"
call down-client "${cat[@]}"

# Flows from before leave with our own address, and from then on with the leased
# one: either have to begin anew.
flow() {	# port source
	echo x | socat -u - "UDP4-SENDTO:192.0.2.10:$1,bind=$2,sourceport=$1"
}
entries() { conntrack -L -p udp --dport "$1" 2> /dev/null | grep -c .; }
settings 'guard = off'
iptables-legacy -t nat -A POSTROUTING -p udp --dport 7002 -j SNAT --to-source 192.0.9.1
iptables-legacy -t nat -A POSTROUTING -p udp --dport 7003 -j SNAT --to-source 192.0.9.2
for port in 7001 7002 7003 4500 500; do
	flow $port 198.51.100.1
done
flow 7004 192.0.1.1
call up-client "${cat[@]}"
is "a flow with our own address has ended" "$(entries 7001)" 0
is "one with the leased address goes on" "$(entries 7002)" 1
is "another translation has ended" "$(entries 7003)" 0
is "IKE goes on" "$(entries 500) $(entries 4500)" "1 1"
is "somebody else's goes on" "$(entries 7004)" 1

# What CAT translated ends with it, whoever began and however it ends.  Here rules
# of ours stand for it: what is not encrypted it leaves alone.
peer ip route add 192.0.9.1 via 198.51.100.1
peer iptables-legacy -A INPUT -s 192.0.9.1 -j RETURN
answer() { # from the port that the peer wrote to
	echo x | socat -u - "UDP4-SENDTO:192.0.2.10:7006,bind=198.51.100.1,sourceport=7005"
}
translated() {	# flows in both directions with the leased address
	iptables-legacy -t nat -A PREROUTING -d 192.0.9.1 -j DNAT --to-destination 198.51.100.1
	flow 7002 198.51.100.1
	echo x | peer socat -u - "UDP4-SENDTO:192.0.9.1:7005,bind=192.0.2.10,sourceport=7006"
	answer
	flow 7003 198.51.100.1
	iptables-legacy -t nat -D PREROUTING 1
	is "$1: two flows with the leased address" "$(entries 7002) $(entries 7005)" "1 1"
}
ended() { is "$1: they have ended, another translation goes on" "$(entries 7002) $(entries 7005) $(entries 7003)" "0 0 1"; }
translated down
call down-client "${cat[@]}"
ended down
is "somebody else's goes on" "$(entries 7004)" 1
iptables-legacy -t nat -D POSTROUTING 1
peer iptables-legacy -Z INPUT
flow 7002 198.51.100.1; answer
is "nothing leaves with the leased address" "$(peer iptables-legacy -L INPUT -v -n -x | awk '$8 == "192.0.9.1" { print $1 }')" 0
iptables-legacy -t nat -I POSTROUTING -p udp --dport 7002 -j SNAT --to-source 192.0.9.1

call up-client "${cat[@]}"
translated "up again"
call up-client "${cat[@]}"
is "up again: they go on" "$(entries 7002) $(entries 7005)" "1 1"
flow 7003 198.51.100.1
ip addr add 198.51.100.3/24 dev w0
check "another address of ours" silent_call up-client "${cat[@]}" PLUTO_ME=198.51.100.3
ended "another address of ours"
call down-client "${cat[@]}" PLUTO_ME=198.51.100.3
call up-client "${cat[@]}"
translated flush
"$PREFIX/usr/sbin/ipsec-fw" --config "$INI" --run-dir "$RUN" --state-dir "$STATE" flush --yes > /dev/null
ended flush
