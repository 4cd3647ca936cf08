//! Makes the certificates of `examples/firmware-mps2/tls` anew, with new keys.

use std::fs;

use grpc_websocket_firmware_tests::{GATEWAY, Holder};

fn main() {
    let folder = Holder::folder();
    let (authority, certificate) = Holder::authority();
    fs::write(folder.join("authority.der"), certificate.der()).expect("a file");
    fs::write(folder.join("authority.key"), authority.key()).expect("a file");
    authority.sign(GATEWAY).write(&folder, "gateway");
}
