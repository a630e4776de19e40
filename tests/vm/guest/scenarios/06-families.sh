# SPDX-License-Identifier: GPL-2.0-or-later
# IPv6 inside IPv4, IPv4 inside IPv6, IPv6 inside IPv6.
. /t/tests/vm/guest/lib.sh
conn six-in-four <<-'EOF'
	leftsubnet=2001:db8:1::/64
	rightsubnet=2001:db8:2::/64
EOF
conn four-in-six <<-'EOF'
	left=2001:db8:100::1
	right=2001:db8:100::2
	leftsubnet=192.0.1.0/24
	rightsubnet=192.0.2.0/24
EOF
conn six-in-six <<-'EOF'
	left=2001:db8:100::1
	right=2001:db8:100::2
	leftsubnet=2001:db8:1::/64
	rightsubnet=2001:db8:2::/64
EOF
begin six-in-four four-in-six six-in-six
default_deny west
count_marks west
tables_before west
check "default-deny holds" no_ping_from wlan 2001:db8:2::10
check "IPv6 in IPv4 comes up" up six-in-four
check "IPv6 in IPv4 passes" ping_from wlan 2001:db8:2::10
check "IPv6 in IPv4 passes back" ping_from elan 2001:db8:1::10
is "IPv6 in IPv4 is marked" "$(seen_marks west marked 6)" 6
gone six-in-four
check "IPv4 in IPv6 comes up" up four-in-six
check "IPv4 in IPv6 passes" ping_from wlan 192.0.2.10
check "IPv4 in IPv6 passes back" ping_from elan 192.0.1.10
is "IPv4 in IPv6 is marked" "$(seen_marks west marked 4)" 6
gone four-in-six
check "IPv6 in IPv6 comes up" up six-in-six
check "IPv6 in IPv6 passes" ping_from wlan 2001:db8:2::10
check "IPv6 in IPv6 passes back" ping_from elan 2001:db8:1::10
is "IPv6 in IPv6 is marked" "$(seen_marks west marked 6)" 12
is "no IPv6 packet without" "$(seen_marks west unmarked 6)" 0
is "no IPv4 packet without" "$(seen_marks west unmarked 4)" 0
no_clear
allow_all west
on west ip xfrm policy flush
no_ping_from wlan 2001:db8:2::10
no_clear "IPv6: flushed policies do not leak"
is "IPv6: the guard counted them" "$(guarded west out 6)" 3
deny_again west
gone six-in-six
# 4.10's script goes by the verb's suffix, which has the gateways' family.
finish 'output: Error: inet6\? prefix is expected'
