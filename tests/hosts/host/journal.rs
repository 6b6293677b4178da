//! The journal of a host, read by its fields.

use serde_json::{Map, Value};

use super::Host;

/// One line of the journal.
#[derive(Debug)]
pub struct Entry(Map<String, Value>);

impl Entry {
    /// A field, empty when the line has none of this name.
    pub fn field(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// The text.
    pub fn message(&self) -> &str {
        self.field("MESSAGE")
    }
}

impl Host {
    /// Everything that the journal holds about a unit, in order.
    pub fn journal_unit(&self, unit: &str) -> Vec<Entry> {
        let output = self.run(&format!("journalctl --sync; journalctl -o json --all -u {unit}")).ok();
        let parse = |line| serde_json::from_str(line).map(Entry).expect("a line of JSON");
        output.stdout.lines().map(parse).collect()
    }

    /// What hhvm-drain wrote to the journal of hhvm.service.
    pub fn journal(&self) -> Vec<Entry> {
        let mut entries = self.journal_unit("hhvm");
        entries.retain(|entry| entry.field("SYSLOG_IDENTIFIER") == "hhvm-drain");
        entries
    }

    /// Fails the test unless hhvm-drain wrote a line that begins so.
    #[track_caller]
    pub fn assert_logged(&self, beginning: &str) {
        let journal = self.journal();
        let messages: Vec<_> = journal.iter().map(Entry::message).collect();
        let found = messages.iter().any(|message| message.starts_with(beginning));
        assert!(found, "no line begins with {beginning:?}: {messages:#?}");
    }
}
