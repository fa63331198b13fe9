//! A tree in a directory, with the responses of a web server.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::{Request, Response, Transport, Validators};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::is_absent;
use crate::net::address::Address;

/// Reads files below a directory. Follows symbolic links: the directory is as trusted as its
/// path. Fails for anything but a regular file.
pub(crate) struct DirTransport;

impl Transport for DirTransport {
    fn get(&self, request: &Request<'_>) -> Result<Response> {
        let Address::File(path) = request.address else {
            return Err(Error::new(ErrorKind::Argument, "expected the path of a file, got a URL"));
        };
        let empty = |status| Response::new(status, Box::new(io::empty()));
        let (mut file, length, validators) = match open(path) {
            Ok(opened) => opened,
            Err(error) if is_absent(&error) => match fs::symlink_metadata(path) {
                Err(error) if is_absent(&error) => return Ok(empty(404)),
                Err(error) => return Err(unreadable(path, error)),
                // A broken link does not mean that the file was removed: its target may be on an
                // unmounted disk.
                Ok(_) => return Err(unreadable(path, error)),
            },
            Err(error) => return Err(unreadable(path, error)),
        };
        if request.validators.is_some_and(|given| given.etag == validators.etag) {
            return Ok(Response { validators, ..empty(304) });
        }
        let Some(from) = request.range_from.filter(|from| *from > 0 && *from < length) else {
            let response = Response::new(200, Box::new(file));
            return Ok(Response { validators, length: Some(length), ..response });
        };
        io::Seek::seek(&mut file, io::SeekFrom::Start(from))
            .map_err(|error| unreadable(path, error))?;
        let content_range = Some(format!("bytes {from}-{}/{length}", length - 1));
        let length = Some(length - from);
        Ok(Response { validators, length, content_range, ..Response::new(206, Box::new(file)) })
    }
}

/// Opens a regular file. Does not block on anything else, such as a FIFO.
fn open(path: &Path) -> io::Result<(File, u64, Validators)> {
    let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(nonblock).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let etag = format!(
        "\"{:x}-{:x}-{:x}-{:x}\"",
        metadata.ino(),
        metadata.len(),
        metadata.mtime(),
        metadata.mtime_nsec()
    );
    Ok((file, metadata.len(), Validators { etag: Some(etag), last_modified: None }))
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::Transport, "cannot read this file of the source")
        .with_path(path)
        .with_source(error)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn get(path: &Path, validators: Option<&Validators>) -> Result<Response> {
        let address = Address::File(path.to_owned());
        DirTransport.get(&Request { validators, ..Request::plain(&address) })
    }

    #[test]
    fn responses_are_those_of_a_web_server() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        assert_eq!(get(&path, None).unwrap().status, 404);
        fs::write(&path, "one").unwrap();
        let mut response = get(&path, None).unwrap();
        let mut body = String::new();
        response.body.read_to_string(&mut body).unwrap();
        assert_eq!((response.status, &*body, response.length), (200, "one", Some(3)));
        assert_eq!(get(&path, Some(&response.validators)).unwrap().status, 304);
        fs::write(&path, "three").unwrap();
        assert_eq!(get(&path, Some(&response.validators)).unwrap().status, 200);
        assert_eq!(get(&path.join("below"), None).unwrap().status, 404);
    }

    #[test]
    fn links_are_followed_and_special_files_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("real"), "x").unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("real", &link).unwrap();
        assert_eq!(get(&link, None).unwrap().status, 200);
        let fifo = dir.path().join("fifo");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        for path in [fifo, dir.path().to_owned()] {
            let error = get(&path, None).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Transport);
            assert!(error.to_chain().contains("not a regular file"), "{}", error.to_chain());
        }
    }

    #[test]
    fn a_broken_link_is_an_error_and_not_a_missing_file() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link");
        for target in ["missing/file", "link"] {
            std::os::unix::fs::symlink(target, &link).unwrap();
            let error = get(&link, None).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Transport, "{target}: {}", error.to_chain());
            fs::remove_file(&link).unwrap();
        }
    }

    #[test]
    fn range_responses_are_those_of_a_web_server() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pack");
        fs::write(&path, "0123456789").unwrap();
        let address = Address::File(path);
        for (range_from, status, body, range) in [
            (Some(4), 206, "456789", Some("bytes 4-9/10")),
            (Some(0), 200, "0123456789", None),
            (Some(10), 200, "0123456789", None),
        ] {
            let request = Request { range_from, ..Request::plain(&address) };
            let mut response = DirTransport.get(&request).unwrap();
            let mut text = String::new();
            response.body.read_to_string(&mut text).unwrap();
            assert_eq!((response.status, &*text), (status, body));
            assert_eq!(response.content_range.as_deref(), range);
            assert_eq!(response.length, Some(body.len() as u64));
        }
    }
}
