# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of ipsec-fw for bash: verbs, their options, connections, files.

# The connections that "status" knows; none without the right to look.
_ipsec_fw_conns() {
	"$1" status 2> /dev/null | awk 'f { if (/^[*]/) exit; print $1 } $1 == "CONNECTION" { f = 1 }'
}

_ipsec_fw() {
	local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local verb= options='--config --help --run-dir --state-dir --unconfined --version' words= i

	COMPREPLY=()
	case $previous in
	-c | --config)
		COMPREPLY=($(compgen -f -- "$word"))
		return
		;;
	-r | --run-dir | -s | --state-dir)
		COMPREPLY=($(compgen -d -- "$word"))
		return
		;;
	--conn)
		COMPREPLY=($(compgen -W "$(_ipsec_fw_conns "$program")" -- "$word"))
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
	-*) COMPREPLY=($(compgen -W "$options" -- "$word")); return ;;
	esac
	case $verb in
	check) COMPREPLY=($(compgen -f -- "$word")) ;;
	disarm | show | status) COMPREPLY=($(compgen -W "$(_ipsec_fw_conns "$program")" -- "$word")) ;;
	*) COMPREPLY=($(compgen -W "$words" -- "$word")) ;;
	esac
}

complete -o filenames -F _ipsec_fw ipsec-fw
