# SPDX-License-Identifier: GPL-2.0-or-later
# What others have in the tables stays as it is: rules, order, counters.
. "$TESTS/netns/lib.sh"
foreign_rules
keep_tables -c

# Everybody's but ours; what we hook in and our chains left out.
others() {
	tables -c | grep -v -e ' -j ipsec-fw-' -e '-A ipsec-fw-' -e '^:ipsec-fw-' \
		-e ' fw-office-' -e '^:fw-office-'
}
others > "$WORK/others"
same_others() {
	diff "$WORK/others" <(others)
}

check "up" silent_call up-client
check "up leaves the others' rules and counters" same_others
check "up again" silent_call up-client
check "and so does the second" same_others
check "a change of settings" ini <<-'INI'
[default]
chain-updown = off
accept-in = tcp/22, icmp
log = LOG
mss = 1300
INI
check "up with it" silent_call up-client
check "leaves the others' rules and counters" same_others

# An operator's dump can be restored.
iptables-legacy-save -c > "$WORK/dump4"
same_dump() {
	diff <(sed '/^#/d' "$WORK/dump4") <(iptables-legacy-save -c | sed '/^#/d')
}
check "the dump restores" iptables-legacy-restore -c "$WORK/dump4"
check "to the same" same_dump
check "the helper finds it right" silent_call up-client
check "still the same" same_dump

check "down" silent_call down-client
check "tables after down, counters too" same_tables -c

# What an operator breaks by hand, the next event mends.
call up-client
keep_tables
iptables-legacy -t mangle -F PREROUTING
iptables-legacy -F FORWARD
check "up after a flush of built-in chains" silent_call up-client
is "the guard is hooked again, first" "$(iptables-legacy -t mangle -S PREROUTING | sed -n 2p)" "-A PREROUTING -j ipsec-fw-pre"
is "forward is hooked again" "$(iptables-legacy -S FORWARD | grep -c ipsec-fw-fwd)" 1
chain=$(iptables-legacy -t mangle -S | sed -n 's/^-N \(fw-office-.*-in\)$/\1/p')
iptables-legacy -t mangle -F "$chain"
iptables-legacy -t mangle -A "$chain" -j ACCEPT
check "up after somebody's rule in our chain" silent_call up-client
is "that rule is gone" "$(iptables-legacy -t mangle -S "$chain" | grep -c -- '-j ACCEPT')" 0
above "ours are back" "$(iptables-legacy -t mangle -S "$chain" | wc -l)" 2
iptables-legacy -t mangle -D PREROUTING -j ipsec-fw-pre
iptables-legacy -t mangle -A PREROUTING -j ipsec-fw-pre
check "up after the guard's hook was moved behind" silent_call up-client
is "it is first again" "$(iptables-legacy -t mangle -S PREROUTING | sed -n 2p)" "-A PREROUTING -j ipsec-fw-pre"
is "and once" "$(iptables-legacy -t mangle -S PREROUTING | grep -c ipsec-fw-pre)" 1
iptables-legacy -D FORWARD -j ipsec-fw-fwd
iptables-legacy -A FORWARD -i eth7 -j ACCEPT
iptables-legacy -A FORWARD -j ipsec-fw-fwd
check "up after filter's hook was moved" silent_call up-client
is "it stays where the operator put it" "$(iptables-legacy -S FORWARD | tail -n 1)" "-A FORWARD -j ipsec-fw-fwd"

# Removable by hand, without us.
iptables-legacy -t filter -F INPUT
for t in mangle nat filter; do
	for c in PREROUTING INPUT FORWARD OUTPUT POSTROUTING; do
		iptables-legacy -t $t -S $c 2> /dev/null | sed -n 's/^-A \(.* -j ipsec-fw-.*\)$/-D \1/p' |
			while read -r rule; do iptables-legacy -t $t $rule; done
	done
	for c in $(iptables-legacy -t $t -S | sed -n 's/^-N \(ipsec-fw-.*\|fw-office-.*\)$/\1/p'); do
		iptables-legacy -t $t -F "$c"
	done
	for c in $(iptables-legacy -t $t -S | sed -n 's/^-N \(ipsec-fw-.*\|fw-office-.*\)$/\1/p'); do
		iptables-legacy -t $t -X "$c"
	done
done
is "removed by hand" "$(iptables-legacy-save | grep -c office)" 0
check "down after that" silent_call down-client
is "position = top" "$(call up-client; iptables-legacy -S FORWARD | sed -n 2p)" "-A FORWARD -j ipsec-fw-fwd"
call down-client
ini <<-'INI'
[global]
position = bottom
[default]
chain-updown = off
INI
is "position = bottom" "$(call up-client; iptables-legacy -S FORWARD | tail -n 1)" "-A FORWARD -j ipsec-fw-fwd"
call down-client
