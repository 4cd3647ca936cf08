//! The connections to upstreams.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use grpc_websocket_tokio::rustls::ClientConfig;
use grpc_websocket_tokio::{Channel, Endpoint, Proxy, Transports};

use crate::cli::{ClientTls, Target};
use crate::tls;

/// How long connecting to an upstream may take, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The upstream of each name, and each upstream once: it may have several names. None is connected
/// to before a call needs it.
pub(crate) struct Backends {
    pub(crate) by_name: Vec<(String, Channel)>,
    pub(crate) by_target: Vec<(String, Channel)>,
}

impl Backends {
    /// `keepalive`: how often a connection with calls is pinged.
    pub(crate) fn new(
        upstreams: &[(String, Target)],
        keepalive: Duration,
        files: &ClientTls,
    ) -> Result<Self, String> {
        let is_tls = |(_, target): &(String, Target)| matches!(target, Target::Tls(_));
        let needs_tls = upstreams.iter().any(is_tls);
        let tls = needs_tls.then(|| tls::client(files)).transpose()?;
        let mut known = HashMap::new();
        let mut by_name = Vec::new();
        for (name, target) in upstreams {
            let channel = match known.get(target) {
                Some(channel) => Channel::clone(channel),
                None => connect(target, keepalive, tls.clone())?,
            };
            known.insert(target, channel.clone());
            by_name.push((name.clone(), channel));
        }
        let by_target = known.into_iter();
        let by_target = by_target.map(|(target, channel)| (target.to_string(), channel));
        Ok(Self {
            by_name,
            by_target: by_target.collect(),
        })
    }
}

fn connect(
    target: &Target,
    keepalive: Duration,
    tls: Option<Arc<ClientConfig>>,
) -> Result<Channel, String> {
    let endpoint = Endpoint::new(target.to_string())
        .map_err(|error| format!("--upstream {target}: {error}"))?
        .transports(Transports::Http2)
        .proxy(Proxy::None)
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keepalive(keepalive);
    let endpoint = match tls {
        Some(config) => endpoint.tls_config(config),
        None => endpoint,
    };
    Ok(endpoint.connect_lazy())
}
