//! Watches a connection for HTTP/2's preface (RFC 9113 section 3.4).
//!
//! An HTTP/2 client may connect long before its first call, so its preface has to count as a sign
//! of life where an HTTP/1.1 client's first request does.

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Compares a connection's first bytes with the preface.
pub(crate) struct PrefaceWatch {
    /// What is left of the preface; `None` once the bytes differed or all were there.
    left: Option<&'static [u8]>,
}

impl PrefaceWatch {
    pub(crate) const fn new() -> Self {
        Self {
            left: Some(PREFACE),
        }
    }

    /// Looks at the next bytes; `true` with those that complete the preface.
    pub(crate) fn look_at(&mut self, bytes: &[u8]) -> bool {
        let Some(left) = self.left.take() else {
            return false;
        };
        let common = bytes.len().min(left.len());
        if bytes[..common] != left[..common] {
            return false;
        }
        if common < left.len() {
            self.left = Some(&left[common..]);
        }
        common == left.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(chunks: &[&[u8]]) -> bool {
        let mut watch = PrefaceWatch::new();
        chunks.iter().filter(|chunk| watch.look_at(chunk)).count() == 1
    }

    #[test]
    fn only_the_whole_preface_counts() {
        assert!(seen(&[PREFACE, b"more", PREFACE]));
        assert!(seen(&[b"PRI * HT", b"", b"TP/2.0\r\n\r\nSM\r\n\r\nmore"]));
        assert!(!seen(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r"]));
        assert!(!seen(&[b"GET / HTTP/1.1\r\n", PREFACE]));
    }
}
