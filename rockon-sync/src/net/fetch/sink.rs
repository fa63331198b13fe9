//! The destination of fetched bytes.

use std::io::{self, Write};

use crate::base::error::{Error, ErrorKind};

/// The destination of fetched bytes. A retry starts over.
pub(crate) trait Sink: Write {
    /// Drops the bytes written so far.
    fn restart(&mut self) -> io::Result<()>;
}

impl Sink for Vec<u8> {
    fn restart(&mut self) -> io::Result<()> {
        self.clear();
        Ok(())
    }
}

impl Sink for io::Sink {
    fn restart(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The error of a write to a sink.
pub(super) fn sink_failed(error: io::Error) -> Error {
    Error::new(ErrorKind::Store, "cannot write the fetched file").with_source(error)
}
