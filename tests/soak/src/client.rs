//! A client's WebSocket, and the calls on it frame by frame: its user decides what it does wrong.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use grpc_websocket_core::wire::mux::{FrameType, HEADER_LEN, Header};
use http::header::{HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_websockets::{ClientBuilder, Message, WebSocketStream};

use crate::BoxError;

/// How long a client waits for what has to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// An `EchoRequest` of the demo, behind its prefix.
const MESSAGE: &[u8] = b"\0\0\0\0\x04\x0a\x02hi";

/// A method that answers one message with one, and one that does so until the half-close.
pub(crate) const UNARY: &str = "/demo.v1.Echo/Unary";
pub(crate) const BIDI: &str = "/demo.v1.Echo/Bidi";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subprotocol {
    Mux,
    Single,
}

/// One WebSocket with one call at a time.
pub(crate) struct Client {
    socket: WebSocketStream<TcpStream>,
    subprotocol: Subprotocol,
    /// The id of the call.
    id: u32,
    answer: Answer,
}

/// What the server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// It asks whether the client is there, and is answered.
    Ping,
    /// More of the answer, maybe.
    Frame,
    GoAway,
    Close(u16),
    /// The connection is over.
    Over,
}

impl Client {
    /// Connects. In `grpc-websockets` the method is said here, and goes for the one call.
    pub(crate) async fn connect(
        address: SocketAddr,
        subprotocol: Subprotocol,
        method: &str,
    ) -> Result<Self, BoxError> {
        let io = TcpStream::connect(address).await?;
        io.set_nodelay(true)?;
        let (name, path) = match subprotocol {
            Subprotocol::Mux => ("grpc-mux.v1", "/"),
            Subprotocol::Single => ("grpc-websockets", method),
        };
        let (socket, _) = ClientBuilder::from_uri(format!("ws://localhost{path}").parse()?)
            .add_header(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(name))?
            .connect_on(io)
            .await?;
        let mut client = Self {
            socket,
            subprotocol,
            id: 0,
            answer: Answer::default(),
        };
        if subprotocol == Subprotocol::Mux {
            client.send_frame(FrameType::Settings, 0, &[]).await?;
            // The server's own SETTINGS.
            client.next().await?;
        }
        Ok(client)
    }

    /// Begins a call with one message; `end` half-closes it.
    pub(crate) async fn call(&mut self, method: &str, end: bool) -> Result<(), BoxError> {
        self.answer = Answer::default();
        match self.subprotocol {
            Subprotocol::Mux => {
                self.id = if self.id == 0 { 1 } else { self.id + 2 };
                let block = format!(":path: {method}\r\n");
                let len = u32::try_from(block.len())?.to_be_bytes();
                let stream = [&[0x80], &len[..], block.as_bytes(), MESSAGE].concat();
                let kind = FrameType::Data { open: true, end };
                self.send_frame(kind, self.id, &stream).await
            }
            Subprotocol::Single => {
                self.send(b"content-type: application/grpc-web+proto\r\n")
                    .await?;
                self.send(&[&[0], MESSAGE].concat()).await?;
                if end { self.half_close().await } else { Ok(()) }
            }
        }
    }

    /// Says that no more messages come in this call.
    pub(crate) async fn half_close(&mut self) -> Result<(), BoxError> {
        let kind = FrameType::Data {
            open: false,
            end: true,
        };
        match self.subprotocol {
            Subprotocol::Mux => self.send_frame(kind, self.id, &[]).await,
            Subprotocol::Single => self.send(&[1]).await,
        }
    }

    /// Gives the call up; in `grpc-websockets` only a Close can.
    pub(crate) async fn cancel(&mut self) -> Result<(), BoxError> {
        const CANCELLED: u8 = 1;
        match self.subprotocol {
            Subprotocol::Mux => {
                let kind = FrameType::Reset { refused: false };
                self.send_frame(kind, self.id, &[CANCELLED]).await
            }
            Subprotocol::Single => Ok(()),
        }
    }

    /// Closes, and reads until the connection is over.
    pub(crate) async fn close(mut self) -> Result<(), BoxError> {
        self.socket.send(Message::close(None, "")).await?;
        while self.next().await? != Event::Over {}
        Ok(())
    }

    /// Reads until a message of the answer is there.
    pub(crate) async fn message(&mut self) -> Result<(), BoxError> {
        while self.answer.messages == 0 {
            self.more_of_answer().await?;
        }
        Ok(())
    }

    /// Reads until the call is over: its status.
    pub(crate) async fn status(&mut self) -> Result<u8, BoxError> {
        loop {
            match self.answer.status {
                Some(status) => return Ok(status),
                None => self.more_of_answer().await?,
            }
        }
    }

    /// The status of the last call, if it is over.
    pub(crate) fn last_status(&self) -> Option<u8> {
        self.answer.status
    }

    async fn more_of_answer(&mut self) -> Result<(), BoxError> {
        match self.next().await? {
            Event::Ping | Event::Frame => Ok(()),
            event => Err(format!("{event:?} in the middle of a call").into()),
        }
    }

    /// What comes next, within a minute: the server pings more often than that.
    pub(crate) async fn next(&mut self) -> Result<Event, BoxError> {
        let message = match timeout(PATIENCE, self.socket.next()).await? {
            None | Some(Err(_)) => return Ok(Event::Over),
            Some(Ok(message)) => message,
        };
        if let Some((code, _)) = message.as_close() {
            return Ok(Event::Close(code.into()));
        }
        if message.is_ping() {
            // The library writes its pong with the next flush.
            let _ = self.socket.flush().await;
            return Ok(Event::Ping);
        }
        self.take(message.as_payload())
    }

    fn take(&mut self, message: &[u8]) -> Result<Event, BoxError> {
        if self.subprotocol == Subprotocol::Single {
            self.answer.take(message);
            return Ok(Event::Frame);
        }
        let (header, payload) = message.split_first_chunk::<HEADER_LEN>().ok_or("short")?;
        match Header::decode(*header)?.kind {
            FrameType::GoAway => return Ok(Event::GoAway),
            FrameType::Data { .. } => self.answer.take(payload),
            FrameType::Reset { .. } => self.answer.status = payload.first().copied(),
            _ => {}
        }
        Ok(Event::Frame)
    }

    /// The connection below, to be mistreated.
    pub(crate) fn into_io(self) -> TcpStream {
        self.socket.into_inner()
    }

    async fn send_frame(
        &mut self,
        kind: FrameType,
        id: u32,
        payload: &[u8],
    ) -> Result<(), BoxError> {
        let header = Header { kind, id }.encode();
        self.send(&[&header, payload].concat()).await
    }

    async fn send(&mut self, message: &[u8]) -> Result<(), BoxError> {
        let message = Message::binary(message.to_vec());
        Ok(self.socket.send(message).await?)
    }
}

/// The answer of a call so far.
#[derive(Debug, Default)]
struct Answer {
    unread: Vec<u8>,
    messages: usize,
    status: Option<u8>,
}

impl Answer {
    fn take(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
        while let Some((&[flags, ref len @ ..], rest)) = self.unread.split_first_chunk::<5>() {
            let len = usize::try_from(u32::from_be_bytes(*len)).unwrap_or(usize::MAX);
            let Some((frame, rest)) = rest.split_at_checked(len) else {
                return;
            };
            if flags & 0x80 == 0 {
                self.messages += 1;
            } else {
                self.status = self.status.or(status_in(frame));
            }
            self.unread = rest.to_vec();
        }
    }
}

fn status_in(block: &[u8]) -> Option<u8> {
    let block = String::from_utf8_lossy(block);
    let mut lines = block.lines();
    lines.find_map(|line| line.strip_prefix("grpc-status:")?.trim().parse().ok())
}
