# SPDX-License-Identifier: GPL-2.0-or-later
# backend: nftables
# Random events of random connections through both backends, each with a gateway
# of its own: packets in clear are treated the same.  PROPERTY_SEED repeats a run.
. "$TESTS/netns/lib.sh"
seed=${PROPERTY_SEED:-$((RANDOM * 32768 + RANDOM))}
rounds=25

one() {		# backend
	mkdir -p "$WORK/$1"
	unshare -n timeout 60 "$TESTS/netns/property" $seed $rounds $1 "$WORK/$1" \
		> "$WORK/$1.out" 2> "$WORK/$1.err"
}

one iptables & pid=$!
one nftables
is "seed $seed: nftables" "$? $(tail -n 3 "$WORK/nftables.err")" "0 "
wait $pid
is "seed $seed: iptables" "$? $(tail -n 3 "$WORK/iptables.err")" "0 "
count() { grep -c "^$1" "$WORK/nftables.out"; }
above "events" "$(count 'event .*: status 0$')" $((rounds * 10))
is "none failed" "$(count 'event .*: status [1-9]')" 0
above "packets passed" "$(count 'packet.*passes')" 50
above "packets were dropped" "$(count 'packet.*: dropped')" 100
above "packets were rejected" "$(count 'packet.*\(error 3/13\|error 1/1\|reset\)')" 10
above "packets kept their marks" "$(count 'packet.*dscp 0: .*mark [12]\|packet.*mark [12]')" 10
# The first that differs, with the round it is in.  What MASQUERADE gives the
# gateway's address can be protected by it: nftables looks behind NAT as well,
# and the legacy tables cannot.
differs() {
	paste -d '\n' "$WORK/iptables.out" "$WORK/nftables.out" | awk '
		NR % 2 { legacy = $0; if (/^round/) round = $0; next }
		legacy == $0 { next }
		legacy ~ /passes from / && /: dropped$|error|reset/ { behind++; next }
		{ print round; print legacy; print; exit }
		END { if (behind > NR / 40) print behind " dropped behind NAT" }'
}
is "seed $seed: both treat all packets the same" "$(differs)" ""
is "and leave nothing" "$(tail -n 1 "$WORK/nftables.out")" "left: 0"
