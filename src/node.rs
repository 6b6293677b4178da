//! This node as its fleet knows it: by its host name, which must be a key's, and by what tells two hosts of one name apart.

use crate::clock;
use crate::context::Root;
use crate::files;
use crate::fleet::Name;
use crate::text::quote;
use std::path::Path;

/// The kernel's host names have at most 64 bytes (`gethostname(2)`), a machine-id has 32 (machine-id(5)).
const BYTES_MAX: u64 = 256;

/// A node of a fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The host's name, as the kernel has it.
    pub name: Name,
    /// `/etc/machine-id`, empty if there is none.
    pub machine_id: String,
    /// The boot in which it is now.
    pub boot_id: String,
}

impl Node {
    /// The host below `root`.
    ///
    /// # Errors
    /// Why it has no name that can be used.
    pub fn here(root: &Root) -> Result<Self, String> {
        let name = read(root, "/proc/sys/kernel/hostname")
            .map_err(|why| format!("the host's name cannot be read ({why})"))?;
        let name = Name::parse(&name).map_err(|what| {
            format!("the host's name \"{}\" is {what}; set another one with hostnamectl", quote(&name))
        })?;
        let machine_id = read(root, "/etc/machine-id").unwrap_or_default();
        let boot_id = clock::now(&root.join("/proc")).boot_id;
        Ok(Self { name, machine_id: quote(&machine_id), boot_id })
    }
}

fn read(root: &Root, path: &str) -> std::io::Result<String> {
    files::read(root, Path::new(path), BYTES_MAX).and_then(files::text).map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_known_by_its_name_if_a_key_can_have_it() {
        let root = tempfile::tempdir().unwrap();
        let here = || Node::here(&Root::new(root.path().to_owned()));
        assert!(here().unwrap_err().contains("cannot be read"));
        std::fs::create_dir_all(root.path().join("proc/sys/kernel")).unwrap();
        std::fs::create_dir_all(root.path().join("etc")).unwrap();
        let name = |text: &str| std::fs::write(root.path().join("proc/sys/kernel/hostname"), text).unwrap();
        name("web1.example\n");
        let node = here().unwrap();
        assert_eq!((node.name.as_str(), node.machine_id.as_str()), ("web1.example", ""));
        std::fs::write(root.path().join("etc/machine-id"), "0123\n").unwrap();
        assert_eq!(here().unwrap().machine_id, "0123");
        name("a b\n");
        assert!(here().unwrap_err().contains("the host's name \"a b\" is not a name"));
    }
}
