#!/bin/sh
# rockon-sync.sh URL DIR: keeps a local copy of a published catalog up to date, with curl, jq, zstd,
# tar and sha256sum. URL is that of a tree, or of its head if it ends in .sha. DIR/current is a link
# to the catalog, replaced as a whole or not at all. docs/reference/protocol.md has the steps.
set -u
export LC_ALL=C
fail() { echo "rockon-sync.sh: $*" >&2; exit 1; }
[ $# -eq 2 ] || fail 'usage: rockon-sync.sh URL DIR'
dir=$2 old=$2/current work=$2/work packs=$2/packs
case $1 in *.sha) head_url=$1 ;; *) head_url=${1%/}/root.sha ;; esac
mirrors=${head_url%/*}/
mkdir -p "$work" || exit 1
exec 9>"$dir/lock"
flock -n 9 || fail "$dir: another update is running"
chmod -R u+rwX "$work" && rm -rf "$work" || exit 1
mkdir -p "$work/new" "$work/pack" "$packs" "$dir/staged" || exit 1
# get FILE LIMIT URL [OPTION...]: downloads at most LIMIT bytes. Prints the status and the last URL.
get() {
    target=$1 limit=$2 address=$3 && shift 3
    curl --fail --silent --show-error --location --max-redirs 5 --proto =http,https --max-time 300 \
        --connect-timeout 5 --speed-time 10 --speed-limit 100 --max-filesize "$limit" \
        --write-out '%{http_code} %{url_effective}' --output "$target" "$@" "$address" || return
    [ ! -e "$target" ] || [ "$(size_of "$target")" -le "$limit" ]
}
unzst() { zstd -dcq "$@" 2>/dev/null; }
size_of() { wc -c <"$1" | tr -d ' '; }
has_digest() { [ -f "$1" ] && [ "$(sha256sum <"$1" | cut -d ' ' -f 1)" = "$2" ]; }
keys() { sed -n -e 1d -e '/^$/q' -e 's/^# \([^ ]* .\)/\1/p' "$1"; }
value() { keys "$work/head" | sed -n "s/^$1 //p" | head -n 1; }
is_number() { case $1 in '' | *[!0-9]*) false ;; esac }
# larger A B: true if A is the larger number. They may have more than 63 bits.
larger() { [ "$1" != "$2" ] && [ "$(printf '%s\n' "$1" "$2" | sort -n | tail -n 1)" = "$1" ]; }
# The head: unchanged, refused, or something to fetch.
set --
if [ -e "$old/root.sha" ] && [ -s "$dir/etag" ]; then set -- --etag-compare "$dir/etag"; fi
answer=$(get "$work/head" 16384 "$head_url" --etag-save "$work/etag" "$@") ||
    fail "$head_url: cannot fetch the head"
if [ "${answer%% *}" = 304 ] || cmp -s "$work/head" "$old/root.sha"; then exit 0; fi
# A head that was redirected and kept its name has moved with its directory.
moved=${answer#* }
if [ "${moved##*/}" = "${head_url##*/}" ]; then mirrors="${moved%/*}/ $mirrors"; fi
line=$(head -n 1 "$work/head")
digest=$(echo "$line" | cut -c 1-64 | tr A-F a-f)
name=$(echo "$line" | cut -c 67- | grep . || echo root.json)
echo "$line" | grep -Eqx '[0-9a-fA-F]{64}( [ *].+)?' || fail "$head_url: not a head"
case /$name in */ | *//* | */.* | *:* | *\\* | *[[:cntrl:]]*) fail "$head_url: unsafe $name" ;; esac
[ -z "$(value requires)" ] || fail "$head_url: $(value requires) needs a newer client"
size=$(value size | grep . || echo 67108864) serial=$(value serial) url=$(value url)
is_number "${serial:-0}$size" || fail "$head_url: expected a number"
! larger "$size" 671088640 || size=671088640
mirrors="${url:+${url%/}/} $mirrors" by_sha=$(value by-sha)
old_digest='' old_serial='' old_name=root.json
if [ -e "$old/root.sha" ]; then
    old_digest=$(head -c 64 "$old/root.sha" | tr A-F a-f)
    old_serial=$(keys "$old/root.sha" | sed -n 's/^serial //p')
    old_name=$(head -n 1 "$old/root.sha" | cut -c 67- | grep . || echo root.json)
fi
if [ -n "$old_serial" ] && ! larger "${serial:-0}" "$old_serial"; then
    [ "$serial:$digest" = "$old_serial:$old_digest" ] ||
        fail "$head_url: expected a serial after $old_serial, got ${serial:-none}"
fi

# The manifest: JSON with safe paths. These definitions are in the language of jq.
# shellcheck disable=SC2016
JQ='
def merge($patch): if ($patch | type) != "object" then $patch else
    reduce ($patch | to_entries[]) as $e (if type == "object" then . else {} end;
        if $e.value == null then del(.[$e.key])
        else .[$e.key] = (.[$e.key] | merge($e.value)) end) end;
def sorted: if type == "array" then map(sorted) elif type != "object" then . else
    . as $all | reduce keys[] as $k ({}; .[$k] = ($all[$k] | sorted)) end;
def fields: ["url", "sha", "size", "updated", "names"] as $first | . as $all
    | reduce ($first - ($first - keys) + (keys - $first))[] as $k ({}; .[$k] = ($all[$k] | sorted));
def canonical: . as $all | ["{", ([keys[] | "\(tojson):\($all[.] | fields | tojson)"]
    | join(",\n") | select(. != "")), "}"] | join("\n");
def safe: ([split("/")[] | utf8bytelength] | max) <= 255 and utf8bytelength <= 1024
    and (test("[\\x{0}-\\x{1f}\\x{7f}-\\x{9f}\\\\:\\x{ad}\\x{61c}\\x{180e}\\x{200b}-\\x{200f}"
        + "\\x{2028}-\\x{202e}\\x{2060}-\\x{206f}\\x{feff}\\x{fff9}-\\x{fffb}"
        + "\\x{e0000}-\\x{e007f}]|(\\A|/)(\\.|/|\\z)") | not)
    and (ascii_downcase | split("/")[0] | IN("root.json", "root.sha", "root.v2.json",
        "root.v2.sha", "history.json", "by-sha", "packs", "keys", $name) | not);
def checked: if (.url | type == "string" and safe)
    and (.sha | type == "string" and test("\\A[0-9a-fA-F]{64}\\z"))
    and (.size | . == null or (type == "number" and . >= 0 and . == floor))
    then . else error("invalid entry") end;
def list: if length == 1 and (.[0] | type == "object") then .[0] else error("no manifest") end
    | to_entries | sort_by(.key)[] | .value | checked
    | "\(.sha | ascii_downcase) \(.size // 1048576) \(.url / "/" | map(@uri) | join("/")) \(.url)";
'
# take_manifest FILE: keeps the manifest, and the list of its files, if the head names it.
take_manifest() {
    has_digest "$1" "$digest" || return
    jq -rs --arg name "$name" "$JQ list" <"$1" >"$work/list" ||
        fail "$head_url: leads to an invalid manifest"
    mv "$1" "$work/manifest"
}
# fetch FILE LIMIT DIGEST PATH: fetches a file by digest, then by name, from each mirror.
fetch() {
    for mirror in $mirrors; do
        for place in ${by_sha:+"${by_sha%/}/$3"} "$4"; do
            get "$1" "$2" "$mirror$place" >/dev/null && has_digest "$1" "$3" && return
        done
    done
    fail "$4: expected a file of at most $2 bytes with the digest $3"
}

# Packs: one file that brings everything that is missing.
# download BASE: fetches a pack, or the rest of it. $pack is its file, and $whole once it is whole.
download() {
    pack=$packs/$1-$(echo "$digest" | cut -c 1-12).tar.zst whole=''
    bytes=$(value "pack $1" | cut -d ' ' -f 1)
    value "delta $1" | base64 -d >"$work/inline" 2>/dev/null
    # The delta in the head; one of another size is not the file.
    [ -s "$work/inline" ] && [ "$(size_of "$work/inline")" = \
        "${bytes:=$(size_of "$work/inline")}" ] && mv "$work/inline" "$pack"
    is_number "$bytes" && ! larger "$bytes" 1073741824 || return
    for mirror in $mirrors; do
        if [ -e "$pack" ] && [ "$(size_of "$pack")" -ge "$bytes" ]; then break; fi
        get "$pack" "$bytes" "${mirror}packs/${pack##*/}" --continue-at - >/dev/null
        # A server without ranges.
        if [ $? -eq 33 ]; then rm -f "$pack" && get "$pack" "$bytes" "$address" >/dev/null; fi
    done
    if [ ! -e "$pack" ] || [ "$(size_of "$pack")" -lt "$bytes" ]; then return 1; fi
    whole=$pack
    [ "$(size_of "$pack")" -eq "$bytes" ]
}
# unpack [LIMIT]: takes the files out of an archive of at most LIMIT bytes, by default what the list
# says. Files are compared with their digests before they are used; what is not a file goes.
unpack() {
    limit=${1:-$(awk '{ sum += $2 + 4096 } END { printf "%.0f", sum + 1048576 }' "$work/list")}
    head -c "$limit" | tar -xf - -C "$work/pack" --no-same-owner --no-same-permissions 2>/dev/null
    chmod -R u+rwX "$work/pack" && find "$work/pack" ! -type f ! -type d -delete
}
use_bundle() {
    download empty || return
    # First the manifest, which says how much there is.
    unzst "$pack" | unpack $((size + 65536))
    take_manifest "$work/pack/root.json" || return
    unzst "$pack" | unpack
}
use_delta() {
    download "$(echo "$old_digest" | cut -c 1-12)" || return
    first=$(first_frame "$pack") && head -c "$first" "$pack" | unzst | unpack 67108864
    set -- "$old/$old_name" "$work/pack/root.json.patch"
    jq -rn --arg name '' "$JQ input as \$a | input as \$b | \$a | merge(\$b) | canonical" "$@" \
        >"$work/patched" 2>/dev/null || return
    take_manifest "$work/patched" || return
    # The old versions of the files that changed, in order of the ids.
    jq -rn 'input as $a | input | keys[] as $id | select($a[$id] and $a[$id].sha != .[$id].sha)
        | $a[$id].url' "$1" "$work/manifest" >"$work/changed"
    while IFS= read -r file; do cat "$old/$file" || return; done <"$work/changed" >"$work/prefix"
    set -- "--patch-from=$work/prefix"
    if [ ! -s "$work/prefix" ] || [ "$(size_of "$work/prefix")" -gt 33554432 ]; then set --; fi
    tail -c +$((first + 1)) "$pack" | unzst "$@" | unpack
}
# first_frame FILE: prints the length of its first frame (RFC 8878, section 3.1.1).
first_frame() {
    od -An -v -tu1 "$1" | tr -s ' ' '\n' | awk 'NF { b[n++] = $1 } END {
        single = int(b[4] / 32) % 2; size = int(b[4] / 64); dictionary = b[4] % 4
        at = 6 - single + (dictionary == 3 ? 4 : dictionary) + (size ? 2 ^ size : single)
        do { header = b[at] + 256 * b[at + 1] + 65536 * b[at + 2]
            at += int(header / 2) % 4 == 1 ? 4 : 3 + int(header / 8)
        } while (header % 2 == 0 && at < n)
        print at + (int(b[4] / 4) % 2) * 4 }'
}

if [ -n "$old_digest" ]; then use=use_delta; else use=use_bundle; fi
resumed=$(find "$packs" -type f) whole=''
# A bad pack is dropped. One that was continued is fetched again, once.
if ! $use && [ -n "$whole" ] && rm -f "$whole" && [ -n "$resumed" ]; then $use; fi
[ -e "$work/manifest" ] || fetch "$work/fetched" "$size" "$digest" "$name"
[ -e "$work/manifest" ] || take_manifest "$work/fetched" || exit 1

# The files: there already, in the pack, left by an earlier run, or fetched.
while IFS= read -r row; do
    sha=${row%% *} row=${row#* }
    bytes=${row%% *} row=${row#* }
    place=${row%% *} path=${row#* }
    ! larger "$bytes" 16777216 || fail "$path: expected at most 16 MiB, got $bytes bytes"
    mkdir -p "$(dirname "$work/new/$path")" || exit 1
    held=$(grep -m 1 "^$sha " "$dir/list" 2>/dev/null | cut -d ' ' -f 4-)
    for file in "$old/$path" "$old/$held" "$work/pack/$path" "$dir/staged/$sha" ''; do
        if has_digest "$file" "$sha"; then break; fi
    done
    if [ -z "$file" ]; then
        file=$dir/staged/$sha
        fetch "$file" "$bytes" "$sha" "$place"
    fi
    cat "$file" >"$work/new/$path" || exit 1
done <"$work/list"
mkdir -p "$(dirname "$work/new/$name")"
cp "$work/manifest" "$work/new/$name" && cp "$work/head" "$work/new/root.sha" || exit 1

# The swap: a link that is replaced in one step.
case $(readlink "$old") in a) next=b ;; *) next=a ;; esac
rm -rf "${dir:?}/$next" && mv "$work/new" "$dir/$next" && sync &&
    ln -s "$next" "$work/current" && mv -T "$work/current" "$old" || exit 1
mv "$work/list" "$dir/list"
mv "$work/etag" "$dir/etag"
rm -rf "$work" "$packs" "$dir/staged"
