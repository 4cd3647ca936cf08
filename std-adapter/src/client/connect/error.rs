//! Why there is no connection, told to a person.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use tonic::Code;
use tower::BoxError;

use super::target::Target;

/// A connection that could not be made. Never tells credentials.
#[derive(Debug, Clone)]
pub(crate) struct ConnectError(Arc<Failed>);

#[derive(Debug)]
struct Failed {
    target: String,
    proxy: Option<String>,
    cause: Cause,
}

/// What went wrong on the way.
#[derive(Debug)]
pub(super) enum Cause {
    /// No name, nobody there, or the connection broke.
    Connect(BoxError),
    /// The peer's certificate is not good, or it does not speak TLS.
    #[cfg(feature = "tls")]
    Tls(std::io::Error),
    /// The machine has no root certificates that could be read.
    #[cfg(feature = "tls")]
    NoRoots(String),
    /// TLS is not in this build.
    #[cfg(not(feature = "tls"))]
    NoTls,
    Timeout(Duration),
    /// What the proxy answered to CONNECT.
    ProxyRefused(StatusCode),
    /// The proxy is none that CONNECT can be asked of.
    ProxyScheme,
}

impl ConnectError {
    pub(super) fn new(target: &Target, proxy: Option<String>, cause: Cause) -> Self {
        Self(Arc::new(Failed {
            target: target.to_string(),
            proxy,
            cause,
        }))
    }

    /// The status of the calls that waited for the connection.
    pub(crate) fn code(&self) -> Code {
        match self.0.cause {
            Cause::ProxyRefused(StatusCode::PROXY_AUTHENTICATION_REQUIRED) => Code::Unauthenticated,
            _ => Code::Unavailable,
        }
    }

    /// Whether the server ended TLS's handshake because it does not speak the protocol that was
    /// offered (RFC 7301 section 3.2).
    pub(crate) fn is_no_protocol(&self) -> bool {
        #[cfg(feature = "tls")]
        if let Cause::Tls(error) = &self.0.cause {
            return super::tls::is_no_protocol(error);
        }
        false
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot connect to {}", self.0.target)?;
        if let Some(proxy) = &self.0.proxy {
            write!(f, " through the proxy {proxy}")?;
        }
        write!(f, ": {}", self.0.cause)
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0.cause {
            Cause::Connect(error) => Some(&**error),
            #[cfg(feature = "tls")]
            Cause::Tls(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => write_chain(f, &**error),
            #[cfg(feature = "tls")]
            Self::Tls(error) => write!(f, "TLS: {error}"),
            #[cfg(feature = "tls")]
            Self::NoRoots(why) => write!(f, "no root certificates on this machine{why}"),
            #[cfg(not(feature = "tls"))]
            Self::NoTls => f.write_str("TLS needs the feature `tls` of grpc-websocket-tokio"),
            Self::Timeout(limit) => write!(f, "no answer in {limit:?}"),
            Self::ProxyRefused(status) => write!(f, "the proxy answered {status}"),
            Self::ProxyScheme => f.write_str("only http and https proxies are supported"),
        }
    }
}

/// An error and what caused it.
pub(crate) fn write_chain(f: &mut fmt::Formatter<'_>, error: &dyn Error) -> fmt::Result {
    write!(f, "{error}")?;
    let mut source = error.source();
    while let Some(error) = source {
        write!(f, ": {error}")?;
        source = error.source();
    }
    Ok(())
}
