#!/bin/sh
# The gate of `milesaga release gate`, by curl and POSIX sh alone: for machines that have nothing of ours on them.
#
#   MILESAGA_URL=https://api.example MILESAGA_TOKEN_FILE=/run/secrets/token \
#     gate.sh --action deploy --environment production --target checkout --file deploy.sh --reason "..." -- ./deploy.sh
#
# It asks, waits until others agree, and runs private copies of exactly the files that were shown, once. It takes
#   --action --environment --target --reason   what, where, to what, why
#   --file F            a file or folder below this one, copied and hashed; repeatable
#   --artifact N@sha256:... --parameter N=V --link N=URL --author PERSON   repeatable
#   --env NAME[=VALUE]  a variable that the command finds, shown and hashed; --secret-env NAME: hashed, not shown;
#   --env-file NAME[=FILE]   one that names a file, such as KUBECONFIG: copied and hashed; all repeatable
#   --path DIR:DIR      where programs are found, whatever PATH says here; shown and hashed
#   --window FROM/UNTIL --replaces ID --key K --patience 4h --reach 2m
# and ends with the command's own code, or 91 denied, 92 expired, 93 withdrawn or superseded, 94 frozen or outside its
# window past patience, 95 payload differs or grant refused, 96 the gate cannot be reached, 97 wrong use. Unlike the
# command it hands INT and QUIT over as TERM: sh starts what it must watch with both of them ignored.
set -u
locale=${LC_ALL-unset}
export LC_ALL=C
umask 077

root=/v1/releases
longest_watch=25 # seconds of one long poll
newline='
'

# To whoever watches. That nobody does any more ends the writing, which is why it has a process of its own, and no more.
say() { (printf 'gate: %s\n' "$*" >&2) || :; }
end() { code=$1; shift; say "$*"; exit "$code"; }
wrong() { end 97 "$*"; }
now() { date +%s; }

# ---- JSON ----

# Text as RFC 8785 writes a string.
json_string() {
  printf '%s.' "$1" | awk '
    BEGIN {
      for (i = 1; i < 32; i++) code[sprintf("%c", i)] = sprintf("\\u%04x", i)
      code["\b"] = "\\b"; code["\t"] = "\\t"; code["\f"] = "\\f"; code["\r"] = "\\r"
      code["\""] = "\\\""; code["\\"] = "\\\\"
    }
    {
      if (NR > 1) out = out "\\n"
      for (i = 1; i <= length($0); i++) { c = substr($0, i, 1); out = out ((c in code) ? code[c] : c) }
    }
    END { printf "\"%s\"", substr(out, 1, length(out) - 1) }'
}

# A member of the outermost object of the newest answer that is a string, without its quotes and escapes; `number` one
# that is a number. Nothing where it is not there or is something else: what lies deeper, a stranger may have written.
member() { part text "$1"; }
number() { part number "$1"; }
part() {
  awk -v kind="$1" -v wanted="$2" '
    { all = all $0 " " }
    END {
      for (at = 1; at <= length(all); at++) {
        c = substr(all, at, 1)
        if (c == "\"") {
          word = ""
          for (at++; at <= length(all) && (c = substr(all, at, 1)) != "\""; at++) {
            if (c == "\\") { at++; c = substr(all, at, 1); if (c != "\"" && c != "\\" && c != "/") c = "\\" c }
            word = word c
          }
          if (depth == 1 && before != ":") key = word
          else if (depth == 1 && key == wanted) { if (kind == "text") print word; exit }
          before = "\""
        } else if (c == "{" || c == "[") { depth++; before = c }
        else if (c == "}" || c == "]") { depth--; before = c }
        else if (c == ":" || c == ",") before = c
        else if (depth == 1 && before == ":" && key == wanted && c ~ /[0-9a-z-]/) {
          word = ""
          for (; (c = substr(all, at, 1)) ~ /[0-9]/; at++) word = word c
          if (kind == "number") print word
          exit
        }
      }
    }' "$private/answer"
}

# ---- what is asked for ----

seconds() {
  case $1 in
    *[!0-9smhd]* | '' | [smhd]*) wrong "'$1' is no length of time such as 30s, 5m or 4h." ;;
    *s) echo "${1%s}" ;;
    *m) echo $((${1%m} * 60)) ;;
    *h) echo $((${1%h} * 3600)) ;;
    *d) echo $((${1%d} * 86400)) ;;
    *) wrong "'$1' is no length of time such as 30s, 5m or 4h." ;;
  esac
}

# NAME=VALUE lines as an object. Names are plain, so that every sort orders them alike.
object() {
  out='' before=''
  sorted=$(printf '%s' "$1" | sort)
  while IFS= read -r pair; do
    [ -n "$pair" ] || continue
    name=${pair%%=*}
    case $name in *[!A-Za-z0-9_.-]* | "$pair" | '') wrong "'$pair' is no NAME=VALUE." ;; esac
    [ "$name" != "$before" ] || wrong "'$name' stands twice."
    before=$name
    out="$out${out:+,}\"$name\":$(json_string "${pair#*=}")"
  done <<LINES
$sorted
LINES
  printf '{%s}' "$out"
}

one_line() {
  case $1 in *"$newline"*) wrong "'$1' has more than one line." ;; esac
}

# A name below this folder, without `./` and doubled slashes; nothing that leads out of it.
below() {
  one_line "$1"
  plain=$(printf '%s' "$1" | sed -e 's://*:/:g' -e ':a' -e 's:^\./::' -e 's:/\./:/:' -e 'ta' -e 's:/\.\{0,1\}$::')
  case /$plain/ in *//* | */../*) wrong "$1 does not lie below the folder in which the gate was called." ;; esac
  printf '%s' "$plain"
}

# A variable that may be handed on, once: `variable NAME OPTION`.
variable() {
  case $1 in
    PATH | IFS | PWD | OLDPWD | PPID | UID | EUID | MILESAGA_*) wrong "$2: '$1' is no variable that is handed on." ;;
    # by these a program is made to run something beside itself that nobody has hashed, nor seen
    LD_PRELOAD | LD_AUDIT | LD_LIBRARY_PATH | GCONV_PATH | BASH_ENV | ENV | SHELLOPTS | BASHOPTS | PS4 | \
    PYTHONPATH | PYTHONHOME | PYTHONSTARTUP | PYTHONUSERBASE | PYTHONWARNINGS | PYTHONBREAKPOINT | \
    PERL5OPT | PERL5LIB | PERL5DB | RUBYOPT | RUBYLIB | NODE_OPTIONS | NODE_PATH | LUA_INIT | \
    JAVA_TOOL_OPTIONS | JDK_JAVA_OPTIONS | _JAVA_OPTIONS | KUBECTL_EXTERNAL_DIFF)
      wrong "$2: by $1 something runs that nobody has seen: set it in a script." ;;
    http_proxy | https_proxy | ftp_proxy | all_proxy | no_proxy) ;;
    *[!A-Za-z0-9_]*) wrong "$2: '$1' is no variable that is handed on." ;;
    [A-Z]*) ;;
    *) wrong "$2: '$1' is no variable that is handed on." ;;
  esac
  [ ! -e "$private/variables/$1" ] || wrong "$1 is given twice."
}

# Sets `value` to what a variable has here: `value_of NAME OPTION`.
value_of() {
  if [ "$1" = LC_ALL ]; then
    [ "$locale" != unset ] || wrong "$2: $1 is not set here."
    value=$locale
  else
    eval "[ -n \"\${$1+set}\" ]" || wrong "$2: $1 is not set here."
    eval "value=\$$1"
  fi
}

# One file: copied, and the copy hashed.
copy() {
  one_line "$1"
  case $(realpath -- "$1" 2>/dev/null) in
    "$origin"/*) ;;
    *) wrong "$1 is not there, or leads out of the folder in which the gate was called." ;;
  esac
  [ -f "$1" ] || wrong "$1 is no file."
  { mkdir -p "$payload/$(dirname -- "$1")" && cp -- "$1" "$payload/$1"; } || wrong "$1 cannot be copied."
  if [ -x "$1" ]; then chmod 500 "$payload/$1"; else chmod 400 "$payload/$1"; fi
  printf '%s\n' "$1" >>"$private/files"
}

# Hashes of what lies in a folder, for the files that were copied: `hash  name` lines.
hashes() (
  cd "$1" || exit 1
  while IFS= read -r name; do
    sum=$(sha256sum <"$name") || exit 1
    printf '%s  %s\n' "${sum%% *}" "$name"
  done <"$private/files"
)

# Whether originals and copies are still what was hashed; `changed` is the first that is not.
unchanged() {
  changed=''
  while IFS= read -r each; do
    [ -n "$each" ] || continue
    for place in "$origin" "$payload"; do
      sum=$(sha256sum 2>/dev/null <"$place/${each#*  }")
      [ "${sum%% *}" = "${each%%  *}" ] || { changed=${each#*  }; return 1; }
    done
  done <<LINES
$asked_hashes
LINES
  while IFS= read -r each; do
    sum=${each%% *} each=${each#* }
    for place in "$private/variables/${each%% *}" "${each#* }"; do
      found=$(sha256sum 2>/dev/null <"$place")
      [ "${found%% *}" = "$sum" ] || { changed=${each%% *}; return 1; }
    done
  done <"$private/variable-files"
}

# ---- asking ----

token() {
  if [ -n "${MILESAGA_TOKEN_FILE:-}" ]; then cat -- "$MILESAGA_TOKEN_FILE"; else printf '%s' "${MILESAGA_TOKEN:-}"; fi
}

# ask METHOD PATH WITHIN [HEADER]: sets `status` (000 for no answer) and `retry`; a body lies in $private/body. The token
# goes by curl's standard input, for arguments can be seen.
ask() {
  : >"$private/answer"; : >"$private/headers"
  set -- "$1" "$2" "$3" "${4:-Milesaga-Via: cli}" "$([ "$1" = GET ] || echo "$private/body")"
  {
    printf 'header = "Authorization: Bearer %s"\n' "$(token | tr -d '[:space:]"')"
    [ -z "$5" ] || printf 'data-binary = "@%s"\nheader = "Content-Type: application/json"\n' "$5"
  } | curl -q -sS -K - -X "$1" --connect-timeout 5 --max-time "$3" -H "$4" -H 'Milesaga-Via: cli' \
    -D "$private/headers" -o "$private/answer" -w '%{http_code}' "$MILESAGA_URL$root$2" >"$private/status" 2>"$private/why" &
  asking=$!
  while :; do
    heard=$signals
    wait "$asking"
    came=$?
    [ "$signals" != "$heard" ] || break # else a signal ended the wait, and not curl
  done
  [ "$came" = 0 ] || : >"$private/status"
  asking=''
  status=$(cat "$private/status")
  status=${status:-000}
  retry=$(tr -d '\r' <"$private/headers" | awk -F ': *' 'tolower($1) == "retry-after" && $2 ~ /^[0-9]+$/ { r = $2 } END { print r }')
  case $status in
    000 | 5?? | 408 | 425 | 429) absent=yes ;;
    401) [ "$2" = /requests ] && absent='' || absent=yes ;;
    *) absent='' answered=$(now) ;;
  esac
  [ -z "$absent" ] || [ $(($(now) - answered)) -le "$reach" ] ||
    end 96 "Nobody answers whom the gate could ask ($(member detail) $(cat "$private/why")). Nothing ran."
}

problem() { printf '%s (%s): %s' "$1" "$(member code)" "$(member detail)"; }
# What may be done about an ask that waits for the same.
way_on() {
  [ "$(member code)" = request_open ] || return 0
  printf '. --replaces %s takes its place; the --key of its gate goes on with it.' "$(member request)"
}
pause() {
  sleep "${1:-1}" &
  asking=$!
  wait "$asking"
  asking=''
}

# Who ended the request, and why.
closed() {
  by=$(member closed_by) why=$(member closed_reason)
  printf '%s%s' "${by:+ by $by}" "${why:+: $why}"
}

# What lies before us: sets `state` and `revision`; ends where it is over, or not ours.
look() {
  state=$(member state) revision=$(number revision)
  [ -n "$state" ] && [ -n "$revision" ] && [ "$(member id)" = "$request" ] ||
    end 96 "The answer holds not what it must. Nothing ran."
  [ "$(member digest)" = "$digest" ] || end 95 "The request is for something else than what would run here."
  case $state in
    pending | approved | granted) ;;
    denied) end 91 "It was denied$(closed)." ;;
    expired) end 92 "It expired." ;;
    withdrawn | superseded | revoked | closed) end 93 "It is $state$(closed)." ;;
    executing | succeeded | failed | unknown) end 95 "It was executed already, by another gate: $state." ;;
    *) end 95 "The request is '$state', of which this gate knows nothing." ;;
  esac
}

# Ends when patience is over.
patient() {
  left=$((begun + patience - $(now)))
  [ "$left" -gt 0 ] && return
  case $held in
    frozen | outside_window) end 94 "It is held back ($held), and the gate's patience is over. The request stands." ;;
    *) end 92 "Nobody decided within the gate's patience. The request stands: --key $key resumes it." ;;
  esac
}

# After a grant, or its use, was refused.
refused() {
  why=$(member code)
  case $why in
    frozen | outside_window)
      held=$why next=grant
      patient
      wait_for=${retry:-1}
      [ "$wait_for" -ge 1 ] || wait_for=1
      [ "$wait_for" -le 5 ] || wait_for=5
      pause "$wait_for" ;;
    not_approved) held=$why next=watch since=$revision; patient; pause 1 ;;
    grant_void | grant_expired) next=grant; pause 1 ;;
    expired) end 92 "$(problem 'It expired')" ;;
    closed) next=watch since=-1 ;;
    *) end 95 "$(problem 'The grant was refused')" ;;
  esac
}

# Somebody answers again: how commands ended of which nobody knows yet. What is kept is sent as it is.
tell_kept() {
  for each in "$kept"/*.json; do
    [ -f "$each" ] || continue
    ended=${each##*/} ended=${ended%.json}
    case $ended in *[!A-Za-z0-9_.-]*) continue ;; esac
    cp -- "$each" "$private/body" || continue
    ask POST "/executions/$ended/outcome" 10
    case $status in
      2?? | 404 | 409 | 413 | 422) rm -f "$each"; say "How execution $ended ended, which was kept here, is told." ;;
      403) ;;
      *) return ;;
    esac
  done
}

# ---- options ----

action='' environment='' target='' reason='' window='' replaces='' key=${MILESAGA_GATE_KEY:-}
files='' artifacts='' parameters='' links='' authors='' shown='' secrets='' named_files='' patience=4h reach=2m
search_path=${MILESAGA_GATE_PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}
while [ $# -gt 0 ]; do
  case $1 in --) shift; break ;; --*) [ $# -gt 1 ] || wrong "$1 wants a value." ;; *) break ;; esac
  case $1 in
    --action) action=$2 ;;
    --environment) environment=$2 ;;
    --target) target=$2 ;;
    --reason) reason=$2 ;;
    --window) window=$2 ;;
    --replaces) replaces=$2 ;;
    --key) key=$2 ;;
    --path) one_line "$2"; search_path=$2 ;;
    --patience) patience=$2 ;;
    --reach) reach=$2 ;;
    --file) one_line "$2"; files="$files$2$newline" ;;
    --env) shown="$shown$2$newline"; one_line "$2" ;;
    --secret-env) one_line "$2"; secrets="$secrets$2$newline" ;;
    --env-file) one_line "$2"; named_files="$named_files$2$newline" ;;
    --artifact) one_line "$2"; artifacts="$artifacts$2$newline" ;;
    --parameter) one_line "$2"; parameters="$parameters$2$newline" ;;
    --link) one_line "$2"; links="$links$2$newline" ;;
    --author) one_line "$2"; authors="$authors$2$newline" ;;
    *) wrong "there is no $1." ;;
  esac
  shift 2
done
for each in action environment target reason; do
  eval "[ -n \"\$$each\" ]" || wrong "--$each is missing."
done
[ $# -gt 0 ] || wrong "there is no command: it stands behind --."
[ -n "${MILESAGA_URL:-}" ] || wrong "MILESAGA_URL is not set."
for each in curl awk sed sort sha256sum realpath mktemp; do
  command -v "$each" >/dev/null || wrong "there is no $each here."
done
patience=$(seconds "$patience") || exit 97
reach=$(seconds "$reach") || exit 97
MILESAGA_URL=${MILESAGA_URL%/}

origin=$(pwd -P)
asking='' child='' pending='' ended_by='' signals=0 stop=''
stands='Nobody was asked, and nothing ran.'
kept=${XDG_STATE_HOME:-${HOME:-/nowhere}/.local/state}/milesaga/outcomes
kept=$kept/$(printf '%s' "$MILESAGA_URL" | sha256sum | cut -c1-16)
# shellcheck disable=SC2317,SC2329 # called by a trap
leave() {
  trap '' INT QUIT TERM HUP # what comes now leaves no copies behind, and hides not with what it ends
  [ -z "$asking" ] || kill "$asking" 2>/dev/null
  [ -z "$private" ] || { chmod -R u+rwx "$private" && rm -rf "$private"; }
}
trap leave EXIT
given_up() { say "Given up by a signal. $stands"; exit "$1"; }
wait_traps() {
  trap 'given_up 130' INT
  trap 'given_up 131' QUIT
  trap 'given_up 143' TERM
  trap 'given_up 129' HUP
}
private=''
wait_traps
private=$(mktemp -d) || wrong "there is no place for private copies."
payload=$private/payload
mkdir "$payload" "$private/home" "$private/variables"
: >"$private/variable-files"
: >"$private/environment"
: >"$private/files"
[ -n "$key" ] || key=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
attempt=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')

# ---- variables, copies, and their digest ----

while IFS= read -r each; do
  [ -n "$each" ] || continue
  name=${each%%=*}
  variable "$name" --env
  if [ "$name" = "$each" ]; then value_of "$name" --env; else value=${each#*=}; fi
  printf '%s' "$value" >"$private/variables/$name"
  printf '%s {"name":"%s","value":%s}\n' "$name" "$name" "$(json_string "$value")" >>"$private/environment"
done <<LINES
$shown
LINES
while IFS= read -r name; do
  [ -n "$name" ] || continue
  case $name in *=*) wrong "--secret-env takes a name alone: what stands on a command line is no secret." ;; esac
  variable "$name" --secret-env
  value_of "$name" --secret-env
  printf '%s' "$value" >"$private/variables/$name"
  sum=$(printf '%s\n%s=%s' "$key" "$name" "$value" | sha256sum)
  printf '%s {"name":"%s","salted_sha256":"%s"}\n' "$name" "$name" "${sum%% *}" >>"$private/environment"
done <<LINES
$secrets
LINES
while IFS= read -r each; do
  [ -n "$each" ] || continue
  name=${each%%=*}
  variable "$name" --env-file
  if [ "$name" = "$each" ]; then value_of "$name" --env-file; else value=${each#*=}; fi
  one_line "$value"
  case $value in /*) ;; *) value=$origin/$value ;; esac
  { [ -f "$value" ] && cp -- "$value" "$private/variables/$name"; } || wrong "$value is no file that can be copied."
  chmod 400 "$private/variables/$name"
  sum=$(sha256sum <"$private/variables/$name")
  printf '%s %s %s\n' "${sum%% *}" "$name" "$value" >>"$private/variable-files"
  printf '%s {"file_sha256":"%s","name":"%s"}\n' "$name" "${sum%% *}" "$name" >>"$private/environment"
done <<LINES
$named_files
LINES
variables=''
sort -o "$private/environment" "$private/environment"
while IFS= read -r each; do variables="$variables${variables:+,}${each#* }"; done <"$private/environment"

while IFS= read -r name; do
  [ -n "$name" ] || continue
  name=$(below "$name") || exit 97
  if [ -d "$name" ]; then
    [ -z "$(find "$name" ! -type f ! -type d)" ] ||
      wrong "$name holds links, or what else is no file: name the files that are meant."
    find "$name" -type f >"$private/found" || wrong "$name cannot be read."
    # shellcheck disable=SC2016 # it is the inner shell that expands
    empty=$(find "$name" -type d -exec sh -c 'for each; do
      [ -n "$(ls -A -- "$each")" ] || printf "%s\n" "$each"
    done' sh {} +)
    [ -z "$empty" ] || wrong "${empty%%"$newline"*} is empty, and what is copied are files."
    while IFS= read -r each; do copy "$each"; done <"$private/found"
  else
    copy "$name"
  fi
done <<LINES
$files
LINES
sort -u -o "$private/files" "$private/files"
find "$payload" -type d -exec chmod 500 {} +
asked_hashes=$(hashes "$payload") || wrong "the copies cannot be read."

# The original of a file, by whatever path, is not what is hashed: it may be changed until the last moment.
here=$(pwd -P) number=0
for each in "$@"; do
  inside=''
  case $each in
    .. | ../* | ./.. | ./../* | *=.. | *=../* | *=./.. | *=./../*)
      wrong "$each leads out of the copies' folder, in which the command runs: give it by --file." ;;
    /*) parent=$(cd "${each%/*}/" 2>/dev/null && pwd -P) && case $parent/ in
      "$here"/*) inside=${parent#"$here"}/${each##*/} inside=${inside#/} ;;
    esac ;;
  esac
  if [ -n "$inside" ] && { [ "$number" = 0 ] || grep -Fxq -- "$inside" "$private/files"; }; then
    wrong "$each names the original, which is not what is hashed: name it as ./$inside."
  fi
  number=$((number + 1))
done
# Folders by their whole names, and none of the asker's: what lies there may be changed until the last moment.
rest=$search_path:
while [ -n "$rest" ]; do
  folder=${rest%%:*} rest=${rest#*:}
  case $folder in /*) ;; *) wrong "--path: '$folder' is no folder named from the root." ;; esac
  case $(realpath -m -- "$folder" 2>/dev/null || printf '%s' "$folder")/ in
    "$here"/*) wrong "--path: $folder lies below the folder in which the gate was called." ;;
  esac
done
case $1 in
  /*) ;;
  */*)
    program=$(below "$1") || exit 97
    grep -Fxq -- "$program" "$private/files" ||
      wrong "$1 is not among the files: give it by --file, so that it is copied and hashed." ;;
  *) PATH=$search_path /bin/sh -c 'command -v -- "$1" >/dev/null' sh "$1" ||
    wrong "$1 is not in $search_path: name where it is by --path." ;;
esac

list=''
for each in "$@"; do list="$list${list:+,}$(json_string "$each")"; done
canonical="{\"argv\":[$list],\"artifacts\":["
list=''
sorted=$(printf '%s' "$artifacts" | sort -u)
while IFS= read -r each; do
  [ -n "$each" ] || continue
  name=${each%@sha256:*} sum=${each##*@sha256:}
  case $name in "$each" | '' | *@* | *[[:space:]]*) wrong "'$each' is no NAME@sha256:..." ;; esac
  case $sum in *[!0-9a-f]*) wrong "'$each' is no NAME@sha256:..." ;; esac
  [ ${#sum} = 64 ] || wrong "'$each' is no NAME@sha256:..."
  list="$list${list:+,}{\"digest\":\"sha256:$sum\",\"name\":$(json_string "$name")}"
done <<LINES
$sorted
LINES
canonical="$canonical$list],\"environment\":[$variables],\"files\":["
list=''
while IFS= read -r each; do
  [ -n "$each" ] || continue
  list="$list${list:+,}{\"path\":$(json_string "${each#*  }"),\"sha256\":\"${each%%  *}\"}"
done <<LINES
$asked_hashes
LINES
linked=$(object "$links") || exit 97
given=$(object "$parameters") || exit 97
canonical="$canonical$list],\"links\":$linked,\"parameters\":$given"
canonical="$canonical,\"search_path\":$(json_string "$search_path"),\"version\":2}"
digest=$(printf '%s' "$canonical" | sha256sum)
digest=sha256:${digest%% *}

body="{\"action\":$(json_string "$action"),\"environment\":$(json_string "$environment")"
body="$body,\"target\":$(json_string "$target"),\"reason\":$(json_string "$reason"),\"payload\":$canonical"
list=''
while IFS= read -r each; do
  [ -z "$each" ] || list="$list${list:+,}$(json_string "$each")"
done <<LINES
$authors
LINES
[ -z "$list" ] || body="$body,\"authors\":[$list]"
if [ -n "$window" ]; then
  case $window in */*) ;; *) wrong "'$window' is no window: FROM/UNTIL." ;; esac
  from=${window%%/*} until=${window#*/}
  body="$body,\"window\":{${from:+\"from\":$(json_string "$from")}${from:+${until:+,}}${until:+\"until\":$(json_string "$until")}}"
fi
[ -z "$replaces" ] || body="$body,\"replaces\":$(json_string "$replaces")"
[ -z "${MILESAGA_INITIATOR_TOKEN:-}" ] ||
  body="$body,\"initiator_token\":$(json_string "$MILESAGA_INITIATOR_TOKEN")"

# ---- ask, wait, grant, redeem ----

stands="The request stands: --key $key resumes it."
begun=$(now) answered=$begun held='' next=ask since=-1 request='' grants=0
while [ "$next" != run ]; do
  absent=''
  case $next in
    ask)
      printf '%s}' "$body" >"$private/body"
      ask POST /requests 30 "Idempotency-Key: $key"
      [ -z "$absent" ] || { pause 1; continue; }
      [ "$(member code)" != idempotency_key_reused ] ||
        end 95 "The key belongs to an ask for something else than what would run here."
      case $status in 200 | 201) ;; *) end 97 "$(problem 'The request was refused')$(way_on)" ;; esac
      mv "$private/answer" "$private/asked"
      tell_kept
      mv "$private/asked" "$private/answer"
      request=$(member id)
      case $request in '' | *[!A-Za-z0-9_.-]*) end 96 "The answer holds not what it must. Nothing ran." ;; esac
      look
      say "Request $request $state (digest $digest, key $key)."
      since=$revision
      if [ "$state" = pending ]; then next=watch; else next=grant; fi ;;
    watch)
      patient
      [ "$left" -le "$longest_watch" ] || left=$longest_watch
      query=''
      [ "$since" -lt 0 ] || query="?wait=$left&since=$since"
      asked_at=$(now)
      ask GET "/requests/$request$query" $((left + 10))
      [ -z "$absent" ] || { pause 1; continue; }
      case $status in
        200)
          look
          if [ "$state" != pending ] && { [ "$held" != not_approved ] || [ "$revision" != "$since" ]; }; then
            held='' next=grant
          elif [ "$(now)" = "$asked_at" ] && [ "$revision" = "$since" ]; then
            pause 1
          fi
          since=$revision ;;
        304) [ "$(now)" != "$asked_at" ] || pause 1 ;;
        *) end 96 "$(problem 'The request cannot be looked at')" ;;
      esac ;;
    grant)
      unchanged || end 95 "$changed is not what was asked for any more. Nothing ran."
      printf '{"digest":"%s"}' "$digest" >"$private/body"
      ask POST "/requests/$request/grant" 30
      [ -z "$absent" ] || { pause 1; continue; }
      if [ "$status" != 200 ]; then refused; continue; fi
      grant=$(member grant)
      [ -n "$grant" ] || end 96 "The answer holds not what it must. Nothing ran."
      grants=$((grants + 1))
      [ "$grants" -le 20 ] || end 95 "Grants are given and cannot be used."
      next=redeem ;;
    redeem)
      unchanged || end 95 "$changed is not what was asked for any more. Nothing ran."
      printf '{"grant":%s,"digest":"%s","target":%s}' "$(json_string "$grant")" "$digest" "$(json_string "$target")" \
        >"$private/body"
      # from here on a signal is the command's: one that comes now is handed over when it runs
      trap 'pending=TERM ended_by=130 signals=$((signals + 1))' INT
      trap 'pending=TERM ended_by=131 signals=$((signals + 1))' QUIT
      trap 'pending=TERM ended_by=143 signals=$((signals + 1))' TERM
      trap 'pending=HUP ended_by=129 signals=$((signals + 1))' HUP
      ask POST /grants/redeem 30 "Idempotency-Key: $attempt"
      if [ -n "$absent" ] || [ "$status" != 200 ]; then
        stands="The request stands: --key $key resumes it."
        [ -z "$absent" ] || stands="Nothing ran; whether the grant is used up, the request $request says."
        wait_traps
        [ -z "$pending" ] || given_up "$ended_by"
        if [ -n "$absent" ]; then pause 1; else refused; fi
        continue
      fi
      execution=$(member execution)
      case $execution in '' | *[!A-Za-z0-9_.-]*) end 96 "The answer holds not what it must. Nothing ran." ;; esac
      next=run ;;
  esac
done

# ---- run ----

# How it ended is kept on this machine from before it is told until somebody took it.
outcome() {
  printf '{"exit_code":%s,"summary":%s}' "$1" "$(json_string "$2")" >"$private/body"
  { mkdir -p "$kept" && cp "$private/body" "$kept/.$execution" && mv "$kept/.$execution" "$kept/$execution.json"; } 2>/dev/null
  answered=$(now) told_until=$(($(now) + reach)) reach=86400 wait_for=1
  while :; do
    ask POST "/executions/$execution/outcome" 10
    case $status in
      2??) rm -f "$kept/$execution.json"; return ;;
      404 | 409 | 413 | 422) rm -f "$kept/$execution.json"; break ;;
      403) break ;;
    esac
    if [ -n "$stop" ] || [ $(($(now) + wait_for)) -ge "$told_until" ]; then break; fi
    pause "$wait_for"
    [ "$wait_for" -ge 5 ] || wait_for=$((wait_for + 1))
  done
  say "Nobody took the outcome of execution $execution (exit code $1): the log will say that it is unknown."
  [ ! -f "$kept/$execution.json" ] || say "It is kept in $kept, and told by the next gate here."
}

if ! unchanged; then
  outcome 95 "$changed is not what was asked for any more. Nothing ran."
  end 95 "$changed is not what was asked for any more. Nothing ran."
fi
trap 'pending=TERM signals=$((signals + 1)); [ -z "$child" ] || kill -TERM "$child"' INT QUIT TERM
trap 'pending=HUP signals=$((signals + 1)); [ -z "$child" ] || kill -HUP "$child"' HUP
# Of the environment it finds what was named, and reads nothing: what comes in nobody has seen.
# shellcheck disable=SC2016 # it is the launcher that expands
launcher='folder=$1 files=$2
shift 2
for each in "$folder"/*; do
  name=${each##*/}
  [ -f "$each" ] || continue
  if /bin/grep -q "^[0-9a-f]* $name " "$files"; then value=$each.; else value=$(/bin/cat "$each"; printf .); fi
  export "$name=${value%.}"
done
exec "$@"'
(
  : >"$private/started"
  cd "$payload" || exit 95
  exec env -i LANG=C.UTF-8 "HOME=$private/home" "PATH=$search_path" "MILESAGA_PAYLOAD=$payload" \
    "MILESAGA_EXECUTION=$execution" "MILESAGA_REQUEST=$request" \
    /bin/sh -c "$launcher" sh "$private/variables" "$private/variable-files" "$@"
) </dev/null &
starting=$! tries=0
# it has our traps until its first command: a signal that came before would be lost
until [ -e "$private/started" ] || [ "$tries" -gt 10030 ]; do
  tries=$((tries + 1))
  [ "$tries" -lt 10000 ] || sleep 1
done
child=$starting
[ -z "$pending" ] || kill -"$pending" "$child"
while :; do
  heard=$signals
  wait "$child"
  code=$?
  [ "$signals" != "$heard" ] || break
done
child=''
trap 'stop=yes signals=$((signals + 1))' INT QUIT TERM HUP # how it ended is told once at least
outcome "$code" ''
[ "$code" -lt 90 ] || [ "$code" -gt 97 ] || { say "The command ended with $code, which would be read as the gate's."; code=90; }
exit "$code"
