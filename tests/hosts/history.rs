//! Past drains on a real systemd, and the daily check among the examples.

use serde_json::Value;

use crate::host::Host;

fn rows(host: &Host) -> Vec<Value> {
    let rows = host.run("hhvm-drain history --json").ok().stdout;
    rows.lines().map(|line| serde_json::from_str(line).expect("a row")).collect()
}

pub fn a_restart_leaves_a_row_with_all_its_phases() {
    let mut host = Host::with_package().settings("min-drain = '1s'").boot();
    host.hhvm_says("load = 4>0/3s");
    let invocation = host.show("hhvm", "InvocationID");
    host.run("systemctl restart hhvm").ok();
    host.assert_comes_back();
    let row = &rows(&host)[0];
    assert_eq!((&row["outcome"], &row["why"]), (&"drained".into(), &"restart".into()), "{row}");
    assert_eq!(row["invocation"], invocation.as_str());
    let ms = |phase: &str| row["ms"][phase].as_u64().unwrap_or_else(|| panic!("no {phase} in {row}"));
    assert!((950..1500).contains(&ms("notice")) && (1500..3000).contains(&ms("requests")), "{row}");
    for phase in ["end", "down", "start"] {
        assert!(ms(phase) < 10_000, "{row}");
    }
    assert!(row["seconds_out"].as_u64() >= Some(3), "{row}");
    let table = host.run("hhvm-drain history").ok().stdout;
    assert!(table.lines().nth(1).is_some_and(|line| line.contains(" drained ")), "{table}");

    let nobody = host.run("setpriv --reuid=nobody --clear-groups hhvm-drain history");
    assert!(nobody.stderr.contains("can be read by root only; run as root"), "{nobody:?}");

    host.hhvm_says("load = 3>0/2s");
    host.reboot();
    host.assert_comes_back();
    let rows = rows(&host);
    assert_eq!((rows.len(), &rows[1]["why"]), (2, &"shutdown".into()), "{rows:#?}");
    assert!(rows[1]["ms"]["down"].is_u64() && rows[1]["ms"]["start"].is_u64(), "{}", rows[1]);
}

pub fn the_timer_among_the_examples_fails_loudly() {
    let host = Host::with_package().boot();
    host.run("cp /usr/share/doc/hhvm-drain/examples/hhvm-drain-check* /etc/systemd/system/ && systemctl daemon-reload").ok();
    host.run("systemctl enable --now hhvm-drain-check@hhvm.service.timer").ok();
    let timers = host.run("systemctl list-timers --no-legend hhvm-drain-check@*").ok().stdout;
    assert!(timers.contains("hhvm-drain-check@hhvm.service.service"), "{timers}");
    let unit = "hhvm-drain-check@hhvm.service.service";
    host.run(&format!("systemctl start {unit}")).ok();
    assert_eq!(host.show(unit, "Result"), "success");

    host.run("mv /var/www/status.php /var/www/gone.php").ok();
    assert_eq!(host.run(&format!("systemctl start {unit}")).code, Some(1));
    assert!(host.run("systemctl --failed --plain --no-legend").ok().stdout.starts_with(unit));
    let said = host.run(&format!("journalctl --no-pager -o cat -u {unit}")).ok().stdout;
    assert!(said.contains("ERROR    health-file: there is no /var/www/status.php"), "{said}");
    assert!(!said.contains("ok       "), "{said}");
    host.run("systemctl start hhvm-drain-check-failed@hhvm.service.service").ok();
    let loud = host.run("journalctl --no-pager -o cat -p crit -t hhvm-drain").ok().stdout;
    let line = "The next stop of hhvm.service may not drain; run hhvm-drain check --unit=hhvm.service\n";
    assert!(loud.contains(line), "{loud}");
}
