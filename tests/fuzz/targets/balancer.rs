#![no_main]

#[path = "../limits.rs"]
mod limits;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| limits::within(
    bytes,
    64 << 10,
    hhvm_drain::settings::properties::balancer
));
