//! The 5-byte prefix: `flags: u8`, `len: u32` big-endian.
//!
//! gRPC PROTOCOL-HTTP2 "Length-Prefixed-Message" gives bit 0 of the flags to compression;
//! PROTOCOL-WEB gives bit 7 to metadata blocks. All other bits are reserved.

/// Length of an encoded [`Prefix`] in bytes.
pub const PREFIX_LEN: usize = 5;

const COMPRESSED: u8 = 0x01;
const METADATA: u8 = 0x80;

/// What a frame of the byte stream carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FrameKind {
    /// A gRPC message (flags `00`, or `01` when compressed by the call's `grpc-encoding`).
    Message {
        /// Whether the payload is compressed.
        compressed: bool,
    },
    /// A block of initial or trailing metadata (flags `80`).
    Metadata,
}

impl FrameKind {
    /// Reads the flags byte.
    ///
    /// # Errors
    /// Reserved bits, and the compressed metadata block (`81`) that PROTOCOL-WEB allows but no
    /// implementation sends, are refused.
    pub const fn from_flags(flags: u8) -> Result<Self, PrefixError> {
        match flags {
            0 => Ok(Self::Message { compressed: false }),
            COMPRESSED => Ok(Self::Message { compressed: true }),
            METADATA => Ok(Self::Metadata),
            0x81 => Err(PrefixError::CompressedMetadata),
            other => Err(PrefixError::UnknownFlags(other)),
        }
    }

    /// The flags byte of this kind.
    #[must_use]
    pub const fn flags(self) -> u8 {
        match self {
            Self::Message { compressed: false } => 0,
            Self::Message { compressed: true } => COMPRESSED,
            Self::Metadata => METADATA,
        }
    }
}

/// The decoded prefix of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Prefix {
    /// What follows.
    pub kind: FrameKind,
    /// How many payload bytes follow.
    pub len: u32,
}

impl Prefix {
    /// The five bytes on the wire.
    ///
    /// ```
    /// use grpc_websocket_core::wire::prefix::{FrameKind, Prefix};
    /// let prefix = Prefix { kind: FrameKind::Metadata, len: 0x0102 };
    /// assert_eq!(prefix.encode(), [0x80, 0, 0, 1, 2]);
    /// assert_eq!(Prefix::decode(prefix.encode()), Ok(prefix));
    /// ```
    #[must_use]
    pub const fn encode(self) -> [u8; PREFIX_LEN] {
        let [a, b, c, d] = self.len.to_be_bytes();
        [self.kind.flags(), a, b, c, d]
    }

    /// Reads the five bytes from the wire. The length is not judged here: see [`crate::Limits`].
    ///
    /// # Errors
    /// As [`FrameKind::from_flags`].
    pub const fn decode(bytes: [u8; PREFIX_LEN]) -> Result<Self, PrefixError> {
        let [flags, a, b, c, d] = bytes;
        match FrameKind::from_flags(flags) {
            Ok(kind) => Ok(Self {
                kind,
                len: u32::from_be_bytes([a, b, c, d]),
            }),
            Err(error) => Err(error),
        }
    }
}

/// Why a prefix was refused. The peer is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PrefixError {
    /// A reserved flag bit is set.
    #[error("reserved bits set in the frame flags {0:#04x}")]
    UnknownFlags(u8),
    /// Flags `81`.
    #[error("compressed metadata blocks are not supported")]
    CompressedMetadata,
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTHS: [u32; 10] = [
        0,
        1,
        5,
        255,
        256,
        65_535,
        65_536,
        1 << 24,
        u32::MAX - 1,
        u32::MAX,
    ];

    #[test]
    fn every_flags_byte_with_ten_lengths() {
        for flags in 0..=255_u8 {
            for len in LENGTHS {
                let [a, b, c, d] = len.to_be_bytes();
                let bytes = [flags, a, b, c, d];
                match (flags, Prefix::decode(bytes)) {
                    (0x00 | 0x01 | 0x80, Ok(prefix)) => {
                        assert_eq!(prefix.len, len);
                        assert_eq!(prefix.encode(), bytes);
                    }
                    (0x81, got) => assert_eq!(got, Err(PrefixError::CompressedMetadata)),
                    (_, got) => assert_eq!(got, Err(PrefixError::UnknownFlags(flags))),
                }
            }
        }
    }
}
