//! What holds for every answer of a FastCGI server, whatever it is made of.

use super::super::client::Reply;
use super::super::count::{COUNT_MAX, count};
use super::{Answer, TOTAL_MAX, record};
use crate::load::Unknown;

/// What an answer says does not depend on how it is cut into reads, and is not longer than asked for.
///
/// The first byte says into what pieces; the second, from 240 on, how near to [`TOTAL_MAX`] records of no meaning come
/// before.
///
/// # Panics
/// When one of these does not hold.
pub fn answer(bytes: &[u8]) {
    let Some((&[size, room], bytes)) = bytes.split_first_chunk() else { return };
    let mut stream = Vec::new();
    if let Some(room) = room.checked_sub(240) {
        let rest = TOTAL_MAX - 2 * super::HEADER_LEN - 32 * usize::from(room);
        for length in [rest / 2, rest - rest / 2] {
            record(&mut stream, u8::MAX, &vec![b'0'; length]);
        }
    }
    stream.extend(bytes);
    let at_once = decode(std::iter::once(&stream[..]));
    let in_pieces = decode(stream.chunks(usize::from(size) + 1));
    assert_eq!(in_pieces, at_once);
    if let Ok(reply) = at_once {
        assert!(reply.body.len() <= COUNT_MAX + 1, "{reply:?}");
        assert!(count(&reply).is_err() || bytes.iter().any(u8::is_ascii_digit), "a load of no digits");
    }
}

fn decode<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<Reply, Unknown> {
    let mut answer = Answer::of(COUNT_MAX);
    for piece in pieces {
        if let Some(reply) = answer.take(piece)? {
            return Ok(reply);
        }
    }
    answer.end()
}
