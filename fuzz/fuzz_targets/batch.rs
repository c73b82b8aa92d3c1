//! Fuzz target: an HTTP body of anything.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| jaeger_fuzz::batch(data));
