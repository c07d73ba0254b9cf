# Sourced by infra/up: builds the platform in two steps. What is needed to start comes first; compiling ahead of time, which makes
# the next start quick, goes on beside the running platform, when nothing else wants the processors.
# shellcheck shell=bash

published=$root/.artifacts/platform

# What the published processes are made from, as one hash.
sources() {
  cd "$root"
  {
    find functions orchestrations gpu-runner infra -type d \( -name bin -o -name obj -o -name node_modules -o -name python -o -name bicep -o -name templates \) -prune \
      -o -type f \( -name '*.cs' -o -name '*.csproj' -o -name '*.proj' -o -name '*.targets' -o -name '*.proto' -o -name '*.sql' -o -name '*.resx' -o -name '*.json' -o -name '*.txt' \) -print0
    find . -maxdepth 1 -type f \( -name 'Directory.*' -o -name global.json -o -name host.json \) -print0
  } | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum
}

# is_current KIND HASH : whether plain or ahead was made from these sources.
is_current() { [ -f "$published/$1/.sources" ] && [ "$(cat "$published/$1/.sources")" = "$2" ]; }

# Prints the folder to start from.
newest_platform() {
  if [ "$(cat "$published/ahead/.sources" 2>/dev/null)" = "$(cat "$published/plain/.sources" 2>/dev/null)" ]; then
    echo "$published/ahead"
  else
    echo "$published/plain"
  fi
}

# One line for each thing that is done, with the seconds so far; errors as they are.
show_build() {
  local line started=$SECONDS
  while IFS= read -r line; do
    case $line in
      *': error '* | *': warning '*) printf '%s\n' "$line" >&2 ;;
      *' -> '*.dll) printf '  %3d s  %s\n' $((SECONDS - started)) "$(sed 's/^ *\([^ ]*\) -> .*/\1/' <<<"$line")" ;;
      *'Determining projects to restore'*) printf '  %3d s  restoring packages\n' $((SECONDS - started)) ;;
    esac
  done
}

# compile TARGET : on stdout what MSBuild says; it ends with the shell that asks. Without the lock: a compiler that stays for the next build would keep it.
compile() {
  # A node that MSBuild has started and never spoken to, because it was ended in between, waits for a quarter of an hour by default.
  MSBUILDNODECONNECTIONTIMEOUT=30000 setpriv --pdeathsig TERM dotnet msbuild "$root/infra/platform.proj" -t:"$1" -m -v minimal -nologo -clp:NoSummary </dev/null 8>&-
}

# start_over KIND : an interrupted build may have left half a file, which the next one takes for up to date.
start_over() {
  mkdir -p "$published/$1"
  [ -f "$published/$1/.sources" ] || {
    find "$published/$1" -mindepth 1 -maxdepth 1 -type d -exec rm -rf {} +
    [ "$1" = plain ] || (cd "$root" && find functions orchestrations gpu-runner infra -type d -path '*/obj/Release/*/R2R' -prune -exec rm -rf {} +)
  }
  rm -f "$published/$1/.sources"
}

build_platform() {
  local now
  mkdir -p "$published"
  exec 8>"$published/.lock"
  flock -n 8 || { echo "Waiting for another build"; flock 8; }
  now=$(sources)
  if ! is_current plain "$now"; then
    echo "Building (once; a later start is quick)"
    start_over plain
    compile Build | show_build || fail "The build failed."
    printf '%s\n' "$now" >"$published/plain/.sources"
  fi
  exec 8>&-
  # Who changes sources would have it begin again and again, in the folders that the watch builds in.
  [ "$watch" = yes ] || is_current ahead "$now" || compile_ahead_beside "$now"
}

# compile_ahead HASH : the second step.
compile_ahead() {
  exec 8>"$published/.lock"
  flock 8
  is_current ahead "$1" || {
    start_over ahead
    compile CompileAhead && [ "$(sources)" = "$1" ] && printf '%s\n' "$1" >"$published/ahead/.sources"
  }
}

# compile_ahead_beside HASH : in the background; it ends with the platform, and the next start goes on with it. A session of its own:
# where the kernel shares the processors between sessions, the niceness of a process means nothing to those of other ones.
compile_ahead_beside() {
  export -f compile_ahead compile start_over is_current sources
  root=$root published=$published setpriv --pdeathsig KILL setsid nice -n 19 bash -c '
    [ ! -w /proc/self/autogroup ] || echo 19 >/proc/self/autogroup
    compile_ahead "$1"' compile_ahead "$1" </dev/null >"$published/ahead.log" 2>&1 &
}

# Links the command line into a folder of the path. A file that is not such a link is somebody else's.
install_command_line() {
  local folder=$HOME/.local/bin
  [ "$(id -u)" != 0 ] || folder=/usr/local/bin
  if [ -e "$folder/aip" ] && [ ! -L "$folder/aip" ]; then
    echo "$folder/aip is another program: the command line is $root/infra/aip"
  elif mkdir -p "$folder" 2>/dev/null && ln -sfn "$root/infra/aip" "$folder/aip" 2>/dev/null; then
    case :$PATH: in
      *":$folder:"*) ;;
      *) echo "The command line is $folder/aip: put $folder into your PATH" ;;
    esac
  else
    echo "The command line is $root/infra/aip"
  fi
}
