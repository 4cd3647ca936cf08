//! Chooses the upstream of a call by the name of its service.

use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tower::{BoxError, Service, ServiceExt as _};

/// Sends each call to the service with the longest name that fits: a package or a service.
#[derive(Debug, Clone)]
pub(crate) struct ByService<S> {
    /// The longest names first.
    routes: Vec<(String, S)>,
}

impl<S> ByService<S> {
    /// An empty name fits every call.
    ///
    /// # Errors
    /// The name that is there twice.
    pub(crate) fn new(mut routes: Vec<(String, S)>) -> Result<Self, String> {
        routes.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        let twice = routes.windows(2).find(|two| two[0].0 == two[1].0);
        match twice {
            Some(two) => Err(two[0].0.clone()),
            None => Ok(Self { routes }),
        }
    }

    fn find(&self, path: &str) -> Option<&S> {
        let service = service_of(path);
        let fitting = self.routes.iter().find(|(name, _)| fits(name, service));
        fitting.map(|(_, upstream)| upstream)
    }
}

impl<S> Service<Request<Body>> for ByService<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // Each call awaits a clone of its upstream.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match self.find(request.uri().path()).cloned() {
            Some(upstream) => {
                Box::pin(async { upstream.oneshot(request).await.map_err(Into::into) })
            }
            None => {
                let refusal = nobody(service_of(request.uri().path()));
                Box::pin(async { Ok(refusal.into_http()) })
            }
        }
    }
}

/// The service that a path names, or what stands there.
fn service_of(path: &str) -> &str {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.rsplit_once('/').map_or(path, |(service, _)| service)
}

/// Whether a service has a name, or is in the package of that name.
fn fits(name: &str, service: &str) -> bool {
    name.is_empty()
        || service
            .strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn nobody(service: &str) -> Status {
    const MOST: usize = 128;
    let service: String = service.chars().take(MOST).collect();
    Status::unimplemented(format!("the gateway has no upstream for {service}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(names: &[&'static str]) -> ByService<&'static str> {
        let routes = names.iter().map(|&name| (name.to_owned(), name));
        ByService::new(routes.collect()).unwrap()
    }

    #[test]
    fn the_longest_name_that_fits_wins() {
        let routes = routes(&["", "billing", "billing.v1.Invoices", "billing.v1"]);
        for (path, name) in [
            ("/billing.v1.Invoices/Get", "billing.v1.Invoices"),
            ("/billing.v1.Receipts/Get", "billing.v1"),
            ("/billing.v1.InvoicesOld/Get", "billing.v1"),
            ("/billing.v10.Invoices/Get", "billing"),
            ("/billing/Get", "billing"),
            ("/billings.v1.Invoices/Get", ""),
            ("/grpc.health.v1.Health/Check", ""),
            ("/", ""),
            ("*", ""),
        ] {
            assert_eq!(routes.find(path), Some(&name), "{path}");
        }
    }

    #[test]
    fn without_an_upstream_for_all_some_calls_have_none() {
        let routes = routes(&["billing.v1"]);
        assert_eq!(routes.find("/billing.v1.Invoices/Get"), Some(&"billing.v1"));
        for path in [
            "/billing.v2.Invoices/Get",
            "/",
            "/billing.v1x/Get",
            "billing",
        ] {
            assert_eq!(routes.find(path), None, "{path}");
        }
    }

    #[test]
    fn a_name_may_be_there_once() {
        let twice = |name: &str| {
            vec![
                (name.to_owned(), ()),
                ("a".to_owned(), ()),
                (name.to_owned(), ()),
            ]
        };
        assert_eq!(ByService::new(twice("b.v1")).unwrap_err(), "b.v1");
        assert_eq!(ByService::new(twice("")).unwrap_err(), "");
    }
}
