#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hhvm_drain::hhvm::properties::hdf(bytes));
