# SPDX-License-Identifier: GPL-3.0-or-later
# What every lab script shares: where the cache is, how progress is told.
# Sourced, never run.
# shellcheck shell=bash
# shellcheck disable=SC2034 # what the scripts that source this file read

LAB="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
CHECKOUT="$(dirname "$LAB")"
# Kernel, node image and virtual environments are kept here, each under a name made from what it was built of.
CACHE="${LVS_LAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lvs-cluster-lab}"

# Ansible asks for a UTF-8 locale, and a small machine has just this one. A plain `su` leaves sbin out.
export LC_ALL=C.UTF-8
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

say() { printf 'lab: %s\n' "$*" >&2; }
die() {
    say "$*"
    exit 1
}

# words FILE...: what a list names, in one line, without its comments.
words() { sed 's/#.*//' "$@" | tr -s ' \n' ' ' | sed 's/^ *//; s/ *$//'; }

# fingerprint FILE...: a short name for the contents of the files.
fingerprint() { cat "$@" | sha256sum | cut -c1-12; }

# need COMMAND PACKAGE: add PACKAGE to the array `missing` where COMMAND is not to be found.
need() { command -v "$1" >/dev/null || missing+=("$2"); }

# install_missing: install the Debian packages named in `missing`.
install_missing() {
    [ "${#missing[@]}" -gt 0 ] || return 0
    [ "$(id -u)" = 0 ] || die "run as root, or install first: ${missing[*]}"
    say "installing Debian packages: ${missing[*]}"
    quietly apt-get update
    DEBIAN_FRONTEND=noninteractive quietly apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}"
}

# debian_mirror: where this machine has its own Debian packages from; nothing where it is no Debian.
debian_mirror() {
    # shellcheck disable=SC2016 # apt's own placeholder
    local list=(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian')
    [ -n "$("${list[@]}")" ] || quietly apt-get update
    "${list[@]}" | sort -u | sed -n 1p
}

# hold_lock FOLDER: one build in FOLDER at a time; a second one waits here, then finds what the first has made.
hold_lock() {
    mkdir -p "$1"
    exec 9>"$1/lock"
    flock --nonblock 9 || {
        say "waiting for another build in $1"
        flock 9
    }
}

# quietly COMMAND...: keep the output, and show it only where the command fails.
quietly() {
    local log
    log="$(mktemp)"
    if ! "$@" >"$log" 2>&1 </dev/null; then
        tail -n 40 "$log" >&2
        rm -f "$log"
        die "failed: $*"
    fi
    rm -f "$log"
}

# with_progress TITLE COMMAND...: run a long command, its output in a log, and say every half minute how far it is.
# PROGRESS, a command, may print one line about how far that is.
with_progress() {
    local title="$1" log started=$SECONDS status=0
    shift
    log="$(mktemp)"
    say "$title"
    # In a process group of its own, so that all of it ends when this script is interrupted; without the lock.
    setsid "$@" >"$log" 2>&1 </dev/null 9>&- &
    BUILD=$!
    while kill -0 "$BUILD" 2>/dev/null; do
        sleep 1
        if [ $(((SECONDS - started) % 30)) = 29 ] && kill -0 "$BUILD" 2>/dev/null; then
            say "  $((SECONDS - started)) s${PROGRESS:+, $($PROGRESS "$log")}"
            sleep 1
        fi
    done
    wait "$BUILD" || status=$?
    BUILD=
    if [ "$status" != 0 ]; then
        tail -n 40 "$log" >&2
        rm -f "$log"
        die "failed: $title"
    fi
    rm -f "$log"
    say "  done in $((SECONDS - started)) s"
}

BUILD=
# end_build: stop what with_progress has under way; for a script's trap.
end_build() {
    [ -n "$BUILD" ] || return 0
    kill -TERM -- "-$BUILD" 2>/dev/null || :
    wait "$BUILD" 2>/dev/null || :
    BUILD=
}
