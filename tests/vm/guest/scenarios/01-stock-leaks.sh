# SPDX-License-Identifier: GPL-2.0-or-later
# The control: with the daemon's own script the wire does show leaks, spoofed
# packets do come in and no packet is marked, so that zeros elsewhere mean
# something.
. /t/tests/vm/guest/lib.sh
UPDOWN='ipsec _updown'
site
begin site
count_marks west
check "the connection comes up" up site
check "traffic passes" ping_from wlan 192.0.2.10
check "and back" ping_from elan 192.0.1.10
no_clear "no packet in clear while up"
is "decrypted packets have no mark" "$(seen_marks west marked)" 0
above "decrypted packets are counted" "$(seen_marks west unmarked)" 5
on west iptables-legacy -t nat -A POSTROUTING -o w0 -j MASQUERADE
ping_from wlan 192.0.2.10
above "MASQUERADE leaks" "$(wire_count clear)" 2
on west iptables-legacy -t nat -F POSTROUTING
on west conntrack -F
on west ip xfrm policy flush
wire_reset
ping_from wlan 192.0.2.10
above "flushed policies leak" "$(wire_count clear)" 2
before=$(echoes wlan)
spoof 192.0.2.77 192.0.1.10
is "spoofed packets come in" "$(($(echoes wlan) - before))" 3
