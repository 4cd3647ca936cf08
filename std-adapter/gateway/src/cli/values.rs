//! The values of flags, and what is said of bad ones.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::RangedU64ValueParser;
use grpc_websocket_tokio::Origin;
use http::uri::{Authority, Uri};
use tracing_subscriber::EnvFilter;

/// The longest time a flag may say: a day.
const MAX_SECONDS: u64 = 86_400;

/// One `--upstream`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    /// A package or a service; empty for all.
    pub(super) name: String,
    pub(super) target: Target,
}

impl FromStr for Route {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A path may have an `=` too.
        let named = text.split_once('=').filter(|(name, _)| !name.contains(':'));
        let (name, target) = named.unwrap_or(("", text));
        if named.is_some() && !is_name(name) {
            return Err(format!(
                "`{name}` is no package or service; write it as billing.v1=URI or \
                 billing.v1.Invoices=URI"
            ));
        }
        Ok(Self {
            name: name.to_owned(),
            target: target.parse()?,
        })
    }
}

/// Identifiers with dots between them.
fn is_name(text: &str) -> bool {
    text.split('.').all(|part| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    })
}

/// Where an upstream is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    /// HTTP/2 without TLS.
    Plain(Authority),
    /// HTTP/2 over TLS.
    Tls(Authority),
    /// HTTP/2 on a unix socket.
    Unix(PathBuf),
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORM: &str = "write it as http://HOST:PORT, https://HOST:PORT or unix:/PATH";
        if let Some(path) = text.strip_prefix("unix:") {
            let path = Some(path).filter(|path| path.starts_with('/'));
            return path.map(|path| Self::Unix(path.into())).ok_or(FORM.into());
        }
        let uri: Uri = text.parse().map_err(|_| FORM)?;
        let bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        let authority = uri.authority().cloned();
        let authority = authority
            .filter(|it| bare && !it.host().is_empty() && !it.as_str().contains('@'))
            .ok_or(FORM)?;
        match uri.scheme_str() {
            Some("http") => Ok(Self::Plain(authority)),
            Some("https") => Ok(Self::Tls(authority)),
            _ => Err(FORM.to_owned()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(authority) => write!(f, "http://{authority}"),
            Self::Tls(authority) => write!(f, "https://{authority}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// One `--allow-origin`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Allowed {
    Any,
    Origin(Origin),
}

pub(super) fn allowed(text: &str) -> Result<Allowed, String> {
    if text == "*" {
        return Ok(Allowed::Any);
    }
    text.parse()
        .map(Allowed::Origin)
        .map_err(|error: grpc_websocket_tokio::InvalidOrigin| error.to_string())
}

pub(super) fn filter(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text).map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}

/// A time of some length, at most a day.
pub(super) fn seconds() -> RangedU64ValueParser {
    seconds_from(1)
}

/// A time of at least so many seconds, at most a day.
pub(super) fn seconds_from(least: u64) -> RangedU64ValueParser {
    RangedU64ValueParser::new().range(least..=MAX_SECONDS)
}
