//! HTTPS: trusted certificates, and no downgrade to HTTP.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::catalog::{Packs, TestCatalog, code, stderr};

/// A certificate authority that is unknown to the system.
struct Authority {
    certificate: Certificate,
    key: KeyPair,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Authority { certificate: params.self_signed(&key).unwrap(), key }
    }

    /// Writes the certificate to a file for `SSL_CERT_FILE`.
    fn save(&self, catalog: &TestCatalog, name: &str) -> PathBuf {
        fs::write(catalog.path(name), self.certificate.pem()).unwrap();
        catalog.path(name)
    }

    /// Returns the configuration of a server named `host`, with a certificate valid in these years.
    fn server_config(&self, host: &str, years: [i32; 2]) -> ServerConfig {
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(years[0], 1, 1);
        params.not_after = rcgen::date_time_ymd(years[1], 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.certificate, &self.key).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let private = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .unwrap()
    }
}

/// The responses of a server.
#[derive(Clone)]
enum Behavior {
    Serve,
    /// Redirects every request there.
    Redirect(String),
    /// Sends a head without a length, and closes the connection after its first line.
    CutHead,
}

/// Serves a directory over HTTPS, with one request per connection, until the test ends.
struct HttpsServer {
    port: u16,
    requests: Arc<AtomicUsize>,
}

impl HttpsServer {
    fn serve(root: PathBuf, config: ServerConfig, behavior: Behavior) -> HttpsServer {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(AtomicUsize::new(0));
        let (config, count) = (Arc::new(config), Arc::clone(&requests));
        // Not joined: the threads end with the process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, root, behavior) =
                    (Arc::clone(&config), root.clone(), behavior.clone());
                let count = Arc::clone(&count);
                std::thread::spawn(move || answer(stream, config, &root, behavior, &count));
            }
        });
        HttpsServer { port, requests }
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// Answers a request. Returns `None` if the client hangs up, as it does for an untrusted server.
fn answer(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    root: &std::path::Path,
    behavior: Behavior,
    count: &AtomicUsize,
) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let mut stream = StreamOwned::new(ServerConnection::new(config).ok()?, stream);
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        request.extend(byte);
    }
    count.fetch_add(1, Ordering::SeqCst);
    let request = String::from_utf8(request).ok()?;
    let path = request.split(' ').nth(1)?.trim_start_matches('/');
    let (status, body) = match (behavior, fs::read(root.join(path))) {
        (Behavior::CutHead, Ok(body)) if path == "root.sha" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").ok()?;
            stream.write_all(body.split_inclusive(|byte| *byte == b'\n').next()?).ok()?;
            return stream.flush().ok();
        }
        (Behavior::Redirect(to), _) => (format!("302 Found\r\nLocation: {to}{path}"), Vec::new()),
        (_, Ok(body)) => ("200 OK".into(), body),
        (_, Err(_)) => ("404 Not Found".into(), Vec::new()),
    };
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(&body).ok()?;
    stream.conn.send_close_notify();
    stream.flush().ok()
}

fn update(catalog: &TestCatalog, url: &str, authorities: Option<&PathBuf>) -> Output {
    let mut command = catalog.command(&["update", "--store", "store", "--source", url]);
    for name in ["https_proxy", "HTTPS_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"] {
        command.env_remove(name);
    }
    if let Some(file) = authorities {
        command.env("SSL_CERT_FILE", file);
    }
    command.output().unwrap()
}

const NOW: [i32; 2] = [2020, 2120];

#[test]
fn a_server_needs_a_certificate_for_its_name_from_a_known_authority() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    for (host, years, signed_by, trusted, message) in [
        ("localhost", NOW, &ours, Some(&ours), None),
        ("localhost", NOW, &ours, None, Some("no secure connection")),
        ("localhost", NOW, &theirs, Some(&ours), Some("no secure connection")),
        ("other.example", NOW, &ours, Some(&ours), Some("no secure connection")),
        ("localhost", [2010, 2012], &ours, Some(&ours), Some("no secure connection")),
        ("localhost", [2110, 2112], &ours, Some(&ours), Some("no secure connection")),
    ] {
        let catalog = TestCatalog::new(Packs::Offered);
        let config = signed_by.server_config(host, years);
        let server = HttpsServer::serve(catalog.path("new"), config, Behavior::Serve);
        let file = trusted.map(|authority| authority.save(&catalog, "authority.pem"));
        let url = format!("https://localhost:{}/", server.port);
        let output = update(&catalog, &url, file.as_ref());
        match message {
            None => {
                assert_eq!(code(&output), Some(0), "{}", stderr(&output));
                assert_eq!(server.requests(), 2);
                assert!(catalog.current() == catalog.published("new"));
            }
            Some(message) => {
                assert_eq!(code(&output), Some(1), "{host} {years:?}: {}", stderr(&output));
                assert!(stderr(&output).contains(message), "{}", stderr(&output));
                assert!(stderr(&output).contains("certificate"), "{}", stderr(&output));
                assert_eq!(server.requests(), 0, "no request was sent");
                assert_eq!(catalog.current(), None);
            }
        }
    }
}

#[test]
fn redirects_from_https_to_http_are_refused() {
    let ours = Authority::new();
    let catalog = TestCatalog::new(Packs::Offered);
    let file = ours.save(&catalog, "authority.pem");
    let plain = catalog.server("new");
    let config = ours.server_config("localhost", NOW);
    let redirect = Behavior::Redirect(plain.url());
    let server = HttpsServer::serve(catalog.path("new"), config, redirect);
    let output = update(&catalog, &format!("https://localhost:{}/", server.port), Some(&file));
    assert_eq!(code(&output), Some(1), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("redirect refused: from https to http"),
        "{}",
        stderr(&output)
    );
    assert_eq!((server.requests(), plain.request_count()), (1, 0));
}

#[test]
fn a_head_that_may_be_cut_off_is_refused() {
    let ours = Authority::new();
    let catalog = TestCatalog::new(Packs::Offered);
    let file = ours.save(&catalog, "authority.pem");
    let config = ours.server_config("localhost", NOW);
    let server = HttpsServer::serve(catalog.path("new"), config, Behavior::CutHead);
    let output = update(&catalog, &format!("https://localhost:{}/", server.port), Some(&file));
    assert_eq!(code(&output), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("may be cut off"), "{}", stderr(&output));
    assert_eq!(catalog.current(), None);
}
