# SPDX-License-Identifier: GPL-2.0-or-later
# A trap: prepare and route come without an SA, up comes with traffic.
. /t/tests/vm/guest/lib.sh
site
begin site
default_deny west
tables_before west
whack west --name site --route
check "the trap brings no rules" tables_same west
# What meets the trap is the gateway's own: default-deny stops the others.
allow_all west
on west ping -n -c 1 -W 1 -I 192.0.1.1 192.0.2.10
deny_again west
check "traffic brings the connection up" wait_for 15 ping_from wlan 192.0.2.10
check "traffic passes back" ping_from elan 192.0.1.10
no_clear
down site
check "after down the tables are as before" tables_same west
check "and nothing passes" no_ping_from wlan 192.0.2.10
gone site
finish
