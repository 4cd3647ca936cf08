//! Header fields of a head that has come.

use grpc_websocket_core::wire::metadata::{self, Field};

/// The lines behind the first of a head.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'h>(&'h [u8]);

impl<'h> Fields<'h> {
    /// `None` if a line is not `name: value`.
    pub(super) fn parse(lines: &'h [u8]) -> Option<Self> {
        metadata::fields(lines)
            .all(|field| field.is_ok())
            .then_some(Self(lines))
    }

    fn values(self, name: &'static str) -> impl Iterator<Item = &'h [u8]> {
        metadata::fields(self.0)
            .filter_map(Result::ok)
            .filter(move |field| field.is(name))
            .map(|field: Field<'h>| field.value())
    }

    /// Whether there is such a field.
    pub(super) fn has(self, name: &'static str) -> bool {
        self.values(name).next().is_some()
    }

    /// The value of a field that must come once.
    pub(super) fn only(self, name: &'static str) -> Option<&'h [u8]> {
        let mut values = self.values(name);
        values.next().filter(|_| values.next().is_none())
    }

    /// Whether a field that is a list, in one line or in several, has a token.
    pub(super) fn lists(self, name: &'static str, token: &str) -> bool {
        self.values(name).any(|value| {
            let mut items = value.split(|&byte| byte == b',');
            items.any(|item| item.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_in_one_line_or_in_several_and_in_any_case() {
        for lines in [
            "connection: keep-alive, Upgrade\r\n",
            "Connection: upgrade\r\n",
            "CONNECTION:close\r\nconnection:\tUPGRADE ,\r\n",
            "connection:,,upgrade\n",
        ] {
            let fields = Fields::parse(lines.as_bytes()).unwrap();
            assert!(fields.lists("connection", "upgrade"), "{lines}");
        }
        for lines in [
            "",
            "connection:\r\n",
            "connection: upgraded\r\n",
            "connections: upgrade\r\n",
        ] {
            let fields = Fields::parse(lines.as_bytes()).unwrap();
            assert!(!fields.lists("connection", "upgrade"), "{lines}");
        }
    }

    #[test]
    fn a_field_that_comes_twice_has_no_value() {
        let fields = Fields::parse(b"a: 1\r\nb: 2\r\nA: 1\r\n").unwrap();
        assert_eq!(fields.only("a"), None);
        assert!(fields.has("a"));
        assert_eq!(fields.only("b"), Some(&b"2"[..]));
        assert_eq!(fields.only("c"), None);
        assert!(!fields.has("c"));
    }

    #[test]
    fn what_is_no_field_is_seen() {
        assert!(Fields::parse(b"host: a\r\norigin\r\n").is_none());
        assert!(Fields::parse(b"host : a\r\n").is_none());
    }
}
