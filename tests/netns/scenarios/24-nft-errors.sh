# SPDX-License-Identifier: GPL-2.0-or-later
# backend: nftables
# What fails says what and why, and leaves the table as it was.
. "$TESTS/netns/lib.sh"
foreign_rules
settings() { { printf '[default]\nchain-updown = off\non-error = fail\n[global]\n'; printf '%s\n' "$@"; } | ini; }
settings
other=(PLUTO_CONNECTION=other PLUTO_PEER_CLIENT=10.0.0.0/8 PLUTO_SA_REQID=16392)
call up-client "${other[@]}"
keep_tables -c
tables > "$WORK/tables.plain"
handles() { nft -a list ruleset; }
handles > "$WORK/handles"
failing() {	# word, call...: with this reason, and nothing is changed
	refused "$@" && same_tables -c && diff "$WORK/handles" <(handles)
}

WRAP=(setpriv --bounding-set -net_admin --inh-caps -all)
check "no CAP_NET_ADMIN" failing "nftables: not permitted; CAP_NET_ADMIN is needed" down-client "${other[@]}"
WRAP=()

# The kernel has done it, and has no memory for words.
WRAP=("$FAULT" 105 recvfrom:64)
is "words that are lost: looked at again" "$(call up-client 2>&1; echo $?)" $'spoilt: recvfrom:64\n0'
WRAP=()
above "it is up" "$(accepts office)" 1
call down-client
check "and all of it goes" same_tables -c
handles > "$WORK/handles"

# Somebody changes the ruleset all the time; the helper may not wait.
writer() {	# pause between two changes, in milliseconds
	perl -e '$| = 1; until (-e $ARGV[1]) {
		print "add table inet busy\n"; select undef, undef, undef, $ARGV[0] / 1000;
		print "delete table inet busy\n"; select undef, undef, undef, $ARGV[0] / 1000;
	}' "$1" "$2" | nft -i > /dev/null 2>&1
}
settings 'lock-wait = 0'
writer 0 "$WORK/stop" &
said=0 quiet=0
for i in {1..300}; do
	call up-client > /dev/null 2>&1
	output=$(call down-client 2>&1)
	case $?/$output in
	0/) quiet=$((quiet + 1)) ;;
	1/*"nftables: other programs kept changing the ruleset; see who with: nft monitor") said=$((said + 1)) ;;
	*) echo "$output" >> "$WORK/other" ;;
	esac
	[ $said = 0 ] || [ $quiet = 0 ] || break
done
above "lock-wait = 0: losers of a race say so ($said, $quiet)" "$said" 0
above "winners are silent" "$quiet" 0
is "nobody says anything else" "$(cat "$WORK/other" 2> /dev/null)" ""
touch "$WORK/stop"
wait
writer 10 "$WORK/stop2" &
settings 'lock-wait = 5'
failures=0
for i in {1..20}; do
	call up-client || failures=$((failures + 1))
	call down-client || failures=$((failures + 1))
done
is "lock-wait = 5: all get through" "$failures" 0
touch "$WORK/stop2"
wait
check "the tables are as before" diff "$WORK/tables.plain" <(tables)

# Something of our names that is not ours.
settings
nft 'add set inet ipsec_fw no-nat-24-24 { type inet_service; }'
keep_tables -c
handles > "$WORK/handles"
check "a set of another type in our place" failing "nftables: set no-nat-24-24 in table inet ipsec_fw is of another type; delete it with nft" up-client
nft delete set inet ipsec_fw no-nat-24-24
check "without it: up" silent_call up-client
call down-client

# A table that belongs to a running program (firewalld's can).
mkfifo "$WORK/owner"
nft -i < "$WORK/owner" > /dev/null 2>&1 & owner=$!
exec 8> "$WORK/owner"
echo 'add table inet owned { flags owner; }' >&8
echo 'add chain inet owned forward { type filter hook forward priority 0; policy drop; }' >&8
if wait_for 3 nft list chain inet owned forward; then
	settings 'accept-in-chain = inet owned forward'
	keep_tables -c
	handles > "$WORK/handles"
	check "a chain of a table with an owner" failing "nftables: accept-in-chain: not permitted; another program owns that table" up-client
	settings
	check "without it: up" silent_call up-client
	call down-client
else
	not_ok "a table with an owner" "cannot be made"
fi
exec 8>&-
wait $owner
call down-client "${other[@]}"
is "nothing is left" "$(nft list ruleset | grep -c 'ipsec.fw')" 0
