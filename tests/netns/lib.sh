# SPDX-License-Identifier: GPL-2.0-or-later
# lib.sh - calls as a daemon makes them, and the kernel's tables compared.
set -u
. "$TESTS/results.sh"
export LD_LIBRARY_PATH=$PREFIX/usr/lib
export HELPER=$PREFIX/usr/libexec/ipsec-fw-updown
export RUN=$WORK/run STATE=$WORK/state INI=$WORK/ipsec-fw.conf
# Locks and records are this scenario's own.
mount -t tmpfs tmpfs /run
ip link set lo up

# Settings from stdin.  Unless they speak of the guard it ends with down, so
# that tables can be compared.
: "${BACKEND:=iptables}"
ini() {
	cat > "$INI"
	grep -q '^guard = ' "$INI" || printf '[default]\nguard = up\n' >> "$INI"
	grep -q '^backend = ' "$INI" ||
		printf '[global]\nbackend = %s\n' "$BACKEND" >> "$INI"
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
	} | if [ $# -gt 0 ]; then
		sed '/^#/d'
	else
		sed -e '/^#/d' -e 's/^\(:.*\)\[[0-9]*:[0-9]*\]$/\1[0:0]/'
	fi
}

# What is ours, as a dry run prints it: the tables that we are hooked into.
tables_text() {
	local save text t
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
}

rules_of() {	# part of a chain's name
	tables | grep -c -- "^-A.* $1" || :
}
