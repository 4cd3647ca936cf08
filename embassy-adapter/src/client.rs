//! Making calls.

use core::future::{Future, poll_fn};
use core::marker::PhantomData;
use core::pin::Pin;

use embassy_time::{Duration, Instant, Timer};
use grpc_websocket_core::Code;

use crate::codec::{Decode, Encode};
use crate::handle::Handle;
use crate::metadata::Metadata;
use crate::shared::{Kind, Opening, Shared, now};
use crate::status::{Failure, Status};
use crate::stream::{Receiver, Sender, encode};

/// Makes calls, on whatever connection its [`Runner`](crate::Runner) drives. Copies are the same
/// client.
#[derive(Debug)]
pub struct Client<'a, const N: usize, const W: usize, const T: usize> {
    shared: &'a Shared<N, W, T>,
}

impl<const N: usize, const W: usize, const T: usize> Clone for Client<'_, N, W, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<const N: usize, const W: usize, const T: usize> Copy for Client<'_, N, W, T> {}

impl<'a, const N: usize, const W: usize, const T: usize> Client<'a, N, W, T> {
    pub(crate) const fn new(shared: &'a Shared<N, W, T>) -> Self {
        Self { shared }
    }

    /// Waits until calls can be made. Dropping the future does no harm.
    pub async fn ready(&self) {
        let _ = poll_fn(|cx| self.shared.poll(|inner| inner.poll_ready(cx))).await;
    }

    /// Takes no more calls on the connection, at both ends, and lets those that are open end. Then the
    /// runner's future is ready.
    pub fn go_away(&self) {
        self.shared.with((), super::shared::Inner::go_away);
    }

    /// A call to be made, of a method named `/package.Service/Method`, with messages of the codec `C`.
    pub const fn call<'p, C>(&self, path: &'p str) -> Call<'a, 'p, C, N, W, T> {
        Call {
            shared: self.shared,
            path,
            timeout: None,
            metadata: &[],
            codec: PhantomData,
        }
    }
}

/// A call to be made.
///
/// While there is no connection it fails as UNAVAILABLE at once: see [`Client::ready`]. When the
/// places of the [`State`](crate::State), or what the server takes, are all in use, it waits.
#[derive(Debug)]
#[must_use = "it is made by its kind: `unary`, `client_streaming`, `server_streaming` or `bidi`"]
pub struct Call<'a, 'p, C, const N: usize, const W: usize, const T: usize> {
    shared: &'a Shared<N, W, T>,
    path: &'p str,
    timeout: Option<Duration>,
    metadata: &'p [u8],
    codec: PhantomData<fn() -> C>,
}

impl<'a, 'p, C, const N: usize, const W: usize, const T: usize> Call<'a, 'p, C, N, W, T> {
    /// Ends the call with DEADLINE_EXCEEDED when it is not over in that time, at both ends. It counts
    /// from when the call is made.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sends metadata with it.
    pub fn metadata<const M: usize>(self, metadata: &'p Metadata<M>) -> Self {
        self.block(metadata.as_bytes())
    }

    /// Sends a block of metadata with it.
    pub(crate) fn block(mut self, metadata: &'p [u8]) -> Self {
        self.metadata = metadata;
        self
    }

    /// One message, and one in answer. The buffer has to take the longer of the two.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the call.
    ///
    /// # Errors
    /// The status of the call; RESOURCE_EXHAUSTED if the buffer is too short.
    pub async fn unary<'b, Q: Encode<C> + ?Sized, A: Decode<'b, C>>(
        self,
        request: &Q,
        buffer: &'b mut [u8],
    ) -> Result<A, Status> {
        let message = encode(request, buffer)?;
        let mut receiver = Receiver::new(self.open(Some(message)).await?);
        receiver.only_message(buffer).await
    }

    /// One message, and any number in answer. The buffer is for the message.
    ///
    /// # Errors
    /// As [`unary`](Self::unary).
    pub async fn server_streaming<Q: Encode<C> + ?Sized>(
        self,
        request: &Q,
        buffer: &mut [u8],
    ) -> Result<Receiver<'a, C, N, W, T>, Status> {
        let message = encode(request, buffer)?;
        let handle = self.open(Some(message)).await?;
        Ok(Receiver::new(handle))
    }

    /// Any number of messages, and one in answer.
    ///
    /// # Errors
    /// As [`unary`](Self::unary).
    pub async fn client_streaming(self) -> Result<Upload<'a, C, N, W, T>, Status> {
        let handle = self.open(None).await?;
        let sender = Sender::new(handle.share(Some(Code::Cancelled)).alone());
        let receiver = Receiver::new(handle);
        Ok(Upload { sender, receiver })
    }

    /// Any number of messages in both directions.
    ///
    /// # Errors
    /// As [`unary`](Self::unary).
    #[allow(clippy::type_complexity)] // Two names with the parameters that all here have.
    pub async fn bidi(self) -> Result<(Sender<'a, C, N, W, T>, Receiver<'a, C, N, W, T>), Status> {
        let handle = self.open(None).await?;
        let sender = Sender::new(handle.share(Some(Code::Cancelled)));
        Ok((sender, Receiver::new(handle)))
    }

    /// Sends the beginning.
    async fn open(self, message: Option<&[u8]>) -> Result<Handle<'a, N, W, T>, Failure> {
        let opening = Opening::new(self.path, self.timeout, self.metadata, message);
        let mut timer = self.timeout.and_then(timer);
        let (lane, sent) = poll_fn(|cx| {
            let opened = self
                .shared
                .poll(|inner| inner.poll_open(cx, now(), &opening));
            match &mut timer {
                Some(timer) if opened.is_pending() => {
                    let is_over = Pin::new(timer).poll(cx);
                    is_over.map(|()| Err(Failure::of(Code::DeadlineExceeded)))
                }
                _ => opened,
            }
        })
        .await?;
        let mut handle = Handle::new(self.shared, lane, Some(Code::Cancelled));
        let parts = opening.parts(self.shared.with(false, |inner| inner.is_single()));
        let end = opening.is_end() && sent < parts.len();
        handle.send(Kind::Message, parts, sent, end).await?;
        Ok(handle)
    }
}

/// The time that a call may wait for its place.
fn timer(timeout: Duration) -> Option<Timer> {
    Instant::now().checked_add(timeout).map(Timer::at)
}

/// A call with any number of messages, and one in answer. Its drop cancels it.
#[derive(Debug)]
pub struct Upload<'a, C, const N: usize, const W: usize, const T: usize> {
    sender: Sender<'a, C, N, W, T>,
    receiver: Receiver<'a, C, N, W, T>,
}

impl<C, const N: usize, const W: usize, const T: usize> Upload<'_, C, N, W, T> {
    /// See [`Sender::send`].
    ///
    /// # Errors
    /// As there.
    pub fn send<M: Encode<C> + ?Sized>(
        &mut self,
        message: &M,
        buffer: &mut [u8],
    ) -> impl Future<Output = Result<(), Status>> {
        self.sender.send(message, buffer)
    }

    /// See [`Sender::begin_message`].
    ///
    /// # Errors
    /// As there.
    pub fn begin_message(&mut self, len: u32) -> impl Future<Output = Result<(), Status>> {
        self.sender.begin_message(len)
    }

    /// See [`Sender::write`].
    ///
    /// # Errors
    /// As there.
    pub fn write(&mut self, bytes: &[u8]) -> impl Future<Output = Result<(), Status>> {
        self.sender.write(bytes)
    }

    /// Ends the messages, and waits for the answer, which is read into the buffer. A server may answer
    /// before: then [`send`](Self::send) fails, and this says why.
    ///
    /// # Errors
    /// The status of the call; RESOURCE_EXHAUSTED if the buffer is too short.
    pub async fn finish<'b, A: Decode<'b, C>>(self, buffer: &'b mut [u8]) -> Result<A, Status> {
        let Self {
            sender,
            mut receiver,
        } = self;
        // Its answer may be there though it takes no more.
        let _ = sender.half_close().await;
        receiver.only_message(buffer).await
    }
}
