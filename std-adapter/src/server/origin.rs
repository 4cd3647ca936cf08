//! Which web pages may open a WebSocket here.
//!
//! A browser sends its cookies with an upgrade to any origin and applies no CORS to it, so the
//! server must look at `Origin` itself (RFC 6455 section 10.2).

use http::Uri;
use http::header::{HOST, HeaderMap, ORIGIN};

/// The browser origins that may connect. A request without `Origin` is not a browser's and always
/// passes; a foreign one is refused with 403.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum AllowOrigin {
    /// Only pages from the host and port that the request names in `Host` or `:authority` (the scheme is the
    /// proxy's secret, where one ends TLS). The default. A proxy in front must pass `Host` on, and
    /// a server that names in DNS can be made to point at has to check `Host` itself.
    #[default]
    SameHost,
    /// Every origin. For public services without cookies.
    Any,
    /// These origins: scheme, host and port must match.
    List(Vec<Origin>),
}

impl AllowOrigin {
    /// Whether a request with these headers may pass. Several `Origin` headers never do.
    #[must_use]
    pub fn allows(&self, headers: &HeaderMap) -> bool {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        self.allows_at(host, headers)
    }

    /// As [`AllowOrigin::allows`], where the request names its host elsewhere.
    pub(crate) fn allows_at(&self, host: Option<&str>, headers: &HeaderMap) -> bool {
        let mut origins = headers.get_all(ORIGIN).iter();
        let (Some(origin), None) = (origins.next(), origins.next()) else {
            return !headers.contains_key(ORIGIN);
        };
        if matches!(self, Self::Any) {
            return true;
        }
        let Some(origin) = origin.to_str().ok().and_then(|text| text.parse().ok()) else {
            return false;
        };
        match self {
            Self::Any => true,
            Self::List(allowed) => allowed.contains(&origin),
            Self::SameHost => host.is_some_and(|host| origin.is_host(host)),
        }
    }
}

/// A web origin, `scheme://host` or `scheme://host:port` (RFC 6454).
///
/// ```
/// use grpc_websocket_tokio::Origin;
/// let origin: Origin = "https://App.example".parse()?;
/// assert_eq!(origin, "https://app.example:443".parse()?);
/// assert!("app.example".parse::<Origin>().is_err());
/// # Ok::<(), grpc_websocket_tokio::InvalidOrigin>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl Origin {
    fn is_host(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<http::uri::Authority>() else {
            return false;
        };
        let port = authority.port_u16().or_else(|| default_port(&self.scheme));
        !host.contains('@') && self.port == port && self.host.eq_ignore_ascii_case(authority.host())
    }
}

impl std::str::FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let (_, after_scheme) = text.split_once("://").ok_or(InvalidOrigin)?;
        if after_scheme.is_empty() || after_scheme.contains(['/', '?', '#', '@']) {
            return Err(InvalidOrigin);
        }
        let uri: Uri = text.parse().map_err(|_| InvalidOrigin)?;
        let scheme = uri.scheme_str().ok_or(InvalidOrigin)?.to_ascii_lowercase();
        let host = uri
            .host()
            .filter(|host| !host.is_empty())
            .ok_or(InvalidOrigin)?;
        let host = host.to_ascii_lowercase();
        let port = uri.port_u16().or_else(|| default_port(&scheme));
        Ok(Self { scheme, host, port })
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

/// A text is not a web origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidOrigin;

impl std::fmt::Display for InvalidOrigin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an origin is scheme://host or scheme://host:port, without a path")
    }
}

impl std::error::Error for InvalidOrigin {}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(origin: &str, host: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_str(host).unwrap());
        headers.insert(ORIGIN, HeaderValue::from_str(origin).unwrap());
        headers
    }

    #[test]
    fn twelve_cases_of_the_default() {
        let cases = [
            ("http://app.example", "app.example", true),
            ("https://app.example", "app.example", true),
            ("https://APP.example", "app.EXAMPLE", true),
            ("http://app.example:8080", "app.example:8080", true),
            ("https://app.example", "app.example:443", true),
            ("http://[::1]:8080", "[::1]:8080", true),
            ("http://app.example", "app.example:8080", false),
            ("http://app.example:8080", "app.example", false),
            ("https://app.example.evil.example", "app.example", false),
            ("https://evil.example", "app.example", false),
            ("null", "app.example", false),
            ("https://evil.example@app.example", "app.example", false),
        ];
        for (origin, host, allowed) in cases {
            let got = AllowOrigin::SameHost.allows(&headers(origin, host));
            assert_eq!(got, allowed, "{origin} at {host}");
        }
    }

    #[test]
    fn a_list_compares_scheme_host_and_port() {
        let list = AllowOrigin::List(vec!["https://app.example".parse().unwrap()]);
        for (origin, allowed) in [
            ("https://app.example", true),
            ("https://app.example:443", true),
            ("http://app.example", false),
            ("https://app.example:8443", false),
            ("null", false),
        ] {
            assert_eq!(
                list.allows(&headers(origin, "gateway")),
                allowed,
                "{origin}"
            );
        }
    }

    #[test]
    fn no_origin_passes_and_two_do_not() {
        let mut twice = headers("http://h", "h");
        assert!(AllowOrigin::SameHost.allows(&twice));
        twice.append(ORIGIN, HeaderValue::from_static("http://h"));
        assert!(!AllowOrigin::SameHost.allows(&twice));
        assert!(!AllowOrigin::Any.allows(&twice));
        assert!(AllowOrigin::SameHost.allows(&HeaderMap::new()));
        assert!(AllowOrigin::Any.allows(&headers("null", "h")));
    }

    #[test]
    fn what_is_not_an_origin_is_refused() {
        for text in [
            "",
            "app.example",
            "https://",
            "https://a/",
            "https://a/b",
            "https://a?b",
            "x",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(InvalidOrigin), "{text}");
        }
    }
}
