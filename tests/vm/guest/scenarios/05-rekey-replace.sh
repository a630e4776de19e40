# SPDX-License-Identifier: GPL-2.0-or-later
# SPIs change without a call; --replace takes down and brings up anew.
. /t/tests/vm/guest/lib.sh
# An answer that meets no policy any more would leave the peer's side in clear.
UPDOWN_EAST=$UPDOWN
site
begin site
default_deny west
default_deny east
count_marks west
tables_before west
spis() {
	on west ip xfrm state | sed -n 's/.*spi \(0x[0-9a-f]*\) .*/\1/p' | sort | tr '\n' ' '
}
# The SA pair is new and the old one is gone.
rekeyed() {
	local now
	now=$(spis)
	[ "$now" != "$old" ] && [ "$(wc -w <<< "$now")" = 2 ]
}
check "the connection comes up" up site
check "traffic passes" ping_from wlan 192.0.2.10
tables west > "$WORK/tables-up"
same_rules() {
	tables west > "$WORK/tables-now"
	diff "$WORK/tables-up" "$WORK/tables-now"
}
old=$(spis)
rekey_child west site
check "the child SA is rekeyed" wait_for 15 rekeyed
check "traffic passes" ping_from wlan 192.0.2.10
check "traffic passes back" ping_from elan 192.0.1.10
whack west --rekey-ike --name site
check "the IKE SA is rekeyed" wait_for 15 grep -q 'initiator rekeyed IKE SA' "$WORK/west.log"
check "traffic passes" ping_from wlan 192.0.2.10
old=$(spis)
rekey_child east site
check "the peer rekeys the child SA" wait_for 15 rekeyed
check "traffic passes" ping_from wlan 192.0.2.10
check "traffic passes back" ping_from elan 192.0.1.10
check "the rules are the same" same_rules
ip netns exec wlan ping -n -i 0.02 192.0.2.10 > "$WORK/ping" 2>&1 &
pinger=$!
auto west --replace site
check "up again after --replace" up site
kill $pinger
wait $pinger
check "traffic passes" ping_from wlan 192.0.2.10
check "traffic passes back" ping_from elan 192.0.1.10
no_clear "no packet in clear on the wire, all the time"
is "all decrypted packets carried the mark" "$(seen_marks west unmarked)" 0
any_reqid() {
	sed 's/reqid [0-9]*/reqid N/; s/{ [0-9]* \(counter \)\?comment/{ N comment/'
}
any_reqid < "$WORK/tables-up" > "$WORK/tables-then"
tables west | any_reqid > "$WORK/tables-now"
check "the rules are the same but for the reqid" diff "$WORK/tables-then" "$WORK/tables-now"
gone site
finish
