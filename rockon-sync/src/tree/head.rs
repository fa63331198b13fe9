//! The head (`root.sha`): a small file with the digest of the manifest.
//!
//! ```text
//! <64 hexadecimal digits>  root.json
//! # serial 1287
//! # published 2026-11-22T03:04:05Z
//! # expires 2026-12-22T03:04:05Z
//! # keys 2
//! # size 14211
//! # url https://cdn.example.net/rockons/v2/
//! # by-sha by-sha/
//! # pack empty 38812
//! # pack 1a2b3c4d5e6f 412 180
//! # delta 1a2b3c4d5e6f KLUv/WAA...
//! ```
//!
//! `# delta` is the pack file of the delta from the previous publication, in Base64 (RFC 4648): a
//! client that has that publication needs no other request.
//!
//! `# keys` is the version of the key list whose keys have signed the head: see `note/list.rs`.
//!
//! `# requires <word>` makes clients that do not know the word refuse the head. No word is defined
//! yet.
//!
//! The first line has the format of `sha256sum`, for which the others are comments, so that
//! `sha256sum -c root.sha` works on any tree. A bare digest is a valid head.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result, excerpt};
use crate::base::limits::{MAX_HEAD_BYTES, MAX_LIST_BYTES, MAX_MANIFEST_BYTES};
use crate::base::path::EntryPath;
use crate::base::time::Timestamp;
use crate::tree::pack::{BUNDLE_BASE, is_base};

/// The name of the manifest if the head has none.
pub(crate) const DEFAULT_MANIFEST: &str = "root.json";

/// A head. Only the digest and the manifest's name are always present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub(crate) digest: Digest,
    pub(crate) manifest: EntryPath,
    pub(crate) serial: Option<u64>,
    pub(crate) published: Option<Timestamp>,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) keys: Option<u64>,
    pub(crate) size_bytes: Option<u64>,
    pub(crate) url: Option<String>,
    pub(crate) by_sha: Option<EntryPath>,
    pub(crate) packs: Vec<OfferedPack>,
    pub(crate) delta: Option<Box<InlineDelta>>,
}

/// A pack that the tree offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedPack {
    /// The first 12 digits of the digest of the manifest that a delta starts from; `None` for a
    /// bundle.
    pub base: Option<String>,
    /// The size of the pack file, in bytes.
    pub size_bytes: u64,
    /// The size of the first frame of a delta, in bytes: the rest is the second one.
    pub first_frame_bytes: Option<u64>,
}

/// A delta inside the head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlineDelta {
    /// The first 12 digits of the digest of the manifest that it starts from.
    pub base: String,
    /// The contents of the pack file.
    pub bytes: Vec<u8>,
}

impl Head {
    /// Returns a head with the required fields.
    pub fn new(digest: Digest, manifest: EntryPath) -> Head {
        Head {
            digest,
            manifest,
            serial: None,
            published: None,
            expires: None,
            keys: None,
            size_bytes: None,
            url: None,
            by_sha: None,
            packs: Vec::new(),
            delta: None,
        }
    }

    /// Parses a head. Ignores unknown keys and everything after the first empty line, where
    /// signatures start.
    ///
    /// # Errors
    /// [`ErrorKind::Head`] with the line, also for a known key with an invalid value;
    /// [`ErrorKind::Limit`] above [`MAX_HEAD_BYTES`].
    pub fn parse(bytes: &[u8]) -> Result<Head> {
        if bytes.len() as u64 > MAX_HEAD_BYTES {
            return Err(InvalidHead::TooLarge.into());
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|error| InvalidHead::Encoding { valid_up_to: error.valid_up_to() })?;
        let mut lines = (1..).zip(text.split('\n'));
        let (line, first) = lines.next().unwrap_or((1, ""));
        let (digest, manifest) = parse_first_line(first).map_err(|problem| problem.on(line))?;
        let mut head = Head::new(digest, manifest);
        let mut seen = Vec::new();
        for (line, text) in lines.take_while(|(_, text)| !text.is_empty()) {
            let Some((key, value)) = text.strip_prefix("# ").and_then(|rest| rest.split_once(' '))
            else {
                continue;
            };
            head.set(key, value).map_err(|problem| problem.on(line))?;
            if KNOWN_ONCE.contains(&key) {
                if seen.contains(&key) {
                    return Err(InvalidLine::Duplicate { key: key.to_owned() }.on(line).into());
                }
                seen.push(key);
            }
        }
        Ok(head)
    }

    /// Sets the field of one `# key value` line.
    fn set(&mut self, key: &str, value: &str) -> Result<(), InvalidLine> {
        let of_key = |problem| InvalidLine::Value { key: key.to_owned(), problem };
        let number = |value: &str| {
            let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
            let parsed = value.parse::<u64>().ok().filter(|_| digits);
            parsed.ok_or_else(|| InvalidLine::Number { key: key.to_owned(), got: value.to_owned() })
        };
        match key {
            "serial" => self.serial = Some(number(value)?),
            "published" => self.published = Some(value.parse().map_err(of_key)?),
            "expires" => self.expires = Some(value.parse().map_err(of_key)?),
            "keys" => self.keys = Some(number(value)?),
            "size" => self.size_bytes = Some(number(value)?),
            "requires" => return Err(InvalidLine::Requires { word: value.to_owned() }),
            "url" => self.url = Some(checked_url(value)?.to_owned()),
            "by-sha" => {
                let dir = value.strip_suffix('/').unwrap_or(value);
                self.by_sha = Some(EntryPath::new(dir).map_err(of_key)?);
            }
            "pack" => {
                let invalid = || InvalidLine::Pack { got: value.to_owned() };
                let mut parts = value.split(' ');
                let base = match parts.next() {
                    Some(BUNDLE_BASE) => None,
                    Some(base) if is_base(base) => Some(base.to_owned()),
                    _ => return Err(invalid()),
                };
                let size_bytes = number(parts.next().ok_or_else(invalid)?)?;
                // Later versions may append more.
                let first_frame_bytes = parts.next().map(number).transpose()?;
                // The first line of a base counts: two of them would be one file of two sizes.
                if self.packs.iter().all(|pack| pack.base != base) {
                    self.packs.push(OfferedPack { base, size_bytes, first_frame_bytes });
                }
            }
            "delta" => {
                let invalid = || InvalidLine::Delta { got: excerpt(value) };
                let (base, text) = value.split_once(' ').ok_or_else(invalid)?;
                let bytes = STANDARD.decode(text).ok().filter(|bytes| !bytes.is_empty());
                let bytes = bytes.filter(|_| is_base(base)).ok_or_else(invalid)?;
                self.delta = Some(Box::new(InlineDelta { base: base.to_owned(), bytes }));
            }
            _ => {}
        }
        Ok(())
    }

    /// Returns the digest of the manifest.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Returns the file name of the manifest, `root.json` by default.
    pub fn manifest(&self) -> &EntryPath {
        &self.manifest
    }

    /// Returns the number of this publication, which increases with each one.
    pub fn serial(&self) -> Option<u64> {
        self.serial
    }

    /// Returns the time of the publication.
    pub fn published(&self) -> Option<Timestamp> {
        self.published
    }

    /// Returns the time after which the head may no longer be the newest one.
    pub fn expires(&self) -> Option<Timestamp> {
        self.expires
    }

    /// Returns the version of the key list whose keys have signed the head, if there is one.
    pub fn keys(&self) -> Option<u64> {
        self.keys
    }

    /// Returns the size of the manifest, in bytes.
    pub fn size_bytes(&self) -> Option<u64> {
        self.size_bytes
    }

    /// Returns the base URL of all other files, by default the directory of the head.
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// Returns the limit of the manifest, in bytes.
    pub(crate) fn max_manifest_bytes(&self) -> u64 {
        self.size_bytes().unwrap_or(MAX_LIST_BYTES).min(MAX_MANIFEST_BYTES)
    }

    /// Returns the directory that also contains each file under its digest.
    pub fn by_sha(&self) -> Option<&EntryPath> {
        self.by_sha.as_ref()
    }

    /// Returns the packs that the tree offers.
    pub fn packs(&self) -> &[OfferedPack] {
        &self.packs
    }

    /// Returns the delta inside the head.
    pub fn delta(&self) -> Option<&InlineDelta> {
        self.delta.as_deref()
    }
}

/// Reserved names that a manifest may have.
const MANIFESTS: &[&str] = &[DEFAULT_MANIFEST, "root.v2.json"];

/// Keys that may occur only once.
const KNOWN_ONCE: &[&str] =
    &["serial", "published", "expires", "keys", "size", "url", "by-sha", "delta"];

/// Parses `<digest>  <file>` as `sha256sum` writes it, `<digest> *<file>` of its binary mode, or
/// the digest alone.
fn parse_first_line(line: &str) -> Result<(Digest, EntryPath), InvalidLine> {
    if line.is_empty() {
        return Err(InvalidLine::Empty);
    }
    if line.starts_with('<') {
        return Err(InvalidLine::Html);
    }
    let (digest, name) = match line.split_once(' ') {
        Some((digest, name)) => {
            let name = name.strip_prefix(' ').or_else(|| name.strip_prefix('*'));
            (digest, name.ok_or(InvalidLine::Spaces)?)
        }
        None => (line, DEFAULT_MANIFEST),
    };
    let manifest = EntryPath::new(name)?;
    // Another reserved name, such as that of the head, would be a second file of that name.
    if manifest.is_reserved() && !MANIFESTS.contains(&manifest.as_str()) {
        return Err(InvalidLine::Reserved { manifest });
    }
    Ok((digest.parse()?, manifest))
}

fn checked_url(text: &str) -> Result<&str, InvalidLine> {
    let url = url::Url::parse(text)
        .map_err(|problem| InvalidLine::Url { got: text.to_owned(), problem })?;
    let is_plain = url.username().is_empty() && url.password().is_none();
    match matches!(url.scheme(), "http" | "https") && is_plain {
        true => Ok(text),
        false => Err(InvalidLine::UrlForm),
    }
}

#[derive(Debug, thiserror::Error)]
enum InvalidHead {
    #[error("expected a head of at most {MAX_HEAD_BYTES} bytes, got more")]
    TooLarge,
    #[error("not a head: not UTF-8 at byte {valid_up_to}")]
    Encoding { valid_up_to: usize },
    #[error("not a head: line {line}: {problem}")]
    Line { line: u32, problem: InvalidLine },
}

#[derive(Debug, thiserror::Error)]
enum InvalidLine {
    #[error("expected a digest, got an empty line")]
    Empty,
    #[error("expected a digest, got an HTML page")]
    Html,
    #[error("expected two spaces after the digest")]
    Spaces,
    #[error("expected the name of a manifest, got the reserved name \"{manifest}\"")]
    Reserved { manifest: EntryPath },
    #[error("`requires`: {word:?} needs a newer client")]
    Requires { word: String },
    #[error("duplicate key `{key}`")]
    Duplicate { key: String },
    #[error("`{key}`: expected a whole number, got {got:?}")]
    Number { key: String, got: String },
    #[error("`url`: expected a URL, got {got:?}: {problem}")]
    Url { got: String, problem: url::ParseError },
    #[error("`url`: expected an http or https URL without credentials")]
    UrlForm,
    #[error("`pack`: expected a base and a size, got {got:?}")]
    Pack { got: String },
    #[error("`delta`: expected a base and Base64, got {got:?}")]
    Delta { got: String },
    #[error("`{key}`: {problem}")]
    Value { key: String, problem: Error },
    #[error(transparent)]
    FirstLine(#[from] Error),
}

impl InvalidLine {
    fn on(self, line: u32) -> InvalidHead {
        InvalidHead::Line { line, problem: self }
    }
}

impl From<InvalidHead> for Error {
    fn from(invalid: InvalidHead) -> Error {
        let kind = match invalid {
            InvalidHead::TooLarge => ErrorKind::Limit,
            _ => ErrorKind::Head,
        };
        Error::new(kind, invalid.to_string())
    }
}

impl fmt::Display for Head {
    /// Writes the text of the head.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}  {}", self.digest, self.manifest)?;
        let fields = [
            ("serial", self.serial.map(|serial| serial.to_string())),
            ("published", self.published.map(|time| time.to_string())),
            ("expires", self.expires.map(|time| time.to_string())),
            ("keys", self.keys.map(|version| version.to_string())),
            ("size", self.size_bytes.map(|len_bytes| len_bytes.to_string())),
            ("url", self.url.clone()),
            ("by-sha", self.by_sha.as_ref().map(|dir| format!("{dir}/"))),
        ];
        for (key, value) in fields {
            if let Some(value) = value {
                writeln!(f, "# {key} {value}")?;
            }
        }
        for pack in &self.packs {
            let base = pack.base.as_deref().unwrap_or(BUNDLE_BASE);
            write!(f, "# pack {base} {}", pack.size_bytes)?;
            if let Some(first_frame_bytes) = pack.first_frame_bytes {
                write!(f, " {first_frame_bytes}")?;
            }
            writeln!(f)?;
        }
        match &self.delta {
            Some(delta) => delta.fmt(f),
            None => Ok(()),
        }
    }
}

impl fmt::Display for InlineDelta {
    /// Writes the line of the head, with its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# delta {} {}", self.base, STANDARD.encode(&self.bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_head_with_all_fields_round_trips() {
        let text = format!(
            "{SHA}  root.v2.json\n# serial 1287\n# published 2026-11-22T03:04:05Z\n\
             # expires 2026-12-22T03:04:05Z\n# keys 2\n# size 14211\n# url https://cdn.example.net/v2/\n\
             # by-sha by-sha/\n# pack empty 38812\n# pack 1a2b3c4d5e6f 412\n\
             # pack 9a8b7c6d5e4f 512 180\n# delta 1a2b3c4d5e6f AAEC/w==\n"
        );
        let head = Head::parse(text.as_bytes()).unwrap();
        assert_eq!(head.to_string(), text);
        assert_eq!(head.digest().to_string(), SHA);
        assert_eq!(head.serial(), Some(1287));
        assert_eq!(head.packs()[1].base.as_deref(), Some("1a2b3c4d5e6f"));
    }

    #[test]
    fn hand_made_heads_are_accepted() {
        for text in [
            SHA.to_owned(),
            format!("{SHA}\n"),
            format!("{SHA}  root.json\n"),
            format!("{SHA} *root.json\n"),
            format!("{SHA}  root.json\n# hello\n# unknown key\n#\nanything\n"),
            format!("{SHA}\n# serial 5\n\n— name c2lnbmF0dXJl\n# serial 6\n"),
        ] {
            let head = Head::parse(text.as_bytes()).unwrap();
            assert_eq!(head.manifest().as_str(), "root.json", "{text}");
            assert_eq!(head.digest().to_string(), SHA);
            assert_ne!(head.serial(), Some(6));
        }
    }

    #[test]
    fn the_first_pack_of_a_base_counts() {
        let packs =
            "# pack empty 1\n# pack 1a2b3c4d5e6f 2\n# pack empty 3\n# pack 1a2b3c4d5e6f 4\n";
        let head = Head::parse(format!("{SHA}  root.json\n{packs}").as_bytes()).unwrap();
        let sizes: Vec<u64> = head.packs().iter().map(|pack| pack.size_bytes).collect();
        assert_eq!(sizes, [1, 2]);
    }

    #[test]
    fn invalid_heads_are_refused_with_the_line() {
        for (text, expected) in [
            (String::new(), "line 1: expected a digest, got an empty line"),
            ("\n".into(), "line 1"),
            ("<!DOCTYPE html>".into(), "HTML page"),
            (format!("{SHA}\r\n"), "line 1"),
            (format!("{SHA} root.json"), "two spaces"),
            (format!("{SHA}  ../root.json"), "unsafe path"),
            (
                format!("{SHA}  root.sha"),
                "line 1: expected the name of a manifest, got the reserved",
            ),
            (format!("{SHA}  ROOT.JSON"), "the reserved name \"ROOT.JSON\""),
            (format!("{SHA}  packs/root.json"), "the reserved name"),
            (
                format!("{SHA}\n# requires keys\n"),
                "line 2: `requires`: \"keys\" needs a newer client",
            ),
            (format!("{}  root.json", &SHA[1..]), "64 hexadecimal digits"),
            (format!("{SHA}\n# serial x\n"), "line 2: `serial`: expected a whole number"),
            (format!("{SHA}\n# serial +1\n"), "line 2"),
            (format!("{SHA}\n# serial 99999999999999999999\n"), "line 2"),
            (format!("{SHA}\n# serial 1\n# serial 1\n"), "line 3: duplicate key `serial`"),
            (format!("{SHA}\n# keys x\n"), "line 2: `keys`: expected a whole number"),
            (format!("{SHA}\n# keys 1\n# keys 2\n"), "line 3: duplicate key `keys`"),
            (format!("{SHA}\n# published now\n"), "`published`: expected a time"),
            (format!("{SHA}\n# url ftp://h/\n"), "http or https"),
            (format!("{SHA}\n# url https://u:p@h/\n"), "without credentials"),
            (format!("{SHA}\n# by-sha /x\n"), "`by-sha`: unsafe path"),
            (format!("{SHA}\n# pack 123 4\n"), "`pack`: expected"),
            (format!("{SHA}\n# pack empty\n"), "`pack`: expected"),
            (format!("{SHA}\n# pack empty 4 x\n"), "`pack`: expected a whole number"),
            (format!("{SHA}\n# delta empty AAEC\n"), "`delta`: expected"),
            (format!("{SHA}\n# delta 1a2b3c4d5e6f\n"), "`delta`: expected"),
            (format!("{SHA}\n# delta 1a2b3c4d5e6f \n"), "`delta`: expected"),
            (format!("{SHA}\n# delta 1a2b3c4d5e6f AAE\n"), "`delta`: expected"),
            (
                format!("{SHA}\n# delta 1a2b3c4d5e6f AAEC\n# delta 1a2b3c4d5e6f AAEC\n"),
                "duplicate key `delta`",
            ),
        ] {
            let error = Head::parse(text.as_bytes()).expect_err(&text);
            assert_eq!(error.kind(), ErrorKind::Head, "{text}");
            assert!(error.to_string().contains(expected), "{text}: {error}");
        }
        let large = vec![b'0'; 16 * 1024 + 1];
        assert_eq!(Head::parse(&large).unwrap_err().kind(), ErrorKind::Limit);
        assert_eq!(Head::parse(b"\xff").unwrap_err().kind(), ErrorKind::Head);
    }
}
