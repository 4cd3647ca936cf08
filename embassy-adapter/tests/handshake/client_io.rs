//! A client whose server, or the network between them, is slow, cut, endless or broken.

use embedded_io_async::ErrorKind;
use grpc_websocket_core::Code;
use grpc_websocket_embassy::handshake::{HandshakeError, Subprotocol, connect};

use crate::client::{ANSWER, BOTH, connect_with, sent};
use crate::common::{Sink, Source, pipe, run};
use crate::{NONCE, changed, head};

#[test]
fn what_comes_behind_the_answer_is_kept() {
    let mut answer = head(&ANSWER);
    let frames: Vec<u8> = (0..=255).collect();
    answer.extend(&frames);
    for chunk in [1, 2, 3, 100, 10_000] {
        let source = Source::of(&answer).chunk(chunk);
        let outcome = connect_with(&BOTH, source, 1024);
        let len = outcome.result.unwrap().len;
        assert_eq!(outcome.buffer[..len], frames[..len], "{chunk}");
        assert!(len < chunk, "it reads on at the end of the answer");
        assert!(chunk < 10_000 || len == 256);
    }
}

#[test]
fn the_answer_may_be_cut_anywhere() {
    let answer = head(&ANSWER);
    for cut in 0..answer.len() {
        let (mut sink, source) = pipe(usize::MAX);
        run(async {
            use embedded_io_async::Write as _;
            sink.write_all(&answer[..cut]).await.unwrap();
        });
        let (mut out, _sent) = pipe(usize::MAX);
        let (mut source, mut buffer) = (source.stalls(1), [0; 256]);
        let connecting = connect(&mut source, &mut out, &BOTH, NONCE, false, &mut buffer);
        let finishing = finish(sink, &answer[cut..]);
        let (opened, ()) = run(crate::common::join(connecting, finishing));
        assert_eq!(opened.unwrap().subprotocol, Subprotocol::Mux, "{cut}");
    }
}

async fn finish(mut sink: Sink, rest: &[u8]) {
    use embedded_io_async::Write as _;
    sink.write_all(rest).await.unwrap();
}

#[test]
fn an_end_or_an_error_at_any_byte_of_the_answer_is_reported() {
    let answer = head(&ANSWER);
    for len in 0..answer.len() {
        let ended = connect_with(&BOTH, Source::of(&answer).ends_after(len), 256).result;
        assert_eq!(ended, Err(HandshakeError::Closed), "{len}");
        let failing = Source::of(&answer).fails_after(len, ErrorKind::ConnectionReset);
        let error = connect_with(&BOTH, failing, 256).result.unwrap_err();
        assert_eq!(
            error,
            HandshakeError::Io(ErrorKind::ConnectionReset),
            "{len}"
        );
        assert_eq!((error.code(), error.blame()), (Code::Unavailable, None));
    }
}

#[test]
fn an_error_at_any_byte_of_the_request_is_reported() {
    let whole = sent(&BOTH, 512).len();
    let connect_to = |mut sink: Sink| {
        let mut answer = Source::of(&head(&ANSWER));
        run(connect(
            &mut answer,
            &mut sink,
            &BOTH,
            NONCE,
            true,
            &mut [0; 256],
        ))
    };
    for len in 0..whole {
        let (sink, _sent) = pipe(usize::MAX);
        let failed = connect_to(sink.chunk(3).fails_after(len, ErrorKind::TimedOut));
        assert_eq!(
            failed,
            Err(HandshakeError::Io(ErrorKind::TimedOut)),
            "{len}"
        );
        let (sink, _sent) = pipe(usize::MAX);
        let full = connect_to(sink.full_after(len));
        assert_eq!(full, Err(HandshakeError::Io(ErrorKind::WriteZero)), "{len}");
    }
    let (sink, _sent) = pipe(usize::MAX);
    let unflushed = connect_to(sink.fails_after(whole, ErrorKind::TimedOut));
    assert_eq!(unflushed, Err(HandshakeError::Io(ErrorKind::TimedOut)));
}

#[test]
fn the_request_is_flushed_where_it_is_asked_for() {
    for flush in [false, true] {
        let (mut sink, sent) = pipe(usize::MAX);
        let mut answer = Source::of(&head(&ANSWER));
        let mut buffer = [0; 64];
        run(connect(
            &mut answer,
            &mut sink,
            &BOTH,
            NONCE,
            flush,
            &mut buffer,
        ))
        .ok();
        assert_eq!(sent.flushes(), usize::from(flush));
    }
}

#[test]
fn lines_that_nobody_needs_may_be_longer_than_the_buffer() {
    let cookie = format!("Set-Cookie: {}", "a".repeat(3000));
    let mut lines = ANSWER.to_vec();
    lines.insert(2, &cookie);
    lines.push(&cookie);
    let mut answer = head(&lines);
    answer.extend(b"early");
    for (size, chunk) in [(200, 1), (200, 77), (256, 10_000), (4096, 10_000)] {
        let outcome = connect_with(&BOTH, Source::of(&answer).chunk(chunk), size);
        let len = outcome.result.expect("it fits").len;
        assert_eq!(outcome.buffer[..len], b"early"[..len]);
    }
}

#[test]
fn lines_that_are_needed_have_to_fit() {
    let answer = head(&ANSWER);
    // All lines are needed, and the one that is empty takes no place for long.
    let needed = answer.len() - 5 - 3;
    for size in 0..answer.len() {
        let result = connect_with(&BOTH, Source::of(&answer).chunk(1), size).result;
        match result {
            Ok(_) => assert!(size > needed, "{size}"),
            Err(error) => {
                assert_eq!(error, HandshakeError::HeadTooLong, "{size}");
                assert_eq!(error.code(), Code::ResourceExhausted);
            }
        }
    }
    let long = format!("Connection: Upgrade, {}", "x".repeat(400));
    let answer = changed(&ANSWER, &[&long]);
    assert_eq!(
        connect_with(&BOTH, Source::of(&answer), 300).result,
        Err(HandshakeError::HeadTooLong)
    );
}

#[test]
fn a_head_without_end_is_given_up() {
    for line in ["a: b\r\n", "a", "\r\n", "\n"] {
        let endless = line.repeat(20_000);
        let mut answer = b"HTTP/1.1 101 Switching Protocols\r\n".to_vec();
        if !line.trim().is_empty() {
            answer.extend(endless.as_bytes());
        } else {
            answer = endless.into_bytes();
        }
        let mut source = Source::of(&answer).chunk(50);
        let (mut sink, _sent) = pipe(usize::MAX);
        let mut buffer = [0; 100];
        let connecting = connect(&mut source, &mut sink, &BOTH, NONCE, false, &mut buffer);
        assert_eq!(
            run(connecting).map(|_| ()),
            Err(HandshakeError::HeadTooLong),
            "{line:?}"
        );
        assert!(answer.len() - source.take().len() < 8192 + 200, "{line:?}");
    }
}
