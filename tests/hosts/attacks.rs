//! What users of the host try, who are not root.

use std::time::Duration;

use crate::host::{Background, Host, wait_for};
use crate::units::{LIGHT, replace_unit};

/// Runs a Perl program as HHVM's user, in the cgroup of HHVM's unit, as what HHVM runs is.
fn as_hhvm(host: &Host, program: &str) -> Background {
    host.write_file("/root/attack.pl", program);
    host.spawn(
        "echo $$ >/sys/fs/cgroup$(systemctl show --value -p ControlGroup hhvm)/cgroup.procs && \
         exec setpriv --reuid=www-data --regid=www-data --clear-groups perl </root/attack.pl",
    )
}

/// HHVM as its SysV script starts it: systemd knows no main process.
fn sysv(settings: &str) -> Host {
    let host = Host::with_package().settings(settings).ini(LIGHT).boot();
    replace_unit(&host, None);
    host
}

const CROWD: &str = r#"
    $0 = "hhvm";
    for (1 .. 1500) { if (!fork) { sleep 300; exit } }
    open my $ready, ">", "/tmp/ready"; close $ready;
    sleep 300;
"#;

pub fn a_crowd_of_light_processes_does_not_take_the_descriptors() {
    let host = sysv("min-drain = '500ms'\ntimeout = '60s'");
    let _crowd = as_hhvm(&host, CROWD);
    wait_for("the crowd", Duration::from_secs(30), || host.exists("/tmp/ready"));
    host.hhvm_says("load = 2>0/3s");
    let stop = host.stop();
    assert!(stop.took >= Duration::from_secs(3), "{stop:?}");
    assert!(!host.is_pooled());
    host.assert_logged("load was 0 after ");
    host.assert_logged("systemd does not know HHVM's main process");
    assert_eq!(host.run("pgrep -cx hhvm").stdout, "0\n");
}

/// With a number that is lower than that of HHVM: numbers wrap.
const IMPOSTOR: &str = r#"
    $0 = "hhvm";
    $SIG{TERM} = "IGNORE";
    open my $ready, ">", "/tmp/ready"; print $ready $$; close $ready;
    sleep 300;
"#;

pub fn a_younger_process_with_a_lower_number_is_not_taken_for_hhvm() {
    let host = sysv("min-drain = '500ms'");
    let main = host.run("pgrep -xo hhvm").ok().stdout.trim().parse::<u32>().expect("a number");
    host.run("mount -o remount,rw,bind /proc/sys || mount -o remount,rw /proc/sys").ok();
    host.run("echo 20 >/proc/sys/kernel/ns_last_pid").ok();
    let _impostor = as_hhvm(&host, IMPOSTOR);
    wait_for("the impostor", Duration::from_secs(10), || host.exists("/tmp/ready"));
    let impostor = host.read_file("/tmp/ready").parse::<u32>().expect("a number");
    assert!(impostor < main, "{impostor} {main}");
    host.hhvm_says("load = 2>0/3s");
    let stop = host.stop();
    // HHVM has a moment to end by itself, and the impostor, which does not, is killed a few seconds later.
    assert!((3.0..12.0).contains(&stop.took.as_secs_f32()), "{stop:?}");
    host.assert_logged("load was 0 after ");
    let journal = host.journal();
    assert!(!journal.iter().any(|entry| entry.message().contains("killing it")), "{journal:?}");
    assert_eq!(host.run("pgrep -cx hhvm").stdout, "0\n");
}

/// Writes down what it is told, and answers as an HHVM without a request would.
const LISTENER: &str = r#"
    use IO::Socket::INET;
    my $server = IO::Socket::INET->new(LocalAddr => "127.0.0.1:9001", Listen => 16, ReuseAddr => 1) or die;
    $SIG{PIPE} = "IGNORE";
    open my $ready, ">", "/tmp/ready"; close $ready;
    while (my $client = $server->accept) {
        sysread $client, my $bytes, 65536;
        open my $heard, ">>", "/tmp/heard"; print $heard $bytes; close $heard;
        my $body = "Content-type: text/plain\r\n\r\n0";
        my $length = length $body;
        print $client pack("CCnnCC", 1, 6, 1, $length, 0, 0) . $body . pack("CCnnCCNCCCC", 1, 3, 1, 8, 0, 0, 0, 0, 0, 0, 0);
        close $client;
    }
"#;

pub fn a_stranger_on_the_admin_port_gets_no_password_and_is_not_believed() {
    let host = Host::with_package()
        .settings("min-drain = '500ms'\ntimeout = '6s'\npassword-file = '/etc/hhvm/password'")
        .file("/etc/hhvm/password", "s3same\n")
        .boot();
    host.run("chmod 600 /etc/hhvm/password").ok();
    let ini = host.read_file("/etc/hhvm/server.ini").replace("hhvm.admin_server.port", ";");
    host.write_file("/etc/hhvm/server.ini", &ini);
    host.run("systemctl restart hhvm").ok();
    host.write_file("/root/listener.pl", LISTENER);
    let _stranger =
        host.spawn("exec setpriv --reuid=nobody --regid=nogroup --clear-groups perl </root/listener.pl");
    wait_for("the stranger", Duration::from_secs(5), || host.exists("/tmp/ready"));
    // The stranger does answer who asks.
    assert_eq!(host.load(), Some(0));
    for endpoint in ["auto", "fastcgi://127.0.0.1:9001/check-load", "http://127.0.0.1:9001/check-load"] {
        host.write_file("/etc/hhvm-drain.toml.d/z.toml", &format!("endpoint = '{endpoint}'\n"));
        host.run("hhvm-drain check; hhvm-drain status");
        let page = host.request_page(Duration::from_secs(4));
        wait_for("the request", Duration::from_secs(5), || {
            host.run("ss -Htn state established '( sport = :9000 )'").stdout.lines().count() == 1
        });
        let stop = host.stop();
        assert!(stop.took >= Duration::from_secs(3), "{endpoint}: {stop:?}");
        assert!(page.wait().stdout.contains("worked 4000 ms"), "{endpoint}");
        // HHVM is down, and its port anybody's.
        host.run("hhvm-drain check; hhvm-drain status");
        host.assert_comes_back();
    }
    let heard = host.read_file("/tmp/heard");
    assert!(!heard.contains("s3same") && !heard.contains("auth="), "{heard}");
}
