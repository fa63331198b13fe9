//! HTTP/1.1 through ureq, which only this file uses.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Proxy, RequestBuilder, Timeout};

use super::{Request, Response, Transport, Validators, background};
use crate::base::error::{Error, ErrorKind, Result, Retry};
use crate::base::limits::{CONNECT_TIMEOUT, MAX_CONNECTIONS, STALL_TIMEOUT};
use crate::net::address::{Address, HttpAddress};

/// Size of the buffers of a connection: a definition or two. The default of 128 KiB would use
/// most of the memory of a small machine.
const BUFFER_BYTES: usize = 16 * 1024;

/// Largest headers of a response: they must fit in the buffer.
const MAX_HEADER_BYTES: usize = BUFFER_BYTES;

/// Time after which an idle connection is closed.
const MAX_IDLE: Duration = Duration::from_secs(15);

/// Makes HTTP requests over persistent connections. The environment determines proxies and
/// certificates: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY` (each also in lower case),
/// `SSL_CERT_FILE`, `SSL_CERT_DIR`, and the certificates of the system.
pub(crate) struct HttpTransport {
    // One agent per scheme, since the proxy depends on it. Created at the first use: plain HTTP
    // never loads certificates.
    plain: OnceLock<Agent>,
    tls: OnceLock<Agent>,
}

impl HttpTransport {
    pub(crate) fn new() -> Self {
        HttpTransport { plain: OnceLock::new(), tls: OnceLock::new() }
    }

    fn agent(&self, address: &HttpAddress) -> &Agent {
        if address.is_https() {
            self.tls.get_or_init(|| agent(proxy(&["https_proxy", "all_proxy"])))
        } else {
            self.plain.get_or_init(|| agent(proxy(&["http_proxy", "all_proxy"])))
        }
    }
}

impl Transport for HttpTransport {
    fn get(&self, request: &Request<'_>) -> Result<Response> {
        let Address::Http(address) = request.address else {
            return Err(Error::new(ErrorKind::Argument, "expected a URL, got the path of a file"));
        };
        let mut call = timed(self.agent(address).get(address.url()), request);
        call = match request.range_from {
            // A range of a compressed response is useless.
            Some(from) => {
                call.header("accept-encoding", "identity").header("range", format!("bytes={from}-"))
            }
            None => call.header("accept-encoding", "gzip"),
        };
        if let Some(user_info) = address.user_info() {
            call = call.header("authorization", format!("Basic {}", BASE64.encode(user_info)));
        }
        for (name, value) in address.headers() {
            call = call.header(name, value);
        }
        if let Some(validators) = request.validators {
            if let Some(etag) = &validators.etag {
                call = call.header("if-none-match", etag);
            }
            if let Some(last_modified) = &validators.last_modified {
                call = call.header("if-modified-since", last_modified);
            }
        }
        log::debug!("GET {}", request.address);
        respond(request, move || call.call())
    }
}

/// A change of one file at a server.
#[cfg(feature = "s3")]
pub(crate) enum Change {
    Put { headers: Vec<(&'static str, String)>, body: Vec<u8> },
    Delete,
}

#[cfg(feature = "s3")]
impl HttpTransport {
    /// Requests a change.
    pub(crate) fn change(&self, request: &Request<'_>, change: &Change) -> Result<Response> {
        let Address::Http(address) = request.address else {
            return Err(Error::new(ErrorKind::Argument, "expected a URL, got the path of a file"));
        };
        let agent = self.agent(address);
        match change {
            Change::Put { headers, body } => {
                log::debug!("PUT {}", request.address);
                let mut call = timed(agent.put(address.url()), request);
                for (name, value) in headers {
                    call = call.header(*name, value);
                }
                let body = body.clone();
                respond(request, move || call.send(body))
            }
            Change::Delete => {
                log::debug!("DELETE {}", request.address);
                let call = timed(agent.delete(address.url()), request);
                respond(request, move || call.call())
            }
        }
    }
}

/// Sets the time limits of a request.
fn timed<B>(call: RequestBuilder<B>, request: &Request<'_>) -> RequestBuilder<B> {
    call.config()
        .timeout_global(Some(request.time_left))
        // Also of headers that drip, or of informational responses without end.
        .timeout_recv_response(Some(request.response_timeout))
        .build()
}

/// Sends a request on a thread of its own, and returns its response.
fn respond(
    request: &Request<'_>,
    send: impl FnOnce() -> Result<ureq::http::Response<Body>, ureq::Error> + Send + 'static,
) -> Result<Response> {
    let send = move || match send() {
        Ok(response) => {
            let (head, body) = response.into_parts();
            // The caller limits the decoded size.
            (Ok(head), Some(body.into_with_config().limit(u64::MAX).reader()))
        }
        Err(error) => (Err(error), None),
    };
    let (head, body) = background::run(request, send)?;
    let head = head.map_err(|error| translate(error, request))?;
    let header = |name: &str| {
        let value = head.headers.get(name)?.to_str().ok()?;
        Some(value.trim().to_owned())
    };
    Ok(Response {
        status: head.status.as_u16(),
        validators: Validators { etag: header("etag"), last_modified: header("last-modified") },
        retry_after: header("retry-after"),
        location: header("location"),
        encoding: header("content-encoding")
            .map(|value| value.to_ascii_lowercase())
            .filter(|value| !value.is_empty() && value != "identity"),
        length: header("content-length").and_then(|value| value.parse().ok()),
        content_range: header("content-range"),
        is_unframed: ["content-length", "transfer-encoding"]
            .iter()
            .all(|name| !head.headers.contains_key(*name)),
        body: Box::new(body),
    })
}

fn agent(proxy: Option<Proxy>) -> Agent {
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("rockon-sync/", env!("CARGO_PKG_VERSION")))
        .accept("*/*")
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_per_read(Some(STALL_TIMEOUT))
        .timeout_per_write(Some(STALL_TIMEOUT))
        // One byte less than the buffer: a full one would look like a closed connection.
        .max_response_header_size(MAX_HEADER_BYTES - 1)
        .input_buffer_size(BUFFER_BYTES)
        .output_buffer_size(BUFFER_BYTES)
        .max_idle_connections(MAX_CONNECTIONS)
        .max_idle_connections_per_host(MAX_CONNECTIONS)
        .max_idle_age(MAX_IDLE)
        .tls_config(tls)
        .proxy(proxy)
        .build()
        .new_agent()
}

/// Returns the proxy from the first of these variables that is set, in lower or upper case, with
/// the exceptions of `no_proxy`.
///
/// Ignores `HTTP_PROXY` in upper case under CGI, where a request header could have set it
/// (httpoxy).
fn proxy(names: &[&str]) -> Option<Proxy> {
    let read = |name: &str| {
        let upper = name.to_ascii_uppercase();
        let trusted = upper != "HTTP_PROXY" || std::env::var_os("REQUEST_METHOD").is_none();
        let value = std::env::var(name)
            .or_else(|error| if trusted { std::env::var(upper) } else { Err(error) });
        value.ok().filter(|value| !value.trim().is_empty())
    };
    let value = names.iter().find_map(|name| read(name))?;
    let proxy = build_proxy(value.trim(), read("no_proxy").as_deref());
    if proxy.is_none() {
        log::warn!("ignored an invalid proxy in the environment");
    }
    proxy
}

/// Adds the exceptions, which ureq takes with the parts of a proxy only.
fn build_proxy(value: &str, exceptions: Option<&str>) -> Option<Proxy> {
    let given = Proxy::new(value).ok()?;
    let mut builder = Proxy::builder(given.protocol()).host(given.host()).port(given.port());
    if let Some(user) = given.username() {
        builder = builder.username(user).password(given.password().unwrap_or_default());
    }
    for exception in exceptions.unwrap_or_default().split(',').map(str::trim) {
        if !exception.is_empty() {
            builder = builder.no_proxy(exception);
        }
    }
    builder.build().ok()
}

/// Converts an error of ureq.
fn translate(error: ureq::Error, request: &Request<'_>) -> Error {
    let (message, retry) = match &error {
        ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve) => {
            (format!("no connection within {} s", CONNECT_TIMEOUT.as_secs()), Retry::Soon)
        }
        ureq::Error::Timeout(Timeout::PerWrite) => {
            (format!("nothing was sent within {} s", STALL_TIMEOUT.as_secs()), Retry::Soon)
        }
        ureq::Error::Timeout(_) => {
            let limit = request.response_timeout.min(STALL_TIMEOUT).as_secs();
            (format!("no response within {limit} s"), Retry::Soon)
        }
        ureq::Error::HostNotFound => ("host not found".to_owned(), Retry::Soon),
        // TLS errors, above all bad certificates, are permanent.
        ureq::Error::Io(io) if io.kind() == std::io::ErrorKind::InvalidData => {
            ("no secure connection".to_owned(), Retry::Never)
        }
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => {
            ("no secure connection".to_owned(), Retry::Never)
        }
        ureq::Error::LargeResponseHeader(..) => (
            format!("expected at most {MAX_HEADER_BYTES} bytes of headers, got more"),
            Retry::Never,
        ),
        ureq::Error::Io(_) => ("connection failed".to_owned(), Retry::Soon),
        ureq::Error::Protocol(_) => ("the response is not HTTP".to_owned(), Retry::Soon),
        ureq::Error::ConnectionFailed => ("connection failed".to_owned(), Retry::Soon),
        _ => ("the request failed".to_owned(), Retry::Never),
    };
    Error::new(ErrorKind::Transport, message)
        .with_url(request.address.to_string())
        .with_retry(retry)
        .with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_given_as_urls_or_by_host_and_port() {
        for (value, shown) in [
            ("proxy", "HTTP proxy 80 None"),
            ("proxy:3128", "HTTP proxy 3128 None"),
            ("http://me:p%40ss@proxy:3128/", "HTTP proxy 3128 Some(\"me\") Some(\"p@ss\")"),
            ("https://proxy", "HTTPS proxy 443 None"),
            ("socks://[::1]:1080", "SOCKS5 [::1] 1080 None"),
            ("socks5h://proxy", "SOCKS5h proxy 1080 None"),
        ] {
            let proxy = build_proxy(value, Some("localhost, .example.org,,*.lan")).unwrap();
            let mut text = format!("{} {} {}", proxy.protocol(), proxy.host(), proxy.port());
            text += &format!(" {:?}", proxy.username());
            if let Some(password) = proxy.password() {
                text += &format!(" Some({password:?})");
            }
            assert_eq!(text, shown);
            assert!(proxy.is_no_proxy(&"http://localhost/".parse().unwrap()));
            assert!(!proxy.is_no_proxy(&"http://example.net/".parse().unwrap()));
        }
        for value in ["ftp://proxy", "http://"] {
            assert!(build_proxy(value, None).is_none(), "{value}");
        }
    }
}
