//! Nonsense, and what looks like sense.

use super::properties;
use proptest::prelude::*;

proptest! {
    #[test]
    fn noise_is_read_without_a_panic(line in proptest::collection::vec(any::<u8>(), 0..200), text in ".{0,200}") {
        properties::command_line(&line);
        properties::ini(&line);
        properties::ini(text.as_bytes());
        properties::hdf(&line);
        properties::hdf(text.as_bytes());
    }

    #[test]
    fn what_looks_like_an_ini_file_is_read_as_one(
        text in "((hhvm\\.|)(admin_server|server|AdminServer)\\.[a-zP]{1,9} ?(\\[x?\\])?= ?[\"'; 0-9a:*$\\\\{}&(\t]{0,6}\r?\n|\\[x\\]|[;#].?\n){0,6}",
    ) {
        properties::ini(text.as_bytes());
    }

    #[test]
    fn what_looks_like_an_hdf_file_is_read_as_one(
        text in "((A|AdminServer|\\*|@A)(\\.(A|\\*|Password|))? ?(=|:|:=|<<|!=|\\{|)( ?[0-9aA.<]{0,3}|A)\n|\\}\n|[#-]include /a.hdf\n){0,9}",
    ) {
        properties::hdf(text.as_bytes());
    }

    #[test]
    fn what_looks_like_a_command_line_is_read_word_by_word(
        words in "((-[cdvpfm]|--(config|define|port|admin-port|port-fd|x|))?=?(Server\\.Port|AdminServer\\.Password)?=?[0-9]{0,3}\\x00){0,8}",
    ) {
        properties::command_line(words.as_bytes());
    }
}
