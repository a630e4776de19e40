# SPDX-License-Identifier: GPL-2.0-or-later
# AH alone, and IPComp below ESP, where two states make one connection.
. /t/tests/vm/guest/lib.sh
conn ah <<-'EOF'
	leftsubnet=192.0.1.0/24
	rightsubnet=192.0.2.0/24
	phase2=ah
EOF
conn comp <<-'EOF'
	leftsubnet=192.0.1.0/24
	rightsubnet=192.0.2.0/24
	compress=yes
EOF
begin ah
default_deny west
count_marks west
tables_before west
check "AH comes up" up ah
wire_reset
check "AH: traffic passes" ping_from wlan 192.0.2.10
check "AH: traffic passes back" ping_from elan 192.0.1.10
is "AH: all of it is AH" "$(wire_count encrypted)" 12
is "AH: decrypted packets carry the mark" "$(seen_marks west marked)" 6
is "AH: none without" "$(seen_marks west unmarked)" 0
gone ah
add comp
check "IPComp comes up" up comp
on west iptables-legacy -t mangle -Z
wire_reset
check "IPComp: small packets pass" ping_from wlan 192.0.2.10
check "IPComp: small packets pass back" ping_from elan 192.0.1.10
check "IPComp: compressed packets pass" ping_from wlan 192.0.2.10 -s 1200 -p 00
check "IPComp: compressed packets pass back" ping_from elan 192.0.1.10 -s 1200 -p 00
is "IPComp: all of it is ESP" "$(wire_count encrypted)" 24
# What was not compressed comes out as IP in IP first.  Where the SA alone tells,
# that has the mark too.
is "IPComp: decrypted packets carry the mark" "$(seen_marks west marked)" \
	"$([ "$BACKEND" = nftables ] && echo 18 || echo 12)"
no_clear
gone comp
finish
