//! What a client may do to its server.

use super::*;

/// A server for few calls.
fn small(max_calls: u32) -> Config {
    let mut config = Config::default();
    config.mux = config.mux.with_max_calls(max_calls);
    config
}

fn open(id: u32, path: &str) -> Vec<u8> {
    let block = format!(":path: {path}\r\n");
    let len = u32::try_from(block.len()).unwrap().to_be_bytes();
    [
        &[0x01],
        &id.to_be_bytes()[..],
        &[0x80],
        &len,
        block.as_bytes(),
    ]
    .concat()
}

fn cancel(id: u32) -> Vec<u8> {
    [&[0x20], &id.to_be_bytes()[..], &[1]].concat()
}

#[tokio::test(start_paused = true)]
async fn settings_come_first_even_to_who_does_not_wait_for_them() {
    let session = Session::unread(Config::default(), CONFIG);
    session.peer.sends(b"\x50\0\0\0\0");
    session.peer.sends(&open(1, "/s/Nothing"));
    while session.peer.sent().len() < 2 {
        tokio::task::yield_now().await;
    }
    let sent = session.peer.sent();
    let types = sent.iter().map(|sent| match sent {
        Sent::Message(message) => message[0],
        other => panic!("{other:?}"),
    });
    assert!(types.eq([0x50, 0x02]));
}

#[tokio::test(start_paused = true)]
async fn calls_over_the_limit_are_refused() {
    let mut session = Session::raw(small(2)).await;
    for id in [1, 3, 5] {
        session.peer.sends(&open(id, "/s/Keep"));
    }
    session.settle().await;
    let refusal = b"\x21\0\0\0\x05\x0etoo many calls";
    assert_eq!(session.messages(), [&refusal[..]]);
    assert_eq!(session.count(|seen| &seen.most_live), 2);
    session.peer.sends(&cancel(1));
    session.peer.sends(&open(7, "/s/Keep"));
    session.settle().await;
    assert_eq!(session.count(|seen| &seen.live), 2);
    assert_eq!(session.messages().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn rapid_resets_never_have_more_handlers_than_calls_and_end() {
    let mut session = Session::raw(small(4)).await;
    for id in (1..200_001).step_by(2) {
        session.peer.sends(&open(id, "/s/Keep"));
        session.peer.sends(&cancel(id));
    }
    assert_eq!(session.close_code().await, CloseCode::Policy);
    assert!(session.count(|seen| &seen.most_live) <= 4);
    assert_eq!(session.count(|seen| &seen.live), 0);
    let (last, code, text) = session.go_away();
    assert_eq!(code, Code::ResourceExhausted);
    assert_eq!(text, "too many calls were reset");
    assert!(last <= 2 * 501, "{last} is the last call that was taken");
}

#[tokio::test(start_paused = true)]
async fn answers_to_pings_do_not_grow_while_the_client_reads_nothing() {
    let mut session = Session::raw(Config::default()).await;
    session.peer.with(|wire| wire.stuck = true);
    // Something waits, so that nothing more is written.
    session.peer.sends(&open(1, "/s/Large"));
    session.settle().await;
    for _ in 0..15_000 {
        session.peer.sends(b"\x30\0\0\0\0pingpong");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let queued = session.peer.with(|wire| wire.queued_bytes);
    assert!(queued <= 2 * 64 * 1024 + 125, "{queued} bytes");
    assert_eq!(session.peer.close_code(), None);
    assert_eq!(session.count(|seen| &seen.stopped), 0);
}

#[tokio::test(start_paused = true)]
async fn answers_to_a_client_that_reads_nothing_are_bounded() {
    let mut session = Session::raw(small(16)).await;
    session.peer.with(|wire| wire.stuck = true);
    for id in (1..20_001).step_by(2) {
        session.peer.sends(&open(id, "/s/Unknown"));
    }
    assert_eq!(session.close_code().await, CloseCode::Policy);
    let queued = session.peer.with(|wire| wire.queued_bytes);
    assert!(queued <= 66 * 1024, "{queued} bytes");
    assert!(session.count(|seen| &seen.most_live) <= 16);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_says_what_it_takes_is_told_and_closed() {
    let mut session = Session::unread(Config::default(), CONFIG);
    tokio::time::sleep(Duration::from_millis(9_999)).await;
    assert_eq!(session.peer.close_code(), None);
    tokio::time::sleep(Duration::from_millis(2)).await;
    assert_eq!(session.peer.close_code(), Some(CloseCode::Policy));
    let go_away = b"\x40\0\0\0\0\x0ethe SETTINGS did not arrive in time";
    assert_eq!(session.messages(), [&go_away[..]]);
    session.peer.with(|wire| wire.gone = true);
    (&mut session.serving).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_breaks_the_connection_is_said_before_the_close() {
    for (incoming, close_code, code) in [
        (Incoming::Text, CloseCode::Unsupported, Code::Internal),
        (
            Incoming::Binary(Bytes::from_static(b"\x60\0\0\0\0")),
            CloseCode::Protocol,
            Code::Internal,
        ),
        (
            Incoming::Binary(Bytes::from_static(b"")),
            CloseCode::Protocol,
            Code::Internal,
        ),
        (
            Incoming::Binary(Bytes::from([&[1, 0, 0, 0, 9][..], &[0; 16385]].concat())),
            CloseCode::TooBig,
            Code::ResourceExhausted,
        ),
    ] {
        let mut session = Session::default().await;
        session.dialer.call("/s/Keep", "", b"", false);
        session.settle().await;
        session.peer.with(|wire| wire.incoming.push_back(incoming));
        assert_eq!(session.close_code().await, close_code);
        assert_eq!(session.go_away().1, code);
        assert_eq!(session.count(|seen| &seen.live), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn websocket_pings_have_a_budget() {
    let mut session = Session::default().await;
    session.dialer.call("/s/Keep", "", b"", false);
    session.settle().await;
    let pings = (0..1000).map(|_| Incoming::Control);
    session.peer.with(|wire| wire.incoming.extend(pings));
    assert_eq!(session.close_code().await, CloseCode::Policy);
    assert_eq!(session.go_away().2, "too many WebSocket pings");
}
