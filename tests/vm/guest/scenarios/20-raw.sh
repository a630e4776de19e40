# SPDX-License-Identifier: GPL-2.0-or-later
# Rules in a person's own words see the connection's packets, decrypted and to be
# encrypted, across a rekeying, and go with it.
. /t/tests/vm/guest/lib.sh
ini <<-'EOF'
	[default]
	nft = forward in: ip saddr ${PEER_CLIENT} icmp type { echo-request, echo-reply } counter
	nft = forward out: ip protocol icmp counter
	nft = input: meta mark & ${MARK_MASK} == ${MARK} counter
	nft = srcnat: ip saddr 192.0.9.0/24 snat ip to ${ME}
	iptables = filter FORWARD in: -s ${PEER_CLIENT} -p icmp -j RETURN
	iptables = filter FORWARD out: -p icmp -j RETURN
	iptables = filter INPUT: -m mark --mark ${MARK} -j RETURN
	iptables = nat POSTROUTING: -4 -s 192.0.9.0/24 -j SNAT --to ${ME}
EOF
# packets PLACE: that the rule there counted.
packets() {
	case $BACKEND$1 in
	nftables*) on west nft list table inet ipsec_fw |
			sed -n "/^	chain raw-$1-/,/^	}/s/.*counter packets \([0-9]*\) .*/\1/p" ;;
	*forward-in) counted west 4 filter "-A [^ ]* -s 192.0.2.0\/24 -p icmp -j RETURN" ;;
	*forward-out) counted west 4 filter "-A [^ ]* -p icmp -j RETURN" ;;
	*input) counted west 4 filter "-A [^ ]* -m mark --mark 0x[^ ]* -j RETURN" ;;
	esac
}
site
begin site
default_deny west
tables_before west
check "the connection comes up" up site
check "LAN to LAN" ping_from wlan 192.0.2.10
check "to the gateway" ping_from elan 192.0.1.1
is "what came in was counted" "$(packets forward-in)" 3
is "what went out" "$(packets forward-out)" 3
is "what came for the gateway, by its mark" "$(packets input)" 3
rekey_child west site
check "after a rekey" ping_from wlan 192.0.2.10
is "they are still counted" "$(packets forward-in)" 6
no_clear
gone site
finish
