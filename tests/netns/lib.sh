# SPDX-License-Identifier: GPL-2.0-or-later
# lib.sh - calls as a daemon makes them, and the kernel's tables compared.
set -u
. "$TESTS/results.sh"
export LD_LIBRARY_PATH=$PREFIX/usr/lib
# The legacy tables have two forms, which are iptables' rules either way.
export HOLDER=$BACKEND FORM=rules
case $BACKEND in *-sets) FORM=sets BACKEND=${BACKEND%-sets} ;; esac
says_backend() { printf 'backend = %s\nscale = %s\n' "$BACKEND" $FORM; }
export HELPER=$PREFIX/usr/libexec/ipsec-fw-updown
export RUN=$WORK/run STATE=$WORK/state INI=$WORK/ipsec-fw.conf
# Locks and records are this scenario's own.
mount -t tmpfs tmpfs /run
ip link set lo up

# What is done to /etc is this scenario's own: others run beside it.  A file system
# by itself, too, in $WORK/etc.
private_etc() {
	mkdir "$WORK/etc"
	mount -t tmpfs -o size=16m tmpfs "$WORK/etc"
	cp -a /etc/. "$WORK/etc"
	mount --bind "$WORK/etc" /etc || exit 1
}

# Settings from stdin.  Unless they speak of the guard it ends with down, so
# that tables can be compared.
ini() {
	cat > "$INI"
	grep -q '^guard = ' "$INI" || printf '[default]\nguard = up\n' >> "$INI"
	grep -q '^backend = ' "$INI" ||
		printf '[global]\n%s\n' "$(says_backend)" >> "$INI"
}
printf '[default]\nchain-updown = off\n' | ini

# The variables of a connection, as Libreswan 4.10 sends them.
site=(
	PLUTO_CONNECTION=office
	PLUTO_CONNECTION_TYPE=tunnel
	PLUTO_CONN_KIND=CK_PERMANENT
	PLUTO_CONN_POLICY=IKEv2+PSK+ENCRYPT+TUNNEL+PFS+UP+IKE_FRAG_ALLOW+ESN_NO
	PLUTO_CONN_ADDRFAMILY=ipv4
	PLUTO_INTERFACE=w0
	PLUTO_VIRT_INTERFACE=NULL
	PLUTO_ME=198.51.100.1
	PLUTO_PEER=198.51.100.2
	PLUTO_NEXT_HOP=198.51.100.2
	PLUTO_MY_ID=@west
	PLUTO_PEER_ID=@east
	PLUTO_MY_CLIENT=192.0.1.0/24
	PLUTO_MY_CLIENT_NET=192.0.1.0
	PLUTO_MY_CLIENT_MASK=255.255.255.0
	PLUTO_PEER_CLIENT=192.0.2.0/24
	PLUTO_PEER_CLIENT_NET=192.0.2.0
	PLUTO_PEER_CLIENT_MASK=255.255.255.0
	PLUTO_MY_PORT=0 PLUTO_MY_PROTOCOL=0
	PLUTO_PEER_PORT=0 PLUTO_PEER_PROTOCOL=0
	PLUTO_SA_REQID=16388 PLUTO_SA_TYPE=ESP
	SPI_IN=0x24ab361e SPI_OUT=0x1fb0cd55
	PLUTO_STACK=xfrm PLUTO_METRIC=0 PLUTO_MTU=0 PLUTO_ADDTIME=0
	XAUTH_FAILED=0 PLUTO_CFG_CLIENT=0 PLUTO_CFG_SERVER=0
)

# call VERB [NAME=VALUE...]: as the daemon calls, with changes to the site.
# OPTIONS: the helper's own; WRAP: a command before it.
OPTIONS=() WRAP=()
call() {
	local verb=$1
	shift
	env -i PATH="$PATH" LD_LIBRARY_PATH="$LD_LIBRARY_PATH" "${site[@]}" \
		PLUTO_VERB="$verb" "$@" "${WRAP[@]}" "$HELPER" --config "$INI" \
		--run-dir "$RUN" --state-dir "$STATE" "${OPTIONS[@]}"
}

# bare NAME=VALUE...: a call with these variables only.
bare() {
	env -i PATH="$PATH" LD_LIBRARY_PATH="$LD_LIBRARY_PATH" "$@" \
		"${WRAP[@]}" "$HELPER" --config "$INI" --run-dir "$RUN" \
		--state-dir "$STATE" \
		"${OPTIONS[@]}"
}

silent_call() {	# fails if anything is said
	local output
	output=$(call "$@" 2>&1) || { echo "status $?: $output"; return 1; }
	[ -z "$output" ] || { echo "said: $output"; return 1; }
}

# refused WORD VERB [NAME=VALUE...]: exit 1 with a line that has the word.
refused() {
	local word=$1 output status
	shift
	output=$(call "$@" 2>&1)
	status=$?
	[ $status = 1 ] || { echo "status $status, not 1: $output"; return 1; }
	[[ $output == *"$word"* ]] || { echo "no '$word' in: $output"; return 1; }
	# One line, and nothing in it that moves a terminal's cursor.
	[ "$(wc -l <<< "$output")" = 1 ] || { echo "several lines: $output"; return 1; }
	! LC_ALL=C grep -q '[^ -~]' <<< "$output" || { echo "unprintable: $output"; return 1; }
}

# All tables that exist, both families; without the time, which differs.  With
# -c every counter, without it none (iptables zeroes those of policies itself).
tables() {	# [-c]
	{
		iptables-legacy-save "$@"
		ip6tables-legacy-save "$@"
		[ $FORM = rules ] || ipset save | grep -v '^add ipsec-fw-owners' | sort |
			sed -e 's/ bucketsize.*//' -e "${1:+p;d;}s/packets [0-9]* bytes [0-9]*//"
		[ $# -gt 0 ] && nft list ruleset || nft -s list ruleset
	} | if [ $# -gt 0 ]; then
		sed '/^#/d'
	else
		sed -e '/^#/d' -e 's/^\(:.*\)\[[0-9]*:[0-9]*\]$/\1[0:0]/'
	fi
}

# The legacy rules with their counters, each connection's its own: those that look
# into sets are said as many times as there are elements.
legacy_rules() {	# [table]
	local save
	for save in iptables-legacy-save ip6tables-legacy-save; do
		$save -c ${1:+-t $1}
	done | if [ $FORM = sets ]; then
		"$TESTS/netns/expand" <(ipset save)
	else
		cat
	fi
}

# All rules, connections' own where the form has none.
plain_tables() {
	[ $FORM = rules ] && tables || legacy_rules | sed 's/^\[[0-9:]*\] //'
}

# What is ours, in the form of normal_text.
tables_text() {
	local save text t
	[ "$BACKEND" = iptables ] || { nft list table inet ipsec_fw; return; }
	[ $FORM = rules ] || {
		echo '# ipset'
		ipset save | grep -v ipsec-fw-owners | sort -r |
			sed -e 's/hashsize.*counters/counters/' -e 's/ bucketsize.*//' \
				-e 's/packets [0-9]* bytes [0-9]* //'
	}
	for save in iptables-legacy-save ip6tables-legacy-save; do
		text=$(for t in mangle nat filter; do
			$save -t $t | grep -q -- '-A ipsec-fw-' || continue
			$save -t $t | sed '/^#/d'
		done)
		[ -n "$text" ] || continue
		[ $save = iptables-legacy-save ] && echo '# IPv4' || echo '# IPv6'
		echo "$text"
	done
}

# A dry run's text on stdin as the kernel shows it: iptables-save's is that; what
# nft reads, it lists in words of its own.
normal_text() {
	case $FORM/$BACKEND in
	rules/iptables) cat ;;
	sets/iptables) sets_list ;;
	*) nft_lists ;;
	esac
}

sets_list() {	# likewise, of a dry run's sets and rules
	local text
	text=$(cat)
	[ -n "$text" ] || return 0
	sed -n '/^# ipset/,/^# IPv/p' <<< "$text" > "$WORK/text-sets"
	sed -n '/^# IPv4/,/^# IPv6/p' <<< "$text" > "$WORK/text-4"
	sed -n '/^# IPv6/,$p' <<< "$text" > "$WORK/text-6"
	export -f tables_text
	unshare -n bash -c 'ipset restore < "$WORK/text-sets" &&
		iptables-legacy-restore < "$WORK/text-4" &&
		ip6tables-legacy-restore < "$WORK/text-6" && tables_text'
}

nft_lists() {	# an empty kernel, loaded with stdin, as it is listed
	unshare -n sh -c 'nft -f - && nft list ruleset'
}

# Reading a table makes it, so that it is there before as well as after.
make_tables() {
	local t
	for t in mangle nat filter; do
		iptables-legacy -t $t -S > /dev/null
		ip6tables-legacy -t $t -S > /dev/null
	done
}
make_tables

keep_tables() {	# [-c]
	tables "$@" > "$WORK/tables"
}

same_tables() {	# [-c]
	diff "$WORK/tables" <(tables "$@")
}

# What an administrator may have: policies, rules before and after, in all
# tables, with counters.
foreign_rules() {
	local t
	for t in iptables-legacy-restore ip6tables-legacy-restore; do
		$t -c <<-'RULES'
		*mangle
		:PREROUTING ACCEPT [7:700]
		:INPUT ACCEPT [0:0]
		:FORWARD ACCEPT [0:0]
		:OUTPUT ACCEPT [0:0]
		:POSTROUTING ACCEPT [0:0]
		:own - [0:0]
		[3:180] -A PREROUTING -i eth9 -j own
		[2:120] -A own -m comment --comment "mine; don't touch" -j MARK --set-xmark 0x7/0xff
		[1:60] -A own -j RETURN
		COMMIT
		*nat
		:PREROUTING ACCEPT [0:0]
		:INPUT ACCEPT [0:0]
		:OUTPUT ACCEPT [0:0]
		:POSTROUTING ACCEPT [0:0]
		[5:300] -A POSTROUTING -o eth9 -j MASQUERADE
		COMMIT
		*filter
		:INPUT DROP [11:1100]
		:FORWARD DROP [12:1200]
		:OUTPUT ACCEPT [13:1300]
		:fw-own - [0:0]
		[4:240] -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
		[9:540] -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
		[8:480] -A FORWARD -i eth8 -o eth9 -j fw-own
		[6:360] -A fw-own -j RETURN
		COMMIT
		RULES
	done
	nft -f - <<-'RULES'
	table inet own {
		counter hits { packets 21 bytes 2100; }
		set names { type ifname; elements = { "eth8", "eth9" }; }
		chain forward {
			type filter hook forward priority filter; policy drop;
			ct state established,related counter packets 9 bytes 540 accept
			iifname @names counter name "hits" jump mine
		}
		chain mine { counter packets 6 bytes 360 return; }
	}
	table ip own-nat {
		chain post {
			type nat hook postrouting priority srcnat;
			oifname "eth9" counter packets 5 bytes 300 masquerade
		}
	}
	RULES
}

# A boot: nothing in the kernel but those, nothing in /run.
boot() {
	local t c
	nft flush ruleset
	for t in mangle nat filter; do
		for c in iptables-legacy ip6tables-legacy; do $c -t $t -F; $c -t $t -X; done
	done
	ipset destroy
	rm -rf "$RUN"
	foreign_rules
}

# ---- what the kernel holds, in words that both backends have -------------------

# Rules of connections, as iptables-save has them; or elements of nftables' sets,
# as the program "elements" does.
own_rules() {	# [name]: of connections whose name begins so
	case $BACKEND in
	iptables) legacy_rules | grep -- "-A fw-${1-}" ;;
	nftables) nft list table inet ipsec_fw 2> /dev/null |
			"$TESTS/netns/elements" | grep "^${1-}" ;;
	esac
}

# iptables' word, or nftables' word, counted.  In nftables, things of the same
# connection and set are one: a set has an element for each pair of prefixes.
count_of() {	# name iptables' nftables'
	case $BACKEND in
	iptables) own_rules "$1" | grep -c -- "$2" ;;
	nftables) own_rules "$1" | grep -- "$3" | cut -d' ' -f1,2 | sort -u | wc -l ;;
	esac
}

rules_of() {	# [name]
	case $BACKEND in
	iptables) legacy_rules | grep -c -- "-A.* fw-${1-}" ;;
	nftables) own_rules "${1-}" | wc -l ;;
	esac
}

# Two for each connection: what comes in and what goes out in clear is dropped.
guards() {	# [name]
	count_of "${1-}" '--pol none .*-j DROP' ' \(from\|to\)-peer[^ ]* .*\(meta\|rt\) ipsec missing .*\(drop$\|drop;\)'
}

# Two for each connection on hold: what goes in and out is dropped, IPsec or not.
blocks() {	# [name]
	count_of "${1-}" '-[a-z]* -m comment --comment [^ ]* -j DROP' ' \(from\|to\)-peer[^ ]* .*; drop$'
}

# And what its SA carries, before any exemption.
blocked_sas() {	# name reqid
	count_of "$1" "--reqid $2 .*-j DROP" " \(from\|to\)-peer.*; ipsec [a-z]* reqid $2 [^;]*drop"
}

# Two for each connection that is up, in and out.
accepts() {	# [name]
	case $BACKEND in
	iptables) legacy_rules filter | grep -c -- "-A fw-${1-}.* ACCEPT$" ;;
	nftables) own_rules "${1-}" | grep -c ' accept-' ;;
	esac
}

nat_exempts() {	# [name]
	case $BACKEND in
	iptables) legacy_rules nat | grep -c -- "-A fw-${1-}.* ACCEPT$" ;;
	nftables) own_rules "${1-}" | grep -c ' no-nat-' ;;
	esac
}

rejects() {	# [name]
	count_of "${1-}" '-j REJECT' ' reject[^ ]* .*reject with'
}

reqids() {	# [name]: each once; rules that look into sets ask for none
	case $FORM/$BACKEND in
	sets/*) cat "$RUN"/*/conns/"${1-}"* 2> /dev/null | sed -n 's/^FWH_SA=[0-9]* \([0-9]*\) .*/\1/p' ;;
	*/iptables) own_rules "${1-}" | grep -o -- '--reqid [0-9]*' | cut -d' ' -f2 ;;
	*/nftables) own_rules "${1-}" | cut -d' ' -f3 | grep -v '[.:>]' || :
		own_rules "${1-}" | grep -o 'reqid [0-9][0-9]*' | cut -d' ' -f2 ;;
	esac | sort -nu | tr '\n' ' '
}

# The marks on decrypted packets, VALUE/MASK, each once.
marks() {	# [name]
	case $BACKEND in
	iptables) own_rules "${1-}" | sed -n 's/.*-j MARK --set-xmark //p' ;;
	nftables) own_rules "${1-}" | perl -ne '
		if (/^\S+ mark-(clear|set)-(\S+) (\d+) /) {
			$1 eq "set" ? ($set{$3} |= hex $2) : ($clear{$3} = hex $2);
		}
		END { printf "0x%x/0x%x\n", $set{$_} || 0, $clear{$_} for keys %clear }' ;;
	esac | sort -u | tr '\n' ' '
}

# Pairs of prefixes whose traffic to the peer is looked at.
pairs() {	# [name]
	case $BACKEND in
	iptables) legacy_rules mangle | grep -- "-A ipsec-fw-post .*-j fw-${1-}" ;;
	nftables) own_rules "${1-}" | grep " to-peer" ;;
	esac
}

# Packets that the guard has stopped.
dropped() {	# in|out [name]
	case $BACKEND in
	iptables) own_rules "${2-office}" | sed -n "s/^\[\([0-9]*\):.*-A fw-[^ ]*-$1 .* -j DROP\$/\1/p" ;;
	nftables) own_rules "${2-office}" | case $1 in
		in) grep ' from-peer' ;;
		out) grep ' to-peer' ;;
		esac | cut -d' ' -f4 ;;
	esac | awk '{ n += $1 } END { print n + 0 }'
}

# Rules of a guard that leave what they match alone, as nft writes it.
exempts() {	# in|out|any [match...]
	local side=$1 match
	shift
	case $BACKEND in
	iptables)
		match="$*"
		match=$(sed -e 's/ip saddr/-s/' -e 's/ip daddr/-d/' -e 's/ip6 saddr/-s/' \
			-e 's/ip6 daddr/-d/' -e 's/\(tcp\|udp\) \([sd]port\) /-p \1 -m \1 --\2 /' <<< "$match")
		[ "$side" = any ] && side='[a-z]*'
		own_rules | grep -c -- "-$side $match.*-j RETURN"
		;;
	nftables)
		case $side in in) side=from ;; out) side=to ;; any) side='[a-z]*' ;; esac
		match="$*"
		own_rules | grep " $side-peer" | tr ';' '\n' | sort -u | grep -v 'ct original' |
			grep -c "${match//\/32/}.* return$"
		;;
	esac
}
