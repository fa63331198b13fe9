#!/usr/bin/env bash
# Runs the checks of the project, continues after failures, and ends with a count over all of them.
#
#     run.sh gates    formatting, lints, dependencies, packaging, spelling, ...
#     run.sh tests    all tests
#     run.sh          both
#
# A check without tests of its own counts as one. Checks that cannot run are reported and counted as
# skipped. Exits with 1 if anything failed.
#
# Needs cargo and a C compiler. Other tools come from Debian packages (see tools.sh): as root on
# Debian, missing ones are installed; otherwise they are reported.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

# shellcheck source=tests/tools.sh
. tests/tools.sh

# Exit code of a part that could not run at all (the convention of automake).
readonly SKIPPED=77

readonly LOGS=build/test-logs

# One line per part: its name, the numbers of passed, failed and skipped tests, and seconds.
readonly RESULTS=$LOGS/results

main() {
    local group package
    if (($# == 0)); then
        set -- gates tests
    fi
    for group in "$@"; do
        if [[ $group != gates && $group != tests ]]; then
            echo "usage: $0 [gates] [tests]" >&2
            exit 2
        fi
    done
    mkdir -p "$LOGS"
    : >"$RESULTS"
    # Colours would disturb the counters.
    export CARGO_TERM_COLOR=never

    heading 'tools'
    if ! command -v cargo; then
        echo 'cargo is missing: install Rust from https://rustup.rs'
        record cargo 0 1 0 0
        summary
    fi
    provide_tools "$@"
    for package in "${missing[@]}"; do
        echo "SKIPPED: checks that need $package; on Debian: apt-get install $package"
        record "no $package" 0 0 1 0
    done
    for group in "$@"; do
        "$group"
    done
    summary
}

gates() {
    if has_component fmt rustfmt; then
        part formatting count_one cargo fmt --all --check
    fi
    if has_component clippy clippy; then
        part clippy count_one \
            cargo clippy --workspace --all-targets --all-features -- -D warnings
    fi
    part documentation count_one \
        env RUSTDOCFLAGS='-D warnings' cargo doc --workspace --all-features --no-deps
    part layers count_gate tests/gates/layers.sh
    part features count_gate tests/gates/features.sh
    part prose count_gate tests/gates/prose.sh
    part dependencies count_gate tests/gates/dependencies.sh
    part packaging count_gate tests/gates/package.sh
    part public-api count_gate tests/gates/public-api.sh
    part docs-rs count_gate tests/gates/docs-rs.sh
    part semver count_gate tests/gates/semver.sh
    part shell count_gate tests/gates/shell.sh
    part python-style count_gate tests/gates/python.sh
    part spelling count_gate tests/gates/spelling.sh
    part share count_gate tests/gates/share.sh
    part units count_gate systemd/check.sh
}

tests() {
    # The real catalog's history is not part of the project.
    local only=() but=()
    if [[ ! -d ${ROCKON_REGISTRY_HISTORY:-../shared/registry} ]]; then
        leave_out history history:: 3 \
            'no history of the catalog (set ROCKON_REGISTRY_HISTORY to its directory)'
    fi
    if ! strace -qq -o /dev/null true 2>/dev/null; then
        leave_out 'kill points' killed_at_any_system_call 2 'strace is missing or not permitted'
    fi
    if ! command -v python3 >/dev/null; then
        leave_out 'plain client' plain_client:: 3 'the plain client needs python3'
        leave_out vectors conformance:: 5 'the conformance vectors need python3'
    fi
    if ! type curl jq zstd flock >/dev/null 2>&1; then
        leave_out 'shell client' the_shell_client 1 'the shell client needs curl, jq, zstd and flock'
    fi
    if ! command -v zstd >/dev/null; then
        leave_out 'pages' every_command_of_every_page 1 'a command in the pages needs zstd'
    fi
    if ! unshare --map-root-user --mount mount -t tmpfs tmpfs /mnt 2>/dev/null; then
        leave_out 'small disks' disks:: 3 'mounting in a namespace is not permitted'
    fi
    if ! PATH=$PATH:/usr/sbin command -v nginx >/dev/null; then
        leave_out nginx nginx:: 1 'the heads behind nginx need the package nginx-light'
    fi
    if ! ROCKON_SYNC_S3_PYTHON=$(tests/s3/provide.sh); then
        leave_out s3 s3:: 6 'the store of the tests needs python3 and a package registry'
    fi
    export ROCKON_SYNC_S3_PYTHON
    heading 'compile'
    # The tests in C install the library from BUILT.
    local debug=${CARGO_TARGET_DIR:-target}/debug
    if cargo build --workspace --all-features --lib --bins --tests; then
        BUILT=$(realpath "$debug")
        export BUILT
    fi
    part doc-tests count_cargo_test cargo test --workspace --all-features --no-fail-fast --doc
    beside_the_rust_tests >"$LOGS/beside.log" 2>&1 &
    if cargo nextest --version >/dev/null 2>&1; then
        # Some tests wait for servers that are silent on purpose.
        part tests count_nextest \
            cargo nextest run --workspace --all-features --no-fail-fast \
            --test-threads "$(($(nproc) + 1))" "${only[@]}"
    else
        # --all-targets would include benches and exclude documentation tests.
        part tests count_cargo_test \
            cargo test --workspace --all-features --no-fail-fast --lib --bins --tests "${but[@]}"
    fi
    part demo count_one "$debug/demo" "$debug/rockon-sync"
    part bench count_pytest tests/bench/test.sh
    wait
    cat "$LOGS/beside.log"
}

# Runs parts that use about one core.
beside_the_rust_tests() {
    # One wheel serves Python and Django. If it cannot be built, each of them reports why.
    local wheel
    if wheel=$(PROFILE=dev rockon-sync-py/build-wheel.sh); then
        export ROCKON_SYNC_WHEEL=$wheel
    fi
    part python count_pytest tests/python/run.sh
    part django count_pytest tests/django/run.sh
    part page count_pytest tests/page/run.sh
    part recipes count_pytest tests/packaging/run.sh
}

# leave_out NAME TESTS COUNT REASON: excludes the tests whose names contain TESTS, and reports it.
# Adds to the caller's `only`, for nextest, and `but`, for cargo test.
leave_out() {
    echo "SKIPPED: $4"
    record "$1" 0 0 "$3" 0
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

# record NAME PASSED FAILED SKIPPED SECONDS: adds to the results.
record() {
    printf '%s\t%s\t%s\t%s\t%s\n' "${1// /-}" "${@:2}" >>"$RESULTS"
}

# part NAME COUNTER COMMAND...: runs a command under a heading. COUNTER reads its log and prints the
# numbers of passed, failed and skipped tests.
part() {
    local name=$1 counter=$2
    shift 2
    heading "$name"
    printf '$ %s\n' "$*"
    local log=$LOGS/$name.log start=$SECONDS status ok bad left
    "$@" 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    read -r ok bad left <<<"$("$counter" "$log" "$status")"
    if ((status == SKIPPED && ok + bad == 0)); then
        echo "SKIPPED: $name could not run"
        left=$((left > 0 ? left : 1))
    elif ((status != 0 && bad == 0)); then
        echo "FAILED: $name exited with $status"
        bad=1
    elif ((status == 0 && ok + bad + left == 0)); then
        echo "FAILED: $name succeeded without running any test"
        bad=1
    fi
    record "$name" "$ok" "$bad" "$left" $((SECONDS - start))
}

# count_one LOG STATUS: counts a check that passes or fails as a whole.
count_one() {
    if (($2 == 0)); then echo '1 0 0'; else echo '0 1 0'; fi
}

# count_gate LOG STATUS: like count_one, and counts the parts that the check reports as skipped.
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
# Expected failures count as skipped.
count_pytest() {
    local closing='^(=+ )?[0-9]+ [a-z]+.* in [0-9.]+s'
    echo "$(total "$1" "$closing" '(passed|xpassed)')" \
        "$(total "$1" "$closing" '(failed|errors?)')" \
        "$(total "$1" "$closing" '(skipped|xfailed)')"
}

# total LOG LINES WORDS: prints the sum of the numbers before WORDS in the matching lines.
total() {
    sed $'s/\x1b\\[[0-9;]*m//g' "$1" | grep -E "$2" | grep -oE "[0-9]+ $3\b" |
        awk '{ sum += $1 } END { print sum + 0 }'
}

# has_component COMMAND COMPONENT: fails and counts a skipped check if a Rust component is missing.
has_component() {
    if cargo "$1" --version >/dev/null 2>&1; then
        return 0
    fi
    heading "$1"
    echo "SKIPPED: cargo $1 is missing: rustup component add $2"
    record "$1" 0 0 1 0
    return 1
}

# Prints the result of each part and the sum, and ends the script.
summary() {
    heading 'summary'
    awk '
        { printf "%-14s %5d passed %5d failed %5d skipped %5d s\n", $1, $2, $3, $4, $5 }
        { passed += $2; failed += $3; skipped += $4 }
        END { print passed " passed, " failed " failed, " skipped " skipped"; exit failed > 0 }
    ' "$RESULTS"
    exit
}

main "$@"
