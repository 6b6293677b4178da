//! TLS for who asks others: whom the program believes, and who it is there, by files of root's. It brings no certificates
//! of its own.

mod connector;

use crate::context::Root;
use crate::files;
use crate::text::quote;
use connector::Secure;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use ureq::Agent;
use ureq::config::Config;
use ureq::unversioned::resolver::Resolver;
use ureq::unversioned::transport::{Connector, TcpConnector};

/// The system's certificates, in one file: on Debian, on Enterprise Linux and Fedora, on SUSE.
const SYSTEM: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"];
/// A larger file is a mistake; the system's has a quarter of that.
const FILE_MAX: u64 = 1 << 20;

/// This program's own certificate, for a server that asks for one. Both files are absolute, without the root.
#[derive(Debug, Clone, Copy)]
pub struct Identity<'a> {
    /// The certificate, and those that lead from it to its authority, in PEM.
    pub certificates: &'a Path,
    /// Its key, in PEM without a passphrase.
    pub key: &'a Path,
}

/// Whom to believe, and who this program is. The files are read once.
#[derive(Debug, Clone)]
pub struct Tls(Arc<ClientConfig>);

impl Tls {
    /// Believes the certificates in the file `authorities`, or the system's.
    ///
    /// # Errors
    /// One line that names the file which cannot be used, and why.
    pub fn new(
        root: &Root,
        authorities: Option<&Path>,
        identity: Option<Identity<'_>>,
    ) -> Result<Self, String> {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|why| format!("TLS cannot be set up ({why})"))?
            .with_root_certificates(trusted(root, authorities)?);
        let Some(Identity { certificates: file, key: key_file }) = identity else {
            return Ok(Self(Arc::new(builder.with_no_client_auth())));
        };
        let chain = certificates(file, &read(root, file)?)?;
        builder
            .with_client_auth_cert(chain, key(root, key_file)?)
            .map(|config| Self(Arc::new(config)))
            .map_err(|why| match why {
                rustls::Error::InconsistentKeys(_) => {
                    format!("{} is not the key of the certificate in {}", key_file.display(), file.display())
                }
                why => format!("{} and {} cannot be used ({why})", file.display(), key_file.display()),
            })
    }

    /// Speaks TLS whatever the scheme of a URL is.
    #[must_use]
    pub fn agent(&self, config: Config, names: impl Resolver) -> Agent {
        Agent::with_parts(config, TcpConnector::default().chain(Secure(self.0.clone())), names)
    }
}

fn read(root: &Root, file: &Path) -> Result<Vec<u8>, String> {
    files::read(root, file, FILE_MAX).map_err(|why| format!("{} cannot be read ({why})", file.display()))
}

fn trusted(root: &Root, file: Option<&Path>) -> Result<RootCertStore, String> {
    let (file, text) = match file {
        Some(file) => (file.to_owned(), read(root, file)?),
        None => of_system(root)?,
    };
    let mut store = RootCertStore::empty();
    let (added, _) = store.add_parsable_certificates(certificates(&file, &text)?);
    if added == 0 {
        return Err(format!("{} has no certificate in it that can be used", file.display()));
    }
    Ok(store)
}

fn of_system(root: &Root) -> Result<(PathBuf, Vec<u8>), String> {
    for file in SYSTEM.map(Path::new) {
        match files::read(root, file, FILE_MAX) {
            Ok(text) => return Ok((file.to_owned(), text)),
            Err(why) if why.kind() == io::ErrorKind::NotFound => {}
            Err(why) => return Err(format!("{} cannot be read ({why})", file.display())),
        }
    }
    Err("there are no certificates to verify it with; install ca-certificates, or set ca-file".to_owned())
}

fn certificates(file: &Path, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    match found {
        Ok(found) if found.is_empty() => Err(format!("{} has no certificate in PEM in it", file.display())),
        Ok(found) => Ok(found),
        Err(why) => Err(format!("{} is not in PEM ({})", file.display(), quote(&why.to_string()))),
    }
}

fn key(root: &Root, file: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let name = file.display();
    // What is wrong is not told in the parser's words: they can quote a line of the file.
    PrivateKeyDer::from_pem_slice(&read(root, file)?).map_err(|why| match why {
        pem::Error::NoItemsFound => format!("{name} has no private key in PEM without a passphrase in it"),
        _ => format!("{name} is not in PEM"),
    })
}

/// Why TLS failed, if that is why a request did: with whom no connection is made, in an administrator's words.
#[must_use]
pub fn fault(error: &io::Error) -> Option<String> {
    use rustls::{AlertDescription, Error};
    let fault = error.get_ref()?.downcast_ref::<Error>()?;
    Some(match fault {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "TLS fails: its certificate is not from an authority that is trusted here; set ca-file".to_owned()
        }
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "TLS fails: it wants a certificate of this node".to_owned()
        }
        Error::InvalidMessage(_) => "TLS fails: the port does not speak TLS".to_owned(),
        other => format!("TLS fails: {}", quote(&other.to_string())),
    })
}

/// Whether TLS failed before either side believed the other: no request has arrived then.
#[must_use]
pub fn is_of_handshake(error: &io::Error) -> bool {
    use rustls::AlertDescription::{
        AccessDenied, BadCertificate, CertificateExpired, CertificateRequired, CertificateRevoked,
        CertificateUnknown, HandshakeFailure, ProtocolVersion, UnknownCA, UnsupportedCertificate,
    };
    use rustls::Error;
    match error.get_ref().and_then(|error| error.downcast_ref()) {
        Some(Error::InvalidCertificate(_) | Error::PeerIncompatible(_)) => true,
        // A server of TLS 1.3 looks at the client's certificate while the client sends its request already.
        Some(Error::AlertReceived(alert)) => matches!(
            alert,
            AccessDenied
                | BadCertificate
                | CertificateExpired
                | CertificateRequired
                | CertificateRevoked
                | CertificateUnknown
                | HandshakeFailure
                | ProtocolVersion
                | UnknownCA
                | UnsupportedCertificate
        ),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
