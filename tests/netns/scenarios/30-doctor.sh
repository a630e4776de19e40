# What the doctor finds, and where it is silent: both, of each check.
. "$TESTS/netns/lib.sh"
. "$TESTS/netns/fw.sh"
# Files of the machine that it reads, as copies.
private_etc
mount -t tmpfs tmpfs /var/log
mount -t tmpfs tmpfs /sys/module 2> /dev/null
rm -rf /etc/ipsec.conf /etc/ipsec.d /etc/swanctl /etc/strongswan /etc/ufw /etc/systemd/system/sysinit.target.wants/ipsec-fw*
sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
wanted=PLUTO_CONN_POLICY=IKEv2+PSK+ENCRYPT+TUNNEL+PFS+UP
settings() { { printf '[default]\nchain-updown = off\n'; printf '%s\n' "$@"; } | ini; }

doctor() { fw doctor --json | jq -r ".[] | select(.check == \"$1\") | .${2:-what}"; }
finds() {	# CHECK WORD: one finding of it, with the word
	local text
	text=$(doctor "$1")
	[[ $text == *"$2"* ]] || { echo "no '$2' in: $text"; return 1; }
	[ -n "$(doctor "$1" why)" ] && [ -n "$(doctor "$1" mend)" ]
}
silent() {	# CHECK
	local text
	text=$(doctor "$1")
	[ -z "$text" ] || { echo "found: $text"; return 1; }
}

# A daemon, or what goes by its name.
cp "$(readlink -f /bin/bash)" "$WORK/pluto"
"$WORK/pluto" -c 'sleep 1000; :' & PLUTO=$!
trap 'kill $PLUTO 2> /dev/null' EXIT
is "a healthy system" "$(fw doctor | tail -n 1)" "no finding"
check "exit 0" fw doctor
is "what runs" "$(fw doctor | grep -c "^daemon: pluto, process [0-9]*: GNU bash")" 1
is "which backend, and why" "$(fw doctor | head -n 1)" "backend: $HOLDER (the settings say so)"
is "no finding in JSON" "$(fw doctor --json | jq length)" 0
call up-client
keep_tables -c
is "with a connection" "$(fw doctor | tail -n 1)" "no finding"
check "it changes nothing" same_tables -c

# settings
cp "$INI" "$WORK/good"
printf '[default]\ngaurd = off\n' >> "$INI"
check "settings: found" finds settings "did you mean 'guard'?"
check "exit 1" refuses 1 "1 finding" doctor
is "what, why, mend" "$(fw doctor | sed -n '/^settings:/,$p' | cut -c1-9 | sed -n '2,3p' | tr '\n' ';')" "  why:  w;  mend: m;"
cp "$WORK/good" "$INI"
check "settings: silent" silent settings

# kernel
check "kernel: found where it cannot be tried" bash -c "
	setpriv --bounding-set -sys_admin $(printf '%q ' "${FW[@]}") doctor --json | jq -r '.[] | select(.check == \"kernel\").what' | grep -q 'could not be tried'"
check "kernel: silent" silent kernel

# flavours
iptables-legacy -A INPUT -p tcp --dport 22 -j ACCEPT
check "flavours: silent with one" silent flavours
iptables-nft -A INPUT -p tcp --dport 22 -j ACCEPT
check "flavours: found" finds flavours "both flavours of iptables"
iptables-legacy -F INPUT
check "flavours: silent" silent flavours
nft delete table ip filter

# translations
nat() { nft "table ip others { chain post { type nat hook postrouting priority $1; oifname eth9 masquerade; }; }"; }
nat 90
check "translations ahead of us: found" finds translations "chain post of table others, priority 90"
nft delete table ip others
nat srcnat
if [ $BACKEND = nftables ]; then
	check "translations behind us: silent" silent translations
else
	check "translations in nftables: found" finds translations "chain post of table others"
fi
nft delete table ip others
nft "table ip others { chain post { type nat hook postrouting priority 90; oifname eth9 accept; }; }"
check "a chain that translates nothing: silent" silent translations
nft delete table ip others

# drift
if [ $BACKEND = nftables ]; then nft flush chain inet ipsec_fw prerouting; else iptables-legacy -t mangle -F PREROUTING; fi
check "drift: found" finds drift "between the kernel and the records"
fw reconcile > /dev/null
check "drift: silent" silent drift

# accept-in-chain, owned tables
if [ $BACKEND = nftables ]; then
	nft 'table inet own { chain in { type filter hook input priority 0; policy drop; }; }'
	check "a chain that drops: found" finds accept-in-chain "chain in of table inet own drops by policy"
	is "what mends it names the chain" "$(doctor accept-in-chain mend | grep -c 'accept-in-chain = inet own in ')" 1
	nft 'insert rule inet own in meta mark & 0x40000000 == 0x40000000 accept'
	check "that asks for the mark: silent" silent accept-in-chain
	nft flush chain inet own in
	{ echo '[global]'; echo 'accept-in-chain = inet own in'; echo 'backend = nftables'; echo '[default]'; echo 'chain-updown = off'; } > "$INI"
	check "that is named in the settings: silent" silent accept-in-chain
	nft delete table inet own
	{ echo 'add table inet own { flags owner; }'; echo 'add chain inet own in { type filter hook input priority 0; }'; sleep 1000; } | nft -i > /dev/null 2>&1 & OWNER=$!
	wait_for 5 nft list chain inet own in
	check "a table of a process's own: found" finds owned-tables "inet own, which a process owns"
	kill $OWNER
	pkill -P $$ -x nft
	wait_for 5 bash -c '! nft list table inet own'
	check "gone: silent" silent owned-tables
	settings
	nft 'table inet firewalld { chain filter_FORWARD { type filter hook forward priority 10; reject; }; }'
	check "firewalld: found" finds accept-in-chain "chain filter_FORWARD of table inet firewalld"
	is "and what to set" "$(doctor accept-in-chain mend | grep -c 'inet firewalld filter_INPUT, inet firewalld filter_FORWARD')" 1
	check "whose reloads nobody watches: found" finds monitor "firewalld is here"
	nft delete table inet firewalld
else
	nft 'table inet own { chain in { type filter hook input priority 0; policy drop; }; }'
	check "the legacy tables accept for themselves: silent" silent accept-in-chain
	nft delete table inet own
fi

# monitor
check "monitor: silent where nothing reloads" silent monitor
cp "$(command -v sleep)" "$WORK/dockerd"
"$WORK/dockerd" 1000 & DOCKER=$!
sleep 0.1
check "monitor: found" finds monitor "dockerd is here, and nobody watches its reloads"
"${FW[@]}" monitor & MONITOR=$!
sleep 0.3
check "monitor: silent while it runs" silent monitor
kill $MONITOR $DOCKER
mkdir -p /etc/ufw
printf '# ufw\nENABLED=yes\n' > /etc/ufw/ufw.conf
wait $MONITOR $DOCKER 2> /dev/null
check "monitor: ufw" finds monitor "ufw is here"
printf '# ufw\nENABLED=no\n' > /etc/ufw/ufw.conf
check "monitor: ufw that is off" silent monitor

# forwarding
sysctl -q -w net.ipv4.ip_forward=0
check "forwarding: found" finds forwarding "IPv4 is not forwarded, and office has 192.0.1.0/24 on our side"
ip addr add 192.0.1.77/32 dev lo
call down-client
call up-client PLUTO_MY_CLIENT=192.0.1.77/32
check "forwarding: an address of our own needs none" silent forwarding
call down-client PLUTO_MY_CLIENT=192.0.1.77/32
call up-client
sysctl -q -w net.ipv4.ip_forward=1
check "forwarding: silent" silent forwarding
six=(PLUTO_CONNECTION=six PLUTO_MY_CLIENT=2001:db8:1::/64 PLUTO_PEER_CLIENT=2001:db8:2::/64)
call up-client "${six[@]}"
sysctl -q -w net.ipv6.conf.all.forwarding=0
check "forwarding: IPv6" finds forwarding "IPv6 is not forwarded, and six"
sysctl -q -w net.ipv6.conf.all.forwarding=1
call down-client "${six[@]}"

# rp-filter
ip link add ipsec1 type veth peer name other1
device=(PLUTO_CONNECTION=device PLUTO_VIRT_INTERFACE=ipsec1 PLUTO_PEER_CLIENT=192.0.5.0/24 PLUTO_XFRMI_ROUTE=yes)
call up-client "${device[@]}"
sysctl -q -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.ipsec1.rp_filter=1
check "rp-filter: found" finds rp-filter "rp_filter is strict on ipsec1, the device of device"
sysctl -q -w net.ipv4.conf.all.rp_filter=2
check "rp-filter: the larger counts" silent rp-filter
sysctl -q -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.ipsec1.rp_filter=2
check "rp-filter: silent" silent rp-filter
call down-client "${device[@]}"

# offload
settings 'mark-source = esp'
call up-client
check "offload: silent" silent offload
mkdir -p /sys/module/esp4_offload
check "offload: found with GRO" finds offload "mark-source = esp, and esp4_offload is loaded"
rmdir /sys/module/esp4_offload
record=$(ls "$RUN"/*/conns/office-*)
sed -i 's/^\(FWH_SA=.*\) 0$/\1 1/' "$record"
check "offload: found with packet offload" finds offload "packet offload"
settings
mkdir -p /sys/module/esp4_offload
check "offload: marks by the policy need nothing: silent" silent offload
rmdir /sys/module/esp4_offload
call up-client

# daemons, stale
kill $PLUTO
wait $PLUTO 2> /dev/null
check "daemons: found" finds daemons "1 connection is up, and no IKE daemon runs"
call down-client
check "daemons: silent where nothing is up" silent daemons
"$WORK/pluto" -c "$(declare -f call); $(declare -p site OPTIONS WRAP)
	export PATH='$PATH' LD_LIBRARY_PATH='$LD_LIBRARY_PATH' HELPER='$HELPER' INI='$INI' RUN='$RUN' STATE='$STATE'
	call up-client; kill -9 \$\$" 2> /dev/null
check "stale: found" finds stale "1 connection of a daemon that is gone, office among them"
"$WORK/pluto" -c 'sleep 1000; :' & PLUTO=$!
call up-client
check "stale: silent" silent stale
check "daemons: silent" silent daemons

# clock
record=$(ls "$RUN"/*/conns/office-*)
touch -d '+1 day' "$record"
check "clock: found" finds clock "the last event of office was at"
touch "$record"
check "clock: silent" silent clock

# ipsec.conf
mkdir -p /etc/ipsec.d
cat > /etc/ipsec.conf <<'CONF'
config setup
	protostack=xfrm
conn %default
	ikev2=insist
conn both
	left=192.0.2.1	# here
	leftid="@a #1"
conn office
	also=both
	right=192.0.2.2
conn told
	also=both
	right=192.0.2.3
	leftupdown="/usr/libexec/ipsec-fw-updown"
conn custom
	also=both
	right=192.0.2.3
	rightupdown = /usr/local/sbin/mine
conn clear
	left=192.0.2.1
	right=0.0.0.0
	type=passthrough
include /etc/ipsec.d/*.conf
CONF
printf 'conn branch\n\tleft=192.0.2.1\n\tright=192.0.2.9\n\tauto=start\n' > /etc/ipsec.d/branch.conf
is "ipsec.conf: those without, includes followed" "$(doctor ipsec.conf)" "/etc/ipsec.conf: no leftupdown in: office, branch"
sed -i 's|ikev2=insist|leftupdown=/usr/libexec/ipsec-fw-updown|' /etc/ipsec.conf
check "ipsec.conf: %default is for all" silent ipsec.conf
for ((i = 0; i < 200; i++)); do printf 'conn a-long-name-%d\n\tleft=192.0.2.1\n\tright=192.0.2.9\n' $i; done > /etc/ipsec.conf
above "ipsec.conf: many are cut" "$(doctor ipsec.conf | grep -c '\.\.\.$')" 0
printf 'include /etc/ipsec.conf\n' > /etc/ipsec.conf
check "ipsec.conf: an include of itself ends" timeout 20 "${FW[@]}" doctor
rm -rf /etc/ipsec.conf /etc/ipsec.d
check "ipsec.conf: none, silent" silent ipsec.conf

# swanctl.conf
mkdir -p /etc/swanctl/conf.d
cat > /etc/swanctl/swanctl.conf <<'CONF'
connections {
	office {
		remote_addrs = 192.0.2.2
		children {
			lan { local_ts = 192.0.1.0/24 }	# none
			told {
				updown = /usr/libexec/ipsec-fw-updown
			}
			clear { mode = pass }
			like : connections.other.children.told {
			}
		}
	}
}
include conf.d/*.conf
CONF
echo 'connections.flat.children.net.remote_ts = 192.0.9.0/24' > /etc/swanctl/conf.d/flat.conf
is "swanctl.conf: those without" "$(doctor swanctl.conf)" \
	"/etc/swanctl/swanctl.conf: no updown in: connections.office.children.lan, connections.flat.children.net"
rm /etc/swanctl/conf.d/flat.conf
sed -i 's|local_ts = 192.0.1.0/24|updown = /usr/libexec/ipsec-fw-updown|' /etc/swanctl/swanctl.conf
check "swanctl.conf: silent" silent swanctl.conf
rm -rf /etc/swanctl

# records, saved guards, boot
settings 'guard = armed'
call up-client
call down-client $wanted 2> /dev/null
check "saved-guards: silent" silent saved-guards
echo rubbish > "$STATE/armed/rubbish-aaaaaaaa"
check "saved-guards: found" finds saved-guards "rubbish-aaaaaaaa: damaged record"
rm "$STATE/armed/rubbish-aaaaaaaa"
check "guard-unit: silent without systemd" silent guard-unit
mkdir -p /run/systemd/system
check "guard-unit: found" finds guard-unit "nothing puts them up at boot"
mkdir -p /etc/systemd/system/sysinit.target.wants
ln -s /usr/lib/systemd/system/ipsec-fw-guard.service /etc/systemd/system/sysinit.target.wants/
check "guard-unit: silent" silent guard-unit
rm /etc/systemd/system/sysinit.target.wants/ipsec-fw-guard.service
fw disarm --all > /dev/null
check "guard-unit: silent where nothing is armed" silent guard-unit
call up-client PLUTO_CONNECTION=broken
echo rubbish > "$(ls "$RUN"/*/conns/broken-*)"
check "records: found" finds records "damaged record"
call up-client PLUTO_CONNECTION=broken 2> /dev/null
check "records: silent" silent records

# denials
mkdir -p /var/log/audit
echo 'type=AVC msg=audit(1): avc:  denied  { create } for pid=1 comm="other" scontext=a' > /var/log/audit/audit.log
check "denials: of others, silent" silent denials
echo 'type=AVC msg=audit(2): avc:  denied  { create } for pid=1 comm="ipsec-fw-updown" tclass=netlink_netfilter_socket' >> /var/log/audit/audit.log
check "denials: SELinux" finds denials "SELinux denied something"
echo 'type=1400 audit(3): apparmor="DENIED" operation="exec" profile="/usr/lib/ipsec/charon" name="/usr/libexec/ipsec-fw-updown"' >> /var/log/audit/audit.log
check "denials: AppArmor" finds denials "AppArmor denied something"
rm /var/log/audit/audit.log
check "denials: silent" silent denials
