# SPDX-License-Identifier: GPL-2.0-or-later
# seconds: 1200
# 64 helpers at once over a thousand connections that come and go, beside a firewall
# that is loaded again and again, and beside reconciliations: at the end the tables
# are what the last words say.  LOAD_SECONDS: how long, 20 if nothing is said.
. "$TESTS/netns/lib.sh"
. "$TESTS/netns/fw.sh"
helpers=64
conns=1000
seconds=${LOAD_SECONDS:-20}
# Whoever has to wait for so many others is not to give up.
printf '[global]\n%s\nlock-wait = 60\n[default]\nchain-updown = off\nguard = up\n' "$(says_backend)" > "$INI"
foreign_rules
keep_tables
mkdir "$WORK/last"

event() {	# verb number
	call $1-client PLUTO_CONNECTION=c$2 PLUTO_PEER=203.0.113.$(($2 % 250)) \
		PLUTO_PEER_CLIENT=10.$(($2 / 250)).$(($2 % 250)).0/24 \
		PLUTO_SA_REQID=$((16384 + 4 * $2))
}

# Its own connections, in any order; the last word of each is kept.
helper() {	# number
	local i verb said
	RANDOM=$1
	while [ ! -e "$WORK/stop" ]; do
		i=$(($1 + helpers * (RANDOM % (conns / helpers))))
		[ $((RANDOM % 3)) = 0 ] && verb=down || verb=up
		said=$(event $verb $i 2>&1) && [ -z "$said" ] || echo "c$i: $verb: $said" >> "$WORK/wrong"
		echo $verb > "$WORK/last/$i"
		echo >> "$WORK/events"
	done
}

# An operator's firewall is loaded whole, and his last word of it is kept.
firewall() {
	local n=0
	while [ ! -e "$WORK/stop" ]; do
		n=$((n + 1))
		printf '*filter\n-F fw-own\n-A fw-own -s 203.0.113.%s -j RETURN\nCOMMIT\n' $((n % 250)) |
			iptables-legacy-restore -w 60 --noflush 2>> "$WORK/firewall-said" || echo "iptables: $n" >> "$WORK/wrong"
		nft -f - 2>> "$WORK/firewall-said" <<-RULES || echo "nft: $n" >> "$WORK/wrong"
			flush chain inet own mine
			add rule inet own mine ip saddr 203.0.113.$((n % 250)) counter packets 6 bytes 360 return
		RULES
		echo $((n % 250)) > "$WORK/loaded"
	done
}

reconciling() {
	while [ ! -e "$WORK/stop" ]; do
		fw reconcile > "$WORK/said" 2>&1 || echo "reconcile: $(tail -n 1 "$WORK/said")" >> "$WORK/wrong"
		echo >> "$WORK/reconciled"
		sleep 0.2
	done
}

touch "$WORK/wrong" "$WORK/events" "$WORK/reconciled"
pids=()
for ((n = 0; n < helpers; n++)); do
	helper $n & pids+=($!)
done
firewall & pids+=($!)
reconciling & pids+=($!)
sleep "$seconds"
touch "$WORK/stop"
wait "${pids[@]}"

up=$(grep -l '^up$' "$WORK"/last/* | wc -l)
is "nobody has anything to say" "$(sort "$WORK/wrong" | head -n 5)" ""
above "$(wc -l < "$WORK/events") events" "$(wc -l < "$WORK/events")" $helpers
above "$(wc -l < "$WORK/reconciled") reconciliations" "$(wc -l < "$WORK/reconciled")" 0
is "a record of each that is up, by its last word" \
	"$(cd "$RUN"/netns-*/conns && ls | sed 's/^c\([0-9]*\)-.*/\1/' | sort -n | tr '\n' ' ')" \
	"$(cd "$WORK/last" && grep -l '^up$' -- * | sort -n | tr '\n' ' ')"
is "the kernel holds the rules of these" "$(fw reconcile --check)" "$up connections as recorded"
is "and of nobody else" "$(accepts c) $(guards c)" "$((2 * up)) $((2 * up))"
is "all marks differ" "$(marks c | wc -w)" $up
is "the operator's firewall is his last" \
	"$(iptables-legacy -S fw-own | tail -n 1) $(nft list chain inet own mine | grep -o 'ip saddr [0-9.]*')" \
	"-A fw-own -s 203.0.113.$(cat "$WORK/loaded")/32 -j RETURN ip saddr 203.0.113.$(cat "$WORK/loaded")"
check "nothing is staged" bash -c '[ -z "$(find "$0" -name "*.new")" ]' "$RUN"

for i in $(cd "$WORK/last" && grep -l '^up$' -- *); do
	event down $i || echo "c$i"
done > "$WORK/wrong" 2>&1
is "all go down" "$(head -n 5 "$WORK/wrong")" ""
iptables-legacy -F fw-own
iptables-legacy -A fw-own -j RETURN
nft 'flush chain inet own mine; add rule inet own mine counter packets 6 bytes 360 return'
check "tables after all" same_tables
is "no record, no mark is left" "$(find "$RUN" -path '*/conns/*' -o -path '*/marks/*' | wc -l)" 0
