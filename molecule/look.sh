# SPDX-License-Identifier: GPL-3.0-or-later
# All that the roles could change on a node, but packages. Of its qdisc a device keeps that it once was up.
# shellcheck shell=sh
ip -o link | sed 's/ qdisc [a-z]*//; s/[0-9]*: //; s/@if[0-9]*//; s/ permaddr [0-9a-f:]*//'
ip -o address | sed 's/^[0-9]*: //'
ip route show table all
ip -6 route show table all
ip rule
ip fou show
(cd /proc/sys/net && grep -rs '' ipv4/conf ipv4/ip_forward ipv4/vs ipv6/conf/all ipv6/conf/default | sort)
nft --stateless list ruleset
ipvsadm -Sn
ipvsadm -Ln --timeout
find /etc/systemd/system -type l
find /etc/sysctl.d /etc/modules-load.d /etc/systemd /etc/NetworkManager /var/lib/lvs.cluster -type f -exec sha256sum {} + 2>/dev/null || true
