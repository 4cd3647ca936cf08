//! The client role.

use grpc_websocket_core::single::MAX_WEBSOCKET_MESSAGE;
use grpc_websocket_core::{Blame, CloseCode, Code, Event, Limits, RecvError, SendError};
use grpc_websocket_vectors::{Input, load};

use crate::*;

/// PROTOCOL-HTTP2 "Requests": Request-Headers *Length-Prefixed-Message EOS.
#[test]
fn a_request_is_metadata_then_messages_then_half_close() {
    let mut client = client();
    assert_eq!(client.send_message(false, 1), Err(SendError::OutOfOrder));
    assert_eq!(client.forward(HELLO), Err(SendError::OutOfOrder));
    assert_eq!(client.half_close(), Err(SendError::OutOfOrder));
    let mut client = open_client();
    assert_eq!(client.send_metadata(1), Err(SendError::OutOfOrder));
    assert!(client.send_message(false, 0).is_ok());
    assert!(client.half_close().is_ok());
    assert_eq!(client.send_message(false, 1), Err(SendError::OutOfOrder));
    assert_eq!(client.forward(HELLO), Err(SendError::OutOfOrder));
    assert_eq!(client.half_close(), Err(SendError::OutOfOrder));
}

/// The bytes of the recorded request, made by this crate.
#[test]
fn a_unary_request_is_written_as_deployed_clients_write_it() {
    let vectors = load().unwrap();
    let vector = vectors
        .iter()
        .find(|vector| vector.name == "unary, as a client sends it");
    let inputs = vector.unwrap().inputs.as_slice();
    let [Input::Binary(block), message, half_close] = inputs else {
        panic!("{inputs:?}");
    };
    let mut client = client();
    let segment = client
        .send_metadata(block.len().try_into().unwrap())
        .unwrap();
    assert_eq!((segment.head(), segment.payload_len()), (&b""[..], 57));
    let segment = client.send_message(false, 5).unwrap();
    assert_eq!(message, &Input::Binary([segment.head(), b"hello"].concat()));
    let segment = client.half_close().unwrap();
    assert_eq!(half_close, &Input::Binary(segment.head().to_vec()));
}

/// The servers in use close with 1009 over a longer message.
#[test]
fn no_websocket_message_is_longer_than_servers_take() {
    let mut client = open_client();
    let segment = client.send_message(true, 40_000).unwrap();
    assert_eq!(
        (segment.head(), segment.payload_len()),
        (&[0, 1, 0, 0, 0x9c, 0x40][..], 32_762)
    );
    let segment = client.resume().unwrap();
    assert_eq!(
        (segment.head(), segment.payload_len()),
        (&[0][..], 40_000 - 32_762)
    );
    assert_eq!(client.resume(), None);
    let long = [&[0, 0, 0, 0xff, 0xff][..], &[b'x'; 0xffff]].concat();
    assert_eq!(client.forward(&long).unwrap().payload_len(), 32_767);
}

/// A block is one WebSocket message, and so cannot be cut.
#[test]
fn metadata_that_cannot_be_sent_is_refused_before_the_call_begins() {
    let mut client = client();
    let (len, max) = (MAX_WEBSOCKET_MESSAGE + 1, MAX_WEBSOCKET_MESSAGE);
    let error = client.send_metadata(len).unwrap_err();
    assert_eq!(error, SendError::MetadataTooLong { len, max });
    assert_eq!(error.blame(), Blame::Resource);
    assert!(client.send_metadata(max).is_ok());
}

/// PROTOCOL-HTTP2 "Length-Prefixed-Message": frames do not interleave.
#[test]
fn nothing_is_sent_inside_a_message() {
    let mut client = open_client();
    assert!(client.send_message(false, 40_000).is_ok());
    assert_eq!(client.send_message(false, 1), Err(SendError::FrameOpen));
    assert_eq!(client.forward(HELLO), Err(SendError::FrameOpen));
    assert_eq!(client.half_close(), Err(SendError::FrameOpen));
    assert!(client.resume().is_some());
    assert!(client.forward(&HELLO[..7]).is_ok());
    assert_eq!(client.send_message(false, 1), Err(SendError::FrameOpen));
    assert_eq!(client.half_close(), Err(SendError::FrameOpen));
    assert!(client.forward(&HELLO[7..]).is_ok());
    assert!(client.half_close().is_ok());
}

/// What a caller forwards is checked, for a bad stream would be the peer's to find; a refusal
/// changes nothing.
#[test]
fn forwarded_bytes_that_are_no_messages_are_refused_whole() {
    let mut client = open_client();
    let metadata = [HELLO, TRAILERS].concat();
    assert_eq!(client.forward(&metadata), Err(SendError::OutOfOrder));
    assert!(matches!(
        client.forward(b"\0\0\0\0\0\x02"),
        Err(SendError::Frame(_))
    ));
    assert_eq!(client.forward(b"\x02").unwrap_err().blame(), Blame::Misuse);
    assert!(client.half_close().is_ok(), "no frame is open");
}

/// PROTOCOL-HTTP2 "Responses": Trailers-Only is the first block with a status; any later block is
/// the trailers, and the end.
#[test]
fn nothing_follows_the_trailers() {
    let mut client = open_client();
    assert_eq!(
        answer(&mut client, INITIAL),
        Ok(vec![Event::InitialMetadata])
    );
    assert!(!client.is_ended());
    assert_eq!(
        answer(&mut client, TRAILERS),
        Ok(vec![Event::Trailers(Code::Ok)])
    );
    assert!(client.is_ended());
    assert_eq!(answer(&mut client, b"\xff\xff"), Ok(vec![]));
    assert_eq!(client.handle_text(), Ok(()));
    assert_eq!(client.handle_close(Some(1011)), None);
}

/// statuscodes.md: a server may end the call before it has read all; the client stops sending.
#[test]
fn early_trailers_stop_the_client_even_inside_a_message() {
    let mut client = open_client();
    assert!(client.send_message(false, 100_000).is_ok());
    assert_eq!(
        answer(&mut client, TRAILERS),
        Ok(vec![Event::Trailers(Code::Ok)])
    );
    assert_eq!(client.resume(), None);
    assert_eq!(client.forward(HELLO), Err(SendError::OutOfOrder));
    assert_eq!(client.half_close(), Err(SendError::OutOfOrder));
}

/// statuscodes.md: DEADLINE_EXCEEDED is made by the client's own clock.
#[test]
fn a_deadline_ends_the_call_once_at_its_time() {
    let mut client = open_client();
    assert_eq!(client.poll_timeout(), None, "no deadline is infinity");
    client.set_deadline(Some(at(5)));
    assert_eq!(client.poll_timeout(), Some(at(5)));
    assert_eq!(client.handle_timeout(at(4)), None);
    assert_eq!(client.handle_timeout(at(5)), Some(Event::DeadlineExceeded));
    assert!(client.is_ended());
    assert_eq!(client.handle_timeout(at(6)), None);
    assert_eq!(client.poll_timeout(), None);
    assert_eq!(answer(&mut client, TRAILERS), Ok(vec![]), "too late");
    assert_eq!(client.handle_close(None), None);
    assert_eq!(client.half_close(), Err(SendError::OutOfOrder));
}

/// Cancellation and the deadline race with the trailers: who is first wins.
#[test]
fn trailers_before_the_deadline_win() {
    let mut client = open_client();
    client.set_deadline(Some(at(5)));
    assert_eq!(
        answer(&mut client, TRAILERS),
        Ok(vec![Event::Trailers(Code::Ok)])
    );
    assert_eq!(
        (client.poll_timeout(), client.handle_timeout(at(9))),
        (None, None)
    );
}

/// A call has one status: what the error said stands.
#[test]
fn an_error_is_repeated_and_no_deadline_follows_it() {
    let mut client = open_client();
    client.set_deadline(Some(at(5)));
    let error = answer(&mut client, b"\x81").unwrap_err();
    assert_eq!(
        (error.code(), error.close_code()),
        (Code::Internal, CloseCode::Protocol)
    );
    assert_eq!(error.blame(), Blame::Peer);
    assert_eq!(answer(&mut client, TRAILERS), Err(error));
    assert_eq!(client.handle_text(), Err(error));
    assert_eq!(
        (client.poll_timeout(), client.handle_timeout(at(9))),
        (None, None)
    );
    assert!(client.is_ended(), "the error was the end");
    assert_eq!(client.handle_close(Some(1000)), None);
}

/// PROTOCOL-HTTP2 "Length-Prefixed-Message", gRPC's message size limit: by the prefix.
#[test]
fn a_message_over_the_limit_is_refused_before_its_payload() {
    let mut client = Client::new(Limits::DEFAULT.with_max_message_len(5));
    assert_eq!(answer(&mut client, HELLO).map(|events| events.len()), Ok(1));
    let error = answer(&mut client, b"\0\0\0\0\x06").unwrap_err();
    assert_eq!(
        (error.code(), error.blame()),
        (Code::ResourceExhausted, Blame::Resource)
    );
    assert!(matches!(error, RecvError::Frame(_)));
}
