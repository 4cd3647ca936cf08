//! Metadata and status, as both roles read them.

use grpc_websocket_core::deframe::DeframeError;
use grpc_websocket_core::wire::metadata::{encode_binary, fields, is_valid_value};
use grpc_websocket_core::wire::status::percent_decode;
use grpc_websocket_core::{Code, Event, Limits, RecvError};

use crate::*;

fn frame(block: &[u8]) -> Vec<u8> {
    let len = u32::try_from(block.len()).unwrap().to_be_bytes();
    [&[0x80], &len[..], block].concat()
}

/// PROTOCOL-HTTP2 "Status-Message": what the message is never changes the status, and decoding
/// loses nothing of it.
#[test]
fn no_grpc_message_costs_the_status() {
    for message in [&b"caf\xc3\xa9"[..], b"\xff", b"%ff%", b"100%", b"", b"%00"] {
        let block = [b"grpc-status: 5\r\ngrpc-message: ", message, b"\r\n"].concat();
        let events = vec![Event::Trailers(Code::NotFound)];
        assert_eq!(answer(&mut client(), &frame(&block)), Ok(events));
        let field = fields(&block).nth(1).unwrap().unwrap();
        assert_eq!(field.value(), message);
        assert!(percent_decode(message).count() >= message.len() / 3);
    }
}

/// PROTOCOL-HTTP2 "Custom-Metadata": an invalid value may be dropped, and is no error.
#[test]
fn a_value_outside_ascii_is_told_and_does_not_end_the_call() {
    let block = b"x: \xff\x01\r\ny: ok\r\n";
    assert_eq!(
        serve(&mut server(), block),
        Ok(vec![Event::InitialMetadata])
    );
    assert_eq!(
        answer(&mut client(), &frame(block)),
        Ok(vec![Event::InitialMetadata])
    );
    let valid: Vec<_> = fields(block)
        .map(|field| is_valid_value(field.unwrap().value()))
        .collect();
    assert_eq!(valid, [false, true]);
}

/// PROTOCOL-HTTP2 "Custom-Metadata": duplicates keep their order; only `-bin` values are split.
#[test]
fn repeated_keys_keep_their_order_and_their_commas() {
    let block = b"a: 1, 2\r\nb: x\r\nA: 3\r\na: \r\n";
    let values: Vec<_> = fields(block)
        .map(Result::unwrap)
        .filter(|field| field.is("a"))
        .map(|field| field.value())
        .collect();
    assert_eq!(values, [&b"1, 2"[..], b"3", b""]);
}

/// PROTOCOL-HTTP2 "Custom-Metadata": written without padding (the recorded value of both ends).
#[test]
fn binary_values_are_written_without_padding() {
    let mut out = [0; 8];
    assert_eq!(
        encode_binary(&[0, 1, 2, 0xff], &mut out),
        Ok(&b"AAEC/w"[..])
    );
}

/// RFC 9113 section 6.5.2 by way of gRPC's header limits: name + value + 32 for each field,
/// of initial metadata in both directions and of trailers.
#[test]
fn metadata_is_measured_as_http2_measures_it() {
    let block = b"a: b\r\ncc: dd\r\n";
    let size = (1 + 1 + 32) + (2 + 2 + 32);
    let limits = |max| Limits::DEFAULT.with_max_metadata_len(max);
    let too_long = |max| Err(RecvError::Frame(DeframeError::MetadataTooLong { max }));

    let serve = |max| serve(&mut Server::new(Instant::EPOCH, limits(max)), block);
    assert_eq!(serve(size), Ok(vec![Event::InitialMetadata]));
    assert_eq!(serve(size - 1), too_long(size - 1));

    let initial = frame(block);
    let read = |max| answer(&mut Client::new(limits(max)), &initial);
    assert_eq!(read(size), Ok(vec![Event::InitialMetadata]));
    assert_eq!(read(size - 1), too_long(size - 1));

    let both = [frame(b""), frame(block)].concat();
    let read = |max| answer(&mut Client::new(limits(max)), &both);
    assert_eq!(
        read(size),
        Ok(vec![Event::InitialMetadata, Event::Trailers(Code::Unknown)])
    );
    assert_eq!(read(size - 1), too_long(size - 1));
}

/// Each block has the limit for itself.
#[test]
fn trailers_are_measured_apart_from_initial_metadata() {
    let limits = Limits::DEFAULT.with_max_metadata_len(50);
    let mut client = Client::new(limits);
    assert_eq!(
        answer(&mut client, INITIAL),
        Ok(vec![Event::InitialMetadata])
    );
    assert_eq!(
        answer(&mut client, TRAILERS),
        Ok(vec![Event::Trailers(Code::Ok)])
    );
}

/// http-grpc-status-mapping.md: a status is made up only when there is none; a Close has none.
#[test]
fn a_close_never_replaces_a_status() {
    let mut refused = client();
    assert_eq!(
        answer(&mut refused, &frame(b"grpc-status: 7")).map(|events| events.len()),
        Ok(1)
    );
    assert_eq!(refused.handle_close(Some(1009)), None);
    assert_eq!(
        client().handle_close(Some(1009)),
        Some(Code::ResourceExhausted)
    );
}
