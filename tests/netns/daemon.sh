# SPDX-License-Identifier: GPL-2.0-or-later
# daemon.sh - calls by a process that the helper takes for an IKE daemon.

# A shell that /proc calls pluto, or charon, and that calls as told.  RIGHTS: a
# command that it is started by.
RIGHTS=()
daemon() {	# name
	cp "$(readlink -f /bin/bash)" "$WORK/$1"
	mkfifo "$WORK/$1.in" "$WORK/$1.out"
	"${RIGHTS[@]}" "$WORK/$1" -c "set -u; $(declare -f call); $(declare -p site OPTIONS WRAP)
		export PATH='$PATH' LD_LIBRARY_PATH='$LD_LIBRARY_PATH' HELPER='$HELPER' INI='$INI' RUN='$RUN'
		while read -r line; do eval \"\$line\"; echo \$? ; done" \
		< "$WORK/$1.in" > "$WORK/$1.out" &
	PID=$!
	exec 7> "$WORK/$1.in" 6< "$WORK/$1.out"
}
tell() {	# call VERB NAME=VALUE...
	local status
	echo "$@" >&7
	read -r status <&6
	return "$status"
}
ends() {
	kill -9 $PID
	wait $PID 2> /dev/null
	exec 7>&- 6<&-
	rm "$WORK"/*.in "$WORK"/*.out
}
