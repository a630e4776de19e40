# SPDX-License-Identifier: GPL-2.0-or-later
# Rules that somebody takes away come back: at once where the monitor runs, else
# with reconcile.
. "$TESTS/netns/lib.sh"
fw() {
	"$PREFIX/usr/sbin/ipsec-fw" --config "$INI" --run-dir "$RUN" \
		--state-dir "$STATE" "$@"
}
second=(PLUTO_CONNECTION=branch PLUTO_PEER_CLIENT=192.0.3.0/24 PLUTO_SA_REQID=16400)
printf '[default]\nchain-updown = off\nmss = clamp\n' | ini
call up-client
call up-client "${second[@]}"
all_text() { tables_text | sed 's/counter packets [0-9]* bytes [0-9]*/counter/'; }
whole=$(all_text)
all_there() { [ "$(all_text)" = "$whole" ]; }

flush() {
	case $BACKEND in
	nftables) nft flush ruleset ;;
	iptables) for t in iptables-legacy ip6tables-legacy; do
		for table in mangle nat filter; do $t -t $table -F; $t -t $table -X; done
	done ;;
	esac
}
a_rule() {
	case $BACKEND in
	nftables) nft flush chain inet ipsec_fw prerouting ;;
	iptables) iptables-legacy -t mangle -F ipsec-fw-pre ;;
	esac
}
a_connection() {
	case $HOLDER in
	iptables-sets) ipset del "$(ipset list -n | grep 4-from-peer)" 192.0.3.0/24 ;;
	nftables) nft delete element inet ipsec_fw from-peer-24-24 '{ 192.0.3.0 . 192.0.1.0 }' ;;
	iptables) iptables-legacy -t mangle -F "$(iptables-legacy -t mangle -S | sed -n 's/^-N \(fw-branch-.*-in\)$/\1/p')" ;;
	esac
}

for what in flush a_rule a_connection; do
	$what
	check "$what: gone" bash -c '! "$@"' - test "$(all_text)" = "$whole"
	is "$what: reconcile" "$(fw reconcile)" "2 connections as recorded"
	check "$what: all is back" all_there
done
keep_tables -c
is "reconcile when all is well" "$(fw reconcile)" "2 connections as recorded"
check "changes nothing" same_tables -c

if [ $BACKEND = nftables ]; then
	nft 'add element inet ipsec_fw accept-in { 4711 comment "stranger-aaaaaaaa" }'
	nft 'add element inet ipsec_fw accept-in { 4712 }'
	fw reconcile > /dev/null
	is "what has an owner without a record goes" "$(nft list set inet ipsec_fw accept-in | grep -c 4711)" 0
	is "what was put in by hand stays" "$(nft list set inet ipsec_fw accept-in | grep -c 4712)" 1
	nft 'delete element inet ipsec_fw accept-in { 4712 }'
fi
record=$(ls "$RUN"/*/conns/branch-*)
cp "$record" "$WORK/record"
echo rubbish > "$record"
check "a damaged record is told" bash -c 'ini=$0; shift; output=$("$@" 2>&1); [ $? = 1 ] && grep -q "damaged record" <<< "$output"' \
	- - "$PREFIX/usr/sbin/ipsec-fw" --config "$INI" --run-dir "$RUN" --state-dir "$STATE" reconcile
check "and its connection keeps what it has" all_there
cp "$WORK/record" "$record"

fw monitor > "$WORK/monitor" 2>&1 &
monitor=$!
sleep 0.3
for what in flush a_rule a_connection; do
	start=$(date +%s%N)
	$what
	for ((i = 0; i < 200; i++)); do
		! all_there || break
		sleep 0.01
	done
	took=$((($(date +%s%N) - start) / 1000000))
	check "monitor, $what: all is back" all_there
	is "monitor, $what: in less than half a second ($took ms)" $((took < 500)) 1
done
# What it was not told of, since others said too much, was a change, too.
worker=$(pgrep -P $monitor)
kill -STOP "$worker"
for ((i = 0; i < 400; i++)); do
	echo "add table inet crowd; add set inet crowd s { type ipv4_addr; }; add element inet crowd s { $(seq -s, -f '10.1.%g.1' 250) }; delete table inet crowd"
done > "$WORK/crowd"
nft -f "$WORK/crowd"
flush
kill -CONT "$worker"
check "monitor, more changes than are kept for it: all is back" wait_for 20 all_there
is "without a word" "$(cat "$WORK/monitor")" ""

# What it cannot do it tries again, without waiting for another change.
printf '[global]\nlock-wait = 0.1\n%s\n[default]\nchain-updown = off\nguard = up\nmss = clamp\n' "$(says_backend)" > "$INI"
perl -MFcntl -e 'open(my $f, "+<", $ARGV[0]) or die; my $l = pack("s s x4 q q l", F_WRLCK, 0, 0, 0, 0); fcntl($f, F_SETLK, $l) or die;
	open(STDOUT, ">", $ARGV[1]); sleep 60' "$(echo "$RUN"/*/lock)" "$WORK/held" & holder=$!
wait_for 5 test -e "$WORK/held"
flush
check "monitor, the lock is held: it says so" wait_for 20 grep -q 'lock: ' "$WORK/monitor"
check "and a daemon's call does" refused "lock: another call for this connection has not ended in 0.1 s" up-client
kill $holder
check "monitor, then: all is back" wait_for 20 all_there
: > "$WORK/monitor"
call down-client "${second[@]}"
call down-client
sleep 0.3
is "what goes by its daemon's word stays away" "$(rules_of)" 0
is "and nothing was complained of" "$(cat "$WORK/monitor")" ""
kill $monitor
