//! A made-up HAProxy that says what a test wants.

use crate::rig::Rig;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::sync::{Arc, Mutex};
use std::thread;

pub const SOCKET: &str = "run/haproxy/admin.sock";
pub const HEADER: &str =
    "# pxname,svname,qcur,scur,stot,status,weight,lastchg,type,addr,check_fall,cookie,\n";

/// What a HAProxy answers to `show info;show stat …`, with this row of web1.
pub fn table(row: &str) -> String {
    format!("Pid: 4711\n\n{HEADER}web,web1,{row},99,2,,5,,\nweb,web2,0,0,9,UP,1,99,2,,5,,\n\n")
}

/// A HAProxy whose web1 is what it was last set to.
pub struct Haproxy {
    answer: Arc<Mutex<String>>,
}

impl Haproxy {
    pub fn start(rig: &Rig, row: &str) -> Self {
        fs::create_dir_all(rig.path("run/haproxy")).unwrap();
        let listener = UnixListener::bind(rig.path(SOCKET)).unwrap();
        let answer = Arc::new(Mutex::new(table(row)));
        let told = Arc::clone(&answer);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut question = String::new();
                let _ = BufReader::new(&stream).read_line(&mut question);
                assert!(question.starts_with("show "), "{question}");
                let _ = stream.write_all(told.lock().unwrap().as_bytes());
            }
        });
        Self { answer }
    }

    /// `row` is `QCUR,SCUR,STOT,STATUS,WEIGHT`.
    pub fn set(&self, row: &str) {
        *self.answer.lock().unwrap() = table(row);
    }

    /// Gives the server a cookie by which clients stay with it.
    pub fn set_cookie(&self) {
        let mut answer = self.answer.lock().unwrap();
        *answer = answer.replacen(",5,,", ",5,w1,", 1);
    }
}

pub fn settings(rig: &Rig, text: &str) {
    fs::write(rig.path("etc/hhvm-drain.toml"), text).unwrap();
}

pub fn asking_haproxy(rig: &Rig) {
    settings(rig, &format!("balancer = \"haproxy+unix:///{SOCKET}\"\nbalancer-name = \"web1\"\n"));
}
