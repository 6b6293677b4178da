//! Keys, their defaults, the variables, and every settings file that is shown or shipped.

use crate::page::{Page, blocks, table};
use crate::{assert_same, text};
use clap::CommandFactory;
use hhvm_drain::cli::Cli;
use hhvm_drain::context::{Context, Env, Root, UnitName};
use hhvm_drain::settings::fleet::{KEYS, Key};
use hhvm_drain::settings::layers::{FILE, load};
use hhvm_drain::settings::{SPECS, Settings, Spec};

/// What the program makes of a settings file, for this unit.
fn parse(file: &str, unit: &str) -> (Settings, Vec<String>) {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join(FILE.trim_start_matches('/'));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, file).unwrap();
    let unit = UnitName::parse(unit).unwrap();
    let context = Context::new(Root::new(root.path().to_owned()), Env::default(), unit);
    let (mut settings, problems) = load(&context, &Vec::new());
    // The values count here, not where they are from.
    settings.set_by.clear();
    (settings, problems.iter().map(ToString::to_string).collect())
}

fn keys() -> Vec<&'static str> {
    SPECS.iter().map(|spec| spec.name).collect()
}

/// What has no flag and no variable, which `--help` therefore leaves out.
fn for_files_only() -> impl Iterator<Item = (String, Option<String>)> {
    SPECS.iter().filter(|spec| spec.is_for_files_only()).map(|spec| (spec.name.to_owned(), None))
}

/// `documented` is each key once, with its default as a file would give it, or none.
fn assert_defaults(documented: &[(String, Option<String>)], place: &str) {
    assert_same(documented.iter().map(|(key, _)| key.clone()), keys(), place);
    for (key, default) in documented {
        let Some(default) = default else {
            let spec = Spec::named(key).unwrap();
            assert_eq!(spec.default, None, "{place}: {key} has a default");
            continue;
        };
        let (settings, problems) = parse(&format!("{key} = {default}\n"), "hhvm");
        assert!(problems.is_empty(), "{place}: {problems:?}");
        assert_eq!(settings, Settings::default(), "{place}: {key} is not {default} by default");
    }
}

/// The keys of a section of the manual, each with its default as a file would give it, or none.
fn in_manual(section: &str) -> Vec<(String, Option<String>)> {
    let page = Page::open("man/hhvm-drain.toml.5");
    let mut documented = Vec::new();
    let mut lines = page.section(section).into_iter();
    while let Some(line) = lines.next() {
        let Some(key) = line.strip_prefix(".It Cm ") else { continue };
        let default = match lines.next().unwrap() {
            "Default: none." => None,
            "Default:" => {
                let value = lines.next().unwrap().strip_prefix(".Ql ").unwrap().strip_suffix(" .").unwrap();
                Some(value.to_owned())
            }
            line => panic!("{key}: no default, but {line}"),
        };
        documented.push((key.to_owned(), default));
    }
    documented
}

/// Those of a fleet, as the program has them.
fn of_a_fleet() -> Vec<(String, Option<String>)> {
    let default = |key: &Key| key.default.map(|default| format!("\"{default}\""));
    KEYS.iter().map(|key| (key.name.to_owned(), default(key))).collect()
}

#[test]
fn the_manual_has_every_key_of_a_fleet_with_its_default() {
    assert_eq!(in_manual("KEYS OF A FLEET"), of_a_fleet());
}

#[test]
fn the_manual_has_every_key_with_its_default() {
    let documented = in_manual("KEYS");
    assert_eq!(documented.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), keys(), "the order");
    assert_defaults(&documented, "hhvm-drain.toml(5)");
}

#[test]
fn the_readme_has_every_key_with_its_default() {
    let default = |cell: &str| (cell != "none").then(|| cell.to_owned());
    let rows: Vec<_> = table("key").into_iter().map(|row| (row[0].clone(), default(&row[1]))).collect();
    assert_defaults(&rows, "the README");
}

#[test]
fn the_help_has_every_default() {
    let program = Cli::command();
    let documented: Vec<_> = program
        .get_arguments()
        .filter(|flag| flag.get_help_heading() == Some("Settings"))
        .map(|flag| {
            let help = flag.get_help().unwrap().to_string();
            let default =
                help.split_once("[default: ").map(|(_, rest)| format!("\"{}\"", rest.trim_end_matches(']')));
            (flag.get_long().unwrap().to_owned(), default)
        })
        .chain(for_files_only())
        .collect();
    assert_defaults(&documented, "--help");
}

#[test]
fn every_variable_is_in_the_manual() {
    let page = Page::open("man/hhvm-drain.8");
    let ours = |name: &&str| name.starts_with("HHVM_DRAIN_");
    let documented = page.names("ENVIRONMENT", "Ev").into_iter().filter(ours).map(str::to_owned);
    let variables = SPECS.iter().filter(|spec| !spec.is_for_files_only()).map(Spec::variable);
    assert_same(documented, variables, "ENVIRONMENT in hhvm-drain(8)");
}

#[test]
fn the_sample_file_shows_the_defaults_and_is_right_line_by_line() {
    let sample = text("systemd/hhvm-drain.toml");
    assert_eq!(parse(&sample, "hhvm"), (Settings::default(), Vec::new()), "the sample changes something");
    let is_setting = |line: &&str| line.starts_with('#') && !line.starts_with("# ");
    let settings: Vec<&str> = sample.lines().filter(is_setting).map(|line| &line[1..]).collect();
    for unit in ["hhvm.service", "hhvm@8001.service"] {
        assert_eq!(parse(&settings.join("\n"), unit).1, Vec::<String>::new(), "for {unit}");
    }
    let tables: Vec<_> = settings.iter().filter(|line| line.starts_with('[')).collect();
    assert_eq!(tables, [&"[fleet]", &"[unit.\"hhvm@8001.service\"]"], "the unit that this test tries");
    let below = |header: Option<&str>| {
        let start = header.map_or(0, |header| settings.iter().position(|line| *line == header).unwrap() + 1);
        let lines = settings[start..].iter().take_while(|line| !line.starts_with('['));
        lines.map(|line| line.split_once(" = ").unwrap_or_else(|| panic!("no setting: {line}")))
    };
    let documented: Vec<_> = below(None)
        .map(|(key, value)| (key.to_owned(), Spec::named(key).unwrap().default.map(|_| value.to_owned())))
        .collect();
    assert_defaults(&documented, "the sample file");
    let of_fleet: Vec<_> = below(Some("[fleet]"))
        .map(|(key, value)| (key.to_owned(), Key::named(key).unwrap().default.map(|_| value.to_owned())))
        .collect();
    assert_eq!(of_fleet, of_a_fleet(), "the sample file");
}

#[test]
fn every_example_is_right() {
    let mut examples = Page::open("man/hhvm-drain.toml.5").literals();
    let of_balancers = Page::open("man/hhvm-drain-balancers.7").literals();
    let is_setting = |example: &String| example.starts_with(['b', '[']);
    let of_balancers: Vec<String> = of_balancers.into_iter().filter(is_setting).collect();
    assert_eq!(of_balancers.len(), 5, "{of_balancers:?}");
    examples.extend(of_balancers);
    let of_a_fleet = Page::open("man/hhvm-drain-fleet.7").literals();
    examples.extend(of_a_fleet.into_iter().filter(|example| example.starts_with('[')));
    examples.extend(blocks("toml"));
    for example in examples {
        for unit in ["hhvm.service", "hhvm@8001.service"] {
            assert_eq!(parse(&example, unit).1, Vec::<String>::new(), "{example}");
        }
    }
}
