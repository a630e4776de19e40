# SPDX-License-Identifier: GPL-2.0-or-later
# strongSwan in Debian's AppArmor profile, and the helper in its own, through all
# that the daemon asks of it.
. /t/tests/vm/guest/strongswan/01-strongswan.sh
is "charon is confined" "$(cat "/proc/$(cat "$WORK/west.run/charon.pid")/attr/current")" \
	"/usr/lib/ipsec/charon (enforce)"
is "nothing of the helper was denied" "$(denied)" ""
