//! Cuts a byte stream of prefixed frames into its frames, as it arrives.
//!
//! ```text
//!  fragments in            pieces out, each a view of the fragment
//!  [00 00 00][00 05 h e]   framed "00 00 00"        payload ""    (prefix not complete)
//!                          framed "00 05 h e"       payload "he"  start = 5 bytes
//!  [l l o 80 ..]           framed "l l o"           payload "llo" end
//!                          framed "80 .." ...
//! ```
//!
//! The `framed` slices of all pieces, one after the other, are the stream itself; the `payload`
//! slices between a `start` and an `end` are one frame's payload. An adapter that passes gRPC's
//! own framing on takes the first, an application the second; neither copies.

use crate::limits::Limits;
use crate::wire::prefix::{FrameKind, Prefix, PrefixError};

/// A part of one frame. It borrows the input, not the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'i> {
    /// The frame's prefix, on the piece that completes it: the payload begins with this piece.
    pub start: Option<Prefix>,
    /// All bytes of the input this piece stands for, those of the prefix included.
    pub framed: &'i [u8],
    /// The payload bytes among them: the tail of `framed`. May be empty.
    pub payload: &'i [u8],
    /// The frame is complete with this piece.
    pub end: bool,
}

/// The machine: constant memory, nothing buffered but the five bytes of a prefix.
#[derive(Debug, Clone)]
pub struct Deframer {
    limits: Limits,
    frames: Frames,
}

impl Deframer {
    /// A machine at the start of a stream.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            frames: Frames::new(),
        }
    }

    /// Whether the stream may end here: no frame is begun. A stream that ends elsewhere is
    /// truncated, which is never a clean end.
    #[must_use]
    pub const fn is_at_boundary(&self) -> bool {
        self.frames.is_at_boundary()
    }

    /// Takes the next piece off the front of `input`; `None` when `input` is empty.
    ///
    /// Each call takes at least one byte, at most to the end of the frame, in constant time.
    ///
    /// # Errors
    /// Refused flags, and a frame longer than the limit of its kind: found with the prefix, before
    /// any of the payload. The stream cannot be read on after an error.
    pub fn next<'i>(
        &mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<(FrameKind, Piece<'i>)>, DeframeError> {
        self.frames.next(&self.limits, input)
    }

    /// Takes the whole messages off the front of `input` that are not compressed, all at once: for who
    /// passes them on and wants no event of each. Empty where no frame may begin, where another begins,
    /// and on a device, whose short input is not worth the code. [`next`](Self::next) goes on from there.
    ///
    /// Takes time for each message, at most one for five bytes.
    pub fn next_messages<'i>(&mut self, input: &mut &'i [u8]) -> &'i [u8] {
        self.frames.next_messages(&self.limits, input)
    }
}

/// A [`Deframer`] whose limits are kept elsewhere: connections of many calls have them once.
#[derive(Debug, Clone)]
pub(crate) struct Frames {
    /// The kind of the frame that is begun.
    kind: FrameKind,
    /// How many bytes of its prefix came.
    filled: u8,
    /// Until the prefix is whole, as much of the length as came; then how much of the payload is
    /// still to come.
    left: u32,
}

/// [`Frames::filled`] while a payload is read.
const IN_PAYLOAD: u8 = 5;

impl Frames {
    pub(crate) const fn new() -> Self {
        Self {
            kind: FrameKind::Metadata,
            filled: 0,
            left: 0,
        }
    }

    pub(crate) const fn is_at_boundary(&self) -> bool {
        self.filled == 0
    }

    /// The kind of the frame that is begun and not complete.
    pub(crate) fn begun(&self) -> Option<FrameKind> {
        (!self.is_at_boundary()).then_some(self.kind)
    }

    /// As [`Deframer::next`].
    pub(crate) fn next<'i>(
        &mut self,
        limits: &Limits,
        input: &mut &'i [u8],
    ) -> Result<Option<(FrameKind, Piece<'i>)>, DeframeError> {
        let whole = *input;
        if whole.is_empty() {
            return Ok(None);
        }
        let mut piece = Piece {
            start: None,
            framed: whole,
            payload: &[],
            end: false,
        };
        if self.filled != IN_PAYLOAD {
            piece.start = self.take_prefix(limits, input)?;
            if piece.start.is_none() {
                return Ok(Some((self.kind, piece)));
            }
        }
        piece.payload = take_payload(input, &mut self.left);
        piece.end = self.left == 0;
        if piece.end {
            self.filled = 0;
        }
        let framed = whole.len().saturating_sub(input.len());
        piece.framed = whole.get(..framed).unwrap_or_default();
        Ok(Some((self.kind, piece)))
    }

    /// As [`Deframer::next_messages`]. What is left behind is as if the messages had come one by one.
    pub(crate) fn next_messages<'i>(&mut self, limits: &Limits, input: &mut &'i [u8]) -> &'i [u8] {
        let whole = *input;
        if cfg!(target_os = "none") || !self.is_at_boundary() {
            return &[];
        }
        let mut rest = whole;
        while let Some((prefix, body)) = rest.split_first_chunk()
            && let Ok(prefix) = Prefix::decode(*prefix)
            && prefix.kind == (FrameKind::Message { compressed: false })
            && check_len(limits, prefix.kind, prefix.len).is_ok()
            && let Ok(len) = usize::try_from(prefix.len)
            && let Some(after) = body.get(len..)
        {
            rest = after;
            self.kind = prefix.kind;
        }
        *input = rest;
        let taken = whole.len().saturating_sub(rest.len());
        whole.get(..taken).unwrap_or_default()
    }

    /// Takes bytes of the prefix off the front of `input`; the prefix itself once it is complete.
    fn take_prefix(
        &mut self,
        limits: &Limits,
        input: &mut &[u8],
    ) -> Result<Option<Prefix>, DeframeError> {
        // Most prefixes come whole. A device does with the loop, for it is there anyway.
        if cfg!(not(target_os = "none"))
            && self.filled == 0
            && let [flags, a, b, c, d, rest @ ..] = *input
        {
            self.kind = FrameKind::from_flags(*flags)?;
            self.left = u32::from_be_bytes([*a, *b, *c, *d]);
            *input = rest;
            return self.end_prefix(limits).map(Some);
        }
        while let Some((&byte, rest)) = input.split_first() {
            if self.filled == 0 {
                self.kind = FrameKind::from_flags(byte)?;
            }
            // The flags are pushed out by the length.
            self.left = (self.left << 8) | u32::from(byte);
            self.filled = self.filled.saturating_add(1);
            *input = rest;
            if self.filled == IN_PAYLOAD {
                return self.end_prefix(limits).map(Some);
            }
        }
        Ok(None)
    }

    /// The prefix is whole.
    fn end_prefix(&mut self, limits: &Limits) -> Result<Prefix, DeframeError> {
        let (kind, len) = (self.kind, self.left);
        check_len(limits, kind, len)?;
        self.filled = IN_PAYLOAD;
        Ok(Prefix { kind, len })
    }
}

fn check_len(limits: &Limits, kind: FrameKind, len: u32) -> Result<(), DeframeError> {
    match kind {
        FrameKind::Message { .. } if len > limits.max_message_len => {
            Err(DeframeError::MessageTooLong {
                len,
                max: limits.max_message_len,
            })
        }
        FrameKind::Metadata if len > limits.max_metadata_len => {
            Err(DeframeError::MetadataTooLong {
                max: limits.max_metadata_len,
            })
        }
        _ => Ok(()),
    }
}

/// Cuts the payload off the front of `input`, as much of what is `left` of it as is there.
fn take_payload<'i>(input: &mut &'i [u8], left: &mut u32) -> &'i [u8] {
    let most = usize::try_from(*left).unwrap_or(usize::MAX);
    let (payload, rest) = input.split_at_checked(most).unwrap_or((*input, &[]));
    *input = rest;
    *left = left.saturating_sub(u32::try_from(payload.len()).unwrap_or(u32::MAX));
    payload
}

/// Why a stream cannot be read on. The peer is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeframeError {
    /// The flags byte of a frame.
    #[error(transparent)]
    Prefix(#[from] PrefixError),
    /// A message over [`Limits::max_message_len`].
    #[error("a message of {len} bytes is longer than the limit of {max} bytes")]
    MessageTooLong {
        /// The length its prefix announced.
        len: u32,
        /// The limit.
        max: u32,
    },
    /// A metadata block over [`Limits::max_metadata_len`].
    #[error("metadata is larger than the limit of {max} bytes")]
    MetadataTooLong {
        /// The limit.
        max: u32,
    },
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    const MESSAGE: FrameKind = FrameKind::Message { compressed: false };

    /// The frames of a stream that is fed in chunks, and the bytes that came out as framed.
    type Frames = (Vec<(FrameKind, Vec<u8>)>, Vec<u8>);

    /// One by one, or messages that lie side by side at once after another.
    fn deframe<'i>(
        chunks: impl Iterator<Item = &'i [u8]>,
        at_once: bool,
    ) -> Result<Frames, DeframeError> {
        let mut deframer = Deframer::new(Limits::DEFAULT);
        let (mut frames, mut framed, mut payload) = (Vec::new(), Vec::new(), Vec::new());
        for mut chunk in chunks {
            while let Some((kind, piece)) = deframer.next(&mut chunk)? {
                assert!(piece.framed.ends_with(piece.payload) && !piece.framed.is_empty());
                framed.extend_from_slice(piece.framed);
                payload.extend_from_slice(piece.payload);
                if piece.end {
                    frames.push((kind, core::mem::take(&mut payload)));
                }
                if at_once {
                    let mut messages = deframer.next_messages(&mut chunk);
                    framed.extend_from_slice(messages);
                    while let Some((prefix, rest)) = messages.split_first_chunk() {
                        let prefix = Prefix::decode(*prefix).unwrap();
                        let len = usize::try_from(prefix.len).unwrap();
                        let (message, rest) = rest.split_at(len);
                        assert_eq!(prefix.kind, MESSAGE);
                        frames.push((MESSAGE, message.to_vec()));
                        messages = rest;
                    }
                }
            }
        }
        assert!(payload.is_empty() || !deframer.is_at_boundary());
        Ok((frames, framed))
    }

    #[test]
    fn a_message_in_one_fragment_is_one_piece() {
        let mut input = &b"\0\0\0\0\x02hi\x01\0\0\0\0"[..];
        let mut deframer = Deframer::new(Limits::DEFAULT);
        let (kind, piece) = deframer.next(&mut input).unwrap().unwrap();
        assert_eq!(
            (kind, piece.payload, piece.end),
            (MESSAGE, &b"hi"[..], true)
        );
        assert_eq!(piece.start, Some(Prefix { kind, len: 2 }));
        let (kind, piece) = deframer.next(&mut input).unwrap().unwrap();
        assert_eq!(kind, FrameKind::Message { compressed: true });
        assert_eq!((piece.payload, piece.end), (&b""[..], true));
        assert_eq!(deframer.next(&mut input), Ok(None));
        assert!(deframer.is_at_boundary());
    }

    #[test]
    fn a_length_over_the_limit_is_refused_with_the_prefix_alone() {
        let mut deframer = Deframer::new(Limits::DEFAULT);
        let mut input = &[0, 0xff, 0xff, 0xff, 0xff][..];
        let max = Limits::DEFAULT.max_message_len;
        let expected = DeframeError::MessageTooLong { len: u32::MAX, max };
        assert_eq!(deframer.next(&mut input), Err(expected));

        let mut deframer = Deframer::new(Limits::DEFAULT);
        let mut input = &[0x80, 0, 1, 0, 0][..];
        let max = Limits::DEFAULT.max_metadata_len;
        assert_eq!(
            deframer.next(&mut input),
            Err(DeframeError::MetadataTooLong { max })
        );
    }

    #[test]
    fn bad_flags_are_refused_with_the_first_byte() {
        let mut deframer = Deframer::new(Limits::DEFAULT);
        let expected = DeframeError::Prefix(PrefixError::UnknownFlags(2));
        assert_eq!(deframer.next(&mut &[2_u8][..]), Err(expected));
    }

    prop_compose! {
        fn stream()(frames in prop::collection::vec(
            (0..3_usize, prop::collection::vec(any::<u8>(), 0..20)), 0..6,
        )) -> Vec<(FrameKind, Vec<u8>)> {
            let kinds = [MESSAGE, FrameKind::Message { compressed: true }, FrameKind::Metadata];
            frames.into_iter().map(|(kind, payload)| (kinds[kind], payload)).collect()
        }
    }

    proptest! {
        #[test]
        fn any_slicing_gives_the_same_frames(frames in stream(), cuts in prop::collection::vec(1..60_usize, 1..60)) {
            let mut bytes = Vec::new();
            for (kind, payload) in &frames {
                let len = u32::try_from(payload.len()).unwrap();
                bytes.extend_from_slice(&Prefix { kind: *kind, len }.encode());
                bytes.extend_from_slice(payload);
            }
            for at_once in [false, true] {
                let mut rest = bytes.as_slice();
                let mut cuts = cuts.iter().cycle();
                let chunks = core::iter::from_fn(|| {
                    let (chunk, after) = rest.split_at(rest.len().min(*cuts.next()?));
                    rest = after;
                    (!chunk.is_empty()).then_some(chunk)
                });
                let (got, framed) = deframe(chunks, at_once).unwrap();
                prop_assert_eq!(&got, &frames);
                prop_assert_eq!(&framed, &bytes);
            }
        }

        #[test]
        fn noise_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(deframe(bytes.chunks(7), false), deframe(bytes.chunks(7), true));
        }
    }
}
