# SPDX-License-Identifier: GPL-2.0-or-later
# A kernel without xt_policy and without ip6_tables: each is named, and the
# tables are as before.
set -u
. /t/tests/results.sh
printf '[global]\nbackend = iptables\n[default]\nchain-updown = off\non-error = fail\n' > /etc/ipsec-fw/ipsec-fw.conf
call() {	# NAME=VALUE...
	env -i PATH="$PATH" PLUTO_VERB=up-client PLUTO_CONNECTION=site \
		PLUTO_ME=198.51.100.1 PLUTO_PEER=198.51.100.2 \
		PLUTO_MY_CLIENT=192.0.1.0/24 PLUTO_PEER_CLIENT=192.0.2.0/24 \
		PLUTO_SA_REQID=16388 "$@" ipsec-fw-updown --state-dir "$WORK/state" 2>&1
}
export PATH=$PATH:/usr/libexec
for t in mangle nat filter; do iptables-legacy -t $t -S > /dev/null; done
iptables-legacy -A FORWARD -j ACCEPT
saved() { iptables-legacy-save | sed '/^#/d'; }
before=$(saved)
output=$(call)
is "no xt_policy: exit" $? 1
is "it is named" "$output" "site: up-client: failed, nothing was changed: IPv4 table mangle: this kernel has no xt_policy (match policy, revision 0); load or build that module"
is "the tables are as before" "$(saved)" "$before"
output=$(call PLUTO_MY_CLIENT=2001:db8:1::/64 PLUTO_PEER_CLIENT=2001:db8:2::/64)
is "no ip6_tables: exit" $? 1
is "it is named" "$output" "site: up-client: failed, nothing was changed: this kernel has no ip6_tables; load it at boot (modprobe ip6_tables)"
is "the tables are still as before" "$(saved)" "$before"
