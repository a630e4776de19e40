# How the kernel differs from the records: reconcile --check, plan, flush.
. "$TESTS/netns/lib.sh"
. "$TESTS/netns/fw.sh"
wanted=PLUTO_CONN_POLICY=IKEv2+PSK+ENCRYPT+TUNNEL+PFS+UP
branch=(PLUTO_CONNECTION=branch PLUTO_PEER_CLIENT=192.0.3.0/24 PLUTO_SA_REQID=16392)
six=(PLUTO_CONNECTION=six PLUTO_MY_CLIENT=2001:db8:1::/64 PLUTO_PEER_CLIENT=2001:db8:2::/64 PLUTO_SA_REQID=16396)
differences() { fw reconcile --check | tail -n 1; }
call up-client
call up-client "${branch[@]}"
call up-client "${six[@]}"
is "no difference" "$(fw reconcile --check)" "3 connections as recorded"
check "exit 0" fw reconcile --check
is "JSON" "$(json '(.connections | length) + (.tables | length)' reconcile --check --json)" 0
check "--json without --check is nothing" refuses 2 Usage reconcile --json

# What is taken away, by hand.
flush() {
	case $BACKEND in
	iptables) for t in mangle nat filter; do iptables-legacy -t $t -F; ip6tables-legacy -t $t -F; done ;;
	nftables) nft flush ruleset ;;
	esac
}
a_rule() {
	case $HOLDER in
	iptables-sets) iptables-legacy -t mangle -D ipsec-fw-post "$(iptables-legacy -t mangle -S ipsec-fw-post | sed 1d | grep -n to-peer | cut -d: -f1)" ;;
	iptables) iptables-legacy -t mangle -D "$(iptables-legacy -t mangle -S | sed -n 's/^-N \(fw-branch-.*-out\)$/\1/p')" 1 ;;
	nftables) nft delete rule inet ipsec_fw postrouting handle "$(nft -a list chain inet ipsec_fw postrouting | sed -n 's/.*@to-peer-24-24 drop # handle //p')" ;;
	esac
}
an_element() {
	case $HOLDER in
	iptables-sets) ipset del "$(ipset list -n | grep 4-from-peer)" 192.0.3.0/24 ;;
	iptables) iptables-legacy -t mangle -D $(iptables-legacy -t mangle -S | sed -n 's/^-A \(ipsec-fw-pre .* fw-branch-[^ ]*-in\)$/\1/p' | tr -d '"') ;;
	nftables) nft delete element inet ipsec_fw from-peer-24-24 '{ 192.0.3.0 . 192.0.1.0 }' ;;
	esac
}
a_stranger() {
	case $HOLDER in
	iptables-sets) ipset add "$(ipset list -n | grep 4-accept-in)" 203.0.113.0/24 comment stranger-aaaaaaaa ;;
	iptables) iptables-legacy -t mangle -I "$(iptables-legacy -t mangle -S | sed -n 's/^-N \(fw-branch-.*-out\)$/\1/p')" -j RETURN ;;
	nftables) nft 'add element inet ipsec_fw accept-in { 4711 comment "stranger-aaaaaaaa" }' ;;
	esac
}
a_jump() {
	case $BACKEND in
	iptables) iptables-legacy -t mangle -D POSTROUTING -j ipsec-fw-post ;;
	nftables) nft flush chain inet ipsec_fw after-srcnat ;;
	esac
}
for what in flush a_rule an_element a_stranger a_jump; do
	$what
	tables -c > "$WORK/before"
	check "$what: reconcile --check: exit 1" refuses 1 difference reconcile --check
	check "$what: changes nothing" diff "$WORK/before" <(tables -c)
	above "$what: JSON" "$(json '(.connections | length) + (.tables | length)' reconcile --check --json)" 0
	fw reconcile > /dev/null
	is "$what: reconcile, then no difference" "$(fw reconcile --check)" "3 connections as recorded"
done
a_rule
is "it says which, and of what" "$(fw reconcile --check | grep -c '^branch: missing: .*drop$\|^branch: missing: mangle -A \(fw-branch\|ipsec-fw-post\)')" 1
above "status points there" "$(fw status | grep -c 'ipsec-fw reconcile --check')" 0
is "status counts it" "$(fw status branch | sed -n 3p | grep -c -- ' -1\( \|$\)')" 1
is "show names it" "$(fw show branch | grep -c MISSING)" 1
is "show --rules, too" "$(fw show --rules branch | grep -c '^# missing: ')" 1
fw reconcile > /dev/null
echo rubbish > "$(ls "$RUN"/*/conns/six-*)"
check "a damaged record: exit 1" refuses 1 "damaged record" reconcile --check
is "reconcile names it once" "$(fw reconcile 2>&1 | grep -c "damaged record")" 1
call up-client "${six[@]}" 2> /dev/null

# The daemon dies; the kernel knows nothing of its connections any more.
settings() { { printf '[global]\n%s\n[default]\nchain-updown = off\n' "$(says_backend)"; printf '%s\n' "$@"; } > "$INI"; }
die() {	# VARIABLES...: an up by a daemon that is killed then
	local pid
	"$WORK/pluto" -c "$(declare -f call); $(declare -p site OPTIONS WRAP)
		export PATH='$PATH' LD_LIBRARY_PATH='$LD_LIBRARY_PATH' HELPER='$HELPER' INI='$INI' RUN='$RUN' STATE='$STATE'
		call up-client $*; kill -9 \$\$" 2> /dev/null
}
cp "$(readlink -f /bin/bash)" "$WORK/pluto"
settings
die PLUTO_CONNECTION=lost PLUTO_PEER_CLIENT=192.0.7.0/24
is "a dead daemon's connection" "$(fw reconcile --check | grep -c '^lost: up by its record, but its daemon, process [0-9]*, is gone')" 1
is "status tells" "$(fw status lost | sed -n 3p | grep -c 'no daemon')" 1
fw reconcile > /dev/null
is "reconcile arms it" "$(json '.connections[0].state' status lost --json) $(guards lost) $(accepts lost)" "armed 2 0"
settings 'guard = up'
die PLUTO_CONNECTION=loose PLUTO_PEER_CLIENT=192.0.8.0/24
fw reconcile > /dev/null
is "one that nothing would guard stays guarded" "$(json '.connections[0].state' status loose --json) $(guards loose)" "up 2"
is "and is told" "$(fw reconcile --check | grep -c '^loose: .*nothing would guard it')" 1
settings
die PLUTO_CONNECTION=alive PLUTO_PEER_CLIENT=192.0.9.0/24
ip xfrm policy add src 192.0.1.0/24 dst 192.0.9.0/24 dir out tmpl src 198.51.100.1 dst 198.51.100.2 proto esp reqid 16389 mode tunnel
fw reconcile > /dev/null
is "one whose policies the kernel still has is up" "$(json '.connections[0].state' status alive --json)" up

# plan
plan_text() { OPTIONS=(--dry-run); call up-client "$@"; OPTIONS=(); }
event() { env -i "${site[@]}" PLUTO_VERB=up-client "$@" env; }
is "plan of an event is the dry run" "$(event PLUTO_CONNECTION=new | fw plan)" "$(plan_text PLUTO_CONNECTION=new)"
is "with quotes, as export -p has them" "$(event PLUTO_CONNECTION=new | sed 's/^\([^=]*\)=\(.*\)$/declare -x \1="\2"/' | fw plan)" "$(plan_text PLUTO_CONNECTION=new)"
tables -c > "$WORK/before"
fw plan --conn office > "$WORK/plan"
check "plan of a record is what the kernel got" diff "$WORK/plan" <(fw show --rules office)
check "plan changes nothing" diff "$WORK/before" <(tables -c)
check "plan of a broken event" bash -c "! echo PLUTO_VERB=up-client | $(printf '%q ' "${FW[@]}") plan 2> $WORK/err && grep -q PLUTO_ $WORK/err"
check "plan of nonsense" bash -c "! head -c 200 /dev/zero | $(printf '%q ' "${FW[@]}") plan 2> $WORK/err && grep -q 'no list of variables' $WORK/err"
check "plan --conn of nobody" refuses 1 nobody plan --conn nobody
if command -v setpriv > /dev/null; then
	chmod 711 "$WORK" "$(dirname "$WORK")"
	cp -r "$RUN" "$WORK/theirs"
	chown -R 65534 "$WORK/theirs"
	chmod 644 "$INI"
	nobody() { setpriv --reuid 65534 --clear-groups "$PREFIX/usr/sbin/ipsec-fw" --config "$INI" --run-dir "$WORK/theirs" "$@"; }
	is "without root: plan of an event" "$(event PLUTO_CONNECTION=new | nobody plan)" "$(event PLUTO_CONNECTION=new | fw plan)"
	is "without root: plan of a record" "$(nobody plan --conn office)" "$(cat "$WORK/plan")"
	check "without root: check" nobody check "$INI"
fi

# flush
ip xfrm policy flush
fw flush --yes > /dev/null 2>&1
foreign_rules
keep_tables
call up-client
call up-client "${branch[@]}"
call up-client "${six[@]}"
call up-client PLUTO_CONNECTION=armed $wanted
rm -f "$RUN"/*/conns/branch-*		# a record is lost
echo rubbish > "$(ls "$RUN"/*/conns/six-*)"
echo rubbish > "$STATE/armed/rubbish-aaaaaaaa"
check "flush by a script wants to hear that it is meant" refuses 1 "say --yes" flush
above "nothing has gone" "$(guards)" 5
is "flush --yes" "$(fw flush --yes 2> /dev/null | grep -c 'connections flushed')" 1
check "the tables are as before" same_tables
is "no record, mark or saved guard is left" "$(find "$RUN" "$STATE" -type f -path '*/conns/*' -o -type l -path '*/marks/*' -o -type f -path '*/armed/*' | wc -l)" 0
check "again" fw flush --yes
call up-client
check "the next up is as ever" test "$(guards)" = 2
on_terminal 100 flush > "$WORK/asked"
is "at a terminal it asks" "$(plain < "$WORK/asked" | grep -c 'Remove them? \[y/N\]')" 1
check "and does nothing meanwhile" test "$(guards)" = 2
