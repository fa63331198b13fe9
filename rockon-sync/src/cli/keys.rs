//! `keys`: key lists in files, without a network.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::args::{
    KeysBeforeArgs, KeysCommand, KeysEditArgs, KeysNewArgs, KeysShowArgs, KeysSignArgs,
};
use super::output::{Output, note_warning};
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::files::{Privacy, RealFiles, read_private, write_atomically};
use crate::base::limits::MAX_KEY_LIST_BYTES;
use crate::tree::note::{KeyList, KeyRole, SignedKeyList, SigningKey, VerifierKey};

pub(super) fn run(command: KeysCommand, out: &mut Output) -> Result<u8> {
    match command {
        KeysCommand::New(args) => new(&args),
        KeysCommand::Add(args) => edit(&args, add),
        KeysCommand::Remove(args) => edit(&args, remove),
        KeysCommand::Sign(args) => sign(&args),
        KeysCommand::Show(args) => return show(&args, out),
    }
    .map(|()| 0)
}

fn new(args: &KeysNewArgs) -> Result<()> {
    let root = KeyRole::new(public_keys(&args.root)?, args.root_threshold);
    let head = KeyRole::new(public_keys(&args.head)?, args.head_threshold);
    let list = KeyList::new(&args.name, 1, root, head)?;
    create(&args.out, &SignedKeyList::unsigned(list))
}

/// Changes the keys of a role.
type Edit = fn(&mut KeyRole, &[String]) -> Result<()>;

fn edit(args: &KeysEditArgs, change: Edit) -> Result<()> {
    let old = read(&args.list)?;
    let at = |error: Error| error.with_path(&args.list);
    let version = match (old.is_signed(), &args.out) {
        (false, _) => old.list().version(),
        (true, None) => {
            let message = "this list is signed and cannot be changed; write the next one to a file";
            return Err(at(Error::new(ErrorKind::Argument, message)));
        }
        (true, Some(_)) => {
            // Otherwise, the next list would skip this one.
            old.check_itself().map_err(at)?;
            old.list().version().checked_add(1).ok_or_else(|| {
                at(Error::new(ErrorKind::Trust, "the version has reached its maximum"))
            })?
        }
    };
    let (mut root, mut head) = (old.list().root().clone(), old.list().head().clone());
    change(&mut root, &args.root)?;
    change(&mut head, &args.head)?;
    root.threshold = args.root_threshold.unwrap_or(root.threshold);
    head.threshold = args.head_threshold.unwrap_or(head.threshold);
    let new = SignedKeyList::unsigned(KeyList::new(old.list().name(), version, root, head)?);
    match &args.out {
        Some(path) => create(path, &new),
        None => write_atomically(&RealFiles, &args.list, new.as_str().as_bytes()),
    }
}

fn add(role: &mut KeyRole, texts: &[String]) -> Result<()> {
    role.keys.extend(public_keys(texts)?);
    Ok(())
}

fn remove(role: &mut KeyRole, texts: &[String]) -> Result<()> {
    for text in texts {
        let is_meant =
            |key: &VerifierKey| [key.name(), &key.id(), &key.to_string()].contains(&&**text);
        let before = role.keys.len();
        role.keys.retain(|key| !is_meant(key));
        match before - role.keys.len() {
            1 => {}
            0 => {
                let message = format!("no key {text} in this role of the list");
                return Err(Error::new(ErrorKind::NotFound, message));
            }
            several => {
                let message = format!("{text}: expected one key, got {several}; name it by its id");
                return Err(Error::new(ErrorKind::Argument, message));
            }
        }
    }
    Ok(())
}

fn sign(args: &KeysSignArgs) -> Result<()> {
    let list = read(&args.list)?;
    let mut allowed = list.list().root().keys.clone();
    match Before::read(&args.before)? {
        Before::Unknown => {}
        Before::List(previous) => {
            list.check_place_after(previous.list()).map_err(|error| error.with_path(&args.list))?;
            allowed.extend(previous.list().root().keys.iter().cloned());
        }
        Before::Keys(keys) => allowed.extend(keys),
    }
    let keys = args.sign_key.iter().map(|path| private_key(path, &allowed, &list));
    let signed = list.sign(&keys.collect::<Result<Vec<_>>>()?)?;
    write_atomically(&RealFiles, &args.list, signed.as_str().as_bytes())
}

/// Reads a private key whose signature counts for the list.
fn private_key(path: &Path, allowed: &[VerifierKey], list: &SignedKeyList) -> Result<SigningKey> {
    let (key, privacy) = SigningKey::read_with_privacy(path)?;
    if privacy == Privacy::Shared {
        note_warning(format!("{}: other users can access this private key", path.display()));
    }
    match allowed.contains(key.verifier_key()) {
        true => Ok(key),
        false => {
            let (id, version) = (key.verifier_key().id(), list.list().version());
            let known = match version {
                1 => "or a key that clients trust today (--trust-key)",
                _ => "or of the previous list (--previous)",
            };
            let message = format!("{id}: expected a root key of key list {version}, {known}");
            Err(Error::new(ErrorKind::Trust, message).with_path(path))
        }
    }
}

fn show(args: &KeysShowArgs, out: &mut Output) -> Result<u8> {
    let list = read(&args.list)?;
    let before = Before::read(&args.before)?;
    let checked = match &before {
        Before::Unknown => list.check_itself(),
        Before::List(previous) => list.check_after(previous.list()),
        Before::Keys(keys) => list.check_first(keys),
    };
    let problem = checked.as_ref().err().map(ToString::to_string);
    let signers = list.signers(&list.list().root().keys)?;
    let (root, head) = (list.list().root(), list.list().head());
    if args.json {
        let mut value = list_json(list.list());
        value["signed_by"] = signers.iter().map(ToString::to_string).collect();
        value["problem"] = json!(problem);
        out.json(&value)?;
    } else {
        out.line(format!("{}, key list {}", list.list().name(), list.list().version()))?;
        out.line(format!("{} of {} root keys must sign a list:", root.threshold, root.keys.len()))?;
        for key in &root.keys {
            let signed = if signers.contains(&key) { "has signed" } else { "has not signed" };
            out.line(format!("  {}  {signed}", key.id()))?;
        }
        out.line(format!("{} of {} head keys must sign a head:", head.threshold, head.keys.len()))?;
        for key in &head.keys {
            out.line(format!("  {}", key.id()))?;
        }
        out.line(problem.as_deref().unwrap_or("signed by enough keys"))?;
    }
    // A draft is shown like any other list, unless somebody asks if clients accept it.
    let is_refused = problem.is_some() && !matches!(before, Before::Unknown);
    Ok(if is_refused { ErrorKind::Trust.exit_code() } else { 0 })
}

/// Returns a key list as JSON.
pub(super) fn list_json(list: &KeyList) -> Value {
    let role = |role: &KeyRole| {
        let keys: Vec<String> = role.keys.iter().map(ToString::to_string).collect();
        json!({"threshold": role.threshold, "keys": keys})
    };
    json!({
        "name": list.name(),
        "version": list.version(),
        "root": role(list.root()),
        "head": role(list.head()),
    })
}

/// The keys that clients trust before they see a list.
enum Before {
    Unknown,
    List(SignedKeyList),
    Keys(Vec<VerifierKey>),
}

impl Before {
    fn read(args: &KeysBeforeArgs) -> Result<Before> {
        Ok(match &args.previous {
            Some(path) => Before::List(read(path)?),
            None if args.trust_key.is_empty() => Before::Unknown,
            None => Before::Keys(public_keys(&args.trust_key)?),
        })
    }
}

fn read(path: &Path) -> Result<SignedKeyList> {
    let (bytes, _) = read_private(path, MAX_KEY_LIST_BYTES)?;
    SignedKeyList::parse_draft(&bytes).map_err(|error| error.with_path(path))
}

/// Writes a list to a new file.
fn create(path: &Path, list: &SignedKeyList) -> Result<()> {
    let create = || {
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(list.as_str().as_bytes())?;
        file.sync_all()
    };
    create().on("create this file", path)
}

fn public_keys(texts: &[String]) -> Result<Vec<VerifierKey>> {
    texts.iter().map(|text| text.parse()).collect()
}
