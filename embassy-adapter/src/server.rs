//! Answering calls.

use core::future::poll_fn;
use core::str;
use core::time::Duration;

use grpc_websocket_core::Code;
use grpc_websocket_core::wire::metadata::{self, Field};
use grpc_websocket_core::wire::timeout::{self, InvalidTimeout};

use crate::codec::{Decode, Encode};
use crate::handle::Handle;
use crate::metadata::Metadata;
use crate::shared::{Frame, Shared, now};
use crate::status::Status;
use crate::stream::{Item, Receiver, Responder};

/// Takes calls that come, on whatever connection its [`Runner`](crate::Runner) drives. Copies are the
/// same server: as many futures as [`Config::max_incoming_calls`](crate::Config) can answer at once,
/// each in a loop of [`accept`](Self::accept).
#[derive(Debug)]
pub struct Server<'a, const N: usize, const W: usize, const T: usize> {
    shared: &'a Shared<N, W, T>,
}

impl<const N: usize, const W: usize, const T: usize> Clone for Server<'_, N, W, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<const N: usize, const W: usize, const T: usize> Copy for Server<'_, N, W, T> {}

impl<'a, const N: usize, const W: usize, const T: usize> Server<'a, N, W, T> {
    pub(crate) const fn new(shared: &'a Shared<N, W, T>) -> Self {
        Self { shared }
    }

    /// Waits for a call, and reads its metadata into the buffer, which has to take the request's block:
    /// one that is longer is answered with RESOURCE_EXHAUSTED, one whose `grpc-timeout` is none with
    /// INTERNAL, and the next call is waited for.
    ///
    /// # Cancel safety
    /// Dropping the future loses no call that came.
    pub async fn accept<'b, C>(
        &self,
        buffer: &'b mut [u8],
    ) -> (Request<'b>, Incoming<'a, C, N, W, T>) {
        loop {
            let lane = poll_fn(|cx| self.shared.poll(|inner| inner.poll_accept(cx))).await;
            let Ok(lane) = lane else {
                continue;
            };
            let mut handle = Handle::new(self.shared, lane, Some(Code::Internal));
            let len = match handle.read_frame(buffer).await {
                Ok(Frame::Metadata(len)) if len < buffer.len() => len,
                _ => {
                    handle.give_up(Code::ResourceExhausted);
                    continue;
                }
            };
            let Ok(timeout) = Request::of(buffer, len).read_timeout() else {
                handle.give_up(Code::Internal);
                continue;
            };
            handle.set_deadline(timeout.and_then(|timeout| now().checked_add(timeout)));
            return (Request::of(buffer, len), Incoming::new(handle));
        }
    }
}

/// What a call begins with.
#[derive(Debug, Clone, Copy)]
pub struct Request<'b> {
    block: &'b [u8],
}

impl<'b> Request<'b> {
    fn of(buffer: &'b [u8], len: usize) -> Self {
        let block = buffer.get(..len).unwrap_or_default();
        Self { block }
    }

    /// The method: `/package.Service/Method`.
    #[must_use]
    pub fn path(&self) -> &'b str {
        let mut fields = metadata::fields(self.block).flatten();
        let path = fields.next().map_or(&[][..], |field| field.value());
        str::from_utf8(path).unwrap_or_default()
    }

    /// The metadata, without what belongs to the connection.
    pub fn metadata(&self) -> impl Iterator<Item = Field<'b>> + use<'b> {
        metadata::fields(self.block)
            .flatten()
            .filter(|field| !field.is_connection_specific())
    }

    /// How much time the client gives it. It is ended at the deadline in any case.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.read_timeout().ok().flatten()
    }

    fn read_timeout(&self) -> Result<Option<Duration>, InvalidTimeout> {
        let mut fields = self.metadata();
        let field = fields.find(|field| field.is("grpc-timeout"));
        field.map(|field| timeout::parse(field.value())).transpose()
    }
}

/// A call that came. Its drop before [`finish`](Self::finish) ends it as INTERNAL.
#[derive(Debug)]
pub struct Incoming<'a, C, const N: usize, const W: usize, const T: usize> {
    receiver: Receiver<'a, C, N, W, T>,
    responder: Responder<'a, C, N, W, T>,
}

impl<'a, C, const N: usize, const W: usize, const T: usize> Incoming<'a, C, N, W, T> {
    fn new(handle: Handle<'a, N, W, T>) -> Self {
        Self {
            receiver: Receiver::new(handle.share(None)),
            responder: Responder::new(handle),
        }
    }

    /// See [`Receiver::message`].
    ///
    /// # Errors
    /// As there.
    pub fn message<'b, M: Decode<'b, C>>(
        &mut self,
        buffer: &'b mut [u8],
    ) -> impl Future<Output = Result<Option<M>, Status>> {
        self.receiver.message(buffer)
    }

    /// Reads the only message of a call that has one.
    ///
    /// # Errors
    /// INTERNAL if there is none; otherwise as [`message`](Self::message).
    pub async fn only_message<'b, M: Decode<'b, C>>(
        &mut self,
        buffer: &'b mut [u8],
    ) -> Result<M, Status> {
        let message = self.receiver.message(buffer).await?;
        message.ok_or_else(|| Status::new(Code::Internal, "no request"))
    }

    /// See [`Receiver::next`].
    ///
    /// # Errors
    /// As there.
    pub fn next<'b>(
        &mut self,
        buffer: &'b mut [u8],
    ) -> impl Future<Output = Result<Item<'b>, Status>> {
        self.receiver.next(buffer)
    }

    /// See [`Responder::send`].
    ///
    /// # Errors
    /// As there.
    pub fn send<M: Encode<C> + ?Sized>(
        &mut self,
        message: &M,
        buffer: &mut [u8],
    ) -> impl Future<Output = Result<(), Status>> {
        self.responder.send(message, buffer)
    }

    /// See [`Responder::closed`].
    pub fn closed(&mut self) -> impl Future<Output = Status> {
        self.responder.closed()
    }

    /// The two directions, to be used at the same time, and to read and write in pieces.
    #[allow(clippy::type_complexity)] // Two names with the parameters that all here have.
    pub fn split(
        &mut self,
    ) -> (
        &mut Receiver<'a, C, N, W, T>,
        &mut Responder<'a, C, N, W, T>,
    ) {
        (&mut self.receiver, &mut self.responder)
    }

    /// Answers with one message and OK.
    ///
    /// # Errors
    /// As [`Responder::send`].
    pub async fn respond<M: Encode<C> + ?Sized>(
        mut self,
        message: &M,
        buffer: &mut [u8],
    ) -> Result<(), Status> {
        self.responder.send(message, buffer).await?;
        self.responder.finish(&Status::OK, &[]).await
    }

    /// Ends the call with a status.
    ///
    /// # Errors
    /// The status of a call that is over already.
    pub async fn finish(mut self, status: &Status) -> Result<(), Status> {
        self.responder.finish(status, &[]).await
    }

    /// Ends the call with a status and trailing metadata.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub async fn finish_with<const M: usize>(
        mut self,
        status: &Status,
        metadata: &Metadata<M>,
    ) -> Result<(), Status> {
        self.responder.finish(status, metadata.as_bytes()).await
    }
}
