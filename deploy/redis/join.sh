#!/bin/sh
# Makes a cluster of six nodes, three of them replicas, and waits until all of its slots are served; does nothing to one
# that is there.
#
#   join.sh HOST:PORT...
#
# REDISCLI_AUTH  the password of the nodes
set -eu

# Nodes are introduced by addresses, and known by names from then on (node.sh).
addresses=
for node; do
    host=${node%:*} port=${node##*:}
    tries=0
    until [ "$(redis-cli -h "$host" -p "$port" ping 2>/dev/null)" = PONG ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 120 ]; then
            echo "join.sh: $node does not answer" >&2
            exit 1
        fi
        sleep 0.5
    done
    address=$(getent ahostsv4 "$host" | head -n 1 | cut -d ' ' -f 1)
    addresses="$addresses $address:$port"
done

is_whole() {
    redis-cli -h "${1%:*}" -p "${1##*:}" cluster info | grep -q '^cluster_state:ok'
}
if ! is_whole "$1"; then
    # shellcheck disable=SC2086
    redis-cli --cluster create $addresses --cluster-replicas 1 --cluster-yes
fi
for node; do
    tries=0
    until is_whole "$node"; do
        tries=$((tries + 1))
        if [ "$tries" -gt 120 ]; then
            echo "join.sh: $node sees no whole cluster" >&2
            exit 1
        fi
        sleep 0.5
    done
done
