# SPDX-License-Identifier: GPL-2.0-or-later
# Source NAT on the WAN, before and after, and a flow that it translated
# before there was a connection.
. /t/tests/vm/guest/lib.sh
site
conn other <<-'EOF'
	leftsubnet=192.0.3.0/24
	rightsubnet=192.0.4.0/24
EOF
begin site other
ip -n west route add 192.0.4.0/24 via 198.51.100.2
on west iptables-legacy -t nat -A POSTROUTING -o w0 -j MASQUERADE
on west iptables-legacy -A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT
tables_before west
on west sysctl -q -w net.netfilter.nf_conntrack_udp_timeout=600
on elan socat -u UDP4-RECV:7000 CREATE:"$WORK/udp" &
wait_for 10 test -e "$WORK/udp"
send() {
	echo "$1" | on wlan socat -u - UDP4-SENDTO:192.0.2.10:7000,sourceport=7001
}
translated() {
	on west conntrack -L -p udp --dport 7000 --src-nat 2> /dev/null | grep -c .
}
send before
check "a flow arrives in clear" wait_for 5 grep -q before "$WORK/udp"
is "translated" "$(translated)" 1
ping_from wlan 192.0.2.10
above "as is ping" "$(wire_count clear)" 2
check "the connection comes up" up site
is "the translation has gone" "$(translated)" 0
wire_reset
check "ping through MASQUERADE" ping_from wlan 192.0.2.10
send after
check "the old flow goes on" wait_for 5 grep -q after "$WORK/udp"
check "the peer may start one too" ping_from elan 192.0.1.10
no_clear "neither new nor old flows leak"
is "all of it is ESP" "$(wire_count encrypted)" 13
# An operator who puts MASQUERADE ahead of us opens the leak of the legacy
# tables; the next call, whichever connection it is for, closes it.  In nftables
# nothing of theirs comes ahead of us, and behind it the guard stands again.
on west iptables-legacy -t nat -I POSTROUTING -o w0 -j MASQUERADE
wire_reset
ping_from wlan 192.0.2.10
if [ "$BACKEND" = nftables ]; then
	no_clear "a MASQUERADE ahead of all others' is behind ours"
else
	above "a MASQUERADE ahead of us leaks" "$(wire_count clear)" 2
fi
check "another connection comes up" up other
wire_reset
check "ping with that MASQUERADE" ping_from wlan 192.0.2.10
no_clear "our exemption comes first"
on west iptables-legacy -t nat -D POSTROUTING -o w0 -j MASQUERADE
down other
whack west --name other --delete
gone site
finish
