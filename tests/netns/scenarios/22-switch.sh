# SPDX-License-Identifier: GPL-2.0-or-later
# backend: iptables
# (where it begins)
# The backend changes while connections are up, and the choice of backend = auto.
. "$TESTS/netns/lib.sh"
. "$TESTS/netns/gateway.sh"
other=(PLUTO_CONNECTION=other PLUTO_PEER_CLIENT=10.0.0.0/8 PLUTO_SA_REQID=16392)
six=(PLUTO_CONNECTION=six PLUTO_MY_CLIENT=2001:db8:1::/64 PLUTO_PEER_CLIENT=2001:db8:2::/64 PLUTO_SA_REQID=16396)
use() {		# backend: from now on
	BACKEND=$1
	settings 'reject = yes'
}
held() {	# what is ours in iptables and nftables
	local BACKEND=iptables
	echo -n "$(rules_of | grep -vc '^0$') "
	BACKEND=nftables
	rules_of | grep -vc '^0$'
}
counted() { echo "$(guards) $(accepts) $(nat_exempts) $(reqids)"; }
ours_text() { tables | sort; }
all_marks() { marks | tr ' ' '\n' | sort | tr '\n' ' '; }

keep_tables
use iptables
call up-client
call up-client "${other[@]}"
call up-client "${six[@]}"
ours_text > "$WORK/iptables"
before=$(counted) marks=$(marks)
is "three connections in the legacy tables" "$(held)" "1 0"
seen > /dev/null
nsenter -t $LAN -n ping -n -q -f -w 20 192.0.2.10 > /dev/null & flood=$!
nsenter -t $LAN -n ping -n -q -f -w 20 2001:db8:2::10 > /dev/null & flood6=$!
sleep 0.2
for round in 1 2 3; do
	use nftables
	check "to nftables: any event ($round)" silent_call prepare-client
	is "moves all ($round)" "$(held)" "0 1"
	is "the same guards, accepts, reqids ($round)" "$(counted)" "$before"
	is "the same marks ($round)" "$(all_marks)" "$marks"
	use iptables
	check "to iptables: another's event ($round)" silent_call route-client "${six[@]}"
	is "moves all back ($round)" "$(held)" "1 0"
	check "to what it was ($round)" diff "$WORK/iptables" <(ours_text)
done
kill $flood $flood6 && wait $flood $flood6
is "nothing leaked meanwhile" "$(seen)" 0
use nftables
check "a down moves the others" silent_call down-client
is "and takes its own" "$(guards) $(held)" "4 0 1"
printf '[default]\nguard = up\ngaurd = off\n' > "$INI"
call route-client > /dev/null 2>&1
is "broken settings keep the backend" "$(guards) $(held)" "4 0 1"
call down-client "${other[@]}" > /dev/null 2>&1
is "and take down what goes down" "$(guards) $(held)" "2 0 1"
use iptables
call down-client "${six[@]}"
is "down of the last one, by the other backend" "$(held)" "0 0"
check "tables after all" same_tables
is "no record, no mark" "$(find "$RUN" -path '*/conns/*' -type f | wc -l) $(find "$RUN" -path '*/marks/*' | wc -l)" "0 0"

# What a move that failed has left, and that the next event makes it.
stayed() {	# what is left, who moves
	is "$1" "$(held)" "1 0"
	check "the next event moves $2" silent_call route-client
	is "then" "$(held)" "0 1"
}

# What can't move stays, is said, and moves at the next event.
use iptables
call up-client
WRAP=(setpriv --bounding-set -net_admin --inh-caps -all)
use nftables
output=$(call route-client 2>&1)
check "a move that fails is said" grep -q "not permitted" <<< "$output"
WRAP=()
stayed "and changes nothing" it
call down-client
check "tables after it" same_tables
# What cannot leave has not come either: the first commit that fails is of the old one's.
use iptables
call up-client
call up-client "${other[@]}"
use nftables
WRAP=("$FAULT" 12 setsockopt:64)
output=$(call prepare-client 2>&1)
check "a move that fails half way is said" grep -q "^office: prepare-client: IPv4 table [a-z]*: commit: " <<< "$output"
WRAP=()
stayed "and nothing of it is left" both
call down-client
call down-client "${other[@]}"
check "tables after both" same_tables

# backend = auto
printf '[global]\nbackend = auto\n[default]\nguard = up\nchain-updown = off\n' > "$INI"
chosen() { call up-client; held; call down-client; }
clear_all() {
	local t c
	nft flush ruleset
	for c in iptables-legacy ip6tables-legacy; do
		for t in mangle nat filter; do
			$c -t $t -F
			$c -t $t -X
			$c -t $t -S | sed -n 's/^-P \(.*\) DROP$/\1/p' | while read -r chain; do $c -t $t -P "$chain" ACCEPT; done
		done
	done
}
clear_all
is "auto, nobody has rules: nftables" "$(chosen)" "0 1"
iptables-legacy -A INPUT -p tcp --dport 22 -j ACCEPT
is "auto, legacy rules alone: iptables" "$(chosen)" "1 0"
call up-client
WRAP=("$FAULT" 12 getsockopt)
output=$(call up-client "${other[@]}" 2>&1)
is "auto, a look that fails: an up is refused" "$? $(tail -n 1 <<< "$output")" \
	"1 other: up-client: failed, nothing was changed: backend = auto: looking at the tables: Cannot allocate memory"
check "a down is not, and the backend stays" grep -q "looking at the tables" <<< "$(call down-client 2>&1)"
WRAP=()
is "in which it was" "$(held)" "0 0"
nft add table inet operator
is "auto, both: nftables" "$(chosen)" "0 1"
clear_all
nft add table inet operator
is "auto, nftables alone: nftables" "$(chosen)" "0 1"
clear_all
ip6tables-legacy -P FORWARD DROP
is "auto, a legacy policy alone: iptables" "$(chosen)" "1 0"
call up-client
nft add table inet operator
call route-client
is "auto: a choice that changes moves what is up" "$(held)" "0 1"
nft delete table inet operator
call route-client
is "and back" "$(held)" "1 0"
call down-client
is "nothing is left" "$(held)" "0 0"
