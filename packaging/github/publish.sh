#!/usr/bin/env bash
# The shell of `action.yml`, which describes the variables. Exits as `rockon-sync publish` does.
set -euo pipefail

scratch=$(mktemp -d "${RUNNER_TEMP:-/tmp}/rockon-sync.XXXXXX")
trap 'rm -r "$scratch"' EXIT

if ! command -v rockon-sync >/dev/null; then
    python3 -m venv "$scratch/venv"
    "$scratch/venv/bin/pip" install --quiet "rockon-sync${VERSION:+==$VERSION}"
    PATH=$scratch/venv/bin:$PATH
fi

options=(--out "$OUT" --json)
if [[ -n ${PREVIOUS-} ]]; then
    options+=(--previous "$PREVIOUS")
fi
case ${INITIAL:-false} in
true) options+=(--initial) ;;
false) ;;
*)
    echo "initial: expected true or false, got $INITIAL" >&2
    exit 2
    ;;
esac
if [[ -n ${SIGN_KEY-} ]]; then
    (umask 077 && printf '%s\n' "$SIGN_KEY" >"$scratch/key")
    options+=(--sign-key "$scratch/key")
fi
while IFS= read -r argument; do
    if [[ -n $argument ]]; then
        options+=("$argument")
    fi
done <<<"${ARGUMENTS-}"

rockon-sync publish "$CATALOG" "${options[@]}" | tee "$scratch/report.json"
python3 - "$scratch/report.json" >>"${GITHUB_OUTPUT:-/dev/stdout}" <<'PYTHON'
import json, sys

report = json.load(open(sys.argv[1]))
for key in ("outcome", "serial"):
    print(f"{key}={report[key]}")
PYTHON
