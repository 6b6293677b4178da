//! The admin password: read from its file, sent in the query, shown nowhere.

use crate::problem::{Place, Problem};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A password file larger than this is a mistake.
const FILE_MAX: u64 = 1024;

/// The admin password. Has no `Debug` and no `Display`, so that no message can hold it.
pub struct Password(Vec<u8>);

impl Password {
    /// A password that is known already.
    #[must_use]
    pub fn new(password: &str) -> Self {
        Self(password.as_bytes().to_vec())
    }

    /// Reads the file at `path`, which messages call `name`.
    ///
    /// # Errors
    /// When the file cannot be read, is empty or too long.
    pub fn read(path: &Path, name: &Path) -> Result<Self, Problem> {
        let problem = |message: String| Problem::error(Place::Path(name.to_owned()), message);
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(|e| problem(format!("password-file cannot be read ({e})")))?;
        file.take(FILE_MAX + 1)
            .read_to_end(&mut bytes)
            .map_err(|e| problem(format!("password-file cannot be read ({e})")))?;
        let end = bytes.iter().rposition(|b| !b"\r\n".contains(b)).map_or(0, |last| last + 1);
        bytes.truncate(end);
        if bytes.is_empty() || bytes.len() as u64 >= FILE_MAX {
            return Err(problem("password-file must hold the password in one line".to_owned()));
        }
        Ok(Self(bytes))
    }

    /// What is wrong with the owner or the mode of the file at `path`.
    #[must_use]
    pub fn exposure(path: &Path, name: &Path) -> Option<Problem> {
        let metadata = path.metadata().ok()?;
        let exposed = metadata.uid() != 0 || metadata.mode() & 0o077 != 0;
        exposed.then(|| {
            let message = format!(
                "others can read the password; run: chown root: {0} && chmod 600 {0}",
                name.display()
            );
            Problem::warning(Place::Path(name.to_owned()), message)
        })
    }

    /// `auth=…` for a query string, percent-encoded (RFC 3986, section 2).
    #[must_use]
    pub fn query(&self) -> String {
        let mut query = String::from("auth=");
        for &byte in &self.0 {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                query.push(char::from(byte));
            } else {
                // Writing to a String cannot fail.
                let _ = write!(query, "%{byte:02X}");
            }
        }
        query
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &[u8]) -> Result<Password, Problem> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        Password::read(file.path(), Path::new("/etc/pw"))
    }

    #[test]
    fn a_line_is_read_and_encoded() {
        assert_eq!(read(b"a b+c%&\n").ok().unwrap().query(), "auth=a%20b%2Bc%25%26");
    }

    #[test]
    fn an_empty_or_endless_file_is_named() {
        for content in [&b""[..], b"\n", &[b'x'; 5000]] {
            let problem = read(content).err().unwrap().to_string();
            assert!(problem.starts_with("/etc/pw: password-file must"), "{problem}");
        }
    }
}
