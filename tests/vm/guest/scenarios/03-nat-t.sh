# SPDX-License-Identifier: GPL-2.0-or-later
# ESP in UDP: marks and accepts hold.
. /t/tests/vm/guest/lib.sh
site encapsulation=yes
begin site
default_deny west
count_marks west
tables_before west
check "the connection comes up" up site
wire_reset
check "traffic passes" ping_from wlan 192.0.2.10
check "and back" ping_from elan 192.0.1.10
no_clear
is "ESP is in UDP" "$(wire_count natt)" 12
is "and nowhere else" "$(wire_count encrypted)" 0
is "decrypted packets carry the mark" "$(seen_marks west marked)" 6
is "none without" "$(seen_marks west unmarked)" 0
is "nothing else carries one" "$(seen_marks west strange)" 0
spoof 192.0.2.77 192.0.1.10
is "the guard drops spoofed packets" "$(guarded west in)" 3
gone site
finish
