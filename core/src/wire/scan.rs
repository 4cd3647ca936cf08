//! Reads a metadata block as it arrives, in pieces of any size, in constant memory: its grammar,
//! its size and its `grpc-status`. The fields themselves are for [`super::metadata::fields`], on
//! the whole block or on the lines a caller keeps.

use super::metadata::{MalformedBlock, is_first_name_byte, is_name_byte};
use super::status::Code;

const GRPC_STATUS: &[u8] = b"grpc-status";

/// What each field costs beyond its bytes. HTTP/2 counts name + value + 32 (RFC 9113 section
/// 6.5.2, the measure of gRPC's header limits); a line is name + value + 4.
const FIELD_OVERHEAD: u32 = 28;

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct BlockScanner {
    position: Position,
    size: u32,
    status: Option<Code>,
}

/// Where in a line the next byte belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    LineStart,
    /// After a CR that began a line: only the LF of a blank line may follow.
    BlankLine,
    /// `matched` counts the bytes of `grpc-status` seen, and nothing else.
    Name {
        matched: Option<u8>,
    },
    Value,
    StatusValue(StatusText),
}

impl BlockScanner {
    pub(crate) const fn new() -> Self {
        Self {
            position: Position::LineStart,
            size: 0,
            status: None,
        }
    }

    /// Reads the next bytes of the block off the front of `input`: one, or some that have no say in
    /// what the block is. None if there are none.
    pub(crate) fn push(&mut self, input: &mut &[u8]) -> Result<(), MalformedBlock> {
        let idle = match &mut self.position {
            Position::Value => run_of(input, |byte| byte != b'\n'),
            Position::Name { matched: None } => run_of(input, is_name_byte),
            Position::Name {
                matched: Some(matched),
            } => match_more(matched, input),
            _ => 0,
        };
        let (read, rest) = input.split_at_checked(idle.max(1)).unwrap_or_default();
        *input = rest;
        let len = u32::try_from(read.len()).unwrap_or(u32::MAX);
        self.size = self.size.saturating_add(len);
        match read.first() {
            Some(&byte) if idle == 0 => self.position = self.step(byte)?,
            _ => {}
        }
        Ok(())
    }

    /// Ends the block: its last line needs no line end.
    pub(crate) fn finish(&mut self) -> Result<(), MalformedBlock> {
        match self.position {
            Position::Name { .. } => return Err(MalformedBlock),
            Position::StatusValue(text) => self.end_status(text),
            Position::LineStart | Position::BlankLine | Position::Value => {}
        }
        self.position = Position::LineStart;
        Ok(())
    }

    /// The size so far, by the measure of gRPC's header limits.
    pub(crate) const fn size(&self) -> u32 {
        self.size
    }

    /// The first `grpc-status` of the block.
    pub(crate) const fn status(&self) -> Option<Code> {
        self.status
    }

    #[cfg_attr(target_os = "none", inline(never))]
    fn step(&mut self, byte: u8) -> Result<Position, MalformedBlock> {
        match self.position {
            Position::LineStart => match byte {
                b'\n' => Ok(self.count_line()),
                b'\r' => Ok(Position::BlankLine),
                first if is_first_name_byte(first) => Ok(Position::Name {
                    matched: match_status(Some(0), first),
                }),
                _ => Err(MalformedBlock),
            },
            Position::BlankLine => match byte {
                b'\n' => Ok(self.count_line()),
                _ => Err(MalformedBlock),
            },
            Position::Name { matched } => match byte {
                b':' if matched.map(usize::from) == Some(GRPC_STATUS.len()) => {
                    Ok(Position::StatusValue(StatusText::default()))
                }
                b':' => Ok(Position::Value),
                byte if is_name_byte(byte) => Ok(Position::Name {
                    matched: match_status(matched, byte),
                }),
                _ => Err(MalformedBlock),
            },
            Position::Value if byte == b'\n' => Ok(self.count_line()),
            Position::Value => Ok(Position::Value),
            Position::StatusValue(text) if byte == b'\n' => {
                self.end_status(text);
                Ok(self.count_line())
            }
            Position::StatusValue(text) => Ok(Position::StatusValue(text.push(byte))),
        }
    }

    fn count_line(&mut self) -> Position {
        self.size = self.size.saturating_add(FIELD_OVERHEAD);
        Position::LineStart
    }

    fn end_status(&mut self, text: StatusText) {
        self.status = self.status.or(Some(text.code()));
    }
}

/// How many bytes at the front of `input` are such.
fn run_of(input: &[u8], is_such: impl Fn(u8) -> bool) -> usize {
    let end = input.iter().position(|&byte| !is_such(byte));
    end.unwrap_or(input.len())
}

/// How many bytes at the front of `input` go on with the name of the status.
fn match_more(matched: &mut u8, input: &[u8]) -> usize {
    let expected = GRPC_STATUS.iter().skip(usize::from(*matched));
    let pairs = expected.zip(input);
    let run = pairs.take_while(|(expected, byte)| expected.eq_ignore_ascii_case(byte));
    let run = run.count();
    *matched = matched.saturating_add(u8::try_from(run).unwrap_or(u8::MAX));
    run
}

fn match_status(matched: Option<u8>, byte: u8) -> Option<u8> {
    let matched = matched?;
    let expected = GRPC_STATUS.get(usize::from(matched))?;
    expected
        .eq_ignore_ascii_case(&byte)
        .then(|| matched.saturating_add(1))
}

/// The value of `grpc-status` while it arrives: two digits are enough to know the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct StatusText {
    digits: [u8; 2],
    len: u8,
    /// White space followed the digits: nothing else may.
    ended: bool,
    /// A CR came: only the LF of the line end may follow.
    ending: bool,
    bad: bool,
}

impl StatusText {
    fn push(mut self, byte: u8) -> Self {
        self.bad |= self.ending;
        match (byte, self.digits.get_mut(usize::from(self.len))) {
            (b'\r', _) => self.ending = true,
            (b' ' | b'\t', _) => self.ended = self.len > 0,
            (digit, Some(slot)) if !self.ended => {
                *slot = digit;
                self.len = self.len.saturating_add(1);
            }
            _ => self.bad = true,
        }
        self
    }

    fn code(self) -> Code {
        match self.digits.get(..usize::from(self.len)) {
            Some(digits) if !self.bad => Code::from_grpc_status(digits),
            _ => Code::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::wire::metadata::fields;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn scan(block: &[u8]) -> Result<BlockScanner, MalformedBlock> {
        let mut scanner = BlockScanner::new();
        let mut rest = block;
        while !rest.is_empty() {
            scanner.push(&mut rest)?;
        }
        scanner.finish()?;
        Ok(scanner)
    }

    /// What the whole-block reader says of the same bytes.
    fn status_by_fields(block: &[u8]) -> Result<Option<Code>, MalformedBlock> {
        let fields = fields(block).collect::<Result<Vec<_>, _>>()?;
        let status = fields.iter().find(|field| field.is("grpc-status"));
        Ok(status.map(|field| Code::from_grpc_status(field.value())))
    }

    fn check_both_readers_agree(block: &[u8]) {
        let scanned = scan(block).map(|scanner| scanner.status());
        assert_eq!(scanned, status_by_fields(block), "{}", block.escape_ascii());
    }

    #[test]
    fn the_first_status_is_found() {
        for block in [
            &b"grpc-status: 0\r\n"[..],
            b"Grpc-Status:14\ngrpc-message: x",
            b"a: b\r\n\r\ngrpc-status:  7 \r\ngrpc-status: 8\r\n",
            b"grpc-status: 3",
            b"grpc-status: 16\r",
            b"grpc-status-details-bin: AA\r\n",
            b"xgrpc-status: 1\r\n",
            b"grpc-statu: 1\r\n",
            b"grpc-status: 1 2\r\n",
            b"grpc-status: 123\r\n",
            b"grpc-status:\r\n",
            b"grpc-status: \r0\r\n",
            b"grpc-status: 0\r\r\n",
        ] {
            check_both_readers_agree(block);
        }
    }

    #[test]
    fn the_size_is_that_of_http2_header_lists() {
        let scanner = scan(b"name: value\r\nx: y\r\n").expect("a good block");
        assert_eq!(scanner.size(), (4 + 5 + 32) + (1 + 1 + 32));
    }

    #[test]
    fn blank_lines_are_not_free() {
        let block = b"\n".repeat(1000);
        assert!(scan(&block).expect("a good block").size() > 28_000);
    }

    proptest! {
        #[test]
        fn both_readers_agree_on_field_like_noise(
            block in r"((grpc-status|Grpc-Status|a|:p)? ?:?[ \t]?[0-9 a\r]{0,3}(\r\n|\n|\r)?){0,4}",
        ) {
            check_both_readers_agree(block.as_bytes());
        }

        #[test]
        fn both_readers_agree_on_bytes(block in prop::collection::vec(any::<u8>(), 0..40)) {
            check_both_readers_agree(&block);
        }
    }
}
