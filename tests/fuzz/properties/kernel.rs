//! What holds for every list of sockets, also one that is cut off. The names in it are anybody's.

use super::wire::{Message, Socket, messages as read, socket};
use crate::sockets::Name;

/// The number of the question.
const NUMBER: u32 = 7;

/// A row is made of the bytes that are there, and there are no more messages than there is room for.
///
/// # Panics
/// When one of these does not hold.
pub fn messages(bytes: &[u8]) {
    let mut count = 0;
    for message in read(bytes, NUMBER) {
        count += 1;
        let Some(Message::Socket(payload)) = message else { continue };
        let Some(Socket::Unix(row)) = socket(payload) else { continue };
        if let Some(Name::Abstract(name)) = row.name {
            assert!(
                name.len() < payload.len()
                    && (name.is_empty() || payload.windows(name.len()).any(|part| part == name))
            );
        }
    }
    // The last one may be cut off.
    assert!(count <= bytes.len() / 16 + 1, "{count} messages in {} bytes", bytes.len());
}

#[cfg(test)]
proptest::proptest! {
    #[test]
    fn noise_is_read_without_a_panic(
        length in 0..80_u32, kind in proptest::sample::select(vec![2_u16, 3, 18, 20]), rest in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..120),
    ) {
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend([2, 0]);
        bytes.extend(NUMBER.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(rest);
        messages(&bytes);
    }
}
