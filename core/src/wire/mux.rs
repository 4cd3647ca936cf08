//! The header of a frame of `grpc-mux.v1`, and its SETTINGS (SPEC.md#frames, SPEC.md#settings).

use crate::mux::Side;

/// The length of a frame's header in bytes.
pub const HEADER_LEN: usize = 5;

/// The longest control frame in bytes, its header included. RFC 6455 has the same bound for its
/// own control frames.
pub const MAX_CONTROL_FRAME: usize = 125;

const DATA: u8 = 0;
const WINDOW: u8 = 1;
const RESET: u8 = 2;
const PING: u8 = 3;
const GOAWAY: u8 = 4;
const SETTINGS: u8 = 5;

/// What a frame is, with its flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FrameType {
    /// A slice of a call's stream of gRPC-Web frames.
    Data {
        /// The first frame of a call.
        open: bool,
        /// The last frame of its sender on this call.
        end: bool,
    },
    /// Credit for a call.
    Window,
    /// The end of a call.
    Reset {
        /// The call was not processed; it is safe to make it again.
        refused: bool,
    },
    /// Is anybody there?
    Ping {
        /// Yes.
        ack: bool,
    },
    /// No more calls.
    GoAway,
    /// What the sender takes.
    Settings,
    /// A type for extensions, which is ignored.
    Extension(u8),
}

impl FrameType {
    const fn byte(self) -> u8 {
        let (kind, flags) = match self {
            Self::Data { open, end } => (DATA, flag(open, 1) | flag(end, 2)),
            Self::Window => (WINDOW, 0),
            Self::Reset { refused } => (RESET, flag(refused, 1)),
            Self::Ping { ack } => (PING, flag(ack, 1)),
            Self::GoAway => (GOAWAY, 0),
            Self::Settings => (SETTINGS, 0),
            Self::Extension(kind) => (kind, 0),
        };
        (kind << 4) | flags
    }

    const fn from_byte(byte: u8) -> Result<Self, HeaderError> {
        let (kind, flags) = (byte >> 4, byte & 0x0f);
        let (is_first, is_second) = (flags & 1 != 0, flags & 2 != 0);
        let (known_flags, decoded) = match kind {
            DATA => {
                let (open, end) = (is_first, is_second);
                (3, Self::Data { open, end })
            }
            WINDOW => (0, Self::Window),
            RESET => (1, Self::Reset { refused: is_first }),
            PING => (1, Self::Ping { ack: is_first }),
            GOAWAY => (0, Self::GoAway),
            SETTINGS => (0, Self::Settings),
            8..=15 => (0x0f, Self::Extension(kind)),
            _ => return Err(HeaderError::UnknownType),
        };
        if flags & !known_flags != 0 {
            return Err(HeaderError::ReservedFlags);
        }
        Ok(decoded)
    }
}

const fn flag(set: bool, bit: u8) -> u8 {
    if set { bit } else { 0 }
}

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Header {
    /// What follows.
    pub kind: FrameType,
    /// The call's id, or what the type has in its place. At most [`MAX_ID`].
    pub id: u32,
}

/// The highest id.
pub const MAX_ID: u32 = 0x7fff_ffff;

impl Header {
    /// The five bytes on the wire.
    ///
    /// ```
    /// use grpc_websocket_core::wire::mux::{FrameType, Header};
    /// let header = Header { kind: FrameType::Data { open: true, end: true }, id: 1 };
    /// assert_eq!(header.encode(), [0x03, 0, 0, 0, 1]);
    /// assert_eq!(Header::decode(header.encode()), Ok(header));
    /// ```
    #[must_use]
    pub const fn encode(self) -> [u8; HEADER_LEN] {
        let [a, b, c, d] = self.id.to_be_bytes();
        [self.kind.byte(), a, b, c, d]
    }

    /// Reads the five bytes from the wire.
    ///
    /// # Errors
    /// Types 6 and 7, flags that the type does not have, and the reserved bit of the id.
    pub const fn decode(bytes: [u8; HEADER_LEN]) -> Result<Self, HeaderError> {
        let [kind, a, b, c, d] = bytes;
        let id = u32::from_be_bytes([a, b, c, d]);
        if id > MAX_ID {
            return Err(HeaderError::ReservedId);
        }
        match FrameType::from_byte(kind) {
            Ok(kind) => Ok(Self { kind, id }),
            Err(error) => Err(error),
        }
    }
}

/// Why a header was refused. The peer is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// Type 6 or 7.
    #[error("a frame of an unknown type")]
    UnknownType,
    /// Flags that the type does not have.
    #[error("reserved flags are set")]
    ReservedFlags,
    /// The highest bit of the id.
    #[error("the reserved bit of an id is set")]
    ReservedId,
}

/// What one side takes, as its SETTINGS frame says it (SPEC.md#settings).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Settings {
    /// The longest payload of a DATA frame in bytes; 64 to 16,777,216.
    pub max_frame: u32,
    /// The credit each call begins with, in bytes; 64 to 2^31 - 1.
    pub initial_window: u32,
    /// How many calls the peer may have open.
    pub max_streams: u32,
    /// The largest block of metadata: name + value + 32 bytes for each field.
    pub max_header: u32,
    /// The longest message in bytes; 0 is unsaid.
    pub max_message: u32,
    /// How often the peer is asked to send something at least, in milliseconds; 0 is never.
    pub keepalive_ms: u32,
    /// Features, of which none is defined yet.
    pub features: u32,
}

const MAX_FRAME: u8 = 1;
const INITIAL_WINDOW: u8 = 2;
const MAX_STREAMS: u8 = 3;
const MAX_HEADER: u8 = 4;
const MAX_MESSAGE: u8 = 5;
const KEEPALIVE_MS: u8 = 6;
const FEATURES: u8 = 7;

/// The length of a setting in bytes.
pub(crate) const SETTING_LEN: usize = 5;

/// How many settings there are.
const SETTING_COUNT: usize = 7;

/// The longest SETTINGS payload that [`Settings::encode`] makes.
pub const MAX_SETTINGS_LEN: usize = 35;

impl Settings {
    /// The shortest [`Settings::max_frame`] and [`Settings::initial_window`].
    pub const MIN_BYTES: u32 = 64;
    /// The longest [`Settings::max_frame`].
    pub const LONGEST_FRAME: u32 = 1 << 24;

    /// What a side takes that leaves all settings out.
    #[must_use]
    pub const fn of(side: Side) -> Self {
        Self {
            max_frame: 512,
            initial_window: 512,
            max_streams: match side {
                Side::Dialer => 0,
                Side::Acceptor => 1,
            },
            max_header: 8192,
            max_message: 0,
            keepalive_ms: 0,
            features: 0,
        }
    }

    /// Writes the payload of a SETTINGS frame of that side: the settings that differ from its
    /// defaults. Returns its length.
    pub fn encode(&self, side: Side, out: &mut [u8; MAX_SETTINGS_LEN]) -> usize {
        let defaults = Self::of(side).entries();
        let mut slots = out.chunks_exact_mut(SETTING_LEN);
        let mut len: usize = 0;
        for ((key, value), (_, default)) in self.entries().iter().zip(&defaults) {
            if value == default {
                continue;
            }
            let [a, b, c, d] = value.to_be_bytes();
            let bytes = [*key, a, b, c, d];
            for (place, byte) in slots.next().into_iter().flatten().zip(bytes) {
                *place = byte;
                len = len.saturating_add(1);
            }
        }
        len
    }

    /// Takes one setting from the wire; keys that are not known are ignored.
    ///
    /// # Errors
    /// A value out of its range.
    pub const fn apply(&mut self, key: u8, value: u32) -> Result<(), InvalidSetting> {
        match key {
            MAX_FRAME if value < Self::MIN_BYTES || value > Self::LONGEST_FRAME => {
                return Err(InvalidSetting { key, value });
            }
            INITIAL_WINDOW if value < Self::MIN_BYTES || value > MAX_ID => {
                return Err(InvalidSetting { key, value });
            }
            MAX_FRAME => self.max_frame = value,
            INITIAL_WINDOW => self.initial_window = value,
            MAX_STREAMS => self.max_streams = value,
            MAX_HEADER => self.max_header = value,
            MAX_MESSAGE => self.max_message = value,
            KEEPALIVE_MS => self.keepalive_ms = value,
            FEATURES => self.features = value,
            _ => {}
        }
        Ok(())
    }

    const fn entries(&self) -> [(u8, u32); SETTING_COUNT] {
        [
            (MAX_FRAME, self.max_frame),
            (INITIAL_WINDOW, self.initial_window),
            (MAX_STREAMS, self.max_streams),
            (MAX_HEADER, self.max_header),
            (MAX_MESSAGE, self.max_message),
            (KEEPALIVE_MS, self.keepalive_ms),
            (FEATURES, self.features),
        ]
    }
}

/// A setting out of its range. The peer is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("setting {key} cannot be {value}")]
pub struct InvalidSetting {
    /// Its key.
    pub key: u8,
    /// Its value.
    pub value: u32,
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    #[test]
    fn every_first_byte_is_a_type_with_its_flags_or_refused() {
        for byte in 0..=255_u8 {
            let decoded = Header::decode([byte, 0, 0, 0, 7]);
            let expected = match byte {
                0x00..=0x03 | 0x10 | 0x20 | 0x21 | 0x30 | 0x31 | 0x40 | 0x50 => Ok(byte),
                0x80..=0xff => Ok(byte & 0xf0),
                0x60..=0x7f => Err(HeaderError::UnknownType),
                _ => Err(HeaderError::ReservedFlags),
            };
            assert_eq!(
                decoded.map(|header| header.encode()[0]),
                expected,
                "{byte:#04x}"
            );
        }
    }

    #[test]
    fn the_reserved_bit_of_an_id_is_refused() {
        let decoded = Header::decode([0, 0x80, 0, 0, 1]);
        assert_eq!(decoded, Err(HeaderError::ReservedId));
        let highest = Header::decode([0, 0x7f, 0xff, 0xff, 0xff]).map(|header| header.id);
        assert_eq!(highest, Ok(MAX_ID));
    }

    #[test]
    fn settings_say_what_differs_from_the_defaults() {
        let mut out = [0; MAX_SETTINGS_LEN];
        assert_eq!(Settings::of(Side::Dialer).encode(Side::Dialer, &mut out), 0);
        assert_eq!(
            Settings::of(Side::Dialer).encode(Side::Acceptor, &mut out),
            5
        );
        let settings = Settings {
            initial_window: 2048,
            max_message: 9,
            ..Settings::of(Side::Acceptor)
        };
        let len = settings.encode(Side::Acceptor, &mut out);
        assert_eq!(out.get(..len), Some(&[2, 0, 0, 8, 0, 5, 0, 0, 0, 9][..]));
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let mut settings = Settings::of(Side::Dialer);
        for (key, value) in [(1, 63), (1, (1 << 24) + 1), (2, 63), (2, 1 << 31), (2, 0)] {
            assert_eq!(
                settings.apply(key, value),
                Err(InvalidSetting { key, value })
            );
        }
        for (key, value) in [
            (1, 64),
            (1, 1 << 24),
            (2, 64),
            (2, MAX_ID),
            (3, u32::MAX),
            (99, 0),
        ] {
            assert_eq!(settings.apply(key, value), Ok(()));
        }
        assert_eq!(settings.max_streams, u32::MAX);
    }
}
