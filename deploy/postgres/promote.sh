#!/bin/sh
# Makes the node that followed the one that takes the writes. End the other one first: this refuses while it takes writes.
# From then on commits wait for nobody, until `commits.sh replicated`.
#
# PEER                 "HOST PORT" of the other node
# NODE_PORT NODE_DIR   as node.sh has them
set -eu
home=${NODE_DIR:-/var/lib/postgresql/data}
peer="host=${PEER% *} port=${PEER##* } user=replica passfile=$home/pgpass connect_timeout=3 dbname=postgres"
ask() { psql -XAtq -h "$home" -p "${NODE_PORT:-5432}" -d postgres -c "$1"; }

if [ "$(psql -XAtqd "$peer" -c 'SELECT pg_is_in_recovery()' 2>/dev/null || true)" = f ]; then
    echo "promote.sh: $PEER still takes writes; end it first, or two servers sell the same units" >&2
    exit 1
fi
if [ "$(ask 'SELECT pg_is_in_recovery()')" = f ]; then
    echo 'promote.sh: this node takes the writes already' >&2
    exit 0
fi
sh "$(dirname "$0")/commits.sh" alone
ask "SELECT pg_promote(true, 60)" | grep -qx t || {
    echo 'promote.sh: PostgreSQL was not promoted within a minute; see its log' >&2
    exit 1
}
# node.sh tells by the timeline on the disk who was promoted last.
ask CHECKPOINT
