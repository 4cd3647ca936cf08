//! What is under way.

use grpc_websocket_testkit::frame::Frame;

/// A message that one end wrote and the other has not read to its end.
pub(crate) struct Message {
    pub(crate) bytes: Vec<u8>,
    pub(crate) read: usize,
    pub(crate) frame: Frame,
    /// The events that it brought so far.
    pub(crate) brought: Vec<Brought>,
}

/// An event, as far as the frame that brought it decides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Brought {
    Ready,
    Opened,
    HalfClosed,
    Credit,
    Ended,
    GoAway,
}

impl Message {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self {
            frame: Frame::parse(&bytes),
            bytes,
            read: 0,
            brought: Vec::new(),
        }
    }
}
