//! `drop-in`: prints the drop-in for any unit, for an HHVM unit with another name, or for PHP-FPM.

use crate::context::Context;
use crate::error::{Error, Result};
use std::io::Write;

/// The drop-in of the package; its lines name the unit by a specifier, so they are right for every unit.
const DROP_IN: &str = include_str!("../../systemd/hhvm.service.d/drain.conf");

/// Runs the command.
pub(super) fn run(context: &Context) -> Result<()> {
    write!(std::io::stdout(), "{}", text(context.unit.as_str())).map_err(Error::Output)
}

/// The drop-in, its first comment exchanged for one that says where it belongs.
fn text(unit: &str) -> String {
    let lines = DROP_IN.split_once("\n\n").map_or(DROP_IN, |(_, lines)| lines);
    format!(
        "# Drains {unit} before systemd stops it. See hhvm-drain(8).\n\
         # Save it as /etc/systemd/system/{unit}.d/drain.conf, run \"systemctl daemon-reload\",\n\
         # put its settings under [unit.\"{unit}\"] in /etc/hhvm-drain.toml, and run \"hhvm-drain check --unit={unit}\".\n\n\
         {lines}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_are_those_of_the_package() {
        let text = text("php8.2-fpm.service");
        assert!(text.starts_with("# Drains php8.2-fpm.service before"));
        let settings = |text: &str| {
            text.lines()
                .filter(|line| !line.starts_with('#') && !line.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let (ours, theirs): (Vec<String>, Vec<String>) = (settings(&text), settings(DROP_IN));
        assert_eq!(ours, theirs);
        assert!(ours.len() > 7 && !ours.iter().any(|line| line.contains("hhvm.service")), "{ours:?}");
    }
}
