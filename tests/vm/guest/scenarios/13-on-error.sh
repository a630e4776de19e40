# SPDX-License-Identifier: GPL-2.0-or-later
# Rules that can't be set: no mark is left for the connection.  "hold" leaves
# it blocked and the daemon at peace, "fail" leaves it down.
. /t/tests/vm/guest/lib.sh
conn other <<-'EOF'
	leftsubnet=192.0.3.0/24
	rightsubnet=192.0.4.0/24
EOF
site
settings() {
	ini <<-EOF
	[global]
	mark-mask = 0x10000
	[default]
	on-error = $1
	EOF
}
attempts() {
	grep -c '"site" #[0-9]*: initiating \(IKEv2 connection\|Child SA\)' "$WORK/west.log"
}
settings hold
begin other site
ip -n west route add 192.0.4.0/24 via 198.51.100.2
tables_before west
check "a connection takes the only mark" up other
up site
check "hold: the helper says so" grep -q "ON HOLD, the connection's traffic is blocked: mark-mask 0x10000" "$WORK/west.log"
check "hold: the connection is up" bash -c "ip netns exec west ip xfrm policy | grep -q 'src 192.0.1.0/24 dst 192.0.2.0/24'"
wire_reset
check "hold: its traffic is blocked" no_ping_from wlan 192.0.2.10
check "hold: the other way too" no_ping_from elan 192.0.1.10
on west ip xfrm policy flush
no_ping_from wlan 192.0.2.10
no_clear "hold: nothing leaks"
is "hold: the daemon tries once" "$(attempts)" 1
ini < /dev/null
down site
check "hold: after mending it comes up" up site
check "hold: and its traffic passes" ping_from wlan 192.0.2.10
down other
gone site
delete other
settings fail
add other site
up other
whack west --asynchronous --name site --initiate
check "fail: the helper says so" wait_for 15 grep -q 'failed, nothing was changed: mark-mask 0x10000' "$WORK/west.log"
check "fail: pluto hears of it" wait_for 15 grep -q '"site".* up-client command exited with status 1' "$WORK/west.log"
# What pluto does then is its own affair: it tries again, or aborts.
is "fail: no rule of the connection" "$(rules_of west site)" 0
is "fail: no record" "$(ls "$WORK"/west.run/ipsec-fw/*/conns | grep -c '^site-')" 0
