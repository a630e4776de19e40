# SPDX-License-Identifier: GPL-2.0-or-later
# seconds: 400
# What peers did to others' helpers, by the names that it is known under: nothing of
# it is executed, nor reaches rules, files or a terminal, whether routes and DNS are
# ours or a script's, which gets it byte for byte.
. "$TESTS/netns/lib.sh"
sysctl -q -w net.ipv6.conf.default.disable_ipv6=1
ip link add w0 type veth peer name w1
ip addr add 198.51.100.1/24 dev w0
ip link set w0 up
ip link set w1 up
# This machine's resolv.conf is nobody's business.
private_etc
rm -f /etc/resolv.conf
servers() { printf 'nameserver 192.168.1.1\n' > /etc/resolv.conf; }
left=$WORK/hacked	# what a command that is executed would leave
evil=$WORK/evil.conf
printf '[default]\nchain-updown = /bin/touch %s\n' "$left" > "$evil"
printf '#!/bin/sh\ncat /proc/$$/environ > %s\n' "$WORK/environ" > "$WORK/script"
chmod 700 "$WORK/script"

# Name, variable, value; @ stands for that command.
precedents() {
	local variable
	for variable in PLUTO_PEER_DNS_INFO PLUTO_CISCO_DNS_INFO PLUTO_PEER_DOMAIN_INFO \
		PLUTO_CISCO_DOMAIN_INFO PLUTO_DNS4_1; do
		echo "CVE-2010-3752|$variable|10.0.0.53'; @; '"
		echo "CVE-2010-3752|$variable|corp.example' @ '"
		echo "CVE-2010-3302|$variable|$(printf 'a%.0s' {1..4000})"
		echo "options|$variable|--config=$evil"
		echo "options|$variable|-x --exec=@"
	done
	echo "CVE-2010-3753|PLUTO_PEER_BANNER|hello'; @; '"
	echo "CVE-2010-3308|PLUTO_PEER_BANNER|$(printf 'b%.0s' {1..4000})"
	for variable in PLUTO_PEER_ID PLUTO_PEER_CA PLUTO_USERNAME PLUTO_XAUTH_ID \
		PLUTO_PEER_BANNER PLUTO_CONNECTION; do
		echo "CVE-2014-6271|$variable|() { :;}; @"
		echo "CVE-2014-6278|$variable|() { _; } >_[\$(\$())] { @; }"
		echo "CVE-2010-2628|$variable|%s%s%n%1000000d@%n"
		echo "CVE-2018-10900|$variable|x\\n@"
		echo "CVE-2024-9050|$variable|x\\nleftupdown=@"
		echo "CVE-2024-9050|$variable|x\\nFWH_STATE=up\\nPLUTO_PEER_CLIENT=0.0.0.0/0"
		echo "CVE-2024-9050|$variable|x\\r\\n[default]\\nchain-updown = @"
		echo "expansion|$variable|\$(@) \`@\` \${IFS}@ ;@; &@&"
		echo "quotes|$variable|'; @; ' \"; @; \" \\\\'; @ #"
		echo "nft|$variable|\" ; } ; flush ruleset ; table inet x { #"
		echo "iptables|$variable|x -j ACCEPT --comment y"
		echo "terminal|$variable|\\033]0;@\\007\\033[2J"
		echo "paths|$variable|../../../etc/passwd"
		echo "options|$variable|--config=$evil"
	done
	for variable in PLUTO_INTERFACE PLUTO_VIRT_INTERFACE VTI_IFACE PLUTO_MY_SOURCEIP \
		PLUTO_NEXT_HOP PLUTO_METRIC PLUTO_MTU PLUTO_PEER_CLIENT; do
		echo "expansion|$variable|\$(@)"
		echo "quotes|$variable|'; @; '"
		echo "options|$variable|-x"
		echo "paths|$variable|../../x"
	done
}

# Nothing was done, and their words are nowhere but in a connection's own name.
harmless() {	# VARIABLE value
	[ ! -e "$left" ] || { echo "executed"; return 1; }
	! LC_ALL=C grep '[^ -~]' "$WORK/said" || { echo "unprintable"; return 1; }
	[ $1 = PLUTO_CONNECTION ] ||
		! grep -r -F -e "$left" -e "$evil" -e leftupdown "$RUN" "$STATE" /etc/resolv.conf || return 1
	! grep -h -x -F 'PLUTO_PEER_CLIENT=0.0.0.0/0' "$RUN"/*/conns/* || return 1
	# What is shown of the rules can be loaded again.
	nft list ruleset > "$WORK/ruleset"
	nft -c -f "$WORK/ruleset" && iptables-legacy-save | iptables-legacy-restore -t &&
		! nft list table inet x
}

# The script had the daemon's environment with this in it, byte for byte.
given() {	# NAME=VALUE
	local pair pairs=(PATH="$PATH" LD_LIBRARY_PATH="$LD_LIBRARY_PATH" PLUTO_VERB=up-client "$1")
	for pair in "${site[@]}"; do
		[ "${pair%%=*}" = "${1%%=*}" ] || pairs+=("$pair")
	done
	cmp <(sort -z "$WORK/environ") <(printf '%s\0' "${pairs[@]}" | sort -z)
}

attempt() {	# name VARIABLE value
	local what="$1 in $2"
	servers
	rm -f "$WORK/environ"
	call up-client "$2=$3" > "$WORK/said" 2>&1
	case $? in
	0) echo "$what" >> "$WORK/taken" ;;
	1) grep -q "$2\|^[^:]*: up-client: " "$WORK/said" || echo "$what: says $(cat "$WORK/said")" ;;
	*) echo "$what: ended: $(cat "$WORK/said")" ;;
	esac
	harmless "$2" > "$WORK/found" 2>&1 || echo "$what: $(cat "$WORK/found")"
	if [ -e "$WORK/environ" ]; then
		echo "$what" >> "$WORK/given"
		given "$2=$3" > "$WORK/found" 2>&1 ||
			echo "$what: the script got other bytes: $(cat "$WORK/found")"
	fi
	{ call down-client "$2=$3"; call unroute-client "$2=$3"; } > "$WORK/said" 2>&1
	harmless "$2" > "$WORK/found" 2>&1 || echo "$what, down: $(cat "$WORK/found")"
}

attack() {
	local name variable value
	: > "$WORK/taken"
	while IFS='|' read -r name variable value; do
		printf -v value '%b' "${value//@/touch $left}"
		attempt "$name" "$variable" "$value"
	done < "$WORK/precedents"
}

servers
keep_tables
precedents > "$WORK/precedents"
for how in 'updown = native' "chain-updown = $WORK/script"; do
	printf '[default]\non-error = fail\n%s\n' "$how" | ini
	attack > "$WORK/wrong"
	is "${how% =*}: $(wc -l < "$WORK/precedents") attempts" "$(head -n 20 "$WORK/wrong")" ""
	above "of which some are texts like others" "$(wc -l < "$WORK/taken")" 20
	check "tables after them" same_tables
	is "no record, route or server is left" "$(find "$RUN" -path '*/conns/*' -o -path '*/shared/*' -o -path '*/owners/*')$(ip route show 192.0.2.0/24)$(grep -v 192.168.1.1 /etc/resolv.conf)" ""
done
above "the script was run, too" "$(wc -l < "$WORK/given")" 20

# CVE-2008-4190, CVE-2009-1121: others' helpers wrote to names in /tmp.
printf '[default]\nupdown = native\n' | ini
WRAP=(strace -f -o "$WORK/strace" -e trace=%file)
call up-client
call down-client
WRAP=()
above "files are looked at" "$(grep -c '^[0-9]* *openat' "$WORK/strace")" 5
is "none in a folder that anybody can write to" "$(grep -F -v -e "$WORK" -e "$PREFIX" "$WORK/strace" | grep -c '"\(/var\)*/tmp')" 0
