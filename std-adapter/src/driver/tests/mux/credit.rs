//! What waits is bounded, and waits alone.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_handler_that_does_not_read_stops_its_call_only() {
    let mut session = Session::default().await;
    let upload = framed(&vec![7; MIB]);
    let stalled = session.dialer.call("/s/Keep", "", &upload, true);
    session.settle().await;
    let window = usize::try_from(Config::default().mux.window).unwrap();
    let sent = upload.len() - session.dialer.waiting(stalled);
    let held = 64 * 1024;
    assert!(
        (window - 100..=window + held).contains(&sent),
        "{sent} bytes"
    );
    for _ in 0..100 {
        let call = session.dialer.call("/s/Echo", "", &framed(b"hi"), true);
        assert_eq!(session.status(call).await, Code::Ok);
    }
    assert_eq!(upload.len() - session.dialer.waiting(stalled), sent);
    // Once it is read, by another task even, it goes on.
    let body = session.seen_by_server.kept.lock().unwrap().pop().unwrap();
    let reading = tokio::spawn(body.collect());
    session.settle().await;
    assert_eq!(reading.await.unwrap().unwrap().to_bytes(), upload);
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_nobody_wants_does_not_wait() {
    let mut session = Session::default().await;
    let upload = framed(&vec![7; MIB]);
    let call = session.dialer.call("/s/Keep", "", &upload, true);
    session.settle().await;
    assert!(session.dialer.waiting(call) > 0);
    session.seen_by_server.kept.lock().unwrap().clear();
    session.settle().await;
    assert_eq!(session.dialer.waiting(call), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_stops_its_call_only() {
    let mut session = Session::default().await;
    let stalled = session.dialer.call("/s/Endless", "", b"", true);
    session.dialer.stall(stalled);
    session.settle().await;
    let made = session.count(|seen| &seen.made);
    assert!((64..=96).contains(&made), "{made} messages of 1 KiB");
    for _ in 0..100 {
        let call = session.dialer.call("/s/Echo", "", &framed(b"hi"), true);
        assert_eq!(session.status(call).await, Code::Ok);
    }
    assert_eq!(session.count(|seen| &seen.made), made);
    assert_eq!(session.dialer.answer(stalled).messages.len(), 64 * 1024);
    session.dialer.cancel(stalled);
    session.settle().await;
    assert_eq!(session.count(|seen| &seen.made), made);
}

#[tokio::test(start_paused = true)]
async fn a_download_goes_on_when_it_is_read_again() {
    let mut session = Session::default().await;
    let call = session.dialer.call("/s/Large", "", b"", true);
    session.dialer.stall(call);
    session.settle().await;
    assert!(!session.dialer.is_over(call));
    session.dialer.resume(call);
    assert_eq!(session.status(call).await, Code::Ok);
    let messages = &session.dialer.answer(call).messages;
    assert_eq!(messages.len(), 10 * (MIB + 5));
}

#[tokio::test(start_paused = true)]
async fn messages_pass_through_windows_smaller_than_they_are() {
    for window in [64, 65, 100, 512, 5000, 64 * 1024, MIB] {
        let window = u32::try_from(window).unwrap();
        let mut config = Config::default();
        config.mux = config.mux.with_window(window);
        let mut session = Session::new(config, CONFIG.with_window(window)).await;
        for len in [0, 1, 60, 1000, 20_000] {
            for path in ["/s/Echo", "/s/Stream"] {
                let messages = framed(&vec![7; len]).repeat(3);
                let call = session.dialer.call(path, "", &messages, true);
                let answer = session.answer(call).await;
                assert_eq!(
                    answer.status,
                    Some(Code::Ok),
                    "{len} bytes, window {window}"
                );
                assert!(answer.messages == messages, "{len} bytes, window {window}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn calls_take_turns() {
    let client = CONFIG
        .with_window(16 * 1024 * 1024)
        .with_max_frame(1024 * 1024);
    let mut session = Session::new(Config::default(), client).await;
    session.dialer.call("/s/Large", "", b"", true);
    session.dialer.call("/s/Large", "", b"", true);
    let small = session.dialer.call("/s/Echo", "", &framed(b"hi"), true);
    assert_eq!(session.status(small).await, Code::Ok);
    let messages = session.messages();
    let ids: Vec<u8> = messages
        .iter()
        .filter(|message| message[0] >> 4 == 0)
        .map(|message| message[4])
        .collect();
    let turn = ids.iter().position(|&id| id == 5).unwrap();
    assert!(turn <= 4, "after {turn} frames of others");
    assert!(
        messages
            .iter()
            .all(|message| message.len() <= 16 * 1024 + 5)
    );
    assert_eq!(ids[5..105].iter().filter(|&&id| id == 1).count(), 50);
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_client_that_reads_nothing_is_bounded() {
    let mut config = Config::default();
    config.mux = config.mux.with_max_calls(8);
    let mut session = Session::new(config, CONFIG.with_window(16 * 1024 * 1024)).await;
    session.peer.with(|wire| wire.stuck = true);
    for _ in 0..8 {
        session.dialer.call("/s/Endless", "", b"", true);
    }
    session.settle().await;
    let made = session.count(|seen| &seen.made);
    assert!(
        (64..=8 * 16 + 80).contains(&made),
        "{made} messages of 1 KiB"
    );
    let queued = session.peer.with(|wire| wire.queued_bytes);
    assert!(
        (48 * 1024..64 * 1024 + 8 * 5).contains(&queued),
        "{queued} bytes"
    );
    session.peer.with(|wire| wire.stuck = false);
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert!(session.count(|seen| &seen.made) > 2 * made, "it goes on");
}
