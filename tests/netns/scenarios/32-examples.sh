# SPDX-License-Identifier: GPL-2.0-or-later
# Every example of the manual pages and of README.md does what it says, as it stands
# there: commands run, tables load, settings are right, daemons' lines are called.
. "$TESTS/netns/lib.sh"
man=$PREFIX/usr/share/man

# ---- a machine as the pages have it: default places, and a connection ----------------

# The places of the machine that the examples use are this scenario's own.
private_etc
mount -t tmpfs tmpfs /var/lib
mkdir /etc/ipsec-fw "$WORK/bin"
ini=/etc/ipsec-fw/ipsec-fw.conf
printf '[global]\n%s\n[default]\nupdown = off\n' "$(says_backend)" > $ini
ln -s "$(type -P iptables-$([ $BACKEND = iptables ] && echo legacy || echo nft))" "$WORK/bin/iptables"
export PATH=$WORK/bin:$PREFIX/usr/sbin:$PATH
cp $ini "$WORK/new.conf"
# A call with nothing but the daemon's variables, for shells other than this one.
{
	printf '#!/bin/sh\n'
	printf "exec env -i PATH='%s' LD_LIBRARY_PATH='%s' " "$PATH" "$LD_LIBRARY_PATH"
	printf "'%s' " "${site[@]}" PLUTO_SA_REQID=16389 PLUTO_VERB=up-client "$HELPER"
} > "$WORK/bin/office-up"
chmod 755 "$WORK/bin/office-up"
# Its parts are listed in the order in which they were made, which may differ.
is_listed() { diff <(sort "$1") <(office-up && nft list table inet ipsec_fw | sed 's/\t/    /g' | sort); }

# ---- the examples, each in a file of its own ------------------------------------------

# As a reader copies them; what roff hides is taken away.
page_blocks() {	# page
	sed -e 's/\\e/\\/g' "$1" | awk -v name="$WORK/block-$(basename "$1")" '
		/^\.Bd -literal/ { inside = 1; n++; next }
		/^\.Ed/ { inside = 0 }
		inside { print > sprintf("%s-%02d", name, n) }'
}

# Fenced ones and indented ones, which are commands or a daemon's file.
readme_blocks() {
	awk -v name="$WORK/block-README" '
		function new() { n++; file = sprintf("%s-%02d", name, n) }
		/^```/ { fenced = !fenced; if (fenced) new(); next }
		fenced { print > file; next }
		/^    / { if (!indented) new(); indented = 1
			sub(/^    /, /^    [a-z.\/]/ ? "# " : "")
			print > file; next }
		{ indented = 0 }' "$TESTS/../README.md"
}

for page in "$man"/man[578]/*; do
	page_blocks "$page"
done
readme_blocks

# ---- what each kind has to do ----------------------------------------------------------

# Its commands, as root types them, on a machine where a connection is up.
runs() {	# block name
	sed -e 's/^[#$] //' -e "s|/usr/libexec/ipsec-fw-updown|$HELPER|g" -e 's/| *$/| \\/' \
		-e 's/^watch .*/timeout 1 & || [ $? = 124 ]/' \
		-e 's/^ipsec-fw doctor$/& || [ $? = 1 ]/' "$1" > "$1.sh"
	rm -rf /run/ipsec-fw
	check "$2" unshare -n env TERM=xterm bash -e -o pipefail -c '
		office-up
		cd "$WORK"
		. "$0"' "$1.sh"
}

# The daemon hands what stands behind updown= to a shell, behind its variables.
is_called() {	# block name
	local line
	grep -o 'updown *= *"[^"]*ipsec-fw[^"]*"\|updown *= *[^ "]*ipsec-fw[^ "]*' "$1" |
		sed -e 's/^updown *= *//' -e 's/"//g' | sort -u > "$1.calls"
	above "$2: names the helper" "$(wc -l < "$1.calls")" 0
	while read -r line; do
		check "$2: $line" env -i PATH="$PATH" LD_LIBRARY_PATH="$LD_LIBRARY_PATH" \
			"${site[@]}" PLUTO_VERB=prepare-client sh -c "${line/#\/usr\/libexec\/ipsec-fw-updown/$HELPER}"
	done < "$1.calls"
}

# Run by others in the way of a machine with systemd, a daemon or a network: they
# have to say so themselves.
is_run_by() {	# name file word
	check "$1: run by $2" grep -q -F -- "$3" "$TESTS/$2"
}

are_first_steps() {	# block name
	local step
	while read -r step; do
		is_run_by "$2: $step" vm/guest/packages/01-first-steps.sh "$step"
	done < <(sed -e 's/^# //' -e '/^apt install/d' "$1")
	is_run_by "$2" vm/guest/init 'dpkg -i /t/stage/*.deb'
}

for block in "$WORK"/block-*; do
	name="$(basename "$block" | sed 's/^block-//'): $(grep -v '^# *$' "$block" | head -n 1)"
	case $(cat "$block") in
	*'[global]'*|*'[default]'*|*'[template '*|*'[conn '*)
		check "$name" ipsec-fw check "$block" ;;
	accept-in-chain*)
		sed -i '1i [global]' "$block"
		check "$name" ipsec-fw check "$block" ;;
	'# apt install ./ipsec-fw_'*) are_first_steps "$block" "$name" ;;
	*'conn office'*|*connections.office*|*leftupdown=*) is_called "$block" "$name" ;;
	'# sudo examples/demo'*) is_run_by "$name" run 'examples/demo' ;;
	'# autoreconf'*) is_run_by "$name" setup.sh autoreconf ;;
	*'systemctl enable ipsec-fw-guard'*)
		is_run_by "$name" vm/guest/boot/01-boot.sh 'systemctl enable ipsec-fw-guard' ;;
	*'ipsec auto --down office'*)
		is_run_by "$name" vm/guest/scenarios/25-devices.sh "fw west disarm" ;;
	*──ESP──*) check "a picture" grep -q '▼' "$block" ;;
	'table inet ipsec_fw'*)
		[ $BACKEND = iptables ] || check "$name" is_listed "$block" ;;
	'table '*) check "$name" unshare -n nft -f "$block" ;;
	hook*) check "$name: a packet's way" grep -q '^POSTROUTING ' "$block" ;;
	*'inet ipsec_fw'*) [ $BACKEND = iptables ] || runs "$block" "$name" ;;
	*'ipset save'*) [ $FORM = rules ] || runs "$block" "$name" ;;
	*'iptables-legacy-save'*) [ $BACKEND = nftables ] || runs "$block" "$name" ;;
	'# '*|'$ '*) runs "$block" "$name" ;;
	*) not_ok "$name" "neither a command, a table, settings nor a daemon's line" ;;
	esac
done
