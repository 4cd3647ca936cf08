//! Servers that send the frames a test tells them.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::*;

const PREFACE: usize = 24;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;

const SETTINGS_FRAME: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];

/// RST_STREAM of a stream, with REFUSED_STREAM.
const fn refuse(stream: u8) -> [u8; 13] {
    [0, 0, 4, 3, 0, 0, 0, 0, stream, 0, 0, 0, 7]
}

/// GOAWAY after a stream, with NO_ERROR.
const fn go_away(last: u8) -> [u8; 17] {
    [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, last, 0, 0, 0, 0]
}

/// A server that said its SETTINGS.
async fn greeted(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut preface = [0; PREFACE];
    stream.read_exact(&mut preface).await.unwrap();
    stream.write_all(&SETTINGS_FRAME).await.unwrap();
    stream
}

/// Reads frames until so many of a kind came.
async fn frames(stream: &mut TcpStream, wanted: u8, mut count: usize) {
    while count > 0 {
        let mut header = [0; 9];
        stream.read_exact(&mut header).await.unwrap();
        let [a, b, c, kind, ..] = header;
        let len = u32::from_be_bytes([0, a, b, c]);
        let mut payload = vec![0; usize::try_from(len).unwrap()];
        stream.read_exact(&mut payload).await.unwrap();
        count -= usize::from(kind == wanted);
    }
}

/// Reads frames until so many calls began.
async fn calls(stream: &mut TcpStream, count: usize) {
    frames(stream, HEADERS, count).await;
}

#[tokio::test]
async fn a_refused_call_is_unprocessed() {
    let (listener, http2) = listen().await;
    let server = async {
        let mut stream = greeted(&listener).await;
        calls(&mut stream, 1).await;
        stream.write_all(&refuse(1)).await.unwrap();
        stream
    };
    let (answer, _stream) = tokio::join!(forward(&http2, request()), server);
    let unanswered = answer.unwrap_err();
    assert!(unanswered.is_unprocessed);
    assert_eq!(unanswered.status.code(), Code::Unavailable);
    assert!(unanswered.unsent.is_none());
}

#[tokio::test]
async fn a_call_after_the_last_one_of_a_server_that_leaves_is_unprocessed() {
    let (listener, http2) = listen().await;
    let server = async {
        let mut stream = greeted(&listener).await;
        calls(&mut stream, 2).await;
        stream.write_all(&go_away(1)).await.unwrap();
        // The next call comes by a connection of its own, while the first one goes on.
        let mut next = greeted(&listener).await;
        calls(&mut next, 1).await;
    };
    let second_and_third = async {
        let second = forward(&http2, request()).await;
        let third = forward(&http2, request()).await;
        (second.unwrap_err(), third.unwrap_err())
    };
    let (first, (second, third), ()) =
        tokio::join!(biased; forward(&http2, request()), second_and_third, server);
    assert!(second.is_unprocessed, "after the last");
    assert!(!first.unwrap_err().is_unprocessed, "may be processed");
    assert!(!third.is_unprocessed, "lost with its connection");
    assert_eq!(third.status.code(), Code::Unavailable);
}

#[tokio::test]
async fn a_lost_connection_leaves_open_what_became_of_its_call() {
    let (listener, http2) = listen().await;
    let server = async {
        calls(&mut greeted(&listener).await, 1).await;
    };
    let (answer, ()) = tokio::join!(forward(&http2, request()), server);
    let unanswered = answer.unwrap_err();
    assert!(!unanswered.is_unprocessed);
    assert_eq!(unanswered.status.code(), Code::Unavailable);
}

#[tokio::test]
async fn calls_cancelled_at_once_are_reset_in_turns() {
    const CALLS: usize = 5 * connection::RESETS;
    let (listener, http2) = listen().await;
    let mut open: Vec<_> = (0..CALLS)
        .map(|_| {
            let http2 = http2.clone();
            tokio::spawn(async move { forward(&http2, request()).await })
        })
        .collect();
    let mut stream = greeted(&listener).await;
    calls(&mut stream, CALLS).await;
    let cancelled = Instant::now();
    open.drain(..).for_each(|call| call.abort());
    frames(&mut stream, RST_STREAM, CALLS).await;
    assert!(cancelled.elapsed() >= 4 * connection::RESET_INTERVAL);
}
