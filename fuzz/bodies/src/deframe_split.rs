//! However a stream of frames is sliced and taken, the same frames come out, and their framed bytes are
//! the stream.

use arbitrary::{Result, Unstructured};
use grpc_websocket_core::Limits;
use grpc_websocket_core::deframe::{DeframeError, Deframer};
use grpc_websocket_core::wire::prefix::{FrameKind, PREFIX_LEN, Prefix};

use crate::at_once::{MESSAGE, messages};
use crate::cuts::Cuts;
use crate::joiner::Joiner;
use crate::limits;

/// What a stream says: its complete frames, and how it ends.
#[derive(Debug, PartialEq, Eq)]
struct Frames {
    complete: Vec<(FrameKind, Vec<u8>)>,
    /// The bytes of the last frame that is not complete: with its prefix, and without.
    pending: (usize, usize),
    error: Option<DeframeError>,
}

/// Input: limits, a cutting plan, and the stream.
pub fn run(data: &[u8]) {
    let _ = check(&mut Unstructured::new(data));
}

fn check(input: &mut Unstructured<'_>) -> Result<()> {
    let limits = limits::read(input)?;
    let mut cuts = Cuts::read(input)?;
    let stream = input.bytes(input.len())?;
    let expected = read_by_hand(limits, stream);
    let slices = cuts.slices(stream);
    for at_once in [false, true] {
        assert_eq!(read(limits, stream, &[stream], at_once), expected);
        assert_eq!(read(limits, stream, &slices, at_once), expected);
    }
    Ok(())
}

/// `at_once`: messages that lie side by side are.
fn read(limits: Limits, stream: &[u8], slices: &[&[u8]], at_once: bool) -> Frames {
    let mut deframer = Deframer::new(limits);
    let mut joiner = Joiner::default();
    let mut complete = Vec::new();
    let mut framed = Vec::new();
    for &slice in slices {
        let mut rest = slice;
        loop {
            if at_once {
                let taken = deframer.next_messages(&mut rest);
                framed.extend_from_slice(taken);
                complete.extend(messages(taken).map(|piece| (MESSAGE, piece.payload.to_vec())));
            }
            let before = rest.len();
            let (kind, piece) = match deframer.next(&mut rest) {
                Ok(None) => break,
                Ok(Some(next)) => next,
                Err(error) => return Frames::failed(complete, error),
            };
            assert_eq!(piece.framed.len(), before - rest.len());
            assert!(!piece.framed.is_empty(), "nothing was taken");
            framed.extend_from_slice(piece.framed);
            complete.extend(joiner.take(kind, piece).map(|payload| (kind, payload)));
            assert_eq!(deframer.is_at_boundary(), joiner.pending() == (0, 0));
        }
        assert!(rest.is_empty(), "input was left over");
    }
    assert_eq!(framed, stream, "framed bytes are the stream");
    Frames {
        complete,
        pending: joiner.pending(),
        error: None,
    }
}

/// The same by a reader that has the whole stream before it.
fn read_by_hand(limits: Limits, stream: &[u8]) -> Frames {
    let mut complete = Vec::new();
    let mut rest = stream;
    while let Some((prefix, after)) = rest.split_first_chunk::<PREFIX_LEN>() {
        let prefix = match judge(limits, *prefix) {
            Ok(prefix) => prefix,
            Err(error) => return Frames::failed(complete, error),
        };
        let Some((payload, after)) = after.split_at_checked(prefix.len as usize) else {
            return Frames {
                complete,
                pending: (rest.len(), after.len()),
                error: None,
            };
        };
        complete.push((prefix.kind, payload.to_vec()));
        rest = after;
    }
    // Of a prefix that is not complete the flags alone can be wrong.
    let flags = rest.first().map(|&flags| FrameKind::from_flags(flags));
    match flags {
        Some(Err(error)) => Frames::failed(complete, error.into()),
        _ => Frames {
            complete,
            pending: (rest.len(), 0),
            error: None,
        },
    }
}

fn judge(limits: Limits, prefix: [u8; PREFIX_LEN]) -> std::result::Result<Prefix, DeframeError> {
    let prefix = Prefix::decode(prefix)?;
    let Prefix { kind, len } = prefix;
    let (message, metadata) = (limits.max_message_len, limits.max_metadata_len);
    match kind {
        FrameKind::Metadata if len > metadata => {
            Err(DeframeError::MetadataTooLong { max: metadata })
        }
        FrameKind::Message { .. } if len > message => {
            Err(DeframeError::MessageTooLong { len, max: message })
        }
        _ => Ok(prefix),
    }
}

impl Frames {
    fn failed(complete: Vec<(FrameKind, Vec<u8>)>, error: DeframeError) -> Self {
        Self {
            complete,
            pending: (0, 0),
            error: Some(error),
        }
    }
}
