# SPDX-License-Identifier: GPL-2.0-or-later
# ufw denies what it does not know: what comes through the tunnel passes, and goes
# on passing after ufw's reload and restart where the monitor runs.
. /t/tests/vm/guest/lib.sh
ini <<-'EOF'
	[default]
	open-ike = yes
EOF
site
begin site
serve wlan 8080
serve west 8080
on west ufw --force enable
serve elan 8081
check "ufw denies what is forwarded" refused wlan 192.0.2.10 8081
check "the connection comes up" up site
wire_reset
passes() {	# when
	check "$1: LAN to LAN" ping_from wlan 192.0.2.10
	is "$1: the other way" "$(get elan 192.0.1.10 8080)" "hello 8080"
	is "$1: to the gateway" "$(get elan 192.0.1.1 8080)" "hello 8080"
	check "$1: our rule is the first" first_is_ours
}
first_is_ours() {
	on west nft list chain ip filter FORWARD | sed -n 4p | grep 'ipsec-fw: accepted'
}
passes "beside ufw"
check "iptables shows our rule" bash -c "$(declare -f on); on west iptables-nft -S FORWARD 2> /dev/null | grep -- '--mark 0x40000000/0x40000000.* -j ACCEPT'"
on west ufw reload
fw west monitor & monitor=$!
sleep 1
passes "reload, and the monitor starts"
on west ufw reload
sleep 1
passes "reload beside the monitor"
on west ufw disable
on west ufw --force enable
sleep 1
passes "restart beside the monitor"
no_clear
kill $monitor
down site
is "down: our rule is gone" "$(on west nft list ruleset | grep -c 'ipsec-fw: accepted')" 0
finish
