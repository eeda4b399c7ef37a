# SPDX-License-Identifier: GPL-3.0-or-later
# What every lab script shares: where the cache is, how progress is told.
# Sourced, never run.
# shellcheck shell=bash

LAB="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck disable=SC2034 # read by the scripts that source this file
CHECKOUT="$(dirname "$LAB")"
# Kernel, node image and virtual environments are kept here, each under a name made from what it was built of.
CACHE="${LVS_LAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lvs-cluster-lab}"

say() { printf 'lab: %s\n' "$*" >&2; }
die() {
    say "$*"
    exit 1
}

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
    DEBIAN_FRONTEND=noninteractive quietly apt-get install -y --no-install-recommends "${missing[@]}"
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
    local title="$1" log pid started=$SECONDS status=0
    shift
    log="$(mktemp)"
    say "$title"
    "$@" >"$log" 2>&1 </dev/null &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        sleep 1
        if [ $(((SECONDS - started) % 30)) = 29 ] && kill -0 "$pid" 2>/dev/null; then
            say "  $((SECONDS - started)) s${PROGRESS:+, $($PROGRESS "$log")}"
            sleep 1
        fi
    done
    wait "$pid" || status=$?
    if [ "$status" != 0 ]; then
        tail -n 40 "$log" >&2
        rm -f "$log"
        die "failed: $title"
    fi
    rm -f "$log"
    say "  done in $((SECONDS - started)) s"
}
