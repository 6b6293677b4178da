//! The command line: HHVM's own flags as far as tests need them, and the stand-in's, which begin with `--standin-`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What was typed, with every HHVM setting under its ini name.
#[derive(Default)]
pub struct Args {
    /// `server` or `daemon`.
    pub mode: String,
    /// HHVM's settings: configuration files first, then `-d`, then `-v` and its short forms; the last one wins.
    pub settings: BTreeMap<String, String>,
    /// Admin passwords given as a list, which adds up instead of winning.
    pub passwords: Vec<String>,
    /// The stand-in's own knobs, without their prefix.
    pub knobs: BTreeMap<String, String>,
    /// This process is the detached child of `--mode daemon`.
    pub detached: bool,
    /// This process is a light process.
    pub light: bool,
}

const KNOBS: [&str; 6] = ["profile", "control", "page-delay", "page-also", "version-byte", "admin-unix"];

impl Args {
    /// Reads the command line, and the configuration files it names.
    pub fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut args = Self { mode: "server".into(), ..Self::default() };
        let mut files = Vec::new();
        let (mut inis, mut overrides) = (Vec::new(), Vec::new());
        let mut words = words;
        while let Some(word) = words.next() {
            let (flag, joined) = split(&word);
            if args.switch(&flag) {
                continue;
            }
            let value = joined.or_else(|| words.next()).ok_or_else(|| format!("{flag} needs a value"))?;
            match flag.as_str() {
                "-m" | "--mode" => args.mode = value,
                "-u" | "--user" => {}
                "-c" | "--config" => files.push(value),
                "-d" | "--define" => inis.push(pair(&value)?),
                "-v" | "--config-value" => {
                    let (name, value) = pair(&value)?;
                    overrides.push((ini_name(&name), value));
                }
                "-p" | "--port" => overrides.push(("hhvm.server.port".into(), value)),
                "--admin-port" => overrides.push(("hhvm.admin_server.port".into(), value)),
                _ => args.knob(&flag, value)?,
            }
        }
        for file in files {
            let bytes = fs::read(&file).map_err(|e| format!("cannot read {file}: {e}"))?;
            let text = String::from_utf8_lossy(&bytes);
            let is_hdf = Path::new(&file).extension().is_some_and(|extension| extension == "hdf");
            let pairs = if is_hdf { hdf(&text) } else { text.lines().filter_map(ini_line).collect() };
            for (name, value) in pairs {
                args.set(name, value);
            }
        }
        inis.into_iter().chain(overrides).for_each(|(k, v)| args.set(k, v));
        Ok(args)
    }

    fn switch(&mut self, flag: &str) -> bool {
        match flag {
            "--standin-admin-first" => {
                self.knobs.insert("admin-first".into(), "true".into());
            }
            "--standin-detached" => self.detached = true,
            "--standin-light" => self.light = true,
            _ => return false,
        }
        true
    }

    fn knob(&mut self, flag: &str, value: String) -> Result<(), String> {
        match flag.strip_prefix("--standin-").filter(|knob| KNOBS.contains(knob)) {
            Some(knob) => self.knobs.insert(knob.into(), value),
            None => return Err(format!("unknown option {flag}")),
        };
        Ok(())
    }

    fn set(&mut self, name: String, value: String) {
        if name.starts_with("hhvm.admin_server.passwords[") {
            self.passwords.push(value);
        } else {
            self.settings.insert(name, value);
        }
    }
}

/// Parts `--flag=value` and `-vkey=value`.
fn split(word: &str) -> (String, Option<String>) {
    if word.starts_with("--") {
        match word.split_once('=') {
            Some((flag, value)) => (flag.into(), Some(value.into())),
            None => (word.into(), None),
        }
    } else {
        match word.char_indices().nth(2) {
            Some((at, _)) if word.starts_with('-') => {
                (word[..at].into(), Some(word[at..].trim_start_matches('=').into()))
            }
            _ => (word.into(), None),
        }
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(name, value)| (name.trim().into(), value.trim().into()))
        .ok_or_else(|| format!("\"{text}\" is not NAME=VALUE"))
}

fn ini_line(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    if line.starts_with([';', '#', '[']) {
        return None;
    }
    let (name, value) = line.split_once('=')?;
    let value = match value.trim().strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => value.split(';').next()?.trim(),
    };
    Some((name.trim().into(), value.into()))
}

/// HHVM's older notation, as far as tests need it: `Server { Port = 9000 }` in lines of their own, or `Server.Port = 9000`. A
/// name that begins with `hhvm.` is an ini name already.
fn hdf(text: &str) -> Vec<(String, String)> {
    let mut block: Vec<String> = Vec::new();
    let mut pairs = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_suffix('{') {
            block.push(name.trim().into());
        } else if line == "}" {
            block.pop();
        } else if let Some((name, value)) = line.split_once('=') {
            let name = block.iter().map(String::as_str).chain([name.trim()]).collect::<Vec<_>>().join(".");
            let name = if name.starts_with("hhvm.") { name } else { ini_name(&name) };
            pairs.push((name, value.trim().trim_matches('"').into()));
        }
    }
    pairs
}

/// `AdminServer.Port` of `-v` is `hhvm.admin_server.port` of an ini file.
fn ini_name(name: &str) -> String {
    let mut ini = String::from("hhvm.");
    let mut after_lower = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && after_lower {
            ini.push('_');
        }
        after_lower = c.is_ascii_lowercase();
        ini.push(c.to_ascii_lowercase());
    }
    ini
}
