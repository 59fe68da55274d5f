#!/bin/sh
# Starts one of the two PostgreSQL servers of the profiles `many` and `many-cluster`. compose.yaml and
# deploy/topologies.sh both run this file, so what is proven is what is deployed.
#
# Where there is no data yet, the node that begins makes the database, and the other one copies it and follows. A commit
# waits until the follower has it on its disk (commits.sh says otherwise). A node that comes back and finds that the other
# one was promoted meanwhile (promote.sh) puts its own data aside, copies and follows.
#
# PASSWORD_FILE   the password of the users `lab`, who owns the database `lab`, and `replica`, who copies
# PEER            "HOST PORT" of the other node
# NODE_BEGINS     "yes" on the node that takes the writes at first
# NODE_HOST       the name of this node, as the other one shows it
# NODE_PORT NODE_DIR NODE_BIND   5432, /var/lib/postgresql/data, all addresses
set -eu
umask 077
export LC_ALL=C
port=${NODE_PORT:-5432}
home=${NODE_DIR:-/var/lib/postgresql/data}
data=$home/now

password=$(cat "$PASSWORD_FILE")
case $password in
    '' | *[!A-Za-z0-9_+=./-]*)
        echo "node.sh: a password of letters, digits and _ + = . / - is missing in $PASSWORD_FILE" >&2
        exit 64
        ;;
esac
# PostgreSQL reads the password of `replica` from here, and it stands in no list of processes.
printf '*:*:*:*:%s\n' "$password" >"$home/pgpass"
peer="host=${PEER% *} port=${PEER##* } user=replica passfile=$home/pgpass connect_timeout=3"

# f when the other node takes writes, t when it follows, nothing when it does not answer.
peer_follows() { psql -XAtqd "$peer dbname=postgres" -c 'SELECT pg_is_in_recovery()' 2>/dev/null || true; }
# Each promotion begins a new one.
peer_timeline() { psql -XAtqd "$peer replication=true" -c IDENTIFY_SYSTEM | cut -d '|' -f 2; }
own_timeline() { pg_controldata "$data" | sed -n "s/^Latest checkpoint's TimeLineID: *//p"; }

begin() {
    rm -rf "$data.new"
    initdb -D "$data.new" -E UTF8 --locale C.UTF-8 --data-checksums --auth-local peer --auth-host scram-sha-256 \
        --no-instructions >/dev/null
    {
        echo 'host all all all scram-sha-256'
        echo 'host replication replica all scram-sha-256'
    } >>"$data.new/pg_hba.conf"
    printf '%s\n' "CREATE ROLE lab LOGIN PASSWORD '$password'" \
        "CREATE ROLE replica LOGIN REPLICATION PASSWORD '$password'" "CREATE DATABASE lab OWNER lab" |
        postgres --single -D "$data.new" postgres >/dev/null
    echo "synchronous_standby_names = '*'" >>"$data.new/postgresql.auto.conf"
    mv "$data.new" "$data"
}

follow() {
    rm -rf "$data.new"
    until pg_basebackup -d "$peer" -D "$data.new" --checkpoint fast --wal-method stream --no-password; do
        echo "node.sh: $PEER cannot be copied yet" >&2
        sleep 1
        rm -rf "$data.new"
    done
    touch "$data.new/standby.signal"
    # Only commits that nobody was told of can be in it and nowhere else.
    if [ -d "$data" ]; then
        rm -rf "$home/before"
        mv "$data" "$home/before"
    fi
    mv "$data.new" "$data"
}

if [ ! -d "$data" ]; then
    if [ "${NODE_BEGINS:-no}" = yes ] && [ -z "$(peer_follows)" ]; then begin; else follow; fi
elif [ ! -f "$data/standby.signal" ] && [ "$(peer_follows)" = f ]; then
    own=$(own_timeline) theirs=$(peer_timeline)
    if [ "$theirs" -gt "$own" ]; then
        echo "node.sh: $PEER was promoted and takes the writes; this node copies it and follows" >&2
        follow
    elif [ "$theirs" -lt "$own" ]; then
        echo "node.sh: this node was promoted, and $PEER takes writes too: start that one again, so that it follows" >&2
    else
        echo "node.sh: $PEER takes the writes and was never promoted, and neither was this node: look at both" >&2
        exit 1
    fi
fi

exec postgres -D "$data" -c port="$port" -c listen_addresses="${NODE_BIND:-*}" -c unix_socket_directories="$home" \
    -c max_connections=100 -c max_wal_senders=8 -c wal_level=replica -c wal_keep_size=1GB -c hot_standby=on \
    -c primary_conninfo="$peer application_name=$NODE_HOST"
