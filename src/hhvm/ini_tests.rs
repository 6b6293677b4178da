//! Literal ini files, after the rules of `zend-ini.ll` and `zend-ini.y`.

use super::*;

fn variable(name: &[u8]) -> Option<Vec<u8>> {
    (name == b"PORT").then(|| b"9000".to_vec())
}

/// The settings as `name=value`, those of lists as `name[]=value`, and where HHVM stops, from line 0.
fn read(text: impl AsRef<[u8]>) -> (Vec<String>, Option<usize>) {
    let reading = parse(text.as_ref(), &variable);
    let shown = |setting: &Setting| {
        let value = match &setting.value {
            Text::Known(value) => String::from_utf8_lossy(value).into_owned(),
            Text::Unknown(_) => "?".to_owned(),
        };
        let brackets = if setting.is_element { "[]" } else { "" };
        format!("{}{brackets}={value}", String::from_utf8_lossy(&setting.name))
    };
    (reading.settings.iter().map(shown).collect(), reading.stopped)
}

/// The value of the one setting in `a = TEXT`, which HHVM reads to its end.
fn value(text: &str) -> String {
    let (settings, stopped) = read(format!("a = {text}\n"));
    assert_eq!((settings.len(), stopped), (1, None), "{text:?}");
    settings[0].strip_prefix("a=").unwrap().to_owned()
}

/// `<ST_VALUE>{VALUE_CHARS}+`, `{TABS_AND_SPACES}*[;][^\r\n]*{NEWLINE}?`, `{TABS_AND_SPACES}*{NEWLINE}`.
#[test]
fn a_value_ends_before_a_comment_and_the_end_of_its_line() {
    for (text, expected) in [
        ("9000", "9000"),
        ("9000 ; the pages", "9000"),
        ("9000; the pages", "9000"),
        ("9000 # the pages", "9000 # the pages"),
        ("9000abc", "9000abc"),
        ("9000 \t", "9000"),
        ("/run/hhvm/sock", "/run/hhvm/sock"),
        ("10.0.0.1", "10.0.0.1"),
        ("a:b@c,d", "a:b@c,d"),
        ("::", "::"),
        ("", ""),
        ("; nothing", ""),
        ("50% of it", "50% of it"),
    ] {
        assert_eq!(value(text), expected, "{text:?}");
    }
}

/// `<ST_DOUBLE_QUOTES>`, `zend_ini_escape_string`, `"'"{SINGLE_QUOTED_CHARS}*"'"`.
#[test]
fn quotes_are_not_a_part_of_the_value() {
    for (text, expected) in [
        ("\"9000\"", "9000"),
        ("\"9000\" ; x", "9000"),
        ("\"a ; b # c = d\"", "a ; b # c = d"),
        ("\"a\\\"b\\\\c\\$d\\n\"", "a\"b\\c$d\\n"),
        ("'a \"b\" ; $c \\n'", "a \"b\" ; $c \\n"),
        ("a\"b\"'c'", "abc"),
        ("\"a\" \"b\"", "ab"),
        ("a \"b\"", "ab"),
        ("'a' b", "a b"),
        ("\"two\nlines\"", "two\nlines"),
        ("'two\nlines'", "two\nlines"),
        ("\"\"", ""),
        ("\"on\"", "on"),
        ("\"a $ b$\"", "a $ b$"),
    ] {
        assert_eq!(value(text), expected, "{text:?}");
    }
}

/// The two rules with `(?i:…)`: they win where no other fits more.
#[test]
fn words_for_true_and_false_are_one_and_nothing() {
    for (text, expected) in [
        ("on", "1"),
        ("Yes", "1"),
        ("TRUE ; x", "1"),
        ("off", ""),
        ("No", ""),
        ("none", ""),
        ("null", ""),
        ("one", "one"),
        ("truely", "truely"),
        ("nonsense", "nonsense"),
        ("on/off", "on/off"),
    ] {
        assert_eq!(value(text), expected, "{text:?}");
    }
}

/// `cfg_var_ref`, `zend_ini_on_var`; `LITERAL_DOLLAR`.
#[test]
fn variables_stand_for_the_environment() {
    for (text, expected) in [
        ("${PORT}", "9000"),
        ("1${PORT}2", "190002"),
        ("\"x${PORT}y\"", "x9000y"),
        ("${ PORT }", "9000"),
        ("'${PORT}'", "${PORT}"),
        ("${NONE}", "?"),
        ("$PORT", "$PORT"),
        ("gehe$im", "gehe$im"),
    ] {
        assert_eq!(value(text), expected, "{text:?}");
    }
}

/// `expr`: HHVM works with the numbers of constants here, which are not known.
#[test]
fn what_has_operators_is_not_worked_out() {
    for text in ["E_ALL & ~E_DEPRECATED", "1|2", "!1", "(1)", "(1 | 2) & 3", "~(1)", "1 ^ 2"] {
        let (settings, stopped) = read(format!("a = {text}\nb = 2\n"));
        assert_eq!((settings.join(" "), stopped), ("a=? b=2".to_owned(), None), "{text:?}");
    }
    assert_eq!(value("2^3"), "2^3");
}

/// `statement`, `offset_list`; sections are read and mean nothing (`ParserCallback::onSection`).
#[test]
fn names_sections_and_brackets() {
    for (text, expected) in [
        ("a=1\nb = 2\n  c=3\n\td\t=\t4", "a=1|b=2|c=3|d=4"),
        ("a=1\r\nb=2\rc=3", "a=1|b=2|c=3"),
        ("[php]\na=1\n[ x y ] ; comment\nb=2\n[]\nc=3\n[\"q\"]d=4", "a=1|b=2|c=3|d=4"),
        ("a[] = 1\na[x] = 2\na['y']['z'] = 3\nb[ 0 ]=4", "a[]=1|a[]=2|a[]=3|b[]=4"),
        ("a\n]]\nb = 2", "b=2"),
        ("a = 1\na = 2", "a=1|a=2"),
        ("; comment = 1\n# comment = 2\n  # comment (3)\na = 4 ", "a=4 "),
        ("a b = 1", "a b=1"),
        ("\u{feff}a = 1", "a=1"),
        ("", ""),
        ("\n\n", ""),
    ] {
        let (settings, stopped) = read(text);
        assert_eq!((settings.join("|"), stopped), (expected.to_owned(), None), "{text:?}");
    }
}

/// The grammar has no rule for mistakes: `ini_parse` returns at the first, and what was set before stays.
#[test]
fn behind_a_mistake_nothing_is_read() {
    for (text, expected, line) in [
        ("a = 1\n=\nb = 2", "a=1", 1),
        ("a = 1\n=]\nb = 2", "a=1", 1),
        ("a = 1\nb ; no value\nc = 3", "a=1", 1),
        ("a = 1\n[section\nb = 2", "a=1", 1),
        ("a = \"open\nb = 2\n", "", 2),
        ("a = 'open\nb = 2", "", 0),
        ("a = x (y)\nb = 2", "a=x ", 0),
        ("a = b=c\nd = 4", "a=b", 0),
        ("a = turn on\nb = 2", "a=turn ", 0),
        ("a = no thanks\nb = 2", "a=", 0),
        ("a = (1\nb = 2", "", 0),
        ("a = ${\nb = 2", "", 0),
        ("a[x = 1\nb = 2", "", 0),
        ("a[x]\nb = 2", "", 0),
        ("on = 1\nb = 2", "", 0),
        ("a = 1\n{\n", "a=1", 1),
        // A dollar sign takes the end of the line with it.
        ("a = geheim$\nb = 2", "a=geheim$\nb ", 1),
    ] {
        let (settings, stopped) = read(text);
        assert_eq!((settings.join("|"), stopped), (expected.to_owned(), Some(line)), "{text:?}");
    }
}

/// `yy_scan_string` ends at the first zero byte.
#[test]
fn behind_a_zero_byte_nothing_is_read() {
    assert_eq!(read("a = 1\nb = \0\nc = 3"), (vec!["a=1".to_owned(), "b=".to_owned()], Some(1)));
}

#[test]
fn text_is_bytes() {
    let (settings, stopped) = read(b"; f\xfcr Kunden\na\xfc = \xfc\xff\nb = 2\n");
    assert_eq!((settings.len(), stopped), (2, None));
    assert_eq!(settings[1], "b=2");
}

#[test]
fn a_setting_has_the_line_of_its_name() {
    let text = "\n\na = \"x\ny\"\nb = 'z'\n";
    let lines: Vec<usize> =
        parse(text.as_bytes(), &variable).settings.iter().map(|setting| setting.line).collect();
    assert_eq!(lines, [2, 4]);
}
