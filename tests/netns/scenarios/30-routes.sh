# SPDX-License-Identifier: GPL-2.0-or-later
# Routes and addresses, in the same process: who shares them, what was there
# before, and what becomes of them when the kernel refuses.
# backend: nftables
. "$TESTS/netns/lib.sh"
. "$TESTS/netns/fw.sh"
printf '[default]\nupdown = native\non-error = fail\n' | ini
ip link add w0 type veth peer name w1
ip link add l1 type veth peer name l2
for dev in w0 w1 l1 l2; do
	sysctl -q -w net.ipv6.conf.$dev.accept_dad=0
	ip link set $dev up
done
ip addr add 198.51.100.1/24 dev w0
ip addr add 192.0.1.1/24 dev l1
ip addr add 2001:db8:100::1/64 dev w0 nodad
ip addr add 2001:db8:1::1/64 dev l1 nodad
ip route add default via 198.51.100.9

# All that is in the namespace, in the words of ip(8).
world() {
	ip -4 route show table all; ip -6 route show table all | grep -v '^\(fe80\|ff00\|multicast\)'
	ip -4 rule; ip -6 rule
	ip -o addr | sed 's/\\.*//'
	ip neigh show proxy; ip -6 neigh show proxy
}
keep() { world > "$WORK/world"; }
same() { diff "$WORK/world" <(world); }
routes() { ip -4 route show "$@"; }
to() { ip route show "${1:-192.0.2.0/24}" | sed 's/ *$//'; }
owners() { find "$RUN"/netns-*/owners "$RUN"/netns-*/shared -mindepth 1 2>/dev/null; }
nothing_left() { same && is "nothing is left in the store" "$(owners)" ""; }
source=PLUTO_MY_SOURCEIP=192.0.1.77
# IPv6 addresses have their routes a moment later.
wait_for 10 bash -c '[ "$(ip -6 route show table local | grep -c "^local 2001:db8:")" = 2 ]'
keep

# ---- one connection --------------------------------------------------------------

check "a connection that asks for no route" silent_call up-client
check "gets none where one leads there" same
call down-client; call unroute-client
is "and has nothing" "$(owners)" ""
ip route del default
check "where nothing leads there" silent_call route-client
is "it gets one" "$(to)" "192.0.2.0/24 dev w0 scope link"
check "again" silent_call up-client
is "and keeps it though its own leads there now" "$(to)" "192.0.2.0/24 dev w0 scope link"
call down-client
is "down: it is still routed" "$(to)" "192.0.2.0/24 dev w0 scope link"
check "unroute" silent_call unroute-client
ip route add default via 198.51.100.9
check "everything is as before" nothing_left

check "a source address" silent_call up-client $source
is "is the route's" "$(to)" "192.0.2.0/24 dev w0 scope link src 192.0.1.77"
is "and on lo" "$(ip -o addr show dev lo to 192.0.1.77 | grep -c 'inet 192.0.1.77/32 scope 50 lo')" 1
is "show says both" "$(fw show office | grep -c '^  \(route 192.0.2.0/24 dev w0 src 192.0.1.77\|address 192.0.1.77/32 dev lo scope 50\)$')" 2
is "in JSON too" "$(json '.[0].updown | length' show office --json)" 2
call prepare-client $source; call route-client $source
is "the others of 4.x's order change nothing" "$(to)" "192.0.2.0/24 dev w0 scope link src 192.0.1.77"
call down-client $source
call unroute-client $source
check "all goes" nothing_left
check "down and unroute again" silent_call down-client $source
check "for nothing" silent_call unroute-client $source
check "change nothing" nothing_left

call up-client PLUTO_MY_SOURCEIP=192.0.1.1
is "a source address that is local already" "$(to)" "192.0.2.0/24 dev w0 scope link src 192.0.1.1"
is "is not added" "$(ip -o addr show dev lo to 192.0.1.1)" ""
call down-client; call unroute-client
check "nor taken away" nothing_left

for address in 224.0.0.1 127.0.0.2 255.255.255.255 ff02::1 ::1; do
	check "$address is nobody's source address" refused "PLUTO_MY_SOURCEIP=$address" up-client PLUTO_MY_SOURCEIP=$address
done
check "and leaves nothing" nothing_left
is "no firewall either" "$(rules_of)" 0

call up-client PLUTO_NEXT_HOP=198.51.100.9 PLUTO_MTU=1400 PLUTO_METRIC=7
is "next hop, MTU and metric" "$(to)" "192.0.2.0/24 via 198.51.100.9 dev w0 metric 7 mtu 1400"
call up-client PLUTO_NEXT_HOP=198.51.100.8 PLUTO_MTU=1300 PLUTO_METRIC=7
is "other ones later" "$(to)" "192.0.2.0/24 via 198.51.100.8 dev w0 metric 7 mtu 1300"
call up-client PLUTO_NEXT_HOP=198.51.100.8 PLUTO_MTU=1300 PLUTO_METRIC=9
is "another metric is another route, and the old one goes" "$(to)" "192.0.2.0/24 via 198.51.100.8 dev w0 metric 9 mtu 1300"
call down-client; call unroute-client PLUTO_METRIC=9
check "all goes" nothing_left
call up-client PLUTO_NEXT_HOP=203.0.113.1 $source
is "a next hop behind another is none of the link's, and taken for one" \
	"$(to)" "192.0.2.0/24 via 203.0.113.1 dev w0 src 192.0.1.77 onlink"
call unroute-client; call down-client; call unroute-client
check "all goes" nothing_left

# ---- families, prefixes and ranges ------------------------------------------------

call up-client PLUTO_PEER_CLIENT=0.0.0.0/0 $source
is "a default route is two halves" "$(routes 0.0.0.0/1; routes 128.0.0.0/1)" \
	"$(printf '%s \n' '0.0.0.0/1 dev w0 scope link src 192.0.1.77' '128.0.0.0/1 dev w0 scope link src 192.0.1.77')"
is "beside the machine's own" "$(routes default)" "default via 198.51.100.9 dev w0 "
call up-client PLUTO_PEER_CLIENT=0.0.0.0/0 $source
is "again" "$(routes 0.0.0.0/1 | wc -l)" 1
call down-client PLUTO_PEER_CLIENT=0.0.0.0/0; call unroute-client PLUTO_PEER_CLIENT=0.0.0.0/0
check "all goes" nothing_left
six=(PLUTO_CONN_ADDRFAMILY=ipv6 PLUTO_ME=2001:db8:100::1 PLUTO_PEER=2001:db8:100::2
	PLUTO_NEXT_HOP=2001:db8:100::2 PLUTO_MY_CLIENT=2001:db8:1::/64)
call up-client-v6 "${six[@]}" PLUTO_PEER_CLIENT=::/0 PLUTO_MY_SOURCEIP=2001:db8:1::77
is "IPv6's too" "$(ip -6 route | grep -c -e '^::/1 dev w0 src 2001:db8:1::77' -e '^8000::/1 dev w0 src 2001:db8:1::77')" 2
is "with its source address" "$(ip -6 -o addr show dev lo to 2001:db8:1::77 | grep -c '/128 scope global')" 1
call down-client-v6 "${six[@]}" PLUTO_PEER_CLIENT=::/0
call unroute-client-v6 "${six[@]}" PLUTO_PEER_CLIENT=::/0
check "all goes" nothing_left
call up-client "${six[@]}" PLUTO_MY_CLIENT=192.0.1.0/24 $source
is "IPv4 in IPv6: no next hop of the other family" "$(to)" "192.0.2.0/24 dev w0 scope link src 192.0.1.77"
call down-client "${six[@]}" PLUTO_MY_CLIENT=192.0.1.0/24
call unroute-client "${six[@]}" PLUTO_MY_CLIENT=192.0.1.0/24
call up-client PLUTO_MY_CLIENT=2001:db8:1::/64 PLUTO_PEER_CLIENT=2001:db8:2::/64 \
	PLUTO_NEXT_HOP=198.51.100.9 PLUTO_MY_SOURCEIP=2001:db8:1::77
is "IPv6 in IPv4" "$(ip -6 route show 2001:db8:2::/64)" "2001:db8:2::/64 dev w0 src 2001:db8:1::77 metric 1024 pref medium"
call down-client PLUTO_MY_CLIENT=2001:db8:1::/64 PLUTO_PEER_CLIENT=2001:db8:2::/64
call unroute-client PLUTO_MY_CLIENT=2001:db8:1::/64 PLUTO_PEER_CLIENT=2001:db8:2::/64
check "all goes" nothing_left
call up-client PLUTO_PEER_CLIENT=192.0.2.5-192.0.2.10 $source
is "a range is several prefixes" "$(routes | grep -o '^192\.0\.2\.[^ ]*' | tr '\n' ' ')" \
	"192.0.2.5 192.0.2.6/31 192.0.2.8/31 192.0.2.10 "
call down-client PLUTO_PEER_CLIENT=192.0.2.5-192.0.2.10; call unroute-client PLUTO_PEER_CLIENT=192.0.2.5-192.0.2.10
check "all goes" nothing_left
call up-host PLUTO_MY_CLIENT=198.51.100.1/32 PLUTO_PEER_CLIENT=198.51.100.2/32 PLUTO_MTU=1400
is "host to host" "$(to 198.51.100.2)" "198.51.100.2 dev w0 scope link mtu 1400"
call down-host PLUTO_MY_CLIENT=198.51.100.1/32 PLUTO_PEER_CLIENT=198.51.100.2/32
call unroute-host PLUTO_MY_CLIENT=198.51.100.1/32 PLUTO_PEER_CLIENT=198.51.100.2/32
check "all goes" nothing_left
call route-client PLUTO_CONN_POLICY=PASS+NEVER_NEGOTIATE PLUTO_MTU=1400
check "a passthrough connection gets none" nothing_left

# ---- several connections ----------------------------------------------------------

a() { call "$1" PLUTO_CONNECTION=net/1x1 $source "${@:2}"; }
b() { call "$1" PLUTO_CONNECTION=net/2x1 PLUTO_MY_CLIENT=192.0.3.0/24 $source "${@:2}"; }
a up-client; a prepare-client; a route-client; b up-client
a down-client
is "the first is deleted: the route stays for the other" "$(to)" "192.0.2.0/24 dev w0 scope link src 192.0.1.77"
b down-client
is "the other is down" "$(to)" "192.0.2.0/24 dev w0 scope link src 192.0.1.77"
b unroute-client
check "its unroute ends it for both" nothing_left
a up-client; b up-client
b unroute-client
is "an unroute while others are up ends nothing" "$(to)" "192.0.2.0/24 dev w0 scope link src 192.0.1.77"
a down-client
b down-client
check "and those who are only up are done with down" nothing_left
a route-client; call unroute-client PLUTO_CONNECTION=stranger
check "an unroute that comes for a stranger, to the same peer" nothing_left
five=(PLUTO_CLIENT_FAMILY=ipv4 PLUTO_CONN_POLICY=IKEv2+PSK+ENCRYPT+TUNNEL)
a prepare-client "${five[@]}"; a route-client "${five[@]}"; a up-client "${five[@]}"
b prepare-client "${five[@]}"; b route-client "${five[@]}"; b up-client "${five[@]}"
a down-client "${five[@]}"; b down-client "${five[@]}"
check "Libreswan 5 whose unroute never comes" nothing_left
a route-client "${five[@]}"; a up-client "${five[@]}"
a down-client "${five[@]}" PLUTO_CONN_POLICY=IKEv2+PSK+ENCRYPT+TUNNEL+ROUTE
is "but for a trap" "$(to)" "192.0.2.0/24 dev w0 scope link src 192.0.1.77"
a unroute-client "${five[@]}"
check "until it goes" nothing_left

a up-client PLUTO_MTU=1400; b up-client PLUTO_MTU=1300
is "two that want it differently: the newest" "$(to)" "192.0.2.0/24 dev w0 scope link src 192.0.1.77 mtu 1300"
a up-client PLUTO_MTU=1400
is "repeating oneself is nothing new" "$(to)" "192.0.2.0/24 dev w0 scope link src 192.0.1.77 mtu 1300"
b down-client
is "without it, the other's" "$(to)" "192.0.2.0/24 dev w0 scope link src 192.0.1.77 mtu 1400"
a down-client
check "all goes" nothing_left

# ---- what was there before ---------------------------------------------------------

before() { # route...
	ip route add 192.0.2.0/24 "$@"
	keep
	call up-client $source
	is "before it: $*" "$(to)" "192.0.2.0/24 dev w0 scope link src 192.0.1.77"
	call up-client $source PLUTO_MTU=1400
	call route-client $source PLUTO_MTU=1400
	call down-client; call unroute-client
	check "comes back exactly" same
	ip route del 192.0.2.0/24
}
before via 198.51.100.9 proto static mtu lock 1200 advmss 1000 initcwnd 4
before dev l1 src 192.0.1.1
before nexthop via 198.51.100.8 weight 3 nexthop via 198.51.100.9
before nexthop via 198.51.100.8 dev w0 onlink nexthop via 192.0.1.9 dev l1
before via inet6 2001:db8:100::9 dev w0
before blackhole 2> /dev/null || :
ip route del blackhole 192.0.2.0/24 2> /dev/null
ip route add 192.0.2.0/25 via 198.51.100.9
ip route add 192.0.2.0/24 via 198.51.100.8
keep
call up-client $source; call down-client; call unroute-client
check "behind a longer one" same
ip route del 192.0.2.0/24; ip route del 192.0.2.0/25
ip route add 192.0.2.0/24 dev w0 mtu 1400
keep
call up-client PLUTO_MTU=1400
check "one that is there just so" same
call down-client; call unroute-client
check "stays" same
call up-client PLUTO_MTU=1400; call up-client PLUTO_MTU=1300; call down-client; call unroute-client
check "and comes back when we wanted it differently later" same
ip route del 192.0.2.0/24
ip addr add 192.0.1.77/32 dev lo
keep
call up-client $source; call down-client; call unroute-client
check "an address that was there stays" same
ip addr del 192.0.1.77/32 dev lo
ip -6 route add 2001:db8:2::/64 via 2001:db8:100::9 proto static
keep
call up-client-v6 "${six[@]}" PLUTO_PEER_CLIENT=2001:db8:2::/64 PLUTO_MTU=1400
is "IPv6" "$(ip -6 route show 2001:db8:2::/64)" "2001:db8:2::/64 dev w0 metric 1024 mtu 1400 pref medium"
call down-client-v6 "${six[@]}" PLUTO_PEER_CLIENT=2001:db8:2::/64
call unroute-client-v6 "${six[@]}" PLUTO_PEER_CLIENT=2001:db8:2::/64
check "comes back, too" same
ip -6 route del 2001:db8:2::/64
keep
call up-client $source
ip route replace 192.0.2.0/24 via 198.51.100.8
call down-client; call unroute-client
is "what somebody put in our route's place stays" "$(to)" "192.0.2.0/24 via 198.51.100.8 dev w0"
ip route del 192.0.2.0/24
check "the rest goes" nothing_left
call up-client $source
ip route del 192.0.2.0/24; ip addr del 192.0.1.77/32 dev lo
check "what somebody took away is gone" silent_call down-client
check "without a word" silent_call unroute-client
check "all goes" nothing_left

# ---- failures --------------------------------------------------------------------------

check "a device that is not there" refused "there is no device ipsec9" up-client \
	$source PLUTO_VIRT_INTERFACE=ipsec9 PLUTO_XFRMI_ROUTE=yes
check "leaves nothing half done" nothing_left
is "and no firewall" "$(rules_of)" 0
output=$(call up-client PLUTO_NEXT_HOP=198.51.100.255 $source 2>&1)
is "a route that the kernel refuses" $? 1
check "is named with the kernel's words" grep -q '^office: up-client: route 192.0.2.0/24 via 198.51.100.255 dev w0 src 192.0.1.77: Invalid argument (.*gateway.*); the firewall goes back to what it was$' <<< "$output"
check "its source address goes again" nothing_left
call up-client $source PLUTO_MTU=1400
world > "$WORK/up"
check "a second up that fails" refused "" up-client PLUTO_NEXT_HOP=198.51.100.255 $source PLUTO_MTU=1300
check "leaves the first's" diff "$WORK/up" <(world)
call down-client; call unroute-client
check "all goes" nothing_left
call prepare-client $source
mkdir "$WORK/away"
mount -t tmpfs -o ro tmpfs "$(echo "$RUN"/netns-*/owners)"
check "a store that cannot be written" refused "Read-only" up-client $source PLUTO_MTU=1300
is "changes no route" "$(to)" "192.0.2.0/24 dev w0 scope link src 192.0.1.77"
umount "$RUN"/netns-*/owners
call unroute-client
check "all goes" nothing_left

printf '[default]\nupdown = native\n' | ini
output=$(call route-client PLUTO_NEXT_HOP=198.51.100.255 $source 2>&1)
is "on-error = hold: a route that fails is told" "$?: $(grep -c Nexthop <<< "$output")" "0: 1"
output=$(call up-client PLUTO_NEXT_HOP=198.51.100.255 $source 2>&1)
is "an up whose route fails" $? 0
check "is held" grep -q '^office: up-client: ON HOLD, .*blocked: route 192.0.2.0/24 .*mend it' <<< "$output"
is "and blocked" "$(blocks office)" 2
call up-client PLUTO_MY_SOURCEIP=192.0.1.77
is "until the next" "$(blocks office) $(to)" "0 192.0.2.0/24 dev w0 scope link src 192.0.1.77"
call down-client; call unroute-client
check "all goes" nothing_left

OPTIONS=(--dry-run)
is "a dry run says what would come, in comments" "$(call up-client PLUTO_PEER_CLIENT=0.0.0.0/0 $source | grep '^# ip')" "$(cat <<-'TEXT'
	# ip address add 192.0.1.77/32 dev lo scope 50
	# ip route replace 0.0.0.0/1 dev w0 src 192.0.1.77
	# ip route replace 128.0.0.0/1 dev w0 src 192.0.1.77
	TEXT
)"
is "of an XFRM interface" "$(call route-client PLUTO_PEER_CLIENT=198.51.100.0/24 PLUTO_VIRT_INTERFACE=l1 PLUTO_XFRMI_ROUTE=yes PLUTO_XFRMI_FWMARK=1/0xff)" "$(cat <<-'TEXT'
	# ip route replace 198.51.100.0/24 dev l1
	# ip route replace 198.51.100.2/32 dev w0 table 50
	# ip rule add to 198.51.100.0/24 fwmark 0x1/0xff priority 100 table 50
	TEXT
)"
is "of a VTI device" "$(call prepare-client VTI_IFACE=vti0 VTI_ROUTING=yes CONNMARK_IN=5/0xffffffff CONNMARK_OUT=6/0xffffffff)" "$(cat <<-'TEXT'
	# ip tunnel add vti0 mode vti local 198.51.100.1 remote 198.51.100.2 okey 6 ikey 5
	# sysctl -w net.ipv4.conf.vti0.disable_policy=1 net.ipv4.conf.vti0.rp_filter=0 net.ipv4.conf.vti0.forwarding=1
	# ip link set vti0 up
	# ip route replace 192.0.2.0/24 dev vti0
	TEXT
)"
is "and nothing of a down" "$(call down-client $source)" ""
call up-client PLUTO_PEER_CLIENT=0.0.0.0/0 $source | sed -n 's/^# //p' > "$WORK/commands"
OPTIONS=()
check "and changes nothing" nothing_left
unshare -n sh -c 'ip link set lo up; ip link add w0 type veth; ip link set w0 up; sh -e "$0" && ip route' "$WORK/commands" > "$WORK/said" 2>&1
is "its commands are ip's own" "$(sed 's/ linkdown//; s/ *$//' "$WORK/said")" "$(printf '%s\n' '0.0.0.0/1 dev w0 scope link src 192.0.1.77' '128.0.0.0/1 dev w0 scope link src 192.0.1.77')"
call up-client PLUTO_XFRMI_FWMARK=1/0xff PLUTO_PEER_CLIENT=198.51.100.0/24 PLUTO_VIRT_INTERFACE=l1 PLUTO_XFRMI_ROUTE=yes
is "the peer inside of its own selectors: a rule" "$(ip rule show prio 100)" "100:	from all to 198.51.100.0/24 fwmark 0x1/0xff lookup 50"
is "and a table" "$(ip route show table 50)" "198.51.100.2 dev w0 scope link "
call up-client PLUTO_CONNECTION=other PLUTO_XFRMI_FWMARK=1/0xff PLUTO_PEER_CLIENT=198.51.100.0/24 PLUTO_VIRT_INTERFACE=l1 PLUTO_XFRMI_ROUTE=yes
is "that two share" "$(ip rule show prio 100 | wc -l)" 1
call down-client PLUTO_PEER_CLIENT=198.51.100.0/24
is "until the last" "$(ip rule show prio 100 | wc -l)" 1
call down-client PLUTO_CONNECTION=other PLUTO_PEER_CLIENT=198.51.100.0/24
check "all goes" nothing_left

# ---- MOBIKE, proxy ARP, sockets ----------------------------------------------------------

call up-client $source; call prepare-client $source; call route-client $source
call down-client $source
call unroute-client $source PLUTO_MOBIKE_EVENT=yes
is "MOBIKE: the route goes" "$(to)" ""
is "the address stays" "$(ip -o addr show dev lo to 192.0.1.77 | wc -l)" 1
call up-client $source PLUTO_ME=192.0.1.1 PLUTO_INTERFACE=l1 PLUTO_NEXT_HOP=192.0.1.9
is "and the route comes back elsewhere" "$(to)" "192.0.2.0/24 via 192.0.1.9 dev l1 src 192.0.1.77"
call route-client $source PLUTO_ME=192.0.1.1 PLUTO_INTERFACE=l1 PLUTO_NEXT_HOP=192.0.1.9
call down-client $source; call unroute-client $source
check "all goes" nothing_left
call up-client $source; call down-client $source
call unroute-client $source PLUTO_MOBIKE_EVENT=yes; call unroute-client $source
check "a move that never ends" nothing_left

lease=PLUTO_PEER_CLIENT=192.0.1.200/32
call up-client $lease PLUTO_MY_CLIENT=0.0.0.0/0
is "a road warrior with an address of the LAN: we answer for it" "$(ip neigh show proxy)" "192.0.1.200 dev l1 proxy "
is "and route it" "$(to 192.0.1.200)" "192.0.1.200 dev w0 scope link"
call route-client $lease PLUTO_MY_CLIENT=0.0.0.0/0
is "again" "$(ip neigh show proxy)" "192.0.1.200 dev l1 proxy "
call down-client $lease PLUTO_MY_CLIENT=0.0.0.0/0; call unroute-client $lease PLUTO_MY_CLIENT=0.0.0.0/0
check "all goes" nothing_left
call up-client PLUTO_PEER_CLIENT=2001:db8:1::200/128 PLUTO_MY_CLIENT=::/0
is "IPv6" "$(ip -6 neigh show proxy)" "2001:db8:1::200 dev l1 proxy "
call down-client PLUTO_PEER_CLIENT=2001:db8:1::200/128 PLUTO_MY_CLIENT=::/0
call unroute-client PLUTO_PEER_CLIENT=2001:db8:1::200/128 PLUTO_MY_CLIENT=::/0
check "all goes" nothing_left
printf '[default]\nupdown = native\nproxy-arp = no\n' | ini
call up-client $lease PLUTO_MY_CLIENT=0.0.0.0/0
is "proxy-arp = no" "$(ip neigh show proxy)$(to 192.0.1.200)" ""
call down-client $lease PLUTO_MY_CLIENT=0.0.0.0/0
printf '[default]\nupdown = native\nroute = always\n' | ini
call up-client
is "route = always" "$(to)" "192.0.2.0/24 dev w0 scope link"
call down-client; call unroute-client
check "all goes" nothing_left

# ---- reconciling, changed settings, dead daemons -------------------------------------------

fw() { "$PREFIX/usr/sbin/ipsec-fw" --config "$INI" --run-dir "$RUN" --state-dir "$STATE" "$@"; }
printf '[default]\nupdown = native\n' | ini
call up-client $source; call route-client $source
world > "$WORK/up"
ip addr del 192.0.1.77/32 dev lo
ip route del 192.0.2.0/24 2> /dev/null
check "reconcile" fw reconcile
check "puts back what is missing" diff "$WORK/up" <(world)
ip link set w0 down; ip link set w0 up; ip route add default via 198.51.100.9
check "after a device was down" fw reconcile
is "too" "$(to)" "192.0.2.0/24 dev w0 scope link src 192.0.1.77"
world > "$WORK/up"
again() { diff "$WORK/up" <(world); }
fw monitor > "$WORK/monitor" 2>&1 &
monitor=$!
sleep 0.3	# its own first look is no answer to what follows
ip route del 192.0.2.0/24
check "the monitor puts back a route" wait_for 5 again
ip addr del 192.0.1.77/32 dev lo
check "an address, and the routes that went with it" wait_for 5 again
ip route replace 192.0.2.0/24 via 198.51.100.8
check "and its own in place of another's" wait_for 5 again
ip link set w0 down; ip link set w0 up; ip route add default via 198.51.100.9
check "and all after a device was down" wait_for 5 bash -c '[[ "$(ip route show 192.0.2.0/24)" == "192.0.2.0/24 dev w0 scope link src 192.0.1.77"* ]]'
kill $monitor
is "silently, but for the while that it was" "$(grep -v ": Network is down" "$WORK/monitor")" ""
call down-client; call unroute-client
is "and the other's comes back" "$(to)" "192.0.2.0/24 via 198.51.100.8 dev w0"
ip route del 192.0.2.0/24
call up-client $source
printf '[default]\nupdown = off\n' | ini
check "settings that want nothing of us" fw reconcile
is "let go" "$(owners)$(to)" ""
call down-client
