//! What the program says when it begins.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;

use crate::cli::Target;

/// Where everything is.
pub(crate) struct Banner<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) admin: Option<SocketAddr>,
    pub(crate) is_tls: bool,
    pub(crate) upstreams: &'a [(String, Target)],
}

impl Banner<'_> {
    /// Prints to whoever reads; if nobody does, that is no reason to stop.
    pub(crate) fn say(&self) {
        let _ = writeln!(std::io::stdout(), "{}", self.text());
    }

    fn text(&self) -> String {
        let mut text = match self.upstreams {
            [] => self.of_demo(),
            upstreams => self.of_gateway(upstreams),
        };
        if let Some(admin) = self.admin {
            let _ = write!(
                text,
                "\n\n  Operators             http://{admin}/healthz  /readyz  /metrics"
            );
        }
        text
    }

    fn of_gateway(&self, upstreams: &[(String, Target)]) -> String {
        let Self { address, .. } = self;
        let (ws, http) = self.schemes();
        let names = upstreams.iter().map(|(name, target)| match name.as_str() {
            "" => format!("{target}"),
            name => format!("{target} ({name})"),
        });
        format!(
            "\
Gateway to {}

  gRPC over WebSocket   {ws}://{address}/<package.Service>/<Method>  (subprotocol grpc-websockets)
  many calls on one     {ws}://{address}/  (subprotocol grpc-mux.v1)
  gRPC, gRPC-Web        {http}://{address}",
            names.collect::<Vec<_>>().join(", ")
        )
    }

    fn of_demo(&self) -> String {
        let Self { address, .. } = self;
        let (ws, http) = self.schemes();
        format!(
            "\
Demo: no --upstream was given, so the gateway answers the services demo.v1.Echo and demo.v1.Chat.

  Try it in a browser   {http}://{address}/   (open it in two tabs and chat)
  gRPC over WebSocket   {ws}://{address}/demo.v1.Echo/Unary  (subprotocol grpc-websockets)
  many calls on one     {ws}://{address}/  (subprotocol grpc-mux.v1)
  gRPC, gRPC-Web        {http}://{address}   (server reflection is on)

Put your own server behind it with --upstream http://HOST:PORT; see --help. Ctrl-C stops it."
        )
    }

    fn schemes(&self) -> (&'static str, &'static str) {
        if self.is_tls {
            ("wss", "https")
        } else {
            ("ws", "http")
        }
    }
}
