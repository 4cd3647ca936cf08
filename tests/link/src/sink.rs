//! Uses of results, so that nothing that makes them is left out.

use core::hint::black_box;

use grpc_websocket_core::call::Segment;
use grpc_websocket_core::{Event, RecvError, SendError};

pub(crate) fn event(result: Result<Option<Event<'_>>, RecvError>) {
    match result {
        Ok(event) => {
            black_box(event);
        }
        Err(error) => recv_error(error),
    }
}

pub(crate) fn recv_error(error: RecvError) {
    black_box((error.blame(), error.code(), error.close_code().value()));
}

pub(crate) fn segment(result: Result<Segment, SendError>) {
    match result {
        Ok(segment) => {
            black_box((segment.head(), segment.payload_len()));
        }
        Err(error) => {
            black_box(error.blame());
        }
    }
}
