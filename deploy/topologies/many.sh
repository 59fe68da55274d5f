# Sourced by topologies.sh: three lab-servers behind HAProxy, on PostgreSQL with a replica. HAProxy and PostgreSQL run by the
# files that compose.yaml runs them by (deploy/haproxy, deploy/postgres), the servers with the same variables.
# shellcheck shell=bash disable=SC2154

needs() { # PROGRAM PACKAGE
    if command -v "$1" >/dev/null; then return; fi
    printf 'topologies: %s needs %s; install it with: apt-get install %s\n' "$topology" "$1" "$2" >&2
    exit 69
}
need_programs() {
    local folder
    for folder in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V) ${PG_BIN:+"$PG_BIN"}; do PATH=$folder:$PATH; done
    PATH=$PATH:/usr/sbin
    needs initdb postgresql
    needs haproxy haproxy
    needs python3 python3
}

# Runs a script of deploy/postgres for a node, with the variables of compose.yaml and addresses of this machine.
postgres_command() { # NUMBER SCRIPT [ARGUMENT]
    local number=$1 script=$2 begins=no
    shift 2
    if ((number == 1)); then begins=yes; fi
    command=("${as_postgres[@]}" env PASSWORD_FILE="$shared/database-password" NODE_BIND=127.0.0.1
        NODE_HOST="postgres-$number" NODE_PORT=$((base + 5 + number)) NODE_DIR="$shared/postgres-$number"
        NODE_BEGINS=$begins PEER="localhost $((base + 8 - number))" sh "$shared/scripts/$script" "$@")
}
postgres_node() { # NUMBER
    postgres_command "$1" node.sh
    start "postgres-$1" "${command[@]}"
}
postgres() { # NUMBER SCRIPT [ARGUMENT]
    postgres_command "$@"
    "${command[@]}" >>"$work/$topology/scripts.log" 2>&1
}
sql() { # PORT-OFFSET QUERY
    PGPASSWORD=$password psql -XAtq -h 127.0.0.1 -p $((base + 5 + $1)) -U lab -d lab -c "$2"
}
postgres_pair() {
    local number
    # PostgreSQL refuses to run as root, and its user must get at its files.
    as_postgres=()
    shared=$work/$topology/shared
    mkdir -p "$shared/scripts"
    cp "$here"/postgres/*.sh "$shared/scripts"
    (umask 077 && printf '%s\n' "$password" >"$shared/database-password")
    mkdir -p "$shared/postgres-1" "$shared/postgres-2"
    if ((EUID == 0)); then
        local owner=nobody
        if getent passwd postgres >/dev/null; then owner=postgres; fi
        # The kernel forgets whom to follow when the user changes, so it is said once more.
        as_postgres=(setpriv --reuid "$owner" --regid "$(id -g "$owner")" --clear-groups -- "${keep[@]}")
        chmod 711 "$work" "$work/$topology" "$shared"
        chmod -R a+rX "$shared/scripts"
        chown "$owner" "$shared/database-password" "$shared/postgres-1" "$shared/postgres-2"
    fi
    for number in 1 2; do postgres_node "$number"; done
    await 'PostgreSQL has no replica' replica_follows 1
}
replica_follows() { # NUMBER of the node that takes the writes
    [[ $("${as_postgres[@]}" psql -XAtq -h "$shared/postgres-$1" -p $((base + 5 + $1)) -d postgres -c \
        'SELECT sync_state FROM pg_stat_replication') == "${2:-sync}" ]]
}

serve() { # NUMBER
    start "server-$1" env LAB_JWT_SECRET_FILE="$shared/jwt-secret" LAB_REDIS_FILE="$shared/redis-url" \
        LAB_ALLOW_PLAINTEXT_REDIS=true LAB_DATABASE_PASSWORD_FILE="$shared/database-password" \
        LAB_DATABASE="postgres://lab@localhost:$((base + 6)),localhost:$((base + 7))/lab?sslmode=disable" \
        LAB_TRUSTED_PROXIES=127.0.0.1 LAB_HOST=127.0.0.1 LAB_PORT=$((base + 7 + $1)) LAB_METRICS_HOST=127.0.0.1 \
        LAB_METRICS_PORT=$((base + 12 + $1)) "$server" serve
}
is_up() { # NUMBER: by HAProxy's word
    local page
    page=$(curl -sf "http://127.0.0.1:$((base + 12))/metrics")
    [[ $page == *"haproxy_server_status{proxy=\"ready\",server=\"server-$1\",state=\"UP\"} 1"* ]]
}

# buyers.py in the background, under a name for its keys; `told NAME` ends it, and sets what buyers were told.
buyers() { # NAME
    TOKEN=$token start buyers python3 "$here/topologies/buyers.py" "127.0.0.1:$((base + 11))" "$product" "$1"
}
told() { # NAME
    local pid=${pids[buyers]} words
    unset 'pids[buyers]'
    kill -TERM "$pid" || fail "$topology, $1: the buyers ended early"
    wait "$pid" || fail "$topology, $1: buyers were told what they may not be told"
    mv "$work/$topology/buyers.log" "$work/$topology/buyers-$1.log"
    words=$(grep '^sold=' "$work/$topology/buyers-$1.log")
    printf '%s: %s: %s\n' "$topology" "$1" "$words" >&2
    # Names with numbers, and nothing else.
    [[ $words =~ ^([a-z_]+=[0-9]+\ ?)+$ ]] || fail "$topology, $1: $words"
    # shellcheck disable=SC2086
    declare -g $words
    keyed=$((keyed + sold)) unkeyed=$((unkeyed + plain)) unknown=$((unknown + open))
    [[ $(sql "$primary" "SELECT count(*) FROM purchases WHERE idempotency_key LIKE '$1-%'") == "$sold" ]] ||
        fail "$topology, $1: not every purchase with a key was made once"
}

three_servers() {
    local number
    (umask 077 && od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$shared/jwt-secret" && printf '%s\n' "$url" >"$shared/redis-url")
    for number in 1 2 3; do serve "$number"; done
    start haproxy env FRONT=127.0.0.1:$((base + 11)) WATCH=127.0.0.1:$((base + 12)) SERVER_1=127.0.0.1:$((base + 8)) \
        SERVER_2=127.0.0.1:$((base + 9)) SERVER_3=127.0.0.1:$((base + 10)) haproxy -db -f "$here/haproxy/haproxy.cfg"
    for number in 1 2 3; do await "HAProxy does not find server $number ready" is_up "$number"; done
    address=http://127.0.0.1:$((base + 11))
}

# Who asks the auth routes too often is refused, whatever he says about his address; others are not, at whichever server.
limits_hold() {
    local statuses number
    statuses=$(curl -s -o /dev/null -w '%{http_code}\n' --interface 127.0.0.2 -H 'X-Forwarded-For: 192.0.2.[1-9]' \
        -H 'Content-Type: application/json' -d '{}' "$address/api/auth/login?[1-200]" | sort | uniq -c | tr -s ' \n' ' ')
    [[ $statuses =~ ^\ 1[12][0-9]\ 4[0-9]+\ [0-9]+\ 429\ $ ]] || fail "$topology: one address was answered with$statuses"
    for number in {3..14}; do
        statuses=$(curl -s -o /dev/null -w '%{http_code}' --interface "127.0.0.$number" \
            -H 'Content-Type: application/json' -d '{}' "$address/api/auth/login")
        [[ $statuses == 422 ]] || fail "$topology: an address was refused because of another one: $statuses"
    done
}

server_is_killed() {
    buyers kill
    sleep 2
    end KILL server-2
    sleep 3
    told kill
    # A buyer without a key may have been in the middle of a purchase, and no proxy may send that again.
    ((again == 0 && unread == 0 && open <= 3)) || fail "$topology: a killed server cost others than buyers without a key"
    lost=$open
    serve 2
    await 'the killed server does not come back' is_up 2
}

servers_are_replaced() {
    local number status pid
    buyers rolling
    for number in 1 2 3; do
        sleep 1
        pid=${pids[server-$number]} status=0
        unset "pids[server-$number]"
        kill -TERM "$pid"
        wait "$pid" || status=$?
        ((status == 0)) || fail "$topology: server $number ended with $status"
        serve "$number"
        await "server $number does not come back" is_up "$number"
    done
    told rolling
    ((again == 0 && open == 0 && unread == 0)) || fail "$topology: a rolling restart failed requests"
    rolled=$((sold + plain + read))
}

master_is_killed() {
    buyers redis
    sleep 1
    kill_master
    sleep 15
    told redis
    redis_pause=$pause_ms
}

# Commits wait for it, until somebody says that they need not.
replica_is_lost() {
    buyers replica
    sleep 1
    end KILL postgres-2
    sleep 4
    postgres 1 commits.sh alone
    sleep 2
    postgres_node 2
    postgres 1 commits.sh replicated
    await 'the replica does not follow again' replica_follows 1
    sleep 2
    told replica
    ((unread == 0)) || fail "$topology: readers missed the replica of PostgreSQL"
    replica_pause=$pause_ms
}

primary_is_lost() {
    buyers postgres
    sleep 1
    if postgres 2 promote.sh; then fail "$topology: a replica was promoted beside a server that takes writes"; fi
    end KILL postgres-1
    postgres 2 promote.sh || fail "$topology: the replica was not promoted"
    primary=2
    sleep 10
    told postgres
    postgres_pause=$pause_ms
    # It comes back, and follows.
    postgres_node 1
    postgres 2 commits.sh replicated
    await 'the old primary does not follow' replica_follows 2
}

# What a killed server had reserved comes back after its lease, and what nobody knows of is looked up.
adds_up() {
    [[ $(ask GET "/api/products/$product/stock") == 200 ]] || return 1
    stock=$(field quantity)
    bought=$(sql "$primary" "SELECT sum(quantity) FROM purchases WHERE product_id = $product")
    ((stock + bought == 1000000))
}

compared() { # OPTIONS: Redis with the ledger, when no server runs
    LAB_ALLOW_PLAINTEXT_REDIS=true LAB_DATABASE_PASSWORD_FILE=$shared/database-password "$server" reconcile "$@" --redis "$url" \
        --database "postgres://lab@localhost:$((base + 6)),localhost:$((base + 7))/lab?sslmode=disable"
}

prove_servers() {
    local keyed=0 unkeyed=0 unknown=0 primary=1 token= lost=0 rolled=0 redis_pause=0 replica_pause=0 postgres_pause=0
    three_servers
    expect 201 POST /api/auth/register '{"username":"ann","password":"one good pass phrase"}'
    expect 200 POST /api/auth/login '{"username":"ann","password":"one good pass phrase"}'
    token=$(field access_token)
    expect 201 POST /api/products '{"name":"thing","price":1,"initial_stock":1000000}'
    product=$(field id)
    limits_hold
    server_is_killed
    servers_are_replaced
    master_is_killed
    replica_is_lost
    primary_is_lost
    local number status pid stock=0 bought=0
    await "sold and left do not add up to 1000000" adds_up
    ((bought >= keyed + unkeyed && bought <= keyed + unkeyed + unknown)) ||
        fail "$topology: $bought sold, $keyed with a key and $unkeyed without answered with 200, $unknown unknown"
    for number in 1 2 3; do
        pid=${pids[server-$number]} status=0
        unset "pids[server-$number]"
        kill -TERM "$pid"
        wait "$pid" || status=$?
        ((status == 0)) || fail "$topology: server $number ended with $status"
    done
    # The stock is exact. Reservations of finished purchases may be left, which the master died before it cleared.
    compared --fix >"$work/$topology/fix.log" 2>&1 || true
    no_drift
    compared >"$work/$topology/reconcile.log" 2>&1 || fail "$topology: ledger and Redis do not agree"
    printf '%s: a server killed: %d requests open; three replaced: 0 of %d failed; ' "$topology" "$lost" "$rolled"
    printf 'longest pauses: Redis master killed %d ms, replica of PostgreSQL away for 4 s %d ms, promoted %d ms; ' \
        "$redis_pause" "$replica_pause" "$postgres_pause"
    printf '%d sold, %d left of 1000000\n' "$bought" "$stock"
    end KILL "${!pids[@]}"
}
