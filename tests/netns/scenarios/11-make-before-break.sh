# SPDX-License-Identifier: GPL-2.0-or-later
# strongSwan brings the new SA up before it takes the old one down.
. "$TESTS/netns/lib.sh"
keep_tables
site=(
	PLUTO_VERSION=1.1 PLUTO_CONNECTION=office PLUTO_INTERFACE=w0
	PLUTO_PROTO=esp PLUTO_ME=198.51.100.1 PLUTO_MY_ID=west
	PLUTO_MY_CLIENT=192.0.1.0/24 PLUTO_MY_PORT=0 PLUTO_MY_PROTOCOL=0
	PLUTO_PEER=198.51.100.2 PLUTO_PEER_ID=east
	PLUTO_PEER_CLIENT=192.0.2.0/24 PLUTO_PEER_PORT=0 PLUTO_PEER_PROTOCOL=0
)
check "up" silent_call up-client PLUTO_UNIQUEID=1 PLUTO_REQID=1
check "the new one comes up" silent_call up-client PLUTO_UNIQUEID=2 PLUTO_REQID=2
is "it has the rules" "$(reqids)" "2 "
check "the old one's late down" silent_call down-client PLUTO_UNIQUEID=1 PLUTO_REQID=1
is "does not take them" "$(reqids)" "2 "
check "its own down" silent_call down-client PLUTO_UNIQUEID=2 PLUTO_REQID=2
check "does" same_tables
call up-client PLUTO_UNIQUEID=2 PLUTO_REQID=1
check "a down whose id changed silently" silent_call down-client PLUTO_UNIQUEID=3 PLUTO_REQID=1
check "is a down" same_tables
check "a port range" silent_call up-client PLUTO_UNIQUEID=4 PLUTO_REQID=4 \
	PLUTO_MY_PROTOCOL=6 PLUTO_PEER_PROTOCOL=6 PLUTO_PEER_PORT=1000:2000
above "is one match" "$(plain_tables | grep -c -- '\(-d 192.0.2.0/24 -p tcp -m tcp --dport 1000:2000 \|tcp dport 1000-2000 \)')" 1
call down-client PLUTO_UNIQUEID=4 PLUTO_REQID=4 \
	PLUTO_MY_PROTOCOL=6 PLUTO_PEER_PROTOCOL=6 PLUTO_PEER_PORT=1000:2000
check "tables after all" same_tables
