# SPDX-License-Identifier: GPL-2.0-or-later
# What others have in the tables stays as it is: rules, order, counters.
. "$TESTS/netns/lib.sh"
foreign_rules
keep_tables -c

# Everybody's but ours; what we hook in and our chains left out.
others() {
	tables -c | sed -e "/^table inet ipsec_fw {/,/^}/d" -e "/ -j ipsec-fw-/d" -e "/-A ipsec-fw-/d" \
		-e "/^:ipsec-fw/d" -e "/ ipsec-fw[46]-/d" -e "/ ipsec-fw-owners/d" -e "/ fw-office-/d" -e "/^:fw-office-/d"
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

check "down" silent_call down-client
check "tables after down, counters too" same_tables -c
