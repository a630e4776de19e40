# SPDX-License-Identifier: GPL-2.0-or-later
# fw.sh - ipsec-fw as a person types it, and what a terminal shows of it.

FW=("$PREFIX/usr/sbin/ipsec-fw" --config "$INI" --run-dir "$RUN" --state-dir "$STATE")
fw() { "${FW[@]}" "$@"; }

# refuses STATUS WORD ARGUMENT...: ends with that status and says the word.
refuses() {
	local wanted=$1 word=$2 output status
	shift 2
	output=$(fw "$@" 2>&1 < /dev/null)
	status=$?
	[ $status = "$wanted" ] || { echo "status $status, not $wanted: $output"; return 1; }
	[[ $output == *"$word"* ]] || { echo "no '$word' in: $output"; return 1; }
}

json() {	# FILTER ARGUMENT...: of a verb's JSON
	local filter=$1
	shift
	fw "$@" | jq -r "$filter"
}

# on_terminal COLUMNS ARGUMENT...: the screen of a terminal so wide, its colours as
# escapes.
on_terminal() {
	local columns=$1 tmux=(tmux -S "$WORK/tmux$RANDOM" -f /dev/null)
	shift
	TERM=xterm LC_ALL=C.UTF-8 "${tmux[@]}" new-session -d -x "$columns" -y 120 \
		"$(printf '%q ' env "NO_COLOR=${NO_COLOR:-}" "LD_LIBRARY_PATH=$LD_LIBRARY_PATH" "${FW[@]}" "$@"); echo '<end>'; sleep 30"
	wait_for 10 eval "$(printf '%q ' "${tmux[@]}") capture-pane -p | grep -q '<end>\|\[y/N\]'"
	"${tmux[@]}" capture-pane -p -e | sed '/<end>/,$d'
	"${tmux[@]}" kill-server
}

plain() { sed 's/\x1b\[[0-9;]*m//g'; }
longest() { sed 's/[│▼]/|/g' | awk '{ if (length > n) n = length } END { print n + 0 }'; }
