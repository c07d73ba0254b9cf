# Sourced by infra/up: answers at once what needs no build. The launcher judges the same arguments by the same rules.
# shellcheck shell=bash

usage() { cat "$root/infra/AiPlatform.Local/usage.txt"; }

wrong_argument() { printf '%s\n' "$1" >&2; usage >&2; exit 2; }

# check_arguments ARGUMENT... : ends the script for a question, for a wrong argument, and for a data directory that cannot be used.
# Sets dashboard and watch to yes or no.
check_arguments() {
  local argument data=$root/.local demo=yes after=no part
  dashboard=no watch=no
  for argument in "$@"; do
    case $argument in --help | -h) usage; exit 0 ;; esac
  done
  while [ $# -gt 0 ]; do
    case $1 in
      --reset) ;;
      --no-demo) demo=no ;;
      --exit-after-demo) after=yes ;;
      --dashboard) dashboard=yes ;;
      --data | --ports | --watch)
        case ${2-} in '' | --*) wrong_argument "$1 needs a value" ;; esac
        case $1 in
          --data) data=$2 ;;
          --ports) check_ports "$2" ;;
          --watch)
            [ "$2" = functions ] || wrong_argument "--watch: $2 cannot be watched, only functions"
            watch=yes
            ;;
        esac
        shift
        ;;
      *) wrong_argument "Unknown option $1" ;;
    esac
    shift
  done
  [ "$watch$after" != yesyes ] || wrong_argument "--watch and --exit-after-demo exclude each other"
  [ "$demo$after" != noyes ] || wrong_argument "--no-demo and --exit-after-demo exclude each other"
  check_data "$data"
}

check_ports() {
  local part parts names
  names=$(usage | grep -A1 -- '--ports' | tail -n 1 | tr -d ' ')
  IFS=, read -r -a parts <<<"$1"
  for part in "${parts[@]}"; do
    [ -n "$part" ] || continue
    [[ $part =~ ^([A-Za-z]+)=([0-9]{1,5})$ && ,$names, == *",${BASH_REMATCH[1]},"* ]] && ((10#${BASH_REMATCH[2]} >= 1 && 10#${BASH_REMATCH[2]} <= 65535)) \
      || wrong_argument "--ports: $part is not NAME=PORT with a known name"
  done
}

# The lock of the launcher that runs there, if one does.
check_data() {
  mkdir -p "$1" 2>/dev/null && [ -w "$1" ] || fail "The data directory $1 cannot be written. Choose another one with --data."
  [ ! -e "$1/lock" ] || flock -n "$1/lock" true || fail "The platform already runs on $1. Stop it, or choose another directory with --data."
}
