//! What HAProxy 2.6 has said (`tests/haproxy`), and what it might say.

use super::*;
use crate::sockets::Place;
use proptest::prelude::*;

const USER: &str = include_str!("../../tests/haproxy/user.txt");
const OPERATOR: &str = include_str!("../../tests/haproxy/operator.txt");
const PAGE: &str = include_str!("../../tests/haproxy/page.txt");
const STATE: &str = include_str!("../../tests/haproxy/servers-state.txt");

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn told(rows: &[Row]) -> Vec<(String, Sends)> {
    rows.iter().map(|row| (row.to_string(), row.sends)).collect()
}

#[test]
fn every_row_of_the_three_ways_to_ask_is_read() {
    let user = Table::read(USER).unwrap();
    assert!(user.process.is_some() && user.rows.iter().all(|row| row.id.address.is_none()), "{user:?}");
    let expected = [
        ("web_80/web1 DOWN", Sends::No),
        ("web_80/web2 UP", Sends::Yes),
        ("sticky/web1 NOLB", Sends::No),
        ("sticky/web6 no check, weight 0", Sends::No),
        ("sticky/off MAINT", Sends::No),
        ("sticky/tr NOLB", Sends::No),
    ];
    let expected: Vec<_> = expected.into_iter().map(|(text, sends)| (text.to_owned(), sends)).collect();
    assert_eq!(told(&user.rows), expected);
    let page = Table::read(PAGE).unwrap();
    assert_eq!((told(&page.rows), page.process), (expected, None));
    let operator = Table::read(OPERATOR).unwrap();
    assert_eq!(operator.rows[3].id.address, Some(at("[::1]:19001")));
    assert_eq!(operator.rows[0].unchanged, Some(Duration::from_secs(14)));
    assert!(operator.rows[0].counters.unwrap().are_idle());
}

#[test]
fn addresses_that_are_hidden_stand_in_the_servers_state() {
    let hidden = hidden(STATE).unwrap();
    assert_eq!(hidden.len(), 6);
    assert_eq!(hidden[0], ("web_80".to_owned(), "web1".to_owned(), at("127.0.0.1:19001")));
    assert_eq!(hidden[3].2, at("[::1]:19001"));
    assert!(matches!(super::hidden("Permission denied\n"), Err(Unclear::NotATable(_))));
}

#[test]
fn the_order_of_the_columns_does_not_count_and_a_comma_may_be_quoted() {
    let text =
        "# pxname,type,status,x,svname,weight,stot,qcur,scur,\nb,2,UP 1/3,\"a, \"\"b\"\"\",s,1,9,0,3,\n";
    let rows = Table::read(text).unwrap().rows;
    assert_eq!(told(&rows), [("b/s UP 1/3".to_owned(), Sends::Yes)]);
    assert_eq!(rows[0].counters, Some(Counters { queued: 0, sessions: 3, total: 9 }));
}

#[test]
fn what_is_no_table_is_named() {
    let missing = include_str!("../../tests/haproxy/no-such-proxy.txt");
    assert_eq!(Table::read(missing), Err(Unclear::NoSuchBackend));
    for (text, part) in [
        ("", "empty"),
        ("<html>\n<body>", "<html>"),
        ("Permission denied\n", "Permission denied"),
        ("Name: HAProxy\nPid: 4\n", "Name: HAProxy"),
        ("# pxname,svname\nb,s\n", "pxname"),
        ("# pxname,svname,qcur,scur,stot,status,weight,type,\nb,s,0,0,0,UP", "b,s,0"),
        ("# pxname,svname,qcur,scur,stot,status,weight,type,\nb,s,,0,0,UP,1,2,\n", "b,s,,0"),
    ] {
        let why = Table::read(text).unwrap_err().to_string();
        assert!(why.contains(part), "{text}: {why}");
    }
}

fn mine(named: Named, is_local: bool) -> Mine {
    let here = Here {
        addresses: vec!["10.0.0.5".parse().unwrap(), "::1".parse().unwrap()],
        own: vec![Place::Tcp(at("0.0.0.0:9000"))],
        all: ["0.0.0.0:80", "0.0.0.0:9000", "[::]:19001"].map(|text| Place::Tcp(at(text))).to_vec(),
        others: Others::default(),
        name: "web1.example.org".to_owned(),
    };
    Mine { named, here, is_local }
}

fn row(backend: &str, server: &str, address: Option<&str>) -> Row {
    let id = Id { backend: backend.to_owned(), server: server.to_owned(), address: address.map(at) };
    Row::plain(id, Sends::Yes, "UP")
}

fn names(found: Result<Vec<Row>, Unclear>) -> Vec<String> {
    found.unwrap().iter().map(|row| row.id.to_string()).collect()
}

#[test]
fn rows_are_found_by_address_and_port_and_the_units_own_port_comes_first() {
    let rows = vec![
        row("a", "x", Some("10.0.0.5:80")),
        row("b", "y", Some("10.0.0.5:80")),
        row("c", "web1", Some("10.0.0.6:80")),
        row("d", "z", Some("10.0.0.5:443")),
    ];
    assert_eq!(names(mine(Named::Auto, false).of(rows.clone())), ["a/x", "b/y"]);
    let own = [rows, vec![row("e", "hhvm", Some("10.0.0.5:9000"))]].concat();
    assert_eq!(names(mine(Named::Auto, false).of(own)), ["e/hhvm"]);
}

#[test]
fn a_port_of_another_unit_that_is_drained_is_no_front_end() {
    let beside = |ports: &'static [&'static str]| {
        let mut mine = mine(Named::Auto, false);
        mine.here.others = Others::found_by(|| ports.iter().map(|text| Place::Tcp(at(text))).collect());
        mine
    };
    let rows = vec![row("a", "x", Some("10.0.0.5:80")), row("a", "y", Some("10.0.0.5:19001"))];
    assert_eq!(names(beside(&["0.0.0.0:80"]).of(rows.clone())), ["a/y"]);
    assert_eq!(names(beside(&["0.0.0.0:81"]).of(rows.clone())), ["a/x", "a/y"]);
    assert_eq!(beside(&["0.0.0.0:80", "0.0.0.0:19001"]).of(rows), Err(Unclear::NoRow));
    let named = vec![row("a", "web1", Some("10.0.0.5:80"))];
    assert_eq!(
        beside(&["0.0.0.0:80"]).of(named),
        Err(Unclear::NoRow),
        "its own name does not make it this unit's"
    );
}

#[test]
fn the_loopback_address_is_this_node_only_to_a_balancer_on_this_host() {
    let rows = Table::read(OPERATOR).unwrap().rows;
    assert_eq!(names(mine(Named::Auto, true).of(rows.clone())).len(), 5);
    assert_eq!(
        mine(Named::Auto, false).of(rows),
        Err(Unclear::OnlyByName("web_80/web1".to_owned())),
        "somebody else's"
    );
}

#[test]
fn a_name_is_believed_where_addresses_are_hidden_or_where_it_is_set() {
    let rows = Table::read(USER).unwrap().rows;
    assert_eq!(names(mine(Named::Auto, false).of(rows.clone())), ["web_80/web1", "sticky/web1"]);
    let named = |text: &str| mine(text.parse().unwrap(), false);
    assert_eq!(names(named("web2").of(rows.clone())), ["web_80/web2"]);
    assert_eq!(names(named("sticky/off").of(rows.clone())), ["sticky/off"]);
    assert_eq!(named("sticky/web2").of(rows), Err(Unclear::NoRow));
    let rows = Table::read(OPERATOR).unwrap().rows;
    assert_eq!(names(named("[::1]:19001").of(rows)), ["sticky/web6"]);
}

#[test]
fn so_many_rows_cannot_be_one_nodes() {
    let rows = |count| (0..count).map(|n| row(&format!("b{n}"), "web1", None)).collect();
    assert_eq!(mine(Named::Auto, false).of(rows(ROWS_MAX)).unwrap().len(), ROWS_MAX);
    assert_eq!(mine(Named::Auto, false).of(rows(100_000)), Err(Unclear::TooManyRows(100_000)));
}

#[test]
fn nonsense_is_no_name() {
    for text in ["", " ", "a/b/c", "/b", "a/", "a b"] {
        assert!(text.parse::<Named>().is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(text in "(# pxname,svname,[a-z,]{0,40}\n)?([ -~]{0,30}\n?){0,20}") {
        let _ = (Table::read(&text), hidden(&text));
    }

    #[test]
    fn half_an_answer_is_refused_or_lacks_whole_rows_only(cut in 0_usize..USER.len()) {
        let whole = Table::read(USER).unwrap().rows;
        if let Ok(part) = Table::read(&USER[..cut]) {
            prop_assert!(whole.starts_with(&part.rows));
        }
    }
}
