//! SHA-256 digests (FIPS 180-4), by which files are identified.

use std::fmt;
use std::io::{self, Read, Write};
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::base::error::{Error, excerpt, impl_from};

#[cfg(doc)]
use crate::base::error::ErrorKind;

/// A SHA-256 digest: 32 bytes, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Returns the digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(Sha256::digest(bytes).into())
    }

    /// Returns the digest and the length of everything that `reader` yields.
    pub(crate) fn of_reader(reader: &mut dyn Read) -> io::Result<(Digest, u64)> {
        let mut out = HashingWriter::new(io::sink());
        io::copy(reader, &mut out)?;
        Ok(out.hasher.finish())
    }

    /// Returns the 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 64];
        hex::encode_to_slice(self.0, &mut text).map_err(|_| fmt::Error)?;
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = Error;

    /// Parses 64 hexadecimal digits of either case.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for anything else.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| InvalidDigest { got: excerpt(text) })?;
        Ok(Digest(bytes))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("expected a digest of 64 hexadecimal digits, got {got:?}")]
struct InvalidDigest {
    got: String,
}

impl_from!(InvalidDigest => Argument);

/// The digest and the length of bytes that arrive in parts.
#[derive(Clone)]
pub(crate) struct Hasher {
    state: Sha256,
    len_bytes: u64,
}

impl Hasher {
    pub(crate) fn new() -> Self {
        Hasher { state: Sha256::new(), len_bytes: 0 }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.state.update(bytes);
        self.len_bytes += bytes.len() as u64;
    }

    pub(crate) fn finish(self) -> (Digest, u64) {
        (Digest(self.state.finalize().into()), self.len_bytes)
    }
}

/// A writer that computes the digest of everything written through it.
pub(crate) struct HashingWriter<W> {
    inner: W,
    hasher: Hasher,
}

impl<W: Write> HashingWriter<W> {
    pub(crate) fn new(inner: W) -> Self {
        HashingWriter { inner, hasher: Hasher::new() }
    }

    pub(crate) fn finish(self) -> (W, Digest, u64) {
        let (digest, len_bytes) = self.hasher.finish();
        (self.inner, digest, len_bytes)
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::ErrorKind;

    #[test]
    fn valid_digests_round_trip_and_invalid_ones_are_refused() {
        // The empty message of FIPS 180-4's example values.
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of(b"").to_string(), empty);
        assert_eq!(empty.to_uppercase().parse::<Digest>().unwrap(), Digest::of(b""));
        for bad in ["", "e3b0", &empty[1..], &format!("{empty}0"), &empty.replace('e', "g")] {
            assert_eq!(bad.parse::<Digest>().unwrap_err().kind(), ErrorKind::Argument, "{bad}");
        }
    }

    #[test]
    fn the_writer_and_the_reader_agree_with_the_slice() {
        let bytes = vec![7; 100_000];
        let mut writer = HashingWriter::new(Vec::new());
        writer.write_all(&bytes).unwrap();
        let (copy, digest, len_bytes) = writer.finish();
        assert_eq!((copy, digest, len_bytes), (bytes.clone(), Digest::of(&bytes), 100_000));
        let read = Digest::of_reader(&mut bytes.as_slice()).unwrap();
        assert_eq!(read, (digest, 100_000));
    }
}
