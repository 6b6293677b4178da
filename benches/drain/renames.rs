//! When the kernel tells that health files are renamed.

use crate::Result;
use crate::node::Node;
use rustix::fs::inotify;
use std::collections::HashMap;
use std::mem::MaybeUninit;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

/// A receiver for each node, by one descriptor for all: a user may have few of them.
pub fn on_renames(nodes: &[Node]) -> Result<Vec<Receiver<Instant>>> {
    let watcher = inotify::init(inotify::CreateFlags::CLOEXEC)?;
    let (mut senders, mut receivers) = (HashMap::new(), Vec::new());
    for node in nodes {
        let (sender, receiver) = channel();
        let watch = inotify::add_watch(&watcher, node.path("var/www"), inotify::WatchFlags::MOVED_TO)?;
        senders.insert(watch, sender);
        receivers.push(receiver);
    }
    let (ready, is_ready) = channel();
    thread::spawn(move || {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&watcher, &mut buffer);
        let _ = ready.send(());
        while !senders.is_empty() {
            let Ok(event) = reader.next() else { return };
            if let Some(sender) = senders.remove(&event.wd()) {
                let _ = sender.send(Instant::now());
            }
        }
    });
    is_ready.recv()?;
    Ok(receivers)
}
