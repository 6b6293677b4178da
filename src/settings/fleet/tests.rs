//! The table as files give it, with its mistakes in their places.

use super::*;
use crate::context::{Context, Env, Root, UnitName};
use crate::settings::layers::load;
use std::fs;

/// What these files come to, `/etc/hhvm-drain.toml` and one of the directory beside it.
fn files(first: &str, second: &str) -> (Setting, Vec<String>) {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("etc/hhvm-drain.toml.d")).unwrap();
    fs::write(root.path().join("etc/hhvm-drain.toml"), first).unwrap();
    fs::write(root.path().join("etc/hhvm-drain.toml.d/20.toml"), second).unwrap();
    let root = Root::new(root.path().to_owned());
    let context = Context::new(root, Env::default(), UnitName::parse("hhvm").unwrap());
    let (settings, problems) = load(&context, &Vec::new());
    (settings.fleet, problems.iter().map(ToString::to_string).collect())
}

fn one(text: &str) -> (Setting, Vec<String>) {
    files(text, "")
}

fn fleet(text: &str) -> Fleet {
    let (setting, problems) = one(text);
    assert_eq!(problems, Vec::<String>::new(), "{text}");
    setting.fleet().unwrap_or_else(|| panic!("{text}: {setting:?}")).clone()
}

const MEMBERS: &str = "[fleet]\nmembers = [\"https://a:2379\", \"https://b:2379\"]\n";

#[test]
fn all_keys_are_read_and_what_is_left_out_has_its_default() {
    let text = "[fleet]\nmembers = [\"https://a:2379\", \"http://[::1]:1/\", \"https://b\"]\npool = \"web-1\"\nwait = \"1h\"\n\
                stale-after = \"never\"\nuser = \"drain\"\npassword-file = \"/p\"\n";
    let all = fleet(&text.replace("http:", "https:"));
    let members: Vec<String> = all.members.all().iter().map(ToString::to_string).collect();
    assert_eq!(members, ["https://a:2379", "https://[::1]:1", "https://b:2379"]);
    assert_eq!(
        (all.pool.as_str(), all.wait, all.stale_after),
        ("web-1", Duration::from_secs(3600), StaleAfter::Never)
    );
    assert_eq!(all.login, Some(Login { user: "drain".to_owned(), password_file: "/p".into() }));
    let tls = fleet(&format!("{MEMBERS}ca-file = \"/ca\"\ncert-file = \"/c\"\nkey-file = \"/k\"\n"));
    assert_eq!(tls.ca_file, Some("/ca".into()));
    assert_eq!(tls.certificate, Some(Certificate { certificate: "/c".into(), key: "/k".into() }));
    let by_default = fleet(MEMBERS);
    assert_eq!((by_default.pool.as_str(), by_default.wait), ("hhvm", Duration::from_secs(1800)));
    assert_eq!(by_default.stale_after, StaleAfter::Time(Duration::from_secs(900)));
    assert_eq!((by_default.login, by_default.ca_file, by_default.certificate), (None, None, None));
}

#[test]
fn a_fleetlock_server_may_be_below_a_path() {
    let members = |url| fleet(&format!("[fleet]\nmembers = \"{url}\"\n")).members;
    let Members::FleetLock(member) = members("fleetlock+https://lock/a/") else { panic!("etcd") };
    assert_eq!((member.to_string(), member.scheme), ("https://lock:443/a".to_owned(), Scheme::Https));
    let Members::FleetLock(member) = members("fleetlock+http://lock:8080") else { panic!("etcd") };
    assert_eq!(member.to_string(), "http://lock:8080");
}

#[test]
fn files_are_put_together_key_by_key_and_a_wrong_value_leaves_the_one_before() {
    let second = "[fleet]\npool = \"web\"\nmembers = [\"a\"]\nwait = \"20min\"\n";
    let (setting, problems) = files(MEMBERS, second);
    let fleet = setting.fleet().unwrap();
    assert_eq!((fleet.members.all().len(), fleet.pool.as_str(), fleet.wait.as_secs()), (2, "web", 1200));
    assert_eq!(problems.len(), 1, "{problems:?}");
    let place = "/etc/hhvm-drain.toml.d/20.toml:3:11: fleet: members: \"a\" is not https://HOST:2379";
    assert!(problems[0].starts_with(place), "{problems:?}");
}

#[test]
fn no_turn_is_taken_when_it_is_not_clear_where_and_each_mistake_is_one_line() {
    for (text, part) in [
        ("[fleet]\n", ":1:2: fleet: members is missing, so no turn is taken"),
        ("[fleet]\nmembers = []\n", ":2:11: fleet: members: needs at least one of https://"),
        ("[fleet]\nmembers = 5\n", ":2:11: fleet: members: expected strings in quotes, found integer"),
        ("[fleet]\nmembers = [\"https://a/x\"]\n", "\"https://a/x\" is not https://HOST:2379"),
        ("[fleet]\nmembers = [\"https://a:0\"]\n", "is not"),
        ("[fleet]\nmembers = [\"https://a b\"]\n", "is not"),
        ("[fleet]\nmembers = [\"https://a?x\"]\n", "is not"),
        ("[fleet]\nmembers = [\"https://me:geheim@a\"]\n", "\"https://…@a\" is not"),
        ("[fleet]\nmembers = [\"https://a\", \"https://a:2379/\"]\n", "https://a:2379 is there twice"),
        ("[fleet]\nmembers = [\"https://a\", \"fleetlock+https://b\"]\n", "stands alone"),
        ("fleet = \"https://a\"\n", ":1:1: fleet must be a table: [fleet]"),
        ("[unit.hhvm.fleet]\nmembers = \"https://a\"\n", "write [fleet] at the top"),
        (&format!("{MEMBERS}pool = \"a/b\"\n"), ":3:8: fleet: pool: not a name"),
        (&format!("{MEMBERS}pool = = \"a\"\n"), ":3:"),
        (&format!("{MEMBERS}wait = = \"5min\"\n"), ":3:"),
        ("[fleet\nmembers = [\"https://a\"]\n", ":1:"),
        ("fleet.members = \"https://a\n", ":1:"),
        (&format!("{MEMBERS}user = \"a\"\n"), "user and password-file belong together, so no turn"),
        (&format!("{MEMBERS}key-file = \"/a\"\n"), "cert-file and key-file belong together, so no turn"),
        (&format!("{MEMBERS}ca-file = \"ca.pem\"\n"), "not an absolute path"),
        (&format!("{MEMBERS}user = \"\"\npassword-file = \"/p\"\n"), "the name of a user"),
    ] {
        let (setting, problems) = one(text);
        assert_eq!(setting, Setting::Broken, "{text}");
        assert!(problems[0].contains(part), "{text}: {problems:?}");
        assert!(!problems.concat().contains("geheim"), "{problems:?}");
    }
    let many: Vec<String> = (0..17).map(|at| format!("\"https://a{at}\"")).collect();
    let (setting, problems) = one(&format!("[fleet]\nmembers = [{}]\n", many.join(",")));
    assert!(setting == Setting::Broken && problems[0].contains("at most 16"), "{problems:?}");
}

#[test]
fn a_mistake_that_leaves_no_doubt_whom_to_ask_leaves_the_fleet() {
    for (text, part) in [
        ("wait = \"soon\"\n", ":3:8: fleet: wait: \"soon\" is not a duration"),
        ("wait = 5\n", ":3:8: fleet: wait: expected a string in quotes, found integer"),
        (
            "stale-after = \"1s\"\n",
            ":3:15: fleet: stale-after: \"1s\" is not \"10s\" or longer, or \"never\"",
        ),
        ("stale-after = \"always\"\n", "or \"never\""),
        (
            "stale-afer = \"never\"\n",
            "fleet: unknown key \"stale-afer\", ignored; did you mean \"stale-after\"?",
        ),
        ("[unit.hhvm]\ntimeout = = 3\n", ":4:"),
    ] {
        let (setting, problems) = one(&format!("{MEMBERS}{text}"));
        let fleet = setting.fleet();
        assert_eq!(fleet.map(|fleet| fleet.wait.as_secs()), Some(1800), "{text}: {problems:?}");
        assert!(problems[0].contains(part), "{text}: {problems:?}");
    }
}

#[test]
fn stale_after_is_always_shorter_than_wait() {
    let (setting, problems) = one(&format!("{MEMBERS}wait = \"10min\"\n"));
    let fleet = setting.fleet().unwrap();
    assert_eq!((fleet.wait.as_secs(), fleet.stale_after), (600, StaleAfter::Time(Duration::from_secs(300))));
    assert!(problems[0].contains("stale-after (900 s) is not shorter than wait (600 s)"), "{problems:?}");
}

#[test]
fn what_cannot_be_had_is_told() {
    for (text, part) in [
        ("[fleet]\nmembers = \"http://a\"\nca-file = \"/ca\"\n", "without TLS"),
        ("[fleet]\nmembers = \"http://a\"\nuser = \"u\"\npassword-file = \"/p\"\n", "in the clear"),
        (
            "[fleet]\nmembers = \"fleetlock+https://a\"\nuser = \"u\"\npassword-file = \"/p\"\n",
            "FleetLock has no users",
        ),
    ] {
        let (setting, problems) = one(text);
        assert!(setting.fleet().is_some() && problems.len() == 1, "{text}: {problems:?}");
        assert!(problems[0].contains(part), "{text}: {problems:?}");
    }
    let local = "[fleet]\nmembers = \"http://127.0.0.1\"\nuser = \"u\"\npassword-file = \"/p\"\n";
    assert_eq!(one(local).1, Vec::<String>::new());
}

#[test]
fn a_file_that_cannot_be_read_may_be_that_of_a_fleet() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("etc/hhvm-drain.toml")).unwrap();
    let root = Root::new(root.path().to_owned());
    let load = |env| load(&Context::new(root.clone(), env, UnitName::parse("hhvm").unwrap()), &Vec::new());
    assert_eq!(load(Env::default()).0.fleet, Setting::Broken);
    assert_eq!(one("timeout = = 3\n").0, Setting::Unset);
    let (_, problems) = load(Env::from([("HHVM_DRAIN_FLEET", "https://a")]));
    assert!(problems.iter().any(|problem| problem.message.contains("in files only")), "{problems:?}");
}
