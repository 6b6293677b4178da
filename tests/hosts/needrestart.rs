//! needrestart after a library was upgraded: HHVM is named, and left to its administrator.

use crate::host::Host;

const LIBRARY: &str = "/usr/lib/hhvm/libextension.so";
const CONFIGURATION: &str = "/etc/needrestart/conf.d/hhvm-drain.conf";
/// What apt's hook does where restarts are automatic.
const AUTOMATIC: &str = "needrestart -r a";

pub fn leaves_hhvm_alone_and_would_not_without_us() {
    let host = Host::bare()
        .packages("needrestart")
        .settings("min-drain = '1s'")
        .service(&format!("Environment=LD_PRELOAD={LIBRARY}"))
        .boot();
    host.install();
    host.run(&format!("mkdir -p /usr/lib/hhvm && cp /lib/x86_64-linux-gnu/libz.so.1 {LIBRARY}")).ok();
    host.run("systemctl restart hhvm").ok();
    let pid = host.show("hhvm", "MainPID");
    let nothing = host.run(AUTOMATIC).ok().stdout;
    assert!(!nothing.contains("hhvm"), "{nothing}");

    // As dpkg does: the new one beside the old one, then renamed over it.
    host.run(&format!("cp {LIBRARY} {LIBRARY}.new && mv {LIBRARY}.new {LIBRARY}")).ok();
    let deferred = host.run(AUTOMATIC).ok().stdout;
    let named = deferred.split("Service restarts being deferred:").nth(1).unwrap_or_default();
    assert!(named.contains("systemctl restart hhvm.service"), "{deferred}");
    assert_eq!(host.show("hhvm", "MainPID"), pid);

    host.run(&format!("rm {CONFIGURATION}")).ok();
    host.run(AUTOMATIC).ok();
    assert_ne!(host.show("hhvm", "MainPID"), pid);
    assert_eq!(host.outcome(), "drained");
}
