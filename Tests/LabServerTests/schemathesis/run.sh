#!/usr/bin/env bash
# Fuzzes a lab-server of its own against its OpenAPI document: nobody, a user, an administrator.
#
#   run.sh SERVER SCHEMATHESIS [EXAMPLES] [SEED]
#
# SERVER is the built program, SCHEMATHESIS the fuzzer's. Ends with 0 when no run found anything and the runs
# together made at least 2,000 calls; prints the calls of each.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
server=$1 fuzzer=$2 examples=${3:-25} seed=${4:-1}

work=$(mktemp -d)
pid=
stop() {
    if [[ -n $pid ]]; then
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap stop EXIT

password='a pass phrase for the fuzzer'
database="sqlite:$work/lab.sqlite"
for name in bystander fuzz-admin; do
    printf '%s\n' "$password" | "$server" admin create --database "$database" --username "$name" --bcrypt-cost 4 >&2
done
"$server" serve --dev --port 0 --database "$database" --bcrypt-cost 4 --purchase-deadline-ms 500 \
    >"$work/out" 2>"$work/log" &
pid=$!
for _ in $(seq 150); do
    if grep -q 'listening on' "$work/out"; then break; fi
    if ! kill -0 "$pid" 2>/dev/null; then cat "$work/log" >&2 && exit 1; fi
    sleep 0.2
done
url=$(sed -n 's/.*listening on \(http[^ ]*\).*/\1/p' "$work/out")

post() { # PATH JSON [TOKEN]
    curl -sS --fail-with-body -X POST "$url$1" -H 'Content-Type: application/json' -d "$2" \
        ${3:+-H "Authorization: Bearer $3"}
}
token() {
    post /api/auth/login "{\"username\":\"$1\",\"password\":\"$password\"}" |
        sed -n 's/.*"access_token":"\([^"]*\)".*/\1/p'
}
post /api/auth/register "{\"username\":\"fuzz-user\",\"password\":\"$password\"}" >/dev/null

total=0
# NAME OPTIONS...
fuzz() {
    local name=$1
    shift
    local log="$work/$name.log" status=0
    (cd "$work" && "$fuzzer" --config-file "$here/schemathesis.toml" run "$url/openapi.json" --checks all \
        --max-examples "$examples" --seed "$seed" --workers 1 --no-color --generation-database none \
        --request-timeout 20 --suppress-health-check all --report junit --report-dir "$work/report-$name" \
        "$@") >"$log" 2>&1 || status=$?
    local calls
    calls=$(grep -oE '[0-9,]+ generated' "$log" | head -1 | tr -dc '0-9')
    calls=${calls:-0}
    total=$((total + calls))
    echo "schemathesis: $name: $calls cases, exit $status"
    if ((status != 0)); then
        tail -n 150 "$log" >&2
        exit 1
    fi
}

fuzz nobody
# Signing out and changing users would end the very token that the run is made with: they come last.
product=$(token fuzz-user)
post /api/products '{"name":"fuzzed","price":3,"initial_stock":1000000}' "$product" >/dev/null
fuzz user -H "Authorization: Bearer $product" --exclude-tag admin --exclude-operation-id logOut
fuzz admin -H "Authorization: Bearer $(token fuzz-admin)" --include-tag admin --exclude-operation-id changeUser
fuzz ending-tokens -H "Authorization: Bearer $(token fuzz-admin)" --include-operation-id logOut \
    --include-operation-id changeUser

kill -0 "$pid" || { cat "$work/log" >&2 && exit 1; }
if grep -qE ' (error|critical) ' "$work/log"; then
    grep -E ' (error|critical) ' "$work/log" | head -20 >&2
    exit 1
fi
echo "schemathesis: $total cases in all"
if ((total < 2000)); then
    echo "schemathesis: fewer than 2,000 cases" >&2
    exit 1
fi
