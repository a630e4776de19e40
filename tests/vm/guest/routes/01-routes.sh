# SPDX-License-Identifier: GPL-2.0-or-later
# updown = native beside the daemon's own script: the same lives, and the same
# routes, rules, addresses, devices and traffic at the end of each step.
. /t/tests/vm/guest/routeslib.sh
nets='leftsubnet=192.0.1.0/24 rightsubnet=192.0.2.0/24'
pair plain "$nets"
pair source "$nets" leftsourceip=192.0.1.77
pair local "$nets" leftsourceip=192.0.1.1
pair metric "$nets" 'leftsourceip=192.0.1.77 metric=7 mtu=1400'
pair hop "$nets" 'leftsourceip=192.0.1.77 leftnexthop=198.51.100.9'
pair all 'leftsubnet=192.0.1.0/24 rightsubnet=0.0.0.0/0' leftsourceip=192.0.1.77
begin_routes
meant() { echo '^$'; }
side_by_side plain source local metric hop all
has source only-up '192.0.2.0/24 dev w0 scope link src 192.0.1.77' 'lo    inet 192.0.1.77/32 scope 50' 'ping from wlan .*encrypted$'
has local only-up '192.0.2.0/24 dev w0 scope link src 192.0.1.1'
has metric only-up '192.0.2.0/24 dev w0 scope link src 192.0.1.77 metric 7 mtu 1400'
has hop only-up '192.0.2.0/24 via 198.51.100.9 dev w0 src 192.0.1.77'
has all only-up '0.0.0.0/1 dev w0 scope link src 192.0.1.77' '128.0.0.0/1 dev w0'
all_came_up
