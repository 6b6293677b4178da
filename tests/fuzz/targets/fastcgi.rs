#![no_main]

#[path = "../limits.rs"]
mod limits;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| limits::within(
    bytes,
    128 << 10,
    hhvm_drain::probe::fastcgi::properties::answer
));
