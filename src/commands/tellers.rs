//! Checks who can change what tells the hooks what to do: they run as root, and systemd gives them the unit's environment.

use super::finding::{Finding, error};
use crate::context::Context;
use crate::files::who_else_changes;
use crate::settings::layers::files;
use crate::systemd;
use crate::unit::Unit;
use std::path::{Path, PathBuf};

/// The variables by which the loader finds code for a program (ld.so(8)).
const OF_THE_LOADER: [&str; 3] = ["LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT"];

/// What others can change of the settings files, the unit's environment files, and the libraries that its environment names.
pub(super) fn findings(context: &Context, unit: Option<&Unit>) -> Vec<Finding> {
    let finding = |path: &Path, what: &str| {
        let place = context.root.shorten(&who_else_changes(&context.root.join(path))?);
        let (path, place) = (path.display(), place.display());
        Some(error(format!(
            "{path}: others can change {place}, and so what hhvm-drain's hooks do as root{what}; run: chown root: {place} && \
             chmod go-w {place}"
        )))
    };
    let settings = files(context).into_iter().filter_map(|path| finding(&path, ""));
    let Some(unit) = unit else { return settings.collect() };
    let of_unit = unit.environment_files.iter();
    let of_unit = of_unit.filter_map(|path| finding(path, ", because it is an EnvironmentFile= of the unit"));
    let code = code(context, unit).into_iter();
    let code = code.filter_map(|(name, path)| finding(&path, &format!(", because the unit sets {name}")));
    settings.chain(of_unit).chain(code).collect()
}

/// The files and directories from which the unit's environment lets its processes load code.
fn code(context: &Context, unit: &Unit) -> Vec<(&'static str, PathBuf)> {
    let variables = systemd::variables(unit, &context.root);
    let of = |name: &'static str| {
        let value = variables.get(name).map_or("", String::as_str);
        let paths = value.split([':', ' ', ';']).filter(|path| path.starts_with('/'));
        paths.map(|path| (name, PathBuf::from(path))).collect::<Vec<_>>()
    };
    OF_THE_LOADER.into_iter().flat_map(of).collect()
}
