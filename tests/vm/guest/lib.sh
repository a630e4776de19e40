# SPDX-License-Identifier: GPL-2.0-or-later
# lib.sh - two gateways, a LAN host behind each, and a wire that counts.
#
#	wlan .10 -- 192.0.1.0/24 -- .1 west .1 == wire == .2 east .1 -- elan .10
#	                          198.51.100.0/24          192.0.2.0/24
# and the same with IPv6 (2001:db8:1::, 2001:db8:100::, 2001:db8:2::).
set -u
. /t/tests/results.sh
HELPER=/usr/libexec/ipsec-fw-updown
UPDOWN=$HELPER
psk=a-preshared-key-that-is-long-enough-for-anybody

# ---- the network ----------------------------------------------------------------

on() {
	local netns=$1
	shift
	nsenter --net="/run/netns/$netns" "$@"
}

link_lan() {	# gateway host number
	ip -n "$1" -batch - <<-EOF
	link add l1 type veth peer name eth0 netns $2
	addr add 192.0.$3.1/24 dev l1
	addr add 2001:db8:$3::1/64 dev l1 nodad
	link set l1 up
	EOF
	ip -n "$2" -batch - <<-EOF
	addr add 192.0.$3.10/24 dev eth0
	addr add 2001:db8:$3::10/64 dev eth0 nodad
	link set eth0 up
	route add default via 192.0.$3.1
	route add default via 2001:db8:$3::1
	EOF
}

# Clear text would reach the other side: what is stopped, we stopped.
link_wan() {	# gateway number peer's number
	ip -n "$1" -batch - <<-EOF
	link add w0 type veth peer name $1 netns wire
	addr add 198.51.100.$2/24 dev w0
	addr add 2001:db8:100::$2/64 dev w0 nodad
	link set w0 up
	route add 192.0.$3.0/24 via 198.51.100.$3
	route add 2001:db8:$3::/64 via 2001:db8:100::$3
	EOF
	ip -n wire link set "$1" master br0 up
}

topology() {
	local netns
	for netns in wire west east wlan elan; do
		ip netns add $netns
		on $netns sysctl -q -w net.ipv4.ip_forward=1 \
			net.ipv6.conf.all.forwarding=1 \
			net.ipv6.conf.default.accept_dad=0 \
			net.ipv4.conf.all.rp_filter=0 \
			net.ipv4.conf.default.rp_filter=0 \
			net.ipv4.icmp_ratelimit=0
		ip -n $netns link set lo up
	done
	# Whoever needs br_netfilter, past the wire's own counters it would go.
	on wire sysctl -q -w net.bridge.bridge-nf-call-iptables=0 \
		net.bridge.bridge-nf-call-ip6tables=0
	ip -n wire link add br0 up type bridge mcast_snooping 0
	link_lan west wlan 1
	link_lan east elan 2
	link_wan west 1 2
	link_wan east 2 1
	on wire nft -f - <<-'EOF'
	define lans = { 192.0.1.0/24, 192.0.2.0/24, 192.0.3.0/24, 192.0.4.0/24 }
	define lans6 = { 2001:db8:1::/64, 2001:db8:2::/64 }
	table bridge wire {
		counter clear { }
		counter host { }
		counter encrypted { }
		counter natt { }
		chain forward {
			type filter hook forward priority 0;
			ip saddr $lans counter name clear
			ip saddr != $lans ip daddr $lans counter name clear
			ip6 saddr $lans6 counter name clear
			ip6 saddr != $lans6 ip6 daddr $lans6 counter name clear
			ip protocol icmp ip saddr 198.51.100.0/24 icmp type { echo-request, echo-reply } counter name host
			meta l4proto icmpv6 ip6 saddr 2001:db8:100::/64 icmpv6 type { echo-request, echo-reply } counter name host
			meta l4proto { esp, ah, 108 } counter name encrypted
			udp dport 4500 counter name natt
		}
	}
	EOF
}

# wire_count NAME: packets of a counter since the last wire_reset.  "clear" has
# a LAN's address on either side, so that source NAT does not hide it; "host"
# are the gateways' pings.
wire_count() {
	on wire nft list counter bridge wire "$1" |
		sed -n 's/.*packets \([0-9]*\) .*/\1/p'
}

wire_reset() {
	on wire nft reset counters > /dev/null
}

no_clear() {
	is "${1:-no packet in clear on the wire}" "$(wire_count clear)" 0
}

ping_from() {	# netns address [option...]
	local netns=$1 address=$2
	shift 2
	on "$netns" ping -n -i 0.05 -W 2 -c 3 "$@" "$address"
}

# Answers come within milliseconds if they come.
no_ping_from() {
	local netns=$1 address=$2
	shift 2
	! on "$netns" ping -n -i 0.05 -W 0.5 -c 3 "$@" "$address"
}

# Echo requests that were let in as far as the ICMP layer.
echoes() {	# netns
	on "$1" nstat -asz IcmpInEchos | awk '$1 == "IcmpInEchos" { print $2 }'
}

# Clear packets from the wire that claim to come from the peer's LAN.
spoof() {	# source destination
	ip -n wire -batch - <<-EOF
	addr add 198.51.100.77/24 dev br0
	addr add $1/32 dev br0
	route add $2 via 198.51.100.1 dev br0 src $1
	EOF
	on wire ping -n -i 0.05 -W 0.5 -c 3 -I "$1" "$2"
	ip -n wire -batch - <<-EOF
	route del $2
	addr del $1/32 dev br0
	addr del 198.51.100.77/24 dev br0
	EOF
}

# serve NETNS PORT...: TCP, answers "hello PORT".
serve() {
	local netns=$1 port
	shift
	for port; do
		on "$netns" socat "TCP4-LISTEN:$port,fork,reuseaddr" \
			SYSTEM:"echo hello $port" &
		wait_for 10 bash -c "ip netns exec $netns ss -Hltn | grep -q ':$port '"
	done
}

# Who closes its side is waited for half a second only (-t), by the other, too.
get() {		# netns address port [source]
	on "$1" socat -u -T 2 "TCP4:$2:$3,connect-timeout=2${4:+,bind=$4}" - 2>&1
}

refused() {	# netns address port [source]: nothing comes back
	! get "$@" | grep -q hello
}

# ---- the tables -------------------------------------------------------------------

# The operator's firewall is of the backend's kind.
policies() {	# netns target
	if [ "$BACKEND" = nftables ]; then
		on "$1" bash -c '
			for chain in input forward output; do
				nft "chain inet filter $chain { policy $0; }"
			done' "${2,,}"
		return
	fi
	on "$1" bash -c '
		for t in iptables-legacy ip6tables-legacy; do
			for chain in INPUT OUTPUT FORWARD; do
				$t -P $chain "$0"
			done
		done' "$2"
}

# All that default-deny leaves is the gateways' IKE and ESP.
deny_legacy() {	# netns
	local chain type
	{
		echo '*filter'
		for chain in INPUT OUTPUT; do
			echo "-A $chain -p udp -m multiport --ports 500,4500 -j ACCEPT"
			echo "-A $chain -p esp -j ACCEPT"
			echo "-A $chain -p ah -j ACCEPT"
		done
		echo '-A INPUT -i lo -j ACCEPT'
		echo '-A OUTPUT -o lo -j ACCEPT'
	} > "$WORK/deny"
	{ cat "$WORK/deny"; echo COMMIT; } | on "$1" iptables-legacy-restore -n
	for chain in INPUT OUTPUT; do
		for type in 133 134 135 136; do
			echo "-A $chain -p icmpv6 --icmpv6-type $type -j ACCEPT"
		done
	done >> "$WORK/deny"
	echo COMMIT >> "$WORK/deny"
	on "$1" ip6tables-legacy-restore -n < "$WORK/deny"
}

deny_nft() {	# netns
	local chain
	{
		echo 'table inet filter {'
		for chain in input output; do
			cat <<-EOF
				chain $chain {
					type filter hook $chain priority filter;
					meta l4proto udp th dport { 500, 4500 } accept
					meta l4proto udp th sport { 500, 4500 } accept
					meta l4proto { esp, ah } accept
					$([ $chain = input ] && echo iifname || echo oifname) "lo" accept
					icmpv6 type { 133, 134, 135, 136 } accept
				}
			EOF
		done
		echo 'chain forward { type filter hook forward priority filter; }'
		echo '}'
	} > "$WORK/deny"
	on "$1" nft -f - < "$WORK/deny"
}

default_deny() {	# netns
	if [ "$BACKEND" = nftables ]; then
		deny_nft "$1"
	else
		deny_legacy "$1"
	fi
	deny_again "$1"
}

deny_again() {	# netns
	policies "$1" DROP
}

# What is stopped after this, the guard stopped.
allow_all() {	# netns
	policies "$1" ACCEPT
}

# Everything that iptables-save shows of both families and nft of all, without
# the times of day and the traffic's own counts.
tables() {	# netns
	on "$1" bash -c 'iptables-legacy-save; ip6tables-legacy-save; nft -s list ruleset
			[ "$0" = rules ] || ipset save | grep -v "^add ipsec-fw-owners" | sort' $FORM |
		sed '/^# \(Generated\|Completed\)/d; s/ \[[0-9]*:[0-9]*\]$/ [0:0]/
			s/ packets [0-9]* bytes [0-9]*//; s/ bucketsize .*//'
}

# A table is shown from its first use on.
tables_before() {
	on "$1" bash -c '
		for t in iptables-legacy ip6tables-legacy; do
			for table in mangle nat filter; do
				$t-save -t $table > /dev/null
			done
		done'
	tables "$1" > "$WORK/tables-before-$1"
}

tables_same() {
	tables "$1" > "$WORK/tables-after-$1"
	diff "$WORK/tables-before-$1" "$WORK/tables-after-$1"
}

# How many rules, or sets with an element of it, has a connection?
rules_of() {	# netns conn
	tables "$1" | grep -c -e "^-A fw-$2-" -e "comment \"$2-"
}

reqids() {	# netns: those that rules or elements ask for; rules with sets ask for none
	[ $FORM = rules ] || {
		sed -n 's/^FWH_SA=[0-9]* \([0-9]*\) .*/\1/p' "$WORK/$1".run/ipsec-fw/*/conns/* | sort -u
		return
	}
	tables "$1" | grep -oE -e '--reqid [0-9]+' -e '(\{|^)[[:space:]]*[0-9]+ comment' |
		tr -dc '0-9\n' | sort -u
}

# The marks of a side's connections, as their records have them.
marks() {	# side
	sed -n 's/^FWH_MARK=//p' "$WORK/$1".run/ipsec-fw/*/conns/* | sort
}

# Packets that the rules of a pattern counted.
counted() {	# netns 4|6 table pattern
	local t=iptables-legacy
	[ "$2" = 6 ] && t=ip6tables-legacy
	on "$1" $t-save -c -t "$3" | sed -n "s/^\[\([0-9]*\):[0-9]*\] $4\$/\1/p" |
		awk '{ n += $1 } END { print n + 0 }'
}

# Packets that our guard dropped.
guarded() {	# netns in|out [4|6]
	local set=from-peer
	[ $FORM = rules ] || {
		[ "$2" = in ] || set=to-peer
		on "$1" ipset save | sed -n "s/^add ipsec-fw${3:-4}-$set-.* packets \([0-9]*\) .*/\1/p" |
			awk '{ n += $1 } END { print n + 0 }'
		return
	}
	if [ "$BACKEND" != nftables ]; then
		counted "$1" "${3:-4}" mangle "-A fw-[^ ]*-$2 .*-j DROP"
		return
	fi
	[ "$2" = in ] || set=to-peer
	on "$1" nft list table inet ipsec_fw |
		awk -v set="$set" -v family="${3:-4}" '
			$1 == "set" { ours = index($2, set) == 1 && (family == 6) == ($2 ~ /-ip6-/) }
			ours { while (match($0, /counter packets [0-9]+/)) {
				split(substr($0, RSTART, RLENGTH), w, " ")
				n += w[3]
				$0 = substr($0, RSTART + RLENGTH)
			} }
			END { print n + 0 }'
}

# count_marks NETNS: decrypted packets with and without a mark of ours, and
# others with one, as the operator's rules in mangle see them.
count_marks() {
	local chain
	{
		echo '*mangle'
		echo ':marked - [0:0]'
		echo ':unmarked - [0:0]'
		echo ':strange - [0:0]'
		for chain in FORWARD INPUT; do
			for name in '-m policy --dir in --pol ipsec -m mark ! --mark 0/0x3fff0000 -j marked' \
				'-m policy --dir in --pol ipsec -m mark --mark 0/0x3fff0000 -j unmarked' \
				'-m policy --dir in --pol none -m mark ! --mark 0/0x3fff0000 -j strange'; do
				echo "-A $chain $name"
			done
		done
		echo '-A marked -j RETURN'
		echo '-A unmarked -j RETURN'
		echo '-A strange -j RETURN'
		echo COMMIT
	} > "$WORK/marks"
	on "$1" iptables-legacy-restore -n < "$WORK/marks"
	on "$1" ip6tables-legacy-restore -n < "$WORK/marks"
}

# seen_marks NETNS marked|unmarked|strange [4|6]
seen_marks() {
	counted "$1" "${3:-4}" mangle "-A $2 -j RETURN"
}

# ---- the daemons -------------------------------------------------------------------

# conn NAME [SIDE] < lines: add to the ipsec.conf of both sides, or of one.
conn() {
	local name=$1 sides=${2:-west east} side lines preset
	lines=$(cat)
	for side in $sides; do
		{
			echo "conn $name"
			for preset in authby=secret ikev2=insist auto=ignore \
				left=198.51.100.1 leftid=@west \
				right=198.51.100.2 rightid=@east; do
				grep -q "^$(sed 's/=.*/=/' <<< "$preset")" <<< "$lines" ||
					echo "	$preset"
			done
			echo "	leftupdown=\"$UPDOWN\""
			# Mostly only one side is looked at.
			echo "	rightupdown=${UPDOWN_EAST:-%disabled}"
			# Here-documents lose their tabs.
			[ -z "$lines" ] || sed 's/^/\t/' <<< "$lines"
		} >> "$WORK/$side.conf"
	done
}

site() {	# LINE...: the usual connection, with these lines besides
	printf '%s\n' leftsubnet=192.0.1.0/24 rightsubnet=192.0.2.0/24 "$@" |
		conn site
}

for side in west east; do
	printf 'config setup\n\tlogfile=%s\n\tuniqueids=no\n\n' \
		"$WORK/$side.log" > "$WORK/$side.conf"
done
printf '@west @east : PSK "%s"\n: PSK "%s"\n' "$psk" "$psk" > "$WORK/secrets"
chmod 600 "$WORK/secrets"

# Settings from stdin.  Unless they speak of the guard it ends with down, so
# that tables can be compared.
BACKEND=$(sed -n 's/.*backend=\([a-z-]*\).*/\1/p' /proc/cmdline)
: "${BACKEND:=iptables}"
FORM=rules
case $BACKEND in *-sets) FORM=sets BACKEND=${BACKEND%-sets} ;; esac
backend() {
	printf '[global]\nbackend = %s\nscale = %s\n' "$BACKEND" $FORM
	echo 'accept-in-chain = auto, inet filter input, inet filter forward, inet filter output'
}
ini() {
	cat > /etc/ipsec-fw/ipsec-fw.conf
	grep -q '^guard = ' /etc/ipsec-fw/ipsec-fw.conf ||
		printf '[default]\nguard = up\n' >> /etc/ipsec-fw/ipsec-fw.conf
	backend >> /etc/ipsec-fw/ipsec-fw.conf
}
ini < /dev/null

# fw SIDE VERB...: ipsec-fw for that side's records.
fw() {
	local side=$1
	shift
	# As under the daemon, whose /run does not name the namespace.
	on "$side" unshare -m --propagation private bash -c '
		[ ! -d "$WORK/$0.fw" ] || mount --bind "$WORK/$0.fw" /etc/ipsec-fw
		mount -t tmpfs tmpfs /run/netns && exec ipsec-fw "$@"' "$side" \
		--run-dir "$WORK/$side.run/ipsec-fw" \
		--state-dir "$WORK/$side.state" "$@"
}

pluto_pid() {
	cat "$WORK/$1.run/pluto/pluto.pid" 2>/dev/null
}

# Each in its network namespace, with /run and its files of its own, and the
# helper's settings if it has any; the tables' lock is the one that the tests
# take too.
launch() {	# side
	mkdir -p "$WORK/$1.run/pluto" "$WORK/$1.d" "$WORK/$1.state"
	[ -d "$WORK/$1.nss" ] || cp -r /tmp/nss "$WORK/$1.nss"
	rm -f "$WORK/$1.run/pluto/pluto.pid"
	on "$1" unshare -m --propagation private bash -c '
		touch /run/xtables.lock "$WORK/$0.run/xtables.lock" \
			/etc/ipsec.conf /etc/ipsec.secrets
		mount --bind /run/xtables.lock "$WORK/$0.run/xtables.lock"
		mount --rbind "$WORK/$0.run" /run
		mount --bind "$WORK/$0.conf" /etc/ipsec.conf
		mount --bind "$WORK/secrets" /etc/ipsec.secrets
		mount --bind "$WORK/$0.d" /etc/ipsec.d
		mount --bind "$WORK/$0.state" /var/lib/ipsec-fw
		[ ! -d "$WORK/$0.fw" ] || mount --bind "$WORK/$0.fw" /etc/ipsec-fw
		mount -t sysfs sysfs /sys	# of this network namespace
		export LD_PRELOAD=${LD_PRELOAD_PLUTO:-}
		exec /usr/libexec/ipsec/pluto --nofork --config /etc/ipsec.conf \
			--nssdir "$WORK/$0.nss" --rundir /run/pluto \
			--logfile "$WORK/$0.log"
		' "$1" > "$WORK/$1.out" 2>&1 < /dev/null &
}

kill_daemon() {	# side
	local pid
	pid=$(pluto_pid "$1")
	kill -9 "$pid"
	wait_for 10 bash -c "! kill -0 $pid"
}

flush_xfrm() {	# side
	on "$1" ip xfrm policy flush
	on "$1" ip xfrm state flush
}

# Debian's unit flushes when it stops, after a daemon that died as well.
daemon_dies() {	# side
	kill_daemon "$1"
	flush_xfrm "$1"
}

await() {	# side
	wait_for 60 inside "$1" /usr/libexec/ipsec/whack --listen ||
		not_ok "pluto of $1 starts" "$(tail -n 3 "$WORK/$1.log" "$WORK/$1.out" | tr '\n' ' ')"
}

inside() {	# side command...: in the daemon's namespaces
	local side=$1
	shift
	nsenter -t "$(pluto_pid "$side")" -m -n "$@"
}

auto() {	# side --add|--replace name
	inside "$1" timeout 30 ipsec auto "$2" "$3"
}

whack() {	# side option...
	local side=$1
	shift
	inside "$side" timeout 30 /usr/libexec/ipsec/whack "$@"
}

add() {		# names...: on both sides
	local name
	for name; do
		auto west --add "$name" &
		auto east --add "$name"
		wait $!
	done
}

up() {
	whack west --name "$1" --initiate
}

rekey_child() {	# side name
	# Libreswan 5 renamed it.
	case $(ipsec --version) in
	*' 4.'*) whack "$1" --rekey-ipsec --name "$2" ;;
	*) whack "$1" --rekey-child --name "$2" ;;
	esac
}

down() {
	whack west --name "$1" --terminate
}

delete() {
	whack west --name "$1" --delete
	whack east --name "$1" --delete
}

# gone NAME: down, then delete; west's tables are as before after each.
gone() {
	down "$1"
	check "$1: after down the tables are as before" tables_same west
	delete "$1"
	check "$1: after delete the tables are as before" tables_same west
}

begin() {	# names...: topology, daemons and connections
	topology
	launch west
	launch east
	await west
	await east
	add "$@"
}

# What our helper and the script said is in the daemon's log.
said() {
	grep -E ' ?[a-z]+-(host|client)(-v6)? (output|command)' "$WORK/west.log"
}

# What AppArmor denied the helper first.
denied() {
	dmesg | grep 'apparmor="DENIED".*ipsec-fw-updown' | head -n 1
}

# finish [PATTERN]: what matches is the script's own trouble.
finish() {
	is "the helper is silent on success" "$(said | grep -v "${1:-^\$}")" ""
}
