#!/bin/sh
# Starts one Redis of a topology. compose.yaml and deploy/topologies.sh both run this file, so what is proven is what is
# deployed.
#
#   node.sh single | replicated | cluster
#
# REDIS_PASSWORD  of the default user, and towards the other nodes
# NODE_HOST       the name by which others reach it (replicated, cluster)
# MASTER          "HOST PORT" of the master to follow (replicated); without it the node begins as the master
# NODE_PORT NODE_DIR NODE_BIND   6379, /data, all addresses
set -eu
kind=$1
port=${NODE_PORT:-6379}

# The stock is money: every acknowledged write is on the disk, and nothing is evicted.
set -- redis-server --port "$port" --dir "${NODE_DIR:-/data}" --save "" --appendonly yes --appendfsync always \
    --maxmemory-policy noeviction --requirepass "$REDIS_PASSWORD" --masterauth "$REDIS_PASSWORD"
# Words on purpose: several addresses.
# shellcheck disable=SC2086
if [ -n "${NODE_BIND:-}" ]; then set -- "$@" --bind $NODE_BIND; fi

case $kind in
    single) ;;
    replicated)
        # A master that no replica follows takes no writes: a failover would lose them.
        set -- "$@" --replica-announce-ip "$NODE_HOST" --replica-announce-port "$port" \
            --min-replicas-to-write 1 --min-replicas-max-lag 1 --repl-diskless-sync-delay 0
        # shellcheck disable=SC2086
        if [ -n "${MASTER:-}" ]; then set -- "$@" --replicaof $MASTER; fi
        ;;
    cluster)
        # No min-replicas here: with one replica each, a failover would leave a master that takes no writes.
        set -- "$@" --cluster-enabled yes --cluster-node-timeout 5000 --cluster-announce-hostname "$NODE_HOST" \
            --cluster-preferred-endpoint-type hostname --repl-diskless-sync-delay 0
        ;;
    *)
        echo "node.sh: unknown topology $kind" >&2
        exit 64
        ;;
esac
exec "$@"
