//! Opens the WebSockets of a channel.

use http::{Request, Response};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::util::BoxCloneSyncService;

use super::connect::{Alpn, Connector};
use super::endpoint::{Answerer, Endpoint};
use super::outgoing::{Outgoing, Unanswered};
use super::transport::Subprotocols;
use super::upgrade::{Opening, UpgradeError, upgrade};
use crate::driver;
use crate::driver::mux::Calling;
use crate::driver::mux::caller::{Caller, caller};
use crate::server::handshake::Subprotocol;
use crate::server::request::Upgrade;
use crate::websocket::socket::Socket;

/// The way to a server that was found.
#[derive(Clone)]
pub(super) enum Line {
    /// A WebSocket for all calls.
    Mux(Caller),
    /// Each call has a WebSocket of its own.
    Single,
}

impl Line {
    pub(super) fn is_over(&self) -> bool {
        match self {
            Self::Mux(caller) => caller.is_over(),
            Self::Single => false,
        }
    }
}

/// See the module.
pub(super) struct Dialer {
    pub(super) endpoint: Endpoint,
    connector: Connector,
}

impl Dialer {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        let connector = endpoint.connector();
        Self {
            endpoint,
            connector,
        }
    }

    /// Finds a way to the server.
    pub(super) async fn dial(&self) -> Result<Line, Status> {
        match self.endpoint.subprotocols {
            Subprotocols::Single => Ok(Line::Single),
            Subprotocols::Mux => self
                .in_time(self.dial_mux())
                .await?
                .map_err(Refused::status),
            Subprotocols::Any => match self.in_time(self.dial_mux()).await? {
                Ok(line) => Ok(line),
                Err(Refused::Upgrade(error)) if error.is_about_subprotocol() => {
                    tracing::debug!(%error, "trying grpc-websockets");
                    Ok(Line::Single)
                }
                Err(refused) => Err(refused.status()),
            },
        }
    }

    async fn dial_mux(&self) -> Result<Line, Refused> {
        let path = self.endpoint.target.path();
        let io = self.open(Subprotocol::Mux, path).await?;
        let config = self.endpoint.config.clone();
        let max_message_len = config.max_websocket_message(Subprotocol::Mux);
        let socket = Socket::client(io, max_message_len);
        let (caller, orders) = caller();
        let calling = Calling {
            orders: Some(orders),
            welcome: None,
        };
        let answerer = self.endpoint.answerer.clone().unwrap_or_else(nobody);
        let upgrade = Upgrade::default();
        tokio::spawn(driver::make_calls(
            socket, answerer, upgrade, &config, calling,
        ));
        caller.ready().await.map_err(Refused::Status)?;
        Ok(Line::Mux(caller))
    }

    /// Makes a call on a WebSocket of its own.
    pub(super) async fn call(
        &self,
        request: Box<Request<Body>>,
        deadline: Option<Instant>,
    ) -> Result<Response<Body>, Unanswered> {
        let path = self.endpoint.target.path_of(request.uri().path());
        let opening = self.open(Subprotocol::Single, &path);
        let io = match self.in_time(opening).await {
            Ok(Ok(io)) => io,
            Ok(Err(refused)) => return Err(Unanswered::unsent(refused.status(), request)),
            Err(status) => return Err(Unanswered::unsent(status, request)),
        };
        let config = self.endpoint.config.clone();
        let socket = Socket::client(io, config.max_websocket_message(Subprotocol::Single));
        let (outgoing, answered) = Outgoing::new(request, deadline);
        tokio::spawn(async move { driver::make_call(socket, outgoing, &config).await });
        match answered.await {
            Ok(answer) => answer,
            Err(_) => Err(Status::unavailable("the connection ended").into()),
        }
    }

    /// Asks once more if the server that was asked takes no more, as one does that ends: behind a proxy
    /// the next may be another. No call was sent yet.
    async fn open(
        &self,
        subprotocol: Subprotocol,
        path: &str,
    ) -> Result<TokioIo<Upgraded>, Refused> {
        match self.open_once(subprotocol, path).await {
            Err(Refused::Upgrade(error)) if error.status().code() == Code::Unavailable => {
                tracing::debug!(%error, "asking once more");
                self.open_once(subprotocol, path).await
            }
            opened => opened,
        }
    }

    async fn open_once(
        &self,
        subprotocol: Subprotocol,
        path: &str,
    ) -> Result<TokioIo<Upgraded>, Refused> {
        let target = &self.endpoint.target;
        let io = self.connector.connect(target, Alpn::Http1).await;
        let io =
            io.map_err(|error| Refused::Status(Status::new(error.code(), error.to_string())))?;
        let opening = Opening {
            target,
            path,
            subprotocol,
            origin: self.endpoint.origin.as_ref(),
            headers: &self.endpoint.headers,
        };
        upgrade(io, opening).await.map_err(Refused::Upgrade)
    }

    async fn in_time<T>(&self, opening: impl Future<Output = T>) -> Result<T, Status> {
        let limit = self.endpoint.connect_timeout;
        timeout(limit, opening).await.map_err(|_| {
            let target = &self.endpoint.target;
            Status::unavailable(format!(
                "cannot connect to {target}: no answer in {limit:?}"
            ))
        })
    }
}

/// Why a WebSocket was not opened.
enum Refused {
    Upgrade(UpgradeError),
    Status(Status),
}

impl Refused {
    fn status(self) -> Status {
        match self {
            Self::Upgrade(error) => error.status(),
            Self::Status(status) => status,
        }
    }
}

/// Answers no calls: the server is told that it may make none.
fn nobody() -> Answerer {
    BoxCloneSyncService::new(tower::service_fn(|_| async {
        Err(Status::unimplemented("this client serves nothing").into())
    }))
}
