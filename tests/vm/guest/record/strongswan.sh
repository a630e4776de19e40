# SPDX-License-Identifier: GPL-2.0-or-later
# strongSwan's calls, a situation after the other.
. /t/tests/vm/guest/lib.sh
daemon=$(sed -n 's/.*daemon=\([^ ]*\).*/\1/p' /proc/cmdline)
mkdir "$WORK/calls" "$WORK/env"
is "the version" "$(ipsec --version | sed -n 's/.*strongSwan U\([0-9.]*\).*/strongswan-\1/p')" "$daemon"

# situation NAME [SIDE] LINE...: a conn of both sides, or of one.  Of conns
# with the same identities the first one's IKE SA would serve all.
situation() {
	local name=$1 sides='west east' side
	shift
	case ${1:-} in west | east) sides=$1; shift ;; esac
	for side in $sides; do
		{
			echo "conn $name"
			printf '\t%s\n' authby=secret keyexchange=ikev2 auto=add \
				left=198.51.100.1 leftid=@$name.west \
				right=198.51.100.2 rightid=@$name.east mobike=no \
				"leftupdown=/t/tests/vm/guest/recorder $WORK/calls" "$@"
		} >> "$WORK/$side.conf"
	done
}
nets="leftsubnet=192.0.1.0/24 rightsubnet=192.0.2.0/24"
: > "$WORK/west.conf"
: > "$WORK/east.conf"
situation site $nets
situation six-in-four leftsubnet=2001:db8:1::/64 rightsubnet=2001:db8:2::/64
situation port 'leftsubnet=192.0.1.0/24[tcp]' 'rightsubnet=192.0.2.0/24[tcp/8080]'
situation natt $nets forceencaps=yes
situation host type=transport
situation mark west $nets mark=5/0xff
situation mark east $nets
situation ipcomp $nets compress=yes
situation rw west leftsubnet=192.0.1.0/24 right=%any rightsourceip=192.0.9.0/24
situation rw east leftsubnet=192.0.1.0/24 rightsourceip=%config
topology
declare -A pid
for side in west east; do
	mkdir "$WORK/$side.run"
	ip netns exec $side unshare -m --propagation private bash -c '
		mount --bind "$WORK/$0.run" /run
		mount --bind "$WORK/$0.conf" /etc/ipsec.conf
		mount --bind "$WORK/secrets" /etc/ipsec.secrets
		exec ipsec start --nofork
		' $side > "$WORK/$side.log" 2>&1 &
	pid[$side]=$!
done
daemon_of() {	# side command...
	local side=$1
	shift
	nsenter -t "${pid[$side]}" -m -n timeout 30 ipsec "$@"
}
ready() {
	daemon_of "$1" statusall | grep -q "$2"
}
for side in west east; do
	wait_for 60 ready $side rw: || not_ok "charon of $side starts" "$(tail -n 3 "$WORK/$side.log")"
done
for name in site six-in-four port natt host mark ipcomp; do
	check "$name comes up" daemon_of west up $name
	daemon_of west down $name
done
check "rw comes up" daemon_of east up rw
daemon_of east down rw
for call in site-up site-down six-in-four-up port-up natt-up host-up mark-up \
	ipcomp-up rw-up; do
	check "$call is recorded" cp "$WORK/calls/$call.env" "$WORK/env/$daemon-$call.env"
done
