//! Fuzz target: what is read is written, by us and by the thrift crate, and read again.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| jaeger_fuzz::again(data));
