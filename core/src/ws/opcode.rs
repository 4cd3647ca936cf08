//! What a frame is (RFC 6455 section 5.2).

/// What a frame is. All other opcodes are reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Opcode {
    /// More of the message that the data frame before began.
    Continuation = 0,
    /// Begins a message of UTF-8.
    Text = 1,
    /// Begins a message of any bytes.
    Binary = 2,
    /// The last frame of its sender.
    Close = 8,
    /// Is anybody there?
    Ping = 9,
    /// Yes.
    Pong = 10,
}

impl Opcode {
    /// The number on the wire.
    #[must_use]
    #[expect(
        clippy::as_conversions,
        reason = "a fieldless repr(u8) enum, read as its number"
    )]
    pub const fn value(self) -> u8 {
        self as u8
    }

    /// Reads the number from the wire; `None` for a reserved one.
    #[must_use]
    pub const fn from_value(value: u8) -> Option<Self> {
        match value {
            0 => Some(Self::Continuation),
            1 => Some(Self::Text),
            2 => Some(Self::Binary),
            8 => Some(Self::Close),
            9 => Some(Self::Ping),
            10 => Some(Self::Pong),
            _ => None,
        }
    }

    /// A control frame: never fragmented, at most 125 bytes, and allowed between the frames of a
    /// message.
    #[must_use]
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_of_sixteen_values_are_opcodes() {
        for value in 0..=255 {
            match Opcode::from_value(value) {
                Some(opcode) => {
                    assert_eq!(opcode.value(), value);
                    assert_eq!(opcode.is_control(), value >= 8);
                }
                None => assert!(!matches!(value, 0..=2 | 8..=10)),
            }
        }
    }
}
