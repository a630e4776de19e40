# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon's script runs after us on the way up, before us on the way down;
# if it fails on the way up, our rules go.
. /t/tests/vm/guest/lib.sh
UPDOWN="$HELPER -- one 'two words'"
site
UPDOWN=$HELPER
conn stock <<-'EOF'
	leftsubnet=192.0.1.0/24
	rightsubnet=192.0.2.0/24
	leftsourceip=192.0.1.1
EOF
cat > "$WORK/script" <<EOF
#!/bin/sh
n=\$({ iptables-legacy-save -t mangle; ipset save; nft list ruleset; } 2> /dev/null | grep -c -e '^-A fw-site-' -e 'comment "site-')
echo "script \$PLUTO_VERB with \$n rules, \$# arguments: \$1, \$2"
case \$PLUTO_VERB in up-*) [ ! -e "$WORK/fail" ] || exit 42 ;; esac
EOF
chmod +x "$WORK/script"
ini <<-EOF
	[global]
	log = info
	[default]
	chain-updown = $WORK/script
	on-error = fail
EOF
begin site
tables_before west
touch "$WORK/fail"
whack west --asynchronous --name site --initiate
check "its status reaches the daemon" wait_for 15 grep -q "up-client command exited with status 42" "$WORK/west.log"
check "its output and arguments too" grep -q 'output: script up-client with [1-9][0-9]* rules, 2 arguments: one, two words' "$WORK/west.log"
check "the helper says that it undid the rules" grep -q 'script: exit status 42; the firewall goes back to what it was' "$WORK/west.log"
# 4.10 tries again at once and for ever, or aborts on an assertion of its own.
kill_daemon west
check "the firewall is as before" wait_for 10 tables_same west
rm "$WORK/fail"
launch west
await west
auto west --add site
check "without the failure it comes up" up site
check "log = info is seen in the daemon's log" grep -q 'site: up-client: the firewall follows' "$WORK/west.log"
down site
check "on the way down the script still finds the rules" grep -q 'output: script down-client with [1-9]' "$WORK/west.log"
check "after down the tables are as before" tables_same west
delete site
ini < /dev/null
ip -n west route del 192.0.2.0/24
: > "$WORK/west.log"
add stock
check "with the stock script it comes up" up stock
check "the stock script made the route" bash -c "ip -n west route | grep -q '192.0.2.0/24.*src 192.0.1.1'"
check "traffic passes" ping_from wlan 192.0.2.10
gone stock
is "the stock script took the route away" "$(ip -n west route | grep -c 192.0.2.0/24)" 0
finish
