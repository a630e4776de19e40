# SPDX-License-Identifier: GPL-2.0-or-later
# Protocol and port selectors, and a passthrough inside a connection: what is
# selected is accepted and guarded, the rest is not.
. /t/tests/vm/guest/lib.sh
conn web <<-'EOF'
	leftsubnet=192.0.1.0/24
	rightsubnet=192.0.2.0/24
	leftprotoport=tcp
	rightprotoport=tcp/8080
EOF
conn echo <<-'EOF'
	leftsubnet=192.0.1.0/24
	rightsubnet=192.0.2.0/24
	leftprotoport=icmp
	rightprotoport=icmp
EOF
site
conn clear <<-'EOF'
	leftsubnet=192.0.1.10/32
	rightsubnet=192.0.2.10/32
	leftprotoport=tcp
	rightprotoport=tcp/8081
	authby=never
	type=passthrough
EOF
begin web echo site clear
serve elan 8080 8081
default_deny west
tables_before west
check "tcp/8080 comes up" up web
is "tcp/8080 passes" "$(get wlan 192.0.2.10 8080)" "hello 8080"
check "tcp/8081 is not accepted" refused wlan 192.0.2.10 8081
check "ping is not accepted" no_ping_from wlan 192.0.2.10
no_clear
allow_all west
ping_from wlan 192.0.2.10
above "ping is no business of the guard" "$(wire_count clear)" 5
wire_reset
on west ip xfrm policy flush
check "flushed policies: tcp/8080 does not pass" refused wlan 192.0.2.10 8080
no_clear "flushed policies do not leak tcp/8080"
deny_again west
gone web
check "icmp comes up" up echo
wire_reset
check "ping passes" ping_from wlan 192.0.2.10
check "ping passes back" ping_from elan 192.0.1.10
check "tcp is not accepted" refused wlan 192.0.2.10 8080
no_clear
gone echo
whack west --name clear --route
whack east --name clear --route
allow_all west
check "the wide connection comes up" up site
wire_reset
is "the passthrough's tcp/8081 passes" "$(get wlan 192.0.2.10 8081)" "hello 8081"
above "in clear" "$(wire_count clear)" 5
wire_reset
is "tcp/8080 passes" "$(get wlan 192.0.2.10 8080)" "hello 8080"
no_clear "as ESP"
deny_again west
gone site
finish
