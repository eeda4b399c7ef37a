# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The script that loads the boot files. A module of its own, so that shellcheck reads it: noxfile.py."""

from __future__ import annotations

RESTORE_SCRIPT = """\
#!/bin/sh
# Made by lvs.cluster.boot: what is changed here is lost.
# Bring back what was set up here, part by part: /bin/sh /var/lib/lvs.cluster/boot/restore devices nftables ipvs vips
# A file that is not whole is not loaded, and neither is anything else then. What is there already is used as it is.
set -euf
cd /var/lib/lvs.cluster/boot
sysctl=/lib/systemd/systemd-sysctl

fail() {
    echo "lvs.cluster: $*" >&2
    exit 1
}

bring() {
    said="$("$@" 2>&1)" || case "$said" in
        *exists* | *already*) ;;
        *) fail "$*: $said" ;;
    esac
}

# What the lines say that are no comments.
lines() { sed '/^#/d' "$1"; }

for part; do
    sum="$(sed '$d' "$part" | sha256sum)"
    [ "# sha256 ${sum%% *}" = "$(tail -n 1 "$part")" ] || fail "$part is not whole: run the playbook lvs.cluster.site"
done

for part; do
    # Where there is nothing for it, a program may not be installed.
    [ -n "$(lines "$part")" ] || continue
    case "$part" in
    devices | vips)
        lines "$part" | while read -r line; do
            # shellcheck disable=SC2086 # words of a command
            bring $line
        done
        ;;
    # Not by its path: with SELinux, nft may not open what is in /var/lib, and may read what this shell has opened for it.
    nftables) lines "$part" | nft --file - ;;
    ipvs)
        said="$(lines "$part" | ipvsadm --restore 2>&1 | sed '/already exists$/d; /already run$/d')"
        [ -z "$said" ] || fail "ipvsadm --restore: $said"
        ;;
    esac
    # What was not there when the system set its settings. Without silence there must be no VIP; IPVS does without a setting.
    case "$part" in
    devices) find /etc/sysctl.d -name '90-lvs-*.conf' -exec "$sysctl" {} + ;;
    ipvs) [ ! -e /etc/sysctl.d/90-lvs_ipvs.conf ] || "$sysctl" /etc/sysctl.d/90-lvs_ipvs.conf || : ;;
    esac
done
"""
