//! Reads one settings file into assignments, each with its line and column. In a file with mistakes, the rest is kept.

use super::fleet;
use super::places::Places;
use super::table::{Form, SPECS, Spec};
use crate::context::UnitName;
use crate::order;
use crate::problem::{Position, Severity};
use std::ops::{Range, RangeInclusive};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// One setting as a file gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The unit whose table it stands in; none for all units.
    pub unit: Option<UnitName>,
    /// Which setting.
    pub spec: &'static Spec,
    /// Its values, as text.
    pub values: Vec<String>,
    /// Where the value stands.
    pub at: Position,
    /// The lines from its key to the end of its value.
    pub lines: RangeInclusive<usize>,
}

/// One key of `[fleet]` as a file gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetAssignment {
    /// Which key.
    pub key: &'static fleet::Key,
    /// Its values, as text.
    pub values: Vec<String>,
    /// Where the value stands.
    pub at: Position,
    /// The lines from its key to the end of its value.
    pub lines: RangeInclusive<usize>,
}

/// Something that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where it stands.
    pub at: Position,
    /// What is wrong, and what would be right.
    pub message: String,
    /// An unknown key is only warned about: it may be of a newer version.
    pub severity: Severity,
}

/// Nobody reads more mistakes of one file, and a file of nothing else has a million.
const MISTAKES_MAX: usize = 100;

/// What a file holds.
#[derive(Debug, Default)]
pub struct Contents {
    /// The usable settings, in the order of the file's tables.
    pub assignments: Vec<Assignment>,
    /// Where `[fleet]` begins, if there is one.
    pub fleet_at: Option<Position>,
    /// Its usable keys.
    pub fleet: Vec<FleetAssignment>,
    /// Whether it lacks something that was written there.
    pub is_fleet_torn: bool,
    /// The rest; of more than [`MISTAKES_MAX`] mistakes the last one says how many there are.
    pub mistakes: Vec<Mistake>,
}

/// Reads the text of a settings file.
#[must_use]
pub fn read(text: &str) -> Contents {
    let places = Places::of(text);
    let wrong = vec![false; places.lines.len() + 1];
    let mut reader = Reader { places, contents: Contents::default(), wrong, untold: 0 };
    let (table, errors) = DeTable::parse_recoverable(text);
    let of_fleet = if errors.is_empty() { Vec::new() } else { reader.places.with_or_below("fleet") };
    for error in errors {
        let at = error.span().unwrap_or(0..0);
        reader.contents.is_fleet_torn |= of_fleet[reader.places.line(at.start)];
        reader.mistake(&at, error.message(), Severity::Error);
    }
    for (name, value) in table.get_ref() {
        match (name.get_ref().as_ref(), value.get_ref()) {
            ("unit", DeValue::Table(units)) => reader.units(units),
            ("unit", _) => {
                let message = "unit must be a table, like [unit.\"hhvm@8001.service\"]";
                reader.mistake(&value.span(), message, Severity::Error);
            }
            ("fleet", fleet) => reader.fleet(&name.span(), fleet),
            (key, _) => reader.setting(None, key, &name.span(), value),
        }
    }
    reader.finish()
}

struct Reader<'a> {
    places: Places<'a>,
    contents: Contents,
    /// Of each line, by its number, whether there is an error in it.
    wrong: Vec<bool>,
    /// How many mistakes are not among the contents.
    untold: usize,
}

impl Reader<'_> {
    fn units(&mut self, units: &DeTable<'_>) {
        for (unit, settings) in units {
            let name = unit.get_ref().as_ref();
            let Some(settings) = settings.get_ref().as_table() else {
                let message = "a unit's name must be in quotes, like [unit.\"hhvm.service\"]";
                self.mistake(&unit.span(), message, Severity::Error);
                continue;
            };
            if settings.contains_key("service") {
                let message = format!("write the unit's name in quotes: [unit.\"{name}.service\"]");
                self.mistake(&unit.span(), &message, Severity::Error);
                continue;
            }
            let unit = match UnitName::parse(name) {
                Ok(unit) => unit,
                Err(message) => {
                    self.mistake(&unit.span(), &message, Severity::Error);
                    continue;
                }
            };
            for (key, value) in settings {
                self.setting(Some(&unit), key.get_ref().as_ref(), &key.span(), value);
            }
        }
    }

    fn fleet(&mut self, at: &Range<usize>, value: &DeValue<'_>) {
        self.contents.fleet_at = Some(self.position(at.start));
        let DeValue::Table(table) = value else {
            self.contents.is_fleet_torn = true;
            return self.mistake(at, "fleet must be a table: [fleet]", Severity::Error);
        };
        for (name, value) in table {
            let (at, name) = (name.span(), name.get_ref().as_ref());
            let Some(key) = fleet::Key::named(name) else {
                let known = fleet::KEYS.iter().map(|key| key.name);
                let message = format!("fleet: {}", unknown_key(name, known));
                self.mistake(&at, &message, Severity::Warning);
                continue;
            };
            let Some(values) = texts(value.get_ref(), key.is_list) else {
                let wanted = if key.is_list { "strings in quotes" } else { "a string in quotes" };
                let message =
                    format!("fleet: {name}: expected {wanted}, found {}", value.get_ref().type_str());
                self.contents.is_fleet_torn |= key.is_vital;
                self.mistake(&value.span(), &message, Severity::Error);
                continue;
            };
            let (at, lines) = self.place(&at, &value.span());
            self.contents.fleet.push(FleetAssignment { key, values, at, lines });
        }
    }

    fn setting(
        &mut self,
        unit: Option<&UnitName>,
        name: &str,
        at: &Range<usize>,
        value: &Spanned<DeValue<'_>>,
    ) {
        if name == "fleet" {
            let message = "fleet is for all units of this host: write [fleet] at the top";
            self.contents.is_fleet_torn = true;
            return self.mistake(at, message, Severity::Error);
        }
        let Some(spec) = Spec::named(name) else {
            return self.mistake(at, &unknown_setting(name), Severity::Warning);
        };
        let Some(values) = values(spec, value.get_ref()) else {
            let message = match spec.form {
                Form::Tables => format!("{name}: expected strings, or tables with strings in them"),
                Form::One | Form::List(_) => {
                    format!("{name}: expected a string in quotes, found {}", value.get_ref().type_str())
                }
            };
            return self.mistake(&value.span(), &message, Severity::Error);
        };
        let unit = unit.cloned();
        let (at, lines) = self.place(at, &value.span());
        self.contents.assignments.push(Assignment { unit, spec, values, at, lines });
    }

    /// Where the value stands, and the lines from its key to its end.
    fn place(&self, key: &Range<usize>, value: &Range<usize>) -> (Position, RangeInclusive<usize>) {
        let first = self.position(key.start).line;
        (self.position(value.start), first..=self.position(value.end).line.max(first))
    }

    fn mistake(&mut self, at: &Range<usize>, message: &str, severity: Severity) {
        if severity == Severity::Error {
            self.wrong[self.places.line(at.start)] = true;
        }
        if self.contents.mistakes.len() >= MISTAKES_MAX {
            self.untold += 1;
            return;
        }
        let at = self.position(at.start);
        let message = crate::text::clean(message);
        self.contents.mistakes.push(Mistake { at, message, severity });
    }

    /// What the parser makes of a line with a mistake is a guess, and a guessed timeout could end a drain at once.
    fn finish(self) -> Contents {
        let Self { mut contents, wrong, untold, .. } = self;
        let is_right = |lines: &RangeInclusive<usize>| !wrong[lines.clone()].contains(&true);
        contents.assignments.retain(|assignment| is_right(&assignment.lines));
        contents.fleet.retain(|assignment| is_right(&assignment.lines));
        if let Some(last) = contents.mistakes.last_mut().filter(|_| untold > 0) {
            last.message = format!("{}; and {untold} more mistakes in this file", last.message);
        }
        contents
    }

    fn position(&self, offset: usize) -> Position {
        self.places.position(offset)
    }
}

/// A text, a whole number, or a list of texts; of a setting that takes them also tables.
fn values(spec: &Spec, value: &DeValue<'_>) -> Option<Vec<String>> {
    match value {
        DeValue::Integer(number) if !spec.is_for_files_only() => Some(vec![number.as_str().replace('_', "")]),
        DeValue::Array(items) => items.iter().map(|item| text_or_table(spec, item.get_ref())).collect(),
        _ => Some(vec![text_or_table(spec, value)?]),
    }
}

fn text_or_table(spec: &Spec, value: &DeValue<'_>) -> Option<String> {
    let table = match value {
        DeValue::String(text) => return Some(text.to_string()),
        DeValue::Table(table) if spec.is_for_files_only() => table,
        _ => return None,
    };
    let entry = |(key, value): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
        Some((key.get_ref().to_string(), value.get_ref().as_str()?.to_owned()))
    };
    let entries: Option<Vec<(String, String)>> = table.iter().map(entry).collect();
    serde_json::to_string(&order::map(entries?)).ok()
}

/// A text, or where it `is_list` a list of texts.
fn texts(value: &DeValue<'_>, is_list: bool) -> Option<Vec<String>> {
    let text = |value: &DeValue<'_>| value.as_str().map(str::to_owned);
    match value {
        DeValue::Array(items) if is_list => items.iter().map(|item| text(item.get_ref())).collect(),
        _ => Some(vec![text(value)?]),
    }
}

/// Says that a setting is unknown, and names the nearest known one.
pub(super) fn unknown_setting(name: &str) -> String {
    unknown_key(name, SPECS.iter().map(|spec| spec.name).chain(["fleet"]))
}

fn unknown_key(name: &str, known: impl Iterator<Item = &'static str>) -> String {
    let nearest = known
        .map(|known| (strsim::damerau_levenshtein(name, known), known))
        .min()
        .filter(|&(distance, known)| distance <= known.len() / 2);
    let name = crate::text::quote(name);
    match nearest {
        Some((_, known)) => format!("unknown key \"{name}\", ignored; did you mean \"{known}\"?"),
        None => format!("unknown key \"{name}\", ignored; hhvm-drain.toml(5) lists the keys"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::{Duration, Instant};

    #[test]
    fn all_kinds_of_values_are_read() {
        let contents = read(
            "timeout = \"1min\"\nzero-samples = 5\nhealth-file = [\"/a/s.php\", \"/b/s.php\"]\n\
             [unit.\"hhvm@8001.service\"]\ntimeout = \"2min\"\n",
        );
        assert!(contents.mistakes.is_empty(), "{:?}", contents.mistakes);
        let found: Vec<_> = contents
            .assignments
            .iter()
            .map(|a| (a.unit.as_ref().map(UnitName::as_str), a.spec.name, a.values.join(",")))
            .collect();
        assert!(found.contains(&(None, "timeout", "1min".into())));
        assert!(found.contains(&(None, "zero-samples", "5".into())));
        assert!(found.contains(&(None, "health-file", "/a/s.php,/b/s.php".into())));
        assert!(found.contains(&(Some("hhvm@8001.service"), "timeout", "2min".into())));
    }

    #[test]
    fn a_mistake_has_its_place_and_spares_the_rest() {
        let contents = read("timeout = \"1min\"\nmin-drain = = 5\nthreshold = 2\n");
        assert_eq!(contents.mistakes[0].at.line, 2);
        let keys: Vec<_> = contents.assignments.iter().map(|a| a.spec.name).collect();
        assert!(keys.contains(&"timeout") && keys.contains(&"threshold"), "{contents:?}");
        assert!(!keys.contains(&"min-drain"), "a guess: {contents:?}");
    }

    #[test]
    fn nothing_is_taken_from_a_broken_line() {
        for text in [
            "timeout = = \"3s\"\n",
            "timeout =\n",
            "timeout = \"3min\nthreshold = 1\n",
            "timeout = 3s\n",
            "timeout \"3s\"\n",
            "timeout = \"3s\" x\n",
            "timeout = [\"3s\",\n\n",
            "timeout = \"\"\"3s\n",
        ] {
            let contents = read(text);
            assert!(!contents.mistakes.is_empty(), "{text}");
            assert!(contents.assignments.iter().all(|a| a.spec.name != "timeout"), "{text}: {contents:?}");
        }
    }

    #[test]
    fn a_file_of_nothing_but_mistakes_does_not_hold_up_the_stop() {
        let began = Instant::now();
        let contents = read(&format!("{}timeout = \"1s\" x\n", "x\n".repeat(100_000)));
        let last = contents.mistakes.last().map(|mistake| (mistake.at.line, mistake.message.as_str()));
        assert!(
            last.is_some_and(
                |(line, what)| line == 100 && what.ends_with("; and 99901 more mistakes in this file")
            ),
            "{last:?}"
        );
        assert!(contents.assignments.is_empty(), "{:?}", contents.assignments);
        assert!(!read(&format!("timeout = {}", "-".repeat(1 << 20))).mistakes.is_empty());
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    }

    proptest! {
        #[test]
        fn what_looks_like_a_settings_file_has_its_mistakes_in_their_places(
            text in "((\\[unit\\.\"?hhvm\"?\\]|(timeout|health-file|threshold|x)( |=|\"|\\[|\\]|,|/|s|[0-9]|ü|\r){0,9})\n){0,6}",
        ) {
            super::super::properties::file(text.as_bytes());
        }
    }

    #[test]
    fn an_unknown_key_gets_the_nearest_known_one() {
        let contents = read("  timout = \"1min\"\n");
        let mistake = &contents.mistakes[0];
        assert!(
            mistake.severity == Severity::Warning && mistake.message.contains("did you mean \"timeout\""),
            "{mistake:?}"
        );
        assert_eq!(mistake.at, Position { line: 1, column: 3 });
        assert!(read("colour = 1\n").mistakes[0].message.contains("hhvm-drain.toml(5)"));
    }

    #[test]
    fn a_unit_may_be_named_without_its_suffix() {
        for text in ["[unit.hhvm]\ntimeout = \"1s\"\n", "[unit.\"hhvm.service\"]\ntimeout = \"1s\"\n"] {
            assert_eq!(read(text).assignments[0].unit, UnitName::parse("hhvm").ok(), "{text}");
        }
        assert!(read("[unit.\"a/b\"]\ntimeout = \"1s\"\n").mistakes[0].message.contains("unit name"));
    }

    #[test]
    fn wrong_types_and_unquoted_units_are_mistakes() {
        assert!(read("timeout = true\n").mistakes[0].message.contains("boolean"));
        assert!(read("unit = 5\n").mistakes[0].message.contains("table"));
        let unquoted = read("[unit.hhvm.service]\ntimeout = \"1min\"\n");
        assert!(unquoted.mistakes[0].message.contains("[unit.\"hhvm.service\"]"), "{unquoted:?}");
    }
}
