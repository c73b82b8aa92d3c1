//! Fuzz target: what is read is packed into small datagrams, and these again into smaller ones.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| jaeger_fuzz::pack(data));
