//! What HHVM itself tries, or whoever has got hold of it: its command line, its files, what it listens on and answers. It
//! takes another user to play, so without root these tests do nothing.

use crate::rig::{FAST, Rig, SYSTEMD};
use crate::run::{program, wait_for};
use nix::sys::resource::{UsageWho, getrusage};
use nix::unistd::Uid;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Calls itself HHVM, with the arguments that it has got: NULs up to the end, or the kernel shows the first word only.
const NAME: &str = r#"$0 = join("\0", "hhvm", "-m", "server", @ARGV) . "\0" x 10000000;"#;

/// Waits to be killed.
const IDLE: &str = "open my $file, '>', $ready; close $file; sleep 600;";

/// Listens as HHVM's admin server would, writes down what it is told, and answers that nothing is left to wait for.
const ADMIN: &str = r#"
    use IO::Socket::INET;
    my $server = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$port", Listen => 16, ReuseAddr => 1) or die;
    $SIG{PIPE} = "IGNORE";
    open my $file, ">", $ready; close $file;
    while (my $client = $server->accept) {
        sysread $client, my $bytes, 65536;
        open my $file, ">>", $heard; print $file $bytes; close $file;
        my $body = "Content-type: text/plain\r\n\r\n0";
        print $client pack("CCnnCC", 1, 6, 1, length $body, 0, 0) . $body
            . pack("CCnnCCNCCCC", 1, 3, 1, 8, 0, 0, 0, 0, 0, 0, 0);
        close $client;
    }
"#;

/// A process of another user's, which systemd takes for HHVM.
struct Liar {
    rig: Rig,
    process: Child,
}

impl Liar {
    /// Runs `perl` with `arguments` behind it, for everybody to read in `/proc`.
    fn new(rig: Rig, perl: &str, arguments: &[String], port: u16) -> Self {
        fs::set_permissions(rig.root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let own = rig.path("own");
        fs::create_dir(&own).unwrap();
        fs::set_permissions(&own, fs::Permissions::from_mode(0o777)).unwrap();
        let mut command = Command::new("setpriv");
        // The environment may be overwritten with the arguments.
        let perl = format!(r"my ($ready, $heard, $port) = @ENV{{qw(READY HEARD PORT)}}; {NAME} {perl}");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "perl", "-e", &perl, "--"]);
        command.args(arguments).stdout(Stdio::null());
        command.env("READY", own.join("ready")).env("HEARD", own.join("heard")).env("PORT", port.to_string());
        let process = command.spawn().unwrap();
        wait_for(|| own.join("ready").exists());
        Self { rig, process }
    }

    /// The program, which finds HHVM by itself.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.env_clear().env("PATH", SYSTEMD).env("STANDIN_PID", self.process.id().to_string());
        command.arg("--root").arg(self.rig.root.path()).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn stop(&self, flags: &[&str]) -> Command {
        let mut command = self.command(&[&["stop"], &FAST[..], flags].concat());
        command.env("SERVICE_RESULT", "success").env("MAINPID", self.process.id().to_string());
        command
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn rig() -> Option<Rig> {
    if !Uid::effective().is_root() {
        return None;
    }
    let rig = Rig::without_hhvm();
    rig.use_real_procfs();
    Some(rig)
}

fn files_of_mistakes(rig: &Rig) -> Vec<String> {
    let file = |number: usize| {
        let path = rig.path(&format!("{number}.ini"));
        fs::write(&path, "hhvm.server.port = 9x ; y\n".repeat(40_000)).unwrap();
        ["-c".to_owned(), path.display().to_string()]
    };
    (0..60).flat_map(file).collect()
}

fn long_words() -> Vec<String> {
    vec![format!("-dx={}", "y".repeat(1000)); 900]
}

/// Files of a megabyte of mistakes took 21 seconds and 2.5 GB once, with a timeout of a second.
#[test]
fn what_hhvm_says_of_itself_takes_neither_time_nor_memory() {
    for arguments in [files_of_mistakes as fn(&Rig) -> Vec<String>, |_| long_words()] {
        let Some(rig) = rig() else { return };
        let arguments = arguments(&rig);
        let liar = Liar::new(rig, IDLE, &arguments, 0);
        let began = Instant::now();
        let stop = crate::run::run(&mut liar.stop(&["--timeout=1s"]));
        let took = began.elapsed();
        assert!(!liar.rig.is_pooled(), "{stop:?}");
        assert!(took < Duration::from_secs(5), "{took:?}");
        assert!(stop.stderr.lines().count() < 60, "{} lines", stop.stderr.lines().count());
    }
    let memory = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss();
    assert!(memory < 256 << 10, "{memory} KiB");
}

#[test]
fn another_instances_password_is_not_sent_to_hhvm() {
    let Some(rig) = rig() else { return };
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let other = rig.path("other.ini");
    fs::write(&other, format!("hhvm.admin_server.port = {port}\nhhvm.admin_server.password = s3same\n"))
        .unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o600)).unwrap();
    let arguments = ["-c".to_owned(), other.display().to_string(), format!("--admin-port={port}")];
    let liar = Liar::new(rig, ADMIN, &arguments, port);
    let heard = || {
        let bytes = fs::read(liar.rig.path("own/heard")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    for command in ["check", "status"] {
        crate::run::run(&mut liar.command(&[command]));
    }
    let stop = crate::run::run(&mut liar.stop(&["--timeout=2s"]));
    assert!(!heard().contains("s3same"), "{}: {stop:?}", heard());
    // Whom root gives it to is told it: the listener does hear what it is asked.
    let mut command = liar.command(&["status"]);
    let password = liar.rig.path("etc/password");
    fs::write(&password, "s3same\n").unwrap();
    let endpoint = format!("fastcgi://127.0.0.1:{port}/check-load");
    let status = crate::run::run(command.args(["--password-file=/etc/password", "--endpoint", &endpoint]));
    assert!(heard().contains("s3same"), "{}: {status:?}", heard());
}
