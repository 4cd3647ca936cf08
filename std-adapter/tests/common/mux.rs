//! A client of `grpc-mux.v1` on a WebSocket.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use grpc_websocket_core::Code;
use grpc_websocket_core::mux::CallId;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_websockets::Message;

use super::dialer::{CONFIG, Call, Dialer};
use super::{Client, connect_by};

/// No test waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// One WebSocket and the calls on it.
pub(crate) struct MuxClient<T = TcpStream> {
    socket: Client<T>,
    pub(crate) dialer: Dialer,
}

impl MuxClient {
    /// Past the SETTINGS.
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let (socket, chosen) = connect_by(address, "/", "grpc-mux.v1").await;
        assert_eq!(chosen, "grpc-mux.v1");
        Self::new(socket).await
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> MuxClient<T> {
    /// Past the SETTINGS.
    pub(crate) async fn new(socket: Client<T>) -> Self {
        let dialer = Dialer::new(CONFIG);
        let mut client = Self { socket, dialer };
        client.until(|dialer| dialer.settings().is_some()).await;
        client
    }

    /// Writes what there is to write.
    pub(crate) async fn flush(&mut self) {
        while let Some(message) = self.dialer.next_message() {
            self.socket.feed(Message::binary(message)).await.unwrap();
        }
        self.socket.flush().await.unwrap();
    }

    /// Writes, and reads what comes, until something is so.
    pub(crate) async fn until(&mut self, is_so: impl Fn(&Dialer) -> bool) {
        loop {
            self.flush().await;
            if is_so(&self.dialer) {
                return;
            }
            let message = self.read().await;
            self.dialer.receive(&message).unwrap();
        }
    }

    /// The next WebSocket message as it is.
    pub(crate) async fn read(&mut self) -> Vec<u8> {
        let _ = self.socket.flush().await;
        let message = timeout(PATIENCE, self.socket.next()).await;
        let message = message.expect("nothing comes").unwrap().unwrap();
        assert!(message.is_binary(), "{message:?}");
        message.into_payload().to_vec()
    }

    /// The answer of a call.
    pub(crate) async fn answer(&mut self, call: CallId) -> &Call {
        self.until(|dialer| dialer.is_over(call)).await;
        self.dialer.answer(call)
    }

    pub(crate) async fn status(&mut self, call: CallId) -> Code {
        self.answer(call).await.status.unwrap()
    }

    /// Writes a WebSocket message as it is; whether the server still takes it.
    pub(crate) async fn write(&mut self, message: Vec<u8>) -> bool {
        self.socket.feed(Message::binary(message)).await.is_ok()
    }

    /// The messages until the Close, and its code.
    pub(crate) async fn close_code(&mut self) -> (Vec<Vec<u8>>, Option<u16>) {
        let _ = self.socket.flush().await;
        timeout(PATIENCE, super::answer(&mut self.socket))
            .await
            .expect("no Close comes")
    }
}
