//! The language of the `messages` and `events` of a vector.
//!
//! Bytes are hexadecimal pairs and quoted text, in any mix, white space between them. In text,
//! `\r` `\n` `\t` `\0` `\\` `\"` and `\xNN` are escapes; all else is UTF-8. `*N` behind either
//! repeats it.
//!
//! | message | is |
//! |---|---|
//! | bytes | a binary WebSocket message |
//! | `repeat N: ` bytes | N of them |
//! | `text "..."` | a text message |
//! | `close N` | a Close with that code |
//! | `lost` | the end of the connection without a Close |
//!
//! | event | is |
//! |---|---|
//! | `initial-metadata` bytes | a block that is complete |
//! | `message` bytes, `compressed-message` bytes | a message that is complete |
//! | `part-of-message` bytes | what came of the message that never was |
//! | `half-closed` | the end of the client's messages |
//! | `trailers CODE` bytes | the block that ended the call, and the status it means |
//! | `closed CODE` | the call ended with the WebSocket |

use crate::{Event, Input, NotationError};

pub(crate) type Result<T> = std::result::Result<T, NotationError>;

pub(crate) fn error<T>(text: impl Into<String>) -> Result<T> {
    Err(NotationError(text.into()))
}

/// Reads one line of `messages`: one input, or as many as it repeats.
///
/// # Errors
/// A line outside the notation.
pub fn parse_input(line: &str) -> Result<Vec<Input>> {
    let (keyword, rest) = split_word(line);
    let input = match keyword {
        "lost" => Input::Lost,
        "close" => Input::Close(number(rest)?),
        "text" => match String::from_utf8(parse_bytes(rest)?) {
            Ok(text) => Input::Text(text),
            Err(_) => return error("a text message is UTF-8"),
        },
        "repeat" => {
            let Some((count, bytes)) = rest.split_once(':') else {
                return error("`repeat N:` wants a colon");
            };
            return Ok(vec![Input::Binary(parse_bytes(bytes)?); number(count)?]);
        }
        _ => Input::Binary(parse_bytes(line)?),
    };
    Ok(vec![input])
}

/// Reads one line of `events`.
///
/// # Errors
/// A line outside the notation.
pub fn parse_event(line: &str) -> Result<Event> {
    let (keyword, rest) = split_word(line);
    let message = |compressed| {
        Ok(Event::Message {
            compressed,
            payload: parse_bytes(rest)?,
        })
    };
    match keyword {
        "initial-metadata" => Ok(Event::InitialMetadata(parse_bytes(rest)?)),
        "message" => message(false),
        "compressed-message" => message(true),
        "part-of-message" => Ok(Event::PartOfMessage(parse_bytes(rest)?)),
        "half-closed" => Ok(Event::HalfClosed),
        "closed" => Ok(Event::Closed(rest.parse()?)),
        "trailers" => {
            let (status, block) = split_word(rest);
            Ok(Event::Trailers {
                status: status.parse()?,
                block: parse_bytes(block)?,
            })
        }
        _ => error(format!("`{keyword}` is not an event")),
    }
}

/// Reads bytes.
///
/// # Errors
/// Text outside the notation.
pub fn parse_bytes(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (token, after) = match rest.strip_prefix('"') {
            Some(quoted) => parse_quoted(quoted)?,
            None => parse_hex(rest)?,
        };
        let (count, after) = parse_count(after)?;
        bytes.extend(token.repeat(count));
        rest = after.trim_start();
    }
    Ok(bytes)
}

/// Reads up to the closing quote, which it takes.
fn parse_quoted(text: &str) -> Result<(Vec<u8>, &str)> {
    let mut bytes = Vec::new();
    let mut rest = text;
    loop {
        let mut chars = rest.chars();
        match chars.next() {
            None => return error("a quote is not closed"),
            Some('"') => return Ok((bytes, chars.as_str())),
            Some('\\') => {
                let (byte, after) = parse_escape(chars.as_str())?;
                bytes.push(byte);
                rest = after;
            }
            Some(other) => {
                bytes.extend(other.encode_utf8(&mut [0; 4]).bytes());
                rest = chars.as_str();
            }
        }
    }
}

/// Reads what follows a backslash.
fn parse_escape(text: &str) -> Result<(u8, &str)> {
    let mut chars = text.chars();
    let byte = match chars.next() {
        Some('r') => b'\r',
        Some('n') => b'\n',
        Some('t') => b'\t',
        Some('0') => 0,
        Some(same @ ('\\' | '"')) => u8::try_from(same).unwrap_or_default(),
        Some('x') => {
            let (digits, after) = chars.as_str().split_at_checked(2).unwrap_or_default();
            return match u8::from_str_radix(digits, 16) {
                Ok(byte) => Ok((byte, after)),
                Err(_) => error("`\\x` wants two hexadecimal digits"),
            };
        }
        other => return error(format!("{other:?} is not an escape")),
    };
    Ok((byte, chars.as_str()))
}

/// Reads hexadecimal pairs up to a space, a quote or a count.
fn parse_hex(text: &str) -> Result<(Vec<u8>, &str)> {
    let end = text.find([' ', '"', '*']).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let pairs = word.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some((hex_value(*high)? << 4) | hex_value(*low)?),
        _ => None,
    });
    match pairs.collect::<Option<Vec<u8>>>() {
        Some(bytes) if !bytes.is_empty() => Ok((bytes, rest)),
        _ => error(format!("`{word}` is not pairs of hexadecimal digits")),
    }
}

fn hex_value(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

/// Reads `*N`, or one if there is none.
fn parse_count(text: &str) -> Result<(usize, &str)> {
    let Some(text) = text.strip_prefix('*') else {
        return Ok((1, text));
    };
    let (count, rest) = split_word(text);
    Ok((number(count)?, rest))
}

pub(crate) fn number<T: std::str::FromStr>(text: &str) -> Result<T> {
    match text.trim().parse() {
        Ok(number) => Ok(number),
        Err(_) => error(format!("`{text}` is not a number in range")),
    }
}

pub(crate) fn split_word(line: &str) -> (&str, &str) {
    line.split_once(' ').unwrap_or((line, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_mix_hex_text_escapes_and_repeats() {
        let got = parse_bytes(r#"80 0000000a "a\r\n\x7f\"é" 01*3 "ab"*2 ff"#);
        let expected = b"\x80\0\0\0\x0aa\r\n\x7f\"\xc3\xa9\x01\x01\x01abab\xff";
        assert_eq!(got.as_deref(), Ok(&expected[..]));
        assert_eq!(parse_bytes(""), Ok(Vec::new()));
    }

    #[test]
    fn what_is_not_bytes_is_refused() {
        for text in [
            "8",
            "8g",
            "+1",
            "\"a",
            "\"\\q\"",
            "\"\\x4\"",
            "00*",
            "00*x",
            "\u{e9}\u{e9}",
        ] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn inputs_are_messages_or_the_end() {
        let input = |line| parse_input(line).expect("an input");
        assert_eq!(input("repeat 2: 00"), vec![Input::Binary(vec![0]); 2]);
        assert_eq!(input("text \"a\""), [Input::Text("a".into())]);
        assert_eq!(input("close 1009"), [Input::Close(1009)]);
        assert_eq!(input("lost"), [Input::Lost]);
        for line in ["repeat 2 00", "close", "close 70000", "text ff"] {
            assert!(parse_input(line).is_err(), "{line}");
        }
    }

    #[test]
    fn events_have_a_keyword() {
        let expected = Event::Trailers {
            status: "NOT_FOUND".parse().expect("a status"),
            block: b"x".to_vec(),
        };
        assert_eq!(parse_event("trailers NOT_FOUND \"x\""), Ok(expected));
        assert!(parse_event("trailer OK").is_err());
        assert!(parse_event("trailers 5").is_err());
    }
}
