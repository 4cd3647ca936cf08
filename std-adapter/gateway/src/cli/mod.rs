//! The command line, which the environment can say too.

mod limits;
mod tls;
mod values;

use std::time::Duration;

use clap::{Parser, Subcommand};
use clap_complete::Shell;
use grpc_websocket_tokio::{AllowOrigin, WebSocketLayer};
use http::HeaderName;

use self::limits::Limits;
pub(crate) use self::tls::{ClientTls, ServerTls};
pub(crate) use self::values::Target;
use self::values::{Allowed, Route};
use crate::logs::Format;

/// Puts gRPC servers behind WebSocket, gRPC-Web and native gRPC on one port.
///
/// Without --upstream it serves a demo with a page to try it. Each flag can be given by the
/// environment variable that its help names; where a flag is repeatable, commas separate its values
/// there.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Where to listen; port 0 takes a free one
    #[arg(
        long,
        env = "GRPC_WEBSOCKET_LISTEN",
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:8080",
        help_heading = "Addresses"
    )]
    pub(crate) listen: String,

    /// A gRPC server that answers calls (repeatable); the built-in demo if not given
    ///
    /// A URI is http://HOST:PORT, https://HOST:PORT or unix:/PATH. By itself it answers all calls;
    /// as `billing.v1=URI` those of the package billing.v1, as `billing.v1.Invoices=URI` those of
    /// one service. The longest name that fits wins. Calls that no upstream fits end with
    /// UNIMPLEMENTED. Health checks and server reflection go to the upstream without a name: they
    /// are services like others.
    #[arg(
        long,
        env = "GRPC_WEBSOCKET_UPSTREAM",
        value_name = "[NAME=]URI",
        value_delimiter = ',',
        help_heading = "Addresses"
    )]
    upstream: Vec<Route>,

    /// Where to answer /healthz, /readyz and /metrics; nowhere if not given
    ///
    /// These paths exist there only: on the other port every path is the upstreams'. /healthz
    /// answers 200 while the process serves; /readyz answers 200 while all upstreams can be reached
    /// and none calls itself NOT_SERVING, else 503 with the reasons, and 503 once a stop has begun;
    /// /metrics is for Prometheus. Do not let strangers reach this address.
    #[arg(
        long,
        env = "GRPC_WEBSOCKET_ADMIN",
        value_name = "HOST:PORT",
        help_heading = "Addresses"
    )]
    pub(crate) admin: Option<String>,

    #[command(flatten)]
    pub(crate) server_tls: ServerTls,

    #[command(flatten)]
    pub(crate) client_tls: ClientTls,

    /// A web origin whose pages may connect (repeatable), or `*` for any
    ///
    /// By default a page may connect if it came from the host and port that it connects to.
    /// Clients that send no Origin are not browsers and may always connect.
    #[arg(
        long,
        env = "GRPC_WEBSOCKET_ALLOW_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ',',
        value_parser = values::allowed,
        help_heading = "Browsers"
    )]
    allow_origin: Vec<Allowed>,

    /// A header of a WebSocket's opening request that becomes metadata of its calls (repeatable)
    ///
    /// None by default. Metadata of that name that a call has itself counts in its place. Names that
    /// are gRPC's or the connection's are ignored.
    #[arg(
        long,
        env = "GRPC_WEBSOCKET_ALLOW_HEADER",
        value_name = "NAME",
        value_delimiter = ',',
        help_heading = "Browsers"
    )]
    allow_header: Vec<HeaderName>,

    /// Take a bearer token that a page offers as a subprotocol, `bearer.TOKEN`
    ///
    /// Pages cannot set headers on a WebSocket. The token becomes the `authorization` of calls that
    /// have none of their own.
    #[arg(
        long,
        env = "GRPC_WEBSOCKET_BEARER_SUBPROTOCOL",
        value_parser = clap::builder::BoolishValueParser::new(),
        help_heading = "Browsers"
    )]
    bearer_subprotocol: bool,

    #[command(flatten)]
    limits: Limits,

    /// How long the calls that run may go on after SIGTERM or SIGINT; a second signal ends them
    #[arg(
        long,
        env = "GRPC_WEBSOCKET_GRACE",
        value_name = "SECONDS",
        value_parser = values::seconds_from(0),
        default_value_t = 30,
        help_heading = "Limits"
    )]
    grace: u64,

    /// What to log to standard error: error, warn, info, debug, trace, off, or a tracing filter
    ///
    /// `info` has a line for each call.
    #[arg(
        long,
        env = "GRPC_WEBSOCKET_LOG",
        value_name = "FILTER",
        default_value = "warn",
        value_parser = values::filter,
        help_heading = "Logs"
    )]
    pub(crate) log: String,

    /// How a line of the log is written
    #[arg(
        long,
        env = "GRPC_WEBSOCKET_LOG_FORMAT",
        value_enum,
        default_value_t,
        help_heading = "Logs"
    )]
    pub(crate) log_format: Format,
}

/// What else the program can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print a script that completes the flags in a shell
    Completions {
        /// For which shell
        shell: Shell,
    },
    /// Ask a gateway's /readyz, and fail if it is not ready: for health checks of containers
    Check {
        /// The gateway's --admin
        #[arg(long, env = "GRPC_WEBSOCKET_ADMIN", value_name = "HOST:PORT")]
        admin: String,
    },
}

impl Cli {
    /// The upstreams, each with the name that its calls begin with; empty for all calls.
    pub(crate) fn upstreams(&self) -> Result<Vec<(String, Target)>, String> {
        let routes = self.upstream.iter();
        let routes: Vec<_> = routes
            .map(|route| (route.name.clone(), route.target.clone()))
            .collect();
        let is_tls = |(_, target): &(String, Target)| matches!(target, Target::Tls(_));
        if self.client_tls.is_given() && !routes.iter().any(is_tls) {
            let message = "--upstream-ca and --upstream-cert are for upstreams at https://, and no \
                           --upstream is one";
            return Err(message.to_owned());
        }
        Ok(routes)
    }

    pub(crate) fn origins(&self) -> AllowOrigin {
        if self.allow_origin.contains(&Allowed::Any) {
            return AllowOrigin::Any;
        }
        let named = self
            .allow_origin
            .iter()
            .filter_map(|allowed| match allowed {
                Allowed::Any => None,
                Allowed::Origin(origin) => Some(origin.clone()),
            });
        match named.collect::<Vec<_>>() {
            none if none.is_empty() => AllowOrigin::SameHost,
            list => AllowOrigin::List(list),
        }
    }

    pub(crate) fn layer(&self) -> WebSocketLayer {
        let layer = WebSocketLayer::new()
            .allow_origin(self.origins())
            .allow_headers(self.allow_header.iter().cloned())
            .bearer_subprotocol(self.bearer_subprotocol);
        self.limits.apply(layer)
    }

    pub(crate) fn upstream_keepalive(&self) -> Duration {
        self.limits.upstream_keepalive()
    }

    pub(crate) fn grace(&self) -> Duration {
        Duration::from_secs(self.grace)
    }
}

#[cfg(test)]
mod tests;
