//! The head (`root.sha`): the one small file that says whether anything changed.
//!
//! ```text
//! <64 hexadecimal digits>  root.json
//! # serial 1287
//! # published 2026-11-22T03:04:05Z
//! # expires 2026-12-22T03:04:05Z
//! # size 14211
//! # url https://cdn.example.net/rockons/v2/
//! # by-sha by-sha/
//! # pack empty 38812
//! ```
//!
//! The first line is a line of `sha256sum`; the others are comments to it, so that
//! `sha256sum -c root.sha` works on any tree. A bare digest is a head as well.

use std::fmt;

use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits::{MAX_HEAD_BYTES, MAX_MANIFEST_BYTES};
use crate::base::path::EntryPath;
use crate::base::time::Timestamp;

/// What the manifest is called when the head does not say.
pub(crate) const DEFAULT_MANIFEST: &str = "root.json";

/// A parsed head. Only the digest is sure to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    digest: Digest,
    manifest: EntryPath,
    serial: Option<u64>,
    published: Option<Timestamp>,
    expires: Option<Timestamp>,
    size_bytes: Option<u64>,
    url: Option<String>,
    by_sha: Option<EntryPath>,
    packs: Vec<PackOffer>,
}

/// A pack that the tree offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackOffer {
    /// The first 12 digits of the manifest that the pack starts from; `None` for
    /// a bundle, which starts from nothing.
    pub base: Option<String>,
    /// The size of the pack file, in bytes.
    pub size_bytes: u64,
}

impl Head {
    /// A head with nothing but the digest of the manifest.
    pub fn new(digest: Digest, manifest: EntryPath) -> Head {
        Head {
            digest,
            manifest,
            serial: None,
            published: None,
            expires: None,
            size_bytes: None,
            url: None,
            by_sha: None,
            packs: Vec::new(),
        }
    }

    /// Reads a head. Unknown keys are ignored, a known key with a bad value is not.
    ///
    /// # Errors
    /// [`ErrorKind::Head`] with the line; [`ErrorKind::Limit`] above
    /// [`MAX_HEAD_BYTES`].
    pub fn parse(bytes: &[u8]) -> Result<Head> {
        if bytes.len() as u64 > MAX_HEAD_BYTES {
            let message = format!("the head is larger than {MAX_HEAD_BYTES} bytes");
            return Err(Error::new(ErrorKind::Limit, message));
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|error| bad(1, &format!("not UTF-8 at byte {}", error.valid_up_to())))?;
        let mut lines = (1..).zip(text.split('\n'));
        let (_, first) = lines.next().unwrap_or((1, ""));
        let (digest, manifest) = parse_first_line(first)?;
        let mut head = Head::new(digest, manifest);
        let mut seen = Vec::new();
        // After an empty line come signatures, which are not this parser's business.
        for (number, line) in lines.take_while(|(_, line)| !line.is_empty()) {
            let Some((key, value)) = line.strip_prefix("# ").and_then(|rest| rest.split_once(' '))
            else {
                continue;
            };
            head.take(key, value).map_err(|problem| bad(number, &problem))?;
            if KNOWN_ONCE.contains(&key) {
                if seen.contains(&key) {
                    return Err(bad(number, &format!("`{key}` is there twice")));
                }
                seen.push(key);
            }
        }
        Ok(head)
    }

    /// Takes one `# key value` line.
    fn take(&mut self, key: &str, value: &str) -> Result<(), String> {
        let number = |value: &str| {
            let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
            let parsed = value.parse::<u64>().ok().filter(|_| digits);
            parsed.ok_or_else(|| format!("`{key}` expects a whole number, got {value:?}"))
        };
        let time =
            |value: &str| value.parse::<Timestamp>().map_err(|error| format!("`{key}`: {error}"));
        match key {
            "serial" => self.serial = Some(number(value)?),
            "published" => self.published = Some(time(value)?),
            "expires" => self.expires = Some(time(value)?),
            "size" => self.size_bytes = Some(number(value)?),
            "url" => {
                let parsed = url::Url::parse(value)
                    .map_err(|error| format!("`url` expects a URL, got {value:?}: {error}"))?;
                let plain = parsed.username().is_empty() && parsed.password().is_none();
                if !matches!(parsed.scheme(), "http" | "https") || !plain {
                    return Err("`url` expects an http or https URL without credentials".into());
                }
                self.url = Some(value.to_owned());
            }
            "by-sha" => {
                let dir = value.strip_suffix('/').unwrap_or(value);
                let path = EntryPath::new(dir).map_err(|error| format!("`by-sha`: {error}"))?;
                self.by_sha = Some(path);
            }
            "pack" => {
                let problem = || format!("`pack` expects a base and a size, got {value:?}");
                let (base, size_bytes) = value.split_once(' ').ok_or_else(problem)?;
                let is_base = base.len() == 12
                    && base.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
                let base = match base {
                    "empty" => None,
                    _ if is_base => Some(base.to_owned()),
                    _ => return Err(problem()),
                };
                self.packs.push(PackOffer { base, size_bytes: number(size_bytes)? });
            }
            _ => {}
        }
        Ok(())
    }

    /// The digest of the manifest.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The file name of the manifest; `root.json` unless the head says otherwise.
    pub fn manifest(&self) -> &EntryPath {
        &self.manifest
    }

    /// The number of this publication; it grows with each.
    pub fn serial(&self) -> Option<u64> {
        self.serial
    }

    /// When the head was published.
    pub fn published(&self) -> Option<Timestamp> {
        self.published
    }

    /// After when the head is no longer to be trusted to be the newest.
    pub fn expires(&self) -> Option<Timestamp> {
        self.expires
    }

    /// The size of the manifest, in bytes.
    pub fn size_bytes(&self) -> Option<u64> {
        self.size_bytes
    }

    /// Where everything else is fetched from, if not from the head's own directory.
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// The largest manifest accepted for this head, in bytes.
    pub(crate) fn max_manifest_bytes(&self) -> u64 {
        self.size_bytes().unwrap_or(MAX_MANIFEST_BYTES).min(MAX_MANIFEST_BYTES)
    }

    /// The directory in which every file is also found under its digest.
    pub fn by_sha(&self) -> Option<&EntryPath> {
        self.by_sha.as_ref()
    }

    /// The packs that the tree offers.
    pub fn packs(&self) -> &[PackOffer] {
        &self.packs
    }

    pub(crate) fn with_serial(mut self, serial: u64) -> Head {
        self.serial = Some(serial);
        self
    }

    pub(crate) fn with_published(mut self, published: Timestamp) -> Head {
        self.published = Some(published);
        self
    }

    pub(crate) fn with_expires(mut self, expires: Option<Timestamp>) -> Head {
        self.expires = expires;
        self
    }

    pub(crate) fn with_size(mut self, size_bytes: u64) -> Head {
        self.size_bytes = Some(size_bytes);
        self
    }

    pub(crate) fn with_url(mut self, url: Option<String>) -> Head {
        self.url = url;
        self
    }

    pub(crate) fn with_packs(mut self, packs: Vec<PackOffer>) -> Head {
        self.packs = packs;
        self
    }

    pub(crate) fn with_by_sha(mut self, by_sha: EntryPath) -> Head {
        self.by_sha = Some(by_sha);
        self
    }
}

/// Keys that stand in a head at most once.
const KNOWN_ONCE: &[&str] = &["serial", "published", "expires", "size", "url", "by-sha"];

/// `<digest>  <file>` as `sha256sum` writes it, `<digest> *<file>` for its binary
/// mode, or the digest alone.
fn parse_first_line(line: &str) -> Result<(Digest, EntryPath)> {
    if line.is_empty() {
        return Err(bad(1, "expected a digest, got an empty line"));
    }
    if line.starts_with('<') {
        return Err(bad(1, "expected a digest, got what looks like an HTML page"));
    }
    let (digest, name) = match line.split_once(' ') {
        Some((digest, name)) => {
            let name = name.strip_prefix(' ').or_else(|| name.strip_prefix('*'));
            (digest, name.ok_or_else(|| bad(1, "expected two spaces after the digest"))?)
        }
        None => (line, DEFAULT_MANIFEST),
    };
    let digest = digest.parse().map_err(|error: Error| bad(1, &error.to_string()))?;
    let manifest = EntryPath::new(name).map_err(|error| bad(1, &error.to_string()))?;
    Ok((digest, manifest))
}

fn bad(line: u32, problem: &str) -> Error {
    Error::new(ErrorKind::Head, format!("not a head: line {line}: {problem}"))
}

impl fmt::Display for Head {
    /// The text of the head, as it is published.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}  {}", self.digest, self.manifest)?;
        if let Some(serial) = self.serial {
            writeln!(f, "# serial {serial}")?;
        }
        if let Some(published) = self.published {
            writeln!(f, "# published {published}")?;
        }
        if let Some(expires) = self.expires {
            writeln!(f, "# expires {expires}")?;
        }
        if let Some(size_bytes) = self.size_bytes {
            writeln!(f, "# size {size_bytes}")?;
        }
        if let Some(url) = &self.url {
            writeln!(f, "# url {url}")?;
        }
        if let Some(by_sha) = &self.by_sha {
            writeln!(f, "# by-sha {by_sha}/")?;
        }
        for pack in &self.packs {
            let base = pack.base.as_deref().unwrap_or("empty");
            writeln!(f, "# pack {base} {}", pack.size_bytes)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_full_head_reads_back_as_it_was_written() {
        let text = format!(
            "{SHA}  root.v2.json\n# serial 1287\n# published 2026-11-22T03:04:05Z\n\
             # expires 2026-12-22T03:04:05Z\n# size 14211\n# url https://cdn.example.net/v2/\n\
             # by-sha by-sha/\n# pack empty 38812\n# pack 1a2b3c4d5e6f 412\n"
        );
        let head = Head::parse(text.as_bytes()).unwrap();
        assert_eq!(head.to_string(), text);
        assert_eq!(head.digest().to_string(), SHA);
        assert_eq!(head.serial(), Some(1287));
        assert_eq!(head.packs()[1].base.as_deref(), Some("1a2b3c4d5e6f"));
    }

    #[test]
    fn hand_made_heads_are_heads() {
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
    fn what_is_no_head_is_refused_with_the_line() {
        for (text, expected) in [
            (String::new(), "line 1: expected a digest, got an empty line"),
            ("\n".into(), "line 1"),
            ("<!DOCTYPE html>".into(), "HTML page"),
            (format!("{SHA}\r\n"), "line 1"),
            (format!("{SHA} root.json"), "two spaces"),
            (format!("{SHA}  ../root.json"), "unsafe path"),
            (format!("{}  root.json", &SHA[1..]), "64 hexadecimal digits"),
            (format!("{SHA}\n# serial x\n"), "line 2: `serial` expects a whole number"),
            (format!("{SHA}\n# serial +1\n"), "line 2"),
            (format!("{SHA}\n# serial 99999999999999999999\n"), "line 2"),
            (format!("{SHA}\n# serial 1\n# serial 1\n"), "line 3: `serial` is there twice"),
            (format!("{SHA}\n# published now\n"), "`published`: expected a time"),
            (format!("{SHA}\n# url ftp://h/\n"), "http or https"),
            (format!("{SHA}\n# url https://u:p@h/\n"), "without credentials"),
            (format!("{SHA}\n# by-sha /x\n"), "`by-sha`: unsafe path"),
            (format!("{SHA}\n# pack 123 4\n"), "`pack` expects"),
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
