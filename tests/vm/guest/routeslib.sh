# SPDX-License-Identifier: GPL-2.0-or-later
# routeslib.sh - the same life of a connection by the daemon's own script and by
# updown = native: the machine at the end of each step, compared.
. /t/tests/vm/guest/lib.sh
case $(ipsec --version) in *' 4.'*) generation=4 ;; *) generation=5 ;; esac

# pair NAME "LINE..." ["LINE..."]: a connection, and what west's side has besides.
pair() {
	printf '%s\n' $2 | conn "$1" east
	printf '%s\n' $2 ${3:-} | conn "$1" west
}

# A default route and no other: what leads into a tunnel, the updown made.
begin_routes() {
	topology
	ip -n west route del 192.0.2.0/24
	ip -n west -6 route del 2001:db8:2::/64
	ip -n west route add default via 198.51.100.2
	ip -n west -6 route add default via 2001:db8:100::2
	launch west
	launch east
	await west
	await east
	# Who is whose neighbour is known then.
	ping_from wlan 192.0.2.10 -c 1
	ping_from wlan 2001:db8:2::10 -c 1
}

# In the words of ip(8); what the kernel adds by itself follows from it.  pmtudisc is
# shown of VTI devices, which have no use for it.
world() {
	{
		ip -n west -o -4 -force -batch - <<-'EOF'
		route
		route show table 50
		rule
		addr
		tunnel show
		neigh show proxy
		EOF
		ip -n west -o -6 -force -batch - <<-'EOF'
		route
		route show table 50
		rule
		addr
		neigh show proxy
		EOF
	} 2> /dev/null | sed -e '/^\(fe80\|ff00\|multicast\)/d' -e '/inet6 fe80/d' \
		-e 's/^[0-9]*: \([a-z0-9]* *inet\)/\1/' -e 's/\\.*//' -e 's/ proto static//' -e 's/ nopmtudisc//' \
		-e 's/ *$//' -e 's/ nodad$//' | sort
}

# by MODE NAME: whose life it is from here on.
by() {
	mode=$1 life=$2
	printf '[default]\nguard = off\nupdown = %s\n' "$mode" | ini
	: > "$WORK/$life.steps"
}

# The daemon answers when its scripts have ended.
step() {	# name
	whack west --trafficstatus > /dev/null
	world > "$WORK/$life-$1-$mode"
	echo "$1" >> "$WORK/$life.steps"
}

# How a ping of the LAN and one of our own get there.
probe() {	# address
	local host came
	for host in wlan west; do
		wire_reset
		came=lost
		! on "$host" ping -n -c 1 -W 0.5 "$1" > /dev/null || came=answered
		echo "ping from $host to $1: $came$(on wire nft list counters | awk '
			$1 == "counter" { name = $2 }
			$1 == "packets" && $2 && (name == "encrypted" || name == "clear") { printf ", %s", name }')"
	done
}

# travelled NAME ADDRESS...: a step with its traffic.
travelled() {
	local name=$1 address
	shift
	step "$name"
	for address; do
		probe "$address"
	done >> "$WORK/$life-$name-$mode"
}

must_up() {	# connection [side]
	whack "${2:-west}" --name "$1" --initiate ||
		echo "$mode $1: no up" >> "$WORK/failed"
}
all_came_up() {
	is "every up came up" "$(cat "$WORK/failed" 2> /dev/null)" ""
}

# The native life is as the script's, but for what is meant() to differ, and its last
# step as its first.
as_script() {	# connection
	local step last
	while read -r step; do
		last=$step
		is "$1, $step: as with the script" \
			"$(diff "$WORK/$1-$step-chain" "$WORK/$1-$step-native" |
				grep '^[<>]' | grep -v "$(meant "$1" "$step")")" ""
	done < "$WORK/$1.steps"
	check "$1: nothing is left" diff "$WORK/$1-before-native" "$WORK/$1-$last-native"
}

# The usual life: a trap, up, down, deleted; up without a trap, deleted.
usual_life() {	# connection
	travelled before 192.0.2.10
	add "$1"
	auto west --route "$1" > /dev/null 2>&1
	step routed
	must_up "$1"
	# 4.x says up before prepare and route, where nothing was routed.
	travelled up 192.0.2.10
	down "$1"
	step down
	delete "$1"
	step deleted
	add "$1"
	must_up "$1"
	travelled only-up 192.0.2.10
	delete "$1"
	travelled gone 192.0.2.10
}

# Up without a trap, down, deleted.
short_life() {	# connection address...
	travelled before "${@:2}"
	add "$1"
	must_up "$1"
	travelled up "${@:2}"
	down "$1"
	step down
	delete "$1"
	travelled deleted "${@:2}"
}

# side_by_side NAME...: each by live_NAME() or the usual life.
after_script() { :; }
side_by_side() {
	local name
	for name; do
		for mode in chain native; do
			by $mode "$name"
			if declare -F "live_$name" > /dev/null; then
				"live_$name"
			else
				usual_life "$name"
			fi > "$WORK/$name-$mode.said" 2>&1
			[ $mode = native ] || after_script
		done
		as_script "$name"
	done
}

# has NAME STEP LINE...: something there was to compare.
has() {
	local name=$1 step=$2 line
	shift 2
	for line; do
		check "$name, $step: $line" grep -q "^$line" "$WORK/$name-$step-native"
	done
}
