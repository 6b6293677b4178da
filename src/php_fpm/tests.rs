//! Configurations in memory, read as PHP-FPM reads them.

use super::value::read as value;
use super::*;
use crate::sockets::{Name, Place};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

/// Files by their paths.
struct InMemory(BTreeMap<PathBuf, Vec<u8>>);

impl Files for InMemory {
    fn content(&mut self, path: &Path) -> Result<Vec<u8>, String> {
        self.0.get(path).cloned().ok_or_else(|| "no such file".to_owned())
    }

    fn names(&mut self, directory: &Path) -> Result<Vec<OsString>, String> {
        let inside = |path: &PathBuf| Some(path.strip_prefix(directory).ok()?.iter().next()?.to_owned());
        Ok(self.0.keys().filter_map(inside).collect())
    }

    fn is_file(&mut self, path: &Path) -> bool {
        self.0.contains_key(path)
    }
}

const MAIN: &str = "/etc/php/8.2/fpm/php-fpm.conf";

fn read_files(files: &[(&str, &str)]) -> Configuration {
    let files = files.iter().map(|(path, text)| (PathBuf::from(path), text.as_bytes().to_vec())).collect();
    let master = Master { file: PathBuf::from(MAIN), prefix: PathBuf::from("/usr") };
    read(&master, &mut InMemory(files))
}

/// The pools of one file, and no faults.
fn pools(text: &str) -> Vec<Pool> {
    let found = read_files(&[(MAIN, text)]);
    assert_eq!(found.faults, [], "{text}");
    found.pools
}

fn listen(value: &str) -> Option<Listen> {
    Listen::read(value.as_bytes(), Path::new("/usr"))
}

#[test]
fn a_value_is_read_as_phps_scanner_does() {
    let of = |text: &str| value(text.as_bytes());
    for (text, expected) in [
        ("/run/php/php8.2-fpm.sock", "/run/php/php8.2-fpm.sock"),
        (" \t9000 ; all of them", "9000"),
        ("9000;all", "9000"),
        ("\"/run/a b.sock\" ; c", "/run/a b.sock"),
        ("'/run/a;b.sock'", "/run/a;b.sock"),
        ("\"a\\\"b\\\\c\\d\\$e\"", "a\"b\\c\\d$e"),
        ("a  b", "a  b"),
        ("/run/\"x\".sock", "/run/x.sock"),
        ("/run/ \"x\" .sock", "/run/x.sock"),
        ("/run/$pool.sock", "/run/$pool.sock"),
        ("Yes ", "1"),
        ("on;x", "1"),
        ("None", ""),
        ("ondemand", "ondemand"),
        ("9000\r", "9000"),
        ("", ""),
        ("PHP_VERSION.x", "PHP_VERSION.x"),
    ] {
        assert_eq!(of(text).as_deref(), Ok(expected.as_bytes()), "{text}");
    }
    for (text, why) in [
        ("${Y}", Unclear::Variable),
        ("/run/${Y}.sock", Unclear::Variable),
        ("\"${Y}\"", Unclear::Variable),
        ("PHP_VERSION", Unclear::Constant),
        ("/~status", Unclear::Operator),
        ("(1)", Unclear::Operator),
        ("a=b", Unclear::Syntax),
        ("\"open", Unclear::Syntax),
        ("'open", Unclear::Syntax),
        ("''", Unclear::Syntax),
    ] {
        assert_eq!(of(text), Err(why), "{text}");
    }
}

#[test]
fn every_form_of_an_address_is_read() {
    for (text, expected) in [
        ("9000", "port 9000"),
        ("127.0.0.1:9000", "127.0.0.1:9000"),
        ("[::1]:9000", "[::1]:9000"),
        ("::1:9000", "[::1]:9000"),
        ("[::]:9000", "[::]:9000"),
        ("localhost:9000", "localhost:9000"),
        ("/run/php.sock", "/run/php.sock"),
        ("var/run/php.sock", "/usr/var/run/php.sock"),
    ] {
        assert_eq!(listen(text).map(|listen| listen.to_string()).as_deref(), Some(expected), "{text}");
    }
    for text in ["", "0", "70000", ":9000", "127.0.0.1:", "127.0.0.1:x"] {
        assert_eq!(listen(text), None, "{text}");
    }
    let long = format!("/run/{}", "x".repeat(200));
    assert_eq!(listen(&long), Some(Listen::Unix(PathBuf::from(&long[..107]))));
}

#[test]
fn pools_come_from_all_files_and_a_section_goes_on_in_the_next() {
    let found = read_files(&[
        (
            MAIN,
            "[global]\nprocess_control_timeout = 2m\ninclude=/etc/php/8.2/fpm/pool.d/*.conf\nlisten.backlog = 5\npm.status_path = /late\n",
        ),
        ("/etc/php/8.2/fpm/pool.d/b.conf", "[WWW]\nlisten = /run/$pool.sock\n[last]\nlisten = 9001\n"),
        ("/etc/php/8.2/fpm/pool.d/a.conf", "[www]\nlisten = 9000\npm.status_path = /status\n"),
        ("/etc/php/8.2/fpm/pool.d/.hidden.conf", "[hidden]\nlisten = 9002\n"),
        ("/etc/php/8.2/fpm/pool.d/c.conf.disabled", "[disabled]\nlisten = 9003\n"),
    ]);
    assert_eq!(found.faults, []);
    let told: Vec<_> = found
        .pools
        .iter()
        .map(|pool| {
            (
                pool.name.as_str(),
                pool.listen.clone().unwrap().to_string(),
                pool.page.as_ref().map(|page| page.path.as_str()),
            )
        })
        .collect();
    assert_eq!(
        told,
        [("www", "/run/www.sock".into(), Some("/status")), ("last", "port 9001".into(), Some("/late"))]
    );
    assert_eq!(found.pools[0].spot.to_string(), "/etc/php/8.2/fpm/pool.d/a.conf:1");
}

#[test]
fn the_status_page_is_where_it_is_said_to_be() {
    let page = |text: &str| pools(&format!("[www]\nlisten = /run/www.sock\n{text}")).remove(0).page;
    let other = |listen: &str| Answering::Other(self::listen(listen).unwrap());
    for (text, path, answering) in [
        ("pm.status_path = /monitoring/fpm/status", "/monitoring/fpm/status", Answering::Pool),
        ("pm.status_path = /s\npm.status_listen = 127.0.0.1:9005", "/s", other("127.0.0.1:9005")),
        ("PM.Status_Listen = run/s.sock\nprefix = /srv", "/", other("run/s.sock")),
    ] {
        assert_eq!(page(text), Some(Page { path: path.to_owned(), answering }), "{text}");
    }
    for text in
        ["", "pm.status_path = /", ";pm.status_path = /status", "pm.status_path =", "env[a] = pm.status_path"]
    {
        assert_eq!(page(text), None, "{text}");
    }
}

#[test]
fn relative_paths_lie_below_the_prefix() {
    let found = read_files(&[
        (MAIN, "include = etc/*.d/[a-y]*.conf\n"),
        ("/usr/etc/x.d/y.conf", "[y]\nprefix = srv/$pool\nlisten = run/y.sock\n"),
        ("/usr/etc/x.d/z.conf", "[z]\nlisten = run/z.sock\n"),
    ]);
    let told: Vec<_> = found.pools.iter().map(|pool| pool.listen.clone().unwrap().to_string()).collect();
    assert_eq!(told, ["/usr/srv/y/run/y.sock"]);
}

#[test]
fn what_is_not_understood_is_named_and_not_known() {
    let found = read_files(&[(
        MAIN,
        "[a]\nlisten = 9000\n[b]\nlisten = ${NOBODY_KNOWS}\n[c]\nlisten = 0\npm.status_path = /~c\nuser = ${X}\n\
         include = /etc/${Y}\n",
    )]);
    let listens: Vec<_> = found.pools.iter().map(|pool| pool.listen.clone()).collect();
    assert_eq!(listens, [listen("9000"), None, None]);
    assert!(found.pools.iter().all(|pool| pool.page.is_none()));
    let told: Vec<_> =
        found.faults.iter().map(|fault| (fault.line, fault.what.split(' ').next().unwrap())).collect();
    assert_eq!(
        told,
        [(Some(4), "listen"), (Some(7), "pm.status_path"), (Some(9), "include"), (Some(6), "listen")]
    );
}

#[test]
fn a_line_of_sections_alone_takes_no_stack() {
    let found = read_files(&[(MAIN, &format!("{}\n[b]\nlisten = 1\n", "[a]".repeat(1 << 18)))]);
    assert_eq!(found.pools.iter().map(|pool| pool.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn files_are_bounded() {
    let round = read_files(&[(MAIN, &format!("[a]\nlisten = 1\ninclude = {MAIN}\n"))]);
    assert_eq!(round.pools.len(), 1);
    assert!(round.faults[0].what.contains("include each other"), "{:?}", round.faults);
    assert!(read_files(&[]).faults[0].what.contains("no such file"));
    let many = (1..=300).fold(String::new(), |text, n| text + &format!("[p{n}]\nlisten = {n}\n"));
    let many = read_files(&[(MAIN, &many)]);
    assert_eq!((many.pools.len(), many.faults.len()), (256, 21));
    assert!(many.faults[20].what.ends_with("24 more mistakes"), "{:?}", many.faults[20]);
    let endless = read_files(&[(MAIN, "[a$pool]\nlisten = /$pool\n")]);
    assert_eq!(endless.pools[0].listen, None);
}

#[test]
fn lines_that_matter_to_nobody_are_passed_over() {
    let text = "\u{feff}[global]\r\npid = /run/x.pid ; c\r\n# old\r\n\r\n[www] ; the one\r\nlisten = 9000\r\n\
                php_admin_value[error_log] = /x\r\nenv[PATH] = ${PATH}\r\n;listen = 9001\r\nuser = a\u{0}b";
    assert_eq!(pools(text)[0].listen, Some(Listen::Port(9000)));
}

#[test]
fn only_allowed_clients_are_taken() {
    let allow = |list: &str, address: &str| {
        AllowedClients::read(list.as_bytes()).allow(address.parse::<IpAddr>().unwrap())
    };
    assert!(allow("127.0.0.1", "127.0.0.1") && allow("10.0.0.1,::1", "::1"));
    assert!(allow("10.0.0.1", "::ffff:10.0.0.1"));
    assert!(!allow("10.0.0.1", "127.0.0.1") && !allow("10.0.0.1, 127.0.0.1", "127.0.0.1"));
    assert!(!allow("", "127.0.0.1") && !allow("::1", "127.0.0.1"));
    assert!(AllowedClients::default().allow("192.0.2.1".parse().unwrap()));
}

#[test]
fn the_title_names_the_file_and_the_words_do_so_before() {
    let of = |line: &str| {
        let master = Master::of(line.as_bytes())?;
        Some((master.file.display().to_string(), master.prefix.display().to_string()))
    };
    let some = |file: &str, prefix: &str| Some((file.to_owned(), prefix.to_owned()));
    for (title, file, prefix) in [
        ("php-fpm: master process (/etc/php/8.2/fpm/php-fpm.conf)\0\0\0\0", MAIN, "/usr"),
        ("php-fpm: master process (/opt/php/etc/php-fpm.conf)", "/opt/php/etc/php-fpm.conf", "/opt/php"),
        ("php-fpm: master process (/etc/php-fpm.conf)", "/etc/php-fpm.conf", "/usr"),
        ("php-fpm: master process (fpm (1).conf)", "fpm (1).conf", "/usr"),
    ] {
        assert_eq!(of(title), some(file, prefix), "{title}");
    }
    for title in ["php-fpm: pool www", "php-fpm: master process (/etc/php/8.2/fp", "hhvm", ""] {
        assert_eq!(of(title), None, "{title}");
    }
    for (line, file, prefix) in [
        ("/usr/sbin/php-fpm8.2\0--nodaemonize\0--fpm-config\0/x/y.conf\0", "/x/y.conf", "/usr"),
        ("php-fpm\0-c\0/etc/php.ini\0-y=/x.conf\0-p\0/srv\0", "/x.conf", "/srv"),
        ("/usr/sbin/php-fpm\0-RFp/srv\0--fpm-config=/x.conf\0", "/x.conf", "/srv"),
        ("php-fpm8.3\0-F\0", "/etc/php/8.3/fpm/php-fpm.conf", "/usr"),
        ("/opt/remi/php82/root/usr/sbin/php-fpm\0-F\0", "/etc/php-fpm.conf", "/usr"),
        ("php-fpm\0--prefix=/srv\0", "/srv/etc/php-fpm.conf", "/srv"),
    ] {
        assert_eq!(of(line), some(file, prefix), "{line}");
    }
}

/// How each listener's load is read, in words.
fn survey(text: &str, places: &[&str]) -> Vec<String> {
    let path = |text: &str| Place::Unix(Name::Path(PathBuf::from(text)));
    let place = |text: &&str| text.parse().map_or_else(|_| path(text), Place::Tcp);
    let places: Vec<Place> = places.iter().map(place).collect();
    let configuration = read_files(&[(MAIN, text)]);
    let survey = Survey::of(&configuration, &places);
    let reading = |reading: &Reading| {
        let way = match &reading.way {
            Way::Page { at, path } => format!("{at}#{path}"),
            Way::Connections(reason) => format!("{reason:?}").split('(').next().unwrap().to_owned(),
        };
        format!("{} {} {way}", reading.pool.as_deref().unwrap_or("-"), reading.place)
    };
    let absent = survey.absent.iter().map(|(name, _, listen)| format!("{name} does not run at {listen}"));
    survey.readings.iter().map(reading).chain(absent).collect()
}

#[test]
fn every_listener_is_read_in_one_way() {
    let own = "[www]\nlisten = /run/www.sock\npm.status_path = /fpm/status\n";
    assert_eq!(survey(own, &["/run/www.sock"]), ["www /run/www.sock /run/www.sock#/fpm/status"]);

    let apart = "[a]\nlisten = /run/a.sock\npm.status_listen = 9005\n[b]\nlisten = 127.0.0.1:9000\n";
    assert_eq!(
        survey(apart, &["127.0.0.1:9000", "[::]:9005", "/run/a.sock"]),
        ["a /run/a.sock 127.0.0.1:9005#/", "b 127.0.0.1:9000 NoPage"]
    );
    assert_eq!(
        survey(apart, &["127.0.0.1:9000", "/run/a.sock"]),
        ["a /run/a.sock NoListener", "b 127.0.0.1:9000 NoPage"]
    );
}

#[test]
fn what_runs_counts_and_not_what_is_written() {
    let edited = "[www]\nlisten = /run/new.sock\npm.status_path = /status\n[b]\nlisten = ${NOBODY_KNOWS}\n";
    assert_eq!(
        survey(edited, &["/run/old.sock", "0.0.0.0:9000"]),
        ["- /run/old.sock Unnamed", "- 0.0.0.0:9000 Unnamed", "www does not run at /run/new.sock"]
    );
    assert_eq!(survey("", &["/run/www.sock"]), ["- /run/www.sock Unnamed"]);
}

#[test]
fn a_page_is_asked_only_from_an_allowed_address() {
    let pool = |listen: &str, allowed: &str| {
        format!("[www]\nlisten = {listen}\npm.status_path = /s\nlisten.allowed_clients = {allowed}\n")
    };
    for (listen, allowed, socket, way) in [
        ("127.0.0.1:9000", "127.0.0.1", "127.0.0.1:9000", "127.0.0.1:9000#/s"),
        ("9000", "10.0.0.1", "[::]:9000", "NotAllowed"),
        ("9000", "::1,10.0.0.1", "[::]:9000", "[::1]:9000#/s"),
        ("9000", "127.0.0.1", "[::]:9000", "127.0.0.1:9000#/s"),
        ("9000", "127.0.0.1", "0.0.0.0:9000", "127.0.0.1:9000#/s"),
        ("9000", "::1", "0.0.0.0:9000", "NotAllowed"),
        ("10.0.0.5:9000", "10.0.0.1", "10.0.0.5:9000", "NotAllowed"),
        ("10.0.0.5:9000", "10.0.0.1,10.0.0.5", "10.0.0.5:9000", "10.0.0.5:9000#/s"),
        ("/run/w.sock", "10.0.0.1", "/run/w.sock", "/run/w.sock#/s"),
    ] {
        assert_eq!(survey(&pool(listen, allowed), &[socket]), [format!("www {socket} {way}")], "{allowed}");
    }
}

#[test]
fn a_name_gets_the_listener_that_no_address_has() {
    let two = "[n]\nlisten = localhost:9000\n[a]\nlisten = 127.0.0.1:9000\n";
    assert_eq!(
        survey(two, &["127.0.0.1:9000", "[::1]:9000"]),
        ["a 127.0.0.1:9000 NoPage", "n [::1]:9000 NoPage"]
    );
}
