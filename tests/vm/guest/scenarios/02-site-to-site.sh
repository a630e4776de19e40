# SPDX-License-Identifier: GPL-2.0-or-later
# Traffic flows both ways through default-deny, marked; nothing else does.
. /t/tests/vm/guest/lib.sh
site
begin site
default_deny west
count_marks west
tables_before west
check "default-deny holds" no_ping_from wlan 192.0.2.10
check "the connection comes up" up site
check "LAN to LAN" ping_from wlan 192.0.2.10
check "LAN to LAN, the other way" ping_from elan 192.0.1.10
check "gateway to LAN" ping_from west 192.0.2.10 -I 192.0.1.1
check "LAN to gateway" ping_from elan 192.0.1.1
no_clear
is "all of it is ESP" "$(wire_count encrypted)" 24
is "decrypted packets carry the mark" "$(seen_marks west marked)" 12
is "none without" "$(seen_marks west unmarked)" 0
is "nothing else carries one" "$(seen_marks west strange)" 0
before=$(echoes wlan)
spoof 192.0.2.77 192.0.1.10
is "the guard drops spoofed packets" "$(guarded west in)" 3
check "the dump can be restored" bash -c 'ip netns exec west iptables-legacy-save | ip netns exec west iptables-legacy-restore --test'
check "nft's too" bash -c 'ip netns exec west nft list ruleset | ip netns exec west nft -c -f -'
allow_all west
wire_reset
on west ip xfrm policy flush
no_ping_from wlan 192.0.2.10
no_clear "flushed policies do not leak"
is "the guard counted them" "$(guarded west out)" 3
spoof 192.0.2.77 192.0.1.10
is "the guard alone drops spoofed packets" "$(guarded west in)" 6
is "none of them came in" "$(($(echoes wlan) - before))" 0
deny_again west
gone site
finish
