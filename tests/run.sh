#!/usr/bin/env bash
# Runs every check of the project, whatever fails on the way, and ends with a count over all of them.
#
# A check without tests of its own (formatting, lints, documentation) counts as one. What cannot run is
# said aloud and counted as skipped. Exits with 1 if anything failed.
#
#     run.sh [gates]     `gates`: only what is no test of what the project does
#
# Needs cargo and a C compiler. Other tools come from Debian packages (see tools.sh): as root on Debian,
# missing ones are installed; elsewhere it is said what is missing.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

# shellcheck source=tests/tools.sh
. tests/tools.sh

# Exit code by which a part says that it could not run at all (the convention of automake).
readonly SKIPPED=77

readonly LOGS=build/test-logs

# The gates: a name, and the script that says what it looks at. Formatting and clippy come before them.
readonly GATES='
dependencies  tests/gates/dependencies.sh
packaging     tests/gates/package.sh
public-api    tests/gates/public-api.sh
shell         tests/gates/shell.sh
python-style  tests/gates/python.sh
spelling      tests/gates/spelling.sh
share         tests/gates/share.sh
'

passed=0
failed=0
skipped=0
# One line a part, for the summary.
results=()

main() {
    rm -rf "$LOGS"
    mkdir -p "$LOGS"
    # Colours would only be in the way of counting.
    export CARGO_TERM_COLOR=never

    heading 'tools'
    if ! command -v cargo; then
        echo 'cargo is missing: install Rust from https://rustup.rs'
        record cargo 0 1 0
        summary
    fi
    # For every part, or for the gates alone.
    provide_tools ${1:+tests/gates/tools.sh}
    local package
    for package in "${missing[@]}"; do
        echo "SKIPPED: what needs $package; on Debian: apt-get install $package"
        record "no $package" 0 0 1
    done

    gates
    if [[ ${1-} != gates ]]; then
        tests
    fi
    summary
}

# What is no test of what the project does, and costs little.
gates() {
    if has_component fmt rustfmt; then
        part formatting count_one cargo fmt --all --check
    fi
    if has_component clippy clippy; then
        part clippy count_one \
            cargo clippy --workspace --all-targets --all-features -- -D warnings
    fi
    local name script
    while read -r name script <&3; do
        if [[ -n $name ]]; then
            part "$name" count_gate "$script"
        fi
    done 3<<<"$GATES"
}

tests() {
    # The real catalog's history is not part of the project.
    local only=() but=()
    if [[ ! -d ${ROCKON_REGISTRY_HISTORY:-../shared/registry} ]]; then
        leave_out history history:: 3 \
            'no history of the catalog (set ROCKON_REGISTRY_HISTORY to its folder)'
    fi
    if ! strace -qq -o /dev/null true 2>/dev/null; then
        leave_out 'kill points' killed_at_any_system_call 2 'strace may not trace processes here'
    fi
    if ! command -v python3 >/dev/null; then
        leave_out 'plain client' forty_lines 2 'the client in the page of the protocol needs python3'
    fi
    if ! command -v zstd >/dev/null; then
        leave_out 'pages' every_command_of_every_page 1 'a command in the pages needs zstd'
    fi
    if ! unshare --map-root-user --mount mount -t tmpfs tmpfs /mnt 2>/dev/null; then
        leave_out 'small disks' disks:: 3 'file systems may not be mounted here, in a namespace of their own'
    fi
    if cargo nextest --version >/dev/null 2>&1; then
        part tests count_nextest \
            cargo nextest run --workspace --all-features --no-fail-fast "${only[@]}"
    else
        # --all-targets would run benches as well, and no --doc tests: those come next.
        part tests count_cargo_test \
            cargo test --workspace --all-features --no-fail-fast --lib --bins --tests "${but[@]}"
    fi
    part doc-tests count_cargo_test cargo test --workspace --all-features --no-fail-fast --doc
    part documentation count_one \
        env RUSTDOCFLAGS='-D warnings' cargo doc --workspace --all-features --no-deps
    # One wheel serves both; without one, each says why it cannot be built.
    local name wheel
    if [[ -e rockon-sync-py/build-wheel.sh ]] && wheel=$(rockon-sync-py/build-wheel.sh); then
        export ROCKON_SYNC_WHEEL=$wheel
    fi
    for name in python django; do
        if [[ -e tests/$name/run.sh ]]; then
            part "$name" count_pytest bash "tests/$name/run.sh"
        fi
    done
    part page count_pytest tests/page/run.sh
    part bench count_pytest bash tests/bench/test.sh
    part units count_one systemd/check.sh
}

# leave_out NAME TESTS COUNT REASON: takes the tests whose names contain TESTS out of the run, aloud.
# It adds to the caller's `only`, for nextest, and `but`, for cargo test.
leave_out() {
    echo "SKIPPED: $4"
    record "$1" 0 0 "$3"
    if ((${#only[@]} == 0)); then
        only=(-E "not test($2)")
        but=(-- --skip "$2")
    else
        only[1]+=" and not test($2)"
        but+=(--skip "$2")
    fi
}

heading() {
    printf '\n==== %s ====\n' "$1"
}

# record NAME PASSED FAILED SKIPPED: adds to the count.
record() {
    passed=$((passed + $2))
    failed=$((failed + $3))
    skipped=$((skipped + $4))
    results+=("$(printf '%-14s %5d passed %5d failed %5d skipped' "$@")")
}

# part NAME COUNTER COMMAND...: runs a command under a heading. COUNTER reads its log and prints how many
# passed, failed and were skipped.
part() {
    local name=$1 counter=$2
    shift 2
    heading "$name"
    printf '$ %s\n' "$*"
    local log=$LOGS/$name.log status ok bad left
    "$@" 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    read -r ok bad left <<<"$("$counter" "$log" "$status")"
    if ((status == SKIPPED && ok + bad == 0)); then
        echo "SKIPPED: $name could not run"
        left=$((left > 0 ? left : 1))
    elif ((status != 0 && bad == 0)); then
        echo "FAILED: $name ended with exit code $status"
        bad=1
    elif ((status == 0 && ok + bad + left == 0)); then
        echo "FAILED: $name ended well but tells of no test"
        bad=1
    fi
    record "$name" "$ok" "$bad" "$left"
}

# count_one LOG STATUS: a check that passes or fails as a whole.
count_one() {
    if (($2 == 0)); then echo '1 0 0'; else echo '0 1 0'; fi
}

# count_gate LOG STATUS: the same, but what it says it has left out is counted as well.
count_gate() {
    local left
    left=$(grep -c '^SKIPPED: ' "$1")
    if (($2 == SKIPPED)); then echo "0 0 $left"; else echo "$(count_one "$1" "$2" | cut -d ' ' -f 1,2) $left"; fi
}

# Summary [ 1.2s] 9 tests run: 7 passed (1 slow), 1 failed, 1 timed out, 3 skipped
count_nextest() {
    echo "$(total "$1" '^ *Summary \[' 'passed')" \
        "$(total "$1" '^ *Summary \[' '(failed|timed out|exec failed)')" \
        "$(total "$1" '^ *Summary \[' 'skipped')"
}

# test result: ok. 7 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s
count_cargo_test() {
    echo "$(total "$1" '^test result:' 'passed')" \
        "$(total "$1" '^test result:' 'failed')" \
        "$(total "$1" '^test result:' 'ignored')"
}

# ==== 1 failed, 7 passed, 1 skipped, 1 error in 0.1s ====, without the signs if pytest is quiet.
# What is expected to fail has shown nothing, so it counts as skipped.
count_pytest() {
    local closing='^(=+ )?[0-9]+ [a-z]+.* in [0-9.]+s'
    echo "$(total "$1" "$closing" '(passed|xpassed)')" \
        "$(total "$1" "$closing" '(failed|errors?)')" \
        "$(total "$1" "$closing" '(skipped|xfailed)')"
}

# total LOG LINES WORDS: the sum of the numbers before these words, in the lines that match.
total() {
    sed $'s/\x1b\\[[0-9;]*m//g' "$1" | grep -E "$2" | grep -oE "[0-9]+ $3\b" |
        awk '{ sum += $1 } END { print sum + 0 }'
}

# Whether a part of the Rust toolchain is there; if not, what it would have done is skipped.
has_component() {
    if cargo "$1" --version >/dev/null 2>&1; then
        return 0
    fi
    heading "$1"
    echo "SKIPPED: cargo $1 is missing: rustup component add $2"
    record "$1" 0 0 1
    return 1
}

# Says what came of each part, and ends the script.
summary() {
    heading 'summary'
    printf '%s\n' "${results[@]}"
    echo "$passed passed, $failed failed, $skipped skipped"
    exit $((failed > 0))
}

main "$@"
