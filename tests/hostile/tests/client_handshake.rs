//! Our client, and servers that answer its opening handshake wrong: no call hangs, none is good, little is
//! kept, and the next attempt finds a good server.

use std::thread::sleep;
use std::time::{Duration, Instant};

use grpc_websocket_hostile::calls::{BOTH, endpoint, unary};
use grpc_websocket_hostile::server::switching;
use grpc_websocket_hostile::{Accepted, Code, HostileServer, Settings, Target};
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// How long the client may take to connect, and how long a call may then take to fail.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const LIMIT: Duration = Duration::from_secs(4);

type Script = fn(Accepted);

/// Answers a request with these bytes, and waits for the client to go.
fn answer(mut client: Accepted, bytes: &[u8]) {
    client.request();
    client.send(bytes);
    client.drain();
}

/// Answers with a good 101 that has more header lines.
fn switch_with(mut client: Accepted, lines: &str) {
    let request = client.request();
    client.send(switching(&request, lines).as_bytes());
    client.drain();
}

/// Answers with a 101 in which a part is replaced.
fn switch_without(mut client: Accepted, part: &str, other: &str) {
    let request = client.request();
    client.send(switching(&request, "").replace(part, other).as_bytes());
    client.drain();
}

/// Writes the beginning, then the same for ever.
fn endless(mut client: Accepted, beginning: &str, more: &[u8], pause: Duration) {
    client.request();
    client.send(beginning.as_bytes());
    while client.send(more) {
        sleep(pause);
    }
}

#[rustfmt::skip]
const SCRIPTS: [(&str, Script, &[Code]); 23] = [
    ("a redirect", |client| answer(client, b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"), &[Code::Unknown]),
    ("a permanent redirect", |client| answer(client, b"HTTP/1.1 308 Permanent Redirect\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"), &[Code::Unknown]),
    ("200", |client| answer(client, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), &[Code::Unknown]),
    ("401", |client| answer(client, b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"), &[Code::Unauthenticated]),
    ("403 with a text without end", |client| endless(client, "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\n\r\n", &[b'x'; 4096], Duration::ZERO), &[Code::PermissionDenied]),
    ("403 with a text that drips", |client| endless(client, "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\n\r\n", b"x", Duration::from_millis(50)), &[Code::PermissionDenied]),
    ("503", |client| answer(client, b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"), &[Code::Unavailable]),
    ("a head of 200 KiB", |client| endless(client, "HTTP/1.1 101 Switching Protocols\r\n", b"x-filler: 0123456789012345678901234567890123456789\r\n", Duration::ZERO), &[Code::Internal]),
    ("a header line without end", |client| endless(client, "HTTP/1.1 101 Switching Protocols\r\nx: ", &[b'x'; 4096], Duration::ZERO), &[Code::Internal]),
    ("a head that drips", |client| endless(client, "HTTP/1.1 101 Switching Protocols\r\nx: ", b"x", Duration::from_millis(50)), &[Code::Unavailable]),
    ("no answer", |client| { let mut client = client; client.drain(); }, &[Code::Unavailable]),
    ("100 and nothing else", |client| answer(client, b"HTTP/1.1 100 Continue\r\n\r\n"), &[Code::Unavailable]),
    ("102 for ever", |client| endless(client, "", b"HTTP/1.1 102 Processing\r\n\r\n", Duration::from_millis(1)), &[Code::Unavailable]),
    ("garbage", |client| answer(client, &[0xff; 1000]), &[Code::Internal, Code::Unavailable]),
    ("HTTP/2", |client| answer(client, b"\0\0\0\x04\0\0\0\0\0"), &[Code::Internal]),
    ("TLS", |client| answer(client, b"\x15\x03\x01\0\x02\x02\x46"), &[Code::Internal]),
    ("a FIN", |client| client.finish(), &[Code::Unavailable]),
    ("a RST", |client| client.reset(), &[Code::Unavailable]),
    ("an extension", |client| switch_with(client, "Sec-WebSocket-Extensions: permessage-deflate\r\n"), &[Code::Internal]),
    ("two subprotocols", |client| switch_with(client, "Sec-WebSocket-Protocol: other\r\n"), &[Code::Unimplemented]),
    ("two answers to the key", |client| switch_with(client, "Sec-WebSocket-Accept: AAAA\r\n"), &[Code::Internal]),
    ("another subprotocol", |client| switch_without(client, "grpc-", "other-"), &[Code::Unimplemented]),
    ("no upgrade", |client| switch_without(client, "Upgrade: websocket\r\n", ""), &[Code::Internal]),
];

#[test]
fn a_wrong_answer_to_the_handshake_is_the_status_of_its_fault() {
    let good = Target::in_process(Settings::default());
    let runtime = Runtime::new().expect("a runtime");
    let mut cases = tokio::task::JoinSet::new();
    for subprotocol in BOTH {
        for (case, script, codes) in SCRIPTS {
            let server = HostileServer::once(good.address, script);
            let attempt = async move {
                let begun = Instant::now();
                let channel = endpoint(server.address, subprotocol)
                    .connect_timeout(CONNECT_TIMEOUT)
                    .connect_lazy();
                let end = timeout(LIMIT, unary(&channel, "Unary", b"hi")).await;
                let end = end.unwrap_or_else(|_| panic!("{case}: no end"));
                let took = begun.elapsed();
                println!("{case}, {subprotocol:?}: {end:?} in {took:?}");
                match end {
                    Err(status) => assert!(codes.contains(&status.code()), "{case}: {status}"),
                    // A server that ends answers so: it was asked once more, and the next is good.
                    Ok(_) => assert!(codes.contains(&Code::Unavailable), "{case}"),
                }
                let next = timeout(LIMIT, unary(&channel, "Unary", b"next")).await;
                assert_eq!(next.expect(case).expect(case), "next");
            };
            cases.spawn_on(attempt, runtime.handle());
        }
    }
    runtime.block_on(async {
        while let Some(end) = cases.join_next().await {
            end.expect("a good end");
        }
    });
}
