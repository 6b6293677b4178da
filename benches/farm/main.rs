//! What restarts cost the users of a farm: `make farm`, and a small one in `make test`.
#![allow(clippy::expect_used)]
mod balancer;
#[path = "../../tests/hosts/host/mod.rs"]
mod host;
mod hhvm_package;
mod load;
mod network;
mod node;
mod policy;
mod rack;
mod results;
mod rotation;
mod scenario;
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;
fn main() {
    host::prepare().unwrap();
    for packages in ["", "haproxy", "php8.2-fpm,apache2"] { host::Debian::current().root(packages).unwrap(); }
    host::Host::with_package();
    network::enter().unwrap();
    let arg = |n| std::env::args().nth(n).unwrap_or_default();
    let stack = match arg(1).as_str() { "apache" => node::Stack::ApacheHhvm, "fpm" => node::Stack::NginxPhpFpm, _ => node::Stack::NginxHhvm };
    use policy::Policy;
    let policy = match arg(2).as_str() { "none" => Policy::Nothing, "script" => Policy::Script, "graceful" => Policy::Graceful, "ours" => Policy::Defaults, _ => Policy::Tuned };
    let scen = match arg(3).as_str() { "kill" => scenario::Scenario::Killed, "reboot" => scenario::Scenario::Reboot, "upgrade" => scenario::Scenario::Upgrade, _ => scenario::Scenario::Restart };
    let rate: f64 = arg(4).parse().unwrap();
    let handles: Vec<_> = balancer::Setting::ALL.into_iter().take(arg(5).parse().unwrap()).enumerate().map(|(n, setting)| std::thread::spawn(move || {
        let mut rack = rack::Rack::boot(n as u8 + 1, rack::Kit { stack, policy, setting }).map_err(|e| e.to_string())?;
        let cell = rack.measure(scen, 3, rate).map_err(|e| e.to_string())?;
        println!("{} {} {}: sent {} failed {}", cell.policy, cell.balancer, cell.scenario, cell.tally.sent(), cell.tally.failed());
        for r in &cell.restarts { for (p, a, b) in &r.phases { print!("{p}: {:.1}..{:.1} ", (*a - r.began).as_secs_f32(), (*b-r.began).as_secs_f32()); } println!(); }
        let mut by = std::collections::BTreeMap::new();
        for f in &cell.tally.failures { *by.entry(format!("{:?} {} {} reused {}", f.kind, f.reason, cell.phase_of(f.ended()), f.reused)).or_insert(0) += 1; }
        println!("{by:#?}");
        println!("late p99 {} max {}; p50 {} p99 {}", cell.tally.late_starts.value_at_quantile(0.99), cell.tally.late_starts.max(), cell.tally.classes[0].latencies.value_at_quantile(0.5), cell.tally.classes[0].latencies.value_at_quantile(0.99));
        println!("{:#?}", rack.complaints());
        Ok::<_, String>(())
    })).collect();
    for h in handles { println!("{:?}", h.join()); }
}
