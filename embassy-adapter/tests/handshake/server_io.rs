//! A server whose client, or the network between them, is slow, cut, endless or broken.

use embedded_io_async::ErrorKind;
use grpc_websocket_core::Blame;
use grpc_websocket_embassy::handshake::{Accept, HandshakeError, Refusal, accept};

use crate::common::{Sink, Source, pipe, run};
use crate::server::{FIREFOX, accept_with, outcome, refusal};
use crate::{changed, head};

#[test]
fn what_comes_behind_the_request_is_kept() {
    let mut request = head(&FIREFOX);
    let frames: Vec<u8> = (0..=255).collect();
    request.extend(&frames);
    for chunk in [1, 2, 3, 100, 10_000] {
        let source = Source::of(&request).chunk(chunk);
        let outcome = accept_with(&Accept::new(), source, 1024);
        let len = outcome.result.unwrap().len;
        assert_eq!(outcome.buffer[..len], frames[..len], "{chunk}");
        assert!(chunk < 10_000 || len == 256);
        assert_eq!(outcome.path, "/demo.Echo/Say");
    }
}

#[test]
fn three_hundred_bytes_are_enough_for_a_browser() {
    let cookie = format!("Cookie: {}", "c".repeat(4000));
    let request = changed(&FIREFOX, &[&cookie]);
    for chunk in [1, 99, 10_000] {
        let source = Source::of(&request).chunk(chunk);
        let outcome = accept_with(&Accept::new(), source, 320);
        assert!(outcome.result.is_ok(), "{outcome:?}");
    }
}

#[test]
fn a_head_that_does_not_fit_is_refused() {
    let request = head(&FIREFOX);
    for size in 0..300 {
        let outcome = accept_with(&Accept::new(), Source::of(&request), size);
        if outcome.result.is_ok() {
            continue;
        }
        let error = HandshakeError::Rejected(Refusal::HeadTooLong);
        assert_eq!(outcome.result, Err(error), "{size}");
        assert!(outcome.answer.starts_with("HTTP/1.1 431 "), "{size}");
        assert_eq!(error.blame(), Some(Blame::Resource));
    }
    let many = format!("X: {}", "x".repeat(9000));
    let refused = (Refusal::HeadTooLong, "431".to_owned());
    assert_eq!(
        refusal(&Accept::new(), &changed(&FIREFOX, &[&many])),
        refused
    );
}

#[test]
fn an_end_or_an_error_at_any_byte_of_the_request_is_reported() {
    let request = head(&FIREFOX);
    for len in 0..request.len() {
        let ended = Source::of(&request).ends_after(len).chunk(7);
        let outcome = accept_with(&Accept::new(), ended, 512);
        assert_eq!(outcome.result, Err(HandshakeError::Closed), "{len}");
        assert_eq!(outcome.answer, "");
        let failing = Source::of(&request).fails_after(len, ErrorKind::ConnectionReset);
        let failed = accept_with(&Accept::new(), failing, 512).result;
        assert_eq!(
            failed,
            Err(HandshakeError::Io(ErrorKind::ConnectionReset)),
            "{len}"
        );
    }
}

#[test]
fn an_error_at_any_byte_of_the_answer_is_reported() {
    let request = head(&FIREFOX);
    let accept_on = |mut sink: Sink| {
        let mut source = Source::of(&request);
        let (mut path, mut buffer) = ([0; 32], [0; 512]);
        let policy = Accept::new();
        let accepting = accept(
            &mut source,
            &mut sink,
            &policy,
            &mut path,
            true,
            &mut buffer,
        );
        run(accepting).map(|accepted| accepted.upgraded)
    };
    let whole = outcome(&request).answer.len();
    for len in 0..=whole {
        let (sink, _answer) = pipe(usize::MAX);
        let failed = accept_on(sink.chunk(5).fails_after(len, ErrorKind::BrokenPipe));
        assert_eq!(
            failed,
            Err(HandshakeError::Io(ErrorKind::BrokenPipe)),
            "{len}"
        );
        let (sink, _answer) = pipe(usize::MAX);
        let full = accept_on(sink.full_after(len));
        assert!(
            len == whole || full == Err(HandshakeError::Io(ErrorKind::WriteZero)),
            "{len}"
        );
    }
    let (sink, answer) = pipe(usize::MAX);
    assert!(accept_on(sink.chunk(1).stalls(2)).is_ok());
    assert_eq!((answer.take().len(), answer.flushes()), (whole, 1));
}

#[test]
fn that_it_was_refused_says_more_than_that_the_answer_was_lost() {
    let (sink, _answer) = pipe(usize::MAX);
    let mut sink = sink.fails_after(3, ErrorKind::BrokenPipe);
    let mut source = Source::of(&changed(&FIREFOX, &["host:"]));
    let (mut path, mut buffer) = ([0; 32], [0; 512]);
    let policy = Accept::new();
    let accepting = accept(
        &mut source,
        &mut sink,
        &policy,
        &mut path,
        true,
        &mut buffer,
    );
    let error = run(accepting).unwrap_err();
    assert_eq!(error, HandshakeError::Rejected(Refusal::Host));
    assert_eq!(error.blame(), Some(Blame::Peer));
}
