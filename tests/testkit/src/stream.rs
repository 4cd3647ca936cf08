//! The byte stream of one direction of a call, and a reader that checks it as it arrives.

use core::fmt;
use core::ops::Range;
use grpc_websocket_core::deframe::Piece;

const PREFIX_LEN: usize = 5;
const MESSAGE: u8 = 0;
const COMPRESSED: u8 = 1;
const METADATA: u8 = 0x80;

/// Blocks and messages, framed as gRPC-Web does.
#[derive(Clone, Default)]
pub struct Stream {
    bytes: Vec<u8>,
    items: Vec<Item>,
}

/// One block or message of a stream.
#[derive(Debug, Clone)]
pub struct Item {
    /// The first byte of its prefix.
    pub flags: u8,
    /// Where it is in the stream, prefix included.
    pub range: Range<usize>,
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items = self.items.iter().map(|item| item.range.len());
        f.write_str("Stream of ")?;
        f.debug_list().entries(items).finish()
    }
}

impl Item {
    /// Whether it is a block of metadata.
    #[must_use]
    pub const fn is_metadata(&self) -> bool {
        self.flags == METADATA
    }

    const fn payload(&self) -> Range<usize> {
        self.range.start + PREFIX_LEN..self.range.end
    }
}

impl Stream {
    /// Adds a block of metadata.
    #[must_use]
    pub fn with_block(self, block: &str) -> Self {
        self.with_item(METADATA, block.as_bytes())
    }

    /// Adds a message whose bytes tell where in the stream they belong.
    #[must_use]
    pub fn with_message(self, len: usize, compressed: bool, salt: u32) -> Self {
        let start = self.bytes.len();
        let payload: Vec<u8> = (start..start + len).map(|at| pattern(at, salt)).collect();
        let flags = if compressed { COMPRESSED } else { MESSAGE };
        self.with_item(flags, &payload)
    }

    /// All bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Blocks and messages in order.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// How many bytes the first so many items take.
    #[must_use]
    pub fn end_of(&self, items: usize) -> usize {
        let last = items.min(self.items.len()).checked_sub(1);
        last.map_or(0, |last| self.items[last].range.end)
    }

    fn with_item(mut self, flags: u8, payload: &[u8]) -> Self {
        let start = self.bytes.len();
        let len = u32::try_from(payload.len()).unwrap();
        self.bytes.push(flags);
        self.bytes.extend_from_slice(&len.to_be_bytes());
        self.bytes.extend_from_slice(payload);
        let range = start..self.bytes.len();
        self.items.push(Item { flags, range });
        self
    }
}

fn pattern(at: usize, salt: u32) -> u8 {
    let mixed = (at as u32)
        .wrapping_add(salt.wrapping_mul(0x9e37_79b9))
        .wrapping_mul(0x85eb_ca6b);
    (mixed >> 24) as u8
}

/// Follows what arrives of a [`Stream`], and panics at the first difference.
#[derive(Debug, Clone, Default)]
pub struct Follower {
    at: usize,
    items: usize,
}

impl Follower {
    /// How many bytes arrived.
    #[must_use]
    pub const fn at(&self) -> usize {
        self.at
    }

    /// How many blocks and messages arrived to their end.
    #[must_use]
    pub const fn items(&self) -> usize {
        self.items
    }

    /// Whether everything arrived.
    #[must_use]
    pub fn is_complete(&self, stream: &Stream) -> bool {
        self.at == stream.bytes.len()
    }

    /// A piece of a block arrived.
    pub fn metadata(&mut self, stream: &Stream, piece: &Piece<'_>) {
        self.piece(stream, METADATA, piece);
    }

    /// A piece of a message arrived.
    pub fn message(&mut self, stream: &Stream, compressed: bool, piece: &Piece<'_>) {
        let flags = if compressed { COMPRESSED } else { MESSAGE };
        self.piece(stream, flags, piece);
    }

    fn piece(&mut self, stream: &Stream, flags: u8, piece: &Piece<'_>) {
        let item = stream.items.get(self.items).expect("more than was sent");
        assert_eq!(item.flags, flags, "another kind than was sent");
        let range = self.at..self.at + piece.framed.len();
        assert!(!range.is_empty(), "a piece of nothing");
        assert!(range.end <= item.range.end, "a piece of two frames");
        assert!(
            stream.bytes[range.clone()] == *piece.framed,
            "other bytes than were sent, at {range:?}"
        );
        check_views(item, &range, piece);
        self.at = range.end;
        self.items += usize::from(piece.end);
    }
}

/// What a piece says of itself must follow from where it is.
fn check_views(item: &Item, range: &Range<usize>, piece: &Piece<'_>) {
    let payload = item.payload();
    let begins = range.start < payload.start && payload.start <= range.end;
    assert_eq!(piece.start.is_some(), begins, "the start of the payload");
    if let Some(prefix) = piece.start {
        assert_eq!(prefix.len as usize, payload.len(), "the length announced");
        assert_eq!(prefix.kind.flags(), item.flags, "the kind announced");
    }
    let payload_len = range.end.saturating_sub(range.start.max(payload.start));
    assert_eq!(
        piece.payload.len(),
        payload_len,
        "the length of the payload"
    );
    assert!(piece.framed.ends_with(piece.payload), "payload and framed");
    assert_eq!(piece.end, range.end == item.range.end, "the end of a frame");
}
