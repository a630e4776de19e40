# SPDX-License-Identifier: GPL-2.0-or-later
# Of thousands of policies an event reads those that are newer than the last look,
# and knows of every passthrough policy all the same.
. "$TESTS/netns/lib.sh"
. "$TESTS/netns/fw.sh"
keep_tables

# policies FIRST LAST: of tunnels, three each.
policies() {
	local i
	for ((i = $1; i <= $2; i++)); do
		local near=192.0.1.0/24 far=10.$((i / 256)).$((i % 256)).0/24
		echo "policy update src $near dst $far dir out priority 3000 tmpl src 198.51.100.1 dst 198.51.100.2 proto esp reqid $i mode tunnel"
		echo "policy update src $far dst $near dir in priority 3000 tmpl src 198.51.100.2 dst 198.51.100.1 proto esp reqid $i mode tunnel"
		echo "policy update src $far dst $near dir fwd priority 3000 tmpl src 198.51.100.2 dst 198.51.100.1 proto esp reqid $i mode tunnel"
	done | sed 's/^/xfrm /' | ip -batch - || not_ok "policies $1 to $2" "not added"
}
pass() {	# add|del|update peer's address [option...]
	ip xfrm policy "$1" src 192.0.1.0/24 dst "$2/32" dir out "${@:3}"
}
# KiB that an up reads from the kernel of what it asks for.
read_of_an_up() {
	WRAP=(strace -f -o "$WORK/trace" -e trace=recvmsg)
	call up-client || not_ok "up" "status $?"
	WRAP=()
	awk '/ = [0-9]+$/ { n += $NF } END { print int(n / 1024) }' "$WORK/trace"
}
kept=
memory() { kept=$(ls "$RUN"/netns-*/policies 2> /dev/null); [ -n "$kept" ]; }

policies 1 20
pass add 192.0.2.7 priority 1000
call up-client
check "few policies are read each time" eval '! memory'
is "the passthrough one is known" "$(exempts out)" 1

policies 21 1000
sleep 2.1	# what was added within two seconds is read again
all=$(read_of_an_up)
above "all of three thousand are read once, KiB" "$all" 500
check "and what is known of them is kept" memory
newer=$(read_of_an_up)
above "an up after it reads less than a twentieth" "$all" $((20 * newer))
is "and knows what it did" "$(exempts out)" 1

pass add 192.0.2.8 priority 1000
call up-client
is "one that is new" "$(exempts out)" 2
policies 1001 1200
call up-client
is "with hundreds that are newer than it" "$(exempts out)" 2
sleep 2.1
call up-client
newer=$(read_of_an_up)
above "they are not read again" "$all" $((20 * newer))
is "nor is it lost" "$(exempts out)" 2

pass del 192.0.2.7
call up-client
is "one that is gone" "$(exempts out)" 1
pass update 192.0.2.8 priority 1000 tmpl src 198.51.100.1 dst 198.51.100.2 proto esp reqid 9 mode tunnel
call up-client
is "one that is a tunnel's now, under the same number" "$(exempts out)" 0
pass update 192.0.2.8 priority 1000
call up-client
is "and back" "$(exempts out)" 1
pass add 192.0.2.9 priority 1000 mark 5 mask 0xff
pass add 192.0.2.10 priority 1000 if_id 7
call up-client
sleep 2.1
policies 1201 1500
call up-client
call up-client
is "with a mark, and of a device" "$(exempts out)" 3
ip xfrm policy del src 192.0.1.0/24 dst 192.0.2.9/32 dir out mark 5 mask 0xff
ip xfrm policy del src 192.0.1.0/24 dst 192.0.2.10/32 dir out if_id 7
call up-client
is "and without them" "$(exempts out)" 1

# A tunnel's policy that was met before, replaced by a passthrough one: its number
# stays, its place does not.
ip xfrm policy update src 192.0.1.0/24 dst 192.0.2.6/32 dir out priority 3000 \
	tmpl src 198.51.100.1 dst 198.51.100.2 proto esp reqid 11 mode tunnel
policies 1 100
sleep 2.1
call up-client
is "a tunnel's" "$(exempts out)" 1
pass update 192.0.2.6 priority 1000
call up-client
is "passthrough in its place" "$(exempts out)" 2
pass del 192.0.2.6

for damage in '' '1 2 3' 'end' '99999999999 1' '1 1'$'\n''x'; do
	memory
	printf '%s\n' "$damage" > "$kept"
	call up-client
	is "damaged ('${damage//$'\n'/ }'), all are read" "$(exempts out)" 1
done
memory
sed -i '/ .* .* /d' "$kept"	# a passthrough policy is missing in it
call up-client
is "what is kept is believed" "$(exempts out)" 0
check "but not by reconcile" fw reconcile
is "which reads all" "$(exempts out)" 1
pass del 192.0.2.8
ip xfrm policy flush
call up-client
is "nothing is left to know" "$(exempts out)" 0
check "nor kept" eval '! memory'

call down-client
check "tables after all" same_tables
