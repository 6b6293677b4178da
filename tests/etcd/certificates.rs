//! Certificates, made by openssl when a test begins.

use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A directory with `ca.pem`; `server.pem`, fit for etcd's gateway, and `plain.pem`, which is only a server's; `node.pem`
/// without a CN, `named.pem` with one, and `foreign.pem` of another authority; each with its `.key`.
pub struct Certificates(TempDir);

const SCRIPT: &str = r#"
set -eu
authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/O=$1" -keyout "$1.key" -out "$1.pem"
}
issue() { # NAME AUTHORITY SUBJECT EXTENSIONS
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$3" -keyout "$1.key" -out "$1.csr"
    printf '%s\n' "$4" >"$1.ext"
    openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days 2 -extfile "$1.ext" -out "$1.pem"
}
authority ca
authority other
san=subjectAltName=IP:127.0.0.1
issue server ca /CN=etcd "$san
extendedKeyUsage=serverAuth,clientAuth"
issue plain ca /CN=etcd "$san
extendedKeyUsage=serverAuth"
issue node ca /O=hhvm-drain extendedKeyUsage=clientAuth
issue named ca /CN=node extendedKeyUsage=clientAuth
issue foreign other /O=hhvm-drain extendedKeyUsage=clientAuth
"#;

impl Certificates {
    pub fn make() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let made =
            Command::new("sh").args(["-c", SCRIPT]).current_dir(directory.path()).output().expect("sh");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self(directory)
    }

    pub fn path(&self, name: &str) -> String {
        Path::join(self.0.path(), name).to_str().unwrap().to_owned()
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// etcd's options for TLS with this certificate, which lets in whom the authority has signed.
    pub fn options(&self, server: &str) -> Vec<String> {
        [
            format!("--cert-file={}", self.path(&format!("{server}.pem"))),
            format!("--key-file={}", self.path(&format!("{server}.key"))),
            format!("--trusted-ca-file={}", self.path("ca.pem")),
            "--client-cert-auth".to_owned(),
        ]
        .to_vec()
    }
}
