//! Which web pages may open a WebSocket here.
//!
//! A browser applies no CORS to WebSockets, so the server must look at `Origin` itself (RFC 6455
//! section 10.2).

/// The origins that may connect.
#[derive(Debug, Clone, Copy)]
pub(super) enum Origins<'a> {
    /// Those whose host and port are what the request names in `Host`.
    SameHost,
    Any,
    Listed(&'a [&'a str]),
}

impl Origins<'_> {
    /// Whether a request with this `Origin` and this `Host` may pass.
    pub(super) fn allow(self, origin: &[u8], host: &[u8]) -> bool {
        match self {
            Self::SameHost => {
                split(origin).is_some_and(|(port, authority)| is_same(authority, host, port))
            }
            Self::Any => true,
            Self::Listed(origins) => origins
                .iter()
                .any(|listed| is_same_origin(listed.as_bytes(), origin)),
        }
    }
}

fn is_same_origin(a: &[u8], b: &[u8]) -> bool {
    match (split(a), split(b)) {
        (Some((port, a)), Some((other, b))) => port == other && is_same(a, b, port),
        _ => a.eq_ignore_ascii_case(b),
    }
}

/// The port of an origin's or a URL's scheme, and what is behind the scheme.
pub(super) fn split(origin: &[u8]) -> Option<(&'static str, &[u8])> {
    [("http://", ":80"), ("https://", ":443")]
        .into_iter()
        .find_map(|(scheme, port)| {
            let (start, authority) = origin.split_at_checked(scheme.len())?;
            let is_scheme = start.eq_ignore_ascii_case(scheme.as_bytes());
            is_scheme.then_some((port, authority))
        })
}

/// Whether two authorities, with a port or without, are the same.
fn is_same(a: &[u8], b: &[u8], default_port: &str) -> bool {
    without(a, default_port).eq_ignore_ascii_case(without(b, default_port))
}

fn without<'a>(authority: &'a [u8], port: &str) -> &'a [u8] {
    let len = authority.len().saturating_sub(port.len());
    match authority.split_at_checked(len) {
        Some((host, end)) if end == port.as_bytes() => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_default_a_page_of_the_host_that_is_asked_may_connect() {
        for (origin, host, allowed) in [
            ("http://app.example", "app.example", true),
            ("https://app.example", "app.example", true),
            ("https://APP.example", "app.EXAMPLE", true),
            ("http://app.example:8080", "app.example:8080", true),
            ("https://app.example", "app.example:443", true),
            ("http://app.example:80", "app.example", true),
            ("http://[::1]:8080", "[::1]:8080", true),
            ("http://app.example", "app.example:8080", false),
            ("http://app.example", "app.example:443", false),
            ("http://app.example:8080", "app.example", false),
            ("https://app.example.evil.example", "app.example", false),
            ("https://evil.example", "app.example", false),
            ("null", "app.example", false),
            ("app.example", "app.example", false),
            ("", "", false),
            ("https://evil.example@app.example", "app.example", false),
        ] {
            let got = Origins::SameHost.allow(origin.as_bytes(), host.as_bytes());
            assert_eq!(got, allowed, "{origin} at {host}");
        }
    }

    #[test]
    fn a_list_compares_scheme_host_and_port() {
        let list = Origins::Listed(&["https://app.example", "app://local"]);
        for (origin, allowed) in [
            ("https://app.example", true),
            ("https://App.example:443", true),
            ("app://local", true),
            ("http://app.example", false),
            ("http://app.example:443", false),
            ("https://app.example:8443", false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(
                list.allow(origin.as_bytes(), b"device"),
                allowed,
                "{origin}"
            );
        }
        assert!(!Origins::Listed(&[]).allow(b"http://device", b"device"));
        assert!(Origins::Any.allow(b"null", b"device"));
    }
}
