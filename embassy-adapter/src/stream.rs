//! The two directions of a call.

use core::marker::PhantomData;

use grpc_websocket_core::Code;
use grpc_websocket_core::wire::prefix::FrameKind;

use crate::codec::{Decode, Encode};
use crate::handle::Handle;
use crate::metadata::Metadata;
use crate::parts::Parts;
use crate::shared::{Frame, Kind, prefix};
use crate::status::{Failure, Status, TOO_SHORT};

const MESSAGE: FrameKind = FrameKind::Message { compressed: false };

/// What [`Receiver::next`] has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item<'b> {
    /// At a client: the initial metadata, for [`fields`](grpc_websocket_core::wire::metadata::fields).
    Metadata(&'b [u8]),
    /// A message, in the bytes of its codec.
    Message(&'b [u8]),
    /// At a client: the call is over, with the status and the trailing metadata.
    Trailers(Status, &'b [u8]),
    /// At a server: the client sends no more. At a client: the trailers were read before.
    End,
}

/// What comes of a call. At a client its drop before the end cancels the call.
#[derive(Debug)]
pub struct Receiver<'a, C, const N: usize, const W: usize, const T: usize> {
    pub(crate) handle: Handle<'a, N, W, T>,
    codec: PhantomData<fn() -> C>,
}

impl<'a, C, const N: usize, const W: usize, const T: usize> Receiver<'a, C, N, W, T> {
    pub(crate) const fn new(handle: Handle<'a, N, W, T>) -> Self {
        Self {
            handle,
            codec: PhantomData,
        }
    }

    /// Reads the next message into the buffer, and decodes it there; `None` at the end of the
    /// messages: at a client that is a status of OK. Metadata is passed over.
    ///
    /// # Cancel safety
    /// A message of up to half a window is lost in no case. Dropping the future in the middle of a
    /// longer one ends the call.
    ///
    /// # Errors
    /// At a client the status of the call. RESOURCE_EXHAUSTED for a message longer than the buffer,
    /// which ends the call; what the codec says.
    pub async fn message<'b, M: Decode<'b, C>>(
        &mut self,
        buffer: &'b mut [u8],
    ) -> Result<Option<M>, Status> {
        let Some(len) = self.next_message(buffer, true).await? else {
            return Ok(None);
        };
        let message = M::decode(buffer.get(..len).unwrap_or_default());
        message.map(Some).map_err(|error| Status::of(error.code()))
    }

    /// Reads whatever comes next into the buffer. Otherwise as [`message`](Self::message); metadata
    /// that is longer than the buffer is cut.
    ///
    /// # Errors
    /// As [`message`](Self::message), but for the status of trailers, which is an [`Item`].
    pub async fn next<'b>(&mut self, buffer: &'b mut [u8]) -> Result<Item<'b>, Status> {
        let frame = self.handle.read_frame(buffer).await;
        let frame = frame.map_err(|failure| self.lost(failure))?;
        let read = |len| buffer.get(..len).unwrap_or_default();
        Ok(match frame {
            Frame::Metadata(len) => Item::Metadata(read(len)),
            Frame::Message(len) => Item::Message(read(len)),
            Frame::Trailers(code, len) => {
                let block = read(len);
                Item::Trailers(Status::of_trailers(code, block), block)
            }
            Frame::End => Item::End,
        })
    }

    /// Begins to read a message that may be longer than the device's memory: its length, in bytes, for
    /// [`read`](Self::read); `None` at the end of the messages. The buffer is for metadata.
    ///
    /// # Errors
    /// At a client the status of the call.
    pub async fn begin_message(&mut self, buffer: &mut [u8]) -> Result<Option<u32>, Status> {
        let len = self.next_message(buffer, false).await?;
        Ok(len.map(|len| u32::try_from(len).unwrap_or(u32::MAX)))
    }

    /// Reads a piece of the message that was [begun](Self::begin_message): how many bytes; 0 at its
    /// end. Nothing is lost when the future is dropped.
    ///
    /// # Errors
    /// The status of a call that ended before the message did.
    pub async fn read(&mut self, out: &mut [u8]) -> Result<usize, Status> {
        let read = self.handle.read(out).await;
        read.map_err(|failure| self.lost(failure))
    }

    /// Reads the only message of an answer, and its status.
    pub(crate) async fn only_message<'b, M: Decode<'b, C>>(
        &mut self,
        buffer: &'b mut [u8],
    ) -> Result<M, Status> {
        let len = self.only_len(buffer).await?;
        let message = M::decode(buffer.get(..len).unwrap_or_default());
        message.map_err(|error| Status::of(error.code()))
    }

    /// The same for its bytes, at the front of the buffer: how many.
    async fn only_len(&mut self, buffer: &mut [u8]) -> Result<usize, Status> {
        let mut len = None;
        loop {
            let rest = buffer.get_mut(len.unwrap_or(0)..).unwrap_or_default();
            let frame = self.handle.read_frame(rest).await;
            match frame.map_err(|failure| self.lost(failure))? {
                Frame::Metadata(_) => {}
                Frame::Message(read) if len.is_none() => len = Some(read),
                Frame::Message(_) => {
                    self.handle.break_off(Code::Internal);
                    return Err(Status::new(Code::Internal, "more than one response"));
                }
                Frame::Trailers(Code::Ok, _) | Frame::End => break,
                Frame::Trailers(code, len) => return Err(failed(code, rest, len)),
            }
        }
        len.ok_or_else(|| Status::new(Code::Internal, "no response"))
    }

    /// The length of the next message, whole in the buffer or only begun; `None` at the end.
    async fn next_message(
        &mut self,
        buffer: &mut [u8],
        whole: bool,
    ) -> Result<Option<usize>, Status> {
        loop {
            let frame = self.handle.read_on(buffer, whole).await;
            match frame.map_err(|failure| self.lost(failure))? {
                Frame::Metadata(_) => {}
                Frame::Message(len) => return Ok(Some(len)),
                Frame::Trailers(Code::Ok, _) => return Ok(None),
                Frame::Trailers(code, len) => return Err(failed(code, buffer, len)),
                Frame::End => return self.end(),
            }
        }
    }

    /// Why the call cannot be read on.
    fn lost(&self, failure: Failure) -> Status {
        let status = self.handle.status(failure);
        status.unwrap_or_else(|| failure.into())
    }

    /// What is said at the end, again.
    fn end<M>(&mut self) -> Result<Option<M>, Status> {
        match self.handle.trailers() {
            None | Some(Code::Ok) => Ok(None),
            Some(code) => Err(Status::of(code)),
        }
    }
}

/// The status of trailers whose block was read.
fn failed(code: Code, buffer: &[u8], len: usize) -> Status {
    Status::of_trailers(code, buffer.get(..len).unwrap_or_default())
}

/// What a client sends. Its drop before [`half_close`](Self::half_close) cancels the call.
#[derive(Debug)]
pub struct Sender<'a, C, const N: usize, const W: usize, const T: usize> {
    handle: Handle<'a, N, W, T>,
    codec: PhantomData<fn(C)>,
}

impl<'a, C, const N: usize, const W: usize, const T: usize> Sender<'a, C, N, W, T> {
    pub(crate) const fn new(handle: Handle<'a, N, W, T>) -> Self {
        Self {
            handle,
            codec: PhantomData,
        }
    }

    /// Encodes a message into the buffer and sends it, as the server takes it. It may still wait in
    /// memory then.
    ///
    /// # Cancel safety
    /// Dropping the future in the middle of a message ends the call; before its first byte went, the
    /// message is not sent.
    ///
    /// # Errors
    /// The status of a call that is over: then the [`Receiver`] has more to say.
    /// RESOURCE_EXHAUSTED for a message longer than the buffer, or than the server takes.
    pub async fn send<M: Encode<C> + ?Sized>(
        &mut self,
        message: &M,
        buffer: &mut [u8],
    ) -> Result<(), Status> {
        Ok(send_message(&mut self.handle, message, buffer).await?)
    }

    /// Begins a message of `len` bytes; [`write`](Self::write) all of them.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn begin_message(&mut self, len: u32) -> Result<(), Status> {
        Ok(begin_message(&mut self.handle, len).await?)
    }

    /// Sends a piece of the message that was [begun](Self::begin_message). Dropping the future in the
    /// middle of it ends the call.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Status> {
        let parts = Parts::of(&[bytes]);
        Ok(self.handle.send(Kind::Message, parts, 0, false).await?)
    }

    /// Ends the messages. The answer may still come.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn half_close(mut self) -> Result<(), Status> {
        let end = self.handle.send(Kind::Message, Parts::NONE, 0, true);
        end.await?;
        self.handle.done();
        Ok(())
    }
}

/// What a server sends. Its drop before [`finish`](crate::Incoming::finish) ends the call as INTERNAL.
#[derive(Debug)]
pub struct Responder<'a, C, const N: usize, const W: usize, const T: usize> {
    handle: Handle<'a, N, W, T>,
    has_metadata: bool,
    codec: PhantomData<fn(C)>,
}

impl<'a, C, const N: usize, const W: usize, const T: usize> Responder<'a, C, N, W, T> {
    pub(crate) const fn new(handle: Handle<'a, N, W, T>) -> Self {
        Self {
            handle,
            has_metadata: false,
            codec: PhantomData,
        }
    }

    /// Sends the initial metadata. Without, it is empty and goes before the first message.
    ///
    /// # Errors
    /// INTERNAL if it was sent before; the status of a call that is over.
    pub async fn send_metadata<const M: usize>(
        &mut self,
        metadata: &Metadata<M>,
    ) -> Result<(), Status> {
        Ok(self.send_block(metadata.as_bytes()).await?)
    }

    /// Encodes a message into the buffer and sends it, as the client takes it.
    ///
    /// # Cancel safety
    /// As that of [`Sender::send`].
    ///
    /// # Errors
    /// CANCELLED when the client has left, DEADLINE_EXCEEDED when its time is over;
    /// RESOURCE_EXHAUSTED for a message longer than the buffer, or than the client takes.
    pub async fn send<M: Encode<C> + ?Sized>(
        &mut self,
        message: &M,
        buffer: &mut [u8],
    ) -> Result<(), Status> {
        self.begin().await?;
        Ok(send_message(&mut self.handle, message, buffer).await?)
    }

    /// Begins a message of `len` bytes; [`write`](Self::write) all of them.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn begin_message(&mut self, len: u32) -> Result<(), Status> {
        self.begin().await?;
        Ok(begin_message(&mut self.handle, len).await?)
    }

    /// Sends a piece of the message that was [begun](Self::begin_message). Dropping the future in the
    /// middle of it ends the call.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Status> {
        let parts = Parts::of(&[bytes]);
        Ok(self.handle.send(Kind::Message, parts, 0, false).await?)
    }

    /// Waits until the call is over before it is finished: CANCELLED when the client has left,
    /// DEADLINE_EXCEEDED when its time is over, UNAVAILABLE when the connection is lost. For who waits
    /// for something else than the client. Dropping the future does no harm.
    pub async fn closed(&mut self) -> Status {
        self.handle.closed().await.into()
    }

    pub(crate) async fn finish(&mut self, status: &Status, metadata: &[u8]) -> Result<(), Status> {
        let message = status.encoded_message();
        let text = message.as_bytes();
        let (name, end): (&[u8], &[u8]) = match text.is_empty() {
            true => (b"", b""),
            false => (b"grpc-message: ", b"\r\n"),
        };
        let code = status.code().grpc_status().as_bytes();
        let mut parts = Parts::of(&[
            &[0; 5],
            b"grpc-status: ",
            code,
            b"\r\n",
            name,
            text,
            end,
            metadata,
        ]);
        let prefix = prefix(FrameKind::Metadata, parts.len().saturating_sub(5));
        parts.set_first(&prefix);
        self.handle.send(Kind::Trailers, parts, 0, true).await?;
        self.handle.done();
        Ok(())
    }

    async fn begin(&mut self) -> Result<(), Failure> {
        if self.has_metadata {
            return Ok(());
        }
        self.send_block(&[]).await
    }

    async fn send_block(&mut self, block: &[u8]) -> Result<(), Failure> {
        let prefix = prefix(FrameKind::Metadata, block.len());
        let parts = Parts::of(&[&prefix, block]);
        self.handle.send(Kind::Metadata, parts, 0, false).await?;
        self.has_metadata = true;
        Ok(())
    }
}

/// Encodes a message to the front of the buffer.
pub(crate) fn encode<'b, C, M: Encode<C> + ?Sized>(
    message: &M,
    buffer: &'b mut [u8],
) -> Result<&'b [u8], Failure> {
    let encoded = message.encode(buffer);
    let len = encoded.map_err(|_| TOO_SHORT)?;
    Ok(buffer.get(..len).unwrap_or_default())
}

async fn send_message<C, M: Encode<C> + ?Sized, const N: usize, const W: usize, const T: usize>(
    handle: &mut Handle<'_, N, W, T>,
    message: &M,
    buffer: &mut [u8],
) -> Result<(), Failure> {
    let message = encode(message, buffer)?;
    let prefix = prefix(MESSAGE, message.len());
    let parts = Parts::of(&[&prefix, message]);
    handle.send(Kind::Message, parts, 0, false).await
}

async fn begin_message<const N: usize, const W: usize, const T: usize>(
    handle: &mut Handle<'_, N, W, T>,
    len: u32,
) -> Result<(), Failure> {
    let prefix = prefix(MESSAGE, usize::try_from(len).unwrap_or(usize::MAX));
    let parts = Parts::of(&[&prefix]);
    handle.send(Kind::Message, parts, 0, false).await
}
