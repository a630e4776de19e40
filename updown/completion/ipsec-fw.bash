# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of ipsec-fw for bash: verbs, their options, connections, files.

# The connections that "status" knows; none without the right to look.
_ipsec_fw_conns() {
	"$1" status 2> /dev/null | awk 'f { if (/^[*]/) exit; print $1 } $1 == "CONNECTION" { f = 1 }'
}

# Those lines of stdin that begin with the word.  "compgen -W" would run what a name
# has in $(...).
_ipsec_fw_offer() {
	local line
	while IFS= read -r line; do
		[[ $line != "$1"* ]] || COMPREPLY+=("$line")
	done
}

_ipsec_fw() {
	local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local verb= options='--config --help --run-dir --state-dir --unconfined --version' words= i

	COMPREPLY=()
	case $previous in
	-c | --config)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	-r | --run-dir | -s | --state-dir)
		mapfile -t COMPREPLY < <(compgen -d -- "$word")
		return
		;;
	--conn)
		_ipsec_fw_offer "$word" < <(_ipsec_fw_conns "$program")
		return
		;;
	esac
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-c | --config | -r | --run-dir | -s | --state-dir | --conn) ((i++)) ;;
		-*) ;;
		*) verb=${COMP_WORDS[i]}; break ;;
		esac
	done
	case $verb in
	'') words='arm check disarm doctor flush monitor plan reconcile show status' ;;
	check) options+=' --json' ;;
	disarm) options+=' --all --yes' ;;
	doctor) options+=' --json' ;;
	flush) options+=' --yes' ;;
	plan) options+=' --conn' ;;
	reconcile) options+=' --check --json' ;;
	show) options+=' --json --rules' ;;
	status) options+=' --json' ;;
	esac
	case $word in
	-*) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word"); return ;;
	esac
	case $verb in
	check) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
	disarm | show | status) _ipsec_fw_offer "$word" < <(_ipsec_fw_conns "$program") ;;
	*) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word") ;;
	esac
}

complete -o filenames -F _ipsec_fw ipsec-fw
