# SPDX-License-Identifier: GPL-2.0-or-later
# lib.sh - what the measurements share: namespaces of their own, calls as daemons
# make them, and tables as README.md has them.
here=$(cd "$(dirname "$0")" && pwd)

# measurement ARGUMENT...: --prefix DIR [--rounds N] [--backend NAME]; what follows
# them is left in $rest.  The caller has said the default of $backends, and in
# $debs which packages' scripts are measured too: they are unpacked, not installed.
measurement() {
	local all=("$@")
	prefix= rounds=31
	while [ $# -gt 0 ]; do
		case $1 in
		--prefix) prefix=$2; shift 2 ;;
		--rounds) rounds=$2; shift 2 ;;
		--backend) backends=$2; shift 2 ;;
		-*) echo "usage: $0 --prefix DIR [--rounds N] [--backend NAME] [NUMBER...]" >&2; exit 2 ;;
		*) break ;;
		esac
	done
	rest=("$@")
	helper=$(cd "$prefix" && pwd)/usr/libexec/ipsec-fw-updown
	[ -x "$helper" ] || { echo "no helper under --prefix '$prefix'" >&2; exit 1; }
	[ -n "${IPSEC_FW_BENCH:-}" ] || own_namespaces "${all[@]}"
	mount -t tmpfs tmpfs /run
	work=/run/bench
	mkdir -p "$work/netns"
	for program in pairs floor flood; do
		cc -O2 -Wall -o "$work/$program" "$here/$program.c" || exit 1
	done
	# The helper looks for its daemon among its ancestors.
	mv "$work/pairs" "$work/pluto"
	echo "$work/floor" > "$work/floor.calls"
}

# They have no network, and process 1 of theirs, which is the measurement, takes
# notice of orphans, as on any machine.
own_namespaces() {
	local package
	IPSEC_FW_BENCH=$(mktemp -d)
	trap 'rm -rf "$IPSEC_FW_BENCH"' EXIT
	chmod 777 "$IPSEC_FW_BENCH"
	for package in $debs; do
		(cd "$IPSEC_FW_BENCH" && apt-get -qq download "$package" > /dev/null 2>&1 &&
			dpkg -x "$package"_*.deb .) ||
			{ echo "cannot get the package $package, whose script is measured" >&2; exit 1; }
	done
	export IPSEC_FW_BENCH
	unshare -n -m -p --fork --mount-proc --propagation private "$0" "$@"
	exit
}

namespace() {	# name
	touch "$work/netns/$1"
	unshare --net="$work/netns/$1" ip link set lo up
}

# One with the device that libreswan's events name.
place() {	# name
	namespace "$1"
	inside "$1" sh -c '
		ip link add w0 type veth peer name w1
		ip link set w0 up
		ip link set w1 up
		ip addr add 198.51.100.1/24 dev w0'
}

inside() {	# name command...
	nsenter --net="$work/netns/$1" "${@:2}"
}

# settings BACKEND KEY=VALUE...: an INI file of that backend, rules or sets.
settings() {
	local scale=rules
	case $1 in *-sets) scale=sets ;; esac
	printf '[global]\nbackend = %s\nscale = %s\n[default]\n' ${1%-sets} $scale
	printf '%s\n' "${@:2}"
}

# As pluto 4.10 calls for connection I; assignments before a command.
libreswan() {	# verb i
	echo "2>&1 PLUTO_VERB='$1' PLUTO_CONNECTION='c$2'" \
		"PLUTO_CONNECTION_TYPE='tunnel' PLUTO_CONN_KIND='CK_PERMANENT'" \
		"PLUTO_CONN_ADDRFAMILY='ipv4' PLUTO_XFRMI_ROUTE=''" \
		"PLUTO_CONN_POLICY='IKEv2+PSK+ENCRYPT+TUNNEL+PFS+UP'" \
		"PLUTO_INTERFACE='w0' PLUTO_VIRT_INTERFACE='NULL'" \
		"PLUTO_ME='198.51.100.1' PLUTO_PEER='198.51.100.2'" \
		"PLUTO_NEXT_HOP='198.51.100.2' PLUTO_MY_SOURCEIP='192.0.1.1'" \
		"PLUTO_MY_CLIENT='192.0.1.0/24' PLUTO_MY_CLIENT_NET='192.0.1.0'" \
		"PLUTO_PEER_CLIENT='10.$(($2 / 256)).$(($2 % 256)).0/24'" \
		"PLUTO_PEER_CLIENT_NET='10.$(($2 / 256)).$(($2 % 256)).0'" \
		"PLUTO_SA_REQID='$((16384 + 4 * $2))' PLUTO_SA_TYPE='ESP'"
}

# Column of the line that pairs printed for LABEL: 1 median, 2 least, 3 most, 4
# processor time, 5 ratio, 6 KiB.
of() {		# label column
	awk -v label="$1" -v column="$2" \
		'substr($0, 1, 30) ~ "^" label " *$" { $0 = substr($0, 31); print $column }' "$work/times"
}

row() {
	printf '|'
	printf ' %s |' "$@"
	echo
}

# The line below a table's head of N columns.
rule() {
	row $(yes -- --- | head -n "$1")
}

machine() {
	echo "$(uname -srm), $(nproc) processors, $rounds rounds, nft $(nft --version | awk '{ print $2 }')"
}
