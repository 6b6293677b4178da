//! What lies in the state directories is root's: nobody else writes on this host.

use super::beside::is_there;
use std::io;
use std::path::Path;

pub(super) fn vouch(path: &Path) -> io::Result<()> {
    if is_there(path) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
}
