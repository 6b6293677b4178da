//! Where the numbers come from. Neither names nor paths of the machine: the file is published.

use crate::Result;
use std::fs;
use std::process::Command;

/// What the machine has to do besides.
pub fn load_average() -> Result<String> {
    let text = fs::read_to_string("/proc/loadavg")?;
    Ok(text.split_whitespace().take(3).collect::<Vec<_>>().join(" "))
}

/// Names and values.
pub fn describe(load_average: &str) -> Result<Vec<(&'static str, String)>> {
    let cpus = fs::read_to_string("/proc/cpuinfo")?;
    let models: Vec<&str> = cpus.lines().filter_map(|line| line.strip_prefix("model name")).collect();
    let model = models.first().map_or("unknown", |rest| rest.trim_start_matches(['\t', ' ', ':']));
    Ok(vec![
        ("hhvm-drain", env!("CARGO_PKG_VERSION").to_owned()),
        ("compiler", first_line("rustc", &["--version"])?),
        ("script", format!("{}; {}; {}", version("bash")?, version("mv")?, version("curl")?)),
        ("kernel", fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned()),
        ("CPU", format!("{} × {model}", models.len())),
        ("file system", first_line("stat", &["--file-system", "--format=%T", env!("CARGO_TARGET_TMPDIR")])?),
        ("load average before", load_average.to_owned()),
    ])
}

fn version(program: &str) -> Result<String> {
    let line = first_line(program, &["--version"])?;
    let end = if program == "curl" { line.find(" (") } else { None };
    Ok(line[..end.unwrap_or(line.len())].to_owned())
}

fn first_line(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).env("LC_ALL", "C.UTF-8").output()?;
    Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned())
}
