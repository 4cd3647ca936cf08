//! A device talks to no server but the one that its authority vouches for.

#[path = "tls/impostor.rs"]
mod impostor;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use grpc_websocket_devices::{Cloud, Telemetry};
use grpc_websocket_firmware_tests::{Device, GATEWAY, Holder};
use grpc_websocket_hostile::Gateway;
use grpc_websocket_tokio::Server;
use impostor::{Message, shake_hands};
use rcgen::{CertificateParams, date_time_ymd};
use tokio::net::TcpListener;

/// Waits until a device refuses a server at that port of the host for this reason.
async fn is_refused(port: u16, reason: &str) {
    let setup = Device::image("sensor-tls").setting("port", port);
    let mut device = setup.boot().await;
    device.line(&format!("connection: Tls({reason})")).await;
    // It dials again, and says the same.
    device.line(&format!("connection: Tls({reason})")).await;
    assert!(!device.log().contains("connected"), "{}", device.log());
}

/// Starts a server of gRPC with what somebody holds. Returns its port.
async fn serve(holder: &Holder) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = Server::new().tls(holder.server());
    tokio::spawn(server.serve(listener, Telemetry::routes()));
    port
}

fn gateway() -> CertificateParams {
    CertificateParams::new([GATEWAY.to_owned()]).unwrap()
}

#[tokio::test]
async fn a_gateway_with_a_certificate_of_another_authority_is_refused() {
    let (other, _) = Holder::authority();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let files = other.sign(GATEWAY).write(folder, "other");
    let [certificate, key] = files.map(|file| file.display().to_string());
    let cloud = Cloud::start(Telemetry::routes());
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let arguments = ["--tls-cert", &certificate, "--tls-key", &key];
    let gateway = Gateway::start_with(anywhere, cloud.address, &arguments);
    is_refused(gateway.address.port(), "InvalidCertificate").await;
}

#[tokio::test]
async fn a_certificate_with_another_name_is_refused() {
    let other = Holder::devices_authority().sign("shop.example");
    is_refused(serve(&other).await, "InvalidCertificate").await;
}

#[tokio::test]
async fn a_certificate_that_expired_is_refused() {
    let mut params = gateway();
    params.not_after = date_time_ymd(2000, 1, 1);
    let old = Holder::devices_authority().sign_params(params);
    is_refused(serve(&old).await, "InvalidCertificate").await;
}

/// It signs as if it were an authority.
#[tokio::test]
async fn a_certificate_that_another_server_signed_is_refused() {
    let other = Holder::devices_authority().sign("shop.example");
    let forged = other.sign(GATEWAY);
    is_refused(serve(&forged).await, "InvalidCertificate").await;
}

#[tokio::test]
async fn a_server_without_the_key_of_its_certificate_is_refused() {
    let gateway = Holder::devices_authority().sign(GATEWAY);
    let (thief, _) = Holder::authority();
    is_refused(serve(&thief.pretend(&gateway)).await, "InvalidSignature").await;
}

/// Lets a device dial an impostor that says this of itself. It has to be refused.
async fn pretend(said: impl Fn() -> Vec<Message>, reason: &str) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let impostor = async {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            shake_hands(stream, &said()).await;
        }
    };
    tokio::select! {
        () = impostor => {}
        () = is_refused(port, reason) => {}
    }
}

#[tokio::test]
async fn a_server_that_shows_no_certificate_is_refused() {
    pretend(Vec::new, "InvalidHandshake").await;
}

#[tokio::test]
async fn a_server_that_shows_a_certificate_and_does_not_sign_is_refused() {
    let gateway = Holder::devices_authority().sign(GATEWAY);
    let shown = || vec![Message::certificate(&gateway.certificates()[0])];
    pretend(shown, "InvalidHandshake").await;
}

#[tokio::test]
async fn a_server_that_signs_before_it_shows_a_certificate_is_refused() {
    pretend(|| vec![Message::certificate_verify()], "InvalidHandshake").await;
}
