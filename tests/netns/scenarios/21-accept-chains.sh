# SPDX-License-Identifier: GPL-2.0-or-later
# backend: nftables
# The one rule in chains of others: at the top, once, while connections are up.
. "$TESTS/netns/lib.sh"
settings() { { printf '[default]\nchain-updown = off\n[global]\n'; printf '%s\n' "$@"; } | ini; }
accept_rule='mark and 0x40000000 == 0x40000000 .*accept comment "ipsec-fw: accepted"\|meta mark & 0x40000000 == 0x40000000 .*accept comment "ipsec-fw: accepted"'
first() {	# family table chain: the first rule is ours
	nft list chain $1 $2 $3 | grep -v '^table \|chain .* {$\|type filter' | head -n 1 | grep -c "$accept_rule"
}
times() { nft list chain $1 $2 $3 | grep -c "$accept_rule"; }
there() { echo "$(first "$@") $(times "$@")"; }

# iptables' nftables flavour, as Docker fills it.
docker() {
	local i
	{
		printf '*nat\n:PREROUTING ACCEPT [0:0]\n:DOCKER - [0:0]\n'
		printf -- '-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n'
		printf -- '-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE\n'
		for i in {1..60}; do
			printf -- '-A DOCKER ! -i docker0 -p tcp -m tcp --dport %d -j DNAT --to-destination 172.17.0.%d:80\n' $((8000 + i)) $i
		done
		printf 'COMMIT\n*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n'
		printf ':DOCKER - [0:0]\n:DOCKER-ISOLATION-STAGE-1 - [0:0]\n:DOCKER-USER - [0:0]\n'
		printf -- '-A FORWARD -j DOCKER-USER\n-A FORWARD -j DOCKER-ISOLATION-STAGE-1\n'
		printf -- '-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n'
		printf -- '-A FORWARD -o docker0 -j DOCKER\n-A FORWARD -i docker0 ! -o docker0 -j ACCEPT\n'
		for i in {1..60}; do
			printf -- '-A DOCKER -d 172.17.0.%d/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT\n' $i
		done
		printf -- '-A DOCKER-USER -j RETURN\nCOMMIT\n'
	} | iptables-nft-restore
	ip6tables-nft -P FORWARD DROP
	ip6tables-nft -A INPUT -p tcp --dport 22 -j ACCEPT
}
docker
nft -f - <<-'RULES'
	table inet filter {
		chain input { type filter hook input priority filter; policy drop;
			iif lo accept
		}
		chain forward { type filter hook forward priority filter; policy drop;
			ct state established,related accept
		}
		chain output { type filter hook output priority filter; policy drop; }
	}
RULES
foreign() { nft -a list ruleset | sed '/^table inet ipsec_fw/,/^}/d' | grep -v 'ipsec-fw: accepted'; }
foreign > "$WORK/foreign"
same_foreign() { diff "$WORK/foreign" <(foreign); }
iptables-nft-save | sed '/^#/d' > "$WORK/saved"
keep_tables

settings
check "auto: up" silent_call up-client
is "auto: first and once in FORWARD" "$(there ip filter FORWARD)" "1 1"
is "in INPUT" "$(there ip filter INPUT)" "1 1"
is "in OUTPUT" "$(there ip filter OUTPUT)" "1 1"
is "in ip6's" "$(there ip6 filter FORWARD) $(there ip6 filter INPUT)" "1 1 1 1"
is "in nobody else's" "$(times inet filter forward)" 0
check "others' rules and handles are as they were" same_foreign
check "iptables-nft still lists" iptables-nft -S
check "with ours in it" bash -c "iptables-nft -S FORWARD | sed -n 2p | grep -q 'ipsec-fw: accepted.*-j ACCEPT'"
check "ip6tables-nft too" bash -c "ip6tables-nft -S FORWARD | sed -n 2p | grep -q 'ipsec-fw: accepted.*-j ACCEPT'"
iptables-nft-save | sed -e '/^#/d' -e '/ipsec-fw: accepted/d' > "$WORK/saved2"
check "iptables-nft-save: the rest is as before" diff "$WORK/saved" "$WORK/saved2"
check "what it saved restores" bash -c "iptables-nft-save | iptables-nft-restore"
check "up again" silent_call up-client
is "still once" "$(there ip filter FORWARD) $(there ip filter INPUT)" "1 1 1 1"
foreign > "$WORK/foreign"
check "a second connection" silent_call up-client PLUTO_CONNECTION=other PLUTO_PEER_CLIENT=10.0.0.0/8 PLUTO_SA_REQID=16400
is "still once" "$(there ip filter FORWARD)" "1 1"
iptables-nft -I FORWARD -i eth9 -j DROP
check "up after somebody came before it" silent_call up-client
is "first again" "$(there ip filter FORWARD)" "1 1"
iptables-nft -D FORWARD -i eth9 -j DROP
iptables-nft -F FORWARD
call prepare-client
check "any down brings it back" silent_call down-client PLUTO_CONNECTION=other PLUTO_PEER_CLIENT=10.0.0.0/8
is "after a flush" "$(there ip filter FORWARD)" "1 1"
iptables-nft-restore < "$WORK/saved"
call up-client
is "after a restore" "$(there ip filter FORWARD) $(there ip filter INPUT)" "1 1 1 1"
nft insert rule ip filter FORWARD meta mark and 0x40000000 == 0x40000000 accept comment '"ipsec-fw: accepted"'
call up-client
is "of two, one goes" "$(there ip filter FORWARD)" "1 1"
check "down of the last" silent_call down-client
is "takes it along" "$(nft list ruleset | grep -c 'ipsec-fw')" 0
check "the rest is as it was" diff "$WORK/saved" <(iptables-nft-save | sed '/^#/d')
check "a down of what is not up" silent_call down-client
is "puts nothing there" "$(nft list ruleset | grep -c 'ipsec-fw')" 0
check "nor does an unroute" silent_call unroute-client
is "puts nothing there" "$(nft list ruleset | grep -c 'ipsec-fw')" 0

settings 'accept-in-chain = inet filter forward, inet filter input, inet none nowhere'
check "named chains: up" silent_call up-client
is "first and once" "$(there inet filter forward) $(there inet filter input)" "1 1 1 1"
is "not in those of auto" "$(times ip filter FORWARD)" 0
nft flush chain inet filter forward
nft add rule inet filter forward ct state established,related accept
call up-client
is "back after the operator's reload" "$(there inet filter forward)" "1 1"
nft delete table inet filter
check "the operator's table goes" silent_call up-client
nft add table inet filter
nft 'add chain inet filter forward { type filter hook forward priority filter; policy drop; }'
call up-client
is "and comes" "$(there inet filter forward)" "1 1"
settings 'accept-in-chain = auto, inet filter forward'
call up-client
is "auto and named" "$(there ip filter FORWARD) $(there inet filter forward)" "1 1 1 1"
settings 'accept-in-chain = inet filter forward'
call up-client
is "named alone: it stays" "$(there inet filter forward)" "1 1"
call down-client
is "down of the last: gone from those that are named no longer, too" "$(nft list ruleset | grep -c 'ipsec-fw')" 0
settings 'accept-in-chain = auto, inet filter forward' 'accept-mark = 0x200/0x200'
call up-client
is "another mark" "$(nft list chain inet filter forward | grep -c '0x00000200 == 0x00000200 .*accept comment')" 1
is "in place of the first" "$(nft list ruleset | grep -c '0x40000000')" 0
call up-client
is "once" "$(nft list chain inet filter forward | grep -c 'accept comment')" 1
settings 'accept-in-chain = auto, inet filter forward'
call up-client
is "and back" "$(there inet filter forward)" "1 1"
settings 'accept-in-chain = auto, inet filter forward' 'accept-mark = 0x200/0x200'
call up-client
settings 'accept-in-chain = auto, inet filter forward' 'accept-mark = off'
call up-client
is "accept-mark = off: none" "$(nft list ruleset | grep -c 'ipsec-fw: accepted')" 0
is "nor what it was for" "$(accepts)" 0
is "but the guard" "$(guards)" 2
settings 'accept-in-chain = none'
call up-client
is "accept-in-chain = none: none" "$(nft list ruleset | grep -c 'ipsec-fw: accepted')" 0
is "the mark is set all the same" "$(accepts)" 2
call down-client
is "nothing is left" "$(nft list ruleset | grep -c 'ipsec.fw')" 0
