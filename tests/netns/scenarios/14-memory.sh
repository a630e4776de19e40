# SPDX-License-Identifier: GPL-2.0-or-later
# valgrind over the ways through the program: no error, nothing lost.
. "$TESTS/netns/lib.sh"
# What the linker keeps of a library that stays loaded is the linker's.
printf '{\n dlopen\n Memcheck:Leak\n match-leak-kinds: reachable\n ...\n fun:_dl_open\n}\n' > "$WORK/linker"
WRAP=(valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=all
	--show-leak-kinds=all --track-fds=no --vgdb=no --child-silent-after-fork=yes
	--suppressions="$WORK/linker"
	--log-file="$WORK/valgrind.%p")
# Which knows neither Landlock nor who works for whom.
OPTIONS=(--unconfined)

clean() {	# status NAME call...: the status, and valgrind's silence
	local status=$1 name=$2
	shift 2
	rm -f "$WORK"/valgrind.*
	"$@" > "$WORK/said" 2>&1
	is "$name: exit status" $? "$status"
	is "$name: valgrind" "$(cat "$WORK"/valgrind.*)" ""
}
settings() { { printf '[default]\nchain-updown = off\n'; printf '%s\n' "$@"; } | ini; }

ip xfrm policy add src 192.0.1.128/25 dst 192.0.2.7/32 proto tcp dport 22 dir out priority 1000
clean 0 up call up-client
clean 0 "up again" call up-client
clean 0 route call route-client
clean 0 down call down-client
OPTIONS=(--unconfined --dry-run)
clean 0 "dry run" call up-client
OPTIONS=(--unconfined)
settings 'log = NFLOG' 'reject = yes' 'connmark = yes' 'mss = clamp' \
	'open-ike = yes' 'accept-in = tcp/22, icmp' 'tcp-encap = 4500'
clean 0 "all settings" call up-client PLUTO_PEER_CLIENT=0.0.0.0/0 PLUTO_VIRT_INTERFACE=ipsec1
clean 0 "all settings, down" call down-client PLUTO_PEER_CLIENT=0.0.0.0/0 PLUTO_VIRT_INTERFACE=ipsec1
clean 0 "IPv6 range" call up-client PLUTO_MY_CLIENT=2001:db8:1::/64 PLUTO_PEER_CLIENT=2001:db8:2::1-2001:db8:2::ffff
clean 0 "IPv6 range, down" call down-client PLUTO_MY_CLIENT=2001:db8:1::/64 PLUTO_PEER_CLIENT=2001:db8:2::1-2001:db8:2::ffff
clean 1 "bad variable" call up-client PLUTO_ME=nonsense
settings 'on-error = nonsense'
clean 1 "bad settings" call up-client
clean 0 "bad settings, down" call down-client
printf '[global]\nmark-mask = 1\n[default]\nchain-updown = off\n' | ini
call up-client PLUTO_CONNECTION=other
clean 0 "no mark left, on hold" call up-client
clean 0 "on hold, down" call down-client
call down-client PLUTO_CONNECTION=other
printf '[default]\nchain-updown = off\non-error = fail\n' | ini
valgrind=("${WRAP[@]}")
WRAP=(setpriv --bounding-set -net_admin --inh-caps -all "${valgrind[@]}")
clean 1 "not permitted" call up-client
WRAP=("${valgrind[@]}")
settings
call up-client
echo nonsense > "$(find "$RUN" -path '*/conns/*')"
clean 0 "damaged record" call up-client
call down-client
printf '#!/bin/sh\nexit 3\n' > "$WORK/script"
chmod 700 "$WORK/script"
printf '[default]\nchain-updown = %s\n' "$WORK/script" | ini
clean 3 "script that fails" call up-client
# Rules in a person's own words, and words that no parser takes.
raw() { [ $BACKEND = nftables ] && echo "nft = $1" || echo "iptables = $2"; }
settings "$(raw 'forward in: tcp dport { 22, 80-88 } log prefix "${CONN} " counter drop' 'filter FORWARD in: -p tcp -m multiport --dports 22,80:88 -m comment --comment ${CONN} -j DROP')" \
	"$(raw 'srcnat: snat ip to ${ME}' 'nat POSTROUTING: -j SNAT --to ${ME}')"
clean 0 "own rules" call up-client
clean 0 "own rules again" call up-client
clean 0 "own rules, down" call down-client
settings 'on-error = fail' "$(raw 'forward in: nosuch' 'filter FORWARD in: -j nosuch')"
clean 1 "own rules that no parser takes" call up-client
settings 'on-error = fail' "$(raw 'forward in: masquerade' 'filter FORWARD in: -j MASQUERADE')"
clean 1 "own rules that the kernel does not take" call up-client
settings "$(raw 'forward in: drop }' 'filter FORWARD in: "')"
clean 1 "own rules that are no rules" call up-client
# Shared elements, other settings, a range, rules in chains of others: what only
# nftables has.
if [ $BACKEND = nftables ]; then
settings 'reject = yes' 'log = LOG'
iptables-nft -P FORWARD DROP
other=(PLUTO_CONNECTION=other PLUTO_SA_REQID=16400)
clean 0 "two connections of the same selectors" call up-client
clean 0 "the second" call up-client "${other[@]}"
settings 'accept = none' 'nat-exempt = no' 'mark = off'
clean 0 "other settings" call up-client
clean 0 "down of one" call down-client
clean 0 "down of the other" call down-client "${other[@]}"
settings 'mark-source = esp' 'connmark = yes' 'mark = 0x10000/0xff0000' 'accept-in = udp/1-100, icmp'
range=(PLUTO_PEER_CLIENT=192.0.2.1-192.0.2.30)
clean 0 "a range, marks on ESP" call up-client "${range[@]}"
rm -rf "$RUN"
clean 0 "down without record" call down-client "${range[@]}"
hosts=(PLUTO_MY_CLIENT=198.51.100.1/32 PLUTO_PEER_CLIENT=198.51.100.2/32)
settings
clean 0 "host to host" call up-host "${hosts[@]}"
nft add rule inet ipsec_fw prerouting counter
clean 0 "host to host, down" call down-host "${hosts[@]}"
call up-client
call up-client "${other[@]}"
printf '[global]\nbackend = %s\n[default]\nchain-updown = off\nguard = up\n' \
	iptables > "$INI"
clean 0 "a move to the other backend" call route-client
clean 0 "down of both" call down-client
call down-client "${other[@]}"
fi
is "nothing is left" "$(rules_of office)" 0
