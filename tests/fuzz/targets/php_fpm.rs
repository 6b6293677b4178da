#![no_main]

#[path = "../limits.rs"]
mod limits;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| limits::within(
    bytes,
    1 << 20,
    hhvm_drain::php_fpm::properties::files
));
