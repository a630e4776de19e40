# SPDX-License-Identifier: GPL-2.0-or-later
# SAs of each processor: beside the one for all there is one for each, by acquires
# that name it.  The helper is called for the one for all only, whose reqid they share.
. /t/tests/vm/guest/swanctllib.sh
processors=$(seq 0 $(($(nproc) - 1)))
settings west trap 'per_cpu_sas = yes'
settings east none 'per_cpu_sas = yes'

# The child's SAs, a line each, as the daemon sees them.
sas() {
	inside west swanctl --list-sas --raw |
		grep -o 'uniqueid=[0-9]* reqid=[^{}]* state=INSTALLED [^{}]* per-cpu-sas=yes [^{}]*'
}
its_sa() {	# processor: the number of one
	sas | sed -n "s/^uniqueid=\([0-9]*\) .* cpu=$1 .*/\1/p" | head -n 1
}
# sent OPTION... PATTERN: packets outward through those that grep finds.
sent() {
	sas | grep "$@" | sed 's/.* packets-out=\([0-9]*\).*/\1/' |
		awk '{ n += $1 } END { print n + 0 }'
}
everywhere() {
	local processor
	for processor in $processors; do
		[ -n "$(its_sa "$processor")" ] || return 1
	done
}

# Each processor's packets go through its own SA, and come back marked, and no
# others come.
each() {	# name
	local processor before common marked unmarked
	common=$(sent -v ' cpu=')
	marked=$(seen_marks west marked) unmarked=$(seen_marks west unmarked)
	for processor in $processors; do
		before=$(sent " cpu=$processor ")
		check "$1: processor $processor: LAN to LAN" \
			on wlan taskset -c "$processor" ping -n -i 0.05 -W 2 -c 3 192.0.2.10
		above "$1: processor $processor: by its own SA" "$(sent " cpu=$processor ")" "$before"
	done
	is "$1: nothing by the one for all" "$(sent -v ' cpu=')" "$common"
	above "$1: decrypted packets carry the mark" "$(seen_marks west marked)" "$marked"
	is "$1: none without" "$(seen_marks west unmarked)" "$unmarked"
	is "$1: a reqid for each child" \
		"$(on west ip xfrm state | grep -o 'reqid [0-9]*' | sort -u | wc -l)" 2
	settled "$1"
}

ready
arm_both
default_deny west
count_marks west
event "no daemon yet" traffic
event "daemons start, traps" start_both
event "the traffic makes its tunnels" wait_for 30 everywhere
back "trapped"
each "trapped"

rekey_one() {
	old=$(its_sa 1)
	inside west swanctl --rekey --child-id "$old"
	wait_for 20 renewed_one
}
renewed_one() { [ -n "$(its_sa 1)" ] && [ "$(its_sa 1)" != "$old" ]; }
event "rekey of one processor's" rekey_one
check "it is another one" renewed_one
each "one rekeyed"

event "rekey of them all" rekey_children
is "old SAs that are left" "$(old_left)" 0
each "rekeyed"

end_one() {
	inside west swanctl --terminate --child-id "$(its_sa 0)"
}
event "one processor's ends" end_one
wait_for 20 everywhere
each "one ended"

# The helper hears of this one: what the others carry is held back from then on.
end_common() {
	inside west swanctl --terminate --child-id \
		"$(sas | grep -v ' cpu=' | sed 's/^uniqueid=\([0-9]*\) .*/\1/')"
}
event "the one for all ends" end_common
check "nothing passes without it" no_ping_from wlan 192.0.2.10

event "operator's down" down site
wait_for 20 everywhere
back "their trap brings them up again"
each "up again"

event "the daemon is killed and started" killed
wait_for 30 everywhere
back "started again"
each "started again"
event "no trap any more, and both down" gone
finish_leaks

# With a UDP port of each one's own, and both sides with traps.
encap=yes
settings east trap 'per_cpu_sas = encap'
settings west trap 'per_cpu_sas = encap'
encapsulated() {
	load east
	load west
	wait_for 30 everywhere
}
event "in UDP" encapsulated
above "in UDP: packets" "$(wire_count natt)" 0
each "in UDP"
before=$(guarded west in)
spoof 192.0.2.77 192.0.1.10
is "the guard counts spoofed packets" "$(($(guarded west in) - before))" 3
settings east none
load east
event "in UDP: no trap any more, and both down" gone

is "the helper says no more than that" \
	"$(grep -h 'updown: ' "$WORK"/{west,east}.log | grep -v 'down, and its traffic stays blocked')" ""
is "no SA is refused" \
	"$(grep -hE 'NO_PROPOSAL|TS_UNACCEPTABLE|unable to (add|install|update)' "$WORK"/{west,east}.log)" ""
is "no SA is left" "$(spis)" ""
check "an operator releases them" fw west disarm --all
is "nothing is left" "$(rules_of west site)" 0
