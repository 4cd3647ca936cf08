//! HTTP proxies that pass connections on (RFC 9110 section 9.3.6, "CONNECT").

use std::fmt;
use std::sync::Arc;

use http::header::{HOST, HeaderValue, PROXY_AUTHORIZATION};
use http::uri::Authority;
use http::{Method, Request, Uri};
use http_body_util::Empty;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use super::error::Cause;
use super::http1;
use super::io::Io;
use super::target::{Place, Target};

/// Which proxy a client connects through. It is asked to pass the connection on by CONNECT, with
/// TLS and without. A unix socket is always connected to directly.
#[derive(Clone, Default)]
pub enum Proxy {
    /// What `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say, as curl reads them: `wss`
    /// counts as `https` and `ws` as `http`. They are read once, when the client is made.
    #[default]
    Environment,
    /// None, whatever the environment says.
    None,
    /// This one: `http://proxy:3128`. A user name and password in it are sent to the proxy.
    Uri(Uri),
}

impl fmt::Debug for Proxy {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("Environment"),
            Self::None => f.write_str("None"),
            Self::Uri(uri) => f.debug_tuple("Uri").field(&uri.host()).finish(),
        }
    }
}

/// The proxies that are set, and for which servers.
#[derive(Debug, Clone)]
pub(super) struct Proxies {
    matcher: Option<Arc<Matcher>>,
    /// Nothing is connected to without one.
    always: bool,
}

/// The proxy of a connection.
pub(super) struct Hop {
    pub(super) target: Target,
    authorization: Option<HeaderValue>,
}

impl Proxies {
    pub(super) fn new(proxy: &Proxy) -> Self {
        let matcher = match proxy {
            Proxy::Environment => Some(Matcher::from_env()),
            Proxy::None => None,
            Proxy::Uri(uri) => Some(Matcher::builder().all(uri.to_string()).build()),
        };
        Self {
            matcher: matcher.map(Arc::new),
            always: matches!(proxy, Proxy::Uri(_)),
        }
    }

    #[cfg(test)]
    pub(super) fn matching(matcher: Matcher) -> Self {
        Self {
            matcher: Some(Arc::new(matcher)),
            always: false,
        }
    }

    /// The proxy on the way to a server, if there is one.
    pub(super) fn hop(&self, target: &Target) -> Result<Option<Hop>, Cause> {
        let (Some(matcher), Some(uri)) = (&self.matcher, as_http(target)) else {
            return Ok(None);
        };
        match matcher.intercept(&uri) {
            Some(intercept) => Hop::new(&intercept).map(Some),
            None if self.always => Err(Cause::ProxyScheme),
            None => Ok(None),
        }
    }
}

impl Hop {
    fn new(intercept: &Intercept) -> Result<Self, Cause> {
        // SOCKS has no scheme that a target may have.
        let target = Target::from_uri(intercept.uri()).map_err(|_| Cause::ProxyScheme)?;
        Ok(Self {
            target,
            authorization: intercept.basic_auth().cloned(),
        })
    }

    /// Asks the proxy for a connection to the server.
    pub(super) async fn tunnel(&self, io: Io, target: &Target) -> Result<Io, Cause> {
        let request = self.connect(target)?;
        match http1::ask(io, request, async |response| response.status()).await {
            Ok(Ok((_, handed))) => Ok(Io::new(handed)),
            Ok(Err(status)) => Err(Cause::ProxyRefused(status)),
            Err(error) => Err(Cause::Connect(error.into())),
        }
    }

    fn connect(&self, target: &Target) -> Result<Request<Empty<bytes::Bytes>>, Cause> {
        let server = with_port(target).ok_or(Cause::ProxyScheme)?;
        let mut request = Request::builder()
            .method(Method::CONNECT)
            .uri(server.as_str())
            .header(HOST, server.as_str());
        if let Some(authorization) = &self.authorization {
            request = request.header(PROXY_AUTHORIZATION, authorization);
        }
        request
            .body(Empty::new())
            .map_err(|error| Cause::Connect(error.into()))
    }
}

/// The URI that rules about proxies are made for.
fn as_http(target: &Target) -> Option<Uri> {
    Uri::builder()
        .scheme(target.http_scheme())
        .authority(with_port(target)?)
        .path_and_query("/")
        .build()
        .ok()
}

/// A server's host and port; `None` for a unix socket.
pub(super) fn with_port(target: &Target) -> Option<Authority> {
    match target.place() {
        Place::Tcp { port, .. } => {
            let host = target.authority().host();
            format!("{host}:{port}").parse().ok()
        }
        Place::Unix(_) => None,
    }
}
