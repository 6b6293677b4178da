//! What holds for every table of HAProxy's, whoever answers in its place.

use super::{Here, Mine, Named, ROWS_MAX, Sends, Table, Unclear, hidden};

/// Only who is said to get no requests gets none, empty lines mean nothing, and what is told fits a line.
///
/// # Panics
/// When one of these does not hold.
pub fn rows(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Err(why) = hidden(&text) {
        is_a_line(&why);
    }
    let table = match Table::read(&text) {
        Ok(table) => table,
        Err(why) => return is_a_line(&why),
    };
    for row in &table.rows {
        let words = ["DOWN", "NOLB", "DRAIN", "MAINT", "weight 0"];
        assert!(row.sends != Sends::No || words.iter().any(|word| row.said.contains(word)), "{row:?}");
        assert!(!row.to_string().contains(char::is_control) && row.counters.is_some(), "{row:?}");
    }
    assert!(Table::read(&format!("{text}\n\n")).as_ref() == Ok(&table), "depends on empty lines");
    let here = Here { name: "web1.example.com".to_owned(), ..Here::default() };
    let by_name = Named::Server("web1".to_owned());
    for named in [Named::Auto, by_name, Named::Row("web".to_owned(), "web1".to_owned())] {
        match (Mine { named, here: here.clone(), is_local: true }).of(table.rows.clone()) {
            Ok(rows) => assert!((1..=ROWS_MAX).contains(&rows.len()), "{rows:?}"),
            Err(why) => is_a_line(&why),
        }
    }
}

fn is_a_line(why: &Unclear) {
    let why = why.to_string();
    assert!(!why.is_empty() && why.len() < 1000 && !why.contains(char::is_control), "{why:?}");
}

#[cfg(test)]
proptest::proptest! {
    #[test]
    fn what_looks_like_a_table_is_read_as_one(
        text in "(Pid: [0-9]{1,2}\n|# pxname,svname,qcur,scur,stot,status,weight,type\n|# be_id be_name srv_name srv_addr srv_port\n|(\"?[bw]\"?,web1,[0-9x],0,1,(UP|DOWN|MAINT \\(via\\)|no check),[01],[12]\n)|1 b web1 10.0.0.1 9\n|,|\n){0,9}",
    ) {
        rows(text.as_bytes());
    }
}
