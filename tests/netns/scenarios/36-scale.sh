# SPDX-License-Identifier: GPL-2.0-or-later
# backend: iptables
# (where it begins)
# The legacy tables' two forms: who chooses, the way from one to the other, and what
# connections share.
. "$TESTS/netns/lib.sh"
. "$TESTS/netns/fw.sh"
. "$TESTS/netns/gateway.sh"
FORM=sets		# tables shows both
scale() {	# line...: from now on
	{ printf '[global]\nbackend = iptables\n'; printf '%s\n' "$@"; printf '[default]\nchain-updown = off\n'; } | ini
}
many() {	# verb first last
	local i
	for ((i = $2; i <= $3; i++)); do
		call "$1" PLUTO_CONNECTION=c$i PLUTO_PEER_CLIENT=10.$i.0.0/16 PLUTO_SA_REQID=$((16384 + 4 * i))
	done
}
own_chains() { iptables-legacy-save | grep -c '^:fw-c'; }
elements() { ipset save | grep -c "^add ipsec-fw4-${1-}"; }
form() { readlink "$RUN"/*/backend; }

iptables-legacy -A FORWARD -s 203.0.113.0/24 -j RETURN
ip route add 10.0.0.0/8 via 198.51.100.2
peer ip addr add 10.1.0.10/16 dev eth0
ipset create own hash:net
ipset add own 203.0.113.0/24
ipset create ipsec-fw4-mine hash:net
keep_tables
scale 'scale-above = 6'
many up-client 1 7
is "rules for up to scale-above" "$(form) $(elements)" "iptables 0"
marks > "$WORK/marks"
iptables-legacy-save | grep -c '^:fw-c' > "$WORK/chains"
many up-client 8 8
is "sets above" "$(form) $(own_chains)" "iptables-sets 0"
is "of every connection" "$(elements from-peer) $(elements to-peer) $(elements accept-in) $(elements mark)" "8 8 8 8"
is "with the marks that they had" "$(marks | tr ' ' '\n' | head -n 7)" "$(tr ' ' '\n' < "$WORK/marks" | head -n 7)"
is "rules are shared" "$(iptables-legacy -t mangle -S ipsec-fw-pre | grep -c from-peer)" 1
is "records say so" "$(grep -lx 'FWH_BACKEND=iptables-sets' "$RUN"/*/conns/* | wc -l)" 8
is "ipsec-fw status does" "$(fw status | head -n 1)" "backend: iptables-sets (the legacy tables, of more connections than scale-above)"
many down-client 8 8
is "one less: they stay" "$(form)" iptables-sets
many down-client 4 7
is "half as many: they stay" "$(form)" iptables-sets
many down-client 3 3
call up-client PLUTO_CONNECTION=c1 PLUTO_PEER_CLIENT=10.1.0.0/16 PLUTO_SA_REQID=16388
is "less than that: rules again" "$(form) $(elements)" "iptables 0"
check "the set of owners is gone" bash -c '! ipset list -n ipsec-fw-owners 2> /dev/null'
many down-client 1 2
check "tables and sets of others are as before" same_tables

# By hand.
scale 'scale = sets'
many up-client 1 3
is "scale = sets" "$(form) $(elements accept-in)" "iptables-sets 3"
scale 'scale = rules'
is "reconcile" "$(fw reconcile)" "3 connections as recorded"
is "scale = rules" "$(form) $(elements)" "iptables 0"
scale 'scale = sets'
fw reconcile > /dev/null
is "and back" "$(form) $(own_chains)" "iptables-sets 0"

# On the way nothing is open: packets in clear without a pause.
pour() {	# packets to the peer's side, as fast as they go
	while [ ! -e "$WORK/poured" ]; do
		lan ping -q -c 20 -i 0.002 -W 0.01 10.1.0.10
	done > /dev/null 2>&1
}
seen > /dev/null
pour & poured=$!
for i in 1 2 3 4; do
	scale 'scale = rules'
	fw reconcile > /dev/null
	scale 'scale = sets'
	fw reconcile > /dev/null
	call up-client PLUTO_CONNECTION=c1 PLUTO_PEER_CLIENT=10.1.0.0/16 PLUTO_SA_REQID=16388
done
touch "$WORK/poured"
wait $poured
is "nothing left in clear on the way" "$(seen)" 0
pings lan 10.1.0.10
above "the guard stopped it" "$(ipset save | sed -n 's/^add ipsec-fw4-to-peer.* 10.1.0.0.16 packets \([0-9]*\) .*/\1/p')" 0

# Connections of the same addresses: an element each.
twin=(PLUTO_CONNECTION=twin PLUTO_PEER_CLIENT=10.1.0.0/16 PLUTO_SA_REQID=16500)
third=(PLUTO_CONNECTION=third PLUTO_PEER_CLIENT=10.1.0.0/16 PLUTO_SA_REQID=16504)
call up-client "${twin[@]}"
call up-client "${third[@]}"
is "three own the same" "$(ipset save | grep -c 'to-peer.* 10.1.0.0/16 ')" 3
many down-client 1 1
is "the first goes" "$(ipset save | grep 'to-peer.* 10.1.0.0/16 ' | grep -c 'twin-\|third-')" 2
call up-client "${twin[@]}"
is "another up adds nothing" "$(ipset save | grep -c 'to-peer.* 10.1.0.0/16 ')" 2
call down-client "${twin[@]}"
many up-client 1 1
is "its place is taken" "$(ipset save | grep 'to-peer.* 10.1.0.0/16 ' | grep -c 'c1-\|third-')" 2
is "no difference" "$(fw reconcile --check)" "4 connections as recorded"
call down-client "${third[@]}"

# What somebody did to rules and sets comes back with the next event.
iptables-legacy -t mangle -D ipsec-fw-post 3
many up-client 2 2
is "a rule that was deleted" "$(iptables-legacy -t mangle -S ipsec-fw-post | grep -c to-peer)" 1
ipset flush "$(ipset list -n | grep to-peer)"
many up-client 1 3
is "elements that were flushed" "$(elements to-peer)" 3
# A call that was killed in between leaves sets without rules.
many down-client 1 3
ipset create "$(OPTIONS=(--dry-run); call up-client | sed -n 's/^create \([^ ]*to-peer[^ ]*\) .*/\1/p')" hash:net counters comment
call up-client
is "a set without its rules gets them" "$(iptables-legacy -t mangle -S ipsec-fw-post | grep -c to-peer)" 1
pings lan 192.0.2.10
above "and they hold" "$(ipset save | sed -n 's/^add ipsec-fw4-to-peer.* packets \([0-9]*\) .*/\1/p')" 0
call down-client

# A network on both sides, and all of the Internet.
call up-client PLUTO_PEER_CLIENT=0.0.0.0/0
is "any network is two elements" "$(ipset save | grep 'to-peer' | grep -c ' \(0.0.0.0\|128.0.0.0\)/1 ')" 2
call down-client PLUTO_PEER_CLIENT=0.0.0.0/0
call up-client
is "flush" "$(fw flush --yes 2>&1 | grep -c .; elements; own_chains)" "1
0
0"
check "tables and sets of others at the end" same_tables
