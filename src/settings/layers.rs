//! Puts the settings of one unit together: files, then variables, then flags. Later values win. An invalid value is
//! reported, and the value before it stays in force.

use super::file;
use super::fleet::draft::Draft;
use super::table::{Settings, Spec, VARIABLE_PREFIX};
use super::told::{Flags, Told};
use crate::context::Context;
use crate::files::{entries, read, text};
use crate::order;
use crate::problem::{Location, Problem};
use std::io;
use std::path::{Path, PathBuf};

/// The settings file of the administrator; more may lie in the directory of the same name with `.d`.
pub const FILE: &str = "/etc/hhvm-drain.toml";
/// A settings file larger than this is a mistake.
const FILE_MAX: u64 = 1 << 20;
/// Most names in the directory of settings files.
const FILES_MAX: usize = 10_000;

/// The settings of the unit in `context`, with every problem found on the way.
///
/// Never fails: what cannot be read or parsed leaves the default in force, because a broken setting must not turn a
/// drained stop into an abrupt one.
#[must_use]
pub fn load(context: &Context, flags: &Flags) -> (Settings, Vec<Problem>) {
    load_as_told(context, &Told::default(), flags)
}

/// The same with what the unit tells its hooks, which counts more than files, and less than the caller's own variables and
/// flags.
#[must_use]
pub fn load_as_told(context: &Context, told: &Told, flags: &Flags) -> (Settings, Vec<Problem>) {
    let mut layers = Layers { settings: Settings::default(), fleet: Draft::new(), problems: Vec::new() };
    let files: Vec<_> = paths(context, &mut layers.problems)
        .into_iter()
        .map(|path| (path.clone(), layers.read(context, &path)))
        .collect();
    for of_unit in [false, true] {
        for (path, contents) in &files {
            layers.apply_file(context, path, contents, of_unit);
        }
    }
    for (path, contents) in &files {
        layers.apply_fleet(path, contents);
    }
    let (fleet, problems) = std::mem::take(&mut layers.fleet).finish();
    layers.settings.fleet = fleet;
    layers.problems.extend(problems);
    let of_unit = |name: &str| Location::Variable(format!("{name} of {}", context.unit));
    layers
        .apply_variables(told.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())), of_unit);
    for (spec, values) in &told.flags {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let location = Location::Option(format!("--{} of {}'s ExecStop=", spec.name, context.unit));
        layers.set(location, spec, &values);
    }
    layers.apply_variables(context.env.iter(), |name| Location::Variable(name.to_owned()));
    for (spec, values) in flags {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        layers.set(Location::Flag(spec.name), spec, &values);
    }
    let contradictions = layers.settings.contradictions();
    layers.problems.extend(contradictions.into_iter().map(|m| Problem::warning(Location::Settings, m)));
    (layers.settings, layers.problems)
}

/// The settings files that are there.
#[must_use]
pub fn files(context: &Context) -> Vec<PathBuf> {
    let mut files = paths(context, &mut Vec::new());
    files.retain(|path| context.root.join(path).exists());
    files
}

/// The main file, then the files `*.toml` of the directory beside it, by name.
fn paths(context: &Context, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    let directory = PathBuf::from(format!("{FILE}.d"));
    let mut names: Vec<PathBuf> = match entries(&context.root.join(&directory), FILES_MAX) {
        Ok(entries) => entries.into_iter().map(|entry| entry.name.into()).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !is_symlink(context, &directory) => {
            Vec::new()
        }
        Err(error) => {
            let message = format!(
                "cannot be read ({}), so its files are ignored; make it readable for root",
                why(&error)
            );
            problems.push(Problem::error(Location::Path(directory.clone()), message));
            Vec::new()
        }
    };
    names.retain(|name| name.extension().is_some_and(|extension| extension == "toml"));
    order::sort(&mut names);
    std::iter::once(PathBuf::from(FILE)).chain(names.into_iter().map(|name| directory.join(name))).collect()
}

/// A name that leads to nothing, because of a typing mistake or of a file system that is not mounted, was meant to be read.
fn is_symlink(context: &Context, path: &Path) -> bool {
    context.root.join(path).is_symlink()
}

fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "a symlink to what is not there".to_owned(),
        _ => error.to_string(),
    }
}

struct Layers {
    settings: Settings,
    fleet: Draft,
    problems: Vec<Problem>,
}

impl Layers {
    fn read(&mut self, context: &Context, path: &Path) -> file::Contents {
        match read(&context.root, path, FILE_MAX).and_then(text) {
            Ok(text) => {
                let contents = file::read(&text);
                for mistake in &contents.mistakes {
                    let location = Location::File(path.to_owned(), mistake.at);
                    let message = mistake.message.clone();
                    self.problems.push(Problem { location, message, severity: mistake.severity });
                }
                contents
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_symlink(context, path) => {
                file::Contents::default()
            }
            Err(error) => {
                let message = format!("cannot be read ({}), so its settings are ignored", why(&error));
                self.fleet.doubt();
                self.problems.push(Problem::error(Location::Path(path.to_owned()), message));
                file::Contents::default()
            }
        }
    }

    fn apply_file(&mut self, context: &Context, path: &Path, contents: &file::Contents, of_unit: bool) {
        let wanted = of_unit.then_some(&context.unit);
        for assignment in contents.assignments.iter().filter(|a| a.unit.as_ref() == wanted) {
            let values: Vec<&str> = assignment.values.iter().map(String::as_str).collect();
            self.set(Location::File(path.to_owned(), assignment.at), assignment.spec, &values);
        }
    }

    fn apply_fleet(&mut self, path: &Path, contents: &file::Contents) {
        if contents.is_fleet_torn {
            self.fleet.give_up();
        }
        if let Some(at) = contents.fleet_at {
            self.fleet.begin(Location::File(path.to_owned(), at));
        }
        for assignment in &contents.fleet {
            let values: Vec<&str> = assignment.values.iter().map(String::as_str).collect();
            if let Err(what) = self.fleet.set(assignment.key, &values) {
                let message = format!("fleet: {}: {what}", assignment.key.name);
                self.problems.push(Problem::error(Location::File(path.to_owned(), assignment.at), message));
            }
        }
    }

    fn apply_variables<'a>(
        &mut self,
        variables: impl Iterator<Item = (&'a str, &'a str)>,
        locate: impl Fn(&str) -> Location,
    ) {
        for (name, value) in variables {
            let Some(rest) = name.strip_prefix(VARIABLE_PREFIX) else { continue };
            let location = locate(name);
            let key = rest.to_lowercase().replace('_', "-");
            match Spec::named(&key) {
                Some(spec) if spec.is_for_files_only() => {
                    let message = format!("{key} can be set in files only, see hhvm-drain.toml(5)");
                    self.problems.push(Problem::error(location, message));
                }
                Some(spec) => self.set(location, spec, &spec.split(value)),
                None if key == "fleet" => {
                    let message = "fleet can be set in files only, see hhvm-drain.toml(5)".to_owned();
                    self.problems.push(Problem::error(location, message));
                }
                None => self.problems.push(Problem::warning(location, file::unknown_setting(&key))),
            }
        }
    }

    fn set(&mut self, location: Location, spec: &Spec, values: &[&str]) {
        match self.settings.set(spec, values) {
            Ok(()) => drop(self.settings.set_by.insert(spec.name, location)),
            Err(message) => {
                let message = match location {
                    Location::Flag(_) => message,
                    _ => format!("{}: {message}", spec.name),
                };
                self.problems.push(Problem::error(location, message));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Env, Root, UnitName};
    use std::fs;
    use std::time::Duration;

    fn context(directory: &Path, env: Env) -> Context {
        Context::new(Root::new(directory.to_owned()), env, UnitName::parse("hhvm@8001.service").unwrap())
    }

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("etc/hhvm-drain.toml.d")).unwrap();
        for (path, text) in files {
            fs::write(directory.path().join(path), text).unwrap();
        }
        directory
    }

    #[test]
    fn flags_win_over_variables_over_unit_tables_over_later_files() {
        let tree = tree(&[
            ("etc/hhvm-drain.toml", "timeout = \"41s\"\n[unit.\"hhvm@8001.service\"]\nthreshold = 4\n"),
            ("etc/hhvm-drain.toml.d/10.toml", "timeout = \"42s\"\nthreshold = 1\nmin-drain = \"1s\"\n"),
            ("etc/hhvm-drain.toml.d/20.toml", "min-drain = \"2s\"\nzero-samples = 7\n"),
            ("etc/hhvm-drain.toml.d/20.toml~", "min-drain = \"9s\"\n"),
        ]);
        let env = Env::from([("HHVM_DRAIN_MIN_DRAIN", "3s"), ("HHVM_DRAIN_ZERO_SAMPLES", "8")]);
        let flags = vec![(Spec::named("zero-samples").unwrap(), vec!["9".to_owned()])];
        let (settings, problems) = load(&context(tree.path(), env), &flags);
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(settings.timeout, Duration::from_secs(42));
        assert_eq!(settings.threshold, 4);
        assert_eq!(settings.min_drain, Duration::from_secs(3));
        assert_eq!(settings.zero_samples.get(), 9);
    }

    #[test]
    fn what_the_unit_tells_its_hooks_counts_between_files_and_the_callers_own_words() {
        let tree = tree(&[("etc/hhvm-drain.toml", "timeout = \"41s\"\nthreshold = 1\nmin-drain = \"1s\"\n")]);
        let variables = ["TIMEOUT=42s", "THRESHOLD=2", "MIN_DRAIN=2s", "REPOOL=sometimes"].into_iter();
        let variables = variables.filter_map(|text| text.split_once('='));
        let told = Told {
            variables: variables
                .map(|(name, value)| (format!("HHVM_DRAIN_{name}"), value.to_owned()))
                .collect(),
            flags: vec![(Spec::named("threshold").unwrap(), vec!["3".to_owned()])],
            problems: Vec::new(),
        };
        let env = Env::from([("HHVM_DRAIN_MIN_DRAIN", "3s")]);
        let (settings, problems) = load_as_told(&context(tree.path(), env), &told, &Vec::new());
        assert_eq!(
            (settings.timeout, settings.threshold, settings.min_drain),
            (Duration::from_secs(42), 3, Duration::from_secs(3))
        );
        let [problem] = &problems[..] else { panic!("{problems:?}") };
        assert!(
            problem.to_string().starts_with("HHVM_DRAIN_REPOOL of hhvm@8001.service: repool: \"sometimes\"")
        );
        assert_eq!(settings.set_by["threshold"].to_string(), "--threshold of hhvm@8001.service's ExecStop=");
    }

    #[test]
    fn a_symlink_to_nowhere_is_no_missing_file() {
        let tree = tree(&[]);
        std::os::unix::fs::symlink("/srv/no", tree.path().join("etc/hhvm-drain.toml")).unwrap();
        std::os::unix::fs::symlink("/srv/no", tree.path().join("etc/hhvm-drain.toml.d/a.toml")).unwrap();
        let named = || {
            let (_, problems) = load(&context(tree.path(), Env::default()), &Vec::new());
            problems.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let [main, more] = &named()[..] else { panic!("{:?}", named()) };
        assert!(
            main.starts_with("/etc/hhvm-drain.toml: cannot be read (a symlink to what is not there)"),
            "{main}"
        );
        assert!(more.starts_with("/etc/hhvm-drain.toml.d/a.toml: cannot"), "{more}");
        fs::remove_dir_all(tree.path().join("etc/hhvm-drain.toml.d")).unwrap();
        assert_eq!(named().len(), 1);
        std::os::unix::fs::symlink("/srv/no", tree.path().join("etc/hhvm-drain.toml.d")).unwrap();
        assert_eq!(named().len(), 2);
    }

    #[test]
    fn what_cannot_be_used_is_named_with_its_place_and_the_default_stays() {
        let tree = tree(&[("etc/hhvm-drain.toml", "timeout = \"soon\"\nthreshold = 2\n")]);
        let env = Env::from([("HHVM_DRAIN_REPOOL", "sometimes"), ("HHVM_DRAIN_TIMOUT", "1s")]);
        let (settings, problems) = load(&context(tree.path(), env), &Vec::new());
        assert_eq!(settings.timeout, Duration::from_secs(30));
        assert_eq!(settings.threshold, 2);
        let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert!(lines[0].starts_with("/etc/hhvm-drain.toml:1:11: timeout: \"soon\""), "{lines:?}");
        assert!(lines.iter().any(|l| l.starts_with("HHVM_DRAIN_REPOOL: repool: \"sometimes\"")), "{lines:?}");
        assert!(lines.iter().any(|l| l.contains("did you mean \"timeout\"")), "{lines:?}");
    }
}
