#!/bin/sh
# Starts one Sentinel of the master named "stock"; see node.sh.
#
# MASTER          "HOST PORT" where the master is at first
# REDIS_PASSWORD  of the servers
# NODE_HOST       the name by which others reach this Sentinel
# NODE_PORT NODE_DIR NODE_BIND   26379, /data, all addresses
set -eu
port=${NODE_PORT:-26379}
file=${NODE_DIR:-/data}/sentinel.conf

# Sentinel writes down in this file what it learns, so it is made once.
if [ ! -s "$file" ]; then
    (
        umask 077
        {
            echo "port $port"
            if [ -n "${NODE_BIND:-}" ]; then echo "bind $NODE_BIND"; fi
            echo "dir ${NODE_DIR:-/data}"
            echo 'sentinel resolve-hostnames yes'
            echo 'sentinel announce-hostnames yes'
            echo "sentinel announce-ip $NODE_HOST"
            echo "sentinel announce-port $port"
            echo "sentinel monitor stock $MASTER 2"
            echo "sentinel auth-pass stock $REDIS_PASSWORD"
            echo 'sentinel down-after-milliseconds stock 2000'
            echo 'sentinel failover-timeout stock 10000'
        } >"$file.new"
    )
    mv "$file.new" "$file"
fi
exec redis-server "$file" --sentinel
