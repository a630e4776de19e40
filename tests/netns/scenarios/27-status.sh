# What a person sees: status and show, on terminals and in pipes, and what counts.
. "$TESTS/netns/lib.sh"
. "$TESTS/netns/fw.sh"
. "$TESTS/netns/gateway.sh"
six=(PLUTO_CONNECTION=six PLUTO_MY_CLIENT=2001:db8:1::/64 PLUTO_PEER_CLIENT=2001:db8:2::/64 PLUTO_SA_REQID=16392)
web=(PLUTO_CONNECTION=web PLUTO_PEER_CLIENT=192.0.3.0/24 PLUTO_MY_PROTOCOL=6 PLUTO_PEER_PROTOCOL=6 PLUTO_PEER_PORT=8080 PLUTO_SA_REQID=16396)
long=(PLUTO_CONNECTION=a-rather-long-name-of-a-branch-office PLUTO_PEER_CLIENT=192.0.4.0/24 PLUTO_SA_REQID=16400)
column() {	# NAME: of the connection $1, from "status" in a pipe
	fw status | sed 's/ === /===/' | awk -v conn="$1" -v title="$2" '
		/^CONNECTION/ { sub(/LOCAL===REMOTE/, "TRAFFIC"); for (i = 1; i <= NF; i++) at[$i] = i }
		$1 == conn { print $at[title] }'
}
counts() { json ".connections[0] | \"\\(.leaks_stopped.packets) \\(.spoofs_stopped.packets)\"" status "$1" --json; }

settings
is "nothing yet" "$(fw status)" "backend: $HOLDER (the settings say so)"
is "nothing yet, JSON" "$(json '.connections | length' status --json)" 0
call up-client "${web[@]}"
call up-client
call up-client "${six[@]}"
call up-client "${long[@]}"
settings 'guard = armed'
call prepare-client PLUTO_CONNECTION=later PLUTO_PEER_CLIENT=192.0.5.0/24
settings
is "sorted by name" "$(fw status | tail -n +3 | cut -d' ' -f1 | tr '\n' ' ')" \
	"a-rather-long-name-of-a-branch-office later office six web "
is "states" "$(column later STATE) $(column office STATE)" "armed up"
is "traffic" "$(column web TRAFFIC)" "192.0.1.0/24[tcp]===192.0.3.0/24[tcp/8080]"
is "reqid, peer and mark" "$(column office REQID) $(column office PEER) $(column office MARK)" "16389 198.51.100.2 $(marks office | cut -d/ -f1)"
is "one connection" "$(fw status six | sed 1,2d | cut -d' ' -f1)" six
check "one that is not there" refuses 1 "no connection with rules is called 'nobody'" status nobody
check "one too many" refuses 2 "Usage: ipsec-fw status" status six web
check "an option of another verb" refuses 2 "Usage: ipsec-fw status [CONN] [--json]" status --yes

# What was stopped, as the wire tells it.
is "nothing was stopped yet" "$(counts office)" "0 0"
seen > /dev/null
pings lan 192.0.2.10 > /dev/null
pings lan 2001:db8:2::10 > /dev/null
is "leaks: none on the wire" "$(seen)" 0
is "leaks: 5 in the table" "$(column office LEAKS) $(column six LEAKS) $(column web LEAKS)" "5 5 0"
pings peer -I 192.0.2.10 192.0.1.10 > /dev/null
is "spoofs" "$(counts office)" "5 5"
is "the same in show" "$(json '[.[0].path[] | select(.decides and .step == "guard-in") | .packets] | add' show office --json)" 5
is "packets and bytes" "$(json '.connections[0].leaks_stopped.bytes' status office --json)" 420
settings 'reject = yes'
call up-client
pings lan 192.0.2.10 > /dev/null
is "what is refused is a leak that was stopped, too" "$(column office LEAKS)" 10
settings
call up-client

# Of the selectors: a packet of another protocol is none of its.
pings lan 192.0.3.10 > /dev/null
is "what the selectors do not cover is not counted" "$(column web LEAKS)" 0
ip route add 192.0.3.0/24 via 198.51.100.2
lan socat -u /dev/null TCP4:192.0.3.10:8080,connect-timeout=1 2> /dev/null
above "what they cover is" "$(column web LEAKS)" 0

# Two connections of the same selectors.
call up-client PLUTO_CONNECTION=twin PLUTO_SA_REQID=16404
pings lan 192.0.2.10 > /dev/null
if [ $BACKEND = nftables ]; then
	is "shared elements are said to be" "$(fw status | grep -c '^\* counted together') $(column twin LEAKS)" "1 $(column office LEAKS)"
	is "JSON says so" "$(json '.connections[0].leaks_stopped.shared' status twin --json)" true
else
	is "rules are each one's own" "$(fw status | grep -c '^\* counted together')" 0
fi
call down-client PLUTO_CONNECTION=twin

# Terminals and pipes.
on_terminal 100 status > "$WORK/100"
on_terminal 80 status > "$WORK/80"
is "100 columns are not exceeded" $(($(plain < "$WORK/100" | longest) <= 100)) 1
is "80 columns are not exceeded" $(($(plain < "$WORK/80" | longest) <= 80)) 1
is "a line a connection" "$(plain < "$WORK/80" | grep -c '^\(a-rather\|later\|office\|six\|web\)')" 5
is "columns are aligned" "$(plain < "$WORK/80" | sed -n '2,7p' | grep -c '^.\{'"$(plain < "$WORK/80" | sed -n 2p | sed 's/LOCAL.*//' | wc -m | awk '{ print $1 - 2 }')"'\} ')" 6
above "colour on a terminal" "$(grep -c $'\x1b\[3[0-9]m' "$WORK/100")" 0
is "NO_COLOR" "$(NO_COLOR=1 on_terminal 100 status | grep -c $'\x1b\[[0-9;]*m')" 0
is "no colour in a pipe" "$(fw status | grep -c $'\x1b')" 0
is "nothing is cut in a pipe" "$(fw status | grep -c '^a-rather-long-name-of-a-branch-office .* 192.0.1.0/24 === 192.0.4.0/24 ')" 1
is "no blanks at the ends of lines" "$(fw status | grep -c ' $')" 0

# Since when.
sleep 1
since=$(json '.connections[0].since' status office --json)
call up-client
is "another up does not begin anew" "$(json '.connections[0].since' status office --json)" "$since"
fw reconcile > /dev/null
is "nor does reconcile" "$(json '.connections[0].since' status office --json)" "$since"
call down-client
call up-client
above "down and up do" "$(json '.connections[0].since' status office --json)" "$since"
is "the clock's" "$(($(date +%s) - $(json '.connections[0].since' status office --json) <= 3))" 1

# show
fw show office > "$WORK/show"
is "show: top to bottom" "$(grep -o '^  \(the wire, from\|prerouting\|input, forward\|192.0.1.0/24$\|forward, output\|postrouting\|source NAT\|the wire, to\)' "$WORK/show" | tr '\n' ';')" \
	"  the wire, from;  prerouting;  input, forward;  192.0.1.0/24;  forward, output;  postrouting;  source NAT;  the wire, to;"
is "show: 80 columns" $(($(on_terminal 80 show office | plain | longest) <= 80)) 1
is "show: ASCII where there is no UTF-8" "$(LC_ALL=C fw show office | LC_ALL=C grep -c '[^ -~]')" 0
above "show: lines where there is" "$(LC_ALL=C.UTF-8 fw show office | grep -c '│')" 5
fw show --rules office > "$WORK/rules"
if [ $BACKEND = nftables ]; then
	check "show --rules: the table of a kernel that holds nothing else" nft -c -f "$WORK/rules"
else
	is "show --rules: each rule is the kernel's" "$(grep -- '-A .*fw-office' "$WORK/rules" | grep -vcxFf <(tables))" 0
fi
check "show wants a connection" refuses 2 "Usage: ipsec-fw show CONN" show
check "show of nobody" refuses 1 "nobody" show nobody
check "--json of both is JSON" bash -c "set -o pipefail; $(printf '%q ' "${FW[@]}") status --json | jq -e . && $(printf '%q ' "${FW[@]}") show office --json | jq -e ."

# A name that a terminal should not see.
call up-client PLUTO_CONNECTION=$'odd"name\\' PLUTO_PEER_CLIENT=192.0.6.0/24
is "names are JSON's strings" "$(json '.connections[] | select(.remote == "192.0.6.0/24").name' status --json)" 'odd"name\'

# Without the right to look.
if command -v setpriv > /dev/null; then
	check "without root it says what is missing" bash -c "
		! setpriv --reuid 65534 --clear-groups $(printf '%q ' "${FW[@]}") status 2> $WORK/err && grep -q 'ipsec-fw: .*: ' $WORK/err"
fi
check "a full device is told" bash -c "! $(printf '%q ' "${FW[@]}") status > /dev/full 2> $WORK/err && grep -q 'stdout: No space' $WORK/err"
