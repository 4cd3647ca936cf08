//! Calls through nginx and HAProxy to two gateways, in every way there is, while the gateways stay
//! and while they are restarted. `tests/proxies/run` runs it.

mod calls;
mod gateway;
mod grpc_web;
mod process;
mod proxy;
mod restart;
mod tls;
mod way;

use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use self::calls::{LARGE, Talk};
use self::gateway::Gateway;
use self::proxy::Proxy;
use self::way::{Client, Way};

/// Longer than the proxies, told to wait 5 s, let silence be.
const SILENCE: Duration = Duration::from_secs(8);

#[tokio::main]
async fn main() {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [deploy, work] = arguments.as_slice() else {
        panic!("the folder of the examples, and one to write to");
    };
    let upstream = upstream().await;
    let mut one = Gateway::start("one", upstream, work);
    let mut two = Gateway::start("two", upstream, work);
    one.ready().await;
    two.ready().await;
    let nginx = Proxy::nginx(deploy, work, [&one, &two]).await;
    let haproxy = Proxy::haproxy(deploy, work, [&one, &two]).await;
    let proxies = [&nginx, &haproxy];
    for proxy in proxies {
        every_way(proxy, &way::direct(upstream)).await;
    }
    passed("all four kinds of calls");
    join_all(proxies.map(silence)).await;
    passed("silence");
    let begun = Instant::now();
    restart::check(&proxies, [&mut one, &mut two]).await;
    passed(&format!("two restarts in {:?}", begun.elapsed()));
}

fn passed(what: &str) {
    println!("{what}: passed");
}

/// The server behind the gateways.
async fn upstream() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let server = Server::builder().add_routes(grpc_websocket_interop::routes());
    tokio::spawn(server.serve_with_incoming(incoming));
    address
}

async fn every_way(proxy: &Proxy, upstream: &Client) {
    for way in Way::ALL {
        let client = way.client(proxy);
        calls::unary(client.clone(), LARGE).await.unwrap();
        let tag = format!("{} {way:?} deadline", proxy.name);
        calls::deadline(client.clone(), upstream.clone(), &tag).await;
    }
    for way in Way::STREAMING {
        let client = way.client(proxy);
        calls::server_stream(client.clone()).await.unwrap();
        calls::client_stream(client.clone()).await.unwrap();
        calls::bidi(client.clone()).await.unwrap();
        let tag = format!("{} {way:?} cancel", proxy.name);
        let cancelled = calls::cancel(client, upstream.clone(), &tag).await;
        // HAProxy may tell the gateway of a reset native call that its messages ended.
        let may_be_taken_for_ended = way == Way::Http2 && proxy.name == "HAProxy";
        assert!(cancelled || may_be_taken_for_ended, "{tag}");
    }
}

/// A WebSocket that the gateway pings outlives the proxy's patience. A native call does not: the
/// proxy answers HTTP/2's pings itself, so that patience is at work here.
async fn silence(proxy: &Proxy) {
    let after_silence = Way::STREAMING.map(|way| async move {
        let mut talk = Talk::begin(way.client(proxy), "").await.unwrap();
        sleep(SILENCE).await;
        (way, talk.say(10).await)
    });
    for (way, said) in join_all(after_silence).await {
        assert_eq!(said.is_ok(), way != Way::Http2, "{way:?}: {said:?}");
    }
}
