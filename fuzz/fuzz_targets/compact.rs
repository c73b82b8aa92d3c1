//! Fuzz target: a compact datagram of anything.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| jaeger_fuzz::message(jaeger_thrift::Protocol::Compact, data));
