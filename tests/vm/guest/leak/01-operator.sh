# SPDX-License-Identifier: GPL-2.0-or-later
# What an operator does to a connection.
. /t/tests/vm/guest/leaklib.sh
sites
ready
arm_both
event "no daemon yet" traffic
event "daemons start, no tunnel yet" start_both
event "connections are loaded" add site site6
event "up" both up
back "up"
# done_by PATTERN COMMAND...: a rekey, to its end in the log.
done_by() {
	local pattern=$1
	shift
	"$@"
	wait_for 10 grep -q "initiator rekeyed $pattern" "$WORK/west.log"
}
event "rekey of the child SAs" done_by 'Child SA' rekey_child west site
event "rekey of the IKE SA" done_by 'IKE SA' whack west --rekey-ike --name site
for what in 'Child SA' 'IKE SA'; do
	[ -n "$STOCK" ] || check "the $what was rekeyed" grep -q "initiator rekeyed $what" "$WORK/west.log"
done
back "rekeyed"
event "operator's down" both down
# The trap that stays negotiates for the traffic at the same time, and Libreswan
# 4.10 may trip over that: when traffic is back is not asked here.
event "up again" both up
replace_both() { auto west --replace site; auto west --replace site6; }
event "replace" replace_both
event "up after replace" both up
back "up after replace"
event "delete" both delete
event "loaded anew" add site site6
event "up after delete" both up
back "up after delete"
changed() {
	sed -i 's/^conn site.*/&\n\tesp=aes256-sha2_256/' "$WORK/west.conf" "$WORK/east.conf"
	for s in west east; do auto $s --replace site; auto $s --replace site6; done
}
event "reload of changed connections" changed
event "up after the reload" both up
back "up after the reload"
flush() { flush_xfrm west; sleep 1; }
event "policies and states flushed by hand" flush
event "replace after the flush" replace_both
event "up after that" both up
back "up after that"
finish_leaks
