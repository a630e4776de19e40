# SPDX-License-Identifier: GPL-2.0-or-later
# Selectors with ports and datagrams in fragments, of which only the first has
# ports, as the kernel's policies and the tables see them.
. /t/tests/vm/guest/leaklib.sh
for side in west east; do
	printf '%s\n' leftsubnet=192.0.1.0/24 rightsubnet=192.0.2.0/24 \
		leftprotoport=udp/5000 rightprotoport=udp/5000 | conn $side $side
	printf '%s\n' leftsubnet=2001:db8:1::/64 rightsubnet=2001:db8:2::/64 \
		leftprotoport=udp/5000 rightprotoport=udp/5000 | conn ${side}6 $side
done
each() {	# add|up|down|delete
	local s
	for s in '' 6; do
		case $1 in
		add) auto west --add west$s; auto east --add east$s ;;
		up) whack west --name west$s --initiate ;;
		down) whack west --name west$s --terminate ;;
		delete) whack west --name west$s --delete; whack east --name east$s --delete ;;
		esac
	done
}

# Datagrams of three fragments, ten a second.
big() {		# netns address
	on "$1" perl -MSocket=:all -e '
		my ($err, $to) = getaddrinfo($ARGV[0], 5000, { socktype => SOCK_DGRAM });
		my $any = $to->{family} == AF_INET ? pack_sockaddr_in(5000, INADDR_ANY) :
			pack_sockaddr_in6(5000, IN6ADDR_ANY);
		socket(my $s, $to->{family}, SOCK_DGRAM, 0) or die;
		setsockopt($s, IPPROTO_IPV6, IPV6_V6ONLY, 1);
		bind($s, $any) or die;
		for (;;) {
			send($s, "x" x 3000, 0, $to->{addr});
			select(undef, undef, undef, 0.1);
		}' "$2" &
}
ready
# Errors are not selected and may leave in clear: for the moment that one side
# is there and the other is not yet.
for host in wlan elan; do
	on $host iptables-legacy -A OUTPUT -p icmp --icmp-type 3 -j DROP
	on $host ip6tables-legacy -A OUTPUT -p icmpv6 --icmpv6-type 1 -j DROP
done
start_both
each add
event "up, before traffic" each up
traffic_in_fragments() {
	big wlan 192.0.2.10
	big wlan 2001:db8:2::10
	big elan 192.0.1.10
	big elan 2001:db8:1::10
}
event "fragments while up" traffic_in_fragments
whole() {	# host Ip|Ip6
	on "$1" nstat -asz "$2ReasmOKs" | awk -v n="$2ReasmOKs" '$1 == n { print $2 }'
}
if [ -z "$STOCK" ]; then
	before=$(for host in wlan elan; do whole $host Ip; whole $host Ip6; done)
	sleep 1
	for host in wlan elan; do
		for family in Ip Ip6; do
			above "$family: datagrams arrive whole at $host" "$(whole $host $family)" "$(sed -n 1p <<< "$before")"
			before=$(sed 1d <<< "$before")
		done
	done
	above "through ESP" "$(wire_count encrypted)" 10
fi
event "down" each down
event "up again" each up
event "delete" each delete
event "loaded anew" each add
event "up after delete" each up
flush() { flush_xfrm west; sleep 1; }
event "policies and states flushed by hand" flush
finish_leaks
