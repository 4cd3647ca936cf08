//! Blocks of metadata as text.

use std::fmt::Write as _;

use http::{HeaderMap, HeaderName, HeaderValue};

/// The lines of a block.
pub(super) fn encode<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut block = String::new();
    for (name, value) in fields {
        let _ = write!(block, "{name}: {value}\r\n");
    }
    block
}

/// The fields of a block; a line that is none is left out.
pub(super) fn decode(block: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in String::from_utf8_lossy(block).split("\r\n") {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        let name = HeaderName::from_bytes(name.trim().as_bytes());
        let value = HeaderValue::from_str(value.trim());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    headers
}
