//! The patterns of HHVM's ini scanner (`zend-ini.ll`): how long a piece of text fits, 0 where it does not.

pub(super) const TRUE: [&[u8]; 3] = [b"true", b"on", b"yes"];
pub(super) const FALSE: [&[u8]; 5] = [b"false", b"off", b"no", b"none", b"null"];

/// What an option's name is made of.
pub(super) fn is_label(byte: u8) -> bool {
    !b"=\n\r\t;&|^$~(){}!\"[".contains(&byte)
}

/// How many bytes at the beginning fit.
pub(super) fn run(rest: &[u8], fits: impl Fn(u8) -> bool) -> usize {
    rest.iter().take_while(|byte| fits(**byte)).count()
}

pub(super) fn blanks(rest: &[u8]) -> usize {
    run(rest, |byte| byte == b' ' || byte == b'\t')
}

pub(super) fn starts(rest: &[u8], with: &[u8]) -> usize {
    if rest.starts_with(with) { with.len() } else { 0 }
}

/// A piece that begins at `before` and has this length, with what is before it and the blanks behind it.
pub(super) fn around(rest: &[u8], before: usize, length: usize) -> usize {
    if length == 0 { 0 } else { before + length + blanks(&rest[before + length..]) }
}

/// One end of a line, of any of the three kinds.
pub(super) fn newline(rest: &[u8]) -> usize {
    match rest {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => 0,
    }
}

pub(super) fn end_of_line(rest: &[u8]) -> usize {
    let blank = blanks(rest);
    let newline = newline(&rest[blank..]);
    if newline == 0 { 0 } else { blank + newline }
}

pub(super) fn comment(rest: &[u8], sign: u8) -> usize {
    let blank = blanks(rest);
    if rest.get(blank) != Some(&sign) {
        return 0;
    }
    let end = blank + run(&rest[blank..], |byte| byte != b'\r' && byte != b'\n');
    end + newline(&rest[end..])
}

pub(super) fn boolean(rest: &[u8], words: &[&[u8]]) -> usize {
    let fits = |word: &&&[u8]| rest.get(..word.len()).is_some_and(|text| text.eq_ignore_ascii_case(word));
    let word = words.iter().filter(fits).map(|word| word.len()).max().unwrap_or(0);
    around(rest, 0, word)
}

pub(super) fn quote(rest: &[u8]) -> usize {
    let blank = blanks(rest);
    if rest.get(blank) == Some(&b'"') { blank + 1 } else { 0 }
}

pub(super) fn single_quoted(rest: &[u8]) -> usize {
    let Some(inside) = rest.strip_prefix(b"'") else { return 0 };
    inside.iter().position(|byte| *byte == b'\'').map_or(0, |end| end + 2)
}

pub(super) fn inside(quoted: &[u8]) -> Vec<u8> {
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_vec()
}

/// Characters that fit, dollar signs before anything but a brace, and escaped characters where these are allowed.
pub(super) fn pieces(rest: &[u8], fits: impl Fn(u8) -> bool, escapes: bool) -> usize {
    let mut end = 0;
    while let Some(byte) = rest.get(end) {
        end += match rest[end..] {
            [b'$', b'{', ..] | [b'$'] => break,
            [b'$', b'\\', _, ..] => 3,
            [b'$', ..] => 2,
            [b'\\', _, ..] if escapes => 2,
            _ if fits(*byte) => 1,
            _ => break,
        };
    }
    end
}

/// What stands between double quotes, up to a variable.
pub(super) fn quoted(rest: &[u8]) -> usize {
    let mut end = 0;
    while end < rest.len() {
        end += match rest[end..] {
            [b'\\', _, ..] => 2,
            [b'$', next, ..] if next != b'{' && next != b'"' => 2,
            [b'$' | b'\\' | b'"', ..] => break,
            _ => 1,
        };
    }
    // A dollar sign that nothing can be made of is a piece of its own.
    if end == 0 { starts(rest, b"$") } else { end }
}

/// `zend_ini_escape_string`: other backslashes stay.
pub(super) fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match bytes.peek() {
            Some(next) if byte == b'\\' && b"\"\\$".contains(next) => plain.extend(bytes.next()),
            Some(next) if byte == b'\\' => {
                plain.extend([byte, *next]);
                bytes.next();
            }
            _ => plain.push(byte),
        }
    }
    plain
}

pub(super) fn trimmed(name: &[u8]) -> Vec<u8> {
    let blank = |byte: &u8| *byte == b' ';
    let start = name.iter().take_while(|byte| blank(byte)).count();
    let end = name.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
    name[start..end].to_vec()
}
