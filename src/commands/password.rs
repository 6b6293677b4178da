//! Reads the password file, and checks who else can read it.

use crate::context::Context;
use crate::files::read;
use crate::password::Password;
use crate::problem::{Location, Problem};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A larger password file is a mistake.
const FILE_MAX: u64 = 1023;

/// The password in the file `name`.
pub(super) fn read_password(context: &Context, name: &Path) -> Result<Password, Problem> {
    let problem = |message: String| Problem::error(Location::Path(name.to_owned()), message);
    let bytes = read(&context.root, name, FILE_MAX)
        .map_err(|why| problem(format!("password-file cannot be read ({why})")))?;
    Password::of_file(&bytes)
        .ok_or_else(|| problem("password-file must hold the admin password, and it is empty".to_owned()))
}

/// What is wrong with the owner or the mode of the file `name`, which holds a secret: what kind of.
pub(super) fn exposure(context: &Context, name: &Path, what: &str) -> Option<Problem> {
    let metadata = context.root.join(name).metadata().ok()?;
    let is_exposed = metadata.uid() != 0 || metadata.mode() & 0o077 != 0;
    is_exposed.then(|| {
        let file = name.display();
        let message = format!("others can read the {what}; run: chown root: {file} && chmod 600 {file}");
        Problem::warning(Location::Path(name.to_owned()), message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Env, Root, UnitName};

    fn password(bytes: &[u8]) -> Result<Password, Problem> {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("pw"), bytes).unwrap();
        let root = Root::new(root.path().to_owned());
        let context = Context::new(root, Env::default(), UnitName::parse("hhvm").unwrap());
        read_password(&context, Path::new("/pw"))
    }

    #[test]
    fn an_empty_or_endless_file_is_named() {
        for bytes in [&b""[..], b"\n", &[b'x'; 5000]] {
            let problem = password(bytes).err().unwrap().to_string();
            assert!(problem.starts_with("/pw: password-file "), "{problem}");
        }
        assert_eq!(password(&[b'x'; 1023]).ok().unwrap().query().len(), 1028);
    }
}
