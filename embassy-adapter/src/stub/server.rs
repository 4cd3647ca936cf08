//! Answering calls whose messages have types.

use embassy_futures::select::{self, select};
use grpc_websocket_core::Code;

use super::buffer::{Buffer, check, takes};
use crate::codec::{Decode, Encode};
use crate::metadata::Metadata;
use crate::server::{Incoming, Server};
use crate::status::Status;
use crate::stream::{Receiver, Responder};

/// Answers calls, with messages of the codec `C`: what a generated server is. A pair of them is one
/// too, so several can be on one connection: `(a, (b, c))`.
#[allow(async_fn_in_trait)] // Nothing here goes to another thread.
pub trait Service<C> {
    /// What it can be called for.
    type Method: Copy;

    /// How long its messages get, where that is known when it is compiled.
    const MAX_LEN: Option<usize>;

    /// The method of a path; `None` if it is not of this service.
    fn find(&self, path: &str) -> Option<Self::Method>;

    /// Answers a call, but for its status. The buffer has to take each of its messages.
    ///
    /// # Errors
    /// The status to finish the call with.
    async fn answer<const N: usize, const W: usize, const T: usize>(
        &self,
        method: Self::Method,
        call: &mut Incoming<'_, C, N, W, T>,
        buffer: &mut [u8],
    ) -> Result<(), Status>;

    /// Answers one call after the other, for ever; a method that is not there with UNIMPLEMENTED. For
    /// several at once there have to be as many of these futures.
    ///
    /// The buffer has to take each message, and the metadata of a request: one that is longer is
    /// answered with RESOURCE_EXHAUSTED. An array that is shorter than a message can be does not
    /// compile.
    ///
    /// # Cancel safety
    /// Dropping the future ends the call that it answers as INTERNAL.
    async fn serve<const N: usize, const W: usize, const T: usize, B: Buffer + ?Sized>(
        &self,
        server: Server<'_, N, W, T>,
        buffer: &mut B,
    ) -> ! {
        const {
            assert!(
                takes(B::LEN, Self::MAX_LEN),
                "the buffer is shorter than a message can be: the stub's constant says how long it has to be"
            );
        }
        let buffer = buffer.bytes();
        loop {
            let (request, mut call) = server.accept(buffer).await;
            let status = match self.find(request.path()) {
                Some(method) => self.answer(method, &mut call, buffer).await.err(),
                None => Some(Status::new(Code::Unimplemented, "no such method")),
            };
            // Who is gone needs no answer.
            let _ = call.finish(&status.unwrap_or(Status::OK)).await;
        }
    }
}

/// A method of one of two services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Either<A, B> {
    /// Of the first.
    First(A),
    /// Of the second.
    Second(B),
}

impl<C, A: Service<C>, B: Service<C>> Service<C> for (A, B) {
    type Method = Either<A::Method, B::Method>;

    const MAX_LEN: Option<usize> = super::longest(&[A::MAX_LEN, B::MAX_LEN]);

    fn find(&self, path: &str) -> Option<Self::Method> {
        let first = self.0.find(path).map(Either::First);
        first.or_else(|| self.1.find(path).map(Either::Second))
    }

    async fn answer<const N: usize, const W: usize, const T: usize>(
        &self,
        method: Self::Method,
        call: &mut Incoming<'_, C, N, W, T>,
        buffer: &mut [u8],
    ) -> Result<(), Status> {
        match method {
            Either::First(method) => self.0.answer(method, call, buffer).await,
            Either::Second(method) => self.1.answer(method, call, buffer).await,
        }
    }
}

/// What comes of a call that is answered: messages of the type `M`.
pub trait Requests<M> {
    /// See [`Receiver::message`].
    ///
    /// # Errors
    /// As there.
    fn message<B: Buffer + ?Sized>(
        &mut self,
        buffer: &mut B,
    ) -> impl Future<Output = Result<Option<M>, Status>>;
}

impl<M, C, const N: usize, const W: usize, const T: usize> Requests<M> for Receiver<'_, C, N, W, T>
where
    M: Encode<C> + for<'b> Decode<'b, C>,
{
    fn message<B: Buffer + ?Sized>(
        &mut self,
        buffer: &mut B,
    ) -> impl Future<Output = Result<Option<M>, Status>> {
        check::<C, M, B>();
        Receiver::message(self, buffer.bytes())
    }
}

/// What goes of a call that is answered: messages of the type `M`.
#[allow(async_fn_in_trait)] // Nothing here goes to another thread.
pub trait Responses<M> {
    /// See [`Responder::send_metadata`].
    ///
    /// # Errors
    /// As there.
    async fn send_metadata<const L: usize>(&mut self, metadata: &Metadata<L>)
    -> Result<(), Status>;

    /// See [`Responder::send`].
    ///
    /// # Errors
    /// As there.
    fn send<B: Buffer + ?Sized>(
        &mut self,
        message: &M,
        buffer: &mut B,
    ) -> impl Future<Output = Result<(), Status>>;

    /// See [`Responder::closed`].
    async fn closed(&mut self) -> Status;
}

impl<M: Encode<C>, C, const N: usize, const W: usize, const T: usize> Responses<M>
    for Responder<'_, C, N, W, T>
{
    async fn send_metadata<const L: usize>(
        &mut self,
        metadata: &Metadata<L>,
    ) -> Result<(), Status> {
        Responder::send_metadata(self, metadata).await
    }

    fn send<B: Buffer + ?Sized>(
        &mut self,
        message: &M,
        buffer: &mut B,
    ) -> impl Future<Output = Result<(), Status>> {
        check::<C, M, B>();
        Responder::send(self, message, buffer.bytes())
    }

    async fn closed(&mut self) -> Status {
        Responder::closed(self).await
    }
}

/// Answers a unary call by its handler, which is dropped when the client leaves or its time is over.
///
/// # Errors
/// The status to finish the call with.
pub async fn unary<C, Q, A, F, const N: usize, const W: usize, const T: usize>(
    call: &mut Incoming<'_, C, N, W, T>,
    buffer: &mut [u8],
    handler: impl FnOnce(Q) -> F,
) -> Result<(), Status>
where
    Q: for<'b> Decode<'b, C>,
    A: Encode<C>,
    F: Future<Output = Result<A, Status>>,
{
    let request = call.only_message(buffer).await?;
    let response = match select(handler(request), call.closed()).await {
        select::Either::First(response) => response?,
        select::Either::Second(status) => return Err(status),
    };
    call.send(&response, buffer).await
}
