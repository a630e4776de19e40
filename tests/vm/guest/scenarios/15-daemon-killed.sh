# SPDX-License-Identifier: GPL-2.0-or-later
# kill -9: no call.  The next daemon's reqids start over; the dead one's
# accept rules must be gone at its first call.
. /t/tests/vm/guest/lib.sh
conn one <<-'EOF'
	leftsubnet=192.0.1.0/24
	rightsubnet=192.0.2.0/24
EOF
conn two <<-'EOF'
	leftsubnet=192.0.3.0/24
	rightsubnet=192.0.4.0/24
EOF
begin one two
ip -n west route add 192.0.4.0/24 via 198.51.100.2
tables_before west
check "the first connection comes up" up one
above "it has rules" "$(rules_of west one)" 2
first=$(reqids west)
daemon_dies west
above "its rules are still there" "$(rules_of west one)" 2
wire_reset
no_ping_from wlan 192.0.2.10
no_clear "the dead daemon's connection stays guarded"
launch west
await west
auto west --add two
auto west --add one
check "another connection comes up under the new daemon" up two
is "with the same reqid" "$(reqids west)" "$first"
is "the dead daemon's rules are gone" "$(rules_of west one)" 0
above "the new one's are there" "$(rules_of west two)" 2
check "the first connection comes up again" up one
check "its traffic passes" ping_from wlan 192.0.2.10
down one
is "after down its rules are gone" "$(rules_of west one)" 0
above "the other's stay" "$(rules_of west two)" 2
up one
whack west --shutdown
check "after a shutdown the tables are as before" wait_for 15 tables_same west
finish
