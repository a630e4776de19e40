# SPDX-License-Identifier: GPL-2.0-or-later
# faults.sh - events that are spoilt at one of their system calls, or requests for
# memory, beside three other connections and an operator's rules in all tables.
# FAULTS_STEP=1 takes each, 7 every seventh; without it what the scenario says,
# which is a minute's worth.
. "$TESTS/netns/fw.sh"
step=${FAULTS_STEP:-$step}
counters=-c	# are looked at, too
turn=0		# where the next sample begins

foreign_rules
# Nobody gave us DNS: this stays as it is.
private_etc
printf 'nameserver 192.0.2.53\n' > /etc/resolv.conf
# So that nothing is sent.
sysctl -q -w net.ipv6.conf.default.disable_ipv6=1
ip link add w0 type veth peer name w1
ip addr add 198.51.100.1/24 dev w0
ip link set w0 up
ip link set w1 up

# An event: where it begins, what is spoilt, and the way back to where there is
# no such connection.
other=(PLUTO_PEER=203.0.113.7 PLUTO_SA_REQID=16400)
event_up() { call up-client; }
# What no other has: sets and rules of its own.
apart=(PLUTO_MY_CLIENT=10.77.0.0/16 PLUTO_MY_CLIENT_NET=10.77.0.0 PLUTO_MY_CLIENT_MASK=255.255.0.0)
event_apart() { call up-client "${apart[@]}"; }
event_replace() { call up-client "${other[@]}"; }
event_down() { call down-client; }
event_arm() { call down-client; }
event_native() { call up-client PLUTO_MY_SOURCEIP=192.0.1.1; }
event_native_down() { call down-client PLUTO_MY_SOURCEIP=192.0.1.1; }
event_reconcile() { FAULT_WORKER=1 "${WRAP[@]}" "${FW[@]}" reconcile > /dev/null; }
begin() {
	case $1 in
	replace | down | arm) call up-client ;;
	native_down) event_native ;;
	# In one round: the last may have been killed before it came back to it.
	reconcile) call up-client; fw reconcile > /dev/null; mess ;;
	esac
}
end() {
	case $1 in
	native*) call down-client PLUTO_MY_SOURCEIP=192.0.1.1 ;;
	apart) call down-client "${apart[@]}" ;;
	*) call down-client ;;
	esac
	[ "$1" != arm ] || fw disarm office
}

mess() {	# what somebody did to our rules
	case $HOLDER in
	nftables) nft flush chain inet ipsec_fw postrouting ;;
	iptables) iptables-legacy -t mangle -S ipsec-fw-post |
			sed -n '/ -j fw-office-/s/^-A/iptables-legacy -t mangle -D/p' | sh ;;
	*) ipset flush "$(ipset list -n | grep to-peer)" ;;
	esac
}

settings() {	# event
	case $1 in
	arm) printf 'guard = armed\nchain-updown = off\n' ;;
	native*) printf 'updown = native\n' ;;
	*) printf 'chain-updown = off\n' ;;
	esac | sed "1i [default]\non-error = ${2:-fail}" | ini
}

names() {
	(cd "$RUN"/netns-* && find . ! -type d ! -name round -printf '%p %l\n' |
			sed 's/\(shared[^ ]* \)[0-9]* /\1/' | sort)
}
# What our programs keep; times, rounds, and what a later call throws away, aside: staged
# files, and marks whose owners have no record.
files() {	# names
	(cd "$RUN"/netns-* && grep -v '\.new ' "$1" |
			while read -r name to; do
				[[ $name != ./marks/* ]] || compgen -G "conns/*-$to" > /dev/null || continue
				echo "$name $to"
			done
		grep -r . conns daemons shared owners 2> /dev/null |
		grep -v '\.new:\|FWH_SINCE=\|FWH_ENDED=' | sort)
}
network() { ip addr; ip -4 route show table all; ip rule; cat /etc/resolv.conf; }
# Sets, and rules for marks, stand in the order in which they were made.
sorted_sets() {
	perl -ne '$set = "" if /^\t(set|map) /;
		if (defined $set) { $set .= $_; push(@sets, $set), undef $set if /^\t}/; next }
		if (/\@mark-/) { push @sets, $_; next }
		print(sort @sets), @sets = () if /^}/;
		print if /\S/;'
}
state() {	# file
	tables $counters | sorted_sets > "$1"
	names > "$1.names"
	{ files "$1.names"; network; } > "$1.more"
}
# Most spoilt events come to their end before they touch anything, which takes a
# twentieth of the time to see.
untouched() { [ "$("$FINGERPRINT" "$RUN" "$STATE" /etc/resolv.conf)" = "$standing" ]; }
stand() { standing=$("$FINGERPRINT" "$RUN" "$STATE" /etc/resolv.conf); }
# A record that could not be read is written anew, from what the event knew; to a
# reconciliation it is none.
same_state() {
	cmp -s "$1" "$2" || return 1
	cmp -s "$1.more" "$2.more" || [ -n "$lost" ]
}
lost=

# Each legacy table, and what nftables has, is one commit.
parts() {	# file: one part a line
	awk '/^\*/ { n++ } /^table / && !nft { n++; nft = 1 }
		/^(create|add) / { next }
		{ part[n] = part[n] $0 "|" } END { for (i = 0; i <= n; i++) print part[i] }' "$1"
}

# Between two commits of the legacy tables the parts are of either state, and
# elements of sets come and go one by one; accepted is nothing that is not guarded.
between() {	# before after now
	local line
	paste -d '\n' <(parts "$1") <(parts "$2") <(parts "$3") |
		awk 'NR % 3 == 1 { a = $0 } NR % 3 == 2 { b = $0 }
			NR % 3 == 0 && $0 != a && $0 != b { bad = 1 } END { exit bad }' || return 1
	set -- <(:) "$1" "$2" "$3"
	{ sed 's/^/a /' "$2"; sed 's/^/b /' "$3"; sed 's/^/c /' "$4"; } |
		grep -E '^. (create|add) ' | grep -v ' ipsec-fw-owners-new ' | sort -k 2 | awk '
		{ side = $1; $1 = ""; have[$0] = have[$0] side }
		END { for (line in have)
			if (have[line] == "ab" || have[line] == "c") { print line; bad = 1 }
			exit bad }' || return 1
	[ "$(accepts office)" = 0 ] || [ "$(guards office)" = 2 ]
}

allowed() {	# before after now
	cmp -s "$1" "$3" || cmp -s "$2" "$3" && return 0
	[ $BACKEND = iptables ] && between "$@"
}

differs() {	# from file: what differs now
	diff "$1" "$WORK/now" | head -n 6
	[ ! -e "$WORK/now.more" ] || diff "$1.more" "$WORK/now.more" | head -n 6
}

# As it is after an event that is not spoilt, to the last file: from there on all has
# been seen.
as_after() {
	cmp -s "$WORK/after" "$WORK/now" && cmp -s "$WORK/after.more" "$WORK/now.more" &&
		cmp -s "$WORK/after.names" "$WORK/now.names"
}

# Once more, and all is there; back, and nothing is left.
again() {	# event words
	local event=$1
	shift
	as_after || once_more $event "$@"
	lost=
	back $event "$@"
}

once_more() {	# event words
	local event=$1
	shift
	event_$event > "$WORK/said" 2>&1 || echo "$*: the next fails: $(cat "$WORK/said")"
	state "$WORK/now"
	same_state "$WORK/after" "$WORK/now" || {
		echo "$*: the next does not bring it to its end"
		differs "$WORK/after"
	}
}

# What a failed event says: lines of ours, the connection first, and what and why.
speaks() {
	grep -v '^spoilt: ' "$WORK/said" > "$WORK/words"
	[ -s "$WORK/words" ] || { echo "says nothing"; return 1; }
	! LC_ALL=C grep '[^ -~]' "$WORK/words" || return 1
	! grep -v -E '^(office: [a-z]+-client: |ipsec-fw(-updown)?: ).*[a-z_./-]{3,}.*' "$WORK/words"
}

# It succeeded, or said why not and left all as it was; the next brings it to its end.
judge() {	# event status words
	local event=$1 status=$2
	shift 2
	echo $status >> "$WORK/statuses"
	if [ $status = 1 ]; then
		speaks > "$WORK/mute" || echo "$*: $(cat "$WORK/mute")"
		! untouched || return
	fi
	state "$WORK/now"
	! grep -q '; it will be written anew$\|^ipsec-fw: .*/conns/' "$WORK/said" || lost=yes
	if [ $status = 0 ]; then
		same_state "$WORK/after" "$WORK/now" || {
			echo "$*: succeeds, but: $(grep -v '^spoilt: ' "$WORK/said")"
			differs "$WORK/after"
		}
	else
		[ $status = 1 ] || echo "$*: status $status"
		cmp -s "$WORK/before" "$WORK/now" || {
			{ [[ $event != @(up|apart) ]] || grep -q 'failed: .*; and going back failed' "$WORK/said"; } &&
				allowed "$WORK/before" "$WORK/after" "$WORK/now"
		} || [ -n "$lost" ] || {
			echo "$*: not as before: $(grep -v '^spoilt: ' "$WORK/said")"
			differs "$WORK/before"
		}
	fi
	again $event "$@"
}

# It came to no end: the tables are of either side, and the next brings it there.
interrupted() {	# event words
	local event=$1
	shift
	state "$WORK/now"
	allowed "$WORK/before" "$WORK/after" "$WORK/now" || {
		echo "$*: neither before nor after"
		differs "$WORK/before"
		differs "$WORK/after"
	}
	interruptions=$((interruptions + 1))
	[ $((interruptions % 2)) = 1 ] || as_after || settled $event "$*"
	again $event "$@"
}
interruptions=0

settled() {	# event words: by reconcile
	fw status > "$WORK/said" 2>&1 && ! grep 'damaged' "$WORK/said" ||
		echo "$2: status: $(cat "$WORK/said")"
	fw reconcile > "$WORK/said" 2>&1 || echo "$2: reconcile: $(cat "$WORK/said")"
	state "$WORK/now"
	rm "$WORK/now.more"
	[ $1 = reconcile ] || cmp -s "$WORK/before" "$WORK/now" || cmp -s "$WORK/after" "$WORK/now" || {
		echo "$2: reconcile makes neither"
		differs "$WORK/before"
	}
	fw reconcile --check > "$WORK/said" 2>&1 || echo "$2: after reconcile: $(cat "$WORK/said")"
	[ -z "$(find "$RUN"/*/conns -name '*.new')" ] || echo "$2: a staged record"
	[ "$(find "$RUN" -path '*/marks/*' | wc -l)" = "$(find "$RUN" -path '*/conns/*' | wc -l)" ] ||
		echo "$2: a mark without a record"
}

back() {	# event words
	local event=$1
	shift
	end $event > /dev/null 2>&1
	begin $event 2> /dev/null
	state "$WORK/now"
	same_state "$WORK/before" "$WORK/now" || {
		echo "$*: something is left"
		differs "$WORK/before"
	}
	stand
}

# The states before and after, and the calls that it makes: in files.
baseline() {	# event
	state "$WORK/before"
	WRAP=("$FAULT" list "$WORK/calls")
	event_$1 2> "$WORK/said" || cat "$WORK/said"
	WRAP=()
	state "$WORK/after"
	back $1 "not spoilt"
}

prepare() {	# event [on-error]
	local i
	rm -rf "$RUN"
	settings $1 ${2-}
	for i in 1 2 3; do
		call up-client PLUTO_CONNECTION=c$i PLUTO_PEER_CLIENT=10.$i.0.0/16 \
			PLUTO_PEER=198.51.100.1$i PLUTO_SA_REQID=$((16384 + 400 * i)) ||
			echo "c$i does not come up"
	done
	# The first makes what all share, and folders.
	begin $1
	event_$1 2> /dev/null
	end $1 > /dev/null 2>&1
	fw reconcile > /dev/null
	begin $1
	baseline $1
	turn=$((turn + 1))
	: > "$WORK/statuses"
}

# Takes all events, or those that somebody wants to look at.
events() {
	echo ${FAULTS_EVENTS:-up $([ $FORM = rules ] || echo apart) replace down arm native native_down reconcile}
}

finish() {	# event
	end $1 > /dev/null 2>&1
	fw flush --yes > /dev/null
}

# Each event, spoilt by the scenario's function, which says what is wrong.
spoil_events() {	# function
	local event
	for event in $(events); do
		prepare $event > "$WORK/prepared"
		is "$event: as the tests think" "$(cat "$WORK/prepared")" ""
		$1 $event > "$WORK/wrong"
		is "$event: $1 $(wc -l < "$WORK/statuses") times" "$(head -n 60 "$WORK/wrong")" ""
		above "$event: and it says so, in some cases" "$(grep -c 1 "$WORK/statuses")" 0
		finish $event
	done
}
