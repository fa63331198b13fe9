#!/usr/bin/env bash
# Checks that man can read the pages, and the shells their completions. A test of the crate,
# `cli::generated`, compares their contents.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../share"

if command -v mandoc >/dev/null; then
    # The pages have no date, so that they change only when the command does.
    warnings=$(mandoc -T lint -W warning man/man1/*.1 | grep -vF 'missing date' || true)
    [[ -z $warnings ]] || { echo "$warnings"; exit 1; }
    echo 'mandoc accepts the man pages'
else
    echo 'SKIPPED: man pages: mandoc is missing; on Debian: apt-get install mandoc'
fi

# offers WORD COMPLETIONS: fails if the completions do not include the word.
offers() {
    if ! grep -qw -- "$1" <<<"$2"; then
        echo "$1 is missing in the completions: $2"
        exit 1
    fi
}

# completed_by_bash WORDS...: prints the completions of the last word.
completed_by_bash() {
    bash -c '
        . bash-completion/completions/rockon-sync
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
        _rockon__sync rockon-sync "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf "%s\n" "${COMPREPLY[@]}"
    ' bash rockon-sync "$@"
}
offers update "$(completed_by_bash up)"
offers --source "$(completed_by_bash update --so)"
offers add "$(completed_by_bash source '')"
echo 'bash completes'

if command -v zsh >/dev/null; then
    zsh -n zsh/site-functions/_rockon-sync
    echo 'zsh accepts its completions'
else
    echo 'SKIPPED: completions for zsh: zsh is missing; on Debian: apt-get install zsh'
fi
if command -v fish >/dev/null; then
    completions=fish/vendor_completions.d/rockon-sync.fish
    offers update "$(fish -c "source $completions; complete -C 'rockon-sync up'")"
    offers --source "$(fish -c "source $completions; complete -C 'rockon-sync update --so'")"
    echo 'fish completes'
else
    echo 'SKIPPED: completions for fish: fish is missing; on Debian: apt-get install fish'
fi
