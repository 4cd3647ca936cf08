//! Making calls whose messages have types.

use core::marker::PhantomData;

use embassy_time::Duration;

use super::buffer::{Buffer, check};
use crate::codec::{Decode, Encode};
use crate::metadata::Metadata;
use crate::status::Status;
use crate::{Call, Client};

/// Makes the calls of a service, all with the same time limit and metadata. Copies are the same.
#[derive(Debug)]
pub struct Calls<'a, C, const N: usize, const W: usize, const T: usize> {
    client: Client<'a, N, W, T>,
    timeout: Option<Duration>,
    metadata: &'a [u8],
    codec: PhantomData<fn() -> C>,
}

impl<C, const N: usize, const W: usize, const T: usize> Clone for Calls<'_, C, N, W, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C, const N: usize, const W: usize, const T: usize> Copy for Calls<'_, C, N, W, T> {}

impl<'a, C, const N: usize, const W: usize, const T: usize> Calls<'a, C, N, W, T> {
    /// Without a time limit or metadata.
    #[must_use]
    pub const fn new(client: Client<'a, N, W, T>) -> Self {
        Self {
            client,
            timeout: None,
            metadata: &[],
            codec: PhantomData,
        }
    }

    /// See [`Call::timeout`].
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// See [`Call::metadata`].
    #[must_use]
    pub fn with_metadata<const M: usize>(mut self, metadata: &'a Metadata<M>) -> Self {
        self.metadata = metadata.as_bytes();
        self
    }

    /// See [`Call::unary`].
    ///
    /// # Errors
    /// As there.
    pub fn unary<'b, Q: Encode<C>, A: Encode<C> + Decode<'b, C>, B: Buffer + ?Sized>(
        &self,
        path: &'static str,
        request: &Q,
        buffer: &'b mut B,
    ) -> impl Future<Output = Result<A, Status>> {
        check::<C, Q, B>();
        check::<C, A, B>();
        self.call(path).unary(request, buffer.bytes())
    }

    /// See [`Call::server_streaming`].
    ///
    /// # Errors
    /// As there.
    pub async fn server_streaming<Q: Encode<C>, A, B: Buffer + ?Sized>(
        &self,
        path: &'static str,
        request: &Q,
        buffer: &mut B,
    ) -> Result<Receiver<'a, A, C, N, W, T>, Status> {
        check::<C, Q, B>();
        let call = self.call(path);
        let receiver = call.server_streaming(request, buffer.bytes()).await?;
        Ok(Receiver::new(receiver))
    }

    /// See [`Call::client_streaming`].
    ///
    /// # Errors
    /// As there.
    pub async fn client_streaming<Q, A>(
        &self,
        path: &'static str,
    ) -> Result<Upload<'a, Q, A, C, N, W, T>, Status> {
        let upload = self.call(path).client_streaming().await?;
        Ok(Upload {
            inner: upload,
            messages: PhantomData,
        })
    }

    /// See [`Call::bidi`].
    ///
    /// # Errors
    /// As there.
    #[allow(clippy::type_complexity)] // Two names with the parameters that all here have.
    pub async fn bidi<Q, A>(
        &self,
        path: &'static str,
    ) -> Result<(Sender<'a, Q, C, N, W, T>, Receiver<'a, A, C, N, W, T>), Status> {
        let (sender, receiver) = self.call(path).bidi().await?;
        Ok((Sender::new(sender), Receiver::new(receiver)))
    }

    fn call(&self, path: &'static str) -> Call<'a, 'a, C, N, W, T> {
        let call = self.client.call(path).block(self.metadata);
        match self.timeout {
            Some(timeout) => call.timeout(timeout),
            None => call,
        }
    }
}

/// What comes of a call: messages of the type `M`. Its drop before the end cancels the call.
#[derive(Debug)]
pub struct Receiver<'a, M, C, const N: usize, const W: usize, const T: usize> {
    inner: crate::Receiver<'a, C, N, W, T>,
    messages: PhantomData<fn() -> M>,
}

impl<'a, M, C, const N: usize, const W: usize, const T: usize> Receiver<'a, M, C, N, W, T> {
    const fn new(inner: crate::Receiver<'a, C, N, W, T>) -> Self {
        Self {
            inner,
            messages: PhantomData,
        }
    }

    /// See [`Receiver::message`](crate::Receiver::message).
    ///
    /// # Errors
    /// As there.
    pub fn message<'b, B: Buffer + ?Sized>(
        &mut self,
        buffer: &'b mut B,
    ) -> impl Future<Output = Result<Option<M>, Status>>
    where
        M: Encode<C> + Decode<'b, C>,
    {
        check::<C, M, B>();
        self.inner.message(buffer.bytes())
    }

    /// To read metadata, or messages in pieces.
    pub const fn inner(&mut self) -> &mut crate::Receiver<'a, C, N, W, T> {
        &mut self.inner
    }
}

/// What a client sends: messages of the type `M`. Its drop before [`half_close`](Self::half_close)
/// cancels the call.
#[derive(Debug)]
pub struct Sender<'a, M, C, const N: usize, const W: usize, const T: usize> {
    inner: crate::Sender<'a, C, N, W, T>,
    messages: PhantomData<fn(M)>,
}

impl<'a, M, C, const N: usize, const W: usize, const T: usize> Sender<'a, M, C, N, W, T> {
    const fn new(inner: crate::Sender<'a, C, N, W, T>) -> Self {
        Self {
            inner,
            messages: PhantomData,
        }
    }

    /// See [`Sender::send`](crate::Sender::send).
    ///
    /// # Errors
    /// As there.
    pub fn send<B: Buffer + ?Sized>(
        &mut self,
        message: &M,
        buffer: &mut B,
    ) -> impl Future<Output = Result<(), Status>>
    where
        M: Encode<C>,
    {
        check::<C, M, B>();
        self.inner.send(message, buffer.bytes())
    }

    /// See [`Sender::half_close`](crate::Sender::half_close).
    ///
    /// # Errors
    /// As there.
    pub fn half_close(self) -> impl Future<Output = Result<(), Status>> {
        self.inner.half_close()
    }

    /// To write messages in pieces.
    pub const fn inner(&mut self) -> &mut crate::Sender<'a, C, N, W, T> {
        &mut self.inner
    }
}

/// A call with any number of messages of the type `Q`, and one of the type `A` in answer. Its drop
/// cancels it.
#[derive(Debug)]
pub struct Upload<'a, Q, A, C, const N: usize, const W: usize, const T: usize> {
    inner: crate::Upload<'a, C, N, W, T>,
    messages: PhantomData<fn(Q) -> A>,
}

impl<'a, Q, A, C, const N: usize, const W: usize, const T: usize> Upload<'a, Q, A, C, N, W, T> {
    /// See [`Upload::send`](crate::Upload::send).
    ///
    /// # Errors
    /// As there.
    pub fn send<B: Buffer + ?Sized>(
        &mut self,
        message: &Q,
        buffer: &mut B,
    ) -> impl Future<Output = Result<(), Status>>
    where
        Q: Encode<C>,
    {
        check::<C, Q, B>();
        self.inner.send(message, buffer.bytes())
    }

    /// See [`Upload::finish`](crate::Upload::finish).
    ///
    /// # Errors
    /// As there.
    pub fn finish<'b, B: Buffer + ?Sized>(
        self,
        buffer: &'b mut B,
    ) -> impl Future<Output = Result<A, Status>>
    where
        A: Encode<C> + Decode<'b, C>,
    {
        check::<C, A, B>();
        self.inner.finish(buffer.bytes())
    }

    /// To write messages in pieces.
    pub const fn inner(&mut self) -> &mut crate::Upload<'a, C, N, W, T> {
        &mut self.inner
    }
}
