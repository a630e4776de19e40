# SPDX-License-Identifier: GPL-2.0-or-later
# Power that goes while a guard is saved: whatever the disk holds then is believed or
# set aside, and the guards that are left stand after the boot.
. "$TESTS/netns/lib.sh"
. "$TESTS/netns/fw.sh"
{ says_backend | sed '1i [global]'; printf '[default]\nchain-updown = off\nguard = armed\n'; } > "$INI"
keep_tables
branch=(PLUTO_CONNECTION=branch PLUTO_PEER_CLIENT=10.7.0.0/16 PLUTO_SA_REQID=16400)

# What is renamed is on the disk before, and the name is after it.
WRAP=(strace -y -o "$WORK/strace" -e trace=write,fsync,renameat)
call up-client
WRAP=()
is "what is saved is on the disk before it has its name, which is there at the end" \
	"$(sed -n "s|^\([a-z]*\)([0-9]*<$STATE/armed\([^>]*\)>.*|\1 \2|p" "$WORK/strace" |
		sed 's/-[a-z0-9]*\.new/.new/' | uniq)" "write /.office.new
fsync /.office.new
renameat 
fsync "
call up-client "${branch[@]}"
saved=$(ls "$STATE"/armed/office-*)
name=$(basename "$saved")
cp -a "$STATE/armed" "$WORK/whole"
size=$(stat -c %s "$saved")
# Of an earlier up, to another network.
old=$(sed 's/^PLUTO_PEER=.*/PLUTO_PEER=203.0.113.9/' "$saved")

boot() {	# nothing is left but the disk
	rm -rf "$RUN"
	fw flush --yes > /dev/null 2>&1
	rm -rf "$RUN" "$STATE/armed"
	cp -a "$WORK/whole" "$STATE/armed"
}

# left NAME EXIT GUARDS COMMAND: the disk holds what the command leaves.
left() {
	local what=$1 status=$2 guards=$3
	shift 3
	boot
	"$@"
	fw arm > "$WORK/said" 2>&1
	is "$what: exit" $? $status
	is "$what: the guards" "$(guards office) $(guards branch)" "$guards"
	[ $status = 0 ] || check "$what: it is named" \
		grep -q "^ipsec-fw: $saved: damaged record; its connection's next up writes it anew$" "$WORK/said"
	check "$what: the next up" call up-client
	check "$what: is saved whole" cmp "$saved" "$WORK/whole/$name"
	is "$what: nothing else is" "$(ls "$STATE/armed" | wc -l)" 2
}
staged() { head -c $1 "$WORK/whole/$name" > "$STATE/armed/.$name.new"; rm "$saved"; }
half() { head -c $1 "$WORK/whole/$name" > "$saved"; }
before() { echo "$old" > "$saved"; }
zeros() { head -c $1 "$WORK/whole/$name" > "$saved"; truncate -s "$size" "$saved"; }

left "all of it" 0 "2 2" true
left "not even the staged file" 0 "0 2" rm -f "$saved"
for n in 0 1 $((size / 2)) $((size - 1)) $size; do
	left "staged, $n bytes" 0 "0 2" staged $n
done
left "a replacement that is staged" 0 "2 2" touch "$STATE/armed/.$name.new"
left "the one before" 0 "2 2" before
for n in 0 1 $((size / 2)) $((size - 1)); do
	left "$n bytes" 1 "0 2" half $n
	left "$n bytes and zeros" 1 "0 2" zeros $n
done
rm -rf "$RUN"
fw flush --yes > /dev/null 2>&1
rm -rf "$STATE/armed"
is "no folder: nothing to do" "$(fw arm)" "0 guards armed"
check "the next up" silent_call up-client
is "makes it" "$(ls "$STATE"/armed | wc -l)" 1
fw flush --yes > /dev/null
check "tables after all" same_tables
