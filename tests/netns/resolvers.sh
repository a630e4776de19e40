# SPDX-License-Identifier: GPL-2.0-or-later
# resolvers.sh - Debian's resolvers, and Libreswan's script, unpacked and not
# installed, so that the machine's own stay as they are; run from there in a
# scenario's namespaces.
resolvers=${IPSEC_FW_TEST_CACHE:-/var/cache/ipsec-fw-tests}/resolvers

# The packages, with those libraries of theirs that are not installed.
fetch_resolvers() {
	mkdir -p "${resolvers%/*}"
	(
		exec 9> "$resolvers.lock" && flock 9 || exit
		[ ! -e "$resolvers/done" ] || exit 0
		mkdir -p "$resolvers/deb" && cd "$resolvers/deb" || exit
		apt-get download systemd-resolved openresolv resolvconf unbound libreswan \
			$(apt-cache depends systemd-resolved unbound | sed -n 's/^ *Depends: \(lib[^ ]*\)$/\1/p' |
				while read -r p; do
					dpkg-query -W -f '${Status}' "$p" 2> /dev/null | grep -q ' installed$' || echo "$p"
				done) || exit
		for p in *.deb; do
			case $p in
			openresolv_*|resolvconf_*|libreswan_*) dpkg -x "$p" "$resolvers/${p%%_*}" ;;
			*) dpkg -x "$p" "$resolvers/root" ;;
			esac || exit
		done
		touch "$resolvers/done"
	)
}

libraries=$resolvers/root/usr/lib/x86_64-linux-gnu:$resolvers/root/usr/lib/x86_64-linux-gnu/systemd

# An /etc and a /usr/local/sbin of the scenario's own.
own_etc() {
	private_etc
	mount -t tmpfs tmpfs /usr/local/sbin
	rm -f /etc/resolv.conf
}

# starts NAME COMMAND...: in this shell, which then knows its process.
starts() {
	local name=$1
	shift
	if "$@"; then ok "$name"; else not_ok "$name" "does not start"; fi
}

# ---- systemd-resolved, on a bus of its own --------------------------------------------

start_bus() {
	mkdir -p /run/dbus
	cat > "$WORK/bus.conf" <<-'CONF'
	<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
		"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
	<busconfig>
		<type>system</type>
		<listen>unix:path=/run/dbus/system_bus_socket</listen>
		<auth>EXTERNAL</auth>
		<policy context="default">
			<allow user="*"/> <allow own="*"/>
			<allow send_destination="*"/> <allow receive_sender="*"/>
		</policy>
	</busconfig>
	CONF
	dbus-daemon --config-file="$WORK/bus.conf" --nofork > "$WORK/bus.log" 2>&1 &
	wait_for 5 test -S /run/dbus/system_bus_socket
}

start_resolved() {
	getent passwd systemd-resolve > /dev/null || {
		echo 'systemd-resolve:x:991:991::/:/usr/sbin/nologin' >> /etc/passwd
		echo 'systemd-resolve:x:991:' >> /etc/group
	}
	env -u NOTIFY_SOCKET LD_LIBRARY_PATH="$libraries" \
		"$resolvers/root/lib/systemd/systemd-resolved" > "$WORK/resolved.log" 2>&1 &
	RESOLVED=$!
	wait_for 5 resolvectl status
}

resolvectl() {
	LD_LIBRARY_PATH=$libraries "$resolvers/root/usr/bin/resolvectl" "$@"
}

# From stdin: the settings of a device.
start_networkd() {	# DEVICE
	getent passwd systemd-network > /dev/null || {
		echo 'systemd-network:x:998:998::/:/usr/sbin/nologin' >> /etc/passwd
		echo 'systemd-network:x:998:' >> /etc/group
	}
	mkdir -p /run/systemd/network /run/systemd/netif/links /run/systemd/netif/leases
	chown -R systemd-network: /run/systemd/netif
	{ printf '[Match]\nName=%s\n' "$1"; cat; } > /run/systemd/network/own.network
	mount -t sysfs -o ro sysfs /sys		# no udev: it does not wait for it
	env -u NOTIFY_SOCKET /lib/systemd/systemd-networkd > "$WORK/networkd.log" 2>&1 &
	NETWORKD=$!
	wait_for 5 networkctl status "$1"
}

# ---- unbound --------------------------------------------------------------------------------

start_unbound() {
	mkdir -p /run/unbound
	cat > "$WORK/unbound.conf" <<-CONF
	server:
		directory: "/run/unbound"
		chroot: ""
		username: ""
		pidfile: ""
		use-syslog: no
		interface: 127.0.0.1
		module-config: "iterator"
	remote-control:
		control-enable: yes
		control-interface: /run/unbound/control
		control-use-cert: no
	CONF
	cat >> "$WORK/unbound.conf"
	cat > /usr/local/sbin/unbound-control <<-CONTROL
	#!/bin/sh
	LD_LIBRARY_PATH=$libraries exec $resolvers/root/usr/sbin/unbound-control -c $WORK/unbound.conf "\$@"
	CONTROL
	chmod 755 /usr/local/sbin/unbound-control
	LD_LIBRARY_PATH=$libraries "$resolvers/root/usr/sbin/unbound" -d -c "$WORK/unbound.conf" > "$WORK/unbound.log" 2>&1 &
	UNBOUND=$!
	wait_for 5 /usr/local/sbin/unbound-control status
}

# ---- resolvconf -------------------------------------------------------------------------------

# Each says where its own files are.
use_resolvconf() {	# openresolv|resolvconf
	local root=$resolvers/$1
	cp -a "$root/etc/." /etc
	sed "s|/lib/resolvconf|$root/lib/resolvconf|g" "$root/sbin/resolvconf" > /usr/local/sbin/resolvconf
	chmod 755 /usr/local/sbin/resolvconf
	[ "$1" = openresolv ] || sed -i "s|/lib/resolvconf|$root/lib/resolvconf|g" /etc/resolvconf/update.d/libc
}
