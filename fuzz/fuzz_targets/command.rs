#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ackline_sim::fuzz::command(bytes));
