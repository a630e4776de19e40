# SPDX-License-Identifier: GPL-2.0-or-later
# Rules in a person's own words: they come with the connection, count packets, go
# with it, and what their parsers do not take changes nothing.
. "$TESTS/netns/lib.sh"
. "$TESTS/netns/fw.sh"
. "$TESTS/netns/gateway.sh"

# The connection's own packets are those with its mark, as in 08-packets: this
# kernel may have no ESP.
esp=('mark-source = esp' 'mark = 0x10000/0xff0000')
ours() {
	case $BACKEND in
	iptables) legacy_rules | grep -e '-A fw-office-[^ ]*-r[a-z]* ' ;;
	nftables) nft list table inet ipsec_fw 2> /dev/null |
			awk '/^\tchain raw-/ { inside = 1; next } /^\t}/ { inside = 0 } inside' ;;
	esac
}
# counter N: packets of the nth of our rules.
counter() {
	ours | sed -n "$1p" | sed -n -e 's/^\[\([0-9]*\):.*/\1/p' -e 's/.*counter packets \([0-9]*\) .*/\1/p'
}
# raw NFT IPTABLES: a line of the settings for either backend
raw() { [ $BACKEND = nftables ] && echo "nft = $1" || echo "iptables = $2"; }

settings 'guard = off' "${esp[@]}" \
	"$(raw 'forward in: ip protocol icmp counter' 'filter FORWARD in: -p icmp -j RETURN')" \
	"$(raw 'forward in: tcp dport { 22, 80-88 } counter drop' 'filter FORWARD in: -p tcp -m multiport --dports 22,80:88 -j DROP')" \
	"$(raw 'forward in: ip saddr ${PEER_CLIENT} meta mark & ${MARK_MASK} == ${MARK} counter comment ${CONN}' \
		'filter FORWARD in: -s ${PEER_CLIENT} -m mark --mark ${MARK} -m comment --comment "to ${CONN}" -j RETURN')" \
	"$(raw 'forward in ip6: counter' 'filter FORWARD in: -6 -j RETURN')"
decryption
keep_tables
check "up is silent" silent_call up-client
is "the connection has its three rules" "$(ours | wc -l)" 3
check "with their values" bash -c "$(declare -f ours legacy_rules); BACKEND=$BACKEND FORM=$FORM; ours | grep -e '192.0.2.0/24.*0x.*10000.*office'"
marked > /dev/null
is "they count its packets" "$(counter 1)" 5
[ $BACKEND = iptables ] || is "each of them" "$(counter 3)" 5
pings peer -I 192.0.2.10 192.0.1.10
is "and no others" "$(counter 1)" 5
peer socat -u /dev/null TCP4:192.0.1.10:85,bind=192.0.2.10,connect-timeout=0.2 2> /dev/null
above "another call keeps the counters" "$(call up-client; counter 1)" 4
is "status holds nothing for lost" "$(json '.connections[0].drift | length' status --json)" 0
fw reconcile > /dev/null
is "reconcile leaves them" "$(counter 1)" 5
check "show has them" bash -c "$(printf '%q ' "${FW[@]}") show office --rules | grep -e icmp"
[ $BACKEND = nftables ] && nft flush chain inet ipsec_fw "$(nft list table inet ipsec_fw | sed -n 's/^\tchain \(raw-[^ ]*\) .*/\1/p')" ||
	iptables-legacy -F "$(iptables-legacy -S | sed -n -e 's/^-N \(fw-office-.*-rfwi\)$/\1/p' -e 's/.*own-fwd-in.* -j //p')"
is "somebody flushes their chain" "$(ours | wc -l)" 0
fw reconcile > /dev/null
is "and reconcile brings them back" "$(ours | wc -l)" 3
check "a dry run prints them" bash -c "$(declare -f call); $(declare -p site OPTIONS WRAP); OPTIONS=(--dry-run); call up-client | grep -e 192.0.2.0/24.*10000.*office"
call down-client
check "down leaves the tables as they were" same_tables

settings 'guard = off' "${esp[@]}" \
	"$(raw 'forward in: udp dport 53 counter' 'filter FORWARD in: -p udp --dport 53 -j RETURN')" \
	"$(raw 'forward in: udp dport 54 counter drop' 'filter FORWARD in: -p udp -m limit --limit 1/minute --dport 54 -j DROP')"
check "an option's second use in another rule" silent_call up-client
is "both rules are there" "$(ours | grep -c 'dport 5[34]')" 2
call down-client
check "and gone" same_tables

# ---- what is not taken ----

# wrong WORD NFT IPTABLES: an up fails with the word, the file and the line, and
# nothing is left behind.
wrong() {
	settings 'guard = off' 'on-error = fail' "$(raw "$2" "$3")"
	refused "$1" up-client || return 1
	refused "ipsec-fw.conf:5: " up-client || return 1
	same_tables
}
check "a syntax error" wrong "$(raw 'syntax error' dprot | cut -d' ' -f3-)" 'forward in: tcp dprt 22 drop' 'filter FORWARD in: -p tcp --dprot 22 -j DROP'
check "a match that nobody knows" wrong nosuch 'forward in: nosuch 5 drop' 'filter FORWARD in: -m nosuch -j DROP'
check "a target that nobody knows" wrong nosuch 'forward in: nosuch' 'filter FORWARD in: -j nosuch'
check "a chain of somebody else" wrong c 'forward in: jump c' 'filter FORWARD in: -j INPUT_of_mine_c'
check "a named set" wrong elsewhere 'forward in: ip saddr @elsewhere drop' 'filter FORWARD in: -m set --match-set elsewhere src -j DROP'
check "another table" wrong "$(raw 'syntax error' 'unknown option -t' | cut -d' ' -f3-)" 'forward in: inet other x drop' 'filter FORWARD in: -t nat -j DROP'
check "a name is not looked up" wrong "$(raw 'expr' 'example.org: expected ADDRESS' | cut -d' ' -f3-)" 'forward in: tcp dport example.org.expr drop' 'filter FORWARD in: -s example.org -j DROP'
check "what the kernel does not take there" wrong "not possible in" 'forward in: masquerade' 'filter FORWARD in: -j MASQUERADE'
check "a value that is not known" wrong 'VIRT_INTERFACE}: the connection has no such device' 'forward in: iifname ${VIRT_INTERFACE} drop' 'filter FORWARD in: -i ${VIRT_INTERFACE} -j DROP'
for bad in 'forward: drop' 'forward sideways: drop' 'nowhere in: drop' 'forward in:' \
	'forward in: drop;flush ruleset' 'forward in: ip saddr { 1.2.3.4' 'forward in: drop }' \
	'forward in: log prefix "x' 'forward in: index 0 drop' 'forward in: drop # not' \
	'forward in: meta mark ${MARKK}' 'forward in: meta mark $MARK' 'forward in: log prefix "\" drop'; do
	settings "nft = $bad"
	check "settings: nft = $bad" refused "ipsec-fw.conf:3: nft = " up-client
done
for bad in 'FORWARD in: -j DROP' 'nat FORWARD in: -j DROP' 'filter FORWARD: -j DROP' \
	'filter INPUT out: -j DROP' 'filter FORWARD in: -m comment --comment "x -j DROP' \
	"filter FORWARD in: -m comment --comment 'x' -j DROP" 'filter FORWARD in: -s ${PEERS} -j DROP' \
	'filter FORWARD in: -j \DROP'; do
	settings "iptables = $bad"
	check "settings: iptables = $bad" refused "ipsec-fw.conf:3: iptables = " up-client
done
check "the tables are as they were" same_tables
settings "$(raw 'forward in: nosuch' 'filter FORWARD in: -j nosuch')"
check "on-error = hold blocks" bash -c "$(declare -f call); $(declare -p site OPTIONS WRAP); call up-client 2>&1 | grep 'ON HOLD.*nosuch'"
is "both ways" "$(blocks)" 2
call down-client

# What a peer chooses is a value and stays one.
settings 'guard = off' 'on-error = fail' "$(raw 'forward in: log prefix "${CONN} " iifname ${INTERFACE} counter' \
	'filter FORWARD in: -i ${INTERFACE} -m comment --comment ${CONN} -j RETURN')"
hostile='a"; drop; # $(reboot) -j DROP'
check "a hostile name" silent_call up-client PLUTO_CONNECTION="$hostile"
is "is one word" "$(case $BACKEND in
	iptables) plain_tables | grep -c -- '-A fw-[^ ]*-rfwi -i w0 -m comment --comment "a_; drop; # .(reboot) -j DROP" -j RETURN' ;;
	nftables) nft list table inet ipsec_fw | grep -c 'log prefix "a_; drop; # _(reboot) -j DROP " iifname "w0" counter' ;;
	esac)" 1
call down-client PLUTO_CONNECTION="$hostile"
[ $BACKEND = nftables ] || check "a name that would be an option" refused "begins with '-' or '!'" up-client PLUTO_CONNECTION=-j
check "a device whose name is a pattern" refused "INTERFACE}: the device's name is none" up-client PLUTO_INTERFACE='w*'
check "the tables are as they were" same_tables

# ---- check ----

{ printf '[global]\nbackend = %s\n[template t]\n' $BACKEND
	raw 'forward in: tcp dprt 22 drop' 'filter FORWARD in: -p tcp --dprot 22 -j DROP'
	printf '[default]\n'
	raw 'input: tcp dport { 22, 80 } accept' 'filter INPUT: -p tcp -m multiport --dports 22,80 -j ACCEPT'
	raw 'srcnat: snat ip to ${MY_SOURCEIP}' 'nat POSTROUTING: -j SNAT --to-source 192.0.2.1'
	printf '[conn a]\n'
	raw 'forward in: snat ip to 192.0.2.1' 'filter FORWARD in: -j SNAT --to-source 192.0.2.1'
	raw 'forward in: tcp dport 65536 drop' 'filter FORWARD in: -p tcp --dport 65536 -j DROP'
} > /run/raw.conf
found() { "$@" "$PREFIX/usr/sbin/ipsec-fw" check /run/raw.conf | sed 's|^/run/raw.conf:\([0-9]*\): .*|\1|' | sort -n | tr '\n' ' '; }
is "check finds each mistake, the parser's and the kernel's" "$(found)" "4 9 10 "
chown nobody /run/raw.conf
# The kernel is asked in a namespace of one's own, which nobody gets in a chroot;
# then each is said to be untried.
as_nobody="setpriv --reuid=nobody --regid=nogroup --clear-groups"
if [ $BACKEND = iptables ]; then wanted='4 10 '
elif $as_nobody unshare -U true 2> /dev/null; then wanted='4 9 10 '
else wanted='4 6 7 9 10 '
fi
is "without root what needs no kernel for iptables" "$(found $as_nobody)" "$wanted"
check "it leaves no table behind" same_tables
printf '[global]\nbackend = %s\n[default]\n%s\n[conn both]\nnft = forward in: drop\niptables = filter FORWARD in: -j DROP\n' $BACKEND \
	"$([ $BACKEND = iptables ] && echo 'nft = forward in: drop' || echo 'iptables = filter FORWARD in: -j DROP')" > "$WORK/other.conf"
is "lines of the other backend alone are a finding" "$("$PREFIX/usr/sbin/ipsec-fw" check "$WORK/other.conf" | grep -c ":4: this machine's backend is $BACKEND")" 1
is "the only one" "$("$PREFIX/usr/sbin/ipsec-fw" check "$WORK/other.conf" | wc -l)" 1

# ---- a mistake that comes later ----

other=(PLUTO_CONNECTION=other PLUTO_SA_REQID=16400 PLUTO_PEER_CLIENT=192.0.3.0/24)
with() { { printf '[default]\nchain-updown = off\n[conn office]\n'; raw "$1" "$2"; } | ini; }
with 'forward in: counter' 'filter FORWARD in: -j RETURN'
call up-client
call up-client "${other[@]}"
with 'forward in: contuer' 'filter FORWARD in: -j RETRUN'
check "status goes on" bash -c "$(printf '%q ' "${FW[@]}") status | grep office"
[ $BACKEND = nftables ] && nft flush chain inet ipsec_fw forward || iptables-legacy -F ipsec-fw-fwd
fw reconcile > "$WORK/said" 2>&1
check "reconcile says whose mistake it is" grep -q 'office: all its traffic is blocked: .*ipsec-fw.conf:4: ' "$WORK/said"
is "and blocks it" "$(blocks office)" 2
is "and renews all others" "$(fw show other --json | jq '[.[0].path[] | select(.presence == "missing")] | length')" 0
with 'forward in: counter' 'filter FORWARD in: -j RETURN'
fw reconcile > /dev/null
is "mended, its rule is there" "$(ours | wc -l)" 1
is "and nothing is blocked" "$(blocks)" 0
call down-client
call down-client "${other[@]}"
if [ $BACKEND = nftables ]; then
	nft add table inet ipsec_fw_draft
	with 'forward in: counter' ''
	call up-client
	check "what a killed call left is gone" bash -c '! nft list table inet ipsec_fw_draft'
	call down-client
	nft add table inet ipsec_fw_draft
	fw flush --yes > /dev/null
	check "flush takes it, too" bash -c '! nft list table inet ipsec_fw_draft'
fi
check "the tables are as they were" same_tables

# The manual page's own.
sed -n '/^\.Bd/,/^\.Ed/p' "$PREFIX/usr/share/man/man5/ipsec-fw.conf.5" |
	sed -n '/^\[template customer\]/,/^\.Ed/{/^\.Ed/d;p}' > "$WORK/page.conf"
check "the page's example has both backends' rules" test "$(grep -c '^nft\|^iptables' "$WORK/page.conf")" = 4
is "check finds nothing wrong with it" "$("$PREFIX/usr/sbin/ipsec-fw" check "$WORK/page.conf")" "no finding"
{ printf '[default]\nchain-updown = off\n'; cat "$WORK/page.conf"; } | ini
check "and it comes up" silent_call up-client PLUTO_CONNECTION=customer-1 PLUTO_MY_SOURCEIP=192.0.1.1 PLUTO_INTERFACE=lo
is "with two rules" "$(case $BACKEND in
	iptables) plain_tables | grep -c '^-A fw-customer.*-r\(fwi\|pst\) ' ;;
	nftables) nft list table inet ipsec_fw | grep -c -e 'limit rate 3/minute' -e 'snat ip to 192.0.1.1' ;;
	esac)" 2
call down-client PLUTO_CONNECTION=customer-1 PLUTO_MY_SOURCEIP=192.0.1.1 PLUTO_INTERFACE=lo
check "the tables are as they were" same_tables
