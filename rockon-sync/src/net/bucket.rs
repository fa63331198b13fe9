//! A directory in a bucket of an S3-compatible store: addresses with signatures, which are as
//! secret as the key for an hour, and are never shown.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use rusty_s3::actions::ListObjectsV2;
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::path::EntryPath;
use crate::net::address::Address;

/// The beginning of the URL of a directory in a bucket.
const SCHEME: &str = "s3://";

/// Time after which a signature is invalid: longer than the largest upload.
const VALID: Duration = Duration::from_secs(3_600);

/// A directory in a bucket, with the credentials to read and write it.
pub(crate) struct BucketDir {
    bucket: Bucket,
    credentials: Credentials,
    /// The beginning of its keys: empty, or with a `/` at its end.
    prefix: String,
}

/// A file in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListedObject {
    pub(crate) len_bytes: u64,
    /// The value of its `ETag`: in quotes, of most stores the MD5 digest.
    pub(crate) etag: String,
}

/// One page of a listing.
pub(crate) struct ListingPage {
    /// Files by their path below the directory.
    pub(crate) files: BTreeMap<String, ListedObject>,
    pub(crate) next: Option<String>,
}

impl BucketDir {
    /// Opens `s3://BUCKET/PREFIX`, with keys, region and endpoint from the variables that the tools
    /// of AWS use.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for an invalid URL, and for a variable that is missing or invalid.
    pub(crate) fn open(url: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<BucketDir> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let required = |name: &str| {
            let missing = || Error::new(ErrorKind::Argument, format!("{url}: {name} is not set"));
            set(name).ok_or_else(missing)
        };
        let (name, prefix) = parse(url)?;
        let key = required("AWS_ACCESS_KEY_ID")?;
        let secret = required("AWS_SECRET_ACCESS_KEY")?;
        let credentials = match set("AWS_SESSION_TOKEN") {
            Some(token) => Credentials::new_with_token(key, secret, token),
            None => Credentials::new(key, secret),
        };
        let endpoint = set("AWS_ENDPOINT_URL_S3").or_else(|| set("AWS_ENDPOINT_URL"));
        let region = set("AWS_REGION").or_else(|| set("AWS_DEFAULT_REGION"));
        let (endpoint, style, region) = match (endpoint, region) {
            (Some(endpoint), region) => {
                (endpoint, UrlStyle::Path, region.unwrap_or_else(|| "us-east-1".to_owned()))
            }
            (None, Some(region)) => {
                // The certificates of AWS have one level of names below the endpoint.
                let style = match name.contains('.') {
                    true => UrlStyle::Path,
                    false => UrlStyle::VirtualHost,
                };
                (format!("https://s3.{region}.amazonaws.com"), style, region)
            }
            (None, None) => {
                let message = format!("{url}: neither AWS_REGION nor AWS_ENDPOINT_URL is set");
                return Err(Error::new(ErrorKind::Argument, message));
            }
        };
        let unusable = |error: &dyn fmt::Display| {
            let message = format!("{url}: the endpoint in AWS_ENDPOINT_URL is unusable: {error}");
            Error::new(ErrorKind::Argument, message)
        };
        let endpoint = crate::net::address::parse_url(&endpoint).map_err(|e| unusable(&e))?;
        let bucket = Bucket::new(endpoint, style, name, region).map_err(|e| unusable(&e))?;
        Ok(BucketDir { bucket, credentials, prefix })
    }

    /// Returns the address to read a file from.
    pub(crate) fn get(&self, path: &EntryPath) -> Result<Address> {
        let key = self.key(path.as_str());
        sign(&self.bucket.get_object(Some(&self.credentials), &key))
    }

    /// Returns the address to write a file to.
    pub(crate) fn put(&self, path: &str) -> Result<Address> {
        let key = self.key(path);
        sign(&self.bucket.put_object(Some(&self.credentials), &key))
    }

    /// Returns the address to delete a file at.
    pub(crate) fn delete(&self, path: &str) -> Result<Address> {
        let key = self.key(path);
        sign(&self.bucket.delete_object(Some(&self.credentials), &key))
    }

    /// Returns the address of one page of a listing; the first one without a token.
    pub(crate) fn list(&self, token: Option<&str>) -> Result<Address> {
        let mut list = self.bucket.list_objects_v2(Some(&self.credentials));
        list.with_prefix(&*self.prefix);
        if let Some(token) = token {
            list.with_continuation_token(token);
        }
        sign(&list)
    }

    /// Parses one page of a listing.
    pub(crate) fn parse_page(&self, bytes: &[u8]) -> Result<ListingPage> {
        let invalid = |error: &dyn fmt::Display| {
            Error::new(ErrorKind::Transport, format!("expected the listing of a bucket: {error}"))
                .with_url(self.to_string())
        };
        let text = std::str::from_utf8(bytes).map_err(|error| invalid(&error))?;
        let page = ListObjectsV2::parse_response(text).map_err(|error| invalid(&error))?;
        let files = page.contents.into_iter().filter_map(|object| {
            let path = object.key.strip_prefix(&self.prefix)?.to_owned();
            let etag = object.etag.unwrap_or_default();
            Some((path, ListedObject { len_bytes: object.size.unwrap_or(0), etag }))
        });
        Ok(ListingPage { files: files.collect(), next: page.next_continuation_token })
    }

    fn key(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }
}

impl fmt::Display for BucketDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.bucket.name(), self.prefix)
    }
}

/// Returns the name of the bucket, and the prefix of the keys.
fn parse(url: &str) -> Result<(String, String)> {
    let invalid = |reason: &str| {
        let message = format!("expected s3://BUCKET/PREFIX, got {url:?}: {reason}");
        Error::new(ErrorKind::Argument, message)
    };
    let rest = url.strip_prefix(SCHEME).ok_or_else(|| invalid("another scheme"))?;
    let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.is_empty() || !name.chars().all(is_name) {
        return Err(invalid("not the name of a bucket"));
    }
    let prefix = match prefix.trim_end_matches('/') {
        "" => String::new(),
        prefix => {
            let path = EntryPath::new(prefix).map_err(|error| invalid(&error.to_string()))?;
            format!("{}/", path.as_str())
        }
    };
    Ok((name.to_owned(), prefix))
}

fn sign<'a>(action: &impl S3Action<'a>) -> Result<Address> {
    Address::of_http_url(action.sign(VALID).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &[(&str, &str)] =
        &[("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret+/")];

    fn open(url: &str, more: &[(&str, &str)]) -> Result<BucketDir> {
        let all = [KEYS, more].concat();
        BucketDir::open(url, &|name| {
            all.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn url_of(dir: &BucketDir) -> String {
        let address = dir.get(&EntryPath::new("a b+c.json").unwrap()).unwrap();
        address.identity().split('?').next().unwrap().to_owned()
    }

    #[test]
    fn the_usual_variables_name_endpoint_and_region() {
        let region = &[("AWS_DEFAULT_REGION", "eu-west-1")][..];
        let endpoint = &[("AWS_ENDPOINT_URL", "http://localhost:9000")][..];
        for (url, variables, expected) in [
            ("s3://b/v2", region, "https://b.s3.eu-west-1.amazonaws.com/v2/a%20b%2Bc.json"),
            ("s3://b/v2/", endpoint, "http://localhost:9000/b/v2/a%20b%2Bc.json"),
            ("s3://b.c", region, "https://s3.eu-west-1.amazonaws.com/b.c/a%20b%2Bc.json"),
        ] {
            assert_eq!(url_of(&open(url, variables).unwrap()), expected);
        }
        let other = [("AWS_ENDPOINT_URL", "http://one/"), ("AWS_ENDPOINT_URL_S3", "http://two/")];
        assert!(url_of(&open("s3://b/", &other).unwrap()).starts_with("http://two/b/"));
    }

    #[test]
    fn missing_variables_and_invalid_urls_are_usage_errors_without_secrets() {
        let region = &[("AWS_REGION", "eu-west-1")][..];
        for (url, variables, expected) in [
            ("s3://b/x", &[][..], "neither AWS_REGION nor AWS_ENDPOINT_URL is set"),
            ("s3://b/x", &[("AWS_ACCESS_KEY_ID", "")], "neither AWS_REGION"),
            ("s3://b/x", &[("AWS_ENDPOINT_URL", "localhost")], "AWS_ENDPOINT_URL is unusable"),
            ("s3://", region, "not the name of a bucket"),
            ("s3://b c/x", region, "not the name of a bucket"),
            ("s3://b/../x", region, "unsafe path"),
        ] {
            let error = open(url, variables).map(|dir| dir.to_string()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Argument);
            let text = error.to_chain();
            assert!(text.contains(expected) && !text.contains("secret"), "{text}");
        }
        let error = BucketDir::open("s3://b/x", &|_| None).map(|dir| dir.to_string()).unwrap_err();
        assert_eq!(error.to_string(), "s3://b/x: AWS_ACCESS_KEY_ID is not set");
    }

    #[test]
    fn signatures_are_not_shown() {
        let token = [("AWS_REGION", "eu-west-1"), ("AWS_SESSION_TOKEN", "session")];
        let dir = open("s3://b/v2", &token).unwrap();
        for address in
            [dir.put("a").unwrap(), dir.delete("a").unwrap(), dir.list(Some("t")).unwrap()]
        {
            let identity = address.identity();
            let (_, signature) = identity.split_once("X-Amz-Signature=").unwrap();
            let shown = format!("{address} {address:?} {dir}");
            for secret in ["secret", "session", &signature[..20]] {
                assert!(!shown.contains(secret), "{shown}");
            }
        }
    }

    #[test]
    fn a_page_of_a_listing_has_paths_below_the_directory() {
        let dir = open("s3://b/v2", &[("AWS_REGION", "eu-west-1")]).unwrap();
        let page = dir.parse_page(
            b"<?xml version=\"1.0\"?><ListBucketResult \
              xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name>\
              <EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>\
              <NextContinuationToken>more</NextContinuationToken><Contents><Key>v2/a%20b.json</Key>\
              <LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>&quot;0a&quot;</ETag>\
              <Size>7</Size></Contents></ListBucketResult>",
        );
        let ListingPage { files, next } = page.unwrap();
        let listed = ListedObject { len_bytes: 7, etag: "\"0a\"".to_owned() };
        assert_eq!(files, [("a b.json".to_owned(), listed)].into());
        assert_eq!(next.as_deref(), Some("more"));
        let error = dir.parse_page(b"<html></html>").map(|page| page.files).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transport);
    }
}
