//! A gateway that runs out of file descriptors, and one whose TLS port gets what is no TLS.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use grpc_websocket_hostile::calls::unary;
use grpc_websocket_hostile::{Client, Target, eventually};
use grpc_websocket_tokio::rustls::crypto::ring;
use grpc_websocket_tokio::rustls::{ClientConfig, RootCertStore};
use grpc_websocket_tokio::{Endpoint, Subprotocols};
use tokio::runtime::Runtime;

const DESCRIPTORS: u32 = 40;

/// In which a gateway with descriptors is to serve.
const LIMIT: Duration = Duration::from_secs(5);

/// Takes all descriptors of a gateway: each connection begins so.
fn crowd(target: &Target, bytes: &[u8]) -> Vec<Client> {
    let begin = |_| {
        let mut client = target.connect();
        let _ = client.try_send(bytes);
        client
    };
    let crowd = (0..100).map(begin).collect();
    let limit = usize::try_from(DESCRIPTORS).expect("a few");
    eventually("all descriptors are used", LIMIT, || {
        target.process().descriptors() >= limit - 1
    });
    crowd
}

#[test]
fn a_gateway_out_of_descriptors_serves_again_when_it_has_some() {
    let target = Target::gateway_with_descriptors(DESCRIPTORS, &[]);
    target.assert_serves();
    for _ in 0..3 {
        drop(crowd(&target, b""));
        target.assert_recovered();
    }
}

/// A gateway with TLS, and who trusts it.
struct Secure {
    target: Target,
    trust: Arc<ClientConfig>,
    files: PathBuf,
}

impl Secure {
    fn start() -> Self {
        let pair = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a name");
        let files = std::env::temp_dir().join(format!("hostile-{}", std::process::id()));
        std::fs::create_dir_all(&files).expect("a folder");
        let write = |name, text: String| {
            let file = files.join(name);
            std::fs::write(&file, text).expect("a file");
            file.to_str().expect("a name").to_owned()
        };
        let certificate = write("certificate.pem", pair.cert.pem());
        let key = write("key.pem", pair.signing_key.serialize_pem());
        let arguments = ["--tls-cert", &certificate, "--tls-key", &key];
        let target = Target::gateway_with_descriptors(DESCRIPTORS, &arguments);
        let mut roots = RootCertStore::empty();
        roots.add(pair.cert.der().clone()).expect("a certificate");
        let trust = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            target,
            trust: Arc::new(trust),
            files,
        }
    }

    /// Asserts that a new connection is served.
    fn assert_serves(&self) {
        let runtime = Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let endpoint = Endpoint::new(format!("wss://{}", self.target.address))
                .expect("a good URI")
                .subprotocols(Subprotocols::Mux)
                .connect_timeout(LIMIT)
                .timeout(LIMIT)
                .tls_config(Arc::clone(&self.trust));
            let channel = endpoint.connect().await.expect("a gateway");
            assert_eq!(
                unary(&channel, "Unary", b"hi").await.expect("an answer"),
                "hi"
            );
        });
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        // In a folder of the system's for such.
        let _ = std::fs::remove_dir_all(&self.files);
    }
}

#[test]
fn a_tls_port_that_gets_garbage_or_too_many_serves_on() {
    let secure = Secure::start();
    secure.assert_serves();
    // A record of a hello that never comes, one that is too long, HTTP, and noise.
    let half: &[u8] = b"\x16\x03\x01\x02\0\x01\0\x01\xfc";
    for garbage in [
        half,
        b"\x16\x03\x01\xff\xff",
        b"GET / HTTP/1.1\r\n\r\n",
        &[0xff; 1000],
    ] {
        let few: Vec<_> = (0..10)
            .map(|_| {
                let mut client = secure.target.connect();
                let _ = client.try_send(garbage);
                client
            })
            .collect();
        secure.assert_serves();
        drop(few);
    }
    for _ in 0..2 {
        drop(crowd(&secure.target, half));
        secure.assert_serves();
    }
}
