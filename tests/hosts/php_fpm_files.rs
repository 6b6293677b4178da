//! What PHP-FPM itself makes of its files, beside what we make of them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use hhvm_drain::php_fpm::{
    AllowedClients, Answering, Configuration, Files, Listen, Master, Page, Pool, read,
};

use crate::host::Host;

/// Values as people write them, and as nobody should.
const VALUES: &[&str] = &[
    "9000",
    "127.0.0.1:9001",
    "[::1]:9002",
    "::1:9003",
    "localhost:9004",
    "/run/$pool.sock",
    "run/$pool-$pool.sock",
    "\"/run/$pool.sock\"",
    "'/run/$pool.sock'",
    "\"/run/a b.sock\"",
    "/run/\"q\".sock",
    "/run/ \"q\" .sock",
    "a  b",
    "${HOME}/x.sock",
    "\"${HOME}\"",
    "${NOBODY}",
    "yes",
    "On",
    "no",
    "none",
    "null",
    "0",
    "1",
    "PHP_VERSION",
    "E_ALL",
    "Www",
    "WWW",
    "9000 ; comment",
    "9000;c",
    "/run/x;y",
    "\"/run/x;y\"",
    "a=b",
    "/~x",
    "\"/~x\"",
    "(9000)",
    "9000|1",
    "\"a\\\"b\"",
    "\"a\\\\b\\$c\"",
    "'a\\'",
    "/run/a$",
    "$",
    "\"unclosed",
    "'unclosed",
    "\"x\"y",
    "\"x\" \"y\"",
    "'x';z",
    "#x",
    "/run/#x",
    "@x",
    "-1",
    "1.5",
    "12x",
    "a\\b",
    "\\x",
    "!x",
    "no ; y",
    "nope",
    "/status",
    "/a/b/status",
    "/x-_.~1",
    "/",
    "",
    "127.0.0.1,10.0.0.1",
    "127.0.0.1, 10.0.0.1",
    "9000\r",
];

const NAMES: &[&str] =
    &["listen", "LISTEN", "pm.status_path", "Pm.Status_Listen", "prefix", "listen.allowed_clients"];

/// Lines that may stand among the others.
const LINES: &[&str] = &[
    "include = /conf/more/*.conf",
    "include=/conf/more/[!b].conf",
    "include = \"/conf/more/?.conf\"",
    "include=/conf/none/*",
    "include=conf/more/a.conf",
    "[www] ; again",
    "[\"www\"]",
    "[WWW]listen=9005",
    "[w w]",
    "[global]\nprocess_control_timeout = 2m\n[www]",
    "php_value[a] = b",
    "env[A] = ${HOME}",
    "\u{feff}",
    ";listen = 1",
    "garbage",
    "\t listen\t=\t9006\t",
    "pm.max_requests = 5\nlisten = 9007",
    "include=/conf/more/{a,b}.conf",
];

/// Files by their paths.
struct InMemory(BTreeMap<PathBuf, String>);

impl Files for InMemory {
    fn content(&mut self, path: &Path) -> Result<Vec<u8>, String> {
        self.0.get(path).map(|text| text.clone().into_bytes()).ok_or_else(|| "no such file".to_owned())
    }

    fn names(&mut self, directory: &Path) -> Result<Vec<OsString>, String> {
        let inside = |path: &PathBuf| Some(path.strip_prefix(directory).ok()?.iter().next()?.to_owned());
        Ok(self.0.keys().filter_map(inside).collect())
    }

    fn is_file(&mut self, path: &Path) -> bool {
        self.0.contains_key(path)
    }
}

fn pool(name: &str, line: &str) -> String {
    format!(
        "[{name}]\nuser = www-data\npm = ondemand\npm.max_children = 1\nlisten = /run/{name}.sock\n{line}\n"
    )
}

/// A pool as both tell it.
type Told = (String, Option<Listen>, Option<Page>, AllowedClients);

fn ours(pool: &Pool) -> Told {
    (pool.name.clone(), pool.listen.clone(), pool.page.clone(), pool.allowed.clone())
}

/// Reads what `php-fpm -tt` prints of the pools.
fn theirs(dump: &str) -> Vec<Told> {
    let mut pools = Vec::new();
    for section in dump.split("NOTICE: [").skip(1) {
        let values: BTreeMap<&str, &str> =
            section.lines().filter_map(|line| line.split_once("NOTICE: \t")?.1.split_once(" = ")).collect();
        let value = |name: &str| values.get(name).copied().filter(|value| *value != "undefined");
        let Some((name, _)) =
            section.split_once(']').filter(|(name, _)| !name.eq_ignore_ascii_case("global"))
        else {
            continue;
        };
        let listen = |value: &str| Listen::read(value.as_bytes(), Path::new("/usr"));
        let path = value("pm.status_path").filter(|path| path.starts_with('/')).map(str::to_owned);
        let page = match (path, value("pm.status_listen").and_then(listen)) {
            (Some(path), Some(other)) => Some(Page { path, answering: Answering::Other(other) }),
            (Some(path), None) if path.len() > 1 => Some(Page { path, answering: Answering::Pool }),
            _ => None,
        };
        let allowed = value("listen.allowed_clients").map(|list| AllowedClients::read(list.as_bytes()));
        pools.push((name.to_owned(), value("listen").and_then(listen), page, allowed.unwrap_or_default()));
    }
    pools
}

pub fn mean_to_us_what_they_mean_to_php_fpm() {
    let host = Host::bare().packages("php8.2-fpm,apache2").boot();
    let mut files = BTreeMap::new();
    let assigned = NAMES.iter().flat_map(|name| VALUES.iter().map(move |value| format!("{name} = {value}")));
    let lines: Vec<String> = assigned.chain(LINES.iter().map(|line| (*line).to_owned())).collect();
    for (index, line) in lines.iter().enumerate() {
        files.insert(PathBuf::from(format!("/conf/{index}.conf")), pool("www", line));
    }
    for name in ["a", "b", ".hidden"] {
        let path = format!("/conf/more/{name}.conf");
        files.insert(PathBuf::from(path), pool(name.trim_start_matches('.'), "pm.status_path = /more"));
    }
    host.run("mkdir -p /conf/more").ok();
    for (path, text) in &files {
        host.write_file(path.to_str().expect("UTF-8"), text);
    }
    host.run(
        "cd /conf; for f in *.conf; do php-fpm8.2 -tt -y /conf/$f >$f.out 2>&1 && mv $f.out $f.good; done",
    )
    .ok();

    let (mut same, mut unclear) = (0, 0);
    for (index, line) in lines.iter().enumerate() {
        if !host.exists(&format!("/conf/{index}.conf.good")) {
            continue;
        }
        let dump = host.run(&format!("cat /conf/{index}.conf.good")).ok().stdout;
        let pools = theirs(&dump);
        let file = PathBuf::from(format!("/conf/{index}.conf"));
        let master = Master { file, prefix: PathBuf::from("/usr") };
        let found: Configuration = read(&master, &mut InMemory(files.clone()));
        if !found.faults.is_empty() {
            unclear += 1;
            continue;
        }
        assert_eq!(found.pools.iter().map(ours).collect::<Vec<_>>(), pools, "{line:?}");
        same += 1;
    }
    println!("{same} files mean the same, {unclear} are not understood");
    assert!(same > 100 && unclear < same / 4, "{same} the same, {unclear} not understood");
}
