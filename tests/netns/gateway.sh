# SPDX-License-Identifier: GPL-2.0-or-later
# gateway.sh - this namespace as a gateway, between a LAN and a peer in clear.

# What the operator has beside us.
[ $BACKEND = iptables ] && IPT=iptables-legacy || IPT=iptables-nft

# lan .10 - l1 west w0 - w1 peer, which has the addresses of the far side too
lan() { nsenter -t $LAN -n "$@"; }
peer() { nsenter -t $PEER -n "$@"; }
unshare -n sleep 1000 & LAN=$!
unshare -n sleep 1000 & PEER=$!
trap 'kill $LAN $PEER' EXIT
wait_for 5 bash -c "[ \$(readlink /proc/$LAN/ns/net) != \$(readlink /proc/self/ns/net) ] && [ \$(readlink /proc/$PEER/ns/net) != \$(readlink /proc/self/ns/net) ]"
sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
ip link add l1 type veth peer name eth0 netns $LAN
ip link add w0 type veth peer name eth0 netns $PEER
ip addr add 192.0.1.1/24 dev l1
ip addr add 198.51.100.1/24 dev w0
ip addr add 2001:db8:1::1/64 dev l1 nodad
ip addr add 2001:db8:100::1/64 dev w0 nodad
ip link set l1 up
ip link set w0 up
lan ip addr add 192.0.1.10/24 dev eth0
lan ip addr add 2001:db8:1::10/64 dev eth0 nodad
lan ip link set eth0 up
lan ip route add default via 192.0.1.1
lan ip -6 route add default via 2001:db8:1::1
for a in 198.51.100.2/24 192.0.2.10/24 2001:db8:100::2/64 2001:db8:2::10/64; do
	case $a in *:*) peer ip addr add $a dev eth0 nodad ;; *) peer ip addr add $a dev eth0 ;; esac
done
peer ip link set lo up
peer ip link set eth0 up
peer ip route add 192.0.1.0/24 via 198.51.100.1 src 192.0.2.10
peer ip -6 route add 2001:db8:1::/64 via 2001:db8:100::1 src 2001:db8:2::10
ip route add 192.0.2.0/24 via 198.51.100.2
ip -6 route add 2001:db8:2::/64 via 2001:db8:100::2
peer iptables-legacy -N seen
peer iptables-legacy -A INPUT -s 192.0.1.0/24 -j seen
peer iptables-legacy -A INPUT -s 198.51.100.1 -p icmp --icmp-type echo-request -j seen
peer iptables-legacy -A seen -j RETURN
lan iptables-legacy -A INPUT -s 192.0.2.0/24 -p icmp --icmp-type echo-request
peer ip6tables-legacy -N seen
peer ip6tables-legacy -A INPUT -s 2001:db8:1::/64 -j seen
peer ip6tables-legacy -A seen -j RETURN

seen() {	# packets in clear that the peer got since last asked
	local t n=0
	for t in iptables-legacy ip6tables-legacy; do
		n=$((n + $(peer $t -Z seen -v -n -x -L seen | awk 'NR == 3 { print $1 }')))
	done
	echo $n
}
lan_seen() {	# from the far side, since last asked
	lan iptables-legacy -Z INPUT -v -n -x -L INPUT | awk 'NR == 3 { print $1 }'
}
pings() { "$1" ping -n -q -i 0.02 -W 0.3 -c 5 "${@:2}"; }
# A stand-in for decryption, where the kernel has no ESP: the mark of 2005 for the
# peer's packets of one kind.
marked() { peer ping -n -q -Q 0xb8 -i 0.02 -W 0.3 -c 5 -I 192.0.2.10 "$@" 192.0.1.10; }
decryption() {
	nft -f - <<-'NFT'
		table ip decryption {
			chain pre {
				type filter hook prerouting priority -170
				iifname "w0" ip dscp ef meta mark set 0x10000
			}
		}
	NFT
}
host() { "$@"; }
settings() { { printf '[default]\nchain-updown = off\n'; printf '%s\n' "$@"; } | ini; }
