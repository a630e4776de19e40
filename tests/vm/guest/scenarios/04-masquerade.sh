# SPDX-License-Identifier: GPL-2.0-or-later
# Source NAT on the WAN, before and after, and a flow that it translated
# before there was a connection.
. /t/tests/vm/guest/lib.sh
site
begin site
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
on west iptables-legacy -t nat -I POSTROUTING -o w0 -j MASQUERADE
auto west --replace site
up site
wire_reset
check "ping with a second MASQUERADE ahead" ping_from wlan 192.0.2.10
no_clear "our exemption is first again"
on west iptables-legacy -t nat -D POSTROUTING -o w0 -j MASQUERADE
is "the operator's rules are as before" \
	"$(on west iptables-legacy -t nat -S POSTROUTING | sed -n '$p')" "-A POSTROUTING -o w0 -j MASQUERADE"
gone site
finish
