//! What a unit mounts over the host's files. A `+` before a hook's command lifts its sandbox, but not these
//! (systemd.service(5), "Special executable prefixes"; seen with systemd 247, 252 and 257).

use std::path::{Path, PathBuf};

/// Mounts for a unit's processes alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mounts(Vec<Mount>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Mount {
    /// The setting that makes it.
    setting: String,
    /// Where it is.
    target: PathBuf,
    /// What of the host is there; none if nothing is.
    source: Option<PathBuf>,
    is_read_only: bool,
}

/// What keeps a hook from a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    /// The setting that does.
    pub setting: String,
    /// What of the host is there instead; none if nothing is.
    pub instead: Option<PathBuf>,
    /// Whether the path is there, but read-only.
    pub is_read_only: bool,
    /// Whether the setting names the path itself, so that no other setting can bring it back.
    pub is_named: bool,
}

impl Mounts {
    /// Adds what `systemctl show` tells of the setting `name`: `TARGET[:OPTIONS]` for `TemporaryFileSystem=`, else
    /// `[-]SOURCE:TARGET[:OPTIONS]`.
    pub fn add(&mut self, name: &str, value: &str) {
        for word in value.split_whitespace() {
            let mut parts = word.trim_start_matches(['-', '+']).split(':');
            let first = parts.next().unwrap_or_default();
            let is_bind = name.starts_with("Bind");
            let target = if name == "TemporaryFileSystem" { first } else { parts.next().unwrap_or(first) };
            self.0.push(Mount {
                setting: format!("{name}={word}"),
                target: target.into(),
                source: is_bind.then(|| first.into()),
                is_read_only: name == "BindReadOnlyPaths",
            });
        }
    }

    /// What becomes of the host's `path`, in which there are no symlinks; none if a hook finds it as it is. `real`
    /// follows the symlinks of a path.
    #[must_use]
    pub fn hides(&self, path: &Path, real: impl Fn(&Path) -> PathBuf) -> Option<Hidden> {
        let covering = self.0.iter().filter_map(|mount| {
            let target = real(&mount.target);
            let rest = path.strip_prefix(&target).ok()?.to_owned();
            Some((target.components().count(), mount, rest))
        });
        // Of two in one place the later one counts, the read-only one of two binds (seen with systemd 252).
        let (_, mount, rest) = covering.max_by_key(|(depth, ..)| *depth)?;
        let source = mount.source.as_ref().map(|source| join(&real(source), &rest));
        let is_itself = source.as_deref() == Some(path);
        (!is_itself || mount.is_read_only).then(|| Hidden {
            setting: mount.setting.clone(),
            instead: source,
            is_read_only: is_itself,
            is_named: rest.as_os_str().is_empty(),
        })
    }
}

/// Without a slash at the end where `rest` is empty.
fn join(path: &Path, rest: &Path) -> PathBuf {
    if rest.as_os_str().is_empty() { path.to_owned() } else { path.join(rest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hides(settings: &[(&str, &str)], path: &str) -> Option<Hidden> {
        let mut mounts = Mounts::default();
        for (name, value) in settings {
            mounts.add(name, value);
        }
        let real = |path: &Path| match path.strip_prefix("/link") {
            Ok(rest) => Path::new("/var").join(rest),
            Err(_) => path.to_owned(),
        };
        mounts.hides(Path::new(path), real)
    }

    fn away(setting: &str) -> Hidden {
        Hidden { setting: setting.to_owned(), instead: None, is_read_only: false, is_named: false }
    }

    fn named(setting: &str, instead: &str, is_read_only: bool) -> Hidden {
        Hidden { setting: setting.to_owned(), instead: Some(instead.into()), is_read_only, is_named: true }
    }

    #[test]
    fn the_innermost_mount_decides() {
        let root = ("TemporaryFileSystem", "/ /tmp:ro");
        assert_eq!(hides(&[root], "/var/www"), Some(away("TemporaryFileSystem=/")));
        let www = ("BindPaths", "/usr:/usr:rbind -/var/www:/var/www:rbind");
        assert_eq!(hides(&[root, www], "/var/www"), None);
        assert_eq!(hides(&[root, www], "/var/www/site"), None);
        assert_eq!(hides(&[root, www], "/var/wwwx"), Some(away("TemporaryFileSystem=/")));
        assert_eq!(hides(&[root, www], "/tmp/x"), Some(away("TemporaryFileSystem=/tmp:ro")));
        assert_eq!(hides(&[], "/var/www"), None);
    }

    #[test]
    fn another_directory_in_its_place_hides_it_and_a_read_only_one_is_told() {
        assert_eq!(
            hides(&[("BindPaths", "/srv:/var/www")], "/var/www"),
            Some(named("BindPaths=/srv:/var/www", "/srv", false))
        );
        assert_eq!(
            hides(&[("MountImages", "/i.raw:/var")], "/var/www"),
            Some(away("MountImages=/i.raw:/var"))
        );
        let read_only = |value: &str| {
            hides(&[("BindPaths", "/var/www:/var/www"), ("BindReadOnlyPaths", value)], "/var/www")
        };
        assert_eq!(read_only("/var:/var"), None, "the inner one counts");
        assert_eq!(
            read_only("/var/www:/var/www"),
            Some(named("BindReadOnlyPaths=/var/www:/var/www", "/var/www", true))
        );
    }

    #[test]
    fn symlinks_are_followed() {
        assert_eq!(
            hides(&[("TemporaryFileSystem", "/link/lib")], "/var/lib/x"),
            Some(away("TemporaryFileSystem=/link/lib"))
        );
        assert_eq!(hides(&[("BindPaths", "/link/www:/var/www")], "/var/www"), None);
    }
}
