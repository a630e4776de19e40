# SPDX-License-Identifier: GPL-2.0-or-later
# backend: iptables
# What only the legacy tables have: places in chains that are others' too, dumps,
# one lock for all.
. "$TESTS/netns/lib.sh"
foreign_rules
keep_tables -c
call up-client
# An operator's dump can be restored.
iptables-legacy-save -c > "$WORK/dump4"
same_dump() {
	diff <(sed '/^#/d' "$WORK/dump4") <(iptables-legacy-save -c | sed '/^#/d')
}
check "the dump restores" iptables-legacy-restore -c "$WORK/dump4"
check "to the same" same_dump
check "the helper finds it right" silent_call up-client
check "still the same" same_dump

# The kernel takes new rules with counters at zero, and the old ones' in a second call.
WRAP=("$FAULT" -15 setsockopt:64)
call down-client > /dev/null 2>&1
is "SIGTERM in a commit: exit" $? 143
WRAP=()
check "the next down" silent_call down-client
check "finds everybody's counters" same_tables -c
call up-client

# What an operator breaks by hand, the next event mends.
iptables-legacy -t mangle -F PREROUTING
iptables-legacy -F FORWARD
check "up after a flush of built-in chains" silent_call up-client
is "the guard is hooked again, first" "$(iptables-legacy -t mangle -S PREROUTING | sed -n 2p)" "-A PREROUTING -j ipsec-fw-pre"
is "forward is hooked again" "$(iptables-legacy -S FORWARD | grep -c ipsec-fw-fwd)" 1
chain=$(iptables-legacy -t mangle -S | sed -n 's/^-N \(fw-office-.*-in\)$/\1/p')
iptables-legacy -t mangle -F "$chain"
iptables-legacy -t mangle -A "$chain" -j ACCEPT
check "up after somebody's rule in our chain" silent_call up-client
is "that rule is gone" "$(iptables-legacy -t mangle -S "$chain" | grep -c -- '-j ACCEPT')" 0
above "ours are back" "$(iptables-legacy -t mangle -S "$chain" | wc -l)" 2
iptables-legacy -t mangle -D PREROUTING -j ipsec-fw-pre
iptables-legacy -t mangle -A PREROUTING -j ipsec-fw-pre
check "up after the guard's hook was moved behind" silent_call up-client
is "it is first again" "$(iptables-legacy -t mangle -S PREROUTING | sed -n 2p)" "-A PREROUTING -j ipsec-fw-pre"
is "and once" "$(iptables-legacy -t mangle -S PREROUTING | grep -c ipsec-fw-pre)" 1
iptables-legacy -D FORWARD -j ipsec-fw-fwd
iptables-legacy -A FORWARD -i eth7 -j ACCEPT
iptables-legacy -A FORWARD -j ipsec-fw-fwd
check "up after filter's hook was moved" silent_call up-client
is "it stays where the operator put it" "$(iptables-legacy -S FORWARD | tail -n 1)" "-A FORWARD -j ipsec-fw-fwd"

# Removable by hand, without us.
iptables-legacy -t filter -F INPUT
for t in mangle nat filter; do
	for c in PREROUTING INPUT FORWARD OUTPUT POSTROUTING; do
		iptables-legacy -t $t -S $c 2> /dev/null | sed -n 's/^-A \(.* -j ipsec-fw-.*\)$/-D \1/p' |
			while read -r rule; do iptables-legacy -t $t $rule; done
	done
	for c in $(iptables-legacy -t $t -S | sed -n 's/^-N \(ipsec-fw-.*\|fw-office-.*\)$/\1/p'); do
		iptables-legacy -t $t -F "$c"
	done
	for c in $(iptables-legacy -t $t -S | sed -n 's/^-N \(ipsec-fw-.*\|fw-office-.*\)$/\1/p'); do
		iptables-legacy -t $t -X "$c"
	done
done
is "removed by hand" "$(iptables-legacy-save | grep -c office)" 0
check "down after that" silent_call down-client
is "position = top" "$(call up-client; iptables-legacy -S FORWARD | sed -n 2p)" "-A FORWARD -j ipsec-fw-fwd"
call down-client
ini <<-'INI'
[global]
position = bottom
[default]
chain-updown = off
INI
is "position = bottom" "$(call up-client; iptables-legacy -S FORWARD | tail -n 1)" "-A FORWARD -j ipsec-fw-fwd"
call down-client

name=$'na"me\'s \\ %s $(x) \xc3\xa4'
check "a name with quotes and more" silent_call up-client "PLUTO_CONNECTION=$name"
above "is printable in the tables" "$(tables | grep -c -- '--comment "na_me_s _ %s $(x) __"')" 10
iptables-legacy-save -c > "$WORK/dump"
check "which restore" iptables-legacy-restore -c "$WORK/dump"
call down-client "PLUTO_CONNECTION=$name"

# The tables' lock, held.
touch /run/xtables.lock
printf '[global]\nlock-wait = 0.2\n[default]\nchain-updown = off\non-error = fail\n' | ini
keep_tables -c
exec 8< /run/xtables.lock
flock 8
check "the tables' lock is held" refused "xtables.lock: another program has held the lock for 0.2 s" up-client
check "nothing was changed" same_tables -c
WRAP=(valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=all
	--show-leak-kinds=all --vgdb=no --log-file="$WORK/valgrind") OPTIONS=(--unconfined)
call up-client > /dev/null 2>&1
is "valgrind says nothing to that" "$? $(cat "$WORK/valgrind")" "1 "
WRAP=() OPTIONS=()
flock -u 8
exec 8<&-
check "let go, it comes up" silent_call up-client
call down-client
mv /run/xtables.lock "$WORK/lock"
ln -s "$WORK/lock" /run/xtables.lock
exec 8< "$WORK/lock"
flock 8
check "a lock that is a link is iptables'" bash -c '! iptables-legacy -w 1 -L > /dev/null 2>&1'
check "and ours" refused "xtables.lock: another program has held the lock for 0.2 s" up-client
exec 8<&-
rm /run/xtables.lock

# Somebody without the lock: the commit is repeated, nothing is lost.
printf '[default]\nchain-updown = off\n' | ini
unlocked() {
	local n=0
	while [ ! -e "$WORK/stop" ] && [ $n -lt 2000 ]; do
		n=$((n + 1))
		XTABLES_LOCKFILE=$WORK/other-lock iptables-legacy -t mangle -A own -s 203.0.113.1 -j RETURN
		XTABLES_LOCKFILE=$WORK/other-lock iptables-legacy -t mangle -D own -s 203.0.113.1 -j RETURN
	done
}
unlocked > /dev/null 2>&1 &
pid=$!
failures=0
for i in {1..20}; do
	call up-client || failures=$((failures + 1))
	call down-client || failures=$((failures + 1))
done
touch "$WORK/stop"
wait $pid
is "beside a program that ignores the lock" "$failures" 0

# Whatever is in nat stays behind the exemption.
iptables-legacy -t nat -I POSTROUTING -o eth9 -j MASQUERADE
call up-client
is "the nat exemption comes first" "$(iptables-legacy -t nat -S POSTROUTING | sed -n 2p)" "-A POSTROUTING -j ipsec-fw-post"
call down-client

# Libraries are loaded by who needs them.
hidden() {	# LIBRARY COMMAND...: as if it were not installed
	local file status
	file=$(readlink -f "$(ldconfig -p | sed -n "s/^\t$1\.so\..* => //p" | head -n 1)")
	mount --bind /dev/null "$file" || return 1
	"${@:2}"
	status=$?
	umount "$file"
	return $status
}
check "without libiptc an up fails and says what it needs" \
	hidden libip4tc refused "needs libip4tc.so." up-client
check "IPv4 needs nothing of IPv6's" hidden libip6tc silent_call up-client
check "libxtables is for words of people's own" hidden libxtables silent_call up-client
call down-client
printf '[default]\nchain-updown = off\niptables = mangle FORWARD in: -j MARK --set-mark 1\n' | ini
held() {	# WORD: an up leaves the connection blocked, and says this
	call up-client 2>&1 | grep -q "ON HOLD.*$1"
}
check "which say so" hidden libxtables held "needs libxtables.so."
printf '[default]\nchain-updown = off\n' | ini
