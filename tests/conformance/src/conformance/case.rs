//! A case as data: what a call asks for, and what must come of it. `data/*.toml` holds them.

use bytes::Bytes;
use prost::Message as _;
use serde::Deserialize;
use tonic::Code;

use crate::proto::conformance::unary_response_definition::Response;
use crate::proto::conformance::{
    BidiStreamRequest, Error, Header, StreamResponseDefinition, UnaryRequest,
    UnaryResponseDefinition,
};

/// The names of the status codes, by number.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// Metadata as lines: a repeated name is several.
pub type Fields = Vec<(String, String)>;

/// A file of `data`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// As in the file names of connectrpc/conformance.
    pub name: String,
    /// How many cases the suite has there.
    pub of: usize,
    /// Whether gzip makes a difference to what the suite is about.
    #[serde(default)]
    pub gzip: bool,
    /// Those that were ported.
    #[serde(rename = "case")]
    pub cases: Vec<Case>,
}

/// One call.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// As in connectrpc/conformance.
    pub name: String,
    /// Which kind of RPC.
    pub kind: Kind,
    /// Another path than the kind's method has.
    pub path: Option<String>,
    /// What the client sends with it.
    #[serde(default)]
    pub headers: Fields,
    /// The data of each request message; the first also carries the definition.
    #[serde(default = "one_request")]
    pub requests: Vec<String>,
    /// To pad each request message to so many bytes more than the server's, or client's, limit.
    #[serde(default)]
    pub expand: Vec<i32>,
    /// What the server is to do.
    pub response: Option<Definition>,
    /// The client's deadline.
    pub timeout_ms: Option<u64>,
    /// When the client cancels.
    pub cancel: Option<Cancel>,
    /// The request body in place of the messages: flags and payload of each frame.
    pub raw_request: Option<Vec<Frame>>,
    /// What a scripted server sends in place of our service.
    pub script: Option<Script>,
    /// What must come of it, if not simply what the definition says.
    pub expect: Option<Expect>,
}

/// A kind of RPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// One request, one response.
    Unary,
    /// Many requests, one response.
    ClientStream,
    /// One request, many responses.
    ServerStream,
    /// Many of both, the responses after the requests.
    HalfDuplex,
    /// Many of both in turns.
    FullDuplex,
}

/// What the server is to answer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Definition {
    /// Initial metadata.
    pub headers: Fields,
    /// Of each message.
    pub data: Vec<String>,
    /// Before each message.
    pub delay_ms: u32,
    /// After the messages.
    pub error: Option<Failure>,
    /// Trailing metadata.
    pub trailers: Fields,
}

/// The error of a definition.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// By its name.
    #[serde(deserialize_with = "code")]
    pub code: Code,
    /// For people.
    pub message: String,
}

/// When the client cancels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cancel {
    /// After the last request, before the half-close.
    BeforeCloseSend,
    /// So many milliseconds after the half-close.
    AfterCloseSendMs(u64),
    /// After so many responses.
    AfterResponses(usize),
}

/// A gRPC frame as a script, or a raw request, has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frame {
    /// The first byte.
    #[serde(default)]
    pub flags: u8,
    /// The payload as text.
    #[serde(default)]
    pub text: String,
    /// Or a `UnaryResponse` with this data; of a request a `UnaryRequest` that asks for it.
    pub message: Option<String>,
    /// Whether to compress it.
    #[serde(default)]
    pub gzip: bool,
}

/// What a scripted server answers.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Script {
    /// The HTTP status; over WebSocket that of a refused upgrade.
    pub status: Option<u16>,
    /// The first block.
    pub headers: Fields,
    /// What follows it; flags 128 is a block of trailers.
    pub frames: Vec<Frame>,
}

/// What must come of a case.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The status.
    #[serde(deserialize_with = "code")]
    pub code: Code,
    /// Other codes that will do.
    #[serde(default, deserialize_with = "codes")]
    pub or: Vec<Code>,
    /// The message, if it matters.
    pub message: Option<String>,
    /// Initial metadata.
    #[serde(default)]
    pub headers: Fields,
    /// The data of the messages. Of a definition only the first ones must come.
    #[serde(default)]
    pub data: Vec<String>,
    /// Trailing metadata.
    #[serde(default)]
    pub trailers: Fields,
}

impl Kind {
    /// The path of its method.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Unary => "/connectrpc.conformance.v1.ConformanceService/Unary",
            Self::ClientStream => "/connectrpc.conformance.v1.ConformanceService/ClientStream",
            Self::ServerStream => "/connectrpc.conformance.v1.ConformanceService/ServerStream",
            Self::HalfDuplex | Self::FullDuplex => {
                "/connectrpc.conformance.v1.ConformanceService/BidiStream"
            }
        }
    }

    /// The type of its requests, as an `Any` names it.
    #[must_use]
    pub fn request_type(self) -> &'static str {
        match self {
            Self::Unary => "type.googleapis.com/connectrpc.conformance.v1.UnaryRequest",
            Self::ClientStream => {
                "type.googleapis.com/connectrpc.conformance.v1.ClientStreamRequest"
            }
            Self::ServerStream => {
                "type.googleapis.com/connectrpc.conformance.v1.ServerStreamRequest"
            }
            Self::HalfDuplex | Self::FullDuplex => {
                "type.googleapis.com/connectrpc.conformance.v1.BidiStreamRequest"
            }
        }
    }

    /// Whether there is exactly one response.
    #[must_use]
    pub fn is_single_response(self) -> bool {
        matches!(self, Self::Unary | Self::ClientStream)
    }
}

impl Case {
    /// Where the call goes.
    #[must_use]
    pub fn path(&self) -> &str {
        self.path.as_deref().unwrap_or(self.kind.path())
    }

    /// The request messages as protobuf, padded where the case says so.
    #[must_use]
    pub fn request_messages(&self, limit: usize) -> Vec<Bytes> {
        let message = |(index, data): (usize, &String)| {
            let first = index == 0;
            match self.expand.get(index) {
                Some(more) => self.padded(first, limit.saturating_add_signed(*more as isize)),
                None => self.request(first, data.clone().into_bytes()),
            }
        };
        self.requests.iter().enumerate().map(message).collect()
    }

    /// A request message of exactly this length.
    fn padded(&self, first: bool, len: usize) -> Bytes {
        let mut data = len;
        loop {
            let message = self.request(first, vec![b'x'; data]);
            if message.len() <= len {
                assert_eq!(
                    message.len(),
                    len,
                    "{}: a length that can be had",
                    self.name
                );
                return message;
            }
            data -= message.len() - len;
        }
    }

    fn request(&self, first: bool, data: Vec<u8>) -> Bytes {
        let definition = self.response.as_ref().filter(|_| first);
        let message = match self.kind {
            // The requests of the other three kinds have the same fields at the same places.
            Kind::Unary | Kind::ClientStream => UnaryRequest {
                response_definition: definition.map(Definition::unary),
                request_data: data,
            }
            .encode_to_vec(),
            Kind::ServerStream => crate::proto::conformance::ServerStreamRequest {
                response_definition: definition.map(Definition::stream),
                request_data: data,
            }
            .encode_to_vec(),
            Kind::HalfDuplex | Kind::FullDuplex => BidiStreamRequest {
                response_definition: definition.map(Definition::stream),
                full_duplex: first && self.kind == Kind::FullDuplex,
                request_data: data,
            }
            .encode_to_vec(),
        };
        message.into()
    }
}

impl Definition {
    fn unary(&self) -> UnaryResponseDefinition {
        let data = self.data.first().map(|data| data.clone().into_bytes());
        let error = self
            .error
            .as_ref()
            .map(|error| Response::Error(error.into()));
        UnaryResponseDefinition {
            response_headers: headers(&self.headers),
            response: error.or(data.map(Response::ResponseData)),
            response_trailers: headers(&self.trailers),
            response_delay_ms: self.delay_ms,
        }
    }

    fn stream(&self) -> StreamResponseDefinition {
        StreamResponseDefinition {
            response_headers: headers(&self.headers),
            response_data: self
                .data
                .iter()
                .map(|data| data.clone().into_bytes())
                .collect(),
            response_delay_ms: self.delay_ms,
            error: self.error.as_ref().map(Into::into),
            response_trailers: headers(&self.trailers),
        }
    }
}

impl From<&Failure> for Error {
    fn from(failure: &Failure) -> Self {
        Self {
            code: failure.code.into(),
            message: Some(failure.message.clone()),
            details: Vec::new(),
        }
    }
}

/// Lines as the service has them: the values of a name together.
fn headers(fields: &Fields) -> Vec<Header> {
    let mut headers: Vec<Header> = Vec::new();
    for (name, value) in fields {
        match headers.iter_mut().find(|header| header.name == *name) {
            Some(header) => header.value.push(value.clone()),
            None => headers.push(Header {
                name: name.clone(),
                value: vec![value.clone()],
            }),
        }
    }
    headers
}

fn one_request() -> Vec<String> {
    vec![String::new()]
}

fn code<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Code, D::Error> {
    let name = String::deserialize(deserializer)?;
    code_named(&name).ok_or_else(|| serde::de::Error::custom(format!("no code is named {name}")))
}

fn codes<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Code>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    let codes = names.iter().map(|name| code_named(name));
    codes
        .collect::<Option<_>>()
        .ok_or_else(|| serde::de::Error::custom(format!("not all are codes: {names:?}")))
}

fn code_named(name: &str) -> Option<Code> {
    let number = CODES.iter().position(|code| *code == name)?;
    Some(Code::from_i32(i32::try_from(number).ok()?))
}
