# SPDX-License-Identifier: GPL-2.0-or-later
# leaklib.sh - traffic of many kinds, all the time, and what of it crosses the
# wire in clear while something happens to the tunnel.
. /t/tests/vm/guest/lib.sh
if grep -q 'updown=stock' /proc/cmdline; then
	STOCK=yes UPDOWN='ipsec _updown'
else
	STOCK=
	UPDOWN_EAST=$UPDOWN
fi
printf '[default]\nguard = armed\n' | ini

# The usual connection in both families.
sites() {	# LINE...
	printf '%s\n' leftsubnet=192.0.1.0/24 rightsubnet=192.0.2.0/24 "$@" | conn site
	printf '%s\n' leftsubnet=2001:db8:1::/64 rightsubnet=2001:db8:2::/64 "$@" | conn site6
}

# Small datagrams, as many a second as the machine's command line says.
rate=$(sed -n 's/.*rate=\([0-9]*\).*/\1/p' /proc/cmdline)
udp() {		# netns address
	# Of Perl there is no more than perl-base: no Time::HiRes.
	on "$1" perl -MSocket -e '
		sub uptime {
			open(my $f, "<", "/proc/uptime") or die;
			return (split " ", <$f>)[0];
		}
		socket(my $s, AF_INET, SOCK_DGRAM, 0) or die;
		my $to = pack_sockaddr_in(9, inet_aton($ARGV[0]));
		my ($n, $start) = (0, uptime);
		for (;;) {
			my $due = (uptime() - $start) * $ARGV[1];
			for (; $n < $due; $n++) {
				send($s, "x" x 64, 0, $to);
			}
			select(undef, undef, undef, 0.01);
		}' "$2" "${rate:-100}" &
}

tcp() {		# netns address
	on "$1" bash -c 'while :; do
		echo hello | timeout 1 socat -u STDIN "TCP4:$0:7,connect-timeout=1"
		sleep 0.5
	done' "$2" > /dev/null 2>&1 &
}

# All from one side: with traps at both ends and traffic from both, Libreswan
# 4.10 negotiates twice at once and does not always find out of it.
traffic() {
	since=$SECONDS
	on elan socat -u TCP4-LISTEN:7,fork,reuseaddr OPEN:/dev/null,append &
	udp wlan 192.0.2.10
	tcp wlan 192.0.2.10
	on wlan ping -q -i 0.1 192.0.2.10 > /dev/null 2>&1 &
	on wlan ping -q -i 0.1 2001:db8:2::10 > /dev/null 2>&1 &
	on wlan ping -q -i 0.5 -s 3000 192.0.2.10 > /dev/null 2>&1 &
	on west ping -q -i 0.2 -I 192.0.1.1 192.0.2.10 > /dev/null 2>&1 &
}

# Everything in clear, as the wire's ports have it, for the eye.
capture() {	# [PORT]
	on wire tcpdump -n -p -U -i "${1:-west}" -w "$WORK/clear-${1:-west}.pcap" \
		'net 192.0.1.0/24 or net 192.0.2.0/24 or net 192.0.3.0/24 or net 2001:db8:1::/64 or net 2001:db8:2::/64' \
		> /dev/null 2>&1 &
	wait_for 20 test -s "$WORK/clear-${1:-west}.pcap"
}
captured() {
	local file
	for file in "$WORK"/clear-*.pcap; do
		on wire tcpdump -n -r "$file" 2> /dev/null
	done | wc -l
}

ready() {	# topology, capture and traffic, before any daemon
	topology
	capture
}

# event NAME COMMAND...: nothing in clear while it happens and a second after.
event() {
	local name=$1 clear
	shift
	wire_reset
	"$@" > "$WORK/event.out" 2>&1
	sleep 1
	clear=$(wire_count clear)
	if [ -n "$STOCK" ]; then
		echo "leaked - $name: $clear" >> "$RESULTS"
	else
		is "$name: packets in clear" "$clear" 0
	fi
}

# One of the ten pings of two seconds is answered.
answers() {	# address
	on wlan ping -n -i 0.2 -c 1 -w 8 "$1" > "$WORK/answer"
	cat "$WORK/answer"
	grep -q 'icmp_seq=\([1-9]\|10\) ' "$WORK/answer"
}

# back NAME: both families' traffic passes within two seconds, through ESP.
back() {
	[ -z "$STOCK" ] || { wait_for 20 ping_from wlan 192.0.2.10 -c 1; return; }
	check "$1: IPv4 is back within 2 s" answers 192.0.2.10
	check "$1: IPv6 is back within 2 s" answers 2001:db8:2::10
	wire_reset
	sleep 0.3
	above "$1: through ESP" "$(($(wire_count encrypted) + $(wire_count natt)))" 0
}

back4() {
	[ -z "$STOCK" ] || { wait_for 20 ping_from wlan 192.0.2.10 -c 1; return; }
	check "$1: IPv4 is back within 2 s" answers 192.0.2.10
}

# Libreswan 5 says "already in negotiation" and no more where a trap or a revival
# came first.
up() {
	whack west --name "$1" --initiate
	wait_for 20 has_sa "$1"
}
has_sa() {
	whack west --trafficstatus | grep "\"$1\""
}

both() {	# up|down|delete: in both families
	"$1" site
	"$1" site6
}

# The boot's unit, before any daemon.
arm_both() {	# [CONN]: instead of site
	[ -z "$STOCK" ] || return 0
	local side
	cat > "$WORK/west.ini" <<-'INI'
		[conn site]
		guard-local = 192.0.1.0/24
		guard-remote = 192.0.2.0/24
		[conn site6]
		guard-local = 2001:db8:1::/64
		guard-remote = 2001:db8:2::/64
	INI
	cat > "$WORK/east.ini" <<-'INI'
		[conn site]
		guard-local = 192.0.2.0/24
		guard-remote = 192.0.1.0/24
		[conn site6]
		guard-local = 2001:db8:2::/64
		guard-remote = 2001:db8:1::/64
	INI
	for side in west east; do
		sed -i "s/^\[conn site\]/[conn ${1:-site}]/" "$WORK/$side.ini"
		backend >> "$WORK/$side.ini"
		chmod 600 "$WORK/$side.ini"
		mkdir -p "$WORK/$side.run" "$WORK/$side.state"
		check "$side: two guards are armed before any daemon" \
			bash -c "$(declare -f fw on); WORK=$WORK; fw $side --config $WORK/$side.ini arm | grep -q '^2 guards armed'"
	done
}

start_both() {
	launch west
	launch east
	await west
	await east
}

killed() {	# and started
	daemon_dies west
	sleep 1
	launch west
	await west
}

# Zeros mean something if there was traffic.
talked() {
	local sent seconds=$((SECONDS - since + 1))
	sent=$(on wlan nstat -asz UdpOutDatagrams | awk '$1 == "UdpOutDatagrams" { print $2 }')
	echo "# $SCENARIO: $((sent / seconds)) small datagrams a second" >> "$RESULTS"
	above "the LAN was talking" "$sent" $((seconds * ${rate:-100} / 10))
}

finish_leaks() {
	[ -z "${since:-}" ] || talked
	if [ -n "$STOCK" ]; then
		echo "leaked - all of $SCENARIO, by capture: $(captured)" >> "$RESULTS"
	else
		is "no packet in clear was captured, all the time" "$(captured)" 0
	fi
}
