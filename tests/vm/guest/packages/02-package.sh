# SPDX-License-Identifier: GPL-2.0-or-later
# Debian's packages in the hands of a real daemon, the helper confined by its
# AppArmor profile; then they go, and the guard only when they are purged.  The last
# of its machine, which has no helper any more.
. /t/tests/vm/guest/scenarios/02-site-to-site.sh

is "the helper is the package's" \
	"$(dpkg -S $HELPER | cut -d: -f1)" ipsec-fw
check "its profile is enforced" \
	grep -q '^ipsec-fw-updown (enforce)' /sys/kernel/security/apparmor/profiles
printf '[default]\nguard = armed\n' | ini
add site
check "the connection comes up again" up site
check "and passes" ping_from wlan 192.0.2.10
is "nothing was denied" "$(denied)" ""
delete site
allow_all west
wire_reset

held() {
	check "$1: nothing passes" no_ping_from wlan 192.0.2.10
	no_clear "$1: nothing leaves in clear"
}

held "deleted"
check "the package is removed" inside west dpkg -r ipsec-fw
held "removed"
check "what was told it is kept" bash -c "ls '$WORK'/west.state/armed*/site*"
add site
up site
check "the daemon misses the helper" grep -q 'status 127' "$WORK/west.log"
no_clear "and nothing leaves in clear"
delete site
flush_xfrm west
check "the package is purged" inside west dpkg -P ipsec-fw
is "purged: nothing of it is in the kernel" "$(tables west | grep -c -e ipsec_fw -e fw-site)" 0
is "purged: nor on the disk" "$(ls "$WORK/west.state")" ""
no_ping_from wlan 192.0.2.10
above "purged: what it held leaves in clear" "$(wire_count clear)" 0
