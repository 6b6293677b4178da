//! The forms of etcd's JSON (`etcdserverpb`, by way of grpc-gateway): bytes are base64, numbers of 64 bits are strings, and
//! what is zero is left out.

use super::keys::{Keys, Range, encode};
use crate::fleet::{Change, Compare, Key, Lease, Name, Transaction};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use std::time::Duration;

/// A number, which stands there as text or as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Int(pub(super) i64);

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Number(i64),
            Text(String),
        }
        match Form::deserialize(from)? {
            Form::Number(number) => Ok(Self(number)),
            Form::Text(text) => text
                .parse()
                .map(Self)
                .map_err(|_| D::Error::invalid_value(Unexpected::Str(&text), &"a number")),
        }
    }
}

impl Int {
    /// A revision or a lease, which are never negative.
    pub(super) fn positive(self) -> Option<u64> {
        u64::try_from(self.0).ok().filter(|number| *number > 0)
    }
}

/// Bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let bytes = BASE64_STANDARD.decode(String::deserialize(from)?);
        bytes.map(Self).map_err(|_| D::Error::custom("not base64"))
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Header {
    pub(super) revision: Int,
}

#[derive(Debug, Deserialize)]
pub(super) struct Kv {
    pub(super) key: Bytes,
    pub(super) create_revision: Int,
    pub(super) mod_revision: Int,
    #[serde(default)]
    pub(super) value: Bytes,
    #[serde(default)]
    pub(super) lease: Int,
}

#[derive(Debug, Deserialize)]
pub(super) struct RangeAnswer {
    #[serde(default)]
    pub(super) kvs: Vec<Kv>,
    #[serde(default)]
    pub(super) count: Int,
}

#[derive(Debug, Deserialize)]
pub(super) struct TxnAnswer {
    pub(super) header: Header,
    #[serde(default)]
    pub(super) succeeded: bool,
    #[serde(default)]
    pub(super) responses: Vec<Response>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Response {
    pub(super) response_range: Option<RangeAnswer>,
}

#[derive(Debug, Deserialize)]
pub(super) struct LeaseAnswer {
    #[serde(rename = "ID", default)]
    pub(super) id: Int,
    #[serde(rename = "TTL", default)]
    pub(super) ttl: Int,
}

/// An answer out of a stream.
#[derive(Debug, Deserialize)]
pub(super) struct Streamed<T> {
    pub(super) result: T,
}

#[derive(Debug, Deserialize)]
pub(super) struct TokenAnswer {
    pub(super) token: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct StatusAnswer {
    pub(super) version: String,
    /// The leader's id; zero while there is none.
    #[serde(default)]
    pub(super) leader: MemberId,
    #[serde(default)]
    pub(super) errors: Vec<String>,
}

/// The id of a member, of which only zero matters: the others are larger than any signed number.
#[derive(Debug, Deserialize, Default, PartialEq, Eq)]
#[serde(transparent)]
pub(super) struct MemberId(Value);

impl MemberId {
    pub(super) fn is_zero(&self) -> bool {
        matches!(&self.0, Value::Null) || self.0 == json!("0") || self.0 == json!(0)
    }
}

/// An error: of a single answer a text beside its code, of a stream an object. Later gateways leave the text out.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ErrorAnswer {
    error: Option<ErrorForm>,
    code: Option<u32>,
    message: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum ErrorForm {
    Text(String),
    Object {
        #[serde(alias = "code")]
        grpc_code: Option<u32>,
        message: Option<String>,
    },
}

impl ErrorAnswer {
    /// gRPC's code of it, and its words; none if it is no error.
    pub(super) fn parts(self) -> Option<(u32, String)> {
        match self.error {
            Some(ErrorForm::Text(words)) => Some((self.code?, words)),
            Some(ErrorForm::Object { grpc_code, message }) => Some((grpc_code?, message.unwrap_or_default())),
            None => Some((self.code?, self.message?)),
        }
    }
}

/// One key.
pub(super) fn get(keys: &Keys, key: &Key) -> Value {
    json!({"key": keys.encode(key)})
}

/// Everything below the prefix, the oldest first.
pub(super) fn whole(keys: &Keys) -> Value {
    let Range(begin, end) = keys.all();
    let all = json!({"key": begin, "range_end": end, "sort_target": "CREATE", "sort_order": "ASCEND"});
    json!({"success": [{"request_range": all}]})
}

/// The limit, and the first of those that are out, at one revision.
pub(super) fn first(keys: &Keys, count: u32) -> Value {
    let Range(begin, end) = keys.out();
    let out = json!({
        "key": begin, "range_end": end, "sort_target": "CREATE", "sort_order": "ASCEND", "limit": count, "keys_only": true,
    });
    json!({"success": [{"request_range": get(keys, &Key::Limit)}, {"request_range": out}]})
}

/// A transaction.
pub(super) fn transaction(keys: &Keys, transaction: &Transaction) -> Value {
    let compare: Vec<Value> = transaction.compare.iter().map(|compare| comparison(keys, compare)).collect();
    let then: Vec<Value> = transaction.then.iter().map(|change| operation(keys, change)).collect();
    json!({"compare": compare, "success": then})
}

fn comparison(keys: &Keys, compare: &Compare) -> Value {
    let (key, target, field, revision) = match compare {
        Compare::Absent(key) => (key, "CREATE", "create_revision", 0),
        Compare::Created(key, revision) => (key, "CREATE", "create_revision", revision.0),
        Compare::Modified(key, revision) => (key, "MOD", "mod_revision", revision.0),
    };
    json!({"key": keys.encode(key), "target": target, "result": "EQUAL", field: revision.to_string()})
}

fn operation(keys: &Keys, change: &Change) -> Value {
    match change {
        Change::Put(key, value, lease) => {
            let lease = lease.map_or(0, |lease| lease.0).to_string();
            json!({"request_put": {"key": keys.encode(key), "value": encode(value), "lease": lease}})
        }
        Change::Delete(key) => json!({"request_delete_range": {"key": keys.encode(key)}}),
    }
}

/// A transaction that never writes: there is no version below zero. Who may not do what it names is told so all the same.
pub(super) fn trial(keys: &Keys, node: &Name) -> Value {
    let Range(begin, end) = keys.all();
    let never =
        json!({"key": keys.encode(&Key::Limit), "target": "VERSION", "result": "LESS", "version": "0"});
    let put = |key: Key| operation(keys, &Change::Put(key, Vec::new(), None));
    let delete = operation(keys, &Change::Delete(Key::Alive(node.clone())));
    let read = json!({"request_range": {"key": begin, "range_end": end, "limit": 1}});
    json!({"compare": [never], "success": [put(Key::Out(node.clone())), put(Key::Limit), delete, read]})
}

/// A lease, of whole seconds.
pub(super) fn grant(time: Duration) -> Value {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    json!({"TTL": seconds.max(1).to_string()})
}

/// A lease that is there.
pub(super) fn lease(lease: Lease) -> Value {
    json!({"ID": lease.0.to_string()})
}
