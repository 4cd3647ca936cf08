//! Uses of results, so that nothing that makes them is left out.

use core::hint::black_box;

use grpc_websocket_core::call::Segment;
use grpc_websocket_core::mux::{self, ConnectionError};
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

pub(crate) fn mux_event(result: Result<Option<mux::Event<'_>>, ConnectionError>) {
    match result {
        Ok(Some(mux::Event::Ended { call, end })) => {
            black_box((call, end, end.code()));
        }
        Ok(event) => {
            black_box(event);
        }
        Err(error) => connection_error(Err(error)),
    }
}

pub(crate) fn connection_error(result: Result<(), ConnectionError>) {
    if let Err(error) = result {
        black_box((error.blame(), error.code(), error.close_code().value()));
        black_box(error.text());
    }
}
