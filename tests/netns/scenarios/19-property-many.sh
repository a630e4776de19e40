# SPDX-License-Identifier: GPL-2.0-or-later
# backend: nftables
# seconds: 400
# The same of a thousand connections, of which few overlap with many.
. "$TESTS/netns/property.sh"
all ${PROPERTY_ROUNDS:-10} 1000
above "events" "$(count 'event .*: status 0$')" 1000
is "none failed" "$(count 'event .*: status [1-9]')" 0
above "packets passed" "$(count 'packet.*passes')" 500
above "packets were dropped" "$(count 'packet.*: dropped')" 500
above "packets were rejected" "$(count 'packet.*\(error 3/13\|error 1/1\|reset\)')" 50
above "packets kept their marks" "$(count 'packet.*mark [12]')" 200
same
