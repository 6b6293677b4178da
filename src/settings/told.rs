//! What a unit tells the hooks, and nobody else: variables of its `Environment=` and `EnvironmentFile=`, flags of its
//! `ExecStop=` line. Who looks at the next stop has to know them, too.

use super::table::Spec;
use crate::problem::Problem;
use std::collections::BTreeMap;

/// Settings from a command line.
pub type Flags = Vec<(&'static Spec, Vec<String>)>;

/// What one unit tells them.
#[derive(Debug, Default)]
pub struct Told {
    /// Variables of this program.
    pub variables: BTreeMap<String, String>,
    /// Flags of the stop hook.
    pub flags: Flags,
    /// What is wrong with the stop hook's line.
    pub problems: Vec<Problem>,
}

/// The assignments in an environment file: a line for each, with or without quotes (systemd.exec(5)). One that goes on in
/// the next line is none of this program's.
pub fn assignments(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';']));
    let assignments = lines.filter_map(|line| line.split_once('='));
    assignments.map(|(name, value)| (name.trim(), without_quotes(value.trim())))
}

fn without_quotes(value: &str) -> &str {
    let inside = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_file_is_read_as_systemd_reads_it() {
        let text = "# A=1\n;B=2\n C = 3 \nD=\"4 5\"\r\nE='6'\nF=\n=\nG\nH=\"\n";
        let found: Vec<_> = assignments(text).collect();
        assert_eq!(found, [("C", "3"), ("D", "4 5"), ("E", "6"), ("F", ""), ("", ""), ("H", "\"")]);
    }
}
