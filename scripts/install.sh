#!/bin/sh
# Installs the libraries and Node 26 into node_modules, as package-lock.json says. Called by bin/coffer and scripts/run
# when node_modules is missing or older than the lock file. Every failure is one sentence with the command that helps.
# Two starts at once: the first takes the lock folder, the second waits for it and then finds all there.

WAIT_SECONDS_MAX=600
PROGRAM=${COFFER_ARGV0:-coffer}

here=.
case $0 in */*) here=${0%/*} ;; esac
root=$(CDPATH='' cd -P -- "$here/.." && pwd) || exit 1
stamp=$root/node_modules/.package-lock.json
cache=$root/.cache
lock=$cache/install.lock
log=$cache/install.log

say() { printf '%s: %s\n' "$PROGRAM" "$1" >&2; }
fail() { say "$1"; exit 1; }
installed() {
  [ -x "$root/node_modules/.bin/node" ] && [ -e "$stamp" ] && ! [ "$root/package-lock.json" -nt "$stamp" ]
}

# --- can this machine run it at all?

container="docker run --rm -it -v '$root':/coffer -w /coffer -p 127.0.0.1:8200:8200 node:26 bin/coffer server -dev -dev-listen-address=0.0.0.0:8200"
platform="$(uname -s) $(uname -m)"
case $platform in
  'Linux x86_64' | 'Linux aarch64' | 'Linux arm64' | 'Darwin x86_64' | 'Darwin arm64') ;;
  *) fail "there is no Node 26 package for $platform, only for Linux and macOS on x64 and arm64; run it in a container there: $container" ;;
esac
if [ "${platform%% *}" = Linux ] && ! getconf GNU_LIBC_VERSION >/dev/null 2>&1; then
  for musl in /lib/ld-musl-*; do
    [ -e "$musl" ] && fail "this Linux has musl where Node 26's package needs glibc; run it in a container: $container"
  done
fi

# --- is there an npm that can install it?

newer_node() {
  if [ -n "${NVM_DIR-}" ]; then echo 'nvm install 24'
  elif [ "${platform%% *}" = Darwin ] && command -v brew >/dev/null 2>&1; then echo 'brew install node'
  elif [ "$1" = npm ] && command -v npm >/dev/null 2>&1; then echo 'sudo npm install -g n && sudo n 24'
  elif command -v apt-get >/dev/null 2>&1; then echo 'sudo apt-get install npm'
  elif command -v dnf >/dev/null 2>&1; then echo 'sudo dnf install nodejs npm'
  elif command -v zypper >/dev/null 2>&1; then echo 'sudo zypper install nodejs npm'
  elif command -v pacman >/dev/null 2>&1; then echo 'sudo pacman -S nodejs npm'
  else echo 'brew install node'
  fi
}
if ! command -v node >/dev/null 2>&1; then
  fail "Node.js is not installed and the first start needs it (20 or newer, with npm): $(newer_node none)"
fi
version=$(node --version 2>/dev/null)
major=${version#v}
major=${major%%.*}
case $major in '' | *[!0-9]*) major=0 ;; esac
[ "$major" -ge 20 ] || fail "Node.js ${version:-of an unknown version} is too old to install with, it takes 20 or newer: $(newer_node npm)"
command -v npm >/dev/null 2>&1 || fail "npm is not installed and the first start needs it: $(newer_node none)"

# --- one install at a time

if ! mkdir -p "$cache" 2>/dev/null || ! [ -w "$cache" ]; then
  fail "the folder $root cannot be written to, and the first start installs into it; make it yours: sudo chown -R $(id -un) '$root'"
fi
waited=0
nobody=0
until mkdir "$lock" 2>/dev/null; do
  installed && exit 0
  [ "$waited" -eq 0 ] && say 'another start is installing just now; waiting for it'
  owner=$(cat "$lock/pid" 2>/dev/null)
  # No pid yet: its owner has just begun, unless it stays so.
  if [ -z "$owner" ]; then nobody=$((nobody + 1)); else nobody=0; fi
  if [ "$nobody" -ge 5 ] || { [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; }; then
    # The owner died. Exactly one waiter can make this folder; it takes over, unless the lock meanwhile became another's.
    if mkdir "$lock/after-${owner:-nobody}" 2>/dev/null; then
      [ "$(cat "$lock/pid" 2>/dev/null)" = "$owner" ] && break
      rmdir "$lock/after-${owner:-nobody}" 2>/dev/null
    fi
  fi
  [ "$waited" -ge "$WAIT_SECONDS_MAX" ] && fail "another install has run for $WAIT_SECONDS_MAX seconds; if there is none, remove its lock: rm -rf '$lock'"
  sleep 1
  waited=$((waited + 1))
done
npm_pid=
finish() {
  [ -n "$npm_pid" ] && kill "$npm_pid" 2>/dev/null
  rm -rf "$lock"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
echo $$ >"$lock/pid.$$" && mv "$lock/pid.$$" "$lock/pid"
installed && exit 0

# --- install

say 'first start or new versions: installing libraries and Node 26 with npm ci, mostly under a minute'
# No install scripts: none of our packages needs one (lmdb brings its binaries). Short retries: no network should be said soon.
(cd "$root" && exec npm ci --ignore-scripts --no-audit --no-fund --no-progress --prefer-offline --loglevel=error \
  --include=dev --include=optional --fetch-retries=2 --fetch-retry-mintimeout=500 --fetch-retry-maxtimeout=2000) >"$log" 2>&1 </dev/null &
npm_pid=$!
began=$(date +%s)
while [ -t 2 ] && kill -0 "$npm_pid" 2>/dev/null; do
  printf '\r%s: installing, %d s ' "$PROGRAM" $(($(date +%s) - began)) >&2
  sleep 1
done
wait "$npm_pid"
code=$?
npm_pid=
[ -t 2 ] && printf '\r' >&2
if [ "$code" -ne 0 ]; then
  reason=$(grep -o -m 1 -E 'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|ENOSPC|EACCES|EPERM|EROFS|[A-Z_]*CERT[A-Z_]*|EUSAGE' "$log")
  again='npm ci'
  case $reason in
    ENOSPC) fail "the disk is full, installing takes about 500 MB; make room, then start again: df -h '$root'" ;;
    EACCES | EPERM | EROFS) fail "npm may not write where it must ($reason); make the folders yours: sudo chown -R $(id -un) '$root' ~/.npm" ;;
    *CERT*) fail "npm does not trust the certificate it was shown ($reason); name your company's authority: npm config set cafile FILE.pem" ;;
    EUSAGE) fail 'package.json and package-lock.json do not fit together; take the committed ones: git checkout package.json package-lock.json' ;;
    ?*) fail "npm cannot reach its registry ($reason): check the network, or name your proxy: npm config set https-proxy http://HOST:PORT" ;;
    *) fail "npm ci failed (its output is in $log); see it fail yourself: cd '$root' && $again" ;;
  esac
fi
# npm leaves its stamp as old as what it unpacked in some versions: it is of now.
touch "$stamp" 2>/dev/null
if ! "$root/node_modules/.bin/node" -e 0 >>"$log" 2>&1; then
  fail "npm installed Node 26 but it does not start on this machine (see $log); run it in a container: $container"
fi
say "installed in $(($(date +%s) - began)) s"
