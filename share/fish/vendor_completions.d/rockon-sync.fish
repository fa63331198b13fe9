# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_rockon_sync_global_optspecs
    string join \n v/verbose h/help V/version
end

function __fish_rockon_sync_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_rockon_sync_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_rockon_sync_using_subcommand
    set -l cmd (__fish_rockon_sync_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -s v -l verbose -d 'Log each step; given twice, log each request'
complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -s V -l version -d 'Print version'
complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -f -a "publish" -d 'Publish a catalog as a tree of static files'
complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -f -a "check" -d 'Check definition files as publish does, before they are published'
complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -f -a "keygen" -d 'Generate a key pair to sign heads or key lists with'
complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -f -a "keys" -d 'Create, change, sign and show key lists, which replace keys'
complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -f -a "update" -d 'Update a store from its sources'
complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -f -a "import" -d 'Update one source of a store from a bundle, without network access'
complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -f -a "source" -d 'Add, remove and list the sources of a store'
complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -f -a "status" -d 'Show the state of each source of a store'
complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -f -a "verify" -d 'Verify the digests of a store\'s files and the signatures of its heads'
complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -f -a "list" -d 'List the definitions of a store'
complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -f -a "show" -d 'Print a definition as it was published'
complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -f -a "changes" -d 'List what an application must delete, rename and apply'
complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -l format -d 'The format of the catalog\'s files: rockon, jupdate, or files (every file of the directory)' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -l out -d 'Write the tree to this directory, or to a bucket of an S3-compatible store [default: DIR/v2]' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -l url -d 'The URL from which clients fetch everything but the head [default: the URL of the head]' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -l previous -d 'Continue the tree that is published at this location: fetch its serial, history and old versions first [default: the tree at --out]' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -l keep -d 'The number of publications that stay available to clients that are not up to date' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -l sign-key -d 'Sign the head with the private key in this file; can be given several times' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -l keys -d 'Publish this signed key list, which determines the keys that must sign heads from now on (see `rockon-sync keys`) [default: the published list]' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -l expires-in -d 'Let the head expire after this many days, so that clients notice if publishing stops [default: never]' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -l title -d 'The title of the page and of its feed [default: Catalog]' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -l dry-run -d 'Write nothing; print what would be published, written and deleted'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -l json -d 'Print JSON'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -l in-place -d 'Write the tree to the catalog directory itself, beside the files that older systems read'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -l initial -d 'Publish for the first time; required if there is no tree at --previous or in the bucket, refused if there is one'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -l unsigned -d 'Allow unsigned heads: publish a signed tree without a key, or continue an unsigned --previous tree with one'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -l page -d 'Write a web page and a feed of updates: index.html and updates.atom, or with --in-place root.v2.html and root.v2.atom; without this option, those of earlier runs are removed'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -l lenient -d 'Publish even if definitions are invalid: keep the last published version of each, and leave out those that were never published'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -l allow-mass-delete -d 'Publish even if more than half of the entries would be deleted'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -s v -l verbose -d 'Log each step; given twice, log each request'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand check" -l store -d 'Print which definitions of this store the files would override' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand check" -l local -d 'The directory of local definitions [default: STORE/local]' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand check" -l json -d 'Print JSON'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand check" -s v -l verbose -d 'Log each step; given twice, log each request'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand check" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keygen" -l out -d 'Write the private key to this file, which must not exist [default: standard output]' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keygen" -s v -l verbose -d 'Log each step; given twice, log each request'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keygen" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and not __fish_seen_subcommand_from new add remove sign show help" -s v -l verbose -d 'Log each step; given twice, log each request'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and not __fish_seen_subcommand_from new add remove sign show help" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and not __fish_seen_subcommand_from new add remove sign show help" -f -a "new" -d 'Write the first key list of a catalog, without signatures'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and not __fish_seen_subcommand_from new add remove sign show help" -f -a "add" -d 'Add keys to a draft, or write the next list after a signed one'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and not __fish_seen_subcommand_from new add remove sign show help" -f -a "remove" -d 'Remove keys from a draft, or write the next list after a signed one'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and not __fish_seen_subcommand_from new add remove sign show help" -f -a "sign" -d 'Sign a key list with private keys'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and not __fish_seen_subcommand_from new add remove sign show help" -f -a "show" -d 'Show the keys of a list, and who has signed it'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and not __fish_seen_subcommand_from new add remove sign show help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from new" -l root -d 'A public key that signs key lists, and is kept offline; can be given several times' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from new" -l head -d 'A public key that signs heads; can be given several times' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from new" -l root-threshold -d 'The number of root keys that must sign a key list' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from new" -l head-threshold -d 'The number of head keys that must sign a head' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from new" -l out -d 'Write the list to this file, which must not exist' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from new" -s v -l verbose -d 'Log each step; given twice, log each request'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from new" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from add" -l root -d 'A root key; `remove` also accepts its name or id; can be given several times' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from add" -l head -d 'A head key; `remove` also accepts its name or id; can be given several times' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from add" -l root-threshold -d 'The number of root keys that must sign a key list [default: as before]' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from add" -l head-threshold -d 'The number of head keys that must sign a head [default: as before]' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from add" -l out -d 'Write the list to this file, which must not exist; required if the list is signed [default: change the draft]' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from add" -s v -l verbose -d 'Log each step; given twice, log each request'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from remove" -l root -d 'A root key; `remove` also accepts its name or id; can be given several times' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from remove" -l head -d 'A head key; `remove` also accepts its name or id; can be given several times' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from remove" -l root-threshold -d 'The number of root keys that must sign a key list [default: as before]' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from remove" -l head-threshold -d 'The number of head keys that must sign a head [default: as before]' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from remove" -l out -d 'Write the list to this file, which must not exist; required if the list is signed [default: change the draft]' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from remove" -s v -l verbose -d 'Log each step; given twice, log each request'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from sign" -l sign-key -d 'Sign with the private key in this file; can be given several times' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from sign" -l previous -d 'The previous key list' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from sign" -l trust-key -d 'A public key that clients trust before they see their first list; can be given several times' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from sign" -s v -l verbose -d 'Log each step; given twice, log each request'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from sign" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from show" -l previous -d 'The previous key list' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from show" -l trust-key -d 'A public key that clients trust before they see their first list; can be given several times' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from show" -l json -d 'Print JSON'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Log each step; given twice, log each request'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from help" -f -a "new" -d 'Write the first key list of a catalog, without signatures'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add keys to a draft, or write the next list after a signed one'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Remove keys from a draft, or write the next list after a signed one'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from help" -f -a "sign" -d 'Sign a key list with private keys'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show the keys of a list, and who has signed it'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keys; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l store -d 'The directory of the store' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l mode -d 'Check local files by size and time (quick), check them by digest (verify), or fetch all of them again (full)' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l source -d 'A source: the URL or directory of a tree; can be given several times with different names, the highest priority first; the same name again adds a mirror [default: the sources in STORE/sources.toml, or else those of the last update]' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l trust-key -d 'Trust heads signed by this public key, and refuse unsigned ones; can be given several times; with NAME= only for this source [default: the keys of the last update]' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l token-env -d 'Send the token in this environment variable in the query of each request; with NAME= only to this source' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l token-name -d 'The name of the token in the query' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l header-env -d 'Send this header with the value in this environment variable; with NAME= only to this source' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l user -d 'The user name of HTTP authentication; requires --password-env' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l password-env -d 'The environment variable with the password of --user' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l timeout -d 'The time limit of the update, in seconds' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l lock-timeout -d 'The time to wait for another process that updates the same source, in seconds' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l check -d 'Only print what an update would do'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l full -d 'Same as --mode full'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l json -d 'Print JSON'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -s q -l quiet -d 'Print only errors and warnings'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l allow-mass-delete -d 'Update even if more than half of the entries would be deleted'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l allow-rollback -d 'Accept a head that is older than the current one'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l require-fresh -d 'Refuse an expired head'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -s v -l verbose -d 'Log each step; given twice, log each request'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand import" -l store -d 'The directory of the store' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand import" -l source -d 'The name of the source that the bundle belongs to' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand import" -l trust-key -d 'Trust heads signed by this public key, and refuse a bundle without such a head (root.sha) beside it; can be given several times [default: the keys of the last update]' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand import" -l json -d 'Print JSON'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand import" -s q -l quiet -d 'Print only errors and warnings'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand import" -l allow-mass-delete -d 'Update even if more than half of the entries would be deleted'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand import" -l allow-rollback -d 'Accept a head that is older than the current one'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand import" -l require-fresh -d 'Refuse an expired head'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand import" -s v -l verbose -d 'Log each step; given twice, log each request'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand import" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and not __fish_seen_subcommand_from add remove list help" -s v -l verbose -d 'Log each step; given twice, log each request'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and not __fish_seen_subcommand_from add remove list help" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and not __fish_seen_subcommand_from add remove list help" -f -a "add" -d 'Add a source'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and not __fish_seen_subcommand_from add remove list help" -f -a "remove" -d 'Remove a source'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and not __fish_seen_subcommand_from add remove list help" -f -a "list" -d 'List the sources, the highest priority first'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and not __fish_seen_subcommand_from add remove list help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -l store -d 'The directory of the store' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -l mirror -d 'A further mirror' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -l trust-key -d 'Trust heads signed by this public key, and refuse unsigned ones; can be given several times' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -l before -d 'Give the source the next higher priority than this one' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -l timeout -d 'The time limit of an update of this source, in seconds [default: --timeout of the update]' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -l token-env -d 'Send the token in this environment variable in the query of each request' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -l token-file -d 'Send the token in this file in the query of each request' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -l token-name -d 'The name of the token in the query [default: token]' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -l header-env -d 'Send this header with the value in this environment variable' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -l user -d 'The user name of HTTP authentication; requires --password-env or --password-file' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -l password-env -d 'The environment variable with the password of --user' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -l password-file -d 'The file with the password of --user' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -l first -d 'Give the source the highest priority [default: the lowest]'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -s v -l verbose -d 'Log each step; given twice, log each request'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from remove" -l store -d 'The directory of the store' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from remove" -l keep-data -d 'Keep its local copy, and its definitions in the catalog'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from remove" -s v -l verbose -d 'Log each step; given twice, log each request'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from list" -l store -d 'The directory of the store' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from list" -l json -d 'Print JSON'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Log each step; given twice, log each request'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add a source'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Remove a source'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the sources, the highest priority first'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand status" -l store -d 'The directory of the store' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand status" -l local -d 'The directory of local definitions [default: STORE/local]' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand status" -l json -d 'Print JSON'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand status" -s v -l verbose -d 'Log each step; given twice, log each request'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand status" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand verify" -l store -d 'The directory of the store' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand verify" -l local -d 'The directory of local definitions [default: STORE/local]' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand verify" -l json -d 'Print JSON'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand verify" -l repair -d 'First fetch damaged files again, from the sources of the last update'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand verify" -s v -l verbose -d 'Log each step; given twice, log each request'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand verify" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand list" -l store -d 'The directory of the store' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand list" -l local -d 'The directory of local definitions [default: STORE/local]' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand list" -l arch -d 'List only definitions for this architecture: amd64, arm64, arm/v7, ...' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand list" -l version -d 'List only definitions that run on this version of the system' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand list" -l format -d 'List only definitions of this format: rockon, jupdate, files' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand list" -l platform -d 'Consider only releases for this platform, given by name and version: "joomla 5.1"' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand list" -l stability -d 'Consider only releases of this stability or higher: dev, alpha, beta, rc, stable' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand list" -l updated-since -d 'List only definitions updated since this day (2026-01-31, in UTC) or time (RFC 3339)' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand list" -l json -d 'Print JSON'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand list" -l all -d 'Also list definitions that do not fit the machine, and those hidden by others of the same name, with the reason'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand list" -s v -l verbose -d 'Log each step; given twice, log each request'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand list" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand show" -l installed -d 'Print the steps to install it instead; FILE lists what is installed, as a JSON object of names and versions (or null); - reads standard input' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand show" -l store -d 'The directory of the store' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand show" -l local -d 'The directory of local definitions [default: STORE/local]' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand show" -l json -d 'Print JSON'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand show" -s v -l verbose -d 'Log each step; given twice, log each request'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand show" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand changes" -l applied -d 'The definitions that are applied, as a file with a JSON object of names and revisions; - reads standard input' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand changes" -l format -d 'List only changes of this format; with jupdate, FILE lists extensions with their installed versions, and those with an update are printed' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand changes" -l platform -d 'Consider only releases for this platform, given by name and version: "joomla 5.1"' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand changes" -l stability -d 'Consider only releases of this stability or higher: dev, alpha, beta, rc, stable' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand changes" -l store -d 'The directory of the store' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand changes" -l local -d 'The directory of local definitions [default: STORE/local]' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand changes" -l json -d 'Print JSON'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand changes" -s v -l verbose -d 'Log each step; given twice, log each request'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand changes" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and not __fish_seen_subcommand_from publish check keygen keys update import source status verify list show changes help" -f -a "publish" -d 'Publish a catalog as a tree of static files'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and not __fish_seen_subcommand_from publish check keygen keys update import source status verify list show changes help" -f -a "check" -d 'Check definition files as publish does, before they are published'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and not __fish_seen_subcommand_from publish check keygen keys update import source status verify list show changes help" -f -a "keygen" -d 'Generate a key pair to sign heads or key lists with'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and not __fish_seen_subcommand_from publish check keygen keys update import source status verify list show changes help" -f -a "keys" -d 'Create, change, sign and show key lists, which replace keys'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and not __fish_seen_subcommand_from publish check keygen keys update import source status verify list show changes help" -f -a "update" -d 'Update a store from its sources'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and not __fish_seen_subcommand_from publish check keygen keys update import source status verify list show changes help" -f -a "import" -d 'Update one source of a store from a bundle, without network access'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and not __fish_seen_subcommand_from publish check keygen keys update import source status verify list show changes help" -f -a "source" -d 'Add, remove and list the sources of a store'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and not __fish_seen_subcommand_from publish check keygen keys update import source status verify list show changes help" -f -a "status" -d 'Show the state of each source of a store'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and not __fish_seen_subcommand_from publish check keygen keys update import source status verify list show changes help" -f -a "verify" -d 'Verify the digests of a store\'s files and the signatures of its heads'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and not __fish_seen_subcommand_from publish check keygen keys update import source status verify list show changes help" -f -a "list" -d 'List the definitions of a store'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and not __fish_seen_subcommand_from publish check keygen keys update import source status verify list show changes help" -f -a "show" -d 'Print a definition as it was published'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and not __fish_seen_subcommand_from publish check keygen keys update import source status verify list show changes help" -f -a "changes" -d 'List what an application must delete, rename and apply'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and not __fish_seen_subcommand_from publish check keygen keys update import source status verify list show changes help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and __fish_seen_subcommand_from keys" -f -a "new" -d 'Write the first key list of a catalog, without signatures'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and __fish_seen_subcommand_from keys" -f -a "add" -d 'Add keys to a draft, or write the next list after a signed one'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and __fish_seen_subcommand_from keys" -f -a "remove" -d 'Remove keys from a draft, or write the next list after a signed one'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and __fish_seen_subcommand_from keys" -f -a "sign" -d 'Sign a key list with private keys'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and __fish_seen_subcommand_from keys" -f -a "show" -d 'Show the keys of a list, and who has signed it'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and __fish_seen_subcommand_from source" -f -a "add" -d 'Add a source'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and __fish_seen_subcommand_from source" -f -a "remove" -d 'Remove a source'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and __fish_seen_subcommand_from source" -f -a "list" -d 'List the sources, the highest priority first'
