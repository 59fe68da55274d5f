#!/usr/bin/env bash
# Proves the profiles of compose.yaml with plain processes on this machine: by the same files (deploy/redis, deploy/postgres,
# deploy/haproxy), without containers. For each: start it, sell over HTTP, kill the master of Redis, sell on, and count.
# `many` and `many-cluster` are three servers behind HAProxy on PostgreSQL: of them a server is killed too, all are
# replaced one after the other, and PostgreSQL's replica takes over, always beside buyers.
#
#   topologies.sh SERVER [single] [sentinel] [cluster] [many] [many-cluster]
#
# SERVER is the built lab-server. Prints a line for each topology; ends with 0 when every stock was exact. All it starts
# listens on 127.0.0.1 and ends with it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if (($# == 0)); then
    sed -n '2,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 64
fi
server=$1
shift
if (($# == 0)); then set -- single sentinel cluster many many-cluster; fi

work=$(mktemp -d)
declare -A pids=()
# The kernel ends what this script leaves when it is killed itself.
keep=()
if command -v setpriv >/dev/null; then keep=(setpriv --pdeathsig KILL --); fi

fail() {
    printf 'topologies: %s\n' "$*" >&2
    tail -n 15 "$work"/*/*.log >&2 || true
    exit 1
}

start() { # NAME COMMAND...
    local name=$1
    shift
    "${keep[@]}" "$@" >"$work/$topology/$name.log" 2>&1 &
    pids[$name]=$!
}

end() { # SIGNAL NAME...
    local signal=$1 name
    shift
    for name; do
        kill "-$signal" "${pids[$name]}" 2>/dev/null || true
        wait "${pids[$name]}" 2>/dev/null || true
        unset "pids[$name]"
    done
}

clean_up() {
    end KILL "${!pids[@]}"
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Sixteen ports in a row, and those of a cluster's bus, 10000 above; below the ports that connections get by themselves.
pick_ports() {
    local offset
    while true; do
        base=$((11000 + RANDOM % 11000))
        for offset in {0..15}; do
            is_free $((base + offset)) && is_free $((base + offset + 10000)) || continue 2
        done
        return
    done
}

password=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
export REDIS_PASSWORD=$password REDISCLI_AUTH=$password NODE_BIND='127.0.0.1 -::1' NODE_HOST=localhost

# With the environment that compose.yaml gives; one host name for all, told apart by their ports.
node() { # NAME PORT KIND [MASTER-PORT]
    mkdir -p "$work/$topology/$1"
    start "$1" env NODE_PORT="$2" NODE_DIR="$work/$topology/$1" MASTER="${4:+localhost $4}" \
        sh "$here/redis/node.sh" "$3"
}
sentinel() { # NAME PORT MASTER-PORT
    mkdir -p "$work/$topology/$1"
    start "$1" env -u REDISCLI_AUTH NODE_PORT="$2" NODE_DIR="$work/$topology/$1" MASTER="localhost $3" \
        sh "$here/redis/sentinel.sh"
}

no_drift() { # Left reservations are put right, wrong units are not
    if grep -q 'drift of' "$work/$topology/fix.log"; then fail "$topology: ledger and Redis do not agree about units"; fi
}

await() { # WHAT COMMAND...: until it ends with 0
    local what=$1 tries=0
    shift
    until "$@" >/dev/null 2>&1; do
        ((++tries < 300)) || fail "$topology: $what"
        sleep 0.2
    done
}
answers() { [[ $(redis-cli -p "$1" ping) == PONG ]]; }
has_replicas() { redis-cli -p "$1" info replication | grep -q "^connected_slaves:$2"; }
knows() { # SENTINEL-PORT: the other Sentinels and both replicas
    local facts
    facts=$(env -u REDISCLI_AUTH redis-cli -p "$1" sentinel master stock | paste -sd ' ')
    [[ $facts == *'num-slaves 2 num-other-sentinels 2 '* ]]
}

# Each sets url and names, and with kill_master ends the server that holds the stock.
single() {
    url=redis://:$password@localhost:$base
    node redis "$base" single
    await 'Redis does not answer' answers "$base"
    kill_master() {
        end KILL redis
        # As `restart: unless-stopped` does.
        node redis "$base" single
    }
}
sentinel_group() {
    local number
    node redis-1 "$base" replicated
    await 'the master does not answer' answers "$base"
    for number in 2 3; do node "redis-$number" $((base + number - 1)) replicated "$base"; done
    await 'the replicas do not follow' has_replicas "$base" 2
    for number in 1 2 3; do sentinel "sentinel-$number" $((base + 2 + number)) "$base"; done
    for number in 1 2 3; do await 'the Sentinels do not agree' knows $((base + 2 + number)); done
    url=redis+sentinel://:$password@localhost:$((base + 3)),localhost:$((base + 4)),localhost:$((base + 5))/stock
    kill_master() { end KILL redis-1; }
}
cluster() {
    local number hosts=()
    for number in {1..6}; do
        node "cluster-$number" $((base + number - 1)) cluster
        hosts+=("localhost:$((base + number - 1))")
    done
    sh "$here/redis/join.sh" "${hosts[@]}" >"$work/$topology/join.log" 2>&1 || fail 'the cluster was not made'
    # A master without its replica could not be replaced.
    await 'the replicas do not follow' all_followed
    url=redis+cluster://:$password@$(IFS=,; echo "${hosts[*]}")
    kill_master() {
        local number
        for number in {1..6}; do
            # The others answer MOVED.
            if redis-cli -p $((base + number - 1)) get "stock:{$product}" | grep -qE '^[0-9]+$'; then
                end KILL "cluster-$number"
                return
            fi
        done
        fail 'no node holds the stock'
    }
}
all_followed() {
    local number masters=0
    for number in {1..6}; do
        if redis-cli -p $((base + number - 1)) info replication | grep -q '^role:master'; then
            has_replicas $((base + number - 1)) 1 || return 1
            masters=$((masters + 1))
        fi
    done
    ((masters == 3))
}

# The status goes to the output, the body to the file.
ask() { # METHOD PATH [BODY [HEADER]]
    local arguments=(-sS -m 30 -o "$work/body" -w '%{http_code}' -X "$1" "$address$2")
    arguments+=(-H "Authorization: Bearer ${token:-none}" -H 'Content-Type: application/json')
    if [[ -n ${3-} ]]; then arguments+=(-d "$3"); fi
    if [[ -n ${4-} ]]; then arguments+=(-H "$4"); fi
    curl "${arguments[@]}" 2>/dev/null || true
}
expect() { # STATUS METHOD PATH [BODY]: asks again while the answer is 503
    local wanted=$1 status tries=0
    shift
    while status=$(ask "$@") && [[ $status != "$wanted" ]]; do
        [[ $status == 503 ]] && ((++tries < 240)) || fail "$topology: $1 $2 was answered with $status: $(cat "$work/body")"
        sleep 0.25
    done
}
field() { sed -n "s/.*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/p" "$work/body"; }

# Buys one unit under each key, and asks again under the same key until the answer is definite.
buy() { # FROM TO
    local number status tries
    for ((number = $1; number <= $2; number++)); do
        tries=0
        while status=$(ask POST /api/purchases "{\"product_id\":$product,\"quantity\":1}" \
            "Idempotency-Key: key-$number") && [[ $status != 200 ]]; do
            [[ $status == 503 || $status == 409 ]] && ((++tries < 480)) ||
                fail "$topology: a purchase was answered with $status: $(cat "$work/body")"
            sleep 0.25
        done
    done
}

# shellcheck source=deploy/topologies/many.sh
source "$here/topologies/many.sh"

prove() {
    mkdir -p "$work/$topology"
    pick_ports
    case $topology in
        single | cluster) "$topology" ;;
        sentinel) sentinel_group ;;
        many | many-cluster)
            need_programs
            if [[ $topology == many ]]; then sentinel_group; else cluster; fi
            postgres_pair
            prove_servers
            return
            ;;
        *)
            printf 'topologies: unknown topology %s\n' "$topology" >&2
            exit 64
            ;;
    esac
    prove_server
}

prove_server() {
    local database=sqlite:$work/$topology/lab.sqlite
    token=
    LAB_ALLOW_PLAINTEXT_REDIS=true LAB_REDIS=$url start server "$server" serve --dev --bcrypt-cost 4 --port 0 \
        --database "$database"
    await 'the server does not start' grep -q 'listening on' "$work/$topology/server.log"
    address=$(sed -n 's/.*listening on \(http[^ ]*\).*/\1/p' "$work/$topology/server.log")
    expect 201 POST /api/auth/register '{"username":"ann","password":"one good pass phrase"}'
    expect 200 POST /api/auth/login '{"username":"ann","password":"one good pass phrase"}'
    token=$(field access_token)
    expect 201 POST /api/products '{"name":"thing","price":1,"initial_stock":100}'
    product=$(field id)
    buy 1 10
    kill_master
    local killed=$EPOCHREALTIME
    buy 11 11
    local gap=$((${EPOCHREALTIME/./} - ${killed/./}))
    buy 12 20
    # Each under its own key: the same twenty again.
    buy 1 20
    expect 200 GET "/api/products/$product/stock"
    local stock bought
    stock=$(field quantity)
    expect 200 GET '/api/purchases/me?limit=100'
    bought=$(grep -o '"product_id"' "$work/body" | wc -l)
    [[ $stock == 80 && $bought == 20 ]] || fail "$topology: $bought sold and $stock left of 100"
    local pid=${pids[server]} status=0
    unset 'pids[server]'
    kill -TERM "$pid"
    wait "$pid" || status=$?
    ((status == 0)) || fail "$topology: the server ended with $status"
    # The stock is exact. Reservations of finished purchases may be left, which the master died before it cleared.
    "$server" reconcile --fix --redis "$url" --database "$database" >"$work/$topology/fix.log" 2>&1 || true
    no_drift
    "$server" reconcile --redis "$url" --database "$database" >"$work/$topology/reconcile.log" 2>&1 ||
        fail "$topology: ledger and Redis do not agree"
    end KILL "${!pids[@]}"
    printf '%s: master killed, sold again after %d.%03d s; 20 sold, 80 left of 100\n' "$topology" \
        $((gap / 1000000)) $((gap / 1000 % 1000))
}

for topology; do prove; done
