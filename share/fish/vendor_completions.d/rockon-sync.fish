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

complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -s v -l verbose -d 'Say more about what is being done (twice: every request)'
complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -s V -l version -d 'Print version'
complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -f -a "publish" -d 'Turn a catalog into a tree of static files, to be served'
complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -f -a "update" -d 'Bring a store in step with its sources'
complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -f -a "import" -d 'Bring a source of a store in step with a bundle, without a network'
complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -f -a "list" -d 'List the definitions of a store'
complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -f -a "show" -d 'Print a definition as it was published'
complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -f -a "status" -d 'Show what a store holds of each source'
complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -f -a "verify" -d 'Compare every file of a store with its digest, and its heads with the trusted keys'
complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -f -a "changes" -d 'Tell an application what to apply and what to delete'
complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -f -a "source" -d 'Add, remove and list the sources that a store follows'
complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -f -a "check" -d 'Check definition files as publish does, and say what they would override'
complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -f -a "keygen" -d 'Make a pair of keys: one to sign heads with, one to be trusted'
complete -c rockon-sync -n "__fish_rockon_sync_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -l format -d 'What its files are: rockon, jupdate, or files (of any kind, all that are in the directory)' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -l out -d 'Where the tree goes [default: DIR/v2]' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -l url -d 'The URL that clients fetch everything but the head from' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -l keep -d 'How many publications stay available to clients that are behind' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -l expires-in -d 'Let the head expire, so that clients notice when nobody publishes any more' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -l sign-key -d 'Sign the head with the private key in this file; given several times, each signs it' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -l in-place -d 'Put the tree into the directory itself, beside what older systems read'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -l page -d 'Write a page for people as well, and a feed of its updates: index.html and updates.atom, or with --in-place root.v2.html and root.v2.atom; without this, earlier ones are removed'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -l lenient -d 'Publish in spite of bad definitions: keep the last published version of each, and leave out what was never published'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -l allow-mass-delete -d 'Publish even if more than half of the catalog is gone'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -l json -d 'Print one JSON object'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -s v -l verbose -d 'Say more about what is being done (twice: every request)'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand publish" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l store -d 'The directory of the store' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l source -d 'A tree to follow: URL or directory; NAME= tells several apart, the first having the highest priority, and the same name again is a mirror [default: STORE/sources.toml, or without it the sources of the last update]' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l trust-key -d 'Take only a head signed by this key, or by another one given like this; with NAME= it is for that source alone [default: the keys of the last update]' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l token-env -d 'Send the token in this environment variable with each request, in the query' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l token-name -d 'What the token is called in the query' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l header-env -d 'Send a header whose value is in this environment variable' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l user -d 'The user to log in as, with --password-env' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l password-env -d 'The environment variable with the password' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l timeout -d 'The longest an update may take' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l wait -d 'How long to wait while another process updates the same source' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l check -d 'Only say what an update would do'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l full -d 'Distrust everything local and fetch it all again'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l allow-mass-delete -d 'Go on even if more than half of the catalog is gone'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l allow-rollback -d 'Apply a head that is older than the one held'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l require-fresh -d 'Refuse a head that is past its expiry'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -l json -d 'Print one JSON object'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -s q -l quiet -d 'Print nothing but errors'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -s v -l verbose -d 'Say more about what is being done (twice: every request)'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand update" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand import" -l store -d 'The directory of the store' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand import" -l source -d 'The source that the bundle is of' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand import" -l trust-key -d 'Take only a bundle whose head, root.sha beside it, was signed by this key, or another one given like this [default: the keys of the last update]' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand import" -l allow-mass-delete -d 'Go on even if more than half of the catalog is gone'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand import" -l allow-rollback -d 'Apply a head that is older than the one held'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand import" -l require-fresh -d 'Refuse a head that is past its expiry'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand import" -l json -d 'Print one JSON object'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand import" -s q -l quiet -d 'Print nothing but errors'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand import" -s v -l verbose -d 'Say more about what is being done (twice: every request)'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand import" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand list" -l store -d 'The directory of the store' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand list" -l local -d 'The directory of definitions put there by hand [default: STORE/local]' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand list" -l arch -d 'Leave out what is not for this processor: amd64, arm64, arm/v7, ...' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand list" -l version -d 'Leave out what needs a later version of the system than this one' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand list" -l format -d 'Only what is of this format: rockon, jupdate, files' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand list" -l platform -d 'Of extensions, only releases for this platform, name and version: "joomla 5.1"' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand list" -l stability -d 'Of extensions, only releases that are this stable or more: dev, alpha, beta, rc, stable' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand list" -l updated-since -d 'Only what has been updated since this day, or moment (RFC 3339)' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand list" -l json -d 'Print JSON'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand list" -l all -d 'Also what does not fit and what others of the same name hide, with the reason'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand list" -s v -l verbose -d 'Say more about what is being done (twice: every request)'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand list" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand show" -l installed -d 'Say what has to be installed with it, given what is installed already: a file with a JSON object, name to version or null; - reads standard input' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand show" -l store -d 'The directory of the store' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand show" -l local -d 'The directory of definitions put there by hand [default: STORE/local]' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand show" -l json -d 'Print JSON'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand show" -s v -l verbose -d 'Say more about what is being done (twice: every request)'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand show" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand status" -l store -d 'The directory of the store' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand status" -l local -d 'The directory of definitions put there by hand [default: STORE/local]' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand status" -l json -d 'Print JSON'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand status" -s v -l verbose -d 'Say more about what is being done (twice: every request)'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand status" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand verify" -l store -d 'The directory of the store' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand verify" -l local -d 'The directory of definitions put there by hand [default: STORE/local]' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand verify" -l json -d 'Print JSON'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand verify" -l repair -d 'Fetch what is damaged again, from the sources of the last update'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand verify" -s v -l verbose -d 'Say more about what is being done (twice: every request)'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand verify" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand changes" -l applied -d 'What is applied: a file with a JSON object, name to revision; - reads standard input' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand changes" -l format -d 'Only what is of this format; with jupdate, FILE has extensions with their installed versions, and those that have an update are told' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand changes" -l platform -d 'Of extensions, only releases for this platform, name and version: "joomla 5.1"' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand changes" -l stability -d 'Of extensions, only releases that are this stable or more: dev, alpha, beta, rc, stable' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand changes" -l store -d 'The directory of the store' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand changes" -l local -d 'The directory of definitions put there by hand [default: STORE/local]' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand changes" -l json -d 'Print JSON'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand changes" -s v -l verbose -d 'Say more about what is being done (twice: every request)'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand changes" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and not __fish_seen_subcommand_from add remove list help" -s v -l verbose -d 'Say more about what is being done (twice: every request)'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and not __fish_seen_subcommand_from add remove list help" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and not __fish_seen_subcommand_from add remove list help" -f -a "add" -d 'Follow a further source'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and not __fish_seen_subcommand_from add remove list help" -f -a "remove" -d 'No longer follow a source'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and not __fish_seen_subcommand_from add remove list help" -f -a "list" -d 'Show what is followed, the highest priority first'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and not __fish_seen_subcommand_from add remove list help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -l store -d 'The directory of the store' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -l mirror -d 'A further mirror' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -l trust-key -d 'Take only a head that this key, or another one given like this, has signed' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -l before -d 'Give it the next higher priority than this source' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -l timeout -d 'The longest an update of it may take' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -l token-env -d 'Send the token in this environment variable with each request, in the query' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -l token-file -d 'The same with the token in a file' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -l token-name -d 'What the token is called in the query [default: token]' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -l header-env -d 'Send a header whose value is in this environment variable' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -l user -d 'The user to log in as, with --password-env or --password-file' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -l password-env -d 'The environment variable with the password' -r
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -l password-file -d 'The same with the password in a file' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -l first -d 'Give it the highest priority [default: the lowest]'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -s v -l verbose -d 'Say more about what is being done (twice: every request)'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from remove" -l store -d 'The directory of the store' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from remove" -l keep-data -d 'Keep what is held of it, in the catalog too'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from remove" -s v -l verbose -d 'Say more about what is being done (twice: every request)'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from list" -l store -d 'The directory of the store' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from list" -l json -d 'Print JSON'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more about what is being done (twice: every request)'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from help" -f -a "add" -d 'Follow a further source'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from help" -f -a "remove" -d 'No longer follow a source'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from help" -f -a "list" -d 'Show what is followed, the highest priority first'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand source; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand check" -l store -d 'A store: say what the files would override in its catalog' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand check" -l local -d 'The directory of definitions put there by hand [default: STORE/local]' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand check" -l json -d 'Print one JSON object'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand check" -s v -l verbose -d 'Say more about what is being done (twice: every request)'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand check" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keygen" -l out -d 'Where the private key goes; no file is ever overwritten [default: standard output]' -r -F
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keygen" -s v -l verbose -d 'Say more about what is being done (twice: every request)'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand keygen" -s h -l help -d 'Print help'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and not __fish_seen_subcommand_from publish update import list show status verify changes source check keygen help" -f -a "publish" -d 'Turn a catalog into a tree of static files, to be served'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and not __fish_seen_subcommand_from publish update import list show status verify changes source check keygen help" -f -a "update" -d 'Bring a store in step with its sources'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and not __fish_seen_subcommand_from publish update import list show status verify changes source check keygen help" -f -a "import" -d 'Bring a source of a store in step with a bundle, without a network'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and not __fish_seen_subcommand_from publish update import list show status verify changes source check keygen help" -f -a "list" -d 'List the definitions of a store'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and not __fish_seen_subcommand_from publish update import list show status verify changes source check keygen help" -f -a "show" -d 'Print a definition as it was published'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and not __fish_seen_subcommand_from publish update import list show status verify changes source check keygen help" -f -a "status" -d 'Show what a store holds of each source'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and not __fish_seen_subcommand_from publish update import list show status verify changes source check keygen help" -f -a "verify" -d 'Compare every file of a store with its digest, and its heads with the trusted keys'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and not __fish_seen_subcommand_from publish update import list show status verify changes source check keygen help" -f -a "changes" -d 'Tell an application what to apply and what to delete'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and not __fish_seen_subcommand_from publish update import list show status verify changes source check keygen help" -f -a "source" -d 'Add, remove and list the sources that a store follows'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and not __fish_seen_subcommand_from publish update import list show status verify changes source check keygen help" -f -a "check" -d 'Check definition files as publish does, and say what they would override'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and not __fish_seen_subcommand_from publish update import list show status verify changes source check keygen help" -f -a "keygen" -d 'Make a pair of keys: one to sign heads with, one to be trusted'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and not __fish_seen_subcommand_from publish update import list show status verify changes source check keygen help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and __fish_seen_subcommand_from source" -f -a "add" -d 'Follow a further source'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and __fish_seen_subcommand_from source" -f -a "remove" -d 'No longer follow a source'
complete -c rockon-sync -n "__fish_rockon_sync_using_subcommand help; and __fish_seen_subcommand_from source" -f -a "list" -d 'Show what is followed, the highest priority first'
