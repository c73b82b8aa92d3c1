//! Fuzz target: a binary datagram of anything, versioned or not.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| jaeger_fuzz::message(jaeger_thrift::Protocol::Binary, data));
