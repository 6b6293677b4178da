//! The configuration of PHP-FPM, as its running master has read it: the pools, where each listens, and where its status
//! page is. Source: `sapi/fpm/fpm/fpm_conf.c` of PHP 8.
//!
//! Nothing here touches a file: who calls hands in a reader of files, and decides with whose rights they are read.

mod address;
mod line;
mod master;
mod pattern;
mod pools;
mod reader;
mod section;
pub mod status;
mod survey;
mod value;

pub use address::{AllowedClients, Listen};
pub use master::Master;
pub use pools::{Answering, Page, Pool};
pub use reader::{Configuration, read};
pub use section::{Fault, Spot};
pub use survey::{Reading, Reason, Survey, Way};
pub use value::Unclear;

use std::ffi::OsString;
use std::path::Path;

/// What reads files for the configuration: as the master sees them, with a bound on what is read and on the time.
pub trait Files {
    /// The content of a regular file.
    ///
    /// # Errors
    /// In words, why not.
    fn content(&mut self, path: &Path) -> Result<Vec<u8>, String>;

    /// The names in a directory, without `.` and `..`; none if there is no such directory.
    ///
    /// # Errors
    /// In words, why not.
    fn names(&mut self, directory: &Path) -> Result<Vec<OsString>, String>;

    /// Whether there is something at `path` that is no directory.
    fn is_file(&mut self, path: &Path) -> bool;
}

#[cfg(any(test, fuzzing))]
#[path = "../../tests/fuzz/properties/php_fpm.rs"]
pub mod properties;

#[cfg(test)]
mod tests;
