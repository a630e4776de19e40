# SPDX-License-Identifier: GPL-2.0-or-later
# backend: nftables
# Random events of 40 random connections that overlap, through all backends.
. "$TESTS/netns/property.sh"
rounds=${PROPERTY_ROUNDS:-25}
all $rounds
above "events" "$(count 'event .*: status 0$')" $((rounds * 10))
is "none failed" "$(count 'event .*: status [1-9]')" 0
above "packets passed" "$(count 'packet.*passes')" 50
above "packets were dropped" "$(count 'packet.*: dropped')" 100
above "packets were rejected" "$(count 'packet.*\(error 3/13\|error 1/1\|reset\)')" 10
above "packets kept their marks" "$(count 'packet.*dscp 0: .*mark [12]\|packet.*mark [12]')" 10
same
