# SPDX-License-Identifier: GPL-2.0-or-later
# Many connections started at once, each with an IKE SA and a route of its own: how
# long does the daemon stand still?
. /t/tests/vm/guest/lib.sh
argument() { sed -n "s/.*\<$1=\([^ ]*\).*/\1/p" /proc/cmdline; }
n=$(argument connections) way=$(argument updown)
case $way in
stock) UPDOWN='ipsec _updown' ;;
*) printf '[default]\nupdown = %s\n' "$way" | ini ;;
esac
# At once, as conn() takes longer than what is measured.
for side in west east; do
	for ((i = 0; i < n; i++)); do
		printf '%s\n\t' "conn many$i" authby=secret ikev2=insist auto=add \
			ike=aes_gcm256-sha2_256-dh31 connalias=many \
			left=198.51.100.1 leftid=@west$i leftsubnet=192.0.1.0/24 \
			leftsourceip=192.0.1.1 leftupdown="\"$UPDOWN\"" \
			right=198.51.100.2 rightid=@east$i rightsubnet=10.2.$i.0/24
		echo 'rightupdown=%disabled'
	done >> "$WORK/$side.conf"
done
printf ': PSK "%s"\n' "$psk" > "$WORK/secrets"
topology
export LD_PRELOAD_PLUTO=/t/out/popen.so POPEN_LOG=$WORK/calls
[ "$(argument machine)" = emulated ] || LD_PRELOAD_PLUTO+=:/t/out/no_esp.so
launch west
POPEN_LOG=$WORK/calls-east launch east
await west
await east
# By auto=add, when the daemon starts.
loaded() { [ "$(grep -c 'added IKEv2 connection' "$WORK/$1.log")" = "$n" ]; }
for side in west east; do
	check "$side has loaded all" wait_for 120 loaded $side
done
established() { grep -c 'initiator established Child SA' "$WORK/west.log"; }
all_up() { [ "$(established)" -ge "$n" ]; }
seconds() { # of the first or last line with a pattern
	grep "$1" "$WORK/west.log" | sed -n "$2p" | sed 's/^[A-Z][a-z]* *[0-9]* \([0-9:.]*\): .*/\1/' |
		awk -F: '{ print $1 * 3600 + $2 * 60 + $3 }'
}
whack west --name many --initiate --asynchronous > "$WORK/initiate" 2>&1
wait_for 1700 all_up
is "all are up" "$(established)" "$n"
sort -k2 -n "$WORK/calls" | awk -v way="$way" -v took="$(awk -v a="$(seconds 'initiating IKEv2' 1)" \
	-v b="$(seconds 'initiator established Child SA' '$')" 'BEGIN { print b - a }')" \
	-v again="$(grep -c retransmission "$WORK/west.log" "$WORK/east.log" | awk -F: '{ n += $2 } END { print n }')" '
	{ ms[NR] = $2; total += $2 }
	END { printf "# %s: %d calls, median %.1f ms, longest %.1f ms, blocked %.1f s, all up after %.1f s, %d retransmissions\n",
		way, NR, ms[int((NR + 1) / 2)], ms[NR], total / 1000, took, again }' >> "$RESULTS"
