#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| grpc_websocket_fuzz_bodies::ws::run(data));
