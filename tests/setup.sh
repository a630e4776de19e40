# SPDX-License-Identifier: GPL-2.0-or-later
# setup.sh - from a fresh machine to a built project: what the demo and the
# tests have in common.

say() {
	echo "# $*"
}

die() {
	echo "$(basename "$0"): $*" >&2
	exit 1
}

# Package names, Debian's and Fedora's, of: building, the demo, the tests.
debian_build="gcc libc6-dev make autoconf automake libtool pkg-config libiptc-dev
	libip4tc-dev libip6tc-dev libxtables-dev libmnl-dev libnftnl-dev libinih-dev"
debian_demo="iptables nftables iproute2 iputils-ping util-linux procps"
debian_tests="libcmocka-dev clang valgrind conntrack socat xz-utils zstd mandoc
	man-db strace kmod qemu-system-x86 mmdebstrap busybox-static cpio
	ipset netbase jq tmux zsh systemd dbus-daemon"
debian_analysis="clang-tidy cppcheck shellcheck"
debian_fuzz="clang libclang-rt-dev afl++"
fedora_build="gcc make autoconf automake libtool pkgconf-pkg-config iptables-devel
	libmnl-devel libnftnl-devel inih-devel"
fedora_demo="iptables-legacy nftables iproute iputils util-linux procps-ng diffutils"

# need LIST...: install the packages of these lists that are missing.
need() {
	local list packages= manager missing log
	for manager in apt-get dnf; do
		! command -v $manager > /dev/null || break
	done
	for list; do
		case $manager in
		apt-get) list=debian_$list ;;
		*) list=fedora_$list ;;
		esac
		[ -n "${!list:-}" ] || die "$list: no list of packages; see tests/setup.sh"
		packages="$packages ${!list}"
	done
	log=$(mktemp)
	case $manager in
	apt-get)
		missing=$(for p in $packages; do
			dpkg-query -W -f '${Status}' "$p" 2> /dev/null | grep -q ' installed$' || echo "$p"
		done)
		[ -n "$missing" ] || return 0
		say "installing:" $missing
		{
			apt-get update &&
			DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
		} > "$log" 2>&1
		;;
	dnf)
		say "installing:" $packages
		dnf install -y $packages > "$log" 2>&1
		;;
	esac || { tail -n 20 "$log" >&2; die "cannot install packages, see $log"; }
	rm -f "$log"
}

# own_root ARGUMENT...: where / is no mount point (in a plain chroot), no mount
# namespace can be made private.  There the caller starts anew on a view of the
# same files that is one.
own_root() {
	local dir status
	! unshare -m --propagation private true 2> /dev/null || return 0
	[ -z "${IPSEC_FW_OWN_ROOT:-}" ] || die "mount namespaces do not work here"
	dir=$(mktemp -d)
	IPSEC_FW_OWN_ROOT=$dir unshare -m --propagation unchanged bash -c '
		mount --rbind / "$0" && mount --make-rprivate "$0" &&
		exec chroot "$0" "$@"' "$dir" "$(readlink -f "$0")" "$@"
	status=$?
	umount -l "$dir" 2> /dev/null
	rmdir "$dir"
	exit $status
}

# copy_source FOLDER: the project as it stands here, ready for configure, so
# that the checkout stays as it is.
copy_source() {
	mkdir -p "$1"
	tar -C "$top" --exclude=./.git -cf - . | tar -C "$1" -xf -
	(cd "$1" && autoreconf -fi) > "$1/autoreconf.log" 2>&1 ||
		{ tail -n 20 "$1/autoreconf.log" >&2; die "autoreconf failed"; }
}

# build SOURCE FOLDER [configure's arguments]: out of the source's folder.
build() {
	local source=$1 folder=$2
	shift 2
	mkdir -p "$folder"
	(cd "$folder" && "$source/configure" --prefix=/usr --sysconfdir=/etc \
		--localstatedir=/var --runstatedir=/run --libexecdir=/usr/libexec \
		--enable-werror "$@" && make -j"$(nproc)") > "$folder/build.log" 2>&1
}
