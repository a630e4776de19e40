# SPDX-License-Identifier: GPL-2.0-or-later
# What pluto's children have: few capabilities, and its log as descriptor 3.
# The helper works with the ones and closes the other.
. /t/tests/vm/guest/lib.sh
UPDOWN=$WORK/outer
site
for place in outer inner; do
	cat > "$WORK/$place" <<-EOF
	#!/bin/sh
	cat /proc/self/status > "$WORK/$place.status"
	readlink /proc/\$\$/fd/3 > "$WORK/$place.3"
	[ $place = inner ] || exec $HELPER
	EOF
	chmod +x "$WORK/$place"
done
ini <<-EOF
	[default]
	chain-updown = $WORK/inner
EOF
begin site
tables_before west
check "the connection comes up" up site
# NET_ADMIN, NET_RAW and DAC_READ_SEARCH; Libreswan 5 leaves them SETPCAP too.
capabilities() {	# outer|inner CapBnd|CapEff
	sed -n "s/^$2:\t0*//p" "$WORK/$1.status" | sed 's/^3104$/3004/'
}
is "pluto's children have few capabilities" "$(capabilities outer CapBnd)" 3004
is "and no more in effect" "$(capabilities outer CapEff)" 3004
is "the helper's child has the same" "$(capabilities inner CapBnd)" 3004
is "pluto leaves its log open as descriptor 3" "$(cat "$WORK/outer.3")" "$WORK/west.log"
is "the helper does not" "$(cat "$WORK/inner.3")" ""
above "rules came nevertheless" "$(rules_of west site)" 3
check "traffic passes" ping_from wlan 192.0.2.10
gone site
finish
