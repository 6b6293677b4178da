//! The agent, by its socket unit, and a real HAProxy that asks it.

use std::time::Duration;

use crate::host::{Debian, Entry, Host, wait_for};

const SOCKET: &str = "hhvm-drain-agent.socket";
const SERVICE: &str = "hhvm-drain-agent.service";

/// What the agent at `port` says until it closes the connection.
fn says(host: &Host, port: u16) -> String {
    host.run(&format!("bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port} && cat <&3'")).ok().stdout
}

/// A host whose administrator has turned the agent on.
fn with_agent() -> Host {
    let host = Host::with_package().settings("min-drain = '500ms'").boot();
    assert_eq!(host.show(SOCKET, "UnitFileState"), "disabled", "the package turns nothing on");
    host.run(&format!("systemctl enable --now {SOCKET}")).ok();
    host
}

pub fn answers_by_what_is_published_without_privileges() {
    let mut host = with_agent();
    assert_eq!(says(&host, 9777), "ready\n");
    host.run("hhvm-drain depool --reason 'new disk'").ok();
    assert_eq!(says(&host, 9777), "drain\n");
    let process = host.run(&format!("ps -o user=,args= -p {}", host.show(SERVICE, "MainPID"))).ok().stdout;
    assert!(!process.starts_with("root") && process.contains("hhvm-drain agent"), "{process}");
    let status = host.run("setpriv --reuid=nobody --clear-groups hhvm-drain status").ok().stdout;
    assert!(status.contains("taken out of the pool by ") && status.contains(": new disk;"), "{status}");

    // An operator's word outlasts a boot, and the agent knows it once HHVM is started.
    host.reboot();
    assert_eq!(host.show(SOCKET, "ActiveState"), "active");
    assert_eq!(says(&host, 9777), "drain\n");
    host.run("hhvm-drain pool").ok();
    assert_eq!(says(&host, 9777), "ready\n");
    host.hhvm_says("load = 3>0/4s");
    let stop = host.begin_stop();
    assert_eq!(says(&host, 9777), "drain\n");
    let nobody = host.run("setpriv --reuid=nobody --clear-groups hhvm-drain status --json").ok().stdout;
    let nobody: serde_json::Value = serde_json::from_str(&nobody).expect("JSON");
    assert_eq!((&nobody["by"], &nobody["draining"]), (&"drain".into(), &true.into()), "{nobody}");
    assert_eq!(nobody["activity"]["at_most"], 30);
    stop.wait().ok();
    host.assert_comes_back();
    assert_eq!(says(&host, 9777), "ready\n");
    assert_eq!(host.show(SERVICE, "NRestarts"), "0");
}

pub fn ten_thousand_questions_leave_the_socket_active() {
    let host = with_agent();
    let flood = "for _ in {1..10000}; do exec 3<>/dev/tcp/127.0.0.1/9777; read -r word <&3; exec 3>&-; \
                 [ \"$word\" = ready ] || exit 1; done";
    host.run(&format!("bash -c '{flood}'")).ok();
    assert_eq!(
        (host.show(SOCKET, "ActiveState"), host.show(SOCKET, "NAccepted")),
        ("active".into(), "0".into())
    );

    // One that dies is started by the next question, however often.
    let deaths = format!(
        "for _ in {{1..60}}; do exec 3<>/dev/tcp/127.0.0.1/9777; read -r word <&3; exec 3>&-; \
         [ \"$word\" = ready ] || exit 1; kill -KILL $(cat /sys/fs/cgroup/system.slice/{SERVICE}/cgroup.procs); done"
    );
    let deaths = host.run(&format!("bash -c '{deaths}'")).ok();
    // More than systemd allows a socket by default: 20 in 2 s (systemd.socket(5)).
    assert!(deaths.took < Duration::from_secs(6), "{deaths:?}");
    assert_eq!(says(&host, 9777), "ready\n");
    assert_eq!(host.show(SOCKET, "ActiveState"), "active");
}

pub fn each_unit_has_a_port_of_its_own() {
    let host = with_agent();
    let socket = "hhvm-drain-agent@hhvm@8001.service.socket";
    host.write_file(&format!("/etc/systemd/system/{socket}.d/port.conf"), "[Socket]\nListenStream=9778\n");
    host.write_file("/var/www/8001.php", "alive");
    host.run(&format!("systemctl daemon-reload && systemctl enable --now '{socket}'")).ok();
    host.run("hhvm-drain --unit=hhvm@8001 --health-file=/var/www/8001.php depool").ok();
    assert_eq!((says(&host, 9777), says(&host, 9778)), ("ready\n".into(), "drain\n".into()));
    host.run("hhvm-drain --unit=hhvm@8001 --health-file=/var/www/8001.php pool && hhvm-drain depool").ok();
    assert_eq!((says(&host, 9777), says(&host, 9778)), ("drain\n".into(), "ready\n".into()));
    let verify = host.run(&format!("systemd-analyze --man=no verify {SOCKET} {SERVICE} '{socket}'")).ok();
    // About Debian 11 see the same test of the drop-in.
    let is_ours = |line: &&str| line.contains("agent") || Debian::current() != Debian::Eleven;
    let said = verify.stdout + &verify.stderr;
    assert_eq!(said.lines().filter(is_ours).collect::<Vec<_>>(), [""; 0]);
}

pub fn answers_while_the_host_goes_down_until_the_drain_is_over() {
    let mut host = with_agent();
    assert_eq!(says(&host, 9777), "ready\n");
    host.hhvm_says("load = 3>0/3s");
    host.reboot();
    let journal = host.journal_unit(&format!("hhvm -u {SERVICE}"));
    let drained = journal.iter().position(|entry| entry.message().starts_with("load was 0 after 3 s"));
    let stops = |entry: &Entry| entry.field("UNIT") == SERVICE && entry.message().starts_with("Stopping ");
    let agent = journal.iter().position(stops);
    let messages: Vec<&str> = journal.iter().map(Entry::message).collect();
    assert!(drained.is_some() && drained < agent, "{messages:#?}");
    host.assert_comes_back();
}

const HAPROXY: &str = r#"
global
    stats socket /run/haproxy/admin.sock level admin
defaults
    mode http
    timeout connect 1s
    timeout client 10s
    timeout server 10s
frontend statistics
    bind 127.0.0.1:8404
    stats enable
    stats uri /
backend hhvm
    server node 127.0.0.1:9000 check inter 500ms fall 2 rise 1 agent-check agent-port 9777 agent-inter 500ms
backend polite
    server node 127.0.0.1:9000 check inter 500ms fall 2 rise 1 agent-check agent-port 9777 agent-inter 500ms agent-send "are you there?\n"
"#;

/// Waits until HAProxy thinks so of the node, in both backends.
fn wait_for_haproxy(host: &Host, state: &str) {
    let is_state = |line: &str| line.split(',').nth(17).is_some_and(|status| status == state);
    wait_for_rows(host, &format!("HAProxy to say {state}"), is_state);
}

/// Waits until HAProxy has had an answer to a check and one of the agent. Before that it says UP, too.
fn wait_for_first_answers(host: &Host) {
    wait_for_rows(host, "HAProxy to have asked", |line| line.contains("L4OK,") && line.contains("CHECKED,"));
}

fn wait_for_rows(host: &Host, what: &str, is_so: impl Fn(&str) -> bool) {
    wait_for(what, Duration::from_secs(15), || {
        let rows = host.run("curl -s 'http://127.0.0.1:8404/;csv'").stdout;
        rows.lines().filter(|line| line.contains(",node,") && is_so(line)).count() == 2
    });
}

pub fn haproxy_drains_the_node_takes_it_back_and_loses_nothing_by_a_removal() {
    let host = Host::with_package()
        .packages("haproxy")
        .settings("min-drain = '500ms'")
        .file("/etc/haproxy/haproxy.cfg", HAPROXY)
        .boot();
    host.run(&format!("systemctl enable --now {SOCKET} && systemctl restart haproxy")).ok();
    wait_for_first_answers(&host);
    wait_for_haproxy(&host, "UP");
    host.hhvm_says("load = 1");
    let stop = host.begin_stop();
    wait_for_haproxy(&host, "DRAIN (agent)");
    host.hhvm_says("load = 0");
    stop.wait().ok();
    host.assert_stopped("drained");
    wait_for_haproxy(&host, "DOWN");
    host.run("systemctl start hhvm").ok();
    wait_for_haproxy(&host, "UP");

    // Nobody will tell HAProxy any more after this.
    host.run("hhvm-drain depool --reason 'new disk'").ok();
    wait_for_haproxy(&host, "DRAIN (agent)");
    let removal = host.run("apt-get remove -y hhvm-drain").ok();
    assert!((10..40).contains(&removal.took.as_secs()), "{removal:?}");
    assert!(removal.stdout.contains("telling the load balancers that they may send requests"), "{removal:?}");
    wait_for_haproxy(&host, "UP");
    assert!(
        !host.exists("/run/hhvm-drain")
            && !host.exists(&format!("/etc/systemd/system/sockets.target.wants/{SOCKET}"))
    );
    assert_eq!(host.show(SOCKET, "LoadState"), "not-found");
    assert_eq!(host.run("systemctl --failed --plain --no-legend").ok().stdout, "");
}
