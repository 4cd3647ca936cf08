//! One call on a WebSocket.

use http_body_util::BodyExt as _;
use tokio::time::Instant;
use tower::service_fn;

use super::*;

const BLOCK: &[u8] = b"content-type: application/grpc-web+proto\r\n";
const HI: &[u8] = b"\0\0\0\0\0\x02hi";
const HALF_CLOSE: &[u8] = b"\x01";

/// The status of the trailers that were sent, and the Close after them.
fn ending(peer: &Peer) -> (Option<String>, Option<CloseCode>) {
    let sent = peer.sent();
    let blocks = sent.iter().filter_map(|sent| match sent {
        Sent::Message(frame) if frame[0] == 0x80 => std::str::from_utf8(&frame[5..]).ok(),
        _ => None,
    });
    let mut lines = blocks.flat_map(str::lines);
    let status = lines.find_map(|line| line.strip_prefix("grpc-status: ").map(str::to_owned));
    (status, peer.close_code())
}

/// Serves one call by `handler`, whose future is dropped when the call is over.
async fn serve_with<F, B>(peer: &Peer, handler: impl FnMut(Request<Body>) -> F)
where
    F: Future<Output = Response<B>>,
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let mut handler = handler;
    let service = service_fn(move |request| {
        let response = handler(request);
        async move { Ok::<_, Infallible>(response.await) }
    });
    let config = Config::default();
    let max_message_len = config.max_websocket_message(Subprotocol::Single);
    let link = Link::new(peer.clone(), config.keepalive, max_message_len);
    let calls = SingleServer::new(service, upgrade(), &config, link.now());
    Session::new(link, calls, Stop::never()).await;
}

#[tokio::test(start_paused = true)]
async fn the_deadline_is_exact_and_stops_the_handler() {
    let (peer, dropped) = (Peer::default(), Arc::new(AtomicUsize::new(0)));
    peer.sends(b"content-type: application/grpc\r\ngrpc-timeout: 250m\r\n");
    let start = Instant::now();
    let watch = tokio::spawn({
        let peer = peer.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(249)).await;
            assert_eq!(ending(&peer), (None, None));
            tokio::time::sleep(Duration::from_millis(2)).await;
            let end = (Some("4".to_owned()), Some(CloseCode::Normal));
            assert_eq!(ending(&peer), end);
            peer.with(|wire| wire.gone = true);
        }
    });
    serve_with(&peer, |_| never(Arc::clone(&dropped))).await;
    watch.await.unwrap();
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    assert_eq!(start.elapsed(), Duration::from_millis(251));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_sends_its_metadata_is_told_and_closed() {
    let peer = Peer::default();
    let start = Instant::now();
    serve_with(&peer, |_| never(Arc::default())).await;
    assert_eq!(
        ending(&peer),
        (Some("4".to_owned()), Some(CloseCode::Policy))
    );
    // 10 s for the metadata, 5 s for the Close that never comes.
    assert_eq!(start.elapsed(), Duration::from_secs(15));
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_pinged_then_given_up() {
    let (peer, dropped) = (Peer::default(), Arc::new(AtomicUsize::new(0)));
    peer.sends(BLOCK);
    let start = Instant::now();
    serve_with(&peer, |_| never(Arc::clone(&dropped))).await;
    assert_eq!(peer.sent(), [Sent::Ping]);
    assert_eq!(start.elapsed(), Duration::from_secs(30));
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_never_looks_like_the_end_of_its_messages() {
    for leave in [None, Some(Incoming::Close(None))] {
        let (peer, dropped) = (Peer::default(), Arc::new(AtomicUsize::new(0)));
        peer.sends(BLOCK);
        peer.sends(HI);
        let (bodies, mut body) = tokio::sync::mpsc::unbounded_channel();
        let leaver = tokio::spawn({
            let peer = peer.clone();
            async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                peer.with(|wire| {
                    wire.incoming.extend(leave);
                    wire.gone = true;
                });
            }
        });
        serve_with(&peer, |request| {
            bodies.send(request.into_body()).unwrap();
            never(Arc::clone(&dropped))
        })
        .await;
        leaver.await.unwrap();
        assert_eq!(dropped.load(Ordering::SeqCst), 1);
        assert_eq!(ending(&peer), (None, None));
        let error = body.recv().await.unwrap().collect().await.unwrap_err();
        assert_eq!(error.code(), tonic::Code::Unavailable);
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_does_not_read_stops_its_client() {
    let peer = Peer::default();
    peer.sends(BLOCK);
    for _ in 0..1000 {
        peer.sends(&[&[0, 0, 0, 0x04, 0], &[7; 1027][..]].concat());
    }
    let mut bodies = Vec::new();
    let serving = serve_with(&peer, |request| {
        bodies.push(request.into_body());
        never(Arc::default())
    });
    let over = tokio::time::timeout(Duration::from_secs(600), serving).await;
    assert!(
        over.is_err(),
        "a client that waits for the handler is not silent"
    );
    let taken = peer.with(|wire| wire.taken);
    assert!(
        (60..=66).contains(&taken),
        "{taken} messages of 1 KiB were taken"
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_stops_its_handler() {
    let peer = Peer::default();
    peer.with(|wire| wire.stuck = true);
    peer.sends(BLOCK);
    let made = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    serve_with(&peer, |_| {
        let made = Arc::clone(&made);
        let frames = futures_util::stream::repeat_with(move || {
            made.fetch_add(1, Ordering::SeqCst);
            let message = [&[0, 0, 0, 0x03, 0xfb][..], &[7; 1019]].concat();
            Ok::<_, Infallible>(http_body::Frame::data(Bytes::from(message)))
        });
        std::future::ready(grpc_response(StreamBody::new(frames)))
    })
    .await;
    let made = made.load(Ordering::SeqCst);
    assert!(
        (45..=49).contains(&made),
        "{made} messages of 1 KiB were made"
    );
    assert_eq!(start.elapsed(), Duration::from_secs(30));
}

#[tokio::test]
async fn a_burst_is_answered_with_one_flush() {
    let peer = Peer::default();
    peer.sends(BLOCK);
    for _ in 0..50 {
        peer.sends(HI);
    }
    peer.sends(HALF_CLOSE);
    let serving = serve_with(&peer, |request| async {
        let request = request.into_body().collect().await.unwrap().to_bytes();
        let messages = request
            .chunks(HI.len() - 1)
            .map(|message| http_body::Frame::data(Bytes::copy_from_slice(message)));
        grpc_response(body_of(messages.chain([trailers("0")]).collect()))
    });
    tokio::join!(serving, peer.hangs_up_when_closed());
    assert_eq!(
        ending(&peer),
        (Some("0".to_owned()), Some(CloseCode::Normal))
    );
    let (messages, flushes) = peer.with(|wire| (wire.sent.len(), wire.flushes));
    assert_eq!(
        messages,
        1 + 50 + 1 + 1,
        "metadata, messages, trailers, Close"
    );
    // The last flush is that of the trailers, after the turn that ended the call.
    assert!(flushes <= 2, "{flushes} flushes");
}

#[tokio::test]
async fn a_panic_is_the_end_of_its_call_only() {
    let peer = Peer::default();
    peer.sends(BLOCK);
    let serving = serve_with(&peer, |_| async {
        if std::hint::black_box(true) {
            panic!("a handler's bug");
        }
        grpc_response(Full::<Bytes>::default())
    });
    tokio::join!(serving, peer.hangs_up_when_closed());
    assert_eq!(
        ending(&peer),
        (Some("13".to_owned()), Some(CloseCode::Internal))
    );
}

/// How a call ends whose service answers with these frames.
async fn ending_of(frames: Vec<http_body::Frame<Bytes>>) -> (Option<String>, Option<CloseCode>) {
    let peer = Peer::default();
    peer.sends(BLOCK);
    let mut frames = Some(frames);
    let serving = serve_with(&peer, |_| {
        std::future::ready(grpc_response(body_of(frames.take().unwrap())))
    });
    tokio::join!(serving, peer.hangs_up_when_closed());
    ending(&peer)
}

#[tokio::test]
async fn a_service_that_ends_badly_gets_a_status_all_the_same() {
    let data = |bytes: &[u8]| http_body::Frame::data(Bytes::copy_from_slice(bytes));
    let status = |code: &str| Some(code.to_owned());

    assert_eq!(
        ending_of(vec![trailers("0")]).await,
        (status("0"), Some(CloseCode::Normal))
    );
    assert_eq!(
        ending_of(vec![]).await,
        (status("2"), Some(CloseCode::Normal))
    );
    let begun = vec![data(b"\0\0\0\0\x09half"), trailers("0")];
    assert_eq!(
        ending_of(begun).await,
        (status("13"), Some(CloseCode::Internal))
    );
    let failed = vec![data(b"\0\0\0\0\x09half"), trailers("14")];
    assert_eq!(
        ending_of(failed).await,
        (status("14"), Some(CloseCode::Normal))
    );
    let not_grpc = vec![data(b"<html>"), trailers("0")];
    assert_eq!(
        ending_of(not_grpc).await,
        (status("13"), Some(CloseCode::Internal))
    );

    let injected = vec![data(b"\x80\0\0\0\x10grpc-status: 0\r\n"), trailers("0")];
    assert_eq!(
        ending_of(injected).await,
        (status("13"), Some(CloseCode::Internal))
    );

    // More of a message was sent than is ever held: only a Close can tell the truth.
    let long = [&[0, 0, 0x10, 0, 0][..], &[7; 100_000]].concat();
    let cut = vec![data(&long), trailers("14")];
    assert_eq!(ending_of(cut).await, (None, Some(CloseCode::Internal)));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_gives_up_at_the_same_deadline_does_not_rename_it() {
    let peer = Peer::default();
    peer.sends(b"content-type: application/grpc\r\ngrpc-timeout: 250m\r\n");
    let serving = serve_with(&peer, |_| async {
        tokio::time::sleep(Duration::from_millis(250)).await;
        grpc_response(body_of(vec![trailers("1")]))
    });
    tokio::join!(serving, peer.hangs_up_when_closed());
    assert_eq!(ending(&peer).0.as_deref(), Some("4"));
}

#[tokio::test(start_paused = true)]
async fn what_a_client_cannot_decompress_does_not_reach_it() {
    for (accepted, status) in [("", "13"), ("grpc-accept-encoding: gzip\r\n", "0")] {
        let peer = Peer::default();
        peer.sends(&[BLOCK, accepted.as_bytes()].concat());
        serve_with(&peer, |_| async {
            let compressed = Bytes::from_static(b"\x01\0\0\0\x01z");
            let mut response = grpc_response(body_of(vec![
                http_body::Frame::data(compressed),
                trailers("0"),
            ]));
            let gzip = http::HeaderValue::from_static("gzip");
            response.headers_mut().insert("grpc-encoding", gzip);
            response
        })
        .await;
        assert_eq!(ending(&peer).0.as_deref(), Some(status));
        let reached = peer
            .sent()
            .iter()
            .any(|sent| matches!(sent, Sent::Message(message) if message.starts_with(b"\x01")));
        assert_eq!(reached, status == "0");
    }
}
