#!/bin/sh
# Says on the node that takes the writes whether a commit waits until the other node has it on its disk.
#
#   commits.sh replicated   waits until the other node follows; from then on commits wait for it
#   commits.sh alone        commits wait for nobody: who loses this node's disk loses sales
#
# NODE_PORT NODE_DIR   as node.sh has them
set -eu
ask() { psql -XAtq -h "${NODE_DIR:-/var/lib/postgresql/data}" -p "${NODE_PORT:-5432}" -d postgres -c "$1"; }

case ${1:-} in
    replicated)
        until [ "$(ask "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'")" != 0 ]; do sleep 0.5; done
        names="'*'"
        ;;
    alone) names="''" ;;
    *)
        echo 'commits.sh: say replicated or alone' >&2
        exit 64
        ;;
esac
ask "ALTER SYSTEM SET synchronous_standby_names TO $names"
ask 'SELECT pg_reload_conf()' >/dev/null
