# SPDX-License-Identifier: GPL-2.0-or-later
# firewalld, its chains named in accept-in-chain: what comes through the tunnel
# passes, and goes on passing after a reload and a restart where the monitor runs.
. /t/tests/vm/guest/lib.sh
ini <<-'EOF'
	[global]
	accept-in-chain = inet firewalld filter_INPUT, inet firewalld filter_FORWARD
	accept-in-chain = inet firewalld filter_OUTPUT
	[default]
	open-ike = yes
EOF
site
begin site
serve wlan 8080
serve west 8080
mkdir -p /run/dbus /run/firewalld
dbus-daemon --system --fork --nopidfile
# Newer ones let nobody else into their table unless they are told to.
sed -i 's/^NftablesTableOwner=.*/NftablesTableOwner=no/' /etc/firewalld/firewalld.conf
start_firewall() {
	on west firewalld --nofork --nopid > "$WORK/firewalld" 2>&1 &
	firewalld=$!
	wait_for 60 firewall-cmd --state
}
start_firewall
check "firewalld rejects what is forwarded" no_ping_from wlan 192.0.2.10
check "the connection comes up" up site
passes() {	# when
	check "$1: LAN to LAN" ping_from wlan 192.0.2.10
	is "$1: the other way" "$(get elan 192.0.1.10 8080)" "hello 8080"
	is "$1: to the gateway" "$(get elan 192.0.1.1 8080)" "hello 8080"
}
passes "beside firewalld"
fw west monitor & monitor=$!
sleep 1
firewall-cmd --reload
sleep 1
passes "reload"
kill $firewalld
wait $firewalld
passes "stopped"
start_firewall
sleep 1
passes "restart"
no_clear
kill $monitor
down site
is "down: our rule is gone" "$(on west nft list ruleset | grep -c 'ipsec-fw: accepted')" 0
kill $firewalld
finish
