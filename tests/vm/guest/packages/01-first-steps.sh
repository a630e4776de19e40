# SPDX-License-Identifier: GPL-2.0-or-later
# README's first steps, on a machine that has Debian's packages, no settings, and a
# connection that works with Libreswan's own script.
. /t/tests/vm/guest/lib.sh
rm -f /etc/ipsec-fw/ipsec-fw.conf
printf '%s\n' leftsubnet=192.0.1.0/24 rightsubnet=192.0.2.0/24 | conn office
sed -i '/leftupdown/d' "$WORK/west.conf"
begin office
check "it works without" up office
check "and passes" ping_from wlan 192.0.2.10
delete_west() { whack west --name office --delete; }
delete_west
no_ping_from wlan 192.0.2.10
above "deleted, it leaves in clear" "$(wire_count clear)" 0

# A file that is mounted cannot be replaced: through a copy.
typed() {	# command
	inside west bash -c 'cp /etc/ipsec.conf /tmp/new.conf
		eval "${0//\/etc\/ipsec.conf//tmp/new.conf}"
		cat /tmp/new.conf > /etc/ipsec.conf' "$1"
}
while read -r step; do
	check "$step" typed "$step"
done <<-'EOF'
sed -i '/^conn office$/a\\tleftupdown=/usr/libexec/ipsec-fw-updown' /etc/ipsec.conf
ipsec auto --replace office
ipsec auto --up office
ipsec-fw status
EOF
check "it passes as before" ping_from wlan 192.0.2.10
is "status says that it is up" "$(inside west ipsec-fw status | awk '$1 == "office" { print $2 }')" up
delete_west
wire_reset
no_ping_from wlan 192.0.2.10
no_clear "deleted, nothing leaves in clear"
finish 'output: .*traffic stays blocked'
