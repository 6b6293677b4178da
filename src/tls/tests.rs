use super::*;
use crate::probe::http::InThread;
use rustls::server::WebPkiClientVerifier;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

const AUTHORITY: &[u8] = include_bytes!("../../tests/tls/ca.pem");
const SERVER: &[u8] = include_bytes!("../../tests/tls/server.pem");
const CLIENT: &[u8] = include_bytes!("../../tests/tls/client.pem");

/// A root with these files in it.
fn root(files: &[(&str, &[u8])]) -> (tempfile::TempDir, Root) {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let file = directory.path().join(&name[1..]);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }
    let root = Root::new(directory.path().to_owned());
    (directory, root)
}

fn identity<'a>(certificates: &'a str, key: &'a str) -> Identity<'a> {
    Identity { certificates: Path::new(certificates), key: Path::new(key) }
}

/// A server that answers one request with its path, if the client has a certificate of the authority. Its URL.
fn server() -> String {
    let (_files, root) = root(&[("/ca.pem", AUTHORITY)]);
    let store = trusted(&root, Some(Path::new("/ca.pem"))).unwrap();
    let provider = Arc::new(ring::default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(store.into(), provider.clone()).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            certificates(Path::new(""), SERVER).unwrap(),
            PrivateKeyDer::from_pem_slice(SERVER).unwrap(),
        )
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let connection = ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = StreamOwned::new(connection, listener.accept().unwrap().0);
        let mut request = [0; 500];
        if stream.read(&mut request).is_ok() {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    format!("https://127.0.0.1:{port}/x")
}

fn ask(tls: &Tls, url: &str) -> Result<String, ureq::Error> {
    let config = Agent::config_builder().timeout_global(Some(Duration::from_secs(5))).build();
    tls.agent(config, InThread).get(url).call()?.body_mut().read_to_string()
}

fn why(error: ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => fault(&error).unwrap_or_else(|| error.to_string()),
        other => other.to_string(),
    }
}

#[test]
fn a_server_that_wants_a_certificate_gets_it() {
    let (_files, root) = root(&[("/ca.pem", AUTHORITY), ("/node.pem", CLIENT)]);
    let ca = Some(Path::new("/ca.pem"));
    let tls = Tls::new(&root, ca, Some(identity("/node.pem", "/node.pem"))).unwrap();
    assert_eq!(ask(&tls, &server()).unwrap(), "ok");
    let tls = Tls::new(&root, ca, None).unwrap();
    let error = ask(&tls, &server()).unwrap_err();
    assert!(matches!(&error, ureq::Error::Io(error) if is_of_handshake(error)), "{error:?}");
    assert_eq!(why(error), "TLS fails: it wants a certificate of this node");
}

#[test]
fn a_server_of_another_authority_or_name_is_not_asked() {
    let (_files, root) = root(&[("/ca.pem", AUTHORITY), ("/other.pem", CLIENT), ("/node.pem", CLIENT)]);
    let with =
        |ca: &str| Tls::new(&root, Some(Path::new(ca)), Some(identity("/node.pem", "/node.pem"))).unwrap();
    let error = ask(&with("/other.pem"), &server()).unwrap_err();
    assert!(matches!(&error, ureq::Error::Io(error) if is_of_handshake(error)), "{error:?}");
    let said = why(error);
    assert!(said.ends_with("is not from an authority that is trusted here; set ca-file"), "{said}");
    let said = why(ask(&with("/ca.pem"), &server().replace("127.0.0.1", "localhost")).unwrap_err());
    assert!(said.contains("not valid for name \"localhost\""), "{said}");
}

#[test]
fn a_server_that_says_nothing_is_given_up_in_time_and_one_without_tls_is_named() {
    let (_files, root) = root(&[("/ca.pem", AUTHORITY)]);
    let tls = Tls::new(&root, Some(Path::new("/ca.pem")), None).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://127.0.0.1:{}/", listener.local_addr().unwrap().port());
    let config = Agent::config_builder().timeout_global(Some(Duration::from_millis(300))).build();
    let begin = Instant::now();
    let error = tls.agent(config, InThread).get(&url).call().unwrap_err();
    assert!(matches!(error, ureq::Error::Timeout(_)), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(2));
    drop(listener.accept().unwrap());
    let answers = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        let _ = stream.read_to_end(&mut Vec::new());
    });
    assert_eq!(why(ask(&tls, &url).unwrap_err()), "TLS fails: the port does not speak TLS");
    answers.join().unwrap();
}

#[test]
fn the_systems_certificates_are_where_one_of_the_distributions_has_them() {
    for place in SYSTEM {
        let (_files, root) = root(&[(place, AUTHORITY)]);
        assert!(Tls::new(&root, None, None).is_ok(), "{place}");
    }
}

#[test]
fn a_file_that_cannot_be_used_is_named_in_one_line() {
    let broken = b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
    let no_certificate = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let secret = b"-----BEGIN PRIVATE KEY\ngeheim\n-----END PRIVATE KEY-----\n";
    let (_files, root) = root(&[
        ("/ca.pem", AUTHORITY),
        ("/node.pem", CLIENT),
        ("/lb.pem", SERVER),
        ("/empty", b""),
        ("/broken", broken),
        ("/strange", no_certificate),
        ("/secret", secret),
        ("/large", &vec![b'#'; 1 << 20 | 1]),
    ]);
    let ca = |name| Tls::new(&root, Some(Path::new(name)), None);
    let node =
        |certificates, key| Tls::new(&root, Some(Path::new("/ca.pem")), Some(identity(certificates, key)));
    for (made, words) in [
        (Tls::new(&root, None, None), "install ca-certificates, or set ca-file"),
        (ca("/none"), "/none cannot be read (No such file"),
        (ca("/large"), "/large cannot be read (larger than 1 MiB)"),
        (ca("/empty"), "/empty has no certificate in PEM in it"),
        (ca("/broken"), "/broken is not in PEM ("),
        (ca("/strange"), "/strange has no certificate in it that can be used"),
        (node("/none", "/node.pem"), "/none cannot be read"),
        (node("/node.pem", "/none"), "/none cannot be read"),
        (node("/node.pem", "/ca.pem"), "/ca.pem has no private key in PEM without a passphrase in it"),
        (node("/node.pem", "/secret"), "/secret is not in PEM"),
        (node("/node.pem", "/lb.pem"), "/lb.pem is not the key of the certificate in /node.pem"),
        (node("/strange", "/lb.pem"), "/strange and /lb.pem cannot be used ("),
    ] {
        let said = made.err().unwrap_or_else(|| format!("no error, instead of {words}"));
        assert!(said.contains(words) && !said.contains('\n') && !said.contains("geheim"), "{said}");
    }
}
