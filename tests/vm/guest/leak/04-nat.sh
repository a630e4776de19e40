# SPDX-License-Identifier: GPL-2.0-or-later
# Source NAT, and what conntrack remembers of it.
. /t/tests/vm/guest/leaklib.sh
sites
ready
arm_both
masquerade() { on west iptables-legacy -t nat -A POSTROUTING -o w0 -j MASQUERADE; }
masquerade
traffic
start_both
add site site6
event "up, with MASQUERADE from before" both up
back "up, with MASQUERADE"
event "down, with MASQUERADE" both down
event "delete, with MASQUERADE" both delete
add site site6
event "up again" both up
on west iptables-legacy -t nat -F POSTROUTING
event "the rules of nat are flushed" true
# The exemption went with the flush; the next up puts it back.
both delete
event "MASQUERADE added while there is no tunnel" masquerade
add site site6
event "up" both up
back "up, with MASQUERADE from between"
on west iptables-legacy -t nat -A POSTROUTING -o w0 -j SNAT --to-source 198.51.100.1
event "SNAT added while up" sleep 0.5
both delete
[ -n "$STOCK" ] || fw west disarm --all > /dev/null
on west conntrack -F
sleep 2			# flows in clear, translated, in conntrack
above "flows are translated" "$(on west conntrack -L 2> /dev/null | grep 'src=192.0.1' | grep -c 'dst=198.51.100.1 ')" 0
add site site6
both up
event "flows that were translated before the up" true
[ -n "$STOCK" ] || is "no flow is translated any more" "$(on west conntrack -L 2> /dev/null | grep 'src=192.0.1' | grep -c 'dst=198.51.100.1 ')" 0
[ -n "$STOCK" ] || talked
