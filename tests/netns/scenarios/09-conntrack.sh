# SPDX-License-Identifier: GPL-2.0-or-later
# Flows that were translated before the exemption came would go on being
# translated: their conntrack entries go, and no others.
. "$TESTS/netns/lib.sh"
unshare -n sleep 1000 & PEER=$!
trap 'kill $PEER' EXIT
wait_for 5 bash -c "[ \$(readlink /proc/$PEER/ns/net) != \$(readlink /proc/self/ns/net) ]"
ip link add w0 type veth peer name eth0 netns $PEER
ip addr add 198.51.100.1/24 dev w0
ip link set w0 up
ip link add l1 type veth peer name l2
ip addr add 192.0.1.1/24 dev l1
ip addr add 192.0.3.1/24 dev l1
ip link set l1 up
ip link set l2 up
nsenter -t $PEER -n ip addr add 198.51.100.2/24 dev eth0
nsenter -t $PEER -n ip addr add 192.0.2.10/24 dev eth0
nsenter -t $PEER -n ip link set eth0 up
ip route add 192.0.2.0/24 via 198.51.100.2
iptables-legacy -t nat -A POSTROUTING -o w0 -j MASQUERADE
ip6tables-legacy -t nat -A POSTROUTING -o w0 -j MASQUERADE

flow() { ping -n -q -c 1 -W 1 -I "$1" "$2" > /dev/null; }
flows() { conntrack -L -p icmp 2> /dev/null | grep -c "src=$1 dst=$2 "; }
translated() { conntrack -L -p icmp -n 2> /dev/null | grep -c "src=$1 dst=$2 "; }

flow 192.0.1.1 192.0.2.10
flow 192.0.3.1 192.0.2.10
flow 192.0.1.1 198.51.100.2
is "a flow of the connection is translated" "$(translated 192.0.1.1 192.0.2.10)" 1
is "another's too" "$(translated 192.0.3.1 192.0.2.10)" 1
check "up" silent_call up-client
is "the connection's entry is gone" "$(flows 192.0.1.1 192.0.2.10)" 0
is "another source's stays" "$(flows 192.0.3.1 192.0.2.10)" 1
is "another destination's stays" "$(flows 192.0.1.1 198.51.100.2)" 1
call down-client
flow 192.0.1.1 192.0.2.10
printf '[default]\nchain-updown = off\nnat-exempt = no\n' | ini
call up-client
is "nat-exempt = no leaves it alone" "$(translated 192.0.1.1 192.0.2.10)" 1
is "and makes no rule" "$(nat_exempts)" 0
call down-client

# Translated the other way: not a source's translation, not ours to end.
conntrack -F 2> /dev/null
iptables-legacy -t nat -F
iptables-legacy -t nat -A OUTPUT -d 192.0.2.77 -j DNAT --to 192.0.2.10
flow 192.0.1.1 192.0.2.77
is "a destination's translation is there" "$(flows 192.0.1.1 192.0.2.77)" 1
printf '[default]\nchain-updown = off\n' | ini
call up-client
is "and stays" "$(flows 192.0.1.1 192.0.2.77)" 1
call down-client
