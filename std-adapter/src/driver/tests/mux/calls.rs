//! How calls go, and how they end.

use super::*;

fn block_of(call: &dialer::Call) -> (&str, &[u8], Code) {
    let metadata = call.metadata.as_deref().unwrap_or("-");
    (metadata, &call.messages, call.status.unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_unary_call_is_one_message_each_way() {
    let mut session = Session::default().await;
    let hi = framed(b"hi");
    let call = session.dialer.call("/s/Echo", "", &hi, true);
    let taken = session.peer.with(|wire| wire.taken);
    assert_eq!(
        block_of(session.answer(call).await),
        ("-", &hi[..], Code::Ok),
        "metadata of no fields are left out"
    );
    let answer = b"\x02\0\0\0\x01\0\0\0\0\x02hi\x80\0\0\0\x10grpc-status: 0\r\n";
    assert_eq!(session.messages(), [&answer[..]]);
    assert_eq!(session.peer.with(|wire| wire.taken), taken + 1);
    assert_eq!(session.count(|seen| &seen.stopped), 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_begins_without_a_message_says_so() {
    let mut session = Session::default().await;
    let call = session.dialer.call("/s/Stream", "", b"", false);
    session.settle().await;
    assert_eq!(session.messages(), [&b"\0\0\0\0\x01\x80\0\0\0\0"[..]]);
    assert_eq!(session.dialer.answer(call).metadata.as_deref(), Some(""));
}

#[tokio::test(start_paused = true)]
async fn trailers_only_is_one_message() {
    let mut session = Session::default().await;
    let call = session.dialer.call("/s/Nothing", "", b"", false);
    let answer = session.answer(call).await;
    assert_eq!(block_of(answer), ("-", &b""[..], Code::NotFound));
    let answer = b"\x02\0\0\0\x01\x80\0\0\0\x10grpc-status: 5\r\n";
    assert_eq!(session.messages(), [&answer[..]]);
}

#[tokio::test(start_paused = true)]
async fn a_block_that_is_no_request_ends_its_call_with_a_status() {
    let mut session = Session::default().await;
    let other = session.dialer.call("/s/Stream", "", &framed(b"1"), false);
    for (block, code) in [
        (":path: nowhere\r\n", Code::Unimplemented),
        (":path: /s/Echo\r\ngrpc-timeout: soon\r\n", Code::Internal),
        (
            ":path: /s/Echo\r\ncontent-type: text/html\r\n",
            Code::InvalidArgument,
        ),
    ] {
        let call = session
            .dialer
            .call_with_block(block, &framed(b"more"), false);
        let answer = session.answer(call).await;
        assert_eq!(answer.status, Some(code), "{block}");
        assert_eq!(
            (&answer.end, &answer.metadata),
            (&None, &None),
            "Trailers-Only"
        );
    }
    session.dialer.send(other, &framed(b"2"), true);
    assert_eq!(session.status(other).await, Code::Ok);
    assert_eq!(session.count(|seen| &seen.most_live), 1);
}

#[tokio::test(start_paused = true)]
async fn what_breaks_the_rules_of_its_call_ends_no_other() {
    let mut session = Session::default().await;
    let other = session.dialer.call("/s/Stream", "", &framed(b"1"), false);
    let call = session.dialer.call_with_block("x: y\r\n", b"", false);
    assert_eq!(session.status(call).await, Code::Internal);
    let call = session.dialer.call("/s/Keep", "", b"", false);
    session.settle().await;
    // A message with unknown flags, which the client's own side would not send.
    let bad = [&[0][..], &call.get().to_be_bytes(), b"\x02\0\0\0\0"].concat();
    session.peer.sends(&bad);
    assert_eq!(session.status(call).await, Code::Internal);
    assert_eq!(session.count(|seen| &seen.stopped), 1);
    session.dialer.send(other, &framed(b"2"), true);
    assert_eq!(session.status(other).await, Code::Ok);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_is_exact_and_stops_the_handler() {
    let mut session = Session::default().await;
    let call = session
        .dialer
        .call("/s/Wait", "grpc-timeout: 250m\r\n", b"", true);
    let begun = Instant::now();
    session.settle().await;
    tokio::time::sleep(Duration::from_millis(249) - begun.elapsed()).await;
    session.settle().await;
    assert!(!session.dialer.is_over(call));
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(session.status(call).await, Code::DeadlineExceeded);
    assert!(begun.elapsed() < Duration::from_millis(252));
    assert_eq!(session.count(|seen| &seen.stopped), 1);
    let answer = session.dialer.answer(call);
    assert_eq!(answer.end, None, "by trailers");
    assert!(answer.trailers.contains("the deadline passed"));
}

#[tokio::test(start_paused = true)]
async fn a_call_without_time_has_no_answer_but_that() {
    let mut session = Session::default().await;
    let fields = "grpc-timeout: 0m\r\n";
    let whole = session.dialer.call("/s/Wait", fields, b"", true);
    let begun = session.dialer.call("/s/Wait", fields, b"", false);
    for call in [whole, begun] {
        assert_eq!(session.status(call).await, Code::DeadlineExceeded);
    }
    assert_eq!(session.count(|seen| &seen.polls), 0);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_after_a_part_of_a_message_is_a_reset() {
    for (path, is_read) in [("/s/Large", false), ("/s/Hang", true)] {
        let mut session = Session::default().await;
        let call = session
            .dialer
            .call(path, "grpc-timeout: 250m\r\n", b"", true);
        if !is_read {
            session.dialer.stall(call);
        }
        session.settle().await;
        assert!(!session.dialer.is_over(call));
        tokio::time::sleep(Duration::from_millis(250)).await;
        assert_eq!(session.status(call).await, Code::DeadlineExceeded);
        let answer = session.dialer.answer(call);
        assert!(answer.end.is_some(), "by a RESET");
        assert_eq!(answer.trailers, "the deadline passed");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_fails_the_request_at_once_whoever_reads_it() {
    let mut session = Session::default().await;
    let fields = "grpc-timeout: 250m\r\n";
    session
        .dialer
        .call("/s/Keep", fields, &framed(b"half"), false);
    session.dialer.call("/s/Endless", "", b"", true);
    session.peer.with(|wire| wire.stuck = true);
    session.settle().await;
    tokio::time::sleep(Duration::from_millis(250)).await;
    session.settle().await;
    let body = session.seen_by_server.kept.lock().unwrap().pop().unwrap();
    let read = tokio::time::timeout(Duration::from_secs(1), body.collect());
    let error = read.await.expect("it waits").unwrap_err();
    assert_eq!(error.code(), tonic::Code::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_without_credit_is_a_reset() {
    let mut session = Session::new(Config::default(), CONFIG.with_window(64)).await;
    let call = session
        .dialer
        .call("/s/Wait", "grpc-timeout: 250m\r\n", b"", true);
    let block = "grpc-status: 4\r\ngrpc-message: the deadline passed\r\n";
    assert!(block.len() < 64, "this one has room");
    session.settle().await;
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert_eq!(session.answer(call).await.end, None);
    let call = session.dialer.call(
        "/s/Stream",
        "grpc-timeout: 250m\r\n",
        &framed(&[7; 15]),
        false,
    );
    session.dialer.stall(call);
    session.settle().await;
    // 5 bytes of metadata, 20 of a message: 39 of credit are left.
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert_eq!(session.status(call).await, Code::DeadlineExceeded);
    assert!(session.dialer.answer(call).end.is_some(), "by a RESET");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_is_stopped_at_once_and_no_other() {
    let mut session = Session::default().await;
    let other = session.dialer.call("/s/Stream", "", &framed(b"1"), false);
    let call = session.dialer.call("/s/Keep", "", &framed(b"half"), false);
    session.settle().await;
    session.dialer.cancel(call);
    session.settle().await;
    assert_eq!(session.count(|seen| &seen.stopped), 1);
    let body = session.seen_by_server.kept.lock().unwrap().pop().unwrap();
    let error = body.collect().await.unwrap_err();
    assert_eq!(error.code(), tonic::Code::Unavailable);
    session.dialer.send(other, &framed(b"2"), true);
    assert_eq!(session.status(other).await, Code::Ok);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_never_looks_like_the_end_of_its_messages() {
    for leave in [None, Some(Incoming::Close(None))] {
        let mut session = Session::default().await;
        for _ in 0..10 {
            session.dialer.call("/s/Keep", "", &framed(b"half"), false);
        }
        session.settle().await;
        session.peer.with(|wire| {
            wire.incoming.extend(leave);
            wire.gone = true;
        });
        (&mut session.serving).await.unwrap();
        assert_eq!(session.count(|seen| &seen.stopped), 10);
        let kept = std::mem::take(&mut *session.seen_by_server.kept.lock().unwrap());
        assert_eq!(kept.len(), 10);
        for body in kept {
            let error = body.collect().await.unwrap_err();
            assert_eq!(error.code(), tonic::Code::Unavailable);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_the_end_of_its_call_only() {
    let mut session = Session::default().await;
    let other = session.dialer.call("/s/Stream", "", &framed(b"1"), false);
    let call = session.dialer.call("/s/Panic", "", b"", true);
    assert_eq!(session.status(call).await, Code::Internal);
    assert_eq!(session.count(|seen| &seen.live), 0);
    session.dialer.send(other, &framed(b"2"), true);
    assert_eq!(session.status(other).await, Code::Ok);
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_what_is_stopped_is_nobody_elses() {
    let mut session = Session::default().await;
    let other = session.dialer.call("/s/Stream", "", &framed(b"1"), false);
    let path = "/s/PanicWhenStopped";
    let call = session.dialer.call(path, "", b"", true);
    session.settle().await;
    session.dialer.cancel(call);
    let call = session.dialer.call(path, "grpc-timeout: 1m\r\n", b"", true);
    session.settle().await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(session.status(call).await, Code::DeadlineExceeded);
    session.dialer.send(other, &framed(b"2"), true);
    assert_eq!(session.status(other).await, Code::Ok);
}

#[tokio::test(start_paused = true)]
async fn a_service_cannot_put_metadata_among_its_messages() {
    let mut session = Session::default().await;
    let call = session.dialer.call("/s/Injected", "", b"", true);
    let answer = session.answer(call).await;
    assert_eq!((answer.status, answer.end), (Some(Code::Internal), None));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_fails_inside_a_message_resets_its_call() {
    let mut session = Session::default().await;
    let call = session.dialer.call("/s/Cut", "", b"", true);
    let answer = session.answer(call).await;
    assert_eq!(answer.status, Some(Code::Internal));
    assert!(answer.end.is_some(), "by a RESET");
    assert_eq!(answer.trailers, "the service failed inside a message");
    let call = session.dialer.call("/s/Echo", "", b"", true);
    assert_eq!(session.status(call).await, Code::Ok);
}

#[tokio::test(start_paused = true)]
async fn a_message_longer_than_the_client_takes_resets_its_call() {
    let limits = grpc_websocket_core::Limits::DEFAULT.with_max_message_len(1000);
    let mut session = Session::new(Config::default(), CONFIG.with_limits(limits)).await;
    let call = session.dialer.call("/s/Large", "", b"", true);
    assert_eq!(session.status(call).await, Code::ResourceExhausted);
}

#[tokio::test(start_paused = true)]
async fn messages_in_small_parts_are_gathered() {
    let mut session = Session::default().await;
    let call = session.dialer.call("/s/Bytes", "", b"", true);
    assert_eq!(session.answer(call).await.messages, framed(&[7; 1000]));
    assert!(session.messages().len() <= 3);
}

#[tokio::test(start_paused = true)]
async fn an_early_answer_ends_the_upload() {
    let mut session = Session::default().await;
    let call = session.dialer.call("/s/Unknown", "", &framed(b"1"), false);
    assert_eq!(session.status(call).await, Code::Unimplemented);
    assert_eq!(session.count(|seen| &seen.live), 0);
    let next = session.dialer.call("/s/Echo", "", b"", true);
    assert_eq!(session.status(next).await, Code::Ok);
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_calls_is_answered_with_one_flush() {
    let mut session = Session::default().await;
    let flushes = session.peer.with(|wire| wire.flushes);
    let calls: Vec<CallId> = (0..50)
        .map(|_| session.dialer.call("/s/Echo", "", &framed(b"hi"), true))
        .collect();
    for call in calls {
        assert_eq!(session.status(call).await, Code::Ok);
    }
    assert_eq!(session.peer.with(|wire| wire.flushes), flushes + 1);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_call_costs_nothing() {
    let mut session = Session::default().await;
    for _ in 0..200 {
        session.dialer.call("/s/Wait", "", b"", false);
    }
    session.settle().await;
    let polls = session.count(|seen| &seen.polls);
    assert!(polls <= 400, "{polls} polls of 200 calls");
    for _ in 0..100 {
        let call = session.dialer.call("/s/Echo", "", &framed(b"hi"), true);
        assert_eq!(session.status(call).await, Code::Ok);
    }
    assert_eq!(session.count(|seen| &seen.polls), polls);
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_pinged_then_given_up() {
    let mut session = Session::default().await;
    session.dialer.call("/s/Keep", "", b"", false);
    session.settle().await;
    let begun = Instant::now();
    (&mut session.serving).await.unwrap();
    let silence = begun.elapsed().as_secs();
    assert!((29..=30).contains(&silence), "{silence} s");
    assert_eq!(session.peer.sent().last(), Some(&Sent::Ping));
    assert_eq!(session.count(|seen| &seen.stopped), 1);
}
