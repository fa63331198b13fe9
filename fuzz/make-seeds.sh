#!/usr/bin/env bash
# Creates the seeds of the fuzzers from two files of the sample catalog: published files, and a few
# inputs by hand that reach further code. Needs `make build` before.
#
# Inputs that made a fuzzer fail are added by hand, as `found-*`, and are kept.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
command=$PWD/${CARGO_TARGET_DIR:-target}/release/rockon-sync
[[ ${CARGO_TARGET_DIR:-} == /* ]] && command=$CARGO_TARGET_DIR/release/rockon-sync
command=${ROCKON_SYNC:-$command}
seeds=$PWD/fuzz/seeds
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT
export SOURCE_DATE_EPOCH=1795316645

seed() { # seed TARGET/NAME: writes standard input to a seed
    mkdir -p "$seeds/${1%/*}"
    cat >"$seeds/$1"
}

parts() { # parts FILE...: prints the files with separators
    local first=1 file
    for file in "$@"; do
        [[ $first ]] || printf '\n====\n'
        first=
        cat "$file"
    done
}

seed site/collection <<'XML'
<?xml version="1.0" encoding="ISO-8859-1"?>
<extensionset name="All"><category name="More" ref="more.xml"/>
<extension element="cache" type="plugin" folder="system" client="0" detailsurl="cache.xml?a=1&amp;b"/>
</extensionset>
XML
seed site/updates <<'XML'
<updates><update><name>Cache</name><element>cache</element><type>plugin</type><folder>system</folder>
<version>5.10-rc1</version><tags><tag>rc</tag></tags><infourl title="x">https://h.example/</infourl>
<downloads><downloadurl type="full" format="zip">https://h.example/a.zip</downloadurl></downloads>
<targetplatform name="joomla" version="((4\.4)|(5\.(0|1|2)))"/></update>
<update><element>com_shop</element><type>component</type><version>1</version><requires>a (&gt;= 1)</requires>
<targetplatform name="joomla" version="[345].*[a-z]?" min_dev_level="2"/></update></updates>
XML

# A key only for these seeds: its seed is 32 times 7.
echo 'PRIVATE+KEY+example.org/fuzz+d1d3d853+AQcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH' >"$scratch/key"
chmod 600 "$scratch/key"
mkdir "$scratch/catalog"
cp demo/catalog/{linkding,vaultwarden}.json "$scratch/catalog"
echo '{"linkding": "linkding.json", "vaultwarden": "vaultwarden.json"}' >"$scratch/catalog/root.json"
tree=$scratch/catalog/v2
"$command" publish "$scratch/catalog" --sign-key "$scratch/key" --expires-in 30 --url https://h.example/v2/ >/dev/null
seed head/published <"$tree/root.sha"
seed note/published <"$tree/root.sha"
trusted=example.org/fuzz+d1d3d853+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs
other=example.org/other+9ed722aa+AROY9ixtGkV8UbpqS189vS9p/KkyFiGNyJl+QWvRfZPK
"$command" keys new example.org/fuzz-lists --root "$trusted" --head "$other" --out "$scratch/list"
seed keys/draft <"$scratch/list"
"$command" keys sign "$scratch/list" --sign-key "$scratch/key"
seed keys/signed <"$scratch/list"
"$command" keys add "$scratch/list" --out "$scratch/next"
"$command" keys sign "$scratch/next" --sign-key "$scratch/key"
seed keys/second <"$scratch/next"
seed manifest/published <"$tree/root.json"
seed pack/bundle <"$(echo "$tree"/packs/empty-*)"
seed list/published <"$scratch/catalog/root.json"
seed definition/linkding <"$scratch/catalog/linkding.json"
cp "$tree/root.json" "$scratch/first.json"
cp "$scratch/catalog/linkding.json" "$scratch/first-linkding.json"

sed -i 's/"version": "[^"]*"/"version": "99"/' "$scratch/catalog/linkding.json"
"$command" publish "$scratch/catalog" >/dev/null 2>&1
to=$(head -c 12 "$tree/root.sha")
bundle=$tree/packs/empty-$to.tar.zst
delta=$(find "$tree/packs" -name "*-$to.tar.zst" ! -name 'empty-*')
parts "$delta" "$scratch/first-linkding.json" | seed pack/delta
parts "$scratch/first.json" "$tree/root.json" | seed manifest/two
: >"$scratch/none"
for twists in '' 0 p '%' '@a'; do
    printf '%s' "$twists" >"$scratch/twists"
    name=$(printf '%s' "$twists" | od -An -tx1 | tr -d ' ')
    parts "$scratch/twists" "$tree/root.sha" "$tree/root.json" "$bundle" \
        "$scratch"/catalog/{linkding,vaultwarden}.json | seed "update/packed-${name:-plain}"
done
printf '{"b":{"url":"b.json","sha":"@0"},"c d":{"url":"x/y.json","sha":"@1","size":9}}' >"$scratch/manifest"
echo '{"B":{"x":1}}' >"$scratch/b"
echo '{"C":{}}' >"$scratch/c"
parts "$scratch/none" "$scratch/none" "$scratch/manifest" "$scratch/none" "$scratch/b" "$scratch/c" | seed update/by-hand
printf '{"b":"b.json","c":"x/y.json"}' >"$scratch/v1"
printf '\025' >"$scratch/twists"
parts "$scratch/twists" "$scratch/none" "$scratch/v1" "$scratch/none" "$scratch/b" "$scratch/c" | seed update/without-head

printf '%064d\n' 0 | seed head/bare
printf '%064d  root.json\n# serial 18446744073709551615\n# by-sha a/b\n# pack empty 1\n# other x\n' 0 |
    seed head/by-hand
printf '{"a":{"url":"A/\\u00e9.json","sha":"%064d","size":0,"updated":"2026-02-11T11:51:41Z","names":[""],"x":{"b":[1e400,-0.0],"a":null}}}' 0 |
    seed manifest/by-hand
echo 'example.org/rockons+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW' | tr -d '\n' | seed note/key
tr -d '\n' <"$scratch/key" | seed note/private-key
printf '2026-11-22T03:04:05.5+01:00' | seed note/time
printf '{"a":"b.json","\\u0061":"b.json"}' | seed list/twice
printf '{"A":{"x":1,"x":[2e5]},"\\u0041":{}}' | seed definition/twice
printf 'https://me:pw@h.example:8443/a/../b%%2f/root.v2.sha?token=x#y' | seed path/url
printf 'sub folder/%%2e%%2e/seafile7+.json' | seed path/path
printf '//h.example/..;/\\x' | seed path/redirect
