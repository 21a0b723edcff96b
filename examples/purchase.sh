set -euo pipefail
url=$(cat "${MILESAGA_HOME:-.milesaga}/http.url"); member=ana-$RANDOM; day=$(date -d '+60 days' +%F)
json() { python3 -c "import json, sys; print(json.load(sys.stdin)$1)"; }
call() { curl -sS --fail-with-body -H "Authorization: Bearer ${token:-}" -H 'Content-Type: application/json' "$@"; }

call -o /dev/null "$url/sandbox/members" -d '{"member_id": "'$member'", "tier": "gold",
  "lots": [{"miles": 50000, "expires_on": "2030-12-31"}]}'
token=$(curl -sS "$url/sandbox/oauth/token" -d grant_type=client_credentials -d client_id=portal \
  -d client_secret=sandbox -d member=$member -d 'scope=offers carts checkouts miles' | json "['access_token']")
offer=$(call "$url/v1/offers?from=GRU&to=LIS&date=$day&adults=1&cabin=economy" | json "['offers'][0]['id']")
cart=$(call "$url/v1/carts" -d '{"channel": "portal", "currency": "BRL"}' | json "['id']")
call -o /dev/null "$url/v1/carts/$cart/items" -d '{"kind": "flight", "offer_id": "'$offer'", "passengers": [
  {"given_name": "Ana", "surname": "Souza", "birth_date": "1990-05-01", "document": "FX123456"}]}'
call -o /dev/null -X PATCH -H 'If-Match: *' "$url/v1/carts/$cart" -d '{"use_miles": 30000}'
checkout=$(call -H "Idempotency-Key: $cart" "$url/v1/checkouts" -d '{"cart_id": "'$cart'",
  "payment": {"method": "card", "token": "tok_visa"}, "contact": {"email": "ana@example.com"}}' | json "['id']")
call -N "$url/v1/checkouts/$checkout/events" | python3 -uc '   # every step as it happens
import json, sys
seen = {}
for line in sys.stdin:
    if line.startswith("data: "):
        now = {step["name"]: step["status"] for step in json.loads(line[6:])["steps"]}
        print(*(f"{name}: {status}" for name, status in now.items() if seen.get(name, "pending") != status), sep="\n")
        seen = now' | grep .
call "$url/v1/checkouts/$checkout" | python3 -c '             # tickets, locator, total
import json, sys
bought = json.load(sys.stdin)
money, miles = bought["total"]["money"], bought["total"]["miles"]
print("tickets", *(ticket["number"] for ticket in bought["tickets"]), "locator", *bought["locators"])
print("total %s %.2f and %d miles" % (money["currency"], money["amount"] / 100, miles))
print("purchase", bought["id"], bought["status"])'
