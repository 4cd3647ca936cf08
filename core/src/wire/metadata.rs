//! Blocks of metadata: lines of `name: value`, each ended by CRLF.
//!
//! PROTOCOL-WEB carries initial and trailing metadata as such a block; PROTOCOL-HTTP2
//! "Custom-Metadata" says what names and values may be. Written here is always
//! `name: value\r\n` with a lower-case name; read is what deployed peers send: any case, no or
//! much space after the colon, LF alone, blank lines, no end of line after the last field.
//!
//! ```
//! use grpc_websocket_core::wire::metadata::{encode_field, fields};
//!
//! let mut block = [0; 64];
//! let len = encode_field("x-device", b"pump 7", &mut block)?;
//! assert_eq!(&block[..len], b"x-device: pump 7\r\n");
//!
//! let field = fields(b"X-Device:pump 7\n").next().unwrap()?;
//! assert!(field.is("x-device"));
//! assert_eq!(field.value(), b"pump 7");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::base64;

const SEPARATOR: &[u8] = b": ";
const LINE_END: &[u8] = b"\r\n";

/// Iterates over the fields of a whole block, in order; duplicates are kept.
///
/// A malformed line is yielded as an error and ends the iteration, for what follows it cannot be
/// trusted.
#[must_use]
pub fn fields(block: &[u8]) -> Fields<'_> {
    Fields { rest: block }
}

/// The iterator that [`fields`] returns.
#[derive(Debug, Clone)]
pub struct Fields<'b> {
    rest: &'b [u8],
}

impl<'b> Fields<'b> {
    /// The part of the block that was not read yet.
    #[must_use]
    pub const fn rest(&self) -> &'b [u8] {
        self.rest
    }
}

impl<'b> Iterator for Fields<'b> {
    type Item = Result<Field<'b>, MalformedBlock>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let (line, rest) = split_line(self.rest);
            self.rest = rest;
            if line.is_empty() {
                continue;
            }
            let field = Field::parse(line);
            if field.is_err() {
                self.rest = &[];
            }
            return Some(field);
        }
        None
    }
}

/// Cuts off the first line, without its LF or CRLF.
fn split_line(block: &[u8]) -> (&[u8], &[u8]) {
    let end = block.iter().position(|&byte| byte == b'\n');
    let end = end.unwrap_or(block.len());
    let (line, rest) = block.split_at_checked(end).unwrap_or_default();
    // Not `strip_suffix`: only an optimiser knows that it does not panic.
    let line = match line {
        [line @ .., b'\r'] => line,
        line => line,
    };
    (line, rest.get(1..).unwrap_or_default())
}

/// One `name: value` line of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'b> {
    name: &'b [u8],
    value: &'b [u8],
}

impl<'b> Field<'b> {
    fn parse(line: &'b [u8]) -> Result<Self, MalformedBlock> {
        let (&first, tail) = line.split_first().ok_or(MalformedBlock)?;
        // A pseudo-header's name begins with the colon, so the search begins after it.
        let colon = tail
            .iter()
            .position(|&byte| byte == b':')
            .ok_or(MalformedBlock)?;
        let (name, value) = line
            .split_at_checked(colon.saturating_add(1))
            .ok_or(MalformedBlock)?;
        if !is_first_name_byte(first) || !tail.iter().take(colon).copied().all(is_name_byte) {
            return Err(MalformedBlock);
        }
        // Not `strip_prefix`: only an optimiser knows that it does not panic.
        let value = match value {
            [b':', value @ ..] => value,
            value => value,
        };
        Ok(Self {
            name,
            value: trim(value),
        })
    }

    /// The name as the peer wrote it, in any case. ASCII of `0-9 a-z A-Z _ - .`; a pseudo-header's
    /// begins with `:`.
    #[must_use]
    pub const fn name(&self) -> &'b [u8] {
        self.name
    }

    /// The value without the white space around it. It can hold any byte but LF: see
    /// [`is_valid_value`].
    #[must_use]
    pub const fn value(&self) -> &'b [u8] {
        self.value
    }

    /// Whether this field has that name, in whatever case.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// Whether the name ends in `-bin`: then [`Field::binary_values`] has the values.
    #[must_use]
    pub fn is_binary(&self) -> bool {
        is_binary_name(self.name)
    }

    /// The base64 texts of a `-bin` field, which peers may join with commas into one line. Give
    /// each to [`decode_binary`]. Only for `-bin` fields: other values are never to be split.
    pub fn binary_values(&self) -> impl Iterator<Item = &'b [u8]> + use<'b> {
        self.value.split(|&byte| byte == b',').map(trim)
    }

    /// Whether this field belongs to the connection and not to the call: a hop-by-hop or
    /// handshake header of HTTP, or a pseudo-header. Proxies copy such names into blocks; an
    /// adapter strips them in both directions.
    #[must_use]
    pub fn is_connection_specific(&self) -> bool {
        is_connection_specific(self.name)
    }
}

/// Whether metadata of that name carries binary values in base64, by PROTOCOL-HTTP2
/// "Custom-Metadata".
#[must_use]
pub fn is_binary_name(name: &[u8]) -> bool {
    // Not `last_chunk`: only an optimiser knows that it does not panic.
    let suffix = match name {
        [.., dash, b, i, n] => [*dash, *b, *i, *n],
        _ => return false,
    };
    suffix.eq_ignore_ascii_case(b"-bin")
}

/// As [`Field::is_connection_specific`], for a name alone.
#[must_use]
pub fn is_connection_specific(name: &[u8]) -> bool {
    const NAMES: [&str; 10] = [
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "http2-settings",
    ];
    const PREFIX: &[u8] = b"sec-websocket-";
    let start = name.get(..PREFIX.len()).unwrap_or_default();
    name.first() == Some(&b':')
        || start.eq_ignore_ascii_case(PREFIX)
        || NAMES
            .iter()
            .any(|other| name.eq_ignore_ascii_case(other.as_bytes()))
}

/// Whether a name may be written: one or more of `0-9 a-z _ - .`.
#[must_use]
pub fn is_valid_name(name: &[u8]) -> bool {
    let is_valid = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'_' | b'-' | b'.');
    !name.is_empty() && name.iter().all(is_valid)
}

/// Whether a value may be written, or handed to an application: %x20-7E. Anything else is
/// dropped by whoever finds it, which PROTOCOL-HTTP2 allows; CR, LF and NUL would let one field
/// forge another.
#[must_use]
pub fn is_valid_value(value: &[u8]) -> bool {
    value.iter().all(|byte| matches!(byte, 0x20..=0x7e))
}

pub(crate) const fn is_name_byte(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'-' | b'.')
}

pub(crate) const fn is_first_name_byte(byte: u8) -> bool {
    is_name_byte(byte) || byte == b':'
}

fn trim(value: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let mut value = value;
    while let Some((_, rest)) = value.split_first().filter(|(byte, _)| is_space(byte)) {
        value = rest;
    }
    while let Some((_, rest)) = value.split_last().filter(|(byte, _)| is_space(byte)) {
        value = rest;
    }
    value
}

/// How many bytes [`encode_field`] writes; saturates.
#[must_use]
pub const fn field_len(name: &str, value: &[u8]) -> usize {
    name.len()
        .saturating_add(SEPARATOR.len())
        .saturating_add(value.len())
        .saturating_add(LINE_END.len())
}

/// Writes `name: value\r\n` to the start of `out` and returns its length.
///
/// # Errors
/// A name that is not [valid](is_valid_name), a value that is not [valid](is_valid_value), or an
/// `out` shorter than [`field_len`]; then nothing useful is in `out`.
pub fn encode_field(name: &str, value: &[u8], out: &mut [u8]) -> Result<usize, EncodeError> {
    if !is_valid_name(name.as_bytes()) {
        return Err(EncodeError::InvalidName);
    }
    if !is_valid_value(value) {
        return Err(EncodeError::InvalidValue);
    }
    let needed = field_len(name, value);
    let mut rest = out;
    for part in [name.as_bytes(), SEPARATOR, value, LINE_END] {
        let (slot, after) = rest
            .split_at_mut_checked(part.len())
            .ok_or(EncodeError::BufferTooSmall { needed })?;
        // Not `copy_from_slice`: only an optimiser knows that it does not panic here.
        slot.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
        rest = after;
    }
    Ok(needed)
}

/// How many bytes [`encode_binary`] writes for so many bytes of value; saturates.
#[must_use]
pub const fn binary_len(len: usize) -> usize {
    base64::encoded_len(len)
}

/// Writes the value of a `-bin` field: base64 in the standard alphabet, without padding.
///
/// # Errors
/// An `out` shorter than [`binary_len`].
pub fn encode_binary<'o>(value: &[u8], out: &'o mut [u8]) -> Result<&'o [u8], EncodeError> {
    let needed = binary_len(value.len());
    base64::encode(value, out).ok_or(EncodeError::BufferTooSmall { needed })
}

/// Reads one base64 text of a `-bin` field, padded or not. An `out` of three quarters of its
/// length is always enough.
///
/// ```
/// use grpc_websocket_core::wire::metadata::decode_binary;
/// let mut out = [0; 8];
/// assert_eq!(decode_binary(b"AAEC/w", &mut out), Ok(&[0, 1, 2, 0xff][..]));
/// assert_eq!(decode_binary(b"AAEC/w==", &mut out), Ok(&[0, 1, 2, 0xff][..]));
/// ```
///
/// # Errors
/// Text outside the standard alphabet or of an impossible length, or an `out` that is too short.
pub fn decode_binary<'o>(text: &[u8], out: &'o mut [u8]) -> Result<&'o [u8], DecodeError> {
    let unpadded = match text {
        [start @ .., b'=', b'='] | [start @ .., b'='] if text.len().is_multiple_of(4) => start,
        whole => whole,
    };
    base64::decode(unpadded, out)
}

/// A line of a block is not `name: value`. The peer is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a line of the metadata block is not `name: value`")]
pub struct MalformedBlock;

/// Why a field was not written. The caller is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// See [`is_valid_name`].
    #[error("a metadata name is one or more of 0-9, a-z, '_', '-', '.'")]
    InvalidName,
    /// See [`is_valid_value`].
    #[error("a metadata value is printable ASCII")]
    InvalidValue,
    /// The output does not fit.
    #[error("{needed} bytes are needed for the metadata field")]
    BufferTooSmall {
        /// The length that would have been enough.
        needed: usize,
    },
}

/// Why a `-bin` value was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The peer is to blame.
    #[error("a -bin metadata value is not base64")]
    InvalidBase64,
    /// The caller is to blame.
    #[error("the buffer is too small for the -bin metadata value")]
    BufferTooSmall,
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    type Pair<'b> = (&'b [u8], &'b [u8]);

    fn parse(block: &[u8]) -> Result<Vec<Pair<'_>>, MalformedBlock> {
        fields(block)
            .map(|field| field.map(|field| (field.name(), field.value())))
            .collect()
    }

    #[test]
    fn every_line_form_of_deployed_peers_is_read() {
        let expected: Vec<Pair<'_>> = std::vec![(b"a", b"1"), (b"b", b"2")];
        for block in [
            &b"a: 1\r\nb: 2\r\n"[..],
            b"a:1\r\nb:2\r\n",
            b"a:\t 1 \r\nb: 2\t\r\n",
            b"a: 1\nb: 2\n",
            b"a: 1\r\nb: 2",
            b"a: 1\r\nb: 2\r\n\r\n",
            b"\r\na: 1\r\n\nb: 2\r",
        ] {
            assert_eq!(
                parse(block).as_ref(),
                Ok(&expected),
                "{:?}",
                block.escape_ascii()
            );
        }
        assert_eq!(parse(b""), Ok(Vec::new()));
        assert_eq!(parse(b"\r\n"), Ok(Vec::new()));
    }

    #[test]
    fn values_may_be_empty_hold_colons_and_repeat() {
        let block = b"a:\r\na: x: y, z\r\n:path: /s/m\r\n";
        let expected: Vec<Pair<'_>> =
            std::vec![(b"a", b""), (b"a", b"x: y, z"), (b":path", b"/s/m")];
        assert_eq!(parse(block), Ok(expected));
    }

    #[test]
    fn lines_that_are_not_fields_end_the_iteration() {
        for line in [
            "novalue",
            ":",
            "::",
            ": x",
            "a b: 1",
            " a: 1",
            "a : 1",
            "\u{e9}: 1",
            "a\rb: 1",
            "\0: 1",
        ] {
            let block = std::format!("{line}\r\nb: 2\r\n");
            let got: Vec<_> = fields(block.as_bytes()).collect();
            // `::` and `: x` lead to a pseudo-header without a name, which is kept out below.
            if let [Ok(field), ..] = got.as_slice() {
                assert!(field.is_connection_specific(), "{line:?} gave {field:?}");
            } else {
                assert_eq!(got, [Err(MalformedBlock)], "{line:?}");
            }
        }
    }

    #[test]
    fn names_that_belong_to_the_connection_are_known_in_any_case() {
        for name in [
            "Connection",
            "host",
            "TE",
            "Sec-WebSocket-Key",
            ":path",
            "Transfer-Encoding",
        ] {
            assert!(is_connection_specific(name.as_bytes()), "{name}");
        }
        for name in [
            "content-type",
            "tea",
            "x-host",
            "grpc-status",
            "sec-websocket",
        ] {
            assert!(!is_connection_specific(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn nothing_that_forges_a_field_is_written() {
        let mut out = [0; 32];
        for value in [
            &b"a\r\nb: c"[..],
            b"\n",
            b"\r",
            b"\0",
            b"\x7f",
            b"\xc3\xa9",
            b"\t",
        ] {
            assert_eq!(
                encode_field("x", value, &mut out),
                Err(EncodeError::InvalidValue)
            );
        }
        for name in ["", "X", "a b", "a:", ":path", "\u{e9}", "a\r\nb"] {
            assert_eq!(
                encode_field(name, b"", &mut out),
                Err(EncodeError::InvalidName)
            );
        }
    }

    #[test]
    fn a_short_buffer_is_told_what_is_needed() {
        for len in 0..8 {
            let mut out = std::vec![0; len];
            let expected = Err(EncodeError::BufferTooSmall { needed: 8 });
            assert_eq!(encode_field("ab", b"cd", &mut out), expected);
        }
        assert_eq!(encode_field("ab", b"cd", &mut [0; 8]), Ok(8));
    }

    #[test]
    fn binary_values_are_split_at_commas_then_decoded() {
        let field = fields(b"x-bin: AAEC, AAED,,/w==\r\n")
            .next()
            .map(Result::unwrap);
        let field = field.filter(Field::is_binary).expect("a -bin field");
        let mut out = [0; 4];
        let values: Vec<Vec<u8>> = field
            .binary_values()
            .map(|text| decode_binary(text, &mut out).expect("base64").to_vec())
            .collect();
        assert_eq!(values, [&[0, 1, 2][..], &[0, 1, 3], &[], &[0xff]]);
    }

    #[test]
    fn what_is_not_base64_is_refused() {
        let mut out = [0; 16];
        for text in [
            "A", "A===", "AA=", "A=A=", "A-_A", "AA AA", "=", "====", "\u{e9}A",
        ] {
            let got = decode_binary(text.as_bytes(), &mut out);
            assert_eq!(got, Err(DecodeError::InvalidBase64), "{text}");
        }
        assert_eq!(
            decode_binary(b"AAECAwQF", &mut [0; 5]),
            Err(DecodeError::BufferTooSmall)
        );
    }
}
