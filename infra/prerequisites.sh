# Sourced by infra/up, tests/run and .devcontainer/install: checks what the machine needs and installs what the distribution can give.
# shellcheck shell=bash

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1 MSBUILDDISABLENODEREUSE=1
# What the SDK says to a user who has never built before is no concern of theirs here.
export DOTNET_CLI_WORKLOAD_UPDATE_NOTIFY_DISABLE=true DOTNET_SKIP_WORKLOAD_INTEGRITY_CHECK=true DOTNET_GENERATE_ASPNET_CERTIFICATE=false
export DEBIAN_FRONTEND=noninteractive

fail() { printf '%s\n' "$*" >&2; exit 1; }

require_dotnet() {
  command -v dotnet >/dev/null || fail "The .NET 10 SDK is missing: install it from https://dotnet.microsoft.com/download"
  dotnet --list-sdks | grep -q '^10\.' || fail "The .NET 10 SDK is missing (found: $(dotnet --list-sdks | cut -d' ' -f1 | tr '\n' ' ')): install it from https://dotnet.microsoft.com/download"
}

require_node() {
  command -v node >/dev/null && command -v npm >/dev/null || fail "Node.js 20 or later with npm is missing: install it from https://nodejs.org"
  local major
  major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
  [ "$major" -ge 20 ] || fail "Node.js $(node --version) is too old: install version 20 or later from https://nodejs.org"
}

has_postgres() { compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || [ -x /usr/local/pgsql/bin/initdb ]; }
has_bubblewrap() { [ -x /usr/bin/bwrap ]; }
can_install() { command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; }
has_setpriv() { command -v setpriv >/dev/null; }
has_chromium() { command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; }

# Whether the distribution's Python finds a module, without importing it.
has_python_module() {
  [ -x /usr/bin/python3 ] && /usr/bin/python3 -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('$1') is None)"
}

# install_missing PACKAGE... : from the distribution; one clear line where that is not possible.
install_missing() {
  [ $# -gt 0 ] || return 0
  local as_root=()
  command -v apt-get >/dev/null || fail "Missing: $*. Install these (Debian's names) with your distribution's package manager."
  if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null || fail "Missing: $*. Install them with: sudo apt-get install $*"
    as_root=(sudo -n)
  fi
  echo "Installing $*"
  # A broken third-party source must not stop the update; the install says what is missing.
  "${as_root[@]}" apt-get update -qq </dev/null >/dev/null || true
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >/dev/null \
    || fail "apt-get install $* failed. Install them by hand and start again."
}

# install_node_packages FOLDER [OPTION...] : what its lock file names, unless these very packages are there. --include=dev for what builds it.
install_node_packages() {
  local log options=("${@:2}")
  cmp -s "$1/package-lock.json" "$1/node_modules/.installed-lock.json" && return 0
  log=$(mktemp)
  (cd "$1" && npm ci "${options[@]:---omit=dev}" --no-audit --no-fund --ignore-scripts </dev/null >"$log" 2>&1) || { cat "$log" >&2; rm -f "$log"; fail "npm ci failed in $1."; }
  rm -f "$log"
  cp "$1/package-lock.json" "$1/node_modules/.installed-lock.json"
}

# install_servers_and_python [PACKAGE...] : what the platform needs, and further packages that the caller found missing.
install_servers_and_python() {
  local missing=("$@")
  has_postgres || missing+=(postgresql)
  has_setpriv || missing+=(util-linux)
  has_python_module torch || missing+=(python3-torch)
  has_python_module sklearn || missing+=(python3-sklearn)
  has_python_module numpy || missing+=(python3-numpy)
  has_python_module scipy || missing+=(python3-scipy)
  # Isolates job code further where it is there; nobody has to install it by hand.
  has_bubblewrap || ! can_install || missing+=(bubblewrap)
  install_missing "${missing[@]}"
}

# install_for_tests : what tests/run needs beside the platform itself; the snippets of the READMEs use curl and jq.
install_for_tests() {
  local missing=() program
  has_chromium || missing+=(chromium)
  for program in curl jq; do
    command -v "$program" >/dev/null || missing+=("$program")
  done
  install_servers_and_python "${missing[@]}"
}
