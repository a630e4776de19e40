# SPDX-License-Identifier: GPL-2.0-or-later
# examples/host-to-host on both servers, whose trap is what brings them up.
. /t/tests/vm/guest/exampleslib.sh
internet
uplink west w0 198.51.100.1
uplink east w0 203.0.113.1
example west host-to-host
example east host-to-host
waits east
serve east 5432 22
leaks "without the helper it would leave in clear" west 203.0.113.1
default_deny west
start west east
reset
check "the first packets bring it up" wait_for 20 ping_from west 203.0.113.1 -c 1
check "ping" ping_from west 203.0.113.1
check "and back" ping_from east 198.51.100.1
is "the database" "$(get west 203.0.113.1 5432)" "hello 5432"
check "and nothing else" refused west 203.0.113.1 22
none_in_clear "up" west east
allow_all west
take_down west replica
reset
check "down: nothing passes" refused west 203.0.113.1 5432
check "down: nor a ping" no_ping_from west 203.0.113.1
check "down: nor the other way" no_ping_from east 198.51.100.1
none_in_clear "down" west
check "others are not concerned" ping_from west 100.64.0.80
finish "stays blocked"
