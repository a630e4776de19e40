# SPDX-License-Identifier: GPL-2.0-or-later
# The chained script: after the firewall on the way up, before it on the way
# down; its environment, arguments, output and status.
. "$TESTS/netns/lib.sh"
keep_tables
cat > "$WORK/script" <<EOF2
#!/bin/bash
echo "\$PLUTO_VERB rules \$({ iptables-legacy-save; ipset save; nft list ruleset; } | grep -c '\(fw-\|"\)office-')" >> "$WORK/calls"
env | grep -v '^\(_\|PWD\|SHLVL\)=' | sort > "$WORK/env"
printf '%s\n' "\$@" > "$WORK/args"
ls -l /proc/self/fd | awk '{ print \$9 }' | grep . | grep -v '^3$' > "$WORK/fds"
echo "said on stdout"
echo "said on stderr" >&2
umask > "$WORK/umask"
case \$PLUTO_VERB in \$(cat "$WORK/fail" 2> /dev/null)) exit \$(cat "$WORK/status") ;; esac
exit 0
EOF2
chmod 700 "$WORK/script"
printf '[default]\nchain-updown = %s\n' "$WORK/script" | ini
last_call() { tail -n 1 "$WORK/calls"; }

exec 9> "$WORK/stray"
output=$(call up-client 2>&1)
is "up succeeds" $? 0
exec 9>&-
check "the firewall was there when the script ran" grep -q 'up-client rules [1-9]' "$WORK/calls"
is "its output passes through" "$output" "$(printf 'said on stdout\nsaid on stderr')"
is "its environment is the daemon's" "$(cat "$WORK/env")" \
	"$(printf '%s\n' PATH="$PATH" LD_LIBRARY_PATH="$LD_LIBRARY_PATH" PLUTO_VERB=up-client "${site[@]}" | sort)"
is "it gets no stray descriptor" "$(tr '\n' ' ' < "$WORK/fds")" "0 1 2 "
output=$(call down-client 2>&1)
is "down succeeds" $? 0
check "the firewall was still there when the script ran" grep -q 'down-client rules [1-9]' "$WORK/calls"
check "tables after it" same_tables
OPTIONS=(-- --route y 'a b')
call route-client > /dev/null 2>&1
OPTIONS=()
is "arguments pass through" "$(tr '\n' '|' < "$WORK/args")" "--route|y|a b|"
for verb in prepare route unroute disconnectNM updateresolvconf restoreresolvconf; do
	call $verb-client > /dev/null 2>&1
	is "$verb reaches the script" "$(last_call)" "$verb-client rules 0"
done

echo 'up-client' > "$WORK/fail"
echo 42 > "$WORK/status"
output=$(call up-client 2>&1)
is "the status of a script that fails an up passes through" $? 42
check "it is named" grep -q "^office: up-client: $WORK/script: exit status 42; the firewall goes back to what it was$" <<< "$output"
check "and the firewall is undone" same_tables
rm "$WORK/fail"
call up-client > /dev/null 2>&1
tables > "$WORK/up"
echo 'route-client' > "$WORK/fail"
output=$(call route-client 2>&1)
is "a script that fails a route" $? 42
check "leaves the firewall of an earlier up" diff "$WORK/up" <(tables)
echo 'up-client' > "$WORK/fail"
output=$(call up-client PLUTO_PEER=203.0.113.9 2>&1)
check "a second up that fails goes back to the first" diff "$WORK/up" <(tables)
echo 'down-client' > "$WORK/fail"
output=$(call down-client 2>&1)
is "a script that fails a down" $? 42
check "is named" grep -q "^office: down-client: $WORK/script: exit status 42$" <<< "$output"
check "does not keep the firewall up" same_tables
printf '[default]\nchain-updown = %s\n' "$WORK/none" | ini
output=$(call up-client 2>&1)
is "a script that is not there: exit" $? 1
check "is named" grep -q "$WORK/none: No such file or directory" <<< "$output"
check "and the firewall undone" same_tables
printf '#!/bin/sh\nkill -9 $$\n' > "$WORK/script"
printf '[default]\nchain-updown = %s\n' "$WORK/script" | ini
output=$(call up-client 2>&1)
is "a script that is killed, as a shell has it" $? 137
check "and the firewall undone" same_tables
