# SPDX-License-Identifier: GPL-2.0-or-later
# Whatever fails, the tables are as before or complete.
. "$TESTS/netns/lib.sh"
foreign_rules
printf '[default]\nchain-updown = off\non-error = fail\n' | ini
keep_tables -c

failing() {	# word: an up fails for this reason, and so does nothing
	refused "$1" up-client && same_tables -c
}

mkdir "$WORK/ro"
mount -t tmpfs -o ro tmpfs "$WORK/ro"
RUN=$WORK/ro/run
check "read-only run directory" failing "Read-only file system"
RUN=$WORK/run
call up-client
mount --bind "$RUN" "$RUN"
mount -o remount,bind,ro "$RUN"
tables -c > "$WORK/up"
check "read-only when it goes down" refused "Read-only file system" down-client
check "leaves the rules" diff "$WORK/up" <(tables -c)
mount -o remount,bind,rw "$RUN"
check "writable again, it goes down" silent_call down-client
check "tables after it" same_tables -c
umount "$RUN"

mkdir "$WORK/full"
mount -t tmpfs -o size=64k tmpfs "$WORK/full"
RUN=$WORK/full/run
call up-client
call down-client
dd if=/dev/zero of="$WORK/full/filler" bs=1k 2> /dev/null
check "full disk" failing "No space left on device"
rm "$WORK/full/filler"
call up-client
dd if=/dev/zero of="$WORK/full/filler" bs=1k 2> /dev/null
tables -c > "$WORK/up"
check "full disk when settings change" refused "No space left" up-client PLUTO_MTU=1400
check "leaves the rules" diff "$WORK/up" <(tables -c)
check "full disk does not keep rules" silent_call down-client
check "tables after it" same_tables -c
RUN=$WORK/run

WRAP=(setpriv --bounding-set -net_admin --inh-caps -all)
check "no CAP_NET_ADMIN" failing "not permitted"
check "which a dry run does not need" bash -c "$(declare -f call); $(declare -p site WRAP); OPTIONS=(--dry-run); call up-client | grep -q '^-A ipsec-fw-fwd\|hook forward'"
WRAP=(setpriv --bounding-set -all,+net_admin,+net_raw,+dac_read_search --inh-caps -all)
check "pluto's capabilities are enough" silent_call up-client
check "to go down too" silent_call down-client
WRAP=()
check "tables after it" same_tables -c

call up-client
record=$(find "$RUN" -path '*/conns/*')
damage() {	# name content [what it is called]
	tables -c > "$WORK/up"
	printf "$2" > "$record"
	output=$(call up-client 2>&1)
	is "$1: up succeeds" $? 0
	check "$1: a warning" grep -q "^office: up-client: $record: ${3:-damaged record}; it will be written anew" <<< "$output"
	check "$1: the rules stay" diff "$WORK/up" <(tables -c)
	check "$1: the next up is silent" silent_call up-client
}
damage "empty record" ''
damage "half a record" 'FWH_RECORD=1\nFWH_STATE=up\nFWH_DAE'
damage "a later version's record" 'FWH_RECORD=2\nFWH_STATE=up\n' "record of a later version"
damage "a record of NULs" '\0\0\0\0\n'
damage "a record of words" 'PLUTO_VERB=up\nPLUTO_CONNECTION=$(id)\n'
echo nonsense > "$record"
call up-client PLUTO_SA_REQID=16400 2> /dev/null
is "a damaged record: the reqid that it told of is not accepted any more" "$(reqids office)" "16401 "
call up-client
rm "$record"
check "no record: down" silent_call down-client
check "no record: the rules go" same_tables -c
call up-client
echo nonsense > "$record"
output=$(call down-client 2>&1)
is "damaged record: down succeeds" $? 0
check "damaged record: a warning" grep -q "damaged record" <<< "$output"
check "damaged record: the rules go" same_tables -c

chmod 777 "$RUN"/netns-*
check "a run directory that others can write" failing "others can write there"
chmod 700 "$RUN"/netns-*
rm -rf "$RUN"
ln -s /tmp "$RUN"
check "a link for a run directory" failing "$RUN"
rm "$RUN"

WRAP=("$NO_FLOCK")
check "pluto's seccomp list" failing "seccomp"
WRAP=()
env -i PATH="$PATH" LD_LIBRARY_PATH="$LD_LIBRARY_PATH" "${site[@]}" PLUTO_VERB=up-client \
	"$HELPER" --config "$INI" --run-dir "$RUN" <&- >&- 2>&-
is "closed standard descriptors" $? 0
check "go down again" silent_call down-client
check "a broken pipe for output" bash -c "trap '' PIPE; $(declare -f call); $(declare -p site WRAP OPTIONS); { call up-client; echo \$? > $WORK/status; } 2>&1 | true; [ \$(cat $WORK/status) = 0 ]"
call down-client
check "tables after all" same_tables -c
check "unknown options" bash -c "! '$HELPER' --frobnicate 2> $WORK/usage; grep -q Usage $WORK/usage"
check "--version" bash -c "'$HELPER' --version | grep -q '^ipsec-fw-updown [0-9]'"
check "--help" bash -c "'$HELPER' --help | grep -q -- --dry-run"
