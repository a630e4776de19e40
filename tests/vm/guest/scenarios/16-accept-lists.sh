# SPDX-License-Identifier: GPL-2.0-or-later
# accept-in and accept-out: listed services and replies pass, nothing else,
# with policies alone and through an XFRM interface.
. /t/tests/vm/guest/lib.sh
ini <<-'EOF'
	[default]
	accept-in = tcp/8080
	accept-out = tcp/8081, icmp
EOF
conn policy <<-'EOF'
	leftsubnet=192.0.1.0/24
	rightsubnet=192.0.2.0/24
EOF
for side in west east; do
	{
		echo leftsubnet=192.0.1.0/24
		echo rightsubnet=192.0.2.0/24
		[ $side = east ] || echo ipsec-interface=1
	} | conn device $side
done
begin
serve wlan 8080 8082
serve west 8080 8082
serve elan 8081 8083
default_deny west
tables_before west
for kind in policy device; do
	add $kind
	check "$kind: comes up" up $kind
	wire_reset
	is "$kind: in: a listed service" "$(get elan 192.0.1.10 8080)" "hello 8080"
	check "$kind: in: another one" refused elan 192.0.1.10 8082
	check "$kind: in: ping is not listed" no_ping_from elan 192.0.1.10
	is "$kind: out: a listed service" "$(get wlan 192.0.2.10 8081)" "hello 8081"
	check "$kind: out: another one" refused wlan 192.0.2.10 8083
	check "$kind: out: ping is listed" ping_from wlan 192.0.2.10
	is "$kind: the gateway's own: in" "$(get elan 192.0.1.1 8080)" "hello 8080"
	check "$kind: the gateway's own: in, another one" refused elan 192.0.1.1 8082
	is "$kind: the gateway's own: out" "$(get west 192.0.2.10 8081 192.0.1.1)" "hello 8081"
	check "$kind: the gateway's own: out, another one" refused west 192.0.2.10 8083 192.0.1.1
	check "$kind: the gateway's own: out, ping" ping_from west 192.0.2.10 -I 192.0.1.1
	no_clear "$kind: no packet in clear on the wire"
	gone $kind
done
finish
