//! Metadata that a client sends once, with its upgrade.

use grpc_websocket_core::wire::metadata::{
    decode_binary, is_binary_name, is_connection_specific, is_valid_value,
};
use http::header::{
    AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_PROTOCOL,
};

use crate::server::handshake::list;

/// What goes before a token among the subprotocols.
const BEARER: &str = "bearer.";

/// Which headers of an upgrade are metadata of the calls on its WebSocket. None by default.
#[derive(Debug, Clone, Default)]
pub(crate) struct UpgradeHeaders {
    allowed: Vec<HeaderName>,
    bearer: bool,
}

impl UpgradeHeaders {
    /// Allows these, but for those that are gRPC's or the connection's.
    pub(crate) fn allow(&mut self, names: impl IntoIterator<Item = HeaderName>) {
        for name in names {
            if may_be_metadata(&name) && !self.allowed.contains(&name) {
                self.allowed.push(name);
            }
        }
    }

    pub(crate) fn allow_bearer(&mut self, allowed: bool) {
        self.bearer = allowed;
    }

    /// What of an upgrade is metadata.
    pub(crate) fn metadata(&self, headers: &HeaderMap) -> HeaderMap {
        let mut metadata = HeaderMap::new();
        for name in &self.allowed {
            for value in headers.get_all(name) {
                if is_valid(name, value) {
                    metadata.append(name, value.clone());
                }
            }
        }
        join_cookies(&mut metadata);
        if self.bearer
            && let Some(authorization) = bearer(headers)
        {
            metadata.insert(AUTHORIZATION, authorization);
        }
        metadata
    }
}

/// Adds the metadata of the upgrade that a call does not have itself.
pub(crate) fn complete(call: &mut HeaderMap, upgrade: &HeaderMap) {
    for name in upgrade.keys() {
        if !call.contains_key(name) {
            for value in upgrade.get_all(name) {
                call.append(name, value.clone());
            }
        }
    }
}

fn may_be_metadata(name: &HeaderName) -> bool {
    let text = name.as_str();
    !is_connection_specific(text.as_bytes()) && *name != CONTENT_TYPE && !text.starts_with("grpc-")
}

/// Whether a service may see a value: tonic panics on some that are not.
fn is_valid(name: &HeaderName, value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    if is_binary_name(name.as_str().as_bytes()) {
        return decode_binary(bytes, &mut vec![0; bytes.len()]).is_ok();
    }
    is_valid_value(bytes)
}

/// HTTP/2 may split a list of cookies over several lines (RFC 9113 section 8.2.3).
fn join_cookies(metadata: &mut HeaderMap) {
    let cookies: Vec<_> = metadata.get_all(COOKIE).iter().collect();
    let joined = cookies.iter().map(|cookie| cookie.as_bytes());
    let joined = joined.collect::<Vec<_>>().join(&b"; "[..]);
    if cookies.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&joined)
    {
        metadata.insert(COOKIE, joined);
    }
}

/// `Bearer` and the first token that is offered as a subprotocol. No log shows it.
fn bearer(headers: &HeaderMap) -> Option<HeaderValue> {
    let token = list(headers, &SEC_WEBSOCKET_PROTOCOL)
        .filter_map(|offered| offered.strip_prefix(BEARER))
        .find(|token| is_token(token))?;
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// As RFC 7230 section 3.2.6 defines it.
fn is_token(text: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_tchar)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    fn allowed(names: &[&'static str]) -> UpgradeHeaders {
        let mut allowed = UpgradeHeaders::default();
        allowed.allow(names.iter().copied().map(HeaderName::from_static));
        allowed
    }

    const UPGRADE: [(&str, &str); 8] = [
        ("host", "h"),
        ("authorization", "Basic eA=="),
        ("x-device", "pump"),
        ("x-device", "7"),
        ("x-key-bin", "AAE="),
        ("grpc-timeout", "1S"),
        ("content-type", "application/grpc"),
        ("sec-websocket-key", "x"),
    ];

    #[test]
    fn nothing_is_metadata_by_default() {
        let metadata = UpgradeHeaders::default().metadata(&headers(&UPGRADE));
        assert_eq!(metadata, HeaderMap::new());
    }

    #[test]
    fn what_is_named_is_metadata_unless_it_is_grpcs_or_the_connections() {
        let names = UPGRADE.map(|(name, _)| name);
        let metadata = allowed(&names).metadata(&headers(&UPGRADE));
        assert_eq!(metadata, headers(&UPGRADE[1..5]));
    }

    #[test]
    fn values_that_are_not_metadata_are_left_out() {
        let mut upgrade = headers(&[("x-bin", "not base64!"), ("y", "good")]);
        upgrade.append("y", HeaderValue::from_bytes(b"\xff").unwrap());
        let metadata = allowed(&["x-bin", "y"]).metadata(&upgrade);
        assert_eq!(metadata, headers(&[("y", "good")]));
    }

    #[test]
    fn a_calls_own_metadata_wins() {
        let upgrade = headers(&[("a", "1"), ("b", "1"), ("b", "2")]);
        let mut call = headers(&[("a", "own")]);
        complete(&mut call, &upgrade);
        assert_eq!(call, headers(&[("a", "own"), ("b", "1"), ("b", "2")]));
    }

    #[test]
    fn cookies_in_several_lines_are_one_list() {
        let metadata =
            allowed(&["cookie"]).metadata(&headers(&[("cookie", "a=1"), ("cookie", "b=2")]));
        assert_eq!(metadata, headers(&[("cookie", "a=1; b=2")]));
    }

    #[test]
    fn a_bearer_token_comes_among_the_subprotocols_where_that_is_allowed() {
        let offered = headers(&[
            ("authorization", "Basic eA=="),
            ("sec-websocket-protocol", "grpc-mux.v1, bearer., bearer.a=b"),
            ("sec-websocket-protocol", "bearer.eyJ.eyJ._-, bearer.second"),
        ]);
        let mut rules = allowed(&["authorization"]);
        assert_eq!(rules.metadata(&offered)["authorization"], "Basic eA==");
        rules.allow_bearer(true);
        let metadata = rules.metadata(&offered);
        assert_eq!(metadata["authorization"], "Bearer eyJ.eyJ._-");
        assert!(!format!("{metadata:?}").contains("eyJ"));
    }
}
