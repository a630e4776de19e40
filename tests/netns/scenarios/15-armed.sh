# SPDX-License-Identifier: GPL-2.0-or-later
# The guard that stands from the first event on, through down, dead daemons and
# boots, until somebody says otherwise.
. "$TESTS/netns/lib.sh"
foreign_rules
keep_tables
settings() { { printf '[global]\n%s\n[default]\nchain-updown = off\n' "$(says_backend)"; printf '%s\n' "$@"; } > "$INI"; }
fw() { "$PREFIX/usr/sbin/ipsec-fw" --config "$INI" --run-dir "$RUN" --state-dir "$STATE" "$@"; }
saved() { find "$STATE" -type f 2> /dev/null | wc -l; }
state() { grep -h '^FWH_STATE=' "$RUN"/*/conns/* | cut -d= -f2 | sort | tr '\n' ' '; }
wanted=PLUTO_CONN_POLICY=IKEv2+PSK+ENCRYPT+TUNNEL+PFS+UP
unwanted=PLUTO_CONN_POLICY=IKEv2+PSK+ENCRYPT+TUNNEL+PFS
settings

for verb in prepare route up; do
	check "$verb as the first event" silent_call $verb-client
	is "$verb arms" "$(guards)" 2
	is "$verb saves the guard" "$(saved)" 1
	fw disarm office > /dev/null
	[ $verb = up ] && call down-client > /dev/null 2>&1 && fw disarm office > /dev/null
	check "released" same_tables
	is "nothing saved" "$(saved)" 0
done
check "unroute as the first event" silent_call unroute-client
check "does not arm" same_tables

call up-client
touch -d '1 hour ago' "$STATE"/armed/*
call up-client PLUTO_SA_REQID=16400 SPI_IN=0x1 PLUTO_ADDTIME=77
is "another up with the same guard is not written again" "$(find "$STATE" -type f -mmin -30 | wc -l)" 0
check "the peer's delete, still wanted up: silent" silent_call down-client $wanted
is "it is armed" "$(state)" "armed "
is "the guard stands" "$(guards)" 2
is "nothing is accepted or marked" "$(accepts) $(marks)" "0 "
is "its mark is kept for it" "$(find "$RUN" -path '*/marks/*' | wc -l)" 1
check "unroute: silent" silent_call unroute-client $unwanted
is "the guard stands" "$(guards)" 2
check "up again" silent_call up-client $wanted
is "accepts" "$(accepts)" 2
output=$(call down-client $unwanted 2>&1)
is "the operator's down says how to release it" "$output" \
	"office: down-client: down, and its traffic stays blocked; to release it: ipsec-fw disarm 'office'"
check "a second down is silent" silent_call down-client $unwanted
is "status shows it" "$(fw status | tail -n 1 | tr -s ' ' | cut -d' ' -f1-5)" "office armed 192.0.1.0/24 === 192.0.2.0/24"
is "disarm says what it did" "$(fw disarm office)" "office: 1 guard released"
check "the tables are as before" same_tables
check "unroute after it" silent_call unroute-client $unwanted
check "does not arm again" same_tables
check "an unknown name is said" bash -c "! '$PREFIX/usr/sbin/ipsec-fw' -c $INI -r $RUN -s $STATE disarm nobody 2> $WORK/err && grep -q \"no armed connection is called 'nobody'\" $WORK/err"

call up-client
fw disarm office > /dev/null
is "disarmed while up: the guard stands" "$(guards)" 2
check "until it is down" silent_call down-client $unwanted
check "and goes" same_tables
call up-client
settings 'guard = off'
check "guard = off, said while it was up" silent_call down-client $unwanted
check "lets go" same_tables
settings
call up-client
settings 'gaurd = off'
call down-client $wanted > /dev/null 2>&1
is "settings that broke meanwhile: it stays armed" "$(guards)" 2
settings 'guard = off'
call up-client
is "guard = off at the next up" "$(guards)" 0
call down-client
check "nothing is left" same_tables
is "nor saved" "$(saved)" 0

# Whose addresses are on loan is not blocked for good.
settings
loan() {	# name variables...
	local name=$1
	shift
	call up-client "$@"
	above "$name: guarded while up" "$(guards)" 1
	call down-client "$@"
	check "$name: free when down" same_tables
}
loan "road warrior" PLUTO_CONN_KIND=CK_INSTANCE PLUTO_PEER_CLIENT=10.0.0.5/32
call up-client PLUTO_CONN_KIND=CK_INSTANCE PLUTO_PEER_CLIENT=10.0.0.5/32
call down-client PLUTO_CONN_KIND=CK_GOING_AWAY PLUTO_PEER_CLIENT=10.0.0.5/32
check "road warrior that goes away: free" same_tables
loan "leased address" PLUTO_CFG_CLIENT=1 PLUTO_MY_CLIENT=10.0.0.5/32 PLUTO_MY_SOURCEIP=10.0.0.5
loan "strongSwan's road warrior" PLUTO_VERSION=1.1 PLUTO_REQID=1 PLUTO_PEER_CLIENT=10.0.0.5/32
loan "opportunistic" PLUTO_CONN_POLICY=OPPORTUNISTIC
call up-client PLUTO_CONN_POLICY=OPPORTUNISTIC+NEGO_PASS+failurePASS
is "clear text as the agreed fall-back: no guard" "$(guards)" 0
call down-client PLUTO_CONN_POLICY=OPPORTUNISTIC+NEGO_PASS+failurePASS
settings 'guard = armed'
call up-client PLUTO_CONN_KIND=CK_INSTANCE PLUTO_PEER_CLIENT=10.0.0.5/32
call down-client PLUTO_CONN_KIND=CK_GOING_AWAY PLUTO_PEER_CLIENT=10.0.0.5/32 $wanted
is "guard = armed, said in so many words, holds for instances too" "$(guards)" 2
fw disarm --all > /dev/null
check "released" same_tables

# A script that fails takes the connection down, not its guard of before.
settings
call route-client
printf '#!/bin/sh\nexit 9\n' > "$WORK/script"
chmod 700 "$WORK/script"
settings "chain-updown = $WORK/script"
call up-client > /dev/null 2>&1
is "a failing script leaves what was armed before" "$(guards) $(accepts) $(state)" "2 0 armed "
settings
fw disarm --all > /dev/null

six=(PLUTO_CONNECTION=six PLUTO_MY_CLIENT=2001:db8:1::/64 PLUTO_PEER_CLIENT=2001:db8:2::/64)
ports=(PLUTO_CONNECTION=web PLUTO_MY_PROTOCOL=6 PLUTO_PEER_PROTOCOL=6 PLUTO_PEER_PORT=8080)
range=(PLUTO_CONNECTION=range PLUTO_PEER_CLIENT=192.0.9.1-192.0.9.6)
call up-client "${six[@]}"
call up-client "${ports[@]}"
call up-client "${range[@]}"
call route-client
call down-client "${six[@]}" $wanted
call down-client "${ports[@]}" $wanted
call down-client "${range[@]}" $wanted
# All of ours; a chain that was needed once stays until the table goes.
sorted() { case $BACKEND in iptables) tables | sort ;; nftables) own_rules | sort ;; esac; }
sorted > "$WORK/guarded"
boot
is "after a boot nothing stands" "$(guards)" 0
is "ipsec-fw arm" "$(fw arm)" "4 guards armed"
check "puts all guards up again" diff "$WORK/guarded" <(sorted)
is "again, nothing changes" "$(fw arm; sorted | diff "$WORK/guarded" -)" "4 guards armed"
check "a daemon's up finds its own" silent_call up-client "${range[@]}"
is "and accepts" "$(accepts)" 2
fw arm > /dev/null
is "arm leaves what is up alone" "$(accepts)" 2
call down-client "${range[@]}" $wanted
check "down: the guards of before" diff "$WORK/guarded" <(sorted)
boot
echo nonsense > "$(ls "$STATE"/armed/web-*)"
rm "$STATE"/armed/range-*
head -c 100 "$STATE"/armed/office-* > "$WORK/half"
cp "$WORK/half" "$STATE"/armed/half-aaaaaaaa
output=$(fw arm 2>&1)
is "damaged saved guards: exit" $? 1
check "one is named" grep -q "^ipsec-fw: $STATE/armed/web-.*: damaged record" <<< "$output"
check "so is the other" grep -q "^ipsec-fw: $STATE/armed/half-aaaaaaaa: damaged record" <<< "$output"
is "the good ones are armed" "$(guards '\(office\|six\)-')" 4
rm "$STATE"/armed/half-* "$STATE"/armed/web-*
# Which backend was meant is not known then.
settings 'guard = nonsense'
boot
output=$(fw arm 2>&1)
is "broken settings: exit" $? 1
is "the guards stand all the same" "$(BACKEND=nftables guards '\(office\|six\)-')" 4
settings 'guard = off'
boot
is "guard = off since: nothing is armed" "$(fw arm)" "0 guards armed"
settings
fw disarm --all > /dev/null
is "disarm --all forgets what was saved" "$(saved)" 0

# A connection that no daemon ever brought up.
settings
cat >> "$INI" <<-'INI'
[conn office]
guard-local = 192.0.1.0/24, 2001:db8:1::/64
guard-remote = 192.0.2.0/24, 2001:db8:2::/64,  192.0.9.0/24
[conn gates]
guard-local = 198.51.100.1
guard-remote = 198.51.100.2
INI
is "guard-local and guard-remote" "$(fw arm)" "4 guards armed"
is "pairs of one family" "$(pairs office | wc -l)" 3
above "gateways that nobody named: IKE is exempt" "$(plain_tables | grep -c -- '-A fw-gates-.*-out -p udp -m multiport --sports 500,4500 .*-j RETURN\|^		udp sport 500 return')" 0
check "the daemon's route finds the same guard" silent_call route-client
is "no second one" "$(pairs office | wc -l)" 3
fw disarm --all > /dev/null
check "released" same_tables

# Everything on both sides: a kill switch.
settings
printf '[conn all]\nguard-local = 0.0.0.0/0\nguard-remote = 0.0.0.0/0\nguard-exempt = 198.51.100.2\n' >> "$INI"
ip link add w0 type veth peer name w1
sysctl -q -w net.ipv6.conf.w0.disable_ipv6=1 net.ipv6.conf.w1.disable_ipv6=1
ip link set w0 up
ip link set w1 up
ip addr add 198.51.100.1/24 dev w0
sent() { ip -s -j link show w0 | jq '.[0].stats64.tx.packets'; }
echo_to() { ping -q -c 1 -W 0.1 -I "$1" "$2" > /dev/null; sent; }
ip neigh replace 198.51.100.2 lladdr 02:00:00:00:00:02 dev w0
ip neigh replace 198.51.100.3 lladdr 02:00:00:00:00:03 dev w0
is "everything is guarded" "$(fw arm)" "1 guard armed"
before=$(sent)
is "nothing leaves" "$(echo_to 198.51.100.1 198.51.100.3)" "$before"
above "but to what is exempt" "$(echo_to 198.51.100.1 198.51.100.2)" "$before"
fw disarm --all > /dev/null
ip link del w0
check "no longer" same_tables

# A daemon that dies leaves its guards, and nothing that accepts.
settings
cp "$(readlink -f /bin/bash)" "$WORK/pluto"
"$WORK/pluto" -c "$(declare -f call); $(declare -p site OPTIONS WRAP)
	export PATH='$PATH' LD_LIBRARY_PATH='$LD_LIBRARY_PATH' HELPER='$HELPER' INI='$INI' RUN='$RUN' STATE='$STATE'
	call up-client; kill -9 \$\$" 2> /dev/null
is "a daemon dies" "$(accepts)" 2
"$WORK/pluto" -c "$(declare -f call); $(declare -p site OPTIONS WRAP)
	export PATH='$PATH' LD_LIBRARY_PATH='$LD_LIBRARY_PATH' HELPER='$HELPER' INI='$INI' RUN='$RUN' STATE='$STATE'
	call prepare-client PLUTO_CONNECTION=other PLUTO_PEER_CLIENT=10.0.0.0/8; true"
is "the next daemon's first call: nothing accepts" "$(accepts)" 0
is "both guards stand" "$(guards)" 4
fw disarm --all > /dev/null
check "tables after all" same_tables

# A thousand at boot, in one commit.
mkdir -p "$STATE"
for i in {1..1000}; do
	printf '[conn c%d]\nguard-local = 192.0.1.0/24\nguard-remote = 10.%d.%d.0/24\n' $i $((i / 250)) $((i % 250))
done > "$WORK/thousand"
settings
cat "$WORK/thousand" >> "$INI"
# Other scenarios run beside this one: what it computes counts, not the clock.
TIMEFORMAT='%U %S'
armed=$({ time fw arm; } 2> "$WORK/took")
is "a thousand" "$armed" "1000 guards armed"
check "in under two seconds of processor time ($(cat "$WORK/took"))" \
	awk '{ exit $1 + $2 >= 2 }' "$WORK/took"
is "all there" "$(guards)" 2000
fw disarm --all > /dev/null
check "and gone" same_tables
