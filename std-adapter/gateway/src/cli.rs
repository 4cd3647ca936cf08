//! The command line.

use std::time::Duration;

use clap::Parser;
use grpc_websocket_tokio::{AllowOrigin, Origin, WebSocketLayer};
use http::uri::{Authority, Scheme, Uri};
use tracing_subscriber::EnvFilter;

/// Puts a gRPC server behind WebSocket, gRPC-Web and native gRPC on one port.
///
/// Without --upstream it serves a demo with a page to try it.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Cli {
    /// Where to listen; port 0 takes a free one
    #[arg(
        long,
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:8080",
        help_heading = "Addresses"
    )]
    pub(crate) listen: String,

    /// The gRPC server that answers the calls; the built-in demo if not given
    #[arg(long, value_name = "http://HOST:PORT", value_parser = server, help_heading = "Addresses")]
    pub(crate) upstream: Option<Authority>,

    /// A web origin whose pages may connect (repeatable), or `*` for any
    ///
    /// By default a page may connect if it came from the host and port that it connects to.
    /// Clients that send no Origin are not browsers and may always connect.
    #[arg(long, value_name = "ORIGIN", value_parser = allowed, help_heading = "Browsers")]
    allow_origin: Vec<Allowed>,

    /// Longest message a client may send over WebSocket
    #[arg(long, value_name = "BYTES", default_value_t = 4 * 1024 * 1024, help_heading = "Limits")]
    max_message_size: u32,

    /// Largest block of request metadata over WebSocket, counting each field as name + value + 32
    #[arg(long, value_name = "BYTES", default_value_t = 8 * 1024, help_heading = "Limits")]
    max_header_size: u32,

    /// How long a WebSocket client may take from the upgrade to its request metadata
    #[arg(long, value_name = "SECONDS", value_parser = seconds(), default_value_t = 10, help_heading = "Limits")]
    header_timeout: u64,

    /// How many calls a client may have open on one WebSocket, where its subprotocol has several
    #[arg(
        long,
        value_name = "CALLS",
        default_value_t = 256,
        help_heading = "Limits"
    )]
    max_concurrent_calls: u32,

    /// Silence after which a WebSocket client is pinged
    #[arg(long, value_name = "SECONDS", value_parser = seconds(), default_value_t = 20, help_heading = "Limits")]
    keepalive_interval: u64,

    /// Silence after the ping after which its calls are cancelled
    #[arg(long, value_name = "SECONDS", value_parser = seconds(), default_value_t = 10, help_heading = "Limits")]
    keepalive_timeout: u64,

    /// How often the upstream is pinged while it has calls
    ///
    /// gRPC servers take frequent pings for abuse: by default they allow one in 300 seconds.
    #[arg(long, value_name = "SECONDS", value_parser = seconds(), default_value_t = 320, help_heading = "Limits")]
    upstream_keepalive: u64,

    /// What to log to standard error: error, warn, info, debug, trace, or a tracing filter
    #[arg(long, value_name = "FILTER", default_value = "warn", value_parser = filter, help_heading = "Logs")]
    log: String,
}

impl Cli {
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
        let secs = Duration::from_secs;
        WebSocketLayer::new()
            .allow_origin(self.origins())
            .max_message_len(self.max_message_size)
            .max_metadata_len(self.max_header_size)
            .metadata_timeout(secs(self.header_timeout))
            .max_concurrent_calls(self.max_concurrent_calls)
            .keepalive(secs(self.keepalive_interval), secs(self.keepalive_timeout))
    }

    pub(crate) fn upstream_keepalive(&self) -> Duration {
        Duration::from_secs(self.upstream_keepalive)
    }

    pub(crate) fn log_filter(&self) -> EnvFilter {
        EnvFilter::new(&self.log)
    }
}

/// A time of some length, at most a day.
fn seconds() -> clap::builder::RangedU64ValueParser {
    clap::builder::RangedU64ValueParser::new().range(1..=86_400)
}

/// One `--allow-origin`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Allowed {
    Any,
    Origin(Origin),
}

fn allowed(text: &str) -> Result<Allowed, String> {
    if text == "*" {
        return Ok(Allowed::Any);
    }
    text.parse()
        .map(Allowed::Origin)
        .map_err(|error| error.to_string())
}

fn server(text: &str) -> Result<Authority, String> {
    const FORM: &str = "write it as http://HOST:PORT, without a path";
    let uri: Uri = text.parse().map_err(|_| FORM)?;
    let plain = uri.scheme() == Some(&Scheme::HTTP) && matches!(uri.path(), "" | "/");
    let authority = uri.into_parts().authority;
    let authority = authority.filter(|authority| plain && !authority.host().is_empty());
    authority.ok_or_else(|| FORM.to_owned())
}

fn filter(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text).map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn parse(arguments: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from([&["gateway"], arguments].concat())
    }

    #[test]
    fn the_command_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn origins_are_the_own_host_a_list_or_any() {
        assert!(matches!(
            parse(&[]).unwrap().origins(),
            AllowOrigin::SameHost
        ));
        let two = [
            "--allow-origin",
            "https://a.example",
            "--allow-origin",
            "http://b.example:81",
        ];
        assert!(
            matches!(parse(&two).unwrap().origins(), AllowOrigin::List(list) if list.len() == 2)
        );
        let any = ["--allow-origin", "https://a.example", "--allow-origin", "*"];
        assert!(matches!(parse(&any).unwrap().origins(), AllowOrigin::Any));
        assert!(parse(&["--allow-origin", "a.example"]).is_err());
    }

    #[test]
    fn an_upstream_is_a_plain_http_address() {
        assert!(parse(&["--upstream", "http://127.0.0.1:50051"]).is_ok());
        assert!(parse(&["--upstream", "http://[::1]:50051/"]).is_ok());
        for wrong in [
            "127.0.0.1:50051",
            "localhost",
            "https://h",
            "http://",
            "http://h:1/path",
        ] {
            assert!(parse(&["--upstream", wrong]).is_err(), "{wrong}");
        }
    }
}
