# SPDX-License-Identifier: GPL-2.0-or-later
# examples/l2tp: datagrams on port 1701 as L2TP's are, in IKEv1's transport mode.  No
# L2TP is spoken: that is another daemon's, and looks no different from here.
. /t/tests/vm/guest/exampleslib.sh
internet
uplink west w0 198.51.100.1
uplink east w0 203.0.113.1
example west l2tp
# A client's conn is the server's, with an address in place of %any.
sed 's/right=%any/right=203.0.113.1/; s/%any/1701/' "$WORK/west.conf" | plain east
on west socat UDP4-RECVFROM:1701,fork SYSTEM:"echo answer" &
on west socat UDP4-RECVFROM:1702,fork SYSTEM:"echo answer" &
wait_for 10 bash -c "ip netns exec west ss -Hlun | grep -q ':1702 '"
datagram() {	# port
	echo question | on east socat -T 0.5 - "UDP4:198.51.100.1:$1,sourceport=1701"
}
leaks "the counters see what is in clear" west 203.0.113.1
default_deny west
start west east
check "no tunnel, no L2TP" test -z "$(datagram 1701)"
whack east --name l2tp --initiate
comes_up east l2tp
reset
is "L2TP's datagrams" "$(datagram 1701)" answer
above "in ESP" "$(left encrypted west)" 0
none_in_clear "up" west east
is "and nothing else is in it" "$(datagram 1702)" ""
# Each a flow of its own to conntrack, as each new client of L2TP is.
many() {
	local n=0
	for i in {1..24}; do
		on west conntrack -D -p udp --dport 1701 > /dev/null 2>&1
		[ -z "$(datagram 1701)" ] || n=$((n + 1))
	done
	echo $n
}
came=$(many)
above "some new ones" "$came" 4
above "and not all" $((24 - came)) 4
allow_all west
flush_xfrm east
flush_xfrm west
reset
check "without its SA: no answer" test -z "$(datagram 1701)"
none_in_clear "without its SA"
finish "stays blocked"
