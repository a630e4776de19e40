# What Tab offers: bash's by its own function, zsh's in a terminal.
. "$TESTS/netns/lib.sh"
. "$TESTS/netns/fw.sh"
call up-client
call up-client PLUTO_CONNECTION=branch PLUTO_PEER_CLIENT=192.0.3.0/24
# The program as it is found by its name, with this scenario's folders.
mkdir "$WORK/bin"
printf '#!/bin/sh\nexec %s"$@"\n' "$(printf '%q ' "${FW[@]}")" > "$WORK/bin/ipsec-fw"
chmod 755 "$WORK/bin/ipsec-fw"
PATH=$WORK/bin:$PATH

. "$PREFIX/usr/share/bash-completion/completions/ipsec-fw"
completes() {	# WORD...: what the last one could become
	COMP_WORDS=(ipsec-fw "$@")
	COMP_CWORD=$#
	_ipsec_fw
	echo "${COMPREPLY[*]}"
}
verbs=$(fw --help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p' | tr '\n' ' ')
is "bash: all verbs" "$(completes '') " "$verbs"
is "bash: the beginning of one" "$(completes st)" status
is "bash: behind options" "$(completes --config /etc/x -r /tmp mon)" monitor
# A verb refuses options of others with its own usage.
for verb in $verbs; do
	offered=$(completes $verb -- | tr ' ' '\n' | grep -v -x -e --config -e --help -e --run-dir -e --state-dir -e --unconfined -e --version | sort | tr '\n' ' ')
	refused=$(fw $verb --all --check --json --rules --yes --conn x 2>&1 < /dev/null | sed -n 1p)
	taken=$(grep -o -- '--[a-z]*' <<< "$refused" | sort -u | tr '\n' ' ')
	is "bash: $verb's options" "$offered" "$taken"
done
is "bash: options of show" "$(completes show --r)" "--run-dir --rules"
is "bash: connections" "$(completes show '')" "branch office"
is "bash: of disarm" "$(completes disarm o)" office
is "bash: of --conn" "$(completes plan --conn b)" branch
is "bash: files" "$(cd "$WORK" && completes check ipsec-fw.c)" ipsec-fw.conf
is "bash: no second verb" "$(completes arm '')" ""
call up-client PLUTO_CONNECTION='c$(echo>ran)' PLUTO_PEER_CLIENT=192.0.4.0/24
is "bash: a name is not run" "$(cd "$WORK" && completes show c; ls ran 2> /dev/null)" 'c$(echo>ran)'
call down-client PLUTO_CONNECTION='c$(echo>ran)' PLUTO_PEER_CLIENT=192.0.4.0/24

if command -v zsh > /dev/null; then
	mkdir "$WORK/zsh"
	cat > "$WORK/zsh/.zshrc" <<-ZSH
		PS1='> '
		fpath=($PREFIX/usr/share/zsh/site-functions \$fpath)
		autoload -U compinit
		compinit -u -d $WORK/zsh/dump
		unsetopt list_ambiguous beep
		LISTMAX=1000
	ZSH
	tab() {	# KEYS WORD: what the screen shows after them and Tab, once it has the word
		local tmux=(tmux -S "$WORK/tmux$RANDOM" -f /dev/null)
		TERM=xterm "${tmux[@]}" new-session -d -x 120 -y 60 "$(printf '%q ' env ZDOTDIR="$WORK/zsh" PATH="$PATH" LD_LIBRARY_PATH="$LD_LIBRARY_PATH" zsh -i)"
		wait_for 10 eval "$(printf '%q ' "${tmux[@]}") capture-pane -p | grep -q '^> '"
		"${tmux[@]}" send-keys -l "$1"
		"${tmux[@]}" send-keys Tab
		wait_for 10 eval "$(printf '%q ' "${tmux[@]}") capture-pane -p | grep -q -- '$2'"
		"${tmux[@]}" capture-pane -p
		"${tmux[@]}" kill-server
	}
	check "zsh: verbs with what they do" grep -q 'doctor *-- look the system over' <(tab 'ipsec-fw ' 'look the system')
	check "zsh: the beginning of one" grep -q '^> ipsec-fw status' <(tab 'ipsec-fw sta' 'ipsec-fw status')
	check "zsh: options of a verb" grep -q -- '--rules *-- the rules' <(tab 'ipsec-fw show --' 'the rules')
	check "zsh: connections" grep -q '^branch *office' <(tab 'ipsec-fw show ' '^branch')
fi
