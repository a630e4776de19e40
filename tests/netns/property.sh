# SPDX-License-Identifier: GPL-2.0-or-later
# property.sh - the same random events and packets through each backend, each with a
# gateway of its own: packets in clear are treated the same.  PROPERTY_SEED repeats
# a run, PROPERTY_ROUNDS makes it longer.
. "$TESTS/netns/lib.sh"
backends="iptables iptables-sets nftables"
seed=${PROPERTY_SEED:-$((RANDOM * 32768 + RANDOM))}

one() {		# backend rounds [connections]
	mkdir -p "$WORK/$1"
	unshare -n "$TESTS/netns/property" $seed $2 $1 "$WORK/$1" ${3-} \
		> "$WORK/$1.out" 2> "$WORK/$1.err"
	echo "$? $(tail -n 3 "$WORK/$1.err")" > "$WORK/$1.end"
}

all() {		# rounds [connections]
	local backend
	for backend in $backends; do
		one $backend "$@" &
	done
	wait
	for backend in $backends; do
		is "seed $seed: $backend" "$(cat "$WORK/$backend.end")" "0 "
	done
}

count() { grep -c "^$1" "$WORK/nftables.out"; }

# The first that another backend treats in another way, with the round it is in.
# What MASQUERADE gives the gateway's address can be protected by it: nftables
# looks behind NAT as well, and the legacy tables cannot.
differs() {	# backend
	paste -d '\n' "$WORK/$1.out" "$WORK/nftables.out" | awk '
		NR % 2 { legacy = $0; if (/^round/) round = $0; next }
		legacy == $0 { next }
		legacy ~ /passes from / && /: dropped$|error|reset/ { behind++; next }
		{ print round; print legacy; print; exit }
		END { if (behind > NR / 40) print behind " dropped behind NAT" }'
}

same() {
	local backend
	for backend in $backends; do
		[ $backend = nftables ] ||
			is "seed $seed: $backend treats all packets as nftables does" "$(differs $backend)" ""
	done
	is "and leave nothing" "$(tail -n 1 "$WORK/nftables.out")" "left: 0"
}
