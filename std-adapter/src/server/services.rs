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

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers with its name in a header, so that it is known who was called.
    #[derive(Clone)]
    struct Pump;

    #[derive(Clone)]
    struct Valve;

    impl NamedService for Pump {
        const NAME: &'static str = "plant.v1.Pump";
    }

    impl NamedService for Valve {
        const NAME: &'static str = "plant.v1.Pump.Valve";
    }

    macro_rules! answer_by_name {
        ($($service:ty),*) => {$(
            impl Service<Request<Body>> for $service {
                type Response = Response<Body>;
                type Error = Infallible;
                type Future = std::future::Ready<Result<Response<Body>, Infallible>>;

                fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
                    Poll::Ready(Ok(()))
                }

                fn call(&mut self, _: Request<Body>) -> Self::Future {
                    let response = Response::builder().header("x-name", Self::NAME);
                    std::future::ready(Ok(response.body(Body::empty()).unwrap()))
                }
            }
        )*};
    }

    answer_by_name!(Pump, Valve);

    async fn call(path: &str) -> Response<Body> {
        let services = Services::new().add_service(Pump).add_service(Valve);
        let request = Request::post(path).body(Body::empty()).unwrap();
        services.oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn the_service_of_the_path_is_called() {
        for name in [Pump::NAME, Valve::NAME] {
            let answer = call(&format!("/{name}/Open")).await;
            assert_eq!(answer.headers()["x-name"], name);
        }
    }

    #[tokio::test]
    async fn other_paths_are_unimplemented() {
        for path in [
            "/",
            "/plant.v1.Pump",
            "/plant.v1.Pum/Open",
            "/plant.v1.Pumps/Open",
            "/x/plant.v1.Pump/Open",
            "//Open",
        ] {
            let answer = call(path).await;
            assert_eq!(answer.headers()["grpc-status"], "12", "{path}");
        }
    }
}
