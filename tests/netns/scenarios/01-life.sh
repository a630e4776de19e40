# SPDX-License-Identifier: GPL-2.0-or-later
# A connection's life in the orders that daemons call, both families.
. "$TESTS/netns/lib.sh"
six_in_four=(PLUTO_MY_CLIENT=2001:db8:1::/64 PLUTO_PEER_CLIENT=2001:db8:2::/64)
four_in_six=(PLUTO_ME=2001:db8:100::1 PLUTO_PEER=2001:db8:100::2
	PLUTO_CONN_ADDRFAMILY=ipv6)

# Rules as the dry run says them are what the kernel then shows.
as_announced() {
	local text
	OPTIONS=(--dry-run)
	text=$(call up-client "$@") || return 1
	OPTIONS=()
	silent_call up-client "$@" || return 1
	diff <(normal_text <<< "$text") <(tables_text)
}

keep_tables
check "prepare and route alone change nothing" silent_call prepare-client
check "route alone changes nothing" silent_call route-client
check "tables after prepare and route" same_tables
check "up: the kernel shows what the dry run said" as_announced
cp "$WORK/tables" "$WORK/empty"
keep_tables
check "prepare after up" silent_call prepare-client
check "route after up" silent_call route-client
check "up again" silent_call up-client
check "they change nothing" same_tables
is "one record" "$(find "$RUN" -path '*/conns/*' -type f | wc -l)" 1
mv "$WORK/empty" "$WORK/tables"
check "unroute before down" silent_call unroute-client
above "takes nothing away" "$(rules_of office)" 5
check "down" silent_call down-client
check "tables after down" same_tables
check "down again" silent_call down-client
check "unroute" silent_call unroute-client
check "tables after down, down, unroute" same_tables
is "no record" "$(find "$RUN" -path '*/conns/*' -type f | wc -l)" 0
is "no mark taken" "$(find "$RUN" -path '*/marks/*' | wc -l)" 0
check "joined verbs" silent_call prepare-route-up
above "are an up" "$(rules_of office)" 5
check "down as host" silent_call down-host
check "tables after it" same_tables

check "IPv6 in IPv4: as announced" as_announced "${six_in_four[@]}"
is "IPv6 in IPv4: no IPv4 rule" "$(iptables-legacy-save | grep -c fw-office) $(own_rules | grep -c -- '-24-24 ')" "0 0"
check "IPv6 in IPv4: down" silent_call down-client "${six_in_four[@]}"
check "IPv6 in IPv4: tables after down" same_tables
check "IPv4 in IPv6: as announced" as_announced "${four_in_six[@]}"
check "IPv4 in IPv6: down" silent_call down-client-v6 "${four_in_six[@]}"
check "IPv4 in IPv6: tables after down" same_tables

# What changes under a living connection does not make it another one.
call up-client
check "MOBIKE: up from another address" silent_call up-client \
	PLUTO_ME=203.0.113.9 PLUTO_INTERFACE=w1 PLUTO_SA_REQID=16392
is "one connection" "$(find "$RUN" -path '*/conns/*' -type f | wc -l)" 1
is "the new reqid only" "$(reqids)" "16393 "
check "down with everything else changed" silent_call down-client \
	PLUTO_CONN_KIND=CK_GOING_AWAY PLUTO_PEER=203.0.113.77 SPI_IN=0x0 \
	PLUTO_SA_REQID=16400 PLUTO_INTERFACE=NULL
check "tables after it" same_tables

# Instances share their name.
call up-client PLUTO_CONN_KIND=CK_INSTANCE PLUTO_PEER_CLIENT=10.0.0.1/32 PLUTO_SA_REQID=16388
call up-client PLUTO_CONN_KIND=CK_INSTANCE PLUTO_PEER_CLIENT=10.0.0.2/32 PLUTO_SA_REQID=16392
is "two instances, two records" "$(find "$RUN" -path '*/conns/*' -type f | wc -l)" 2
is "two instances, two marks" "$(marks | wc -w)" 2
call down-client PLUTO_CONN_KIND=CK_INSTANCE PLUTO_PEER_CLIENT=10.0.0.1/32
is "down of one leaves the other" "$(reqids)" "16393 "
call down-client PLUTO_CONN_KIND=CK_GOING_AWAY PLUTO_PEER_CLIENT=10.0.0.2/32
check "tables after both" same_tables

check "passthrough conns have no rules" silent_call route-client \
	PLUTO_CONN_POLICY=PASS+NEVER_NEGOTIATE PLUTO_SA_TYPE=none
check "not even with an up" silent_call up-client \
	PLUTO_CONN_POLICY=PASS+NEVER_NEGOTIATE
check "tables after it" same_tables
