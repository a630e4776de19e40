# SPDX-License-Identifier: GPL-2.0-or-later
# A machine with systemd boots, Libreswan's unit and ours among the others, and
# its LAN has been talking since before there was a way out.  West is the
# machine itself.
#
#	01-boot.sh before | lan | wan | judge
name=01-boot
export SCENARIO=boot WORK=/srv/boot RESULTS=/t/out/$name/results
mkdir -p $WORK /t/out/$name /run/netns
exec >> /t/out/$name/log 2>&1 < /dev/null
. /t/tests/vm/guest/leaklib.sh

ip() {
	case "$1 $2" in
	'-n west') shift 2 ;;
	'netns add') [ "$3" != west ] || return 0 ;;
	esac
	command ip "$@"
}

on() {
	local netns=$1
	shift
	if [ "$netns" = west ]; then
		"$@"
	else
		nsenter --net="/run/netns/$netns" "$@"
	fi
}

# What is left of the machine's life before: the saved guards, one of them of a
# connection that is long gone.
remember() {	# name local remote
	env -i PATH="$PATH" PLUTO_VERB=prepare-client PLUTO_CONNECTION="$1" \
		PLUTO_ME=198.51.100.1 PLUTO_PEER=198.51.100.2 \
		PLUTO_MY_CLIENT="$2" PLUTO_PEER_CLIENT="$3" \
		$HELPER --run-dir $WORK/earlier
}

unit() {	# name < lines
	cat > "/etc/systemd/system/$1.service"
	systemctl enable "$1"
}

before() {
	printf '[default]\nguard = armed\nchain-updown = off\n' | ini
	remember old 192.0.1.0/24 192.0.4.0/24
	remember site 192.0.1.0/24 192.0.2.0/24
	remember site6 2001:db8:1::/64 2001:db8:2::/64
	printf '[default]\nguard = armed\n' | ini
	wipe
	unload
	sites auto=start
	cp $WORK/west.conf /etc/ipsec.conf
	cp $WORK/secrets /etc/ipsec.secrets
	unit lan <<-EOF
		[Unit]
		DefaultDependencies=no
		Before=ipsec-fw-guard.service wan.service
		[Service]
		Type=oneshot
		RemainAfterExit=yes
		ExecStart=/bin/bash $0 lan
		[Install]
		WantedBy=sysinit.target
	EOF
	unit wan <<-EOF
		[Unit]
		DefaultDependencies=no
		After=network-pre.target
		Before=network.target network-online.target ipsec.service
		[Service]
		Type=oneshot
		RemainAfterExit=yes
		ExecStart=/bin/bash $0 wan
		[Install]
		WantedBy=sysinit.target
	EOF
	unit judge <<-EOF
		[Unit]
		After=ipsec.service
		[Service]
		Type=oneshot
		ExecStart=/bin/bash $0 judge
		TimeoutStartSec=200
		[Install]
		WantedBy=multi-user.target
	EOF
	cp -r /tmp/nss $WORK/east.nss
	# leaklib.sh would write the settings anew in each phase.
	mount --bind /etc/ipsec-fw /etc/ipsec-fw
	mount -o remount,ro,bind /etc/ipsec-fw
	systemctl enable ipsec
	[ -n "$STOCK" ] || systemctl enable ipsec-fw-guard
	exec /lib/systemd/systemd
}

# As after a reboot.
wipe() {
	local t
	for t in mangle nat filter; do
		iptables-legacy -t $t -F
		iptables-legacy -t $t -X
		ip6tables-legacy -t $t -F
		ip6tables-legacy -t $t -X
	done
	nft flush ruleset
	rm -rf /run/ipsec-fw $WORK/earlier
}

# Nobody has asked for the legacy tables yet.
unload() {
	local t
	for t in mangle nat filter; do
		modprobe -q -r iptable_$t
		modprobe -q -r ip6table_$t
	done
	modprobe -q -r ip_tables ip6_tables
	check "no module of the legacy tables is loaded" \
		bash -c '! grep -E "^ip6?_tables " /proc/modules'
}

# The LAN is up and talks; there is no way out.
lan() {
	eval "way_out() $(declare -f link_wan | sed 1d)"
	link_wan() {
		[ "$1" = west ] || way_out "$@"
	}
	topology
	ip -n wire link add west type veth peer name w0
	ip -n wire link set west master br0 up
	capture
	traffic
	wait_for 10 grep -q l1 /proc/net/dev
}

wan() {
	awk '$1 == "l1:" { print $3 }' /proc/net/dev > $WORK/talked
	ip -n wire link set w0 netns 1
	ip -n west -batch - <<-EOF
		addr add 198.51.100.1/24 dev w0
		addr add 2001:db8:100::1/64 dev w0 nodad
		link set w0 up
		route add 192.0.2.0/24 via 198.51.100.2
		route add 2001:db8:2::/64 via 2001:db8:100::2
	EOF
	sites
	launch east
	await east
	auto east --add site
	auto east --add site6
}

happened() {	# unit property
	systemctl show -P "$2" "$1"
}

# In the monitor's view of the files.
watched() {
	nsenter -m -t "$(happened ipsec-fw-monitor MainPID)" sh -c "$1"
}

# Confined as its unit says, it does its work.
monitored() {
	systemctl start ipsec-fw-monitor
	nft flush ruleset
	iptables-legacy -t mangle -F
	back() {
		[ "$(rules_of west site)" -gt 0 ]
	}
	check "the monitor's unit puts rules back" wait_for 10 back
	check "it may change devices' settings" \
		watched 'echo 0 > /proc/sys/net/ipv4/conf/lo/rp_filter'
	check "but not the kernel's" \
		watched '! echo 1 > /proc/sys/kernel/panic'
	systemctl stop ipsec-fw-monitor
}

judge() {
	local clear
	check "the tunnel comes up" wait_for 90 ping_from wlan 192.0.2.10 -c 1
	check "and that of IPv6" wait_for 20 ping_from wlan 2001:db8:2::10 -c 1
	above "the LAN was talking before there was a way out" "$(cat $WORK/talked)" 5
	clear=$(wire_count clear)
	if [ -n "$STOCK" ]; then
		echo "leaked - the machine boots: $clear" >> "$RESULTS"
		return
	fi
	is "packets in clear from the first moment on" "$clear" 0
	is "the guards' unit is active" "$(systemctl is-active ipsec-fw-guard)" active
	above "it was done before the way out was there" \
		"$(happened wan ExecMainStartTimestampMonotonic)" \
		"$(happened ipsec-fw-guard ExecMainExitTimestampMonotonic)"
	monitored
	systemctl stop ipsec
	ip link set w0 down
	ip link set l1 down
	wipe
	for file in /var/lib/ipsec-fw/armed*/old*; do
		echo damaged > "$file"
	done
	systemctl restart ipsec-fw-guard
	is "with a damaged record the unit has failed" "$(systemctl is-failed ipsec-fw-guard)" failed
	check "and says so" bash -c 'journalctl -b -u ipsec-fw-guard | grep -q "armed.*old"'
	ip -batch - <<-EOF
		link set l1 up
		link set w0 up
		addr replace 2001:db8:1::1/64 dev l1 nodad
		addr replace 2001:db8:100::1/64 dev w0 nodad
		route replace 192.0.2.0/24 via 198.51.100.2
		route replace 2001:db8:2::/64 via 2001:db8:100::2
	EOF
	sleep 2
	is "packets in clear behind the good ones" "$(wire_count clear)" 0
	above "the guard counted them" "$(guarded west out)" 50
	systemctl start ipsec
	check "the tunnel comes up again" wait_for 60 ping_from wlan 192.0.2.10 -c 1
	is "no packet in clear was captured, all the time" "$(captured)" 0
}

case $1 in
before) before ;;
lan) lan ;;
wan) wan ;;
judge)
	judge
	echo "# $SCENARIO took $(cut -d. -f1 /proc/uptime) s" >> "$RESULTS"
	systemctl list-units --all > /t/out/$name/units
	journalctl -b > /t/out/$name/journal
	cp $WORK/*.log $WORK/*.pcap /t/out/$name/
	sync
	echo o > /proc/sysrq-trigger
	;;
esac
