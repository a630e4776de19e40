# SPDX-License-Identifier: GPL-2.0-or-later
# An up whose rules can't be set: on-error = hold blocks the connection and
# succeeds, on-error = fail fails and changes nothing.
. "$TESTS/netns/lib.sh"
on_error() {
	ini <<-INI
		[global]
		mark-mask = 0x1
		[default]
		chain-updown = off
		reject = yes
		open-ike = yes
		log = LOG
		on-error = $1
	INI
}
on_error hold
keep_tables
call up-client PLUTO_CONNECTION=other PLUTO_PEER_CLIENT=10.0.0.0/8
tables > "$WORK/other"
output=$(call up-client 2>&1)
is "hold: exit" $? 0
is "hold: one line, loud" "$output" "office: up-client: ON HOLD, the connection's traffic is blocked: mark-mask 0x1: all values are taken; widen it; mend it and bring the connection up again"
is "hold: all that goes in and out is dropped" "$(blocks office)" 2
is "hold: so is what its SA carries" "$(blocked_sas office 16389)" 2
is "hold: nothing is accepted" "$(accepts office)" 0
is "hold: the record says so" "$(grep -h '^FWH_STATE=' "$RUN"/*/conns/office-*)" "FWH_STATE=blocked"
check "hold: a route does not open it" silent_call route-client
is "hold: still blocked" "$(blocks office)" 2
check "hold: down takes it away" silent_call down-client
check "hold: the other connection is as before" diff "$WORK/other" <(tables)
on_error fail
check "fail: exit 1" refused "mark-mask 0x1: all values are taken" up-client
check "fail: nothing changed" diff "$WORK/other" <(tables)
call down-client PLUTO_CONNECTION=other PLUTO_PEER_CLIENT=10.0.0.0/8
check "the mark is free again" silent_call up-client
call down-client
check "tables after all" same_tables
