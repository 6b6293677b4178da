//! The metrics, as Debian's prometheus-node-exporter reads them and its promtool judges them; the alerts and the dashboard.

use std::time::Duration;

use crate::host::{Host, wait_for};

const FILE: &str = "/var/lib/prometheus/node-exporter/hhvm-drain.prom";
const EXAMPLES: &str = "/usr/share/doc/hhvm-drain/examples/prometheus";

/// What `node_exporter` tells of a metric.
fn told(host: &Host, start: &str) -> Vec<String> {
    let metrics = host.run("curl -s http://127.0.0.1:9100/metrics").stdout;
    metrics.lines().filter(|line| line.starts_with(start)).map(str::to_owned).collect()
}

pub fn node_exporter_reads_them_and_promtool_finds_nothing_to_mend() {
    let host = Host::with_package()
        .packages("prometheus,prometheus-node-exporter,jq")
        .settings(&format!("min-drain = '500ms'\nmetrics-file = '{FILE}'"))
        .boot();
    host.hhvm_says("load = 2>0/1s");
    host.run("systemctl restart hhvm && hhvm-drain check --quiet && hhvm-drain depool").ok();
    let lint = host.run(&format!("promtool check metrics <{FILE}")).ok();
    assert_eq!((lint.stdout.as_str(), lint.stderr.as_str()), ("", ""));

    host.run("systemctl start prometheus-node-exporter").ok();
    wait_for("node_exporter to answer", Duration::from_secs(10), || {
        !told(&host, "node_textfile_").is_empty()
    });
    assert_eq!(told(&host, "node_textfile_scrape_error"), ["node_textfile_scrape_error 0"]);
    assert_eq!(told(&host, "hhvm_drain_pooled{"), ["hhvm_drain_pooled{unit=\"hhvm.service\"} 0"]);
    let drained = "hhvm_drain_drains_total{outcome=\"drained\",unit=\"hhvm.service\"} 1";
    assert_eq!(told(&host, "hhvm_drain_drains_total{outcome=\"drained\""), [drained]);
    assert_eq!(told(&host, "hhvm_drain_check_errors"), ["hhvm_drain_check_errors{unit=\"hhvm.service\"} 0"]);
    let all = host.run(&format!("grep -c '^hhvm_drain' {FILE}")).ok().stdout;
    assert_eq!(told(&host, "hhvm_drain_").len().to_string(), all.trim(), "none is misread");
    host.run("hhvm-drain pool").ok();
    assert_eq!(told(&host, "hhvm_drain_pooled{"), ["hhvm_drain_pooled{unit=\"hhvm.service\"} 1"]);

    host.run(&format!(
        "cd {EXAMPLES} && promtool check rules alerts.yml && promtool test rules alerts_test.yml"
    ))
    .ok();
    // Rules are YAML, and so is JSON.
    // As the manual has it.
    let manual = include_str!("../../man/hhvm-drain.8");
    let (_, example) = manual.split_once("# journalctl --merge -t hhvm-drain").expect("the example with jq");
    let example = example.split(".Ed").next().expect("its end").trim();
    let table = host.run(&format!("journalctl --merge -t hhvm-drain {example}")).ok().stdout;
    let cells: Vec<&str> = table.trim_end().split('\t').collect();
    assert_eq!((cells.len(), &cells[1..3], cells[5]), (6, &["hhvm.service", "drained"][..], "0"), "{table}");

    let rules = r#"[.. | objects | .expr? // empty] | to_entries
        | {groups: [{name: "dashboard", rules: map({record: "x\(.key)", expr: .value})}]}"#;
    let parse = format!(
        "jq '{rules}' {EXAMPLES}/dashboard.json >/tmp/rules.yml && promtool check rules /tmp/rules.yml"
    );
    let parsed = host.run(&parse).ok();
    let said = format!("{}{}", parsed.stdout, parsed.stderr);
    assert!(said.contains("11 rules found"), "{said}");
}
