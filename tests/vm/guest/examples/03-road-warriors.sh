# SPDX-License-Identifier: GPL-2.0-or-later
# examples/road-warrior-server, and two laptops with examples/road-warrior-client:
# one of the staff's and one of an administrator's.
. /t/tests/vm/guest/exampleslib.sh

# A CA and what it signed, in one key store for all.
certificate() {	# name subject serial option...
	local name=$1 subject=$2 serial=$3
	shift 3
	certutil -S -d "sql:$WORK/west.nss" -n "$name" -s "$subject" -k rsa -g 2048 \
		-z /proc/version -m "$serial" -v 12 "$@" > "$WORK/certutil" 2>&1 ||
		not_ok "a certificate for $name" "$(tail -n 1 "$WORK/certutil")"
}
cp -r /tmp/nss "$WORK/west.nss"
printf 'y\n-1\nn\n' | certificate ca "CN=Example CA,O=Example" 1 -x -t CT,C,C -2
certificate vpn.example.com "CN=vpn.example.com,O=Example" 2 -c ca -t ,, -8 vpn.example.com
certificate alice "CN=alice,OU=Staff,O=Example" 3 -c ca -t ,,
certificate ada "CN=ada,OU=Administrators,O=Example" 4 -c ca -t ,,
for side in laptop admin; do
	cp -r "$WORK/west.nss" "$WORK/$side.nss"
done

internet
uplink west w0 198.51.100.1
uplink laptop w0 203.0.113.7
uplink laptop w0 2001:db8:b::7
uplink admin w0 192.0.2.7
lan west l1 10.1.0.1/24 wlan 10.1.0.10
example west road-warrior-server
for side in laptop admin; do
	example $side road-warrior-client
done
sed -i s/alice/ada/ "$WORK/admin.conf"

leaks "a laptop without its kill switch" laptop 100.64.0.80 laptop
leaks "by IPv6 as well" laptop 2001:db8:80::80 laptop
is "the kill switch, before any daemon" "$(fw laptop arm)" "2 guards armed"
fw admin arm > /dev/null
safe() {	# name: with no tunnel
	reset
	check "$1: nothing passes" no_ping_from laptop 100.64.0.80
	check "$1: nor by IPv6" no_ping_from laptop 2001:db8:80::80
	check "$1: nor what comes from there" no_ping_from net 203.0.113.7
	none_in_clear "$1" laptop
	check "$1: but on the machine itself" ping_from laptop 127.0.0.1
}
safe "armed"
default_deny west
default_deny laptop
allow_all laptop
reset
on laptop ping -q -i 0.2 100.64.0.80 > /dev/null 2>&1 &
start west laptop admin
# The server's own rule for the way on to the Internet.
on west iptables-legacy -t nat -A POSTROUTING -o w0 -s 10.9.0.0/16 -m policy --dir out --pol none -j MASQUERADE
comes_up west staff
comes_up west administrators
none_in_clear "on the way up" laptop
deny_again laptop
serve wlan 22 443
serve west 22
serve laptop 22
lease() { on "$1" ip -o -4 addr show dev lo | sed -n 's/.* inet \(10\.9\.[^/]*\).*/\1/p'; }
is "an address of the staff's" "$(lease laptop | cut -d. -f1-3)" 10.9.0
is "and of the administrators'" "$(lease admin | cut -d. -f1-3)" 10.9.1
reset
check "the office" ping_from laptop 10.1.0.10
is "its web" "$(get laptop 10.1.0.10 443)" "hello 443"
check "not its logins" refused laptop 10.1.0.10 22
check "nor the server's" refused laptop 198.51.100.1 22
is "which an administrator has" "$(get admin 10.1.0.10 22)" "hello 22"
is "both" "$(get admin 10.1.0.1 22)" "hello 22"
check "the Internet, through the server" ping_from laptop 100.64.0.80
above "which passed it on" "$(left clear west)" 2
check "past the tunnel, nothing" no_ping_from laptop 100.64.0.80 -I 203.0.113.7
check "nor by IPv6" no_ping_from laptop 2001:db8:80::80
check "the office may ping" ping_from wlan "$(lease laptop)"
check "and begin nothing else" refused wlan "$(lease laptop)" 22
none_in_clear "up" laptop admin
above "all of it is ESP" "$(left encrypted laptop)" 9
allow_all laptop
take_down laptop vpn
safe "down"
fw laptop disarm vpn > /dev/null
leaks "disarmed" laptop 100.64.0.80 laptop
fw laptop arm > /dev/null
auto laptop --add vpn
whack laptop --name vpn --initiate
comes_up laptop vpn
check "up again" ping_from laptop 10.1.0.10
daemon_dies laptop
safe "its daemon dead"
finish "stays blocked"
