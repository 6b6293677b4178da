//! Commands, flags, exit statuses, outcomes and the members of `status --json`.

use crate::page::{Page, blocks, table};
use crate::{assert_same, text};
use clap::CommandFactory;
use hhvm_drain::cli::Cli;
use hhvm_drain::outcome::Outcome;
use std::process::Command;

fn page() -> Page {
    Page::open("man/hhvm-drain.8")
}

fn program() -> clap::Command {
    let mut program = Cli::command();
    program.build();
    program
}

fn flags(command: &clap::Command, global: bool) -> Vec<String> {
    let own = command.get_arguments().filter(|flag| flag.is_global_set() == global);
    own.filter_map(|flag| flag.get_long())
        .filter(|flag| *flag != "help")
        .map(|flag| format!("-{flag}"))
        .collect()
}

#[test]
fn commands_are_those_of_the_manual_and_the_readme() {
    let program = program();
    let real: Vec<&str> = program.get_subcommands().map(clap::Command::get_name).collect();
    assert_same(page().names("COMMANDS", "Cm"), real.clone(), "COMMANDS in hhvm-drain(8)");
    assert_same(page().names("EXIT STATUS", "Cm"), real.clone(), "EXIT STATUS in hhvm-drain(8)");
    let synopsis = page().section("SYNOPSIS").join("\n");
    let synopsis: Vec<&str> = synopsis.lines().filter_map(|line| line.strip_prefix(".Cm ")).collect();
    assert_same(synopsis, real.clone(), "SYNOPSIS of hhvm-drain(8)");
    assert_same(table("command").iter().map(|row| row[0].clone()), real, "commands in the README");
}

#[test]
fn every_flag_is_documented_with_its_command() {
    let program = program();
    let page = page();
    for item in page.items("COMMANDS", "Cm") {
        let documented = item.windows(2).filter(|pair| pair[0] == "Fl").map(|pair| pair[1]);
        let command = program.find_subcommand(item[0]).unwrap();
        assert_same(documented, flags(command, false), &format!("flags of {}", item[0]));
        let row = table("command").into_iter().find(|row| row[0] == item[0]).unwrap().join(" ");
        let in_readme = row.split('`').filter_map(|word| word.strip_prefix('-')?.split(' ').next());
        let shown: Vec<&str> = in_readme.collect();
        if !shown.is_empty() {
            assert_same(shown, flags(command, false), &format!("flags of {} in the README", item[0]));
        }
    }
    let mut global = flags(&program, true);
    global.extend(["-help", "-version"].map(str::to_owned));
    assert_same(page.names("OPTIONS", "Fl"), global, "OPTIONS in hhvm-drain(8)");
}

#[test]
fn no_page_speaks_of_a_flag_that_there_is_not() {
    let program = program();
    let all = |program: &clap::Command| [flags(program, true), flags(program, false)].concat();
    let mut real: Vec<String> = program.get_subcommands().flat_map(all).collect();
    real.extend(all(&program));
    real.extend(["-help", "-version", "h", "V", "v"].map(str::to_owned));
    for name in
        ["man/hhvm-drain.8", "man/hhvm-drain.toml.5", "man/hhvm-drain-balancers.7", "man/hhvm-drain-fleet.7"]
    {
        for flag in Page::open(name).after("Fl") {
            assert!(real.iter().any(|real| real == flag), "{name}: there is no flag -{flag}");
        }
    }
    for line in blocks("sh").join("\n").lines().filter(|line| line.starts_with("hhvm-drain ")) {
        let words = line.split_whitespace();
        Cli::command().try_get_matches_from(words).unwrap_or_else(|error| panic!("README: {line}: {error}"));
    }
}

#[test]
fn exit_statuses_are_those_of_the_program() {
    use hhvm_drain::{DONE, FAILED, OUT_BY_DRAIN, OUT_BY_OPERATOR, UNKNOWN, USAGE};
    let real = [DONE, FAILED, USAGE, OUT_BY_OPERATOR, OUT_BY_DRAIN, UNKNOWN].map(|status| status.to_string());
    let is_number = |name: &&str| name.parse::<u8>().is_ok();
    let page = page();
    let documented = page.names("EXIT STATUS", "").into_iter().filter(is_number).map(str::to_owned);
    assert_same(documented, real.clone(), "EXIT STATUS in hhvm-drain(8)");
    let help = Cli::command().render_long_help().to_string();
    for (place, text) in [("the README", text("README.md")), ("--help", help)] {
        let line = text.lines().find(|line| line.starts_with("Exit status: ")).unwrap_or_default();
        let sentence = line.trim_start_matches("Exit status: ").split('.').next().unwrap();
        let numbers = sentence.split(", ").filter_map(|part| part.split(' ').next());
        assert_same(numbers, real.clone(), &format!("exit statuses in {place}"));
    }
}

#[test]
fn outcomes_are_those_of_the_program() {
    use Outcome::{Died, Drained, HhvmEnded, Interrupted, NotRunning, TimedOut};
    let real = [Drained, TimedOut, HhvmEnded, NotRunning, Interrupted, Died];
    let real = real.iter().map(Outcome::name);
    assert_same(page().names("OUTCOMES", "Ql"), real, "OUTCOMES in hhvm-drain(8)");
}

#[test]
fn the_members_of_the_json_status_are_documented() {
    let root = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_hhvm-drain"))
        .args(["status", "--json", "--endpoint", "fastcgi+unix:///nobody/check-load", "--root"])
        .arg(root.path())
        .output()
        .unwrap();
    let status: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_same(
        page().names("STATUS IN JSON", "Va"),
        status.keys().cloned(),
        "STATUS IN JSON in hhvm-drain(8)",
    );
}

#[test]
fn the_readme_names_targets_that_the_makefile_has() {
    let makefile = text("Makefile");
    let readme = text("README.md");
    let commands = readme.split("make ").skip(1).filter_map(|rest| rest.split([' ', '`', '\n']).next());
    let targets: Vec<&str> = commands.collect();
    assert!(targets.contains(&"demo") && targets.contains(&"test"), "{targets:?}");
    for target in targets {
        assert!(makefile.contains(&format!("\n{target}:")), "the Makefile has no target {target}");
    }
}
