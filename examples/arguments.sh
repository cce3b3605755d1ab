# Sourced by the other scripts, to check their arguments before anything else happens.
set -euo pipefail

# wrong_command_line MESSAGE USAGE: prints both and exits with status 2.
wrong_command_line() {
  printf 'error: %s\n%s\n' "$1" "$2" >&2
  exit 2
}

# check_arguments LEAST MOST USAGE ARGUMENTS...: refuses another number of arguments, empty ones and options.
check_arguments() {
  local least=$1 most=$2 usage=$3 argument
  shift 3
  for argument in "$@"; do
    [[ $argument != -* ]] || wrong_command_line "unexpected option '$argument'" "$usage"
    [ -n "$argument" ] || wrong_command_line "an argument is empty" "$usage"
  done
  [ $# -ge "$least" ] || wrong_command_line "an argument is missing" "$usage"
  [ $# -le "$most" ] || wrong_command_line "unexpected argument '${*:$most + 1:1}'" "$usage"
}
