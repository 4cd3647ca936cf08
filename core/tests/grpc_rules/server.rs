//! The server role.

use grpc_websocket_core::single::{EMPTY_MESSAGE_BUDGET, TINY_MESSAGE_BUDGET};
use grpc_websocket_core::{CloseCode, Code, Event, Limits, RecvError, SendError};

use crate::*;

/// PROTOCOL-HTTP2 "Responses": (Response-Headers *Length-Prefixed-Message Trailers) /
/// Trailers-Only.
#[test]
fn an_answer_is_metadata_then_messages_then_trailers() {
    let mut server = open_server();
    assert!(server.is_unanswered());
    assert_eq!(server.send_message(false, 1), Err(SendError::OutOfOrder));
    assert_eq!(server.forward(HELLO), Err(SendError::OutOfOrder));
    assert_eq!(server.send_metadata(8).unwrap().head(), &INITIAL[..5]);
    assert!(!server.is_unanswered());
    assert_eq!(server.send_metadata(8), Err(SendError::OutOfOrder));
    assert_eq!(server.send_message(false, 5).unwrap().head(), &HELLO[..5]);
    assert_eq!(server.send_trailers(16).unwrap().head(), &TRAILERS[..5]);
    assert!(server.is_ended());
    assert_eq!(server.send_trailers(16), Err(SendError::OutOfOrder));
    assert_eq!(server.send_message(false, 1), Err(SendError::OutOfOrder));
    assert_eq!(server.forward(HELLO), Err(SendError::OutOfOrder));
    assert_eq!(server.send_metadata(8), Err(SendError::OutOfOrder));
}

/// PROTOCOL-HTTP2 "Responses", Trailers-Only: one block, and nothing after it.
#[test]
fn trailers_may_be_the_only_thing_sent() {
    let mut server = open_server();
    assert_eq!(server.send_trailers(16).unwrap().payload_len(), 16);
    assert_eq!(server.send_trailers(0), Err(SendError::OutOfOrder));
}

/// The status may come before the half-close; what the client still sends is dropped.
#[test]
fn early_trailers_end_the_call() {
    let mut server = open_server();
    assert!(server.send_trailers(16).is_ok());
    assert!(!server.is_half_closed());
    assert_eq!(serve(&mut server, &data(HELLO)), Ok(vec![]));
    assert_eq!(serve(&mut server, b"\0\xff"), Ok(vec![]));
    assert_eq!(server.handle_close(), None, "over already");
}

/// PROTOCOL-HTTP2 "Requests", EOS: half-close, cancel and disconnect are three things, and only
/// the first ends the messages.
#[test]
fn a_close_is_never_a_half_close() {
    let mut server = open_server();
    assert_eq!(server.handle_close(), Some(Code::Cancelled));
    assert_eq!(server.handle_close(), None, "cancelled once");
    assert!(server.is_ended());
    assert!(!server.is_half_closed());
    assert_eq!(serve(&mut server, b"\x01"), Ok(vec![]));
    assert_eq!(server.send_trailers(16), Err(SendError::OutOfOrder));
}

#[test]
fn a_half_close_leaves_the_answer_open() {
    let mut server = open_server();
    assert_eq!(serve(&mut server, b"\x01"), Ok(vec![Event::HalfClosed]));
    assert!(server.is_half_closed() && !server.is_ended());
    assert!(server.send_metadata(0).is_ok() && server.send_message(false, 0).is_ok());
    assert_eq!(
        server.handle_close(),
        Some(Code::Cancelled),
        "no trailers yet"
    );
}

/// A truncated message is INTERNAL, and the machine tells where it stands.
#[test]
fn the_begin_of_a_message_is_no_boundary() {
    let mut server = open_server();
    assert!(server.is_at_boundary());
    assert_eq!(
        serve(&mut server, &data(&HELLO[..3])).map(|events| events.len()),
        Ok(1)
    );
    assert!(!server.is_at_boundary());
    assert_eq!(
        serve(&mut server, &data(&HELLO[3..])).map(|events| events.len()),
        Ok(1)
    );
    assert!(server.is_at_boundary());
    assert!(serve(&mut server, &data(&HELLO[..6])).is_ok());
    let error = serve(&mut server, b"\x01").unwrap_err();
    assert_eq!(
        (error, error.code()),
        (RecvError::Truncated, Code::Internal)
    );
}

/// statuscodes.md: DEADLINE_EXCEEDED; absent is infinite.
#[test]
fn a_deadline_passes_once_and_the_answer_is_left_to_the_caller() {
    let mut server = open_server();
    assert_eq!(server.poll_timeout(), None);
    server.set_deadline(Some(at(5)));
    assert_eq!(
        (server.poll_timeout(), server.handle_timeout(at(4))),
        (Some(at(5)), Ok(None))
    );
    assert_eq!(
        server.handle_timeout(at(5)),
        Ok(Some(Event::DeadlineExceeded))
    );
    assert_eq!(
        (server.poll_timeout(), server.handle_timeout(at(6))),
        (None, Ok(None))
    );
    assert!(server.send_trailers(16).is_ok());
}

#[test]
fn the_initial_metadata_has_its_own_time() {
    let mut server = Server::new(at(100), Limits::DEFAULT);
    assert_eq!(server.poll_timeout(), Some(at(110)));
    assert_eq!(server.handle_timeout(at(109)), Ok(None));
    let error = server.handle_timeout(at(110)).unwrap_err();
    assert_eq!(error, RecvError::MetadataTimeout);
    assert_eq!(
        (error.code(), error.close_code()),
        (Code::DeadlineExceeded, CloseCode::Policy)
    );
    assert_eq!(serve(&mut server, b"a: b\r\n"), Err(error));
    assert!(server.send_trailers(16).is_ok(), "the refusal has a status");
    assert_eq!(
        (server.poll_timeout(), server.handle_timeout(at(999))),
        (None, Ok(None))
    );
}

#[test]
fn the_time_of_the_metadata_ends_with_its_block_not_with_its_first_bytes() {
    let mut server = server();
    let mut part = Fragment::part(b"a: b\r\n");
    assert!(matches!(
        server.recv(&mut part),
        Ok(Some(Event::Metadata(_)))
    ));
    assert_eq!(server.poll_timeout(), Some(at(10)));
    server.set_deadline(Some(at(3)));
    assert_eq!(server.poll_timeout(), Some(at(3)), "the earlier of the two");
    assert_eq!(serve(&mut server, b""), Ok(vec![Event::InitialMetadata]));
    server.set_deadline(None);
    assert_eq!(server.poll_timeout(), None);
}

/// An error ends the call with one status, whatever the clock does.
#[test]
fn an_error_is_repeated_until_it_is_answered() {
    let mut server = open_server();
    server.set_deadline(Some(at(5)));
    assert_eq!(server.handle_text(), Err(RecvError::TextMessage));
    assert_eq!(
        serve(&mut server, &data(HELLO)),
        Err(RecvError::TextMessage)
    );
    assert_eq!(server.handle_timeout(at(9)), Err(RecvError::TextMessage));
    assert!(server.send_trailers(16).is_ok());
    assert_eq!(serve(&mut server, &data(HELLO)), Ok(vec![]));
    assert_eq!(server.handle_text(), Ok(()));
}

/// The prefix has 32 bits of length, and a server's messages are never cut.
#[test]
fn the_longest_message_of_the_prefix_can_be_sent() {
    let mut server = open_server();
    assert!(server.send_metadata(0).is_ok());
    assert_eq!(
        server.send_message(false, u32::MAX).unwrap().payload_len(),
        u32::MAX
    );
    assert!(server.send_trailers(16).is_ok());
}

#[test]
fn trailers_never_land_inside_a_message() {
    let mut server = open_server();
    assert!(server.send_metadata(0).is_ok());
    assert!(server.forward(&HELLO[..7]).is_ok());
    assert_eq!(server.send_trailers(16), Err(SendError::FrameOpen));
    assert!(server.forward(&HELLO[7..]).is_ok());
    assert!(server.send_trailers(16).is_ok());
}

#[test]
fn empty_messages_are_counted_in_a_row() {
    let mut server = open_server();
    for message in [&b""[..], &data(HELLO)].repeat(usize::from(EMPTY_MESSAGE_BUDGET) * 2) {
        assert!(serve(&mut server, message).is_ok());
    }
}

#[test]
fn tiny_messages_that_complete_nothing_spend_a_budget() {
    let mut server = open_server();
    assert!(serve(&mut server, &data(&[0, 0, 0x10, 0, 0])).is_ok());
    // The prefix was the first.
    for _ in 1..TINY_MESSAGE_BUDGET {
        assert!(serve(&mut server, &data(&[7; 31])).is_ok());
    }
    let tiny = data(b"7");
    assert_eq!(serve(&mut server, &tiny), Err(RecvError::TinyMessages));
}

#[test]
fn messages_that_bring_something_give_tiny_ones_back() {
    let mut server = open_server();
    assert!(serve(&mut server, &data(&[0, 0, 0x10, 0, 0])).is_ok());
    for _ in 0..u32::from(TINY_MESSAGE_BUDGET) * 3 {
        assert!(serve(&mut server, &data(b"7")).is_ok());
        assert!(serve(&mut server, &data(&[7; 32])).is_ok());
    }
    let mut server = open_server();
    for _ in 0..u32::from(TINY_MESSAGE_BUDGET) * 3 {
        for part in [&HELLO[..5], &HELLO[5..]] {
            assert!(serve(&mut server, &data(part)).is_ok());
        }
    }
}
