# SPDX-License-Identifier: GPL-2.0-or-later
# The peer's name servers and domains with the resolvers that Debian has, each as it
# runs: systemd-resolved on a bus, unbound, Debian's resolvconf and openresolv.
# backend: nftables
. "$TESTS/netns/lib.sh"
. "$TESTS/netns/fw.sh"
. "$TESTS/netns/resolvers.sh"
printf '[default]\nupdown = native\non-error = fail\n' | ini
for dev in w0 ipsec1 ipsec2; do
	ip link add $dev type veth peer name $dev-peer
	ip link set $dev up
	ip link set $dev-peer up
done
ip addr add 198.51.100.1/24 dev w0
ip addr add 192.0.1.1/24 dev ipsec1
ip route add default via 198.51.100.9
own_etc
client=(PLUTO_CFG_CLIENT=1)
dns=("${client[@]}" "PLUTO_PEER_DNS_INFO=10.0.0.53 2001:db8::53" "PLUTO_PEER_DOMAIN_INFO=corp.example lab.example")
b=(PLUTO_CONNECTION=other PLUTO_PEER_CLIENT=10.9.0.0/16 "${client[@]}" PLUTO_PEER_DNS_INFO=10.9.0.53 PLUTO_PEER_DOMAIN_INFO=other.example)
own=(PLUTO_VIRT_INTERFACE=ipsec1 PLUTO_XFRMI_ROUTE=yes)
store() { find "$RUN"/netns-*/owners "$RUN"/netns-*/shared -mindepth 1 2> /dev/null; }
down() { call down-client "$@"; call unroute-client "$@"; }
told() {	# WORD VERB [NAME=VALUE...]: the call succeeds, and says it
	local word=$1 output
	shift
	output=$(call "$@" 2>&1) || { echo "status $?: $output"; return 1; }
	[[ $output == *"$word"* ]] || { echo "no '$word' in: $output"; return 1; }
}

# A call that says nothing, valgrind as little.
clean() {
	WRAP=(valgrind --quiet --error-exitcode=99 --leak-check=full --vgdb=no) OPTIONS=(--unconfined)
	silent_call "$@"
	local status=$?
	WRAP=() OPTIONS=()
	return $status
}

# ---- systemd-resolved ------------------------------------------------------------------

starts "a bus" start_bus
mkdir -p /run/systemd/resolve
ln -s /run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
rmdir /run/systemd/resolve
starts "systemd-resolved" start_resolved
check "its resolv.conf" wait_for 5 grep -q 127.0.0.53 /etc/resolv.conf
keep_conf() { sum=$(md5sum < /etc/resolv.conf); }
keep_conf
link() {	# DEVICE: servers and domains
	{ resolvectl dns "$1"; resolvectl domain "$1"; } | sed 's/^Link [^:]*: *//' | tr '\n' ' ' | sed 's/  */ /g; s/ $//'
}

check "up" silent_call up-client "${dns[@]}"
is "the device towards the peer has its servers and domains" "$(link w0)" \
	"10.0.0.53 2001:db8::53 corp.example lab.example"
check "again" silent_call up-client "${dns[@]}"
is "changes nothing" "$(grep -c 'w0: Bus client set DNS server list' "$WORK/resolved.log")" 1
check "down" silent_call down-client
call unroute-client
is "they are gone" "$(link w0)$(store)" ""
is "resolv.conf is its own all the time" "$(md5sum < /etc/resolv.conf)" "$sum"
check "no memory is lost at up" clean up-client "${dns[@]}"
check "nor at down" clean down-client
call unroute-client

call up-client "${client[@]}" PLUTO_PEER_DNS_INFO=10.0.0.53
is "no domain: every name" "$(link w0)" "10.0.0.53 ~."
down
call up-client "${dns[@]}" PLUTO_PEER_CLIENT=0.0.0.0/0
is "a full tunnel: every name" "$(link w0)" "10.0.0.53 2001:db8::53 corp.example lab.example ~."
down PLUTO_PEER_CLIENT=0.0.0.0/0
call up-client "${dns[@]}" "${own[@]}"
is "a device of its own: these domains alone" "$(link ipsec1)" "10.0.0.53 2001:db8::53 ~corp.example ~lab.example"
is "it is not for other names" "$(resolvectl default-route ipsec1 | sed 's/.*: //')" no
is "and the other device is left alone" "$(link w0)" ""
down "${own[@]}"
is "all goes" "$(link ipsec1)$(store)" ""

resolvectl dns w0 192.168.1.1 2001:db8:1::1
resolvectl domain w0 lan '~home.arpa'
before=$(link w0)
call up-client "${dns[@]}"
is "in the place of somebody else's" "$(link w0)" "10.0.0.53 2001:db8::53 corp.example lab.example"
call up-client "${b[@]}"
is "the newest is heard" "$(link w0)" "10.9.0.53 other.example"
call down-client "${b[@]}"
is "the older again" "$(link w0)" "10.0.0.53 2001:db8::53 corp.example lab.example"
call up-client "${b[@]}"; call down-client
is "or the newest stays" "$(link w0)" "10.9.0.53 other.example"
down "${b[@]}"; call unroute-client
is "and somebody else's come back" "$(link w0)" "$before"
is "nothing is left in the store" "$(store)" ""
resolvectl dns w0 '192.168.1.1:5353#dns.example'
before=$(link w0)
call up-client "${dns[@]}"; down
is "with a port and a name, too" "$(link w0)" "$before"
call up-client "${dns[@]}"
resolvectl dns w0 192.168.9.9
down
is "what somebody else sets meanwhile stays" "$(link w0)" "192.168.9.9 corp.example lab.example"
resolvectl revert w0
call up-client "${dns[@]}"
resolvectl revert w0
check "what is lost" fw reconcile
is "reconcile puts back" "$(link w0)" "10.0.0.53 2001:db8::53 corp.example lab.example"
down

call up-client "${dns[@]}" PLUTO_VIRT_INTERFACE=ipsec2 PLUTO_XFRMI_ROUTE=yes
ip link del ipsec2
check "its device is gone at down" silent_call down-client
call unroute-client
is "that is no trouble" "$(store)" ""
check "a device that is not there yet" told "no such device" up-client "${dns[@]}" PLUTO_INTERFACE=w9
down PLUTO_INTERFACE=w9
is "leaves nothing" "$(store)" ""

call up-client "${dns[@]}"
kill $RESOLVED; wait $RESOLVED 2> /dev/null
check "resolved is gone at down: told, and the tunnel is down" told "org.freedesktop.resolve1" down-client
call unroute-client
check "and at up: told, and the tunnel is up" told "org.freedesktop.resolve1" up-client "${b[@]}"
above "with its rules" "$(rules_of other)" 0
starts "it is back" start_resolved
is "with what it had" "$(link w0)" "10.0.0.53 2001:db8::53 corp.example lab.example"
check "reconcile" fw reconcile
is "does what could not be done" "$(link w0)" "10.9.0.53 other.example"
down "${b[@]}"
is "and nothing is left" "$(link w0)$(store)" ""
kill -STOP $RESOLVED
before=$(date +%s)
check "one that does not answer: told" told "timed out" up-client "${dns[@]}"
above "soon" $(($(date +%s) - before < 8)) 0
kill -CONT $RESOLVED
check "reconcile" fw reconcile
is "does it" "$(link w0)" "10.0.0.53 2001:db8::53 corp.example lab.example"
check "flush" fw flush --yes
is "takes it away" "$(link w0)$(store)" ""

# A peer's words that no command shall see
resolvectl dns w0 192.168.1.1
before=$(link w0)
call up-client "${client[@]}" 'PLUTO_PEER_DNS_INFO=$(id) ; 127.0.0.53' 'PLUTO_PEER_DOMAIN_INFO=--set-dns=6.6.6.6 a..b' 2> /dev/null
is "bad values leave it untouched" "$(link w0)" "$before"
down
resolvectl revert w0

# A device of systemd-networkd's is told through it.
starts "systemd-networkd" start_networkd w0 <<-'NETWORK'
	[Network]
	KeepConfiguration=yes
	DNS=192.168.1.1
	Domains=lan
	LinkLocalAddressing=no
NETWORK
managed() { networkctl list w0 | grep -q configured && [ "$(link w0)" = "192.168.1.1 lan" ]; }
check "has a device" wait_for 20 managed
check "up" silent_call up-client "${dns[@]}"
is "the peer's servers and domains" "$(link w0)" "10.0.0.53 2001:db8::53 corp.example lab.example"
check "down at once" silent_call down-client
call unroute-client
is "networkd's are back" "$(link w0)" "192.168.1.1 lan"
for i in 1 2 3 4 5; do call up-client "${dns[@]}"; down; done
sleep 0.5
is "whatever comes how fast" "$(link w0)$(store)" "192.168.1.1 lan"
kill $NETWORKD $RESOLVED; wait $NETWORKD $RESOLVED 2> /dev/null
rm -rf /run/systemd/resolve /run/systemd/netif /etc/resolv.conf

# ---- unbound ---------------------------------------------------------------------------------

echo 'nameserver 127.0.0.1' > /etc/resolv.conf
keep_conf
starts "unbound" start_unbound <<-'CONF'
	forward-zone:
		name: "lab.example"
		forward-addr: 192.168.1.53
		forward-addr: 192.168.1.54
CONF
forwards() {	# the servers of each sorted: unbound has its own order
	unbound-control list_forwards | sort | while read -r zone in forward servers; do
		echo "$zone $in $forward $(tr ' ' '\n' <<< "$servers" | sort | tr '\n' ' ')"
	done | sed 's/ $//' | tr '\n' ';'
}
before=$(forwards)
check "up" silent_call up-client "${dns[@]}"
is "a forward for each domain" "$(forwards)" \
	"corp.example. IN forward 10.0.0.53 2001:db8::53;lab.example. IN forward 10.0.0.53 2001:db8::53;"
check "again" clean up-client "${dns[@]}"
call up-client "${b[@]}" 'PLUTO_PEER_DOMAIN_INFO=other.example corp.example'
is "another connection, of which one domain is the same" "$(forwards)" \
	"corp.example. IN forward 10.9.0.53;lab.example. IN forward 10.0.0.53 2001:db8::53;other.example. IN forward 10.9.0.53;"
call down-client "${b[@]}"
is "down: that is the older one's again" "$(forwards)" \
	"corp.example. IN forward 10.0.0.53 2001:db8::53;lab.example. IN forward 10.0.0.53 2001:db8::53;"
unbound-control -q forward_remove corp.example
check "what is lost" fw reconcile
is "reconcile puts back" "$(forwards)" \
	"corp.example. IN forward 10.0.0.53 2001:db8::53;lab.example. IN forward 10.0.0.53 2001:db8::53;"
unbound-control -q forward_add corp.example 192.168.7.7
check "down" clean down-client
is "what is somebody else's now, stays, and what was there comes back" "$(forwards)" \
	"corp.example. IN forward 192.168.7.7;$before"
unbound-control -q forward_remove corp.example
call unroute-client; call unroute-client "${b[@]}"
is "as before" "$(forwards)$(store)" "$before"
unbound-control -q forward_remove lab.example
unbound-control -q forward_add +i lab.example 192.168.1.53
before=$(forwards)
call up-client "${dns[@]}"; down
is "a forward that DNSSEC is not asked of, too" "$(forwards)" "$before"
long=$(printf 'a%.0s' $(seq 63)).$(printf 'b%.0s' $(seq 63)).$(printf 'c%.0s' $(seq 63)).example
call up-client "${dns[@]}" "PLUTO_PEER_DOMAIN_INFO=x.$long y.$long"
is "long domains" "$(forwards | tr ';' '\n' | grep -c 'c.example. IN forward 10.0.0.53 2001:db8::53')" 2
down
is "go as well" "$(forwards)$(store)" "$before"
is "resolv.conf is as it was" "$(md5sum < /etc/resolv.conf)" "$sum"
call up-client "${client[@]}" PLUTO_PEER_DNS_INFO=10.0.0.53
is "no domain: resolv.conf" "$(grep -c '^nameserver 10.0.0.53' /etc/resolv.conf) $(forwards)" "1 $before"
down
is "as it was" "$(md5sum < /etc/resolv.conf)" "$sum"
printf '[default]\nupdown = native\ndns = unbound\n' | ini
call up-client "${client[@]}" PLUTO_PEER_DNS_INFO=10.0.0.53
is "or every name, where the settings say unbound" "$(forwards)" ". IN forward 10.0.0.53;$before"
down
is "which goes" "$(forwards)$(store)" "$before"
call up-client "${dns[@]}"
kill $UNBOUND; wait $UNBOUND 2> /dev/null
check "unbound is gone at down: told" told "unbound-control: exit status 1" down-client
call unroute-client
starts "it is back" start_unbound <<-'CONF'
	forward-zone:
		name: "lab.example"
		forward-addr: 192.168.1.53
CONF
check "reconcile" fw reconcile
is "has nothing to do" "$(forwards)$(store)" "lab.example. IN forward 192.168.1.53;"
kill $UNBOUND; wait $UNBOUND 2> /dev/null
printf '[default]\nupdown = native\n' | ini
call up-client "${dns[@]}"
is "one that does not run is none" "$(grep -c '^nameserver' /etc/resolv.conf)" 3
down
is "and resolv.conf is as it was" "$(md5sum < /etc/resolv.conf)" "$sum"
printf '#!/bin/sh\nsleep 30\n' > /usr/local/sbin/unbound-control
printf '[default]\nupdown = native\ndns = unbound\n' | ini
before=$(date +%s)
check "one that does not answer: told" told "timed out" up-client "${dns[@]}" PLUTO_PEER_DOMAIN_INFO=corp.example
above "soon" $(($(date +%s) - before < 8)) 0
check "and no process is left" wait_for 2 bash -c "! pgrep -f '^/bin/sh /usr/local/sbin/unbound-control'"
rm /usr/local/sbin/unbound-control
check "no program at all: told" told "no unbound-control" up-client "${dns[@]}"
check "and nothing is to be undone" silent_call down-client
call unroute-client
is "nor left" "$(store)" ""
printf '[default]\nupdown = native\n' | ini

# ---- resolvconf -----------------------------------------------------------------------------------

for kind in resolvconf openresolv; do
	use_resolvconf $kind
	rm -f /etc/resolv.conf
	if [ $kind = resolvconf ]; then
		mkdir -p /run/resolvconf/interface
		ln -s /run/resolvconf/resolv.conf /etc/resolv.conf
		resolvconf --enable-updates
	else
		rm -rf /run/resolvconf
	fi
	printf 'nameserver 192.168.1.1\nsearch lan\n' | resolvconf -a w0.dhclient
	check "$kind's resolv.conf" grep -q '^nameserver 192.168.1.1' /etc/resolv.conf
	cp /etc/resolv.conf "$WORK/conf"
	check "$kind: up" silent_call up-client "${dns[@]}"
	is "$kind: the peer's servers are the first" "$(sed -n 's/^nameserver //p' /etc/resolv.conf | tr '\n' ' ')" \
		"10.0.0.53 2001:db8::53 192.168.1.1 "
	is "$kind: its domains too" "$(sed -n 's/^search //p' /etc/resolv.conf)" "corp.example lab.example lan"
	check "$kind: again" silent_call up-client "${dns[@]}"
	call up-client "${b[@]}"
	is "$kind: each connection has a record" "$(resolvconf -i | tr ' ' '\n' | grep -c ipsec-fw)" 2
	printf 'nameserver 192.168.7.1\nsearch hotel\n' | resolvconf -a w0.dhclient
	is "$kind: DHCP has other ones" "$(grep -c -e '10\.0\.0\.53' -e '^search.* hotel$' /etc/resolv.conf)" 2
	printf 'nameserver 192.168.1.1\nsearch lan\n' | resolvconf -a w0.dhclient
	resolvconf -d "$(resolvconf -i | tr ' ' '\n' | grep ipsec-fw-office)"
	check "$kind: what is lost" fw reconcile
	check "$kind: reconcile puts back" grep -q '10\.0\.0\.53' /etc/resolv.conf
	check "$kind: down" silent_call down-client
	call down-client "${b[@]}"; call unroute-client; call unroute-client "${b[@]}"
	check "$kind: all is as before" diff "$WORK/conf" /etc/resolv.conf
	is "$kind: and nothing is left" "$(store)$(resolvconf -i | grep ipsec-fw)" ""
done
rm /usr/local/sbin/resolvconf
printf 'nameserver 192.168.1.1\n' > "$WORK/conf"
rm -f /etc/resolv.conf; cp "$WORK/conf" /etc/resolv.conf
ln -s /usr/bin/resolvectl /usr/local/sbin/resolvconf
call up-client "${dns[@]}"
is "systemd's resolvconf is none" "$(sed -n 's/^nameserver 10/10/p' /etc/resolv.conf)" 10.0.0.53
down
check "and resolv.conf is as it was" diff "$WORK/conf" /etc/resolv.conf
