//! What a client connects to, as its URI says.

use std::fmt;
use std::path::{Path, PathBuf};

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

/// What `:authority` and `Host` are on a unix socket.
const LOCALHOST: &str = "localhost";

/// Where a server is, and under which path its services are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    scheme: TargetScheme,
    place: Place,
    /// As the peer is told it; without the port that its scheme has by default.
    authority: Authority,
    /// Empty, or `/` and more, without a `/` at the end.
    prefix: String,
}

/// The scheme of a target's URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TargetScheme {
    Ws,
    Wss,
    Http,
    Https,
    Unix,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A host name or an address, without brackets.
    Tcp {
        host: String,
        port: u16,
    },
    Unix(PathBuf),
}

/// A URI that names no server: what is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidUri(Fault);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Syntax,
    Scheme,
    Host,
    Port,
    UserInfo,
    Query,
    SocketPath,
}

impl Target {
    /// Reads `ws://`, `wss://`, `http://` and `https://` URIs, and `unix:` with a path.
    pub(crate) fn parse(uri: &str) -> Result<Self, InvalidUri> {
        match uri.strip_prefix("unix:") {
            // RFC 8089 section 2 has both forms for paths: with an empty authority and without one.
            Some(rest) => Self::unix(rest.strip_prefix("//").unwrap_or(rest)),
            None => Self::from_uri(&uri.parse().map_err(|_| InvalidUri(Fault::Syntax))?),
        }
    }

    /// As [`Target::parse`]; an [`http::Uri`] cannot be one of a unix socket.
    pub(crate) fn from_uri(uri: &Uri) -> Result<Self, InvalidUri> {
        let scheme = TargetScheme::of(uri).ok_or(InvalidUri(Fault::Scheme))?;
        let authority = uri.authority().ok_or(InvalidUri(Fault::Host))?;
        if authority.as_str().contains('@') {
            return Err(InvalidUri(Fault::UserInfo));
        }
        if uri.query().is_some() {
            return Err(InvalidUri(Fault::Query));
        }
        let host = authority.host();
        if host.trim_matches(['[', ']']).is_empty() {
            return Err(InvalidUri(Fault::Host));
        }
        let port = port(authority)?.unwrap_or(scheme.default_port());
        Ok(Self {
            scheme,
            place: Place::Tcp {
                host: host.trim_matches(['[', ']']).to_owned(),
                port,
            },
            authority: as_told(host, port, scheme)?,
            prefix: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    fn unix(path: &str) -> Result<Self, InvalidUri> {
        if path.is_empty() || path.contains('\0') {
            return Err(InvalidUri(Fault::SocketPath));
        }
        Ok(Self {
            scheme: TargetScheme::Unix,
            place: Place::Unix(PathBuf::from(path)),
            authority: Authority::from_static(LOCALHOST),
            prefix: String::new(),
        })
    }

    /// The scheme that its URI has.
    pub(crate) fn scheme(&self) -> TargetScheme {
        self.scheme
    }

    pub(crate) fn is_tls(&self) -> bool {
        matches!(self.scheme, TargetScheme::Wss | TargetScheme::Https)
    }

    /// The scheme as HTTP has it: for `:scheme` and origins.
    pub(crate) fn http_scheme(&self) -> Scheme {
        if self.is_tls() {
            Scheme::HTTPS
        } else {
            Scheme::HTTP
        }
    }

    /// What `Host` and `:authority` are.
    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The path of the URI: where a WebSocket for many calls is asked for.
    pub(crate) fn path(&self) -> &str {
        if self.prefix.is_empty() {
            "/"
        } else {
            &self.prefix
        }
    }

    /// The path of a method, `/package.Service/Method`, under the path of the URI.
    pub(crate) fn path_of(&self, method: &str) -> String {
        format!("{}{method}", self.prefix)
    }

    /// The path of a request, under the path of the URI.
    pub(crate) fn path_under(&self, path: &PathAndQuery) -> Result<PathAndQuery, http::Error> {
        if self.prefix.is_empty() {
            return Ok(path.clone());
        }
        Ok(self.path_of(path.as_str()).parse::<PathAndQuery>()?)
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }
}

impl TargetScheme {
    /// Those of URIs with a host.
    const ALL: [Self; 4] = [Self::Ws, Self::Wss, Self::Http, Self::Https];

    fn of(uri: &Uri) -> Option<Self> {
        let name = uri.scheme_str()?;
        let mut all = Self::ALL.into_iter();
        all.find(|scheme| name.eq_ignore_ascii_case(scheme.name()))
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Ws | Self::Http | Self::Unix => 80,
            Self::Wss | Self::Https => 443,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Ws => "ws",
            Self::Wss => "wss",
            Self::Http => "http",
            Self::Https => "https",
            Self::Unix => "unix",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Tcp { .. } => write!(
                f,
                "{}://{}{}",
                self.scheme.name(),
                self.authority,
                self.prefix
            ),
            Place::Unix(path) => write!(f, "unix:{}", Path::display(path)),
        }
    }
}

impl fmt::Display for InvalidUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Fault::Syntax => "not a URI",
            Fault::Scheme => "the scheme of the URI is not ws, wss, http, https or unix",
            Fault::Host => "the URI names no host",
            Fault::Port => "the port of the URI is not a number up to 65535",
            Fault::UserInfo => {
                "the URI has a user name or password: send credentials as a header instead"
            }
            Fault::Query => "the URI has a query",
            Fault::SocketPath => "the URI has no path of a unix socket",
        })
    }
}

impl std::error::Error for InvalidUri {}

/// The port, if one is given. `http` takes what is no port for none.
fn port(authority: &Authority) -> Result<Option<u16>, InvalidUri> {
    let has_port = authority.as_str().len() > authority.host().len();
    match authority.port_u16() {
        None if has_port => Err(InvalidUri(Fault::Port)),
        port => Ok(port),
    }
}

fn as_told(host: &str, port: u16, scheme: TargetScheme) -> Result<Authority, InvalidUri> {
    let told = if port == scheme.default_port() {
        host.to_owned()
    } else {
        format!("{host}:{port}")
    };
    told.parse().map_err(|_| InvalidUri(Fault::Host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(uri: &str) -> Target {
        Target::parse(uri).unwrap()
    }

    fn tcp(host: &str, port: u16) -> Place {
        let host = host.to_owned();
        Place::Tcp { host, port }
    }

    #[test]
    fn schemes_have_their_ports_and_tls() {
        for (uri, port, is_tls) in [
            ("ws://h", 80, false),
            ("wss://h", 443, true),
            ("http://h", 80, false),
            ("https://h/", 443, true),
            ("https://h:80", 80, true),
            ("WS://h:8080", 8080, false),
        ] {
            let target = parse(uri);
            assert_eq!(target.place(), &tcp("h", port), "{uri}");
            assert_eq!(target.is_tls(), is_tls, "{uri}");
        }
    }

    #[test]
    fn the_port_of_the_scheme_is_not_told() {
        assert_eq!(parse("wss://h:443").authority(), "h");
        assert_eq!(parse("ws://h:443").authority(), "h:443");
        assert_eq!(parse("http://[::1]:80").authority(), "[::1]");
    }

    #[test]
    fn an_ipv6_address_has_brackets_only_where_it_is_told() {
        let target = parse("ws://[2001:db8::1]:9000/a");
        assert_eq!(target.place(), &tcp("2001:db8::1", 9000));
        assert_eq!(target.authority(), "[2001:db8::1]:9000");
        assert_eq!(target.to_string(), "ws://[2001:db8::1]:9000/a");
    }

    #[test]
    fn a_path_is_a_prefix() {
        let target = parse("wss://h/grpc/v1/");
        assert_eq!(target.path(), "/grpc/v1");
        assert_eq!(target.path_of("/s/m"), "/grpc/v1/s/m");
        assert_eq!(parse("wss://h").path(), "/");
        assert_eq!(parse("wss://h").path_of("/s/m"), "/s/m");
    }

    #[test]
    fn a_unix_socket_is_its_path() {
        for uri in ["unix:/run/s", "unix:///run/s"] {
            let target = parse(uri);
            assert_eq!(target.place(), &Place::Unix("/run/s".into()), "{uri}");
            assert_eq!(target.authority(), "localhost");
            assert_eq!(target.to_string(), "unix:/run/s");
        }
        assert_eq!(parse("unix:s").place(), &Place::Unix("s".into()));
    }

    #[test]
    fn what_names_no_server_is_refused() {
        for (uri, fault) in [
            ("", Fault::Syntax),
            ("wss://", Fault::Syntax),
            ("ftp://h", Fault::Scheme),
            ("h:80", Fault::Scheme),
            ("/s/m", Fault::Scheme),
            ("ws://user:secret@h", Fault::UserInfo),
            ("ws://h?q", Fault::Query),
            ("ws://h:70000", Fault::Port),
            ("ws://[::1]:x", Fault::Port),
            ("unix:", Fault::SocketPath),
            ("unix://", Fault::SocketPath),
        ] {
            let refused = Target::parse(uri);
            assert_eq!(refused, Err(InvalidUri(fault)), "{uri}");
            assert!(!refused.unwrap_err().to_string().contains("secret"));
        }
    }
}
