# SPDX-License-Identifier: GPL-2.0-or-later
# A client whose server hands out name servers and domains: what Libreswan's script
# makes of them, beside what we do, and names that are asked for through the tunnel.
. /t/tests/vm/guest/lib.sh
case $(ipsec --version) in *' 4.'*) generation=4 ;; *) generation=5 ;; esac
conf=/etc/resolv.conf

# Its server's side has its name server in it: elan.
client() {	# name LINE...: west's side has these besides
	local name=$1 all=(leftmodecfgclient=yes rightmodecfgserver=yes rightsubnet=192.0.2.0/24)
	shift
	printf '%s\n' "${all[@]}" left=%any narrowing=yes leftaddresspool=192.0.9.1-192.0.9.9 \
		'modecfgdns="192.0.2.10, 192.0.2.54"' \
		'modecfgdomains="corp.example, lab.example"' | conn "$name" east
	printf '%s\n' "${all[@]}" leftsubnet=0.0.0.0/0 narrowing=yes "$@" | conn "$name" west
}
client rw
client rw-xfrmi ipsec-interface=1
topology
ip -n east route add 192.0.9.0/24 via 198.51.100.1
ip -n elan route add 192.0.9.0/24 via 192.0.2.1
cat > "$WORK/elan.conf" <<-EOF
	server:
	directory: "$WORK"
	chroot: ""
	username: ""
	pidfile: ""
	use-syslog: no
	module-config: "iterator"
	interface: 192.0.2.10
	access-control: 0.0.0.0/0 allow
	local-zone: "." static
	local-zone: "corp.example." static
	local-data: "host.corp.example. A 192.0.2.99"
	remote-control:
	control-enable: no
EOF
# The script looks for a process of unbound's name, in any network.
cp /usr/sbin/unbound "$WORK/nameserver"
on elan "$WORK/nameserver" -d -c "$WORK/elan.conf" > "$WORK/elan.unbound" 2>&1 &
launch west
launch east
await west
await east
asked() {	# getent asks as every program does
	inside west getent ahostsv4 "$1" | sed -n 's/ *STREAM.*//p'
}

life() {	# mode LOOK: of rw; LOOK is a function
	printf '[default]\nguard = off\nupdown = %s\n' "$1" | ini
	cp $conf "$WORK/before-$1"
	add rw
	check "$1: the client comes up" up rw
	"$2" > "$WORK/up-$1"
	down rw
	delete rw
	cp $conf "$WORK/after-$1"
	"$2" > "$WORK/down-$1"
}

# ---- a plain resolv.conf ----------------------------------------------------------

# What a resolver makes of it: at most three servers, and the last search line.
plain() {
	sed -n 's/^nameserver //p' $conf | head -n 3
	sed -n 's/^\(search\|domain\) //p' $conf | tail -n 1 |
		if [ $generation = 4 ]; then tr ' ' '\n' | sort; else cat; fi
	asked host.corp.example
	asked host
}
rm -f $conf
for text in 'nameserver 203.0.113.1\n' 'domain lan\nnameserver 203.0.113.1\n' \
	'# ours\nsearch lan home.example\nnameserver 203.0.113.1\n'; do
	printf "$text" > $conf
	life chain plain
	life native plain
	is "a file of '$text': as with the script" "$(diff "$WORK/up-chain" "$WORK/up-native")" ""
	check "names are found through the tunnel" grep -qx 192.0.2.99 "$WORK/up-native"
	check "and it is what it was" cmp "$WORK/before-native" "$WORK/after-native"
	check "as with the script" cmp "$WORK/before-chain" "$WORK/after-chain"
done

printf 'nameserver 203.0.113.1\n' > $conf
cp $conf "$WORK/before"
add rw
up rw > /dev/null
daemon_dies west
check "the daemon dies: its servers are in the file" grep -q '^nameserver 192.0.2.10' $conf
launch west
await west
add rw
is "and are still, until its next one calls" "$(grep -c ^nameserver $conf)" 3
auto west --route rw > /dev/null 2>&1 || up rw > /dev/null
delete rw
check "and then go" cmp "$WORK/before" $conf

# ---- unbound ------------------------------------------------------------------------

cat > "$WORK/west.unbound.conf" <<-EOF
	server:
	directory: "/run"
	chroot: ""
	username: ""
	pidfile: ""
	use-syslog: no
	module-config: "iterator"
	interface: 127.0.0.1
	do-not-query-localhost: no
	remote-control:
	control-enable: yes
	control-interface: /run/unbound.ctl
	control-use-cert: no
EOF
# Where unbound-control looks, which nobody tells otherwise.
cp "$WORK/west.unbound.conf" /etc/unbound/unbound.conf
inside west unbound -d > "$WORK/west.unbound" 2>&1 &
check "unbound" wait_for 20 inside west unbound-control status
echo 'nameserver 127.0.0.1' > $conf
forwards() {
	inside west unbound-control list_forwards | sort
	asked host.corp.example
	cat $conf
}
life chain forwards
life native forwards
is "unbound: as with the script" "$(diff "$WORK/up-chain" "$WORK/up-native")" ""
check "unbound: names are found through the tunnel" grep -qx 192.0.2.99 "$WORK/up-native"
check "unbound: a forward for each domain" grep -q '^lab.example. IN forward .*192.0.2.10' "$WORK/up-native"
is "unbound: and nothing is left" "$(cat "$WORK/down-native")" "$(cat $conf)"
inside west unbound-control stop > /dev/null

# ---- systemd-resolved, which these scripts know nothing of ------------------------------

inside west mkdir -p /run/dbus /run/systemd
inside west dbus-daemon --system --nofork --nopidfile > "$WORK/bus.log" 2>&1 &
check "a bus" wait_for 20 inside west test -S /run/dbus/system_bus_socket
resolved() {
	inside west /lib/systemd/systemd-resolved > "$WORK/resolved.log" 2>&1 &
	wait_for 20 inside west test -e /run/systemd/resolve/stub-resolv.conf
}
resolved && ok "systemd-resolved" || not_ok "systemd-resolved" "$(tail -n 2 "$WORK/resolved.log")"
rm $conf
ln -s /run/systemd/resolve/stub-resolv.conf $conf
link() {
	{ inside west resolvectl dns "$1"; inside west resolvectl domain "$1"; } | sed 's/^Link [^:]*: *//' | tr '\n' ' '
}
printf '[default]\nguard = off\nupdown = native\n' | ini
inside west resolvectl dns w0 203.0.113.1
inside west resolvectl domain w0 lan
add rw
check "resolved: the client comes up" up rw
is "resolved: the peer's on the device" "$(link w0)" "192.0.2.10 192.0.2.54 corp.example lab.example "
is "resolved: names are found through the tunnel" "$(asked host.corp.example)" 192.0.2.99
is "resolved: and short ones" "$(asked host)" 192.0.2.99
down rw
is "resolved: what was there is back" "$(link w0)" "203.0.113.1 lan "
delete rw
add rw-xfrmi
check "resolved: a device of the tunnel's own" up rw-xfrmi
is "resolved: has the peer's" "$(link ipsec1)" "192.0.2.10 192.0.2.54 ~corp.example ~lab.example "
is "resolved: and the other one its own" "$(link w0)" "203.0.113.1 lan "
is "resolved: names are found through it" "$(asked host.corp.example)" 192.0.2.99
delete rw-xfrmi
is "resolved: nothing is left" "$(link w0)$(inside west find /run/ipsec-fw -path '*dns-*')" "203.0.113.1 lan "
is "the helper says nothing of trouble" "$(said | grep -i "peer's DNS")" ""
