#!/usr/bin/env bash
# Whether man reads the pages, and the shells their completions. What they say is compared by a test of the
# crate, `cli::generated`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../share"

if command -v mandoc >/dev/null; then
    # Without a date, so that a page changes only when the command does.
    said=$(mandoc -T lint -W warning man/man1/*.1 | grep -vF 'missing date' || true)
    [[ -z $said ]] || { echo "$said"; exit 1; }
    echo 'mandoc reads the man pages'
else
    echo 'SKIPPED: man pages: mandoc is missing; on Debian: apt-get install mandoc'
fi

# offers WORD SAID: what a shell has said completes a word.
offers() {
    if ! grep -qw -- "$1" <<<"$2"; then
        echo "no completion offers $1; what is offered: $2"
        exit 1
    fi
}

# completed_by_bash WORDS...: what completes the last of the words.
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
    echo 'zsh reads its completions'
else
    echo 'SKIPPED: completions for zsh: zsh is missing'
fi
if command -v fish >/dev/null; then
    completions=fish/vendor_completions.d/rockon-sync.fish
    offers update "$(fish -c "source $completions; complete -C 'rockon-sync up'")"
    offers --source "$(fish -c "source $completions; complete -C 'rockon-sync update --so'")"
    echo 'fish completes'
else
    echo 'SKIPPED: completions for fish: fish is missing'
fi
