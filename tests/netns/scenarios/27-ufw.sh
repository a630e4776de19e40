# SPDX-License-Identifier: GPL-2.0-or-later
# backend: nftables
# ufw, which denies what it does not know: what comes through the tunnel passes,
# and goes on passing after ufw's reload, restart and reset where the monitor runs.
. "$TESTS/netns/lib.sh"
. "$TESTS/netns/gateway.sh"
for kept in /etc/ufw /etc/default /lib/ufw; do	# all that it writes
	mkdir -p "$WORK$kept"
	cp -a $kept/. "$WORK$kept/"
	mount --bind "$WORK$kept" $kept
done
check "ufw is enabled" ufw --force enable
# Marked packets stand in for decrypted ones.
nft -f - <<-'EOF'
	table ip decryption {
		chain pre {
			type filter hook prerouting priority -170
			iifname "w0" udp dport 4000 meta mark set 0x10000
		}
	}
EOF
lan iptables-legacy -I INPUT -p udp --dport 4000
in_tunnel() {	# how many of five get into the LAN
	local i
	lan iptables-legacy -Z INPUT
	for i in 1 2 3 4 5; do
		echo x | peer socat -u STDIN UDP4-SENDTO:192.0.1.10:4000,bind=192.0.2.10
	done
	sleep 0.1
	lan iptables-legacy -v -n -x -L INPUT | awk '/dpt:4000/ { print $1 }'
}
first() { nft list chain ip filter FORWARD | sed -n 4p; }
printf '[default]\nchain-updown = off\nmark-source = esp\nmark = 0x10000/0xff0000\n' | ini
is "ufw denies it" "$(in_tunnel)" 0
check "up" silent_call up-client
is "it passes" "$(in_tunnel)" 5
check "our rule is the first" grep -q 'ipsec-fw: accepted' <<< "$(first)"
check "iptables shows it" bash -c 'iptables-nft -S FORWARD 2> /dev/null | grep -q -- "--mark 0x40000000/0x40000000.* -j ACCEPT"'
seen > /dev/null
pings lan 192.0.2.10
is "what is not through the tunnel does not leave" "$(seen)" 0
check "ufw reloads" ufw reload
is "the guard does not open" "$(pings lan 192.0.2.10 > /dev/null; seen)" 0
check "the next up puts the rule back" silent_call up-client
is "it passes again" "$(in_tunnel)" 5

"$PREFIX/usr/sbin/ipsec-fw" --config "$INI" --run-dir "$RUN" --state-dir "$STATE" monitor &
monitor=$!
sleep 0.3
for how in reload disable-enable; do
	case $how in
	reload) ufw reload ;;
	*) ufw disable; ufw --force enable ;;
	esac
	sleep 0.5
	is "monitor, $how: it passes" "$(in_tunnel)" 5
	check "monitor, $how: our rule is the first" grep -q 'ipsec-fw: accepted' <<< "$(first)"
done
kill $monitor
check "down" silent_call down-client
is "our rule is gone" "$(nft list ruleset | grep -c 'ipsec-fw: accepted')" 0
check "ufw is disabled" ufw disable
