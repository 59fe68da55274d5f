#!/usr/bin/env bash
# Two PostgreSQL nodes by deploy/postgres: the first is lost, the second promoted; then both are away, and the first, which
# knows nothing of the promotion, is the first to be back. Prints a line for each step.
#
#   promoted.sh PORT PORT
set -euo pipefail
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../../deploy/postgres" && pwd)
ports=("" "$1" "$2")
for folder in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V) ${PG_BIN:+"$PG_BIN"}; do PATH=$folder:$PATH; done

work=$(mktemp -d)
children=()
clean_up() {
    kill -INT "${children[@]}" 2>/dev/null || true
    wait
    rm -rf "$work"
}
trap clean_up EXIT
keep=(setpriv --pdeathsig KILL --)
as=()
cp -r "$scripts" "$work/scripts"
echo secret-1 >"$work/password"
mkdir "$work/1" "$work/2"
if ((EUID == 0)); then
    owner=nobody
    if getent passwd postgres >/dev/null; then owner=postgres; fi
    as=(setpriv --reuid "$owner" --regid "$(id -g "$owner")" --clear-groups --)
    chmod -R a+rX "$work"
    chown "$owner" "$work/1" "$work/2"
fi

set_command() { # NUMBER SCRIPT [ARGUMENT]
    local number=$1 script=$2 begins=no
    shift 2
    if ((number == 1)); then begins=yes; fi
    command=("${as[@]}" "${keep[@]}" env PASSWORD_FILE="$work/password" NODE_BIND=127.0.0.1 NODE_HOST="node-$number"
        NODE_PORT="${ports[number]}" NODE_DIR="$work/$number" NODE_BEGINS=$begins
        PEER="127.0.0.1 ${ports[3 - number]}" sh "$work/scripts/$script" "$@")
}
node() { # NUMBER: in the background
    set_command "$1" node.sh
    "${command[@]}" >"$work/$1.log" 2>&1 &
    children[$1]=$!
}
run() {
    set_command "$@"
    "${command[@]}"
}
lose() { # NUMBER
    kill -KILL "${children[$1]}"
    wait "${children[$1]}" 2>/dev/null || true
}
sql() { # NUMBER QUERY
    PGPASSWORD=secret-1 timeout 10 psql -XAtq "host=127.0.0.1 port=${ports[$1]} user=lab dbname=lab connect_timeout=5" -c "$2" \
        2>"$work/sql.log"
}
until_answered() { # NUMBER: for two minutes at most
    local tries=0
    until sql "$1" 'SELECT 1' >/dev/null; do
        ((++tries < 600)) || exit 1
        sleep 0.2
    done
}
rows() { sql "$1" 'SELECT array_agg(x ORDER BY x) FROM t'; }

node 1
node 2
until_answered 1
until_answered 2
sql 1 'CREATE TABLE t (x int)' && sql 1 'INSERT INTO t VALUES (1)'
run 2 promote.sh 2>/dev/null || echo "refused beside a node that takes writes: $?"
lose 1
run 2 promote.sh
sql 2 'INSERT INTO t VALUES (2)'
echo "promoted: $(rows 2)"
lose 2
node 1
until_answered 1
sql 1 'INSERT INTO t VALUES (99)' || echo "the one that was lost acknowledges nothing: $?"
node 2
until_answered 2
sql 2 'INSERT INTO t VALUES (3)'
echo "the promoted one keeps what it has: $(rows 2)"
lose 1
node 1
run 2 commits.sh replicated
sql 2 'INSERT INTO t VALUES (4)'
until_answered 1
echo "the one that was lost follows: $(sql 1 'SELECT pg_is_in_recovery()') $(rows 2)"
sed -n 's/^node.sh: .*; this node copies it and follows$/it said so/p' "$work/1.log"
: >"$work/password"
run 1 node.sh 2>/dev/null || echo "no password: $?"
