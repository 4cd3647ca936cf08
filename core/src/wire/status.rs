//! `grpc-status` and `grpc-message` (gRPC PROTOCOL-HTTP2 "Status", "Status-Message").

/// The canonical gRPC status codes (gRPC statuscodes.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Code {
    /// The call completed.
    Ok = 0,
    /// The call was cancelled, typically by the client.
    Cancelled = 1,
    /// No better code is known; also every code that cannot be read.
    Unknown = 2,
    /// The client sent something wrong, whatever the state of the system.
    InvalidArgument = 3,
    /// The time allowed for the call is over.
    DeadlineExceeded = 4,
    /// Something asked for does not exist.
    NotFound = 5,
    /// Something to be created exists.
    AlreadyExists = 6,
    /// The caller is known and may not do this.
    PermissionDenied = 7,
    /// A quota or a size limit was hit.
    ResourceExhausted = 8,
    /// The system is not in the state the call needs.
    FailedPrecondition = 9,
    /// The call was aborted, typically by a conflict.
    Aborted = 10,
    /// The call went past a valid range.
    OutOfRange = 11,
    /// The method or a feature of it does not exist here.
    Unimplemented = 12,
    /// An invariant was broken, the wire format included.
    Internal = 13,
    /// The service cannot be reached now; trying again may help.
    Unavailable = 14,
    /// Data was lost for good.
    DataLoss = 15,
    /// The caller is not known.
    Unauthenticated = 16,
}

impl Code {
    /// All codes in numeric order.
    pub const ALL: [Self; 17] = [
        Self::Ok,
        Self::Cancelled,
        Self::Unknown,
        Self::InvalidArgument,
        Self::DeadlineExceeded,
        Self::NotFound,
        Self::AlreadyExists,
        Self::PermissionDenied,
        Self::ResourceExhausted,
        Self::FailedPrecondition,
        Self::Aborted,
        Self::OutOfRange,
        Self::Unimplemented,
        Self::Internal,
        Self::Unavailable,
        Self::DataLoss,
        Self::Unauthenticated,
    ];

    /// The number that `grpc-status` carries.
    #[must_use]
    #[expect(
        clippy::as_conversions,
        reason = "a fieldless repr(u8) enum, read as its number"
    )]
    pub const fn value(self) -> u8 {
        self as u8
    }

    /// The code of a number; [`Code::Unknown`] for numbers gRPC does not define.
    #[must_use]
    pub fn from_value(value: u8) -> Self {
        Self::ALL
            .get(usize::from(value))
            .copied()
            .unwrap_or(Self::Unknown)
    }

    /// Reads the value of a `grpc-status` field: decimal ASCII, no leading zero, no sign, no
    /// white space. Anything else is [`Code::Unknown`], as PROTOCOL-HTTP2 asks.
    ///
    /// ```
    /// use grpc_websocket_core::Code;
    /// assert_eq!(Code::from_grpc_status(b"14"), Code::Unavailable);
    /// assert_eq!(Code::from_grpc_status(b"05"), Code::Unknown);
    /// ```
    #[must_use]
    pub fn from_grpc_status(text: &[u8]) -> Self {
        match *text {
            [digit @ b'0'..=b'9'] => Self::from_value(digit.wrapping_sub(b'0')),
            [b'1', digit @ b'0'..=b'6'] => {
                Self::from_value(digit.wrapping_sub(b'0').wrapping_add(10))
            }
            _ => Self::Unknown,
        }
    }

    /// The value of the `grpc-status` field for this code.
    #[must_use]
    pub const fn grpc_status(self) -> &'static str {
        match self {
            Self::Ok => "0",
            Self::Cancelled => "1",
            Self::Unknown => "2",
            Self::InvalidArgument => "3",
            Self::DeadlineExceeded => "4",
            Self::NotFound => "5",
            Self::AlreadyExists => "6",
            Self::PermissionDenied => "7",
            Self::ResourceExhausted => "8",
            Self::FailedPrecondition => "9",
            Self::Aborted => "10",
            Self::OutOfRange => "11",
            Self::Unimplemented => "12",
            Self::Internal => "13",
            Self::Unavailable => "14",
            Self::DataLoss => "15",
            Self::Unauthenticated => "16",
        }
    }

    /// The code to report for an HTTP response that has no `grpc-status` (gRPC
    /// http-grpc-status-mapping.md; 431 as grpc-go maps it). Not for responses that have one.
    #[must_use]
    pub const fn from_http_status(status: u16) -> Self {
        match status {
            400 | 431 => Self::Internal,
            401 => Self::Unauthenticated,
            403 => Self::PermissionDenied,
            404 => Self::Unimplemented,
            429 | 502 | 503 | 504 => Self::Unavailable,
            _ => Self::Unknown,
        }
    }

    /// The code to report when a WebSocket closed before the call had its trailers; `None` stands
    /// for a connection lost without a Close frame (RFC 6455 section 7.4.1).
    ///
    /// Never [`Code::Ok`]: a close is not an end of a call.
    #[must_use]
    pub const fn from_close_code(close_code: Option<u16>) -> Self {
        match close_code {
            None | Some(1001 | 1006 | 1012 | 1013) => Self::Unavailable,
            Some(1002 | 1003 | 1007 | 1011) => Self::Internal,
            Some(1008) => Self::PermissionDenied,
            Some(1009) => Self::ResourceExhausted,
            Some(_) => Self::Unknown,
        }
    }
}

/// Percent-encodes a status message for `grpc-message`: all but %x20-24 and %x26-7E is encoded.
///
/// The iterator yields ASCII bytes, at most three per input byte.
///
/// ```
/// use grpc_websocket_core::wire::status::percent_encode;
/// let encoded: Vec<u8> = percent_encode("100% naïve".as_bytes()).collect();
/// assert_eq!(encoded, b"100%25 na%C3%AFve");
/// ```
pub fn percent_encode(message: &[u8]) -> impl Iterator<Item = u8> + Clone + '_ {
    message.iter().flat_map(|&byte| {
        let plain = matches!(byte, 0x20..=0x24 | 0x26..=0x7e);
        let [high, low] = [hex_digit(byte >> 4), hex_digit(byte & 0xf)];
        let (bytes, len) = if plain {
            ([byte, 0, 0], 1)
        } else {
            ([b'%', high, low], 3)
        };
        bytes.into_iter().take(len)
    })
}

/// Decodes the value of `grpc-message`. Never fails and never drops: a `%` that is not followed
/// by two hexadecimal digits stays as it is. The result need not be UTF-8.
///
/// ```
/// use grpc_websocket_core::wire::status::percent_decode;
/// let decoded: Vec<u8> = percent_decode(b"100% na%c3%AFve").collect();
/// assert_eq!(decoded, "100% naïve".as_bytes());
/// ```
pub fn percent_decode(value: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let mut rest = value;
    core::iter::from_fn(move || {
        let (&byte, tail) = rest.split_first()?;
        if let (b'%', [high, low, after @ ..]) = (byte, tail)
            && let (Some(high), Some(low)) = (hex_value(*high), hex_value(*low))
        {
            rest = after;
            return Some((high << 4) | low);
        }
        rest = tail;
        Some(byte)
    })
}

const fn hex_digit(nibble: u8) -> u8 {
    match nibble & 0xf {
        digit @ 0..=9 => b'0'.wrapping_add(digit),
        letter => b'A'.wrapping_sub(10).wrapping_add(letter),
    }
}

const fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(digit.wrapping_sub(b'a').wrapping_add(10)),
        b'A'..=b'F' => Some(digit.wrapping_sub(b'A').wrapping_add(10)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::format;
    use std::vec::Vec;

    #[test]
    fn codes_round_trip_and_all_others_are_unknown() {
        for code in Code::ALL {
            assert_eq!(Code::from_grpc_status(code.grpc_status().as_bytes()), code);
            assert_eq!(code.grpc_status(), format!("{}", code.value()));
        }
        for value in 17..=255_u8 {
            assert_eq!(Code::from_value(value), Code::Unknown);
            assert_eq!(
                Code::from_grpc_status(format!("{value}").as_bytes()),
                Code::Unknown
            );
        }
        for text in [
            "", "00", "05", "-1", "+1", " 1", "1 ", "1.0", "0x1", "16a", "\u{661}",
        ] {
            assert_eq!(
                Code::from_grpc_status(text.as_bytes()),
                Code::Unknown,
                "{text:?}"
            );
        }
    }

    #[test]
    fn http_statuses_map_as_the_grpc_document_says() {
        let rows = [
            (400, Code::Internal),
            (401, Code::Unauthenticated),
            (403, Code::PermissionDenied),
            (404, Code::Unimplemented),
            (429, Code::Unavailable),
            (431, Code::Internal),
            (502, Code::Unavailable),
            (503, Code::Unavailable),
            (504, Code::Unavailable),
            (200, Code::Unknown),
            (500, Code::Unknown),
        ];
        for (status, code) in rows {
            assert_eq!(Code::from_http_status(status), code, "{status}");
        }
    }

    #[test]
    fn no_close_code_means_ok() {
        assert_eq!(Code::from_close_code(None), Code::Unavailable);
        for close_code in 0..=u16::MAX {
            assert_ne!(Code::from_close_code(Some(close_code)), Code::Ok);
        }
        assert_eq!(Code::from_close_code(Some(1000)), Code::Unknown);
        assert_eq!(Code::from_close_code(Some(1009)), Code::ResourceExhausted);
        assert_eq!(Code::from_close_code(Some(1012)), Code::Unavailable);
    }

    #[test]
    fn bad_percent_escapes_stay_as_they_are() {
        for text in ["100%", "%", "%4", "%zz", "%4z", "%%41", "a%"] {
            let decoded: Vec<u8> = percent_decode(text.as_bytes()).collect();
            let expected = text.replace("%41", "A");
            assert_eq!(decoded, expected.as_bytes(), "{text}");
        }
    }

    #[test]
    fn encoded_messages_are_printable_ascii() {
        let every_byte: Vec<u8> = (0..=255).collect();
        let encoded: Vec<u8> = percent_encode(&every_byte).collect();
        assert!(encoded.iter().all(|byte| (0x20..=0x7e).contains(byte)));
        assert_eq!(percent_decode(&encoded).collect::<Vec<_>>(), every_byte);
    }
}
