# Sourced by tests/run: what its options choose. It answers at once what needs no build.
# shellcheck shell=bash

areas() { find "$root/functions/areas" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | LC_ALL=C sort; }

usage() {
  cat <<END
tests/run                installs what is missing, builds, runs every test, checks the coverage
tests/run --area NAME    the tests of one area, with servers, and those that hold for every area: $(areas | paste -sd ' ')
tests/run --fast         what needs no server: unit tests, but for the slow ones, and those of the clients and of Python; under a minute after a build
                         together: the unit tests of one area
tests/run --help         shows this text
Exit codes: 0 every test passed; 1 one did not, or the build failed; 2 wrong arguments
END
}

wrong_choice() { printf '%s\n' "$1" >&2; usage >&2; exit 2; }

# choose ARGUMENT... : sets area to a name, or to nothing for all of them, and fast to yes or no.
choose() {
  area='' fast=no
  while [ $# -gt 0 ]; do
    case $1 in
      --help | -h) usage; exit 0 ;;
      --fast) fast=yes ;;
      --area)
        case ${2-} in '' | -*) wrong_choice "--area needs a name" ;; esac
        areas | grep -qxF -- "$2" || wrong_choice "There is no area $2"
        area=$2
        shift
        ;;
      *) wrong_choice "Unknown option $1" ;;
    esac
    shift
  done
}
