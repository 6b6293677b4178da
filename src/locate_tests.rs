//! Units that listen somewhere, and where their load is read.

use super::*;
use crate::sockets::{FileId, Holder, Process};
use proptest::prelude::*;

fn listener(place: Place) -> Listener {
    let process = Process { pid: 7, started: 1, parent: 1, name: "hhvm".to_owned() };
    let inode = place.port().map_or(1, u64::from);
    let file = matches!(place, Place::Unix(_)).then_some(FileId { device: 1, inode: 2 });
    Listener { place, inside: 7, file, holders: vec![Holder { process, descriptor: 3, inode }] }
}

fn listens(places: &[&str]) -> Vec<Listener> {
    let place = |text: &&str| match text.parse() {
        Ok(address) => Place::Tcp(address),
        Err(_) => Place::Unix(Name::Path(text.into())),
    };
    places.iter().map(|text| listener(place(text))).collect()
}

fn wanted(endpoint: &str) -> Wanted {
    match endpoint {
        "auto" => Wanted::Auto,
        "sockets" => Wanted::Sockets,
        target => Wanted::At(target.parse().unwrap()),
    }
}

fn hints(endpoint: &str, options: &[(&str, &str)]) -> Hints {
    let words: Vec<String> = options.iter().map(|(name, value)| format!("-v{name}={value}")).collect();
    let hhvm = Hhvm::made(&words.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    Hints { wanted: wanted(endpoint), set_by: None, configured: Configured::of(&hhvm) }
}

fn here(addresses: &[&str]) -> Reach {
    Reach::ThisHost(addresses.iter().map(|address| address.parse().unwrap()).collect())
}

/// The choice, in short.
fn words(choice: &Choice) -> String {
    match choice {
        Choice::Own(target, _) => target.to_string(),
        Choice::FrontEnd(target, ..) => format!("front end {target}"),
        Choice::OtherHost(target) => format!("other host {target}"),
        Choice::Try(listener, _) => format!("try {}", listener.place),
        Choice::Count(except, because) => format!("count {because:?} {except:?}"),
        Choice::Nobody(why) => why.to_string(),
    }
}

/// What becomes of it when these listeners, and no others, turn out to be admin ports.
fn found(hints: &Hints, listeners: &[Listener], admin: &[(u16, Protocol)]) -> (Choice, Vec<Tried>) {
    let mut tried = Vec::new();
    loop {
        match hints.choose(&here(&[]), listeners, &tried) {
            Choice::Try(listener, _) => {
                let is_this = |(port, _): &&(u16, Protocol)| listener.place.port() == Some(*port);
                let admin = admin.iter().find(is_this).map(|(_, protocol)| *protocol);
                let inode = listener.holders[0].inode;
                tried.push(Tried { place: listener.place.clone(), inode, admin });
            }
            choice => return (choice, tried),
        }
    }
}

const FASTCGI: [(&str, &str); 2] = [("Server.Type", "fastcgi"), ("Server.Port", "9000")];

#[test]
fn the_configured_admin_port_is_asked_where_the_unit_listens_there() {
    let hints = hints("auto", &[&FASTCGI[..], &[("AdminServer.Port", "9001")]].concat());
    for (places, expected) in [
        (&["127.0.0.1:9000", "0.0.0.0:9001"][..], "fastcgi://127.0.0.1:9001/check-load"),
        (&["127.0.0.1:9000", "[::]:9001"], "fastcgi://[::1]:9001/check-load"),
        (&["10.0.0.1:9001"], "fastcgi://10.0.0.1:9001/check-load"),
        // The file was changed since the start.
        (&["127.0.0.1:9000"], "count NoAdminPort []"),
        (&["/run/hhvm/sock"], "count NoAdminPort []"),
        (&[], "count NoAdminPort []"),
    ] {
        let (choice, tried) = found(&hints, &listens(places), &[]);
        assert_eq!(words(&choice), expected, "{places:?}");
        assert!(tried.is_empty(), "nobody was asked for help: {tried:?}");
    }
}

#[test]
fn another_listener_is_the_admin_port_if_it_answers_as_one() {
    let places = listens(&["127.0.0.1:9000", "127.0.0.1:9001", "127.0.0.1:9002"]);
    let (choice, tried) = found(&hints("auto", &FASTCGI), &places, &[(9002, Protocol::Http)]);
    assert_eq!(words(&choice), "http://127.0.0.1:9002/check-load");
    let ports: Vec<_> = tried.iter().filter_map(|tried| tried.place.port()).collect();
    assert_eq!(ports, [9001, 9002], "not the page port");
    let (choice, _) = found(&hints("auto", &FASTCGI), &places, &[]);
    assert_eq!(words(&choice), "count NoAdminPort []");
}

#[test]
fn a_protocol_that_is_not_known_is_found_out() {
    let mut hints = hints("auto", &[("AdminServer.Port", "9001")]);
    hints.configured.protocol = None;
    let places = listens(&["127.0.0.1:9001"]);
    let (choice, tried) = found(&hints, &places, &[(9001, Protocol::Http)]);
    assert_eq!((words(&choice).as_str(), tried.len()), ("http://127.0.0.1:9001/check-load", 1));
    // It hangs, or wants a password: it is asked all the same, and says what is wrong.
    assert_eq!(words(&found(&hints, &places, &[]).0), "fastcgi://127.0.0.1:9001/check-load");
}

#[test]
fn sockets_counts_all_listeners_but_the_admin_port() {
    let hints = hints("sockets", &[("AdminServer.Port", "9001")]);
    let choice = hints.choose(&here(&[]), &listens(&["127.0.0.1:9000", "127.0.0.1:9001"]), &[]);
    let admin = Place::Tcp("127.0.0.1:9001".parse().unwrap());
    assert_eq!(choice, Choice::Count(vec![admin], Because::Setting));
}

#[test]
fn an_endpoint_on_this_host_is_asked_if_it_is_the_units() {
    let places = listens(&["127.0.0.1:9000", "[::]:9001", "/run/hhvm/admin.sock"]);
    let choose = |endpoint: &str, reach: &Reach| words(&hints(endpoint, &[]).choose(reach, &places, &[]));
    let tcp = "fastcgi://localhost:9001/check-load";
    assert_eq!(choose(tcp, &here(&["127.0.0.1:9001"])), tcp);
    let unix = "fastcgi+unix:///run/hhvm/admin.sock#/check-load";
    assert_eq!(choose(unix, &Reach::File(None)), unix);
    // By another name of the same file.
    let other = "fastcgi+unix:///var/run/hhvm/admin.sock#/check-load";
    assert_eq!(choose(other, &Reach::File(Some(FileId { device: 1, inode: 2 }))), other);
    for reach in [Reach::File(None), Reach::File(Some(FileId { device: 1, inode: 3 }))] {
        assert!(choose(other, &reach).contains("but the unit listens on 127.0.0.1:9000, "), "{reach:?}");
    }
}

#[test]
fn what_is_not_the_units_is_not_asked_unless_it_is_a_front_end_or_another_host() {
    let places = listens(&["127.0.0.1:9000"]);
    let choose = |endpoint: &str, reach: &Reach| {
        let mut hints = hints(endpoint, &[]);
        hints.set_by = Some(Location::Variable("HHVM_DRAIN_ENDPOINT".to_owned()));
        words(&hints.choose(reach, &places, &[]))
    };
    let fastcgi = "fastcgi://127.0.0.1:9001/check-load";
    assert_eq!(
        choose(fastcgi, &here(&["127.0.0.1:9001"])),
        format!("endpoint is {fastcgi} (HHVM_DRAIN_ENDPOINT), but the unit listens on 127.0.0.1:9000")
    );
    assert_eq!(choose(fastcgi, &Reach::OtherHost), format!("other host {fastcgi}"));
    let http = "http://127.0.0.1:9002/check-load";
    assert_eq!(choose(http, &here(&["127.0.0.1:9002"])), format!("front end {http}"));
}

fn port() -> impl Strategy<Value = u16> {
    prop_oneof![Just(80_u16), Just(9000), Just(9001), Just(9002), 1..u16::MAX]
}

fn addresses() -> impl Strategy<Value = Vec<Listener>> {
    let address = (prop_oneof![Just("127.0.0.1"), Just("0.0.0.0"), Just("::")], port())
        .prop_map(|(ip, port)| listener(Place::Tcp((ip.parse::<IpAddr>().unwrap(), port).into())));
    proptest::collection::vec(address, 0..8)
}

proptest! {
    #[test]
    fn nobody_is_asked_but_the_unit_and_never_the_page_port_for_help(
        listeners in addresses(),
        configured in (proptest::option::of(port()), proptest::option::of(port()), any::<bool>()),
        admin in proptest::option::of(port()),
    ) {
        let (admin_port, page_port, knows) = configured;
        let protocol = knows.then_some(Protocol::FastCgi);
        let configured = Configured { admin_port, page_port, protocol };
        let hints = Hints { wanted: Wanted::Auto, set_by: None, configured };
        let admin: Vec<_> = admin.map(|port| (port, Protocol::Http)).into_iter().collect();
        let (choice, tried) = found(&hints, &listeners, &admin);
        prop_assert!(tried.len() <= TRIES_MAX);
        prop_assert!(tried.iter().all(|tried| page_port.is_none() || tried.place.port() != page_port));
        match choice {
            Choice::Own(_, listener) => {
                prop_assert!(listeners.contains(&listener));
                prop_assert!(page_port.is_none() || listener.place.port() != page_port);
            }
            Choice::Count(except, _) => prop_assert!(except.is_empty()),
            other => prop_assert!(false, "{other:?}"),
        }
    }
}
