# SPDX-License-Identifier: GPL-2.0-or-later
# nflog=: the group has the connection's packets in clear, each once, forwarded ones
# too; nflog-all=, which Libreswan sets by itself, goes on beside it.
. /t/tests/vm/guest/lib.sh
sed -i 's/^config setup/&\n\tnflog-all=50/' "$WORK/west.conf"
site nflog=5
ip_group() {	# GROUP: its packets, in tcpdump's words
	rm -f "$WORK/group-$1.said"
	nsenter --net=/run/netns/west tcpdump -n -l --immediate-mode -i "nflog:$1" \
		> "$WORK/group-$1" 2> "$WORK/group-$1.said" &
	readers+=($!)
	wait_for 20 grep -q listening "$WORK/group-$1.said"
}
stop_reading() { sleep 0.5; kill "${readers[@]}"; wait "${readers[@]}"; readers=(); }
# It ends with an empty line.
in_group() { grep -c "${2:-.}" "$WORK/group-$1"; }
readers=()
begin site
check "the connection comes up" wait_for 60 up site
ip_group 5
check "forwarded traffic passes" ping_from wlan 192.0.2.10
check "and back" ping_from elan 192.0.1.10
check "the gateway's own passes" ping_from west 192.0.2.10 -I 192.0.1.1
check "unprotected traffic passes" ping_from west 198.51.100.2
stop_reading
is "what will be encrypted is logged in clear, once" "$(in_group 5 'IP 192.0.1.10 > 192.0.2.10: ICMP echo request')" 3
is "what was decrypted too" "$(in_group 5 'IP 192.0.2.10 > 192.0.1.10: ICMP echo reply')" 3
is "the other way round" "$(in_group 5 'IP 192.0.2.10 > 192.0.1.10: ICMP echo request') $(in_group 5 'IP 192.0.1.10 > 192.0.2.10: ICMP echo reply')" "3 3"
is "the gateway's own" "$(in_group 5 'IP 192.0.1.1 > 192.0.2.10') $(in_group 5 'IP 192.0.2.10 > 192.0.1.1:')" "3 3"
is "and nothing else" "$(in_group 5)" 18

prefixes() {	# GROUP: reads only what the group's packets begin with
	rm -f "$WORK/prefixes-$1"
	nsenter --net=/run/netns/west perl /t/tests/netns/nflog "$1" > "$WORK/prefixes-$1" &
	readers+=($!)
	wait_for 20 grep -qs listening "$WORK/prefixes-$1"
}
# nflog-all: 5.x says which way.
in_prefixes() { sed -E '1d; s/^(all-ipsec)-(in|out)put$/\1/' "$WORK/prefixes-$1" | sort | uniq -c | tr -s ' ' | tr '\n' ';'; }
prefixes 5
ping_from wlan 192.0.2.10
stop_reading
is "the prefix is the connection's name" "$(in_prefixes 5)" " 6 site;"
inside west ipsec checknflog > "$WORK/checknflog" 2>&1
prefixes 5
prefixes 50
ping_from west 192.0.2.10 -I 192.0.1.1
stop_reading
is "nflog-all: both groups have them" "$(in_prefixes 5)$(in_prefixes 50)" " 6 site; 6 all-ipsec;"
no_clear
prefixes 5
down site
# Else a packet brings it up again: ours, or the answer to it.
whack west --name site --unroute
whack east --name site --unroute
no_ping_from west 192.0.2.10 -I 192.0.1.1
stop_reading
is "after down nothing is logged" "$(in_prefixes 5)" ""
delete site
is "after delete no rule of it is left" "$(rules_of west site)" 0
finish
