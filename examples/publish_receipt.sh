set -euo pipefail
url=$(cat "${MILESAGA_HOME:-.milesaga}/http.url"); id=${1:-receipt-$RANDOM}
field() { python3 -c "import json, sys; print(json.load(sys.stdin)['$1'])"; }

token=$(curl -sS "$url/sandbox/oauth/token" -d grant_type=client_credentials -d client_id=portal \
  -d client_secret=sandbox -d member=coles-tills -d 'scope=events:publish hub:read' | field access_token)
call() { curl -sS --fail-with-body --retry 5 -H "Authorization: Bearer $token" "$@"; }

# 202 means that it is durable. Whoever hears nothing says it again: the same id is the same event.
call "$url/v1/events" -H 'Content-Type: application/cloudevents+json' -d '{"specversion": "1.0", "id": "'$id'",
  "source": "/coles/tills/7", "type": "retail.receipt.issued.v1",
  "data": {"store": "0417", "total": {"amount": 3000, "currency": "AUD"}}}' | field status
call "$url/v1/events/coles/$id" | field state
