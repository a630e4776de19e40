# SPDX-License-Identifier: GPL-2.0-or-later
# lib.sh - Debian roots, kernels and the virtual machine, for run and record.
#
# Roots and kernels are kept in $IPSEC_FW_TEST_CACHE; they come from the
# machine's own package sources, so that no server is named here.
here=$(cd "$(dirname "$0")" && pwd)
cache=${IPSEC_FW_TEST_CACHE:-/var/cache/ipsec-fw-tests}

packages=iptables,nftables,iproute2,conntrack,iputils-ping,socat,tcpdump,kmod
packages+=,procps,netbase
# What ours is linked with.
libraries=libip4tc2,libip6tc2,libxtables12,libinih1,libmnl0,libnftnl11
strongswan='strongswan-charon,strongswan-starter,strongswan-swanctl,libcharon-extra-plugins'

fail() {
	echo "not ok - $1: $2"
	echo "0 passed, 1 failed"
	exit 1
}

# use_sources SUITE FOLDER: the machine's sources there, for another release
# if need be, with its backports if the suite is those; the names of the files
# are printed.
use_sources() {
	local here_is file release=${1%-backports}
	here_is=$(. /etc/os-release && echo "$VERSION_CODENAME")
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.sources \
		/etc/apt/sources.list.d/*.list; do
		grep -qs "\<$here_is\>" "$file" || continue
		sed "s/\<$here_is\>/$release/g" "$file" > "$2/${file##*/}"
		[ "$1" = "$release" ] ||
			sed -i -E "s/^Suites:.* $release( |\$)/& $1 /
				s/^(deb .*) $release (.*)/&\n\1 $1 \2/" "$2/${file##*/}"
		echo "$2/${file##*/}"
	done
}

# bootstrap SUITE FOLDER LOG OPTION...
bootstrap() {
	local suite=$1 root=$2 log=$3 work
	shift 3
	rm -rf "$root"
	work=$(mktemp -d)
	mmdebstrap --quiet "$@" "${suite%-backports}" "$root" $(use_sources "$suite" "$work") \
		> "$log" 2>&1 || fail vm "mmdebstrap failed, see $log"
	rm -rf "$work"
}

# make_root NAME SUITE PACKAGES [OPTION...]: a root file system, in $cache/root-NAME.
# OPTION: mmdebstrap's.
make_root() {
	local root=$cache/root-$1
	mkdir -p "$cache" || fail vm "cannot write $cache"
	(
		flock 9		# runs at the same time
		[ "$(cat "$root/.made" 2>/dev/null)" = "$2 $3" ] && exit
		bootstrap "$2" "$root" "$root.log" --variant=minbase \
			--include="$3" "${@:4}"
		chmod 1777 "$root/tmp"
		echo "$2 $3" > "$root/.made"
	) 9> "$root.lock" || exit 1
}

# version_of SOURCE: strongSwan's.
version_of() {
	sed -n 's/^AC_INIT(\[strongSwan\],\[\(.*\)\])$/\1/p' "$1/configure.ac"
}

# make_built_root NAME SUITE SOURCE: with a strongSwan of those sources, where
# Debian's would be, and ipset.
make_built_root() {
	local tools=ipset,build-essential,autoconf,automake,libtool,pkgconf,gettext
	tools+=,bison,flex,gperf,python3,libgmp-dev
	make_root "$1" "$2" "$packages,$libraries,$tools" \
		--customize-hook="mkdir \"\$1/usr/src/strongswan\"" \
		--customize-hook="sync-in '$(realpath "$3")' /usr/src/strongswan" \
		--customize-hook='chroot "$1" sh -ec "cd /usr/src/strongswan
			[ -x configure ] || ./autogen.sh
			./configure --prefix=/usr --sysconfdir=/etc --libexecdir=/usr/lib \
				--with-piddir=/run --disable-defaults --enable-charon \
				--enable-ikev2 --enable-vici --enable-swanctl --enable-updown \
				--enable-kernel-netlink --enable-socket-default --enable-nonce \
				--enable-random --enable-aes --enable-sha1 --enable-sha2 \
				--enable-hmac --enable-kdf --enable-gmp
			make install
			cd /
			rm -r /usr/src/strongswan"'
}

# make_kernel SUITE: unpacked and never installed, in $cache/kernel-SUITE.  Its
# number is in .version there.
make_kernel() {
	local dir=$cache/kernel-$1 from= version
	# Of its own accord apt takes none from there.
	[[ $1 != *-backports ]] || from=/$1
	(
		flock 9
		[ -e "$dir/.made" ] && exit
		bootstrap "$1" "$dir" "$dir.log" --variant=extract \
			--include="linux-image-amd64$from"
		[ -d "$dir/lib" ] || ln -s usr/lib "$dir/lib"
		version=$(ls "$dir/lib/modules")
		echo "$version" > "$dir/.version"
		depmod -b "$dir" "$version" || fail vm "no modules in $dir"
		# From 7 on it comes with its modules.
		[ -d "$dir/boot" ] || ln -s "lib/modules/$version" "$dir/boot"
		touch "$dir/.made"
	) 9> "$dir.lock" || exit 1
}

# make_initramfs SUITE FILE
make_initramfs() {
	local dir=$cache/kernel-$1 version work module file
	version=$(cat "$dir/.version")
	work=$(mktemp -d)
	mkdir -p "$work"/{bin,modules,proc,sys,dev,lower,upper,new}
	cp /bin/busybox "$work/bin/busybox"
	cp "$here/initramfs" "$work/init"
	chmod 755 "$work/init"
	for module in virtio_pci 9pnet_virtio 9p overlay; do
		modprobe -d "$dir" -S "$version" --show-depends $module
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
	while read -r file; do
		module=$(basename "${file%.xz}")
		case $file in
		*.xz) xz -dc "$file" > "$work/modules/$module" ;;
		*) cp "$file" "$work/modules/$module" ;;
		esac
		echo "$module" >> "$work/modules/order"
	done
	(cd "$work" && find . | cpio --quiet -o -H newc | gzip -1) > "$2"
	rm -rf "$work"
}

share() {
	printf '%s' "local,path=$2,mount_tag=$1,security_model=none,multidevs=remap$3"
}

# run_vm SUITE ROOT OUT SECONDS ARGUMENT...: boot, and wait for the end.  The
# guest sees tests/ in /t/tests, $stage in /t/stage and OUT, writable, in
# /t/out; the arguments are the kernel's, for guest/init.
run_vm() {
	local dir=$cache/kernel-$1 root=$cache/root-$2 out=$3 seconds=$4
	local initramfs
	initramfs=$(mktemp)
	make_initramfs "$1" "$initramfs"
	shift 4
	chmod 755 "$out"
	# Emulated on purpose: it works on every machine, nested KVM does not.
	# What is mapped at another address each time is translated each time:
	# norandmaps makes a process start four times as fast.  Later processors have
	# instructions that are slower here than those they replace (rep movsb, AVX):
	# this one takes a sixth less time than "max".  7.3's memory statistics have a
	# thread that wakes all the time, also while the kernel patches its own code at
	# boot, which the emulator once answered with a fatal int3.
	timeout "$seconds" qemu-system-x86_64 -accel tcg,thread=multi -cpu Nehalem,+aes,+pclmulqdq \
		-smp 2 -m 1536 -nographic -no-reboot -nic none \
		-kernel "$dir"/boot/vmlinuz* -initrd "$initramfs" \
		-append "console=ttyS0 quiet panic=-1 mitigations=off norandmaps damon_stat.enabled=0 $*" \
		-virtfs "$(share root "$root" ,readonly=on)" \
		-virtfs "$(share kernel "$dir" ,readonly=on)" \
		-virtfs "$(share tests "$here/.." ,readonly=on)" \
		-virtfs "$(share stage "$stage" ,readonly=on)" \
		-virtfs "$(share out "$out" '')" \
		< /dev/null > "$out/console" 2>&1
	rm -f "$initramfs"
}

# scenarios_of JOB PATTERN: the names of those that match an extended regular
# expression.
scenarios_of() {
	local file name
	for file in "$here/guest/$1"/*.sh; do
		name=$(basename "$file" .sh)
		[[ $name =~ $2 ]] && echo "$name"
	done
}

# results_of OUT JOB PATTERN: the lines of each scenario of a job that ran.
results_of() {
	local name
	for name in $(scenarios_of "$2" "$3"); do
		cat "$1/$name/results" 2> /dev/null
		# Its last line; a machine that stopped half way never wrote it.
		grep -qs '^# .* took ' "$1/$name/results" ||
			echo "not ok - ${name#*-}: did not come to its end, see $1"
	done
}

# conclude OUT: what is in OUT/results, counted; status 0 if nothing failed.
conclude() {
	local passed failed
	cat "$1/results"
	passed=$(grep -c '^ok ' "$1/results")
	failed=$(grep -c '^not ok ' "$1/results")
	echo "# the machines ran $SECONDS s"
	if [ "$failed" = 0 ] && [ -z "${IPSEC_FW_TEST_KEEP:-}" ]; then
		rm -rf "$1"
	else
		echo "# logs are in $1"
	fi
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}
