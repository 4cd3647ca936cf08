//! Puts the parts together, and serves until a signal comes.

use std::net::SocketAddr;

use bytes::Bytes;
use grpc_websocket_tokio::{Channel, Server};
use http::{Request, Response};
use http_body::Body as HttpBody;
use tokio::net::TcpListener;
use tonic::body::Body;
use tower::{BoxError, Layer as _, Service};

use crate::admin::readiness::Readiness;
use crate::backend::Backends;
use crate::banner::Banner;
use crate::cli::Cli;
use crate::observe::connections::Counting;
use crate::observe::metrics::Metrics;
use crate::observe::{Observe, Observed};
use crate::routing::ByService;
use crate::signals::Signals;
use crate::{admin, cors, demo, tls};

/// Serves as the command line says.
///
/// # Errors
/// What is wrong with the command line or the system, for a person.
pub(crate) async fn run(cli: &Cli) -> Result<(), String> {
    let upstreams = cli.upstreams()?;
    let backends = Backends::new(&upstreams, cli.upstream_keepalive(), &cli.client_tls)?;
    let routes = ByService::new(backends.by_name).map_err(|name| twice(&name))?;
    let server = server(cli)?;
    let (listener, address) = bind("--listen", &cli.listen).await?;
    let watch = Watch::default();
    let admin = match &cli.admin {
        Some(admin) => Some(watch.serve(admin, backends.by_target).await?),
        None => None,
    };
    Banner {
        address,
        admin,
        is_tls: cli.server_tls.is_given(),
        upstreams: &upstreams,
    }
    .say();
    let cors = cors::layer(&cli.origins());
    if upstreams.is_empty() {
        serve(
            server,
            listener,
            cors.layer(watch.calls_of(demo::router())),
            watch,
        )
        .await
    } else {
        serve(server, listener, cors.layer(watch.calls_of(routes)), watch).await
    }
}

fn server(cli: &Cli) -> Result<Server, String> {
    let server = Server::new().layer(cli.layer()).grace(cli.grace());
    Ok(match tls::server(&cli.server_tls)? {
        Some(config) => server.tls(config),
        None => server,
    })
}

/// What is known of the gateway while it runs.
#[derive(Default)]
struct Watch {
    readiness: Readiness,
    metrics: Metrics,
}

impl Watch {
    /// A service whose calls are watched.
    fn calls_of<S>(&self, service: S) -> Observed<S> {
        Observe::new(self.metrics.clone()).layer(service)
    }

    /// Tells it to whoever asks at an address, and returns which that is.
    async fn serve(
        &self,
        address: &str,
        upstreams: Vec<(String, Channel)>,
    ) -> Result<SocketAddr, String> {
        let (listener, address) = bind("--admin", address).await?;
        for (name, upstream) in upstreams {
            self.readiness.watch(name, upstream);
        }
        let router = admin::router(self.readiness.clone(), self.metrics.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(address)
    }
}

async fn bind(flag: &str, address: &str) -> Result<(TcpListener, SocketAddr), String> {
    let bound = async {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    bound.await.map_err(|error: std::io::Error| {
        format!("cannot listen on {address}: {error}; {flag} takes another address as HOST:PORT")
    })
}

fn twice(name: &str) -> String {
    match name {
        "" => "two --upstream without a name; give one of them a name, as in billing.v1=URI".into(),
        name => format!("two --upstream for {name}; a name can have one"),
    }
}

/// Serves calls until a signal comes, and for a while longer those that run.
async fn serve<S, B>(
    server: Server,
    listener: TcpListener,
    service: S,
    Watch { readiness, metrics }: Watch,
) -> Result<(), String>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError> + Send,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let listener = Counting::new(listener, metrics);
    let (mut first, mut second) = (signals()?, signals()?);
    let stop = async {
        first.next().await;
        readiness.stop();
        tracing::info!("stopping");
    };
    tokio::select! {
        served = server.serve_with_shutdown(listener, service, stop) => {
            served.map_err(|error| error.to_string())
        }
        () = second.next_but_one() => Err("a second signal ended the calls that ran".to_owned()),
    }
}

fn signals() -> Result<Signals, String> {
    Signals::new().map_err(|error| format!("cannot wait for signals: {error}"))
}
