# SPDX-License-Identifier: GPL-2.0-or-later
# The addresses of one connection's peer, out of the SA of another: nothing of
# it reaches the LAN, unless that one's own selectors speak of these addresses
# and ours are not there, or are on another device.
. /t/tests/vm/guest/leaklib.sh
near=leftsubnet=192.0.1.0/24
far=rightsubnet=192.0.2.0/24
printf '%s\n' $near $far | conn site
printf '%s\n' $near rightsubnet=192.0.4.0/24 | conn other
printf '%s\n' $near rightsubnet=192.0.0.0/16 | conn wide
printf '%s\n' $near $far ipsec-interface=1 | conn device west
printf '%s\n' $near $far | conn device east
printf '%s\n' $near rightsubnet=192.0.0.0/16 ipsec-interface=2 | conn second west
printf '%s\n' $near rightsubnet=192.0.0.0/16 | conn second east
printf '%s\n' type=transport esn=no | conn host
ready
start_both
add site other wide device second host
ip -n elan addr add 192.0.2.77/24 dev eth0
on wlan iptables-legacy -A INPUT -s 192.0.2.77 -j DROP
arrived() { counted wlan 4 filter '-A INPUT -s 192.0.2.77.*'; }
dropped() { on west awk -v n="$1" '$1 == n { print $2 }' /proc/net/xfrm_stat; }

# The other gateway lies: its policy sends five packets into another's SA.
lie() {	# peer's subnet of the SA
	local reqid
	reqid=$(on east ip xfrm policy list dir out |
		awk -v src="$1" '/^src/ { mine = $2 == src } mine && /reqid/ { sub(/.*reqid /, ""); print $1 }')
	on east ip xfrm policy add src 192.0.2.77/32 dst 192.0.1.10/32 dir out priority 1 \
		tmpl src 198.51.100.2 dst 198.51.100.1 proto esp reqid "$reqid" mode tunnel
	wire_reset
	on elan ping -n -i 0.05 -W 0.5 -c 5 -I 192.0.2.77 192.0.1.10
	on east ip xfrm policy delete src 192.0.2.77/32 dst 192.0.1.10/32 dir out
}

# strangers NAME SUBNET ARRIVE COUNTER: how many arrive, and which of the
# kernel's counters has the others.
strangers() {
	local arrived before
	arrived=$(arrived) before=$(dropped "$4")
	lie "$2"
	is "$1: sent by ESP" "$(wire_count encrypted)" 5
	is "$1: reach the LAN" "$(($(arrived) - arrived))" "$3"
	is "$1: the kernel counts $4" "$(($(dropped "$4") - before))" $((5 - $3))
}
up site
up other
check "traffic passes" ping_from wlan 192.0.2.10
strangers "both up" 192.0.4.0/24 0 XfrmInTmplMismatch
down site
strangers "ours down" 192.0.4.0/24 0 XfrmInNoPols
delete other
up wide
up site
check "traffic passes beside a wider one" ping_from wlan 192.0.2.10
strangers "a wider one, both up" 192.0.0.0/16 0 XfrmInTmplMismatch
down site
strangers "a wider one, ours down" 192.0.0.0/16 5 XfrmInTmplMismatch
delete site
delete wide
[ -n "$STOCK" ] || fw west disarm --all > /dev/null
up second
up device
ip -n west route replace 192.0.2.0/24 dev ipsec1
check "traffic passes, each on its device" ping_from wlan 192.0.2.10
strangers "a wider one, each on its device" 192.0.0.0/16 5 XfrmInTmplMismatch
delete device
delete second
finish_leaks

# Transport mode: ESP has the liar's source itself.
up host
check "transport mode: traffic passes" ping_from west 198.51.100.2
key=$(on east ip xfrm state list src 198.51.100.2 dst 198.51.100.1 | sed -n 's/^\taead/aead/p')
spi=$(on east ip xfrm state list src 198.51.100.2 dst 198.51.100.1 | sed -n 's/.*spi \([^ ]*\) .*/\1/p')
ip -n east addr add 192.0.2.78/24 dev l1
on east ip xfrm state delete src 198.51.100.2 dst 198.51.100.1 proto esp spi "$spi"
on east ip xfrm state add src 192.0.2.78 dst 198.51.100.1 proto esp spi "$spi" reqid 77 \
	mode transport replay-window 32 replay-oseq 100 $key
on east ip xfrm policy add src 192.0.2.78/32 dst 198.51.100.1/32 dir out priority 1 \
	tmpl proto esp reqid 77 mode transport
before=$(dropped XfrmInStateMismatch) came=$(echoes west)
wire_reset
on east ping -n -i 0.05 -W 0.5 -c 5 -I 192.0.2.78 198.51.100.1
is "transport mode: sent by ESP" "$(wire_count encrypted)" 5
is "transport mode: reach the gateway" "$(($(echoes west) - came))" 0
is "transport mode: the kernel counts XfrmInStateMismatch" "$(($(dropped XfrmInStateMismatch) - before))" 5
