//! Judges whether the hooks find what they need: systemd runs them in the unit's own file system, whatever their `+`.

use super::finding::{Finding, error, warning};
use crate::context::Context;
use crate::settings::Settings;
use crate::text::paths;
use crate::unit::{Unit, calls};
use std::path::{Path, PathBuf};

/// Something on the host that the hooks need.
#[derive(Debug)]
pub(super) struct Need {
    /// Without symlinks.
    path: PathBuf,
    access: Access,
    without: Without,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
    /// Files are renamed there.
    Rename,
}

/// What becomes of a drain without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Without {
    /// It is none, or it is not undone.
    NoDrain,
    /// Less is known of it.
    Less,
}

/// What the hooks need, as the settings say.
pub(super) fn needs(context: &Context, settings: &Settings) -> Vec<Need> {
    let real = |path: &Path| context.root.shorten(&follow(&context.root.join(path)));
    let directories = settings.health_files.iter().filter_map(|file| file.parent());
    let files = [Path::new("/etc/hhvm-drain.toml"), Path::new("/etc/hhvm-drain.toml.d")];
    let files = files.into_iter().chain(settings.password_file.as_deref());
    let files = files.filter(|path| context.root.join(path).exists());
    let need = |path: &Path, access, without| Need { path: real(path), access, without };
    [need(Path::new("/usr/bin/hhvm-drain"), Access::Read, Without::NoDrain)]
        .into_iter()
        .chain([need(Path::new("/proc"), Access::Read, Without::NoDrain)])
        .chain(files.map(|path| need(path, Access::Read, Without::NoDrain)))
        .chain(directories.map(|path| need(path, Access::Rename, Without::NoDrain)))
        .chain([need(Path::new("/var/lib/hhvm-drain"), Access::Write, Without::NoDrain)])
        .chain([need(Path::new("/run"), Access::Write, Without::Less)])
        .collect()
}

/// `path` without symlinks, as far as it exists.
fn follow(path: &Path) -> PathBuf {
    match (path.canonicalize(), path.parent(), path.file_name()) {
        (Ok(real), ..) => real,
        (Err(_), Some(parent), Some(name)) => follow(parent).join(name),
        _ => path.to_owned(),
    }
}

/// What stands between the hooks and the host. `real` follows symlinks.
pub(super) fn confinement(unit: &Unit, needs: &[Need], name: &str) -> Vec<Finding> {
    let mut findings: Vec<Finding> = root(unit, name).into_iter().chain(user(unit, name)).collect();
    for (without, finding) in [(Without::NoDrain, error as fn(String) -> Finding), (Without::Less, warning)] {
        findings.extend(hidden(unit, needs, without, name).map(finding));
    }
    findings
}

fn root(unit: &Unit, name: &str) -> Option<Finding> {
    let root = unit.root.as_ref()?;
    Some(error(format!(
        "unit: {root}: systemd looks for hhvm-drain below it; without it the next stop does not drain, and nothing says so; \
         set RootDirectoryStartOnly=yes with systemctl edit {name}, which lets the unit's commands run outside of it, but HHVM \
         below it"
    )))
}

fn user(unit: &Unit, name: &str) -> Option<Finding> {
    let line = unit.exec_stop_confined.iter().find(|line| calls(line, "stop"))?;
    let mend = format!("write ExecStop=-+{line}; run: systemctl cat {name}");
    Some(match &unit.user {
        Some(user) => error(format!(
            "unit: hhvm-drain's ExecStop= has no \"+\", so it runs as {user}, and cannot take the node out; {mend}"
        )),
        None => warning(format!(
            "unit: hhvm-drain's ExecStop= has no \"+\", so the unit's sandbox may keep it from taking the node out; {mend}"
        )),
    })
}

/// What the unit's mounts hide of `needs`, all in one line with what mends it.
fn hidden(unit: &Unit, needs: &[Need], without: Without, name: &str) -> Option<String> {
    let (mut settings, mut away, mut mends) = (Vec::new(), Vec::new(), Vec::new());
    for need in needs.iter().filter(|need| need.without == without) {
        let Some(found) = unit.mounts.hides(&need.path, follow) else { continue };
        if away.contains(&need.path) || (found.is_read_only && need.access == Access::Read) {
            continue;
        }
        let path = need.path.display();
        mends.push(match (need.access, found.instead) {
            (Access::Rename, Some(instead)) if !found.is_read_only => {
                format!("set health-file to where it is below {}", instead.display())
            }
            _ if found.is_named => format!("remove {}", found.setting),
            (Access::Read, _) => format!("set BindReadOnlyPaths={path}"),
            (Access::Write | Access::Rename, _) => format!("set BindPaths={path}"),
        });
        away.push(need.path.clone());
        settings.push(found.setting);
    }
    settings.dedup();
    let consequence = match without {
        Without::NoDrain => "the next stop does not drain, or the node does not come back",
        Without::Less => "systemctl status does not show the drain, and hhvm-drain pool does not see it",
    };
    (!away.is_empty()).then(|| {
        let (settings, away, mends) = (settings.join(", "), paths(&away), mends.join(", "));
        format!("unit: {settings} keeps the hooks from {away}, so {consequence}; {mends}; change the unit with systemctl edit {name}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Severity;

    fn needs() -> Vec<Need> {
        let need = |path: &str, access, without| Need { path: path.into(), access, without };
        vec![
            need("/usr/bin/hhvm-drain", Access::Read, Without::NoDrain),
            need("/proc", Access::Read, Without::NoDrain),
            need("/no/www", Access::Rename, Without::NoDrain),
            need("/no/www", Access::Rename, Without::NoDrain),
            need("/no/lib/hhvm-drain", Access::Write, Without::NoDrain),
            need("/run", Access::Write, Without::Less),
        ]
    }

    fn told(text: &str) -> Vec<(Option<Severity>, String)> {
        let findings = confinement(&Unit::parse(text), &needs(), "u.service");
        findings.into_iter().map(|finding| (finding.severity, finding.text)).collect()
    }

    #[test]
    fn a_root_of_its_own_is_an_error_unless_it_is_for_the_main_process_alone() {
        for root in ["RootDirectory=/srv/jail", "RootImage=/srv/jail.raw"] {
            let told_of = told(&format!("{root}\nRootDirectoryStartOnly=no\n"));
            assert_eq!(told_of[0].0, Some(Severity::Error));
            assert!(
                told_of[0].1.contains(root) && told_of[0].1.contains("RootDirectoryStartOnly=yes"),
                "{told_of:?}"
            );
            assert!(told(&format!("{root}\nRootDirectoryStartOnly=yes\n")).is_empty());
        }
        assert!(told("RootDirectory=\nRootImage=\n").is_empty() && told("RootDirectory=/\n").is_empty());
    }

    #[test]
    fn what_a_mount_hides_is_named_once_with_what_brings_it_back() {
        let told_of = told("TemporaryFileSystem=/no\nBindPaths=/srv:/usr/bin\n");
        let [(Some(Severity::Error), line)] = &told_of[..] else { panic!("{told_of:?}") };
        for part in [
            "BindPaths=/srv:/usr/bin, TemporaryFileSystem=/no keeps the hooks from /usr/bin/hhvm-drain, /no/www, /no/lib/",
            "set BindReadOnlyPaths=/usr/bin/hhvm-drain, set BindPaths=/no/www, set BindPaths=/no/lib/hhvm-drain; change",
        ] {
            assert!(line.contains(part), "{line}");
        }
        let mended = "BindPaths=/srv:/usr/bin /no/www:/no/www:rbind /no/lib/hhvm-drain:/no/lib/hhvm-drain:rbind\n\
                      BindReadOnlyPaths=/usr/bin/hhvm-drain:/usr/bin/hhvm-drain:rbind\nTemporaryFileSystem=/no\n";
        assert_eq!(told(mended), []);
    }

    #[test]
    fn another_directory_in_place_of_the_site_is_where_the_health_file_is() {
        let told_of = told("BindPaths=/srv/site:/no/www:rbind\n");
        let [(Some(Severity::Error), line)] = &told_of[..] else { panic!("{told_of:?}") };
        assert!(
            line.contains("set health-file to where it is below /srv/site; change the unit with"),
            "{line}"
        );
    }

    #[test]
    fn what_is_only_read_may_be_read_only() {
        let told_of = told("BindReadOnlyPaths=/usr:/usr /no/www:/no/www /run:/run\n");
        let [(Some(Severity::Error), www), (Some(Severity::Warning), run)] = &told_of[..] else {
            panic!("{told_of:?}")
        };
        assert!(www.contains("; remove BindReadOnlyPaths=/no/www:/no/www; change"), "{www}");
        assert!(!www.contains("hhvm-drain,") && run.contains("/run:/run"), "{told_of:?}");
    }

    #[test]
    fn a_hook_without_plus_is_told_with_its_user() {
        let hook = |flags: &str, user: &str| {
            told(&format!(
                "User={user}\nExecStopEx={{ path=x ; argv[]=/usr/bin/hhvm-drain stop ; flags={flags} ; start_time=[n/a] }}\n"
            ))
        };
        let told_of = hook("ignore-failure", "www-data");
        assert_eq!(told_of[0].0, Some(Severity::Error));
        assert!(
            told_of[0].1.contains("runs as www-data")
                && told_of[0].1.contains("ExecStop=-+/usr/bin/hhvm-drain stop;")
        );
        assert_eq!(hook("ignore-failure", "root")[0].0, Some(Severity::Warning));
        assert_eq!(hook("ignore-failure privileged", "www-data"), []);
        assert_eq!(told("User=www-data\n"), [], "systemd before 243 does not tell");
    }
}
