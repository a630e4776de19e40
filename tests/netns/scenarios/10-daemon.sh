# SPDX-License-Identifier: GPL-2.0-or-later
# Whose word a record is: reqids mean something in one daemon's life only.
. "$TESTS/netns/lib.sh"
. "$TESTS/netns/daemon.sh"
foreign_rules
keep_tables
other=(PLUTO_CONNECTION=other PLUTO_PEER_CLIENT=10.0.0.0/8)

daemon pluto
check "up by a daemon" tell call up-client
check "another connection of it" tell call up-client "${other[@]}"
is "the records name it" "$(cat "$RUN"/*/conns/* | grep -c "^FWH_DAEMON=$PID [0-9]*$")" 2
ends
above "it is killed: the rules are still there" "$(rules_of office)" 5
daemon pluto
third=(PLUTO_CONNECTION=third PLUTO_PEER_CLIENT=172.16.0.0/12)
check "the next daemon's first call, a down of something else" tell call down-client "${third[@]}"
is "takes the dead one's rules" "$(rules_of)" "$(rules_of own)"
check "all of them" same_tables
is "and records" "$(find "$RUN" -path '*/conns/*' | wc -l)" 0
is "and marks" "$(find "$RUN" -path '*/marks/*' | wc -l)" 0
# Killed with its daemon, a helper leaves rules that no record tells of.
check "up by the new daemon" tell call up-client "${third[@]}"
tell 'WRAP=("$FAULT" -9 renameat)'
tell call up-client "${other[@]}" 2> /dev/null
is "a call is killed when the kernel has its rules" $? 137
above "and its record is not there yet" "$(rules_of other)" 5
ends
daemon pluto
check "the next daemon's first call" tell call down-client "${third[@]}"
check "takes them" same_tables
is "and what was staged" "$(find "$RUN" -name '*.new')" ""
check "up by the new daemon" tell call up-client
first=$PID
exec 17>&7 16<&6
daemon charon
check "a second, living daemon" tell call up-client "${other[@]}"
above "does not take the first one's rules" "$(rules_of office)" 5
ends
check "a call by hand" silent_call up-client "${third[@]}"
above "takes nobody's" "$(rules_of other)" 5
daemon charon
tell call prepare-client "${third[@]}"
is "a third daemon takes the dead second one's" "$(rules_of other)" 0
above "and leaves the living first one's" "$(rules_of office)" 5
above "and what was made by hand" "$(rules_of third)" 5
ends
kill -9 $first
# Nobody reads any more what there is to say, and SIGPIPE is not ignored.
WRAP=(perl -e 'pipe R, W; close R; open STDERR, ">&", \*W; $SIG{PIPE} = "DEFAULT"; exec @ARGV')
printf '[default]\ngaurd = off\nguard = up\nchain-updown = off\n' | ini
is "a down that complains of settings, to nobody: exit" "$(call down-client; echo $?)" 0
is "takes the rules" "$(rules_of office)" 0
WRAP=()
printf '[default]\nchain-updown = off\n' | ini
call down-client "${third[@]}"
check "tables after all" same_tables
