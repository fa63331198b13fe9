//! Resumed downloads of large files of known size (RFC 9110, section 14).

use super::{Fetcher, Retries, Sink, Unusable, sink_failed};
use crate::base::error::Result;
use crate::net::address::Address;
use crate::net::transport::Response;

/// A sink that keeps the bytes of earlier attempts and of earlier updates.
pub(crate) trait ResumableSink: Sink {
    /// Returns the number of bytes in the sink.
    fn len_bytes(&self) -> u64;
}

impl Fetcher<'_> {
    /// Fetches the missing bytes of a file of `len_bytes` bytes, and retries errors that may pass.
    /// A server without support for ranges sends the whole file.
    ///
    /// # Errors
    /// Those of [`Fetcher::fetch`]; [`Status`](crate::ErrorKind::Status) also if the file does not
    /// exist; [`Integrity`](crate::ErrorKind::Integrity) if it has another size. `partial` keeps usable bytes.
    pub(crate) fn fetch_rest(
        &self,
        address: &Address,
        len_bytes: u64,
        partial: &mut dyn ResumableSink,
        retries: Retries,
    ) -> Result<()> {
        if partial.len_bytes() > len_bytes {
            restart(partial)?;
        }
        if partial.len_bytes() == len_bytes {
            return Ok(());
        }
        self.with_retries(address, retries, || self.resume(address, len_bytes, partial, retries))
    }

    fn resume(
        &self,
        address: &Address,
        len_bytes: u64,
        partial: &mut dyn ResumableSink,
        retries: Retries,
    ) -> Result<()> {
        let start = partial.len_bytes();
        let range_from = (start > 0).then_some(start);
        let (address, response) = self.follow(address, None, range_from, retries)?;
        match response.status {
            200 => restart(partial)?,
            206 if range_from.is_some() => {
                check_range(&response, start, len_bytes)
                    .map_err(|unusable| unusable.at(&address))?;
            }
            416 if range_from.is_some() => {
                self.drain(response, &address)?;
                restart(partial)?;
                return Err(Unusable::RangeStart(start).at(&address));
            }
            _ => return Err(self.refusal(response, &address)?),
        }
        let missing = len_bytes - partial.len_bytes();
        self.take_body(response, &address, missing, &mut *partial)?;
        match partial.len_bytes() {
            got_bytes if got_bytes < len_bytes => {
                Err(Unusable::Short { len_bytes, got_bytes }.at(&address))
            }
            _ => Ok(()),
        }
    }
}

fn restart(partial: &mut dyn ResumableSink) -> Result<()> {
    partial.restart().map_err(sink_failed)
}

/// Fails unless a response 206 is the rest of the right file.
fn check_range(response: &Response, start: u64, len_bytes: u64) -> Result<(), Unusable> {
    let expected = format!("bytes {start}-{}/{len_bytes}", len_bytes - 1);
    match response.content_range.as_deref() {
        Some(range) if range == expected => Ok(()),
        Some(range) => Err(Unusable::Range { expected, got: range.to_owned() }),
        None => Err(Unusable::NoRange),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};

    use super::super::tests::{Script, body, broken, status, with_fetcher};
    use super::*;
    use crate::base::error::ErrorKind;
    use crate::testing::TestClock;

    struct MemorySink(Vec<u8>);

    impl Write for MemorySink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Sink for MemorySink {
        fn restart(&mut self) -> io::Result<()> {
            self.0.clear();
            Ok(())
        }
    }

    impl ResumableSink for MemorySink {
        fn len_bytes(&self) -> u64 {
            self.0.len() as u64
        }
    }

    /// Ends with an error after its text.
    struct Cut(&'static [u8]);

    impl io::Read for Cut {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer) {
                Ok(0) => Err(io::ErrorKind::ConnectionReset.into()),
                other => other,
            }
        }
    }

    fn part(text: &'static str, range: &str) -> Result<Response> {
        let mut response = Response::new(206, Box::new(text.as_bytes()));
        response.content_range = Some(range.to_owned());
        Ok(response)
    }

    /// Fetches ten bytes, starting after those in `present`.
    fn run(
        present: &str,
        answers: impl IntoIterator<Item = Result<Response>>,
    ) -> (Result<()>, String, Vec<Option<u64>>) {
        let script = Script::new(answers);
        let mut partial = MemorySink(present.as_bytes().to_vec());
        let result = with_fetcher(&script, &TestClock::new(), |fetcher, address| {
            fetcher.fetch_rest(&address, 10, &mut partial, Retries::Usual)
        });
        (result, String::from_utf8(partial.0).unwrap(), script.ranges())
    }

    #[test]
    fn an_interrupted_download_resumes() {
        let cut = Ok(Response::new(200, Box::new(Cut(b"0123"))));
        let (result, text, ranges) = run("", [cut, broken(), part("456789", "bytes 4-9/10")]);
        result.unwrap();
        assert_eq!((&*text, ranges), ("0123456789", vec![None, Some(4), Some(4)]));
        let (result, text, ranges) = run("01234567", [part("89", "bytes 8-9/10")]);
        result.unwrap();
        assert_eq!((&*text, ranges), ("0123456789", vec![Some(8)]));
        let (result, _, ranges) = run("0123456789", []);
        result.unwrap();
        assert_eq!(ranges, []);
    }

    #[test]
    fn a_server_without_ranges_sends_the_whole_file() {
        let (result, text, _) = run("xx", [Ok(body("0123456789"))]);
        result.unwrap();
        assert_eq!(text, "0123456789");
        let (result, text, ranges) = run("xx", [status(416), Ok(body("0123456789"))]);
        result.unwrap();
        assert_eq!((&*text, ranges), ("0123456789", vec![Some(2), None]));
    }

    #[test]
    fn other_bytes_than_the_rest_of_the_file_are_refused() {
        for (answer, kind) in [
            (part("456789", "bytes 3-8/10"), ErrorKind::Integrity),
            (part("456789", "bytes 4-9/11"), ErrorKind::Integrity),
            (status(206), ErrorKind::Integrity),
            (part("45678", "bytes 4-9/10"), ErrorKind::Integrity),
            (part("456789+", "bytes 4-9/10"), ErrorKind::Limit),
            (status(404), ErrorKind::Status),
        ] {
            let (result, text, _) = run("0123", [answer]);
            assert_eq!(result.unwrap_err().kind(), kind);
            assert!(text.starts_with("0123"), "{text}");
        }
    }
}
