//! Several gRPC services as one.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tower::{Service, ServiceExt as _};

/// gRPC services that tonic generated, each called for the methods of its name: a router for gRPC alone,
/// which costs a call a third of what `tonic::service::Routes` costs it.
///
/// Paths that are no method of these services are answered with `UNIMPLEMENTED`. Routes of another kind,
/// web pages or layers of axum, need an `axum::Router`.
///
/// ```
/// use grpc_websocket_tokio::Services;
///
/// # let (_, health) = tonic_health::server::health_reporter();
/// # let (_, another) = tonic_health::server::health_reporter();
/// let services = Services::new().add_service(health).add_service(another);
/// # async fn serve(listener: tokio::net::TcpListener, services: Services) -> std::io::Result<()> {
/// grpc_websocket_tokio::serve(listener, services).await
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Services {
    services: Arc<Vec<Named>>,
}

impl Services {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a service. Of two with the same name the first one is called.
    #[must_use]
    pub fn add_service<S>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
        S: NamedService + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
    {
        let named = Named {
            name: S::NAME,
            service: Arc::new(service),
        };
        Arc::make_mut(&mut self.services).push(named);
        self
    }

    /// The service of a path `/name/method`.
    fn find(&self, path: &str) -> Option<&dyn Erased> {
        let (name, _) = path.strip_prefix('/')?.rsplit_once('/')?;
        let named = self.services.iter().find(|named| named.name == name)?;
        Some(&*named.service)
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.services.iter().map(|named| named.name);
        f.debug_set().entries(names).finish()
    }
}

#[derive(Clone)]
struct Named {
    name: &'static str,
    service: Arc<dyn Erased>,
}

type Answered = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// A service of any type.
trait Erased: Send + Sync {
    fn call(&self, request: Request<Body>) -> Answered;
}

impl<S> Erased for S
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    fn call(&self, request: Request<Body>) -> Answered {
        Box::pin(self.clone().oneshot(request))
    }
}

impl Service<Request<Body>> for Services {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answered;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Each call awaits the readiness of its service.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Answered {
        match self.find(request.uri().path()) {
            Some(service) => service.call(request),
            None => {
                let status = Status::unimplemented("no such service");
                Box::pin(std::future::ready(Ok(status.into_http())))
            }
        }
    }
}
